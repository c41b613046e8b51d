"""JSON Lines: one JSON document for each event or row, one a line; times as UTC ISO text, payloads as exact text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from memory.errors import InvalidExport
from memory.events.envelope import EPOCH
from memory.store.transfer.manifest import ExportedFile

_MICROSECOND = timedelta(microseconds=1)
_BUFFER = 2**20


class Writer:
    """Writes rows as lines of one file.

    Args:
        folder: The export.
        name: The file's path in it.
        columns: Names and kinds of the columns.
    """

    def __init__(self, folder: Path, name: str, columns: Sequence[tuple[str, str]]) -> None:
        self._path, self._name = folder / name, name
        self._names = [column for column, _ in columns]
        self._times = [number for number, (_, kind) in enumerate(columns) if kind == "time"]
        self._rows = 0
        self._file = self._path.open("wb", buffering=_BUFFER)

    def write(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Write rows."""
        names, times = self._names, self._times
        for row in rows:
            document = dict(zip(names, row, strict=True))
            for number in times:
                document[names[number]] = _time_text(row[number])
            self._file.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
            self._rows += 1

    def close(self) -> ExportedFile:
        """End the file; say what it holds. Closing it again changes nothing."""
        self._file.close()
        return ExportedFile(self._name, self._rows, self._path.stat().st_size)


def read(path: Path, columns: Sequence[tuple[str, str]]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a file.

    Raises:
        InvalidExport: A line is not what `Writer` writes.
    """
    names = [name for name, _ in columns]
    times = [name for name, kind in columns if kind == "time"]
    whole = [name for name, kind in columns if kind == "int"]
    with path.open("rb", buffering=_BUFFER) as file:
        for number, line in enumerate(file, start=1):
            try:
                document = orjson.loads(line)
                for name in whole:
                    if type(document[name]) is not int:
                        raise TypeError(f"{name} is no whole number")
                for name in times:
                    document[name] = _microseconds(document[name])
                row = tuple(document[name] for name in names)
                if len(document) != len(names):
                    raise ValueError("there are columns that do not belong to it")
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise InvalidExport(f"{path}, line {number} cannot be read: {type(error).__name__}: {error}") from error
            yield row


def _time_text(microseconds: int | None) -> str | None:
    if microseconds is None:
        return None
    return (EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds")[:-6] + "Z"


def _microseconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not UTC or len(text) != 27:
        raise ValueError(f"{text!r} is no time as it is written here")
    return (moment - EPOCH) // _MICROSECOND
