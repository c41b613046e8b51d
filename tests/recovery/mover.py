"""A process that has everything imported, and forks one that moves a log and is killed at a given step, for every line.

A line in: `{"job": ..., "source": ..., "target": ..., "die_at": n, "steps": ...}`; a line out: how the child ended.
A step is a commit that is about to be made, or also a statement that is about to run: the child kills itself with
signal 9 there.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from sqlalchemy import Engine, event

from memory.store import EventStore
from memory.store.rollover import rollover
from memory.store.transfer import importing
from memory.store.transfer.importing import import_log


def die_at(step: int, steps: str) -> None:
    """Kill this process when so many commits, or statements and commits, have been begun."""
    left = step

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if steps == "statements":
        event.listen(Engine, "before_cursor_execute", count)
    event.listen(Engine, "commit", count)


def move(job: str, source: str, target: str) -> None:
    if job == "rollover":
        with EventStore.open(source) as store:
            rollover(store.database, target)
    else:
        importing.CHUNK_EVENTS = 10
        with EventStore.open(target) as store:
            import_log(store.database, source)


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                die_at(order.pop("die_at"), order.pop("steps"))
                move(**order)
                os._exit(0)
            finally:
                os._exit(70)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
