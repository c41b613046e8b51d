"""A small file system of a test's own that can really be full, and a PostgreSQL server that keeps things on one."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """A file system in memory with an end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, leave: int = 0) -> None:
        """Take all the room but so many bytes."""
        with self._ballast.open("ab") as file:
            file.truncate(0)
            size = shutil.disk_usage(self.folder).free - leave
            os.posix_fallocate(file.fileno(), 0, max(size, 1))

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink()


@contextmanager
def small_disk(size: str) -> Iterator[SmallDisk]:
    """Mount a file system of that size where any user can go; skip the test where nothing may be mounted."""
    folder = Path(tempfile.mkdtemp(prefix="palimpsest-disk-", dir="/tmp"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        folder.rmdir()
        pytest.skip(f"a disk that can be full needs the right to mount one: {done.stderr.strip()}")
    try:
        folder.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
        folder.rmdir()
