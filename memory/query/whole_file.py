"""Files that appear when they are whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memory.errors import InvalidArgument


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path beside a file, which takes its place at the end, unless something fails.

    Raises:
        InvalidArgument: It cannot be written there.
    """
    place = Path(path)
    beside = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        yield beside
        beside.replace(place)
    except OSError as error:
        raise InvalidArgument("path", str(path), f"name a file that can be written: {error}") from error
    finally:
        beside.unlink(missing_ok=True)
