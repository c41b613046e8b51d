"""A log that is sealed and goes on in a new database, on each engine and from one to the other."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from memory.errors import (
    AnotherHistory,
    ConcurrencyError,
    CorruptionError,
    DatabaseBusy,
    InvalidArgument,
    KeyConflict,
    LogSealed,
    RolloverUnfinished,
)
from memory.events import NewEvent, build
from memory.events.observations import Observation
from memory.store import EventStore, carried, migrate
from memory.store.rollover import RolloverReport, rollover
from memory.store.seal import Seal, read_seal, set_seal
from memory.store.transfer.export import export_log
from memory.store.transfer.importing import import_log

Note = Callable[..., NewEvent]

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what does not depend on the engine."""


@pytest.fixture
def old(store: EventStore, note: Note) -> EventStore:
    """Five appends of three events: s0 and s1 at version 5, `model-qwen` too; a key on each of s1."""
    for number in range(5):
        store.append(
            [
                note([number, 0], stream="s0"),
                note([number, 1], stream="s1", key=f"k{number}"),
                note([number, 2], model="qwen"),
            ],
            actor="me",
        )
    return store


@pytest.fixture(scope="session")
def empty_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database without events: copying it takes no time."""
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    EventStore.open(path).close()
    return path


@pytest.fixture
def new_url(request: pytest.FixtureRequest, old: EventStore, tmp_path: Path, empty_log: Path) -> Iterator[str]:
    """A place for a new log, on the same engine."""
    if old.database.dialect == "sqlite":
        # Characters that mean something to SQL, to drivers and to triggers.
        yield str(shutil.copy(empty_log, tmp_path / "it's 100%s new.db"))
        return
    server = request.getfixturevalue("postgres_server")
    url = server.create()
    yield url
    server.drop(url)


@pytest.fixture(scope="module")
def continued_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite log that goes on from another, closed, so that it can be copied."""
    folder = tmp_path_factory.mktemp("continued")
    payload = build(Observation, obs_type="discovery", category="c", data={"n": 1})
    with EventStore.open(folder / "old.db") as store:
        for number in range(5):
            told = [NewEvent(payload, stream="s0"), NewEvent(payload, stream="s1", key=f"k{number}"), NewEvent(payload)]
            store.append(told)
        rollover(store.database, folder / "new.db")
    return folder / "new.db"


@pytest.fixture
def continued(continued_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(continued_once, tmp_path / "continued.db"))


@pytest.fixture
def rolled(old: EventStore, new_url: str) -> RolloverReport:
    return rollover(old.database, new_url, actor="roller")


@pytest.fixture
def new(rolled: RolloverReport, new_url: str) -> Iterator[EventStore]:
    with EventStore.open(new_url, create=False) as opened:
        yield opened


def test_the_new_log_goes_on_from_the_old_head(old: EventStore, rolled: RolloverReport, new: EventStore) -> None:
    assert rolled.head == old.head()
    assert (rolled.head.append_id, rolled.head.position) == (5, 15)
    first = next(new.read())
    assert (first.position, first.version, first.event_type, first.actor) == (16, 1, "log_continued", "roller")
    assert first.payload.digest == old.head().digest
    assert old.verify().ok
    assert new.verify().ok


@on_sqlite
def test_reading_from_nothing_starts_at_the_first_event_there_is(new: EventStore) -> None:
    assert [event.position for event in new.read()] == [16, 17, 18]
    assert [event.position for event in new.read(after=17)] == [18]
    assert [event.position for event in new.read(newest_first=True)] == [18, 17, 16]
    with new.subscribe(idle=0) as events:
        assert [event.position for event in events] == [16, 17, 18]


def test_versions_of_streams_go_on(new: EventStore, note: Note) -> None:
    (event,) = new.append([note(0, stream="s0")], expected_version={"s0": 5})
    assert (event.position, event.version) == (19, 6)
    with pytest.raises(ConcurrencyError) as refused:
        new.append([note(0, model="qwen")], expected_version={"model-qwen": 0})
    assert refused.value.actual == 5
    assert new.verify().ok


def test_a_key_of_the_old_log_repeats_what_was_recorded_there(old: EventStore, new: EventStore, note: Note) -> None:
    again = note([2, 1], stream="s1", key="k2")
    (before,) = old.append([again])
    (after,) = new.append([again])
    assert after == before
    assert (after.position, after.stream, after.version, after.replayed) == (8, "s1", 3, True)
    assert new.head().position == 18


@on_sqlite
def test_a_key_of_the_old_log_is_refused_for_other_content(new: EventStore, note: Note) -> None:
    with pytest.raises(KeyConflict) as refused:
        new.append([note("other", stream="s1", key="k2")])
    assert refused.value.position == 8


@on_sqlite
def test_a_key_is_found_whichever_of_many_events_carries_it(
    old: EventStore, new_url: str, note: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carried, "CHUNK", 2)
    monkeypatch.setattr("memory.store.rollover.CHUNK", 2)
    rollover(old.database, new_url)
    with EventStore.open(new_url) as new:
        assert sum(event.event_type == "keys_carried" for event in new.read()) == 3
        for number in range(5):
            (found,) = new.append([note([number, 1], stream="s1", key=f"k{number}")])
            assert (found.position, found.replayed) == (3 * number + 2, True)
        assert new.verify().ok


@on_sqlite
def test_keys_and_versions_last_over_several_rollovers(
    new: EventStore, note: Note, tmp_path: Path, old: EventStore
) -> None:
    (own,) = new.append([note("own", stream="s9", key="own")])
    rollover(new.database, tmp_path / "third.db")
    with EventStore.open(tmp_path / "third.db") as third:
        answers = third.append([note([4, 1], stream="s1", key="k4"), note("own", stream="s9", key="own")])
        assert [(each.position, each.event_id) for each in answers] == [
            (14, list(old.read())[13].event_id),
            (own.position, own.event_id),
        ]
        assert third.append([note(1, stream="s9")], expected_version={"s9": 1})[0].version == 2
        assert third.verify([new.anchor()]).ok


def test_an_anchor_of_the_old_head_holds_in_the_new_log(old: EventStore, new_url: str) -> None:
    anchor = old.anchor()
    rollover(old.database, new_url)
    with EventStore.open(new_url) as new:
        assert new.verify([anchor]).ok
    assert old.verify([anchor]).ok


@on_sqlite
def test_an_anchor_from_before_the_old_head_is_not_taken_as_proved(store: EventStore, new_url: str, note: Note) -> None:
    older = store.anchor()
    store.append([note(0)])
    anchors = [older, store.anchor()]
    store.append([note(1)])
    rollover(store.database, new_url)
    with EventStore.open(new_url) as new:
        assert [problem.append_id for problem in new.verify(anchors).problems] == [
            older.append_id,
            anchors[1].append_id,
        ]
        assert "hold the anchor against that one" in new.verify(anchors).problems[0].message
    assert store.verify(anchors).ok


def test_a_sealed_log_refuses_our_appends_and_names_where_it_goes_on(
    old: EventStore, rolled: RolloverReport, note: Note, new_url: str
) -> None:
    before = old.head()
    with pytest.raises(LogSealed, match=r"it goes on in ") as refused:
        old.append([note(1)])
    assert refused.value.successor == rolled.successor
    assert re.sub(r"\W", "", rolled.successor).endswith(re.sub(r"\W", "", new_url)[-12:])
    assert old.head() == before


CHANGES = (
    "INSERT INTO appends SELECT append_id + 1, 16, 16, recorded_at, actor, correlation_id, digest FROM appends "
    "WHERE append_id = 5",
    "INSERT INTO ledger SELECT 16, append_id, stream_id, 99, type_id, act_id, causation_id, occurred_at, payload "
    "FROM ledger WHERE position = 15",
    "INSERT INTO record_keys SELECT 'new', 1, content_digest FROM record_keys WHERE position = 2",
    "UPDATE ledger SET payload = '{}'",
    "DELETE FROM appends",
)


def test_a_sealed_log_is_sealed_by_the_database_itself(old: EventStore, rolled: RolloverReport) -> None:
    engine = create_engine(old.database.location.url, poolclass=NullPool)
    for statement in CHANGES:
        with pytest.raises(DBAPIError, match=r"sealed: |append-only: "), engine.begin() as connection:
            connection.execute(text(statement))
    assert old.verify().ok


def test_another_process_that_has_the_old_log_open_is_refused_too(old: EventStore, new_url: str, note: Note) -> None:
    with EventStore.open(old.database.location.url.render_as_string(hide_password=False)) as writer:
        writer.append([note("before")])
        rollover(old.database, new_url)
        with pytest.raises(LogSealed):
            writer.append([note("after")])
    with EventStore.open(new_url) as new:
        assert next(new.read()).position == 17


def test_a_sealed_sqlite_log_is_one_file_that_can_be_copied(tmp_path: Path, note: Note) -> None:
    with EventStore.open(tmp_path / "old.db") as old:
        old.append([note(number) for number in range(100)])
        rollover(old.database, tmp_path / "new.db")
        shutil.copy(tmp_path / "old.db", tmp_path / "copy.db")
        with EventStore.open(tmp_path / "copy.db") as copy:
            assert copy.verify([old.anchor()]).ok
            with pytest.raises(LogSealed):
                copy.append([note(1)])


def test_a_sealed_log_still_has_the_schema_of_a_fresh_one(old: EventStore, rolled: RolloverReport) -> None:
    assert migrate.check(old.database) == ()


def test_rolled_over_again_to_the_same_place_it_says_so(
    old: EventStore, rolled: RolloverReport, new_url: str, note: Note
) -> None:
    with EventStore.open(new_url) as new:
        new.append([note("mine")])
        head = new.head()
        again = rollover(old.database, new_url)
        assert (again.done_before, again.head, again.successor) == (True, rolled.head, rolled.successor)
        assert new.head() == head


@on_sqlite
def test_rolled_over_to_another_place_it_is_refused(old: EventStore, rolled: RolloverReport, tmp_path: Path) -> None:
    with pytest.raises(LogSealed):
        rollover(old.database, tmp_path / "third.db")
    assert not (tmp_path / "third.db").exists()


@on_sqlite
def test_a_place_with_a_log_in_it_is_refused_and_the_old_log_goes_on(old: EventStore, new_url: str, note: Note) -> None:
    with EventStore.open(new_url) as taken:
        taken.append([note("theirs")])
        with pytest.raises(InvalidArgument, match="cannot be"):
            rollover(old.database, new_url)
        assert [event.payload.data for event in taken.read()] == [{"n": "theirs"}]
    assert old.append([note("on")])[0].position == 16


@on_sqlite
@pytest.mark.parametrize(("to", "words"), [(":memory:", "outlive"), (None, "the log stays where it is")])
def test_no_log_goes_on_in_memory_or_in_itself(old: EventStore, to: str | None, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        rollover(old.database, to or old.database.location.url.render_as_string(hide_password=False))


@on_sqlite
def test_an_empty_log_has_nothing_to_go_on_from(store: EventStore, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="empty"):
        rollover(store.database, tmp_path / "new.db")


@on_sqlite
def test_what_must_be_told_again_is_as_of_the_sealed_head(old: EventStore, new_url: str, note: Note) -> None:
    told: list[int] = []

    def retell() -> tuple[int, list[NewEvent]]:
        position = old.head().position
        told.append(position)
        if len(told) < 3:
            old.append([note("meanwhile")])
        return position, [note(f"as of {position}")]

    rollover(old.database, new_url, retell=retell)
    assert told == [15, 16, 17]
    with EventStore.open(new_url) as new:
        assert list(new.read())[-1].payload.data == {"n": "as of 17"}


@on_sqlite
def test_writers_that_leave_no_moment_for_a_rollover_are_told_of(old: EventStore, new_url: str, note: Note) -> None:
    with pytest.raises(DatabaseBusy, match="faster"):
        rollover(old.database, new_url, retell=lambda: (old.append([note(0)])[0].position - 1, []))
    assert old.append([note("on")])


def test_a_log_goes_on_from_one_engine_to_the_other(
    request: pytest.FixtureRequest, old: EventStore, note: Note
) -> None:
    name = "postgres_url" if old.database.dialect == "sqlite" else "sqlite_url"
    url = request.getfixturevalue(name)
    rollover(old.database, url)
    with EventStore.open(url) as new:
        assert new.append([note([0, 1], stream="s1", key="k0")])[0].position == 2
        assert new.verify([old.anchor()]).ok


def test_a_log_goes_on_in_another_schema_of_the_same_server_database(postgres_url: str, note: Note) -> None:
    engine = create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA second"))
    second = f"{postgres_url}&options=-csearch_path%3Dsecond"
    with EventStore.open(postgres_url) as old:
        old.append([note(1, key="k")])
        rollover(old.database, second)
        with pytest.raises(LogSealed):
            old.append([note(2)])
    with EventStore.open(second) as new:
        assert new.append([note(1, key="k")])[0].replayed
        assert new.append([note(2)])[0].position == 5
        assert new.verify().ok


def unfinished(new: EventStore, old: EventStore) -> None:
    """Put the new log into the state that it has before a rollover's last step."""
    head = old.head()
    with new.database.writing(lock="ledger") as connection:
        where = str(old.database.location)
        set_seal(connection, Seal("unfinished", where, head.append_id, head.position, head.digest))


def test_a_rollover_killed_before_its_last_step_is_finished_by_the_first_append(
    old: EventStore, new: EventStore, note: Note
) -> None:
    unfinished(new, old)
    assert new.append([note(1)])[0].position == 19
    with new.database.reading() as connection:
        assert read_seal(connection) is None


def test_a_new_log_stays_closed_as_long_as_the_old_one_is_in_use(
    old: EventStore, new: EventStore, note: Note, behind_our_back: Callable[..., None]
) -> None:
    unfinished(new, old)
    on = "" if old.database.dialect == "sqlite" else " ON {0}"
    behind_our_back(
        old, *(f"DROP TRIGGER {each}_sealed{on.format(each)}" for each in ("appends", "ledger", "record_keys"))
    )
    with pytest.raises(RolloverUnfinished, match="did not finish"):
        new.append([note(1)])
    old.append([note("still in use")])
    # The head has moved: what was prepared is thrown away and made anew.
    assert rollover(old.database, new.database.location.url.render_as_string(hide_password=False)).head.position == 16
    assert [event.position for event in new.read()] == [17, 18, 19]
    assert new.append([note(1)])[0].position == 20
    assert new.verify().ok
    assert migrate.check(new.database) == ()


@on_sqlite
def test_a_new_log_that_cannot_ask_the_old_one_stays_closed(new: EventStore, note: Note) -> None:
    with new.database.writing(lock="ledger") as connection:
        set_seal(connection, Seal("unfinished", "/nowhere/old.db", 5, 15, "00" * 32))
    with pytest.raises(RolloverUnfinished, match="cannot be asked"):
        new.append([note(1)])


CUT = (
    "DELETE FROM ledger WHERE position < 7",
    "DELETE FROM record_keys WHERE position < 7",
    "DELETE FROM appends WHERE append_id = 1",
)
PRETENDED = "UPDATE appends SET first_position = 7, last_position = 6 WHERE append_id = 2"


@on_sqlite
def test_a_beginning_that_was_cut_off_cannot_pass_as_a_rollover(
    old: EventStore, behind_our_back: Callable[..., None]
) -> None:
    behind_our_back(old, *CUT, PRETENDED)
    assert "what came before it was removed" in old.verify().problems[0].message
    behind_our_back(old, "DELETE FROM appends WHERE append_id = 0")
    assert not old.verify().ok


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE record_keys SET \"key\" = 'x' WHERE position = 2", "keys"),
        ("UPDATE record_keys SET position = 3 WHERE position = 2", "keys"),
        ("DELETE FROM record_keys WHERE position = 14", "keys"),
        ("INSERT INTO record_keys SELECT 'x', 1, content_digest FROM record_keys WHERE position = 2", "keys"),
        ("UPDATE streams SET version = 4 WHERE name = 's0'", "noted at version 4"),
        ("DELETE FROM streams WHERE name = 's0'", "is missing"),
        ("UPDATE appends SET digest = (SELECT digest FROM appends WHERE append_id = 0) WHERE append_id = 5", "removed"),
        ("UPDATE appends SET append_id = 4 WHERE append_id = 5", "removed"),
        ("DELETE FROM appends WHERE append_id = 5", "missing"),
        ("DELETE FROM ledger WHERE position = 16", "removed"),
        ("UPDATE ledger SET payload = replace(payload, 'k1', 'k9') WHERE position = 18", "keys"),
    ],
)
def test_every_change_of_what_was_carried_over_is_found(
    continued: Path, behind_our_back: Callable[..., None], statement: str, words: str
) -> None:
    with EventStore.open(continued) as new:
        behind_our_back(new, statement)
        report = new.verify()
    assert not report.ok
    assert words in "; ".join(problem.message for problem in report.problems)


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_a_continued_log_is_exported_and_imported_as_what_it_is(
    request: pytest.FixtureRequest, new: EventStore, note: Note, tmp_path: Path, file_format: Any, old: EventStore
) -> None:
    new.append([note("own", stream="s9", key="own")])
    export_log(new.database, tmp_path / "out", file_format=file_format, tables=False)
    name = "postgres_url" if new.database.dialect == "sqlite" else "sqlite_url"
    with EventStore.open(request.getfixturevalue(name)) as copy:
        import_log(copy.database, tmp_path / "out")
        assert copy.head() == new.head()
        assert copy.verify([old.anchor()]).ok
        assert copy.append([note([2, 1], stream="s1", key="k2")])[0].replayed
        assert copy.append([note(0, stream="s0")], expected_version={"s0": 5})[0].version == 6


@on_sqlite
def test_an_import_that_ended_amid_what_was_carried_over_goes_on(
    new: EventStore, tmp_path: Path, note: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory.store.transfer.importing.CHUNK_EVENTS", 1)
    new.append([note(0, stream="s0")])
    export_log(new.database, tmp_path / "out", tables=False)
    for stop in (1, 2, 3):
        with EventStore.open(tmp_path / f"{stop}.db") as copy:
            _import_and_stop(copy, tmp_path / "out", stop, monkeypatch)
            assert copy.head().append_id == 5 + stop
            import_log(copy.database, tmp_path / "out")
            assert copy.head() == new.head()
            assert copy.verify().ok


def _import_and_stop(copy: EventStore, folder: Path, appends: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class _Stop(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == appends:
            raise _Stop

    with monkeypatch.context() as patched:
        patched.setattr("memory.store.transfer.importing.TELL_EVERY", 1)
        with pytest.raises(_Stop):
            import_log(copy.database, folder, progress=stop)


@on_sqlite
def test_a_log_that_goes_on_joins_the_copy_of_the_log_before(
    old: EventStore, new_url: str, tmp_path: Path, note: Note
) -> None:
    export_log(old.database, tmp_path / "before", tables=False)
    rollover(old.database, new_url)
    with EventStore.open(new_url) as new, EventStore.open(tmp_path / "joined.db") as joined:
        new.append([note(0, stream="s0")])
        export_log(new.database, tmp_path / "after", tables=False)
        import_log(joined.database, tmp_path / "before")
        import_log(joined.database, tmp_path / "after")
        assert [event.position for event in joined.read()] == list(range(1, 20))
        assert joined.verify([old.anchor(), new.anchor()]).ok


@on_sqlite
def test_a_log_that_ends_before_the_export_begins_is_refused_untouched(
    old: EventStore, new_url: str, tmp_path: Path, note: Note
) -> None:
    rollover(old.database, new_url)
    with EventStore.open(new_url) as new, EventStore.open(tmp_path / "shorter.db") as shorter:
        export_log(new.database, tmp_path / "after", tables=False)
        shorter.append([note(0)])
        with pytest.raises(AnotherHistory, match="begins after append 5"):
            import_log(shorter.database, tmp_path / "after")
        assert shorter.head().append_id == 1


def test_an_import_of_a_sealed_log_is_sealed(
    old: EventStore, rolled: RolloverReport, tmp_path: Path, note: Note
) -> None:
    export_log(old.database, tmp_path / "out", tables=False)
    with EventStore.open(tmp_path / "copy.db") as copy:
        import_log(copy.database, tmp_path / "out")
        with pytest.raises(LogSealed) as refused:
            copy.append([note(1)])
    assert refused.value.successor == rolled.successor


def test_a_successor_that_was_replaced_is_not_opened(tmp_path: Path, note: Note) -> None:
    with EventStore.open(tmp_path / "impostor.db") as impostor:
        impostor.append([note(1)])
    with EventStore.open(tmp_path / "old.db") as old:
        old.append([note(0)])
        rollover(old.database, tmp_path / "new.db")
        (tmp_path / "new.db").unlink()
        shutil.copy(tmp_path / "impostor.db", tmp_path / "new.db")
        with pytest.raises(CorruptionError, match="does not begin with it"):
            rollover(old.database, tmp_path / "new.db")


def test_a_rollover_makes_the_new_database_where_there_is_none(request: pytest.FixtureRequest, old: EventStore) -> None:
    if old.database.dialect == "sqlite":
        url = str(old.database.location.path) + "-2"
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.create(migrated=False)
        request.addfinalizer(lambda: server.drop(url))
    rollover(old.database, url)
    with EventStore.open(url) as new:
        assert migrate.check(new.database) == ()
        assert new.verify().ok
