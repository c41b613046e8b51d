from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from blake3 import blake3
from safetensors.torch import load_file
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack
from transformers import Qwen2Config, Qwen2ForCausalLM, Trainer, TrainerCallback, TrainingArguments

from memory import MemorySystem
from memory.agent import PalimpsestCallback
from memory.errors import InvalidArgument
from memory.safety.settings import SafetySettings

WRITES = ("modification", "coupled_modification")
QUIET = SafetySettings(ignore=("norm_ratio", "share_of_model", "coupled", "checkpoint"))
torch.set_num_threads(1)


def small_model() -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=32,
            hidden_size=8,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            tie_word_embeddings=True,
        )
    )


TOKENS = torch.randint(0, 32, (16, 6), generator=torch.Generator().manual_seed(1))
ROWS = [{"input_ids": each, "labels": each} for each in TOKENS]


def bits_of(model: torch.nn.Module) -> dict[str, bytes]:
    return {name: tensor.view(torch.uint8).numpy().tobytes() for name, tensor in model.state_dict().items()}


class Keeping(TrainerCallback):
    """Keeps the bits after each step, and does something of a test's at one of them."""

    def __init__(self, then=None) -> None:
        self.bits: dict[int, dict[str, bytes]] = {}
        self.modes: list[int] = []
        self.then = then

    def on_step_end(self, args, state, control, model, **kwargs):
        self.bits[state.global_step] = bits_of(model)
        self.modes.append(len(_get_current_dispatch_mode_stack()))
        if self.then is not None:
            self.then(state.global_step)


@pytest.fixture(scope="module", autouse=True)
def _collected_quickly():
    """Keep the Trainer's collection of garbage, which it begins with, from looking at all that was ever imported."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def run(memory, folder, *, model=None, then=None, resume=None, options=None, trainer=Trainer, **arguments):
    """Train a small tied model; give all that took part."""
    model = small_model() if model is None else model
    before, keeping = bits_of(model), Keeping(then)
    callback = PalimpsestCallback(memory, **(options or {}))
    settings = {"max_steps": 4, "logging_steps": 2, "save_strategy": "no", "learning_rate": 0.05} | arguments
    args = TrainingArguments(
        folder / "out", use_cpu=True, report_to=[], disable_tqdm=True, per_device_train_batch_size=4, **settings
    )
    made = trainer(model, args, train_dataset=ROWS, eval_dataset=ROWS[:4], callbacks=[keeping, callback])
    error = None
    try:
        made.train(resume_from_checkpoint=resume)
    except Exception as raised:  # noqa: BLE001 - the test looks at it
        error = raised
    return SimpleNamespace(
        model=model, callback=callback, bits=keeping.bits | {0: before}, modes=keeping.modes, error=error, made=made
    )


def opened(path: Path, safety: SafetySettings = QUIET) -> MemorySystem:
    return MemorySystem(path, durability="normal", seed=1, safety=safety)


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """A training as most are, with evaluations and checkpoints; nobody changes anything of it afterwards."""
    folder = tmp_path_factory.mktemp("usual")
    with opened(folder / "research.db") as memory:
        done = run(
            memory,
            folder,
            eval_strategy="steps",
            eval_steps=2,
            save_strategy="steps",
            save_steps=2,
            save_total_limit=1,
            options={"checkpoint": True},
        )
        done.memory, done.folder = memory, folder
        assert done.error is None
        yield done


@pytest.fixture
def memory(tmp_path):
    with opened(tmp_path / "research.db") as memory:
        yield memory


@pytest.fixture
def train(memory, tmp_path):
    return lambda **options: run(options.pop("into", memory), tmp_path, **options)


@pytest.fixture
def events(memory):
    return lambda *types: events_of(memory, *types)


@pytest.fixture
def observed(memory):
    return lambda category: observed_of(memory, category)


def events_of(memory, *types):
    return list(memory.store.read(types=types or None))


def observed_of(memory, category) -> list[dict]:
    return [each.payload.data for each in events_of(memory, "observation") if each.payload.category == category]


# Steps


def test_each_optimizer_step_is_an_act_with_one_event_for_every_storage_the_tied_one_coupled(usual):
    by_act: dict[str, list] = {}
    for event in events_of(usual.memory, *WRITES):
        by_act.setdefault(event.act_id, []).append(event.payload)
    parameters = [name for name, _ in usual.model.named_parameters()]
    assert [len(each) for each in by_act.values()] == [len(parameters)] * 4
    for number, writes in enumerate(by_act.values(), start=1):
        assert {write.modification["step"] for write in writes} == {number}
        coupled = [write for write in writes if write.coupled_layers]
        assert [(write.primary_layer, write.coupled_layers) for write in coupled] == [
            ("lm_head.weight", ("model.embed_tokens.weight",))
        ]
    assert not events_of(usual.memory, "unattributed_write")
    assert usual.memory.verify().ok


@pytest.mark.parametrize(
    "arguments",
    [
        {"gradient_accumulation_steps": 2, "bf16": True, "optim": "adamw_torch_fused"},
        {"optim": "sgd", "lr_scheduler_type": "cosine", "max_grad_norm": 0.0},
    ],
)
def test_every_step_comes_back_bit_for_bit_whatever_the_training_is_like(memory, train, events, arguments):
    done = train(options={"deltas": "each"}, **arguments)
    assert (done.error, sorted(done.callback.positions)) == (None, [1, 2, 3, 4])
    for step in (3, 1, 4):
        memory.restore(done.callback.positions[step])
        assert bits_of(done.model) == done.bits[step]
    memory.restore(done.callback.began)
    assert bits_of(done.model) == done.bits[0]
    assert not events("unattributed_write")


def test_nothing_is_open_outside_of_the_optimizers_step_and_the_optimizer_is_left_as_it_was(usual):
    assert set(usual.modes) == {0}
    # The scheduler's own wrapper is there again.
    assert usual.made.optimizer.step._wrapped_by_lr_sched


def test_several_steps_make_one_act_where_that_is_asked_for(train, events):
    train(options={"steps_per_act": 3})
    assert len({event.act_id for event in events(*WRITES)}) == 2


def test_the_writes_are_left_to_a_watch_that_is_open_around_the_training(memory, train, events):
    model = small_model()
    memory.attach(model, name="qwen")
    with memory.watch("mine", deltas="end") as watching:
        done = train(model=model)
    assert (done.error, watching.steps, dict(done.callback.positions)) == (None, 4, {})
    assert {write.payload.modification["label"] for write in events(*WRITES)} == {"mine"}
    assert len(events("metrics_recorded")) == 2


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_adapters_are_trained_and_what_they_adapt_is_not_written(train, events):
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(small_model(), LoraConfig(r=2, target_modules=["q_proj"]))
    done = train(model=model)
    assert done.error is None
    assert {event.payload.storage_key.rpartition(".q_proj.")[2] for event in events(*WRITES)} == {
        "lora_A.default.weight",
        "lora_B.default.weight",
    }


# Metrics


def test_what_measures_the_model_is_a_metric_and_what_is_about_the_run_is_not(usual):
    events = events_of(usual.memory, "metrics_recorded")
    recorded = [event.payload for event in events]
    assert [(sorted(each.metrics), each.sample) for each in recorded] == [
        (["loss"], None),
        (["eval_loss"], "evaluation"),
    ] * 2
    assert {event.act_id for event in events} <= {event.act_id for event in events_of(usual.memory, *WRITES)}
    about_the_run = observed_of(usual.memory, "training")
    assert about_the_run[0].keys() >= {"step", "learning_rate", "grad_norm", "epoch"}
    assert any("eval_runtime" in each for each in about_the_run)
    assert any("train_loss" in each for each in about_the_run)
    better = {event.payload.name: event.payload.better for event in events_of(usual.memory, "metric_defined")}
    assert better == {"loss": "lower", "eval_loss": "lower"}


def test_metrics_are_defined_once_and_never_against_what_somebody_said(memory, train, events):
    memory.define_metric("loss", better="higher")
    done = train(max_steps=1, metric_for_best_model="accuracy", greater_is_better=True)
    train(max_steps=1, model=done.model, metric_for_best_model="accuracy", greater_is_better=True)
    assert [(event.payload.name, event.payload.better) for event in events("metric_defined")] == [
        ("loss", "higher"),
        ("eval_loss", "lower"),
        ("eval_accuracy", "higher"),
    ]


# Checkpoints, and what is put back


def test_a_checkpoint_of_the_trainer_is_on_record_with_its_position_and_digests(usual):
    memory = usual.memory
    first, second = observed_of(memory, "trainer_checkpoint")
    folder = usual.folder / "out" / "checkpoint-4"
    assert (first["step"], second["step"], second["path"]) == (2, 4, str(folder))
    assert second["no_more"] == [2]
    digests = {file["name"]: file["blake3"] for file in second["files"]}
    assert digests.keys() == {path.name for path in folder.iterdir()}
    assert digests["model.safetensors"] == blake3((folder / "model.safetensors").read_bytes()).hexdigest()
    held = load_file(folder / "model.safetensors")
    then = memory.at(second["position"])
    assert all(torch.equal(tensor, then[name]) for name, tensor in held.items())
    # The folder of this one is gone, and its state is not.
    held = memory.at(first["position"])
    assert held["model.norm.weight"].view(torch.uint8).numpy().tobytes() == usual.bits[2]["model.norm.weight"]
    assert [each.description for each in memory.checkpoints.list_checkpoints()] == [
        "training step 2",
        "training step 4",
    ]


def test_a_resumed_training_begins_with_a_restore_to_the_state_that_was_saved(memory, train, events, tmp_path):
    first = train(max_steps=3, save_strategy="steps", save_steps=2)
    second = train(max_steps=5, resume=str(tmp_path / "out" / "checkpoint-2"))
    assert (first.error, second.error) == (None, None)
    (restored,) = [event.payload for event in events("restored")]
    assert restored.to_position == first.callback.positions[2]
    assert "resumed from a checkpoint at step 2" in restored.reason
    assert sorted(second.callback.positions) == [5]
    memory.restore(second.callback.began)
    assert bits_of(second.model) == first.bits[2]
    assert memory.verify().ok


def test_the_best_model_that_is_loaded_at_the_end_is_a_restore_to_it(memory, train, events):
    done = train(
        eval_strategy="steps",
        eval_steps=1,
        save_strategy="best",
        metric_for_best_model="eval_loss",
        load_best_model_at_end=True,
        learning_rate=3.0,
    )
    best = done.made.state.best_global_step
    assert best < 4
    (restored,) = [event.payload for event in events("restored")]
    assert restored.to_position == done.callback.positions[best]
    assert "best model" in restored.reason
    assert not events("unattributed_write")
    memory.restore(done.callback.positions[4])
    assert bits_of(done.model) == done.bits[4]


# However it ends


@pytest.mark.parametrize("deltas", ["each", "end"])
def test_an_exception_in_a_training_leaves_nothing_open_and_the_record_whole(memory, train, events, observed, deltas):
    def fail(step: int) -> None:
        if step == 2:
            raise ValueError("enough")

    done = train(then=fail, options={"deltas": deltas})
    assert isinstance(done.error, ValueError)
    assert _get_current_dispatch_mode_stack() == []
    with memory.edit("lm_head.weight") as weight:
        weight.mul_(2)
    assert memory.verify_weights() == ()
    assert not events("unattributed_write")
    memory.restore(done.callback.positions[2])
    assert bits_of(done.model) == done.bits[2]
    done.callback.close("the data were wrong")
    (ended,) = observed("training_interrupted")
    assert (ended["steps_made"], ended["why"]) == (2, "the data were wrong")


def test_an_optimizer_that_fails_in_its_step_leaves_what_it_wrote_on_record(memory, train, events):
    class Failing(torch.optim.SGD):
        def step(self, closure=None):
            with torch.no_grad():
                self.param_groups[0]["params"][0].add_(1)
            raise ValueError("enough")

    class Its(Trainer):
        def create_optimizer(self, model=None):
            self.optimizer = Failing(self.model.parameters(), lr=0.1)
            return self.optimizer

    done = train(trainer=Its)
    assert isinstance(done.error, ValueError)
    assert _get_current_dispatch_mode_stack() == []
    assert [event.payload.primary_layer for event in events(*WRITES)] == ["lm_head.weight"]
    assert memory.verify_weights() == ()


def test_a_training_after_one_that_failed_ends_its_record_first(memory, train, observed):
    def fail(step: int) -> None:
        raise ValueError("enough")

    failed = train(then=fail)
    with failed.callback:
        failed.made.remove_callback(Keeping)
        failed.made.train()
    assert [each["why"] for each in observed("training_interrupted")] == ["another training began"]
    assert [each["step"] for each in observed("training_ended")] == [4]


def test_a_step_that_never_came_is_in_the_way_of_no_later_training(memory, train, events, observed):
    class Raising(TrainerCallback):
        def on_pre_optimizer_step(self, args, state, control, **kwargs):
            if state.global_step == 1:
                raise ValueError("enough")

    class Its(Trainer):
        def __init__(self, *args, callbacks, **settings):
            super().__init__(*args, callbacks=[*callbacks, Raising()], **settings)

    failed = train(trainer=Its)
    assert isinstance(failed.error, ValueError)
    failed.made.remove_callback(Raising)
    failed.made.train()
    (ended,) = observed("training_ended")
    assert ended["steps_made"] == 4
    assert len({event.act_id for event in events(*WRITES)}) == 1 + 4
    assert memory.verify_weights() == ()


def test_a_stop_that_is_ordered_in_a_step_ends_the_training_in_good_order_and_says_why(memory, train, observed):
    def stop(step: int) -> None:
        if step == 2:
            memory.safety.emergency_stop("it answers in tongues")

    done = train(then=stop, eval_strategy="steps", eval_steps=1, max_steps=9)
    assert done.error is None
    assert max(done.bits) == 2
    assert [each["why"] for each in observed("training_stopped") if "why" in each] == ["it answers in tongues"]
    memory.safety.clear_emergency("looked at")
    memory.restore(done.callback.positions[2])
    assert bits_of(done.model) == done.bits[2]


def test_the_optimizer_does_not_write_to_a_model_that_was_stopped_since_its_forward(memory, train, events):
    class Stopping(Trainer):
        def training_step(self, *args, **kwargs):
            loss = super().training_step(*args, **kwargs)
            if self.state.global_step == 1:
                memory.safety.emergency_stop("no more")
            return loss

    done = train(trainer=Stopping)
    assert done.error is None
    assert done.bits[2] == done.bits[1]
    assert {event.payload.modification["step"] for event in events(*WRITES)} == {1}


def test_a_loss_that_stops_the_model_by_a_rule_stops_its_training(tmp_path, train):
    settings = SafetySettings(stop=("metric_nonfinite",), ignore=QUIET.ignore)

    class Exploding(Trainer):
        def log(self, logs, *args, **kwargs):
            super().log({**logs, "quality": float("nan")} if "loss" in logs else logs, *args, **kwargs)

    with opened(tmp_path / "strict.db", settings) as strict:
        done = train(into=strict, trainer=Exploding, eval_strategy="steps", eval_steps=2, max_steps=9)
        assert (done.error, max(done.bits)) == (None, 2)


# The rest


def test_neither_torch_nor_transformers_is_imported_before_the_callback_is_asked_for():
    code = "import memory.agent, sys, json; print(json.dumps(sorted({'torch', 'transformers'} & set(sys.modules))))"
    root = Path(__file__).parents[3]
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True).stdout
    assert json.loads(printed) == []


def test_what_makes_no_sense_is_refused_when_the_callback_is_made(usual):
    for wrong in ({"deltas": "some"}, {"steps_per_act": 0}, {"tags": "a"}):
        with pytest.raises(InvalidArgument):
            PalimpsestCallback(usual.memory, **wrong)
