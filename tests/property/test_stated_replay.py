"""What was stated folds to the same bits however the fold is cut, and an amended history is what was never said."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.projections.knowledge.stated import Stated

_NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("propose"), st.integers(0, 2), st.sampled_from([0.05, 0.5, 0.75, 0.99])),
        st.tuples(st.just("hold"), st.integers(0, 2), st.sampled_from([0.0, 0.3, 0.9, 1.0])),
        st.tuples(st.just("predict"), st.integers(0, 2), st.sampled_from([0.05, 0.5, 0.95])),
        st.tuples(st.just("theory"), st.integers(0, 2), st.one_of(st.booleans(), _NUMBERS)),
        st.tuples(st.just("belief"), st.integers(0, 2), st.booleans()),
        st.tuples(st.just("note"), st.just(0), st.just(0)),
        st.tuples(st.just("retract"), st.integers(1, 60), st.just(0)),
    ),
    min_size=1,
    max_size=60,
)


def tell(told: Any, steps: list[tuple[str, int, Any]]) -> None:
    """Tell a history; outcomes rest on the last note there was, if the number is odd."""
    theories = [told.propose(f"theory {number}", direction=(None, 1, -1)[number]) for number in range(3)]
    beliefs = [told.hold(f"belief {number}") for number in range(3)]
    seen: int | None = None
    for step, number, value in steps:
        if step == "propose":
            told.propose(f"theory {number}", direction=(None, 1, -1)[number], probability=value)
        elif step == "hold":
            told.hold(f"belief {number}", credence=value, core=value == 1.0)
        elif step == "predict":
            told.predict(theories[number], value)
        elif step == "theory":
            told.meet(theories[number], value, rests_on=seen if number == 1 else None)
        elif step == "belief":
            told.meet(beliefs[number], value, rests_on=seen if number == 1 else None)
        elif step == "note":
            told.history.note("seen")
            seen = told.last
        elif number <= told.last and told.history.events[number - 1].payload.event_type in (
            "theory_proposed",
            "belief_asserted",
            "validation_recorded",
            "observation",
        ):
            told.history.retract(number)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS, cuts=st.sets(st.integers(1, 60)))
def test_a_fold_taken_up_anywhere_writes_the_same_rows(
    stating: ModuleType, histories: ModuleType, steps: list[tuple[str, int, Any]], cuts: set[int]
) -> None:
    told = stating.Told(histories.History())
    tell(told, [step for step in steps if step[0] != "retract"])
    events = told.history.stored()
    whole, rows = stating.fold(events, Stated())
    stated, parts = Stated(), {}
    for event, payload in events:
        stated.apply(event, payload)
        if event.position in cuts:
            parts |= stated.take_rows()
            stated = stating.stored_and_taken_up(stated)
    parts |= stated.take_rows()
    assert parts == rows
    assert stated.to_state() == whole.to_state()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_an_amended_history_is_the_one_in_which_it_was_never_said(
    stating: ModuleType, histories: ModuleType, steps: list[tuple[str, int, Any]]
) -> None:
    told = stating.Told(histories.History())
    tell(told, steps)
    events = told.history.stored()
    stated, rows = stating.fold(events, Stated())
    tables = stating.by_table(rows)
    gone = {payload.position for _, payload in events if payload.event_type == "retraction"}
    left = [
        (event, payload)
        for event, payload in events
        if event.position not in gone
        and payload.event_type != "retraction"
        and getattr(payload, "rests_on", None) not in gone
    ]
    never, _ = stating.fold(left, Stated())
    now = stating.by_table(never.rows())
    for table, identity in (("theories", "theory_id"), ("beliefs", "belief_id")):
        standing = {key: row for key, row in tables[table].items() if row["status"] != "retracted"}
        assert {row[identity] for row in standing.values()} == set(now[table])
        for key, row in standing.items():
            told_of = {"first_position", "last_position"}
            assert {k: v for k, v in row.items() if k not in told_of} == {
                k: v for k, v in now[table][key].items() if k not in told_of
            }
            assert row["first_position"] <= now[table][key]["first_position"]
    waiting = {key for key, row in tables["registered_predictions"].items() if row["outcome_position"] is None}
    assert waiting == set(now["registered_predictions"])
    assert stating.stored_and_taken_up(stated).to_state() == stated.to_state()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_strength_and_status_always_fit_the_credence(
    stating: ModuleType, histories: ModuleType, steps: list[tuple[str, int, Any]]
) -> None:
    told = stating.Told(histories.History())
    tell(told, steps)
    tables = told.folded()
    for row in [*tables["beliefs"].values(), *tables["belief_revisions"].values()]:
        assert 0.0 <= row["credence"] <= 1.0
        if row["strength"] == "absolute":
            assert (row["status"], row["credence"]) == ("active", 1.0)
        elif row["status"] != "retracted":
            assert (row["status"] == "active") == (row["credence"] >= 0.5)
    for belief in tables["beliefs"].values():
        told_of = [each for each in tables["belief_revisions"].values() if each["belief_id"] == belief["belief_id"]]
        last = max(told_of, key=lambda each: each["position"])
        compared = ("credence", "strength", "status", "effect")
        assert {name: last[name] for name in compared} == {name: belief[name] for name in compared}
