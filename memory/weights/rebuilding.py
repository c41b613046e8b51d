"""Goes a way to a state: takes the bytes it begins with, and applies what leads on from there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from memory.errors import CorruptionError
from memory.weights.delta import apply
from memory.weights.live import Bytes, LiveStorage
from memory.weights.paths import Path
from memory.weights.whole import take_whole

if TYPE_CHECKING:
    from memory.weights.keeping import BlobKeeper

ReadCheckpoint = Callable[[str, Bytes], None]
"""Puts the bytes of one storage, by checkpoint id, where they are wanted."""


def rebuild(
    path: Path,
    into: Bytes,
    *,
    keeper: BlobKeeper,
    live: LiveStorage | None = None,
    read_checkpoint: ReadCheckpoint | None = None,
) -> None:
    """Put the bytes of a state together; whether they are the right ones is the caller's to prove.

    So no blob is held against its digest on the way.

    Args:
        path: The way.
        into: Where to, of the storage's size; what it held is lost.
        keeper: Where blobs are.
        live: The live storage, where the way may begin there.
        read_checkpoint: Reads from a checkpoint, where the way may begin there.

    Raises:
        CorruptionError: A blob or checkpoint is gone or damaged.
    """
    source = path.source
    if source.kind == "live" and live is not None:
        live.read(into)
    elif source.kind == "checkpoint" and read_checkpoint is not None:
        read_checkpoint(source.reference, into)
    elif source.kind == "keyframe":
        take_whole(keeper.get(source.reference, verified=False), into)
    else:
        raise CorruptionError(f"the way to a state begins at {source.kind} {source.reference!r}, which is not at hand")
    for step in path.steps:
        apply(keeper.get(step.blob, verified=False), into, backward=step.backward)
