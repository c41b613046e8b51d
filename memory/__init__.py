"""Palimpsest's memory: an append-only record of what is done to a model, and of what followed from it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from memory.version import __version__

if TYPE_CHECKING:
    from memory.errors import PalimpsestError
    from memory.events.observations import ObservationType
    from memory.recording.acts import Act, Coin
    from memory.recording.attached import AttachedModel
    from memory.recording.journal import Recorded
    from memory.recording.predictions import Prediction
    from memory.safety.settings import SafetySettings
    from memory.system import MemorySystem

__all__ = [
    "Act",
    "AttachedModel",
    "Coin",
    "MemorySystem",
    "ObservationType",
    "PalimpsestError",
    "Prediction",
    "Recorded",
    "SafetySettings",
    "__version__",
]

# Importing these costs up to a second (SQLAlchemy, pydantic), so it happens when one of them is first asked for.
_HOMES = {
    "Act": "memory.recording.acts",
    "AttachedModel": "memory.recording.attached",
    "Coin": "memory.recording.acts",
    "MemorySystem": "memory.system",
    "ObservationType": "memory.events.observations",
    "PalimpsestError": "memory.errors",
    "Prediction": "memory.recording.predictions",
    "Recorded": "memory.recording.journal",
    "SafetySettings": "memory.safety.settings",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'memory' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
