"""The events that are folded together: decoded once for all projections, and only where one asks."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from memory.errors import DatabaseError, ProjectionError, UnknownEventType
from memory.events.envelope import KindOfEvent, StoredEvent
from memory.events.registry import Payload, payload_type
from memory.projections.base import Projection
from memory.store.log import EventStore

_log = logging.getLogger(__name__)


class Chunk:
    """Events in order of position, those that this version cannot read left out with a warning.

    Args:
        events: The events.
        store: The log they are of, for a fold that must look back.
        warn: Whether to warn of those left out: not again for a part of what was warned of.
    """

    def __init__(self, events: Sequence[StoredEvent], store: EventStore, *, warn: bool = True) -> None:
        self.all = events
        self._store = store
        kinds = {event.kind for event in events}
        unknown = {kind: words for kind in kinds if (words := _unknown(*kind))}
        if unknown and warn:
            for event in events:
                if event.kind in unknown:
                    _log.warning(
                        "position %d is kept and passed over (rebuild the projections after upgrading): %s",
                        event.position,
                        unknown[event.kind],
                    )
        self._events = [event for event in events if event.kind not in unknown] if unknown else events
        known = kinds - unknown.keys()
        self._types = {each for each, _ in known}
        self._old = {each for each, version in known if version != payload_type(each).schema_version}
        self._fields: dict[int, dict[str, Any]] = {}
        self._payloads: dict[int, Payload] = {}

    @property
    def last(self) -> int:
        """The position that whoever folded all of it has reached."""
        return self.all[-1].position

    def fold(self, projection: Projection) -> None:
        """Fold every event that concerns a projection into it.

        Raises:
            ProjectionError: It could not fold one; it is of no use any more.
        """
        wanted = {each for each in self._types if _concerns(type(projection), each)}
        if not wanted:
            return
        everything = len(wanted) == len(self._types)
        for event in self._events:
            if everything or event.event_type in wanted:
                try:
                    projection.fold(event, self)
                except Exception as error:
                    raise stopped(projection.name, event, error) from error

    def fields(self, event: StoredEvent) -> dict[str, Any]:
        """Give an event's payload as it is stored, lifted to the latest schema version; once for all projections.

        Whoever is given them changes nothing in them.
        """
        found = self._fields.get(event.position)
        if found is None:
            old = self._old and event.event_type in self._old
            found = self._fields[event.position] = event.fields if old else orjson.loads(event.text)
        return found

    def payload(self, event: StoredEvent) -> Payload:
        """Decode an event, once for all projections."""
        found = self._payloads.get(event.position)
        if found is None:
            found = self._payloads[event.position] = event.payload
        return found

    def past(self, position: int, types: tuple[type[Payload], ...], after: int = 0) -> Iterator[StoredEvent]:
        """Yield the events of some payloads before a position, those after another on, in constant memory."""
        wanted: dict[KindOfEvent, bool] = {}
        for event in self._store.read(after=after, until=position - 1):
            if event.kind not in wanted:
                known = not _unknown(*event.kind)
                wanted[event.kind] = known and issubclass(payload_type(event.event_type), types)
            if wanted[event.kind]:
                yield event

    def halves(self) -> tuple[Chunk, Chunk]:
        """Give it in two parts; there must be two events."""
        middle = len(self.all) // 2
        first, second = self.all[:middle], self.all[middle:]
        return Chunk(first, self._store, warn=False), Chunk(second, self._store, warn=False)


def is_of_the_database(error: Exception) -> bool:
    """Tell whether a failure to write is the database's own (busy, full, away, ...) and no projection's fault."""
    return isinstance(error, DatabaseError) and type(error) is not DatabaseError


def stopped(projection: str, event: StoredEvent, error: Exception) -> ProjectionError:
    """Give the error of a projection that an event has broken."""
    reason = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
    return ProjectionError(
        f"projection {projection!r} stopped at position {event.position} ({event.event_type}): {reason}",
        remedy="the log is unharmed and the other projections go on; report this with the event, and run "
        "`palimpsest rebuild` once it is mended",
        projection=projection,
        position=event.position,
    )


@functools.cache
def _concerns(projection: type[Projection], event_type: str) -> bool:
    return issubclass(payload_type(event_type), projection.folds)


def _unknown(event_type: str, schema_version: int) -> str:
    """Say why no event of a type and version can be read; empty if they can."""
    try:
        newest = payload_type(event_type).schema_version
    except UnknownEventType as error:
        return error.message
    return UnknownEventType(event_type, schema_version, newest=newest).message if schema_version > newest else ""
