"""Rollover: a log that has grown too large is sealed where it is, and goes on in another database from its head.

What can be killed at any moment: the new log is written whole, and closed; then the old one is sealed, which is the
one commit that decides; then the new one is opened, by this call, by the next, or by the first append to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select

from memory.errors import CorruptionError, DatabaseBusy, InvalidArgument, LogSealed, PalimpsestError, RolloverUnfinished
from memory.events.continuity import KeysCarried, LogContinued, StreamsCarried
from memory.events.envelope import NewEvent, category_of
from memory.events.registry import Payload
from memory.store import faults, migrate
from memory.store.append import AppendPlan
from memory.store.carried import CHUNK, Carried, continuation, every_key
from memory.store.connect import make_engine
from memory.store.disk import to_disk
from memory.store.engine import Database
from memory.store.head import Head, read_head, read_origin
from memory.store.insert import write_rows
from memory.store.leftover import empty_unopened
from memory.store.location import Location, locate
from memory.store.prepare import prepare
from memory.store.seal import Seal, lift_seal, read_seal, set_seal
from memory.store.tables import appends, record_keys, streams

Retell = Callable[[], tuple[int, Sequence[NewEvent]]]
"""Gives what the new log must be told again, as of a position of the old one."""
_TRIES = 20


@dataclass(frozen=True, slots=True)
class RolloverReport:
    """What a rollover came to."""

    sealed: str
    """Where the old log is, without a password."""
    successor: str
    """Where it goes on."""
    head: Head
    """The old log's head: the new one's first link."""
    done_before: bool
    """Whether the old log was sealed already, and at most the last step was left to do."""


def rollover(
    database: Database,
    to: str | os.PathLike[str],
    *,
    retell: Retell | None = None,
    actor: str | None = None,
) -> RolloverReport:
    """Seal a log and let it go on in a new database; called again after a crash, it finishes.

    Positions, append numbers and stream versions go on; idempotency keys are carried over; nothing is deleted.

    Args:
        database: The log to seal. Nobody needs to stop: whoever appends later is told where it goes on.
        to: The new database: a path or URL at which there is nothing yet.
        retell: Gives what the new log must be told again.
        actor: Who does it: kept with the new log's first appends.

    Raises:
        InvalidArgument: There is something at the new place, or nothing in the old log.
        LogSealed: It was rolled over to another place before.
        DatabaseBusy: Others append so fast that what must be told again is always out of date.
    """
    successor = locate(to)
    _check_places(database.location, successor)
    old = _durable(database)
    try:
        for _ in range(_TRIES):
            position, retold = retell() if retell is not None else (None, ())
            with old.writing(lock="ledger") as connection:
                seal = read_seal(connection)
                if seal is None:
                    head = read_head(connection)
                    if head.position == 0:
                        raise InvalidArgument("the log", "empty", "a log without events has nothing to go on from")
                    if position not in (None, head.position):
                        continue
                    _write_successor(connection, old.location, head, to, retold, actor)
                    seal = Seal("sealed", str(successor), head.append_id, head.position, head.digest)
                    set_seal(connection, seal)
                    done_before = False
                else:
                    _check_same(old.location, seal, successor)
                    done_before = True
            _come_to_rest(old)
            _open_successor(old.location, seal, to)
            head = Head(seal.append_id, seal.position, seal.digest)
            return RolloverReport(str(old.location), str(successor), head, done_before)
    finally:
        if old is not database:
            old.close()
    raise DatabaseBusy(
        f"{database.location} is appended to faster than what the new log must be told can be gathered",
        remedy="pause its writers for a moment and try again; nothing was changed",
    )


def settle(database: Database, error: RolloverUnfinished) -> None:
    """Open a log that a rollover prepared, if the old log was sealed for it: only the last step was missing.

    Raises:
        RolloverUnfinished: The old log was not sealed, or cannot be asked.
    """
    with database.reading() as connection:
        seal = read_seal(connection)
    if seal is None:
        return
    try:
        with closing(Database.open(seal.other, create=False)) as old, old.reading() as connection:
            decided = read_seal(connection)
    except PalimpsestError as unreachable:
        raise RolloverUnfinished(
            str(database.location), seal.other, reason=f"whether it was sealed cannot be asked: {unreachable.message}"
        ) from unreachable
    if decided is None or not _belong_together(decided, seal, database.location):
        raise error
    _lift(database)


def _check_places(old: Location, new: Location) -> None:
    for place, name in ((old, "the log"), (new, "to")):
        if place.in_memory:
            raise InvalidArgument(name, ":memory:", "both databases must outlive the process: name a file or a server")
    if str(old) == str(new):
        raise InvalidArgument("to", str(new), "name another database: the log stays where it is, sealed")


def _durable(database: Database) -> Database:
    """Give the database with the durability a rollover needs, whatever its owner chose."""
    if database.durability == "full":
        return database
    return Database(database.location, make_engine(database.location, "full"), "full")


def _check_same(old: Location, seal: Seal, successor: Location) -> None:
    if not seal.sealed:
        raise RolloverUnfinished(str(old), seal.other)
    if seal.other != str(successor):
        raise LogSealed(str(old), seal.other)


def _write_successor(
    old: Connection,
    predecessor: Location,
    head: Head,
    place: str | os.PathLike[str],
    retold: Sequence[NewEvent],
    actor: str | None,
) -> None:
    """Make the new log, whole and closed, and bring it to the disk."""
    with closing(Database.open(place)) as new:
        _make_room(new, predecessor)
        with new.writing(lock="ledger") as connection:
            _fill(connection, old, predecessor, head, retold, actor)
            set_seal(connection, Seal("unfinished", str(predecessor), head.append_id, head.position, head.digest))
        if new.location.path is not None:
            # Never the file itself: closing it here would drop the locks that SQLite has on it.
            to_disk(new.location.path.parent)


def _make_room(new: Database, predecessor: Location) -> None:
    """Give the new database an empty log; one that an earlier try for the same old log left is thrown away."""
    migrate.ensure(new)
    with new.reading() as connection:
        head, seal = read_head(connection), read_seal(connection)
    if seal is not None and not seal.sealed and seal.other == str(predecessor):
        with new.writing(lock="ledger") as connection:
            empty_unopened(connection)
    elif seal is not None or head.append_id:
        raise InvalidArgument("to", str(new.location), "name a new database: there is a log in this one")


def _fill(
    new: Connection, old: Connection, predecessor: Location, head: Head, retold: Sequence[NewEvent], actor: str | None
) -> None:
    made = old.execute(select(appends.c.recorded_at).where(appends.c.append_id == head.append_id)).scalar_one()
    origin = (head.append_id, head.position + 1, head.position, made, None, None, bytes.fromhex(head.digest))
    write_rows(new, [origin], [], [], [])
    named = old.execute(select(streams.c.name, streams.c.version).order_by(streams.c.name)).all()
    versions = {row.name: row.version for row in named}
    chunks = [{row.name: row.version for row in named[at : at + CHUNK]} for at in range(0, len(named), CHUNK)]
    if versions:
        new.execute(insert(streams), stream_rows(versions))
    before = read_origin(old)
    continued = continuation(old, before)
    own = old.execute(select(func.count()).where(record_keys.c.position > before.position)).scalar_one()
    beginning: list[Payload] = [
        LogContinued(
            predecessor=str(predecessor),
            append_id=head.append_id,
            position=head.position,
            digest=head.digest,
            stream_events=len(chunks),
            key_events=(continued.key_events if continued is not None else 0) + -(-own // CHUNK),
        ),
        *(StreamsCarried(versions=chunk) for chunk in chunks),
    ]
    writing = _Writing(new, actor)
    for payload in beginning:
        writing.append([NewEvent(payload)])
    for keys in every_key(old, before, continued):
        write_rows(new, [], [], [key_row(each) for each in keys], [])
        writing.append([NewEvent(KeysCarried(keys=tuple(keys)))])
    writing.append(retold)


class _Writing:
    """Appends to the new log inside one transaction, an append at a time."""

    def __init__(self, connection: Connection, actor: str | None) -> None:
        self._connection, self._actor = connection, actor
        self._types: dict[tuple[str, int], int] = {}

    def append(self, events: Sequence[NewEvent]) -> None:
        if not events:
            return
        batch = prepare(events, actor=self._actor, correlation_id=None, expected_version=None)
        plan = AppendPlan(self._connection, [batch], self._types)
        plan.add(batch)
        plan.write()
        self._types = plan.type_ids


def stream_rows(versions: Mapping[str, int], first: int = 1) -> list[dict[str, object]]:
    """Give rows of `streams` for streams at their versions."""
    return [
        {"stream_id": number, "name": name, "category": category_of(name), "version": version}
        for number, (name, version) in enumerate(versions.items(), start=first)
    ]


def key_row(carried: Carried) -> tuple[str, int, bytes]:
    """Give the row of `record_keys` for a carried key."""
    return carried.key, carried.position, bytes.fromhex(carried.content_digest)


def _come_to_rest(old: Database) -> None:
    """Bring everything of a sealed SQLite log into its one file, so that a plain copy of it is complete."""
    if old.location.path is None:
        return
    with faults.translated(old.location), old.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        # Readers may keep it from being complete: nothing is lost by that, the last one to close does the rest.
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _open_successor(predecessor: Location, seal: Seal, to: str | os.PathLike[str]) -> None:
    """Open the new log, if that was not done yet."""
    with closing(Database.open(to, create=False)) as new:
        with new.reading() as connection:
            origin, waiting = read_origin(connection), read_seal(connection)
        if (origin.append_id, origin.position, origin.digest) != (seal.append_id, seal.position, seal.digest):
            raise CorruptionError(
                f"{predecessor} was sealed with append {seal.append_id}, and {new.location} does not begin with it",
                remedy=f"put the database back that the rollover made at {new.location}",
            )
        # One that was rolled over in its turn is sealed for good; it was open before.
        if waiting is not None and not waiting.sealed:
            _lift(new)


def _belong_together(old: Seal, new: Seal, place: Location) -> bool:
    same = (old.append_id, old.position, old.digest) == (new.append_id, new.position, new.digest)
    return old.sealed and not new.sealed and same and old.other == str(place)


def _lift(database: Database) -> None:
    with database.writing(lock="ledger") as connection:
        seal = read_seal(connection)
        # Another process may have been faster.
        if seal is not None and not seal.sealed:
            lift_seal(connection)
