"""Fills in `docs/sql.md`: under each question its answer, and the dictionary of views and tables at the end.

`python docs/draw_sql.py` asks every question of the history that `tests/question_history.py` tells, on SQLite, and
writes what comes under it; a test asks them again on both engines.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from memory.query.dictionary import as_markdown
from memory.store import EventStore

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "sql.md"
_QUESTION = re.compile(
    r"^## (?P<title>[^\n]+)\n(?:(?!^## ).)*?^```sql\n(?P<sql>.*?)^```\n(?P<answer>(?:\n(?:\|[^\n]*\n)+)?)",
    re.MULTILINE | re.DOTALL,
)
_DICTIONARY = re.compile(r"<!-- dictionary -->\n.*?<!-- end of dictionary -->", re.DOTALL)


class Question(NamedTuple):
    """One question of the page."""

    title: str
    sql: str
    answer: str
    """What the page shows under it."""


def questions(page: str) -> Iterator[Question]:
    """Yield the questions of the page, in order."""
    for match in _QUESTION.finditer(page):
        yield Question(match["title"], match["sql"], match["answer"].strip("\n"))


def answered(store: EventStore, sql: str) -> str:
    """Ask a question; give the answer as a table of Markdown."""
    columns, rows = store.database.read_only_rows(sql, {})
    lines = [columns, ["---"] * len(columns), *([shown(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def shown(value: Any) -> str:
    """Give a value as the page shows it: four digits of a number that is not whole."""
    if value is None:
        return ""
    if isinstance(value, float) or (isinstance(value, Decimal) and value != value.to_integral_value()):
        return f"{float(value):.4g}"
    return str(int(value)) if isinstance(value, Decimal | bool) else str(value).replace("|", "\\|")


def filled(page: str, store: EventStore) -> str:
    """Give the page with every answer and the dictionary as they are now."""

    def with_answer(match: re.Match[str]) -> str:
        head = match[0][: match.start("answer") - match.start(0)]
        return f"{head}\n{answered(store, match['sql'])}\n"

    page = _QUESTION.sub(with_answer, page)
    told = f"<!-- dictionary -->\n{as_markdown()}<!-- end of dictionary -->"
    return _DICTIONARY.sub(lambda _: told, page)


def main() -> None:
    """Write the page anew."""
    spec = importlib.util.spec_from_file_location("question_history", ROOT / "tests" / "question_history.py")
    if spec is None or spec.loader is None:
        raise SystemExit("tests/question_history.py is missing")
    history = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = history
    spec.loader.exec_module(history)
    with tempfile.TemporaryDirectory() as folder, EventStore.open(Path(folder) / "questions.db") as store:
        history.record(store)
        PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), store), encoding="utf-8")


if __name__ == "__main__":
    main()
