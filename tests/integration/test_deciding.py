"""Should I do this edit? What the record knows is told with its evidence, and nothing that it does not know."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from introspection import SharingMap
from memory import MemorySystem
from memory.errors import AmbiguousModel, InvalidArgument, UnknownName
from memory.query.decision_facts import DecisionContext, Effect, sides
from memory.query.decisions import _of_effects, _recommended

TIED = ["lm_head.weight", "model.embed_tokens.weight"]
LAYERS = [f"model.layers.{number}.mlp.down_proj.weight" for number in range(3)]
SHARING = SharingMap.from_relations(names=[*TIED, *LAYERS, "merged"], same=[TIED], derived={"merged": [LAYERS[2]]})
ACTS = 26


def learned(memory: MemorySystem) -> dict[str, Any]:
    """Learn that scaling the first layer up raises the loss; try other things once or twice."""
    memory.attach(SHARING, name="sim")
    memory.define_metric("loss", better="lower", smallest_effect=0.001)
    drawn = random.Random(4)
    for number in range(ACTS):
        with memory.act(f"scale {number}") as act:
            sign = act.flip()
            before = 2 + drawn.gauss(0, 0.01)
            memory.record_metrics({"loss": before}, sample=f"batch-{number}")
            memory.record_modification(LAYERS[0], {}, method="scale", dose=float(sign), randomised=True, propensity=0.5)
            memory.record_metrics({"loss": before + 0.05 * sign + drawn.gauss(0, 0.004)}, sample=f"batch-{number}")
    recorded: dict[str, Any] = {}
    with memory.act("a try", act_id="tried"):
        memory.record_metrics({"loss": 2.0, "speed": 5.0}, sample="one")
        recorded["tried"] = memory.record_modification(LAYERS[1], {}, method="noise", dose=0.5, reason="to see")
        memory.record_metrics({"loss": 2.2, "speed": 5.0}, sample="one")
    recorded["undone"] = memory.record_modification(LAYERS[1], {}, method="revert", reverts="tried")
    memory.record_metrics({"loss": 2.0})
    recorded["alone"] = memory.record_modification(LAYERS[2], {}, method="noise", dose=2.0)
    memory.record_metrics({"loss": 1.9})
    recorded["constraint"] = memory.assert_belief(
        "the embeddings are not to be scaled", belief_type="constraint", credence=0.9, subject=TIED[1]
    )
    memory.assert_belief("noise is rarely worth it", belief_type="heuristic", credence=0.7)
    return recorded


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def known(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A memory of each engine that has learned something, and what was recorded."""
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    url = server.create() if server is not None else f"sqlite:///{tmp_path_factory.mktemp('deciding') / 'known.db'}"
    with MemorySystem(url, seed=2) as memory:
        yield memory, learned(memory)
    if server is not None:
        server.drop(url)


def reasons(support: Any, weight: str) -> list[str]:
    return [reason.text for reason in support.reasons if reason.weight == weight]


def test_an_edit_whose_whole_interval_is_worse_is_stopped_with_the_numbers(known: Any) -> None:
    support = known[0].get_decision_support({"layer": LAYERS[0], "method": "scale", "dose": 1.0, "metric": "loss"})
    (effect,) = support.effects
    assert support.recommendation == "stop"
    assert effect.verdict == "worse"
    assert 0.001 < effect.ci_low < effect.effect < effect.ci_high
    (pattern,) = known[0].query_patterns("effect")
    assert support.reasons[0].evidence == (pattern.pattern_id,)
    assert [theory.theory_id for theory in support.theories] == [f"theory-{pattern.pattern_id.partition('-')[2]}"]


def test_the_same_edit_the_other_way_round_is_known_to_help(known: Any) -> None:
    support = known[0].get_decision_support({"layer": LAYERS[0], "method": "scale", "dose": -1.0})
    assert support.recommendation == "go"
    assert support.effects[0].ci_high < 0
    assert {edit.dose for edit in support.past_edits if edit.same_storage} == {-1.0}
    assert {edit.verdict for edit in support.past_edits} == {"better"}


def test_without_a_dose_an_effect_that_turns_with_it_speaks_neither_way(known: Any) -> None:
    support = known[0].get_decision_support({"layer": LAYERS[0], "method": "scale"})
    assert support.effects[0].verdict == "unclear"
    assert not any("moves loss" in text for text in reasons(support, "for") + reasons(support, "against"))


def test_an_alias_is_answered_as_the_tensor_it_is(known: Any) -> None:
    for name, other in (TIED, TIED[::-1]):
        support = known[0].get_decision_support({"layer": name})
        assert support.recommendation == "caution"
        assert support.coupling.coupled == (other,)
        assert "constraint: the embeddings are not to be scaled" in reasons(support, "against")


def test_it_agrees_with_what_the_rules_of_safety_say(known: Any) -> None:
    memory = known[0]
    for name in (*TIED, *LAYERS):
        support, verdict = memory.get_decision_support({"layer": name}), memory.safety.check_modification(name)
        assert support.coupling.coupled == verdict.coupled
        assert support.coupling.derived == verdict.derived
        assert support.coupling.storages == verdict.storages
        about = {belief.belief_id for belief in support.beliefs if belief.because == "tensor"}
        assert about == {belief.belief_id for belief in verdict.beliefs}
        assert (verdict.verdict == "warn") == any(
            text.startswith(("it would change", "constraint")) for text in reasons(support, "against")
        )


def test_past_edits_tell_what_the_metrics_did_on_the_same_sample_and_that_they_were_undone(known: Any) -> None:
    memory, recorded = known
    support = memory.get_decision_support({"layer": LAYERS[1], "method": "noise", "dose": 0.4})
    edit, elsewhere = support.past_edits
    assert (edit.position, edit.act_id) == (recorded["tried"].position, "tried")
    told = {outcome.metric: outcome for outcome in edit.outcomes}
    assert told["loss"].change == pytest.approx(0.2)
    assert (told["loss"].verdict, told["speed"].verdict) == ("worse", "same")
    assert edit.undone_position == recorded["undone"].position
    assert support.recommendation == "caution"
    assert elsewhere.position == recorded["alone"].position
    assert not elsewhere.same_storage


def test_a_write_outside_of_acts_is_judged_by_the_values_next_to_it(known: Any) -> None:
    (edit, *_) = known[0].get_decision_support({"layer": LAYERS[2], "method": "noise"}).past_edits
    (outcome,) = edit.outcomes
    assert (outcome.metric, outcome.before, outcome.after, outcome.verdict) == ("loss", 2.0, 1.9, "better")


def test_only_the_metric_that_counts_is_told_of(known: Any) -> None:
    support = known[0].get_decision_support({"layer": LAYERS[1], "method": "noise", "metric": "speed"})
    assert {outcome.metric for edit in support.past_edits for outcome in edit.outcomes} == {"speed"}


def test_core_principles_are_always_there(known: Any) -> None:
    memory = known[0]
    for context in ({"action": "modify"}, "shall I?", {"layer": LAYERS[0]}):
        found = memory.query_for_decision(context)
        assert {"core principle"} <= {belief.because for belief in found}
        assert len([belief for belief in found if belief.strength == "absolute"]) >= 4
    with MemorySystem(":memory:") as empty:
        assert len(empty.get_beliefs_for_context({"action": "modify"})) == 4


def test_words_bring_beliefs_that_speak_of_them(known: Any) -> None:
    said = {belief.statement: belief.because for belief in known[0].get_beliefs_for_context("some noise, maybe")}
    assert said["noise is rarely worth it"] == "words"
    said = {belief.statement for belief in known[0].get_beliefs_for_context("a nois maybe")}
    assert "noise is rarely worth it" not in said


def test_nothing_known_is_said_to_be_unknown(known: Any) -> None:
    support = known[0].get_decision_support({"action": "modify"})
    assert support.recommendation == "unknown"
    assert "no layer was named" in reasons(support, "note")


def test_what_is_computed_from_a_tensor_is_told_and_not_held_against_it(known: Any) -> None:
    support = known[0].get_decision_support({"layer": LAYERS[2]})
    assert support.coupling.derived == ("merged",)
    assert support.coupling.coupled == ()


def test_it_is_a_value_that_tells_itself_in_words_json_and_html(known: Any) -> None:
    support = known[0].get_decision_support({"layer": TIED[0], "method": "scale", "dose": 1})
    told = json.loads(support.to_json())
    assert told["recommendation"] == support.recommendation
    assert told["coupling"]["coupled"] == [TIED[1]]
    assert str(support).startswith(f"caution: modify {TIED[0]} scale dose 1\n")
    assert support.recommendation in support._repr_html_()
    with pytest.raises(AttributeError):
        support.recommendation = "go"


def test_what_cannot_be_understood_is_refused(known: Any) -> None:
    for context in ({"dose": "much"}, {"layer": 7}, 7, {"dose": float("nan")}):
        with pytest.raises(InvalidArgument):
            known[0].get_decision_support(context)
    with pytest.raises(UnknownName):
        known[0].get_decision_support({"layer": "lm_heed.weight"})


def test_an_emergency_and_denied_edits_count_against_it(sqlite_url: str) -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.ModuleDict({"first": torch.nn.Linear(2, 2), "second": torch.nn.Linear(2, 2)})
    with MemorySystem(sqlite_url, seed=1) as memory:
        memory.attach(model, name="tiny")
        memory.attach(SHARING, name="sim")
        with pytest.raises(AmbiguousModel):
            memory.get_decision_support({"layer": LAYERS[0]})
        with (
            pytest.raises(Exception, match="NaN"),
            memory.edit("first.weight", method="scale", model="tiny") as weight,
        ):
            weight.mul_(float("nan"))
        asked = {"layer": "first.weight", "method": "scale", "model": "tiny"}
        support = memory.get_decision_support(asked)
        assert support.recommendation == "caution"
        assert support.failed_edits[0].denied_by
        assert memory.get_decision_support(asked | {"layer": "second.weight"}).failed_edits == ()
        memory.safety.emergency_stop("smoke", model="tiny")
        assert memory.get_decision_support(asked).recommendation == "stop"
        assert not memory.safety.check_modification("first.weight", model="tiny").allowed
        assert memory.get_decision_support({"layer": LAYERS[0], "model": "sim"}).recommendation != "stop"


@pytest.fixture(scope="module")
def tried() -> Iterator[MemorySystem]:
    """Shifts that made accuracy worse one way and better the other; and a write that was put back unmeasured."""
    with MemorySystem(":memory:", seed=2) as memory:
        memory.attach(SHARING, name="sim")
        memory.define_metric("accuracy", better="higher", model="sim")
        memory.define_metric("accuracy", better="lower")
        for dose in (1.0, 1.0, 1.0, -1.0, -1.0):
            with memory.act("shift"):
                memory.record_metrics({"accuracy": 0.5}, sample="one")
                for layer in LAYERS[:2]:
                    memory.record_modification(layer, {}, method="shift", dose=dose)
                memory.record_metrics({"accuracy": 0.5 - dose / 10}, sample="one")
        memory.record_metrics({"accuracy": 0.5}, sample="one")
        memory.record_modification(LAYERS[2], {}, method="noise", dose=1.0)
        memory.record_restore(reason="it was none")
        memory.record_metrics({"accuracy": 0.9}, sample="one")
        yield memory


def test_edits_in_the_other_direction_or_by_another_method_are_no_like_edits(tried: MemorySystem) -> None:
    asked = {"layer": LAYERS[0], "method": "shift", "dose": -0.5}
    support = tried.get_decision_support(asked)
    assert support.recommendation == "go"
    assert reasons(support, "for") == ["of 2 like edits of the same storage 2 made the metrics better and 0 worse"]
    assert tried.get_decision_support(asked | {"dose": 3}).recommendation == "caution"
    assert tried.get_decision_support(asked | {"method": "scale"}).recommendation == "unknown"


def test_what_came_of_an_act_is_told_once_however_many_writes_it_was_made_of(tried: MemorySystem) -> None:
    past = tried.get_decision_support({"layer": "model.layers", "method": "shift"}).past_edits
    assert len(past) == len({edit.act_id for edit in past}) == 5


def test_what_was_measured_after_a_state_was_put_back_is_no_outcome_of_the_write_before(tried: MemorySystem) -> None:
    (edit, *_) = tried.get_decision_support({"layer": LAYERS[2], "method": "noise"}).past_edits
    assert edit.outcomes == ()


def test_a_proposed_theory_is_about_a_tensor_whose_whole_name_it_says(tried: MemorySystem) -> None:
    for name in (LAYERS[1], f"{LAYERS[1]}s"):
        tried.form_theory(f"{name} does it", model="sim")
    (theory,) = tried.get_decision_support({"layer": LAYERS[1]}).theories
    assert theory.hypothesis == f"{LAYERS[1]} does it"


def test_a_metric_means_what_was_said_of_the_model_itself_in_every_answer(tried: MemorySystem) -> None:
    act = tried.query_modifications(LAYERS[0], limit=1)[0].act_id
    (outcome,) = tried.query_sql("SELECT better, verdict FROM act_outcomes WHERE act_id = :act", act=act)
    assert outcome == {"better": "higher", "verdict": "better"}
    assert {row["better"] for row in tried.query_sql("SELECT better FROM metric_series")} == {"higher"}
    assert tried.query.explain_decision(act).outcomes[0].verdict == "better"


def test_an_act_on_two_models_has_the_outcomes_of_each_apart(database_url: str) -> None:
    with MemorySystem(database_url) as memory:
        for name in ("one", "two"):
            memory.attach(SHARING, name=name)
        memory.define_metric("loss", better="lower")
        with memory.act("both", act_id="both"):
            for name, loss in (("one", 1.0), ("two", 5.0)):
                memory.record_metrics({"loss": loss}, model=name, sample="s")
                memory.record_modification(LAYERS[0], {}, method="scale", dose=1.0, model=name)
            for name, loss in (("one", 0.5), ("two", 6.0)):
                memory.record_metrics({"loss": loss}, model=name, sample="s")
        expected = {"one": (1.0, 0.5, "better"), "two": (5.0, 6.0, "worse")}
        for name, told in expected.items():
            (edit,) = memory.get_decision_support({"layer": LAYERS[0], "model": name}).past_edits
            assert [(each.before, each.after, each.verdict) for each in edit.outcomes] == [told]
        assert memory.get_memory_overview().metrics[0].earlier is None
        for view in ("act_outcomes", "write_outcomes"):
            rows = memory.query_sql(f"SELECT model, baseline, outcome, verdict FROM {view}")
            assert {row["model"]: (row["baseline"], row["outcome"], row["verdict"]) for row in rows} == expected
            assert len(rows) == 2
        phases = memory.query_sql("SELECT phase FROM metric_series ORDER BY position")
        assert [row["phase"] for row in phases] == ["baseline"] * 2 + ["outcome"] * 2


def test_no_later_value_stands_in_for_an_outcome_that_is_not_finite() -> None:
    with MemorySystem(":memory:") as memory:
        memory.attach(SHARING, name="sim")
        memory.define_metric("loss", better="lower")
        for act in ("one", None):
            memory.record_metrics({"loss": 1.0}, sample="s", act=act)
            memory.record_modification(LAYERS[0], {}, method="scale", dose=1.0, act=act)
            for value in (float("inf"), 0.5):
                memory.record_metrics({"loss": value}, sample="s", act=act)
        past = memory.get_decision_support({"layer": LAYERS[0]}).past_edits
        assert [edit.outcomes for edit in past] == [(), ()]


def test_who_takes_back_that_an_act_was_undone_has_it_stand(tried: MemorySystem) -> None:
    act = tried.query_modifications(LAYERS[0], limit=1)[0].act_id
    undone = tried.record_modification(LAYERS[0], {}, method="revert", reverts=act)
    asked = {"layer": LAYERS[0], "method": "shift", "dose": -1.0}
    assert tried.get_decision_support(asked).past_edits[0].undone_position == undone.position
    tried.retract(undone.position, reason="it was not")
    assert tried.get_decision_support(asked).past_edits[0].undone_position is None
    assert tried.query.explain_decision(act).undone_position is None
    tried.consolidate()
    (last,) = tried.query_sql(
        "SELECT last_write_position AS at FROM storages_now WHERE storage_key = :key", key=LAYERS[0]
    )
    assert last["at"] < undone.position
    for view in ("act_summary", "layer_history"):
        assert tried.query_sql(f"SELECT DISTINCT reverted FROM {view} WHERE act_id = :act", act=act) == [
            {"reverted": 0}
        ]


@pytest.mark.parametrize(("dose", "recommended"), [(0.2, "go"), (1.0, "stop"), (None, "unknown")])
def test_of_effects_at_several_doses_the_nearest_speaks(dose: float | None, recommended: str) -> None:
    asked = DecisionContext.of({"layer": LAYERS[0], "dose": dose})
    small, large = (
        effect_of(level, low, verdict=verdict) for level, low, verdict in ((0.1, -0.2, "better"), (1.0, 0.1, "worse"))
    )
    if dose is None:
        small, large = (dataclasses.replace(each, verdict="unclear", matters=False) for each in (small, large))
    assert _recommended(tuple(_of_effects((large, small), asked.dose))) == recommended


def effect_of(dose: float, low: float, *, verdict: Any) -> Effect:
    return Effect(
        pattern_id=f"pattern-{dose}", kind="effect", storage=LAYERS[0], metric="loss", method="scale", dose=dose,
        effect=low, ci_low=low, ci_high=low + 0.05, e_value=1e6, grade="randomised", support=50, status="active",
        better="lower", smallest_effect=0.0, verdict=verdict, matters=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "better", "smallest", "said"),
    [
        (0.2, 0.3, "lower", 0.1, ("worse", True)),
        (0.05, 0.3, "lower", 0.1, ("worse", False)),
        (0.2, 0.3, "higher", 0.1, ("better", True)),
        (-0.3, -0.2, "lower", 0.1, ("better", True)),
        (-0.3, 0.2, "lower", 0.0, ("unclear", False)),
        (None, -0.2, "higher", 0.1, ("worse", True)),
        (0.2, None, None, 0.0, ("unclear", False)),
    ],
)
def test_an_interval_says_something_only_as_a_whole(
    low: float | None, high: float | None, better: str | None, smallest: float, said: tuple[str, bool]
) -> None:
    assert sides(low, high, better, smallest) == said


def test_no_field_of_the_overview_is_empty_where_something_is_on_record(known: Any) -> None:
    found = known[0].get_memory_overview()
    assert found.events == known[0].store.head().position == found.last_position
    assert found.by_event_type["metrics_recorded"] == 2 * ACTS + 4
    (model,) = found.models
    assert (model.name, model.tied) == ("sim", (tuple(TIED),))
    assert (found.modifications, found.coupled_modifications) == (ACTS + 3, 0)
    assert {last.metric: last.value for last in found.metrics} == {"loss": 1.9, "speed": 5.0}
    assert found.patterns["effect"] == 1
    assert found.theories == {"causal_model": 1}
    assert found.beliefs["safety_principle"] == 4
    assert found.beliefs["constraint"] == 1
    assert found.strengths["absolute"] == len(found.core_principles) == 4
    assert found.architectural_facts["alias"] >= 1
    assert found.first_position == 1
    assert found.last_occurred_at is not None
    assert json.loads(json.dumps(found.to_dict()))["events"] == found.events
    assert "tied: lm_head.weight = model.embed_tokens.weight" in str(found)
    assert known[0].get_memory_overview(model="other").models == ()


def test_statistics_of_the_record_add_up(known: Any) -> None:
    told = known[0].get_memory_stats()
    assert told["events"] == told["position"] == known[0].store.head().position
    assert told["events_by_model"]["sim"]["metrics_recorded"] == 2 * ACTS + 4
    assert told["bytes"] > 100_000
    assert set(told["projections"].values()) == {told["position"]}


def test_a_briefing_tells_the_most_pressing_first_and_of_everything_something(known: Any) -> None:
    told = known[0].get_briefing(8)
    assert len(told.items) == 8
    assert {item.kind for item in told.items} >= {"belief", "effect", "fact", "metric", "write", "principle"}
    assert len(known[0].get_briefing(3).items) == 3
    assert known[0].get_briefing(8) == told
    with pytest.raises(InvalidArgument):
        known[0].get_briefing(0)


def test_what_is_known_about_a_tensor_begins_with_what_a_write_reaches(known: Any) -> None:
    memory = known[0]
    head = memory.what_do_i_know_about(TIED[0])
    assert head.coupled == (TIED[1],)
    assert "fact" in {found.kind for found in head.claims}
    first = memory.what_do_i_know_about(LAYERS[0], limit=3)
    assert len(first.events) == 3
    assert {"belief", "pattern", "theory"} & {found.kind for found in first.claims}
    assert not memory.what_do_i_know_about("zeppelins")
    assert memory.what_do_i_know_about("what of noise and zeppelins?").claims[0].text == "noise is rarely worth it"


def test_what_was_learned_is_told_since_a_position_or_an_hour(known: Any) -> None:
    memory, recorded = known
    since = memory.what_have_i_learned_recently(since=recorded["alone"].position)
    assert [each.text for each in since] == ["noise is rarely worth it", "the embeddings are not to be scaled"]
    everything = memory.what_have_i_learned_recently(1)
    assert {each.kind for each in everything} == {"belief", "theory", "fact"}
    assert everything[:2] == since
    assert memory.what_have_i_learned_recently(1e-9) == []
    with pytest.raises(InvalidArgument):
        memory.what_have_i_learned_recently(0)


def test_it_consolidates_by_itself_only_when_enough_came(sqlite_url: str) -> None:
    with MemorySystem(sqlite_url) as memory:
        memory.set_consolidation_interval(3)
        for number in range(3):
            assert memory.auto_consolidate_if_needed() is None
            memory.record_observation("behavior", f"seen {number}")
        report = memory.auto_consolidate_if_needed()
        assert report is not None
        assert report.position == 3
        assert memory.auto_consolidate_if_needed() is None
        with pytest.raises(InvalidArgument):
            memory.set_consolidation_interval(0)
