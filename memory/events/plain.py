"""User data as plain Python, and as JSON that holds it exactly.

Plain data is None, bool, int, float, str, and lists and string-keyed dicts of these. JSON has no NaN, no infinity and
no agreed integers beyond 64 bits, so those are stored as tagged objects: `{"$float": "NaN"}`, `{"$int": "2361..."}`.
A dict that would look like a tag (one key, starting with "$") is stored with a second "$" in front of the key.
`untag(tag(x)) == x` for all plain x, bit for bit.
"""

from __future__ import annotations

import datetime
import enum
import os
import reprlib
from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticCustomError

PAYLOAD_LIMIT = 64 * 2**20
"""The most bytes of JSON one event may hold."""
DEPTH_LIMIT = 100
"""The most levels of lists and dicts inside one another."""
ELEMENT_LIMIT = 1_000_000
"""The most elements of one array or tensor inside user data."""
_INT_BITS_LIMIT = 13_000
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_CONTAINERS = frozenset({dict, list})
_STORED_AS_THEY_ARE = frozenset({str, bool, type(None)})
_SPECIAL = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_TENSOR_MODULES = frozenset({"torch", "torch.nn.parameter"})


class Refused(PydanticCustomError):
    """Data that cannot be stored; pydantic reports it, and `codec.build` turns it into `InvalidPayload`."""


def refused(path: str, reason: str, value: Any, remedy: str) -> Refused:
    """Make the error for a value that cannot be stored, naming where it is and what to do."""
    shown = short(value)
    context = {"path": path, "reason": reason, "value": shown, "remedy": remedy}
    return Refused("refused", "{path}{reason} (got {value}); {remedy}", {**context, "path": path and f"at {path}: "})


def too_large(path: str, reason: str) -> Refused:
    """Make the error for data that is bigger than one event may be."""
    context = {"path": path, "reason": reason, "value": "", "remedy": ""}
    return Refused("too_large", "{path}{reason}", {**context, "path": path and f"at {path}: "})


def short(value: Any) -> str:
    """Give a short text of a value without calling code of unknown types."""
    if isinstance(value, str | int | float | bytes | None) and type(value).__module__ == "builtins":
        if type(value) is int and value.bit_length() > 256:
            return f"an integer of {value.bit_length()} bits"
        return reprlib.repr(value)
    return f"a {type(value).__module__}.{type(value).__qualname__}".replace("builtins.", "")


def plain(value: Any) -> Any:
    """Turn user data into plain data, copying it.

    Enums become their values, tuples lists, dates and times ISO text, paths text, numpy and torch scalars and small
    arrays numbers and nested lists. numpy and torch are recognised without being imported.

    Raises:
        Refused: The data holds something else, a cycle, too deep or too large a nest; the error names where.
    """
    return _Walk().visit(value, "", 0)


class _Walk:
    """One pass over user data: where it is, what encloses it, and how much there was so far."""

    def __init__(self) -> None:
        self._enclosing: set[int] = set()
        self._size = 0

    def visit(self, value: Any, path: str, depth: int) -> Any:
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is str:
            return self._text(value, path)
        if kind is int:
            return self._integer(value, path)
        if kind is float:
            self._grow(1, path)
            return value
        if isinstance(value, Mapping):
            return self._mapping(value, path, depth)
        if isinstance(value, list | tuple):
            return self._sequence(value, path, depth)
        return self._converted(value, path, depth)

    def _converted(self, value: Any, path: str, depth: int) -> Any:
        """Handle what is neither plain nor a container of plain data."""
        if isinstance(value, enum.Enum):
            return self.visit(value.value, path, depth)
        # Subclasses of the plain scalars keep only what JSON can hold: their value.
        if isinstance(value, str):
            return self._text(str.__str__(value), path)
        if isinstance(value, int):
            return self._integer(int.__int__(value), path)
        origin = _foreign_kind(value)
        if origin == "numpy":
            return self.visit(_numpy_values(value, path), path, depth)
        if origin == "torch":
            return self.visit(_torch_values(value, path), path, depth)
        if isinstance(value, float):
            return float.__float__(value)
        if isinstance(value, datetime.datetime | datetime.date | datetime.time):
            return value.isoformat()
        if isinstance(value, os.PathLike):
            name = os.fspath(value)
            if isinstance(name, str):
                return self._text(name, path)
        raise refused(path, "this type of value cannot be stored as JSON", value, _remedy(value))

    def _mapping(self, value: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
        self._enter(value, path, depth)
        result: dict[str, Any] = {}
        for key, item in value.items():
            if isinstance(key, enum.Enum):
                key = key.value
            if not isinstance(key, str):
                raise refused(path, "keys must be strings", key, "write the keys as text: {str(key): value}")
            name = self._text(str.__str__(key), f"{path} (a key)")
            if name in result:
                raise refused(path, "two keys become the same text", name, "give them different names")
            result[name] = self.visit(item, _below(path, name), depth + 1)
        self._enclosing.discard(id(value))
        return result

    def _sequence(self, value: list[Any] | tuple[Any, ...], path: str, depth: int) -> list[Any]:
        self._enter(value, path, depth)
        result = [self.visit(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
        self._enclosing.discard(id(value))
        return result

    def _enter(self, value: Any, path: str, depth: int) -> None:
        if id(value) in self._enclosing:
            raise refused(path, "the data contains itself", value, "store a copy without the cycle")
        if depth >= DEPTH_LIMIT:
            raise refused(path, f"nested more than {DEPTH_LIMIT} levels deep", value, "flatten the data")
        self._enclosing.add(id(value))
        self._grow(2, path)

    def _text(self, value: str, path: str) -> str:
        self._grow(len(value) + 2, path)
        check_text(value, path)
        return value

    def _integer(self, value: int, path: str) -> int:
        self._grow(1, path)
        if value.bit_length() > _INT_BITS_LIMIT:
            raise refused(path, "an integer too large to store", value, "store it as text")
        return value

    def _grow(self, size: int, path: str) -> None:
        # A lower bound of the JSON's size: stops shared references that would expand without end.
        self._size += size
        if self._size > PAYLOAD_LIMIT:
            raise too_large(path, f"the data is larger than {PAYLOAD_LIMIT // 2**20} MiB")


def check_text(value: str, path: str) -> None:
    """Refuse text that PostgreSQL's jsonb cannot hold.

    Raises:
        Refused: The text has a NUL character or a lone surrogate.
    """
    if "\0" in value:
        raise refused(path, "text with a NUL character cannot be stored", value, "remove the character \\x00")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            remedy = "decode the bytes it came from with errors='replace'"
            raise refused(path, "text with a lone surrogate cannot be stored", value, remedy) from None


def tag(value: Any) -> Any:
    """Give plain data in the form it is stored in."""
    kind = type(value)
    if kind is float:
        if value - value == 0.0:
            return value
        return {"$float": "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"}
    if kind is int:
        return value if _INT64_MIN <= value <= _INT64_MAX else {"$int": str(value)}
    if kind is list:
        return [item if type(item) in _STORED_AS_THEY_ARE else tag(item) for item in value]
    if kind is dict:
        if len(value) == 1:
            ((key, item),) = value.items()
            return {f"${key}" if key.startswith("$") else key: tag(item)}
        return {key: item if type(item) in _STORED_AS_THEY_ARE else tag(item) for key, item in value.items()}
    return value


def untag(value: Any) -> Any:
    """Give back the plain data that `tag` stored, in the very lists and dicts that are given.

    Raises:
        ValueError: A tag that `tag` never writes.
    """
    kind = type(value)
    if kind is dict:
        if len(value) == 1:
            ((key, item),) = value.items()
            if key.startswith("$"):
                return {key[1:]: untag(item)} if key.startswith("$$") else untag_number(key, item)
        for key, item in value.items():
            if type(item) in _CONTAINERS:
                value[key] = untag(item)
    elif kind is list:
        for index, item in enumerate(value):
            if type(item) in _CONTAINERS:
                value[index] = untag(item)
    return value


def untag_number(key: str, item: Any) -> float | int:
    """Give the number that one tagged object stands for.

    Raises:
        ValueError: A tag that `tag` never writes.
    """
    if key == "$float" and item in _SPECIAL:
        return _SPECIAL[item]
    if key == "$int" and isinstance(item, str):
        return int(item)
    raise ValueError(f"{{{key!r}: {item!r}}} is no tagged number")


def number(value: Any) -> float:
    """Turn a real number of Python, numpy or torch into a float that equals it.

    Raises:
        Refused: It is no number, or a float cannot hold it exactly.
    """
    kind = type(value)
    if kind is float:
        return float(value)
    origin = None if kind is int else _foreign_kind(value)
    if origin is not None:
        value = _numpy_values(value, "") if origin == "numpy" else _torch_values(value, "")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused("", "not a number", value, "pass an int or a float, or a scalar of numpy or torch")
    try:
        result = float(value)
    except OverflowError:
        result = float("inf")
    if isinstance(value, int) and result != value:
        raise refused("", "an integer that a float cannot hold exactly", value, "pass float(value) if that is meant")
    return result


def number_from_stored(value: Any) -> float:
    """Give the float that a stored number, plain or tagged, stands for.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(value, dict) and len(value) == 1:
        ((key, item),) = value.items()
        return float(untag_number(key, item))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no stored number")
    return float(value)


def _below(path: str, key: str) -> str:
    if not key.isidentifier():
        return f"{path}[{reprlib.repr(key)}]"
    return f"{path}.{key}" if path else key


def _foreign_kind(value: Any) -> str | None:
    """Say whether a value is a numpy scalar or array, or a torch tensor, without importing either."""
    for base in type(value).__mro__:
        if base.__module__ == "numpy" and base.__name__ in ("generic", "ndarray"):
            return "numpy"
        if base.__module__ in ("torch", "torch._tensor") and base.__name__ == "Tensor":
            return "torch"
    return None


def _numpy_values(value: Any, path: str) -> Any:
    kind, size = value.dtype.kind, value.dtype.itemsize
    if kind not in "biufU" or (kind == "f" and size > 8):
        remedy = "convert it with .astype(float) or .tolist(), or to text"
        raise refused(path, f"numpy data of type {value.dtype} cannot be stored as JSON", value, remedy)
    _check_elements(value.size, value, path)
    return value.tolist()


def _torch_values(value: Any, path: str) -> Any:
    if type(value).__module__ not in _TENSOR_MODULES or value.is_meta or value.is_complex():
        reason = "a tensor without plain real values of its own cannot be stored as JSON"
        raise refused(path, reason, value, "pass .tolist() of what is meant")
    _check_elements(value.numel(), value, path)
    try:
        return value.detach().tolist()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        reason = f"the values of this tensor cannot be read ({error})"
        raise refused(path, reason, value, "pass .tolist() of what is meant") from error


def _check_elements(count: int, value: Any, path: str) -> None:
    if count > ELEMENT_LIMIT:
        reason = f"{count} elements are too many for one record (at most {ELEMENT_LIMIT})"
        raise refused(path, reason, value, "record a summary; weights belong in edits and checkpoints")


def _remedy(value: Any) -> str:
    if isinstance(value, set | frozenset):
        return "a set has no order: pass sorted(value)"
    if isinstance(value, bytes | bytearray | memoryview):
        return "pass text: value.hex(), or base64"
    if callable(value):
        return "pass its name"
    if isinstance(value, complex):
        return "pass [value.real, value.imag]"
    if hasattr(value, "__dataclass_fields__"):
        return "pass dataclasses.asdict(value)"
    if hasattr(value, "model_dump"):
        return "pass value.model_dump()"
    return "pass str(value), or a dict of its fields"
