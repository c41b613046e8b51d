"""What is claimed depends on what was done to bytes: not on what they are called, nor under how many names."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from memory.projections.knowledge import KnowledgeProjection, snapshots

seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True, scope="module")
def _near_snapshots() -> Iterator[None]:
    """Take snapshots often: histories of a few hundred acts have many then, and learning anew starts from them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(snapshots, "EVERY", 64)
        yield


RELAXED = settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # A history is one number: there is nothing to shrink.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
KINDS = {"effect", "impact", "comodification", "sequence", "threshold", "trend", "metric_pair", "cochange"}
_PLACES = ("position", "_id", "statement", "hypothesis", "relation")


def knowledge(histories: ModuleType, wander: Any, rename: Any = lambda text: text) -> dict[str, list[Any]]:
    """Give what a history teaches, without places in the log and identities, and the evidence on every question."""
    projection: Any = histories.fold(KnowledgeProjection(), wander.tell().stored())
    known = {"questions": questions(projection)}
    for table, rows in histories.flushed(projection).items():
        if table in ("inference_state", "inference_snapshots"):
            continue
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


def questions(projection: Any) -> list[Any]:
    """Give every hypothesis by what identities are made of, with its budget, its evidence and its estimate."""
    return sorted(
        (
            (
                panel.family(slot).key,
                panel.asked(slot),
                float(panel.log_weight[slot]).hex(),
                float(panel.log_e[slot]).hex(),
                int(panel.epoch[slot]),
                repr(panel.measure(slot)),
            )
            for panel in projection.learning.panels()
            for slot in range(panel.slots)
        ),
        key=repr,
    )


@RELAXED
@given(seed=seeds)
def test_aiming_writes_at_another_alias_changes_nothing(histories: ModuleType, seed: int) -> None:
    first, last = (knowledge(histories, histories.Wander(seed, 300, alias=alias)) for alias in ("first", "last"))
    assert first == last
    assert {key.kind for key, *_ in first["questions"]} >= KINDS


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
    assert knowledge(histories, prefixed, lambda text: text and text.replace("model.", "")) == plain


@RELAXED
@given(seed=seeds, order=st.permutations(["embed", "head", "up", "down", "q", "k", "kk", "kkk"]))
def test_renaming_that_turns_the_order_round_changes_no_claim(
    histories: ModuleType, seed: int, order: list[str]
) -> None:
    new = {old: f"{number}.weight" for number, old in enumerate(order)}
    plain = histories.Wander(seed, 300, changing=False)
    renamed = histories.Wander(seed, 300, changing=False, names=new)
    found, other = knowledge(histories, plain), knowledge(histories, renamed)
    columns = ("kind", "log_e_value", "direction", "effect", "ci_low", "ci_high", "support", "status")
    assert _only(found["patterns"], columns) == _only(other["patterns"], columns)
    # Storages are numbered in order of their names: numbers differ, and so does the turn of those that came late.
    first, second = ([(*each[:1], *each[3:]) for each in known["questions"]] for known in (found, other))
    assert sorted(first, key=repr) == sorted(second, key=repr)
    assert found["evidence"] == other["evidence"]
    assert found["predictions"] == other["predictions"]


@RELAXED
@given(seed=seeds, alias=st.sampled_from(["given", "each"]))
def test_no_pattern_relates_two_names_of_one_storage(histories: ModuleType, seed: int, alias: str) -> None:
    found = knowledge(histories, histories.Wander(seed, 300, alias=alias))
    one_storage = ({"embed", "head"}, {"k", "kk", "kkk"}, {"up", "stray"}, {"w", "embed"}, {"q", "down"})
    related = [{row["subject"], row["object"]} for row in found["patterns"] if row["object"]]
    bare = [{end.removeprefix("write:") for end in ends} for ends in related]
    assert not [ends for ends in bare if any(ends <= names for names in one_storage)]


def _only(rows: list[Any], columns: tuple[str, ...]) -> list[Any]:
    return sorted(({column: row[column] for column in columns} for row in rows), key=repr)
