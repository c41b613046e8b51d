"""How activations change from layer to layer, from token to token, from input to input, and from state to state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from introspection.activation_anomalies import Reference, find_anomalies, reference_of
from introspection.drift import ModelState, capture_state, compare_states
from introspection.errors import InvalidArgument, NotAModel
from introspection.flow import layer_flow
from introspection.generation import trace_generation
from introspection.layer_calls import DEFAULT_BYTES, Recording, each_input, record_layer_calls
from introspection.representations import input_similarity, layer_similarity


class TemporalAnalyzer:
    """Watches activations change: along the layers, while generating, between inputs, and between states of the model.

    Layers are, unless others are named, the blocks of the model's stacks, each call of them by itself: a block that
    is applied twelve times has twelve entries, `path`, `path#1`, and so on. A list of texts is run text by text,
    without padding; padding in inputs that have an attention mask is left out. The model is run in evaluation mode and
    put back exactly. Results are JSON-serialisable; a number that does not exist is None.

    Args:
        model: Any torch module.
        tokenizer: A transformers tokenizer, needed to give text.
        max_bytes: The most memory that the activations of one forward may take.

    Raises:
        NotAModel: `model` is no torch.nn.Module.

    Example:
        analyzer = TemporalAnalyzer(model, tokenizer)
        before = analyzer.capture_state(["The capital of France is"])
        ...  # change weights
        drift = analyzer.compare_states(before, analyzer.capture_state(["The capital of France is"]))
    """

    def __init__(
        self, model: nn.Module, tokenizer: Callable[..., Any] | None = None, *, max_bytes: int = DEFAULT_BYTES
    ) -> None:
        if not isinstance(model, nn.Module):
            raise NotAModel(model)
        if max_bytes < 1:
            raise InvalidArgument("max_bytes", max_bytes, "give the number of bytes activations may take")
        self._model = model
        self._tokenizer = tokenizer
        self._max_bytes = max_bytes

    def layer_flow(
        self,
        inputs: Any,
        layers: Sequence[str] | None = None,
        *,
        max_length: int | None = None,
        growth_limit: float = 10.0,
    ) -> dict[str, Any]:
        """What each layer does to the stream that runs through it, in the order in which layers ran.

        Args:
            inputs: Text, or what `model_inputs` takes.
            layers: Paths of modules; None for every block.
            max_length: The most tokens of a text.
            growth_limit: A layer that makes the median norm of tokens grow by more than this factor is a finding.

        Returns:
            `layers`: for each call `layer` (its label), `stack`, `tokens`, `units`, `norm_median` and `norm_max` (of
            tokens, after the layer), `growth` (of the median norm), `relative_update` (||after − before||/||before||),
            `cosine` (mean over tokens, before with after), `update_alignment` (mean over tokens, the change with
            before: negative where the layer takes away), `effective_rank`, `continues` (what went in is what came out
            of the entry before), `non_finite` (number of such elements). What compares with before is None where the
            shapes differ. `findings`: sentences.

        Raises:
            UnknownName: A path that is no module.
            InvalidArgument: No input; or activations over the byte budget.
        """
        return layer_flow(self._record(inputs, layers, max_length), growth_limit)

    def trace_generation(
        self,
        inputs: Any,
        max_new_tokens: int = 20,
        layers: Sequence[str] | None = None,
        *,
        max_length: int | None = None,
    ) -> dict[str, Any]:
        """Activations of each layer at each step while a transformers model generates greedily with its own cache.

        Args:
            inputs: One text, or what `model_inputs` takes, of one sequence.
            max_new_tokens: The most tokens to generate; it ends earlier at an end-of-sequence token.
            layers: Paths of modules; None for every block.
            max_length: The most tokens of the text.

        Returns:
            `text` (with a tokenizer), `token_ids`, and `steps`: for each new token `step`, `token_id`, `token`,
            `log_probability` and `entropy` of its distribution in nats, and `layers`: for each call, of the position
            the token was predicted from, `norm`, `relative_update`, `cosine` (before with after),
            `cosine_to_previous_step`, `non_finite`.

        Raises:
            UnknownName: A path that is no module.
            InvalidArgument: A model that cannot generate; several sequences; fewer than one new token.
        """
        return trace_generation(self._model, inputs, self._tokenizer, max_new_tokens, layers, max_length)

    def layer_similarity(
        self, inputs: Any, layers: Sequence[str] | None = None, *, max_length: int | None = None
    ) -> dict[str, Any]:
        """How alike the representations of the same tokens are in different layers.

        Args:
            inputs: Texts (a list), or what `model_inputs` takes. The tokens of all of them are the rows compared.
            layers: Paths of modules; None for every block.
            max_length: The most tokens of a text.

        Returns:
            `layers` (labels), `tokens` (how many rows each has), and square matrices as nested lists in that order:
            `cka`, `cka_debiased` (to be preferred with fewer tokens than units) and `cosine` (mean over tokens). None
            where two layers have no tokens or no units in common.

        Raises:
            UnknownName: A path that is no module.
            InvalidArgument: No input; or activations over the byte budget.
        """
        return layer_similarity(self._record_each(inputs, layers, max_length))

    def input_similarity(
        self, first: Any, second: Any, layers: Sequence[str] | None = None, *, max_length: int | None = None
    ) -> dict[str, Any]:
        """How alike two inputs are to each layer: where representations of different inputs part or meet.

        Args:
            first: Text, or what `model_inputs` takes.
            second: Likewise.
            layers: Paths of modules; None for every block.
            max_length: The most tokens of a text.

        Returns:
            `layers`: for each call `layer`, `mean_pooled_cosine` (of the mean over tokens), `last_token_cosine`, and,
            where both have as many tokens, `token_cosines` (each position with its like) and `relative_difference`.

        Raises:
            UnknownName: A path that is no module.
            InvalidArgument: No input; or activations over the byte budget.
        """
        one, other = (self._record(given, layers, max_length) for given in (first, second))
        return input_similarity(one, other)

    def reference(
        self, inputs: Any, layers: Sequence[str] | None = None, *, max_length: int | None = None
    ) -> Reference:
        """What is usual in each layer, learned from at least 4 inputs: for `detect_anomalies`.

        Args:
            inputs: A list of texts, or of what `model_inputs` takes.
            layers: Paths of modules; None for every block.
            max_length: The most tokens of a text.

        Raises:
            UnknownName: A path that is no module.
            InvalidArgument: Fewer than 4 inputs; or activations over the byte budget.
        """
        return reference_of(self._record_each(inputs, layers, max_length))

    def detect_anomalies(
        self,
        inputs: Any,
        reference: Reference | Any = None,
        layers: Sequence[str] | None = None,
        *,
        threshold: float = 3.5,
        max_length: int | None = None,
    ) -> dict[str, Any]:
        """Where the activations of `inputs` are unlike those of a reference; NaN, infinities and dead units besides.

        Each token of each layer is judged by its norm and by its distance from the reference's medians, unit by unit
        in robust standard deviations. An anomaly lies more than `threshold` robust standard deviations out *and*
        beyond everything the reference itself shows when each of its inputs is judged by the others. The first position
        is judged by first positions only: in most language models its norm is many times that of the rest.

        Args:
            inputs: Text, or what `model_inputs` takes.
            reference: What `reference` gave, or inputs to make one of; None to look for non-finite numbers and dead
                units only.
            layers: Paths of modules; None for every block, and for the reference's layers where there is one.
            threshold: Robust standard deviations from the median.
            max_length: The most tokens of a text.

        Returns:
            `layers`: for each call `layer`, `tokens`, `nan`, `inf`, `constant_units` (the same for all tokens) and
            `zero_units` (how many), and with a reference `largest_norm_score`, `largest_distance_score` and
            `anomalies`: `position`, `token`, `measure`, `value`, `score`, `reference_median`, `p_value` (rank among
            the reference's values). `findings`: sentences.

        Raises:
            UnknownName: A path that is no module.
            InvalidArgument: A reference of fewer than 4 inputs, or of other layers; a threshold that is not positive.

        Source: Iglewicz, Hoaglin, "How to Detect and Handle Outliers" (1993), for 3.5; Vovk, Gammerman, Shafer,
        "Algorithmic Learning in a Random World" (2005), for p-values by rank; Sun, Chen, Kolter, Liu, "Massive
        Activations in Large Language Models" (2024), for the first position.
        """
        if not threshold > 0:
            raise InvalidArgument("threshold", threshold, "give a positive number of robust standard deviations")
        if reference is not None and not isinstance(reference, Reference):
            reference = self.reference(reference, layers, max_length=max_length)
        if layers is None and reference is not None:
            layers = reference.layers
        return find_anomalies(self._record(inputs, layers, max_length), reference, threshold)

    def capture_state(
        self, inputs: Any, layers: Sequence[str] | None = None, *, max_length: int | None = None
    ) -> ModelState:
        """What the model is now: fingerprints of its weights, and what it makes of these inputs.

        Args:
            inputs: Texts (a list), or what `model_inputs` takes.
            layers: Paths of modules; None for every block.
            max_length: The most tokens of a text.

        Raises:
            UnknownName: A path that is no module.
            InvalidArgument: No input; or activations over the byte budget, which is for all inputs together here.
        """
        prepared = each_input(self._model, inputs, self._tokenizer, max_length)
        return capture_state(self._model, prepared, layers, self._max_bytes)

    def compare_states(self, before: ModelState, after: ModelState | None = None) -> dict[str, Any]:
        """What changed between two states: which weights, which layers first, and how the output moved.

        Args:
            before: What `capture_state` gave.
            after: Likewise, of the same inputs and layers; None for the model as it is now.

        Returns:
            `weights_changed` (None if it cannot be told), `changed_weights` (each storage once: `storage_key`,
            `names`), `unreadable_weights`, `tied`, `untied`, `added`, `removed`; `layers`: for each input and call
            `input`, `layer`, `moved` (any bit), `cosine`, `relative_change`, `cka`; `first_moved` (for each stack, the
            first layer that moved for any input); `origins` (layers that moved for an input though no tensor that went
            into them had); `output`: `moved`, `kl_divergence` in nats, of the state before from the one after (`mean`
            and `max` over tokens), `top_agreement` (share of tokens with the same most probable prediction),
            `relative_change`; `findings`: sentences.

        Raises:
            InvalidArgument: States of different inputs or layers.
        """
        if after is None:
            after = capture_state(self._model, list(before.inputs), before.layers, self._max_bytes)
        return compare_states(before, after)

    def _record(self, inputs: Any, layers: Sequence[str] | None, max_length: int | None) -> Recording:
        (prepared,) = _only(each_input(self._model, inputs, self._tokenizer, max_length))
        return record_layer_calls(self._model, prepared, layers, max_bytes=self._max_bytes)

    def _record_each(self, inputs: Any, layers: Sequence[str] | None, max_length: int | None) -> list[Recording]:
        return [
            record_layer_calls(self._model, prepared, layers, max_bytes=self._max_bytes)
            for prepared in each_input(self._model, inputs, self._tokenizer, max_length)
        ]


def _only(prepared: list[Any]) -> list[Any]:
    if len(prepared) != 1:
        raise InvalidArgument("inputs", f"a list of {len(prepared)}", "give one text, or one set of model inputs")
    return prepared
