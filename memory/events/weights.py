"""What is recorded about the bytes of weights: checkpoints, their tags, and what was let go."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from memory.events.codec import JsonData, Number
from memory.events.kept_bytes import Delta, Keyframe
from memory.events.models import StorageState
from memory.events.observations import Label
from memory.events.registry import Payload, register


class CheckpointFile(BaseModel):
    """One file of a checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Its name in the checkpoint's folder."""
    size: int
    """Its bytes."""
    digest: str
    """blake3 of all of them, hex."""
    header_size: int | None = None
    """Bytes before the first tensor; None for a file without tensors."""
    header_digest: str | None = None
    """blake3 of those, hex."""


class CheckpointTensor(BaseModel):
    """Where a checkpoint keeps one storage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    """The storage, by its key at this position."""
    file: str
    """The file it is in."""
    name: str
    """The name of the tensor in that file."""
    dtype: str
    shape: tuple[int, ...]
    fingerprint: str
    """Digest of its values."""
    offset: int
    """Its first byte in the file."""
    size: int
    """Its bytes."""


@register
class CheckpointSaved(Payload):
    """All weights of a model were written to a checkpoint that plain transformers loads."""

    event_type: ClassVar[str] = "checkpoint_saved"

    model: str
    checkpoint_id: Label
    """Its name in the record, and of its folder."""
    description: str = ""
    storages: tuple[StorageState, ...]
    """The state of every storage it holds."""
    tensors: tuple[CheckpointTensor, ...]
    """Where each of them is."""
    files: tuple[CheckpointFile, ...]
    benchmarks: dict[Label, Number] = Field(default_factory=dict)
    """What the model scored at this moment."""
    modification_details: JsonData = Field(default_factory=dict)
    """What led to it, as data."""
    tags: tuple[str, ...] = ()
    automatic: str | None = None
    """Why it was made, where nobody asked for it: `modifications` or `minutes`."""


@register
class CheckpointTagged(Payload):
    """Tags were put on a checkpoint, or taken off it."""

    event_type: ClassVar[str] = "checkpoint_tagged"

    model: str
    checkpoint_id: Label
    added: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    removed: tuple[str, ...] = ()


@register
class BlobsPruned(Payload):
    """Blobs and checkpoints were let go: what only they could put back stays on record, and is not restorable."""

    event_type: ClassVar[str] = "blobs_pruned"

    model: str
    before: int | None = None
    """States before this position were let go; None where only checkpoints were."""
    blobs: tuple[str, ...] = ()
    """blake3 of each blob let go, hex, sorted: of what this model had kept up to `before`.

    Where a later event or another model points at one, it stays."""
    checkpoints: tuple[str, ...] = ()
    """The checkpoints let go, sorted."""
    keyframes: tuple[Keyframe, ...] = ()
    """What was kept in their place: all bytes of the storages as they were at `before`."""
    bytes_freed: int = 0
    reason: str


@register
class StatesRead(Payload):
    """Storages were read that announced writes had left unread: what they hold by now, and what leads back."""

    event_type: ClassVar[str] = "states_read"

    model: str
    label: str = ""
    """The watch that read them."""
    step: int | None = None
    """The last step of it before."""
    storages: tuple[StorageState, ...]
    """What each of them holds."""
    deltas: tuple[Delta, ...] = ()
    """What leads from the state of each that was on record before to this one, and back."""
    keyframes: tuple[Keyframe, ...] = ()
    """All bytes of some of them, before or after: where the ways back and forth would grow long."""
