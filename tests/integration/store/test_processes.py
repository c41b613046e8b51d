"""Several processes on one database, the real thing: no event is lost, doubled, or seen out of order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from memory.store import EventStore

SCRIPT = Path(__file__).with_name("writer_script.py")


def start(url: str, name: str, appends: int, size: int = 1, keys: str = "-") -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), url, name, str(appends), str(size), keys]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> int:
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return int(output)


def test_processes_that_open_a_bare_url_at_once_all_succeed(bare_url: str) -> None:
    writers = [start(bare_url, f"w{number}", 2) for number in range(5)]
    assert [finish(writer) for writer in writers] == [2] * 5
    with EventStore.open(bare_url) as store:
        assert [event.position for event in store.read()] == list(range(1, 11))
        assert store.verify().ok


def test_a_tailing_reader_sees_every_event_once_while_others_write(database_url: str) -> None:
    writers = [start(database_url, f"w{number}", 60, size=number + 1) for number in range(3)]
    total = 60 * (1 + 2 + 3)
    seen: list[int] = []
    with EventStore.open(database_url) as store:
        writing = True
        while writing:
            # Asked before reading: what the last writer wrote is read once more after it ended.
            writing = any(writer.poll() is None for writer in writers)
            seen.extend(event.position for event in store.read(after=seen[-1] if seen else 0))
        assert [finish(writer) for writer in writers] == [60, 120, 180]
        assert seen == list(range(1, total + 1))
        assert store.verify().ok


def test_of_processes_that_race_with_the_same_keys_one_records_each(database_url: str) -> None:
    writers = [start(database_url, f"w{number}", 30, size=2, keys="k") for number in range(2)]
    assert sum(finish(writer) for writer in writers) == 60
    with EventStore.open(database_url) as store:
        assert store.head().position == 60
        assert store.verify().ok
