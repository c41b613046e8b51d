"""Where recorded events go: straight into the store, or into the batch this thread or task has open."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from memory.errors import BatchError
from memory.events.codec import encode
from memory.events.envelope import NewEvent
from memory.store.blobs import Content
from memory.store.log import Appended, EventStore


class Recorded:
    """What was recorded: its type and layers at once, its place in the log as soon as it is there.

    Inside a batch the place is known when the batch ends; before that, and after an aborted batch, asking for it
    raises `BatchError`.
    """

    __slots__ = ("_appended", "_problem", "_remedy", "affected_layers", "also", "event_type")

    def __init__(self, event_type: str, affected_layers: tuple[str, ...] = ()) -> None:
        self.event_type = event_type
        self.affected_layers = affected_layers
        """Every name the event reaches, the primary first; empty for events that are not writes."""
        self.also: tuple[Recorded, ...] = ()
        """The other events of the same call: a module path can name several storages, one event each."""
        self._appended: Appended | None = None
        self._problem = "the batch has not ended"
        self._remedy = "read position and event_id after the batch has ended without an exception"

    @property
    def position(self) -> int:
        """The event's position in the log."""
        return self._place().position

    @property
    def event_id(self) -> str:
        """The event's identity, derived from its content and place."""
        return self._place().event_id

    @property
    def replayed(self) -> bool:
        """Whether the key was known and nothing new was appended."""
        return self._place().replayed

    def _place(self) -> Appended:
        if self._appended is None:
            raise BatchError(
                f"this {self.event_type} has no place in the log: {self._problem}",
                remedy=self._remedy,
            )
        return self._appended

    def __repr__(self) -> str:
        place = f"position={self._appended.position}" if self._appended is not None else self._problem
        return f"Recorded({self.event_type}, {place}, affected_layers={list(self.affected_layers)})"


@dataclass(slots=True)
class _Batch:
    owner: tuple[int, int]
    events: list[NewEvent] = field(default_factory=list)
    recorded: list[Recorded] = field(default_factory=list)
    on_abort: list[Callable[[], None]] = field(default_factory=list)
    blobs: dict[str, Content] = field(default_factory=dict)
    ended: bool = False
    """Tasks started inside inherit the batch and can outlive it."""


class Journal:
    """Appends what is recorded, alone or as part of a batch.

    Args:
        store: The event store.
        actor: Who records: kept with every append.
        correlation_id: What everything recorded here belongs to (a run, a conversation); kept with every append.
    """

    def __init__(self, store: EventStore, *, actor: str | None = None, correlation_id: str | None = None) -> None:
        self._store = store
        self._actor = actor
        self._correlation_id = correlation_id
        self._open: ContextVar[_Batch | None] = ContextVar("palimpsest_batch", default=None)
        self.recorded_by_rank_0 = False
        """Whether another process of a distributed run records the same, so that this one does not."""
        self._own: ContextVar[bool] = ContextVar("palimpsest_own", default=False)

    def record(
        self,
        events: Sequence[NewEvent],
        recorded: Sequence[Recorded],
        *,
        on_abort: Callable[[], None] | None = None,
        blobs: Mapping[str, Content] | None = None,
        expected_version: Mapping[str, int] | None = None,
    ) -> None:
        """Append events as one whole, or put them into the open batch.

        Args:
            events: What to append.
            recorded: One handle per event, filled with its place.
            on_abort: Called when the events turn out not to be recorded, to take back what is kept in memory.
            blobs: Digest to content of what the events point at and is kept in the database.
            expected_version: Stream to the version it must be at; not inside a batch.

        Raises:
            ConcurrencyError: A stream is at another version; nothing was recorded.
            InvalidPayload: Something cannot be stored faithfully; an open batch is as it was before.
        """
        batch = self._batch()
        try:
            if batch is None:
                self._append(events, recorded, blobs or {}, expected_version)
                return
            # What cannot be stored is refused here, where it is made, and not when the batch ends.
            for event in events:
                encode(event.payload)
            batch.events.extend(events)
            batch.recorded.extend(recorded)
            batch.blobs.update(blobs or {})
            if on_abort is not None:
                batch.on_abort.append(on_abort)
        except BaseException:
            if on_abort is not None:
                on_abort()
            raise

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Make what is recorded inside one append: whole, or absent when the block raises.

        Raises:
            BatchError: This thread or task has a batch open already.
        """
        if self._batch() is not None:
            raise BatchError(
                "a batch is open already in this thread or task",
                remedy="record everything in the outer batch: a batch is one append, so batches cannot nest",
            )
        batch = _Batch(owner=_here())
        token = self._open.set(batch)
        try:
            yield
            batch.ended = True
            self._open.reset(token)
            if batch.events:
                self._append(batch.events, batch.recorded, batch.blobs)
        except BaseException:
            if not batch.ended:
                batch.ended = True
                self._open.reset(token)
            for take_back in reversed(batch.on_abort):
                take_back()
            for each in batch.recorded:
                each._problem = "its batch was aborted, so it was never recorded"
            raise

    @property
    def in_batch(self) -> bool:
        """Whether this thread or task has a batch open."""
        return self._batch() is not None

    def pending(self) -> tuple[NewEvent, ...]:
        """Give what waits in the batch that this thread or task has open."""
        batch = self._batch()
        return () if batch is None else tuple(batch.events)

    def refuse_in_batch(self, what: str) -> None:
        """Raise `BatchError` when a batch is open: weights cannot be rolled back with it."""
        if self._batch() is not None:
            raise BatchError(
                f"{what} cannot run inside a batch: weights cannot be rolled back with it",
                remedy=f"end the batch first, or record the write with record_modification instead of {what}",
            )

    @contextmanager
    def outside_batch(self) -> Iterator[None]:
        """Append what is recorded inside at once, also where a batch is open."""
        token = self._open.set(None)
        try:
            yield
        finally:
            self._open.reset(token)

    @contextmanager
    def of_its_own(self) -> Iterator[None]:
        """Record what only this process of a distributed run knows: no other one records it."""
        token = self._own.set(True)
        try:
            yield
        finally:
            self._own.reset(token)

    def _append(
        self,
        events: Sequence[NewEvent],
        recorded: Sequence[Recorded],
        blobs: Mapping[str, Content],
        expected_version: Mapping[str, int] | None = None,
    ) -> None:
        if self.recorded_by_rank_0 and not self._own.get():
            for handle in recorded:
                handle._problem = "it was recorded by rank 0 of this run, which knows its place"
                handle._remedy = "read position and event_id on rank 0"
            return
        appended = self._store.append(
            events,
            actor=self._actor,
            correlation_id=self._correlation_id,
            expected_version=expected_version,
            blobs=blobs,
        )
        for handle, place in zip(recorded, appended, strict=True):
            handle._appended = place

    def _batch(self) -> _Batch | None:
        batch = self._open.get()
        return batch if batch is not None and not batch.ended and batch.owner == _here() else None


def _here() -> tuple[int, int]:
    """Identify the thread and, inside an event loop, the task: a batch belongs to one of them."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return threading.get_ident(), id(task) if task is not None else 0
