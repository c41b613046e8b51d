"""What the theories of kinds judged block by block say of the next block."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import orjson
import pytest

from memory.inference.calibration import Calibration
from memory.inference.comodification_grid import ComodificationGrid
from memory.inference.pair_grid import PairGrid
from memory.inference.product_signs import chance_above_zero
from memory.projections.knowledge.claim import Claim
from memory.projections.knowledge.claims import Claims
from memory.projections.knowledge.composed import Composed
from memory.projections.knowledge.families import Families
from memory.projections.knowledge.grid_panels import PairPanel, TablePanel
from memory.projections.knowledge.metrics import MetricBook
from memory.projections.knowledge.panel import About, FamilyKey, Panel

PAIRS, BLOCK = 20, 16


def claims() -> Claims:
    return Claims(lambda *_: None, lambda *_: None, Composed(MetricBook()))


def asked(first: int, second: int) -> list[Any]:
    return [first, second]


def about(first: int, second: int) -> About:
    return About(str(first), str(second), (str(first),))


def claimed(panel: Panel, slot: int, direction: int = 1) -> Claim:
    claim = panel.claims[slot] = Claim(panel, slot, 1, direction, "a", "b", ("a",))
    n, mean, deviation = panel.moments(slot)
    claim.seen = n, mean * n, deviation**2 * (n - 1.0) + n * mean * mean, float(panel.log_e[slot])
    return claim


def pair_panel() -> PairPanel:
    family = Families().settle(FamilyKey("m", "metric_pair"), 1, 1)
    panel = PairPanel("pairs", family, PairGrid(), asked, about)
    panel.grow(2 * PAIRS)
    return panel


def blocks(panel: PairPanel, count: int, seed: int, side: float = 1.0) -> Iterator[Any]:
    """Settle blocks of series that move together two by two, i and i + PAIRS, and are there half of the time.

    Their correlations are evenly spread from .2 to .8.
    """
    rng = np.random.default_rng(seed)
    correlation = side * np.linspace(0.2, 0.8, PAIRS)
    for number in range(count):
        for _ in range(BLOCK):
            u = rng.normal(size=2 * PAIRS)
            u[PAIRS:] = correlation * u[:PAIRS] + np.sqrt(1.0 - correlation**2) * u[PAIRS:]
            panel.grid.update(u, np.tile(rng.random(PAIRS) < 0.5, 2))
        yield panel.settle(100 + number, 1)


@pytest.mark.parametrize("side", [1, -1])
def test_a_pair_is_forecast_by_the_mean_of_a_block_and_honestly(side: int) -> None:
    panel, scoring, calibration = pair_panel(), claims(), Calibration()
    for _ in blocks(panel, 12, 1, side):
        pass
    for pair in range(PAIRS):
        claimed(panel, panel.slot(pair, PAIRS + pair), side)
    for touched in blocks(panel, 80, 2, side):
        scoring.score_blocks(panel, touched, 7)
    rows = [row for _, row in scoring.take_rows()[1]]
    assert len(rows) > 1500
    for row in rows:
        calibration.update(row["probability"], bool(row["hit"]))
    assert calibration.error < 0.02
    off = [(row["outcome"] - row["mean"]) / row["sd"] for row in rows]
    assert float(np.mean(off)) == pytest.approx(0.0, abs=0.1)
    assert 0.85 < float(np.std(off)) < 1.2


def test_a_claim_learns_how_much_a_block_holds() -> None:
    panel, scoring = pair_panel(), claims()
    for _ in blocks(panel, 12, 3):
        pass
    claim = claimed(panel, panel.slot(0, PAIRS))
    before = claim.seen[0]
    for touched in blocks(panel, 10, 4):
        scoring.score_blocks(panel, touched, 7)
    assert list(claim.blocks) == [claim.score.n, claim.seen[0] - before]
    told = claim.block_forecast()
    n, total, squares, _ = claim.seen
    variance = (squares - total * total / n) / (n - 1.0)
    size = (8.0 + claim.blocks[1]) / (1.0 + claim.blocks[0])
    assert told.sd == pytest.approx((variance * (1.0 / size + 1.0 / n)) ** 0.5)
    assert told.mean == pytest.approx(total / n)


@pytest.mark.parametrize("side", [1, -1])
def test_what_a_pair_says_of_its_sign_is_the_chance_of_a_mean_of_products(side: int) -> None:
    panel = pair_panel()
    for _ in blocks(panel, 12, 5, side):
        pass
    claim = claimed(panel, panel.slot(4, PAIRS + 4), side)
    n, mean, deviation = panel.moments(claim.slot)
    chance = chance_above_zero(side * mean, deviation, n, 8.0)
    assert 0.5 < chance < 0.95
    assert claim.block_forecast().while_holding == pytest.approx(chance)


def always_together(grid: ComodificationGrid, panel: TablePanel | None = None) -> Iterator[Any]:
    while True:
        for act in range(31):
            grid.act([0, 1] if act % 4 == 0 else [2])
        settled = grid.act([2])
        if panel is not None and settled is not None:
            panel.settled(settled, 7, 1)
        yield settled


def comodified() -> tuple[TablePanel, Claim, Iterator[Any]]:
    grid = ComodificationGrid()
    grid.grow(3)
    for _ in islice(always_together(grid), 5):
        pass
    family = Families().settle(FamilyKey("m", "comodification"), 1, 1)
    panel = TablePanel("together", family, grid, asked, about)
    slot = next(slot for slot in range(panel.slots) if panel.pair(slot) == (0, 1))
    return panel, claimed(panel, slot), always_together(grid, panel)


def test_what_always_happens_is_said_to_the_more_surely_the_oftener_it_was_foretold() -> None:
    panel, claim, settling = comodified()
    scoring, said = claims(), []
    for _ in range(200):
        said.append(claim.block_forecast().probability)
        scoring.score_blocks(panel, next(settling).slots, 7)
    assert claim.score.hits == claim.score.n == 200
    assert said[0] == pytest.approx(0.95, abs=0.001)
    assert said == sorted(said)
    assert 0.985 < said[-1] <= 0.99


def test_its_own_hits_weigh_against_thirty_two_of_the_models() -> None:
    _, claim, _ = comodified()
    claim.score.n, claim.score.hits = 16, 8
    assert claim.block_forecast().while_holding == pytest.approx((32 * 0.95 + 8) / 48)


def test_a_claim_goes_on_from_its_stored_form_bit_for_bit() -> None:
    panel, claim, settling = comodified()
    scoring = claims()
    for _ in range(3):
        scoring.score_blocks(panel, next(settling).slots, 7)
    again = Claim.from_state(panel, json.loads(orjson.dumps(claim.to_state())))
    assert (again.blocks, again.seen, again.score) == (claim.blocks, claim.seen, claim.score)
    assert again.block_forecast() == claim.block_forecast()
