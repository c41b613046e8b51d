"""Health of weights, outputs, resources and times; and alerts as they are read back."""

from __future__ import annotations

import math
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from memory import MemorySystem
from memory.errors import InvalidArgument, NotAttached, UnknownName
from memory.safety.resources import memory_in_use


def test_a_healthy_tensor_makes_no_alert(memory: MemorySystem, attached: nn.Module) -> None:
    health = memory.safety.check_tensor_health("middle.weight")
    assert (health.healthy, health.elements, health.name) == (True, 16, "middle.weight")
    weight = attached.middle.weight.detach()  # type: ignore[union-attr, operator]
    assert (health.low, health.high) == (pytest.approx(float(weight.min())), pytest.approx(float(weight.max())))
    assert memory.safety.get_alert_history() == []


def test_nan_and_infinities_in_a_weight_are_counted_and_alerted(memory: MemorySystem, attached: nn.Module) -> None:
    with torch.no_grad():
        attached.embed.weight[0] = torch.tensor([math.nan, math.inf, -math.inf, 1.0])  # type: ignore[union-attr]
    health = memory.safety.check_tensor_health("head.weight")
    assert (health.healthy, health.nan, health.infinite) == (False, 1, 2)
    (alert,) = memory.safety.get_critical_alerts()
    assert (alert.rule, alert.layers, alert.model) == ("weight_nonfinite", ("head.weight",), "tied")


def test_a_tensor_needs_no_model(memory: MemorySystem) -> None:
    assert memory.safety.check_tensor_health(torch.ones(3)).healthy
    assert memory.safety.check_tensor_health(torch.tensor([1, 2])).healthy
    assert not memory.safety.check_tensor_health(torch.tensor([math.nan], dtype=torch.bfloat16)).healthy
    (alert,) = memory.safety.get_alert_history()
    assert alert.model is None


@pytest.mark.usefixtures("attached")
def test_a_weight_that_does_not_exist_is_refused(memory: MemorySystem) -> None:
    with pytest.raises(UnknownName):
        memory.safety.check_tensor_health("nowhere")


def test_every_weight_of_a_model_is_looked_at_once(memory: MemorySystem, attached: nn.Module) -> None:
    health = memory.safety.check_model_health()
    assert (health.healthy, health.checked) == (True, 3)
    with torch.no_grad():
        attached.middle.weight[0, 0] = math.nan  # type: ignore[union-attr]
        attached.embed.weight[0, 0] = math.inf  # type: ignore[union-attr]
    health = memory.safety.check_model_health()
    assert set(health.not_finite) == {"embed.weight", "middle.weight"}
    (alert,) = memory.safety.get_alert_history()
    assert alert.layers == ("embed.weight", "middle.weight")


def test_health_of_a_map_alone_is_refused(memory: MemorySystem) -> None:
    from introspection import SharingMap

    memory.attach(SharingMap.from_relations(names=["a"]), name="sim")
    with pytest.raises(NotAttached):
        memory.safety.check_model_health()


def test_entropy_is_of_each_position_in_nats(memory: MemorySystem) -> None:
    seen = memory.safety.check_output(torch.zeros(2, 3, 8))
    assert (seen.positions, seen.not_finite) == (6, 0)
    assert seen.entropy == pytest.approx(math.log(8), rel=1e-6)
    one = torch.zeros(2, 8)
    one[1, 0] = 1000.0
    assert memory.safety.check_output(one).entropy == pytest.approx(math.log(8) / 2, rel=1e-6)
    assert memory.safety.get_alert_history() == []


@pytest.mark.parametrize(
    ("logits", "word"),
    [(torch.eye(8) * 1000, "below"), (torch.zeros(1, 30_000), "above")],
    ids=["one outcome only", "anything goes"],
)
def test_an_output_that_has_collapsed_or_says_nothing_is_warned_of(
    memory: MemorySystem, logits: torch.Tensor, word: str
) -> None:
    memory.safety.check_output(logits)
    (alert,) = memory.safety.get_alert_history()
    assert (alert.category, alert.level) == ("entropy", "warning")
    assert word in alert.message


def test_nan_in_an_output_is_critical_and_outcomes_ruled_out_are_not(memory: MemorySystem) -> None:
    logits = torch.zeros(4, 8)
    logits[0, 0] = -math.inf
    assert memory.safety.check_output(logits).not_finite == 0
    logits[1, 0], logits[2, 0], logits[3] = math.nan, math.inf, -math.inf
    assert memory.safety.check_output(logits).not_finite == 3
    (alert,) = memory.safety.get_critical_alerts()
    assert alert.rule == "output_nonfinite"


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"logits": x}, lambda x: SimpleNamespace(logits=x)])
def test_logits_are_found_in_what_a_model_returns(memory: MemorySystem, wrap: Any) -> None:
    assert memory.safety.check_output(wrap(torch.zeros(1, 2, 4))).positions == 2


@pytest.mark.parametrize(
    "output", ["text", None, torch.tensor([1, 2]), torch.tensor(1.0), {"hidden": torch.ones(2, 2)}]
)
def test_what_has_no_logits_is_refused(memory: MemorySystem, output: object) -> None:
    with pytest.raises(InvalidArgument):
        memory.safety.check_output(output)


def test_memory_in_use_is_of_this_process_and_warned_of_beyond_the_bound(memory: MemorySystem) -> None:
    used = memory.safety.check_resources()
    assert 50 < used["process"] < 20_000
    grown = bytearray(200_000_000)
    grown[::4096] = b"x" * len(grown[::4096])
    assert memory_in_use()["process"] > used["process"] + 150
    memory.safety.set_threshold("memory_megabytes", 1.0)
    memory.safety.check_resources()
    (alert,) = memory.safety.get_recent_alerts(category="memory")
    assert alert.layers[0] == "process"


def test_a_block_is_timed_also_one_that_raises(memory: MemorySystem) -> None:
    with memory.safety.track_inference_time() as timing:
        assert timing.seconds is None
    assert timing.seconds is not None
    memory.safety.set_threshold("latency_seconds", 1e-9)
    with pytest.raises(ZeroDivisionError), memory.safety.track_inference_time():
        raise ZeroDivisionError
    assert len(memory.safety.get_recent_alerts(category="latency")) == 1
    assert memory.safety.get_statistics()["inference_seconds"]["count"] == 2


def test_alerts_are_given_newest_first_by_level_kind_model_and_time(memory: MemorySystem, attached: nn.Module) -> None:
    memory.safety.check_tensor_health(torch.tensor([math.nan]))
    memory.safety.check_performance({"loss": math.nan})
    memory.safety.check_output(torch.eye(8) * 1000)
    everything = memory.safety.get_recent_alerts()
    assert [alert.category for alert in everything] == ["entropy", "metric", "nan"]
    assert [alert.category for alert in memory.safety.get_recent_alerts(1)] == ["entropy"]
    assert [alert.category for alert in memory.safety.get_critical_alerts()] == ["metric", "nan"]
    assert [alert.category for alert in memory.safety.get_alert_history()] == ["nan", "metric", "entropy"]
    assert [alert.category for alert in memory.safety.get_recent_alerts(category="metric")] == ["metric"]
    assert [alert.category for alert in memory.safety.get_recent_alerts(level="warning")] == ["entropy"]
    assert len(memory.safety.get_recent_alerts(minutes=1)) == 3
    assert memory.safety.get_recent_alerts(minutes=0) == []
    assert len(memory.safety.get_alert_history(model="tied")) == 3, "those of no model in particular included"
    with pytest.raises(InvalidArgument):
        memory.safety.get_recent_alerts(level="severe")
    statistics = memory.safety.get_statistics()
    assert statistics["alerts"] == 3
    assert statistics["by_level"] == {"info": 0, "warning": 1, "critical": 2, "emergency": 0}


def test_an_ignored_rule_says_nothing(memory: MemorySystem) -> None:
    memory.safety.set_threshold("ignore", ["weight_nonfinite"])
    assert not memory.safety.check_tensor_health(torch.tensor([math.nan])).healthy
    assert [alert.category for alert in memory.safety.get_alert_history()] == ["settings"]


def test_a_memory_that_is_only_asked_needs_no_torch() -> None:
    import subprocess

    code = (
        "import sys; from memory import MemorySystem; from introspection import SharingMap;"
        "m = MemorySystem(':memory:');"
        "m.attach(SharingMap.from_relations(names=['a', 'b'], same=[['a', 'b']]), name='s');"
        "m.safety.check_modification('a'); m.record_metrics({'loss': 1.0}); m.record_metrics({'loss': 9.0});"
        "m.safety.emergency_stop('x'); m.safety.get_statistics(); m.close(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
