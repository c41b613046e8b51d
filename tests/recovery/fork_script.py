"""Forks a process that has a memory open; prints, one JSON line each, what was acknowledged to whom.

Arguments: scenario, database.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from introspection import SharingMap
from memory import MemorySystem
from memory.errors import DatabaseError

SHARING = SharingMap.from_relations(names=["a", "b", "c"], same=[["a", "b"]])


def say(who: str, **told: Any) -> None:
    # One write for each line, so that lines of two processes do not mix.
    os.write(1, json.dumps({"who": who, **told}).encode() + b"\n")


def record(memory: MemorySystem, who: str, count: int) -> None:
    for number in range(count):
        done = memory.record_observation("behavior", who, data=number)
        say(who, position=done.position)


def child(work: Callable[[], None]) -> int:
    """Fork a child that does something; one that hangs tells where, and dies."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            faulthandler.dump_traceback_later(40, exit=True)
            work()
            code = 0
        finally:
            os._exit(code)
    return process


def ended(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def outlive(url: str) -> None:
    """The child goes on after the parent has let the database go."""
    closed, close = os.pipe()
    memory = MemorySystem(url)
    record(memory, "parent", 3)

    def work() -> None:
        record(memory, "child", 3)
        os.read(closed, 1)
        record(memory, "child after", 3)

    process = child(work)
    record(memory, "parent again", 3)
    memory.close()
    os.write(close, b"x")
    say("ended", code=ended(process))


def busy(url: str) -> None:
    """Forks while threads of the parent record, consolidate and follow the log; everybody goes on."""
    memory = MemorySystem(url)
    memory.attach(SHARING, name="m")
    memory.record_observation("behavior", "first")
    going = threading.Event()
    going.set()
    subscription = memory.store.subscribe()
    seen: list[int] = []

    def keep(work: Callable[[], object]) -> None:
        while going.is_set():
            work()

    def write() -> None:
        done = memory.record_modification("a", {})
        say("thread", position=done.position)

    def follow() -> None:
        seen.extend(event.position for event in subscription)

    threads = [threading.Thread(target=keep, args=(work,)) for work in (write, write, memory.consolidate)]
    threads.append(threading.Thread(target=follow))
    for thread in threads:
        thread.start()

    def work(number: int) -> None:
        record(memory, f"child {number}", 5)
        memory.record_modification("b", {})
        memory.consolidate()
        memory.close()

    children = [child(lambda number=number: work(number)) for number in range(6)]
    say("ended", code=max(map(abs, map(ended, children))))
    going.clear()
    for thread in threads[:-1]:
        thread.join()
    subscription.close()
    threads[-1].join()
    say("seen", positions=seen)
    memory.close()


def inside(url: str) -> None:
    """Forks in the middle of a transaction: the child is told to keep its hands off."""
    memory = MemorySystem(url)
    record(memory, "parent", 1)

    def work() -> None:
        try:
            record(memory, "child", 1)
        except DatabaseError as error:
            say("refused", message=error.message, remedy=error.remedy)
        try:
            MemorySystem(url)
        except DatabaseError as error:
            say("refused again", message=error.message, remedy=error.remedy)

    with memory.store.database.reading():
        process = child(work)
    say("ended", code=ended(process))
    record(memory, "parent again", 1)
    memory.close()


{"outlive": outlive, "busy": busy, "inside": inside}[sys.argv[1]](sys.argv[2])
