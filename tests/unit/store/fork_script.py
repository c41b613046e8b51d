"""Appends from parent and child at the same time after a fork; prints what the log then holds."""

from __future__ import annotations

import os
import sys

from memory.events import NewEvent, build
from memory.events.observations import Observation
from memory.store import EventStore

EACH = 25


def main() -> None:
    def append() -> None:
        store.append([NewEvent(build(Observation, obs_type="discovery", category="c"))])

    with EventStore.open(sys.argv[1]) as store:
        append()
        child = os.fork()
        for _ in range(EACH):
            append()
        if child == 0:
            os._exit(0)
        _, status = os.waitpid(child, 0)
        report = store.verify()
        print(os.waitstatus_to_exitcode(status), report.events, report.ok, flush=True)


main()
