"""How hypotheses about sharing fared against the maps: each question scored once, calibration, and against chance.

A question is one kind of statement about one pair of names under one truth. It counts once, by what was stated last;
how often it was stated, and the first credence, stand beside it. The statement is held against the map that was in
force when it was made. What was retracted is counted, and not scored; a correction changes no forecast.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from pydantic import ValidationError

from introspection.sharing import SharingMap
from memory.inference.calibration import BINS, Calibration
from memory.inference.discrimination import area_under_curve, brier_score, dealt_at_random, log_score
from memory.query.results import QueryResult
from memory.query.stated_hypotheses import Maps, Stated
from memory.recording.hypotheses import StatedHypothesis

_COLUMNS = (
    "position", "model", "kind", "subject", "object", "credence", "truth", "brier", "log_score", "base_rate",
    "statements", "first_credence", "grounds",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fared:
    """What a forecaster scored over all scored questions; less is better."""

    brier: float
    log_score: float
    """In nats."""


@dataclass(frozen=True, slots=True)
class HypothesisScores:
    """How the hypotheses about sharing fared; printed, in words."""

    questions: QueryResult
    """One row a question, in order of when it was last stated; `truth` is None where no map decides it yet."""
    scored: int
    open: int
    """Questions that no map decides yet."""
    retracted: int
    """Statements that were taken back: not scored."""
    agent: Fared | None
    """Of what was stated; None before anything is scored."""
    base_rate: Fared | None
    """Of one who only knows which share of all pairs of the model is so."""
    climatology: Fared | None
    """Of one who only knows which share of these questions is so."""
    calibration_error: float | None
    """Expected calibration error; of few questions mostly noise."""
    bins: tuple[tuple[float, float, int], ...]
    """Mean credence, share that was so, and number of questions, by tenths of credence."""
    discrimination: float | None
    """How often what is so was given more credence than what is not; None where there is only one of the two."""
    p_value: float | None
    """The share of all ways of dealing the same credences to the same questions that discriminate as well."""
    ties: tuple[tuple[str, str], ...]
    """Pairs of names that share bytes, by the maps as they are."""
    found: tuple[tuple[str, str], ...]
    """Those of them that are held to share bytes, with a credence above a half."""
    mistaken: tuple[tuple[str, str], ...]
    """Pairs held to share bytes that do not."""

    @property
    def skill(self) -> float | None:
        """Which share of the base-rate forecaster's Brier score was saved: 1 at best, negative for worse."""
        if self.agent is None or self.base_rate is None or self.base_rate.brier == 0:
            return None
        return 1.0 - self.agent.brier / self.base_rate.brier

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        fared = {
            name: None if each is None else {"brier": each.brier, "log_score": each.log_score}
            for name, each in (
                ("agent", self.agent),
                ("base_rate", self.base_rate),
                ("climatology", self.climatology),
                ("coin", Fared(0.25, math.log(2))),
            )
        }
        return {
            "scored": self.scored,
            "open": self.open,
            "retracted": self.retracted,
            "scores": fared,
            "skill_over_base_rate": self.skill,
            "discrimination": self.discrimination,
            "p_value": self.p_value,
            "calibration_error": self.calibration_error,
            "calibration": [
                {"credence": said, "was_so": came, "questions": number} for said, came, number in self.bins
            ],
            "ties": len(self.ties),
            "ties_found": [list(pair) for pair in self.found],
            "mistaken": [list(pair) for pair in self.mistaken],
            "questions": self.questions.to_dicts(),
        }

    def __str__(self) -> str:
        if self.agent is None or self.base_rate is None or self.climatology is None:
            return f"no hypothesis is scored yet; {self.open} wait for a sharing map"
        lines = [
            f"{self.scored} questions scored, {self.open} open, {self.retracted} statements retracted",
            f"Brier {self.agent.brier:.4f} (base rate {self.base_rate.brier:.4f}, share of these questions "
            f"{self.climatology.brier:.4f}, a coin 0.2500)",
            f"log score {self.agent.log_score:.4f} nats (base rate {self.base_rate.log_score:.4f}, "
            f"a coin {math.log(2):.4f})",
        ]
        if self.discrimination is not None and self.p_value is not None:
            lines.append(
                f"what is so was given more credence than what is not in {self.discrimination:.0%} of pairs; "
                f"dealt at random, these credences do as well with probability {self.p_value:.3g}"
            )
        lines.append(
            f"{len(self.found)} of {len(self.ties)} tied pairs found, {len(self.mistaken)} claimed that are not"
        )
        return "\n".join(lines)


def truth_of(sharing: SharingMap, stated: StatedHypothesis) -> bool | None:
    """Say whether a hypothesis is so by a map that knows both names; None where the map does not know how bytes are."""
    relation = sharing.relations.get(frozenset((stated.subject, stated.object)))
    kind = None if relation is None else relation.kind
    if kind == "unknown":
        return None
    derived = sharing.derived
    from_object = stated.object in derived.get(stated.subject, ())
    if stated.kind == "same_tensor":
        return kind == "same"
    if stated.kind == "shares_bytes":
        return kind is not None
    if stated.kind == "derived_from":
        return from_object
    return kind is None and not from_object and stated.subject not in derived.get(stated.object, ())


def base_rate(sharing: SharingMap, kind: str) -> float:
    """Give the share of a map's pairs that a kind of statement is true of, half a pair added for and against.

    The half keeps one who forecasts it from a certainty that could not be scored.
    """
    names = len(sharing.names)
    pairs = names * (names - 1) // 2
    same = sum(each.kind == "same" for each in sharing.relations.values())
    some = sum(each.kind != "unknown" for each in sharing.relations.values())
    computed = {frozenset((name, source)) for name, sources in sharing.derived.items() for source in sources}
    true = {
        "same_tensor": same,
        "shares_bytes": some,
        "derived_from": len(computed) / 2,
        "independent": pairs - len(computed | set(sharing.relations)),
    }[kind]
    return (true + 0.5) / (pairs + 1)


@dataclass(slots=True)
class _Question:
    stated: StatedHypothesis
    position: int
    model: str | None
    truth: bool | None
    base_rate: float | None
    first_credence: float
    statements: int = 1

    def row(self) -> dict[str, Any]:
        scored = self.truth is not None
        credence, truth = self.stated.credence, bool(self.truth)
        return {
            "position": self.position,
            "model": self.model,
            "kind": self.stated.kind,
            "subject": self.stated.subject,
            "object": self.stated.object,
            "credence": credence,
            "truth": self.truth,
            "brier": brier_score(credence, truth) if scored else None,
            "log_score": log_score(credence, truth) if scored else None,
            "base_rate": self.base_rate,
            "statements": self.statements,
            "first_credence": self.first_credence,
            "grounds": self.stated.grounds,
        }


def scores_of(stated: Iterable[Stated], maps: Maps, *, model: str | None) -> HypothesisScores:
    """Score hypotheses against maps.

    Args:
        stated: The hypotheses, oldest first.
        maps: The maps.
        model: The model they are about, for `ties`; None for every one there is a map of.
    """
    everything = list(stated)
    asked = _questions((each for each in everything if not each.retracted), maps)
    scored = [each for each in asked if each.truth is not None]
    said, came = [each.stated.credence for each in scored], [bool(each.truth) for each in scored]
    rates = [each.base_rate for each in scored if each.base_rate is not None]
    share = fmean(came) if came else 0.5
    calibration = Calibration()
    for probability, truth in zip(said, came, strict=True):
        calibration.update(probability, truth)
    both = 0 < sum(came) < len(came)
    latest = {name: maps.latest(name) for name in maps.models() if model in (None, name)}
    ties = {(name, pair) for name, sharing in latest.items() for pair in _tied(sharing)}
    held = _held(asked)
    return HypothesisScores(
        questions=QueryResult(
            [each.row() for each in asked], columns=_COLUMNS, metadata={"question": "hypotheses", "model": model}
        ),
        scored=len(scored),
        open=len(asked) - len(scored),
        retracted=sum(each.retracted for each in everything),
        agent=_fared(said, came),
        base_rate=_fared(rates, came),
        climatology=_fared([min(max(share, 0.5 / (len(came) + 1)), 1 - 0.5 / (len(came) + 1))] * len(came), came),
        calibration_error=calibration.error if scored else None,
        bins=_bins(calibration),
        discrimination=area_under_curve(said, came) if both else None,
        p_value=dealt_at_random(said, came) if both else None,
        ties=_pairs(ties),
        found=_pairs(ties & held),
        mistaken=_pairs(
            {(name, pair) for name, pair in held - ties if name in latest and set(pair) <= set(latest[name].names)}
        ),
    )


def _questions(stated: Iterable[Stated], maps: Maps) -> list[_Question]:
    questions: dict[tuple[Any, ...], _Question] = {}
    for each in stated:
        try:
            hypothesis = StatedHypothesis.model_validate(each.data)
        except ValidationError:
            # An observation of this category that somebody wrote by hand, and that states nothing.
            continue
        known = maps.models()
        model = each.model if each.model is not None else known[0] if len(known) == 1 else None
        sharing = None if model is None else maps.judging(model, each.position, hypothesis.subject, hypothesis.object)
        truth = None if sharing is None else truth_of(sharing, hypothesis)
        rate = None if sharing is None else base_rate(sharing, hypothesis.kind)
        key = (model, hypothesis.kind, hypothesis.pair, truth)
        earlier = questions.pop(key, None)
        first, number = (
            (hypothesis.credence, 1) if earlier is None else (earlier.first_credence, earlier.statements + 1)
        )
        questions[key] = _Question(hypothesis, each.position, model, truth, rate, first, number)
    return list(questions.values())


_Pair = tuple[str, tuple[str, str]]
"""A model, and two of its names."""


def _held(asked: Sequence[_Question]) -> set[_Pair]:
    """Give the pairs that what was stated last holds to share bytes."""
    held: dict[_Pair, set[str]] = {}
    for each in asked:
        if each.model is None:
            continue
        first, second = sorted(each.stated.pair)
        kind, likely = each.stated.kind, each.stated.credence > 0.5
        said = held.setdefault((each.model, (first, second)), set())
        if kind in ("same_tensor", "shares_bytes"):
            if likely:
                said.add(kind)
            elif kind == "same_tensor":
                # What is not one tensor may still share bytes.
                said.discard(kind)
            else:
                said.clear()
        elif kind == "independent" and likely:
            said.clear()
    return {pair for pair, said in held.items() if said}


def _pairs(found: Iterable[_Pair]) -> tuple[tuple[str, str], ...]:
    return tuple(pair for _, pair in sorted(found))


def _tied(sharing: SharingMap) -> Iterable[tuple[str, str]]:
    for pair, relation in sharing.relations.items():
        if relation.kind != "unknown":
            first, second = sorted(pair)
            yield first, second


def _fared(probabilities: Sequence[float], came: Sequence[bool]) -> Fared | None:
    if not came or len(probabilities) != len(came):
        return None
    pairs = list(zip(probabilities, came, strict=True))
    return Fared(fmean(brier_score(*pair) for pair in pairs), fmean(log_score(*pair) for pair in pairs))


def _bins(calibration: Calibration) -> tuple[tuple[float, float, int], ...]:
    return tuple(
        (calibration.forecast[each] / number, calibration.came_true[each] / number, int(number))
        for each in range(BINS)
        if (number := calibration.counts[each])
    )
