from __future__ import annotations

import copy
import pickle
import threading

import pytest
import torch

from memory import Coin, MemorySystem
from memory.errors import InvalidArgument, InvalidPayload


def test_a_coin_is_a_sign_that_knows_its_probability(memory):
    with memory.act() as act:
        coins = [act.flip(0.9) for _ in range(60)]
    assert {int(coin) for coin in coins} == {1, -1}
    assert {coin.propensity for coin in coins if coin == 1} == {0.9}
    assert all(coin.propensity == pytest.approx(0.1) for coin in coins if coin == -1)


@pytest.mark.parametrize("probability", [0, 1, -0.1, float("nan")])
def test_a_coin_that_could_fall_on_one_side_only_is_no_coin(memory, probability):
    with memory.act() as act, pytest.raises(InvalidArgument, match="probability"):
        act.flip(probability)


def test_a_write_after_a_flip_is_randomised_with_the_propensity_of_the_side_drawn(memory, attached, events):
    with memory.act() as act:
        coin = act.flip(0.25)
        with memory.edit("head.weight", method="scale", dose=0.5 * coin) as weight:
            weight.mul_(1 + 0.05 * coin)
    write = events("coupled_modification")[0].payload
    assert (write.dose, write.randomised, write.propensity) == (0.5 * coin, True, coin.propensity)


def test_a_write_without_a_coin_is_not_randomised(memory, attached, events):
    memory.record_modification("head.weight", dose=1.0)
    write = events("coupled_modification")[0].payload
    assert (write.randomised, write.propensity) == (False, None)


def test_a_flip_randomises_no_write_without_a_dose(memory, attached, events):
    with memory.act() as act:
        act.flip()
        memory.record_modification("head.weight")
    assert events("coupled_modification")[0].payload.randomised is False


def test_a_coin_given_as_the_dose_randomises_outside_its_act_too(memory, attached, events):
    memory.record_modification("head.weight", dose=Coin(-1, 0.25, 1))
    write = events("coupled_modification")[0].payload
    assert (write.dose, write.randomised, write.propensity) == (-1.0, True, 0.25)


@pytest.mark.parametrize("wrong", [{"randomised": True}, {"randomised": True, "dose": 1.0, "propensity": 1.0}])
def test_a_randomised_write_needs_a_dose_and_a_real_probability(memory, attached, types, wrong):
    with pytest.raises(InvalidArgument):
        memory.record_modification("head.weight", **wrong)
    assert types() == []


@pytest.mark.parametrize("dose", [float("nan"), float("inf"), True, "1"])
def test_a_dose_that_is_no_finite_number_is_refused(memory, attached, types, dose):
    with pytest.raises(InvalidPayload, match="dose"):
        memory.record_modification("head.weight", dose=dose)
    assert types() == []


def test_a_dose_may_be_a_scalar_of_torch(memory, attached, events):
    memory.record_modification("head.weight", dose=torch.tensor(0.5))
    assert events("coupled_modification")[0].payload.dose == 0.5


def test_what_is_recorded_in_an_act_belongs_to_it_unless_another_is_named(memory, attached, events):
    with memory.act("outer") as outer:
        memory.record_metrics({"loss": 1.0})
        with memory.act("inner") as inner:
            memory.record_metrics({"loss": 2.0})
            memory.record_metrics({"loss": 3.0}, act=outer)
            memory.record_metrics({"loss": 4.0}, act="elsewhere")
        memory.record_metrics({"loss": 5.0})
    memory.record_metrics({"loss": 6.0})
    acts = [event.act_id for event in events("metrics_recorded")]
    assert acts == [outer.id, inner.id, outer.id, "elsewhere", outer.id, None]


def test_an_act_does_not_reach_into_another_thread(memory, attached, events):
    with memory.act():
        thread = threading.Thread(target=lambda: memory.record_metrics({"loss": 1.0}))
        thread.start()
        thread.join()
    assert events("metrics_recorded")[0].act_id is None


def _coins_and_names(memory):
    coins, names = [], []
    for _ in range(20):
        with memory.act() as act:
            coins.append(int(act.flip()))
            names.append(act.id)
    return coins, names


def test_a_seed_makes_coins_and_names_of_acts_repeatable(tmp_path):
    runs = []
    for place in ("one.db", "two.db"):
        with MemorySystem(tmp_path / place, seed=5) as memory:
            runs.append(_coins_and_names(memory))
    assert runs[0] == runs[1]


def test_a_seed_used_again_on_the_same_record_names_new_acts(tmp_path):
    names = []
    for _ in range(2):
        with MemorySystem(tmp_path / "one.db", seed=5) as memory:
            with memory.act() as act:
                memory.record_metrics({"loss": 1.0})
            names.append(act.id)
    assert names[0] != names[1]


def test_a_coin_crosses_processes_with_its_propensity():
    for coin in (pickle.loads(pickle.dumps(Coin(-1, 0.25, 1))), copy.deepcopy(Coin(-1, 0.25, 1))):
        assert (int(coin), coin.propensity, type(coin)) == (-1, 0.25, Coin)
