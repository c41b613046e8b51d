"""Which events made you believe this: from a belief down to the events of the log, and back in words."""

from __future__ import annotations

import json
import math
import random
import re
import tracemalloc
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import event

from memory import MemorySystem
from memory.errors import InvalidArgument, UnknownBelief, UnknownPattern, UnknownTheory

KINDS = ("effect", "comodification", "cochange", "metric_pair", "trend", "sequence", "threshold")
BIG = ("ledger", "modifications", "metrics", "layer_statistics", "observations", "evidence", "belief_revisions")


def rich(histories: ModuleType, acts: int = 1300) -> Any:
    """Tell a history in which every kind of pattern but impact is there to be found, one name of it an alias."""
    told, draw = histories.History(), random.Random(4)
    told.attach(histories.sharing(["a", "alias", "b", "c", "d", "e"], ["a", "alias"]))
    told.define("perplexity", of=["loss"])
    level, both, high = 0.0, 0.0, False
    for number in range(acts):
        act, habit = f"act {number}", draw.random() < 0.4
        level += 0.2
        shared = draw.gauss(0.0, 1.0)
        loss, other = 2.0 + shared, 1.0 + shared + draw.gauss(0.0, 0.4)
        values = {"loss": loss, "other": other, "drift": level + draw.gauss(0.0, 0.5)}
        told.metrics(act, values | {"perplexity": math.exp(loss)}, act)
        if habit:
            apart = draw.random() < 0.1
            for name in ("b", "c")[: 1 if apart else 2]:
                told.write(act, name, None, coin=False, method="zero")
        else:
            sign = draw.choice((1.0, -1.0))
            name = draw.choice(("a", "alias", "d", "e"))
            told.write(act, name, sign)
            moved = 1.5 * sign if name in ("a", "alias") else 0.0
            after = loss + moved + draw.gauss(0.0, 0.5)
            told.metrics(
                act, {"loss": after, "other": other + draw.gauss(0.0, 0.3), "perplexity": math.exp(after)}, act
            )
        if high and draw.random() < 0.9:
            told.note("it was high", "alarm", model="m", act=act)
        high = loss > 3.2
        if number % 2 == 0:
            both = 0.5 * both + draw.gauss(0.0, 1.0)
            noise = {name: draw.gauss(0.0, 0.3) for name in "de"}
            told.statistics("norm", {"d": both + noise["d"], "e": both + noise["e"], "a": draw.gauss(0.0, 1.0)})
        if number % 8 == 2:
            told.note("it begins", "start", model="m", act=act)
        if number % 8 == 3:
            told.note("it follows", "follow", model="m", act=act)
    return told


def opened(url: str, history: Any) -> MemorySystem:
    memory = MemorySystem(url, durability="normal", actor="ada", seed=3)
    for start in range(0, len(history.events), 500):
        memory.store.append(history.events[start : start + 500])
    return memory


@pytest.fixture(scope="module")
def memory(histories: ModuleType) -> Iterator[MemorySystem]:
    with opened(":memory:", rich(histories)) as known:
        yield known


def pattern_of(memory: MemorySystem, kind: str) -> Any:
    found = memory.patterns(kind)
    assert found, f"the history has no {kind} to ask about"
    return found[0]


@pytest.fixture
def belief(memory: MemorySystem) -> Any:
    (found,) = [each for each in memory.beliefs() if each.kind == "effect"]
    return found


# From the belief down


def test_a_belief_goes_back_to_its_theory_and_that_to_its_pattern(memory: MemorySystem, belief: Any) -> None:
    evidence = memory.evidence(belief.belief_id)
    (pattern,) = evidence.patterns
    assert evidence.belief == belief
    assert evidence.theory == memory.get_theory(belief.theory_id)
    assert pattern.row == pattern_of(memory, "effect")
    for identity in (evidence.theory.theory_id, pattern.row.pattern_id):
        other = memory.evidence(identity)
        assert (other.belief, other.theory, other.patterns) == (evidence.belief, evidence.theory, evidence.patterns)


def test_the_outcomes_of_an_effect_are_the_very_ones_that_were_bet_on(memory: MemorySystem, belief: Any) -> None:
    evidence = memory.evidence(belief.belief_id)
    (pattern,) = evidence.patterns
    rest = list(evidence.rest())
    assert len(rest) == pattern.statistics.support
    by_position = {each.position: each for each in rest}
    assert len(pattern.telling) == 8
    for telling in pattern.telling:
        found = by_position[telling.position]
        assert (found.parts, found.act_id, found.role, found.outcome) == (
            telling.parts,
            telling.act_id,
            telling.role,
            telling.outcome,
        )


def test_an_outcome_is_read_from_the_log_with_its_write_its_act_and_its_baseline(
    memory: MemorySystem, belief: Any
) -> None:
    evidence = memory.evidence(belief.belief_id)
    for bearing in (*evidence.patterns[0].telling, *evidence.rest()):
        (first, baseline), (second, write), (third, outcome) = evidence.events(bearing)
        assert (first, second, third) == ("baseline", "write", "outcome")
        assert {baseline.act_id, write.act_id, outcome.act_id} == {bearing.act_id}
        assert write.payload.primary_layer in ("a", "alias")
        change = outcome.payload.metrics["loss"] - baseline.payload.metrics["loss"]
        assert bearing.outcome == math.copysign(1.0, write.payload.dose) * change


def test_the_bar_is_what_its_evidence_has_to_reach(memory: MemorySystem) -> None:
    for row in memory.patterns():
        statistics = memory.evidence(row.pattern_id).patterns[0].statistics
        assert statistics.log_bar is not None
        assert statistics.log_e_value >= statistics.log_bar > 0.0
        assert statistics.claims == len(memory.patterns())
        assert statistics.questions > 0
        assert 0.0 < statistics.share < 1.0


def test_the_bar_is_that_of_its_share_of_the_budget_and_of_the_claims_that_hold(
    memory: MemorySystem, belief: Any
) -> None:
    (pattern,) = memory.evidence(belief.belief_id).patterns
    weight = pattern.statistics.share * 0.8 / pattern.question.family.early
    assert pattern.statistics.log_bar == pytest.approx(-math.log(0.05 * len(memory.patterns()) * weight))


def test_what_architecture_explains_about_its_ends_is_said_beside_it(memory: MemorySystem, belief: Any) -> None:
    ruled_out = memory.evidence(belief.belief_id).ruled_out
    assert {"a and alias are one tensor", "perplexity is computed from loss"} <= {
        fact.relation for fact in ruled_out.facts
    }
    assert ruled_out.count >= len(ruled_out.facts)


# Every kind


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_claim_rests_on_lies_in_time_order_and_within_its_settlements(memory: MemorySystem, kind: str) -> None:
    row = pattern_of(memory, kind)
    evidence = memory.evidence(row.pattern_id)
    rest = list(evidence.rest())
    assert len(rest) >= row.support
    positions = [each.position for each in rest]
    assert positions == sorted(positions)
    assert positions[-1] <= row.last_position
    found = evidence.events(rest[len(rest) // 2])
    assert [stored.position for _, stored in found] == [part.position for part in rest[len(rest) // 2].parts]


def test_a_comodification_rests_on_the_acts_that_wrote_either(memory: MemorySystem) -> None:
    row = pattern_of(memory, "comodification")
    assert {row.subject, row.object} <= {"b", "c", "a", "d", "e"}
    both = 0
    for bearing in memory.evidence(row.pattern_id).rest():
        both += bearing.outcome == 1.0
        assert len(bearing.parts) == (2 if bearing.outcome else 1)
        supports = (bearing.outcome == 1.0) == (row.direction > 0)
        assert bearing.role == ("supports" if supports else "contradicts")
    assert both or row.direction < 0


def test_a_cochange_rests_on_the_readings_of_both(memory: MemorySystem) -> None:
    row = pattern_of(memory, "cochange")
    evidence = memory.evidence(row.pattern_id)
    for bearing in evidence.rest():
        ((_, stored),) = evidence.events(bearing)
        assert bearing.values == (stored.payload.values[row.subject], stored.payload.values[row.object])


def test_metrics_are_paired_as_they_were_before_their_act_wrote(memory: MemorySystem) -> None:
    row = pattern_of(memory, "metric_pair")
    evidence = memory.evidence(row.pattern_id)
    rest = list(evidence.rest())
    for bearing in rest:
        ((_, stored),) = evidence.events(bearing)
        assert bearing.values == (stored.payload.metrics[row.subject], stored.payload.metrics[row.object])
    first = memory.query_sql("SELECT min(position) AS first FROM metrics GROUP BY act_id")
    assert {each.position for each in rest} <= {row["first"] for row in first}
    trend = next(each for each in memory.patterns("trend") if each.subject == "drift")
    walked = memory.evidence(trend.pattern_id)
    assert {len(each.values) for each in walked.rest()} == {1}


def test_what_follows_what_is_told_by_the_events_of_both(memory: MemorySystem) -> None:
    row = next(each for each in memory.patterns("sequence") if each.subject == "kind:start")
    evidence = memory.evidence(row.pattern_id)
    categories = {evidence.events(bearing)[0][1].payload.category for bearing in evidence.rest()}
    assert categories == {row.subject.removeprefix("kind:"), row.object.removeprefix("kind:")}


def test_the_blocks_that_tell_most_name_their_first_event_and_their_settlement(memory: MemorySystem) -> None:
    telling = memory.evidence(pattern_of(memory, "cochange").pattern_id).patterns[0].telling
    assert telling
    for bearing in telling:
        assert [part.what for part in bearing.parts] == ["from", "to"]
        assert bearing.parts[0].position < bearing.parts[1].position == bearing.position


# By the same rules as the fold


@pytest.mark.parametrize("alias", ["given", "each"])
def test_a_long_history_with_everything_in_it_is_walked_by_the_rules_of_the_fold(
    histories: ModuleType, alias: str
) -> None:
    history = histories.Wander(seed=3, acts=300, alias=alias).tell()
    with opened(":memory:", history) as memory:
        asked = [row for row in memory.patterns(status=None) if row.kind in ("effect", "impact")]
        assert {row.grade for row in asked} & {"randomised"}
        for row in asked:
            evidence = memory.evidence(row.pattern_id)
            walked = list(evidence.rest())
            # Whether there was a forecast to compare an act without a baseline with, the fold alone knows.
            paired = [each for each in walked if any(part.what == "baseline" for part in each.parts)]
            assert sum(map(usable, paired)) <= row.support <= sum(map(usable, walked))
            assert len(walked) - row.support <= 2
            assert {each.position for each in evidence.patterns[0].telling} <= {each.position for each in walked}


def usable(bearing: Any) -> bool:
    value = bearing.outcome if bearing.outcome is not None else next(iter(bearing.values), None)
    return value is not None and abs(value) < 1e60


def test_what_is_retracted_or_disturbed_or_repeated_is_no_part_of_it(histories: ModuleType) -> None:
    told, draw = histories.History(), random.Random(2)
    told.attach(histories.sharing(["a", "b"]))
    for number in range(40):
        sign = draw.choice((1.0, -1.0))
        told.experiment(f"good {number}", "a", sign, {"loss": 2.0}, {"loss": 2.0 + sign + draw.gauss(0, 0.2)})
    good = told.last
    told.experiment("retracted", "a", 1.0, {"loss": 2.0}, {"loss": 3.0})
    told.retract(told.last)
    told.metrics("disturbed", {"loss": 2.0}, "s")
    told.write("disturbed", "a", 1.0)
    told.write("other", "b", 1.0)
    told.metrics("disturbed", {"loss": 3.0}, "s")
    told.metrics("restored", {"loss": 2.0}, "s")
    told.restored()
    told.write("restored", "a", 1.0)
    told.metrics("restored", {"loss": 3.0}, "s")
    told.metrics("repeated", {"loss": 2.0}, "s")
    told.write("repeated", "a", 1.0)
    told.metrics("repeated", {"loss": 2.0}, "s")
    unmoved = told.last
    told.metrics("repeated", {"loss": 2.0}, "s")
    told.experiment("placebo", "a", 0.0, {"loss": 2.0}, {"loss": 3.0})
    told.experiment("swept", "a", 1.0, {"loss": 2.0}, {"loss": 3.0}, method="sweep")
    told.experiment("other dose", "a", 2.0, {"loss": 2.0}, {"loss": 3.0})
    told.experiment("last", "a", 1.0, {"loss": 2.0}, {"loss": 3.1})
    with opened(":memory:", told) as memory:
        row = next(each for each in memory.patterns("effect") if each.dose == 1.0)
        walked = list(memory.evidence(row.pattern_id).rest())
        assert [each.position for each in walked] == [*range(4, good + 1, 3), unmoved, told.last]
        assert row.support == 42


def test_a_question_asked_anew_rests_on_what_came_since(histories: ModuleType) -> None:
    told, draw = histories.History(), random.Random(2)
    told.attach(histories.sharing(["a", "b"]))

    def acts(effect: float, count: int) -> None:
        for _ in range(count):
            sign = draw.choice((1.0, -1.0))
            after = {"loss": 2.0 + effect * sign + draw.gauss(0, 0.3)}
            told.experiment(f"act {told.last}", "a", sign, {"loss": 2.0}, after)

    acts(1.0, 60)
    acts(-1.0, 120)
    told.define("loss", smallest=0.01)
    defined = told.last
    acts(-1.0, 60)
    with opened(":memory:", told) as memory:
        rows = sorted(memory.patterns("effect", status=None), key=lambda row: row.first_position)
        assert len(rows) == 3
        walks = [[each.position for each in memory.evidence(row.pattern_id).rest()] for row in rows]
    assert [len(walk) for walk in walks] == [row.support for row in rows]
    assert walks[0][-1] < walks[1][0]
    assert walks[1][-1] < defined < walks[2][0]


def test_what_came_before_it_was_said_what_matters_is_no_part_of_it(histories: ModuleType) -> None:
    told, draw = histories.History(), random.Random(2)
    told.attach(histories.sharing(["a"]))
    for number in range(60):
        if number == 5:
            told.define("loss", smallest=0.01)
        if number == 9:
            told.define("loss", smallest=0.01)
        sign = draw.choice((1.0, -1.0))
        told.experiment(f"act {number}", "a", sign, {"loss": 2.0}, {"loss": 2.0 + sign + draw.gauss(0, 0.3)})
    with opened(":memory:", told) as memory:
        row = pattern_of(memory, "effect")
        assert sum(1 for _ in memory.evidence(row.pattern_id).rest()) == row.support == 55


# Stated, and of the map


def test_what_someone_stated_rests_on_how_it_turned_out(database_url: str) -> None:
    with MemorySystem(database_url, actor="ada", seed=3) as memory:
        belief = memory.assert_belief("it holds", credence=0.7)
        theory = memory.form_theory("it falls", direction=-1)
        seen = memory.record_observation("behavior", "seen").position
        memory.validate_belief(belief.belief_id, True, rests_on=seen)
        wrong = memory.validate_belief(belief.belief_id, False)
        memory.make_prediction(theory.theory_id)
        memory.validate_theory(theory.theory_id, -0.5)
        memory.retract(wrong.position, reason="a slip")
        held, proposed = memory.evidence(belief.belief_id), memory.evidence(theory.theory_id)
        rest = [([part.what for part in each.parts], each.role) for each in held.rest()]
        assert rest == [(["assertion"], None), (["rests on", "validation"], "supports")]
        rest = [([part.what for part in each.parts], each.role) for each in proposed.rest()]
        assert rest == [(["proposal"], None), (["prediction"], None), (["validation"], "supports")]
        assert "by ada" in str(held)
        assert "credence of" in str(held)
        assert "1 outcomes were predicted before they came: 1 came as said" in str(proposed)
        memory.make_prediction(theory.theory_id)
        assert memory.evidence(theory.theory_id).open_predictions == 1


def test_that_names_are_one_tensor_rests_on_the_maps_that_say_so(histories: ModuleType) -> None:
    told = histories.History()
    told.attach(histories.sharing(["a", "b"], ["a", "b"]))
    told.note("something else")
    told.change(histories.sharing(["a", "b"]))
    with opened(":memory:", told) as memory:
        (fact,) = memory.beliefs("architectural_fact", status=None)
        evidence = memory.evidence(fact.belief_id)
        assert [(each.position, each.role) for each in evidence.rest()] == [(1, "supports"), (3, "contradicts")]
        assert "read off the sharing map" in str(evidence)


def test_core_principles_are_explained_though_nothing_was_recorded_about_them(database_url: str) -> None:
    with MemorySystem(database_url) as memory:
        memory.record_observation("behavior", "seen")
        (principle, *_) = memory.get_core_principles()
        assert "held absolutely" in memory.explain_belief(principle.belief_id)
        assert list(memory.evidence(principle.belief_id).rest()) == []


# In words, and as data


def test_an_explanation_says_what_is_claimed_how_sure_and_why_with_its_numbers(
    memory: MemorySystem, belief: Any
) -> None:
    words = memory.explain_belief(belief.belief_id)
    evidence = memory.evidence(belief.belief_id)
    assert words == str(evidence)
    row, theory = evidence.patterns[0].row, evidence.theory
    for expected in (
        belief.statement,
        f"from {row.support} outcomes",
        f"{row.effect:+.4g}",
        f"{row.ci_low:+.4g} to {row.ci_high:+.4g}",
        f"({belief.strength})",
        "A coin decided the sign of every write (grade: randomised)",
        f"{theory.predictions} outcomes were predicted before they came: {theory.hits} came as said",
        f"Brier score {theory.brier:.3f}",
        "a and alias are one tensor",
        "Its credence began at",
    ):
        assert expected in words
    strongest = max(evidence.patterns[0].telling, key=lambda each: abs(each.log_factor))
    assert f"outcome {strongest.position} of act {strongest.act_id}" in words
    assert not re.search(r"\bnan\b|\binf\b|None", words)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_its_guarantee_rests_on(memory: MemorySystem, kind: str) -> None:
    row = pattern_of(memory, kind)
    words = memory.explain_pattern(row.pattern_id)
    assert "guaranteed" in words
    assert f"(grade: {row.grade})" in words
    assert "For it to be false" in words
    assert memory.explain_theory(row.pattern_id.replace("pattern", "theory")).count("guaranteed")


def test_evidence_is_json(memory: MemorySystem) -> None:
    for kind in KINDS:
        evidence = memory.evidence(pattern_of(memory, kind).pattern_id)
        assert json.loads(evidence.to_json()) == json.loads(json.dumps(evidence.to_dict()))
        assert [json.dumps(each.to_dict()) for each in evidence.rest()]


def test_what_there_is_not_is_an_error_of_its_kind(memory: MemorySystem, belief: Any) -> None:
    for kind, error in (("pattern", UnknownPattern), ("theory", UnknownTheory), ("belief", UnknownBelief)):
        with pytest.raises(error, match="nothing"):
            memory.evidence(f"{kind}-nothing")
        with pytest.raises(error, match="nothing"):
            getattr(memory, f"explain_{kind}")("nothing")
    with pytest.raises(UnknownPattern):
        memory.explain_pattern(belief.belief_id)
    for wrong in ("nothing", "", None, 3):
        with pytest.raises(InvalidArgument, match="identity"):
            memory.evidence(wrong)  # type: ignore[arg-type]


# Engines, plans and memory


def test_both_engines_give_the_same_evidence_and_the_same_words(
    memory: MemorySystem, histories: ModuleType, postgres_url: str
) -> None:
    with opened(postgres_url, rich(histories)) as other:
        ours, theirs = memory.patterns(status=None), other.patterns(status=None)
        assert [row.pattern_id for row in ours] == [row.pattern_id for row in theirs]
        for row in ours:
            one, two = memory.evidence(row.pattern_id), other.evidence(row.pattern_id)
            assert one.to_json() == two.to_json()
            assert str(one) == str(two)
            assert list(one.rest()) == list(two.rest())


@pytest.mark.parametrize("kind", KINDS)
def test_no_big_table_is_searched_without_an_index(memory: MemorySystem, kind: str) -> None:
    database, asked = memory.store.database, list[tuple[str, Any]]()

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        list(memory.evidence(pattern_of(memory, kind).pattern_id).rest())
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    assert asked
    with database.reading() as connection:
        for statement, parameters in asked:
            if not statement.startswith("SELECT"):
                continue
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            for plan in [row[3] for row in rows]:
                assert not any(re.fullmatch(rf"SCAN {table}( AS \w+)?", plan) for table in BIG), (plan, statement)
                if "act_id IN" in statement and plan.startswith("SEARCH"):
                    assert re.search(r"_act_id\w* \(act_id=\?", plan), (plan, statement)
                assert "TEMP B-TREE" not in plan or not any(table in statement for table in BIG[:5]), (plan, statement)


def test_a_walk_along_three_times_the_outcomes_takes_no_more_memory(histories: ModuleType) -> None:
    """Measured at 300,000 events by benchmarks/evidence.py."""
    peaks = {}
    for acts in (600, 1800):
        told, draw = histories.History(), random.Random(3)
        told.attach(histories.sharing(["a"]))
        for number in range(acts):
            sign = draw.choice((1.0, -1.0))
            after = {"loss": 2.0 + sign + draw.gauss(0, 0.3)}
            told.experiment(f"act {number}", "a", sign, {"loss": 2.0}, after)
        with opened(":memory:", told) as memory:
            evidence = memory.evidence(pattern_of(memory, "effect").pattern_id)
            assert sum(1 for _ in evidence.rest()) == acts
            tracemalloc.start()
            assert sum(1 for _ in evidence.rest()) == acts
            peaks[acts] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    assert peaks[1800] < 1.5 * peaks[600]
