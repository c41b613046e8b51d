"""Running state survives any interruption: through JSON and back at any moment, the same bits follow."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.inference import (
    ComodificationProcess,
    Correlation,
    EDetector,
    PairedProcess,
    Score,
    SignBet,
    forecast,
)
from memory.inference.kernel import LAMBDAS
from memory.inference.packed import pack, unpack
from memory.inference.paired import Bets, PairedBlock
from memory.inference.scale import WINDOW

outcomes = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.floats(-10.0, 10.0), st.sampled_from([0.0, -0.0, 1.0, 1e-9])
)
histories = st.lists(outcomes, max_size=70)
cuts = st.sets(st.integers(0, 70), max_size=6)
deltas = st.sampled_from([0.0, 1e-3, 1.0])

Fresh = Callable[[], Any]
Step = Callable[[Any, float], Any]


@dataclass
class Rows:
    """Three rows of a block, of which each outcome concerns some: what is kept of them is bytes."""

    block: PairedBlock = field(default_factory=PairedBlock)
    taken: int = 0

    def update(self, outcome: float) -> None:
        if not self.block.rows:
            self.block.add(np.array([0.0, 1e-3]))
            self.block.add(np.zeros(1), one_sided=True)
        self.taken += 1
        index = np.array([0, 1, 2] if self.taken % 3 else [2, 0])
        count = len(index)
        signs = np.array([1.0, -1.0, 1.0])[index]
        propensity = np.full(count, 0.3 if outcome > 1.0 else 0.5)
        bets = Bets(index, outcome * signs, propensity, np.zeros(count), index + 1, self.taken, self.taken - 1)
        self.block.update(bets)

    def to_state(self) -> Any:
        return [self.taken, pack(self.block.to_arrays()).hex() if self.block.rows else ""]

    @classmethod
    def from_state(cls, state: Any) -> Rows:
        taken, packed = state
        return cls(PairedBlock.from_arrays(unpack(bytes.fromhex(packed))) if packed else PairedBlock(), taken)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows) and self.to_state() == other.to_state()


def score_step(pair: tuple[PairedProcess, Score], outcome: float) -> None:
    process, score = pair
    score.update(forecast(process, 1, score.standing), outcome)
    process.update(outcome)


MACHINES: list[tuple[Fresh, Step]] = [
    (Rows, lambda m, u: m.update(u)),
    (lambda: EDetector(direction=-1, effect=0.3), lambda m, u: m.update(u)),
    (ComodificationProcess, lambda m, u: m.update(u > 0.0, u < 1.0)),
    (Correlation, lambda m, u: m.update(u, abs(u))),
    (SignBet, lambda m, u: m.update(max(-3.0, min(3.0, u))) if not math.isnan(u) else None),
]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: type(machine[0]()).__name__)
@given(history=histories, cuts=cuts)
@settings(max_examples=40, deadline=None)
def test_any_chunking_through_json_gives_the_same_bits(
    machine: tuple[Fresh, Step], history: list[float], cuts: set[int]
) -> None:
    fresh, step = machine
    live, replayed = fresh(), fresh()
    for index, outcome in enumerate(history):
        step(live, outcome)
        if index in cuts:
            replayed = type(replayed).from_state(json.loads(json.dumps(replayed.to_state(), allow_nan=False)))
        step(replayed, outcome)
    assert replayed == live
    assert json.dumps(replayed.to_state()) == json.dumps(live.to_state())


@given(history=histories, cuts=cuts)
@settings(max_examples=40, deadline=None)
def test_scores_replay_with_their_forecasts(history: list[float], cuts: set[int]) -> None:
    live, replayed = ((PairedProcess(), Score()) for _ in range(2))
    for index, outcome in enumerate(history):
        score_step(live, outcome)
        if index in cuts:
            block = PairedBlock.from_arrays(unpack(pack(replayed[0]._block.to_arrays())))
            state = json.loads(json.dumps(replayed[1].to_state(), allow_nan=False))
            replayed = PairedProcess.of(block, 0), Score.from_state(state)
        score_step(replayed, outcome)
    assert json.dumps(replayed[1].to_state()) == json.dumps(live[1].to_state())
    assert pack(replayed[0]._block.to_arrays()) == pack(live[0]._block.to_arrays())


@given(history=histories, delta=deltas)
@settings(max_examples=60, deadline=None)
def test_no_history_breaks_a_process_and_the_interval_holds_the_estimate(history: list[float], delta: float) -> None:
    process = PairedProcess(smallest_effect=delta)
    for outcome in history:
        process.update(outcome)
    assert process.n + process.skipped == len(history)
    assert math.isfinite(process.log_e)
    assert 0.0 <= process.peak_log_e >= process.log_e
    for name, array in process._block.to_arrays().items():
        assert not (np.signbit(array) & (array == 0.0)).any(), name
    if process.n:
        low, high = process.interval()
        assert low <= process.estimate <= high
        assert 0.01 <= forecast(process, -1).probability <= 0.99


@given(history=st.lists(st.one_of(st.floats(-5.0, 5.0), st.just(0.0)), min_size=1, max_size=50), delta=deltas)
@settings(max_examples=60, deadline=None)
def test_the_e_value_is_its_definition_computed_from_the_whole_history(history: list[float], delta: float) -> None:
    process = PairedProcess(smallest_effect=delta)
    products = dict.fromkeys([s * side for s in LAMBDAS for side in (1, -1)], 0.0)
    past: list[float] = []
    for u in history:
        process.update(u)
        u = 0.0 if abs(u) < 1e-60 else u
        moved = sorted(abs(v) for v in past[-WINDOW:] if v != 0.0)
        middle = (moved[(len(moved) - 1) // 2] + moved[len(moved) // 2]) / 2 if moved else 0.0
        scale = max(delta, middle)
        for key in products:
            margin = (u if key > 0 else -u) - delta
            d = 0.0 if margin == 0.0 else math.copysign(3.0, margin) if scale == 0.0 else margin / scale
            if past:
                products[key] += math.log1p(math.tanh(abs(key) * max(-3.0, min(3.0, d))))
        past.append(u)
    expected = math.log(sum(math.exp(log) for log in products.values()) / 10.0)
    assert process.log_e == pytest.approx(expected, rel=1e-7, abs=1e-7)
