"""Gradients of a live model: what its output is sensitive to, token by token and layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import nn

from introspection.errors import InvalidArgument, NotAModel, UnknownName, UnsupportedStorage
from introspection.gradient_findings import gradient_findings, layers_of
from introspection.gradient_targets import Function, Target, TargetKind, cross_entropy, fixed_target, with_labels
from introspection.input_attribution import attributions, ranked, sensitivities
from introspection.input_points import run_from_points
from introspection.inputs import ModelInputs, model_inputs
from introspection.integration import StraightPath, gradients_of
from introspection.layer_calls import copied_inputs, each_input, unwrapped
from introspection.model_state import preserve_state
from introspection.names import named_modules, named_tensors
from introspection.parameter_gradients import gradient_statistics, storage_gradients
from introspection.scan import SharingScanner
from introspection.sharing import SharingMap
from introspection.similarity_measures import number, widened

InfluenceMeasure = Literal["gradient_x_input", "gradient_norm", "integrated_gradients"]

_UNCONVERGED = (
    "the contributions do not add up: the target turns too sharply on the path; a token as baseline is smoother than "
    "zeros, which normalisations magnify"
)


class GradientAnalyzer:
    """Takes gradients of a model without leaving a trace in it.

    `.grad`, `requires_grad`, mode, buffers, hooks and random number generators are as before, whatever happens; the
    model runs in evaluation mode, and parameters that are frozen have gradients too. A list of texts is run text by
    text, without padding; padding in inputs that have an attention mask is left out. Results are JSON-serialisable; a
    number that does not exist is None.

    Args:
        model: Any torch module.
        tokenizer: A transformers tokenizer, needed to give text and to see tokens in words.

    Raises:
        NotAModel: `model` is no torch.nn.Module.

    Example:
        analyzer = GradientAnalyzer(model, tokenizer)
        analyzer.influential_tokens("The capital of France is", top_k=3)
        analyzer.layer_gradients("The capital of France is Paris")["findings"]
    """

    def __init__(self, model: nn.Module, tokenizer: Callable[..., Any] | None = None) -> None:
        if not isinstance(model, nn.Module):
            raise NotAModel(model)
        self._model = model
        self._tokenizer = tokenizer

    def input_sensitivity(
        self,
        inputs: Any,
        target: TargetKind | Function = "logit",
        *,
        token: int | str | None = None,
        position: int = -1,
        labels: Any = None,
        max_length: int | None = None,
    ) -> dict[str, Any]:
        """The gradient of one number of the output with respect to each input embedding, or floating-point input.

        Args:
            inputs: Text, a list of texts, or what `model_inputs` takes.
            target: `logit` or `log_probability` (nats) of a token or class, the model's own `loss`, or a function from
                what the model returns to a tensor of one element.
            token: Which token or class, as its id or in words; None for the most probable one.
            position: The position whose prediction is meant, among real tokens; negative from the end.
            labels: For `loss`: ids, or text; None for the input itself, where the model is a causal language model.
            max_length: The most tokens of a text.

        Returns:
            `inputs`: for each, `target` (in words), `target_tokens`, `value`, and `sequences`: for each sequence
            `argument` (`input_ids`, `decoder_input_ids`, or the argument's name) and `tokens`: `position`, `token_id`,
            `token`, `gradient_norm` (l2), `gradient_x_input` (signed), and `share` (of the sum of gradient norms). For
            a floating-point input of shape (batch, features), each feature is a position.

        Raises:
            InvalidArgument: A target, token, position or labels that do not exist; inputs without real numbers.
            UnsupportedStorage: Weights that autograd cannot use, made in inference mode.
        """
        results = []
        for one in each_input(self._model, inputs, self._tokenizer, max_length):
            prepared, aim = self._aimed(one, target, labels)
            with self._recording_gradients():
                prepared = copied_inputs(prepared)
                output, points = run_from_points(self._model, prepared)
                fixed = fixed_target(output, prepared, aim, token, position, self._tokenizer)
                value = fixed.of(output)
                gradients = gradients_of(value, [point.value for point in points])
            sequences = [
                sequence
                for point, gradient in zip(points, gradients, strict=True)
                for sequence in sensitivities(point, gradient, prepared, self._tokenizer)
            ]
            results.append({**_target(fixed, value), "sequences": sequences})
        return {"inputs": results}

    def influential_tokens(
        self,
        inputs: Any,
        top_k: int = 5,
        *,
        measure: InfluenceMeasure = "gradient_x_input",
        target: TargetKind | Function = "logit",
        token: int | str | None = None,
        position: int = -1,
        max_length: int | None = None,
    ) -> dict[str, Any]:
        """The tokens of each input that the target depends on most.

        Args:
            inputs: Text, a list of texts, or what `model_inputs` takes.
            top_k: The most tokens to name for each input.
            measure: What to rank by the magnitude of. `gradient_norm` says how sensitive the target is to a change of
                the token's embedding, `gradient_x_input` to its removal, to first order; `integrated_gradients` to its
                removal, all the way.
            target: As `input_sensitivity`.
            token: As `input_sensitivity`.
            position: As `input_sensitivity`.
            max_length: The most tokens of a text.

        Returns:
            `inputs`: for each, `target`, `target_tokens`, `value`, `measure`, and `tokens`, most influential first:
            `sequence`, `argument`, `position`, `token_id`, `token`, `score` (signed, but for norms), and `share` (of
            the sum of magnitudes over all tokens of the sequence).

        Raises:
            InvalidArgument: As `input_sensitivity`; a `top_k` below 1; a measure that is none of the above.
        """
        if top_k < 1:
            raise InvalidArgument("top_k", top_k, "ask for at least one token")
        if measure == "integrated_gradients":
            found = self.integrated_gradients(inputs, target, token=token, position=position, max_length=max_length)
            key = "attribution"
        elif measure in ("gradient_x_input", "gradient_norm"):
            found = self.input_sensitivity(inputs, target, token=token, position=position, max_length=max_length)
            key = measure
        else:
            raise InvalidArgument(
                "measure", measure, "give 'gradient_x_input', 'gradient_norm' or 'integrated_gradients'"
            )
        return {
            "inputs": [
                {
                    "target": one["target"],
                    "target_tokens": one["target_tokens"],
                    "value": one["value"],
                    "measure": measure,
                    "tokens": ranked(one["sequences"], key)[:top_k],
                }
                for one in found["inputs"]
            ]
        }

    def integrated_gradients(
        self,
        inputs: Any,
        target: TargetKind | Function = "logit",
        *,
        token: int | str | None = None,
        position: int = -1,
        labels: Any = None,
        baseline: int | torch.Tensor | None = None,
        steps: int = 32,
        max_steps: int = 512,
        tolerance: float = 0.01,
        max_length: int | None = None,
    ) -> dict[str, Any]:
        """What each input contributes to the target, by integrating gradients on the straight path from a baseline.

        The contributions add up to the target's value less its value at the baseline (completeness), but for the error
        of integrating in steps, which is reported. Steps are doubled until that error is small enough.

        Args:
            inputs: Text, a list of texts, or what `model_inputs` takes.
            target: As `input_sensitivity`. The token chosen for the input itself is kept along the path.
            token: As `input_sensitivity`.
            position: As `input_sensitivity`.
            labels: As `input_sensitivity`.
            baseline: The id of a token whose embedding stands at every position; a tensor of the embeddings' shape, or
                one that broadcasts to it; None for zeros.
            steps: Points on the path at first (Gauss-Legendre).
            max_steps: The most points to try.
            tolerance: The most completeness error, of the difference between the two values of the target.
            max_length: The most tokens of a text.

        Returns:
            `inputs`: for each, what `input_sensitivity` gives, with `attribution` (signed) and `share` in place of
            gradients; `baseline_value`, `steps`, `completeness_error` (sum of attributions less the difference of
            values), `relative_completeness_error`, `converged`, and `findings`: a sentence if they do not add up.

        Raises:
            InvalidArgument: As `input_sensitivity`; fewer than one step; a baseline that does not fit.

        Source: Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks" (ICML 2017).
        """
        if not 1 <= steps <= max_steps:
            raise InvalidArgument("steps", steps, f"give between 1 and max_steps, {max_steps}")
        results = []
        for one in each_input(self._model, inputs, self._tokenizer, max_length):
            prepared, aim = self._aimed(one, target, labels)
            with self._recording_gradients():
                prepared = copied_inputs(prepared)
                output, points = run_from_points(self._model, prepared)
                fixed = fixed_target(output, prepared, aim, token, position, self._tokenizer)
                value = fixed.of(output).detach()
                path = StraightPath(self._model, prepared, fixed, points, baseline)
                difference = float(widened(value) - widened(path.start_value))
                taken = steps
                while True:
                    contributions = path.integrate(taken)
                    error = sum(float(each.sum()) for each in contributions) - difference
                    converged = abs(error) <= tolerance * abs(difference)
                    if converged or 2 * taken > max_steps:
                        break
                    taken *= 2
            sequences = [
                sequence
                for point, contribution in zip(points, contributions, strict=True)
                for sequence in attributions(point, contribution, prepared, self._tokenizer)
            ]
            results.append(
                {
                    **_target(fixed, value),
                    "baseline_value": number(float(path.start_value)),
                    "steps": taken,
                    "completeness_error": number(error),
                    "relative_completeness_error": number(error / difference) if difference else None,
                    "converged": converged,
                    "findings": [] if converged else [_UNCONVERGED],
                    "sequences": sequences,
                }
            )
        return {"inputs": results}

    def layer_gradients(
        self,
        inputs: Any,
        labels: Any = None,
        target: TargetKind | Function = "loss",
        *,
        parameters: Sequence[str] | None = None,
        token: int | str | None = None,
        position: int = -1,
        vanishing_ratio: float = 1e-3,
        exploding_norm: float = 100.0,
        max_length: int | None = None,
    ) -> dict[str, Any]:
        """The gradient of the loss, or another target, with respect to every storage of parameters, each counted once.

        What reaches the same bytes under several names is added up: ties, also of distinct parameters; transposed
        views; overlapping slices. Gradients of all parameters asked for are in memory at once.

        Args:
            inputs: Text, or what `model_inputs` takes; several texts are one padded batch here.
            labels: Ids, or text; None for the input itself, where the model is a causal language model. A plain
                module's loss is the mean cross-entropy of its output, in nats.
            target: As `input_sensitivity`.
            parameters: Names of parameters or paths of modules; None for every floating-point parameter.
            token: As `input_sensitivity`.
            position: As `input_sensitivity`.
            vanishing_ratio: How much smaller the gradients of a stack's first layer than those of its last, or the
                other way round, are a finding.
            exploding_norm: A norm of all gradients together above this is a finding.
            max_length: The most tokens of a text.

        Returns:
            `target`, `target_tokens`, `value`, `global_norm`; `parameters`: for each storage what
            `gradient_statistics` gives; `layers`: for each block of a stack `layer`, `stack`, `norm`, `rms`; `skipped`
            (parameters without values or of no floating-point type); `findings`: sentences.

        Raises:
            UnknownName: A parameter or module that does not exist.
            InvalidArgument: A target or labels that do not exist; no floating-point parameter.
            UnsupportedStorage: Weights that autograd cannot use, made in inference mode.
        """
        prepared, aim = self._aimed(
            model_inputs(self._model, inputs, self._tokenizer, max_length=max_length), target, labels
        )
        sharing = SharingScanner(self._model).current()
        held = {each.name: each.tensor for each in named_tensors(self._model) if each.kind == "parameter"}
        asked = set(held) if parameters is None else self._asked(sharing, held, parameters)
        # What other names lead to the same bytes is needed too, to add it up.
        wanted = asked.union(*(sharing.coupled(name) for name in asked))
        usable = {name: tensor for name, tensor in held.items() if name in wanted and _differentiable(tensor)}
        if not asked & set(usable):
            raise InvalidArgument("parameters", parameters, "none of them is a floating-point parameter with values")
        objects = list({id(tensor): tensor for tensor in usable.values()}.values())
        with self._recording_gradients():
            for tensor in objects:
                if not tensor.requires_grad:
                    tensor.requires_grad_()
            prepared = copied_inputs(prepared)
            output = prepared.call(self._model)
            fixed = fixed_target(output, prepared, aim, token, position, self._tokenizer)
            value = fixed.of(output)
            found = torch.autograd.grad(value, objects, allow_unused=True)
        gradients = {id(tensor): gradient for tensor, gradient in zip(objects, found, strict=True)}
        keys = sorted({sharing.storage_key(name) for name in asked & set(usable)}, key=list(held).index)
        entries = [gradient_statistics(each) for each in storage_gradients(sharing, keys, usable, gradients)]
        layers = layers_of(self._model, entries)
        result = {
            **_target(fixed, value),
            "global_norm": number(sum(entry["norm"] ** 2 for entry in entries if entry["norm"]) ** 0.5),
            "parameters": entries,
            "layers": layers,
            "skipped": sorted(asked - set(usable)),
        }
        return {**result, "findings": gradient_findings(result, vanishing_ratio, exploding_norm)}

    def _aimed(
        self, inputs: ModelInputs, target: TargetKind | Function, labels: Any
    ) -> tuple[ModelInputs, TargetKind | Function]:
        """The inputs with labels in them, where the target is the loss; the target, where a plain module has none."""
        if target != "loss":
            if labels is not None:
                raise InvalidArgument("labels", labels, "only the target 'loss' has labels")
            return inputs, target
        if "config" not in vars(unwrapped(self._model)):
            if labels is None:
                raise InvalidArgument("labels", None, "give what the model should have predicted")
            return inputs, cross_entropy(torch.as_tensor(labels))
        return with_labels(self._model, inputs, labels, self._tokenizer), target

    @contextmanager
    def _recording_gradients(self) -> Iterator[None]:
        for held in named_tensors(self._model):
            if held.tensor.is_inference():
                raise UnsupportedStorage(
                    held.name,
                    "it was made in inference mode, and autograd cannot use it",
                    remedy="load or make the model outside torch.inference_mode",
                )
        with torch.inference_mode(False), preserve_state(self._model, grad=True):
            yield

    def _asked(
        self,
        sharing: SharingMap,
        held: dict[str, torch.Tensor],
        parameters: Sequence[str],
    ) -> set[str]:
        asked: set[str] = set()
        paths = {path for path, _ in named_modules(self._model)}
        for name in [parameters] if isinstance(parameters, str) else parameters:
            if name in held:
                asked.add(name)
            elif name in paths or name in sharing.names:
                asked.update(below for below in (sharing.under(name) if name else held) if below in held)
            else:
                raise UnknownName(name, {*paths, *sharing.names} - {""})
        return asked


def _differentiable(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() and not tensor.is_meta and tensor.is_leaf


def _target(target: Target, value: torch.Tensor) -> dict[str, Any]:
    return {
        "target": target.description,
        "target_tokens": None if target.tokens is None else list(target.tokens),
        "value": number(float(value.detach())),
    }
