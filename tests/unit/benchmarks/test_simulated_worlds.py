"""A simulated world is what a memory would have recorded, and its truth is judged by tensors, not by names."""

from __future__ import annotations

import pytest

from benchmarks.simulation.envelopes import MODEL
from benchmarks.simulation.recorded import record
from benchmarks.simulation.settings import Settings, Trap
from benchmarks.simulation.truth import Truth, Verdict
from benchmarks.simulation.world import World
from memory import MemorySystem
from memory.events.modifications import WriteBase

SHORT = 3_000


@pytest.fixture(scope="module")
def world() -> World:
    made = World(Settings(seed=3, events=SHORT))
    for _ in made.events():
        pass
    return made


def test_the_same_settings_give_the_same_events():
    first, second = (list(World(Settings(seed=5, events=SHORT)).events()) for _ in range(2))
    assert first == second


def test_other_seeds_give_other_events():
    first, second = (list(World(Settings(seed=seed, events=SHORT)).events()) for seed in (5, 6))
    assert [told.payload for told in first] != [told.payload for told in second]


def test_every_payload_is_one_that_validation_would_have_made():
    for told in World(Settings(seed=4, events=SHORT)).events():
        assert type(told.payload).model_validate(told.payload.model_dump()) == told.payload


@pytest.mark.parametrize("trap", [None, Trap.ALIASES], ids=["every trap", "no log per name"])
def test_a_memory_records_the_very_same_events(tmp_path, trap):
    settings = Settings(seed=4, events=SHORT)
    told = list(World(settings if trap is None else settings.without(trap)).events())
    with MemorySystem(tmp_path / "world.db") as memory:
        record(told, memory)
        stored = list(memory.store.read())
    assert [(event.position, event.act_id, event.payload) for event in stored] == [
        (each.event.position, each.event.act_id, each.payload) for each in told
    ]


def test_a_null_world_has_the_same_traps_and_nothing_planted():
    world = World(Settings(seed=3, events=SHORT).null())
    for _ in world.events():
        pass
    assert Truth(world).planted == {}
    assert len(world.cast.undeclared) == 3


def test_undeclared_aliases_are_written_together_with_one_dose_and_read_alike():
    pair = {"undeclared.0.a.weight", "undeclared.0.b.weight"}
    writes: dict[str, dict[str, set[float | None]]] = {}
    for event, payload in World(Settings(seed=3, events=SHORT)).events():
        if isinstance(payload, WriteBase) and payload.primary_layer in pair:
            writes.setdefault(event.act_id, {}).setdefault(payload.primary_layer, set()).add(payload.dose)
        if event.event_type == "layer_statistics_recorded":
            assert len({payload.values[name] for name in pair}) == 1
    assert len(writes) >= 3
    for doses in writes.values():
        assert set(doses) == pair
        assert len(set(map(frozenset, doses.values()))) == 1


def claim(kind: str, subject: str, target: str, position: int, direction: int = 0) -> dict[str, object]:
    return {
        "model": MODEL,
        "kind": kind,
        "subject": subject,
        "object": target,
        "direction": direction,
        "first_position": position,
        "status": "active",
    }


def name_of(world: World, tensor: int) -> str:
    return next(name for name, known in world.cast.phases[0].records[tensor] if known)


def test_a_planted_effect_is_true_under_every_name_of_its_tensor_and_false_the_other_way(world):
    effect = next(each for each in world.plan.effects if each.tensor in world.cast.tied)
    truth, side = Truth(world), 1 if effect.odd > 0 else -1
    for name, _ in world.cast.phases[0].records[effect.tensor]:
        metric = world.metrics.names[effect.metric]
        assert truth.verdict(claim("effect", name, metric, 500, side)) is Verdict.TRUE
        assert truth.verdict(claim("effect", name, metric, 500, -side)) is Verdict.FALSE


def test_two_names_of_one_tensor_are_architecture_whether_the_map_says_so_or_not(world):
    truth = Truth(world)
    for first, second in (
        ("ties.0.embed.weight", "ties.0.head.weight"),
        ("undeclared.0.a.weight", "undeclared.0.b.weight"),
        ("fused.part.weight", "fused.whole.weight"),
        ("lora.A.weight", "lora.merged.weight"),
        ("untied.1.first.weight", "untied.1.second.weight"),
        ("late.first.weight", "late.second.weight"),
    ):
        assert truth.verdict(claim("comodification", first, second, SHORT)) is Verdict.ARCHITECTURAL
        assert truth.verdict(claim("cochange", second, first, SHORT)) is Verdict.ARCHITECTURAL


def test_a_pair_that_was_cut_and_then_truly_coupled_is_true_from_the_cut_on(world):
    truth, cut = Truth(world), world.chronicle.phases[1]
    ends = "untied.0.first.weight", "untied.0.second.weight"
    assert truth.verdict(claim("comodification", *ends, cut - 1)) is Verdict.ARCHITECTURAL
    assert truth.verdict(claim("comodification", *ends, cut + 1)) is Verdict.TRUE


def test_a_metric_and_its_function_are_one_metric(world):
    truth = Truth(world)
    assert truth.verdict(claim("metric_pair", "twin", "metric-1", 500, 1)) is Verdict.ARCHITECTURAL
    assert truth.verdict(claim("metric_pair", "metric-0", "perplexity", 500, 1)) is Verdict.ARCHITECTURAL


def test_the_companion_of_a_storage_with_effects_has_none(world):
    effect = next(each for each in world.plan.effects if each.tensor == world.plan.comodified[0].first)
    companion, metric = world.plan.comodified[0].second, world.metrics.names[effect.metric]
    for direction in (1, -1):
        row = claim("impact", name_of(world, companion), metric, 500, direction)
        assert Truth(world).verdict(row) is Verdict.FALSE


def test_what_is_written_when_a_metric_is_bad_does_not_mend_it(world):
    row = claim("impact", name_of(world, world.plan.fixer), "metric-7", 500, -1)
    assert Truth(world).verdict(row) is Verdict.FALSE


def test_an_effect_that_stopped_was_true_and_is_stale(world):
    effect = next(each for each in world.plan.effects if each.until < 1.0)
    metric, side = world.metrics.names[effect.metric], 1 if effect.odd > 0 else -1
    row = claim("effect", name_of(world, effect.tensor), metric, 500, side)
    truth = Truth(world)
    assert truth.verdict(row) is Verdict.TRUE
    assert truth.stale(row)
