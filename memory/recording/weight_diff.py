"""What differs between two states of a model: one entry for each storage, whatever its names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from memory.weights.measuring import Measured

_ROWS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class StorageDiff:
    """One storage that is not the same in both states."""

    key: str
    """Its key, in the later state."""
    names: tuple[str, ...]
    """Every name of it: tied names are one change."""
    kind: Literal["changed", "added", "removed", "reshaped"]
    measured: Measured | None = None
    """What changed, where the bytes of both states could be put together."""
    reason: str = ""
    """Why it was not measured."""

    @property
    def rows(self) -> tuple[int, ...]:
        """The rows (first dimension) that differ, sorted."""
        return () if self.measured is None else self.measured.rows_changed

    def to_dict(self) -> dict[str, Any]:
        """The entry as JSON-serialisable values."""
        found: dict[str, Any] = {"key": self.key, "names": list(self.names), "kind": self.kind}
        if self.measured is not None:
            measured = self.measured
            found |= {
                "delta_norm": measured.delta_norm,
                "weight_norm": measured.weight_norm,
                "max_change": measured.max_change,
                "elements_changed": measured.elements_changed,
                "elements": measured.elements,
                "rows": list(measured.rows_changed),
            }
        return found | ({"reason": self.reason} if self.reason else {})

    def __str__(self) -> str:
        names = " = ".join(self.names)
        if self.measured is None:
            return f"{names}: {self.kind}{f' ({self.reason})' if self.reason else ''}"
        measured = self.measured
        relative = f" ({measured.delta_norm / measured.weight_norm:.3g} of it)" if measured.weight_norm > 0 else ""
        shown = ", ".join(map(str, measured.rows_changed[:_ROWS_SHOWN]))
        more = ", ..." if len(measured.rows_changed) > _ROWS_SHOWN else ""
        return (
            f"{names}: |change| {measured.delta_norm:.6g}{relative}, largest {measured.max_change:.3g}, "
            f"{measured.elements_changed} of {measured.elements} elements, "
            f"{len(measured.rows_changed)} of {measured.rows} rows: {shown}{more}"
        )


@dataclass(frozen=True, slots=True)
class WeightDiff:
    """What differs between two states of a model; printed, one line for each storage."""

    model: str
    first: int
    """The position of the one state."""
    second: int
    """The position of the other."""
    entries: tuple[StorageDiff, ...]
    """Every storage that differs, in order of key."""

    def __bool__(self) -> bool:
        return bool(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def to_dict(self) -> dict[str, Any]:
        """The whole difference as JSON-serialisable values."""
        return {
            "model": self.model,
            "first": self.first,
            "second": self.second,
            "storages": [entry.to_dict() for entry in self.entries],
        }

    def __str__(self) -> str:
        if not self.entries:
            return f"{self.model}: nothing differs between positions {self.first} and {self.second}"
        return "\n".join(map(str, self.entries))
