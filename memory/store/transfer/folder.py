"""A folder that appears whole or not at all: written under another name, brought to the disk, then renamed."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memory.errors import InvalidArgument
from memory.store.disk import to_disk, writing_to


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a folder to write into, which is named `target` when the block ends, and removed when it raises.

    Raises:
        InvalidArgument: Something of that name is there already, or there is no folder to make it in.
        DatabaseFull: No room is left on the disk.
        DatabaseUnavailable: It cannot be written.
    """
    if target.exists() or target.is_symlink():
        raise InvalidArgument("path", str(target), "name a folder that does not exist yet: nothing is overwritten")
    if not target.parent.is_dir():
        raise InvalidArgument("path", str(target), f"make its folder first: mkdir -p {target.parent}")
    partial = target.parent / f".{target.name}-{uuid.uuid4().hex[:8]}.partial"
    with writing_to(target):
        partial.mkdir()
        try:
            yield partial
            for folder, _, files in os.walk(partial, topdown=False):
                for name in files:
                    to_disk(Path(folder) / name)
                to_disk(Path(folder))
            if target.exists():
                raise InvalidArgument("path", str(target), "it was made meanwhile: name another folder")
            partial.rename(target)
            to_disk(target.parent)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
