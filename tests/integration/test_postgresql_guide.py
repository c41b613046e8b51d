"""The PostgreSQL guide as it stands: its commands run, and its roles can do what they are for, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from introspection import SharingMap
from memory import MemorySystem
from memory.errors import MigrationError, PalimpsestError
from memory.store import EventStore, migrate

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "postgresql.md"
NAMES = ["lm_head.weight", "model.embed_tokens.weight"]


class AsInTheGuide:
    """A database to which the guide's SQL was done, and its addresses for the guide's roles."""

    def __init__(self, owner: str) -> None:
        self.owner = owner

    def url(self, role: str) -> str:
        return make_url(self.owner).set(username=role).render_as_string(hide_password=False)

    def connect(self, role: str | None = None) -> Any:
        url = make_url(self.owner if role is None else self.url(role)).set(drivername="postgresql")
        return closing(psycopg.connect(url.render_as_string(hide_password=False), autocommit=True))

    def in_its_place(self, text: str) -> str:
        """The guide's text, with this database's addresses for its own."""
        for role in ("agent", "reader"):
            text = text.replace(f"postgresql://{role}@host/research", self.url(role))
        return text.replace("postgresql://owner@host/research", self.owner)


@pytest.fixture
def place(postgres_url: str, guides: ModuleType) -> Iterator[AsInTheGuide]:
    made = AsInTheGuide(postgres_url)
    with made.connect() as connection:
        for kind, block in guides.blocks(GUIDE.read_text()):
            if kind == "sql":
                connection.execute(block)
    yield made
    with made.connect() as connection:
        connection.execute("DROP OWNED BY agent, reader; DROP ROLE agent, reader")


def test_its_commands_and_examples_run(
    place: AsInTheGuide, guides: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for kind, block in guides.blocks(place.in_its_place(GUIDE.read_text())):
        if kind == "python":
            exec(compile(block, GUIDE.name, "exec"), {"__name__": "__main__"})  # noqa: S102
        for command in guides.commands(block) if kind == "console" else ():
            if command.words[:2] == ["palimpsest", "doctor"]:
                # The tests' server does without fsync, which the doctor rightly calls a problem.
                _, printed, _ = guides.carry_out(command.words)
                problems = [line for line in printed.splitlines() if line.startswith("problem")]
                assert [line for line in problems if "fsync" not in line] == []
                guides.expect(command, printed.splitlines())
            elif command.words[0] != "pip":
                guides.hold(command)
    assert (tmp_path / "anchors.jsonl").read_text().count('"position": 1') == 1


def test_an_agent_can_record_and_learn(place: AsInTheGuide) -> None:
    with MemorySystem(place.url("agent")) as memory:
        memory.attach(SharingMap.from_relations(names=NAMES, same=[NAMES]), name="sim")
        memory.record_modification("lm_head.weight", key="once")
        memory.record_metrics({"loss": 1.0})
        assert memory.consolidate()
        assert memory.rebuild().position == 3
        assert [row["n"] for row in memory.query_sql("SELECT count(*) AS n FROM events")] == [3]
        assert memory.verify().ok


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET payload = ''",
        "DELETE FROM appends",
        "TRUNCATE record_keys",
        "UPDATE event_types SET name = 'x'",
        "UPDATE streams SET name = 'x'",
        "DELETE FROM streams",
        "DROP TRIGGER ledger_append_only ON ledger",
        "ALTER TABLE ledger DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "UPDATE palimpsest_version SET version_num = '0001'",
        "CREATE TABLE public.mine (a integer)",
    ],
)
def test_an_agent_cannot_touch_what_is_recorded_or_what_guards_it(place: AsInTheGuide, statement: str) -> None:
    with MemorySystem(place.url("agent")) as memory:
        memory.record_observation("behavior", "seen")
    with place.connect("agent") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_an_agent_that_finds_an_older_schema_leaves_it_to_the_owner(place: AsInTheGuide) -> None:
    with EventStore.open(place.owner) as store:
        migrate.downgrade(store.database, "0001")
    with pytest.raises(MigrationError, match="permission denied") as refused:
        MemorySystem(place.url("agent"))
    assert GUIDE.name in refused.value.remedy
    with EventStore.open(place.owner) as store:
        assert migrate.check(store.database) == ()


def test_a_reader_can_ask_and_verify_and_not_record(place: AsInTheGuide) -> None:
    with MemorySystem(place.url("agent")) as memory:
        memory.record_observation("behavior", "seen")
    with EventStore.open(place.url("reader")) as store:
        assert store.verify().ok
        assert [event.event_type for event in store.read()] == ["observation"]
        again = next(iter(store.read())).payload
        with pytest.raises(PalimpsestError, match="permission denied"):
            store.append([_note(again)])
        assert store.head().position == 1


def _note(payload: Any) -> Any:
    from memory.events import NewEvent

    return NewEvent(payload)
