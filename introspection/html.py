"""Values as HTML for notebooks: plain tables and cards, without scripts, in whatever colours the page has.

What is written here comes from names and texts of others, so every text goes through `escape`. Nothing sets a colour of
its own: lines and shades are made from the colour of the text around, which is right in light and dark alike, and a
notebook that strips the style still shows tables in order.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

__all__ = ["card_html", "escape", "list_html", "one_line", "table_html", "visible"]

LIMIT = 20
"""Rows of a table that are shown unless more are asked for."""
LONGEST = 400
"""Characters of one value that are shown."""

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, what turns the direction of the text around it, and what UTF-8 cannot hold."""

_BREAK = re.compile("[ \t]*[\n-\r\x85\u2028\u2029]+[ \t]*")

_STYLE = (
    "<style>"
    ".palimpsest{font-size:.9em;line-height:1.45;max-width:100%;overflow-x:auto;color:inherit;color-scheme:light dark;"
    "--palimpsest-line:color-mix(in srgb,currentColor 25%,transparent);"
    "--palimpsest-shade:color-mix(in srgb,currentColor 6%,transparent)}"
    ".palimpsest table{border-collapse:collapse;color:inherit;background:transparent;margin:.4em 0}"
    ".palimpsest caption{caption-side:top;text-align:left;font-weight:600;padding:.2em 0;color:inherit}"
    ".palimpsest th,.palimpsest td{text-align:left;vertical-align:top;padding:.2em .7em .2em 0;color:inherit;"
    "background:transparent;border:0;border-bottom:1px solid var(--palimpsest-line);max-width:42em;"
    "overflow-wrap:anywhere;white-space:pre-line}"
    ".palimpsest .number{text-align:right;font-variant-numeric:tabular-nums}"
    ".palimpsest tbody tr:nth-child(even){background:var(--palimpsest-shade)}"
    ".palimpsest .title{font-weight:600}.palimpsest .more{opacity:.75}"
    ".palimpsest summary{cursor:pointer}"
    "</style>"
)


def escape(value: object, *, longest: int = LONGEST) -> str:
    """A value as text that is safe inside an element and inside a quoted attribute.

    Characters that cannot be seen or would turn the text around them are written out, and what is too long is cut.

    Args:
        value: Anything; `words` says how it reads.
        longest: How many characters are shown.
    """
    text = words(value)
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    return html.escape(visible(text), quote=True)


def visible(text: str) -> str:
    """A text with every character written out that cannot be seen or would turn, move or break what is around it."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    """A text without breaks of lines: what was recorded may not look like lines of an answer's own."""
    return _BREAK.sub(" ", text)


def words(value: object) -> str:
    """A value as a person reads it: numbers to four figures, structures as JSON, bytes in hex."""
    if value is None:
        return ""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, set | frozenset):
        return words(sorted(value, key=str))
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def table_html(
    rows: Iterable[Any],
    *,
    caption: str | None = None,
    limit: int = LIMIT,
    columns: Sequence[str] | None = None,
    empty: str = "nothing",
) -> str:
    """Rows as one table; says how many are not shown.

    Args:
        rows: Mappings, rows of SQLAlchemy, or dataclasses.
        caption: What the table holds.
        limit: How many rows are shown.
        columns: Which columns, in which order; without them, every one, as the rows first name it.
        empty: What to say where there are none.
    """
    table = [_mapping(row) for row in rows]
    if not table:
        title = f'<span class="title">{escape(caption)}</span>: ' if caption else ""
        return _wrapped(f"<p>{title}{escape(empty)}</p>")
    shown = table[:limit]
    names = list(columns) if columns is not None else list(dict.fromkeys(name for row in shown for name in row))
    numeric = {name for name in names if _numeric(row.get(name) for row in shown)}
    header = "".join(f'<th scope="col"{_class(name in numeric)}>{escape(name)}</th>' for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td{_class(name in numeric)}>{escape(row.get(name))}</td>" for name in names) + "</tr>"
        for row in shown
    )
    left = len(table) - len(shown)
    more = f'<p class="more">… and {left} more of {len(table)}</p>' if left else ""
    head = f"<caption>{escape(caption)}</caption>" if caption else ""
    return _wrapped(f"<table>{head}<thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>{more}")


def card_html(title: str, facts: Mapping[str, object], *sections: str) -> str:
    """One thing as a small table of what is known of it, with further HTML below.

    Args:
        title: What it is.
        facts: What is known of it, by name; what is None is left out.
        sections: HTML that is safe already: what another function of this module gave.
    """
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in facts.items()
        if value is not None
    )
    table = f"<table><caption>{escape(title)}</caption><tbody>{body}</tbody></table>"
    return _wrapped(table + "".join(section.replace(_STYLE, "") for section in sections))


def list_html(title: str, entries: Iterable[object], *, limit: int = LIMIT) -> str:
    """Entries below a title that folds; nothing at all where there are none.

    Args:
        title: What they are.
        entries: Each goes on a line of its own.
        limit: How many are shown.
    """
    every = list(entries)
    if not every:
        return ""
    items = "".join(f"<li>{escape(entry)}</li>" for entry in every[:limit])
    left = len(every) - limit
    more = f'<li class="more">… and {left} more</li>' if left > 0 else ""
    opened = " open" if len(every) <= limit else ""
    return f"<details{opened}><summary>{escape(title)} ({len(every)})</summary><ul>{items}{more}</ul></details>"


def _wrapped(content: str) -> str:
    return f'<div class="palimpsest">{_STYLE}{content}</div>'


def _class(numeric: bool) -> str:
    return ' class="number"' if numeric else ""


def _numeric(values: Iterable[object]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known)


def _mapping(row: Any) -> Mapping[str, object]:
    if isinstance(row, Mapping):
        return row
    if is_dataclass(row):
        return {field.name: getattr(row, field.name) for field in fields(row)}
    # A row of SQLAlchemy, which is a tuple whose names are asked for so.
    return dict(row._mapping)
