"""The demo: a seeded research loop on a real model, recorded, and what was learned from it.

Nothing here knows what will be learned: the loop edits, measures and undoes; the memory does the rest.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from memory.cli.checkpoints import quiet_transformers
from memory.cli.demo import experiment
from memory.cli.demo.model import TRAINING_STEPS, build, evaluate, load, train
from memory.cli.demo.story import summary, tell
from memory.cli.demo.text import Text, standard_library
from memory.cli.output import print_json, results, words
from memory.store.location import locate
from memory.system import MemorySystem

if TYPE_CHECKING:
    from torch.nn import Module

LOOK_EVERY = 15
"""Acts between two looks at what is known: claims must hold however often one looks."""
_TOKENIZED_BYTES = 1_000_000
"""How much text is tokenized for a model of one's own: plenty of fresh samples, in seconds."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the demo was asked for."""

    database: str
    acts: int | None
    seed: int
    model: Path | None
    placebo: bool
    naive: bool


@dataclass(frozen=True, slots=True)
class _Subject:
    """The model under study, the text it is measured on, and where it is kept between runs."""

    name: str
    model: Module
    text: Text
    kept_at: Path | None


def run_demo(settings: Settings, *, as_json: bool) -> None:
    """Run the research loop and say what was learned.

    Raises:
        PalimpsestError: The database or the model cannot be used; the message says why and what to do.
    """
    console = words if as_json else results()
    quiet_transformers()
    started = time.monotonic()
    # Before the database is opened: a checkpoint that cannot be used leaves no empty record behind.
    given = _given(settings.model) if settings.model is not None else None
    with MemorySystem(settings.database, actor="palimpsest demo", seed=settings.seed) as memory:
        subject = given if given is not None else _prepare(memory, settings, console)
        memory.attach(subject.model, name=subject.name)
        done = _acts_so_far(memory)
        try:
            _research(memory, subject, settings, done, console)
        finally:
            _keep(subject)
        memory.consolidate()
        if as_json:
            print_json(summary(memory, naive=settings.naive))
        else:
            tell(memory, settings.database, console, naive=settings.naive)
            console.print(f"\n[dim]{time.monotonic() - started:.0f} seconds in all[/dim]")


def _given(path: Path) -> _Subject:
    """Load the model asked for."""
    model, encode = load(path)
    text = standard_library(encode, most_bytes=_TOKENIZED_BYTES) if encode is not None else standard_library()
    return _Subject(path.resolve().name, model, text, None)


def _prepare(memory: MemorySystem, settings: Settings, console: Console) -> _Subject:
    """Go on with the model of an earlier run, or train a small one."""
    location = locate(settings.database)
    kept_at = Path(f"{location.path}.model") if location.path is not None else None
    text = standard_library()
    known = memory.query_sql("SELECT count(*) AS known FROM sharing_maps WHERE model = 'qwen2'")[0]["known"]
    if known and kept_at is not None and (kept_at / "config.json").is_file():
        console.print(f"going on with the model of the last run ({kept_at})")
        return _Subject("qwen2", load(kept_at)[0], text, kept_at)
    model = build(settings.seed)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    console.print(
        f"a Qwen2 of {parameters / 1e6:.1f} million parameters, its input and output embeddings one tensor; "
        f"training it on Python's own standard library"
    )
    with _progress(console, "loss {task.fields[loss]:.3f}") as progress:
        task = progress.add_task("training", total=TRAINING_STEPS, loss=math.nan)
        train(
            model,
            text,
            settings.seed,
            steps=TRAINING_STEPS,
            progress=lambda step, steps, loss: progress.update(task, completed=step, total=steps, loss=loss),
        )
    return _Subject("qwen2", model, text, kept_at)


def _research(memory: MemorySystem, subject: _Subject, settings: Settings, done: int, console: Console) -> None:
    """Carry out the plan's acts, each measured before and after on a sample of its own."""
    targets = experiment.choose_targets(subject.model)
    acts = settings.acts if settings.acts is not None else experiment.ACTS
    plan = experiment.plan(settings.seed + done, targets, acts, placebo_only=settings.placebo)
    _define_metrics(memory, subject, settings, done)
    with _progress(console, "{task.fields[known]}") as progress:
        task = progress.add_task("editing", total=acts, known="")
        for number, edit in enumerate(plan, start=done):
            _one_act(memory, subject, settings.seed, number, edit, [target.name for target in targets])
            if (number - done) % LOOK_EVERY == LOOK_EVERY - 1:
                earned = sum(belief.source == "earned" for belief in memory.beliefs())
                learned = len(memory.patterns()), earned
                progress.update(task, known=f"{learned[0]} patterns, {learned[1]} beliefs")
            progress.advance(task)


def _define_metrics(memory: MemorySystem, subject: _Subject, settings: Settings, done: int) -> None:
    """Say once what the metrics mean, and which change of each is too small to matter."""
    if memory.query_sql("SELECT count(*) AS defined FROM metric_definitions")[0]["defined"]:
        return
    sample = subject.text.sample(experiment.act_generator(settings.seed, -1), experiment.BATCH, experiment.LENGTH)
    first = evaluate(subject.model, sample)
    better: Mapping[str, Any] = {"loss": "lower", "accuracy": "higher", "entropy": None}
    for metric, value in first.items():
        smallest = abs(value) * experiment.SMALLEST_EFFECT_SHARE
        memory.define_metric(metric, better=better.get(metric), smallest_effect=smallest)
    memory.define_metric("perplexity", better="lower", derived_from=["loss"])
    memory.consolidate()
    memory.record_observation(
        "performance", "first_evaluation", f"the model before the first edit, on {sample.numel()} tokens", first
    )


def _one_act(
    memory: MemorySystem,
    subject: _Subject,
    seed: int,
    number: int,
    edit: experiment.PlannedEdit,
    watched: Iterable[str],
) -> None:
    """Measure, edit, measure again on the same fresh sample; then take the edit back, unless it is to stay."""
    generator = experiment.act_generator(seed, number)
    tokens = subject.text.sample(generator, experiment.BATCH, experiment.LENGTH)
    sample = f"act-{number}"
    with memory.act(f"act {number}, {edit.method}") as act:
        _measure(memory, subject, tokens, sample, watched)
        signed = edit.method in ("scale", "placebo")
        sign = act.flip() if signed else 1
        # Only a scaling has a direction that its sign turns round; the others are one thing, whichever way they go.
        dose = sign * edit.dose if signed else None
        with memory.edit(edit.name, method=edit.method, dose=dose, data={"reference_dose": edit.dose}) as weight:
            experiment.apply(weight, edit, sign, generator)
        _measure(memory, subject, tokens, sample, watched)
    if not edit.keep and edit.method != "placebo":
        act.undo()


def _measure(
    memory: MemorySystem, subject: _Subject, tokens: torch.Tensor, sample: str, watched: Iterable[str]
) -> None:
    """Record one evaluation, and the norms of the watched weights under every name they are watched by."""
    values = evaluate(subject.model, tokens)
    names = set(watched)
    norms = {
        name: float(torch.linalg.vector_norm(parameter.detach()))
        for name, parameter in subject.model.named_parameters(remove_duplicate=False)
        if name in names
    }
    with memory.batch():
        memory.record_metrics(values | {"perplexity": math.exp(min(values["loss"], 700.0))}, sample=sample)
        memory.record_layer_statistics("weight_norm", norms)


def _acts_so_far(memory: MemorySystem) -> int:
    memory.consolidate()
    rows = memory.query_sql("SELECT count(DISTINCT act_id) AS acts FROM modifications")
    return int(rows[0]["acts"])


def _keep(subject: _Subject) -> None:
    """Keep the weights as they are now, so that another run goes on from the state the log ends in."""
    if subject.kept_at is not None:
        save: Callable[[Path], None] = subject.model.save_pretrained  # type: ignore[assignment]
        save(subject.kept_at)


def _progress(console: Console, what: str) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(what),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
