"""How long the common questions take as the record grows: they should not notice.

Run: python benchmarks/questions.py (10 thousand, 1 million and 5 million events on SQLite: about 10 GB of disk, 2 GB of
     memory and half an hour on two cores, nearly all of it to make and fold the events).
     python benchmarks/questions.py --sizes 10000 300000
     python benchmarks/questions.py --engine postgresql --sizes 10000 1000000
     python benchmarks/questions.py --folder /data --json out.json

One record grows from size to size, and each question is asked of it at each. Most events are observations of several
types, categories, tags and importances; one in ten is a write, and some writes are acts with an evaluation before and
after. Some things are everywhere (the word `block`, the tag `night`), some in one of a hundred events, some only at the
very beginning (the word `needle`, the tag `first`, the category `odd`): those are what a question with a limit has to
find without walking along all the rest. Times are the median of several, on warm pages, what brings tables up to
date included. The last column is the time at the largest size over that at the smallest.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from introspection.sharing import SharingMap
from memory import MemorySystem
from memory.events import NewEvent
from memory.events.envelope import model_stream
from memory.events.observations import MetricsRecorded, Observation
from memory.events.registry import Payload
from memory.recording.attached import AttachedModel
from memory.recording.writes import Dose, WriteDetails, write_event

ROOT = Path(__file__).resolve().parent.parent
BATCH = 1000
MODEL = "sim"
LAYERS = [f"model.layers.{number}.mlp.down_proj.weight" for number in range(24)]
TIED = ["lm_head.weight", "model.embed_tokens.weight"]
SHARING = SharingMap.from_relations(names=[*LAYERS, *TIED], same=[TIED])
TYPES = ("behavior", "performance", "discovery", "introspection")
EARLY = 5_000
"""Events at the beginning among which the rare things are."""


@dataclass
class Source:
    """Makes events without end, of which no two batches are the same."""

    generator: random.Random = field(default_factory=lambda: random.Random(7))
    different: int = 20_000
    """Observations that are told apart."""
    made: int = 0
    acts: int = 0
    observations: list[Payload] = field(default_factory=list)
    writes: list[Payload] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Checked once, used again and again: what is measured is not how fast events are made.
        self.observations = [self._observation() for _ in range(self.different)]
        attached = AttachedModel(MODEL, SHARING, None)
        for layer in [*LAYERS, TIED[0]]:
            for method in ("scale", "rank_one"):
                for sign in (1.0, -1.0):
                    details = WriteDetails(method=method, description=f"{method} of block")
                    self.writes.append(write_event(attached, layer, details, Dose(sign, True, 0.5, None), act="an act"))

    def _observation(self, **told: Any) -> Payload:
        drawn = self.generator
        layer = drawn.choice(LAYERS)
        fields = {
            "model": MODEL,
            "obs_type": drawn.choice(TYPES),
            "category": f"category {drawn.randrange(40)}",
            "description": f"block {drawn.randrange(24)} looked {'amber' if drawn.random() < 0.01 else 'grey'} today",
            "data": {"layer": layer, "norm": drawn.random(), "step": drawn.randrange(10**6)},
            "tags": ("night", f"run-{drawn.randrange(50)}"),
            "importance": 0.9 if drawn.random() < 0.005 else 0.5,
        }
        return Observation(**(fields | told))

    def batch(self) -> list[NewEvent]:
        """Give the next thousand events."""
        stream = model_stream(MODEL)
        events = []
        while len(events) < BATCH:
            drawn = self.generator.random()
            if drawn < 0.01 and len(events) <= BATCH - 3:
                events += self._act(stream)
            elif drawn < 0.1:
                events.append(NewEvent(self.generator.choice(self.writes), stream=stream))
            elif self.made < EARLY and not (self.made + len(events)) % 500:
                rare = self._observation(category="odd", tags=("first",), description="a needle in the block")
                events.append(NewEvent(rare, stream=stream))
            else:
                events.append(NewEvent(self.generator.choice(self.observations), stream=stream))
        self.made += len(events)
        return events

    def _act(self, stream: str) -> list[NewEvent]:
        self.acts += 1
        act = f"act-{self.acts}"
        before = 2.0 + self.generator.gauss(0, 0.05)
        write = self.generator.choice(self.writes)
        values = before, before + 0.01 * getattr(write, "dose", 0.0) + self.generator.gauss(0, 0.01)
        sample = f"batch-{self.acts}"
        first, last = (MetricsRecorded(model=MODEL, metrics={"loss": value}, sample=sample) for value in values)
        return [NewEvent(payload, stream=stream, act_id=act) for payload in (first, write, last)]


Question = Callable[[MemorySystem], Any]
QUESTIONS: dict[str, Question] = {
    "newest observations": lambda memory: memory.get_recent(20),
    "of a type": lambda memory: memory.query(obs_type="behavior", limit=20),
    "of a type and category": lambda memory: memory.query(obs_type="behavior", category="category 7", limit=20),
    "of a category only early": lambda memory: memory.query(category="odd", limit=5),
    "with a tag": lambda memory: memory.query(tags=["run-7"], limit=20),
    "with a tag only early": lambda memory: memory.query(tags=["first"], limit=5),
    "with two tags": lambda memory: memory.query(tags=["night", "run-7"], limit=20),
    "with any of two tags": lambda memory: memory.query(tags=["run-7", "run-8"], tags_match="any", limit=20),
    "important ones": lambda memory: memory.query(min_importance=0.9, limit=20),
    "in a span of time": lambda memory: memory.query(start_time="2026-01-01", limit=20),
    "a page further on": lambda memory: memory.query(before=memory.store.head().position // 2, limit=20),
    "with a word": lambda memory: memory.query(text="amber", limit=20),
    "search: in everything": lambda memory: memory.search_text("block"),
    "search: in one of a hundred": lambda memory: memory.search_text("amber"),
    "search: only early": lambda memory: memory.search_text("needle"),
    "search: part of a name": lambda memory: memory.search_text("layers.7.mlp down_proj"),
    "search: nowhere": lambda memory: memory.search_text("zeppelin"),
    "writes to a layer": lambda memory: memory.query_modifications(LAYERS[3], limit=20),
    "writes to an alias": lambda memory: memory.query_modifications(TIED[1], limit=20),
    "writes under a module": lambda memory: memory.query_modifications("model.layers.3", limit=20),
    "writes by a method": lambda memory: memory.query_modifications(method="scale", limit=20),
    "beliefs, firmest first": lambda memory: memory.query_beliefs(limit=20),
    "patterns, strongest first": lambda memory: memory.query_patterns(limit=20),
    "decision support": lambda memory: memory.get_decision_support(
        {"action": "modify", "layer": LAYERS[3], "method": "scale", "dose": 1.0, "metric": "loss"}
    ),
    "beliefs for a context": lambda memory: memory.query_for_decision({"action": "modify"}),
    "overview": lambda memory: memory.get_memory_overview(),
    "statistics of observations": lambda memory: memory.get_statistics(),
    "briefing": lambda memory: memory.get_briefing(10),
    "learned recently": lambda memory: memory.what_have_i_learned_recently(24),
    "known about a tensor": lambda memory: memory.what_do_i_know_about(LAYERS[3]),
}


def grow(memory: MemorySystem, source: Source, size: int) -> None:
    """Record events until there are so many, and fold them; say how fast."""
    started, shown, first = time.perf_counter(), time.perf_counter(), memory.store.head().position
    while (position := memory.store.head().position) < size:
        for _ in range(min(20, -(-(size - position) // BATCH))):
            memory.store.append(source.batch()[: size - memory.store.head().position])
        folding = time.perf_counter()
        memory.consolidate()
        if folding - shown > 20:
            shown = folding
            rate = (memory.store.head().position - first) / (time.perf_counter() - started)
            print(
                f"    {memory.store.head().position:>10,} events, {rate:,.0f} a second recorded and folded", flush=True
            )
    took = time.perf_counter() - started
    if memory.store.database.dialect == "postgresql":
        # What the server itself does within a minute of so many new rows.
        with memory.store.database.writing() as connection:
            connection.execute(text("ANALYZE"))
    held = memory.get_memory_stats()["bytes"] / 1e9
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"  {size:,} events: made in {took:,.0f} s, {held:.2f} GB of disk, peak memory {peak:.1f} GB", flush=True)


def ask(memory: MemorySystem, question: Question, times: int) -> float:
    """Give the median of what a question takes, in milliseconds."""
    question(memory)
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        question(memory)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1e3


def measured(url: str, sizes: Sequence[int], times: int) -> dict[str, list[float]]:
    """Let a record grow from size to size; give the milliseconds that each question took at each."""
    found: dict[str, list[float]] = {name: [] for name in QUESTIONS}
    source = Source()
    with MemorySystem(url, durability="normal", seed=1) as memory:
        if memory.store.head().position:
            raise SystemExit(f"{url} holds something already")
        memory.attach(SHARING, name=MODEL)
        memory.define_metric("loss", better="lower", smallest_effect=0.001, model=MODEL)
        for size in sizes:
            grow(memory, source, size)
            for name, question in QUESTIONS.items():
                found[name].append(ask(memory, question, times))
    return found


def show(found: dict[str, list[float]], sizes: Sequence[int]) -> None:
    """Print what each question took."""
    print(f"  {'milliseconds at':30}" + "".join(f"{size:>14,}" for size in sizes) + f"{'ratio':>9}")
    for name, taken in found.items():
        told = "".join(f"{each:>14.2f}" for each in taken)
        print(f"  {name:30}{told}{taken[-1] / taken[0]:>9.2f}")
    ratios = [taken[-1] / taken[0] for taken in found.values()]
    print(f"  {'median of the ratios':30}{'':>{14 * len(sizes)}}{statistics.median(ratios):>9.2f}", flush=True)


@contextmanager
def place(engine: str, folder: str | None) -> Iterator[str]:
    """Give the URL of a new empty database, gone at the end."""
    with tempfile.TemporaryDirectory(dir=folder or "/tmp", prefix="questions-") as name:
        if engine == "sqlite":
            yield f"sqlite:///{name}/questions.db"
            return
        spec = importlib.util.spec_from_file_location("palimpsest_tests_postgres", ROOT / "tests" / "postgres.py")
        if spec is None or spec.loader is None:
            raise SystemExit("tests/postgres.py is missing: run this from a checkout")
        module = importlib.util.module_from_spec(spec)
        sys.modules["palimpsest_tests_postgres"] = module
        spec.loader.exec_module(module)
        with module.running_server() as server:
            yield str(server.create(migrated=False))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 1_000_000, 5_000_000], metavar="EVENTS")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--times", type=int, default=9, help="how often each question is asked")
    parser.add_argument("--folder", help="where the record is made: a place with room (default: /tmp)")
    parser.add_argument("--json", type=Path, help="a file to write the numbers to as well")
    options = parser.parse_args()
    sizes = sorted(options.sizes)
    print(f"{options.engine}:")
    with place(options.engine, options.folder) as url:
        found = measured(url, sizes, options.times)
    show(found, sizes)
    if options.json is not None:
        options.json.write_text(json.dumps({"engine": options.engine, "sizes": sizes, "milliseconds": found}, indent=1))


if __name__ == "__main__":
    main()
