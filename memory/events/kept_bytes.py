"""What events say of bytes that were kept: how one state of a storage leads to another, and states as a whole."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Delta(BaseModel):
    """How one state of a storage leads to another: usable both ways."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    storage_key: str
    """The storage, by its key at this position."""
    before: str
    """Digest of the one state."""
    after: str
    """Digest of the other."""
    blob: str
    """blake3 of the blob that holds the difference, hex."""
    size: int
    """Bytes of the blob."""
    changed_bytes: int
    """Bytes of the storage that using it touches."""
    codec: str
    """How the blob says it: `rows`, `sparse`, `dense`."""


class Keyframe(BaseModel):
    """All bytes of one state of a storage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    storage_key: str
    """The storage, by its key at this position."""
    fingerprint: str
    """Digest of the state."""
    blob: str
    """blake3 of the blob, hex."""
    size: int
    """Bytes of the blob."""
