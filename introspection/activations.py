"""What a model computes on its way: the activations and attention weights of any layer, captured without a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from introspection.activation_report import compare, statistics_of, with_capture
from introspection.activation_store import ActivationRecorder, Activations, ByteBudget, describe_inputs, output_tensors
from introspection.aliases import first_paths_inside, met_name
from introspection.arguments import check_names, check_text
from introspection.attention_report import patterns_of, specialisation_of, tokens_of
from introspection.attention_weights import AttentionRecorder
from introspection.capture_cache import CaptureCache
from introspection.errors import InvalidArgument, NothingCaptured
from introspection.forward_key import ForwardKey
from introspection.inputs import ModelInputs, model_inputs
from introspection.layer_info import block_paths, describe_layers, layer_paths, named_layers, resolve_layers
from introspection.model_state import generator_states, preserve_state
from introspection.names import named_modules
from introspection.scan import SharingScanner
from introspection.token_influence import token_influence

DEFAULT_BYTES = 1 << 30
"""The most bytes of activations a monitor holds unless told otherwise: 1 GiB."""


class ActivationMonitor:
    """Runs a model, keeps what its layers give, and leaves the model exactly as it was, whatever happens on the way.

    No answer is out of date: a run is only answered from an earlier one if every bit of the weights and buffers, the
    configuration, the inputs and the layers are the same (`ForwardKey`); what cannot be told to be the same is run
    again. What a forward reads from outside the model (globals, files) no key can see: `clear_activations` after that
    changes. Captured tensors are copies outside any graph, with the dtype they had; they are the monitor's own: clone
    them before writing to them. Not for a model that another thread is running.

    Args:
        model: Any torch module.
        tokenizer: What turns text into tokens; only needed for text.
        max_bytes: The most bytes of activations held, all captures together. The oldest captures are let go for a new
            one; a single capture that does not fit is refused before memory is used.
        device: Where captured tensors are kept; None: where they are computed.

    Example:
        monitor = ActivationMonitor(model, tokenizer)
        before = monitor.capture_activations("The capital of France is", layers="model.layers.*")
        monitor.get_activation_statistics("model.layers.0")["std"]
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Callable[..., Any] | None = None,
        *,
        max_bytes: int = DEFAULT_BYTES,
        device: torch.device | str | None = "cpu",
    ) -> None:
        if max_bytes < 1:
            raise InvalidArgument("max_bytes", max_bytes, "give a number of bytes above 0")
        self._scanner = SharingScanner(model, unregistered=True)
        self._tokenizer = tokenizer
        self._max_bytes = max_bytes
        self._device = None if device is None else torch.device(device)
        self._keys = ForwardKey(self._scanner)
        self._cache = CaptureCache(max_bytes)
        self._attached: ActivationRecorder | None = None
        self._watching: list[Any] = []

    @property
    def model(self) -> nn.Module:
        """The model that is looked at."""
        return self._scanner.model

    @property
    def activations(self) -> Activations:
        """What was captured last: by registered hooks if there are any, else by `capture_activations`."""
        if self._attached is not None:
            return self._attached.captured
        latest = self._cache.latest("activations")
        return latest if latest is not None else Activations()

    def get_layer_names(self, filter: str = "") -> list[str]:  # noqa: A002
        """Every path of every module that can be captured, in order of registration; shared ones under each path.

        Args:
            filter: Keeps paths that contain this text, or match it if it holds `*`, `?` or `[`.
        """
        return layer_paths(self.model, filter)

    def get_layer_info(self, name: str) -> dict[str, Any]:
        """What a layer is, and what went in and came out in the last capture; JSON-serialisable.

        Args:
            name: A module path, or the name of a tensor, for the module that holds it.

        Returns:
            What `describe_layers` gives, and `calls`, `input_shapes` (one for each call), `outputs` (shape and dtype by
            captured name); empty where the last capture has nothing of it.

        Raises:
            UnknownName: Nothing has this name.
        """
        return self._described([self._path(name)])[0]

    def query_layers(
        self, filter: str = "", *, module_type: str | None = None, min_parameters: int = 0, captured: bool = False  # noqa: A002
    ) -> list[dict[str, Any]]:  # fmt: skip
        """What `get_layer_info` says of every layer that fits, under every path.

        Args:
            filter: Keeps paths that contain this text, or match it if it holds `*`, `?` or `[`.
            module_type: Keeps modules of a class of this name, or derived from one.
            min_parameters: Keeps modules with at least as many elements in parameters.
            captured: Keeps layers the last capture has something of.
        """
        modules = dict(named_modules(self.model))
        paths = [
            path
            for path in layer_paths(self.model, filter)
            if module_type is None or module_type in (base.__name__ for base in type(modules[path]).__mro__)
        ]
        return [
            each
            for each in self._described(paths)
            if each["parameters"] >= min_parameters and (each["calls"] > 0 or not captured)
        ]

    def get_input_shape(self, layer: str = "") -> list[int] | None:
        """Shape of the first tensor that the model, or a layer's first call, was given in the last capture.

        Args:
            layer: A layer's path; "": the model.

        Returns:
            The shape; None if nothing was captured yet.

        Raises:
            UnknownName: Nothing has this name.
        """
        captured = self.activations
        shapes = captured.input_shapes.get(self._met(captured, self._path(layer)) if layer else "")
        return shapes[0] if shapes else None

    def register_hooks(self, layers: str | Iterable[str] | None = None) -> list[str]:
        """Keeps what layers give in every forward from now on, however the model is run, until `clear_hooks`.

        Each run of the whole model replaces what was kept of the run before. A capture that exceeds the budget raises
        in that forward, and the hooks are gone: the next one runs.

        Args:
            layers: See `resolve_layers`; None: every layer.

        Returns:
            The paths of the layers.

        Raises:
            UnknownName: A layer that does not exist; hooks registered before stay.
        """
        modules = resolve_layers(self.model, layers)
        self.clear_hooks()
        self._cache.clear()
        recorder = ActivationRecorder(modules, ByteBudget(self._max_bytes), self._device)
        recorder.__enter__()
        self._attached = recorder

        def begin(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            recorder.forget()
            first = next((tensor for _, tensor in output_tensors((args, kwargs))), None)
            if first is not None:
                recorder.captured.input_shapes[""] = [list(first.shape)]

        self._watching = [recorder, self.model.register_forward_pre_hook(begin, with_kwargs=True)]
        return list(modules)

    def clear_hooks(self) -> None:
        """Removes the hooks of `register_hooks` and what they captured; harmless when there are none."""
        for each in self._watching:
            each.remove()
        self._watching = []
        self._attached = None

    def clear_activations(self) -> None:
        """Lets everything go that was captured; registered hooks stay."""
        self._cache.clear()
        if self._attached is not None:
            self._attached.forget()

    def capture_activations(
        self, inputs: Any, layers: str | Iterable[str] | None = None, max_length: int | None = None, *,
        training: bool | None = False,
    ) -> Activations:  # fmt: skip
        """Runs the model once and returns what layers gave, as copies.

        Args:
            inputs: Text (needs the tokenizer), a tensor, a tuple of arguments, or a mapping of keyword arguments.
            layers: Module paths, patterns, tensor names, or containers: see `resolve_layers`. None: every layer.
            max_length: The most tokens; what comes after is cut.
            training: The mode of every module during the run: evaluation, training, or None for the mode each is in.

        Returns:
            The tensors by name; a layer's later calls under `path#1`, `path#2` ...: see `Activations`.

        Raises:
            UnknownName: A layer that does not exist.
            NothingCaptured: A layer asked for by name was not called, or gave no tensor; or nothing was captured.
            CaptureBudgetExceeded: More than `max_bytes`; raised before it is copied.
            InvalidArgument: Inputs the model cannot be called with, as `model_inputs` tells.
            UnsupportedStorage: The model has no values (meta, not initialised).
        """
        given = model_inputs(self.model, inputs, self._tokenizer, max_length=max_length)
        layers = layers if layers is None or isinstance(layers, str) else list(layers)
        modules, named = resolve_layers(self.model, layers), named_layers(self.model, layers)
        settings = ("activations", sorted(modules), sorted(named), str(self._device), training)
        model_key, key = self._key(given, settings, cached=training is False)
        found = self._cache.get(key)
        if found is not None:
            return found
        with self._run(training=training), self._recorder(given, modules) as recorder:
            drawn = generator_states(self.model)
            given.call(self.model)
            key = key if drawn == generator_states(self.model) else None
        captured = recorder.captured
        missing = [path for path in modules if path in named and path not in captured.names]
        if missing or not captured:
            never = [path for path in missing if path not in captured.calls]
            raise NothingCaptured(
                missing or modules,
                f"{'it was' if len(missing) == 1 else 'they were'} not called" if never else "no tensor was returned",
                "name layers that this input reaches and that return tensors; get_layer_names lists all",
            )
        return self._keep(captured, model_key, key, "activations")

    def capture_attention_weights(
        self, inputs: Any, layers: str | Iterable[str] | None = None, max_length: int | None = None
    ) -> Activations:
        """Runs the model once, in evaluation mode, and returns its attention weights: (batch, heads, queries, keys).

        transformers models compute attention with `eager` for this run, since the fused kernels hold no weights, and
        get their implementation back. Where they come from otherwise: `AttentionRecorder`.

        Args:
            inputs: As `capture_activations`.
            layers: Paths of attention modules, or of modules around them, or patterns; None: all.
            max_length: The most tokens; what comes after is cut.

        Returns:
            The weights by the path of the module that computed them; `kinds` says which are over another sequence.

        Raises:
            NothingCaptured: The model, or a layer asked for by name, has no attention weights.
            UnknownName, CaptureBudgetExceeded, InvalidArgument, UnsupportedStorage: As `capture_activations`.
        """
        given = model_inputs(self.model, inputs, self._tokenizer, max_length=max_length)
        layers = layers if layers is None or isinstance(layers, str) else list(layers)
        named = named_layers(self.model, layers)
        wanted = {} if layers is None else resolve_layers(self.model, layers)
        inside = {path: first_paths_inside(self.model, [module]) for path, module in wanted.items()}
        settings = ("attention", sorted(wanted), sorted(named), str(self._device))
        model_key, key = self._key(given, settings, cached=True)
        found = self._cache.get(key)
        if found is not None:
            return found
        everything = frozenset[str]().union(*inside.values()) if layers is not None else None
        recorder = AttentionRecorder(self.model, everything, self._budget(), self._device)
        describe_inputs(recorder.captured, self.model, given, self._tokenizer)
        with self._run(training=False, attention="eager"), recorder:
            drawn = generator_states(self.model)
            given.call(self.model)
            key = key if drawn == generator_states(self.model) else None
        without = [path for path, paths in inside.items() if path in named and paths.isdisjoint(recorder.found)]
        if without or not recorder.captured:
            others = list(dict.fromkeys(recorder.found))
            raise NothingCaptured(
                without or wanted,
                "no attention weights were returned or used",
                f"layers with attention weights are {', '.join(map(repr, others[:4]))}" if others else
                "only modules that return their weights or call scaled_dot_product_attention have any",
            )  # fmt: skip
        return self._keep(recorder.captured, model_key, key, "attention")

    def get_activation_statistics(self, name: str | Iterable[str] | None = None, **options: Any) -> dict[str, Any]:
        """Statistics of what was captured last; JSON-serialisable, and safe from NaN.

        Args:
            name: A captured name, any path of a layer, a tensor it holds, or several of them; None: everything
                captured.
            options: `bins` and `near_zero`, as `tensor_statistics` takes them.

        Returns:
            For one name what `tensor_statistics` gives, and `name`, `shape`, `dtype`, `calls` of its layer, `others`
            (names of its other calls and tensors), and `model_changed`: whether the weights or settings are no longer
            those it was computed with (None where that cannot be told). For several, one such dict by name.

        Raises:
            NothingCaptured: Nothing was captured yet.
            UnknownName: The last capture has nothing of this name.
        """
        captured = self.activations
        if not captured:
            raise NothingCaptured((), "no capture was made yet", "call capture_activations first")
        key = self._keys.of_model() if captured.model_key is not None else None
        changed = None if key is None else key != captured.model_key
        if isinstance(name, str):
            return statistics_of(captured, self._met(captured, name), changed, options)
        check_names("name", name or ())
        names = list(captured) if name is None else list(name)
        return {each: statistics_of(captured, self._met(captured, each), changed, options) for each in names}

    def compare_activations(
        self, a: Any, b: Any, layers: str | Iterable[str] | None = None, max_length: int | None = None
    ) -> dict[str, Any]:
        """How far two runs differ, layer by layer; JSON-serialisable.

        Args:
            a: Inputs, as `capture_activations` takes them; or what it returned earlier, of any state of the model.
            b: Likewise.
            layers: The layers to compare; None: all.
            max_length: The most tokens of inputs.

        Returns:
            As `compare`.

        Raises:
            UnknownName: A layer that does not exist, or that neither capture has.
            InvalidArgument, NothingCaptured, CaptureBudgetExceeded: As `capture_activations`.
        """
        wanted = None if layers is None else list(resolve_layers(self.model, layers))
        for each in (a, b):
            if wanted is not None and isinstance(each, Activations):
                wanted = [self._met(each, layer) for layer in wanted]
        one, other = (
            each if isinstance(each, Activations) else self.capture_activations(each, wanted, max_length)
            for each in (a, b)
        )
        return compare(one, other, wanted)

    def get_attention_patterns(self, name: str, head: int | None = None, *, window: int = 2) -> dict[str, Any]:
        """What the heads of a layer do, in the last capture of attention weights; JSON-serialisable.

        Args:
            name: A captured name, or the path of one layer with attention.
            head: One head; None: all.
            window: Reach of the `local` pattern, in positions.

        Returns:
            `name`, `kind` ("self" or "cross"), `shape`, `entropy` (mean over rows and heads, nats), `heads`: see
            `head_patterns`. For one head what `head_patterns` says of it, and `row_entropy`: nats, for each sequence
            and query, None for padding and rows that hold nothing.

        Raises:
            NothingCaptured: No attention weights were captured yet.
            UnknownName: The capture has nothing of this name.
            InvalidArgument: A head that does not exist.
        """
        return patterns_of(*self._attention(name), head, window)

    def get_head_specialisation(self, name: str) -> dict[str, Any]:
        """How far the heads of a layer do different things, in the last capture: see `head_specialisation`.

        Raises:
            NothingCaptured, UnknownName: As `get_attention_patterns`.
        """
        return specialisation_of(*self._attention(name))

    def get_token_attention(self, name: str, sequence: int = 0, head: int | None = None) -> dict[str, Any]:
        """What each token attends to and receives in a layer, in the last capture: see `token_attention`.

        Args:
            name: A captured name, or the path of one layer with self-attention.
            sequence: Which of the batch.
            head: One head; None: the mean of all.

        Raises:
            NothingCaptured, UnknownName: As `get_attention_patterns`.
            InvalidArgument: A head or sequence that does not exist, or weights over another sequence.
        """
        return tokens_of(*self._attention(name), sequence, head)

    def trace_token_influence(
        self, text: Any, index: int, layers: str | Iterable[str] | None = None, max_length: int | None = None, *,
        replacement: int | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """How far one token reaches: what changes at each layer and position without it; see `token_influence`.

        Args:
            text: Text, or inputs with token ids, of one sequence.
            index: The token's position, from 0; negative ones count from the end.
            layers: The layers to look at; None: the model's blocks.
            max_length: The most tokens.
            replacement: The id of the token to put there; None: the mean of all embeddings.

        Raises:
            UnknownName, InvalidArgument, NothingCaptured, CaptureBudgetExceeded: As `capture_activations`.
        """
        given = model_inputs(self.model, text, self._tokenizer, max_length=max_length)
        modules = resolve_layers(self.model, block_paths(self.model) if layers is None else layers)
        budget = self._budget()
        with self._run(training=False):
            return token_influence(
                self.model, given, index, lambda: self._recorder(given, modules, budget), replacement=replacement
            )

    @contextmanager
    def _run(self, *, training: bool | None, attention: str | None = None) -> Iterator[None]:
        """A block in which the model is run for us: its state comes back, and registered hooks do not see the run."""
        with preserve_state(self.model, training=training, attention=attention):
            for each in self._watching:
                each.remove()
            yield

    def _budget(self) -> ByteBudget:
        return ByteBudget(self._max_bytes, make_room=self._cache.make_room)

    def _recorder(
        self, given: ModelInputs, modules: Mapping[str, nn.Module], budget: ByteBudget | None = None
    ) -> ActivationRecorder:
        recorder = ActivationRecorder(modules, budget or self._budget(), self._device)
        describe_inputs(recorder.captured, self.model, given, self._tokenizer)
        return recorder

    def _key(self, given: ModelInputs, settings: object, *, cached: bool) -> tuple[str | None, str | None]:
        """The key of the model's state, and of this run of it; None where nothing can promise equal results."""
        model_key = self._keys.of_model()
        return model_key, self._keys.of_call(model_key, given.args, given.kwargs, settings) if cached else None

    def _keep(self, captured: Activations, model_key: str | None, key: str | None, kind: str) -> Activations:
        captured.model_key = model_key
        self._cache.put(key, kind, captured)
        return captured

    def _met(self, captured: Activations, name: str) -> str:
        """The name under which a capture has what any name means."""
        return met_name(self.model, name, captured.names) if name not in captured else name

    def _attention(self, name: str) -> tuple[Activations | None, str]:
        captured = self._cache.latest("attention")
        check_text("name", name, "give the path of a layer with attention")
        if captured is not None and name not in captured:
            name = met_name(self.model, name, captured.names, inside=True)
        return captured, name

    def _described(self, paths: list[str]) -> list[dict[str, Any]]:
        captured = self.activations
        met = {path: self._met(captured, path) for path in paths}
        return with_capture(describe_layers(self.model, paths), captured, met)

    def _path(self, name: str) -> str:
        """The path of the one module a name means."""
        check_text("name", name, "give a module path, or the name of a tensor")
        modules = dict(named_modules(self.model))
        return name if name in modules else next(iter(resolve_layers(self.model, name)))
