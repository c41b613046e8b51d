"""What patterns, theories, beliefs and evidence look like as rows."""

from __future__ import annotations

import math
from typing import Any

from memory.inference.theories import Forecast
from memory.projections.knowledge.claim import Claim
from memory.projections.knowledge.panel import RANDOMISED, Measure
from memory.projections.knowledge.words import in_words, strength
from memory.projections.knowledge_tables import beliefs, patterns, theories

_THEORY_TYPES = {
    "comodification": "behavioral",
    "sequence": "behavioral",
    "cochange": "structural",
    "metric_pair": "structural",
    "trend": "optimization",
    "threshold": "constraint",
}
_BELIEF_TYPES = {"cochange": "fact", "metric_pair": "fact", "trend": "fact", "threshold": "constraint"}


def knowledge_rows(claim: Claim) -> dict[tuple[str, str], dict[str, Any]]:
    """Give the rows of a claim, by table and identity."""
    measure = claim.panel.measure(claim.slot)
    rows = {
        (patterns.name, claim.identity("pattern")): _pattern_row(claim, measure),
        (theories.name, claim.identity("theory")): _theory_row(claim, measure),
    }
    if claim.belief_since is not None:
        rows[beliefs.name, claim.identity("belief")] = _belief_row(claim, measure)
    return rows


def _pattern_row(claim: Claim, measure: Measure) -> dict[str, Any]:
    key, about = claim.panel.family(claim.slot).key, claim.panel.about(claim.slot)
    log_e = claim.log_e
    return {
        "pattern_id": claim.identity("pattern"),
        "model": key.model,
        "kind": key.kind,
        "subject": claim.subject,
        "object": claim.object,
        "direction": claim.direction,
        "effect": finite(measure.estimate),
        "ci_low": finite(measure.low),
        "ci_high": finite(measure.high),
        "e_value": math.exp(min(log_e, 709.0)),
        "log_e_value": log_e,
        "grade": key.grade,
        "method": key.method,
        "dose": key.level,
        "support": measure.support,
        "storage_id": about.storage_id,
        "object_storage_id": about.object_storage_id,
        "first_position": claim.first_claimed,
        "last_position": claim.last_settled,
        "post_retraction": bool(claim.panel.amended[claim.slot]),
        "status": claim.status,
    }


def _theory_row(claim: Claim, measure: Measure) -> dict[str, Any]:
    key, score = claim.panel.family(claim.slot).key, claim.score
    written = "causal_model" if key.grade == RANDOMISED else "behavioral"
    return {
        "theory_id": claim.identity("theory"),
        "model": key.model,
        "theory_type": _THEORY_TYPES.get(key.kind, written),
        "pattern_id": claim.identity("pattern"),
        "composed_of": [claim.identity("pattern")],
        "hypothesis": in_words(claim, measure),
        "source": "data",
        "proposed_by": None,
        "predictions": score.n,
        "hits": score.hits,
        "log_e_value": score.log_e,
        "log_score_gain": score.gain,
        "brier": score.brier / score.n if score.n else None,
        "first_position": claim.first_claimed,
        "last_position": claim.last_scored,
        "status": claim.status,
    }


def _belief_row(claim: Claim, measure: Measure) -> dict[str, Any]:
    key = claim.panel.family(claim.slot).key
    written = "causal_law" if key.grade == RANDOMISED else "heuristic"
    return {
        "belief_id": claim.identity("belief"),
        "model": key.model,
        "belief_type": _BELIEF_TYPES.get(key.kind, written),
        "statement": in_words(claim, measure),
        "source": "earned",
        "asserted_by": None,
        "theory_id": claim.identity("theory"),
        "kind": key.kind,
        "subject": claim.subject,
        "object": claim.object,
        "direction": claim.direction,
        "credence": claim.credence,
        "strength": strength(claim.credence),
        "importance": 0.5,
        "tags": [],
        "effect": finite(measure.estimate),
        "ci_low": finite(measure.low),
        "ci_high": finite(measure.high),
        "grade": key.grade,
        "supports": claim.supports,
        "contradicts": claim.contradicts,
        "first_position": claim.belief_since,
        "last_position": claim.belief_changed,
        "status": claim.belief_status,
    }


def revision_row(claim: Claim, position: int, reason: str) -> dict[str, Any]:
    """Give the row of a state that a belief is in from a position on."""
    return {
        "belief_id": claim.identity("belief"),
        "position": position,
        "credence": claim.credence,
        "strength": strength(claim.credence),
        "status": claim.belief_status,
        "effect": finite(claim.panel.moments(claim.slot)[1]),
        "reason": reason,
    }


def withdrawn_revision(row: dict[str, Any], position: int) -> dict[str, Any]:
    """Give the row of a belief that the amended record does not hold, from the amendment on."""
    kept = {name: row[name] for name in ("belief_id", "credence", "strength", "effect")}
    return kept | {"position": position, "status": "retracted", "reason": "an event it rested on was amended"}


def prediction_row(theory_id: str, position: int, outcome: float, prediction: Forecast) -> dict[str, Any]:
    """Give the row of a forecast that has met its outcome."""
    tie = outcome == 0.0 and prediction.smallest_effect == 0.0
    return {
        "theory_id": theory_id,
        "position": position,
        "direction": prediction.direction,
        "probability": prediction.probability,
        "mean": prediction.mean,
        "sd": prediction.sd,
        "outcome": finite(outcome),
        "hit": prediction.hit(outcome) if math.isfinite(outcome) and not tie else None,
    }


def evidence_rows(claim: Claim) -> list[dict[str, Any]]:
    """Give the rows of the outcomes that tell most for and against a claim."""
    side = claim.direction or 1
    return [
        {
            "pattern_id": claim.identity("pattern"),
            "position": each.position,
            "modification_position": each.write_position,
            "baseline_position": each.baseline_position,
            "role": "supports" if side * each.outcome > 0 else "contradicts" if side * each.outcome < 0 else "neutral",
            "outcome": each.outcome,
            "log_factor": each.log_factor,
        }
        for each in claim.panel.telling(claim.slot)
    ]


def finite(value: float) -> float | None:
    """Give a number, and null for what SQL has no number for."""
    return value if math.isfinite(value) else None
