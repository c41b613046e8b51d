"""Following the log: a blocking iterator that goes on where it was, whatever happens to the connection."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from types import TracebackType
from typing import Self

from memory.errors import DatabaseUnavailable
from memory.events.envelope import StoredEvent
from memory.store.waking import SAFETY_POLL, Waker

_log = logging.getLogger(__name__)

_LONGEST_PAUSE = 5.0


class Subscription:
    """Yields the events of a log in order, those that are there and those still to come, each once.

    An iterator and a context manager. It blocks while there is nothing new, without keeping a transaction open; it is
    told or sees when there is. When the database goes away it waits for it, and goes on after the last event it gave.
    Made by `EventStore.subscribe`.

    Args:
        read: Gives the events after a position, that are of interest, in order.
        head: Gives the position of the last event.
        listen: Makes what waits for appends.
        after: Only events after this position.
        idle: Seconds without an event after which the iteration ends; None: never.
        stopped: Set by `close`.
    """

    def __init__(
        self,
        read: Callable[[int, int], Iterator[StoredEvent]],
        head: Callable[[], int],
        listen: Callable[[], Waker],
        *,
        after: int,
        idle: float | None,
        stopped: threading.Event,
    ) -> None:
        self.position = after
        """The position it has come to: everything up to it was given, or is not of interest."""
        self._read = read
        self._head = head
        self._listen = listen
        self._idle = idle
        self._stopped = stopped
        self._waker: Waker | None = None
        self._events = self._follow()

    def close(self) -> None:
        """End the iteration, also one that blocks in another thread."""
        self._stopped.set()

    def __iter__(self) -> Iterator[StoredEvent]:
        return self

    def __next__(self) -> StoredEvent:
        return next(self._events)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
        self._events.close()

    def _follow(self) -> Generator[StoredEvent, None, None]:
        pause, last_event = 0.05, time.monotonic()
        try:
            while not self._stopped.is_set():
                try:
                    # Listening begins before the look, so that nothing falls between the two.
                    if self._waker is None:
                        self._waker = self._listen()
                    head = self._head()
                    for event in self._read(self.position, head) if head > self.position else ():
                        self.position = event.position
                        yield event
                        last_event = time.monotonic()
                        if self._stopped.is_set():
                            return
                    self.position = max(self.position, head)
                    pause = 0.05
                    left = SAFETY_POLL if self._idle is None else self._idle - (time.monotonic() - last_event)
                    if left <= 0:
                        return
                    self._waker.wait(min(SAFETY_POLL, left))
                except DatabaseUnavailable as error:
                    if type(error) is not DatabaseUnavailable:
                        raise
                    _log.warning("following the log waits for the database: %s", error.message)
                    self._silence()
                    if self._idle is not None and time.monotonic() - last_event > self._idle:
                        raise
                    self._stopped.wait(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
        finally:
            self._silence()

    def _silence(self) -> None:
        if self._waker is not None:
            self._waker.close()
            self._waker = None
