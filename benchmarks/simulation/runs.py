"""One run from settings to plain numbers, in a process of its own: what is added up and printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.simulation.causal import claims_by_pcmci
from benchmarks.simulation.chronicle import KEPT_METRICS
from benchmarks.simulation.columns import Columns, by_name, by_storage
from benchmarks.simulation.fixed_tests import claims_by_tests
from benchmarks.simulation.following import ROWS_EVERY, follow
from benchmarks.simulation.rules import claims_at_peeks
from benchmarks.simulation.scoring import OurScore, Power, Tally, score_claims, score_fold
from benchmarks.simulation.settings import Settings
from benchmarks.simulation.truth import Truth
from benchmarks.simulation.world import World

Numbers = dict[str, Any]
_Peer = Callable[[Columns], Sequence[Mapping[str, Any]]]

BY_NAME: dict[str, _Peer] = {
    "counts, names, peeked 20x": partial(claims_at_peeks, peeks=20, method="counts"),
    "association rules, names, peeked 20x": partial(claims_at_peeks, peeks=20, method="rules"),
    "tests + BH, names, at the end": partial(claims_by_tests, peeks=1, raw=True),
    "tests + BH, names, peeked 20x": partial(claims_by_tests, peeks=20, raw=True),
    "tests + BH, names, peeked 157x": partial(claims_by_tests, peeks=157, raw=True),
}
BY_STORAGE: dict[str, _Peer] = {
    "association rules, storages, at the end": partial(claims_at_peeks, peeks=1, method="rules"),
    "association rules, storages, peeked 20x": partial(claims_at_peeks, peeks=20, method="rules"),
    "tests + BH, our statistics, at the end": partial(claims_by_tests, peeks=1, raw=False),
    "tests + BH, our statistics, peeked 20x": partial(claims_by_tests, peeks=20, raw=False),
    "tests + BH, our statistics, peeked 157x": partial(claims_by_tests, peeks=157, raw=False),
    "PCMCI ParCorr + BH, storages, at the end": partial(claims_by_pcmci, peeks=1),
    "PCMCI ParCorr + BH, storages, peeked 10x": partial(claims_by_pcmci, peeks=10),
}


@dataclass(frozen=True, slots=True)
class Job:
    """What to run."""

    settings: Settings
    peers: str = "none"
    """none, fast (all but PCMCI) or all."""
    rows_every: int = ROWS_EVERY


def run(job: Job) -> Numbers:
    """Run one world, and give every number there is about it as plain data."""
    world = World(job.settings)
    followed = follow(world, job.rows_every)
    truth = Truth(world)
    writes = [len(each) for each in world.chronicle.writes_of.values()]
    numbers: Numbers = {
        "seed": job.settings.seed,
        "events": followed.events,
        "storages": job.settings.storages,
        "planted": job.settings.planted,
        "writes_per_storage": float(np.median(writes)),
        "microseconds": followed.microseconds,
        "resident": followed.resident,
        "ours": _ours(score_fold(world, truth, followed)),
        "peers": {},
    }
    if job.peers != "none" and job.settings.metrics <= KEPT_METRICS:
        for columns, peers in ((by_name(world), BY_NAME), (by_storage(world), BY_STORAGE)):
            for name, claims in peers.items():
                if job.peers == "all" or not name.startswith("PCMCI"):
                    score = score_claims(truth, claims(columns))
                    numbers["peers"][name] = {
                        "ever": _tally(score.ever),
                        "now": _tally(score.now),
                        "power": _power(score.power),
                    }
    return numbers


def _tally(tally: Tally) -> Numbers:
    return {
        "true": tally.true,
        "false": tally.false,
        "architectural": tally.architectural,
        "stale": tally.stale,
        "false_share": tally.false_share,
        "wrong_kinds": dict(tally.wrong_kinds),
    }


def _power(power: Power) -> Numbers:
    return {f"{kind} {size:g}" if size else kind: cell for (kind, size), cell in sorted(power.items())}


def _ours(score: OurScore) -> Numbers:
    return {
        "ever": _tally(score.ever),
        "now": _tally(score.now),
        "beliefs": _tally(score.beliefs),
        "beliefs_now": _tally(score.beliefs_now),
        "power": _power(score.power),
        "within": score.within,
        "ratios": score.ratios,
        "oracle": [score.oracle_and_ours, score.oracle_found],
        "covered_first": score.covered_first,
        "covered_last": score.covered_last,
        "covered_always": score.covered_always,
        "vanished": score.vanished,
        "vanished_beliefs": score.vanished_beliefs,
        "aliases": score.aliases,
        "false_identities": score.false_identities,
        "calibration": score.calibration.to_state(),
    }


def added(pairs: Sequence[Sequence[int]]) -> tuple[int, int]:
    """Add up [hits, all] of runs."""
    return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)


def added_power(powers: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, tuple[int, int]]:
    """Add up power by kind and size."""
    keys = dict.fromkeys(key for power in powers for key in power)
    return {key: added([power[key] for power in powers if key in power]) for key in keys}


def added_kinds(tallies: Sequence[Numbers]) -> dict[str, int]:
    """Add up what the wrong claims are, the most frequent first."""
    total: Counter[str] = Counter()
    for tally in tallies:
        total.update(tally["wrong_kinds"])
    return dict(total.most_common())
