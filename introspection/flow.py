"""What each layer does to the stream that runs through it."""

from __future__ import annotations

from typing import Any

import torch

from introspection.layer_calls import LayerCall, Recording
from introspection.similarity_measures import (
    effective_rank,
    mean,
    mean_cosine,
    number,
    relative_change,
    row_cosines,
    widened,
)


def layer_flow(recording: Recording, growth_limit: float) -> dict[str, Any]:
    """Describes every call of a recording; see `TemporalAnalyzer.layer_flow`."""
    entries = [_flow_entry(recording, call) for call in recording.calls]
    return {"layers": entries, "findings": _flow_findings(recording, entries, growth_limit)}


def _flow_entry(recording: Recording, call: LayerCall) -> dict[str, Any]:
    after = recording.rows(call, call.after)
    norms = widened(after).norm(dim=1)
    entry: dict[str, Any] = {
        "layer": call.label,
        "stack": call.stack,
        "tokens": len(after),
        "units": after.shape[1],
        "norm_median": _median(norms),
        "norm_max": number(float(norms.max())) if norms.numel() else None,
        "growth": None,
        "relative_update": None,
        "cosine": None,
        "update_alignment": None,
        "effective_rank": effective_rank(after) if bool(after.isfinite().all()) else None,
        "continues": call.continues,
        "non_finite": int((~after.isfinite()).sum()),
    }
    if call.before is not None and call.before.shape == call.after.shape:
        before = recording.rows(call, call.before)
        median = _median(widened(before).norm(dim=1))
        if median and entry["norm_median"] is not None:
            entry["growth"] = number(entry["norm_median"] / median)
        entry["relative_update"] = relative_change(before, after)
        entry["cosine"] = mean_cosine(before, after)
        entry["update_alignment"] = mean(row_cosines(before, widened(after) - widened(before)))
    return entry


def _flow_findings(recording: Recording, entries: list[dict[str, Any]], growth_limit: float) -> list[str]:
    findings = []
    seen_non_finite = False
    for call, entry in zip(recording.calls, entries, strict=True):
        if entry["non_finite"] and not seen_non_finite:
            seen_non_finite = True
            clean = call.before is not None and bool(call.before.isfinite().all())
            arises = "they arise there" if clean else "they came with what went into it"
            findings.append(f"{call.label} is the first layer with NaN or infinite activations: {arises}")
        if entry["growth"] is not None and entry["growth"] > growth_limit:
            findings.append(f"{call.label} makes the median norm of tokens grow {entry['growth']:.3g} times")
        if entry["relative_update"] == 0:
            findings.append(f"{call.label} changes nothing: what comes out is what went in")
    return findings


def _median(values: torch.Tensor) -> float | None:
    return number(float(values.quantile(0.5))) if values.numel() > 0 else None
