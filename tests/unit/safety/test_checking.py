"""`check_modification`: what is known before a write."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from introspection import SharingMap
from memory import MemorySystem
from memory.errors import UnknownName
from memory.events.envelope import StoredEvent
from memory.safety.settings import SafetySettings


@pytest.mark.usefixtures("attached")
def test_a_tied_tensor_names_its_other_names(memory: MemorySystem) -> None:
    verdict = memory.safety.check_modification("head.weight")
    assert (verdict.verdict, verdict.coupled) == ("warn", ("embed.weight",))
    assert verdict.storages == ("embed.weight",)
    assert "embed.weight" in verdict.reasons[0]
    assert verdict.rules == ("coupled", "share_of_model")
    assert verdict.allowed


@pytest.mark.usefixtures("attached")
def test_a_tensor_of_its_own_is_allowed(memory: MemorySystem) -> None:
    verdict = memory.safety.check_modification("middle.bias")
    assert (verdict.verdict, verdict.coupled, verdict.reasons) == ("allow", (), ())


@pytest.mark.usefixtures("attached")
def test_the_share_of_the_parameters_counts_tied_ones_once(memory: MemorySystem) -> None:
    verdict = memory.safety.check_modification("head.weight")
    assert verdict.parameters == 24
    assert verdict.share_of_parameters == 24 / (24 + 16 + 4)


@pytest.mark.usefixtures("attached")
def test_a_module_path_stands_for_everything_under_it(memory: MemorySystem) -> None:
    middle = memory.safety.check_modification("middle")
    assert (middle.storages, middle.parameters) == (("middle.bias", "middle.weight"), 20)
    assert middle.share_of_parameters == 20 / 44


@pytest.mark.usefixtures("attached")
def test_a_name_that_does_not_exist_is_refused_with_the_nearest(memory: MemorySystem) -> None:
    with pytest.raises(UnknownName) as raised:
        memory.safety.check_modification("head.wieght")
    assert "head.weight" in raised.value.nearest


def test_a_map_alone_can_be_asked(memory: MemorySystem) -> None:
    names = ["a", "b", "c"]
    memory.attach(SharingMap.from_relations(names=names, same=[["a", "b"]], derived={"d": ["a"]}), name="sim")
    verdict = memory.safety.check_modification("b")
    assert (verdict.coupled, verdict.derived) == (("a",), ("d",))
    assert (verdict.parameters, verdict.share_of_parameters) == (None, None)


@pytest.mark.usefixtures("attached")
def test_what_is_held_absolutely_is_shown(memory: MemorySystem) -> None:
    principles = memory.safety.check_modification("middle.bias").core_principles
    assert len(principles) == 4
    assert any("checkpoint" in principle for principle in principles)


@pytest.mark.usefixtures("attached")
def test_a_belief_about_the_tensor_is_shown_under_every_alias_and_a_constraint_warns(memory: MemorySystem) -> None:
    memory.assert_belief("the middle is brittle", "heuristic", 0.9, subject="middle.weight")
    memory.assert_belief("leave the embedding alone", "constraint", 0.9, subject="embed.weight")
    heuristic = memory.safety.check_modification("middle.weight")
    assert [belief.statement for belief in heuristic.beliefs] == ["the middle is brittle"]
    assert heuristic.verdict == "allow"
    constrained = memory.safety.check_modification("head.weight")
    assert "leave the embedding alone" in [belief.statement for belief in constrained.beliefs]
    assert "belief" in constrained.rules


@pytest.mark.usefixtures("attached")
def test_a_stopped_model_is_denied(memory: MemorySystem) -> None:
    memory.safety.emergency_stop("smoke")
    verdict = memory.safety.check_modification("middle.bias")
    assert (verdict.verdict, verdict.rules) == ("deny", ("emergency_stop",))
    assert "smoke" in verdict.reasons[0]
    assert not verdict.allowed


@pytest.mark.usefixtures("attached")
def test_asking_records_nothing(memory: MemorySystem, events: Callable[..., list[StoredEvent]]) -> None:
    before = len(events())
    memory.safety.check_modification("head.weight")
    assert len(events()) == before


@pytest.mark.usefixtures("attached")
def test_edits_since_the_last_checkpoint_are_counted_and_warned_of(memory: MemorySystem) -> None:
    memory.safety.set_threshold("edits_between_checkpoints", 2)
    for _ in range(2):
        assert memory.safety.check_modification("middle.bias").verdict == "allow"
        memory.record_modification("middle.bias")
    verdict = memory.safety.check_modification("middle.bias")
    assert (verdict.edits_since_checkpoint, verdict.rules) == (2, ("checkpoint",))


@pytest.mark.usefixtures("attached")
def test_a_verdict_reads_as_words_and_as_data(memory: MemorySystem) -> None:
    verdict = memory.safety.check_modification("head.weight")
    assert str(verdict).startswith("warn: head.weight of 'tied', 54.5% of the parameters")
    data = json.loads(json.dumps(verdict.to_dict()))
    assert data["coupled"] == ["embed.weight"]
    assert data["beliefs"][0]["strength"] == "certain"


def test_a_denying_rule_that_is_known_beforehand_denies_here_but_not_for_coupling_just_told() -> None:
    settings = SafetySettings(deny=("nonfinite", "share_of_model", "coupled"), share_of_model=0.4)
    with MemorySystem(":memory:", safety=settings) as memory:
        import torch

        model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(1, 1))
        model[1].weight = torch.nn.Parameter(model[0].weight.detach()[:1, :1])
        memory.attach(model, name="m")
        assert memory.safety.check_modification("0.weight").verdict == "deny"
        small = memory.safety.check_modification("1.weight")
        assert (small.verdict, small.rules) == ("warn", ("coupled",))
