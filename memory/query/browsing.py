"""What a browser of the database is told of it: titles, what every table and column means, questions ready to ask.

The form is Datasette's metadata; what it says comes from the schema's own comments.

Source: docs.datasette.io/en/stable/metadata.html.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table

from memory.query.canned import CANNED
from memory.query.views import VIEWS
from memory.store.revisions import VERSION_TABLE
from memory.store.tables import metadata

_LOG = ("ledger", "appends", "streams", "event_types", "record_keys")
"""The log as it is stored: view `events` says the same, readably."""

_FACETS = {
    "architectural_facts": ["kind", "reason"],
    "beliefs": ["belief_type", "strength", "status", "grade"],
    "checkpoint_log": ["model", "deleted"],
    "claims": ["kind", "grade", "status"],
    "current_beliefs": ["belief_type", "strength", "source"],
    "dropped_as_architecture": ["kind", "reason"],
    "effects_by_layer": ["metric", "verdict", "grade"],
    "families": ["kind", "grade"],
    "patterns": ["kind", "grade", "status"],
    "safety_alerts": ["level", "category"],
    "alerts": ["level", "category"],
    "theories": ["theory_type", "source", "status"],
}
"""What rows are told apart by at a glance: of what stays small; whoever asks can have it of the rest."""

_FIRST = {
    "beliefs": "credence",
    "claims": "log_e_value",
    "current_beliefs": "credence",
    "effects_by_layer": "log_e_value",
    "patterns": "log_e_value",
    "projections": "position",
    "theories": "log_e_value",
}
"""What is to be seen first, the greatest value before all others; elsewhere it is what came last."""


def browsing_metadata(database: str, place: str) -> dict[str, Any]:
    """Give Datasette's metadata for a record.

    Args:
        database: The name the record has there.
        place: Where it is, in words.
    """
    tables: dict[str, Any] = {table.name: _of_table(table) for table in metadata.sorted_tables}
    tables |= {
        view.name: {
            "description": view.comment,
            "columns": {column.name: column.comment for column in view.columns},
            **_order(view.name, [column.name for column in view.columns]),
        }
        for view in VIEWS
    }
    tables[VERSION_TABLE] = {"hidden": True}
    return {
        "title": "Palimpsest",
        "description": "What was done to neural networks, what followed from it, and what is believed because of it.",
        "about": "palimpsest serve",
        "databases": {
            database: {
                "title": place,
                "description": "Reads only. The log (view events) is as it is now; tables hold what is folded so far, "
                "and view projection_lag says how far that is.",
                "tables": tables,
                "queries": {
                    each.name: {"title": each.title, "description": each.description, "sql": each.sql, "hide_sql": True}
                    for each in CANNED
                },
            }
        },
    }


def links(database_path: str) -> dict[str, str]:
    """Give where a value of a column leads to, by the column's name; `{}` stands for the value.

    Args:
        database_path: The path of the database's page.
    """
    return {
        "position": f"{database_path}/one_event?position={{}}",
        "act_id": f"{database_path}/one_act?act_id={{}}",
        "belief_id": f"{database_path}/why_a_belief?belief_id={{}}",
        "pattern_id": f"{database_path}/patterns/{{}}",
        "theory_id": f"{database_path}/theories/{{}}",
        "layer_name": f"{database_path}/one_layer?layer_name={{}}",
    }


def _of_table(table: Table) -> dict[str, Any]:
    if table.info.get("internal") or table.name in _LOG:
        return {"hidden": True}
    return {
        "description": table.comment or "",
        "columns": {column.name: column.comment or "" for column in table.columns},
        **_order(table.name, [column.name for column in table.columns]),
    }


def _order(name: str, columns: list[str]) -> dict[str, Any]:
    last = next(
        (each for each in ("position", "last_position", "first_position", "storage_id") if each in columns), None
    )
    first = _FIRST.get(name, last)
    return {
        **({"sort_desc": first} if first else {}),
        **({"facets": _FACETS[name]} if name in _FACETS else {}),
        "size": 50,
    }
