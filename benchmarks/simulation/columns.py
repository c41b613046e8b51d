"""A run as matrices: what fixed-sample tests, causal discovery and rule mining are given.

Two ways to key the columns: by raw name, as any log does, or by storage, as this memory does (declared aliases one
column, derived names and metrics and unknown names left out, an untied name a column of its own from the cut on). What
the map does not know stays two columns in both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.simulation.chronicle import Floats
from benchmarks.simulation.envelopes import MODEL, attached, sharing_changed
from benchmarks.simulation.plan import CATEGORIES
from benchmarks.simulation.world import World
from memory.projections.registry import StorageRegistry

AHEAD = 3
"""Acts before and after a write in which what follows it is looked for."""


@dataclass(frozen=True, slots=True)
class Columns:
    """A whole run; row k of a matrix is act k, of `readings` reading k."""

    labels: tuple[tuple[str, ...], ...]
    """By phase, then by column: the name it has in claims; empty where the column does not exist."""
    metrics: tuple[str, ...]
    positions: tuple[int, ...]
    """Last event of each act."""
    phases: tuple[int, ...]
    """Phase of each act."""
    written: Floats
    """1 where an act wrote the column."""
    doses: Floats
    """Signed dose; 0 where there was none."""
    outcomes: Floats
    values: Floats
    observed: Floats
    """1 where an act saw the category."""
    readings: Floats
    """Statistic of each column; NaN where there was none."""
    read_at: tuple[int, ...]
    """The act of each reading."""

    def label(self, column: int, act: int) -> str:
        """The name of a column in a claim made after an act."""
        for phase in range(self.phases[act], -1, -1):
            if self.labels[phase][column]:
                return self.labels[phase][column]
        return ""


def by_name(world: World) -> Columns:
    """Key everything by raw name."""
    cast = world.cast
    names = sorted(set(cast.phases[0].tensors) | set(cast.derived))
    column = {name: index for index, name in enumerate(names)}
    labels = tuple(tuple(names) for _ in cast.phases)
    return _columns(world, [column] * len(cast.phases), labels, tuple(world.metrics.names))


def by_storage(world: World) -> Columns:
    """Key everything by storage, as the map has it at each moment."""
    registry, phases = StorageRegistry(), world.cast.phases
    column_of: list[dict[str, int]] = []
    keys: list[dict[int, str]] = []
    for index, phase in enumerate(phases):
        before = phases[index - 1].sharing
        registry.apply(index + 1, sharing_changed(before, phase.sharing) if index else attached(phase.sharing))
        found = {name: registry.find(MODEL, name) for name in phase.sharing.names}
        column_of.append({name: each.storage_id - 1 for name, each in found.items() if each is not None})
        keys.append({each.storage_id - 1: each.key for each in registry.storages(MODEL)})
    count = max(max(each) for each in keys) + 1
    labels = tuple(tuple(each.get(c, "") for c in range(count)) for each in keys)
    declared = {name for name, _ in world.metrics.declared}
    return _columns(world, column_of, labels, tuple(m for m in world.metrics.names if m not in declared))


def _columns(
    world: World, column_of: list[dict[str, int]], labels: tuple[tuple[str, ...], ...], metrics: tuple[str, ...]
) -> Columns:
    chronicle, acts = world.chronicle, world.chronicle.acts
    phases = tuple(chronicle.phase_at(act.position) for act in acts)
    written, doses = np.zeros((len(acts), len(labels[0]))), np.zeros((len(acts), len(labels[0])))
    observed = np.zeros((len(acts), CATEGORIES))
    for k, act in enumerate(acts):
        for _, name, dose in act.writes:
            column = column_of[phases[k]].get(name)
            if column is not None:
                written[k, column], doses[k, column] = 1.0, dose
        observed[k, act.categories] = 1.0
    readings = np.full((len(chronicle.readings), len(labels[0])), np.nan)
    for k, (at, named) in enumerate(chronicle.readings):
        for name, value in named.items():
            column = column_of[phases[at]].get(name)
            if column is not None:
                readings[k, column] = value
    own = [world.metrics.names.index(metric) for metric in metrics]
    values = np.array([act.value for act in acts])
    plain = world.settings.metrics
    outcomes = np.array([act.outcome for act in acts])
    if values.shape[1] > plain:
        # A function of a metric changes with it: what a log of its values gives as outcome.
        outcomes = np.hstack([outcomes, outcomes[:, : values.shape[1] - plain]])
    return Columns(
        labels=labels,
        metrics=metrics,
        positions=tuple(act.position for act in acts),
        phases=phases,
        written=written,
        doses=doses,
        outcomes=outcomes[:, own],
        values=values[:, own],
        observed=observed,
        readings=readings,
        read_at=tuple(at for at, _ in chronicle.readings),
    )


def ahead(events: Floats) -> Floats:
    """Count, for each act, the events of the next three acts."""
    padded = np.vstack([events, np.zeros((AHEAD, events.shape[1]))])
    total = sum(padded[shift : shift + len(events)] for shift in range(1, AHEAD + 1))
    return np.asarray(total)


def behind(events: Floats) -> Floats:
    """Count, for each act, the events of the three acts before it."""
    return np.asarray(ahead(events[::-1])[::-1])
