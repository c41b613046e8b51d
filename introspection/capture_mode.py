"""The dispatch mode of write capture: it sees every operator, and lets those that write nothing through at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import CodeType
from typing import Any

import torch
from torch._C._dynamo import eval_frame
from torch._ops import OpOverload
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode

from introspection.write_schema import WrittenArguments, written_arguments

Call = Callable[..., Any]
Write = Callable[[OpOverload, WrittenArguments, tuple[Any, ...], Mapping[str, Any]], Any]
"""Runs an operator that writes or binds anew: (operator, what it writes, args, kwargs) -> what it returns."""

# By identity, since an operator's own hash is a Python call; the operators are kept, so that none has another's. Both
# hold for any program: what a schema says does not change.
_QUIET: dict[int, Call] = {}
_WRITING: dict[int, WrittenArguments] = {}
_known: list[Any] = []
# Classes of tensors that hold their bytes themselves; a parameter is among the types torch speaks of.
_PLAIN: set[type] = {torch.Tensor, torch.nn.Parameter}
_NOT_OVERRIDDEN = torch.Tensor.__torch_dispatch__


class CaptureMode(TorchDispatchMode):  # type: ignore[no-untyped-call]  # as is its __init_subclass__
    """Hands operators that write to `write`, and calls all others.

    Tensors of classes that wrap others (DTensor, jagged nested tensors) are left to their class, which calls operators
    on what it wraps: those are seen, and are exact.

    Code compiled by torch.compile stays compiled: the mode is off while it is being compiled, and sees only operators
    that compiled code calls through the dispatcher when it runs.

    Source: `TorchDispatchMode.ignore_compile_internals` (torch/utils/_python_dispatch.py). A mode without it makes
    torch.compile skip every frame that it meets for the first time inside, and leaves it skipped afterwards.
    """

    supports_higher_order_operators = True

    def __init__(self, write: Write) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self._write = write

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        """Keeps compiled code compiled."""
        return True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # The wrapper this asks for costs more than all the rest of the way of an operator that writes nothing, and
        # imports the compiler. `_never_compiled` is what it is for.
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called by torch for every operator, with this mode switched off."""
        quiet = _QUIET.get(id(func))
        if quiet is None:
            return self._first_or_writing(func, types, args, kwargs or {})
        if types and not _PLAIN.issuperset(types) and _wrapping(types):
            return NotImplemented
        return quiet(*args, **kwargs) if kwargs else quiet(*args)

    def _first_or_writing(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if types and not _PLAIN.issuperset(types) and _wrapping(types):
            return NotImplemented
        written = _WRITING.get(id(func))
        if written is None:
            _known.append(func)
            written = written_arguments(func) if isinstance(func, OpOverload) else None
            if written is None:
                # The operator's own callable does as the overload does, one Python call sooner.
                _QUIET[id(func)] = func._op if type(func) is OpOverload else func
                return func(*args, **kwargs)
            _WRITING[id(func)] = written
        return self._write(func, written, args, kwargs)


def eager_inside() -> AbstractContextManager[None]:
    """Runs functions that torch.compile made as the Python they were made from; compiled code is kept, unused."""
    stance: AbstractContextManager[None] = torch.compiler.set_stance("force_eager")
    return stance


def _wrapping(types: Any) -> bool:
    for kind in types:
        # A fake tensor holds no other: it is its own memory, as far as it has one.
        if kind.__torch_dispatch__ is not _NOT_OVERRIDDEN and not issubclass(kind, FakeTensor):
            return True
        _PLAIN.add(kind)
    return False


def _never_compiled(code: CodeType) -> None:
    """Keeps torch.compile from compiling this function, and all it calls, when a compiled program comes upon it."""
    skip = eval_frame._FrameAction.SKIP
    eval_frame.set_code_exec_strategy(code, eval_frame._FrameExecStrategy(skip, skip))


_never_compiled(CaptureMode.__torch_dispatch__.__code__)
