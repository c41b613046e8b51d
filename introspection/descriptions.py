"""One module or tensor told in facts and in sentences, and the model's vocabulary of components."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from introspection.connections import connections_of
from introspection.names import NamedTensor
from introspection.shapes import own_parameter, shape_of, shape_words
from introspection.view import View

PURPOSES: dict[str, str] = {
    "embedding": "looks up a learned vector for each index it is given",
    "position": "tells positions apart",
    "normalization": "brings the values of each position to a common scale",
    "linear": "multiplies by a learned matrix",
    "convolution": "slides learned filters over its input",
    "recurrent": "carries a state from one step of a sequence to the next",
    "attention": "lets each position gather values from others, weighted by how well query and key match",
    "feed_forward": "widens each position's values, bends them, and brings them back",
    "experts": "sends each position to a few of several feed-forward layers, chosen by a router",
    "activation": "bends values one by one; without it, layers in a row would be one matrix",
    "dropout": "sets values to zero at random while training; hands them on otherwise",
    "pooling": "summarises neighbouring values",
    "identity": "hands on what it is given",
    "block": "is one of a stack of blocks of one class",
    "list": "holds other modules in order; it is not called itself",
    "container": "is made of other modules",
    "other": "is of a kind that is not known here",
}
"""What each kind of module does, as the end of a sentence."""


def module_details(view: View, path: str) -> dict[str, Any]:
    """Everything known of one module without reading a weight.

    Returns:
        `path`, `names` (every path of the same object), `module_type`, `module_class`; `role`, `variant`, `told_by`;
        `settings` (numbers, words and switches it holds in plain attributes); `tensors` (its own); `parameters`
        (`elements` in it and below, each storage once; `trainable_elements`); `children` (path, module_type);
        `training`, `calls`, `shares_weights_with`; for attention its `attention` facts; `source`.
    """
    module, role = view.modules[path], view.roles[path]
    prefix = f"{path}." if path else ""
    children = {key: child for key, child in module._modules.items() if child is not None}
    details: dict[str, Any] = {
        "path": path,
        "names": view.names[path],
        "module_type": type(module).__name__,
        "module_class": f"{type(module).__module__}.{type(module).__qualname__}",
        "role": role.kind,
        "variant": role.variant,
        "told_by": role.told_by,
        "settings": settings(module),
        "tensors": [tensor_details(view, held) for held in _own(view, path)],
        "parameters": _counted(view, path),
        "children": [{"path": prefix + key, "module_type": type(child).__name__} for key, child in children.items()],
        # Compiled and scripted modules keep it elsewhere, and hand it on.
        "training": bool(vars(module).get("training", module.training)),
        "calls": view.calls(path),
        "shares_weights_with": view.coupled(path),
        **view.source,
    }
    attention = next((layer for layer in view.attention if layer.path == path), None)
    if attention is not None:
        details["attention"] = {
            "kind": attention.kind,
            "heads": attention.heads,
            "key_value_heads": attention.key_value_heads,
            "head_size": attention.head_size,
            "causal": attention.causal,
            "cross": attention.cross,
            "rotary": attention.rotary,
            "relative_bias_from": list(attention.relative),
            "query_from": list(attention.query),
            "key_from": list(attention.key),
            "value_from": list(attention.value),
            "fused_projection": attention.fused,
        }
    return details


def tensor_details(view: View, held: NamedTensor) -> dict[str, Any]:
    """What is known of a parameter or buffer without reading it."""
    tensor, lazy, shape = held.tensor, is_lazy(held.tensor), shape_of(held.tensor)
    return {
        "name": held.name,
        "kind": held.kind,
        "shape": None if shape is None else list(shape),
        "elements": None if lazy else tensor.numel(),
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "device": str(tensor.device),
        "requires_grad": tensor.requires_grad,
        "storage_key": view.sharing.storage_key(held.name),
        "shared_with": list(view.sharing.coupled(held.name)),
    }


def described(view: View, name: str) -> dict[str, Any]:
    """The details of a module or tensor and a sentence that says the most of them.

    Raises:
        UnknownName: Nothing has this name.
    """
    path = view.module_path(name)
    if not view.is_tensor(name):
        return {"name": name, "kind": "module", "description": sentence(view, path), **module_details(view, path)}
    held = next((held for held in view.tensors if held.name == name), None)
    holder = {"module": path, "module_type": type(view.modules[path]).__name__, "role": view.roles[path].kind}
    if held is None:
        sources = view.sharing.derived[name]
        text = f"{name} is computed from {listed(sources)} whenever {path} is used: it has no bytes of its own."
        return {"name": name, "kind": "derived", "description": text, "computed_from": list(sources), **holder}
    facts = tensor_details(view, held)
    shape = "uninitialised" if facts["shape"] is None else f"of shape {shape_words(facts['shape'])}"
    text = f"{name} is a {facts['kind']} {shape} ({facts['dtype']}), held by {_called(view, path)}."
    if facts["shared_with"]:
        text += f" It shares memory with {listed(facts['shared_with'])}: a write to one changes the others."
    return {"name": name, "description": text, **facts, **holder}


def sentence(view: View, path: str) -> str:
    """What a module is, in a sentence or two."""
    module, role = view.modules[path], view.roles[path]
    variant = f" ({role.variant})" if role.variant else ""
    counted = _counted(view, path)["elements"]
    text = f"{_called(view, path)}, {_article(role.kind)}{variant}, {PURPOSES[role.kind]}"
    if (shape := _size(module)) and role.kind in {"linear", "embedding"}:
        text += f"; {shape}"
    text += f". It holds {counted:,} parameter elements." if counted else ". It holds no parameters."
    calls = view.calls(path)
    if calls is not None and calls > 1:
        text += f" One forward calls it {calls} times: its weights are used again, not copied."
    if calls == 0 and role.kind != "list":
        text += " The forward that was followed does not call it."
    if len(view.names[path]) > 1:
        others = [repr(name) for name in view.names[path] if name != path]
        text += f" The same object is also registered as {listed(others)}."
    if coupled := view.coupled(path):
        text += f" It shares memory with {listed(coupled)}."
    return text


def explained(view: View, component: str) -> dict[str, Any]:
    """A module, a tensor's module, or a kind of component, in words with the facts they rest on.

    Args:
        view: The model.
        component: A module path, a tensor name, or one of the kinds in `PURPOSES`.

    Raises:
        UnknownName: It is none of these.
    """
    kind = component.strip().lower().replace(" ", "_").replace("-", "_")
    if kind in PURPOSES and component not in view.names:
        paths = [path for path, role in view.roles.items() if role.kind == kind]
        if kind == "attention":
            paths = [layer.path for layer in view.attention]
        where = f"This model has {len(paths)}: {listed(paths)}." if paths else "This model has none."
        return {
            "component": component,
            "explanation": f"A module of kind {kind} {PURPOSES[kind]}. {where}",
            "facts": {"kind": kind, "modules": paths},
            **view.source,
        }
    path = view.module_path(component)
    flows = connections_of(view, path)
    words = [sentence(view, path)]
    if view.is_tensor(component):
        words.insert(0, described(view, component)["description"])
    attention = next((layer for layer in view.attention if layer.path == path), None)
    if attention is not None and attention.heads:
        sees = {True: "each sees itself and what came before", False: "each sees all", None: "what each sees is masked"}
        words.append(
            f"It has {attention.heads} query heads and {attention.key_value_heads or 'unknown'} key-value heads of "
            f"{attention.head_size} elements ({attention.kind or 'kind unknown'}); {sees[attention.causal]}."
        )
    for label, ends in (("It reads", flows["inputs_from"]), ("What it makes goes to", flows["outputs_to"])):
        if ends:
            words.append(f"{label} {listed(end['module'] for end in ends)}.")
    if view.flow is None:
        words.append(f"What flows into and out of it is not known: {view.source['reason']}.")
    return {
        "component": component,
        "explanation": " ".join(words),
        "facts": {**module_details(view, path), "inputs_from": flows["inputs_from"], "outputs_to": flows["outputs_to"]},
        **view.source,
    }


def settings(module: nn.Module) -> dict[str, Any]:
    """The numbers, words and switches a module holds in plain attributes; a number JSON cannot write is its word."""
    return {
        key: value if not isinstance(value, float) or math.isfinite(value) else str(value)
        for key, value in vars(module).items()
        if not key.startswith("_") and key not in {"training", "call_super_init", "dump_patches"}
        if value is None or isinstance(value, bool | int | float | str)
    }


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names as a list in words; those past the first few are counted."""
    names = list(names)
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(", ".join(names).rsplit(", ", 1))


def _own(view: View, path: str) -> list[NamedTensor]:
    module = view.modules[path]
    prefix = f"{path}." if path else ""
    own = {prefix + key for key in (*module._parameters.keys(), *module._buffers.keys())}
    return [held for held in view.tensors if held.name in own]


def _counted(view: View, path: str) -> dict[str, int]:
    prefix = f"{path}." if path else ""
    once: dict[str, torch.Tensor] = {
        view.sharing.storage_key(held.name): held.tensor
        for held in view.tensors
        if held.kind == "parameter" and held.name.startswith(prefix)
    }
    return {
        "elements": sum(0 if is_lazy(tensor) else tensor.numel() for tensor in once.values()),
        "trainable_elements": sum(
            tensor.numel() for tensor in once.values() if tensor.requires_grad and not is_lazy(tensor)
        ),
    }


def _called(view: View, path: str) -> str:
    return f"{path} ({type(view.modules[path]).__name__})" if path else f"the model ({type(view.modules['']).__name__})"


def _article(kind: str) -> str:
    words = kind.replace("_", " ")
    if kind in {"attention", "experts", "normalization", "dropout", "pooling"}:
        return f"{words} layer" if kind != "experts" else "a mixture of experts"
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _size(module: nn.Module) -> str:
    weight = own_parameter(module, "weight")
    shape = None if weight is None else shape_of(weight)
    if shape is None or len(shape) != 2 or None in shape:
        return ""
    if isinstance(module, nn.Embedding):
        return f"{shape[0]:,} vectors of {shape[1]:,} elements"
    if isinstance(module, nn.Linear):
        return f"from {shape[1]:,} to {shape[0]:,} features"
    return f"a matrix of {shape_words(shape)}"
