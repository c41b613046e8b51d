"""Safety settings: checked, read from TOML, changed one at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from memory import MemorySystem
from memory.errors import InvalidArgument
from memory.events.envelope import StoredEvent
from memory.safety.settings import SafetySettings


def test_only_new_nan_denies_and_nothing_stops_or_is_ignored_by_default() -> None:
    settings = SafetySettings()
    assert (settings.deny, settings.stop, settings.ignore) == (("nonfinite",), (), ())
    assert settings.denies("nonfinite")
    assert not settings.denies("norm_ratio")


def test_a_rule_that_stops_denies_and_one_that_is_ignored_does_neither() -> None:
    stopping = SafetySettings(stop=("norm_ratio",))
    assert stopping.denies("norm_ratio")
    assert stopping.stops("norm_ratio")
    ignoring = SafetySettings(stop=("nonfinite",), ignore=("nonfinite",))
    assert not ignoring.denies("nonfinite")
    assert not ignoring.stops("nonfinite")


def test_the_earlier_thresholds_are_the_defaults() -> None:
    settings = SafetySettings()
    assert (settings.metric_ratio, settings.metric_drop) == (3.0, 0.5)
    assert (settings.memory_megabytes, settings.latency_seconds, settings.gradient_norm) == (8000, 5, 100)
    assert (settings.entropy_low, settings.entropy_high) == (0.1, 10)


@pytest.mark.parametrize("header", ["[tool.palimpsest.safety]\n", ""], ids=["a table", "a file of its own"])
def test_they_are_read_from_toml(tmp_path: Path, header: str) -> None:
    file = tmp_path / "safety.toml"
    file.write_text(header + 'norm_ratio = 0.1\ndeny = ["nonfinite", "norm_ratio"]\n')
    settings = SafetySettings.from_toml(file)
    assert settings == SafetySettings(norm_ratio=0.1, deny=("nonfinite", "norm_ratio"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("norm_ration = 1", "did you mean 'norm_ratio'"),
        ("norm_ratio = -1", "greater than 0"),
        ('deny = ["latency"]', "nonfinite"),
        ("entropy_low = 11", "entropy_low must be below entropy_high"),
        ("norm_ratio =", "no TOML"),
        ("[tool.other]\nx = 1", r"\[tool.palimpsest.safety\]"),
    ],
)
def test_a_file_that_is_wrong_says_what_is(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "safety.toml"
    file.write_text(content)
    with pytest.raises(InvalidArgument, match=said):
        SafetySettings.from_toml(file)


def test_a_memory_takes_settings_or_a_file_of_them(tmp_path: Path) -> None:
    file = tmp_path / "safety.toml"
    file.write_text("norm_ratio = 0.25")
    with MemorySystem(":memory:", safety=file) as memory:
        assert memory.safety.settings.norm_ratio == 0.25
    with MemorySystem(":memory:", safety=SafetySettings(norm_ratio=0.75)) as memory:
        assert memory.safety.settings.norm_ratio == 0.75
    with pytest.raises(InvalidArgument, match="cannot be read"):
        MemorySystem(tmp_path / "research.db", safety=tmp_path / "nowhere.toml")
    assert not (tmp_path / "research.db").exists()


def test_a_threshold_that_is_changed_holds_and_is_on_record(
    memory: MemorySystem, events: Callable[..., list[StoredEvent]]
) -> None:
    memory.safety.set_threshold("latency_seconds", 1)
    memory.safety.set_threshold("latency_seconds", 1.0)
    assert memory.safety.settings.latency_seconds == 1.0
    (event,) = events("safety_alert")
    assert event.payload.details == {"setting": "latency_seconds", "before": 5.0, "after": 1.0}  # type: ignore[attr-defined]
    assert event.payload.level == "info"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("name", "value"), [("latency", 1), ("latency_seconds", 0), ("latency_seconds", "slow")])
def test_a_threshold_that_cannot_be_leaves_all_as_it_was(memory: MemorySystem, name: str, value: object) -> None:
    before = memory.safety.settings
    with pytest.raises(InvalidArgument):
        memory.safety.set_threshold(name, value)
    assert memory.safety.settings == before


def test_an_unknown_threshold_names_the_nearest(memory: MemorySystem) -> None:
    with pytest.raises(InvalidArgument) as raised:
        memory.safety.set_threshold("latency", 1)
    assert "latency_seconds" in raised.value.remedy
