"""Records a world through a real memory, call by call, as an agent would."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from contextlib import nullcontext
from itertools import groupby

import orjson

from benchmarks.simulation.envelopes import MODEL, Told
from introspection.sharing import SharingMap
from memory.events.models import ModelAttached, SharingChanged
from memory.events.modifications import Restored, WriteBase
from memory.events.observations import LayerStatisticsRecorded, MetricDefined, MetricsRecorded, Observation
from memory.recording.acts import Coin
from memory.system import MemorySystem


def record(events: Iterable[Told], memory: MemorySystem) -> int:
    """Record every event, act by act, in batches; give how many there were.

    Args:
        events: A world's events, in order.
        memory: One without a model under its care.
    """
    recorded = 0
    for act_id, told in groupby(events, key=lambda each: each.event.act_id):
        with memory.act(act_id=act_id) if act_id is not None else nullcontext(), memory.batch():
            for each in told:
                _record(each, memory)
                recorded += 1
    return recorded


def _record(told: Told, memory: MemorySystem) -> None:
    payload, when = told.payload, told.event.occurred_at
    if isinstance(payload, ModelAttached | SharingChanged):
        memory.attach(_map(payload), name=MODEL)
    elif isinstance(payload, WriteBase):
        _write(payload, memory, when)
    elif isinstance(payload, MetricsRecorded):
        memory.record_metrics(payload.metrics, sample=payload.sample, occurred_at=when)
    elif isinstance(payload, MetricDefined):
        memory.define_metric(payload.name, derived_from=payload.derived_from)
    elif isinstance(payload, LayerStatisticsRecorded):
        memory.record_layer_statistics(payload.statistic, payload.values, occurred_at=when)
    elif isinstance(payload, Observation):
        memory.record_observation(payload.obs_type, payload.category, data=payload.data, occurred_at=when)
    elif isinstance(payload, Restored):
        memory.record_restore(payload.to_act, occurred_at=when)
    else:
        raise TypeError(f"a world makes no {told.event.event_type}")


def _map(payload: ModelAttached | SharingChanged) -> SharingMap:
    return SharingMap.from_json(orjson.dumps(payload.sharing).decode())


def _write(payload: WriteBase, memory: MemorySystem, when: datetime.datetime) -> None:
    dose: float | None = payload.dose
    if payload.coin is not None and payload.propensity is not None and payload.dose is not None:
        dose = Coin(int(payload.dose), payload.propensity, payload.coin)
    memory.record_modification(
        payload.primary_layer,
        payload.modification,
        method=payload.method,
        dose=dose,
        reverts=payload.reverts,
        per_name=payload.per_name,
        occurred_at=when,
    )
