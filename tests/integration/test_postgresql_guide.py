"""The PostgreSQL guide's role for agents: what it grants is enough to record and to learn, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from introspection import SharingMap
from memory import MemorySystem

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "postgresql.md"
NAMES = ["lm_head.weight", "model.embed_tokens.weight"]


def granted() -> str:
    """The guide's GRANT statements, as they stand."""
    text = GUIDE.read_text()
    return text[text.index("    GRANT") : text.index("Triggers are a seat belt")]


@pytest.fixture
def agent_url(postgres_url: str) -> Iterator[str]:
    """The database, as the guide's agent sees it."""
    owner = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("CREATE ROLE agent LOGIN")
        connection.execute(granted())  # type: ignore[arg-type]
    yield make_url(postgres_url).set(username="agent").render_as_string(hide_password=False)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("DROP OWNED BY agent")
        connection.execute("DROP ROLE agent")


def test_an_agent_can_record_and_learn(agent_url: str) -> None:
    with MemorySystem(agent_url) as memory:
        memory.attach(SharingMap.from_relations(names=NAMES, same=[NAMES]), name="sim")
        memory.record_modification("lm_head.weight", key="once")
        memory.record_metrics({"loss": 1.0})
        assert memory.consolidate()
        assert [row["n"] for row in memory.query_sql("SELECT count(*) AS n FROM events")] == [3]
        assert memory.verify().ok


@pytest.mark.parametrize("statement", ["UPDATE ledger SET payload = ''", "DELETE FROM appends", "TRUNCATE record_keys"])
def test_an_agent_cannot_touch_what_is_recorded(agent_url: str, statement: str) -> None:
    with MemorySystem(agent_url) as memory:
        memory.record_observation("behavior", "seen")
    url = make_url(agent_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)  # type: ignore[arg-type]


def test_an_agent_cannot_drop_the_triggers(agent_url: str) -> None:
    url = make_url(agent_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DROP TRIGGER ledger_append_only ON ledger")
