"""From a belief to the very events and back, by every name there is for it; in words, as data and as a page."""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from memory import MemorySystem
from memory.errors import InvalidArgument, UnknownBelief, UnknownPattern


def told(memory: MemorySystem, histories: ModuleType) -> None:
    """Record a tied tensor that moves the loss, one tensor that moves nothing, and an edit that was denied."""
    draw = random.Random(1)
    memory.attach(histories.sharing(["a", "b", "c"], ["a", "b"]), name="m")
    memory.define_metric("loss", better="lower", smallest_effect=0.01)
    for number in range(45):
        sign, loss = draw.choice((1.0, -1.0)), 2.0 + draw.gauss(0.0, 0.1)
        name = draw.choice(("a", "b", "a", "b", "c"))
        with memory.batch(), memory.act(act_id=f"act-{number}"):
            memory.record_metrics({"loss": loss}, sample=f"s{number}")
            memory.record_modification(name, method="scale", dose=sign, randomised=True, propensity=0.5)
            loss += (0.0 if name == "c" else 3.0 * sign) + draw.gauss(0.0, 0.3)
            memory.record_metrics({"loss": loss}, sample=f"s{number}")
    memory.record_modification("a", method="revert", reverts="act-44")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def memory(
    request: pytest.FixtureRequest, histories: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MemorySystem]:
    if request.param == "sqlite":
        url, server = str(tmp_path_factory.mktemp("traced") / "traced.db"), None
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.create()
    with MemorySystem(url, durability="normal", actor="ada", seed=3) as known:
        told(known, histories)
        known.consolidate()
        yield known
    if server is not None:
        server.drop(url)


@pytest.fixture
def belief(memory: MemorySystem) -> Any:
    (found,) = memory.beliefs("causal_law")
    return found


# Down to the events


def test_a_belief_is_traced_to_the_very_events_it_rests_on(memory: MemorySystem, belief: Any) -> None:
    (pattern,) = memory.patterns("effect")
    events = memory.trace_belief_to_observations(belief.belief_id, limit=None)
    assert [event.position for event in events] == sorted({event.position for event in events})
    assert len([event for event in events if event.what == "outcome"]) == pattern.support
    for event in events:
        (stored,) = memory.store.read(after=event.position - 1, until=event.position)
        assert (event.event_type, event.act_id) == (stored.event_type, stored.act_id)
    outcome = next(event for event in events if event.what == "outcome")
    (stored,) = memory.store.read(after=outcome.position - 1, until=outcome.position)
    assert f"{stored.payload.metrics['loss']:.4g}" in outcome.happened
    assert outcome.says.startswith("supports")
    write = next(event for event in events if event.what == "write")
    assert re.search(r"scale by [+-]1 of [ab], which is also [ab]", write.happened)
    assert events.metadata["more"] is False


def test_no_more_events_are_read_than_are_asked_for(memory: MemorySystem, belief: Any) -> None:
    every = memory.trace_belief_to_observations(belief.belief_id, limit=None)
    some = memory.trace_belief_to_observations(belief.belief_id, limit=7)
    assert some == every[:7]
    assert some.metadata["more"] is True
    assert memory.trace_belief_to_observations(belief.belief_id, limit=len(every)).metadata["more"] is False


def test_why_a_belief_was_formed_names_the_event_that_formed_it(memory: MemorySystem, belief: Any) -> None:
    words = memory.why_belief_formed(belief.belief_id)
    first = memory.belief_history(belief.belief_id)[0]
    assert f"formed at position {first.position} (metrics_recorded of act act-" in words
    assert first.reason in words
    theory = memory.get_theory(belief.theory_id)
    met = memory.query_sql(
        "SELECT count(*) AS n FROM predictions WHERE theory_id = :t AND position <= :p",
        t=theory.theory_id,
        p=first.position,
    )
    assert f"predicted {met[0]['n']} outcomes by then" in words
    (principle, *_) = memory.get_core_principles()
    assert "ships with every record" in memory.why_belief_formed(principle.belief_id)
    (tie,) = memory.beliefs("architectural_fact")
    assert "formed at position 1 (model_attached, " in memory.why_belief_formed(tie.belief_id)


# And back


def test_events_are_traced_to_the_patterns_they_are_evidence_of(memory: MemorySystem, belief: Any) -> None:
    (pattern,) = memory.patterns("effect")
    events = memory.trace_belief_to_observations(belief.belief_id, limit=None)
    telling = {part.position for each in memory.evidence(belief.belief_id).patterns[0].telling for part in each.parts}
    *_, quiet = (event.position for event in events if event.position not in telling)
    for position in (quiet, max(telling)):
        assert pattern.pattern_id in {row.pattern_id for row in memory.find_patterns_from_observations(position)}
    of_c = memory.query_sql("SELECT position FROM modifications WHERE primary_layer = 'c' ORDER BY position")
    assert memory.find_patterns_from_observations([row["position"] for row in of_c][:1]) == []
    assert memory.find_patterns_from_observations([]) == []


def test_patterns_theories_and_beliefs_are_found_from_one_another(memory: MemorySystem, belief: Any) -> None:
    (pattern,) = memory.patterns("effect")
    (theory,) = memory.find_theories_from_patterns(pattern.pattern_id)
    assert theory.theory_id == belief.theory_id
    assert memory.find_theories_supporting_belief(belief.belief_id) == [theory]
    assert memory.find_theories_from_patterns(["pattern-other"]) == []
    (principle, *_) = memory.get_core_principles()
    assert memory.find_theories_supporting_belief(principle.belief_id) == []
    assert memory.trace_to_evidence(belief.belief_id).theory == theory
    assert memory.find_contradictions() == memory.detect_conflicts()


def test_related_patterns_have_an_end_in_common(histories: ModuleType) -> None:
    history, draw = histories.History(), random.Random(1)
    history.attach(histories.sharing(["a", "b", "c"]))
    for number in range(70):
        name, sign = draw.choice("abc"), draw.choice((1.0, -1.0))
        before = {"loss": 2.0, "other": 1.0}
        after = {
            "loss": 2.0 + {"a": 3.0, "b": 3.0, "c": 0.0}[name] * sign + draw.gauss(0.0, 0.2),
            "other": 1.0 + {"a": 0.0, "b": 0.0, "c": 3.0}[name] * sign + draw.gauss(0.0, 0.2),
        }
        history.experiment(f"act {number}", name, sign, before, after)
    with MemorySystem(":memory:") as memory:
        memory.store.append(history.events)
        found = {(row.subject, row.object): row.pattern_id for row in memory.patterns("effect")}
        assert found.keys() == {("a", "loss"), ("b", "loss"), ("c", "other")}
        related = memory.find_related_patterns(found["a", "loss"])
        assert found["b", "loss"] in {row.pattern_id for row in related}
        assert {found["c", "other"], found["a", "loss"]}.isdisjoint(row.pattern_id for row in related)
        asked = memory.get_patterns("effect", ["loss", "b"])
        assert [row.pattern_id for row in asked] == [found["b", "loss"]]


def test_patterns_are_chosen_by_kind_tags_confidence_and_support(memory: MemorySystem) -> None:
    (pattern,) = memory.patterns("effect")
    assert memory.get_pattern(pattern.pattern_id) == pattern
    assert memory.get_patterns("effect", ["loss", "scale", "randomised"]) == [pattern]
    assert memory.get_patterns(tags=["c"]) == []
    sure = 1.0 - 1.0 / pattern.e_value
    assert pattern in memory.get_patterns(min_confidence=sure - 1e-9, min_support=pattern.support)
    assert pattern not in memory.get_patterns(min_support=pattern.support + 1)
    assert memory.get_patterns(min_confidence=1.0) == []
    assert memory.get_patterns(status="retracted") == []
    assert memory.get_patterns(model="another") == []


def test_what_is_found_by_itself_is_not_found_twice(memory: MemorySystem) -> None:
    for _ in range(2):
        assert memory.detect_patterns("effect") == memory.patterns("effect")
        assert memory.build_theories() == memory.theories()
        assert memory.form_beliefs() == memory.beliefs()


def test_what_there_is_not_is_refused(memory: MemorySystem) -> None:
    for wrong in ("pattern-x", 3, None):
        with pytest.raises(UnknownPattern):
            memory.get_pattern(wrong)
    with pytest.raises(UnknownPattern):
        memory.find_related_patterns("pattern-x")
    for ask in (memory.why_belief_formed, memory.trace_belief_to_observations, memory.find_theories_supporting_belief):
        with pytest.raises(UnknownBelief):
            ask("belief-x")
    for arguments in ({"pattern_type": "magic"}, {"min_confidence": 2.0}, {"status": "old"}, {"tags": 3}):
        with pytest.raises(InvalidArgument):
            memory.get_patterns(**arguments)
    with pytest.raises(InvalidArgument, match="format"):
        memory.explain_belief("belief-x", format="pdf")


# Decisions


def test_a_decision_is_explained_by_what_was_believed_just_before_it(memory: MemorySystem, belief: Any) -> None:
    formed = memory.belief_history(belief.belief_id)[0].position
    writes = memory.query_sql("SELECT act_id, position FROM modifications WHERE storage_key = 'a' ORDER BY position")
    early = next(row for row in writes if row["act_id"])
    late = next(row for row in writes if row["position"] > formed + 3)
    assert belief.belief_id not in {each.identity for each in memory.explain_decision(early["act_id"]).believed}
    decision = memory.explain_decision(late["act_id"])
    assert (decision.position, decision.as_of) == (late["position"], late["position"] - 1)
    held = next(each for each in decision.believed if each.identity == belief.belief_id)
    with memory.query.as_of(decision.as_of) as then:
        assert held.statement == then.get_belief(belief.belief_id).statement != belief.statement
    assert memory.explain_decision(late["position"]) == decision


def test_what_followed_a_decision_stands_beside_what_was_foretold(memory: MemorySystem, belief: Any) -> None:
    before = memory.explain_decision("act-43")
    decision = memory.explain_decision("act-44")
    (outcome,) = decision.outcomes
    rows = memory.query_sql("SELECT position, value FROM metrics WHERE act_id = 'act-44' ORDER BY position")
    assert [(row["position"], row["value"]) for row in rows] == [
        (outcome.baseline_position, outcome.before),
        (outcome.outcome_position, outcome.after),
    ]
    assert decision.undone_position == memory.store.head().position
    (foretold,) = (*before.foretold, *decision.foretold)[-1:]
    assert (foretold.theory_id, foretold.hit) == (belief.theory_id, True)
    assert "it came as said" in f"{before}{decision}"


def test_what_safety_said_of_a_decision_is_part_of_it(histories: ModuleType) -> None:
    with MemorySystem(":memory:") as memory:
        memory.attach(histories.sharing(["a"]), name="m")
        with memory.act(act_id="bold"):
            memory.record_modification("a", method="scale", dose=1.0)
            memory.safety.emergency_stop("it grew too much")
        decision = memory.explain_decision("bold")
        assert [alert.event_type for alert in decision.alerts] == ["safety_alert"]
        assert "it grew too much" in str(decision)


def test_a_decision_reads_as_words_as_json_and_as_html(memory: MemorySystem) -> None:
    decision = memory.explain_decision("act-44")
    assert json.loads(decision.to_json()) == json.loads(json.dumps(decision.to_dict()))
    for words in ("What was believed", "What safety said", "What followed"):
        assert words in str(decision)
        assert words in decision.to_html()
    for wrong in ("no such act", 1, None, True):
        with pytest.raises(InvalidArgument, match="act"):
            memory.explain_decision(wrong)


# As a page


class Page(HTMLParser):
    """What is on a page: its elements, its headings, its captions."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words: dict[str, list[str]] = {}
        self.scopes: list[str | None] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        if tag == "th":
            self.scopes.append(dict(attributes).get("scope"))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.words.setdefault(self.open[-1], []).append(data)


def test_an_explanation_is_a_fragment_with_every_step_down_to_the_events(memory: MemorySystem, belief: Any) -> None:
    evidence = memory.evidence(belief.belief_id)
    text = memory.explain_belief(belief.belief_id, format="html")
    assert text == evidence.to_html() == evidence._repr_html_()
    page = Page(text)
    assert page.open == []
    assert page.words["h3"] == ["In words", "Belief", "Theory", "Pattern", "Statistics", "Ruled out", "Events"]
    assert page.tags.count("table") == page.tags.count("caption")
    assert set(page.scopes) <= {"row", "col"}
    assert not {"script", "link", "img"} & set(page.tags)
    assert "http" not in text
    cells = " ".join(page.words["td"])
    for event in evidence.told():
        assert str(event.position) in cells
        assert event.happened in cells
    assert belief.statement in cells


def test_the_events_that_tell_most_are_in_the_words_and_in_the_data(memory: MemorySystem, belief: Any) -> None:
    evidence = memory.evidence(belief.belief_id)
    strongest, *_ = sorted(evidence.patterns[0].telling, key=lambda each: (-abs(each.log_factor), each.position))
    first = evidence.told()[:3]
    assert [(event.what, event.position) for event in first] == [tuple(part) for part in strongest.parts]
    words = memory.explain_belief(belief.belief_id)
    for event in first:
        assert f"{event.position}  {event.occurred_at}  {event.event_type}, act {event.act_id}: {event.what}" in words
    data = json.loads(memory.explain_belief(belief.belief_id, format="json"))
    assert [event["position"] for event in data["events"]] == [event.position for event in evidence.told()]
    (pattern,) = memory.patterns("effect")
    assert json.loads(memory.explain_pattern(pattern.pattern_id, format="json"))["kind"] == "pattern"
    assert json.loads(memory.explain_theory(belief.theory_id, format="json"))["kind"] == "theory"


def test_a_hostile_name_stays_text_on_the_page(histories: ModuleType) -> None:
    with MemorySystem(":memory:") as memory:
        held = memory.assert_belief("<script>alert(1)</script>", credence=0.7)
        text = memory.explain_belief(held.belief_id, format="html")
        assert "<script" not in text
        assert "&lt;script&gt;" in text
        assert Page(text).words["h3"] == ["In words", "Belief", "Events"]


# Files


@pytest.mark.parametrize("of", ["patterns", "theories", "beliefs"])
def test_what_is_known_goes_to_files(memory: MemorySystem, tmp_path: Path, of: str) -> None:
    export, rows = getattr(memory, f"export_{of}"), getattr(memory, of)(status=None)
    assert json.loads(export(tmp_path / "x.json").read_text()) == json.loads(json.dumps(rows.to_dicts()))
    with export(tmp_path / "x.csv").open(newline="") as file:
        read = list(csv.reader(file))
    assert read[0] == rows.metadata["columns"]
    assert len(read) == len(rows) + 1
    assert export(tmp_path / "x.parquet").stat().st_size
    with pytest.raises(InvalidArgument, match="path"):
        export(tmp_path / "x.docx")
