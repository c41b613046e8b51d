"""Follows tensors through one forward: which operation, in which module's call, made each value from which others.

Operations are seen as Python calls them (`scaled_dot_product_attention`, `__add__`), not as the kernels they become, so
that what is recorded reads like the model's code. Module calls are seen by hooks that are removed on any exit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_iter, tree_map_only

MODEL_CALL = 0
"""Index of the call of the model itself."""


@dataclass(slots=True)
class Value:
    """One value that was computed, given, or held by the model."""

    kind: str
    """`input`, `tensor` (a parameter or buffer used as it is), `operation`, or `identity` (a module handed it on)."""
    name: str
    """The operation's name, the input's, or the tensor's."""
    call: int
    """Index of the innermost module call it was made in."""
    operands: tuple[tuple[str, int], ...] = ()
    """(argument, index of the value) of every operand that comes from an input or from the model."""
    operand_shapes: tuple[tuple[int, ...], ...] = ()
    """Shape of each operand as it was used."""
    shape: tuple[int, ...] = ()
    """Shape of the first tensor made."""
    flags: dict[str, Any] = field(default_factory=dict)
    """What else decides its meaning (`is_causal`, `constants`: the arguments given as constant tensors)."""


@dataclass(slots=True)
class Call:
    """One call of one module."""

    path: str
    """The module's first path."""
    number: int
    """1 for the first call of this module object, and so on."""
    parent: int | None
    """Index of the call it was made in; None for the model's own."""
    arguments: tuple[int, ...] = ()
    """Indices of the values among its tensor arguments."""
    returned: tuple[int, ...] = ()
    """Indices of the values it returned."""


@dataclass(slots=True)
class Trace:
    """What one forward did, in order of execution."""

    values: list[Value] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    outputs: tuple[tuple[str, int], ...] = ()
    """(name, index of the value) of what the model returned."""
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Every name of each parameter and buffer, by its first."""


class Recorder(TorchFunctionMode):
    """Records what happens to tensors while it is entered; see `traced_forward`."""

    def __init__(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> None:
        super().__init__()
        self.trace = Trace()
        self._value_of: dict[int, int] = {}
        self._same_storage: dict[int, list[int]] = {}
        # An id names an object only while the object lives: everything that has a value is kept until the trace ends.
        self._alive: dict[int, torch.Tensor] = {}
        self._stack: list[int] = []
        self._numbers: dict[str, int] = {}
        self._held: dict[int, str] = {}
        self._constants: set[int] = set()
        for name, tensor in tensors:
            first = self._held.setdefault(id(tensor), name)
            self._alive[id(tensor)] = tensor
            self.trace.names[first] = (*self.trace.names.get(first, ()), name)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Runs the operation and records which values it made from which."""
        kwargs = dict(kwargs or {})
        given = list(_labelled(args, kwargs))
        versions = [_version(tensor) for _, tensor in given]
        result = func(*args, **kwargs)
        if self._stack:
            written = [
                tensor
                for (_, tensor), before in zip(given, versions, strict=True)
                if before is not None and _version(tensor) != before
            ]
            made = [tensor for tensor in _tensors(result) if all(tensor is not other for _, other in given)]
            if made or written:
                self._record(_operation_name(func), given, made, written, kwargs)
        return result

    def input(self, name: str, tensor: torch.Tensor) -> None:
        """Declares a tensor as one of the model's inputs."""
        self._bind(tensor, self._append(Value("input", name, MODEL_CALL, shape=tuple(tensor.shape))))

    def output(self, returned: Any) -> None:
        """Declares what the model returned, under its keys where it has some."""
        entries: Iterable[tuple[Any, Any]]
        if isinstance(returned, Mapping):
            entries = returned.items()
        elif isinstance(returned, list | tuple):
            entries = ((f"output {position}", value) for position, value in enumerate(returned))
        else:
            entries = [("output", returned)]
        self.trace.outputs = tuple(
            (str(name), index)
            for name, value in entries
            for tensor in _tensors(value)
            if (index := self._lookup(tensor)) is not None
        )

    def enter(self, path: str, arguments: Iterable[torch.Tensor]) -> int:
        """A module's call begins; returns the call's index."""
        number = self._numbers[path] = self._numbers.get(path, 0) + 1
        known = tuple(index for tensor in arguments if (index := self._lookup(tensor)) is not None)
        self.trace.calls.append(Call(path, number, self._stack[-1] if self._stack else None, known))
        self._stack.append(len(self.trace.calls) - 1)
        return self._stack[-1]

    def leave(self, output: Any) -> Any:
        """The innermost call ends with this output; returns what is to be handed on in its place."""
        call = self._stack[-1]
        arguments = self.trace.calls[call].arguments

        def handed_on(tensor: torch.Tensor) -> torch.Tensor:
            index = self._lookup(tensor)
            if index is None and id(tensor) not in self._constants:
                # Nothing was seen to make it (a custom autograd function, scripted code): it can only have come from
                # what the module was given.
                index = self._append(Value("operation", "unseen", call, tuple(("", each) for each in arguments)))
                self._bind(tensor, index)
            elif index is not None and index in arguments and self._is_childless(call):
                # A module that hands its argument on is a step of its own: what it returns gets a value of its own, so
                # that the argument, used again beside it, is still told apart.
                tensor = tensor.view_as(tensor)
                self._bind(tensor, self._append(Value("identity", "identity", call, (("0", index),))))
            return tensor

        output = tree_map_only(torch.Tensor, handed_on, output)
        self._stack.pop()
        self.trace.calls[call].returned = tuple(
            index for tensor in _tensors(output) if (index := self._lookup(tensor)) is not None
        )
        return output

    def _is_childless(self, call: int) -> bool:
        return call == len(self.trace.calls) - 1

    def _record(
        self,
        name: str,
        given: list[tuple[str, torch.Tensor]],
        made: list[torch.Tensor],
        written: list[torch.Tensor],
        kwargs: Mapping[str, Any],
    ) -> None:
        operands, shapes, constants = [], [], []
        for label, tensor in _read(name, given):
            index = self._lookup(tensor)
            if index is None:
                constants.append(label)
            else:
                operands.append((label, index))
                shapes.append(tuple(tensor.shape))
        targets = made or written
        if not operands:
            # Made from no input and no weight (a mask, positions): the model's shape decides it, no data flows in it.
            for tensor in targets:
                self._alive[id(tensor)] = tensor
                self._constants.add(id(tensor))
            return
        flags: dict[str, Any] = {key: value for key, value in kwargs.items() if isinstance(value, bool)}
        if constants:
            flags["constants"] = constants
        value = Value(
            "operation", name, self._stack[-1], tuple(operands), tuple(shapes), tuple(targets[0].shape), flags
        )
        index = self._append(value)
        for tensor in made:
            self._bind(tensor, index)
        for tensor in written:
            # A write shows in every tensor that views the same memory.
            self._bind(tensor, index)
            for other in self._same_storage.get(_storage(tensor), ()):
                self._value_of[other] = index

    def _append(self, value: Value) -> int:
        self.trace.values.append(value)
        return len(self.trace.values) - 1

    def _bind(self, tensor: torch.Tensor, index: int) -> None:
        self._alive[id(tensor)] = tensor
        self._constants.discard(id(tensor))
        self._value_of[id(tensor)] = index
        self._same_storage.setdefault(_storage(tensor), []).append(id(tensor))

    def _lookup(self, tensor: torch.Tensor) -> int | None:
        index = self._value_of.get(id(tensor))
        if index is None and id(tensor) in self._held:
            name = self._held[id(tensor)]
            index = self._append(Value("tensor", name, MODEL_CALL, shape=tuple(tensor.shape)))
            self._value_of[id(tensor)] = index
        return index


def traced_forward(
    model: nn.Module,
    modules: Mapping[str, nn.Module],
    tensors: Iterable[tuple[str, torch.Tensor]],
    inputs: tuple[tuple[Any, ...], dict[str, Any]],
) -> Trace:
    """Runs one forward of `model` and says what it did; whatever the forward raises is raised on.

    Args:
        model: The module to call; under the mode (training, grad) the caller has set.
        modules: Every module object of it whose calls are to be told apart, once, by its path; the model itself at "".
        tensors: The name and tensor of every parameter and buffer.
        inputs: Positional and keyword arguments.
    """
    recorder = Recorder(tensors)
    with _watched(modules, recorder):
        args, kwargs = inputs
        with recorder:
            for name, tensor in _named_inputs(model, args, kwargs):
                recorder.input(name, tensor)
            output = model(*args, **kwargs)
        recorder.output(output)
    return recorder.trace


@contextmanager
def _watched(modules: Mapping[str, nn.Module], recorder: Recorder) -> Iterator[None]:
    handles: list[torch.utils.hooks.RemovableHandle] = []
    try:
        for path, module in modules.items():
            # First before a call and last after it: what other hooks do belongs to the call.
            handles.append(module.register_forward_pre_hook(_entering(path, recorder), prepend=True, with_kwargs=True))
            handles.append(module.register_forward_hook(_leaving(recorder)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _entering(path: str, recorder: Recorder) -> Callable[[nn.Module, Any, Any], None]:
    def entering(_module: nn.Module, args: Any, kwargs: Any) -> None:
        recorder.enter(path, _tensors((args, kwargs)))

    return entering


def _leaving(recorder: Recorder) -> Callable[[nn.Module, Any, Any], Any]:
    def leaving(_module: nn.Module, _args: Any, output: Any) -> Any:
        with torch._C.DisableTorchFunction():
            return recorder.leave(output)

    return leaving


def _named_inputs(
    model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Iterator[tuple[str, torch.Tensor]]:
    names = argument_names(model)
    for position, value in enumerate(args):
        name = names[position] if position < len(names) else f"argument {position}"
        yield from ((name, tensor) for tensor in _tensors(value))
    for name, value in kwargs.items():
        yield from ((name, tensor) for tensor in _tensors(value))


def argument_names(model: nn.Module) -> list[str]:
    """Names of the arguments that the model's forward declares, without `self`, `*args` and `**kwargs`."""
    code = getattr(_unwrapped(type(model).forward), "__code__", None)
    if code is None:
        return []
    return list(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])


def _unwrapped(function: Any) -> Any:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    return [leaf for leaf in tree_iter(value) if isinstance(leaf, torch.Tensor)]


def _labelled(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Iterator[tuple[str, torch.Tensor]]:
    for position, value in enumerate(args):
        for tensor in _tensors(value):
            yield str(position), tensor
    for name, value in kwargs.items():
        for tensor in _tensors(value):
            yield name, tensor


def _read(name: str, given: list[tuple[str, torch.Tensor]]) -> list[tuple[str, torch.Tensor]]:
    """The arguments whose values an operation reads; of some it only takes the shape or the type."""
    if name in _OF_A_SHAPE:
        return []
    return given[:1] if name in _LIKE_ANOTHER else given


def _version(tensor: torch.Tensor) -> int | None:
    # Inference tensors keep no version counter.
    return None if tensor.is_inference() else tensor._version


def _storage(tensor: torch.Tensor) -> int:
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):
        # Sparse and some wrapped tensors have no storage: each is its own.
        return -id(tensor)


def _operation_name(func: Callable[..., Any]) -> str:
    """The operation without the marks of how it was called: `__iadd__`, `add_` and `__radd__` are all `add`."""
    name = getattr(func, "__name__", type(func).__name__)
    if name in {"__get__", "__set__"}:
        return str(getattr(getattr(func, "__self__", None), "__name__", "attribute"))
    name = name.split(".", 1)[0]
    if name.startswith("__") and name.endswith("__"):
        name = name.strip("_")
        for mark in ("i", "r"):
            if name.removeprefix(mark) in _ARITHMETIC and name not in _ARITHMETIC:
                return name[1:]
        return name
    return name.rstrip("_") or name


_OF_A_SHAPE = frozenset(
    {"zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "randint_like"}
    | {"new_zeros", "new_ones", "new_empty", "new_full", "new_empty_strided"}
)
_LIKE_ANOTHER = frozenset({"expand_as", "view_as", "reshape_as", "type_as", "to"})
_ARITHMETIC = frozenset(
    ["add", "sub", "mul", "matmul", "div", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift"]
)
