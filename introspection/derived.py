"""Which names are computed from others: parametrizations, torch's older hooks, merged adapters."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from torch import nn
from torch.nn.utils.parametrize import ParametrizationList
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from introspection.names import named_tensors

# What an adapter keeps beside what it adds: the rows it replaced; the layer it has changed places with.
_NOT_MERGED = frozenset({"trainable_tokens_original", "ln_tuning_layers"})
# Adapters that turn a layer's output, and so its bias too.
_TURN_OUTPUT = frozenset({"road_theta", "road_alpha"})

Derived = dict[str, tuple[str, ...]]
"""Name → the names of all it is computed from."""


def derived_names(modules: Iterable[tuple[str, nn.Module]]) -> Derived:
    """Names of tensors that are computed from others, and the names of all they are computed from.

    - `torch.nn.utils.parametrize`, and so every torch parametrization: computed when looked at, no bytes of its own.
    - The older weight_norm, spectral_norm and pruning: a plain attribute, recomputed before each forward.
    - Merged adapters of peft (LoRA, DoRA and every other tuner that merges): the base layer's weight holds base and
      adapter until they are unmerged. It keeps its bytes, can be written, and is computed from the adapter's tensors
      as they were when they were merged; writing those changes it only when they are merged again. The base layer's
      bias is computed from what an adapter has for a bias. Adapters that are not merged change no weight.

    Args:
        modules: (what the names of its tensors begin with, module), as `names.walk` gives them.

    Source: peft.tuners.tuners_utils.BaseTunerLayer: `merged_adapters`, `adapter_layer_names`,
    `other_param_names`, `base_layer`; the `merge` of each tuner's layer.
    """
    derived: Derived = {}
    tuner_layer = _tuner_layer()
    for prefix, module in modules:
        registered = module._modules
        # Not `get`, which the modules of TorchScript do not have.
        parametrizations = registered["parametrizations"] if "parametrizations" in registered else None  # noqa: SIM401
        if isinstance(parametrizations, nn.ModuleDict):
            for tensor_name, steps in parametrizations._modules.items():
                if isinstance(steps, ParametrizationList):
                    below = f"{prefix}parametrizations.{tensor_name}."
                    derived[prefix + tensor_name] = tuple(below + held.name for held in named_tensors(steps))
        for hook in module._forward_pre_hooks.values():
            name, suffixes = _recomputed(hook)
            sources = tuple(
                f"{prefix}{name}_{suffix}"
                for suffix in suffixes
                if f"{name}_{suffix}" in module._parameters or f"{name}_{suffix}" in module._buffers
            )
            if sources:
                derived[prefix + name] = sources
        if tuner_layer is not None and isinstance(module, tuner_layer):
            for name, source in _merged(prefix, module):
                derived[name] = (*derived.get(name, ()), source)
    return derived


def computing_state(module: nn.Module) -> tuple[object, ...]:
    """What of a module decides `derived_names` beside what is registered in it; empty for all but a few modules."""
    hooks = tuple(recomputed for hook in module._forward_pre_hooks.values() if (recomputed := _recomputed(hook))[0])
    tuner_layer = _tuner_layer()
    if tuner_layer is None or not isinstance(module, tuner_layer):
        return hooks
    return (*hooks, tuner_layer, *_merged_adapters(module))


def _recomputed(hook: object) -> tuple[str, tuple[str, ...]]:
    """The attribute a forward pre-hook recomputes, and the suffixes of what it is computed from."""
    if isinstance(hook, WeightNorm):
        return hook.name, ("g", "v")
    if isinstance(hook, SpectralNorm):
        return hook.name, ("orig", "u", "v")
    if isinstance(hook, BasePruningMethod):
        return hook._tensor_name, ("orig", "mask")
    return "", ()


def _tuner_layer() -> type | None:
    """The class of every layer peft adapts; None while peft is not imported, when there can be none."""
    peft = sys.modules.get("peft.tuners.tuners_utils")
    found = getattr(peft, "BaseTunerLayer", None)
    return found if isinstance(found, type) else None


def _merged_adapters(module: nn.Module) -> tuple[str, ...]:
    # From the instance's own dictionary: a property of a model is never evaluated.
    return tuple(vars(module).get("merged_adapters", ()))


def _merged(prefix: str, module: nn.Module) -> Iterator[tuple[str, str]]:
    """(base tensor, adapter tensor merged into it) of one adapted layer."""
    adapters = _merged_adapters(module)
    path, base = prefix, module
    while (inner := base._modules.get("base_layer")) is not None:
        path, base = f"{path}base_layer.", inner
    if not adapters or base is module:
        return
    for container, name in _adapter_tensors(prefix, module, adapters):
        for target in _targets(container, name, module, base):
            if base._parameters.get(target) is not None:
                yield path + target, name


def _targets(container: str, name: str, module: nn.Module, base: nn.Module) -> tuple[str, ...]:
    """The base layer's parameters that one tensor of an adapter is merged into."""
    if name.endswith(".bias") or container == "beft_bias":
        return ("bias",)
    chosen = vars(module).get("parameter_name")
    if isinstance(chosen, str):
        return (chosen,)
    # torch's attention keeps the weights of its three projections as one.
    fused = "weight" not in base._parameters and "in_proj_weight" in base._parameters
    weight = "in_proj_weight" if fused else "weight"
    scales_output = container == "ia3_l" and not vars(module).get("is_feedforward")
    return (weight, "bias") if scales_output or container in _TURN_OUTPUT else (weight,)


def _adapter_tensors(prefix: str, module: nn.Module, adapters: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(what holds it, name) of every tensor that some adapters hold for one layer."""
    kind = type(module)
    for container in (*getattr(kind, "adapter_layer_names", ()), *getattr(kind, "other_param_names", ())):
        held = module._modules.get(container)
        if held is None or container in _NOT_MERGED:
            continue
        below = f"{prefix}{container}."
        for adapter in adapters:
            if held._parameters.get(adapter) is not None or held._buffers.get(adapter) is not None:
                yield container, below + adapter
            part = held._modules.get(adapter)
            if part is not None:
                yield from ((container, f"{below}{adapter}.{tensor.name}") for tensor in named_tensors(part))
