"""What keeping every edit of a model costs, and putting any state back, beside full checkpoints and other codecs.

Run: python benchmarks/weights.py (about four minutes, 4 GB of memory, 2 GB of disk; --edits 200 for one minute).

A model of 160 MB in bf16, tied, gets 1,000 mixed edits through `memory.edit`: rows of the embedding (declared or not),
rank-one updates, scalings and noise of single matrices, and five AdamW steps over everything. Beside it, in the same
run: a full checkpoint by `torch.save` (with fsync, as ours), XOR with zstandard level 1 of what the edit touched, and
ZipNN where it is installed. Then states are checked out by `memory.restore` in random order, the farthest from any
keyframe among them, beside `torch.load` of a full checkpoint; what comes back is compared bit for bit with what was
there. At last single-row edits of a tied embedding of 151,936 x 2048, beside a copy of it.

Targets (WEIGHTS.md): any checkout <= 4 loads; >= 90 times fewer bytes and >= 6 times less write time than a checkpoint
an edit; a declared row <= 0.05 copies of the tensor. Ratios are medians; W is wall time, C is CPU time.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
import zstandard
from blake3 import blake3
from torch import nn

from memory import MemorySystem

HIDDEN, INTERMEDIATE, KEYS, VOCABULARY, LAYERS = 768, 2304, 256, 32_000, 8
SETTLE = 0.05
"""Seconds between measurements: torch's threads keep their cores busy for a moment after they are done."""


class Tied(nn.Module):
    """The weights of a small transformer, its head tied to its embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, HIDDEN)
        self.layers = nn.ModuleList(
            nn.ModuleDict(
                {
                    "q": nn.Linear(HIDDEN, HIDDEN, bias=False),
                    "k": nn.Linear(HIDDEN, KEYS, bias=False),
                    "v": nn.Linear(HIDDEN, KEYS, bias=False),
                    "o": nn.Linear(HIDDEN, HIDDEN, bias=False),
                    "gate": nn.Linear(HIDDEN, INTERMEDIATE, bias=False),
                    "up": nn.Linear(HIDDEN, INTERMEDIATE, bias=False),
                    "down": nn.Linear(INTERMEDIATE, HIDDEN, bias=False),
                    "norm": nn.LayerNorm(HIDDEN, bias=False),
                }
            )
            for _ in range(LAYERS)
        )
        self.head = nn.Linear(HIDDEN, VOCABULARY, bias=False)
        self.head.weight = self.embed.weight


def model_of(seed: int) -> Tied:
    torch.manual_seed(seed)
    model = Tied()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.02)
    return model.bfloat16()


class Clock:
    """Adds up wall time."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Adds what the block takes."""
        begin = time.perf_counter()
        yield
        self.seconds.append(time.perf_counter() - begin)


@contextmanager
def edited(memory: MemorySystem, clock: Clock, name: Any, **details: Any) -> Iterator[Any]:
    """An edit, the clock running for what the memory does and standing still for what the user does."""
    begin = time.perf_counter()
    edit = memory.edit(name, **details)
    weight = edit.__enter__()
    entered = time.perf_counter() - begin
    yield weight
    begin = time.perf_counter()
    edit.__exit__(None, None, None)
    clock.seconds.append(entered + time.perf_counter() - begin)


def adam_step(weights: dict[str, torch.Tensor], draw: torch.Generator) -> None:
    for weight in weights.values():
        # The first step of Adam moves every weight by the learning rate, by the sign of its gradient.
        sign = torch.randint(0, 2, weight.shape, generator=draw, dtype=torch.int8).mul_(2).sub_(1)
        weight.add_(sign.to(weight.dtype), alpha=1e-5)


def make_edit(memory: MemorySystem, model: Tied, clock: Clock, number: int, total: int, draw: torch.Generator) -> str:
    pick = random.Random(number)
    matrices = [name for name, tensor in model.named_parameters() if tensor.ndim == 2 and "embed" not in name]
    steps = {total * part // 6 for part in range(1, 6)}
    if number in steps:
        with edited(memory, clock, sorted(dict(model.named_parameters())), method="adamw") as weights:
            adam_step(weights, draw)
        return "adamw"
    kind = pick.choices(["rows", "declared", "rank one", "scale", "noise"], [30, 25, 28, 12, 5])[0]
    name = pick.choice(matrices)
    if kind in ("rows", "declared"):
        name = "head.weight" if pick.random() < 0.6 else name
        count = pick.choice([1, 1, 4, 16])
        rows = sorted(pick.sample(range(dict(model.named_parameters(remove_duplicate=False))[name].shape[0]), count))
        with edited(memory, clock, name, method=kind, rows=rows if kind == "declared" else None) as weight:
            weight[rows] += torch.randn(count, weight.shape[1], generator=draw).mul_(0.01).to(weight.dtype)
        return kind
    with edited(memory, clock, name, method=kind) as weight:
        if kind == "rank one":
            update = torch.randn(weight.shape[0], 1, generator=draw) @ torch.randn(1, weight.shape[1], generator=draw)
            weight += (update * (1e-3 * weight.float().norm() / update.norm())).to(weight.dtype)
        elif kind == "scale":
            weight.mul_(1.01)
        else:
            weight += torch.randn(weight.shape, generator=draw).mul_(1e-4).to(weight.dtype)
    return kind


def bits(model: nn.Module) -> str:
    whole = blake3()
    for name, tensor in sorted(model.state_dict().items()):
        whole.update(name.encode())
        whole.update(tensor.detach().contiguous().view(torch.uint8).numpy().data)
    return whole.hexdigest()


def save(model: nn.Module, path: Path) -> int:
    torch.save(model.state_dict(), path)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return path.stat().st_size


def xor_size(before: dict[str, torch.Tensor], model: nn.Module) -> tuple[int, float]:
    """Bytes and seconds of XOR with zstandard level 1 over every storage that changed."""
    begin, size = time.perf_counter(), 0
    for name, tensor in model.named_parameters():
        old, new = (each.detach().view(torch.uint8).reshape(-1).numpy() for each in (before[name], tensor))
        if not np.array_equal(old, new):
            size += len(zstandard.compress(np.bitwise_xor(old, new).data, 1))
    return size, time.perf_counter() - begin


def kept_bytes(memory: MemorySystem, folder: Path) -> int:
    files = sum(path.stat().st_size for path in folder.glob("research.db.blobs/??/*"))
    (rows,) = memory.query_sql("SELECT coalesce(sum(length(content)), 0) AS size FROM blobs")
    return files + int(rows["size"])


def line(what: str, figure: str, target: str = "") -> None:
    print(f"{what:<58} {figure:>22}   {target}")


def history(folder: Path, edits: int, checkouts: int) -> None:
    model, draw = model_of(0), torch.Generator().manual_seed(1)
    raw = sum(tensor.numel() * tensor.element_size() for tensor in model.parameters())
    print(f"model of {raw / 1e6:.0f} MB in {len(list(model.parameters()))} storages, {edits} edits")
    clock, saving, loading = Clock(), Clock(), Clock()
    full = folder / "full.pt"
    size = save(model, full)
    kinds: dict[str, int] = {}
    xor_bytes, xor_seconds, ours_bytes, zip_bytes = [], [], [], []
    zipnn = _zipnn()
    with MemorySystem(folder / "research.db") as memory:
        begin = time.perf_counter()
        memory.attach(model, name="m")
        line("attach, lazy", f"{time.perf_counter() - begin:.2f} s")
        states = {memory.store.head().position: bits(model)}
        for number in range(edits):
            sampled = number % 25 == 7
            before = {name: tensor.detach().clone() for name, tensor in model.named_parameters()} if sampled else {}
            position = memory.store.head().position
            kind = make_edit(memory, model, clock, number, edits, draw)
            kinds[kind] = kinds.get(kind, 0) + 1
            if sampled:
                found, seconds = xor_size(before, model)
                xor_bytes.append(found)
                xor_seconds.append(seconds)
                memory.consolidate()
                (row,) = memory.query_sql("SELECT sum(size) AS size FROM weight_deltas WHERE position > :p", p=position)
                ours_bytes.append(row["size"] or 0)
                if zipnn is not None and number % 100 == 7:
                    zip_bytes.append(zipnn(model))
                with saving.running():
                    save(model, full)
            states[memory.store.head().position] = bits(model)
        print(", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
        total = kept_bytes(memory, folder)
        written, checkpoint = sum(clock.seconds), statistics.median(saving.seconds) * edits
        line("bytes of a full checkpoint an edit / ours", f"{size * edits / total:.0f} x", ">= 90 x")
        line("   of that, whole states (baselines and keyframes)", f"{_keyframes(memory) / total:.0%}")
        line("write time of a full checkpoint an edit / ours (W)", f"{checkpoint / written:.1f} x", ">= 6 x")
        line("   median edit, over what the user's code takes", f"{statistics.median(clock.seconds) * 1e3:.1f} ms")
        line(
            "XOR + zstd-1 / ours, bytes of the same sampled edits",
            f"{sum(xor_bytes) / sum(ours_bytes):.2f} x",
            ">= 1 x",
        )
        if zip_bytes:
            line("ZipNN of the whole model / ours an edit", f"{statistics.mean(zip_bytes) * edits / total:.0f} x")
        else:
            line("ZipNN", "not installed")
        memory.consolidate()
        chosen = _chosen(memory, sorted(states), checkouts)
        restoring = Clock()
        wrong = 0
        # Once each for memory that is not there yet.
        torch.load(full, weights_only=True)
        memory.restore(chosen[0])
        memory.restore(max(states))
        for position in chosen:
            with loading.running():
                torch.load(full, weights_only=True)
            time.sleep(SETTLE)
            with restoring.running():
                memory.restore(position)
            wrong += bits(model) != states[position]
            time.sleep(SETTLE)
        load = statistics.median(loading.seconds)
        ratios = sorted(seconds / load for seconds in restoring.seconds)
        line(f"checkout / torch.load (W), median of {len(ratios)}", f"{statistics.median(ratios):.2f} x", "<= 4 x")
        line("   worst, and the next three", " ".join(f"{ratio:.2f}" for ratio in ratios[-1:-5:-1]) + " x", "<= 4 x")
        line("   torch.load", f"{load * 1e3:.0f} ms")
        line("states that did not come back bit for bit", f"{wrong} of {len(chosen)}", "0")


def _keyframes(memory: MemorySystem) -> int:
    (row,) = memory.query_sql("SELECT sum(size) AS size FROM keyframes")
    return int(row["size"])


def _chosen(memory: MemorySystem, positions: list[int], count: int) -> list[int]:
    """States in random order: some drawn, and some just before a keyframe, where the ways are longest."""
    pick = random.Random(5)
    rows = memory.query_sql("SELECT DISTINCT position FROM keyframes WHERE position > 1 ORDER BY position")
    before = [max(each for each in positions if each < row["position"]) for row in rows if row["position"] > 2]
    far = pick.sample(before, min(len(before), count // 2))
    chosen = far + pick.sample(positions, min(len(positions), count - len(far)))
    pick.shuffle(chosen)
    return chosen


def _zipnn() -> Callable[[nn.Module], int] | None:
    if importlib.util.find_spec("zipnn") is None:
        return None
    from zipnn import ZipNN

    def compressed(model: nn.Module) -> int:
        codec = ZipNN(input_format="byte", bytearray_dtype="bfloat16")
        return sum(
            len(codec.compress(bytearray(tensor.detach().view(torch.uint8).numpy().tobytes())))
            for tensor in model.parameters()
        )

    return compressed


def rows(folder: Path, repeats: int) -> None:
    model = nn.Module()
    model.embed = nn.Embedding(151_936, 2048, dtype=torch.bfloat16)
    model.head = nn.Linear(2048, 1, bias=False)
    model.head.weight = model.embed.weight
    source = model.embed.weight.detach()
    target = torch.empty_like(source).copy_(source)
    print(f"tied embedding of {source.numel() * 2 / 1e6:.0f} MB")
    found: dict[str, list[tuple[float, float]]] = {"copy": [], "declared": [], "undeclared": [], "undo": []}

    def timed(what: str, run: Callable[[], object]) -> None:
        time.sleep(SETTLE)
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        found[what].append((time.process_time() - cpu, time.perf_counter() - wall))

    with MemorySystem(folder / "rows.db") as memory:
        memory.attach(model, name="m")

        def edit(row: int, declared: bool) -> Any:
            with (
                memory.act() as act,
                memory.edit("head.weight", method="row", rows=[row] if declared else None) as weight,
            ):
                weight[row] += 0.5
            return act

        begin = time.perf_counter()
        edit(0, True)
        line("the first edit, which keeps the baseline", f"{time.perf_counter() - begin:.2f} s")
        for number in range(repeats):
            timed("copy", lambda: target.copy_(source))
            timed("declared", lambda number=number: edit(1000 + 997 * number, True))  # type: ignore[misc]
            timed("undeclared", lambda number=number: edit(2000 + 997 * number, False))  # type: ignore[misc]
            act = edit(3000 + 997 * number, True)
            timed("undo", act.undo)
    copy = tuple(statistics.median(each) for each in zip(*found["copy"], strict=True))
    for what, goal in (("declared", "<= 0.05"), ("undeclared", ""), ("undo", "")):
        cpu, wall = (statistics.median(each) for each in zip(*found[what], strict=True))
        words = {"declared": "one row, declared", "undeclared": "one row, not declared", "undo": "undoing one row"}[
            what
        ]
        line(f"{words} / copy of the tensor", f"C {cpu / copy[0]:.3f}  W {wall / copy[1]:.3f}", goal)
    line("   a declared edit", f"{statistics.median(each[1] for each in found['declared']) * 1e3:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=1000)
    parser.add_argument("--checkouts", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--folder", type=Path, default=None, help="where to write; a temporary folder otherwise")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=given.folder or "/var/tmp"))
    try:
        history(folder, given.edits, given.checkouts)
        rows(folder, given.repeats)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
