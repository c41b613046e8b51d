"""The canonical codec: payloads to the exact text the ledger stores, and the field types that make it lossless.

Canonical means: UTF-8 JSON, keys sorted, no white space, shortest float notation. Equal payloads have equal text, and
decoding the text gives the payload back, float bits included.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import CoreSchema, core_schema

from memory.errors import InvalidPayload, PayloadTooLarge
from memory.events import plain as _plain
from memory.events.plain import PAYLOAD_LIMIT, Refused
from memory.events.registry import Payload

PayloadT = TypeVar("PayloadT", bound=BaseModel)


class _JsonDataSchema:
    """Pydantic's view of arbitrary user data: plain in memory, tagged in JSON."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(_plain.untag, core_schema.any_schema()),
            python_schema=core_schema.no_info_plain_validator_function(_plain.plain),
            serialization=core_schema.plain_serializer_function_ser_schema(_plain.tag, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"description": "any JSON value; NaN, infinities and large integers as tagged objects"}


class _NumberSchema:
    """Pydantic's view of a float that may be NaN or infinite: tagged in JSON where JSON has no number for it."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        return core_schema.json_or_python_schema(
            json_schema=core_schema.union_schema(
                [
                    core_schema.float_schema(strict=True, allow_inf_nan=False),
                    core_schema.no_info_plain_validator_function(_plain.number_from_stored),
                ],
                mode="left_to_right",
            ),
            python_schema=core_schema.no_info_plain_validator_function(_plain.number),
            serialization=core_schema.plain_serializer_function_ser_schema(_plain.tag, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"description": "a number; NaN and infinities as tagged objects"}


JsonData = Annotated[Any, _JsonDataSchema]
"""Arbitrary user data: None, bool, int, float, str, lists and dicts; what converts to these exactly is converted."""

Number = Annotated[float, _NumberSchema]
"""A float, NaN and infinities included; accepts ints and scalars of numpy and torch, refuses bools and text."""


def build(cls: type[PayloadT], /, **fields: Any) -> PayloadT:
    """Make a payload from untrusted fields.

    Args:
        cls: The payload class, or a part of one.
        **fields: Its fields.

    Raises:
        InvalidPayload: A field is missing, unknown, or holds something that cannot be stored.
    """
    try:
        return cls(**fields)
    except ValidationError as error:
        raise _translated(cls, error) from error


def encode(payload: Payload) -> str:
    """Give the canonical JSON text of a payload: what the ledger stores and the chain digests.

    Raises:
        InvalidPayload: Text somewhere in it has a NUL character or a lone surrogate, or a number has no JSON form.
        PayloadTooLarge: It is larger than 64 MiB.
    """
    fields = payload.__pydantic_serializer__.to_python(payload, mode="json")
    try:
        text = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError) as error:
        _refuse_unstorable(payload.event_type, fields)
        raise InvalidPayload(payload.event_type, f"cannot be written as JSON: {error}") from error
    # orjson writes NaN as null and NUL as an escape: both are rare, so look closer only where they may have happened.
    nulls = text.count(b"null")
    if b"\\u0000" in text or (nulls and nulls != list(fields.values()).count(None) and _holds_nonfinite(fields)):
        _refuse_unstorable(payload.event_type, fields)
    if len(text) > PAYLOAD_LIMIT:
        raise PayloadTooLarge(payload.event_type, limit=PAYLOAD_LIMIT)
    return text.decode()


def content_digest(event_type: str, model: str | None, text: str) -> bytes:
    """Give the sha256 of what an idempotency key stands for: type, model and exact payload text."""
    digest = _content_of(event_type, model).copy()
    _add_part(digest, text)
    return digest.digest()


@functools.lru_cache(maxsize=1024)
def _content_of(event_type: str, model: str | None) -> hashlib._Hash:
    """Give the digest of a content up to its text, to be copied: a log has few types and models."""
    digest = hashlib.sha256(b"palimpsest content 1\0")
    _add_part(digest, event_type)
    _add_part(digest, model)
    return digest


def _add_part(digest: hashlib._Hash, part: str | None) -> None:
    encoded = b"" if part is None else part.encode()
    digest.update((-1 if part is None else len(encoded)).to_bytes(8, "big", signed=True) + encoded)


def _holds_nonfinite(fields: dict[str, Any]) -> bool:
    waiting: list[Any] = list(fields.values())
    for value in waiting:
        kind = type(value)
        if kind is float:
            if value - value != 0.0:
                return True
        elif kind is dict:
            waiting.extend(value.values())
        elif kind is list:
            waiting.extend(value)
    return False


def _refuse_unstorable(path: str, value: Any) -> None:
    """Find what the fields hold that JSON or jsonb cannot, and refuse it by its path."""
    try:
        if isinstance(value, str):
            _plain.check_text(value, path)
    except Refused as error:
        raise _from_context(path, error.context or {}) from error
    if isinstance(value, float) and value - value != 0.0:
        remedy = "declare the field as a Number, which stores NaN and infinities"
        raise InvalidPayload(path, "a non-finite number in a plain float field", value=str(value), remedy=remedy)
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        raise InvalidPayload(path, "an integer beyond 64 bits", value=_plain.short(value), remedy="store it as text")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_unstorable(path, key)
            _refuse_unstorable(f"{path}.{key}", item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_unstorable(f"{path}[{index}]", item)


def _translated(cls: type[BaseModel], error: ValidationError) -> InvalidPayload:
    first = error.errors(include_url=False)[0]
    path = _location(first["loc"]) or getattr(cls, "event_type", cls.__name__)
    if first["type"] in ("refused", "too_large"):
        context = first.get("ctx", {})
        inner = str(context.get("path", "")).removeprefix("at ").removesuffix(": ")
        if first["type"] == "too_large":
            return PayloadTooLarge(_joined(path, inner), limit=PAYLOAD_LIMIT)
        return _from_context(_joined(path, inner), context)
    if first["type"] == "extra_forbidden":
        remedy = f"the fields are {', '.join(cls.model_fields)}"
        return InvalidPayload(path, "there is no such field", value=_plain.short(first["input"]), remedy=remedy)
    if first["type"] == "missing":
        return InvalidPayload(path, "this field is required", remedy=f"pass {path}=...")
    return InvalidPayload(
        path, first["msg"], value=_plain.short(first["input"]), remedy="pass a value of the kind the message asks for"
    )


def _from_context(path: str, context: Mapping[str, Any]) -> InvalidPayload:
    return InvalidPayload(path, context["reason"], value=context["value"], remedy=context["remedy"])


def _location(parts: tuple[int | str, ...]) -> str:
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif path and not part.isidentifier():
            path += f"[{part!r}]"
        else:
            path += f".{part}" if path else part
    return path


def _joined(outer: str, inner: str) -> str:
    return outer + inner if inner.startswith("[") or not inner else f"{outer}.{inner}"
