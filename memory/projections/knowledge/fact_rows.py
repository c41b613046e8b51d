"""What facts of architecture look like as rows, and in words."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from memory.projections.registry import Storage

_PAIRS_OF_A_GROUP = 16
"""Groups of more names than this are told as pairs with their first name only."""

Rows = dict[tuple[str, str], dict[str, Any]]
"""(table, identity) to row."""


def identity(prefix: str, *parts: Any) -> str:
    """Give the identity of what these parts determine: the same in every rebuild."""
    return f"{prefix}-{hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]}"


def pairs(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of names of one tensor that are told of."""
    if len(names) <= _PAIRS_OF_A_GROUP:
        yield from itertools.combinations(names, 2)
    else:
        yield from ((names[0], other) for other in names[1:])


def one_tensor(subject: str, other: str) -> str:
    """Say that two names are one tensor."""
    return f"{subject} and {other} are one tensor"


def fact_row(model: str, kind: str, subject: str, other: str, reason: str, relation: str, since: int) -> dict[str, Any]:
    """Give the row of a fact that holds from a position on."""
    return {
        "fact_id": identity("fact", model, kind, subject, other, reason, relation, since),
        "model": model,
        "kind": kind,
        "subject": subject,
        "object": other,
        "reason": reason,
        "relation": relation,
        "strength_kind": None,
        "strength": None,
        "support": 0,
        "first_position": since,
        "to_position": None,
    }


def tied_since(storage: Storage) -> int:
    """Give the position from which all of a storage's names view it."""
    return max(storage.names_since.values())


def one_tensor_belief(storage: Storage, position: int, status: str) -> dict[str, Any]:
    """Give the row of the belief that the names of a storage are one tensor."""
    since = tied_since(storage)
    return {
        "belief_id": identity("belief", storage.model, "one tensor", storage.names, since),
        "model": storage.model,
        "belief_type": "architectural_fact",
        "statement": f"{' and '.join(storage.names)} are one tensor: a write to one is a write to all",
        "source": "architecture",
        "asserted_by": None,
        "theory_id": None,
        "kind": None,
        "subject": storage.key,
        "object": None,
        "direction": None,
        "credence": 1.0,
        "strength": "certain",
        "importance": 0.9,
        "tags": [],
        "effect": None,
        "ci_low": None,
        "ci_high": None,
        "grade": "architecture",
        "supports": 0,
        "contradicts": 0,
        "first_position": since,
        "last_position": position,
        "status": status,
    }
