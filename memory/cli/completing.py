"""What a shell is offered where a name is to be typed: read from the record, without a word where that cannot be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer

_MOST = 60
"""As many as somebody would look through."""
_MODELS = "SELECT DISTINCT substr(name, 7) FROM streams WHERE category = 'model' ORDER BY 1"
_STREAMS = "SELECT name FROM streams ORDER BY name"
_TYPES = "SELECT DISTINCT name FROM event_types ORDER BY name"
# Walks the newest writes: the acts of a long record are too many to be looked through, in every sense.
_ACTS = (
    "SELECT DISTINCT act_id FROM (SELECT act_id FROM modifications WHERE act_id IS NOT NULL "
    "ORDER BY position DESC LIMIT 2000) AS newest"
)
_BELIEFS = "SELECT belief_id, statement FROM beliefs ORDER BY credence DESC, belief_id LIMIT 500"
_CHECKPOINTS = "SELECT checkpoint_id, description FROM checkpoints ORDER BY position DESC LIMIT 500"


def models(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer the models on record."""
    return _offered(ctx, _MODELS, incomplete)


def streams(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer the streams of the log."""
    return _offered(ctx, _STREAMS, incomplete)


def event_types(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer the event types that were ever recorded."""
    return _offered(ctx, _TYPES, incomplete)


def acts(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer the acts of the newest writes."""
    return _offered(ctx, _ACTS, incomplete)


def beliefs(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer beliefs with what they say, the firmest first."""
    return _offered(ctx, _BELIEFS, incomplete)


def checkpoints(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer checkpoints, the newest first."""
    return _offered(ctx, _CHECKPOINTS, incomplete)


def error_codes(incomplete: str) -> list[str]:
    """Offer the codes of errors."""
    from memory.cli.error_pages import codes

    return [code for code in codes() if code.startswith(incomplete)]


def _offered(ctx: typer.Context, statement: str, incomplete: str) -> list[tuple[str, str]]:
    found = ((str(row[0]), str(row[1]) if len(row) > 1 else "") for row in _asked(ctx, statement))
    return [(name, says.replace("\n", " ")) for name, says in found if name.startswith(incomplete)][:_MOST]


def _asked(ctx: typer.Context, statement: str) -> Iterable[tuple[Any, ...]]:
    from memory.cli.root import DEFAULT_DATABASE
    from memory.errors import PalimpsestError
    from memory.store.engine import Database

    try:
        # Not `EventStore.open`, which upgrades an older schema.
        database = Database.open(ctx.params.get("database") or DEFAULT_DATABASE, create=False)
        try:
            return list(database.read_only_rows(statement, {}).rows)
        finally:
            database.close()
    except PalimpsestError:
        # Nobody reads a message between two keys.
        return ()
