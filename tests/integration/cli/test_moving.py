"""Export, import and rollover as a person or a script meets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from introspection import SharingMap
from memory import MemorySystem
from memory.events import NewEvent
from memory.events.kept_bytes import Keyframe
from memory.events.weights import BlobsPruned

MAIN = "from memory.cli import main; main()"


def palimpsest(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", MAIN, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "200"},
        timeout=120,
        check=False,
    )


@pytest.fixture
def record(tmp_path: Path) -> Path:
    with MemorySystem(tmp_path / "research.db", actor="tester") as memory:
        memory.attach(SharingMap.from_relations(names=["a", "b"], same=[["a", "b"]]), name="sim")
        memory.record_modification("a", act="act-1", key="k")
        memory.record_metrics({"loss": 2.5}, act="act-1")
    return tmp_path / "research.db"


def test_a_record_goes_through_files_into_a_new_database(record: Path, tmp_path: Path) -> None:
    out = palimpsest("export", tmp_path / "out", "-d", record, "--format", "parquet", "--json")
    exported = json.loads(out.stdout)
    assert (exported["events"], exported["tables"]["modifications"]) == (3, 1)
    done = palimpsest("import", tmp_path / "out", "-d", tmp_path / "copy.db", "--json")
    imported = json.loads(done.stdout)
    assert imported == {"appends": 3, "events": 3, "present": 0, "blobs": 0, "head": exported["head"]}
    with MemorySystem(tmp_path / "copy.db") as copy:
        assert copy.query_sql("SELECT count(*) AS n FROM modifications") == [{"n": 1}]


def test_the_folder_that_was_made_is_the_answer(record: Path, tmp_path: Path) -> None:
    done = palimpsest("export", tmp_path / "out", "-d", record, "--no-tables")
    assert done.stdout == f"{tmp_path / 'out'}\n"
    assert "3 events in 3 appends, 0 tables, 0 blobs" in done.stderr
    assert not (tmp_path / "out" / "tables").exists()


def test_blobs_that_no_event_points_at_are_swept_and_said(record: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    with MemorySystem(record, blobs=folder) as memory:
        orphan, _ = memory._keeper.put(bytes(100_000))
    young = palimpsest("gc", "-d", record, "--blobs", folder, "--json")
    assert json.loads(young.stdout) == {"blobs": [], "checkpoints": [], "bytes": 0}
    swept = palimpsest("gc", "-d", record, "--blobs", folder, "--grace", "0", "--json")
    assert json.loads(swept.stdout) == {"blobs": [orphan], "checkpoints": [], "bytes": 100_000}
    again = palimpsest("gc", "-d", record, "--blobs", folder, "--grace", "0")
    assert (again.returncode, again.stdout) == (0, "")
    assert "0 blobs and 0 checkpoints" in again.stderr


def test_verifying_weights_too_reads_blobs_and_exits_with_what_is_wrong(record: Path) -> None:
    kept = Keyframe(storage_key="a", fingerprint="f", blob="0" * 64, size=1)
    payload = BlobsPruned(model="sim", keyframes=(kept,), reason="a test")
    with MemorySystem(record) as memory:
        memory.store.append([NewEvent(payload, stream="model-sim")])
    assert palimpsest("verify", "-d", record).returncode == 0
    done = palimpsest("verify", "-d", record, "--weights", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"], found["blobs"]) == (1, False, 1)
    assert found["problems"] == [f"position 4: the blob {'0' * 64} is missing"]


def test_what_is_no_export_makes_no_database(tmp_path: Path) -> None:
    done = palimpsest("import", tmp_path, "-d", tmp_path / "copy.db")
    assert done.returncode == 1
    assert "error [invalid-export]" in done.stderr
    assert not (tmp_path / "copy.db").exists()


@pytest.mark.parametrize("arguments", [("export", "out"), ("rollover", "--to", "new.db")])
def test_a_database_that_does_not_exist_is_not_made(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = palimpsest(*arguments, "-d", tmp_path / "missing.db")
    assert done.returncode == 1
    assert "error [database-unavailable]" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_rollover_says_where_to_go_on_and_can_be_repeated(record: Path, tmp_path: Path) -> None:
    done = palimpsest("rollover", "-d", record, "--to", tmp_path / "new.db", "--actor", "me")
    assert done.stdout == f"{tmp_path / 'new.db'}\n"
    again = json.loads(palimpsest("rollover", "-d", record, "--to", tmp_path / "new.db", "--json").stdout)
    assert (again["done_before"], again["position"]) == (True, 3)
    with MemorySystem(tmp_path / "new.db") as new:
        first = next(new.store.read())
        assert (first.event_type, first.actor) == ("log_continued", "me")


def test_exporting_imports_neither_torch_nor_alembic(record: Path, tmp_path: Path) -> None:
    script = (
        "import sys\n"
        f"sys.argv = ['palimpsest', 'export', {str(tmp_path / 'out')!r}, '-d', {str(record)!r}]\n"
        "from memory.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    pass\n"
        "print(sorted({'torch', 'alembic', 'pyarrow'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
