"""What was known at an earlier position: every question, answered as it was then; and what has changed since."""

from __future__ import annotations

import datetime
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from memory import MemorySystem
from memory.errors import DatabaseError, InvalidArgument, QueryError

EVENTS = "SELECT position, event_id, event_type, stream, version, recorded_at FROM events ORDER BY position"
TABLES = ("modifications", "metrics", "evidence", "predictions", "storages", "affected_layers", "metric_definitions")


def answers(asked: Any) -> dict[str, Any]:
    """Ask everything there is to ask of what is known, as plain data."""
    rows = {
        "patterns": asked.patterns(status=None),
        "theories": asked.theories(status=None),
        "beliefs": asked.beliefs(status=None),
        "facts": asked.architectural_facts(),
        "core": asked.get_core_principles(),
        "events": asked.query_sql(EVENTS),
        "alerts": asked.query_sql("SELECT * FROM safety_alerts"),
    }
    known = {name: answer.to_dicts() for name, answer in rows.items()}
    for table in TABLES:
        known[table] = sorted(plain(row) for row in asked.query_sql(f"SELECT * FROM {table}"))
    for row in rows["patterns"]:
        evidence = asked.evidence(row.pattern_id)
        known[row.pattern_id] = evidence.to_dict(), [each.to_dict() for each in evidence.rest()], str(evidence)
    for row in rows["beliefs"]:
        known[row.belief_id] = asked.explain_belief(row.belief_id), asked.belief_history(row.belief_id).to_dicts()
    return known


def plain(row: Any) -> str:
    """Give a row as both engines do: JSON and truth values are told apart by one of them only."""

    def told(value: Any) -> Any:
        if isinstance(value, str) and value[:1] in ("[", "{"):
            return json.loads(value)
        return int(value) if isinstance(value, bool) else value

    return json.dumps({name: told(value) for name, value in row.items()}, sort_keys=True)


def steady(histories: ModuleType) -> Any:
    """Tell of a tied tensor that moves the loss, and of three records of it that turn out to be wrong."""
    told, draw = histories.History(), random.Random(1)
    told.attach(histories.sharing(["a", "b", "c"], ["a", "b"]))
    told.define("loss", 0.01)
    for number in range(38):
        sign, loss = draw.choice((1.0, -1.0)), 2.0 + draw.gauss(0.0, 0.1)
        name = draw.choice(("a", "b", "a", "b", "a", "b", "c"))
        after = loss + (0.0 if name == "c" else 3.0 * sign) + draw.gauss(0.0, 0.3)
        told.experiment(f"act {number}", name, sign, {"loss": loss}, {"loss": after})
        if number == 31:
            told.retract(5)
        if number == 35:
            told.correct(told.last, {"loss": loss - 3.0}, reason="mistyped")
    told.retract(8, reason="the wrong file was read")
    return told


def appended(memory: MemorySystem, history: Any, after: int, until: int, size: int = 1000) -> None:
    for start in range(after, until, size):
        memory.store.append(history.events[start : min(start + size, until)])


@pytest.fixture(scope="module")
def known(histories: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemorySystem]:
    """A memory of the steady history, every event an append of its own."""
    history = steady(histories)
    with MemorySystem(tmp_path_factory.mktemp("known") / "known.db", durability="normal") as memory:
        appended(memory, history, 0, len(history.events), 1)
        yield memory


# As it was


@pytest.mark.parametrize(("engine", "which"), [("postgres_url", "steady"), ("sqlite_url", "random")])
def test_every_question_is_answered_as_a_memory_that_stood_there_answered_it(
    request: pytest.FixtureRequest, histories: ModuleType, engine: str, which: str
) -> None:
    history = steady(histories) if which == "steady" else histories.Wander(seed=5, acts=12, amended=0.4).tell()
    end = len(history.events)
    stops = [2 * end // 3, end - 1, end]
    stood: dict[int, Any] = {}
    with MemorySystem(request.getfixturevalue(engine), durability="normal") as memory:
        for before, stop in zip([0, *stops], stops, strict=False):
            appended(memory, history, before, stop, 7)
            stood[stop] = answers(memory)
        for stop in stops[:2]:
            with memory.query.as_of(stop) as then:
                assert then.position == stop
                told = answers(then)
                assert told.keys() == stood[stop].keys()
                for name, answer in told.items():
                    assert answer == stood[stop][name], name
        assert answers(memory) == stood[end]


def test_what_was_retracted_later_still_stands_there(known: MemorySystem) -> None:
    head = known.store.head().position
    with known.query.as_of(head - 1) as then:
        (before,) = then.patterns("effect")
        assert then.query_sql("SELECT count(*) AS n FROM metrics WHERE retracted_position IS NOT NULL")[0]["n"] == 1
    (now,) = known.patterns("effect")
    assert before.support == now.support + 1


def test_a_position_within_an_append_counts_up_to_there_and_no_further(
    histories: ModuleType, known: MemorySystem
) -> None:
    history = steady(histories)
    with MemorySystem(":memory:") as memory:
        appended(memory, history, 0, len(history.events))
        with memory.query.as_of(61) as then, known.query.as_of(61) as other:
            assert then.patterns(status=None) == other.patterns(status=None)
            assert then.query_sql("SELECT max(last_position) AS last FROM appends") == [{"last": 61}]
            same = memory.query_sql("SELECT event_id FROM events WHERE position <= 61 ORDER BY position")
            assert then.query_sql("SELECT event_id FROM events ORDER BY position") == same


def test_every_answer_says_what_it_is_as_of(known: MemorySystem) -> None:
    head = known.store.head().position
    of_claims = (
        "patterns theories beliefs get_patterns get_theories get_beliefs query_patterns query_theories query_beliefs"
    )
    of_others = "architectural_facts get_core_principles detect_conflicts query_observations query_modifications"
    asked: dict[str, tuple[Any, ...]] = {
        **dict.fromkeys(f"{of_claims} {of_others}".split(), ()),
        "query_sql": ("SELECT 1 AS one",),
        "search_text": ("scale",),
        "get_beliefs_for_context": ({"layer": "a"},),
    }
    with known.query.as_of(60) as then:
        for asking, position in ((then, 60), (known, head), (known.query, head)):
            for question, arguments in asked.items():
                answer = getattr(asking, question)(*arguments)
                assert answer.metadata["as_of"] == position, question


def test_of_late_is_counted_back_from_then(tmp_path: Path) -> None:
    with MemorySystem(tmp_path / "late.db") as memory:
        held = memory.assert_belief("seeds matter", credence=0.6)
        time.sleep(0.1)
        moment = 0.05 / 3600
        assert memory.what_have_i_learned_recently(hours=moment) == []
        with memory.query.as_of(held.position) as then:
            assert [each.identity for each in then.what_have_i_learned_recently(hours=moment)][:1] == [held.belief_id]


# Which position


def test_a_time_means_the_last_append_recorded_at_or_before_it(known: MemorySystem) -> None:
    (row,) = known.query_sql("SELECT recorded_at FROM events WHERE position = 90")
    at = datetime.datetime.fromisoformat(row["recorded_at"])
    with known.query.as_of(at) as then:
        assert then.position >= 90
        (later,) = known.query_sql("SELECT min(recorded_at) AS at FROM events WHERE position > :p", p=then.position)
        assert later["at"] > row["recorded_at"]
    with known.query.as_of(row["recorded_at"]) as then_by_text:
        assert then_by_text.position == then.position
    with known.query.as_of("1971-01-01T00:00:00Z") as never:
        assert never.position == 0
        assert never.patterns(status=None) == never.beliefs() == []
    with known.query.as_of(datetime.datetime(2999, 1, 1, tzinfo=datetime.UTC)) as now:
        assert now.position == known.store.head().position


@pytest.mark.parametrize("wrong", [-1, 10**9, True, 1.5, None, "yesterday", "2026-01-01T00:00:00"])
def test_what_is_no_position_and_no_time_of_this_log_is_refused(known: MemorySystem, wrong: Any) -> None:
    with pytest.raises(InvalidArgument, match="moment"):
        known.query.as_of(wrong)


def test_from_an_earlier_position_one_sees_further_back_and_not_ahead(known: MemorySystem) -> None:
    with known.query.as_of(90) as then:
        with then.as_of(60) as before:
            assert before.query_sql("SELECT max(position) AS p FROM events") == [{"p": 60}]
        assert then.diff(60).last == 90
        with pytest.raises(InvalidArgument, match="91"):
            then.as_of(91)
        assert then.as_of("2999-01-01T00:00:00Z").position == 90


def test_a_log_that_goes_on_from_another_is_asked_from_where_it_begins(known: MemorySystem, tmp_path: Path) -> None:
    with MemorySystem(tmp_path / "old.db") as old:
        for _ in range(3):
            old.record_observation("behavior", "seen")
        old.record_observation("behavior", "kept", key="k")
        first = old.rollover(tmp_path / "new.db").head.position
    with MemorySystem(tmp_path / "new.db") as new:
        last = new.record_observation("behavior", "since").position
        new.record_observation("behavior", "later")
        with new.query.as_of(last) as then:
            assert then.query_sql("SELECT category FROM observations") == [{"category": "since"}]
        with pytest.raises(InvalidArgument, match=f"position {first}"):
            new.query.as_of(first - 1)


# What it costs, and what is left of it


def test_a_later_position_goes_on_from_the_last_one_before_it(
    known: MemorySystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    from memory.query import past

    copied: list[int] = []
    copy = past.copy_until

    def counted(source: Any, target: Any, position: int) -> bool:
        with target.reading() as connection:
            before = connection.exec_driver_sql("SELECT max(last_position) FROM appends").scalar()
        copied.append(position - before)
        return copy(source, target, position)

    monkeypatch.setattr(past, "copy_until", counted)
    known._pasts.close()
    for position in (50, 50, 60, 50):
        with known.query.as_of(position) as then:
            assert then.query_sql("SELECT max(position) AS p FROM events") == [{"p": position}]
    assert copied == [50, 10]
    known.query.diff(70, 80)
    assert copied == [50, 10, 10, 10]


def test_what_is_open_stays_as_it_is_whatever_else_is_asked(known: MemorySystem) -> None:
    with known.query.as_of(40) as first:
        evidence = {row.pattern_id: known.evidence(row.pattern_id) for row in first.patterns()}
        held = first.query_sql(EVENTS)
        for position in (60, 65, 70, 75):
            known.query.as_of(position).close()
        assert first.query_sql(EVENTS) == held
        assert evidence.keys() == {row.pattern_id for row in first.patterns()}


def test_what_was_closed_answers_no_more(known: MemorySystem) -> None:
    then = known.query.as_of(40)
    assert "40" in repr(then)
    then.close()
    then.close()
    assert "closed" in repr(then)
    for ask in (then.patterns, lambda: then.query_sql("SELECT 1"), lambda: then.evidence("pattern-x")):
        with pytest.raises(QueryError, match="40"):
            ask()


def test_the_scratch_goes_with_the_memory_and_with_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    with MemorySystem(tmp_path / "r.db") as memory:
        for _ in range(9):
            memory.record_observation("behavior", "seen")
        for position in (1, 2, 3, 5, 7):
            memory.query.as_of(position).close()
        (folder,) = (tmp_path / "scratch").iterdir()
        assert len(list(folder.glob("*.db"))) == 3
        left_open = memory.query.as_of(2)
    assert list((tmp_path / "scratch").iterdir()) == []
    with pytest.raises(DatabaseError):
        left_open.patterns()
    script = (
        "import sys; from memory import MemorySystem; memory = MemorySystem(sys.argv[1]); "
        "then = memory.query.as_of(4); print(len(then.query_sql('SELECT 1')))"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path / "scratch")}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "r.db")], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "1\n", done.stderr
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_child_of_a_fork_leaves_the_scratch_to_its_parent(tmp_path: Path) -> None:
    with MemorySystem(tmp_path / "r.db") as memory:
        for _ in range(3):
            memory.record_observation("behavior", "seen")
        with memory.query.as_of(2) as then:
            child = os.fork()
            if child == 0:
                with memory.query.as_of(1) as own:
                    seen = len(own.query_sql(EVENTS))
                memory.query.as_of(2).close()
                memory._pasts.close()
                os._exit(0 if seen == 1 else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            assert len(then.query_sql(EVENTS)) == 2
            assert then.patterns() == []


# What has changed


def test_what_is_new_is_told_with_its_numbers_and_the_events_that_did_it(known: MemorySystem) -> None:
    (belief,) = known.beliefs("causal_law")
    formed = known.belief_history(belief.belief_id)[0]
    found = known.query.diff(formed.position - 1, formed.position)
    (change,) = found.of("new", kind="belief")
    assert (change.identity, change.before) == (belief.belief_id, None)
    assert change.after["credence"] == formed.credence
    (cause,) = change.causes
    assert (cause.position, cause.event_type) == (formed.position, "metrics_recorded")
    assert formed.reason in cause.words
    assert {each.position for change in found.changes for each in change.causes} == {formed.position}


def test_what_has_more_evidence_is_stronger_and_what_has_less_is_weaker(known: MemorySystem) -> None:
    head = known.store.head().position
    (pattern,) = known.patterns("effect")
    with known.query.as_of(90) as then:
        (before,) = then.patterns("effect")
    found = known.query.diff(90, head - 1)
    (stronger,) = found.of("strengthened", kind="pattern")
    assert stronger.identity == pattern.pattern_id
    assert stronger.before is not None
    assert stronger.before["log_e_value"] == before.log_e_value < stronger.after["log_e_value"]
    assert all(90 < cause.position < head for cause in stronger.causes)
    assert stronger.causes
    (weaker,) = known.query.diff(head - 1).of("weakened", kind="pattern")
    assert weaker.numbers()["support"] == (pattern.support + 1, pattern.support)


def test_what_was_amended_between_is_told_with_its_reason(known: MemorySystem) -> None:
    head = known.store.head().position
    (amended,) = known.query.diff(head - 1, head).amendments
    assert (amended.position, amended.event_type) == (head, "retraction")
    assert "the wrong file was read" in amended.words
    assert len(known.query.diff(60).amendments) == 3


def test_a_tie_that_is_cut_takes_its_fact_and_its_belief_with_it(postgres_url: str, histories: ModuleType) -> None:
    told = histories.History()
    told.attach(histories.sharing(["a", "b"], ["a", "b"]))
    told.note("something else")
    told.change(histories.sharing(["a", "b"]))
    with MemorySystem(postgres_url) as memory:
        appended(memory, told, 0, 3, 1)
        found = memory.query.diff(2)
        assert {each.kind for each in found.retracted} == {"belief", "architectural_fact"}
        assert [each.kind for each in found.changes if each not in found.retracted] == []
        assert {cause.event_type for each in found.retracted for cause in each.causes} == {"sharing_changed"}
        assert memory.query.diff(0, 2).of("new", kind="architectural_fact")
        assert not memory.query.diff(1, 2)
        assert not memory.query.diff(2, model="another")


def test_a_difference_reads_as_words_as_json_and_as_html(known: MemorySystem) -> None:
    found = known.query.diff(60)
    words = str(found)
    assert words.startswith(f"From position 60 to position {found.last}: 1 new")
    data = json.loads(found.to_json())
    assert data == json.loads(json.dumps(found.to_dict()))
    assert {change["change"] for change in data["changes"]} == {"new", "strengthened", "changed"}
    page = found.to_html()
    assert page == found._repr_html_()
    for change in found.changes:
        assert change.identity in words
        assert change.identity in page
        assert change.told_numbers() in words
    assert "<caption>" in page
    assert "<script" not in page
    assert "nothing known has changed" in str(known.query.diff(5, 5))


def test_the_second_does_not_come_before_the_first(known: MemorySystem) -> None:
    with pytest.raises(InvalidArgument, match="second"):
        known.query.diff(60, 59)


def test_the_memorys_own_diff_is_that_of_weights(known: MemorySystem) -> None:
    assert "two states" in (type(known).diff.__doc__ or "")
    assert "beliefs" in (type(known.query).diff.__doc__ or "")
