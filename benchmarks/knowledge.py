"""How good what is learned is: simulated runs with planted truth and every trap we know, beside what others learn.

Run: python benchmarks/knowledge.py (some minutes on one core; --quick for one of them).
     python benchmarks/knowledge.py --seeds 100 110 --events 20000 100000 --peers all --null 20 --scale --json out.json

Every number is *measured*. Seeds 0 to 9 are for building; what is reported comes from seeds from 100 on, which are not
looked at while building. What counts as true is said in `simulation/truth.py`, what is planted in `simulation/plan.py`,
the traps in `simulation/settings.py`. FDR is the mean over runs of the false share of claims (architectural ones are
false); in brackets all runs' claims together. Seconds are processor time of the fold, rows included, generation not.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.simulation.runs import Job, Numbers, added, added_kinds, added_power, run
from benchmarks.simulation.settings import Settings, Trap
from memory.inference.calibration import Calibration

REPORTING = 100
"""The first seed that may be reported."""


def run_all(jobs: Sequence[Job], workers: int) -> list[Numbers]:
    """Run every job in a process of its own, so that its peak of memory is its own too."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        return list(pool.map(run, jobs))


def share(pair: Sequence[int]) -> str:
    return f"{pair[0] / pair[1]:.3f} ({pair[0]} of {pair[1]})" if pair[1] else "-"


def print_false(label: str, tallies: Sequence[Numbers], target: str = "") -> None:
    mean = float(np.mean([tally["false_share"] for tally in tallies]))
    wrong = sum(tally["false"] + tally["architectural"] for tally in tallies)
    claims = wrong + sum(tally["true"] for tally in tallies)
    architectural = sum(tally["architectural"] for tally in tallies)
    print(f"  {label:42s} FDR {mean:.3f} ({wrong} of {claims}; architectural {architectural}) {target}")


def print_ours(results: Sequence[Numbers]) -> None:
    ours = [result["ours"] for result in results]
    print_false("claimed ever", [each["ever"] for each in ours], "target <= .05, architectural 0")
    print_false("claimed now", [each["now"] for each in ours])
    stale = sum(each["now"]["stale"] for each in ours)
    print(f"    of the claims now, {stale} are of effects that have stopped; wrong ever: {_kinds(ours)}")
    print_false("believed ever (promoted)", [each["beliefs"] for each in ours], "target 0 of 300")
    print_false("believed now", [each["beliefs_now"] for each in ours])
    print("  power")
    power = added_power([each["power"] for each in ours])
    for key, pair in power.items():
        print(f"    {key:18s} {share(pair)}")
    print(f"    {'all kinds':18s} {share(added(list(power.values())))} target >= .85 at 20K")
    large = [pair for key, pair in power.items() if key.startswith(("effect", "impact"))]
    print(f"    {'effects d >= .35':18s} {share(added(large))} target >= .99 at 100K")
    within = added([each["within"] for each in ours])
    print(f"    d >= .75 within 120 writes of its storage: {share(within)} target >= .98")
    ratios = [ratio for each in ours for ratio in each["ratios"]]
    oracle = added([each["oracle"] for each in ours])
    median = f"{np.median(ratios):.2f}" if ratios else "-"
    print(f"  writes until detection / oracle SPRT: median {median}; of what the oracle found we found {share(oracle)}")
    for label, key in (("first claim", "covered_first"), ("the end", "covered_last"), ("every look", "covered_always")):
        print(f"  95 % intervals cover at {label}: {share(added([each[key] for each in ours]))}")
    calibration = _calibration(ours)
    if calibration.n:
        alone = 0.4 * math.sqrt(10 / calibration.n)
        print(
            f"  predictions: ECE {calibration.error:.4f} (noise alone {alone:.4f}), Brier {calibration.brier:.4f}, "
            f"n {calibration.n}; target ECE <= .02"
        )
    print(
        f"  vanished effects no longer claimed: {share(added([each['vanished'] for each in ours]))}; "
        f"beliefs retracted: {share(added([each['vanished_beliefs'] for each in ours]))} target >= .90"
    )
    print(
        f"  undeclared aliases found: {share(added([each['aliases'] for each in ours]))}, "
        f"false identities {sum(each['false_identities'] for each in ours)}"
    )
    print_cost(results)


def print_cost(results: Sequence[Numbers]) -> None:
    cost = np.median([result["microseconds"] for result in results])
    resident = max(result["resident"] for result in results) / 2**20
    print(f"  cost: {cost:.1f} µs an event (target <= 75), peak memory grew by at most {resident:.0f} MiB")


def _kinds(ours: Sequence[Numbers]) -> str:
    kinds = added_kinds([each["ever"] for each in ours])
    return ", ".join(f"{kind} {count}" for kind, count in kinds.items()) or "none"


def _calibration(ours: Sequence[Numbers]) -> Calibration:
    total = Calibration()
    for each in ours:
        state = Calibration.from_state(each["calibration"])
        for field in ("counts", "forecast", "came_true", "squares"):
            setattr(total, field, [a + b for a, b in zip(getattr(total, field), getattr(state, field), strict=True)])
    return total


def print_peers(results: Sequence[Numbers]) -> None:
    for name in results[0]["peers"]:
        peers = [result["peers"][name] for result in results]
        print_false(f"{name}: ever", [peer["ever"] for peer in peers])
        now = float(np.mean([peer["now"]["false_share"] for peer in peers]))
        power = added(list(added_power([peer["power"] for peer in peers]).values()))
        print(f"  {'':42s} now {now:.3f}; power, all kinds {share(power)}")


def print_null(results: Sequence[Numbers]) -> None:
    for label, key in (("claims", "ever"), ("beliefs", "beliefs")):
        tallies = [result["ours"][key] for result in results]
        runs = sum(tally["false"] + tally["architectural"] > 0 for tally in tallies)
        kinds = added_kinds(tallies)
        print(f"  runs with any false {label}: {share((runs, len(tallies)))} target <= .05 {kinds or ''}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs=2, type=int, default=(100, 103), metavar=("FIRST", "AFTER"))
    parser.add_argument("--events", nargs="+", type=int, default=[20_000])
    parser.add_argument("--storages", type=int, default=64)
    parser.add_argument("--metrics", type=int, default=8)
    parser.add_argument("--without", nargs="*", default=[], choices=[str(trap) for trap in Trap], help="traps left out")
    parser.add_argument("--peers", choices=("none", "fast", "all"), default="fast")
    parser.add_argument("--null", type=int, default=5, help="how many runs with nothing planted")
    parser.add_argument("--scale", action="store_true", help="also cost against 64, 435 and 2000 storages")
    parser.add_argument("--rows-every", type=int, default=100, help="events between two takings of rows")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write every run's numbers here")
    parser.add_argument("--quick", action="store_true", help="one seed, one null run")
    options = parser.parse_args()
    seeds = range(*options.seeds)
    if options.quick:
        seeds, options.null = seeds[:1], min(1, options.null)
    if any(seed < REPORTING for seed in seeds):
        print(f"seeds below {REPORTING} are for building: not to be reported")
    left_out = [Trap(each) for each in options.without]
    base = Settings(storages=options.storages, metrics=options.metrics).without(*left_out)
    everything: dict[str, list[Numbers]] = {}
    for events in options.events:

        def of(seed: int, planted: bool, peers: str, events: int = events) -> Job:
            world = Settings(seed, events, base.storages, base.metrics, planted, base.traps)
            return Job(world, peers, options.rows_every)

        results = run_all([of(seed, True, options.peers) for seed in seeds], options.workers)
        everything[f"planted {events}"] = results
        writes = np.median([result["writes_per_storage"] for result in results])
        print(f"\n{events} events, {len(results)} runs, {writes:.0f} writes per storage: this memory")
        print_ours(results)
        if options.peers != "none":
            print(f"{events} events: others, on the same runs")
            print_peers(results)
        if options.null:
            nulls = run_all([of(seeds[0] + k, False, "none") for k in range(options.null)], options.workers)
            everything[f"null {events}"] = nulls
            print(f"{events} events with every trap and nothing planted, {len(nulls)} runs")
            print_null(nulls)
    if options.scale:
        everything["scale"] = scale(seeds[0], options.events[0], options.rows_every)
    if options.json is not None:
        options.json.write_text(json.dumps(everything, indent=1))


def scale(seed: int, events: int, rows_every: int) -> list[Numbers]:
    results = []
    print(f"\ncost against the number of storages, {events} events")
    for storages, every in ((64, 5), (435, 10), (2000, 40)):
        settings = Settings(seed, events, storages, statistics_every=every)
        results += run_all([Job(settings, rows_every=rows_every)], 1)
        print(f"  {storages:5d} storages:", end="")
        print_cost(results[-1:])
    return results


if __name__ == "__main__":
    main()
