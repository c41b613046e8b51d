"""Attention weights of a running model, returned by a module, or used by a call of torch."""

from __future__ import annotations

import inspect
import sys
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode

from introspection.activation_store import Activations, ByteBudget, bytes_of, call_name, copy_of, output_tensors
from introspection.names import named_modules

_MHA_SIGNATURE = inspect.signature(nn.MultiheadAttention.forward)
# Modules that pass weights through on their way: what they return belongs to the module that calls them.
_PASSING_ON = (nn.Softmax, nn.Dropout, nn.Identity)


@dataclass(frozen=True, slots=True)
class _Declared:
    """Where a transformers model says its attention weights are returned."""

    classes: tuple[type, ...]
    class_name: str | None
    within: str | None
    index: int
    kind: str


@dataclass(slots=True)
class _Running:
    """A module call under way."""

    module: nn.Module
    path: str
    wanted: tuple[bool, bool] | None = None
    """For torch's own attention: whether its caller asked for weights, and for their mean over heads."""
    cross: bool = False


@dataclass(slots=True)
class AttentionRecorder:
    """Hooks that copy every layer's attention weights, shape (batch, heads, queries, keys), while a model runs.

    Weights are taken from what modules return: where a transformers model declares it, and where a four-dimensional
    tensor has rows of non-negative numbers that sum to one. `torch.nn.MultiheadAttention` is asked for them, and its
    caller gets what it would have got. A plain call of `scaled_dot_product_attention` returns none: they are computed
    again from the queries and keys it was given, in float32, and kept in their dtype.

    Args:
        model: The model that will be run, in evaluation mode: dropout would break the sums.
        layers: First paths of the modules to capture; None: every module's.
        budget: The bytes it may hold.
        device: Where copies are kept; None: where the tensors are.

    Source: `torch.nn.functional.scaled_dot_product_attention`'s documentation gives its equation; transformers'
    `_can_record_outputs` names the modules that return attention weights.
    """

    model: nn.Module
    layers: frozenset[str] | None
    budget: ByteBudget
    device: torch.device | None
    captured: Activations = field(default_factory=Activations)
    found: list[str] = field(default_factory=list)
    """Every layer that had weights, captured or not."""
    _paths: dict[int, str] = field(default_factory=dict)
    _declared: dict[int, tuple[_Declared, ...]] = field(default_factory=dict)
    _running: list[_Running] = field(default_factory=list)
    _seen: dict[int, tuple[weakref.ref[torch.Tensor], str]] = field(default_factory=dict)
    _calls: dict[str, int] = field(default_factory=dict)
    _hooks: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> AttentionRecorder:
        self._declared = _declarations(self.model)
        with ExitStack() as attached:
            for path, module in named_modules(self.model):
                if id(module) not in self._paths:
                    self._paths[id(module)] = path
                    before = module.register_forward_pre_hook(self._before, with_kwargs=True)
                    attached.callback(before.remove)
                    # First of all hooks: those of others must see what the module returns without us.
                    after = module.register_forward_hook(self._after, prepend=True)
                    attached.callback(after.remove)
            attached.enter_context(_AttentionCalls(self))
            self._hooks = attached.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._hooks.close()

    def _before(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        running = _Running(module, self._paths[id(module)])
        self._running.append(running)
        if not isinstance(module, nn.MultiheadAttention) or type(module).forward is not nn.MultiheadAttention.forward:
            return None
        call = _MHA_SIGNATURE.bind(module, *args, **kwargs)
        call.apply_defaults()
        given = dict(call.arguments)
        del given["self"]
        running.wanted = (bool(given["need_weights"]), bool(given["average_attn_weights"]))
        running.cross = given["key"] is not given["query"]
        return (), given | {"need_weights": True, "average_attn_weights": False}

    def _after(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        running = self._running.pop()
        while running.module is not module:
            # A call whose error the model caught never came here.
            running = self._running.pop()
        if running.wanted is not None:
            attended, weights = output
            kept = weights if weights.ndim == 4 else weights.unsqueeze(0)
            self._keep(running.path, kept, "cross" if running.cross else "self")
            needed, averaged = running.wanted
            return attended, (weights.mean(-3) if averaged else weights) if needed else None
        for declared in self._declared.get(id(module), ()):
            weights = output[declared.index] if isinstance(output, tuple) else None
            if isinstance(weights, torch.Tensor) and weights.ndim == 4:
                self._keep(running.path, weights, declared.kind)
        for _, tensor in output_tensors(output):
            if self._name_of(tensor) is None and is_attention(tensor):
                self._keep(self._owner(running), tensor, None)
        return None

    def computed(self, query: torch.Tensor, key: torch.Tensor, options: dict[str, Any]) -> None:
        """Takes one call of `scaled_dot_product_attention` in the module that is running."""
        if query.ndim < 3 or query.is_nested:
            return
        path = self._running[-1].path if self._running else ""
        layer = self._owner(self._running[-1]) if self._running else path
        if self._is_wanted(layer):
            size = query.shape[:-1].numel() * key.shape[-2] * query.element_size()
            # Weights are computed in float32 first: they must fit before they are kept.
            ByteBudget(self.budget.max_bytes, self.budget.used).reserve(layer, size)
            weights = attention_of(query, key, **options)
            self._keep(layer, weights.reshape(-1, *weights.shape[-3:]) if weights.ndim != 3 else weights.unsqueeze(1),
                       None)  # fmt: skip
        else:
            self.found.append(layer)

    def _keep(self, layer: str, weights: torch.Tensor, kind: str | None) -> None:
        known = self._name_of(weights)
        if known is not None:
            if kind is not None and known in self.captured:
                self.captured.kinds.setdefault(known, kind)
            return
        call = self._calls.get(layer, 0)
        self._calls[layer] = call + 1
        name = call_name(layer, call)
        self._seen[id(weights)] = (weakref.ref(weights), name)
        self.found.append(layer)
        if self._is_wanted(layer):
            self.budget.reserve(layer, bytes_of(weights))
            self.captured.put(layer, name, copy_of(weights, self.device))
            self.captured.calls[layer] = call + 1
            if kind is not None:
                self.captured.kinds[name] = kind

    def _owner(self, running: _Running) -> str:
        """The path of the module that weights belong to: of what only passes them on, the module around it."""
        if isinstance(running.module, _PASSING_ON) and "." in running.path:
            return running.path.rpartition(".")[0]
        return running.path

    def _is_wanted(self, layer: str) -> bool:
        return self.layers is None or layer in self.layers

    def _name_of(self, weights: torch.Tensor) -> str | None:
        """The name under which this very tensor was met before: modules hand on what those inside them returned."""
        known = self._seen.get(id(weights))
        return known[1] if known is not None and known[0]() is weights else None


class _AttentionCalls(TorchFunctionMode):
    """Sees every call of `scaled_dot_product_attention`, and lets it through."""

    def __init__(self, recorder: AttentionRecorder) -> None:
        super().__init__()
        self._recorder = recorder

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is scaled_dot_product_attention:
            names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
            given = dict(zip(names, args, strict=False)) | kwargs
            options = {name: given[name] for name in ("attn_mask", "is_causal", "scale", "enable_gqa") if name in given}
            self._recorder.computed(given["query"], given["key"], options)
        return func(*args, **kwargs)


def attention_of(
    query: torch.Tensor,
    key: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """The weights `scaled_dot_product_attention` uses for these arguments, without dropout; masked rows are zero.

    Args:
        query: Shape (..., queries, size).
        key: Shape (..., keys, size); with `enable_gqa` of fewer heads.
        attn_mask: True where a key is visible, or numbers added to the scores.
        is_causal: Whether query i sees only keys 0 to i.
        scale: What scores are multiplied by; None: 1/√size.
        enable_gqa: Whether several heads of queries share one head of keys.

    Returns:
        Shape (..., queries, keys), the dtype of `query`.

    Source: `torch.nn.functional.scaled_dot_product_attention`'s documentation.
    """
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
    scores = query.float() @ key.float().transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        visible = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        scores = scores.masked_fill(~visible, -torch.inf)
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -torch.inf) if attn_mask.dtype == torch.bool else scores + attn_mask
    nothing_visible = (scores == -torch.inf).all(-1, keepdim=True)
    return scores.softmax(-1).masked_fill(nothing_visible, 0.0).to(query.dtype)


def is_attention(tensor: torch.Tensor) -> bool:
    """Whether a tensor looks like attention weights: four dimensions, rows of non-negative numbers that sum to one.

    Rows that are NaN or all zero (everything masked) are allowed beside others.
    """
    if tensor.ndim != 4 or not tensor.is_floating_point() or tensor.numel() == 0 or tensor.layout != torch.strided:
        return False
    # The first sequence decides quickly that most tensors are something else.
    for part in (tensor[0, 0], tensor):
        sums = part.detach().float().sum(-1)
        near_one = (sums - 1).abs() <= max(1e-4, 2 * torch.finfo(tensor.dtype).eps)
        if not bool((near_one | sums.isnan() | (sums == 0)).all()) or bool((part < 0).any()):
            return False
    return bool(near_one.any()) and tensor.shape[-1] > 1


def _declarations(model: nn.Module) -> dict[int, tuple[_Declared, ...]]:
    """What transformers models declare of their attention weights, for each module that returns some.

    A declaration holds for the modules of its model up to the next model inside it, which declares for its own.
    """
    library = sys.modules.get("transformers.modeling_utils")
    if library is None:
        return {}
    found: dict[int, tuple[_Declared, ...]] = {}
    of_model: dict[str, tuple[_Declared, ...]] = {}
    for path, module in named_modules(model):
        if isinstance(module, library.PreTrainedModel):
            of_model[path] = _declared_by(type(module))
        around = next((outer for outer in _around(path) if outer in of_model), None)
        declared = tuple(each for each in of_model.get(around or "", ()) if _declares(each, module, path))
        if declared:
            found.setdefault(id(module), declared)
    return found


def _around(path: str) -> Iterator[str]:
    """A path and all those that lead to it, the longest first."""
    while path:
        yield path
        path = path.rpartition(".")[0]
    yield ""


def _declares(declared: _Declared, module: nn.Module, path: str) -> bool:
    of_class = isinstance(module, declared.classes) or (
        declared.class_name is not None and path.endswith(declared.class_name)
    )
    return of_class and (declared.within is None or f".{declared.within.strip('.')}." in f".{path}.")


def _declared_by(model_class: type) -> tuple[_Declared, ...]:
    declared = getattr(model_class, "_can_record_outputs", None)
    if not isinstance(declared, dict):
        return ()
    return tuple(
        _declaration(each, "cross" if "cross" in key else "self")
        for key, specified in declared.items()
        if "attentions" in key
        for each in (specified if isinstance(specified, list) else [specified])
    )


def _declaration(specified: Any, kind: str) -> _Declared:
    if isinstance(specified, str):
        return _Declared((), specified, None, 1, kind)
    if isinstance(specified, type):
        return _Declared((specified,), None, None, 1, kind)
    classes = (specified.target_class,) if specified.target_class is not None else ()
    return _Declared(classes, specified.class_name, specified.layer_name, specified.index, kind)
