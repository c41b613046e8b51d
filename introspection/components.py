"""What part each module plays: by its class where torch defines it, else by what it computes, else by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import nn

from introspection.dataflow import Dataflow
from introspection.shapes import shape_of

Evidence = Literal["class", "operations", "children", "name"]

ACTIVATIONS = frozenset(
    [
        "relu",
        "relu6",
        "gelu",
        "silu",
        "mish",
        "sigmoid",
        "tanh",
        "softplus",
        "elu",
        "selu",
        "celu",
        "leaky_relu",
        "prelu",
        "hardswish",
        "hardsigmoid",
        "hardtanh",
        "softsign",
        "logsigmoid",
        "glu",
    ]
)
"""Operations that bend values one by one."""
ATTENTION_OPERATIONS = frozenset(
    {"scaled_dot_product_attention", "multi_head_attention_forward", "flex_attention", "flash_attn_func"}
)
MATRIX_PRODUCTS = frozenset({"matmul", "bmm", "baddbmm", "einsum"})
_LINEAR = frozenset({"linear", "addmm", "mm", "matmul"})
_VARIANCE = frozenset({"var", "std", "var_mean", "std_mean"})
_QUERY_KEY_VALUE = (
    {"q", "k", "v"},
    {"q_proj", "k_proj", "v_proj"},
    {"query", "key", "value"},
    {"to_q", "to_k", "to_v"},
    {"c_attn"},
    {"qkv"},
    {"qkv_proj"},
    {"query_key_value"},
    {"wqkv"},
)
_NAMES: tuple[tuple[str, str, str], ...] = (
    ("rms_?norm", "normalization", "RMSNorm"),
    ("layer_?norm", "normalization", "LayerNorm"),
    ("batch_?norm", "normalization", "BatchNorm"),
    ("group_?norm", "normalization", "GroupNorm"),
    ("rotary", "position", "rotary"),
    ("dropout", "dropout", ""),
    ("(gelu|silu|swish|relu|tanh|sigmoid)", "activation", ""),
    ("embedding", "embedding", ""),
)


@dataclass(frozen=True, slots=True)
class Role:
    """The part a module plays."""

    kind: str
    """embedding, position, normalization, linear, convolution, recurrent, attention, feed_forward, experts, activation,
    dropout, pooling, identity, block (one of a stack), list, container, or other."""
    variant: str = ""
    """Which of its kind: `RMSNorm`, `gelu`, `rotary`; empty where there is none to tell."""
    told_by: Evidence = "class"
    """What it was told from."""


def roles(modules: Mapping[str, nn.Module], flow: Dataflow | None) -> dict[str, Role]:
    """The role of every module, by path.

    Args:
        modules: Modules by path, parents before what they hold.
        flow: What the modules did, if a forward could be followed. Without it, modules that torch does not define are
            known by their children's names and by their own class's name only.
    """
    ran = _operations(flow)
    found = {path: _leaf(module, ran.get(path)) for path, module in modules.items() if not _children(module)}
    attending = {path for path, names in ran.items() if _attends(names)}
    for path, module in reversed(list(modules.items())):
        if _children(module):
            found[path] = _composite(path, module, found, ran.get(path, ()), path in attending, traced=flow is not None)
    for path, module in modules.items():
        if isinstance(module, nn.ModuleList | nn.Sequential):
            blocks = {key: child for key, child in module._modules.items() if child is not None}
            alike = len({type(child) for child in blocks.values()}) == 1
            for key in blocks if alike and len(blocks) > 1 else ():
                below = f"{path}.{key}" if path else key
                if found.get(below, Role("")).kind == "container":
                    found[below] = Role("block")
    return {path: found[path] for path in modules}


def _operations(flow: Dataflow | None) -> dict[str, tuple[str, ...]]:
    """The operations in each module's own code, in order, over all of its calls."""
    ran: dict[str, list[str]] = {}
    for step in flow.operations.steps if flow is not None else ():
        if step.kind == "module":
            ran.setdefault(step.name, []).extend(step.operations)
        elif step.kind == "operation":
            ran.setdefault(step.owner, []).append(step.name)
    return {path: tuple(names) for path, names in ran.items()}


def _attends(names: tuple[str, ...]) -> bool:
    if ATTENTION_OPERATIONS.intersection(names):
        return True
    if "softmax" not in names:
        return False
    at = names.index("softmax")
    return bool(MATRIX_PRODUCTS.intersection(names[:at]) and MATRIX_PRODUCTS.intersection(names[at + 1 :]))


def _leaf(module: nn.Module, ran: tuple[str, ...] | None) -> Role:
    return _by_class(module) or (_by_operations(module, ran) if ran else None) or _by_name(module)


def _by_class(module: nn.Module) -> Role | None:
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        ((nn.Embedding, nn.EmbeddingBag), "embedding"),
        ((nn.Linear, nn.Bilinear), "linear"),
        (nn.modules.conv._ConvNd, "convolution"),
        ((nn.RNNBase, nn.RNNCellBase), "recurrent"),
        (nn.MultiheadAttention, "attention"),
        (nn.modules.dropout._DropoutNd, "dropout"),
        (nn.Identity, "identity"),
        ((nn.ModuleList, nn.ModuleDict), "list"),
    )
    norms: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (nn.LayerNorm, "LayerNorm"),
        (getattr(nn, "RMSNorm", ()), "RMSNorm"),
        (nn.modules.batchnorm._BatchNorm, "BatchNorm"),
        (nn.modules.instancenorm._InstanceNorm, "InstanceNorm"),
        (nn.GroupNorm, "GroupNorm"),
    )
    for classes, kind in kinds:
        if isinstance(module, classes):
            return Role(kind)
    for classes, variant in norms:
        if isinstance(module, classes):
            return Role("normalization", variant)
    if type(module).__module__ == "torch.nn.modules.activation":
        return Role("activation", type(module).__name__.lower())
    if type(module).__module__ == "torch.nn.modules.pooling":
        return Role("pooling", type(module).__name__)
    return None


def _by_operations(module: nn.Module, ran: tuple[str, ...]) -> Role | None:
    names = set(ran)
    shapes = [len(shape_of(held) or ()) for held in module._parameters.values() if held is not None]
    if _attends(ran):
        return Role("attention", told_by="operations")
    if {"cos", "sin"} <= names:
        return Role("position", "rotary", "operations")
    if (variant := _normalization(names, shapes)) is not None:
        return Role("normalization", variant, "operations")
    if "embedding" in names:
        return Role("embedding", told_by="operations")
    if names & _LINEAR and 2 in shapes:
        return Role("linear", told_by="operations")
    if not shapes and (bends := names & ACTIVATIONS):
        # The tanh approximation of GELU is written out as a cubic under a tanh.
        return Role("activation", "gelu" if "tanh" in bends and {"add", "mul"} <= names else min(bends), "operations")
    if not shapes and "dropout" in names:
        return Role("dropout", told_by="operations")
    return None


def _normalization(names: set[str], shapes: list[int]) -> str | None:
    """Which norm these operations compute on a module with parameters of these ranks; None for no norm.

    Source: Ba et al. 2016, arXiv:1607.06450 (LayerNorm: the mean is taken off); Zhang and Sennrich 2019,
    arXiv:1910.07467 (RMSNorm: it is not).
    """
    if any(rank > 1 for rank in shapes):
        return None
    for operation, variant in (("layer_norm", "LayerNorm"), ("rms_norm", "RMSNorm"), ("batch_norm", "BatchNorm")):
        if operation in names:
            return variant
    scaled = names & {"rsqrt", "sqrt", "norm", "vector_norm", "normalize"}
    if scaled and names & _VARIANCE:
        return "LayerNorm"
    if scaled and names & {"pow", "square", "mul", "norm", "vector_norm", "normalize"} and "mean" in names:
        return "LayerNorm" if "sub" in names else "RMSNorm"
    return None


def _by_name(module: nn.Module) -> Role:
    name = type(module).__name__.lower()
    shapes = [len(shape_of(held) or ()) for held in module._parameters.values() if held is not None]
    if 2 in shapes and re.search("conv1d|linear", name):
        return Role("linear", told_by="name")
    for pattern, kind, variant in _NAMES:
        if re.search(pattern, name):
            return Role(kind, variant, "name")
    return Role("other", told_by="name")


def _composite(
    path: str, module: nn.Module, known: Mapping[str, Role], ran: tuple[str, ...], attends: bool, *, traced: bool
) -> Role:
    if (defined := _by_class(module)) is not None:
        return defined
    children = {key: child for key, child in module._modules.items() if child is not None}
    if attends:
        return Role("attention", told_by="operations")
    if not traced and any(names <= {key.lower() for key in children} for names in _QUERY_KEY_VALUE):
        return Role("attention", told_by="children")
    below = {key: known[f"{path}.{key}" if path else key].kind for key in children if _key(path, key) in known}
    kinds = list(below.values())
    if "experts" in children and {"gate", "router"} & set(children):
        return Role("experts", told_by="children")
    bends = "activation" in kinds or bool(ACTIVATIONS.intersection(ran)) or not traced
    plain = set(kinds) <= {"linear", "convolution", "activation", "dropout", "identity", "normalization", "other"}
    if kinds.count("linear") >= 2 and bends and plain and not isinstance(module, nn.Sequential):
        gated = kinds.count("linear") >= 3 or ("mul" in ran and "chunk" in ran)
        return Role("feed_forward", "gated" if gated else "plain", "children")
    if "parametrizations" in children and (wrapped := _wrapped(module)) is not None:
        return wrapped
    return Role("container", told_by="children")


def _wrapped(module: nn.Module) -> Role | None:
    """The role under a parametrization, which makes a class of its own from the one it is put on."""
    return next((role for base in type(module).__mro__[1:] if (role := _of_class(base)) is not None), None)


def _of_class(base: type) -> Role | None:
    table = {nn.Linear: "linear", nn.Embedding: "embedding", nn.modules.conv._ConvNd: "convolution"}
    return Role(table[base]) if base in table else None


def _key(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _children(module: nn.Module) -> bool:
    return any(child is not None for child in module._modules.values())
