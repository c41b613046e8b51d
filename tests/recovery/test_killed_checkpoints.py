"""kill -9 inside checkpoints, deletions and prunes: what is on record is whole, and the rest is swept."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memory import MemorySystem
from memory.errors import RestoreError
from memory.query.weight_blobs import now_pointed_at, sweep

sys.path.insert(0, str(Path(__file__).parent))

from retention_jobs import JOBS, digest_of


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory, zygote_class: Any) -> Iterator[Any]:
    # One for all: importing torch takes longer than any of these.
    started = zygote_class(tmp_path_factory.mktemp("zygote"), "retention_jobs")
    yield started
    started.close()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record without events."""
    path: Path = tmp_path_factory.mktemp("empty") / "research.db"
    MemorySystem(path).close()
    return path


@pytest.fixture
def url(empty: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(empty, tmp_path / "research.db"))


def check(url: Path, acknowledged: dict[int, str]) -> int:
    """Hold the record to what a killed worker was told, and sweep what it left; give how many states came back."""
    with MemorySystem(url) as memory:
        report = memory.verify()
        assert report.ok, report.problems
        boundary = max((event.payload.before or 1 for event in memory.store.read(types="blobs_pruned")), default=1)
        wanted = {position: digest for position, digest in acknowledged.items() if position >= boundary}
        for position, digest in wanted.items():
            assert digest_of(memory.at(position, model="m")) == digest
        swept = sweep(memory._keeper, memory.store.database, memory._runner.catch_up, grace=0)
        pointed = now_pointed_at(memory.store.database, memory._runner.catch_up)
        assert memory._keeper.digests() == pointed.blobs
        there = url.with_name("research.db.blobs") / "checkpoints"
        folders = {path.name for path in there.iterdir()} if there.is_dir() else set()
        assert folders == pointed.checkpoints
        report = memory.verify()
        assert report.ok, (report.problems, swept)
    return len(wanted)


def test_killed_at_random_every_state_from_the_boundary_on_is_there(zygote: Any, url: Path, rounds: int) -> None:
    draw = random.Random(6)
    acknowledged: dict[int, str] = {}
    back = 0
    for _ in range(max(4, rounds // 3)):
        acknowledged |= dict(zygote.live_and_die("retain", str(url), draw))
        back += check(url, acknowledged)
    assert back > 0


@pytest.mark.parametrize("where", sorted(JOBS.keys() - {"retain"}))
def test_killed_in_the_middle(zygote: Any, url: Path, where: str) -> None:
    draw = random.Random(7)
    acknowledged = dict(zygote.live_and_die(where, str(url), draw, longest=0.0))
    there = url.with_name("research.db.blobs") / "checkpoints"
    before = sorted(path.name for path in there.iterdir())
    check(url, acknowledged)
    after = sorted(path.name for path in there.iterdir())
    expected = {
        "a checkpoint half written": (3, ["kept-0001"]),
        "a checkpoint without its event": (3, ["kept-0001"]),
        "a checkpoint with its event": (3, ["half-0002", "kept-0001"]),
        "a deletion on record": (1, []),
        "a deletion half done": (1, []),
        "a prune not on record": (1, ["kept-0001"]),
        "a prune on record": (1, ["kept-0001"]),
        "a prune done": (1, ["kept-0001"]),
    }
    assert (len(before), after) == expected[where]
    first = min(acknowledged)
    with MemorySystem(url) as memory:
        if where in ("a prune on record", "a prune done"):
            with pytest.raises(RestoreError, match="let go"):
                digest_of(memory.at(first, model="m"))
        else:
            assert digest_of(memory.at(first, model="m")) == acknowledged[first]
