"""A log written to files and read back: nothing is lost, and nothing wrong gets in."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from memory.errors import (
    AnotherHistory,
    CorruptionError,
    DatabaseUnavailable,
    InvalidArgument,
    InvalidExport,
    MissingDependency,
)
from memory.events import NewEvent
from memory.store import EventStore
from memory.store.transfer import importing
from memory.store.transfer.export import ExportReport, export_log
from memory.store.transfer.importing import import_log

Note = Callable[..., NewEvent]

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what does not depend on the engine."""
FORMATS = ("jsonl", "parquet")
EVERYTHING = (
    "SELECT append_id, first_position, last_position, recorded_at, actor, correlation_id, digest FROM appends "
    "ORDER BY append_id",
    "SELECT l.position, l.append_id, s.name, l.version, t.name, t.schema_version, l.act_id, l.causation_id, "
    "l.occurred_at, l.payload FROM ledger l JOIN streams s USING (stream_id) JOIN event_types t USING (type_id) "
    "ORDER BY position",
    'SELECT "key", position, content_digest FROM record_keys ORDER BY position',
    "SELECT name, category, version FROM streams ORDER BY name",
)

MIXED = {"text": 'ä"\\ \u2028', "tiny": 5e-324, "list": [1.0, -0.0, None]}


def content(store: EventStore) -> list[list[tuple[Any, ...]]]:
    """Everything in the tables of the log, but for the numbers that are this database's own."""
    with store.database.reading() as connection:
        return [[tuple(row) for row in connection.execute(text(query))] for query in EVERYTHING]


def fill(store: EventStore, note: Note, appends: int = 5) -> None:
    """Five appends of three events each, with everything an envelope can hold."""
    for number in range(store.head().append_id, appends):
        mixed = MIXED | {"n": number}
        store.append(
            [
                note(mixed, model="qwen", act_id="act", key=f"k{number}"),
                note([number, 1], stream="s-1", causation_id="cause"),
                note(2**53 + number, stream="s-2", occurred_at=_moment(number)),
            ],
            actor="me" if number % 2 else None,
            correlation_id="run" if number % 3 else None,
        )


def _moment(number: int) -> Any:
    import datetime

    return datetime.datetime(1970, 1, 1, microsecond=number, tzinfo=datetime.UTC)


@pytest.fixture
def filled(store: EventStore, note: Note) -> EventStore:
    fill(store, note)
    return store


@pytest.fixture
def other(request: pytest.FixtureRequest, store: EventStore) -> Any:
    """An empty log on the other engine."""
    name = "postgres_url" if store.database.dialect == "sqlite" else "sqlite_url"
    with EventStore.open(request.getfixturevalue(name)) as opened:
        yield opened


@pytest.fixture
def written(tmp_path: Path, note: Note) -> Path:
    """An export of a filled log."""
    with EventStore.open(tmp_path / "source.db") as source:
        fill(source, note)
        return export(source, tmp_path / "written").path


@pytest.fixture
def target(tmp_path: Path) -> Iterator[EventStore]:
    """An empty log, for what is refused before an engine is asked."""
    with EventStore.open(tmp_path / "target.db", durability="normal") as opened:
        yield opened


def export(store: EventStore, path: Path, **options: Any) -> ExportReport:
    return export_log(store.database, path, tables=False, **options)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_log_comes_to_the_other_engine_as_it_was(
    filled: EventStore, other: EventStore, tmp_path: Path, file_format: Any
) -> None:
    export(filled, tmp_path / "out", file_format=file_format, events_per_file=4)
    report = import_log(other.database, tmp_path / "out")
    assert (report.appends, report.events, report.present) == (5, 15, 0)
    assert content(other) == content(filled)
    assert [event.event_id for event in other.read()] == [event.event_id for event in filled.read()]
    assert other.head() == filled.head()
    assert other.verify([filled.anchor()]).ok


def test_an_imported_log_goes_on_as_the_original_would(
    filled: EventStore, other: EventStore, tmp_path: Path, note: Note
) -> None:
    export(filled, tmp_path / "out")
    import_log(other.database, tmp_path / "out")
    repeated = MIXED | {"n": 2}
    (again,) = other.append([note(repeated, model="qwen", key="k2")])
    assert (again.position, again.replayed) == (7, True)
    (new,) = other.append([note(0, stream="s-1")], expected_version={"s-1": 5})
    assert (new.position, new.version) == (16, 6)
    assert other.verify().ok


def test_an_export_of_an_empty_log_is_imported_as_one(tmp_path: Path) -> None:
    with EventStore.open(tmp_path / "a.db") as empty, EventStore.open(tmp_path / "b.db") as target:
        export(empty, tmp_path / "out")
        assert import_log(target.database, tmp_path / "out").events == 0


@on_sqlite
@pytest.mark.parametrize("file_format", FORMATS)
def test_events_lie_in_files_by_position(filled: EventStore, tmp_path: Path, file_format: Any) -> None:
    export(filled, tmp_path / "out", file_format=file_format, events_per_file=4)
    names = {file.name for file in (tmp_path / "out" / "events").iterdir()}
    if file_format == "parquet":
        assert names == {f"from_position={first}" for first in (1, 7, 13)}
    else:
        assert names == {f"events-{first:012}.jsonl" for first in (1, 7, 13)}


@on_sqlite
def test_parquet_has_plain_columns_and_exact_payloads(filled: EventStore, tmp_path: Path) -> None:
    import pyarrow.parquet

    export(filled, tmp_path / "out", file_format="parquet")
    table = pyarrow.parquet.read_table(tmp_path / "out" / "events")
    kinds = {field.name: str(field.type) for field in table.schema}
    assert {kinds[name] for name in ("position", "version", "append_id", "schema_version")} == {"int64"}
    assert {kinds[name] for name in ("payload", "event_id", "stream", "append_digest")} == {"string"}
    assert {kinds[name] for name in ("occurred_at", "recorded_at")} == {"timestamp[us, tz=UTC]"}
    assert table.column("payload").to_pylist() == [event.text for event in filled.read()]


@on_sqlite
def test_a_reader_of_a_part_opens_that_part_alone(filled: EventStore, tmp_path: Path) -> None:
    import duckdb
    import pyarrow.parquet

    export(filled, tmp_path / "out", file_format="parquet", events_per_file=4)
    with duckdb.connect() as database:
        events = f"read_parquet('{tmp_path}/out/events/**/*.parquet')"
        asked = f"SELECT count(*), min(position), max(from_position) FROM {events} WHERE from_position = 7"
        assert database.execute(asked).fetchall() == [(6, 7, 7)]
        (plan,) = database.execute(f"EXPLAIN ANALYZE {asked}").fetchall()
        assert "Scanning Files: 1/3" in plan[1]
    file = next((tmp_path / "out" / "events").glob("*=7/*.parquet"))
    with pyarrow.parquet.ParquetFile(file) as written:
        group = written.metadata.row_group(0)
        assert (group.column(0).statistics.min, group.column(0).statistics.max) == (7, 12)
        assert [column.column_index for column in group.sorting_columns] == [0]


@on_sqlite
def test_an_export_of_the_layout_before_is_read(filled: EventStore, other: EventStore, tmp_path: Path) -> None:
    folder = export(filled, tmp_path / "out", file_format="parquet", events_per_file=4).path
    manifest = json.loads((folder / "manifest.json").read_text())
    for file in manifest["event_files"]:
        before = file["name"]
        file["name"] = f"events/events-{int(before.partition('=')[2].partition('/')[0]):012}.parquet"
        shutil.move(folder / before, folder / file["name"])
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert import_log(other.database, folder).events == 15
    assert content(other) == content(filled)


def test_json_lines_have_the_columns_of_the_events_view(filled: EventStore, tmp_path: Path) -> None:
    export(filled, tmp_path / "out")
    lines = (tmp_path / "out" / "events" / "events-000000000001.jsonl").read_text().split("\n")[:-1]
    with filled.database.reading() as connection:
        rows = connection.execute(text("SELECT * FROM events ORDER BY position")).mappings().all()
    for line, row in zip(lines, rows, strict=True):
        told = json.loads(line)
        assert {name: told[name] for name in row if name != "payload"} == {
            name: value for name, value in row.items() if name != "payload"
        }


def test_an_export_is_never_written_over(written: Path, tmp_path: Path) -> None:
    before = (written / "manifest.json").read_bytes()
    refused = pytest.raises(InvalidArgument, match="nothing is overwritten")
    with EventStore.open(tmp_path / "source.db") as source, refused:
        export(source, written)
    assert (written / "manifest.json").read_bytes() == before


@on_sqlite
def test_an_export_that_fails_leaves_nothing_behind(
    filled: EventStore, behind_our_back: Callable[..., None], tmp_path: Path
) -> None:
    behind_our_back(filled, "UPDATE ledger SET payload = '{}' WHERE position = 8")
    (tmp_path / "there").mkdir()
    with pytest.raises(CorruptionError, match=r"append 3 \(positions 7 to 9\)"):
        export(filled, tmp_path / "there" / "out")
    assert list((tmp_path / "there").iterdir()) == []


def test_an_export_into_a_folder_that_may_not_be_written_says_so(written: Path, tmp_path: Path) -> None:
    with EventStore.open(tmp_path / "source.db") as source:
        with pytest.raises(InvalidArgument, match="missing"):
            export(source, tmp_path / "missing" / "out")
        with pytest.raises(DatabaseUnavailable, match="cannot be written"):
            export(source, Path("/proc/out"))


def test_without_pyarrow_parquet_is_refused_with_the_remedy(tmp_path: Path, written: Path) -> None:
    script = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from memory.store import EventStore\n"
        "from memory.store.transfer.export import export_log\n"
        f"export_log(EventStore.open({str(tmp_path / 'source.db')!r}).database, {str(tmp_path / 'p')!r}, "
        "file_format='parquet')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert MissingDependency.__name__ in done.stderr
    assert "palimpsest-memory[frames]" in done.stderr
    assert not (tmp_path / "p").exists()


def events_file(folder: Path) -> Path:
    return next(file for file in (folder / "events").rglob("*") if file.is_file())


def rewrite(folder: Path, change: Callable[[list[dict[str, Any]]], Any]) -> None:
    """Change the events of an export, and what the manifest says of their file, as somebody careful would."""
    path = events_file(folder)
    rows = [json.loads(line) for line in path.read_text().split("\n") if line]
    change(rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["event_files"][0]["size"] = path.stat().st_size
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _set(position: int, **fields: Any) -> Callable[[list[dict[str, Any]]], None]:
    return lambda rows: rows[position - 1].update(fields)


def _swap(rows: list[dict[str, Any]]) -> None:
    rows[6]["payload"], rows[7]["payload"] = rows[7]["payload"], rows[6]["payload"]


CHANGES: list[tuple[Callable[[list[dict[str, Any]]], Any], str]] = [
    (_set(8, payload='{"n":1}'), "digest"),
    (_set(8, payload="no json"), "digest"),
    (_set(8, act_id="x"), "digest"),
    (_set(8, key="x"), "digest"),
    (_set(8, stream="s-3"), "digest"),
    (_set(8, occurred_at="2026-01-01T00:00:00.000000Z"), "digest"),
    (_set(8, version=9), "digest"),
    (_set(8, actor="you"), "contradicts itself"),
    (_set(8, event_id="x"), "contradicts itself"),
    (_set(8, model="x"), "contradicts itself"),
    (_set(8, payload=7), "no event"),
    (lambda rows: rows.pop(7), "positions"),
    (lambda rows: [rows.pop(6) for _ in range(3)], "append 3 is missing"),
    (lambda rows: rows.insert(7, rows[7]), "positions"),
    (_swap, "digest"),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_what_was_changed_in_the_files_is_refused_from_the_append_on(
    target: EventStore,
    written: Path,
    change: Callable[[list[dict[str, Any]]], Any],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importing, "CHUNK_EVENTS", 1)
    rewrite(written, change)
    with pytest.raises(InvalidExport, match=words) as refused:
        import_log(target.database, written)
    assert refused.value.append_id in (3, 4)
    assert target.head().append_id == 2
    assert target.verify().ok


def test_a_number_that_is_no_whole_number_is_refused_with_its_line(target: EventStore, written: Path) -> None:
    rewrite(written, lambda rows: rows[7].update(position=8.0))
    with pytest.raises(InvalidExport, match=r"line 8 cannot be read: TypeError: position is no whole number"):
        import_log(target.database, written)


def test_a_whole_history_that_was_changed_with_its_digest_is_another_head(target: EventStore, written: Path) -> None:
    rewrite(written, lambda rows: [rows.pop() for _ in range(3)])
    with pytest.raises(InvalidExport, match="ends with append 4 at position 12, and says that it ends with append 5"):
        import_log(target.database, written)


def _cut(folder: Path) -> None:
    path = events_file(folder)
    path.write_bytes(path.read_bytes()[:-100])


def _manifest(**fields: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps(content | fields))

    return change


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_cut, "was cut off or changed"),
        (lambda folder: events_file(folder).unlink(), "is missing from the export"),
        (lambda folder: (folder / "manifest.json").unlink(), "was not finished"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "does not describe an export"),
        (_manifest(palimpsest_export=3), "format 3, and this version of Palimpsest reads up to 2"),
        (_manifest(head=None), "is damaged"),
        (_manifest(event_files=[{"name": "../x", "rows": 1, "size": 1}]), "outside of the export"),
        (shutil.rmtree, "is no export"),
    ],
)
def test_an_export_that_is_not_whole_is_refused_before_anything_is_written(
    target: EventStore, written: Path, spoil: Callable[[Path], Any], words: str
) -> None:
    spoil(written)
    with pytest.raises(InvalidExport, match=words):
        import_log(target.database, written)
    assert target.head().append_id == 0


@on_sqlite
def test_a_parquet_file_that_was_changed_is_refused(filled: EventStore, other: EventStore, tmp_path: Path) -> None:
    export(filled, tmp_path / "out", file_format="parquet")
    path = events_file(tmp_path / "out")
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + bytes(len(whole) - 108) + whole[-8:])
    with pytest.raises(InvalidExport, match="cannot be read"):
        import_log(other.database, tmp_path / "out")
    assert other.head().append_id == 0


def test_an_import_goes_on_from_the_beginning_that_is_there(
    store: EventStore, written: Path, tmp_path: Path, note: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EventStore.open(tmp_path / "longer.db") as longer:
        import_log(longer.database, written)
        fill(longer, note, appends=9)
        export(longer, tmp_path / "longer")
        import_log(store.database, written)
        report = import_log(store.database, tmp_path / "longer")
        assert (report.appends, report.events, report.present) == (4, 12, 15)
        assert content(store) == content(longer)
        # What ends before this log does brings nothing.
        assert import_log(store.database, written).present == 15


def test_a_log_with_another_history_is_refused_untouched(store: EventStore, written: Path, note: Note) -> None:
    store.append([note("mine")])
    before = content(store)
    with pytest.raises(AnotherHistory, match="two histories"):
        import_log(store.database, written)
    assert content(store) == before


@on_sqlite
def test_a_longer_log_with_another_history_is_refused_untouched(store: EventStore, written: Path, note: Note) -> None:
    for number in range(7):
        store.append([note(number)])
    before = content(store)
    with pytest.raises(AnotherHistory, match="append 5"):
        import_log(store.database, written)
    assert content(store) == before


@on_sqlite
def test_an_append_during_an_import_ends_it(
    store: EventStore, written: Path, note: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK_EVENTS", 1)
    monkeypatch.setattr(importing, "TELL_EVERY", 6)
    with pytest.raises(AnotherHistory, match="during the import"):
        import_log(store.database, written, progress=lambda done, total: store.append([note("mine")]) and None)
    assert store.verify().ok


@on_sqlite
def test_a_payload_that_no_palimpsest_wrote_is_refused_though_its_digest_is_right(
    store: EventStore, filled: EventStore, other: EventStore, behind_our_back: Callable[..., None], tmp_path: Path
) -> None:
    path = tmp_path / "forged"
    export(filled, path)
    _forge(path, '{"a":"\\u0000"}')
    with pytest.raises(InvalidExport, match="NUL"):
        import_log(other.database, path)
    assert other.head().append_id == 0


def _forge(folder: Path, payload: str) -> None:
    """Make an export anew that holds one event, with a right digest."""
    from memory.store.chain import ORIGIN_DIGEST, append_digest, event_bytes
    from memory.store.head import Head
    from memory.store.transfer import jsonl
    from memory.store.transfer.history import LoggedAppend
    from memory.store.transfer.jsonl import Writer
    from memory.store.transfer.manifest import read_manifest
    from memory.store.transfer.rows import COLUMNS, appends_of, rows_of

    old = read_manifest(folder)
    first: LoggedAppend = next(appends_of(jsonl.read(events_file(folder), COLUMNS), ""))
    event = first.events[1]._replace(position=1, payload=payload)
    encoded = event_bytes(
        event.stream.encode(),
        event.version,
        event.event_type.encode(),
        1,
        event.occurred_at,
        None,
        b"cause",
        None,
        payload.encode(),
    )
    digest = append_digest(
        ORIGIN_DIGEST, append_id=1, first_position=1, last_position=1, recorded_at=0, actor=None, correlation_id=None,
        events=[encoded],
    )  # fmt: skip
    writer = Writer(folder, "events/forged.jsonl", COLUMNS)
    writer.write(rows_of(LoggedAppend(1, 0, None, None, digest, [event])))
    file = writer.close()
    from dataclasses import replace

    forged = replace(old, head=Head(1, 1, digest.hex()), appends=1, events=1, event_files=(file,))
    (folder / "manifest.json").write_text(forged.to_json())
