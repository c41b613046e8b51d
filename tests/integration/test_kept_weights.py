"""What is kept of weights, from the event that points at it to another database: verified, swept, taken along."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from introspection import SharingMap
from memory import MemorySystem
from memory.errors import InvalidExport, MissingBlob, ProjectionError
from memory.events import NewEvent, model_stream
from memory.events.kept_bytes import Delta, Keyframe
from memory.events.modifications import AffectedLayer, Modification
from memory.events.weights import BlobsPruned, CheckpointFile, CheckpointSaved
from memory.query.weight_blobs import now_pointed_at, sweep, verify_kept
from memory.weights.keeping import INLINE_LIMIT, PointedAt

SMALL = b"a delta of a few rows"
LARGE = random.Random(1).randbytes(INLINE_LIMIT * 3)
KEYFRAME = random.Random(2).randbytes(INLINE_LIMIT + 1)


class Record:
    """A memory of a model of two tensors, of which the bytes are made up."""

    def __init__(self, url: str, blobs: Path | None) -> None:
        self.memory = MemorySystem(url, blobs=blobs)
        self.memory.attach(SharingMap.from_relations(names=["a", "b"]), name="m")

    def write(self, delta: bytes, keyframe: bytes | None = None) -> list[str]:
        """Record a write with what puts it back; give the digests of its blobs."""
        keeper = self.memory._keeper
        with keeper.pointing():
            put = [keeper.put(content) for content in (delta, keyframe) if content is not None]
            digests = [digest for digest, _ in put]
            states = {"storage_key": "a"}
            event = Modification(
                model="m",
                primary_layer="a",
                storage_key="a",
                affected=(AffectedLayer(name="a", relation="primary"),),
                importance=0.5,
                deltas=(
                    Delta(
                        **states,
                        before="b",
                        after="c",
                        blob=digests[0],
                        size=len(delta),
                        changed_bytes=4,
                        codec="dense",
                    ),
                ),
                keyframes=tuple(
                    Keyframe(**states, fingerprint="c", blob=each, size=len(keyframe or b"")) for each in digests[1:]
                ),
            )
            pending = {name: content for _, rows in put for name, content in rows.items()}
            self.append(event, pending)
        return digests

    def append(self, payload: Any, blobs: dict[str, Any] | None = None) -> None:
        self.memory.store.append([NewEvent(payload, stream=model_stream("m"))], blobs=blobs)

    def prune(self, *digests: str) -> None:
        self.append(BlobsPruned(model="m", blobs=digests, reason="a test"))

    def sweep(self, grace: float = 0.0) -> Any:
        return sweep(self.memory._keeper, self.memory.store.database, self.memory._runner.catch_up, grace=grace)

    def lose(self, digest: str) -> None:
        """Take a blob away behind everybody's back."""
        self.memory._keeper.remove([digest], lambda: PointedAt(frozenset()))


@pytest.fixture(params=["sqlite", "postgresql", "postgresql with a folder", "memory"])
def record(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Record]:
    """A record of each kind of place: with a folder, or with rows alone."""
    engine, _, with_folder = request.param.partition(" ")
    fixtures = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}
    url = ":memory:" if engine == "memory" else request.getfixturevalue(fixtures[engine])
    made = Record(url, tmp_path / "blobs" if with_folder else None)
    yield made
    made.memory.close()


def test_everything_that_events_point_at_is_reread(record: Record) -> None:
    digests = [*record.write(SMALL), *record.write(LARGE, KEYFRAME)]
    report = record.memory.verify()
    assert (report.ok, report.blobs) == (True, 3)
    for digest in digests[:2]:
        record.lose(digest)
    report = record.memory.verify()
    assert not report
    assert sorted(report.problems) == [
        f"position 2: the blob {digests[0]} is missing",
        f"position 3: the blob {digests[1]} is missing",
    ]


def test_what_was_let_go_is_no_problem_when_it_is_gone(record: Record) -> None:
    first, second = *record.write(SMALL), *record.write(LARGE)
    record.prune(first, second)
    assert record.memory.verify().blobs == 0
    for digest in (first, second):
        record.lose(digest)
    assert record.memory.verify().ok


def test_what_is_let_go_while_it_is_being_verified_is_no_problem(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    (digest,), (lost,) = record.write(SMALL), record.write(LARGE)
    verify = record.memory._keeper.verify

    def let_go_just_then(expected: Any) -> dict[str, str]:
        record.prune(digest)
        for each in (digest, lost):
            record.lose(each)
        return verify(expected)

    monkeypatch.setattr(record.memory._keeper, "verify", let_go_just_then)
    assert record.memory.verify().problems == (f"position 3: the blob {lost} is missing",)


def test_a_sweep_leaves_what_events_point_at_and_takes_what_none_does(record: Record) -> None:
    kept = [*record.write(SMALL), *record.write(LARGE, KEYFRAME)]
    gone = [*record.write(SMALL + b"!"), *record.write(LARGE + b"!")]
    record.prune(*gone)
    with record.memory._keeper.pointing():
        # Put, and never pointed at: whoever was to do so died.
        orphan, pending = record.memory._keeper.put(b"orphan" * INLINE_LIMIT)
    swept = record.sweep()
    assert swept.blobs == tuple(sorted([*gone, *([] if pending else [orphan])]))
    assert record.memory._keeper.digests() == set(kept)
    assert record.memory.verify().blobs == 3
    assert record.sweep().blobs == ()


def test_a_blob_pointed_at_again_after_it_was_let_go_stays(record: Record) -> None:
    (digest,) = record.write(LARGE)
    record.prune(digest)
    assert record.write(LARGE) == [digest]
    assert record.sweep().blobs == ()
    assert record.memory._keeper.get(digest) == LARGE


def test_nothing_is_swept_where_an_event_cannot_be_read(tmp_path: Path, sqlite_url: str) -> None:
    record = Record(sqlite_url, None)
    (digest,) = record.write(LARGE)
    event = CheckpointSaved(model="m", checkpoint_id="c", storages=(), tensors=(), files=())
    with record.memory.store.database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_refuses_update")
    record.append(event)
    with record.memory.store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE ledger SET payload = '{\"model\": 7}' WHERE position = 3")
    with pytest.raises(ProjectionError):
        record.sweep()
    assert record.memory._keeper.has(digest)
    assert any("what was kept of weights cannot be read" in each for each in record.memory.verify().problems)
    record.memory.close()


def test_folders_of_checkpoints_are_swept_once_no_event_names_them(tmp_path: Path, sqlite_url: str) -> None:
    record = Record(sqlite_url, None)
    record.write(LARGE)
    folder = record.memory._keeper.folder
    assert folder is not None
    for name in ("first", "second", "orphan"):
        (folder / "checkpoints" / name).mkdir(parents=True)
        (folder / "checkpoints" / name / "model.safetensors").write_bytes(bytes(100))
    for name in ("first", "second"):
        file = CheckpointFile(name="model.safetensors", size=100, digest="0" * 64)
        record.append(CheckpointSaved(model="m", checkpoint_id=name, storages=(), tensors=(), files=(file,)))
    assert record.sweep(grace=3600).checkpoints == ()
    assert record.sweep().checkpoints == ("orphan",)
    record.append(BlobsPruned(model="m", checkpoints=("first",), reason="a test"))
    assert record.sweep().checkpoints == ("first",)
    asked: list[str] = []

    def check(rows: Any) -> list[str]:
        asked.extend(row["checkpoint_id"] for row in rows)
        return ["it is damaged"]

    store, catch_up = record.memory.store, record.memory._runner.catch_up
    report = verify_kept(record.memory._keeper, store.database, catch_up, check)
    assert (asked, report.checkpoints, report.problems) == (["second"], 1, ("it is damaged",))
    assert now_pointed_at(store.database, catch_up).checkpoints == {"second"}
    record.memory.close()


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_blobs_travel_with_the_log_to_whatever_keeps_them_there(
    record: Record, tmp_path: Path, postgres_server: Any, file_format: Any
) -> None:
    kept = [*record.write(SMALL), *record.write(LARGE, KEYFRAME)]
    (gone,) = record.write(LARGE + b"!")
    record.prune(gone)
    exported = record.memory.export_all(tmp_path / "out", file_format=file_format)
    assert exported.blobs == 3
    assert exported.size == sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert {path.name for path in (tmp_path / "out" / "blobs").glob("*/*")} == set(kept)
    other = postgres_server.create()
    for url in (tmp_path / "copy.db", other):
        with MemorySystem(url) as copy:
            imported = copy.import_all(tmp_path / "out")
            assert (imported.blobs, imported.events) == (3, exported.events)
            assert copy.verify().blobs == 3
            assert [copy._keeper.get(digest) for digest in kept] == [SMALL, LARGE, KEYFRAME]
            again = copy.import_all(tmp_path / "out")
            assert (again.blobs, again.events) == (0, 0)
    postgres_server.drop(other)


def test_an_export_can_leave_them_behind(tmp_path: Path, sqlite_url: str) -> None:
    record = Record(sqlite_url, None)
    digest, _ = record.write(LARGE, KEYFRAME)
    record.lose(digest)
    with pytest.raises(MissingBlob):
        record.memory.export_all(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert record.memory.export_all(tmp_path / "out", blobs=False).blobs == 0
    assert not (tmp_path / "out" / "blobs").exists()
    record.memory.close()
    with MemorySystem(tmp_path / "copy.db") as copy:
        assert copy.import_all(tmp_path / "out").blobs == 0
        assert len(copy.verify().problems) == 2


def test_blobs_of_an_export_that_were_changed_or_cut_off_are_refused(tmp_path: Path, sqlite_url: str) -> None:
    record = Record(sqlite_url, None)
    digest, keyframe = record.write(LARGE, KEYFRAME)
    record.memory.export_all(tmp_path / "out")
    record.memory.close()
    path = tmp_path / "out" / "blobs" / digest[:2] / digest
    with MemorySystem(tmp_path / "copy.db") as copy:
        path.write_bytes(LARGE[:-1] + b"?")
        with pytest.raises(InvalidExport, match="it was changed"):
            copy.import_all(tmp_path / "out")
        path.write_bytes(LARGE[:-1])
        with pytest.raises(InvalidExport, match="cut off"):
            copy.import_all(tmp_path / "out")
        path.unlink()
        with pytest.raises(InvalidExport, match="holds 1 blobs"):
            copy.import_all(tmp_path / "out")
        assert copy.store.head().position == 0
        path.write_bytes(LARGE)
        assert copy.import_all(tmp_path / "out").events == 2
        assert copy.verify().ok
        assert copy._keeper.has(keyframe)


def test_an_export_made_before_blobs_travelled_is_read(tmp_path: Path, sqlite_url: str) -> None:
    with MemorySystem(sqlite_url) as memory:
        memory.record_observation("behavior", "note")
        memory.export_all(tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    del manifest["blobs"], manifest["blob_bytes"]
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest | {"palimpsest_export": 1}))
    with MemorySystem(tmp_path / "copy.db") as copy:
        assert copy.import_all(tmp_path / "out").events == 1


def test_blobs_swept_amid_an_import_are_brought_again(
    tmp_path: Path, sqlite_url: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Record(sqlite_url, None)
    digest, keyframe = record.write(LARGE, KEYFRAME)
    record.memory.export_all(tmp_path / "out")
    record.memory.close()
    with MemorySystem(postgres_url) as copy, MemorySystem(postgres_url) as other:
        put_all = copy._keeper.put_all

        def swept_at_once(blobs: Any) -> int:
            number = put_all(blobs)
            sweep(other._keeper, other.store.database, other._runner.catch_up, grace=0)
            return number

        monkeypatch.setattr(copy._keeper, "put_all", swept_at_once)
        assert copy.import_all(tmp_path / "out").blobs == 2
        assert copy._keeper.digests() == {digest, keyframe}


def test_a_log_that_goes_on_elsewhere_starts_without_them(tmp_path: Path, sqlite_url: str) -> None:
    record = Record(sqlite_url, None)
    (digest,) = record.write(LARGE)
    record.memory.rollover(tmp_path / "next.db")
    assert record.memory.verify().blobs == 1
    record.memory.close()
    with MemorySystem(tmp_path / "next.db") as memory:
        assert not memory._keeper.has(digest)
        assert (memory.verify().ok, memory.verify().blobs) == (True, 0)
