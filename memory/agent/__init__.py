"""What an agent takes as tools, what it is told of its own history, and what keeps the record of a Trainer."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memory.agent.trainer import PalimpsestCallback

__all__ = ["PalimpsestCallback"]

# transformers takes seconds to import: it is, when one of them is first asked for.
_HOMES = {"PalimpsestCallback": "memory.agent.trainer"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'memory.agent' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
