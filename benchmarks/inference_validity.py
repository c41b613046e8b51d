"""How valid and how strong the evidence machinery is, on simulated acts with known truth and fixed seeds.

Run: python benchmarks/inference_validity.py (about half a minute on one core; --quick for a few seconds).

Prints, against oracles that know what the machinery must learn:
  power        acts until E crosses 7500, an e-BH bar for about 90 hypotheses in 0.3 of the budget
  validity     how often a null ever reaches E >= 20 while looked at after every act
  intervals    how often the 95 % sequence ever misses, and its width against the fixed-sample interval
  calibration  honesty of forecast signs from the moment a theory is born (E >= 20), so after selection
  retraction   false alarms and delays of the e-detector
  cost         microseconds per update and per read-out
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from memory.inference import Calibration, EDetector, PairedProcess, Score, forecast

Floats = NDArray[np.float64]
BAR = math.log(7500.0)
TWENTY = math.log(20.0)


def first_crossing(path: Floats, bar: float) -> int:
    above = np.flatnonzero(path >= bar)
    return int(above[0]) + 1 if above.size else path.size + 1


def power(runs: int) -> None:
    print(f"\npower: acts until log E >= {BAR:.1f}, {runs} runs, median (90 %)")
    print("  noise    d      ours         sign oracle  normal oracle  ours/sign  ours/normal")
    rng = np.random.default_rng(1)
    for noise, draw in (("normal", rng.normal), ("t(3)", lambda size: rng.standard_t(3, size=size) / math.sqrt(3.0))):
        for d in (0.35, 0.75, 1.5, 3.0):
            ours, signs, normals = [], [], []
            limit = int(60.0 / d**2) + 60
            for _ in range(runs):
                u = d + draw(size=limit)
                process, taken = PairedProcess(), limit + 1
                for k, outcome in enumerate(u, 1):
                    process.update(float(outcome))
                    if process.log_e >= BAR:
                        taken = k
                        break
                ours.append(taken)
                # Both oracles know d and the noise's size; the first uses signs given sizes only, as a coin allows.
                signs.append(first_crossing(np.cumsum(math.log(2.0) - np.logaddexp(0.0, -2.0 * d * u)), BAR))
                normals.append(first_crossing(np.cumsum(d * u - d * d / 2.0), BAR))
            a, b, c = (float(np.median(x)) for x in (ours, signs, normals))
            print(
                f"  {noise:7s} {d:4.2f}  {a:5.0f} ({np.quantile(ours, 0.9):5.0f})  {b:5.0f}        {c:5.0f}"
                f"          {a / b:5.2f}      {a / c:5.2f}"
            )
    print(f"  floor: {math.ceil(BAR / math.log(2.0))} acts for anyone, since one coin is worth at most log 2")


def noises(rng: np.random.Generator, acts: int) -> dict[str, Callable[[], Floats]]:
    def autoregressive() -> Floats:
        x = rng.normal(size=acts)
        for k in range(1, acts):
            x[k] += 0.95 * x[k - 1]
        return x

    return {
        "normal": lambda: rng.normal(size=acts),
        "Laplace": lambda: rng.laplace(size=acts) / math.sqrt(2.0),
        "Cauchy": lambda: rng.standard_cauchy(size=acts),
        "AR(.95)": autoregressive,
        "lifted": lambda: 3.0 + rng.normal(size=acts),
    }


def validity(runs: int) -> None:
    acts, rng = 100, np.random.default_rng(2)
    print(f"\nvalidity: share of null runs ever at E >= 20 over {acts} looks, {runs} runs (bound .050)")

    def rate(outcomes: Callable[[], Floats]) -> float:
        reached = 0
        for _ in range(runs):
            process = PairedProcess()
            for outcome in outcomes():
                process.update(float(outcome))
            reached += process.peak_log_e >= TWENTY
        return reached / runs

    def coin() -> Floats:
        return np.where(rng.random(acts) < 0.5, 1.0, -1.0)

    for name, noise in noises(rng, acts).items():
        print(f"  effect, coin, {name:9s} {rate(lambda noise=noise: coin() * noise()):.3f}")
    print(f"  impact, coin, odd part 3   {rate(lambda: 3.0 * coin() + rng.normal(size=acts)):.3f}")
    print(f"  impact, always +, odd 3    {rate(lambda: 3.0 + rng.normal(size=acts)):.3f}   (control: must be 1)")


def intervals(runs: int) -> None:
    acts, rng, looks = 100, np.random.default_rng(3), (15, 20, 30, 60, 100)
    print(f"\nintervals: 95 % sequences over {acts} looks, {runs} runs; width / fixed-n width at n = {looks}")
    for name, noise in noises(rng, acts).items():
        missed, widths = 0, {n: [] for n in looks}
        for _ in range(runs):
            process, ever = PairedProcess(), False
            z = np.where(rng.random(acts) < 0.5, 1.0, -1.0)
            u = 1.0 + z * noise()
            for k, outcome in enumerate(u, 1):
                process.update(float(outcome))
                ever = ever or process.sequence.log_e_at(1.0) >= TWENTY
                if k in widths:
                    low, high = process.interval()
                    widths[k].append((high - low) / (2 * 1.96 * float(np.std(u[:k], ddof=1)) / math.sqrt(k)))
            missed += ever
        ratio = "  ".join(f"{np.quantile(widths[n], 0.5, method='lower'):5.2f}" for n in looks)
        print(f"  {name:8s} ever missed {missed / runs:.3f}   {ratio}")


def calibration(runs: int) -> None:
    rng = np.random.default_rng(4)
    print(f"\ncalibration of signs after birth at E >= 20, {runs} hypotheses with an effect, 60 forecasts each")
    for name, draw in (("normal", rng.normal), ("Laplace", rng.laplace), ("t(2)", lambda: rng.standard_t(2))):
        calibrated, scores, born = Calibration(), [], 0
        for _ in range(runs):
            effect, process = float(rng.normal()), PairedProcess()
            while process.n < 150 and process.log_e < TWENTY:
                process.update(effect + float(draw()))
            if process.log_e < TWENTY or process.direction == 0:
                continue
            born += 1
            side, score = process.direction, Score()
            for _ in range(60):
                prediction, outcome = forecast(process, side), effect + float(draw())
                calibrated.update(prediction.probability, prediction.hit(outcome))
                score.update(prediction, outcome)
                process.update(outcome)
            scores.append(score)
        confirmed = sum(score.peak_log_e >= TWENTY for score in scores)
        print(
            f"  {name:8s} born {born}, confirmed (prospective E >= 20) {confirmed}, expected calibration error "
            f"{calibrated.error:.3f}, Brier {calibrated.brier:.3f}, gain per forecast "
            f"{sum(s.gain for s in scores) / max(1, calibrated.n):.3f}"
        )


def retraction(runs: int) -> None:
    rng = np.random.default_rng(5)
    print(f"\nretraction: {runs} beliefs from 40 acts; alarms within 100 acts while true, delay once gone")
    for d in (0.75, 1.5, 3.0):
        false, delays = 0, []
        for _ in range(runs):
            process = PairedProcess()
            for _ in range(40):
                process.update(d + float(rng.normal()))
            for gone in (False, True):
                watch, n = EDetector.over(process, 1), 0
                while n < 300 and not watch.update((0.0 if gone else d) + float(rng.normal())):
                    n += 1
                if gone:
                    delays.append(n + 1)
                else:
                    false += n < 100
        print(f"  d = {d:4.2f}: {false / runs:.3f} false, delay median {np.median(delays):.0f}, 90 % within "
              f"{np.quantile(delays, 0.9):.0f}")  # fmt: skip


def cost() -> None:
    u = [float(x) for x in np.random.default_rng(6).normal(size=20_000)]
    process = PairedProcess()
    start = time.perf_counter()
    for outcome in u:
        process.update(outcome)
    update = (time.perf_counter() - start) / len(u)
    start = time.perf_counter()
    for _ in range(500):
        process.interval()
    interval = (time.perf_counter() - start) / 500
    print(f"\ncost: {update * 1e6:.1f} µs per update, {interval * 1e6:.0f} µs per interval")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs")
    runs = 60 if parser.parse_args().quick else 600
    power(max(40, runs // 3))
    validity(runs * 2)
    intervals(runs)
    calibration(runs)
    retraction(runs // 2)
    cost()


if __name__ == "__main__":
    main()
