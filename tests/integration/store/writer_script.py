"""Appends events from a process of its own; prints how many of its records were new.

Arguments: database, name of the writer, number of appends, events per append, prefix of the keys or "-" for none.
"""

from __future__ import annotations

import sys

from memory.events import NewEvent, build
from memory.events.observations import Observation
from memory.store import EventStore


def main(url: str, name: str, appends: int, size: int, keys: str) -> None:
    with EventStore.open(url) as store:
        new = 0
        for number in range(appends):
            events = [
                NewEvent(
                    build(Observation, obs_type="discovery", category="c", data=[number, part]),
                    stream=f"s{part}",
                    key=None if keys == "-" else f"{keys}{number}-{part}",
                )
                for part in range(size)
            ]
            results = store.append(events, actor=name)
            new += sum(not result.replayed for result in results)
        print(new)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
