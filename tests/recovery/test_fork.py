"""A fork of a process that has a memory open: parent and child both go on, and nothing acknowledged is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from memory import MemorySystem

SCRIPT = Path(__file__).with_name("fork_script.py")


def run(scenario: str, url: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, SCRIPT, scenario, url], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"who": "ended", "code": 0} in lines, done.stderr
    return lines


def acknowledged(lines: list[dict[str, Any]]) -> dict[int, str]:
    positions = [line["position"] for line in lines if "position" in line]
    assert len(set(positions)) == len(positions), "a position was given twice"
    return {line["position"]: line["who"] for line in lines if "position" in line}


def test_what_a_child_records_after_its_parent_closed_is_kept(database_url: str) -> None:
    told = acknowledged(run("outlive", database_url))
    with MemorySystem(database_url) as memory:
        stored = {event.position: event.payload.category for event in memory.store.read()}
        assert stored == told
        assert sorted(told.values()).count("child after") == 3
        assert memory.verify().ok


def test_forks_while_threads_record_and_consolidate_lose_and_double_nothing(database_url: str) -> None:
    lines = run("busy", database_url)
    told = acknowledged(lines)
    with MemorySystem(database_url) as memory:
        stored = {event.position: event for event in memory.store.read()}
        assert all(stored[position].event_type in ("observation", "coupled_modification") for position in told)
        assert [stored[position].payload.category for position, who in told.items() if who.startswith("child")] == [
            who for who in told.values() if who.startswith("child")
        ]
        (seen,) = [line["positions"] for line in lines if line["who"] == "seen"]
        assert seen == list(range(1, len(seen) + 1))
        memory.consolidate()
        live = memory.query_sql("SELECT * FROM modifications ORDER BY position")
        memory.rebuild()
        assert memory.query_sql("SELECT * FROM modifications ORDER BY position") == live
        assert memory.verify().ok


def test_a_child_forked_inside_a_transaction_is_refused_the_file_it_would_harm(sqlite_url: str) -> None:
    lines = run("inside", sqlite_url)
    refused = [line for line in lines if line["who"].startswith("refused")]
    assert len(refused) == 2
    assert all("forked" in line["message"] and line["remedy"] for line in refused)
    told = acknowledged(lines)
    assert sorted(told.values()) == ["parent", "parent again"]
    with MemorySystem(sqlite_url) as memory:
        assert {event.position for event in memory.store.read()} == set(told)
        assert memory.verify().ok
