"""What was captured: one record for each storage written in a step, however many operators wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CapturedWrite:
    """All that was written to one storage within one step."""

    step: int
    """Number of the step, from 0; steps in which nothing was written have none."""
    storage_key: str
    """The storage written: the smallest one that holds every byte written; where none does, the largest ones met have
    a record each."""
    names: tuple[str, ...]
    """Every name whose bytes were met, aliases and overlapping names included, sorted."""
    storage_keys: tuple[str, ...]
    """The storages of those names, sorted."""
    operators: tuple[tuple[str, int], ...]
    """(operator, how often it wrote here), sorted by name: `aten.add_.Tensor`."""

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON-serialisable values."""
        return {
            "step": self.step,
            "storage_key": self.storage_key,
            "names": list(self.names),
            "storage_keys": list(self.storage_keys),
            "operators": dict(self.operators),
        }


@dataclass(slots=True)
class _Open:
    names: set[str] = field(default_factory=set)
    storage_keys: set[str] = field(default_factory=set)
    operators: dict[str, int] = field(default_factory=dict)


class WriteLog:
    """Gathers writes into records, a step at a time."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}
        self._closed: list[CapturedWrite] = []
        self._step = 0

    @property
    def step(self) -> int:
        """Number of the step that is open."""
        return self._step

    def add(self, storage_key: str, names: Iterable[str], storage_keys: Iterable[str], operator: str) -> None:
        """Adds one write to the open step."""
        entry = self._open.get(storage_key)
        if entry is None:
            entry = self._open[storage_key] = _Open()
        entry.names.update(names)
        entry.storage_keys.update(storage_keys)
        entry.operators[operator] = entry.operators.get(operator, 0) + 1

    def close_step(self) -> tuple[CapturedWrite, ...]:
        """Ends the open step and returns its records, in order of storage; none if nothing was written in it."""
        closed = self._records()
        if closed:
            self._closed.extend(closed)
            self._open.clear()
            self._step += 1
        return closed

    def records(self) -> tuple[CapturedWrite, ...]:
        """Every record held, those of the open step included."""
        return (*self._closed, *self._records())

    def take(self) -> tuple[CapturedWrite, ...]:
        """The records of closed steps, which are held no longer."""
        taken = tuple(self._closed)
        self._closed.clear()
        return taken

    def _records(self) -> tuple[CapturedWrite, ...]:
        return tuple(
            CapturedWrite(
                step=self._step,
                storage_key=key,
                names=tuple(sorted(entry.names)),
                storage_keys=tuple(sorted(entry.storage_keys)),
                operators=tuple(sorted(entry.operators.items())),
            )
            for key, entry in sorted(self._open.items())
        )
