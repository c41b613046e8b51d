"""Questions with a limit walk an index until they have enough: their plans say so, on both engines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from benchmarks.questions import LAYERS, MODEL, SHARING, TIED, Source
from memory import MemorySystem

EVENTS = 4_000
BOUNDED = {
    "patterns",
    "theories",
    "beliefs",
    "architectural_facts",
    "projections",
    "sharing_maps",
    "storages",
    "storage_names",
    "metric_definitions",
    "event_counts",
    "observation_counts",
    "checkpoints",
    "safety_alerts",
}
"""Tables that do not grow with what is recorded: of claims, maps, definitions and counts. They may be read whole."""


@dataclass
class Asked:
    """A record with something in it, and the plans of what it is asked."""

    memory: MemorySystem
    statements: list[tuple[str, Any]]

    def plans(self, question: Any) -> list[str]:
        """Ask, and give the plan of every statement that was run for it."""
        question(self.memory)
        self.statements.clear()
        question(self.memory)
        asked = [each for each in self.statements if each[0].lstrip().startswith(("SELECT", "WITH"))]
        assert asked
        with self.memory.store.database.reading() as connection:
            return [plan for statement in asked if (plan := explained(connection, *statement))]


def explained(connection: Connection, statement: str, parameters: Any) -> str:
    """Give the plan of a statement; one that says how the next ones are to be looked up is done again instead."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        return "\n".join(row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))
    cursor = driver.cursor()
    if "set_config" in statement:
        cursor.execute(statement, parameters)
        return ""
    # As if the tables were long, which here are sooner read whole than looked up in.
    cursor.execute("SET LOCAL enable_seqscan = off")
    cursor.execute(f"EXPLAIN {statement}", parameters)
    return "\n".join(row[0] for row in cursor.fetchall())


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def asked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """A record of each engine, long enough that reading all of it would not be the cheapest."""
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    url = server.create() if server is not None else f"sqlite:///{tmp_path_factory.mktemp('plans') / 'long.db'}"
    source = Source(different=500)
    with MemorySystem(url, seed=1, durability="normal") as memory:
        memory.attach(SHARING, name=MODEL)
        memory.define_metric("loss", better="lower")
        for _ in range(EVENTS // 1000):
            memory.store.append(source.batch())
        memory.consolidate()
        database = memory.store.database
        if server is not None:
            with database.writing() as connection:
                connection.execute(text("ANALYZE"))
        statements: list[tuple[str, Any]] = []

        def seen(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
            statements.append((statement, parameters))

        event.listen(database.engine, "before_cursor_execute", seen)
        yield Asked(memory, statements)
        event.remove(database.engine, "before_cursor_execute", seen)
    if server is not None:
        server.drop(url)


def whole_tables(plan: str) -> list[str]:
    """Give the tables that a plan reads whole, without an order that lets it stop."""
    if "QUERY PLAN" in plan or re.search(r"cost=", plan):
        return re.findall(r"Seq Scan on (\w+)", plan)
    # Along an index, or the table's own order, a scan stops at the limit.
    return [] if "TEMP B-TREE" not in plan else re.findall(r"SCAN (?!CONSTANT)(\w+)", plan)


def sorts(plan: str) -> list[str]:
    """Give what a plan sorts: of SQLite each temporary tree, of PostgreSQL what a sort is fed by that is no search."""
    return re.findall(r"USE TEMP B-TREE FOR [A-Z ]*ORDER BY|^ *(?:->)? *Sort  .*$", plan, re.MULTILINE)


LIMITED = {
    "newest": lambda memory: memory.query(limit=5),
    "a type": lambda memory: memory.query(obs_type="behavior", limit=5),
    "a category": lambda memory: memory.query(category="category 7", limit=5),
    "a category that ended long ago": lambda memory: memory.query(category="odd", limit=5),
    "a type and category": lambda memory: memory.query(obs_type="behavior", category="category 7", limit=5),
    "a model": lambda memory: memory.query(model=MODEL, limit=5),
    "a tag": lambda memory: memory.query(tags=["run-7"], limit=5),
    "a tag that ended long ago": lambda memory: memory.query(tags=["first"], limit=5),
    "two tags": lambda memory: memory.query(tags=["run-7", "night"], limit=5),
    "a tag of a type": lambda memory: memory.query(tags=["night"], obs_type="behavior", limit=5),
    "important": lambda memory: memory.query(min_importance=0.9, limit=5),
    "a span of time": lambda memory: memory.query(start_time="2020-01-01", limit=5),
    "a type in a span of time": lambda memory: memory.query(obs_type="behavior", start_time="2020-01-01", limit=5),
    "the next page": lambda memory: memory.query(before=2000, limit=5),
    "the next page of a category": lambda memory: memory.query(category="category 7", before=2000, limit=5),
    "the next page in time": lambda memory: memory.query(start_time="2020-01-01", before=2000, limit=5),
    "writes": lambda memory: memory.query_modifications(limit=5),
    "writes to a layer": lambda memory: memory.query_modifications(LAYERS[3], limit=5),
    "writes to an alias by a method": lambda memory: memory.query_modifications(TIED[1], method="scale", limit=5),
    "writes by a method": lambda memory: memory.query_modifications(method="scale", limit=5),
    "writes to a model": lambda memory: memory.query_modifications(model=MODEL, limit=5),
    "writes of an act": lambda memory: memory.query_modifications(act="act-7", limit=5),
    "coupled writes": lambda memory: memory.query_modifications(coupled=True, limit=5),
}


@pytest.mark.parametrize("question", LIMITED.values(), ids=LIMITED)
def test_a_question_with_a_limit_reads_no_table_whole_and_sorts_nothing(asked: Asked, question: Any) -> None:
    for plan in asked.plans(question):
        assert set(whole_tables(plan)) <= BOUNDED, plan
        assert not sorts(plan), plan


def test_a_page_begins_where_the_one_before_ended_without_walking_there(asked: Asked) -> None:
    plan = "".join(asked.plans(lambda memory: memory.query(category="category 7", before=2000, limit=5)))
    if asked.memory.store.database.dialect == "sqlite":
        assert "(category=? AND rowid<?)" in plan or "(category=? AND position<?)" in plan
    else:
        assert "ROW(category, \"position\") < ROW('category 7'::text, 2000" in plan


SUMMED_UP = {
    "search, a common word": lambda memory: memory.search_text("block"),
    "search, a rare word": lambda memory: memory.search_text("needle"),
    "observations with a word": lambda memory: memory.query(text="amber", limit=5),
    "any of two tags": lambda memory: memory.query(tags=["run-7", "run-8"], tags_match="any", limit=5),
    "writes under a module": lambda memory: memory.query_modifications("model.layers", limit=5),
    "decision support": lambda memory: memory.get_decision_support(
        {"action": "modify", "layer": LAYERS[3], "method": "scale", "dose": 1.0, "metric": "loss"}
    ),
    "overview": lambda memory: memory.get_memory_overview(),
    "briefing": lambda memory: memory.get_briefing(10),
    "statistics": lambda memory: memory.get_statistics(),
    "learned recently": lambda memory: memory.what_have_i_learned_recently(24),
}


@pytest.mark.parametrize("question", SUMMED_UP.values(), ids=SUMMED_UP)
def test_what_sums_up_reads_whole_only_what_does_not_grow_with_the_record(asked: Asked, question: Any) -> None:
    # What it sorts are the few rows that it picked along an index, or a table that does not grow.
    for plan in asked.plans(question):
        assert set(whole_tables(plan)) <= BOUNDED, plan
