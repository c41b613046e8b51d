"""Scores what was claimed of a run against its truth; sums of runs are scores of the same form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.simulation.following import Followed
from benchmarks.simulation.oracle import oracle_detections
from benchmarks.simulation.truth import Fact, Planted, Truth, Verdict
from benchmarks.simulation.world import World
from memory.inference import Calibration

Row = Mapping[str, Any]
LARGE, MANY = 0.75, 120
"""An effect of this size should be found within so many writes."""


@dataclass(slots=True)
class Tally:
    """Claims, by what they are."""

    true: int = 0
    false: int = 0
    architectural: int = 0
    stale: int = 0
    """Of the true ones: what they claim has stopped."""
    wrong_kinds: Counter[str] = field(default_factory=Counter)
    """Kinds of the claims that are not true."""

    def count(self, kind: str, verdict: Verdict, stale: bool = False) -> None:
        """Count one claim."""
        self.true += verdict is Verdict.TRUE
        self.false += verdict is Verdict.FALSE
        self.architectural += verdict is Verdict.ARCHITECTURAL
        self.stale += verdict is Verdict.TRUE and stale
        if verdict is not Verdict.TRUE:
            self.wrong_kinds[f"{kind} ({verdict})"] += 1

    @property
    def claims(self) -> int:
        """All of them."""
        return self.true + self.false + self.architectural

    @property
    def wrong(self) -> int:
        """Those that are not true."""
        return self.false + self.architectural

    @property
    def false_share(self) -> float:
        """Share of claims that are false or architectural: 0 where nothing was claimed."""
        return self.wrong / max(1, self.claims)


Power = dict[tuple[str, float], list[int]]
"""(kind, absolute size) to [found, planted]."""


@dataclass(slots=True)
class Score:
    """How well one way of finding out did on one run."""

    ever: Tally = field(default_factory=Tally)
    now: Tally = field(default_factory=Tally)
    power: Power = field(default_factory=dict)
    found: dict[Fact, int] = field(default_factory=dict)
    """Planted fact to the position of its first true claim."""


@dataclass(slots=True)
class OurScore(Score):
    """What only the fold can be asked."""

    beliefs: Tally = field(default_factory=Tally)
    """Earned beliefs ever held."""
    beliefs_now: Tally = field(default_factory=Tally)
    ratios: list[float] = field(default_factory=list)
    """Writes until detection, over the oracle's, of each effect that both found."""
    within: list[int] = field(default_factory=lambda: [0, 0])
    """[found within 120 writes of its tensor, all] of the effects of size 0.75 and more that had so many."""
    oracle_found: int = 0
    oracle_and_ours: int = 0
    covered_first: list[int] = field(default_factory=lambda: [0, 0])
    """[covering, all] intervals at the look after the first claim."""
    covered_last: list[int] = field(default_factory=lambda: [0, 0])
    covered_always: list[int] = field(default_factory=lambda: [0, 0])
    """[never missing at any look, all] patterns."""
    vanished: list[int] = field(default_factory=lambda: [0, 0])
    """[not active at the end, all] claims of effects that stopped."""
    vanished_beliefs: list[int] = field(default_factory=lambda: [0, 0])
    aliases: list[int] = field(default_factory=lambda: [0, 0])
    """[undeclared aliases that are facts of architecture, planted]."""
    false_identities: int = 0
    calibration: Calibration = field(default_factory=Calibration)


def score_claims(truth: Truth, rows: Iterable[Row]) -> Score:
    """Score rows with the columns of `patterns` (kind, subject, object, direction, first_position, status)."""
    score = Score()
    _score_into(score, truth, rows)
    return score


def _score_into(score: Score, truth: Truth, rows: Iterable[Row]) -> None:
    for row in sorted(rows, key=lambda row: int(row["first_position"])):
        verdict = truth.verdict(row)
        score.ever.count(row["kind"], verdict)
        if row["status"] == "active":
            score.now.count(row["kind"], verdict, truth.stale(row))
        fact = truth.fact(row)
        if verdict is Verdict.TRUE and fact is not None:
            score.found.setdefault(fact, row["first_position"])
    for planted in _countable(truth):
        cell = score.power.setdefault((planted.fact[0], abs(planted.size) if planted.true_effect else 0.0), [0, 0])
        cell[0] += planted.fact in score.found
        cell[1] += 1


def _countable(truth: Truth) -> list[Planted]:
    return [planted for planted in truth.planted.values() if planted.detectable]


def score_fold(world: World, truth: Truth, followed: Followed) -> OurScore:
    """Score what the fold made of a run."""
    score = OurScore(calibration=followed.calibration)
    _score_into(score, truth, followed.last.values())
    _beliefs(score, truth, followed)
    _within(score, world, truth)
    effects = [planted for planted in _countable(truth) if planted.true_effect is not None]
    for fact, detection in oracle_detections(world, effects).items():
        score.oracle_found += 1
        if fact in score.found:
            score.oracle_and_ours += 1
            ours = sum(position <= score.found[fact] for position in world.chronicle.writes_of[fact[1]])
            score.ratios.append(ours / detection.writes)
    for identity, row in followed.last.items():
        _coverage(score, truth, followed, identity, row)
        if truth.verdict(row) is Verdict.TRUE and truth.stale(row):
            _add(score.vanished, row["status"] != "active")
    _aliases(score, world, followed)
    return score


def _within(score: OurScore, world: World, truth: Truth) -> None:
    for planted in _countable(truth):
        writes = world.chronicle.writes_of.get(planted.fact[1], [])
        until = planted.until or world.chronicle.events
        if planted.true_effect is None or abs(planted.size) < LARGE or len(writes) < MANY or writes[MANY - 1] > until:
            continue
        _add(score.within, score.found.get(planted.fact, world.chronicle.events + 1) <= writes[MANY - 1])


def _add(pair: list[int], hit: bool) -> None:
    pair[0] += hit
    pair[1] += 1


def _beliefs(score: OurScore, truth: Truth, followed: Followed) -> None:
    for identity, row in followed.beliefs.items():
        if row.get("source", "earned") != "earned" or row["belief_type"] == "architectural_fact":
            continue
        claim = followed.last.get("pattern-" + identity.rpartition("-")[2]) or row
        if claim.get("kind") is None:
            continue
        verdict = truth.verdict(claim)
        score.beliefs.count(claim["kind"], verdict)
        stale = truth.stale(claim)
        if row["status"] == "active":
            score.beliefs_now.count(claim["kind"], verdict, stale)
        if verdict is Verdict.TRUE and stale:
            _add(score.vanished_beliefs, row["status"] != "active")


def _coverage(score: OurScore, truth: Truth, followed: Followed, identity: str, row: Row) -> None:
    """Compare a claim's intervals with the truth, as long as the truth stayed what it was."""
    effect = truth.true_effect(row)
    if effect is None:
        return
    fact = truth.fact(row)
    planted = None if fact is None else truth.planted.get(fact)
    until = planted.until if planted is not None and planted.until is not None else None
    looks = [look for look in followed.intervals.get(identity, ()) if until is None or look[0] < until]
    if not looks:
        return
    covers = [(low is None or low <= effect) and (high is None or effect <= high) for _, low, high in looks]
    _add(score.covered_first, covers[0])
    _add(score.covered_last, covers[-1])
    _add(score.covered_always, all(covers))


def _aliases(score: OurScore, world: World, followed: Followed) -> None:
    """Compare what is said to be one tensor, and was not declared, with what is."""
    names = world.cast.phases[-1].tensors
    wanted = {frozenset((f"undeclared.{k}.a.weight", f"undeclared.{k}.b.weight")) for k in range(2)}
    found = set()
    for row in followed.facts.values():
        if row["reason"] != "undeclared_alias":
            continue
        ends = row["subject"], row["object"]
        if names.get(ends[0]) is None or names.get(ends[0]) != names.get(ends[1]):
            score.false_identities += 1
        found.add(frozenset(ends))
    present = {pair for pair in wanted if pair <= set(names)}
    score.aliases = [len(present & found), len(present)]
    if "ghost.weight" in names:
        _add(score.aliases, any("ghost.weight" in ends for ends in found))
