"""That whoever is answered was waited for: every write, sync and rename is traced, and the answer comes after them.

A kill -9 cannot show this: the kernel keeps what a killed process wrote. Power loss would, or looking at the order.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from memory.events import NewEvent, build
from memory.events.observations import Observation
from memory.store import EventStore

APPENDS = 8
WRITER = """
import sys, time
from memory.events import NewEvent, build
from memory.events.observations import Observation
from memory.store import EventStore
with EventStore.open(sys.argv[1], durability=sys.argv[2]) as store:
    for number in range(int(sys.argv[3])):
        began = time.monotonic_ns()
        store.append([NewEvent(build(Observation, obs_type="behavior", category="c", data={"n": number}))])
        print(began, time.monotonic_ns(), flush=True)
"""


class Traced(NamedTuple):
    moment: int
    what: str
    path: str


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tracing library, built where a server that runs as another user can load it."""
    folder = tmp_path_factory.mktemp("shim", numbered=True)
    library = Path("/tmp") / f"palimpsest-order-{os.getpid()}.so"
    source = Path(__file__).with_name("order_shim.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", folder / "shim.so", source, "-ldl"], check=True)
    library.write_bytes((folder / "shim.so").read_bytes())
    library.chmod(0o755)
    yield library
    library.unlink()


@pytest.fixture
def trace(shim: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where traced processes, which are started from here on, note what they do."""
    log = Path("/tmp") / f"palimpsest-order-{os.getpid()}-{time.monotonic_ns()}.log"
    log.touch()
    log.chmod(0o666)
    monkeypatch.setenv("LD_PRELOAD", str(shim))
    monkeypatch.setenv("ORDER_LOG", str(log))
    yield log
    log.unlink()


def read(log: Path) -> list[Traced]:
    lines = (line.split(" ", 2) for line in log.read_text().splitlines())
    return [Traced(int(moment), what, path) for moment, what, path in lines]


def written_and_synced(database: Path, trace: Path, durability: str) -> list[tuple[int, int]]:
    """How often the write-ahead log was written and then synced during each acknowledged append: (writes, syncs)."""
    command = [sys.executable, "-c", WRITER, str(database), durability, str(APPENDS)]
    spans = [
        tuple(map(int, line.split()))
        for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    ]
    assert len(spans) == APPENDS
    found = []
    for began, ended in spans:
        during = [each for each in read(trace) if began <= each.moment <= ended and each.path == f"{database}-wal"]
        writes = [index for index, each in enumerate(during) if each.what == "write"]
        syncs_after = [each for each in during[writes[-1] + 1 :] if each.what == "sync"]
        found.append((len(writes), len(syncs_after)))
    return found


def test_sqlite_has_synced_all_it_wrote_before_it_acknowledges(tmp_path: Path, trace: Path) -> None:
    for writes, syncs_after_the_last_write in written_and_synced(tmp_path / "research.db", trace, "full"):
        assert writes >= 1
        assert syncs_after_the_last_write >= 1


def test_the_trace_can_tell_a_commit_that_does_not_wait_for_the_disk(tmp_path: Path, trace: Path) -> None:
    found = written_and_synced(tmp_path / "research.db", trace, "normal")
    assert all(writes >= 1 for writes, _ in found)
    assert all(syncs == 0 for _, syncs in found)


@pytest.mark.parametrize(("durability", "waits"), [("full", True), ("normal", False)])
def test_postgresql_syncs_its_log_within_every_append_that_is_to_be_durable(
    postgres_module: ModuleType, monkeypatch: pytest.MonkeyPatch, trace: Path, durability: Any, waits: bool
) -> None:
    monkeypatch.delenv("TEST_POSTGRES_URL", raising=False)
    # The server's own habit of syncing now and then would blur the picture.
    with postgres_module.running_server(fsync=True, options=["wal_writer_delay=10s"]) as server:
        monkeypatch.delenv("LD_PRELOAD")
        spans = []
        with EventStore.open(server.create(migrated=False), durability=durability) as store:
            for number in range(APPENDS):
                began = time.monotonic_ns()
                store.append([NewEvent(build(Observation, obs_type="behavior", category="c", data={"n": number}))])
                spans.append((began, time.monotonic_ns()))
        syncs = [each.moment for each in read(trace) if each.what == "sync" and "/pg_wal/" in each.path]
    synced = [any(began <= moment <= ended for moment in syncs) for began, ended in spans]
    assert all(synced) if waits else sum(synced) <= 1


def test_a_blob_is_on_the_disk_before_it_has_its_name_and_the_name_before_it_is_answered(
    tmp_path: Path, trace: Path
) -> None:
    folder = tmp_path / "research.db.blobs"
    program = (
        "import sys; from pathlib import Path; from memory.weights.blobs import BlobStore; "
        "print(BlobStore(Path(sys.argv[1])).put(b'x' * 200_000)); Path(sys.argv[2]).write_text('answered')"
    )
    answered = tmp_path / "answered"
    command = [sys.executable, "-c", program, str(folder), str(answered)]
    digest = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    home = str(folder / digest[:2])
    done = [
        (each.what, "partial" if each.path.endswith(".partial") else each.path.removeprefix(f"{home}/"))
        for each in read(trace)
        if each.path.startswith((str(folder), str(answered)))
    ]
    assert done[-5:] == [
        ("write", "partial"),
        ("sync", "partial"),
        ("rename", digest),
        ("sync", home),
        ("write", str(answered)),
    ]
    # The folders themselves, before anything is in them.
    assert ("sync", str(folder)) in done[:-5]
