"""What a log with one record per name would have "learned" from the very same run.

Such a log enters an edit of tied weights once under each name. Every statistic below is honest arithmetic on those
entries; what is wrong is the entries.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from memory.events.modifications import WriteBase
from memory.events.observations import LayerStatisticsRecorded
from memory.inference import ComodificationProcess, Correlation, PairedProcess
from memory.store.log import EventStore

_CLAIM = math.log(20.0)
"""The log evidence at which a single hypothesis is commonly claimed."""


@dataclass(frozen=True, slots=True)
class NaiveClaim:
    """One thing such a log would have learned about two names."""

    claim: str
    strength: str
    claimed_after: int | None
    """Acts until it was claimed; None: it has no such moment."""


@dataclass(slots=True)
class _ActRecord:
    names: set[str]
    signs: dict[str, int]
    norms: list[dict[str, float]]


def naive_claims(store: EventStore, first: str, second: str) -> list[NaiveClaim]:
    """Replay the log as one record per name, and give what it says of two names.

    Args:
        store: The log.
        first: A name.
        second: Another name.
    """
    together, correlation, moved = ComodificationProcess(), Correlation(), PairedProcess()
    together_at = moved_at = None
    both = either = 0
    for acts, act in enumerate(_acts(store), start=1):
        together.update(first in act.names, second in act.names)
        both += first in act.names and second in act.names
        either += first in act.names
        if together_at is None and together.log_e >= _CLAIM:
            together_at = acts
        for norms in act.norms:
            if first in norms and second in norms:
                correlation.update(norms[first], norms[second])
        if len(act.norms) >= 2 and first in act.signs and second in act.norms[0] and second in act.norms[1]:
            moved.update(act.signs[first] * (act.norms[1][second] - act.norms[0][second]))
            if moved_at is None and moved.log_e >= _CLAIM:
                moved_at = acts
    return [
        NaiveClaim(f"{first} and {second} are modified together", f"E = {_power(together.log_e)}", together_at),
        NaiveClaim(f"whoever edits {first} edits {second}", f"{both} of {either} acts", None),
        NaiveClaim(f"editing {first} moves the norm of {second}", f"E = {_power(moved.log_e)}", moved_at),
        NaiveClaim("their norms move together", f"correlation {correlation.correlation:.3f}", None),
    ]


def _acts(store: EventStore) -> Iterator[_ActRecord]:
    """Yield each act as such a log would hold it: a name for every alias, the coin, the norms before and after."""
    current: str | None = None
    record = _ActRecord(set(), {}, [])
    for event in store.read():
        if event.act_id is None:
            continue
        if event.act_id != current:
            if record.names:
                yield record
            current, record = event.act_id, _ActRecord(set(), {}, [])
        payload = event.payload
        if isinstance(payload, LayerStatisticsRecorded):
            record.norms.append(dict(payload.values))
        elif isinstance(payload, WriteBase) and payload.reverts is None and payload.changed:
            record.names |= {layer.name for layer in payload.affected}
            if payload.randomised and payload.dose:
                record.signs |= dict.fromkeys(record.names, 1 if payload.dose > 0 else -1)
    if record.names:
        yield record


def _power(log_e: float) -> str:
    """Give e to the power of something as a decimal power, however large."""
    exponent = log_e / math.log(10)
    return f"{10 ** (exponent % 1):.1f}e{math.floor(exponent)}" if exponent >= 3 else f"{math.exp(log_e):.1f}"
