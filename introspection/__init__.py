"""Looks at a live model: what shares memory with what, what the weights are, how it is built. Never writes to it.

Importing this package does not import torch; what needs it is loaded when first used. `fingerprint` is the name of a
module and of the function in it: `from introspection.fingerprint import fingerprint`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from introspection.errors import (
    InvalidArgument,
    InvalidSharingMap,
    NotAModel,
    PalimpsestError,
    SeveralStorages,
    UnknownName,
    UnsupportedStorage,
)
from introspection.sharing import Affected, Relation, SharingDiff, SharingMap

if TYPE_CHECKING:
    from introspection.architecture import ArchitectureNavigator
    from introspection.scan import SharingScanner, scan_sharing
    from introspection.weights import WeightInspector

__all__ = [
    "Affected",
    "ArchitectureNavigator",
    "InvalidArgument",
    "InvalidSharingMap",
    "NotAModel",
    "PalimpsestError",
    "Relation",
    "SeveralStorages",
    "SharingDiff",
    "SharingMap",
    "SharingScanner",
    "UnknownName",
    "UnsupportedStorage",
    "WeightInspector",
    "scan_sharing",
]

_LOADED_ON_USE = {
    "ArchitectureNavigator": "introspection.architecture",
    "SharingScanner": "introspection.scan",
    "WeightInspector": "introspection.weights",
    "scan_sharing": "introspection.scan",
}


def __getattr__(name: str) -> object:
    if name not in _LOADED_ON_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_LOADED_ON_USE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
