"""Each rule, at its bound and beyond it; rules are pure and need no model."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from memory.events.modifications import Change
from memory.safety.metric_rules import MetricHistory, MetricReading, better_by_name, judge_metric
from memory.safety.rules import EDIT_RULE_FUNCTIONS, Measurement, judge_edit
from memory.safety.settings import EDIT_RULES, SafetySettings


def change(**fields: Any) -> Change:
    base: dict[str, Any] = {
        "fingerprint_before": "a",
        "fingerprint_after": "b",
        "delta_norm": 0.1,
        "weight_norm": 1.0,
        "max_change": 0.1,
        "elements_changed": 10,
        "elements": 10,
        "rows_changed": 1,
        "rows": 1,
        "nonfinite_after": 0,
    }
    return Change(**(base | fields))


HARMLESS = Measurement("m", "w", "w", change=change(), share_of_parameters=0.5, edits_since_checkpoint=49)
SETTINGS = SafetySettings()


def rules(measurement: Measurement, **settings: Any) -> list[str]:
    return [finding.rule for finding in judge_edit(measurement, SafetySettings(**settings))]


def test_a_harmless_write_has_no_finding() -> None:
    assert judge_edit(HARMLESS, SETTINGS) == ()


def test_every_edit_rule_has_a_function() -> None:
    assert set(EDIT_RULE_FUNCTIONS) == set(EDIT_RULES)


@pytest.mark.parametrize(
    ("rule", "measurement"),
    [
        ("nonfinite", replace(HARMLESS, change=change(nonfinite_after=1))),
        ("norm_ratio", replace(HARMLESS, change=change(delta_norm=0.51))),
        ("share_of_model", replace(HARMLESS, share_of_parameters=0.51)),
        ("coupled", replace(HARMLESS, coupled=("other",))),
        ("checkpoint", replace(HARMLESS, edits_since_checkpoint=50)),
        ("metric_collapse", replace(HARMLESS, metrics=(MetricReading("loss", 50.0, 1.0, "lower"),))),
        ("metric_nonfinite", replace(HARMLESS, metrics=(MetricReading("anything", math.nan),))),
    ],
)
def test_a_rule_speaks_beyond_its_bound_and_not_where_it_is_ignored(rule: str, measurement: Measurement) -> None:
    (finding,) = judge_edit(measurement, SETTINGS)
    assert finding.rule == rule
    assert finding.message
    assert rules(measurement, ignore=(rule,)) == []


def test_a_share_of_the_elements_is_bounded_only_where_somebody_says_so() -> None:
    assert rules(HARMLESS) == []
    assert rules(HARMLESS, fraction_changed=0.99) == ["fraction_changed"]
    assert rules(HARMLESS, fraction_changed=1.0) == []


def test_values_that_were_not_finite_before_are_not_held_against_a_write() -> None:
    before = replace(HARMLESS, nonfinite_before=3)
    assert rules(replace(before, change=change(nonfinite_after=3))) == []
    (finding,) = judge_edit(replace(before, change=change(nonfinite_after=5)), SETTINGS)
    assert "2 NaN or infinite values" in finding.message
    assert (finding.level, finding.category) == ("critical", "nan")


@pytest.mark.parametrize("norms", [(1.0, 0.0), (math.nan, 1.0), (math.inf, 1.0), (1.0, math.nan)])
def test_a_change_that_has_no_ratio_is_not_judged_by_it(norms: tuple[float, float]) -> None:
    assert rules(replace(HARMLESS, change=change(delta_norm=norms[0], weight_norm=norms[1]))) == []


def test_coupled_names_that_were_acknowledged_are_no_finding() -> None:
    assert rules(replace(HARMLESS, coupled=("other",), acknowledged=True)) == []


def test_a_finding_of_coupling_names_all_names() -> None:
    (finding,) = judge_edit(replace(HARMLESS, coupled=("b", "x")), SETTINGS)
    assert finding.layers == ("b", "w", "x")


def test_before_the_write_nothing_is_said_of_what_it_will_do() -> None:
    planned = replace(HARMLESS, change=None, coupled=("other",))
    assert rules(planned, fraction_changed=0.01, norm_ratio=0.01) == ["coupled"]


@pytest.mark.parametrize(
    ("value", "baseline", "better", "collapsed"),
    [
        (50.0, 1.0, "lower", True),
        (3.0, 1.0, "lower", False),
        (3.01, 1.0, "lower", True),
        (0.1, 1.0, "lower", False),
        (0.49, 1.0, "higher", True),
        (0.5, 1.0, "higher", False),
        (50.0, 1.0, "higher", False),
        (-1.0, -4.0, "lower", False),
        (4.1, -4.0, "lower", True),
        (50.0, 1.0, None, False),
        (50.0, None, "lower", False),
        (1e-9, 0.0, "lower", False),
    ],
)
def test_a_metric_collapses_in_the_direction_that_is_worse(
    value: float, baseline: float | None, better: Any, collapsed: bool
) -> None:
    found = judge_metric(MetricReading("m", value, baseline, better), ratio=3.0, drop=0.5)
    assert (found is not None) is collapsed


def test_a_change_smaller_than_what_matters_is_no_collapse() -> None:
    reading = MetricReading("loss", 0.005, 0.001, "lower", smallest_effect=0.01)
    assert judge_metric(reading, 3.0, 0.5) is None
    assert judge_metric(replace(reading, value=0.02), 3.0, 0.5) is not None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("better", [None, "lower", "higher"])
def test_a_metric_that_is_not_finite_is_wrong_whatever_it_means(value: float, better: Any) -> None:
    found = judge_metric(MetricReading("m", value, None, better), 3.0, 0.5)
    assert found is not None
    assert found.rule == "metric_nonfinite"


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("loss", "lower"),
        ("eval/perplexity", "lower"),
        ("val_loss", "lower"),
        ("accuracy", "higher"),
        ("MMLU-acc", "higher"),
        ("tokens", None),
        ("glossary", None),
        ("loss_accuracy", None),
    ],
)
def test_a_name_tells_which_way_is_better_only_where_one_word_does(name: str, better: str | None) -> None:
    assert better_by_name(name) == better


def test_a_baseline_is_the_better_of_the_first_and_the_last() -> None:
    learned = MetricHistory.of(3, [10.0, 10.0, 10.0, 5.0, 1.0, 1.0, 1.0])
    assert learned.baseline("lower") == 1.0
    assert learned.baseline("higher") == 10.0
    declined = MetricHistory.of(3, [1.0, 1.0, 1.0, 1.5, 2.0, 2.5, 2.9])
    assert declined.baseline("lower") == 1.0


def test_one_lucky_value_is_no_baseline() -> None:
    assert MetricHistory.of(5, [1.0, 1.0, 0.001, 1.0, 1.0]).baseline("lower") == 1.0


def test_a_baseline_needs_a_finite_value_and_gives_way_to_a_stated_one() -> None:
    history = MetricHistory.of(3, [math.nan, math.inf])
    assert history.baseline("lower") is None
    history.note(4.0)
    assert history.baseline("lower") == 4.0
    history.stated = 2.0
    assert history.baseline("lower") == 2.0


def test_while_little_is_known_a_value_may_lie_outside_by_as_much_as_they_lie_apart() -> None:
    young = MetricHistory.of(10, [0.0, 1.0])
    assert young.baseline("lower") == 0.5
    assert young.uncertainty("lower") == 1.5
    assert MetricHistory.of(10, [1.0]).uncertainty("lower") == 0.0
    assert MetricHistory.of(2, [0.0, 1.0]).uncertainty("lower") == 0.0
    assert judge_metric(MetricReading("loss", 2.0, 0.5, "lower", uncertainty=1.5), 3.0, 0.5) is None
    assert judge_metric(MetricReading("loss", 2.1, 0.5, "lower", uncertainty=1.5), 3.0, 0.5) is not None
