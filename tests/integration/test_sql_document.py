"""`docs/sql.md`: each question gives the answer shown under it on both engines; the dictionary is the schema's."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

from memory.query.dictionary import as_markdown, relations
from memory.store import EventStore

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")


def _drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("palimpsest_draw_sql", ROOT / "docs" / "draw_sql.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


DRAWING = _drawing()
QUESTIONS = list(DRAWING.questions(PAGE))
AGAIN = "python docs/draw_sql.py writes the page anew"


def test_there_are_twenty_questions_or_more() -> None:
    assert len(QUESTIONS) >= 20
    assert len(QUESTIONS) == PAGE.count("```sql\n")
    assert len({question.title for question in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.title)
def test_the_answer_is_the_one_that_is_shown(
    question: DRAWING.Question, question_stores: Mapping[str, EventStore]
) -> None:
    assert question.answer.count("\n") >= 2, "an answer has rows"
    for engine, store in question_stores.items():
        assert DRAWING.answered(store, question.sql) == question.answer, f"on {engine}; {AGAIN}"


def test_the_dictionary_is_what_the_schema_says() -> None:
    told = PAGE.partition("<!-- dictionary -->\n")[2].partition("<!-- end of dictionary -->")[0]
    assert told == as_markdown(), AGAIN


def test_the_dictionary_tells_of_every_view_and_table_that_sql_finds(question_stores: Mapping[str, EventStore]) -> None:
    listed = {each.name for each in relations()}
    query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
    found = {row["name"] for row in question_stores["sqlite"].database.read_only_rows(query, {}).mappings()}
    assert listed <= found
    assert {"events", "act_summary", "patterns", "ledger"} <= listed


def test_every_question_is_of_views_and_tables_that_the_dictionary_has() -> None:
    for question in QUESTIONS:
        assert any(f" {each.name}" in question.sql for each in relations()), question.title
