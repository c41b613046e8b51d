"""How fast the event store appends, reads and verifies, beside `eventsourcing` 9.5 and the bare driver.

Everything of ours runs as users get it: hash chain, idempotency keys, triggers, durable commits (fsync is on). Appends
are measured twice, like with like:

  encoded   recorder beside recorder: both sides are given events as text, encoded before the clock starts. Ours then
            places, chains and writes them; theirs writes them. The bare driver inserts the same texts into a table
            without any index but its key.
  whole     from objects to the disk, as applications do it: ours validates and encodes a payload, theirs maps a
            domain event with its JSON transcoder, inside the clock.

Rounds are interleaved; medians are printed.

Run it: `make .venv/.installed-bench && .venv/bin/python benchmarks/store.py [--quick] [--engine sqlite|postgresql]
[--curve EVENTS]`.
"""

from __future__ import annotations

import argparse
import importlib.util
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eventsourcing.domain import DomainEvent
from eventsourcing.persistence import DatetimeAsISO, JSONTranscoder, Mapper, StoredEvent, UUIDAsHex
from sqlalchemy import make_url

from memory import MemorySystem
from memory.events import NewEvent, build
from memory.events.codec import encode
from memory.events.observations import Observation
from memory.projections.catalogue import PROJECTIONS
from memory.projections.observations import MetricsProjection, ObservationsProjection
from memory.projections.rebuilding import begin
from memory.projections.runner import ProjectionRunner
from memory.store import EventStore
from memory.store.prepare import prepare

ROOT = Path(__file__).resolve().parents[1]
TEXT = "the gradient norm of the third block rose after the edit and fell back when the next batch was seen; " * 2


def observations(count: int, *, keys: bool = False) -> list[NewEvent]:
    """Events of about 411 bytes each."""
    mark = uuid.uuid4().hex
    return [
        NewEvent(
            build(
                Observation,
                obs_type="behavior",
                category="gradient",
                description=TEXT,
                data={"step": number, "norm": number / 7, "layer": "model.layers.3.mlp.down_proj.weight"},
            ),
            stream=f"run-{number % 7}",
            key=f"{mark}-{number}" if keys else None,
        )
        for number in range(count)
    ]


class Ours:
    """Our event store, on either engine."""

    name = "palimpsest"

    def __init__(self, url: str) -> None:
        self.store = EventStore.open(url)

    def batch(self, size: int, *, keys: bool = False) -> Callable[[], object]:
        """Give the call that appends one batch of encoded events."""
        events = observations(size, keys=keys)
        batch = prepare(events, actor=None, correlation_id=None, expected_version=None)
        # What `EventStore.append` does once it has encoded them.
        return lambda: self.store._appending.append(batch)

    def whole(self, size: int) -> Callable[[], object]:
        """Give the call that encodes and appends one batch."""
        events = observations(size)
        return lambda: self.store.append(events)

    def replay(self) -> int:
        """Read everything; give the number of events."""
        return sum(1 for _ in self.store.read())

    def close(self) -> None:
        """Give the connections back."""
        self.store.close()


@dataclass(frozen=True)
class Observed(DomainEvent):
    """What `Observation` says, as a domain event of eventsourcing."""

    obs_type: str
    category: str
    description: str
    data: dict[str, Any]
    tags: list[str]
    importance: float


class EventSourcing:
    """The recorder of the best-known Python event store, on either engine.

    On PostgreSQL it has two ways to insert. Single events go by the default one, a pipeline of statements. Batches go
    by its database function, at the same rate here: the pipeline was seen to wait for ever on a batch of 1000.
    """

    name = "eventsourcing"

    def __init__(self, url: str) -> None:
        location = make_url(url)
        self.stores: list[Any] = []
        if location.get_backend_name() == "sqlite":
            from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

            self.stores.append(SQLiteDatastore(str(location.database), lock_timeout=60, pool_size=40))
            self.recorder: Any = SQLiteApplicationRecorder(self.stores[0])
            self.recorder.create_table()
            self.singles = self.recorder
        else:
            self.recorder = self._postgresql(location, enable_db_functions=True)
            self.singles = self._postgresql(location, enable_db_functions=False)
        self.mapper = self._mapper()

    def _postgresql(self, location: Any, *, enable_db_functions: bool) -> Any:
        from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

        store = PostgresDatastore(
            str(location.database),
            str(location.query["host"]),
            5432,
            str(location.username),
            "",
            pool_size=2 if enable_db_functions else 40,
            max_waiting=100,
            enable_db_functions=enable_db_functions,
        )
        self.stores.append(store)
        recorder = PostgresApplicationRecorder(store, events_table_name="stored_events")
        recorder.create_table()
        return recorder

    def _insert(self, events: list[Any]) -> None:
        (self.singles if len(events) == 1 else self.recorder).insert_events(events)

    @staticmethod
    def _mapper() -> Any:
        transcoder = JSONTranscoder()
        transcoder.register(UUIDAsHex())
        transcoder.register(DatetimeAsISO())
        return Mapper(transcoder)

    def whole(self, size: int) -> Callable[[], object]:
        """Give the call that encodes and appends one batch."""
        origin, now = uuid.uuid4(), datetime.now(UTC)
        events = [
            Observed(origin, number, now, **each.payload.model_dump(mode="json", exclude={"model"}))
            for number, each in enumerate(observations(size), start=1)
        ]
        mapper = self.mapper
        return lambda: self._insert([mapper.to_stored_event(event) for event in events])

    def batch(self, size: int, *, keys: bool = False) -> Callable[[], object]:
        """Give the call that appends one batch of encoded events."""
        origin = uuid.uuid4()
        events = [
            StoredEvent(origin, number, "behavior", encode(each.payload).encode())
            for number, each in enumerate(observations(size), start=1)
        ]
        return lambda: self._insert(events)

    def replay(self) -> int:
        """Read everything; give the number of events."""
        start, seen = None, 0
        while found := self.recorder.select_notifications(start, 1000, inclusive_of_start=False):
            seen += len(found)
            start = found[-1].id
        return seen

    def close(self) -> None:
        """Give the connections back."""
        for store in self.stores:
            store.close()


class Driver:
    """The driver alone: one table without indices but its key, executemany, one commit a batch."""

    name = "bare driver"

    def __init__(self, url: str) -> None:
        location = make_url(url)
        self.sqlite = location.get_backend_name() == "sqlite"
        if self.sqlite:
            self.connection: Any = sqlite3.connect(
                str(location.database), isolation_level=None, check_same_thread=False
            )
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute("PRAGMA synchronous = FULL")
        else:
            import psycopg

            dsn = location.set(drivername="postgresql").render_as_string(hide_password=False)
            self.connection = psycopg.connect(dsn, autocommit=True)
        self.connection.execute("CREATE TABLE bare (position BIGINT PRIMARY KEY, stream TEXT, payload TEXT)")
        self.position = 0

    def batch(self, size: int, *, keys: bool = False) -> Callable[[], object]:
        """Give the call that appends one batch."""
        texts = [encode(each.payload) for each in observations(size)]
        mark = "?" if self.sqlite else "%s"

        def insert() -> None:
            rows = [(self.position + number, "run", text) for number, text in enumerate(texts, start=1)]
            self.position += size
            cursor = self.connection.cursor()
            cursor.execute("BEGIN")
            cursor.executemany(f"INSERT INTO bare VALUES ({mark}, {mark}, {mark})", rows)
            cursor.execute("COMMIT")

        return insert

    def replay(self) -> int:
        """Read everything; give the number of events."""
        return sum(1 for _ in self.connection.execute("SELECT position, stream, payload FROM bare ORDER BY position"))

    def close(self) -> None:
        """Give the connections back."""
        self.connection.close()


def seconds(call: Callable[[], object]) -> float:
    """Time one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def interleaved(
    contenders: list[Any], rounds: int, make: Callable[[Any], Callable[[], object]]
) -> dict[str, list[float]]:
    """Time what `make` gives for each contender, round by round."""
    taken: dict[str, list[float]] = {each.name: [] for each in contenders}
    for _ in range(rounds):
        for each in contenders:
            taken[each.name].append(seconds(make(each)))
    return taken


def report(what: str, count: int, taken: dict[str, list[float]], target: str) -> None:
    """Print events per second, and how many times the peer's that is."""
    rates = {name: count / statistics.median(times) for name, times in taken.items()}
    ratio = rates["palimpsest"] / rates["eventsourcing"]
    shown = "   ".join(f"{name} {rate:>9,.0f}/s" for name, rate in rates.items())
    print(f"  {what:34} {shown}   {ratio:5.2f} × eventsourcing (target {target})", flush=True)


def threads_of_singles(contender: Any, threads: int, each: int) -> tuple[float, list[float]]:
    """Append single events durably from many threads; give events per second and every wait."""
    calls = [[contender.batch(1) for _ in range(each)] for _ in range(threads)]
    waits: list[float] = []
    lock = threading.Lock()

    def work(mine: list[Callable[[], object]]) -> None:
        took = [seconds(call) for call in mine]
        with lock:
            waits.extend(took)

    with ThreadPoolExecutor(threads) as pool:
        started = time.perf_counter()
        list(pool.map(work, calls))
        taken = time.perf_counter() - started
    return threads * each / taken, waits


def appending(make: Callable[[], str], quick: bool, targets: dict[str, str]) -> None:
    """Print everything about appending to one engine."""
    contenders: list[Any] = [Ours(make()), EventSourcing(make()), Driver(make())]
    rounds = 7 if quick else 31
    for size in (1000, 100, 1):
        repeat = {1000: rounds, 100: rounds * 2, 1: rounds * 10}[size]
        taken = interleaved(contenders, repeat, lambda each, size=size: each.batch(size))
        report(f"append, batch {size}, encoded", size, taken, targets.get(f"batch {size}", "none"))
        taken = interleaved(contenders[:2], repeat, lambda each, size=size: each.whole(size))
        report(f"append, batch {size}, whole", size, taken, targets.get(f"batch {size}", "none"))
    taken = interleaved(contenders[:2], rounds, lambda each: each.batch(1000, keys=True))
    report("append, batch 1000, all with keys", 1000, taken, "none")
    rates: dict[str, list[float]] = {each.name: [] for each in contenders[:2]}
    waits: dict[str, list[float]] = {each.name: [] for each in contenders[:2]}
    for _ in range(3 if quick else 7):
        for each in contenders[:2]:
            rate, took = threads_of_singles(each, 32, 10 if quick else 30)
            rates[each.name].append(rate)
            waits[each.name].extend(took)
    report(
        "append, 32 threads of single events", 1, {name: [1 / r for r in all_] for name, all_ in rates.items()}, "3 ×"
    )
    p99 = {name: statistics.quantiles(took, n=100)[98] * 1000 for name, took in waits.items()}
    print(f"  {'':34} p99 {p99['palimpsest']:.1f} ms against {p99['eventsourcing']:.1f} ms (target: lower)")
    while contenders[0].store.head().position < 20_000:
        contenders[0].batch(1000)()
    wanted = contenders[0].store.head().position
    while contenders[1].replay() < wanted:
        contenders[1].batch(1000)()
    sizes = {each.name: each.replay() for each in contenders}
    times = interleaved(contenders, 3 if quick else 9, lambda each: each.replay)
    rate = {name: [taken / sizes[name] for taken in found] for name, found in times.items()}
    report("replay", 1, rate, targets["replay"])
    events = contenders[0].store.head().position
    verified = [seconds(contenders[0].store.verify) for _ in range(3 if quick else 7)]
    rate_of_all = events / statistics.median(verified)
    print(f"  {'verify, all of the above':34} {rate_of_all:>9,.0f} events/s: some with keys, some alone")
    for each in contenders:
        each.close()


def bytes_per_event(folder: Path) -> None:
    """Print how many bytes of SQLite file an event costs, given as text and as applications give it."""
    for form in ("encoded", "whole"):
        used: dict[str, float] = {}
        for kind in (Ours, EventSourcing):
            path = folder / f"bytes-{kind.name}-{form}.db"
            contender: Any = kind(f"sqlite:///{path}")
            empty = path.stat().st_size
            for _ in range(20):
                (contender.batch if form == "encoded" else contender.whole)(1000)()
            contender.close()
            with sqlite3.connect(path) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            used[kind.name] = (path.stat().st_size - empty) / 20_000
        ours, theirs = used["palimpsest"], used["eventsourcing"]
        print(f"  bytes per event, {form:17} {ours:.0f} against {theirs:.0f}: {ours / theirs:.2f} × (target 0.85)")


def facade(folder: Path, quick: bool) -> None:
    """Print what the facade adds over the store."""
    rounds = 300 if quick else 1500
    with MemorySystem(folder / "facade.db") as memory, EventStore.open(folder / "facade-store.db") as store:
        taken: dict[str, list[float]] = {"memory.record_observation": [], "store.append": []}
        for number in range(rounds):
            data = {"step": number, "norm": number / 7, "layer": "model.layers.3.mlp.down_proj.weight"}
            taken["memory.record_observation"].append(
                seconds(lambda data=data: memory.record_observation("behavior", "gradient", TEXT, data))
            )
            taken["store.append"].append(seconds(lambda n=number: store.append(observations(1))))

        def in_batch() -> None:
            with memory.batch():
                for number in range(1000):
                    memory.record_observation("behavior", "gradient", TEXT, {"step": number})

        for name, times in taken.items():
            print(f"  {name:34} {statistics.median(times) * 1e6:7.0f} µs an event, durable")
        batched = [seconds(in_batch) / 1000 for _ in range(5)]
        print(f"  {'record_observation inside batch()':34} {statistics.median(batched) * 1e6:7.1f} µs an event")


def verifying(make: Callable[[], str], quick: bool) -> None:
    """Print how fast the chain of a log of batches is verified."""
    with EventStore.open(make()) as store:
        for _ in range(40):
            store.append(observations(1000))
        taken = [seconds(store.verify) for _ in range(3 if quick else 9)]
    print(f"  {'verify, batches of 1000':34} {40_000 / statistics.median(taken):>9,.0f} events/s (target 300,000)")


def projecting(make: Callable[[], str], quick: bool) -> None:
    """Print how fast read tables catch up with a log, 1000 events a transaction."""
    events = 10_000 if quick else 40_000
    rates: dict[str, list[float]] = {"simple": [], "all": [], "rebuilt": []}
    chosen = {"simple": (ObservationsProjection, MetricsProjection), "all": PROJECTIONS, "rebuilt": PROJECTIONS}
    for _ in range(3 if quick else 5):
        with EventStore.open(make()) as store:
            for _ in range(events // 1000):
                store.append(observations(1000))
            for name, projections in chosen.items():
                runner = ProjectionRunner(store, projections)
                if name == "all":
                    with store.database.writing("projections") as connection:
                        for factory in chosen["simple"]:
                            begin(connection, factory())
                call = runner.rebuild if name == "rebuilt" else runner.catch_up
                rates[name].append(events / seconds(call))
    simple, every, rebuilt = (statistics.median(rates[name]) for name in ("simple", "all", "rebuilt"))
    print(f"  {'catch-up, observations and metrics':34} {simple:>9,.0f} events/s (target 100,000)")
    print(f"  {'catch-up, every read model':34} {every:>9,.0f} events/s; rebuilt beside the tables {rebuilt:,.0f}/s")


def curve(folder: Path, events: int) -> None:
    """Print the cost of an event as the log grows."""
    with EventStore.open(folder / "curve.db") as store:
        at = 10_000
        batch = observations(1000)
        while store.head().position < events:
            taken = []
            while store.head().position < at:
                taken.append(seconds(lambda: store.append(batch)) / 1000)
            print(f"  up to {at:>10,} events: {statistics.median(taken) * 1e6:6.1f} µs an event", flush=True)
            at = min(events, at * 4)


@contextmanager
def engines(folder: Path, only: str | None) -> Iterator[dict[str, Callable[[], str]]]:
    """Give, by engine, what makes a new empty database and gives its URL."""
    makers: dict[str, Callable[[], str]] = {}
    if only != "postgresql":
        makers["sqlite"] = lambda: f"sqlite:///{folder / uuid.uuid4().hex}.db"
    if only == "sqlite":
        yield makers
        return
    spec = importlib.util.spec_from_file_location("palimpsest_tests_postgres", ROOT / "tests" / "postgres.py")
    if spec is None or spec.loader is None:
        raise SystemExit("tests/postgres.py is missing: run this from a checkout")
    module = importlib.util.module_from_spec(spec)
    sys.modules["palimpsest_tests_postgres"] = module
    spec.loader.exec_module(module)
    with module.running_server(fsync=True) as server:
        makers["postgresql"] = lambda: str(server.create(migrated=False))
        yield makers


TARGETS = {
    "sqlite": {"batch 1000": "1 ×", "replay": "3 ×"},
    "postgresql": {"batch 1000": "3 ×", "batch 100": "1.7 ×", "replay": "2.5 ×"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"))
    parser.add_argument("--curve", type=int, default=0, metavar="EVENTS", help="also the cost as the log grows so far")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/tmp") as name, engines(Path(name), options.engine) as makers:
        for engine, make in makers.items():
            print(f"{engine}:")
            appending(make, options.quick, TARGETS[engine])
            verifying(make, options.quick)
            projecting(make, options.quick)
        if options.engine != "postgresql":
            bytes_per_event(Path(name))
            print("facade, on SQLite:")
            facade(Path(name), options.quick)
            if options.curve:
                print("as the log grows, on SQLite:")
                curve(Path(name), options.curve)


if __name__ == "__main__":
    main()
