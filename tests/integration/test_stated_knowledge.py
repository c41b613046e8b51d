"""What agents and people state, end to end on each engine: counted once, never lost, the same live and rebuilt."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from introspection import SharingMap
from memory import MemorySystem
from memory.errors import InvalidArgument
from memory.projections.knowledge import KnowledgeProjection

# To be run once the projection of knowledge folds what is stated (`KnowledgeProjection.stated`, `.forecast_of`).
pytestmark = pytest.mark.skipif(
    not hasattr(KnowledgeProjection, "stated"), reason="the projection of knowledge does not fold what is stated yet"
)

TABLES = ("theories", "beliefs", "belief_revisions", "registered_predictions")
THREADS, ROUNDS = 8, 6


@pytest.fixture
def memory(database_url: str) -> Iterator[MemorySystem]:
    with MemorySystem(database_url, durability="normal", actor="ada", seed=3) as opened:
        yield opened


def everything(memory: MemorySystem) -> dict[str, list[str]]:
    return {name: sorted(repr(dict(row)) for row in memory.query_sql(f"SELECT * FROM {name}")) for name in TABLES}


def test_what_is_stated_is_the_same_live_and_rebuilt(memory: MemorySystem) -> None:
    theory = memory.form_theory("it rises", direction=1).theory_id
    belief = memory.assert_belief("it holds", tags=["ü", "b"], importance=0.7)
    for number in range(12):
        seen = memory.record_observation("behavior", "seen", data={"n": number}).position
        if number % 3 == 0:
            memory.make_prediction(theory, {"n": number, "limit": float("inf")})
        memory.validate_theory(theory, 0.1 * (number - 2), key=f"t{number}")
        memory.validate_belief(belief.belief_id, number % 4 != 0, rests_on=seen)
        memory.consolidate()
    memory.retract(seen, reason="another run")
    memory.retract(memory.validate_theory(theory, -9.0).position, reason="a slip")
    memory.retract(memory.assert_belief("a slip of the tongue").position, reason="a slip")
    memory.consolidate()
    live = everything(memory)
    assert all(live.values())
    memory.rebuild()
    assert everything(memory) == live
    assert memory.verify().ok


def test_consolidating_three_times_on_the_same_observations_changes_nothing(memory: MemorySystem) -> None:
    """Wrong before: it made beliefs at confidence 1.0."""
    belief = memory.assert_belief("it holds", credence=0.6).belief_id
    theory = memory.form_theory("it rises").theory_id
    seen = [memory.record_observation("behavior", "seen").position for _ in range(14)]

    def tell() -> dict[str, list[str]]:
        for position in seen:
            memory.validate_belief(belief, True, rests_on=position, key=f"b{position}")
            memory.validate_theory(theory, True, rests_on=position, key=f"t{position}")
        memory.consolidate()
        return everything(memory)

    once = tell()
    assert tell() == tell() == once
    assert memory.get_belief(belief).credence == pytest.approx((2.4 + 14) / 18)
    assert memory.get_belief(belief).strength == "tentative"


def test_validations_made_at_once_are_all_counted(memory: MemorySystem) -> None:
    """Wrong before: concurrent validations were lost."""
    belief = memory.assert_belief("it holds").belief_id
    theory = memory.form_theory("it rises", probability=0.5).theory_id
    principle = memory.get_core_principles()[0].belief_id
    begin = threading.Barrier(THREADS)

    def work(thread: int) -> None:
        begin.wait()
        for number in range(ROUNDS):
            memory.validate_belief(belief, (thread + number) % 2 == 0)
            memory.validate_theory(theory, (thread + number) % 2 == 0)
            memory.validate_belief(principle, False)
            memory.make_prediction(theory)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    told = THREADS * ROUNDS
    held = memory.get_belief(belief)
    assert (held.supports, held.contradicts) == (told // 2, told // 2)
    assert held.credence == pytest.approx((3.6 + told // 2) / (4 + told))
    scored = memory.get_theory(theory)
    assert (scored.predictions, scored.hits) == (told, told // 2)
    kept = memory.get_belief(principle)
    assert (kept.contradicts, kept.strength, kept.status, kept.credence) == (told, "absolute", "active", 1.0)
    assert len(memory.belief_history(belief)) == len(memory.belief_history(principle)) == told + 1
    assert len(memory.query_sql("SELECT * FROM registered_predictions")) == told
    live = everything(memory)
    memory.rebuild()
    assert everything(memory) == live


def test_the_core_principles_are_there_and_outcomes_never_erase_them(memory: MemorySystem) -> None:
    memory.attach(SharingMap.from_relations(names=["a"]), name="m")
    principles = memory.get_core_principles()
    assert len(principles) == 4
    for principle in principles:
        for _ in range(5):
            memory.validate_belief(principle.belief_id, False)
    assert [each.belief_id for each in memory.get_core_principles()] == [each.belief_id for each in principles]
    own = memory.assert_belief("never on Fridays", "value", core=True)
    assert [each.statement for each in memory.get_core_principles()][-1] == "never on Fridays"
    memory.retract(own.position, reason="we do, by now")
    assert len(memory.get_core_principles()) == 4


def test_beliefs_are_found_by_what_they_are(memory: MemorySystem) -> None:
    memory.attach(SharingMap.from_relations(names=["a"]), name="m")
    firm = memory.assert_belief("firm", "fact", 0.97, importance=0.9, tags=["x", "y"]).belief_id
    loose = memory.assert_belief("loose", "fact", 0.6, importance=0.1, tags=["x"], model="m").belief_id
    weak = memory.assert_belief("weak", "value", 0.2, tags=["x"]).belief_id

    def found(**asked: Any) -> list[str]:
        return [each.belief_id for each in memory.get_beliefs(**{"tags": ["x"], **asked})]

    assert found() == [firm, loose]
    assert found(tags=["y", "x"]) == [firm]
    assert found(strength="confident") == [firm]
    assert found(min_confidence=0.6, min_importance=0.1) == [firm, loose]
    assert found(min_confidence=0.61) == [firm]
    assert found(min_importance=0.2) == [firm]
    assert found(belief_type="value", status=None) == found(status="weakened") == [weak]
    assert found(model="m") == [firm, loose]
    assert found(model="n") == [firm]
    for asked in ({"belief_type": "x"}, {"strength": "x"}, {"status": "x"}, {"tags": "x"}, {"min_confidence": 2}):
        with pytest.raises(InvalidArgument, match=next(iter(asked))):
            memory.get_beliefs(**asked)  # type: ignore[arg-type]


def test_theories_are_found_by_what_they_are(memory: MemorySystem) -> None:
    good = memory.form_theory("good", "structural").theory_id
    bad = memory.form_theory("bad", "constraint").theory_id
    memory.validate_theory(good, True)
    for _ in range(3):
        memory.validate_theory(bad, False)
    assert [each.theory_id for each in memory.get_theories()] == [good]
    assert [each.theory_id for each in memory.get_theories(status=None, source="proposed")] == [good, bad]
    assert memory.get_theories(source="data", status=None) == []
    assert [each.theory_id for each in memory.get_theories("constraint", status=None)] == [bad]
    assert [each.theory_id for each in memory.get_theories(min_predictions=2, status=None)] == [bad]
    assert memory.get_theory(good).proposed_by == "ada"
    for asked in ({"theory_type": "x"}, {"source": "x"}, {"status": "x"}, {"min_predictions": "x"}):
        with pytest.raises(InvalidArgument, match=next(iter(asked))):
            memory.get_theories(**asked)  # type: ignore[arg-type]


def taught(memory: MemorySystem, acts: int) -> None:
    """Scale a storage up or down by a coin; the loss follows the sign."""
    for number in range(acts):
        with memory.act(f"scale {number}") as act:
            sign = act.flip()
            memory.record_metrics({"loss": 2.0}, sample=str(number))
            memory.record_modification("a", dose=sign, method="scale")
            memory.record_metrics({"loss": 2.0 + 0.1 * sign + 0.001 * (number % 7)}, sample=str(number))


def test_a_person_who_contradicts_what_the_data_earned_is_told_so(memory: MemorySystem) -> None:
    memory.attach(SharingMap.from_relations(names=["a", "b"], same=[["a", "b"]]), name="m")
    taught(memory, 60)
    (earned,) = [each for each in memory.beliefs() if each.source == "earned" and each.kind == "effect"]
    asserted = memory.assert_belief("scaling b up lowers loss", subject="b", object="loss", direction=-1, kind="effect")
    memory.assert_belief("scaling b up raises loss", subject="b", object="loss", direction=1)
    (conflict,) = [each for each in memory.detect_conflicts(model="m") if each.second.source == "earned"]
    assert (conflict.first.belief_id, conflict.second.belief_id) == (asserted.belief_id, earned.belief_id)
    assert earned.statement in conflict.words
    with pytest.raises(InvalidArgument) as refused:
        memory.validate_belief(earned.belief_id, False)
    assert "of the data" in refused.value.remedy


def test_a_prediction_of_a_theory_of_the_data_is_scored_by_the_first_outcome_after_it(memory: MemorySystem) -> None:
    memory.attach(SharingMap.from_relations(names=["a"]), name="m")
    taught(memory, 60)
    theory = memory.get_theories(source="data")[0]
    prediction = memory.make_prediction(theory.theory_id, {"why": "curious"})
    assert 0.5 < prediction.probability < 1
    assert prediction.interval() is not None
    with pytest.raises(InvalidArgument) as refused:
        memory.validate_theory(theory.theory_id, True)
    assert "of the data" in refused.value.remedy
    taught(memory, 2)
    memory.consolidate()
    (row,) = memory.query_sql("SELECT * FROM registered_predictions")
    assert row["outcome_position"] == prediction.position + 3
    assert row["hit"] is not None
    assert row["model"] == "m"
    memory.retract(row["outcome_position"], reason="the sample was mixed up")
    memory.consolidate()
    (after,) = memory.query_sql("SELECT * FROM registered_predictions")
    assert after["outcome_position"] == prediction.position + 6
    live = everything(memory)
    memory.rebuild()
    assert everything(memory) == live


def test_what_is_held_goes_on_across_a_rollover_with_who_said_it(database_url: str, tmp_path: Path) -> None:
    with MemorySystem(database_url, actor="ada") as memory:
        memory.assert_belief("never on Fridays", "value", core=True)
        memory.assert_belief("never on Fridays", "value", 0.4, tags=["late"])
        memory.retract(memory.assert_belief("a slip of the tongue").position, reason="a slip")
        theory = memory.form_theory("it rises").theory_id
        memory.validate_theory(theory, False)
        memory.rollover(tmp_path / "new.db", actor="the night shift")
    with MemorySystem(tmp_path / "new.db", actor="grace") as memory:
        memory.consolidate()
        (held,) = [each for each in memory.beliefs() if each.source == "asserted"]
        assert (held.statement, held.asserted_by, held.tags) == ("never on Fridays", "ada", ["late"])
        assert (held.strength, held.credence) == ("absolute", 1.0)
        (proposed,) = memory.get_theories()
        assert (proposed.theory_id, proposed.proposed_by, proposed.predictions) == (theory, "ada", 0)
        assert len(memory.get_core_principles()) == 5
