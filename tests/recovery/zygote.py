"""A process that has everything imported, and forks one that works until it is killed, for every line it reads.

A line in: `{"job": ..., "url": ..., "log": ..., "seed": ...}`; a line out: the child's process id; when the child is
dead, another: how it ended. The child notes what was acknowledged in the file `log`, one JSON value a line.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from memory import MemorySystem
from memory.events import NewEvent, build
from memory.events.observations import Observation
from memory.store import EventStore

Note = Callable[[Any], None]


def event(number: int, **envelope: Any) -> NewEvent:
    return NewEvent(build(Observation, obs_type="behavior", category="c", data={"n": number}), **envelope)


def append(url: str, note: Note, draw: random.Random) -> None:
    """Single events, each acknowledged by its position and identity."""
    with EventStore.open(url) as store:
        while True:
            number = draw.randrange(10**9)
            (done,) = store.append([event(number, stream=f"s{number % 3}", key=f"k{number}")])
            note([done.position, done.event_id, number])


def batch(url: str, note: Note, draw: random.Random) -> None:
    """Batches of up to 40 events, all of one number, acknowledged by position and number."""
    with MemorySystem(url) as memory:
        while True:
            number, size = draw.randrange(10**9), draw.randint(2, 40)
            with memory.batch():
                done = [memory.record_observation("behavior", "c", data={"n": number, "of": size}) for _ in range(size)]
            note([done[-1].position, done[-1].event_id, number])


def project(url: str, note: Note, draw: random.Random) -> None:
    """Metrics and reported writes, consolidated again and again."""
    from introspection import SharingMap

    with MemorySystem(url) as memory:
        memory.attach(SharingMap.from_relations(names=["a", "b", "c"], same=[["a", "b"]]), name="m")
        while True:
            for _ in range(draw.randint(1, 6)):
                with memory.act("step") as act:
                    sign = act.flip()
                    memory.record_metrics({"loss": draw.random()}, sample="s")
                    memory.record_modification(draw.choice("abc"), {}, dose=sign)
                    done = memory.record_metrics({"loss": draw.random() + sign}, sample="s")
            memory.consolidate()
            note([done.position, done.event_id, None])


def migrate(url: str, note: Note, draw: random.Random) -> None:
    """Makes the schema, and takes it away again, over and over."""
    from memory.store import migrate as migration
    from memory.store.engine import Database

    database = Database.open(url)
    while True:
        migration.upgrade(database)
        migration.downgrade(database, "base")


def blob(url: str, note: Note, draw: random.Random) -> None:
    """Blobs of up to a megabyte, many of them put before, acknowledged by digest; the url is the folder."""
    from memory.weights.blobs import BlobStore

    blobs = BlobStore(Path(url))
    while True:
        size = draw.choice((0, 100, 70_000, 1_000_000))
        with blobs.pointing():
            note(blobs.put(random.Random(draw.randrange(40)).randbytes(size)))


def keep(url: str, note: Note, draw: random.Random) -> None:
    """Blobs of every size with the events that point at them, acknowledged by position and digests."""
    from introspection import SharingMap
    from memory.events.kept_bytes import Keyframe
    from memory.events.weights import BlobsPruned

    with MemorySystem(url) as memory:
        memory.attach(SharingMap.from_relations(names=["a"]), name="m")
        keeper = memory._keeper
        while True:
            contents = [draw.randbytes(draw.choice((100, 60_000, 70_000, 300_000))) for _ in range(2)]
            with keeper.pointing():
                put = [keeper.put(content) for content in contents]
                kept = [Keyframe(storage_key="a", fingerprint=digest, blob=digest, size=1) for digest, _ in put]
                payload = BlobsPruned(model="m", keyframes=tuple(kept), reason="a test")
                pending = {digest: content for _, rows in put for digest, content in rows.items()}
                (done,) = memory.store.append([NewEvent(payload, stream="model-m")], blobs=pending)
            note([done.position, [digest for digest, _ in put]])


def edit(url: str, note: Note, draw: random.Random) -> None:
    """Edits, undone acts and restores of a small tied model, acknowledged by position and what the model holds."""
    import torch

    torch.set_num_threads(1)
    model = small_model()
    with MemorySystem(url) as memory:
        memory.attach(model, name="m")
        known = [memory.store.head().position]
        while True:
            action = draw.choice(("edit", "edit", "rows", "undo", "restore"))
            if action == "restore":
                memory.restore(draw.choice(known))
            else:
                with memory.act() as act, memory.edit(draw.choice(("head", "big"))) as weight:
                    if action == "rows":
                        weight[draw.randrange(len(weight))] += 1
                    else:
                        weight.add_(torch.randn(weight.shape)).mul_(1.01)
                if action == "undo":
                    act.undo()
            known.append(memory.store.head().position)
            note([known[-1], held(model)])


def small_model() -> Any:
    """A model of which one storage is too big for a row of the database."""
    import torch
    from torch import nn

    torch.manual_seed(7)
    model = nn.Module()
    model.embed = nn.Parameter(torch.randn(64, 16))
    model.head = model.embed
    model.big = nn.Parameter(torch.randn(300, 100))
    return model


def held(model: Any) -> str:
    """What every name of a model holds, in short."""
    from introspection.fingerprint import fingerprint

    return " ".join(fingerprint(tensor)[:16] for _, tensor in sorted(model.state_dict().items()))


JOBS: dict[str, Callable[[str, Note, random.Random], None]] = {
    "append": append,
    "batch": batch,
    "project": project,
    "migrate": migrate,
    "blob": blob,
    "keep": keep,
    "edit": edit,
}


def work(job: str, url: str, log: str, seed: int) -> None:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    # One write for each line: what the kernel has is there, whatever happens to this process.
    JOBS[job](url, lambda value: os.write(out, json.dumps(value).encode() + b"\n") and None, random.Random(seed))


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        if order["job"] == "edit":
            # Once for all children: it takes seconds.
            small_model()
        child = os.fork()
        if child == 0:
            try:
                work(**order)
            finally:
                os._exit(70)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    # What a job imports when it begins is imported once, before any fork.
    import alembic.autogenerate
    import alembic.command  # noqa: F401

    for module in sys.argv[1:]:
        JOBS.update(importlib.import_module(module).JOBS)
    main()
