"""Knowledge of a real network against what is found by doing: do intervals hold, is a placebo ever claimed?

Run: python benchmarks/knowledge_real.py (about 6 minutes of one core, training included; --quick for one).
     python benchmarks/knowledge_real.py --acts 900 --seed 3 --model folder (trains into the folder once)

The demo's network, a small tied Qwen2 trained on Python's standard library, is edited through a real memory: coins for
scaling, fresh noise in two sizes, a head and unused embedding rows zeroed, changes too small to matter, and placebos.
Everything is put back after each act, so that what a write does is one number, and can be measured by doing: 200 clean
repetitions on fresh samples each, odd part [r(+x) - r(-x)]/2 and even part [r(+x) + r(-x)]/2.

Everything printed is *measured*, at the seed given, with one thread (two threads add in another order). A claim is
false where the truth lies within the smallest effect that matters by more than 3 standard errors, and open within 3 of
it. An interval misses where it leaves out everything within 2 standard errors of the truth.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.real_network.following import Followed, follow
from benchmarks.real_network.loop import METRICS, research, smallest_effects, subject
from benchmarks.real_network.truth import Question, Truth, truths
from benchmarks.real_network.ways import EMBEDDING, HEAD, NORM, PLACEBOS, SCALED, plan, real_ways, unused_tokens
from memory import MemorySystem
from memory.cli.checkpoints import quiet_transformers
from memory.cli.demo.model import HEADS, HIDDEN, TRAINING_STEPS
from memory.inference.calibration import Calibration

OF_WRITES = ("effect", "impact")
_VERDICTS = {1: "true", 0: "open", -1: "FALSE"}


def question_of(row: Any) -> Question:
    """Give what a pattern answers."""
    part = "moves" if row.direction == 0 else row.kind
    return Question(row.subject, row.method or "", row.dose, part, row.object)


def verdict(row: Any, truth: Truth, smallest: Mapping[str, float]) -> int:
    """Say whether a claim is true (1), false (-1) or too close to tell (0)."""
    if row.direction == 0:
        return truth.beyond(1, 0.5)
    return truth.beyond(row.direction, smallest[row.object])


def _short(name: str) -> str:
    return name.removeprefix("model.").removesuffix(".weight")


def share(some: int, of: int) -> str:
    return f"{some} of {of} ({some / of:.3f})" if of else "none"


def print_claims(rows: list[Any], truth: Mapping[Question, Truth], smallest: Mapping[str, float]) -> None:
    print(f"\n{'claim':66s} {'n':>3s} {'interval':>23s} {'truth ± 2 se':>22s}")
    tally: Counter[str] = Counter()
    for row in rows:
        question = question_of(row)
        known = truth.get(question)
        if known is None:
            print(f"  {row.subject} {row.method} {row.object}: no truth was measured")
            continue
        word = _VERDICTS[verdict(row, known, smallest)]
        low = -math.inf if row.ci_low is None else row.ci_low
        high = math.inf if row.ci_high is None else row.ci_high
        covered = question.part == "moves" or not known.excluded_by(low, high)
        tally[word] += 1
        tally["covered"] += covered and question.part != "moves"
        tally["with interval"] += question.part != "moves"
        dose = "" if row.dose in (None, 1.0) else f" {row.dose:g}"
        what = f"{_short(row.subject)} {row.method}{dose} -> {row.object}"
        interval = f"in {row.effect:.0%} of acts" if question.part == "moves" else f"{low:+.4g} .. {high:+.4g}"
        print(
            f"  {what:48s} {question.part:7s} {row.grade[:7]:8s} {row.support:3d} {interval:>23s} "
            f"{known.mean:+10.4g} ± {2 * known.error:8.2g}  {word}{'' if covered else ', MISSED'}"
            f"{'' if row.status == 'active' else ', ' + row.status}"
        )
    print(
        f"\n  claims of writes, ever: {sum(tally[word] for word in _VERDICTS.values())}; true {tally['true']}, "
        f"open {tally['open']}, false {tally['FALSE']}; "
        f"intervals that cover at the end: {share(tally['covered'], tally['with interval'])}"
    )


def print_coverage(found: Mapping[str, Followed], truth: Mapping[Question, Truth]) -> None:
    asked = [each for each in found.values() if each.question in truth and each.question.part != "moves"]
    covers = sum(not truth[each.question].excluded_by(each.low, each.high) for each in asked)
    strictly = sum(not truth[each.question].excluded_by(each.low, each.high, 0.0) for each in asked)
    ever = sum(not each.ever_missed for each in asked)
    firsts = [each for each in asked if each.at_first_claim is not None]
    at_first = sum(not truth[each.question].excluded_by(*(each.at_first_claim or (0.0, 0.0))) for each in firsts)
    bounded = sum(math.isfinite(each.low) and math.isfinite(each.high) for each in asked)
    print(f"  95 % intervals of every hypothesis, claimed or not, at the end: {share(covers, len(asked))} cover")
    print(f"    the mean itself: {share(strictly, len(asked))}; with both ends: {bounded}")
    print(f"    at every one of {sum(each.looks for each in asked)} looks: {share(ever, len(asked))}")
    print(f"    at the first claim: {share(at_first, len(firsts))}")
    for each in asked:
        if each.ever_missed:
            print(f"    missed: {each.question}, {each.grade}, {each.support} acts")


def print_power(rows: list[Any], truth: Mapping[Question, Truth], smallest: Mapping[str, float]) -> None:
    claimed = {question_of(row) for row in rows}
    print("  found, of what truly matters at 3 se (and so has a side):")
    for part in ("effect", "impact", "moves"):
        for low, high in ((1.0, 5.0), (5.0, 25.0), (25.0, math.inf)):
            sizes = {
                each: abs(known.mean) / smallest[each.metric] if part != "moves" else 1.0
                for each, known in truth.items()
                if each.part == part
                and (known.beyond(1, 0.5) == 1 if part == "moves" else _matters(each, known, smallest))
            }
            chosen = {each for each, size in sizes.items() if low <= size < high}
            if chosen:
                text = "" if part == "moves" else f" of {low:g} to {high:g} times the smallest that matters"
                print(f"    {part}{text}: {share(len(chosen & claimed), len(chosen))}")


def _matters(question: Question, truth: Truth, smallest: Mapping[str, float]) -> bool:
    return max(truth.beyond(1, smallest[question.metric]), truth.beyond(-1, smallest[question.metric])) == 1


def print_placebos(rows: list[Any], found: Mapping[str, Followed]) -> None:
    claims = sum(row.method in PLACEBOS for row in rows)
    told = [each for each in found.values() if each.question.method in PLACEBOS]
    print(f"\n  placebos claimed: {claims} (must be 0); hypotheses about them {len(told)}, all of writes only told of;")
    print(
        f"    largest log E among them {max((each.log_e for each in told), default=0.0):.3g} (exactly 0 for a placebo)"
    )
    print(f"  changes too small to matter (x(1 ± 1e-5)) claimed: {sum(row.method == 'nudge' for row in rows)}")


def print_chosen(
    title: str,
    chosen: list[Followed],
    rows: list[Any],
    truth: Mapping[Question, Truth],
    smallest: Mapping[str, float],
) -> None:
    if not chosen:
        return
    claimed = {question_of(row): row for row in rows}
    print(f"\n  {title}:")
    for each in sorted(chosen, key=lambda one: (one.question.method, -(one.question.dose or 0), one.question.metric)):
        question, row, known = each.question, claimed.get(each.question), truth[each.question]
        bar = 0.5 if question.part == "moves" else smallest[question.metric]
        dose = "" if question.dose in (None, 1.0) else f" {question.dose:g}"
        said = "not claimed" if row is None else f"claimed, {row.grade}"
        print(
            f"    {_short(question.storage):25s} {question.method + dose:17s} {question.metric:9s} "
            f"truly {known.mean:+.3g} ± {2 * known.error:.2g} (matters from {bar:.2g}): {said}; "
            f"{each.support} acts, log E {each.log_e:.1f}, estimate {each.estimate:+.3g}"
        )


def print_architecture(memory: MemorySystem, rows: list[Any]) -> None:
    tied = {HEAD, EMBEDDING}
    between = [row for row in memory.patterns(status=None) if {row.subject, row.object} <= tied]
    print(f"\n  patterns between {HEAD} and {EMBEDDING}: {len(between)} (must be 0)")
    derived = sum(row.object == "perplexity" for row in rows)
    print(f"  patterns about perplexity, which is computed from loss: {derived} (must be 0)")
    print("  dropped, and how strong it looked:")
    dropped = [fact for fact in memory.architectural_facts() if fact.strength is not None]
    restated = [fact for fact in dropped if fact.reason == "derived_metric"]
    for fact in (fact for fact in dropped if fact.reason != "derived_metric"):
        print(f"    {fact.kind}: {fact.relation}; {fact.strength_kind} {fact.strength:.4g}, {fact.support} records")
    if restated:
        print(
            f"    {restated[0].kind}: {restated[0].relation}; {restated[0].strength_kind} "
            f"{min(fact.strength for fact in restated):.3f} to {max(fact.strength for fact in restated):.3f}, "
            f"{sum(fact.support for fact in restated)} records"
        )


def print_others(memory: MemorySystem, scores: NDArray[np.float64]) -> None:
    rows = [row for row in memory.patterns(status=None) if row.kind not in OF_WRITES]
    print(f"\n  claims that are not of writes: {dict(Counter(row.kind for row in rows))}")
    correlations = np.atleast_2d(np.corrcoef(scores.T))
    for row in rows:
        told = f"    {row.kind} {row.subject} ~ {row.object}: {row.direction:+d}, log E {row.log_e_value:.1f}"
        if row.kind == "metric_pair":
            one, other = METRICS.index(row.subject), METRICS.index(row.object)
            told += f"; over {len(scores)} fresh samples of the same network r = {correlations[one, other]:+.3f}"
        print(told)


def print_theories(memory: MemorySystem, truth: Mapping[Question, Truth], smallest: Mapping[str, float]) -> None:
    calibration = Calibration()
    for row in memory.query_sql("SELECT probability, hit FROM predictions WHERE hit IS NOT NULL ORDER BY position"):
        calibration.update(row["probability"], bool(row["hit"]))
    earned = [row for row in memory.beliefs(status=None) if row.source == "earned" and row.kind in OF_WRITES]
    patterns = {row.pattern_id: row for row in memory.patterns(status=None)}
    of_theory = {row.theory_id: patterns[row.pattern_id] for row in memory.theories(status=None)}
    verdicts: Counter[str] = Counter()
    for belief in earned:
        row = of_theory[belief.theory_id]
        known = truth.get(question_of(row))
        verdicts["unknown" if known is None else _VERDICTS[verdict(row, known, smallest)]] += 1
    print(f"\n  beliefs about writes, ever: {len(earned)} {dict(verdicts)}")
    if calibration.n:
        print(
            f"  predictions before their outcome: {calibration.n}; expected to come true "
            f"{sum(calibration.forecast):.0f}, came true {sum(calibration.came_true):.0f}; "
            f"calibration error {calibration.error:.3f}, Brier {calibration.brier:.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--acts", type=int, default=480)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path, help="keep the trained network in this folder, and take it from there")
    parser.add_argument("--database", help="keep the record here (default: a temporary file)")
    parser.add_argument("--quick", action="store_true", help="80 training steps, 160 acts, 30 repetitions")
    options = parser.parse_args()
    steps = TRAINING_STEPS
    if options.quick:
        steps, options.acts, options.repetitions = 80, 160, 30
    torch.set_num_threads(1)
    quiet_transformers()
    with tempfile.TemporaryDirectory() as folder:
        run(options, steps, options.database or str(Path(folder) / "real.db"))


def run(options: argparse.Namespace, steps: int, database: str) -> None:
    times = [time.process_time()]
    studied = subject(options.seed, steps, options.model)
    times.append(time.process_time())
    unused = unused_tokens(studied.text.held_out, 256)
    seen = set(torch.unique(studied.text.train).tolist())
    ways = real_ways(unused, HIDDEN // HEADS)
    if options.quick:
        ways = [way for way in ways if way.name in (HEAD, EMBEDDING, NORM)]
    smallest = smallest_effects(studied, options.seed)
    print(f"smallest effects that matter: {', '.join(f'{name} {size:.2g}' for name, size in smallest.items())}")
    print(
        f"{len(unused)} of 256 rows never occur in the text, {len(set(unused) - seen)} of them never in training either"
    )
    with MemorySystem(database, actor="benchmark", seed=options.seed) as memory:
        memory.attach(studied.model, name="qwen2")
        acts = research(memory, studied, options.seed, plan(options.seed, options.acts, ways), smallest)
        times.append(time.process_time())
        truth, scores = truths(studied, ways, SCALED, smallest, options.repetitions, options.seed)
        times.append(time.process_time())
        if not memory.verify().ok:
            raise RuntimeError("the record does not verify")
        rows = [row for row in memory.patterns(status=None) if row.kind in OF_WRITES]
        found = follow(memory, truth)
        print_claims(rows, truth, smallest)
        print_coverage(found, truth)
        print_power(rows, truth, smallest)
        print_placebos(rows, found)
        unused_rows = [each for each in found.values() if each.question.method.startswith("zero_unused")]
        print_chosen(
            "zeroed rows of the tied embedding that never occur in the text", unused_rows, rows, truth, smallest
        )
        noises = [each for each in found.values() if each.question.part == "moves"]
        print_chosen("noise that moves by more than matters, by the share of acts", noises, rows, truth, smallest)
        print_architecture(memory, rows)
        print_others(memory, scores)
        print_theories(memory, truth, smallest)
    spent = [later - earlier for earlier, later in pairwise([*times, time.process_time()])]
    print(
        f"\n  {acts} acts, {len(truth)} truths of {options.repetitions} repetitions; "
        f"{sum(spent):.0f} processor seconds: network {spent[0]:.0f}, acts {spent[1]:.0f}, "
        f"doing {spent[2]:.0f}, the rest {spent[3]:.0f}"
    )


if __name__ == "__main__":
    main()
