"""The dictionary of the public SQL contract: every view and table there is to be read, and what its columns mean.

It is made from the comments of the schema itself, so that it cannot say anything else than they do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlalchemy import Table

from memory.query import frames
from memory.query.view_columns import View
from memory.query.views import EVENTS, VIEWS
from memory.store import migrate
from memory.store.tables import INTERNAL

_WORDS = {
    "int": "integer",
    "float": "number",
    "flag": "0 or 1",
    "bool": "true or false",
    "json": "JSON",
    "time": "text",
}
_LOG = ("ledger", "appends", "streams", "event_types", "record_keys")


class Described(NamedTuple):
    """One column, described."""

    name: str
    kind: str
    comment: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A view or a table, described."""

    name: str
    sort: Literal["view", "table", "log"]
    """A log table is what `events` reads: lean, and not meant for reading."""
    comment: str
    key: tuple[str, ...]
    """The columns that tell its rows apart."""
    columns: tuple[Described, ...]


def relations() -> tuple[Relation, ...]:
    """Give every view and table that is there to be read: views first, each sort in its order."""
    tables = [table for table in migrate.load_metadata().tables.values() if table.info != INTERNAL]
    read = sorted((table for table in tables if table.name not in _LOG), key=lambda table: table.name)
    log = sorted((table for table in tables if table.name in _LOG), key=lambda table: _LOG.index(table.name))
    views = [_of_view(view) for view in (EVENTS, *VIEWS)]
    return (*views, *(_of_table(table, "table") for table in read), *(_of_table(table, "log") for table in log))


def _of_view(view: View) -> Relation:
    columns = tuple(Described(name, _WORDS.get(kind, kind), comment) for name, kind, comment in view.columns)
    return Relation(view.name, "view", view.comment, view.key, columns)


def _of_table(table: Table, sort: Literal["table", "log"]) -> Relation:
    kinds = frames.kinds_of(table)
    columns = tuple(
        Described(
            str(column.name),
            _WORDS.get(kinds[str(column.name)], kinds[str(column.name)]) + (", or null" if column.nullable else ""),
            str(column.comment),
        )
        for column in table.columns
    )
    return Relation(table.name, sort, str(table.comment), tuple(table.primary_key.columns.keys()), columns)


def as_markdown() -> str:
    """Give the dictionary as a part of a Markdown page: a list of the views, then a table for each relation."""
    known = relations()
    parts = []
    for sort, title, words in _PARTS:
        of_sort = [relation for relation in known if relation.sort == sort]
        listed = "\n".join(f"| [`{each.name}`](#{each.name}) | {_cell(each.comment)} |" for each in of_sort)
        parts.append(f"## {title}\n\n{words}\n\n| | |\n|---|---|\n{listed}")
        parts += [_section(each) for each in of_sort]
    return "\n\n".join(parts) + "\n"


_PARTS: tuple[tuple[str, str, str], ...] = (
    (
        "view",
        "Views",
        "The answers to common questions, the same on both engines: truth values are 0 and 1, times UTC ISO text, "
        "lists text with commas between. Order one by its key, and a `LIMIT` costs what it gives.",
    ),
    (
        "table",
        "Tables",
        "What projections fold the log into; each can be thrown away and built again. JSON columns hold canonical JSON "
        "text on SQLite and `jsonb` on PostgreSQL; `column ->> 'key'` reads both.",
    ),
    ("log", "Tables of the log", "The truth, lean: read it through `events`."),
)


def _section(relation: Relation) -> str:
    rows = "\n".join(f"| `{each.name}` | {each.kind} | {_cell(each.comment)} |" for each in relation.columns)
    key = ", ".join(f"`{name}`" for name in relation.key)
    return (
        f"### {relation.name}\n\n{relation.comment} Key: {key}.\n\n| column | holds | meaning |\n|---|---|---|\n{rows}"
    )


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")
