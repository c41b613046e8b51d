"""One memory used by eight threads, one database by several processes: nothing is lost, doubled or mixed up."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from introspection import SharingMap
from memory import MemorySystem
from memory.errors import BatchError

NAMES = [f"layer{number}" for number in range(8)]
SHARING = SharingMap.from_relations(names=[*NAMES, "head"], same=[["layer0", "head"]])
ROUNDS = 4
SCRIPT = Path(__file__).with_name("memory_script.py")
TABLES = ("observations", "modifications", "affected_layers", "metrics", "storages", "patterns", "beliefs")


@pytest.fixture
def memory(database_url: str) -> Iterator[MemorySystem]:
    with MemorySystem(database_url, actor="tester") as opened:
        opened.attach(SHARING, name="m")
        yield opened


@pytest.fixture(autouse=True)
def _in_turns() -> Iterator[None]:
    """Let threads take over from each other a hundred times as often as usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 100)
    yield
    sys.setswitchinterval(usual)


def together(work: Callable[[int], Any], threads: int = 8) -> list[Any]:
    """Run one function in so many threads that all begin at the same moment."""
    begin = threading.Barrier(threads)

    def one(number: int) -> Any:
        begin.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def tables(memory: MemorySystem) -> dict[str, list[str]]:
    return {
        name: sorted(repr(sorted(row.items())) for row in memory.query_sql(f"SELECT * FROM {name}")) for name in TABLES
    }


def test_everything_can_be_done_from_eight_threads_at_once(memory: MemorySystem) -> None:
    def work(thread: int) -> list[int]:
        positions: list[int] = []
        for number in range(ROUNDS):
            data = {"thread": thread, "number": number}
            positions.append(memory.record_observation("behavior", f"t{thread}", data=data).position)
            with memory.act(f"act {thread}-{number}", act_id=f"{thread}-{number}") as act:
                positions.append(memory.record_metrics({"loss": 2.0 + number}, sample="s").position)
                positions.append(memory.record_modification(NAMES[thread], data, dose=act.flip()).position)
                positions.append(memory.record_metrics({"loss": 1.0 + number}, sample="s").position)
            with memory.batch():
                batch = [memory.record_observation("behavior", f"b{thread}-{number}", data=part) for part in range(5)]
            positions.extend(each.position for each in batch)
            assert [each.position for each in batch] == list(range(batch[0].position, batch[0].position + 5))
            memory.consolidate()
            found = memory.query_sql("SELECT count(*) AS n FROM observations WHERE category = :c", c=f"t{thread}")
            assert found == [{"n": number + 1}]
            memory.theories()
            memory.patterns()
        return positions

    positions = [position for thread in together(work) for position in thread]
    head = memory.store.head().position
    assert sorted(positions) == list(range(2, head + 1))
    for event in memory.store.read(types={"modification", "coupled_modification"}):
        assert event.act_id == f"{event.payload.modification['thread']}-{event.payload.modification['number']}"
        assert event.payload.primary_layer == NAMES[event.payload.modification["thread"]]
    live = tables(memory)
    assert len(live["modifications"]) == 8 * ROUNDS
    memory.rebuild()
    assert tables(memory) == live
    assert memory.verify().ok


def test_a_batch_belongs_to_its_thread_and_an_aborted_one_takes_no_other_with_it(memory: MemorySystem) -> None:
    def work(thread: int) -> None:
        with memory.batch():
            memory.record_observation("behavior", f"kept {thread}")
            with pytest.raises(BatchError), memory.batch():
                pass
        with pytest.raises(ZeroDivisionError):
            abort(thread)

    def abort(thread: int) -> None:
        with memory.batch():
            memory.record_observation("behavior", f"dropped {thread}")
            raise ZeroDivisionError

    together(work)
    found = [event.payload.category for event in memory.store.read(types={"observation"})]
    assert sorted(found) == sorted(f"kept {thread}" for thread in range(8))


def test_a_key_that_eight_threads_use_at_once_records_one_event(memory: MemorySystem) -> None:
    done = together(lambda thread: memory.record_modification("head", {"n": 1}, key="once"))
    assert len({each.position for each in done}) == 1
    assert sorted(each.replayed for each in done) == [False] + [True] * 7
    assert memory.verify().ok


def test_live_weights_edited_by_eight_threads_are_what_the_log_says(database_url: str) -> None:
    model = torch.nn.ModuleList([torch.nn.Linear(4, 4, bias=False) for _ in range(8)])
    with MemorySystem(database_url) as memory:
        memory.attach(model, name="m")

        def work(thread: int) -> None:
            for _ in range(3):
                with memory.act(f"scale {thread}") as act, memory.edit(f"{thread}.weight", dose=1.0) as weight:
                    weight.mul_(1.5)
            act.undo()
            memory.record_layer_statistics("norm", {f"{thread}.weight": 1.0})

        together(work)
        report = memory.verify()
        assert report.ok, report.problems
        assert report.storages == 8
        memory.consolidate()
        assert len(memory.query_sql("SELECT * FROM modifications")) == 8 * 4


def test_processes_that_record_and_consolidate_on_one_database_agree_on_everything(database_url: str) -> None:
    command = [sys.executable, SCRIPT, database_url, "4", "12"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    acknowledged = [json.loads(line) for line in done.stdout.splitlines()]
    with MemorySystem(database_url) as memory:
        head = memory.store.head().position
        assert sorted(position for position, _ in acknowledged) == list(range(2, head + 1))
        stored = {event.position: event for event in memory.store.read(after=1)}
        assert all(stored[position].actor == actor for position, actor in acknowledged)
        memory.consolidate()
        live = tables(memory)
        assert len(live["observations"]) + len(live["modifications"]) == head - 1
        memory.rebuild()
        assert tables(memory) == live
        assert memory.verify().ok
