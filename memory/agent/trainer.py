"""Records what a transformers Trainer does to a model: steps as acts, metrics, checkpoints, and what it puts back."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from types import MethodType, TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from transformers import TrainerCallback

from memory.agent.training_log import Sorted, checkpoint_folder, describe_folder, sort_evaluation, sort_logs
from memory.recording.watch_plan import plan_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from torch.nn import Module

    from memory.recording.attached import AttachedModel
    from memory.recording.step_watch import StepWatch
    from memory.safety.surroundings import Stop
    from memory.system import MemorySystem


class PalimpsestCallback(TrainerCallback):  # type: ignore[misc]  # transformers is not typed for us
    """Keeps the record of a training: give it to a `transformers.Trainer` as one of its `callbacks`.

    - Each optimizer step is an act: one event for every storage it writes, the tied ones once, under all their names.
      The model is looked at only while the optimizer writes: forwards and backwards run as ever, and an exception
      anywhere leaves no hook behind, and what was written until then on record.
    - `loss`, `eval_loss` and whatever else measures the model are metrics; the learning rate, the norm of the gradient
      and speed are observations of the system.
    - A checkpoint that the Trainer saves is an observation with its position and the digest of every file; the bytes
      are read then, so that the record can put that state back by itself.
    - What `resume_from_checkpoint` and `load_best_model_at_end` put back is a `restored` event, with the position of
      that state where this record has it.
    - Under an emergency stop no further step is made, and the training ends in good order, on record with the reason.

    Where `memory.watch` is open around the training, the writes are left to it. Of several processes that train
    replicas, the first one records; a model that is spread over them cannot be watched.

    Args:
        memory: The record. The model is attached when the Trainer has it, if it is not yet.
        model: What the model is called in the record; None for the name it is attached under, or else `model`.
        label: What the training is, in words.
        deltas: How often the bytes are read besides at checkpoints: `each` step, every so many steps, or at the `end`.
        steps_per_act: How many optimizer steps make one act.
        checkpoint: Whether the memory saves a checkpoint of its own too, whenever the Trainer saves one.
        tags: Your own tags, for writes and observations.

    Raises:
        InvalidArgument: There is no such granularity.

    Example:
        callback = PalimpsestCallback(memory, deltas=50)
        trainer = Trainer(model, args, train_dataset=..., callbacks=[callback])
        trainer.train()
        memory.restore(callback.positions[50])   # as step 50 left it
        memory.restore(callback.began)           # as if it had never been trained
    """

    def __init__(
        self,
        memory: MemorySystem,
        *,
        model: str | None = None,
        label: str = "training",
        deltas: Literal["each", "end"] | int = "end",
        steps_per_act: int = 1,
        checkpoint: bool = False,
        tags: tuple[str, ...] = (),
    ) -> None:
        plan_of(label, deltas, None, None, tags, steps_per_act=steps_per_act)
        self._memory = memory
        self._name = model
        self._label = label
        self._deltas: Literal["each", "end"] | int = deltas
        self._steps_per_act = steps_per_act
        self._checkpoint = checkpoint
        self._tags = tags
        self._steps: StepWatch | None = None
        self._training = False
        self._model: str | None = None
        self._stop: Stop | None = None
        self._awaited: object | None = None
        """The step of the optimizer that is to be watched next."""
        self._evaluated: dict[str, float] = {}
        self._saved: dict[int, str] = {}
        """Step to the folder the Trainer saved it in."""

    @property
    def positions(self) -> Mapping[int, int]:
        """The Trainer's count of steps to the position of the state it left, for every step whose bytes were read."""
        return {} if self._steps is None else self._steps.watching.positions

    @property
    def began(self) -> int:
        """The log's last position before the first step: restoring it undoes all of the training."""
        return 0 if self._steps is None else self._steps.watching.began

    def close(self, reason: str = "ended by its user") -> None:
        """End the record of a training that its Trainer does not end: after an exception, or an interrupt.

        Not needed to go on: the next training, and whoever edits, restores or verifies the model, does the same.

        Args:
            reason: Why, for the record.
        """
        if self._training:
            self._end("interrupted", reason)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close("ended by its user" if error is None else repr(error))

    # What the Trainer tells

    def on_init_end(self, args: Any, state: Any, control: Any, model: Module | None = None, **kwargs: Any) -> None:
        """Attach the model, so that what is put back before the first step is known from what was there."""
        if state.is_world_process_zero and model is not None:
            self._attached(model)

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Module, **kwargs: Any) -> None:
        """Begin a record; one that was begun and not ended (an exception, a smaller batch) is ended first."""
        self.close("another training began")
        if not state.is_world_process_zero:
            return
        attached = self._attached(model)
        self._stop, self._evaluated, self._training = None, {}, True
        resumed = bool(state.global_step)
        if resumed:
            self._put_back(attached, f"resumed from a checkpoint at step {state.global_step}")
        self._define(args)
        watched = bool(attached.busy) and attached.between_steps is None
        self._steps = None if watched else self._watch(attached.name)
        data = {
            "step": state.global_step,
            "max_steps": state.max_steps,
            "resumed": resumed,
            "batch_size": args.train_batch_size,
            "gradient_accumulation_steps": args.gradient_accumulation_steps,
            "learning_rate": args.learning_rate,
            "optimizer": str(getattr(args.optim, "value", args.optim)),
            "precision": "bf16" if args.bf16 else "fp16" if args.fp16 else "as loaded",
            "seed": args.seed,
            "output": str(args.output_dir),
        }
        self._observe("system_event", "training_began", f"{self._label}: it began", data)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, optimizer: Any = None, **kwargs: Any) -> None:
        """Have the optimizer's next step, and only that, be watched; or left out, where the model was stopped."""
        if not self._training or optimizer is None:
            return
        steps, number, awaited = self._steps, state.global_step + 1, object()

        def around() -> AbstractContextManager[object] | None:
            if self._awaited is not awaited:
                # Somebody raised before the step this was for.
                return nullcontext()
            self._awaited = None
            if self._stopped():
                return None
            return nullcontext() if steps is None else steps.step(number)

        self._awaited = awaited
        _once(optimizer, around)

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        """Stop where the step was left out."""
        return self._obey(control)

    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        """Look for a stop between two batches of one step."""
        self._stopped()
        return self._obey(control)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        """Look for a stop."""
        self._stopped()
        return self._obey(control)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        """Keep a stopped model from being evaluated."""
        return self._obey(control)

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any], **kwargs: Any) -> Any:
        """Record the loss, and what is logged about the run."""
        if self._training:
            if "train_runtime" in logs and self._steps is not None:
                # The last there is before the best model is loaded over what the last step left.
                self._steps.read()
            self._record(sort_logs(logs), state, None)
            self._stopped()
        return self._obey(control)

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Mapping[str, Any], model: Module, **kwargs: Any
    ) -> Any:
        """Record an evaluation, one outside of a training too."""
        if state.is_world_process_zero:
            self._attached(model)
            found = sort_evaluation(metrics)
            self._evaluated |= found.metrics
            self._record(found, state, "evaluation")
            if self._training:
                self._stopped()
        return self._obey(control)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        """Record a checkpoint of the Trainer, and save one of the memory's where that is asked for."""
        if self._training:
            self._save(args, state)
        return self._obey(control)

    def on_train_end(self, args: Any, state: Any, control: Any, model: Module, **kwargs: Any) -> None:
        """Record what was put back, and end the record."""
        if not self._training:
            return
        attached = self._attached(model)
        if args.load_best_model_at_end and state.best_model_checkpoint is not None:
            self._put_back(attached, f"the best model, {state.best_metric:g} at {state.best_model_checkpoint}")
        if self._stop is not None:
            self._end("stopped", self._stop.message, state.global_step)
        else:
            self._end("ended", "all steps were made" if state.global_step >= state.max_steps else "", state.global_step)

    # What is made of it

    def _attached(self, model: Module) -> AttachedModel:
        """Give the model as it is attached; attach it where it is not."""
        known = next((each for each in self._memory.attached_models if each.module is model), None)
        if known is None or self._name not in (None, known.name):
            known = self._memory.attach(model, name=self._name or "model")
        self._model = known.name
        return known

    def _watch(self, name: str) -> StepWatch:
        return self._memory.watch_steps(
            self._label, model=name, deltas=self._deltas, steps_per_act=self._steps_per_act, tags=self._tags
        )

    def _define(self, args: Any) -> None:
        """Say which way metrics are better, where nobody did."""
        better: dict[str, Literal["lower", "higher"]] = {"loss": "lower", "eval_loss": "lower"}
        if args.metric_for_best_model is not None:
            chosen = str(args.metric_for_best_model).removeprefix("eval_")
            better[f"eval_{chosen}"] = "higher" if args.greater_is_better else "lower"
        for metric, side in better.items():
            if self._memory.safety.evaluations.meaning(metric, self._model).better is None:
                self._memory.define_metric(metric, better=side, model=self._model)

    def _put_back(self, attached: AttachedModel, reason: str) -> None:
        """Record that the Trainer loaded weights, where they are not what the log says."""
        attached.settle()
        _, states = attached.seen_now()
        if any(state.fingerprint != attached.fingerprints.get(state.key) for state in states):
            self._memory.record_restore(model=attached.name, reason=f"{self._label}: {reason}")

    def _record(self, found: Sorted, state: Any, sample: str | None) -> None:
        act = None if self._steps is None or not self._training else self._steps.watching.act
        if found.metrics:
            self._memory.record_metrics(found.metrics, sample=sample, act=act, model=self._model)
        if found.run:
            data = {"step": state.global_step, **found.run}
            self._observe("system_event", "training", f"{self._label}, step {state.global_step}", data, act)

    def _save(self, args: Any, state: Any) -> None:
        step = int(state.global_step)
        if self._steps is not None:
            self._steps.read()
        position = self._memory.store.head().position
        folder = checkpoint_folder(args.output_dir, step)
        if folder is not None:
            data = {"step": step, "position": position, "best": state.best_global_step == step}
            gone = [at for at, path in self._saved.items() if checkpoint_folder(args.output_dir, at) is None]
            if gone:
                # The Trainer keeps no more than `save_total_limit` of them; the states stay on record.
                data["no_more"] = gone
            for at in gone:
                del self._saved[at]
            self._saved[step] = str(folder)
            text = f"{self._label}, step {step}: the Trainer saved {folder.name}"
            self._observe("checkpoint", "trainer_checkpoint", text, data | describe_folder(folder))
        if self._checkpoint:
            self._memory.checkpoint(
                f"{self._label} step {step}", model=self._model, tags=self._tags, benchmarks=self._evaluated
            )

    def _stopped(self) -> bool:
        """Look whether the model is under an emergency stop; record it once."""
        if self._stop is None and self._training:
            self._stop = self._memory.safety.stopped(model=self._model)
            if self._stop is not None:
                text = f"{self._label}: it is stopped, for the model is under an emergency stop: {self._stop.message}"
                self._observe("safety_event", "training_stopped", text, {"alert": self._stop.position})
        return self._stop is not None

    def _obey(self, control: Any) -> Any:
        """Have a stopped training end: a forward of the model would raise."""
        if self._training and self._stop is not None:
            control.should_training_stop, control.should_evaluate = True, False
        return control

    def _end(self, how: str, why: str, step: int | None = None) -> None:
        self._training, self._awaited = False, None
        if self._steps is not None:
            self._steps.end()
        made = 0 if self._steps is None else self._steps.watching.steps
        data = {"step": step, "steps_made": made, "why": why}
        self._observe("system_event", f"training_{how}", f"{self._label}: it {how}", data)

    def _observe(
        self, obs_type: str, category: str, text: str, data: Mapping[str, Any], act: str | None = None
    ) -> None:
        importance = 0.9 if obs_type == "safety_event" else 0.2
        self._memory.record_observation(
            obs_type, category, text, data, self._tags, importance, model=self._model, act=act
        )


def _once(optimizer: Any, around: Callable[[], AbstractContextManager[object] | None]) -> None:
    """Have an optimizer's next step run inside a block, or not at all; from then on it steps as ever.

    torch calls no hook after a step that raises, so a block that is to end with the step must be around it. A step that
    never comes leaves it there: then it is a method, as torch's schedulers want one, and does nothing by itself.
    """
    own, as_ever = vars(optimizer).get("step"), optimizer.step

    def step(_: Any, *args: Any, **kwargs: Any) -> Any:
        if vars(optimizer).get("step") is once:
            if own is None:
                del optimizer.step
            else:
                optimizer.step = own
        block = around()
        if block is None:
            return None
        with block:
            return as_ever(*args, **kwargs)

    once = MethodType(step, optimizer)
    optimizer.step = once
