"""What a model's forward depends on, as a key: equal keys, equal results; no key where that cannot be promised."""

from __future__ import annotations

import enum
import functools
import sys
import types
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from blake3 import blake3
from torch import nn
from torch.nn.modules import module as torch_modules

from introspection.errors import UnsupportedStorage
from introspection.names import named_modules, named_tensors
from introspection.quick_fingerprint import quick_fingerprint, quick_fingerprints
from introspection.scan import SharingScanner

REGISTERED = frozenset({"_parameters", "_buffers", "_modules"})
"""Attributes of a module that hold what is registered in it."""
HOOKS = (
    "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_forward_hooks_with_kwargs",
    "_forward_pre_hooks_with_kwargs", "_forward_hooks_always_called",
)  # fmt: skip
"""Attributes of a module that hold its hooks."""
# What transformers notes on a class once it was asked, and no forward reads.
_REMEMBERED = frozenset({"_can_set_attn_implementation_cached_value", "_can_set_experts_implementation_cached_value"})
_SIMPLE = (type(None), bool, int, str, bytes, complex, torch.dtype, torch.device, torch.layout, torch.memory_format)


class Unkeyable(Exception):
    """A value whose content cannot be told; never leaves what makes keys."""


class ForwardKey:
    """Makes keys for one model: of its state, and of its state together with what it is called with.

    A key covers: the bytes of every tensor (parameters, buffers, and tensors in plain attributes, lists and dicts),
    read in full each time; which names share memory; the tree of modules, their classes, code, training flags and plain
    attributes, configs included; and the settings of torch that change results. There is no key for a model with
    hooks, with replaced `forward` methods, or with attributes whose content cannot be told.

    Not covered: values a module reads from outside itself (globals, files, a random number generator).
    """

    def __init__(self, scanner: SharingScanner) -> None:
        self._scanner = scanner

    def of_model(self) -> str | None:
        """The key of the model's state, now."""
        try:
            return self._model()
        except (Unkeyable, UnsupportedStorage):
            return None

    def of_call(self, model_key: str | None, *given: object) -> str | None:
        """The key of a run of a model with this key on these inputs and settings: tensors, numbers, text and so on."""
        if model_key is None:
            return None
        digest = blake3(model_key.encode())
        try:
            for text in Description({}).of(given):
                digest.update(text.encode() + b"\0")
        except (Unkeyable, UnsupportedStorage):
            return None
        return digest.hexdigest()

    def _model(self) -> str:
        model, sharing = self._scanner.model, self._scanner.current()
        # What has a name is told by it: its content is read once, and a module may hold the model it is part of.
        known = {id(held.tensor): f"tensor {held.name}" for held in named_tensors(model, unregistered=True)}
        for path, module in named_modules(model):
            known.setdefault(id(module), f"module {path}")
        description = Description(known)
        digest = blake3(sharing.digest.encode())
        for text in _settings():
            digest.update(text.encode() + b"\0")
        classes: dict[type, str] = {}
        for path, module in named_modules(model):
            digest.update(f"{path}:{known[id(module)]}\0".encode())
            if known[id(module)] == f"module {path}":
                for text in _module(module, description, classes):
                    digest.update(text.encode() + b"\0")
        for text in self._tensors():
            digest.update(text.encode() + b"\0")
        return digest.hexdigest()

    def _tensors(self) -> Iterator[str]:
        held = {each.name: each.tensor for each in named_tensors(self._scanner.model, unregistered=True)}
        for name, fingerprint in quick_fingerprints(held).items():
            if fingerprint is None:
                raise Unkeyable(name)
            tensor = held[name]
            strides = tensor.stride() if tensor.layout is torch.strided and not tensor.is_nested else ()
            yield f"{name} {fingerprint} {strides} {tensor.device}"


def _module(module: nn.Module, description: Description, classes: dict[type, str]) -> Iterator[str]:
    attributes = vars(module)
    if "forward" in attributes or any(attributes.get(hooks) for hooks in HOOKS):
        raise Unkeyable("hooks")
    kind = type(module)
    if kind not in classes:
        classes[kind] = "\0".join(class_texts(kind))
    yield classes[kind]
    for name, value in sorted(attributes.items()):
        if name not in REGISTERED and name not in HOOKS:
            yield f".{name}"
            yield from description.of(value)


def class_texts(kind: type) -> Iterator[str]:
    """A module class by its code and simple values: methods can be replaced, and class attributes changed."""
    for base in kind.__mro__:
        if base in (nn.Module, object):
            break
        yield f"{base.__module__}.{base.__qualname__}"
        for name, value in sorted(vars(base).items()):
            if isinstance(value, types.FunctionType):
                yield f"{name}={_code(value)}"
            elif (isinstance(value, _SIMPLE) or type(value) is float) and name not in _REMEMBERED:
                yield f"{name}={value!r}"


def _code(function: types.FunctionType) -> str:
    return f"{function.__module__}.{function.__qualname__}@{hash(function.__code__):x}"


class Description:
    """Texts for values, equal only for equal content; raises where the content of one cannot be told.

    Args:
        known: What is told by a name, by its identity.
    """

    def __init__(self, known: Mapping[int, str]) -> None:
        self._known = known
        self._configs: dict[int, str] = {}
        self._above: set[int] = set()

    def of(self, value: Any) -> Iterator[str]:
        """The texts of one value and all it holds."""
        if id(value) in self._known:
            yield self._known[id(value)]
        elif isinstance(value, torch.Tensor):
            yield self._tensor(value)
        elif isinstance(value, enum.Enum):
            yield f"{type(value).__qualname__}.{value.name}"
        elif type(value) is float:
            yield value.hex()
        elif type(value) in _SIMPLE:
            yield f"{type(value).__name__} {value!r}"
        elif isinstance(value, type):
            yield f"class {value.__module__}.{value.__qualname__}@{id(value):x}"
        elif id(value) in self._above:
            yield "itself"
        elif _is_config(value):
            # Every module of a model holds the same one.
            if id(value) not in self._configs:
                self._configs[id(value)] = "\0".join(self._entered(value))
            yield self._configs[id(value)]
        else:
            yield from self._entered(value)

    def _tensor(self, value: torch.Tensor) -> str:
        return f"{type(value).__name__} {quick_fingerprint(value)} {value.device}"

    def _entered(self, value: Any) -> Iterator[str]:
        self._above.add(id(value))
        items = list(_items(value))
        yield f"{type(value).__module__}.{type(value).__qualname__} {len(items)}"
        for item in items:
            yield from self.of(item)
        self._above.discard(id(value))


def _items(value: Any) -> Iterator[Any]:
    """All that a value is made of; raises for one that may hold what cannot be seen."""
    if isinstance(value, tuple | list):
        yield from value
    elif isinstance(value, set | frozenset):
        yield from sorted(value, key=repr)
    elif isinstance(value, Mapping):
        for pair in value.items():
            yield from pair
    elif isinstance(value, types.FunctionType):
        yield from (_code(value), value.__defaults__, value.__kwdefaults__)
        yield from (cell.cell_contents for cell in value.__closure__ or ())
    elif isinstance(value, types.BuiltinFunctionType):
        yield f"{value.__module__}.{value.__qualname__}"
        if not isinstance(value.__self__, types.ModuleType | None):
            yield value.__self__
    elif isinstance(value, types.MethodType):
        yield from (value.__func__, value.__self__)
    elif isinstance(value, functools.partial):
        yield from (value.func, value.args, value.keywords)
    elif isinstance(value, weakref.ref):
        yield value()
    elif is_dataclass(value) and not hasattr(value, "__dict__"):
        yield from (getattr(value, field.name) for field in fields(value))
    elif not (is_dataclass(value) or isinstance(value, types.SimpleNamespace) or _is_config(value)):
        raise Unkeyable(type(value).__qualname__)
    if not isinstance(value, types.FunctionType | types.BuiltinFunctionType | types.MethodType):
        for pair in sorted(getattr(value, "__dict__", {}).items()):
            yield from pair


def _is_config(value: object) -> bool:
    """Whether it is a config of transformers, whose content is all in its dictionary."""
    for module, name in (
        ("transformers.configuration_utils", "PreTrainedConfig"),
        ("transformers.configuration_utils", "PretrainedConfig"),
        ("transformers.generation.configuration_utils", "GenerationConfig"),
    ):
        library = sys.modules.get(module)
        found = vars(library).get(name) if library is not None else None
        if isinstance(found, type) and isinstance(value, found):
            return True
    return False


def _settings() -> Iterator[str]:
    """What of torch's own state changes what a forward computes."""
    if torch_modules._global_forward_hooks or torch_modules._global_forward_pre_hooks:
        raise Unkeyable("hooks on all modules")
    yield f"{torch.get_default_dtype()} {torch.get_float32_matmul_precision()} {torch.get_num_threads()}"
    yield f"{torch.are_deterministic_algorithms_enabled()} {torch.backends.mkldnn.enabled}"
    for device in ("cpu", "cuda"):
        yield f"{torch.is_autocast_enabled(device)} {torch.get_autocast_dtype(device)}"
