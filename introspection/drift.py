"""Drift between two states of a model: which weights changed, which layers moved first, how far the output went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from introspection.alignment import linear_cka
from introspection.errors import InvalidArgument
from introspection.inputs import ModelInputs
from introspection.layer_calls import LayerCall, Recording, copied_inputs, record_layer_calls
from introspection.quick_fingerprint import quick_fingerprints
from introspection.scan import SharingScanner
from introspection.sharing import SharingMap
from introspection.similarity_measures import (
    kl_divergence,
    mean,
    mean_cosine,
    number,
    relative_change,
    widened,
)


@dataclass(frozen=True, slots=True)
class ModelState:
    """What a model was at one moment: the fingerprints of its weights, and what it made of some inputs."""

    sharing: SharingMap
    """Which names viewed the same bytes."""
    fingerprints: dict[str, str | None]
    """Of every storage, by its key; None where its bytes could not be read."""
    layers: tuple[str, ...] | None
    """The layers asked for; None for every block."""
    inputs: tuple[ModelInputs, ...]
    """What the model was run on."""
    recordings: tuple[Recording, ...]
    """What it made of each."""

    def summary(self) -> dict[str, Any]:
        """What the state holds, as JSON-serialisable numbers: not the activations themselves."""
        calls = [call for recording in self.recordings for call in recording.calls]
        return {
            "storages": len(self.fingerprints),
            "unreadable": sorted(key for key, found in self.fingerprints.items() if found is None),
            "sharing_digest": self.sharing.digest,
            "inputs": len(self.inputs),
            "layers": list(dict.fromkeys(call.label for call in calls)),
            "activation_bytes": sum(call.after.numel() * call.after.element_size() for call in calls),
        }


def capture_state(
    model: nn.Module, inputs: Sequence[ModelInputs], layers: Sequence[str] | None, max_bytes: int
) -> ModelState:
    """Fingerprints every weight and buffer, and runs the model on every input.

    Raises:
        UnknownName: A path that is no module.
        InvalidArgument: The activations of all inputs together need more than `max_bytes`.
    """
    # Copied: whoever gave the inputs may write into them before the other state is captured.
    inputs = [copied_inputs(one) for one in inputs]
    scanner = SharingScanner(model)
    sharing, tensors = scanner.current(), scanner.tensors()
    fingerprints = quick_fingerprints({key: tensors[key] for key in sharing.storages if key in tensors})
    recordings: list[Recording] = []
    left = max_bytes
    for one in inputs:
        recordings.append(record_layer_calls(model, one, layers, max_bytes=left, fingerprints=True))
        left -= recordings[-1].nbytes
    chosen = None if layers is None else (layers,) if isinstance(layers, str) else tuple(layers)
    return ModelState(sharing, fingerprints, chosen, tuple(inputs), tuple(recordings))


def compare_states(before: ModelState, after: ModelState) -> dict[str, Any]:
    """What changed from one state to another; see `TemporalAnalyzer.compare_states`.

    Raises:
        InvalidArgument: States of different inputs or layers.
    """
    _require_same_inputs(before, after)
    weights = _weight_changes(before, after)
    layers, origins = [], []
    first_moved: dict[str | None, tuple[int, str]] = {}
    for index, (old, new) in enumerate(zip(before.recordings, after.recordings, strict=True)):
        for order, (was, now) in enumerate(zip(old.calls, new.calls, strict=True)):
            entry = _layer_drift(index, old, was, now)
            layers.append(entry)
            if entry["moved"]:
                first_moved[was.stack] = min(first_moved.get(was.stack, (order, was.label)), (order, was.label))
                same_input = not _moved(was.before, now.before) and was.beside == now.beside
                if same_input and was.label not in origins:
                    origins.append(was.label)
    output = _output_drift(before.recordings, after.recordings)
    result = {
        **weights,
        "layers": layers,
        "first_moved": {stack or "": label for stack, (_, label) in first_moved.items()},
        "origins": origins,
        "output": output,
    }
    return {**result, "findings": _findings(result)}


def _weight_changes(before: ModelState, after: ModelState) -> dict[str, Any]:
    old, new = before.fingerprints, after.fingerprints
    # By name, since a tie that comes or goes gives storages other keys.
    of_name_before, of_name_after = (_by_name(state) for state in (before, after))
    both = sorted(of_name_before.keys() & of_name_after.keys())
    changed = {name for name in both if _known_to_differ(of_name_before[name], of_name_after[name])}
    unknown = {name for name in both if None in (of_name_before[name], of_name_after[name])}
    diff = before.sharing.diff(after.sharing)
    certain = bool(changed or diff.added or diff.removed)
    return {
        "weights_changed": True if certain else None if unknown or None in (*old.values(), *new.values()) else False,
        "changed_weights": _once(changed, after.sharing),
        "unreadable_weights": _once(unknown, after.sharing),
        "tied": [sorted(pair) for pair in diff.tied],
        "untied": [sorted(pair) for pair in diff.untied],
        "added": list(diff.added),
        "removed": list(diff.removed),
    }


def _by_name(state: ModelState) -> dict[str, str | None]:
    storages = state.sharing.storages
    return {name: found for key, found in state.fingerprints.items() for name in storages[key]}


def _known_to_differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def _once(names: Iterable[str], sharing: SharingMap) -> list[dict[str, Any]]:
    """Each storage once, with those of its names that are meant."""
    by_key: dict[str, list[str]] = {}
    for name in sorted(names):
        by_key.setdefault(sharing.storage_key(name), []).append(name)
    return [{"storage_key": key, "names": members} for key, members in sorted(by_key.items())]


def _layer_drift(index: int, recording: Recording, was: LayerCall, now: LayerCall) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "input": index,
        "layer": was.label,
        "moved": _moved(was.after, now.after),
        "cosine": None,
        "relative_change": None,
        "cka": None,
    }
    if was.after.shape == now.after.shape:
        old, new = recording.rows(was, was.after), recording.rows(was, now.after)
        entry["cosine"] = mean_cosine(old, new)
        entry["relative_change"] = relative_change(old, new)
        entry["cka"] = linear_cka(old, new)
    return entry


def _moved(was: torch.Tensor | None, now: torch.Tensor | None) -> bool:
    """Whether any bit differs; a NaN that stays the same NaN has not moved."""
    if was is None or now is None:
        return was is not now
    if was.shape != now.shape or was.dtype != now.dtype:
        return True
    one, other = (tensor.contiguous().view(-1) for tensor in (was, now))
    return not torch.equal(one.view(torch.uint8), other.view(torch.uint8))


def _output_drift(before: Sequence[Recording], after: Sequence[Recording]) -> dict[str, Any]:
    divergences, agreements, squared_change, squared_size = [], [], 0.0, 0.0
    comparable = True
    for old, new in zip(before, after, strict=True):
        if old.output is None or new.output is None or old.output.shape != new.output.shape:
            comparable = False
            continue
        was, now = (recording.rows_of_output() for recording in (old, new))
        squared_change += float((widened(now) - widened(was)).square().sum())
        squared_size += float(widened(was).square().sum())
        if old.is_logits and new.is_logits:
            divergences.append(kl_divergence(was, now))
            agreements.append((was.argmax(-1) == now.argmax(-1)).double())
    per_token = torch.cat(divergences) if divergences else torch.zeros(0)
    moved = any(_moved(old.output, new.output) for old, new in zip(before, after, strict=True))
    relative = 0.0 if squared_change == 0 else (squared_change / squared_size) ** 0.5 if squared_size else float("nan")
    return {
        "moved": moved,
        "kl_divergence": {
            "mean": mean(per_token),
            "max": number(float(per_token.max())) if per_token.numel() else None,
        },
        "top_agreement": mean(torch.cat(agreements)) if agreements else None,
        "relative_change": number(relative) if comparable else None,
    }


def _findings(result: dict[str, Any]) -> list[str]:
    findings = []
    moved = any(entry["moved"] for entry in result["layers"]) or result["output"]["moved"]
    if result["weights_changed"] is False:
        findings.append(
            "the weights did not change: what moved, moved for another reason (nondeterminism, code, or hooks)"
            if moved
            else "the weights did not change, and nothing moved"
        )
    elif result["weights_changed"] is None:
        findings.append("whether the weights changed cannot be told: some cannot be read")
    else:
        names = [entry["storage_key"] for entry in result["changed_weights"]]
        shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        if names:
            findings.append(f"{len(names)} {'storage' if len(names) == 1 else 'storages'} changed: {shown}")
        if not moved:
            findings.append("nothing that was looked at moved for these inputs")
    if result["tied"] or result["untied"]:
        findings.append(f"{len(result['tied'])} pairs of names were tied and {len(result['untied'])} untied")
    if moved:
        for stack, label in result["first_moved"].items():
            came = "" if label in result["origins"] else ", because what went into it had moved"
            findings.append(f"the first layer to move{f' in {stack}' if stack else ''} is {label}{came}")
    divergence = result["output"]["kl_divergence"]["mean"]
    if divergence is not None and result["output"]["moved"]:
        agreement = result["output"]["top_agreement"]
        findings.append(
            f"the output moved by {divergence:.3g} nats on average, and {agreement:.1%} of top predictions are the same"
        )
    return findings


def _require_same_inputs(before: ModelState, after: ModelState) -> None:
    if len(before.inputs) != len(after.inputs) or not all(map(_same, before.inputs, after.inputs)):
        raise InvalidArgument("after", "a state of other inputs", "capture both states with the same inputs")
    labels = [[[call.label for call in recording.calls] for recording in state.recordings] for state in (before, after)]
    if labels[0] != labels[1]:
        raise InvalidArgument(
            "after", "a state of other layers", "capture both states with the same layers, of one architecture"
        )


def _same(one: ModelInputs, other: ModelInputs) -> bool:
    return _equal(one.args, other.args) and _equal(one.kwargs, other.kwargs)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return not _moved(one.cpu(), other.cpu())
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one is other or one == other)
