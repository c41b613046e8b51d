"""Group commit: appends that wait for the disk at the same time share one transaction, and one wait.

Whoever comes first commits for all who came meanwhile; whoever comes during that waits, and the first of those is the
next to commit. A lone writer pays nothing for it: there is no thread of its own, and nobody waits for company.
"""

from __future__ import annotations

import copy
import logging
import os
import threading
from collections import deque
from collections.abc import Callable

from sqlalchemy import select

from memory.errors import DatabaseUnavailable, OutcomeUnknown, PalimpsestError
from memory.store.append import Appended, AppendPlan
from memory.store.engine import Database
from memory.store.insert import AppendRow
from memory.store.prepare import PreparedBatch
from memory.store.tables import appends

GROUP_EVENTS = 10_000
"""Events that one transaction may gather, if it has more than one append."""

_log = logging.getLogger(__name__)


class _Waiting:
    """One call of `append`, until it is answered."""

    __slots__ = ("batch", "called", "error", "results")

    def __init__(self, batch: PreparedBatch) -> None:
        self.batch = batch
        self.results: tuple[Appended, ...] | None = None
        self.error: BaseException | None = None
        self.called = threading.Lock()
        self.called.acquire()

    @property
    def answered(self) -> bool:
        return self.results is not None or self.error is not None


class GroupCommit:
    """Appends batches to one database for all threads of this process.

    Args:
        database: Where the ledger is.
        committed: Called after each commit that appended something.
    """

    def __init__(self, database: Database, committed: Callable[[], None] | None = None) -> None:
        self._database = database
        self._committed = committed
        self._type_ids: dict[tuple[str, int], int] = {}
        self._next: _Waiting | None = None
        self._led = False
        self._group: list[_Waiting] = []
        self._reset()

    def append(self, batch: PreparedBatch) -> tuple[Appended, ...]:
        """Append a batch, whole or not at all; when this returns it is committed.

        Raises:
            KeyConflict: A key was used before for other content.
            ConcurrencyError: A stream is not at the expected version.
            OutcomeUnknown: The connection broke during the commit and the database cannot be asked.
            DatabaseError: The database refused; nothing was written.
        """
        # A thread that waits for its own transaction to end would wait for ever, and all others with it.
        self._database.refuse_nested()
        if self._process != os.getpid():
            self._reset()
        mine = _Waiting(batch)
        with self._mutex:
            self._waiting.append(mine)
            leads = not self._led
            self._led = True
        if not leads:
            self._wait(mine)
        if not mine.answered:
            try:
                self._gather()
                self._commit()
            finally:
                self._settle(mine)
        if mine.error is not None:
            raise mine.error
        if mine.results is None:
            raise OutcomeUnknown(f"{self._database.location}: an append was given up without an answer")
        return mine.results

    def _wait(self, mine: _Waiting) -> None:
        """Wait until answered, or called to lead."""
        try:
            mine.called.acquire()
        except BaseException:
            with self._mutex:
                queued = mine in self._waiting and mine is not self._next
                if queued:
                    self._waiting.remove(mine)
            if not queued:
                # Somebody is committing it, or it is called to lead: neither can be left undone.
                mine.called.acquire()
                if not mine.answered:
                    with self._mutex:
                        self._waiting.remove(mine)
                    self._settle(mine)
            raise

    def _gather(self) -> None:
        """Take what waits into the group that is committed next, the first in any case."""
        events = 0
        with self._mutex:
            self._next = None
            while self._waiting:
                events += len(self._waiting[0].batch.events)
                if self._group and events > GROUP_EVENTS:
                    break
                self._group.append(self._waiting.popleft())

    def _settle(self, mine: _Waiting) -> None:
        """Tell the answered of the group, put the others back in line, and call the first in line to lead."""
        with self._mutex:
            group, self._group = self._group, []
            # Only an interrupt of this very thread leaves others unanswered; their appends are not its to give up.
            self._waiting.extendleft(each for each in reversed(group) if not each.answered and each is not mine)
            self._next = self._waiting[0] if self._waiting else None
            self._led = self._next is not None
            called = [each for each in group if each.answered]
            if self._next is not None:
                called.append(self._next)
        for each in called:
            each.called.release()

    def _commit(self) -> None:
        """Commit the group as one transaction and answer everyone in it."""
        try:
            try:
                self._attempt()
            except DatabaseUnavailable as error:
                if type(error) is not DatabaseUnavailable or self._database.dialect == "sqlite":
                    raise
                # A pooled connection does not know that its server was restarted; nothing was committed: once more.
                _log.info("appending again on a new connection, after: %s", error.message)
                self._attempt()
        except Exception as error:  # noqa: BLE001 — every waiter raises it
            for each in self._group:
                # One error raised in several threads would gather all their tracebacks.
                each.results, each.error = None, copy.copy(error) if isinstance(error, PalimpsestError) else error

    def _attempt(self) -> None:
        answers: list[tuple[tuple[Appended, ...] | None, PalimpsestError | None]] = []
        last: AppendRow | None = None
        plan: AppendPlan | None = None
        interrupt: BaseException | None = None
        try:
            with self._database.writing(lock="ledger") as connection:
                plan = AppendPlan(connection, [each.batch for each in self._group], self._type_ids)
                for each in self._group:
                    try:
                        answers.append((plan.add(each.batch), None))
                    except PalimpsestError as refused:
                        answers.append((None, refused))
                plan.write()
                last = plan.last
        except BaseException as error:
            if last is None or not self._landed(last, error):
                raise
            _log.warning("append %d was committed although its acknowledgement was lost: %s", last[0], error)
            interrupt = None if isinstance(error, Exception) else error
        if plan is not None:
            self._type_ids = plan.type_ids
        for each, (results, refused_as) in zip(self._group, answers, strict=True):
            each.results, each.error = results, refused_as
        if interrupt is not None:
            raise interrupt
        if last is not None and self._committed is not None:
            self._committed()

    def _landed(self, last: AppendRow, error: BaseException) -> bool:
        """Ask the database whether an append is there whose commit was not acknowledged."""
        append_id, first, position, *_, digest = last
        try:
            # Under the ledger's lock: the transaction in question may still be ending on the server.
            with self._database.writing(lock="ledger") as connection:
                found = connection.execute(select(appends.c.digest).where(appends.c.append_id == append_id)).scalar()
        except DatabaseUnavailable as unreachable:
            raise OutcomeUnknown(
                f"{self._database.location}: whether append {append_id} (positions {first} to {position}) was "
                f"committed is not known: the connection broke during the commit ({error})",
                remedy="once the database answers, make the same call with the same key: it is not recorded twice",
            ) from unreachable
        return found is not None and bytes(found) == digest

    def _reset(self) -> None:
        """Begin without anybody waiting: also in a child process, where the threads that waited do not exist."""
        self._process = os.getpid()
        self._mutex = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._led = False
        self._next = None
        self._group = []
