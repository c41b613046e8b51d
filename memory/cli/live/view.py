"""The live view: threads read, the one that may be interrupted draws, and the terminal is left as it was."""

from __future__ import annotations

import logging
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from rich.live import Live

from memory.cli.live.picture import Picture
from memory.cli.live.state import KEPT_EVENTS, LiveState
from memory.cli.output import results
from memory.errors import DatabaseError
from memory.query.recent import Recent, RecentlyKnown

if TYPE_CHECKING:
    from memory.events.envelope import StoredEvent
    from memory.store.log import EventStore

FRAME = 0.2
"""Seconds between two pictures while events come."""
LOOK = 1.0
"""Seconds between two looks at what is known."""
_WAITING = 4096
"""Events that may wait to be drawn: a writer that is faster does not fill the memory of whoever watches."""
_ENDS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which events are watched."""

    after: int = 0
    stream: str | None = None
    types: Sequence[str] | None = None
    model: str | None = None
    act: str | None = None


class _Reader:
    """Follows the log and looks at what is known, both aside, so that no wait for a database stops the picture."""

    def __init__(self, store: EventStore, chosen: Chosen, after: int) -> None:
        self.coming: queue.Queue[StoredEvent] = queue.Queue(_WAITING)
        self.known: Recent | None = None
        self.trouble = ""
        self.failed: Exception | None = None
        self._store = store
        self._act = chosen.act
        self._stopped = threading.Event()
        self._events = store.subscribe(after=after, stream=chosen.stream, types=chosen.types, model=chosen.model)
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=f"palimpsest-{work.__name__}", daemon=True)
            for work in (self._follow, self._look)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._stopped.set()
        self._events.close()
        for thread in self._threads:
            thread.join(timeout=3)

    @property
    def position(self) -> int:
        """Where the log was read to, events of no interest included."""
        return self._events.position

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 — a thread has nobody to raise to: the one that draws raises it
            self.failed = error

    def _follow(self) -> None:
        with self._events as events:
            for event in events:
                if self._act not in (None, event.act_id):
                    continue
                while not self._stopped.is_set():
                    try:
                        self.coming.put(event, timeout=FRAME)
                        break
                    except queue.Full:
                        continue

    def _look(self) -> None:
        recently = RecentlyKnown(self._store)
        while not self._stopped.is_set():
            try:
                self.known = recently.look()
                self.trouble = ""
            except DatabaseError as error:
                self.trouble = f"waiting for the database: {error.message}"
            self._stopped.wait(LOOK)


def watch(store: EventStore, chosen: Chosen) -> None:
    """Keep a picture of a record on the terminal until Ctrl-C, then leave the last one there.

    Args:
        store: The record; it is only read.
        chosen: Which events are watched.
    """
    from memory.query.safety import metric_meanings

    console, state = results(), LiveState()
    head = store.head().position
    state.acquaint(metric_meanings(store))
    for event in _before(store, chosen, head):
        state.note(event)
    state.position = head
    state.begin(time.monotonic())
    reader = _Reader(store, chosen, after=head)
    place = str(store.database.location)

    def picture(*, ended: bool = False) -> Picture:
        return Picture(place, state, reader.known, reader.trouble, time.monotonic(), ended)

    with _ended_in_good_order(), _quiet_log(reader):
        reader.start()
        try:
            with Live(
                console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
            ) as live:
                drawn, size, new = -LOOK, console.size, True
                while reader.failed is None:
                    # What did not change is drawn once a second all the same: rates fall, and things become known.
                    if new or console.size != size or time.monotonic() - drawn >= LOOK:
                        drawn, size = time.monotonic(), console.size
                        live.update(picture(), refresh=True)
                    new = _take_in(reader, state, until=time.monotonic() + FRAME)
        except KeyboardInterrupt:
            pass
        finally:
            reader.close()
    if reader.failed is not None:
        raise reader.failed
    console.print(picture(ended=True), height=min(console.size.height - 1, 24))


def _before(store: EventStore, chosen: Chosen, head: int) -> list[StoredEvent]:
    """Give the last events that were there already, the oldest first, those with metrics reaching further back."""
    wanted = None if chosen.types is None else set(chosen.types)
    found: dict[int, StoredEvent] = {}
    for types in (wanted, {"metrics_recorded"} if wanted is None else wanted & {"metrics_recorded"}):
        if types is None or types:
            for event in store.read(
                after=chosen.after,
                until=head,
                stream=chosen.stream,
                types=types,
                model=chosen.model,
                limit=KEPT_EVENTS,
                newest_first=True,
            ):
                if chosen.act in (None, event.act_id):
                    found[event.position] = event
    return [found[position] for position in sorted(found)]


def _take_in(reader: _Reader, state: LiveState, until: float) -> bool:
    """Take in what comes until it is time for the next picture; say whether anything came."""
    new = False
    while (left := until - time.monotonic()) > 0:
        try:
            state.note(reader.coming.get(timeout=left), time.monotonic())
            new = True
        except queue.Empty:
            break
    if reader.coming.empty():
        state.position = max(state.position, reader.position)
    return new


@contextmanager
def _ended_in_good_order() -> Iterator[None]:
    """Let what ends a process from outside be as gentle to the terminal as Ctrl-C is."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in _ENDS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Kept(logging.Handler):
    """Keeps the last warning for the picture, which a line on stderr would tear."""

    def __init__(self, reader: _Reader) -> None:
        super().__init__(logging.WARNING)
        self._reader = reader

    def emit(self, record: logging.LogRecord) -> None:
        self._reader.trouble = record.getMessage()


@contextmanager
def _quiet_log(reader: _Reader) -> Iterator[None]:
    logger, handler = logging.getLogger("memory"), _Kept(reader)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
