"""What statistics of one large weight cost, beside the plain torch way and beside copying its bytes once.

Run from the repository root: `python benchmarks/weight_statistics.py` (300 million elements; about 14 GB of memory
for the plain way in float64) or with `--small` (10 million). Times are medians of interleaved repeats in one process;
the plain way sorts, so at full size it is run once. Peak memory is what the process held at most beyond the weight
itself (Linux only). The plain way gives the same numbers: mean, std, extremes, norms, zeros, percentiles, histogram.

This file is not called statistics.py: Python would take it for the standard library's module of that name.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from introspection.statistics import tensor_statistics

TARGET_COPIES = {"bfloat16": 12, "float32": 25}
"""Single-threaded; a copy is bound by memory, counting by arithmetic."""
TARGET_EXTRA_MIB = 200


def plain(weight: torch.Tensor, wide: torch.dtype) -> dict[str, object]:
    """What one writes without thinking of size: widen, then ask torch."""
    values = weight.to(wide)
    magnitudes = values.abs()
    ordered = values.flatten().sort().values
    places = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95]) * (len(ordered) - 1)
    return {
        "mean": float(values.mean()),
        "std": float(values.std()),
        "min": float(values.min()),
        "max": float(values.max()),
        "abs_mean": float(magnitudes.mean()),
        "l1_norm": float(magnitudes.sum()),
        "l2_norm": float(values.norm()),
        "zero_share": float((values == 0).double().mean()),
        "near_zero_share": float((magnitudes < 1e-6).double().mean()),
        "percentiles": ordered[places.long()].tolist(),
        "histogram": torch.histc(values.float(), 20).tolist(),
    }


def held(field: str) -> int:
    """A figure of /proc/self/status, in bytes; 0 where there is none."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(field)), 0)


def measured(work: Callable[[], object]) -> tuple[float, int]:
    """Seconds of one run, and the most memory it held beyond what was held before."""
    refs = Path("/proc/self/clear_refs")
    if refs.exists():
        refs.write_text("5")  # resets the high-water mark
    before, start = held("VmRSS"), time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    return seconds, max(0, held("VmHWM") - before)


def compare(dtype: torch.dtype, elements: int, repeats: int, plain_repeats: int) -> None:
    torch.manual_seed(0)
    weight = torch.empty(elements // 1000, 1000, dtype=dtype)
    for rows in weight.split(10_000):
        rows.copy_(torch.randn(rows.shape) * 0.02)
    copied = torch.empty_like(weight).copy_(weight)
    ways: dict[str, Callable[[], object]] = {
        "copy_ of the same bytes": lambda: copied.copy_(weight),
        "get_weight_statistics": lambda: tensor_statistics(weight),
        "torch, in float32": lambda: plain(weight, torch.float32),
        "torch, in float64": lambda: plain(weight, torch.float64),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    extra = dict.fromkeys(ways, 0)
    tensor_statistics(weight[:10])
    for repeat in range(repeats):
        for way, work in ways.items():
            if not way.startswith("torch") or repeat < plain_repeats:
                seconds, memory = measured(work)
                times[way].append(seconds)
                extra[way] = max(extra[way], memory)
    name = str(dtype).removeprefix("torch.")
    floor, ours = median(times["copy_ of the same bytes"]), median(times["get_weight_statistics"])
    print(f"\n{name}, {weight.numel() / 1e6:.0f} M elements, {torch.get_num_threads()} threads")
    for way, taken in times.items():
        print(
            f"  {way:26s} {median(taken):8.3f} s  {median(taken) / floor:7.1f} copies  "
            f"{median(taken) / ours:6.2f} of ours  {extra[way] / 2**20:8.0f} MiB more at the peak"
        )
    print(
        f"  target: at most {TARGET_COPIES[name]} copies ({ours / floor:.1f}), at most {TARGET_EXTRA_MIB} MiB "
        f"({extra['get_weight_statistics'] / 2**20:.0f})"
    )
    agree(weight)


def agree(weight: torch.Tensor) -> None:
    """The two ways say the same of a part of the weight."""
    part = weight[:1000]
    ours, theirs = tensor_statistics(part), plain(part, torch.float64)
    for key in ("mean", "std", "min", "max", "abs_mean", "l1_norm", "l2_norm", "zero_share", "near_zero_share"):
        if abs(ours[key] - theirs[key]) > 1e-9 * abs(theirs[key]):
            raise SystemExit(f"{key} differs: {ours[key]} and {theirs[key]}")
    print("  both ways say the same of the first million elements")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="10 million elements")
    parser.add_argument("--elements", type=int, default=300_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="of torch; 1 unless given")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    elements = 10_000_000 if arguments.small else arguments.elements
    for dtype in (torch.bfloat16, torch.float32):
        compare(dtype, elements, arguments.repeats, arguments.repeats if arguments.small else 1)


if __name__ == "__main__":
    main()
