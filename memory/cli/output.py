"""How commands answer: results on stdout (a table, or JSON), words and errors on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from introspection.html import visible

words = Console(stderr=True, highlight=False)
"""Where everything goes that is not the result."""
_PAGE = 160
"""Columns of a file or a pipe, which have no width of their own."""


def results() -> Console:
    """Give the console that results go to: stdout, as wide as the terminal, or as a page."""
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PAGE
    return console


def is_screen() -> bool:
    """Say whether stdout is a terminal that a picture can be drawn on, again and again in the same place."""
    console = results()
    return sys.stdout.isatty() and not console.is_dumb_terminal and console.encoding.startswith("utf")


def show_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool, one_line: bool = False, empty: str = "") -> None:
    """Print rows as a table, or as one JSON array.

    Args:
        rows: What to print; the first row names the columns.
        as_json: Whether to print JSON.
        one_line: Whether a row keeps to one line, cut where it is too long, rather than being folded.
        empty: What to say, on stderr, when there are no rows.
    """
    if as_json:
        print_json(list(rows))
        return
    if not rows:
        words.print(empty or "nothing to show")
        return
    if one_line:
        for line in _lines(rows, results().width):
            sys.stdout.write(line + "\n")
    else:
        results().print(table_of(rows))


def _lines(rows: Sequence[Mapping[str, Any]], width: int) -> Iterator[str]:
    """Yield a line for the columns' names and one for each row, cut at the width."""
    table = [list(rows[0]), *([shown(value).replace("\n", " ") for value in row.values()] for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(rows[0]))]
    for row in table:
        line = "  ".join(value.ljust(size) for value, size in zip(row, widths, strict=True)).rstrip()
        yield line if len(line) <= width else line[: width - 1] + "…"


def print_line(row: Mapping[str, Any]) -> None:
    """Print one row on a line of its own, at once: what comes one by one has no table to be set in."""
    widths = {"position": 8, "event_type": 24, "model": 8, "act": 12}
    line = "  ".join(shown(value).replace("\n", " ").ljust(widths.get(name, 0)) for name, value in row.items()).rstrip()
    width = results().width
    sys.stdout.write((line if len(line) <= width else line[: width - 1] + "…") + "\n")
    sys.stdout.flush()


def table_of(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Make a table of rows, folding what is too wide; numbers are set to the right."""
    table = Table(header_style="bold", box=None, pad_edge=False)
    columns = list(rows[0])
    for column in columns:
        numeric = all(isinstance(row[column], int | float | None) for row in rows)
        table.add_column(escape(column), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(shown(row[column])) for column in columns))
    return table


def shown(value: Any) -> str:
    """Give a value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    # What is recorded comes from anywhere, and a terminal obeys what it is sent.
    return visible(str(value))


def print_json(value: Any) -> None:
    """Print one JSON document on stdout; numbers JSON has no word for become strings."""
    sys.stdout.write(json.dumps(_plain(value), ensure_ascii=False, indent=2) + "\n")


def print_json_lines(values: Iterable[Mapping[str, Any]]) -> None:
    """Print one JSON document a line, as they come."""
    for value in values:
        sys.stdout.write(json.dumps(_plain(value), ensure_ascii=False) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, str | int | float | bool | None) else str(value)
