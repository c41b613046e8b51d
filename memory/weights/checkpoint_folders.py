"""Where the checkpoints of a record are, and how what events say of them is read back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from memory.errors import CorruptionError
from memory.events.weights import CheckpointSaved
from memory.weights.checkpoint_reader import CheckpointReader
from memory.weights.keeping import CHECKPOINTS

if TYPE_CHECKING:
    from memory.weights.keeping import BlobKeeper


def folder_of(keeper: BlobKeeper, checkpoint_id: str) -> Path:
    """Give the folder of a checkpoint.

    Raises:
        CorruptionError: The record has no folder for files.
    """
    if keeper.folder is None:
        raise CorruptionError(
            f"the files of checkpoint {checkpoint_id!r} are in no folder of this record",
            remedy="open it with blobs=<the folder it was made with>",
        )
    return keeper.folder / CHECKPOINTS / checkpoint_id


def reader_of(keeper: BlobKeeper, saved: CheckpointSaved) -> CheckpointReader:
    """Give a checkpoint's files, held against what was recorded of them."""
    expected = {
        "files": [file.model_dump() for file in saved.files],
        "tensors": [tensor.model_dump() for tensor in saved.tensors],
    }
    return CheckpointReader(folder_of(keeper, saved.checkpoint_id), expected)
