"""The root of every error Palimpsest raises, and those that looking at a model can raise.

`memory.errors` re-exports these and adds the rest, so that `except PalimpsestError` catches all of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, ClassVar


class PalimpsestError(Exception):
    """Something Palimpsest refuses or cannot do; says what is wrong, which value, and what to do.

    Attributes:
        code: Stable identifier of the kind of error: the name of its page in `docs/errors/`.
        remedy: What the reader can do about it, as a sentence.
    """

    code: ClassVar[str] = "palimpsest"

    def __init__(self, message: str, *, remedy: str = "") -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        # Subclasses build their message from fields of their own: an error that crosses a process comes back whole
        # from what it holds, not from calling its class again.
        return _rebuilt, (type(self), self.message, self.__dict__)

    def __str__(self) -> str:
        return f"{self.message}\n  remedy: {self.remedy}" if self.remedy else self.message


def _rebuilt(cls: type[PalimpsestError], message: str, fields: dict[str, Any]) -> PalimpsestError:
    error = cls.__new__(cls)
    Exception.__init__(error, message)
    error.__dict__.update(fields)
    return error


class UnknownName(PalimpsestError):
    """A tensor or module name that the model does not have.

    Attributes:
        name: The name asked for.
        nearest: Names that do exist and look most like it, best first.
    """

    code = "unknown-name"

    def __init__(self, name: str, known: Iterable[str], *, where: str = "the model") -> None:
        self.name = name
        candidates = sorted(set(known))
        spelled = str(name)  # whatever a caller gave where a name belongs, it is no name
        nearest = difflib.get_close_matches(spelled, candidates, n=3, cutoff=0.5)
        if not nearest:
            last = spelled.rsplit(".", 1)[-1]
            nearest = [candidate for candidate in candidates if last and last in candidate.split(".")][:3]
        self.nearest = tuple(nearest)
        remedy = (
            f"did you mean {', '.join(map(repr, self.nearest))}?"
            if self.nearest
            else f"known names look like {', '.join(map(repr, candidates[:3]))}"
            if candidates
            else f"{where} has no names at all"
        )
        super().__init__(f"{where} has no parameter, buffer or module named {name!r}", remedy=remedy)


class UnsupportedStorage(PalimpsestError):
    """A tensor whose bytes cannot be looked at in the way asked for."""

    code = "unsupported-storage"

    def __init__(self, name: str, reason: str, *, remedy: str = "") -> None:
        self.name = name
        super().__init__(f"the bytes of {name!r} cannot be reached: {reason}", remedy=remedy)


class SeveralStorages(PalimpsestError):
    """A module path was given where one storage is meant, and it names more than one.

    Attributes:
        name: The module path asked for.
        storage_keys: The storages under it.
    """

    code = "several-storages"

    def __init__(self, name: str, storage_keys: Iterable[str]) -> None:
        self.name = name
        self.storage_keys = tuple(storage_keys)
        shown = ", ".join(map(repr, self.storage_keys[:4])) + (", ..." if len(self.storage_keys) > 4 else "")
        super().__init__(
            f"{name!r} names {len(self.storage_keys)} storages, not one: {shown}",
            remedy="name one tensor, or take the storages one by one from SharingMap.resolve(name)",
        )


class InvalidSharingMap(PalimpsestError):
    """Relations or JSON that describe no possible sharing map."""

    code = "invalid-sharing-map"


class NotAModel(PalimpsestError):
    """Something was given where a torch.nn.Module is needed."""

    code = "not-a-model"

    def __init__(self, given: object) -> None:
        super().__init__(
            f"a torch.nn.Module is needed, not {type(given).__module__}.{type(given).__qualname__}",
            remedy="give the model itself (for a checkpoint on disk, load it first)",
        )


class InvalidArgument(PalimpsestError):
    """A value a call cannot work with.

    Attributes:
        name: The argument.
        value: What was given.
    """

    code = "invalid-argument"

    def __init__(self, name: str, value: object, remedy: str) -> None:
        self.name = name
        self.value = value
        super().__init__(f"{name} cannot be {value!r}", remedy=remedy)


class NothingCaptured(PalimpsestError):
    """A run of the model in which what was asked for did not appear.

    Attributes:
        layers: The layers asked for.
    """

    code = "nothing-captured"

    def __init__(self, layers: Iterable[str], reason: str, remedy: str) -> None:
        self.layers = tuple(layers)
        shown = ", ".join(map(repr, self.layers[:4])) + (", ..." if len(self.layers) > 4 else "")
        super().__init__(f"nothing was captured of {shown or 'the model'}: {reason}", remedy=remedy)


class CaptureBudgetExceeded(PalimpsestError):
    """An activation that does not fit into the bytes a capture may hold; raised before it is copied.

    Attributes:
        layer: The layer whose activation it is.
        needed: Bytes it asks for.
        used: Bytes this capture holds already.
        max_bytes: Bytes it may hold.
    """

    code = "capture-budget-exceeded"

    def __init__(self, layer: str, needed: int, used: int, max_bytes: int) -> None:
        self.layer = layer
        self.needed = needed
        self.used = used
        self.max_bytes = max_bytes
        super().__init__(
            f"{layer!r} asks for {needed:,} bytes, and {used:,} of the budget of {max_bytes:,} bytes are used",
            remedy="capture fewer layers or a shorter input (max_length), or give the monitor a larger max_bytes",
        )


class NotFollowed(PalimpsestError):
    """No forward of a model could be followed; the navigator's answers say the reason instead of raising it.

    Attributes:
        reason: Why.
    """

    code = "not-followed"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"the model's forward could not be followed: {reason}",
            remedy="give sample inputs that the model's forward takes",
        )
