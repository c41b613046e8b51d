"""What evidence says as one fragment of HTML: from the belief down to the very events, numbers beside the words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from memory.query.evidence import Evidence, PatternEvidence
from memory.query.explaining import credence_in_words, e_in_words, paragraphs
from memory.query.html import card_html, escape, table_html

_LONGEST = 4000
"""Characters of one paragraph."""
_EVENTS = 100


def evidence_html(evidence: Evidence) -> str:
    """Say what evidence says: the claim and why in words, then each step down with its numbers, then the events."""
    sections = [_headed("In words", *(f"<p>{escape(each, longest=_LONGEST)}</p>" for each in paragraphs(evidence)))]
    sections += _steps(evidence)
    told = evidence.told()
    if told:
        columns = ("position", "event_type", "occurred_at", "act_id", "what", "happened", "says")
        caption = "The events that tell most" if evidence.patterns else "The events it rests on"
        sections.append(_headed("Events", table_html(told, caption=caption, columns=columns, limit=_EVENTS)))
    return card_html(f"Why: {evidence.identity}", {"claim": _claim(evidence)}, *sections)


def _claim(evidence: Evidence) -> str:
    if evidence.kind == "belief" and evidence.belief is not None:
        return str(evidence.belief.statement)
    if evidence.theory is not None:
        return str(evidence.theory.hypothesis)
    return evidence.identity


def _steps(evidence: Evidence) -> Iterator[str]:
    belief, theory, history = evidence.belief, evidence.theory, evidence.history
    if belief is not None:
        facts = _of(belief, "belief_id", "belief_type", "source", "asserted_by", "strength", "status", "grade")
        facts |= {"credence": credence_in_words(belief.credence)}
        facts |= _of(belief, "supports", "contradicts", "first_position", "last_position")
        yield _headed("Belief", card_html("What is held, and how firmly", facts))
    if history is not None:
        rows = {row.position: row for row in (history.first, *history.last)}
        changes = [
            {
                "position": row.position,
                "credence": credence_in_words(row.credence),
                "strength": row.strength,
                "status": row.status,
                "reason": row.reason,
            }
            for row in rows.values()
        ]
        left = history.revisions - len(changes)
        caption = f"How its credence went{f' ({left} revisions between left out)' if left else ''}"
        yield table_html(changes, caption=caption)
    if theory is not None:
        facts = _of(
            theory, "theory_id", "theory_type", "source", "proposed_by", "status", "predictions", "hits", "brier"
        )
        facts |= {"evidence of its predictions alone": f"E = {e_in_words(theory.log_e_value)}"}
        facts |= {"predictions that wait": evidence.open_predictions or None}
        yield _headed("Theory", card_html("What was foretold, and how it came", facts))
    for pattern in evidence.patterns:
        yield _headed("Pattern", card_html("What was seen", _pattern(pattern)))
        yield _headed("Statistics", card_html("How sure that is", _statistics(pattern)))
    if evidence.ruled_out.facts:
        columns = (
            "relation",
            "kind",
            "reason",
            "strength_kind",
            "strength",
            "support",
            "first_position",
            "to_position",
        )
        caption = f"What architecture explains, and is no evidence ({evidence.ruled_out.count})"
        yield _headed("Ruled out", table_html(evidence.ruled_out.facts, caption=caption, columns=columns))


def _pattern(pattern: PatternEvidence) -> Mapping[str, Any]:
    facts = _of(
        pattern.row, "pattern_id", "kind", "subject", "object", "direction", "method", "dose", "grade", "status"
    )
    facts |= _of(pattern.row, "first_position", "last_position")
    return facts | ({"amended": "an amendment touched its evidence"} if pattern.row.post_retraction else {})


def _statistics(pattern: PatternEvidence) -> Mapping[str, Any]:
    numbers = pattern.statistics
    low = "unbounded" if numbers.ci_low is None else f"{numbers.ci_low:+.4g}"
    high = "unbounded" if numbers.ci_high is None else f"{numbers.ci_high:+.4g}"
    bar = None if numbers.log_bar is None else f"E ≥ {e_in_words(numbers.log_bar)}, with {numbers.claims} claims held"
    return {
        "evidence": f"E = {e_in_words(numbers.log_e_value)}",
        "what it needs": bar,
        "outcomes, readings or blocks": numbers.support,
        "size": numbers.effect,
        "95 % confidence sequence": f"{low} to {high}",
        "questions of its family": numbers.questions or None,
        "share of the budget": f"{numbers.share:.1%} of {numbers.alpha:.0%}" if numbers.questions else None,
    }


def _of(row: Any, *names: str) -> dict[str, Any]:
    return {name.replace("_", " "): getattr(row, name) for name in names}


def _headed(heading: str, *content: str) -> str:
    return f"<section><h3>{escape(heading)}</h3>{''.join(content)}</section>"
