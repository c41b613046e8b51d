"""Where the checkpoints of a record are, and how what events say of them is read back."""

from __future__ import annotations

import re
import shutil
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from memory.errors import CorruptionError
from memory.events.weights import CheckpointSaved
from memory.store.disk import PARTIAL, make_folders, to_disk, writing_to
from memory.weights.checkpoint_reader import CheckpointReader
from memory.weights.keeping import CHECKPOINTS

if TYPE_CHECKING:
    from memory.weights.keeping import BlobKeeper

_LONGEST = 40
"""Characters of a description that are in a checkpoint's name."""


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


def slug(text: str) -> str:
    """Give the beginning of a text as it may be in a folder's name; `checkpoint` where nothing is left of it."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-") or "checkpoint"


@contextmanager
def claimed_folder(keeper: BlobKeeper, checkpoint_id: str) -> Iterator[Path | None]:
    """Have a name to oneself inside, among all threads and processes; give its folder, None where it is taken.

    What a crash leaves of the claim is swept as every half-written file is, and keeps only this name until then.

    Raises:
        DatabaseUnavailable: The folder cannot be written.
    """
    folder = folder_of(keeper, checkpoint_id)
    claim = folder.with_name(f".{checkpoint_id}.claim{PARTIAL}")
    with writing_to(claim):
        make_folders(folder.parent)
        try:
            claim.open("xb").close()
        except FileExistsError:
            yield None
            return
    try:
        yield None if folder.exists() else folder
    finally:
        claim.unlink(missing_ok=True)


def remove_folder(keeper: BlobKeeper, checkpoint_id: str) -> int:
    """Remove a checkpoint's folder; give the bytes of its files, none where it is not there.

    Cut short, it leaves a folder whose name begins with a dot and ends in `.partial`: never half a checkpoint.

    Raises:
        CorruptionError: The record has no folder for files.
        DatabaseUnavailable: It cannot be removed.
    """
    folder = folder_of(keeper, checkpoint_id)
    with writing_to(folder):
        if not folder.exists():
            return 0
        size = sum(path.stat().st_size for path in folder.iterdir())
        going = folder.with_name(f".{checkpoint_id}-{uuid.uuid4().hex[:8]}{PARTIAL}")
        folder.rename(going)
        to_disk(folder.parent)
        shutil.rmtree(going)
    return size


def reader_of(keeper: BlobKeeper, saved: CheckpointSaved) -> CheckpointReader:
    """Give a checkpoint's files, held against what was recorded of them."""
    expected = {
        "files": [file.model_dump() for file in saved.files],
        "tensors": [tensor.model_dump() for tensor in saved.tensors],
    }
    return CheckpointReader(folder_of(keeper, saved.checkpoint_id), expected)
