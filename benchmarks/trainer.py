"""What the record of a Trainer costs: trainings with PalimpsestCallback, beside the same trainings without it.

Run: python benchmarks/trainer.py (some minutes on a quiet core; --quick for a smaller model and fewer repeats).

Every repeat makes each training once, in turn, on a fresh copy of the same model and a fresh database; a ratio is of
neighbours in one repeat, and what is printed is the median of these, of wall time and of CPU time. A training is all of
`trainer.train()`: what the first step and the end cost (all bytes read, and kept once) is spread over its few steps
here, and over more of them in earnest. `a step` is the median CPU time of one step alone, from the beginning of its
first forward to the beginning of the next.

  end         what each step wrote is on record; the bytes are read at the end
  every 10    the same, read at every tenth step
  each        read, measured and kept in every step
  watch, end  memory.watch around the whole training, which looks at every operator, and not at the steps alone
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from transformers import Qwen2Config, Qwen2ForCausalLM, Trainer, TrainerCallback, TrainingArguments

from memory import MemorySystem
from memory.agent import PalimpsestCallback

VARIANTS: dict[str, Any] = {"plain": None, "end": "end", "every 10": 10, "each": "each", "watch, end": None}


class Size(NamedTuple):
    """How large a model, and how long a training."""

    hidden: int
    layers: int
    vocabulary: int
    batch: tuple[int, int]
    steps: int


class Cost(NamedTuple):
    """What one training took, in seconds."""

    wall: float
    cpu: float
    step: float
    events: int
    size: int


class Clock(TrainerCallback):  # type: ignore[misc]
    """Notes when each step begins."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
        """Note the time."""
        self.times.append(time.process_time())


def small_model(size: Size) -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    config = Qwen2Config(
        hidden_size=size.hidden,
        intermediate_size=4 * size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=size.vocabulary,
        tie_word_embeddings=True,
    )
    return Qwen2ForCausalLM(config)


def train(variant: str, size: Size, folder: Path) -> Cost:
    """Make one training."""
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(0, size.vocabulary, (size.batch[0] * size.steps, size.batch[1]), generator=generator)
    rows = [{"input_ids": each, "labels": each} for each in tokens]
    model, clock = small_model(size), Clock()
    args = TrainingArguments(
        folder / "out",
        use_cpu=True,
        report_to=[],
        disable_tqdm=True,
        max_steps=size.steps,
        per_device_train_batch_size=size.batch[0],
        logging_steps=10,
        save_strategy="no",
    )
    with MemorySystem(folder / "research.db") as memory:
        callbacks: list[TrainerCallback] = [clock]
        around: Callable[[], AbstractContextManager[object]] = nullcontext
        if VARIANTS[variant] is not None:
            callbacks.append(PalimpsestCallback(memory, deltas=VARIANTS[variant]))
        elif variant != "plain":
            memory.attach(model)
            around = lambda: memory.watch(deltas="end")  # noqa: E731 - it is told in one line
        trainer = Trainer(model, args, train_dataset=rows, callbacks=callbacks)
        trainer.remove_callback(transformers.PrinterCallback)
        wall, cpu = time.perf_counter(), time.process_time()
        with around():
            trainer.train()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        steps = [after - before for before, after in zip(clock.times, clock.times[1:], strict=False)]
        events = memory.store.head().position
    kept = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Cost(wall, cpu, statistics.median(steps), events, kept)


def compare(size: Size, repeats: int) -> dict[str, list[Cost]]:
    found: dict[str, list[Cost]] = {variant: [] for variant in VARIANTS}
    for _ in range(repeats):
        for variant in VARIANTS:
            with tempfile.TemporaryDirectory() as folder:
                found[variant].append(train(variant, size, Path(folder)))
    return found


def show(size: Size, found: dict[str, list[Cost]]) -> None:
    model = small_model(size)
    parameters = sum(each.numel() for each in model.parameters())
    plain = found["plain"]
    step = statistics.median(cost.step for cost in plain)
    print(
        f"tied Qwen2, {parameters / 1e6:.1f} M parameters in {len(list(model.parameters()))} storages, "
        f"batch {size.batch[0]} x {size.batch[1]}, {size.steps} steps of {1e3 * step:.0f} ms CPU"
    )
    print(f"  {'':12} {'wall':>6} {'CPU':>6} {'a step':>7} {'ms a step':>10} {'events':>7} {'MB kept':>8}")
    for variant, costs in found.items():
        if variant == "plain":
            continue

        def ratio(field: str, costs: list[Cost] = costs) -> float:
            pairs = zip(costs, plain, strict=True)
            return statistics.median(getattr(cost, field) / getattr(beside, field) for cost, beside in pairs)

        more = statistics.median(cost.step - beside.step for cost, beside in zip(costs, plain, strict=True))
        print(
            f"  {variant:12} {ratio('wall'):6.2f} {ratio('cpu'):6.2f} {ratio('step'):7.2f} {1e3 * more:+10.1f} "
            f"{costs[0].events:7d} {costs[0].size / 1e6:8.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smaller model, and a few repeats")
    parser.add_argument("--repeats", type=int, default=5, help="how often each training is made")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    if options.quick:
        sizes, repeats = [Size(64, 2, 1000, (4, 32), 20)], 3
    else:
        sizes, repeats = [Size(64, 2, 1000, (4, 32), 50), Size(256, 4, 8000, (4, 128), 20)], options.repeats
    for size in sizes:
        show(size, compare(size, repeats))


if __name__ == "__main__":
    main()
