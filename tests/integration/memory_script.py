"""Records and consolidates from several processes at once; prints position and actor of each record, as JSON lines.

Arguments: database, number of processes, rounds of each. Each process opens the database for itself.
"""

from __future__ import annotations

import json
import os
import sys

from introspection import SharingMap
from memory import MemorySystem

SHARING = SharingMap.from_relations(names=["a", "b", "c"], same=[["a", "b"]])


def work(url: str, actor: str, rounds: int) -> None:
    def say(position: int) -> None:
        # One write for each line, so that lines of two processes do not mix.
        os.write(1, json.dumps([position, actor]).encode() + b"\n")

    with MemorySystem(url, actor=actor) as memory:
        memory.attach(SHARING, name="m")
        for number in range(rounds):
            with memory.act(act_id=f"{actor}-{number}") as act:
                say(memory.record_modification("abc"[number % 3], {}, dose=act.flip()).position)
            with memory.batch():
                batch = [memory.record_observation("behavior", actor, data=part) for part in range(3)]
            for each in batch:
                say(each.position)
            memory.consolidate()


def main(url: str, processes: int, rounds: int) -> None:
    with MemorySystem(url) as memory:
        memory.attach(SHARING, name="m")
    children = []
    for number in range(processes):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                work(url, f"p{number}", rounds)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
