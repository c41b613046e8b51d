"""Should I do this edit? What the record knows that bears on it, and what it comes to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from memory.query.decision_facts import (
    Coupling,
    DecisionContext,
    Effect,
    Explanation,
    FailedEdit,
    HeldTrue,
    PastEdit,
    SafetyState,
    count,
    plain,
)
from memory.query.decision_reading import Reading
from memory.query.html import card_html, list_html, one_line
from memory.store.engine import Database

Recommendation = Literal["go", "caution", "stop", "unknown"]
Weight = Literal["stop", "against", "for", "note"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why it is recommended."""

    weight: Weight
    text: str
    evidence: tuple[str, ...]
    """Identities of claims and positions of events that it rests on."""


@dataclass(frozen=True, slots=True)
class DecisionSupport:
    """What bears on an edit that somebody thinks of: `print` tells it."""

    context: DecisionContext
    model: str | None
    recommendation: Recommendation
    """`stop`: it is stopped, or known to do harm; `caution`: something speaks against it; `go`: what is known speaks
    for it; `unknown`: nothing is known either way."""
    reasons: tuple[Reason, ...]
    """The weightiest first."""
    coupling: Coupling | None
    """None where no layer was named, or no map is on record."""
    effects: tuple[Effect, ...]
    beliefs: tuple[HeldTrue, ...]
    """Those about the tensors first; core principles always."""
    theories: tuple[Explanation, ...]
    past_edits: tuple[PastEdit, ...]
    """The likest first: of the same storage, by the same method, at the nearest dose."""
    failed_edits: tuple[FailedEdit, ...]
    safety: SafetyState

    def to_dict(self) -> dict[str, Any]:
        """Give it as data that JSON has words for."""
        told: dict[str, Any] = plain(self)
        return told

    def to_json(self) -> str:
        """Give it as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def __str__(self) -> str:
        return "\n".join(map(one_line, self._lines()))

    def _lines(self) -> Iterator[str]:
        asked = self.context
        dose = None if asked.dose is None else f"dose {asked.dose:g}"
        what = " ".join(each for each in (asked.action, asked.layer, asked.method, dose, asked.words) if each)
        yield f"{self.recommendation}: {what}"
        for reason in self.reasons:
            yield f"- {_told(reason)}"
        for theory in self.theories[:3]:
            yield f"- theory ({theory.hits} of {theory.predictions} predictions came): {theory.hypothesis}"
        for belief in self.beliefs:
            if belief.because != "core principle":
                yield f"- believed ({belief.strength}, {belief.credence:.2f}): {belief.statement}"
        for belief in self.beliefs:
            if belief.because == "core principle":
                yield f"- principle: {belief.statement}"

    def _repr_html_(self) -> str:
        facts = {
            "asked": ", ".join(f"{name}: {value}" for name, value in plain(self.context).items() if value),
            "recommendation": self.recommendation,
            "reaches": ", ".join(self.coupling.coupled) if self.coupling and self.coupling.coupled else None,
        }
        reasons = [_told(each) for each in self.reasons]
        held = [f"{each.statement} ({each.strength}, {each.credence:.2f})" for each in self.beliefs]
        return card_html("Decision", facts, list_html("reasons", reasons) + list_html("beliefs", held))


def _told(reason: Reason) -> str:
    more = "" if len(reason.evidence) <= _SHOWN else ", …"
    return f"{reason.text} [{', '.join(reason.evidence[:_SHOWN])}{more}]" if reason.evidence else reason.text


_SHOWN = 6
"""Pieces of evidence that are told of one reason in words; `evidence` has all."""


def decide(database: Database, context: Mapping[str, Any] | str) -> DecisionSupport:
    """Give what bears on an edit that somebody thinks of; record nothing.

    Raises:
        InvalidArgument: The context cannot be understood.
        UnknownName: The model has no such tensor or module.
        UnknownModel: Nothing is on record of the model that is named.
        AmbiguousModel: A layer is named, several models are on record, and none is named.
    """
    asked = DecisionContext.of(context)
    with database.reading() as connection:
        reading = Reading(connection, asked)
        coupling = reading.coupling()
        ids = () if coupling is None else reading.storage_ids(coupling)
        effects = reading.effects(ids)
        held = reading.beliefs(coupling)
        explained = reading.theories(effects)
        past = reading.past_edits(ids) if ids or asked.method is not None else ()
        failed = reading.failed_edits(coupling)
        safety = reading.safety()
    reasons = _reasons(asked, coupling, effects, held, past, failed, safety)
    return DecisionSupport(
        context=asked,
        model=reading.model,
        recommendation=_recommended(reasons),
        reasons=reasons,
        coupling=coupling,
        effects=effects,
        beliefs=held,
        theories=explained,
        past_edits=past,
        failed_edits=failed,
        safety=safety,
    )


def _recommended(reasons: tuple[Reason, ...]) -> Recommendation:
    weights = {each.weight for each in reasons}
    return (
        "stop" if "stop" in weights else "caution" if "against" in weights else "go" if "for" in weights else "unknown"
    )


_ORDER = ("stop", "against", "for", "note")


def _reasons(
    asked: DecisionContext,
    coupling: Coupling | None,
    effects: tuple[Effect, ...],
    held: tuple[HeldTrue, ...],
    past: tuple[PastEdit, ...],
    failed: tuple[FailedEdit, ...],
    safety: SafetyState,
) -> tuple[Reason, ...]:
    reasons = [
        *_of_safety(safety),
        *_of_effects(effects, asked.dose),
        *_of_coupling(asked, coupling),
        *_of_beliefs(held),
        *_of_past(tuple(each for each in past if each.same_storage and each.is_like(asked)), "of the same storage"),
        *_of_past(tuple(each for each in past if not each.same_storage and each.is_like(asked)), "of other storages"),
        *_of_others(tuple(each for each in past if each.same_storage and not each.is_like(asked))),
        *_of_failed(failed),
    ]
    return tuple(sorted(reasons, key=lambda each: _ORDER.index(each.weight)))


def _of_safety(safety: SafetyState) -> Iterator[Reason]:
    for position, message in safety.stops:
        yield Reason("stop", f"the model is under an emergency stop: {message}", (str(position),))
    for position, level, message in safety.alerts:
        yield Reason("note", f"a {level} alert: {message}", (str(position),))
    if safety.checkpoint_position is None:
        yield Reason("note", "no checkpoint is on record: make one first", ())
    else:
        at = safety.checkpoint_position
        yield Reason("note", f"the last checkpoint holds the weights as they were at position {at}", (str(at),))


def _of_effects(effects: tuple[Effect, ...], dose: float | None) -> Iterator[Reason]:
    for effect in effects:
        evidence = (effect.pattern_id,)
        if dose is not None and any(effect.is_farther(other, dose) for other in effects):
            yield Reason("note", str(effect), evidence)
        elif effect.verdict == "worse":
            sure = effect.matters and effect.status == "active" and effect.grade != "observational"
            yield Reason("stop" if sure else "against", str(effect), evidence)
        elif effect.verdict == "better":
            yield Reason("for" if effect.status == "active" else "note", str(effect), evidence)
        else:
            yield Reason("note", str(effect), evidence)


def _of_coupling(asked: DecisionContext, coupling: Coupling | None) -> Iterator[Reason]:
    if coupling is None:
        missing = (
            "no layer was named" if asked.layer is None else "no sharing map is on record: what it reaches is unknown"
        )
        yield Reason("note", missing, ())
        return
    evidence = (str(coupling.map_position),)
    if coupling.coupled:
        yield Reason("against", f"it would change these names too: {', '.join(coupling.coupled)}", evidence)
    if coupling.derived:
        yield Reason("note", f"computed from it: {', '.join(coupling.derived)}", evidence)


def _of_beliefs(held: tuple[HeldTrue, ...]) -> Iterator[Reason]:
    for belief in held:
        if belief.binding:
            kind = belief.belief_type.replace("_", " ")
            yield Reason("against", f"{kind}: {belief.statement}", (belief.belief_id,))


def _of_past(past: tuple[PastEdit, ...], what: str) -> Iterator[Reason]:
    if not past:
        return
    better, worse = count(past, "better"), count(past, "worse")
    undone = tuple(each for each in past if each.undone_position is not None)
    if better or worse:
        told = f"of {_edits(past)} {what} {len(better)} made the metrics better and {len(worse)} worse"
        weight: Weight = "against" if len(worse) > len(better) else "for" if better and not worse else "note"
        yield Reason(weight, told, tuple(str(each.position) for each in (*worse, *better)))
    else:
        positions = tuple(str(each.position) for each in past)
        yield Reason("note", f"{_edits(past)} {what} on record, and not what came of that", positions)
    if undone:
        weight = "against" if 2 * len(undone) > len(past) and len(worse) >= len(better) else "note"
        positions = tuple(str(each.undone_position) for each in undone)
        yield Reason(weight, f"{len(undone)} of {_edits(past)} {what} undone", positions)


def _of_others(past: tuple[PastEdit, ...]) -> Iterator[Reason]:
    if past:
        told = f"{len(past)} made by another method or in the other direction: what came of them says nothing here"
        yield Reason("note", f"of the edits of the same storage {told}", tuple(str(each.position) for each in past))


def _edits(edits: Sequence[object]) -> str:
    return f"{len(edits)} like edit{'s' * (len(edits) != 1)}"


def _of_failed(failed: tuple[FailedEdit, ...]) -> Iterator[Reason]:
    denied = tuple(each for each in failed if each.denied_by)
    aborted = tuple(each for each in failed if not each.denied_by)
    if denied:
        rules = ", ".join(sorted({rule for each in denied for rule in each.denied_by}))
        positions = tuple(str(each.position) for each in denied)
        yield Reason("against", f"{_edits(denied)} denied by safety rules ({rules})", positions)
    if aborted:
        positions = tuple(str(each.position) for each in aborted)
        yield Reason("note", f"{_edits(aborted)} failed and put back: {aborted[0].message}", positions)
