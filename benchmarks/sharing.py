"""What the sharing map costs on Qwen2.5-3B's real shape, and how often it is right, beside what others do.

Run: python benchmarks/sharing.py (about a minute on one core; the model has no memory).
  --memory    the weights in bf16 too: 6.2 GB
  --small     a model of four narrow layers instead
  --random N, --seed S, --repeats R

Cost: medians of interleaved repeats in ms, and as multiples of the floor of the same run. The floor walks the modules
and takes each tensor's pointer, offset, size and stride, and compares nothing.

Right: over the catalogue of tests/sharing_cases (models whose sharing is told by hand and proven by flipping bytes),
and over random models of random views. An answer is right when the unordered pairs of names that it says share memory
are exactly the pairs that do: one missing or one too many is wrong, and so is a crash, which is counted too. A group
means every pair in it; tensors without bytes share none. No one is asked how many bytes, nor about what is derived or
not registered; buffers count as parameters do. Peers that take tensors are given all of them under all their names,
also what a state dict leaves out and where torch's own walk would not come to an end. Each is asked on a fresh model,
because asking for an address can change one. The last line holds ours to more: the kind and bytes of every pair, what
is derived, what is not registered.

The peers:
  accelerate    accelerate.utils.modeling.find_tied_parameters
  safetensors   safetensors.torch._find_shared_tensors, which save_model uses
  transformers  what save_pretrained does in remove_tied_weights_from_state_dict: id_tensor_storage and _find_disjoint
  torch         what AOTAutograd does with inputs that alias: by storage, then compute_overlapping_tensors, two by two
"""

from __future__ import annotations

import argparse
import collections
import gc
import itertools
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from accelerate.utils.modeling import find_tied_parameters
from safetensors.torch import _find_shared_tensors
from torch import nn
from torch._C._dynamo.guards import compute_overlapping_tensors
from torch.multiprocessing.reductions import StorageWeakRef
from transformers import Qwen2Config, Qwen2ForCausalLM
from transformers.modeling_utils import _find_disjoint
from transformers.pytorch_utils import id_tensor_storage
from transformers.utils import logging

from introspection import SharingScanner, scan_sharing

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.sharing_cases import CASES, Case, random_models, registered

Pairs = set[frozenset[str]]
SCAN_TARGET_MS, CHECK_TARGET_MS = 3.0, 0.3


def floor(model: nn.Module) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []

    def walk(module: nn.Module, prefix: str) -> None:
        for held in (module._parameters, module._buffers):
            for key, tensor in held.items():
                if tensor is not None:
                    pointer = tensor.untyped_storage().data_ptr()
                    found.append((prefix + key, pointer, tensor.storage_offset(), tensor.size(), tensor.stride()))
        for key, child in module._modules.items():
            if child is not None:
                walk(child, f"{prefix}{key}.")

    walk(model, "")
    return found


def pairs(groups: Iterable[Iterable[str]]) -> Pairs:
    return {frozenset(pair) for group in groups for pair in itertools.combinations(sorted(group), 2)}


def of_accelerate(model: nn.Module) -> Pairs:
    return pairs(find_tied_parameters(model))


def of_safetensors(model: nn.Module) -> Pairs:
    return pairs(_find_shared_tensors(registered(model)))


def of_transformers(model: nn.Module) -> Pairs:
    tensors, by_storage = registered(model), collections.defaultdict(list)
    for name, tensor in tensors.items():
        by_storage[id(tensor) if tensor.device.type == "meta" else id_tensor_storage(tensor)].append(name)
    shared, _ = _find_disjoint([set(names) for names in by_storage.values() if len(names) > 1], tensors)
    return pairs(shared)


def of_torch(model: nn.Module) -> Pairs:
    tensors, by_storage = registered(model), collections.defaultdict(list)
    for name, tensor in tensors.items():
        by_storage[StorageWeakRef(tensor.untyped_storage())].append(name)
    return {
        frozenset((one, other))
        for names in by_storage.values()
        for one, other in itertools.combinations(names, 2)
        if compute_overlapping_tensors([tensors[one], tensors[other]], symbolic=False)
    }


def of_ours(model: nn.Module) -> Pairs:
    return set(scan_sharing(model).relations)


PEERS: dict[str, Callable[[nn.Module], Pairs]] = {
    "accelerate": of_accelerate,
    "safetensors": of_safetensors,
    "transformers": of_transformers,
    "torch": of_torch,
    "ours": of_ours,
}


def qwen(*, small: bool, memory: bool) -> nn.Module:
    config = Qwen2Config(
        vocab_size=1024 if small else 151_936,
        hidden_size=64 if small else 2048,
        intermediate_size=128 if small else 11_008,
        num_hidden_layers=4 if small else 36,
        num_attention_heads=4 if small else 16,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    with torch.device("meta"):
        model = Qwen2ForCausalLM(config).to(torch.bfloat16)
    if memory:
        model.to_empty(device="cpu")
        model.tie_weights()
        with torch.no_grad():
            for tensor in registered(model).values():
                tensor.zero_()  # so that every page is there
    return model


def rebinding(model: nn.Module) -> Callable[[], None]:
    """Binds the head to another weight, and back again at the next call, as untying and tying do."""
    head: Any = model.lm_head
    other = nn.Parameter(torch.empty_like(head.weight), requires_grad=False)

    def rebind() -> None:
        nonlocal other
        head.weight, other = other, head.weight

    return rebind


def cost(model: nn.Module, where: str, repeats: int) -> None:
    scanner, rebind = SharingScanner(model), rebinding(model)
    answers: dict[str, Callable[[], object]] = {
        "floor": lambda: floor(model),
        "scan_sharing": lambda: scan_sharing(model),
        "current(), nothing changed": scanner.current,
        "accelerate": lambda: of_accelerate(model),
        "safetensors": lambda: of_safetensors(model),
        "transformers": lambda: of_transformers(model),
        "torch": lambda: of_torch(model),
    }
    taken: dict[str, list[float]] = {name: [] for name in (*answers, "current(), a weight bound anew")}

    def timed(name: str, answer: Callable[[], object]) -> None:
        start = time.perf_counter()
        answer()
        taken[name].append((time.perf_counter() - start) * 1e3)

    gc.collect()
    gc.disable()
    for _ in range(repeats):
        for name, answer in answers.items():
            timed(name, answer)
        for _ in ("untied", "tied"):
            rebind()
            timed("current(), a weight bound anew", scanner.current)
    gc.enable()
    sharing = scan_sharing(model)
    print(f"\ncost: {len(sharing.names)} names {where}, tied: {len(sharing.groups)}; median (least) ms of {repeats}")
    base = statistics.median(taken["floor"])
    targets = {"scan_sharing": SCAN_TARGET_MS, "current(), nothing changed": CHECK_TARGET_MS}
    for name, times in taken.items():
        middle = statistics.median(times)
        target = f"   target {targets[name]:.1f} ms" if name in targets else ""
        print(f"  {name:31s} {middle:8.3f} ({min(times):8.3f})   {middle / base:7.2f} x floor{target}")


def asked(answer: Callable[[nn.Module], Pairs], model: nn.Module) -> Pairs | None:
    """The pairs it says; None if it crashed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return answer(model)
        except Exception:  # noqa: BLE001  whatever a peer raises, it has not answered
            return None


def wholly_right(case: Case) -> bool:
    with case.build() as model:
        try:
            sharing = scan_sharing(model, unregistered=case.unregistered)
        except Exception:  # noqa: BLE001  no answer is no right answer
            return False
    overlaps = {pair: relation.shared_bytes for pair, relation in sharing.relations.items() if relation.kind != "same"}
    derived = {name: frozenset(sources) for name, sources in sharing.derived.items()}
    return set(sharing.groups) == set(case.same) and overlaps == case.overlaps and derived == dict(case.derived)


def right_on_cases() -> None:
    told = [case for case in CASES if not case.unregistered]
    print(f"\nright on the catalogue: {len(told)} cases")
    for name, answer in PEERS.items():
        right, crashed, themes = 0, 0, collections.Counter()
        for case in told:
            with case.build() as model:
                said = asked(answer, model)
            right += said == case.pairs
            crashed += said is None
            themes[case.theme] += said != case.pairs
        wrong = ", ".join(f"{theme} {count}" for theme, count in themes.most_common() if count)
        print(f"  {name:13s} {right:4d}   crashed {crashed:3d}   wrong in: {wrong or 'none'}")
    failed = [case.name for case in CASES if not wholly_right(case)]
    print(f"  ours, with kinds, bytes, derived and unregistered names: {len(CASES) - len(failed)} of {len(CASES)}")
    for name in failed:
        print(f"    wrong: {name}")


def right_on_random(count: int, seed: int) -> None:
    right: collections.Counter[str] = collections.Counter()
    crashed: collections.Counter[str] = collections.Counter()
    extra: collections.Counter[str] = collections.Counter()
    missed: collections.Counter[str] = collections.Counter()
    exact = 0
    for drawn in random_models(count, seed):
        truth = set(drawn.shared)
        for name, answer in PEERS.items():
            said = asked(answer, drawn.model)
            right[name] += said == truth
            crashed[name] += said is None
            extra[name] += len((said or set()) - truth)
            missed[name] += len(truth - (said or set()))
        relations = scan_sharing(drawn.model).relations
        exact += {pair: (each.kind, each.shared_bytes) for pair, each in relations.items()} == drawn.shared
    print(f"\nright on random models: {count}, seed {seed}")
    for name in PEERS:
        print(
            f"  {name:13s} {right[name]:5d}   crashed {crashed[name]:4d}   "
            f"pairs too many {extra[name]:5d}, missed {missed[name]:5d}"
        )
    print(f"  ours, with kinds and bytes: {exact} of {count}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a model of four narrow layers")
    parser.add_argument("--memory", action="store_true", help="also with the weights in memory, in bf16 (6.2 GB)")
    parser.add_argument("--random", type=int, default=1500, metavar="N", help="random models (1500)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=60)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    cost(qwen(small=arguments.small, memory=False), "on meta", arguments.repeats)
    if arguments.memory:
        cost(qwen(small=arguments.small, memory=True), "in memory", arguments.repeats)
    right_on_cases()
    right_on_random(arguments.random, arguments.seed)


if __name__ == "__main__":
    main()
