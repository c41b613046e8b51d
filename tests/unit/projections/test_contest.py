"""Deciding over the contenders alone is deciding over everyone."""

from __future__ import annotations

import random

import numpy as np
import pytest

from memory.inference.effects import PairedProcess
from memory.inference.kernel import LAMBDAS, SignBet
from memory.inference.multiplicity import adjust, reject
from memory.projections.knowledge.contest import Contest
from memory.projections.knowledge.hypotheses import FamilyKey, Hypothesis

FAMILY = FamilyKey("m", "effect", "scale", 1.0, True)


def hypothesis(number: int, log_e: float, weight: float) -> Hypothesis:
    bet = SignBet(up=[log_e] * len(LAMBDAS), down=[log_e] * len(LAMBDAS))
    process = PairedProcess(n=1, bet=bet, peak_log_e=max(0.0, log_e))
    return Hypothesis(FAMILY, number, "loss", weight, process)


def of_all(hypotheses: list[Hypothesis]) -> set[str]:
    claimed = reject([each.log_e for each in hypotheses], [each.weight for each in hypotheses])
    return {each.digest for each, holds in zip(hypotheses, claimed, strict=True) if holds}


@pytest.mark.parametrize("seed", range(40))
def test_what_is_claimed_is_what_is_claimed_over_all(seed: int) -> None:
    draw = random.Random(seed)
    count = draw.choice((1, 2, 5, 30, 200))
    contest, hypotheses = Contest(), []
    for number in range(count):
        # Evidence about as large as it takes for few or for many to be claimed together.
        log_e = float(np.log(20.0 * count / draw.randint(1, count))) + draw.gauss(0.5, 0.7)
        hypotheses.append(hypothesis(number, log_e if draw.random() < 0.7 else draw.gauss(0.0, 1.0), 0.9 / count))
        contest.put(hypotheses[-1])
        assert {each.digest for each, holds in contest.claims(()) if holds} == of_all(hypotheses)
    adjusted = adjust([each.process.peak_log_e for each in hypotheses])
    lasting = reject(adjusted, [each.weight for each in hypotheses])
    assert contest.lasting() == {each.digest for each, holds in zip(hypotheses, lasting, strict=True) if holds}


def test_evidence_that_fell_is_told_to_be_claimed_no_longer() -> None:
    contest = Contest([hypothesis(number, 0.0, 0.01) for number in range(50)])
    strong = hypothesis(50, 12.0, 0.01)
    contest.put(strong)
    assert [(each.storage_id, holds) for each, holds in contest.claims(())] == [(50, True)]
    strong.log_e = 0.0
    contest.put(strong)
    assert contest.claims(()) == []
    assert contest.claims([strong]) == [(strong, False)]


def test_what_was_removed_takes_no_part() -> None:
    contest = Contest()
    strong = hypothesis(1, 12.0, 0.1)
    contest.put(strong)
    contest.remove(strong)
    assert contest.claims([strong]) == []
    assert list(contest) == []


def test_far_fewer_than_all_are_looked_at() -> None:
    contest = Contest([hypothesis(number, 0.0, 0.001) for number in range(900)])
    contest.put(hypothesis(900, 15.0, 0.001))
    assert len(contest.claims(())) == 1
