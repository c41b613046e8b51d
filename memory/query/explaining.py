"""What evidence says, in plain words with numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from memory.query.bearings import CONTRADICTS, SUPPORTS, Bearing
from memory.query.evidence import Evidence, PatternEvidence, Statistics
from memory.query.told_events import EventTold

_TOLD = 3
"""Telling events that are told for, and against."""
_LINES = 12
"""Events that have a line each."""

_GRADES = {
    "randomised": (
        "A coin decided the sign of every write (grade: randomised). So this is guaranteed whatever the noise, the "
        "drift and the confounding are, as far as the coins were what the log says they were"
    ),
    "adjusted": (
        "Something had to be estimated: what else was written did, or what was to come without it (grade: adjusted). "
        "So this is guaranteed only if what the estimates leave over is symmetric given the past; it is no causal claim"
    ),
    "observational": (
        "No coin decided (grade: observational). This is guaranteed only if, were there nothing, changes up and down "
        "were symmetric given the past; whatever came together with these writes may be the cause"
    ),
}
_ASSUMED = {
    "comodification": "which of the acts of a block write what is a matter of chance",
    "cochange": "what one of them does beyond its forecast is symmetric given the other",
    "metric_pair": "what one of them does beyond its forecast is symmetric given the other",
    "sequence": "the record read backwards is as likely as read forwards; approximately so at the ends of blocks",
    "threshold": "the record read backwards is as likely as read forwards; approximately so at the ends of blocks",
    "trend": "changes up and down are symmetric given the past; approximately so",
}
_UNITS = {
    "effect": "outcomes",
    "impact": "outcomes",
    "cochange": "readings of both",
    "metric_pair": "evaluations of both",
}


def explained(evidence: Evidence) -> str:
    """Say what evidence says, in short paragraphs; then the events that tell most, one a line."""
    return "\n\n".join((*paragraphs(evidence), *_events(evidence)))


def paragraphs(evidence: Evidence) -> list[str]:
    """Say what evidence says, in short paragraphs."""
    return [" ".join(word for word in paragraph if word) for paragraph in _paragraphs(evidence) if any(paragraph)]


def _events(evidence: Evidence) -> Iterator[str]:
    told = evidence.told()
    if told:
        lines = "\n".join(f"  {_line(each)}" for each in told[:_LINES])
        more = f"\n  … and {len(told) - _LINES} more" if len(told) > _LINES else ""
        yield f"The events themselves:\n{lines}{more}"


def _line(event: EventTold) -> str:
    act = f", act {event.act_id}" if event.act_id else ""
    says = f" ({event.says})" if event.says else ""
    return f"{event.position}  {event.occurred_at}  {event.event_type}{act}: {event.what}: {event.happened}{says}"


def _paragraphs(evidence: Evidence) -> Iterator[list[str]]:
    yield list(_claim(evidence))
    for pattern in evidence.patterns:
        yield list(_sure(pattern))
        yield list(_false(pattern))
    yield list(_believed(evidence))
    yield list(_tested(evidence))
    for pattern in evidence.patterns:
        yield list(_telling(pattern))
    yield list(_ruled_out(evidence))
    yield list(_history(evidence))


def _claim(evidence: Evidence) -> Iterator[str]:
    belief, theory = evidence.belief, evidence.theory
    if belief is not None and evidence.kind == "belief":
        whose = f", by {belief.asserted_by}" if belief.asserted_by else ""
        yield _sentence(f"{_capital(belief.belief_type)}, {belief.source}{whose}, {belief.status}: {belief.statement}")
    elif theory is not None:
        status = evidence.patterns[0].row.status if evidence.kind == "pattern" else theory.status
        what = evidence.patterns[0].row.kind if evidence.kind == "pattern" else theory.theory_type
        whose = f", proposed by {theory.proposed_by}" if theory.proposed_by else ""
        yield _sentence(f"{_capital(what)}{whose}, {status}: {theory.hypothesis}")
    for pattern in evidence.patterns:
        row = pattern.row
        yield (
            f"It was first claimed at position {row.first_position}, and position {row.last_position} was the last "
            "that bore on it."
        )
        if row.post_retraction:
            yield "An amendment of the record has touched its evidence: its guarantee holds if the choice of what to "
            yield "amend did not look at outcomes."


def _sure(pattern: PatternEvidence) -> Iterator[str]:
    statistics, row = pattern.statistics, pattern.row
    units = _UNITS.get(row.kind, "blocks")
    yield f"The evidence is E = {e_in_words(statistics.log_e_value)}, from {statistics.support} {units}."
    if statistics.log_e_value > 0.0:
        chance = _one_in(statistics)
        yield f"Were there {_nothing(pattern)}, it would ever grow this large with a probability of at most {chance}."
    else:
        yield "That is no evidence."
    if statistics.effect is not None and not (row.kind == "impact" and row.direction == 0):
        yield (
            f"Its size is {statistics.effect:+.4g} (95 %, valid whenever one looks: "
            f"{_bounds(statistics.ci_low, statistics.ci_high)})."
        )
    if statistics.questions:
        left_out = f", and {statistics.left_out} ends were left out" if statistics.left_out else ""
        yield (
            f"It is one of {statistics.questions} questions of its family{left_out}; the family has "
            f"{statistics.share:.1%} of the budget, which is that of all claims at most {statistics.alpha:.0%} are "
            "expected to be false at any look."
        )
    if statistics.log_bar is not None:
        held = "1 claim" if statistics.claims == 1 else f"{statistics.claims} claims"
        yield f"With {held} about this model held now, it needs E ≥ {e_in_words(statistics.log_bar)}."


def _false(pattern: PatternEvidence) -> Iterator[str]:
    row = pattern.row
    assumed = _ASSUMED.get(row.kind)
    if assumed is None:
        yield f"{_GRADES[row.grade]}."
    else:
        yield f"This is guaranteed only if, were there nothing, {assumed}; it names no cause (grade: {row.grade})."
    if row.log_e_value > 0.0:
        chance = _one_in(pattern.statistics)
        yield (
            f"For it to be false, either that fails, or an accident has come about whose chance was at most {chance}, "
            f"in one of {pattern.statistics.questions} questions."
        )


def _believed(evidence: Evidence) -> Iterator[str]:
    belief = evidence.belief
    if belief is None:
        yield "No belief was formed of it." if evidence.patterns else ""
        return
    if belief.strength == "absolute":
        yield "It is held absolutely: outcomes are counted, and never erase it."
    elif belief.source == "architecture":
        yield "It is read off the sharing map, and certain while the map says so."
    else:
        status = "" if belief.status == "active" else f", and it is {belief.status}"
        what = "It" if evidence.kind == "belief" else f"Of it {belief.belief_id} was formed, which"
        yield f"{what} is held with a credence of {credence_in_words(belief.credence)} ({belief.strength}){status}."
    if belief.source == "earned":
        yield "That number is measured, not guaranteed: it rests on how often questions of this family came true."
    if belief.supports or belief.contradicts:
        yield f"Since it is held, {belief.supports} outcomes came as it says and {belief.contradicts} otherwise."


def _tested(evidence: Evidence) -> Iterator[str]:
    theory = evidence.theory
    if theory is None:
        return
    if theory.predictions:
        brier = "" if theory.brier is None else f", Brier score {theory.brier:.3f} (0.25: a fair coin)"
        yield (
            f"Since it was said, {theory.predictions} outcomes were predicted before they came: {theory.hits} came as "
            f"said{brier}."
        )
        yield f"These predictions alone are evidence of E = {e_in_words(theory.log_e_value)}; a belief takes E ≥ 20."
    else:
        yield "It has met no outcome that it predicted yet."
    if evidence.open_predictions:
        yield f"{evidence.open_predictions} predictions on record wait for their outcome."


def _telling(pattern: PatternEvidence) -> Iterator[str]:
    for role, words in ((SUPPORTS, "for"), (CONTRADICTS, "against")):
        told = [each for each in pattern.telling if each.role == role]
        told.sort(key=lambda each: (-abs(each.log_factor or 0.0), each.position))
        if told:
            yield f"What tells most {words} it: {'; '.join(map(_told, told[:_TOLD]))}."
        elif role == CONTRADICTS and pattern.telling:
            yield "Nothing that was kept in mind tells against it."


def _told(bearing: Bearing) -> str:
    where = ", ".join(f"{what} {position}" for what, position in bearing.parts)
    act = f" of act {bearing.act_id}" if bearing.act_id else ""
    outcome = "" if bearing.outcome is None else f"{bearing.outcome:+.4g} "
    factor = "" if bearing.log_factor is None else f", E times {math.exp(min(bearing.log_factor, 700.0)):.3g}"
    return f"{outcome}at {where}{act}{factor}"


def _ruled_out(evidence: Evidence) -> Iterator[str]:
    ruled_out = evidence.ruled_out
    if not ruled_out.count:
        return
    yield f"What architecture explains about its ends is no part of this ({ruled_out.count} facts):"
    looked = {each.relation for each in ruled_out.facts if each.strength is not None}
    told = (each for each in ruled_out.facts if each.strength is not None or each.relation not in looked)
    yield "; ".join(dict.fromkeys(f"{each.relation}{_looked(each)}" for each in told)) + "."


def _looked(fact: Any) -> str:
    ended = "" if fact.to_position is None else f" (until position {fact.to_position})"
    if fact.strength is None:
        return ended
    what = (
        f"E = {e_in_words(fact.strength)}"
        if fact.strength_kind == "log_e_value"
        else f"correlation {fact.strength:+.3f}"
    )
    return f" ({fact.kind} looked like {what}){ended}"


def _history(evidence: Evidence) -> Iterator[str]:
    history = evidence.history
    if history is None or evidence.belief is None:
        return
    first, last = history.first, history.last[-1]
    yield f"Its credence began at {credence_in_words(first.credence)} at position {first.position}: {first.reason}."
    if history.revisions > 1:
        yield (
            f"It was revised {history.revisions - 1} times, between {credence_in_words(history.lowest)} and "
            f"{credence_in_words(history.highest)}; "
            f"last to {credence_in_words(last.credence)}, {last.status}, at position {last.position}: {last.reason}."
        )


def credence_in_words(credence: float) -> str:
    """Give a credence as a person reads it."""
    # What is not certain must not be rounded to certainty.
    return f"1 − {1.0 - credence:.1g}" if 0.9999 < credence < 1.0 else f"{credence:.4g}"


def e_in_words(log_e: float) -> str:
    """Give a log e-value as a person reads it: as E."""
    return f"{math.exp(log_e):,.3g}" if abs(log_e) < 13.8 else f"10^{log_e / math.log(10.0):.1f}"


def _one_in(statistics: Statistics) -> str:
    log_e = statistics.log_e_value
    return f"1 in {math.exp(log_e):,.0f}" if log_e < 13.8 else f"1 in 10^{log_e / math.log(10.0):.1f}"


def _bounds(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "no bound yet"
    if low is None:
        return f"below {high:+.4g}"
    return f"above {low:+.4g}" if high is None else f"{low:+.4g} to {high:+.4g}"


def _nothing(pattern: PatternEvidence) -> str:
    smallest = pattern.question.smallest_at(pattern.question.until)
    return f"no effect of more than {smallest:g}" if smallest else "nothing"


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _capital(word: str) -> str:
    return word.replace("_", " ").capitalize()
