"""Queueing inside the process: threads that wait for one another here cost the database nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from memory.errors import DatabaseBusy
from memory.store import faults
from memory.store.location import Location


class OwnedLock:
    """A lock that knows its owner, so that a thread waiting for itself is told instead of waiting for ever."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None

    @property
    def owned_here(self) -> bool:
        """Whether this thread holds it."""
        return self._owner == threading.get_ident()

    @contextmanager
    def held(self, location: Location, timeout: float) -> Iterator[None]:
        """Hold it inside.

        Raises:
            DatabaseBusy: This thread holds it already, or another did for longer than the timeout.
        """
        if self.owned_here:
            raise nested(location)
        if not self._lock.acquire(timeout=timeout):
            raise faults.busy(location)
        self._owner = threading.get_ident()
        try:
            yield
        finally:
            self._owner = None
            self._lock.release()


def nested(location: Location) -> DatabaseBusy:
    """Make the error for a write transaction inside a write transaction."""
    return DatabaseBusy(
        f"this thread already has a write transaction open on {location}",
        remedy="finish it first: write transactions do not nest",
    )
