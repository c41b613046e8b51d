"""The live picture: what it makes of events, and that it fits every terminal."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator

import pytest
from rich.console import Console

from introspection import SharingMap
from memory import MemorySystem
from memory.cli.live.picture import Picture, Spark, sparkline
from memory.cli.live.state import Line, LiveState
from memory.events.envelope import StoredEvent
from memory.query.recent import BeliefChange, Recent, RecentlyKnown
from memory.query.safety_log import StandingEmergency

TIED = ["lm_head.weight", "model.embed_tokens.weight"]


@pytest.fixture(scope="module")
def memory() -> Iterator[MemorySystem]:
    """Two acts on a tied model: the loss falls, the accuracy too, one write is coupled; and an emergency."""
    with MemorySystem(":memory:") as memory:
        memory.attach(SharingMap.from_relations(names=[*TIED, "norm.weight"], same=[TIED]), name="sim")
        memory.define_metric("error", better="higher")
        for act, name in (("first", "norm.weight"), ("second", "lm_head.weight")):
            step = 0.1 if act == "first" else 0.0
            memory.record_metrics({"loss": 2.0 + step, "accuracy": 0.5 + step, "error": 0.2 - step, "x": 1.0}, act=act)
            memory.record_modification(name, method="scale", description="by \x1b[2J5 %", act=act)
        memory.safety.emergency_stop("the loss is NaN")
        yield memory


@pytest.fixture
def state(memory: MemorySystem) -> LiveState:
    """What is seen by someone who was there from the start, one event in each half second."""
    state = LiveState()
    state.begin(100.0)
    for number, event in enumerate(memory.store.read()):
        state.note(event, 100.0 + number / 2)
    return state


def drawn(picture: Picture, width: int = 140, height: int = 40) -> list[str]:
    page = io.StringIO()
    Console(file=page, width=width, height=height, legacy_windows=False, force_terminal=False).print(
        picture, height=height
    )
    return page.getvalue().splitlines()


def picture(state: LiveState, known: Recent | None = None, trouble: str = "") -> Picture:
    return Picture("research.db", state, known, trouble, now=103.5)


def last(memory: MemorySystem) -> StoredEvent:
    return next(memory.store.read(newest_first=True, limit=1))


def test_the_rate_is_of_the_last_ten_seconds(state: LiveState) -> None:
    assert state.rate(103.5) == pytest.approx(7 / 3.5)
    assert state.rate(106.0) == pytest.approx(7 / 6)
    assert state.rate(111.5) == pytest.approx(0.3)  # those of seconds 102 and 103 are left, over ten seconds
    assert state.rate(200.0) == 0
    assert state.arrivals(103.5, 5) == [0, 2, 2, 2, 1]


def test_what_was_there_before_has_no_rate(memory: MemorySystem) -> None:
    state = LiveState()
    state.begin(50.0)
    for event in memory.store.read():
        state.note(event)
    assert state.rate(50.0) == 0
    assert len(state.lines) == 7


def test_the_act_that_is_being_made_is_told_as_far_as_it_went(state: LiveState) -> None:
    assert state.act is not None
    assert (state.act.name, state.act.writes, state.act.coupled, state.act.measured) == ("second", 1, 1, 1)
    assert list(state.act.layers) == ["lm_head.weight"]


def test_a_change_is_better_or_worse_as_the_metric_was_defined_or_as_its_name_says(state: LiveState) -> None:
    verdicts = {metric: state.verdict(series) for (_, metric), series in state.series.items()}
    assert verdicts == {"loss": "better", "accuracy": "worse", "error": "better", "x": "same"}
    state.acquaint({("sim", "accuracy"): ("lower", 0.0)})
    assert state.verdict(state.series["sim", "accuracy"]) == "better"


def test_a_metric_whose_direction_nobody_said_only_moved(state: LiveState) -> None:
    series = state.series["sim", "x"]
    series.values.append(3.0)
    assert state.verdict(series) == "moved"
    series.values.append(math.nan)
    assert state.verdict(series) is None


def test_coupled_writes_are_marked_and_name_what_else_they_changed(state: LiveState) -> None:
    lines = drawn(picture(state), width=180)
    (coupled,) = [line for line in lines if "◆" in line]
    assert "lm_head.weight also model.embed_tokens.weight scale" in coupled
    assert any("norm.weight scale" in line and "also" not in line for line in lines)


def test_it_tells_place_position_rate_metrics_alerts_and_beliefs(state: LiveState) -> None:
    known = Recent(4, (BeliefChange(4, "b", "scaling norm.weight raises loss", 0.91, "weakened", ""),), ())
    page = "\n".join(drawn(picture(state, known)))
    assert "position 7 · 2.0 events/s" in page
    assert "· sim · research.db" in page
    assert "act second since" in page
    assert "-0.1 better" in page
    assert "emergency at 7: the loss is NaN" in page
    assert "0.91 weakened scaling norm.weight raises loss" in page
    assert "(3 events not folded yet)" in page


def test_it_says_how_far_it_is_behind_a_writer_that_is_faster(state: LiveState) -> None:
    assert drawn(picture(state, Recent(7, (), (), head=1507)))[0].startswith("position 7 (1,500 behind) ·")
    assert "behind" not in drawn(picture(state, Recent(7, (), (), head=7)))[0]


def test_a_stop_and_what_it_waits_for_are_on_top_whatever_the_size(state: LiveState) -> None:
    known = Recent(7, (), (StandingEmergency("sim", "the loss is NaN"),))
    for height in (5, 40):
        assert drawn(picture(state, known), height=height)[1].startswith("EMERGENCY STOP sim: the loss is NaN")
        assert drawn(picture(state, None, "waiting for it"), height=height)[1].startswith("waiting for it")


def test_nothing_that_was_recorded_reaches_the_terminal_as_a_command(state: LiveState) -> None:
    state.lines.append(Line(8, "12:00:00", "modification", "sim", "", "na\x1bme", "", ("al\x1bias",)))
    page = "\n".join(drawn(picture(state)))
    assert "\x1b" not in page
    assert "na\\u001bme also al\\u001bias" in page
    assert "\\u001b[2J5 %" in page


@pytest.mark.parametrize("width", [20, 60, 80, 110, 250])
@pytest.mark.parametrize("height", [3, 10, 16, 24, 60])
def test_it_fits_a_terminal_of_any_size(state: LiveState, width: int, height: int) -> None:
    known = Recent(7, tuple(BeliefChange(1, "b", "x " * 200, 0.5, "active", "") for _ in range(20)), ())
    lines = drawn(picture(state, known), width, height)
    assert len(lines) == height
    assert max(map(len, lines)) <= width


def test_a_sparkline_goes_from_the_least_to_the_greatest_and_keeps_the_newest() -> None:
    assert sparkline([1.0, 2.0, 3.0]) == "▁▅█"
    assert sparkline([2.0, 2.0]) == "▁▁"
    assert sparkline([1.0, math.nan, 2.0]) == "▁?█"
    assert sparkline([]) == ""
    page = io.StringIO()
    Console(file=page, width=3).print(Spark((9.0, 1.0, 2.0, 3.0)))
    assert page.getvalue().strip() == "▁▅█"


def test_what_is_known_is_read_without_folding_anything(memory: MemorySystem) -> None:
    recently = RecentlyKnown(memory.store)
    before = recently.look()
    assert before.stops == (StandingEmergency(None, "the loss is NaN"),)
    assert (before.folded, before.changes, before.head) == (0, (), 7)
    memory.consolidate()
    assert recently.look().folded == last(memory).position
