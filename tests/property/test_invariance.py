"""What is claimed depends on what was done to bytes: not on what they are called, nor under how many names."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.projections.knowledge import KnowledgeProjection

seeds = st.integers(0, 2**32 - 1)
RELAXED = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_PLACES = ("position", "_id", "statement", "hypothesis", "relation")


def knowledge(histories: ModuleType, wander: Any, rename: Any = lambda text: text) -> dict[str, list[Any]]:
    """Give what a history teaches, without places in the log and identities."""
    tables = histories.flushed(histories.fold(KnowledgeProjection(), wander.tell().stored()))
    known: dict[str, list[Any]] = {}
    for table, rows in tables.items():
        bare = [
            {
                column: rename(value) if column in ("subject", "object") else value
                for column, value in row.items()
                if not any(place in column for place in _PLACES)
            }
            for row in rows
        ]
        known[table] = sorted(bare, key=repr)
    return known


@RELAXED
@given(seed=seeds)
def test_aiming_writes_at_another_alias_changes_nothing(histories: ModuleType, seed: int) -> None:
    first, last = (knowledge(histories, histories.Wander(seed, 300, alias=alias)) for alias in ("first", "last"))
    assert first == last
    assert first["evidence"]


@RELAXED
@given(seed=seeds)
def test_a_log_that_tells_every_write_under_every_name_changes_nothing(histories: ModuleType, seed: int) -> None:
    once, each = (knowledge(histories, histories.Wander(seed, 300, alias=alias)) for alias in ("first", "each"))
    assert once == each


@RELAXED
@given(seed=seeds)
def test_renaming_everything_changes_nothing_but_names(histories: ModuleType, seed: int) -> None:
    plain = knowledge(histories, histories.Wander(seed, 300))
    prefixed = histories.Wander(seed, 300, prefix="model.")
    assert knowledge(histories, prefixed, lambda text: text.removeprefix("model.")) == plain


@RELAXED
@given(seed=seeds, order=st.permutations(["embed", "head", "up", "down", "q", "k", "kk", "kkk"]))
def test_renaming_that_turns_the_order_round_changes_no_claim(
    histories: ModuleType, seed: int, order: list[str]
) -> None:
    new = {old: f"{number}.weight" for number, old in enumerate(order)}
    plain = histories.Wander(seed, 300, changing=False)
    renamed = histories.Wander(seed, 300, changing=False, names=new)
    found, other = knowledge(histories, plain), knowledge(histories, renamed)
    columns = ("kind", "object", "log_e_value", "direction", "effect", "ci_low", "ci_high", "support", "status")
    assert _only(found["patterns"], columns) == _only(other["patterns"], columns)
    assert found["evidence"] == other["evidence"]
    assert found["predictions"] == other["predictions"]


@RELAXED
@given(seed=seeds, alias=st.sampled_from(["given", "each"]))
def test_no_pattern_relates_two_names_of_one_storage(histories: ModuleType, seed: int, alias: str) -> None:
    found = knowledge(histories, histories.Wander(seed, 300, alias=alias))
    names = {"embed", "head", "up", "down", "q", "k", "kk", "kkk", "g", "w"}
    assert not [row for row in found["patterns"] if row["object"] in names]


def _only(rows: list[Any], columns: tuple[str, ...]) -> list[Any]:
    return sorted(({column: row[column] for column in columns} for row in rows), key=repr)
