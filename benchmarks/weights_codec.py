"""What deltas of weights cost and how small they are, beside XOR with zstandard and a copy of the same bytes.

Run: python benchmarks/weights_codec.py (64 MB tensors, about a minute; --megabytes for another size).

C is CPU time, that of all threads together, divided by that of `tensor.copy_` of the same bytes in the same run: the
medians of interleaved repeats. Sizes are the raw bytes divided by those stored. Weights are normal with a deviation of
0.02, 1536 to a row; edits are those research makes: a rank-one update of a thousandth of the norm, rows of an
embedding (as many as 100 of 151,936), all weights by 1.01, one step of AdamW at 1e-5, noise of 1e-4. ZipNN is measured
where it is installed; it keeps the state after, not the change. Targets: encode C <= 7, decode C <= 3.5 for dense edits
of bf16; rows C <= 1.5 where nobody said which; never larger than XOR, and 1.15 times smaller on noise, scale, AdamW.

Sizes and rows meet the targets; so does scaling, and AdamW nearly. Encoding noise (9 to 10), rank-one updates (10 to
12) and all-new weights (10), and decoding them (4 to 6), do not: about half of that is the Huffman coder of zstandard
and, for the many single elements of a rank-one update, finding them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
import zstandard
from numpy.typing import NDArray

from memory.weights.delta import apply, changed_ranges, encode, verify
from memory.weights.keyframes import decode_keyframe, encode_keyframe

COLUMNS = 1536
ROWS_CHANGED = 100 / 151_936
REPEATS = 5

Bytes = NDArray[np.uint8]


class Edit(NamedTuple):
    """Two states of one tensor."""

    name: str
    before: torch.Tensor
    after: torch.Tensor
    rows: torch.Tensor | None = None
    """The rows that changed, where the one who changed them knows."""


def edits(megabytes: int) -> Iterator[Edit]:
    random = torch.Generator().manual_seed(0)
    rows = megabytes * (1 << 20) // (2 * COLUMNS)
    exact = torch.randn(rows, COLUMNS, generator=random).mul_(0.02)
    weights = exact.bfloat16()
    half = exact[: rows // 2]

    update = torch.randn(rows, 1, generator=random) * torch.randn(1, COLUMNS, generator=random)
    update *= 1e-3 * exact.norm() / update.norm()
    yield Edit("rank one, bf16", weights, (weights.float() + update).bfloat16())
    yield Edit("rank one, fp16", exact.half(), (exact.half().float() + update).half())
    yield Edit("x 1.01, bf16", weights, (weights.float() * 1.01).bfloat16())
    yield Edit("AdamW 1e-5, bf16", weights, adamw(weights, random))
    yield Edit("AdamW 1e-5, fp32", half, adamw(half, random))
    noise = torch.randn(rows, COLUMNS, generator=random).mul_(1e-4)
    yield Edit("noise 1e-4, bf16", weights, (weights.float() + noise).bfloat16())
    yield Edit("replaced, bf16", weights, torch.randn(rows, COLUMNS, generator=random).mul_(0.02).bfloat16())

    changed = torch.randperm(rows, generator=random)[: max(1, round(rows * ROWS_CHANGED))].sort().values
    after = weights.clone()
    after[changed] += torch.randn(len(changed), COLUMNS, generator=random).mul_(0.002).bfloat16()
    yield Edit(f"{len(changed)} rows, bf16", weights, after, changed)
    after = weights.clone()
    after[rows // 2] *= 1.5
    yield Edit("one row, bf16", weights, after, torch.tensor([rows // 2]))
    after = weights.clone()
    after[rows // 2, 7] += 1
    yield Edit("one element, bf16", weights, after, torch.tensor([rows // 2]))


def adamw(weights: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """One step in the midst of training: each element moves by about the learning rate."""
    moved = torch.randn(weights.shape, generator=random).sign_() * torch.rand(weights.shape, generator=random) * 1.5
    return (weights.float() * (1 - 1e-5 * 0.01) - 1e-5 * moved).to(weights.dtype)


def raw(tensor: torch.Tensor) -> Bytes:
    found: Bytes = tensor.contiguous().view(torch.uint8).reshape(-1).numpy()
    return found


def medians(runs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of CPU time of every run, interleaved."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(REPEATS):
        for name, run in runs.items():
            began = time.process_time()
            run()
            found[name].append(time.process_time() - began)
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def with_xor(before: Bytes, after: Bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress((before ^ after).data)


def zipnn_size(edit: Edit) -> int | None:
    """Bytes ZipNN keeps of the state after, or None where it is not installed or cannot take it."""
    try:
        from zipnn import ZipNN  # an optional package, and slow to import
    except ImportError:
        return None
    kinds = {torch.bfloat16: "bfloat16", torch.float16: "float16", torch.float32: "float32"}
    packer: Any = ZipNN(input_format="byte", bytearray_dtype=kinds[edit.after.dtype])
    return len(packer.compress(raw(edit.after).tobytes()))


def measured(edit: Edit) -> str:
    before, after = raw(edit.before).copy(), raw(edit.after).copy()
    width = edit.before.element_size()
    shape = {"width": width, "row_bytes": width * COLUMNS}
    ranges = changed_ranges(before, after)
    content = encode(before, after, ranges=ranges, **shape).content
    state, copied = before.copy(), torch.empty_like(edit.before)
    runs: dict[str, Callable[[], object]] = {
        "copy": lambda: copied.copy_(edit.before),
        "find": lambda: changed_ranges(before, after),
        "encode": lambda: encode(before, after, ranges=ranges, **shape),
        "decode": lambda: apply(content, state),
        "back": lambda: apply(content, state, backward=True),
        "verify": lambda: verify(content, before, after, ranges),
    }
    if edit.rows is not None:
        size = shape["row_bytes"]
        declared = [(row * size, (row + 1) * size) for row in edit.rows.tolist()]
        runs["declared"] = lambda: encode(before, after, ranges=declared, **shape)
    spent = medians(runs)
    began = time.process_time()
    xor = with_xor(before, after)
    spent["xor"] = time.process_time() - began
    if not verify(content, before, after, ranges):
        raise SystemExit(f"{edit.name}: the delta does not lead from one state to the other")
    cost = {name: seconds / spent["copy"] for name, seconds in spent.items()}
    zipnn = zipnn_size(edit)
    columns = [
        f"{len(before) / len(content):10,.1f}",
        f"{len(before) / len(xor):10,.1f}",
        f"{len(before) / zipnn:6.2f}" if zipnn else "     -",
        f"{len(xor) / len(content):7.2f}",
        *(f"{cost[name]:7.2f}" for name in ("find", "encode", "decode", "back", "verify", "xor")),
        f"{cost['declared']:9.3f}" if "declared" in cost else "        -",
    ]
    return f"{edit.name:20}" + " ".join(columns)


def keyframe(name: str, tensor: torch.Tensor) -> str:
    state, copied = raw(tensor), torch.empty_like(tensor)
    blob = encode_keyframe(state, width=tensor.element_size())
    target = np.empty_like(state)
    spent = medians(
        {
            "copy": lambda: copied.copy_(tensor),
            "encode": lambda: encode_keyframe(state, width=tensor.element_size()),
            "decode": lambda: decode_keyframe(blob, target),
        }
    )
    if not np.array_equal(state, target):
        raise SystemExit(f"the keyframe of {name} does not come back")
    cost = {each: seconds / spent["copy"] for each, seconds in spent.items()}
    return f"{name:20}{len(state) / len(blob):10.2f} {cost['encode']:35.2f} {cost['decode']:15.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=64, help="size of the tensors (64)")
    megabytes = parser.parse_args().megabytes
    torch.set_num_threads(1)
    print(f"tensors of {megabytes} MB; sizes are raw / stored, costs are C (CPU time / that of a copy)")
    try:
        import zipnn  # noqa: F401
    except ImportError:
        print("ZipNN is not installed: its column is empty")
    print(
        f"{'delta':20}{'size':>10} {'XOR':>10} {'ZipNN':>6} {'XOR/ours':>7} {'find':>6} {'encode':>7} {'decode':>7} "
        f"{'back':>7} {'verify':>7} {'XOR':>7} {'declared':>9}"
    )
    for edit in edits(megabytes):
        print(measured(edit), flush=True)
    random = torch.Generator().manual_seed(1)
    exact = torch.randn(megabytes << 18, generator=random).mul_(0.02)
    print(f"\n{'keyframe':20}{'size':>10} {'encode':>35} {'decode':>15}")
    print(keyframe("bf16", exact.bfloat16().repeat(2)))
    print(keyframe("fp32", exact))
    print(keyframe("incompressible", torch.randint(0, 256, (megabytes << 20,), dtype=torch.uint8, generator=random)))


if __name__ == "__main__":
    main()
