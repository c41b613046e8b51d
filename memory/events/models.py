"""What is recorded about a model itself: that it is attached, and which names share bytes."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from memory.events.codec import JsonData
from memory.events.kept_bytes import Keyframe
from memory.events.registry import Payload, register
from memory.events.upcasters import upcaster


class StorageState(BaseModel):
    """One storage as it was found: its names, its form, and a digest of its bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    """The storage key: the first of its names."""
    names: tuple[str, ...]
    """Every name of exactly these bytes, sorted."""
    dtype: str
    """The element type as torch writes it, without the prefix: `bfloat16`."""
    shape: tuple[int, ...]
    """The shape under the storage's first name."""
    fingerprint: str | None = None
    """blake3 over dtype, shape and bytes, hex; None where the bytes cannot be read (meta tensors)."""


@register
class ModelAttached(Payload):
    """A model, or only its sharing map, was put under the care of this memory."""

    event_type: ClassVar[str] = "model_attached"
    schema_version: ClassVar[int] = 2
    """2: `keyframes`."""

    model: str
    """The name the model is known by in this record."""
    architecture: str | None = None
    """The class of the model; None when only a map was attached."""
    sharing: JsonData
    """The whole sharing map, as `SharingMap.to_json` gives it, parsed."""
    digest: str
    """The map's digest."""
    storages: tuple[StorageState, ...] = ()
    """The state of every storage at this moment; empty when only a map was attached."""
    baseline: Literal["lazy", "full"] = "lazy"
    """Whether keyframes of everything were stored, or one before each storage's first announced write."""
    state_of: int | None = None
    """The position whose state the weights are in; None for a first attach or a state the log never saw."""
    keyframes: tuple[Keyframe, ...] = ()
    """All bytes of every storage, where a full baseline was asked for."""


@upcaster("model_attached", 1)
def _no_bytes_were_kept(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"keyframes": []}


@register
class SharingChanged(Payload):
    """Names of an attached model were tied, untied, added or removed."""

    event_type: ClassVar[str] = "sharing_changed"

    model: str
    sharing: JsonData
    """The whole map as it is now."""
    digest: str
    previous_digest: str
    tied: tuple[tuple[str, ...], ...] = ()
    """Groups of names that share bytes now and did not before."""
    untied: tuple[tuple[str, ...], ...] = ()
    """Groups of names that shared bytes before and do not now."""
    vanished: tuple[tuple[str, ...], ...] = ()
    """Those of `untied` of which no name kept its bytes: code that moved the weights did not know of the tie."""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: dict[str, str] | None = None
    """New storage key to the old key of the storage whose bytes it still is; None where only maps are known."""
    storages: tuple[StorageState, ...] = ()
    """The state of every storage that is new or whose bytes moved."""


def plain_map(text: str) -> Any:
    """Give a sharing map's JSON text as plain data, the form events carry it in."""
    import orjson

    return orjson.loads(text)
