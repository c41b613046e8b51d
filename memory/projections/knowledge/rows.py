"""What patterns, theories, beliefs and evidence look like as rows, and in words."""

from __future__ import annotations

import math
from typing import Any

from memory.inference.theories import Forecast, Score
from memory.projections.knowledge.hypotheses import Hypothesis
from memory.projections.knowledge.windows import Outcome
from memory.projections.knowledge_tables import beliefs, patterns, theories

Interval = tuple[float, float]


def knowledge_rows(hypothesis: Hypothesis) -> dict[tuple[str, str], dict[str, Any]]:
    """Give the rows of a hypothesis, by table and identity; none for one never claimed."""
    if hypothesis.first_claimed is None:
        return {}
    interval = hypothesis.process.interval()
    rows = {(patterns.name, hypothesis.identity("pattern")): _pattern_row(hypothesis, interval)}
    if hypothesis.score is not None:
        rows[theories.name, hypothesis.identity("theory")] = _theory_row(hypothesis, hypothesis.score, interval)
    if hypothesis.belief_since is not None:
        rows[beliefs.name, hypothesis.identity("belief")] = _belief_row(hypothesis, interval)
    return rows


def _pattern_row(hypothesis: Hypothesis, interval: Interval) -> dict[str, Any]:
    process, family = hypothesis.process, hypothesis.family
    low, high = interval
    return {
        "pattern_id": hypothesis.identity("pattern"),
        "model": family.model,
        "kind": family.kind,
        "subject": hypothesis.subject,
        "object": hypothesis.metric,
        "direction": hypothesis.direction,
        "effect": _finite(process.estimate),
        "ci_low": _finite(low),
        "ci_high": _finite(high),
        "e_value": math.exp(min(hypothesis.log_e, 709.0)),
        "log_e_value": hypothesis.log_e,
        "grade": _grade(hypothesis),
        "method": family.method,
        "dose": family.level,
        "support": process.n,
        "storage_id": hypothesis.storage_id,
        "first_position": hypothesis.first_claimed,
        "last_position": hypothesis.last_settled,
        "post_retraction": False,
        "status": hypothesis.status,
    }


def _theory_row(hypothesis: Hypothesis, score: Score, interval: Interval) -> dict[str, Any]:
    return {
        "theory_id": hypothesis.identity("theory"),
        "model": hypothesis.family.model,
        "theory_type": "causal_model" if hypothesis.family.randomised else "behavioral",
        "pattern_id": hypothesis.identity("pattern"),
        "hypothesis": in_words(hypothesis, interval),
        "predictions": score.n,
        "hits": score.hits,
        "log_e_value": score.log_e,
        "log_score_gain": score.gain,
        "brier": score.brier / score.n if score.n else None,
        "first_position": hypothesis.first_claimed,
        "last_position": hypothesis.last_scored,
        "status": hypothesis.status,
    }


def _belief_row(hypothesis: Hypothesis, interval: Interval) -> dict[str, Any]:
    low, high = interval
    return {
        "belief_id": hypothesis.identity("belief"),
        "model": hypothesis.family.model,
        "belief_type": "causal_law" if hypothesis.family.randomised else "heuristic",
        "statement": in_words(hypothesis, interval),
        "theory_id": hypothesis.identity("theory"),
        "credence": hypothesis.credence,
        "strength": strength(hypothesis.credence),
        "effect": _finite(hypothesis.process.estimate),
        "ci_low": _finite(low),
        "ci_high": _finite(high),
        "grade": _grade(hypothesis),
        "first_position": hypothesis.belief_since,
        "last_position": hypothesis.belief_changed,
        "status": hypothesis.belief_status,
    }


def prediction_row(hypothesis: Hypothesis, outcome: Outcome, signed: float, prediction: Forecast) -> dict[str, Any]:
    """Give the row of a forecast that has met its outcome."""
    tie = signed == 0.0 and prediction.smallest_effect == 0.0
    return {
        "theory_id": hypothesis.identity("theory"),
        "position": outcome.position,
        "direction": prediction.direction,
        "probability": prediction.probability,
        "mean": prediction.mean,
        "sd": prediction.sd,
        "outcome": _finite(signed),
        "hit": prediction.hit(signed) if math.isfinite(signed) and not tie else None,
    }


def evidence_row(hypothesis: Hypothesis, outcome: Outcome, signed: float, estimate: float) -> dict[str, Any]:
    """Give the row that ties an outcome to the hypothesis it bears on.

    Args:
        hypothesis: After the outcome.
        outcome: The outcome.
        signed: The outcome with the sign the kind looks at.
        estimate: The estimate before the outcome; NaN before the first.
    """
    role = "first" if math.isnan(estimate) else "supports" if signed * estimate > 0 else "contradicts"
    return {
        "pattern_id": hypothesis.identity("pattern"),
        "position": outcome.position,
        "modification_position": outcome.write.position,
        "baseline_position": outcome.baseline_position,
        "act_id": outcome.act_id,
        "role": role if math.isfinite(signed) else "not_finite",
        "outcome": _finite(outcome.change),
        "signed_outcome": _finite(signed),
        "log_e_value": hypothesis.log_e,
    }


def in_words(hypothesis: Hypothesis, interval: Interval) -> str:
    """Say what a hypothesis claims, in words and numbers."""
    process, family = hypothesis.process, hypothesis.family
    low, high = interval
    others = [name for name in hypothesis.subject_names if name != hypothesis.subject]
    subject = f"{hypothesis.subject} (one tensor with {', '.join(others)})" if others else hypothesis.subject
    verb = f"writing to {subject}" if family.method is None else f"{family.method} on {subject}"
    dose = "" if family.level is None else f" at dose {family.level:g}"
    size = f"{process.estimate:+.4g} (95 %: {_bounds(low, high)}; {process.n} outcomes)"
    metric = hypothesis.metric
    if family.kind == "effect":
        rises = "up" if hypothesis.direction > 0 else "down"
        if not family.randomised:
            return f"{verb}{dose}: {metric} went {rises} with the sign, which no coin decided, by {size}"
        return f"{verb}{dose}: the positive side moves {metric} {rises}, the negative side the other way, by {size}"
    rises = "raises" if hypothesis.direction > 0 else "lowers"
    return f"{verb}{dose} {rises} {metric}, whichever way it goes, by {size}"


def _bounds(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return "no bound yet"
    if math.isinf(low):
        return f"below {high:+.4g}"
    return f"above {low:+.4g}" if math.isinf(high) else f"{low:+.4g} to {high:+.4g}"


def strength(credence: float) -> str:
    """Give the word for a credence: tentative, confident (from .95) or certain (from .999)."""
    return "certain" if credence >= 0.999 else "confident" if credence >= 0.95 else "tentative"


def _grade(hypothesis: Hypothesis) -> str:
    return "randomised" if hypothesis.family.randomised else "observational"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
