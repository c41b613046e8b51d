"""What a diagnosis says: one thing looked at, how it stands, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from introspection.errors import PalimpsestError

Level = Literal["ok", "warning", "problem"]
"""`problem`: something does not work, or an acknowledged record is at risk. `warning`: worth knowing, and it works."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    """What was looked at: a short name, the same in every run."""
    level: Level
    message: str
    """How it stands, in words."""
    remedy: str = ""
    """What to do; empty where nothing is to be done."""

    @classmethod
    def of(cls, subject: str, error: PalimpsestError) -> Self:
        """Make the problem that an error tells of."""
        return cls(subject, "problem", error.message, error.remedy)


def ok(subject: str, message: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(subject, "ok", message)


def warning(subject: str, message: str, remedy: str) -> Finding:
    """Say that something works and is worth knowing."""
    return Finding(subject, "warning", message, remedy)


def problem(subject: str, message: str, remedy: str) -> Finding:
    """Say that something is wrong."""
    return Finding(subject, "problem", message, remedy)
