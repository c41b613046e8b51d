"""Importing: every link of the chain is computed again before anything of an append is written."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from memory.errors import AnotherHistory, InvalidExport, InvalidPayload
from memory.store.engine import Database
from memory.store.head import Head, read_head
from memory.store.seal import Seal, read_seal, set_seal
from memory.store.tables import appends
from memory.store.transfer import jsonl, parquet
from memory.store.transfer.blobs import Keeping, bring_blobs
from memory.store.transfer.export import TELL_EVERY, Progress
from memory.store.transfer.history import CHUNK_BYTES, LoggedAppend, fault
from memory.store.transfer.manifest import Manifest, read_manifest
from memory.store.transfer.placing import Placing, check_event
from memory.store.transfer.rows import COLUMNS, appends_of

CHUNK_EVENTS = 5000
"""Events written in one transaction, if they are more than one append."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was imported."""

    appends: int
    """Appends written."""
    events: int
    """Events written."""
    present: int
    """Events of the export that were there already."""
    head: Head
    """The head of the log now."""
    blobs: int = 0
    """Blobs brought that were not there."""


def import_log(
    database: Database,
    path: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
    blobs: Keeping | None = None,
) -> ImportReport:
    """Write what an export holds to a log that is empty, or holds its beginning; called again, it goes on.

    Appends are written whole, some thousand events a transaction. Read tables are never imported: they are computed.

    Args:
        database: Where to import to; its schema is at the head.
        path: The folder that was exported.
        progress: Told how many events were looked at, and of how many.
        blobs: Where the blobs go, each verified, before the events that point at them; None: they are left.

    Raises:
        InvalidExport: It is no export, was cut off or changed, or is of a newer format. What came before the append
            that is wrong is there; nothing of it, or of what follows, is.
        AnotherHistory: It does not go on from where the log ends; nothing was written.
        LogSealed: The log was rolled over, and goes on elsewhere.
        MissingDependency: It is in Parquet, and pyarrow is not installed.
    """
    folder = Path(path).absolute()
    manifest = read_manifest(folder)
    if manifest.format == "parquet":
        parquet.load()
    importing = _Import(database, folder, manifest, progress)
    with nullcontext() if blobs is None else blobs.pointing():
        return importing.run(blobs)


class _Import:
    def __init__(self, database: Database, folder: Path, manifest: Manifest, progress: Progress | None) -> None:
        self._database, self._folder, self._manifest, self._progress = database, folder, manifest, progress
        with database.reading() as connection:
            self._target = read_head(connection)
        self._placing = Placing(self._target)
        self._written_appends = self._written = self._present = 0

    def run(self, blobs: Keeping | None) -> ImportReport:
        manifest, target = self._manifest, self._target
        self._check_place()
        brought = 0 if blobs is None else bring_blobs(self._folder, blobs)
        previous = manifest.origin
        counts = [0, 0]
        pending: list[LoggedAppend] = []
        waiting = volume = 0
        for append in self._appends():
            self._check_link(previous, append)
            counts[0] += 1
            counts[1] += len(append.events)
            previous = append.head
            if append.append_id <= target.append_id:
                self._present += len(append.events)
                self._check_same(append)
            else:
                pending.append(append)
                waiting += len(append.events)
                volume += sum(len(event.payload) for event in append.events)
                if waiting >= CHUNK_EVENTS or volume >= CHUNK_BYTES:
                    self._write(pending)
                    pending, waiting, volume = [], 0, 0
            self._tell(counts[1], len(append.events))
        if previous != manifest.head or counts != [manifest.appends, manifest.events]:
            raise InvalidExport(
                f"{self._folder} ends with append {previous.append_id} at position {previous.position}, and says that "
                f"it ends with append {manifest.head.append_id} at position {manifest.head.position}"
            )
        if pending:
            self._write(pending)
        self._seal()
        if blobs is not None:
            # Rows that nothing pointed at yet may have been swept meanwhile.
            bring_blobs(self._folder, blobs)
        return ImportReport(self._written_appends, self._written, self._present, self._now(), brought)

    def _check_place(self) -> None:
        """Refuse at once what can never fit, before reading the events."""
        origin, head, target = self._manifest.origin, self._manifest.head, self._target
        if target.append_id == 0:
            if origin.append_id == 0 and origin != target:
                raise InvalidExport(f"{self._folder} does not begin as a log begins")
            return
        if target.append_id < origin.append_id:
            raise AnotherHistory(
                f"the export begins after append {origin.append_id}, and the log in {self._database.location} ends "
                f"with append {target.append_id}",
                append_id=target.append_id,
            )
        for known in (origin, head):
            if known.append_id == 0 or known.append_id > target.append_id:
                continue
            with self._database.reading() as connection:
                digest = connection.execute(
                    select(appends.c.digest).where(appends.c.append_id == known.append_id)
                ).scalar()
            if digest is None or bytes(digest).hex() != known.digest:
                raise self._another(known.append_id)

    def _another(self, append_id: int) -> AnotherHistory:
        return AnotherHistory(
            f"append {append_id} of {self._folder} is not append {append_id} of {self._database.location}: "
            "these are two histories",
            append_id=append_id,
        )

    def _appends(self) -> Iterator[LoggedAppend]:
        try:
            yield from appends_of(self._rows(), str(self._folder))
        except (TypeError, ValueError, AttributeError) as error:
            raise InvalidExport(f"{self._folder} holds what is no event: {error}") from error

    def _rows(self) -> Iterator[tuple[object, ...]]:
        read = parquet.read if self._manifest.format == "parquet" else jsonl.read
        for file in self._manifest.event_files:
            yield from read(self._folder / file.name, COLUMNS)

    def _check_link(self, previous: Head, append: LoggedAppend) -> None:
        try:
            wrong = fault(previous, append)
            if wrong is None:
                for event in append.events:
                    check_event(event)
        except (TypeError, ValueError, AttributeError, struct.error, InvalidPayload) as error:
            wrong = f"it holds what is no event: {error}"
        if wrong is not None:
            raise InvalidExport(
                f"{self._folder}: {append}: {wrong}; nothing of it was written",
                append_id=append.append_id,
                position=append.first_position,
            )

    def _check_same(self, append: LoggedAppend) -> None:
        if append.append_id == self._target.append_id and append.head != self._target:
            raise self._another(append.append_id)

    def _write(self, pending: list[LoggedAppend]) -> None:
        with self._database.writing(lock="ledger") as connection:
            if read_head(connection) != self._placing.head:
                raise AnotherHistory(
                    f"something else was appended to {self._database.location} during the import",
                    append_id=self._placing.head.append_id,
                )
            self._placing.write(connection, pending, self._manifest)
        self._placing.head = pending[-1].head
        self._written_appends += len(pending)
        self._written += sum(len(append.events) for append in pending)

    def _seal(self) -> None:
        """Seal what is the whole of a log that was sealed where it comes from."""
        if self._manifest.sealed is None:
            return
        seal = Seal(**self._manifest.sealed)
        with self._database.writing(lock="ledger") as connection:
            if read_seal(connection) is None and read_head(connection) == self._manifest.head:
                set_seal(connection, seal)

    def _now(self) -> Head:
        with self._database.reading() as connection:
            return read_head(connection)

    def _tell(self, done: int, new: int) -> None:
        if self._progress is not None and done // TELL_EVERY != (done - new) // TELL_EVERY:
            self._progress(done, self._manifest.events)
