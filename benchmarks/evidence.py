"""How much memory, and how long, it takes to walk everything that a belief rests on, by length of the log.

Each log is a SQLite file of acts (baseline, one write whose sign a coin decided, outcome) on eight storages, one of
which moves the loss; it is filled through the store and folded first. Then the belief is asked for its evidence and
walked along to the end: printed is the peak of what Python allocated meanwhile (tracemalloc), apart from what the fold
holds already. The size of a page bounds it, not the log.

Run it: `.venv/bin/python benchmarks/evidence.py [--events 30000 300000]`.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from introspection.sharing import SharingMap
from memory import MemorySystem
from memory.events.envelope import NewEvent, model_stream
from memory.events.models import ModelAttached, plain_map
from memory.events.modifications import AffectedLayer, Modification
from memory.events.observations import MetricsRecorded
from memory.events.registry import Payload

MODEL, STORAGES, BATCH = "sim", 8, 3000


def acts(count: int, seed: int = 1) -> Iterator[NewEvent]:
    """Yield a model and its acts."""
    draw = random.Random(seed)
    names = [f"layer.{number}.weight" for number in range(STORAGES)]
    sharing = SharingMap.from_relations(names=names, same=[])
    yield _event(ModelAttached(model=MODEL, sharing=plain_map(sharing.to_json()), digest=sharing.digest), None)
    for number in range(count):
        act, name, sign = f"act-{number}", draw.choice(names), draw.choice((1.0, -1.0))
        before = draw.gauss(2.0, 1.0)
        after = before + draw.gauss(0.0, 1.0) + (2.0 * sign if name == names[0] else 0.0)
        yield _event(MetricsRecorded(model=MODEL, metrics={"loss": before}, sample=act), act)
        yield _event(
            Modification(
                model=MODEL,
                primary_layer=name,
                storage_key=name,
                affected=(AffectedLayer(name=name, relation="primary"),),
                importance=0.5,
                method="scale",
                dose=sign,
                randomised=True,
                propensity=0.5,
                coin=1,
            ),
            act,
        )
        yield _event(MetricsRecorded(model=MODEL, metrics={"loss": after}, sample=act), act)


def _event(payload: Payload, act: str | None) -> NewEvent:
    return NewEvent(payload, stream=model_stream(MODEL), act_id=act)


def measure(events: int, path: Path) -> None:
    """Fill a log, walk the evidence of its belief, and print a line."""
    with MemorySystem(path, durability="normal") as memory:
        batch: list[NewEvent] = []
        for event in acts(events // 3):
            batch.append(event)
            if len(batch) == BATCH:
                memory.store.append(batch)
                batch = []
        memory.store.append(batch)
        began = time.perf_counter()
        memory.consolidate()
        folded = time.perf_counter() - began
        (belief,) = [each for each in memory.beliefs() if each.kind == "effect"]
        next(memory.evidence(belief.belief_id).rest())  # what is made once: statements, imports
        began = time.perf_counter()
        walked = sum(1 for _ in memory.evidence(belief.belief_id).rest())
        seconds = time.perf_counter() - began
        tracemalloc.start()
        evidence = memory.evidence(belief.belief_id)
        walked_again = sum(1 for _ in evidence.rest())
        told = len(str(evidence))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        if not walked == walked_again == evidence.patterns[0].row.support:
            raise SystemExit(f"{walked} outcomes were found, and {evidence.patterns[0].row.support} were bet on")
        head = memory.store.head().position
    print(
        f"{head:>9} {folded:>8.1f} {walked:>9} {seconds:>8.2f} {seconds / walked * 1e6:>9.0f} "
        f"{peak / 2**20:>9.2f} {told:>7}",
        flush=True,
    )


def main() -> None:
    """Print a line for each length."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, nargs="+", default=[30_000, 300_000])
    arguments = parser.parse_args()
    print("   events   fold s  outcomes   walk s  µs each  peak MiB   chars")
    with tempfile.TemporaryDirectory() as folder:
        for events in arguments.events:
            measure(events, Path(folder) / f"{events}.db")


if __name__ == "__main__":
    main()
