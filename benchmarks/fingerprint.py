"""What fingerprints cost, beside a copy of the same bytes and the fastest any read of them could be, in the same run.

Run: python benchmarks/fingerprint.py (two minutes and 5 GB of memory; --small for 12 seconds and 700 MB).

The weights are shaped like Qwen2.5-1.5B (bf16; 17 of its 28 layers and the tied embedding: 2.1 GB). Every row is
the median of interleaved repeats. C is its CPU time and W its wall time, each divided by that of `tensor.copy_` of the
same bytes with as many threads. A copy reads and writes, so that half a copy is what reading alone costs: `torch.sum`
shows what this machine makes of that. Targets: C and W <= 0.5 for a full quick scan, C <= 1.25 for the identity.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import statistics
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
import xxhash

from introspection.fingerprint import fingerprint
from introspection.known_blocks import known_blocks
from introspection.quick_fingerprint import quick_fingerprint, quick_fingerprints

HIDDEN, INTERMEDIATE, KEYS, VOCABULARY = 1536, 8960, 256, 151936
SETTLE = 0.05
"""Seconds between measurements: torch's threads keep their cores busy for a moment after they are done."""


class Cost(NamedTuple):
    """Seconds of one run."""

    cpu: float
    wall: float


def weights(layers: int, vocabulary: int) -> dict[str, torch.Tensor]:
    shapes: dict[str, tuple[int, ...]] = {"embed_tokens.weight": (vocabulary, HIDDEN), "norm.weight": (HIDDEN,)}
    for k in range(layers):
        for name, shape in {
            "self_attn.q_proj.weight": (HIDDEN, HIDDEN),
            "self_attn.q_proj.bias": (HIDDEN,),
            "self_attn.k_proj.weight": (KEYS, HIDDEN),
            "self_attn.k_proj.bias": (KEYS,),
            "self_attn.v_proj.weight": (KEYS, HIDDEN),
            "self_attn.v_proj.bias": (KEYS,),
            "self_attn.o_proj.weight": (HIDDEN, HIDDEN),
            "mlp.gate_proj.weight": (INTERMEDIATE, HIDDEN),
            "mlp.up_proj.weight": (INTERMEDIATE, HIDDEN),
            "mlp.down_proj.weight": (HIDDEN, INTERMEDIATE),
            "input_layernorm.weight": (HIDDEN,),
            "post_attention_layernorm.weight": (HIDDEN,),
        }.items():
            shapes[f"layers.{k}.{name}"] = shape
    return {
        name: torch.empty(shape, dtype=torch.int16).random_().view(torch.bfloat16) for name, shape in shapes.items()
    }


def bytes_of(tensors: Iterable[torch.Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def memory_of(tensor: torch.Tensor) -> memoryview:
    size = tensor.numel() * tensor.element_size()
    return memoryview((ctypes.c_char * size).from_address(tensor.data_ptr())).cast("B")


def measure(run: Callable[[], object]) -> Cost:
    time.sleep(SETTLE)
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return Cost(time.process_time() - cpu, time.perf_counter() - wall)


def medians(rows: dict[str, Callable[[], object]], repeats: int) -> dict[str, Cost]:
    found: dict[str, list[Cost]] = {name: [] for name in rows}
    for run in rows.values():
        run()
    for _ in range(repeats):
        for name, run in rows.items():
            found[name].append(measure(run))
    return {name: Cost(*map(statistics.median, zip(*costs, strict=True))) for name, costs in found.items()}


def host(named: dict[str, torch.Tensor], repeats: int, slow_repeats: int) -> None:
    tensors = list(named.values())
    copies = [torch.empty_like(tensor) for tensor in tensors]
    views = [memory_of(tensor) for tensor in tensors]
    words = [tensor.view(-1).view(torch.int32) for tensor in tensors]
    embedding = named["embed_tokens.weight"]
    known = known_blocks(embedding)

    def copy() -> None:
        for tensor, into in zip(tensors, copies, strict=True):
            into.copy_(tensor)

    def edit_a_row_and_look_again() -> None:
        embedding[1234] *= -1
        known_blocks(embedding, "embed_tokens.weight", known)

    def of_the_views(digest: Callable[[memoryview], object]) -> Callable[[], None]:
        return lambda: [digest(view) for view in views] and None

    size, part = bytes_of(tensors), bytes_of([embedding])
    print(f"\n{len(tensors)} tensors, {size / 1e9:.2f} GB of bf16; the embedding has {part / 1e9:.2f} GB")
    for threads in sorted({1, torch.get_num_threads()}):
        torch.set_num_threads(threads)
        header(f"{threads} thread{'s' * (threads > 1)}")
        whole: dict[str, Callable[[], object]] = {
            "copy_": copy,
            "torch.sum: one read": lambda: [word.sum(dtype=torch.int32) for word in words],
            "xxh3 raw, one thread": of_the_views(xxhash.xxh3_128_digest),
            "quick_fingerprints, all": lambda: quick_fingerprints(named),
        }
        identity = {"copy_": copy, "fingerprint, all": lambda: [fingerprint(tensor) for tensor in tensors]}
        peers: dict[str, Callable[[], object]] = {
            "copy_": lambda: copies[0].copy_(embedding),
            "identity after a row edit": edit_a_row_and_look_again,
        }
        slow: dict[str, Callable[[], object]] = {
            "copy_": lambda: copies[0].copy_(embedding),
            "sha256, one thread": lambda: hashlib.sha256(views[0]).digest(),
            "blake2b, one thread": lambda: hashlib.blake2b(views[0]).digest(),
        }
        show(medians(whole, repeats), size, {"quick_fingerprints, all": "C, W 0.5"})
        show(medians(identity, slow_repeats), size, {"fingerprint, all": "C 1.25"})
        print("  the embedding alone")
        show(medians(peers, repeats), part, {})
        show(medians(slow, slow_repeats), part, {})


def header(what: str) -> None:
    print(f"\n{what:38s} CPU GB/s  wall GB/s      C      W   target")


def show(costs: dict[str, Cost], size: int, targets: dict[str, str]) -> None:
    copy = costs["copy_"]
    for name, cost in costs.items():
        print(
            f"  {name:36s} {size / cost.cpu / 1e9:8.2f} {size / cost.wall / 1e9:10.2f}"
            f" {cost.cpu / copy.cpu:6.3f} {cost.wall / copy.wall:6.3f}   {targets.get(name, '')}"
        )


def small_tensors() -> None:
    named = {str(k): torch.randn(128) for k in range(1000)}
    rows: dict[str, Callable[[], object]] = {
        "quick_fingerprints": lambda: quick_fingerprints(named),
        "fingerprint": lambda: [fingerprint(tensor) for tensor in named.values()],
    }
    print("\n1,000 tensors of 512 bytes: microseconds each")
    for name, cost in medians(rows, 15).items():
        print(f"  {name:36s} {cost.wall * 1e3:8.1f}")


def device(named: dict[str, torch.Tensor], repeats: int) -> None:
    there = {name: tensor.cuda() for name, tensor in named.items()}
    copies = {name: torch.empty_like(tensor) for name, tensor in there.items()}

    def copy() -> None:
        for name, tensor in there.items():
            copies[name].copy_(tensor)
        torch.cuda.synchronize()

    def across_the_bus() -> None:
        for tensor in there.values():
            quick_fingerprint(tensor.cpu())

    rows: dict[str, Callable[[], object]] = {
        "copy_": copy,
        "quick_fingerprints, on the device": lambda: quick_fingerprints(there),
        "brought to the host and read there": across_the_bus,
    }
    size = bytes_of(there.values())
    header(torch.cuda.get_device_name())
    show(medians(rows, repeats), size, {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="two layers and a seventh of the embedding")
    small = parser.parse_args().small
    named = weights(2, VOCABULARY // 7) if small else weights(17, VOCABULARY)
    host(named, repeats=7, slow_repeats=3)
    small_tensors()
    if torch.cuda.is_available():
        device(named, repeats=7)
    else:
        print("\nno CUDA device: the part that runs on one is not measured")


if __name__ == "__main__":
    main()
