"""What a browser of the database is told of it: titles, what every table and column means, questions ready to ask.

The form is Datasette's metadata; what it says comes from the schema's own comments.

Source: docs.datasette.io/en/stable/metadata.html.
"""

from __future__ import annotations

from typing import Any

from memory.query.canned import CANNED, worked
from memory.query.dictionary import Relation, relations
from memory.store.revisions import VERSION_TABLE
from memory.store.tables import metadata

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

_LAST = ("position", "last_position", "first_position", "storage_id")
"""The columns that say what came last, in the order in which they are looked for."""


def browsing_metadata(database: str, place: str) -> dict[str, Any]:
    """Give Datasette's metadata for a record.

    Args:
        database: The name the record has there.
        place: Where it is, in words.
    """
    shown = {each.name: each for each in relations() if each.sort != "log"}
    stored = [*(table.name for table in metadata.sorted_tables), VERSION_TABLE]
    # The log as it is stored says what view `events` says, and the rest is what projections keep for themselves.
    tables: dict[str, Any] = {name: {"hidden": True} for name in stored if name not in shown}
    tables |= {name: _described(relation) for name, relation in shown.items()}
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
                    for each in (*CANNED, *worked())
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


def _described(relation: Relation) -> dict[str, Any]:
    columns = {column.name: column.comment for column in relation.columns}
    last = next((each for each in _LAST if each in columns), None)
    first = _FIRST.get(relation.name, last)
    return {
        "description": relation.comment,
        "columns": columns,
        "size": 50,
        **({"sort_desc": first} if first else {}),
        **({"facets": _FACETS[relation.name]} if relation.name in _FACETS else {}),
    }
