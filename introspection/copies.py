"""A copy of a model to run in its place: with tensors that hold nothing, or with tensors of its own.

What is run is the model's own code; what it writes (buffers, counters, caches) goes to the copy. Hooks that somebody
put on the model stay behind, so that looking does not set them off.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from introspection.errors import NotFollowed
from introspection.names import named_modules, named_tensors

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


@dataclass(frozen=True, slots=True)
class ModelCopy:
    """A model that can be run without touching the one it was made from."""

    model: nn.Module
    """What to call; not the wrapper where the original is wrapped by torch.compile."""
    modules: Mapping[str, nn.Module]
    """Every module object once, under the first path it has in the original."""
    tensors: tuple[tuple[str, torch.Tensor], ...]
    """Parameters and buffers, under the names they have in the original."""


def copied(model: nn.Module, tensor_copy: Callable[[torch.Tensor], torch.Tensor]) -> ModelCopy:
    """A copy of every module and of what it holds, in evaluation mode, without the hooks of others.

    Hooks of torch itself are kept (weight norm, spectral norm, pruning recompute a weight in one). The wrappers of
    torch.compile and the hooks of accelerate, which would move weights between devices, are left out. Plain attributes
    that Python cannot copy (locks, open files) are the original's own.

    Args:
        model: Any torch module.
        tensor_copy: Makes the tensor that stands for one of the model's; called once for each tensor object.

    Raises:
        NotFollowed: A module or a tensor that cannot be copied: scripted, not initialised yet, or with a forward
            that was replaced by a function which holds on to the original.
    """
    originals = dict(named_modules(model))
    memo: dict[int, Any] = {}
    for path, module in originals.items():
        _require_copyable(path, module)
        memo.setdefault(id(module), object.__new__(type(module)))
    compiled = {id(module): _inside(module) for module in originals.values() if is_compiled(module)}
    for wrapper, inner in compiled.items():
        memo[wrapper] = memo[id(inner)]
    for held in named_tensors(model, unregistered=True):
        if is_lazy(held.tensor):
            raise NotFollowed(f"{held.name} is not initialised yet")
        if id(held.tensor) not in memo:
            memo[id(held.tensor)] = _like(held.tensor, tensor_copy)
    with _CopiedTensors(tensor_copy):
        for module in {id(module): module for module in originals.values()}.values():
            if id(module) not in compiled:
                vars(memo[id(module)]).update(_state(module, memo))
    modules: dict[str, nn.Module] = {}
    taken: set[int] = set()
    for path, module in originals.items():
        if id(memo[id(module)]) not in taken:
            taken.add(id(memo[id(module)]))
            modules[path] = memo[id(module)]
    tensors = tuple((held.name, memo[id(held.tensor)]) for held in named_tensors(model))
    return ModelCopy(memo[id(model)], modules, tensors)


def is_compiled(module: nn.Module) -> bool:
    """Whether a module is torch.compile's wrapper of another."""
    dynamo = sys.modules.get("torch._dynamo.eval_frame")
    return dynamo is not None and isinstance(module, dynamo.OptimizedModule)


def _inside(module: nn.Module) -> nn.Module:
    while is_compiled(module):
        inner = module._modules["_orig_mod"]
        if inner is None:
            break
        module = inner
    return module


def _require_copyable(path: str, module: nn.Module) -> None:
    if isinstance(module, torch.jit.ScriptModule):
        raise NotFollowed(f"{path or 'the model'} is scripted: its code is not Python's")
    forward = vars(module).get("forward")
    replaced = isinstance(forward, FunctionType) and forward.__closure__ and "_hf_hook" not in vars(module)
    if replaced and not is_compiled(module):
        raise NotFollowed(f"the forward of {path or 'the model'} was replaced by a function that holds the original")


def _state(module: nn.Module, memo: dict[int, Any]) -> dict[str, Any]:
    state = dict(vars(module))
    if "_hf_hook" in state:
        # accelerate replaces forward to move weights to a device first, and keeps the one it replaced beside it.
        del state["_hf_hook"]
        replaced = state.pop("_old_forward", None)
        state.pop("forward", None)
        if getattr(replaced, "__func__", None) is not type(module).forward and replaced is not None:
            state["forward"] = replaced
    copies: dict[str, Any] = {}
    for key, value in state.items():
        if key in _HOOKS:
            kept = {number: hook for number, hook in value.items() if _is_torch_own(hook)}
            copies[key] = type(value)(copy.deepcopy(kept, memo))
        else:
            copies[key] = _value(value, memo)
    copies["training"] = False
    copies["_compiled_call_impl"] = None
    return copies


def _value(value: Any, memo: dict[int, Any]) -> Any:
    try:
        return copy.deepcopy(value, memo)
    except Exception:  # noqa: BLE001 - __deepcopy__ and __reduce__ of any object may raise anything; it is shared then
        return value


def _is_torch_own(hook: object) -> bool:
    owner = getattr(hook, "__self__", hook)
    module = getattr(hook, "__module__", "") if isinstance(hook, FunctionType) else type(owner).__module__
    return module.startswith("torch.nn.")


def _like(tensor: torch.Tensor, tensor_copy: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    made = tensor_copy(tensor)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(made, requires_grad=tensor.requires_grad)
    return made


class _CopiedTensors(TorchFunctionMode):
    """Lets `copy.deepcopy` make our copies of tensors that lie deeper in plain attributes."""

    def __init__(self, tensor_copy: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self._tensor_copy = tensor_copy

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is torch.Tensor.__deepcopy__:
            tensor, memo = args
            if id(tensor) not in memo:
                memo[id(tensor)] = _like(tensor, self._tensor_copy)
            return memo[id(tensor)]
        if getattr(func, "__name__", "") == "clone":
            # nn.Parameter copies itself this way.
            return self._tensor_copy(args[0])
        return func(*args, **(kwargs or {}))
