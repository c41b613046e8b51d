"""Exporting: the whole log and every read table to a folder of plain files, in constant memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import select

from memory.errors import InvalidArgument
from memory.store import migrate
from memory.store.engine import Database
from memory.store.head import Head, read_head, read_origin
from memory.store.seal import read_seal
from memory.store.tables import appends
from memory.store.transfer import jsonl, parquet
from memory.store.transfer.blobs import Taken, write_blobs
from memory.store.transfer.folder import whole_folder
from memory.store.transfer.history import LoggedAppend, stored_appends
from memory.store.transfer.manifest import NAME, ExportedFile, Format, Manifest
from memory.store.transfer.read_tables import columns_of, one_moment, read_tables, rows_of_table
from memory.store.transfer.rows import COLUMNS, rows_of
from memory.version import __version__

EVENTS_PER_FILE = 1_000_000
"""Positions that one file of events spans: a reader of a part of the log need not open the rest."""
Progress = Callable[[int, int], None]
"""Told now and then how many events are done, and of how many."""
TELL_EVERY = 10_000


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was exported."""

    path: Path
    appends: int
    events: int
    head: Head
    tables: dict[str, int]
    """Rows by table."""
    size: int
    """Bytes of all files."""
    blobs: int = 0
    """Blobs that were taken along."""


class _Writer(Protocol):
    def write(self, rows: Iterator[tuple[Any, ...]]) -> None: ...

    def close(self) -> ExportedFile: ...


def export_log(
    database: Database,
    path: str | os.PathLike[str],
    *,
    file_format: Format = "jsonl",
    tables: bool = True,
    events_per_file: int = EVENTS_PER_FILE,
    progress: Progress | None = None,
    blobs: Taken | None = None,
) -> ExportReport:
    """Write the whole log, as it is now, to a folder that appears when it is complete and on the disk.

    Args:
        database: Where the log is.
        path: The folder to make.
        file_format: `jsonl` or `parquet`.
        tables: Whether to write the read tables too, as they are: catch them up first.
        events_per_file: How many positions a file of events spans.
        progress: Told how far it is.
        blobs: Gives the blobs that events point at; None: they are left behind.

    Raises:
        InvalidArgument: The folder exists, or there is no such format.
        MissingDependency: Parquet is asked for, and pyarrow is not installed.
        CorruptionError: The log is not whole: every link of its chain is recomputed on the way.
    """
    if file_format not in ("jsonl", "parquet"):
        raise InvalidArgument("format", file_format, "choose 'jsonl' or 'parquet'")
    if file_format == "parquet":
        parquet.load()
    with whole_folder(Path(path).absolute()) as folder:
        (folder / "events").mkdir()
        # Tables first, then the head: whatever they were computed from is then part of the events.
        table_files = _write_tables(database, folder, file_format) if tables else {}
        with database.reading() as connection:
            origin, head = read_origin(connection), read_head(connection)
            began = connection.execute(select(appends.c.recorded_at).where(appends.c.append_id == origin.append_id))
            origin_at = began.scalar_one()
            seal = read_seal(connection)
        counted = _Counted(stored_appends(database, origin, head), head.position - origin.position, progress)
        event_files = _write_events(counted, folder, file_format, events_per_file)
        # Blobs last: what any of these events points at is then among them.
        number, blob_bytes = write_blobs(folder, blobs()) if blobs is not None else (0, 0)
        manifest = Manifest(
            format=file_format,
            software=__version__,
            schema=migrate.head(),
            source=str(database.location),
            exported_at=datetime.now(UTC).isoformat(),
            origin=origin,
            origin_at=origin_at,
            head=head,
            appends=counted.appends,
            events=counted.events,
            event_files=tuple(event_files),
            table_files=table_files,
            sealed=None if seal is None or not seal.sealed else seal.content(),
            blobs=number,
            blob_bytes=blob_bytes,
        )
        text = manifest.to_json()
        (folder / NAME).write_text(text, encoding="utf-8")
    files = [*event_files, *table_files.values()]
    return ExportReport(
        path=Path(path).absolute(),
        appends=counted.appends,
        events=counted.events,
        head=head,
        tables={name: file.rows for name, file in table_files.items()},
        size=sum(file.size for file in files) + blob_bytes + len(text.encode()),
        blobs=number,
    )


def _open(folder: Path, name: str, columns: Sequence[tuple[str, str]], file_format: Format) -> _Writer:
    if file_format == "parquet":
        return parquet.Writer(folder, f"{name}.parquet", columns)
    return jsonl.Writer(folder, f"{name}.jsonl", columns)


def _name_of(first_position: int, file_format: Format) -> str:
    """Give the name of a file of events: in Parquet a partition, as DuckDB, Spark and Arrow look for them."""
    if file_format == "parquet":
        return f"events/from_position={first_position}/events"
    return f"events/events-{first_position:012}"


def _write_events(
    history: Iterator[LoggedAppend], folder: Path, file_format: Format, events_per_file: int
) -> list[ExportedFile]:
    files: list[ExportedFile] = []
    append = next(history, None)
    while append is not None:
        full_at = append.first_position + events_per_file
        with closing(_open(folder, _name_of(append.first_position, file_format), COLUMNS, file_format)) as writer:
            # An append stays whole in one file, whatever its size.
            while append is not None and append.first_position < full_at:
                writer.write(rows_of(append))
                append = next(history, None)
            files.append(writer.close())
    return files


def _write_tables(database: Database, folder: Path, file_format: Format) -> dict[str, ExportedFile]:
    (folder / "tables").mkdir()
    files: dict[str, ExportedFile] = {}
    with one_moment(database) as connection:
        for table in read_tables():
            with closing(_open(folder, f"tables/{table.name}", columns_of(table), file_format)) as writer:
                writer.write(rows_of_table(connection, table))
                files[table.name] = writer.close()
    return files


class _Counted:
    """Counts what passes, and tells of it."""

    def __init__(self, history: Iterator[LoggedAppend], total: int, progress: Progress | None) -> None:
        self.appends = self.events = 0
        self._history, self._total, self._progress = history, total, progress

    def __iter__(self) -> Iterator[LoggedAppend]:
        return self

    def __next__(self) -> LoggedAppend:
        append = next(self._history)
        told = self.events // TELL_EVERY
        self.appends += 1
        self.events += len(append.events)
        if self._progress is not None and self.events // TELL_EVERY != told:
            self._progress(self.events, self._total)
        return append
