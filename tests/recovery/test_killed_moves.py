"""kill -9 at every step of a rollover and of an import: nothing is in between, and the same call again finishes."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memory.errors import LogSealed, RolloverUnfinished
from memory.events import NewEvent, build
from memory.events.observations import Observation
from memory.store import EventStore
from memory.store.head import read_origin
from memory.store.rollover import rollover
from memory.store.transfer.export import export_log
from memory.store.transfer.importing import import_log

STEPS = "statements" if "PALIMPSEST_KILLS" in os.environ else "commits"
"""What is killed before: each commit, or each statement and commit (`PALIMPSEST_KILLS=1 pytest tests/recovery`)."""
Mover = Callable[..., int]


def note(number: int, **envelope: Any) -> NewEvent:
    return NewEvent(build(Observation, obs_type="behavior", category="c", data={"n": number}), **envelope)


def fill(store: EventStore, appends: int) -> None:
    for number in range(appends):
        store.append([note(number, stream=f"s{number % 3}", key=f"k{number}"), note(number)])


@pytest.fixture(scope="module")
def mover() -> Iterator[Mover]:
    """Move something, and die at a step: gives how the process ended."""
    script = str(Path(__file__).with_name("mover.py"))
    process = subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None

    def move(job: str, source: str, target: str, die_at: int) -> int:
        order = {"job": job, "source": source, "target": target, "die_at": die_at, "steps": STEPS}
        process.stdin.write(json.dumps(order) + "\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        return int(process.stdout.readline())  # type: ignore[union-attr]

    yield move
    process.stdin.close()
    process.wait(timeout=20)
    process.stdout.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], tuple[str, str]]]:
    """Make a filled log and an empty one, again and again."""
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    made: list[str] = []
    with EventStore.open(tmp_path / "filled.db") as store:
        fill(store, 6)
    EventStore.open(tmp_path / "empty.db").close()

    def make() -> tuple[str, str]:
        if server is None:
            made.append("")
            pair = tmp_path / f"{len(made)}-old.db", tmp_path / f"{len(made)}-new.db"
            shutil.copy(tmp_path / "filled.db", pair[0])
            shutil.copy(tmp_path / "empty.db", pair[1])
            return str(pair[0]), str(pair[1])
        pair = server.create(), server.create()
        made.extend(pair)
        with EventStore.open(pair[0]) as store:
            fill(store, 6)
        return pair

    yield make
    for url in made:
        if server is not None:
            server.drop(url)


def killed(
    job: str, places: Callable[[], tuple[str, str]], mover: Mover, source: str | None = None
) -> Iterator[tuple[str, str]]:
    """Yield the places of one move after the other, each killed a step later."""
    for step in itertools.count():
        pair = places()
        ended = mover(job, source or pair[0], pair[1], step)
        if ended == 0:
            return
        assert ended == -signal.SIGKILL
        yield pair


def test_killed_anywhere_a_rollover_leaves_one_log_in_use_and_again_finishes(
    places: Callable[[], tuple[str, str]], mover: Mover
) -> None:
    kills = {"old in use": 0, "prepared": 0, "done": 0}
    for old_url, new_url in killed("rollover", places, mover):
        with EventStore.open(old_url) as old, EventStore.open(new_url) as new:
            assert old.verify().ok
            try:
                old.append([note(99)])
                kills["old in use"] += 1
                if new.head().append_id:
                    kills["prepared"] += 1
                    with pytest.raises(RolloverUnfinished):
                        new.append([note(1)])
            except LogSealed:
                kills["done"] += 1
                new.append([note(1, stream="s1")], expected_version={"s1": 2})
            done = rollover(old.database, new_url)
            assert done.head == old.head()
            with new.database.reading() as connection:
                assert read_origin(connection) == old.head()
            assert new.append([note(3, stream="s0", key="k3")])[0].replayed
            new.append([note(2)])
            assert old.verify().ok
            assert new.verify([old.anchor()]).ok
            with pytest.raises(LogSealed):
                old.append([note(1)])
    assert min(kills.values()) > 0


@pytest.mark.parametrize("places", ["sqlite", "postgresql"] if STEPS == "statements" else ["sqlite"], indirect=True)
def test_killed_anywhere_an_import_holds_whole_appends_and_again_finishes(
    places: Callable[[], tuple[str, str]], mover: Mover, tmp_path: Path
) -> None:
    with EventStore.open(tmp_path / "source.db") as source:
        fill(source, 12)
        export_log(source.database, tmp_path / "out", tables=False)
        head = source.head()
    partial = 0
    for _, url in killed("import", places, mover, source=str(tmp_path / "out")):
        with EventStore.open(url) as target:
            partial += 0 < target.head().append_id < 12
            assert target.verify().ok
            import_log(target.database, tmp_path / "out")
            assert target.head() == head
            assert target.verify().ok
    assert partial > 1
