"""What claims say, in words and numbers."""

from __future__ import annotations

import math

from memory.projections.knowledge.claim import Claim
from memory.projections.knowledge.panel import RANDOMISED, FamilyKey, Measure


def in_words(claim: Claim, measure: Measure) -> str:
    """Say what is claimed, in words and numbers."""
    key = claim.panel.family(claim.slot).key
    if key.kind in ("effect", "impact"):
        return _of_a_write(claim, key, measure)
    told = size(measure, "blocks")
    names = f"{claim.subject} and {claim.object}"
    if key.kind == "comodification":
        together = "more often together" if claim.direction > 0 else "less often together"
        return f"{names} are written in the same acts {together} than chance would have it, by {told} standard units"
    if key.kind in ("cochange", "metric_pair"):
        what = f"the {key.method} of {names}" if key.kind == "cochange" else names
        way = "the same way" if claim.direction > 0 else "opposite ways"
        return f"{what} move {way} beyond what their own pasts foretell, correlation about {size(measure, 'readings')}"
    if key.kind == "sequence":
        return f"{claim.object} follows {claim.subject} within three acts, more than it precedes it, by {told}"
    if key.kind == "threshold":
        comes = "more" if claim.direction > 0 else "less"
        return f"past a high quantile of {claim.subject}, {claim.object} comes {comes} often, by {told}"
    rises = "rises" if claim.direction > 0 else "falls"
    return f"{claim.subject} {rises} with time, from one block of evaluations to the one after next by {told}"


def _of_a_write(claim: Claim, key: FamilyKey, measure: Measure) -> str:
    two_sided = key.kind == "effect"
    return f"{deed(claim)}{':' if two_sided else ''} {doing(claim, measure)}"


def deed(claim: Claim) -> str:
    """Say which writes a claim is about."""
    key = claim.panel.family(claim.slot).key
    others = [name for name in claim.subject_names if name != claim.subject]
    subject = f"{claim.subject} (one tensor with {', '.join(others)})" if others else claim.subject
    verb = f"writing to {subject}" if key.method is None else f"{key.method} on {subject}"
    return verb if key.level is None else f"{verb} at dose {key.level:g}"


def doing(claim: Claim, measure: Measure) -> str:
    """Say what the writes that a claim is about do."""
    key, metric = claim.panel.family(claim.slot).key, claim.object
    if key.aspect:
        return f"moves {metric} by more than matters in {measure.estimate:.0%} of {measure.support} outcomes"
    rises, told = "up" if claim.direction > 0 else "down", size(measure, "outcomes")
    if key.kind == "impact":
        raises = "raises" if claim.direction > 0 else "lowers"
        return f"{raises} {metric}, whichever way it goes, by {told}"
    if key.grade != RANDOMISED:
        return f"{metric} went {rises} with the sign, which no coin decided, by {told}"
    return f"the positive side moves {metric} {rises}, the negative side the other way, by {told}"


def size(measure: Measure, of_what: str) -> str:
    """Give an estimate, its confidence sequence, and how much it rests on."""
    return f"{measure.estimate:+.4g} (95 %: {_bounds(measure.low, measure.high)}; {measure.support} {of_what})"


def _bounds(low: float, high: float) -> str:
    if not (math.isfinite(low) or math.isfinite(high)):
        return "no bound yet"
    if not math.isfinite(low):
        return f"below {high:+.4g}"
    return f"above {low:+.4g}" if not math.isfinite(high) else f"{low:+.4g} to {high:+.4g}"


def strength(credence: float) -> str:
    """Give the word for a credence: tentative, confident (from .95) or certain (from .999)."""
    return "certain" if credence >= 0.999 else "confident" if credence >= 0.95 else "tentative"
