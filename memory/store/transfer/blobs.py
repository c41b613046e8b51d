"""Blobs as they travel: each in a file of its own under its digest, rows of the database and files alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from memory.errors import DigestMismatch, InvalidExport
from memory.store.blobs import Content

Taken = Callable[[], Iterable[tuple[str, Content]]]
"""Gives digest and bytes of every blob that an event points at by then, one at a time."""

FOLDER = "blobs"


class Keeping(Protocol):
    """Where blobs are brought to."""

    def pointing(self) -> AbstractContextManager[None]:
        """Hold off whoever removes what nothing points at."""

    def has(self, digest: str) -> bool:
        """Say whether a blob is there."""

    def put_all(self, blobs: Iterable[tuple[str, Content]]) -> int:
        """Keep blobs, each verified first; give how many were not there."""


def write_blobs(folder: Path, blobs: Iterable[tuple[str, Content]]) -> tuple[int, int]:
    """Write blobs into an export; give their number and their bytes."""
    number = size = 0
    for digest, content in blobs:
        path = folder / FOLDER / digest[:2] / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        number += 1
        size += memoryview(content).nbytes
    return number, size


def check_blobs(folder: Path, number: int, size: int) -> None:
    """See that as many blobs are there as an export says, in their full size together.

    Raises:
        InvalidExport: They are not.
    """
    sizes = [path.stat().st_size for path in _files(folder)]
    if (len(sizes), sum(sizes)) != (number, size):
        raise InvalidExport(
            f"{folder / FOLDER} holds {len(sizes)} blobs of {sum(sizes)} bytes, and the export was made with {number} "
            f"of {size}: it was cut off or changed"
        )


def bring_blobs(folder: Path, keeping: Keeping) -> int:
    """Keep the blobs of an export where they are not there yet; give how many.

    Raises:
        InvalidExport: One holds other bytes than its name says; those before it are kept.
        DatabaseFull: There is no room.
    """
    try:
        return keeping.put_all(_missing(folder, keeping))
    except DigestMismatch as error:
        raise InvalidExport(f"{folder / FOLDER}: {error.message}: it was changed") from error


def _missing(folder: Path, keeping: Keeping) -> Iterator[tuple[str, Content]]:
    for path in _files(folder):
        if not keeping.has(path.name):
            yield path.name, path.read_bytes()


def _files(folder: Path) -> list[Path]:
    return sorted((folder / FOLDER).glob("[0-9a-f][0-9a-f]/*"))
