"""Looks at a live model: what shares memory with what, what the weights are, how it is built. Never writes to it.

Importing this package does not import torch; what needs it is loaded when first used. `fingerprint` and
`quick_fingerprint` are names of modules and of the functions in them, so these come from there:
`from introspection.fingerprint import fingerprint`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from introspection.errors import (
    CaptureBudgetExceeded,
    InvalidArgument,
    InvalidSharingMap,
    NotAModel,
    NotFollowed,
    NothingCaptured,
    PalimpsestError,
    SeveralStorages,
    UnknownName,
    UnsupportedStorage,
)
from introspection.sharing import Affected, Relation, SharingDiff, SharingMap

if TYPE_CHECKING:
    from introspection.activation_anomalies import Reference
    from introspection.activation_store import Activations
    from introspection.activations import ActivationMonitor
    from introspection.architecture import ArchitectureNavigator
    from introspection.capture import WriteCapture
    from introspection.captured import CapturedWrite
    from introspection.drift import ModelState
    from introspection.gradients import GradientAnalyzer
    from introspection.scan import SharingScanner, scan_sharing
    from introspection.temporal import TemporalAnalyzer
    from introspection.weights import WeightInspector

__all__ = [
    "ActivationMonitor",
    "Activations",
    "Affected",
    "ArchitectureNavigator",
    "CaptureBudgetExceeded",
    "CapturedWrite",
    "GradientAnalyzer",
    "InvalidArgument",
    "InvalidSharingMap",
    "ModelState",
    "NotAModel",
    "NotFollowed",
    "NothingCaptured",
    "PalimpsestError",
    "Reference",
    "Relation",
    "SeveralStorages",
    "SharingDiff",
    "SharingMap",
    "SharingScanner",
    "TemporalAnalyzer",
    "UnknownName",
    "UnsupportedStorage",
    "WeightInspector",
    "WriteCapture",
    "scan_sharing",
]

_LOADED_ON_USE = {
    "ActivationMonitor": "introspection.activations",
    "Activations": "introspection.activation_store",
    "ArchitectureNavigator": "introspection.architecture",
    "CapturedWrite": "introspection.captured",
    "GradientAnalyzer": "introspection.gradients",
    "ModelState": "introspection.drift",
    "Reference": "introspection.activation_anomalies",
    "SharingScanner": "introspection.scan",
    "TemporalAnalyzer": "introspection.temporal",
    "WeightInspector": "introspection.weights",
    "WriteCapture": "introspection.capture",
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
