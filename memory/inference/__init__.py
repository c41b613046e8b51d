"""From events to knowledge: evidence that stays valid however often it is looked at.

Pure numerics: incremental, replayable state machines over plain floats. Nothing here knows of events, tables or
tensors. Each module's docstring says what is guaranteed, and under what assumption, and what is only measured.
"""

from __future__ import annotations

from memory.inference.calibration import Calibration
from memory.inference.comodification import ComodificationProcess
from memory.inference.credence import Prior, credences, estimate_prior
from memory.inference.effects import PairedProcess
from memory.inference.intervals import ConfidenceSequence
from memory.inference.kernel import LAMBDAS, SignBet
from memory.inference.multiplicity import ALPHA, KIND_SHARES, Family, adjust, family_share, reject
from memory.inference.retraction import EDetector
from memory.inference.scale import RunningScale
from memory.inference.summary import Correlation
from memory.inference.theories import Forecast, Score, forecast

__all__ = [
    "ALPHA",
    "KIND_SHARES",
    "LAMBDAS",
    "Calibration",
    "ComodificationProcess",
    "ConfidenceSequence",
    "Correlation",
    "EDetector",
    "Family",
    "Forecast",
    "PairedProcess",
    "Prior",
    "RunningScale",
    "Score",
    "SignBet",
    "adjust",
    "credences",
    "estimate_prior",
    "family_share",
    "forecast",
    "reject",
]
