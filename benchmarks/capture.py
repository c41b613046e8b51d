"""What write capture costs: training steps with a window open, beside the same steps without one.

Run: python benchmarks/capture.py (a minute or two on a quiet core; --quick for a few seconds; --tiny adds a model so
small that a step is all overhead).

A window is opened and closed for each step, which is the dearest way to use it: a window over many steps scans the
model and takes fingerprints once. Every repeat runs each variant once, in turn; a ratio is of neighbours in one repeat,
and what is printed is the median of these.

  optimizer      a window around optimizer.step() only, as part of the whole training step     target <= 1.05
  step           a window around the whole training step of a small tied Qwen2                 target <= 1.20
  step, 4 x 128  the same at a batch of 4 sequences of 128 tokens                              target <= 1.10
  fingerprints   the same with the scan of all weights that finds writes nobody announced, shown apart: it costs at
                 most two passes over the weights a window, however much is done inside

Next to these, what torch takes for a dispatch mode that does nothing at all: the floor of any Python mode.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import Qwen2Config, Qwen2ForCausalLM

from introspection.capture import WriteCapture


class Nothing(TorchDispatchMode):
    """Calls every operator, and does no more."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **kwargs) if kwargs else func(*args)


class Training:
    """A tied Qwen2 with its optimiser and one batch."""

    def __init__(self, hidden: int, layers: int, vocabulary: int, batch: tuple[int, int]) -> None:
        torch.manual_seed(0)
        config = Qwen2Config(
            hidden_size=hidden,
            intermediate_size=4 * hidden,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=2,
            vocab_size=vocabulary,
            tie_word_embeddings=True,
        )
        self.model = Qwen2ForCausalLM(config)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4)
        self.tokens = torch.randint(0, vocabulary, batch)

    def step(self, around_step: AbstractContextManager[Any], around_optimizer: AbstractContextManager[Any]) -> float:
        """Seconds of one training step."""
        begin = time.process_time()
        with around_step:
            self.model(input_ids=self.tokens, labels=self.tokens).loss.backward()
            with around_optimizer:
                self.optimizer.step()
            self.optimizer.zero_grad()
        return time.process_time() - begin


def compare(training: Training, repeats: int) -> dict[str, float]:
    """Ratios of every variant's step to the plain one's, and the plain one's milliseconds."""
    plain: Callable[[], AbstractContextManager[Any]] = nullcontext

    def capture() -> WriteCapture:
        return WriteCapture(training.model, fingerprints=False)

    def capture_with_fingerprints() -> WriteCapture:
        return WriteCapture(training.model)

    variants: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "plain": (plain, plain),
        "optimizer": (plain, capture),
        "optimizer, fingerprints": (plain, capture_with_fingerprints),
        "step, a mode that does nothing": (Nothing, plain),
        "step": (capture, plain),
        "step, fingerprints": (capture_with_fingerprints, plain),
    }
    times: dict[str, list[float]] = {name: [] for name in variants}
    for repeat in range(repeats + 2):
        for name, (around_step, around_optimizer) in variants.items():
            taken = training.step(around_step(), around_optimizer())
            # Of the first rounds, torch's allocations and caches are part.
            if repeat >= 2:
                times[name].append(taken)
    ratios = {
        name: statistics.median(one / other for one, other in zip(taken, times["plain"], strict=True))
        for name, taken in times.items()
        if name != "plain"
    }
    return {**ratios, "milliseconds": statistics.median(times["plain"]) * 1e3}


def show(title: str, ratios: dict[str, float], targets: dict[str, float]) -> None:
    print(f"\n{title}: a plain step takes {ratios.pop('milliseconds'):.1f} ms")
    for name, ratio in ratios.items():
        target = targets.get(name)
        verdict = "" if target is None else f"   target <= {target:.2f}: {'met' if ratio <= target else 'NOT MET'}"
        print(f"  {name:32s} x {ratio:.3f}{verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few repeats")
    parser.add_argument(
        "--tiny", action="store_true", help="also a model of hidden size 64, for what an operator costs"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    repeats = 5 if options.quick else 30
    small = {"hidden": 256, "layers": 4, "vocabulary": 8000}
    show(
        "small tied Qwen2 (hidden 256, 4 layers, vocabulary 8000), batch 2 x 64",
        compare(Training(**small, batch=(2, 64)), repeats),
        {"optimizer": 1.05, "step": 1.20},
    )
    show(
        "the same, batch 4 x 128",
        compare(Training(**small, batch=(4, 128)), repeats),
        {"optimizer": 1.05, "step": 1.10},
    )
    if options.tiny:
        show(
            "tiny tied Qwen2 (hidden 64, 2 layers, vocabulary 1000), batch 1 x 16",
            compare(Training(hidden=64, layers=2, vocabulary=1000, batch=(1, 16)), repeats),
            {},
        )


if __name__ == "__main__":
    main()
