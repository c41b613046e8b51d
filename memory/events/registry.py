"""Payload classes by event type: what may be recorded, and how stored text becomes a payload again."""

from __future__ import annotations

import importlib
import pkgutil
import re
from typing import Any, ClassVar, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from memory.errors import CorruptionError, UnknownEventType, UpcastError
from memory.events.upcasters import upcast

_EVENT_TYPE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_PAYLOAD_TYPES: dict[str, type[Payload]] = {}
_families_loaded = False


class Payload(BaseModel):
    """What one event says: a frozen model whose class names the event type and its schema version.

    Plain `float` fields refuse NaN and infinities; a field that may hold them is a `memory.events.codec.Number`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    event_type: ClassVar[str]
    """Stable snake_case name, stored with every event: never changes once released."""
    schema_version: ClassVar[int] = 1
    """Raised, together with a new upcaster, when the stored fields change."""


PayloadT = TypeVar("PayloadT", bound=Payload)


def register(cls: type[PayloadT]) -> type[PayloadT]:
    """Make a payload class known under its event type (a decorator).

    Raises:
        ValueError: The event type is not snake_case, or another class has it.
    """
    name = cls.event_type
    if not _EVENT_TYPE.fullmatch(name) or cls.schema_version < 1:
        raise ValueError(f"{cls.__qualname__}: the event type {name!r} must be snake_case and its version at least 1")
    known = _PAYLOAD_TYPES.get(name)
    if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
        raise ValueError(f"event type {name!r} already belongs to {known.__module__}.{known.__qualname__}")
    _PAYLOAD_TYPES[name] = cls
    return cls


def payload_type(event_type: str) -> type[Payload]:
    """Give the payload class of an event type, in its latest schema version.

    Raises:
        UnknownEventType: No class has that type.
    """
    cls = _PAYLOAD_TYPES.get(event_type)
    if cls is None:
        _load_families()
        cls = _PAYLOAD_TYPES.get(event_type)
    if cls is None:
        raise UnknownEventType(event_type)
    return cls


def knows(event_type: str) -> bool:
    """Say whether an event type has a payload class."""
    if event_type not in _PAYLOAD_TYPES:
        _load_families()
    return event_type in _PAYLOAD_TYPES


def decode(event_type: str, schema_version: int, text: str) -> Payload:
    """Turn stored text into the payload, lifted to the latest schema version.

    Raises:
        UnknownEventType: The type, or a schema version newer than ours, is not known: keep the text.
        UpcastError: An old payload could not be lifted.
        CorruptionError: The text is not what this type stores.
    """
    cls = payload_type(event_type)
    if schema_version > cls.schema_version:
        raise UnknownEventType(event_type, schema_version, newest=cls.schema_version)
    if schema_version < cls.schema_version:
        return _lifted(cls, schema_version, text)
    try:
        return cls.model_validate_json(text)
    except ValidationError as error:
        raise _unreadable(event_type, schema_version, error) from error


def _lifted(cls: type[Payload], schema_version: int, text: str) -> Payload:
    """Turn the stored text of an older schema version into a payload."""
    try:
        stored = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _unreadable(cls.event_type, schema_version, error) from error
    fields = upcast(cls.event_type, schema_version, cls.schema_version, stored)
    try:
        return cls.model_validate_json(orjson.dumps(fields))
    except (ValidationError, orjson.JSONEncodeError) as error:
        # The stored text is not to blame: it was lifted, and to something else than it should be.
        reason = f"what came of it is no payload of version {cls.schema_version}: {error}"
        raise UpcastError(cls.event_type, schema_version, reason) from error


def decode_fields(event_type: str, schema_version: int, text: str) -> dict[str, Any]:
    """Turn stored text into its fields as the latest schema version stores them, tagged numbers included.

    Several times as fast as `decode` where nothing has to be lifted, because nothing is validated again: enough for
    whoever only copies fields.

    Raises:
        UnknownEventType: The type, or a schema version newer than ours, is not known: keep the text.
        UpcastError: An old payload could not be lifted.
        CorruptionError: The text is not JSON.
    """
    if schema_version != payload_type(event_type).schema_version:
        payload = decode(event_type, schema_version, text)
        lifted: dict[str, Any] = payload.__pydantic_serializer__.to_python(payload, mode="json")
        return lifted
    try:
        fields: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _unreadable(event_type, schema_version, error) from error
    return fields


def _unreadable(event_type: str, schema_version: int, error: Exception) -> CorruptionError:
    return CorruptionError(f"a stored {event_type!r} (schema version {schema_version}) cannot be read: {error}")


def _load_families() -> None:
    """Import every module of this package once: each registers its payload classes."""
    global _families_loaded
    if _families_loaded:
        return
    package = importlib.import_module("memory.events")
    for module in pkgutil.iter_modules(package.__path__, "memory.events."):
        importlib.import_module(module.name)
    _families_loaded = True
