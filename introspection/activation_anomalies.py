"""Activations that are unlike a reference's: robust scores and ranks; NaN, infinities and units that never change."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from introspection.errors import InvalidArgument
from introspection.layer_calls import LayerCall, Recording, in_decoder, token_mask
from introspection.similarity_measures import median_and_spread, number, robust_scores, widened

LEAST_INPUTS = 4
"""The fewest inputs a reference is made of: each is judged by the others."""

_MOST_FOLDS = 8
# A unit that moves by a thousandth of the layer's mean magnitude, a norm by a thousandth, or a distance by a tenth of a
# standard deviation has not moved: the same token in two sentences differs by rounding, and the reference by nothing.
_LEAST_UNIT = 1e-3
_LEAST_NORM = 1e-3
_LEAST_DISTANCE = 0.1

Measure = Literal["norm", "distance"]


@dataclass(frozen=True, slots=True)
class _Centre:
    """The middle of a layer's activations, unit by unit."""

    middle: torch.Tensor
    """Median of each unit."""
    spread: torch.Tensor
    """Robust standard deviation of each unit."""
    least: float
    """What counts as one at least."""

    def distances(self, rows: torch.Tensor) -> torch.Tensor:
        """How far each row is: the root mean square of its units' robust scores."""
        scores = robust_scores(rows, self.middle, self.spread, least_spread=self.least)
        return scores.square().mean(1).sqrt()


@dataclass(frozen=True, slots=True)
class _Usual:
    """What is usual for a layer at a kind of position."""

    centre: _Centre
    """The middle of all the reference's activations."""
    norms: torch.Tensor
    """The norm of each."""
    distances: torch.Tensor
    """The distance of each from the middle of the other inputs' activations."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What is usual in each layer of a model: made by `TemporalAnalyzer.reference`.

    Of the weights it was made with: after an edit it still says what was usual before, which is its use.
    """

    layers: tuple[str, ...]
    """Paths of the layers looked at."""
    inputs: int
    """How many inputs it was made from."""
    tokens: int
    """How many tokens they have, padding left out."""
    _usual: dict[tuple[str, bool], _Usual]
    """By label of the call, and whether it is of first positions."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """One token by one measure, beside the reference."""

    position: int
    token: str | None
    measure: Measure
    value: float
    score: float
    median: float
    p_value: float
    outside: bool

    def is_anomaly(self, threshold: float) -> bool:
        """Beyond the threshold and beyond all of the reference; to be nearer than usual is no anomaly."""
        return self.outside and (self.score if self.measure == "distance" else abs(self.score)) > threshold

    def as_dict(self) -> dict[str, Any]:
        """For a result; what is infinite is None."""
        return {
            "position": self.position,
            "token": self.token,
            "measure": self.measure,
            "value": number(self.value),
            "score": number(self.score),
            "reference_median": number(self.median),
            "p_value": self.p_value,
        }


def reference_of(recordings: Sequence[Recording]) -> Reference:
    """What is usual in these recordings, each judged by the others.

    Raises:
        InvalidArgument: Fewer than `LEAST_INPUTS` recordings.
    """
    if len(recordings) < LEAST_INPUTS:
        raise InvalidArgument(
            "reference", f"{len(recordings)} inputs", f"give at least {LEAST_INPUTS}: each is judged by the others"
        )
    gathered: dict[tuple[str, bool], list[torch.Tensor]] = {}
    counts: dict[str, int] = {}
    for recording in recordings:
        for call in recording.calls:
            rows, positions, _ = placed(recording, call)
            counts[call.label] = counts.get(call.label, 0) + len(rows)
            finite = rows.isfinite().all(1)
            for first in (True, False):
                gathered.setdefault((call.label, first), []).append(rows[((positions == 0) == first) & finite])
    usual = {key: found for key, parts in gathered.items() if (found := _usual_of(parts)) is not None}
    layers = tuple(dict.fromkeys(call.layer for recording in recordings for call in recording.calls))
    return Reference(layers, len(recordings), max(counts.values(), default=0), usual)


def find_anomalies(recording: Recording, reference: Reference | None, threshold: float) -> dict[str, Any]:
    """Judges one recording; see `TemporalAnalyzer.detect_anomalies`.

    Raises:
        InvalidArgument: The reference knows nothing of a layer, or it has another number of units now.
    """
    entries, findings = [], []
    for call in recording.calls:
        rows, positions, words = placed(recording, call)
        entry = _health(call, rows)
        entries.append(entry)
        findings.extend(_health_findings(entry))
        if reference is None:
            continue
        judged = list(_judged(call, rows, positions, words, reference))
        anomalies = [each for each in judged if each.is_anomaly(threshold)]
        entry["largest_norm_score"] = _largest(judged, "norm")
        entry["largest_distance_score"] = _largest(judged, "distance")
        entry["anomalies"] = [each.as_dict() for each in anomalies]
        if anomalies:
            findings.append(_words(call, rows, anomalies))
    return {"layers": entries, "findings": findings}


def placed(recording: Recording, call: LayerCall) -> tuple[torch.Tensor, torch.Tensor, list[str | None]]:
    """The activations that came out of a call, tokens × units; each row's position in its sequence; and its token."""
    tensor, decoder = call.after, in_decoder(recording.inputs, call.layer)
    rows = recording.rows(call, tensor)
    if tensor.ndim != 3:
        return rows, torch.zeros(len(rows), dtype=torch.int64), [None] * len(rows)
    batch, length = tensor.shape[:2]
    mask = token_mask(recording.inputs, decoder=decoder)
    real = mask if mask is not None and mask.shape == (batch, length) else torch.ones(batch, length, dtype=torch.bool)
    # Counted from the first real token, so that padding on the left moves nothing.
    positions = (real.cumsum(1) - 1)[real]
    tokens = recording.inputs.tokens
    known = not decoder and tokens is not None and len(tokens) == batch and len(tokens[0]) == length
    words: list[str | None] = [
        tokens[row][column] if known and tokens is not None else None for row, column in real.nonzero().tolist()
    ]
    return rows, positions, words


def _health(call: LayerCall, rows: torch.Tensor) -> dict[str, Any]:
    several = len(rows) > 1
    return {
        "layer": call.label,
        "tokens": len(rows),
        "nan": int(rows.isnan().sum()),
        "inf": int(rows.isinf().sum()),
        "constant_units": int((rows == rows[:1]).all(0).sum()) if several else None,
        "zero_units": int((rows == 0).all(0).sum()) if several else None,
    }


def _health_findings(entry: dict[str, Any]) -> list[str]:
    findings = []
    if entry["nan"] or entry["inf"]:
        findings.append(f"{entry['layer']} has {entry['nan']} NaN and {entry['inf']} infinite activations")
    if entry["zero_units"]:
        findings.append(f"{entry['layer']}: {entry['zero_units']} units are zero for every token")
    elif entry["constant_units"]:
        findings.append(f"{entry['layer']}: {entry['constant_units']} units are the same for every token")
    return findings


def _judged(
    call: LayerCall, rows: torch.Tensor, positions: torch.Tensor, words: list[str | None], reference: Reference
) -> Iterator[_Judged]:
    known = False
    for first in (True, False):
        usual = reference._usual.get((call.label, first))
        places = ((positions == 0) == first).nonzero().squeeze(1)
        if usual is None or not len(places):
            continue
        known = True
        units = len(usual.centre.middle)
        if units != rows.shape[1]:
            raise InvalidArgument(
                "reference", f"{units} units in {call.label}", f"the layer has {rows.shape[1]} units now"
            )
        here = widened(rows[places])
        measures: tuple[tuple[Measure, torch.Tensor, torch.Tensor, float], ...] = (
            ("norm", here.norm(dim=1), usual.norms, _LEAST_NORM * float(usual.norms.median())),
            ("distance", usual.centre.distances(here), usual.distances, _LEAST_DISTANCE),
        )
        for measure, values, seen, least in measures:
            middle, spread = median_and_spread(seen)
            scores = robust_scores(values, middle, spread, least_spread=least)
            for place, value, score in zip(places.tolist(), values.tolist(), scores.tolist(), strict=True):
                beyond = int((seen >= value).sum() if value > float(middle) else (seen <= value).sum())
                yield _Judged(
                    position=int(positions[place]),
                    token=words[place],
                    measure=measure,
                    value=value,
                    score=score,
                    median=float(middle),
                    p_value=(1 + beyond) / (1 + len(seen)),
                    outside=beyond == 0,
                )
    if not known:
        raise InvalidArgument(
            "reference", list(reference.layers), f"it knows nothing of {call.label}: make one of the same layers"
        )


def _usual_of(parts: Sequence[torch.Tensor]) -> _Usual | None:
    """What is usual at one kind of position of one layer, from the activations of each input; None from too few."""
    present = [part for part in parts if len(part)]
    if len(present) < LEAST_INPUTS or len({part.shape[1] for part in present}) != 1:
        return None
    count = min(len(present), _MOST_FOLDS)
    folds = [present[start::count] for start in range(count)]
    norms, distances = [], []
    for fold in folds:
        rows = torch.cat(fold)
        others = torch.cat([part for other in folds if other is not fold for part in other])
        norms.append(widened(rows).norm(dim=1))
        distances.append(_centre_of(others).distances(rows))
    return _Usual(_centre_of(torch.cat(present)), torch.cat(norms), torch.cat(distances))


def _centre_of(rows: torch.Tensor) -> _Centre:
    middle, spread = median_and_spread(rows)
    return _Centre(middle, spread, _LEAST_UNIT * float(widened(rows).abs().mean()))


def _largest(judged: Sequence[_Judged], measure: Measure) -> float | None:
    scores = [each.score for each in judged if each.measure == measure and math.isfinite(each.score)]
    # To be nearer to the middle than usual is nothing to speak of.
    return max(scores, key=abs if measure == "norm" else None, default=None)


def _words(call: LayerCall, rows: torch.Tensor, anomalies: Sequence[_Judged]) -> str:
    worst = max(anomalies, key=lambda each: abs(each.score))
    where = worst.position if worst.token is None else f"{worst.position} ({worst.token!r})"
    return (
        f"{call.label}: {len({each.position for each in anomalies})} of {len(rows)} tokens are unlike the reference; "
        f"most of all position {where}, whose {worst.measure} is {worst.value:.4g} where {worst.median:.4g} is usual"
    )
