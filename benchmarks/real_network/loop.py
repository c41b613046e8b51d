"""The subject, and the research loop through a real memory: acts measured before and after on samples of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from benchmarks.real_network.ways import SCALED, Way
from memory import MemorySystem
from memory.cli.demo import experiment
from memory.cli.demo.model import build, evaluate, load, train
from memory.cli.demo.text import Text, standard_library

MODEL = "qwen2"
METRICS = ("loss", "accuracy", "entropy")
SMALLEST_EFFECT_SHARE = experiment.SMALLEST_EFFECT_SHARE


@dataclass(frozen=True, slots=True)
class Subject:
    """A trained network and the text it is measured on."""

    model: nn.Module
    text: Text

    def weight(self, name: str) -> nn.Parameter:
        """Give a live parameter."""
        return self.model.get_parameter(name)

    def sample(self, generator: torch.Generator) -> torch.Tensor:
        """Draw fresh windows of text that training never saw."""
        return self.text.sample(generator, experiment.BATCH, experiment.LENGTH)

    def values(self, tokens: torch.Tensor) -> dict[str, float]:
        """Measure it on one sample."""
        return evaluate(self.model, tokens)


def subject(seed: int, steps: int, folder: Path | None) -> Subject:
    """Give the demo's network, trained here or in an earlier run.

    Args:
        seed: Decides weights and training.
        steps: Of training.
        folder: Where it is kept between runs; None: nowhere.
    """
    text = standard_library()
    if folder is not None and (folder / "config.json").is_file():
        return Subject(load(folder)[0], text)
    model = build(seed)
    train(model, text, seed, steps=steps)
    if folder is not None:
        model.save_pretrained(folder)  # type: ignore[operator]
    return Subject(model, text)


def smallest_effects(studied: Subject, seed: int) -> dict[str, float]:
    """Give the smallest change of each metric that matters: a share of its first value."""
    first = studied.values(studied.sample(experiment.act_generator(seed, -1)))
    return {metric: abs(first[metric]) * SMALLEST_EFFECT_SHARE for metric in METRICS}


def research(memory: MemorySystem, studied: Subject, seed: int, plan: Iterable[Way], smallest: dict[str, float]) -> int:
    """Carry out a plan, and give how many acts it had; every byte is put back after each."""
    better = {"loss": "lower", "accuracy": "higher", "entropy": None}
    for metric, size in smallest.items():
        memory.define_metric(metric, better=better[metric], smallest_effect=size)
    memory.define_metric("perplexity", better="lower", derived_from=["loss"])
    acts = 0
    for number, way in enumerate(plan):
        _act(memory, studied, way, number, experiment.act_generator(seed, number))
        acts += 1
    memory.consolidate()
    return acts


def _act(memory: MemorySystem, studied: Subject, way: Way, number: int, generator: torch.Generator) -> None:
    tokens = studied.sample(generator)
    with memory.act(f"act {number}, {way.label}") as act:
        _measure(memory, studied, tokens, f"act-{number}")
        sign = act.flip() if way.coin else 1
        dose = None if way.dose is None else sign * way.dose
        if way.method == "told_only":
            memory.record_modification(way.name, {"factor": 1.0}, method=way.method, dose=dose)
        else:
            with memory.edit(way.name, method=way.method, dose=dose) as weight:
                way.change(weight, int(sign), generator)
        _measure(memory, studied, tokens, f"act-{number}")
    if way.undone:
        act.undo()


def _measure(memory: MemorySystem, studied: Subject, tokens: torch.Tensor, sample: str) -> None:
    values = studied.values(tokens)
    norms = {name: float(torch.linalg.vector_norm(studied.weight(name).detach())) for name in SCALED}
    with memory.batch():
        memory.record_metrics(values | {"perplexity": math.exp(min(values["loss"], 700.0))}, sample=sample)
        memory.record_layer_statistics("weight_norm", norms)
