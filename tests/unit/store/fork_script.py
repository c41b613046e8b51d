"""Appends before a fork, in the child, and in the parent after it; prints the positions."""

from __future__ import annotations

import os
import sys

from memory.events import NewEvent, build
from memory.events.observations import Observation
from memory.store import EventStore


def main() -> None:
    def append() -> int:
        return store.append([NewEvent(build(Observation, obs_type="discovery", category="c"))])[0].position

    with EventStore.open(sys.argv[1]) as store:
        append()
        child = os.fork()
        if child == 0:
            print("child", append(), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        print("parent", append(), "ok", store.verify().ok, flush=True)


main()
