"""Files that appear when they are whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memory.errors import InvalidArgument

_SQLITE = b"SQLite format 3\0"


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path beside a file, which takes its place at the end, unless something fails.

    Raises:
        InvalidArgument: It cannot be written there, or a database is there.
    """
    place = Path(path)
    beside = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        refuse_database(place)
        yield beside
        beside.replace(place)
    except OSError as error:
        raise InvalidArgument("path", str(path), f"name a file that can be written: {error}") from error
    finally:
        beside.unlink(missing_ok=True)


def refuse_database(path: Path) -> None:
    """Refuse to put another file in the place of an SQLite database, or of what belongs to it: it may be a record.

    Raises:
        InvalidArgument: There is one.
    """
    for name in {path.name, path.name.removesuffix("-wal"), path.name.removesuffix("-shm")}:
        there = path.parent / name
        if there.is_file():
            with there.open("rb") as file:
                if file.read(len(_SQLITE)) == _SQLITE:
                    raise InvalidArgument("path", str(path), f"{there} is a database, which stays: name another file")
