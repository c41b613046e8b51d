"""What looks wrong in a model's weights: facts with a number each, and nothing that is only unusual in words."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any, Literal

import torch
from torch import nn

from introspection.distribution import Distribution, distribution_of
from introspection.errors import InvalidArgument, UnsupportedStorage
from introspection.names import named_modules
from introspection.values import ordered_values, values_of

Kind = Literal["nan", "infinite", "all_zero", "constant", "dead_rows", "dead_columns", "outlier_norm"]

CHUNK_ELEMENTS = 1 << 20
"""Elements that are looked at at a time for rows and columns without a value."""
LISTED = 20
"""Indices of dead rows or columns that a finding lists; it counts all."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something counts as an anomaly."""

    outlier_z: float = 6.0
    """Robust z-score of the logarithm of a root mean square among its siblings."""
    outlier_ratio: float = 1.5
    """And at least this many times larger or smaller than the siblings' median: near-equal ones have no outlier."""
    min_siblings: int = 4
    """Tensors of one role, itself included, below which none is called an outlier."""

    def __post_init__(self) -> None:
        if not self.outlier_z > 0:
            raise InvalidArgument("outlier_z", self.outlier_z, "give a z-score above 0, such as 6")
        if not self.outlier_ratio >= 1:
            raise InvalidArgument("outlier_ratio", self.outlier_ratio, "give a ratio of 1 or more, such as 1.5")
        if self.min_siblings < 3:
            raise InvalidArgument("min_siblings", self.min_siblings, "no outlier can be told among fewer than 3")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with one storage."""

    name: str
    """The storage's key."""
    names: tuple[str, ...]
    """Every name of the storage."""
    kind: Kind
    severity: Literal["critical", "warning"]
    number: float
    """How many elements, rows or columns; the robust z-score of an outlier."""
    words: str
    details: Mapping[str, Any]
    """JSON-serialisable: indices, the siblings' median."""

    def to_dict(self) -> dict[str, Any]:
        """The finding as a JSON-serialisable dict."""
        return {
            "name": self.name,
            "names": list(self.names),
            "kind": self.kind,
            "severity": self.severity,
            "number": self.number,
            "words": self.words,
            "details": dict(self.details),
        }


@dataclass(frozen=True, slots=True)
class _Look:
    """What one storage's values are like."""

    dimensions: int
    elements: int
    low: float
    high: float
    all_finite: bool
    root_mean_square: float | None

    @property
    def constant(self) -> bool:
        return self.all_finite and self.elements > 1 and self.low == self.high


def find_anomalies(
    model: nn.Module,
    storages: Mapping[str, tuple[str, ...]],
    tensors: Mapping[str, torch.Tensor],
    limits: Limits,
) -> tuple[list[Finding], list[str], list[dict[str, str]]]:
    """Looks at every storage once; reads each value once or twice, a chunk at a time.

    Integers and booleans are left out: counters, indices and masks have no norm, and are rightly constant.

    Args:
        model: What the storages belong to; told are its embeddings' padding rows, which are zero on purpose.
        storages: All names of each storage, by its key.
        tensors: The tensor under every key.
        limits: From where on something counts.

    Returns:
        The findings, critical ones first, then by name; the keys that were looked at; and those that could not be
        (`name`, `reason`).
    """
    padding = _padding_rows(model)
    findings: list[Finding] = []
    looks: dict[str, _Look] = {}
    unreadable: list[dict[str, str]] = []
    for key, tensor in tensors.items():
        if not (tensor.is_floating_point() or tensor.is_complex() or tensor.is_quantized):
            continue
        try:
            values = values_of(tensor, key)
        except UnsupportedStorage as error:
            unreadable.append({"name": key, "reason": error.message})
            continue
        found = distribution_of(values)
        looks[key] = _look(tensor, values.num_elements, found)
        names = storages[key]
        findings.extend(_not_finite(key, names, found, values.num_elements))
        if not looks[key].constant:
            exempt = {row for name in names for row in padding.get(name, ())}
            findings.extend(_dead(key, names, tensor, exempt))
    groups = _siblings(storages, looks)
    findings.extend(_constants(storages, looks, groups))
    findings.extend(_outliers(storages, looks, groups, limits))
    findings.sort(key=lambda finding: (finding.severity != "critical", finding.name, finding.kind))
    return findings, list(looks), unreadable


def counts_by_kind(findings: Sequence[Finding]) -> dict[str, int]:
    """How many findings there are of each kind."""
    return dict(sorted(Counter(finding.kind for finding in findings).items()))


def role(name: str) -> str:
    """A name without its numbers: equal for the same tensor of every layer (`layers.*.mlp.down_proj.weight`)."""
    return ".".join("*" if part.isdigit() else part for part in name.split("."))


def dead_slices(dense: torch.Tensor) -> tuple[list[int], list[int]]:
    """The rows (along the first dimension) and columns (along the second) in which every element is zero.

    Args:
        dense: A dense tensor of two dimensions or more, none of them empty.
    """
    height, width = dense.shape[:2]
    deep = dense[0, 0].numel()
    columns_at_once = max(1, min(width, CHUNK_ELEMENTS // deep))
    rows_at_once = max(1, CHUNK_ELEMENTS // (deep * columns_at_once))
    row_alive = torch.zeros(height, dtype=torch.bool, device="cpu")
    column_alive = torch.zeros(width, dtype=torch.bool, device="cpu")
    for top in range(0, height, rows_at_once):
        for left in range(0, width, columns_at_once):
            block = dense[top : top + rows_at_once, left : left + columns_at_once]
            block = block.dequantize() if block.is_quantized else block
            alive = (block != 0).flatten(2).any(dim=2) if block.dim() > 2 else block != 0
            row_alive[top : top + rows_at_once] |= alive.any(dim=1).cpu()
            column_alive[left : left + columns_at_once] |= alive.any(dim=0).cpu()
    return (~row_alive).nonzero().flatten().tolist(), (~column_alive).nonzero().flatten().tolist()


def robust_scores(numbers: Sequence[float]) -> list[float]:
    """How far each number is from the median, in robust standard deviations.

    These are 1.4826 times the median absolute deviation; where more than half of the numbers are equal, and that is
    zero, 1.2533 times the mean absolute deviation; where all are equal, every score is 0.

    Source: Iglewicz and Hoaglin, "How to Detect and Handle Outliers" (ASQC, 1993).
    """
    centre = median(numbers)
    deviations = [abs(number - centre) for number in numbers]
    spread = 1.4826 * median(deviations) or 1.2533 * fmean(deviations)
    return [(number - centre) / spread if spread else 0.0 for number in numbers]


def _look(tensor: torch.Tensor, elements: int, found: Distribution) -> _Look:
    moments = found.moments
    norm = moments.l2_norm
    return _Look(
        dimensions=tensor.dim(),
        elements=elements,
        low=found.low,
        high=found.high,
        all_finite=moments.count == elements,
        root_mean_square=norm / math.sqrt(moments.count) if norm is not None and moments.count else None,
    )


def _not_finite(key: str, names: tuple[str, ...], found: Distribution, elements: int) -> list[Finding]:
    infinite = found.positive_infinite + found.negative_infinite
    findings: list[Finding] = []
    if found.nan:
        words = f"{key} holds {found.nan} NaN among {elements} values"
        findings.append(Finding(key, names, "nan", "critical", found.nan, words, {"share": found.nan / elements}))
    if infinite:
        words = f"{key} holds {infinite} infinite values among {elements}"
        details = {
            "share": infinite / elements,
            "positive": found.positive_infinite,
            "negative": found.negative_infinite,
        }
        findings.append(Finding(key, names, "infinite", "critical", infinite, words, details))
    return findings


def _dead(key: str, names: tuple[str, ...], tensor: torch.Tensor, exempt: set[int]) -> list[Finding]:
    if tensor.dim() < 2:
        return []
    try:
        ((dense, _),) = ordered_values(tensor, key).pieces
    except UnsupportedStorage:
        # Sparse and nested tensors: rows without a value are what they are for.
        return []
    if dense.numel() == 0 or dense.dim() < 2:
        return []
    rows, columns = dead_slices(dense)
    found: list[Finding] = []
    kept = [row for row in rows if row not in exempt]
    for kind, dead, size in (("dead_rows", kept, dense.shape[0]), ("dead_columns", columns, dense.shape[1])):
        if dead:
            what = "rows" if kind == "dead_rows" else "columns"
            shown = ", ".join(map(str, dead[:5])) + (", ..." if len(dead) > 5 else "")
            words = f"{len(dead)} of the {size} {what} of {key} are zero throughout: {shown}"
            details = {"indices": dead[:LISTED], "of": size}
            found.append(Finding(key, names, kind, "warning", len(dead), words, details))  # type: ignore[arg-type]
    return found


def _siblings(storages: Mapping[str, tuple[str, ...]], looks: Mapping[str, _Look]) -> dict[str, list[str]]:
    """Storages that play the same role, by that role; under several names a storage can play several."""
    groups: dict[str, set[str]] = defaultdict(set)
    for key in looks:
        for name in storages[key]:
            if (played := role(name)) != name:
                groups[played].add(key)
    return {played: sorted(members) for played, members in sorted(groups.items())}


def _constants(
    storages: Mapping[str, tuple[str, ...]], looks: Mapping[str, _Look], groups: Mapping[str, list[str]]
) -> list[Finding]:
    """Constant tensors. A bias or a scale is, as it was initialised: it counts where its siblings are not."""
    varied = {key for members in groups.values() if not all(looks[key].constant for key in members) for key in members}
    findings: list[Finding] = []
    for key, look in looks.items():
        if not look.constant or (look.dimensions < 2 and key not in varied):
            continue
        if look.low == 0:
            words = f"all {look.elements} values of {key} are zero"
            findings.append(Finding(key, storages[key], "all_zero", "warning", look.elements, words, {}))
        else:
            words = f"all {look.elements} values of {key} are {look.low}"
            details = {"value": look.low}
            findings.append(Finding(key, storages[key], "constant", "warning", look.elements, words, details))
    return findings


def _outliers(
    storages: Mapping[str, tuple[str, ...]],
    looks: Mapping[str, _Look],
    groups: Mapping[str, list[str]],
    limits: Limits,
) -> list[Finding]:
    """Root mean squares far from those of the same tensor in other layers, on a logarithmic scale."""
    found: dict[str, Finding] = {}
    for played, members in groups.items():
        sizes = {key: size for key in members if (size := looks[key].root_mean_square) is not None and size > 0}
        if len(sizes) < limits.min_siblings:
            continue
        centre = median(sizes.values())
        scores = robust_scores([math.log(size) for size in sizes.values()])
        for (key, size), score in zip(sizes.items(), scores, strict=True):
            ratio = size / centre
            if abs(score) < limits.outlier_z or max(ratio, 1 / ratio) < limits.outlier_ratio:
                continue
            words = (
                f"the root mean square of {key} is {size:.4g}, {ratio:.3g} times the median {centre:.4g} of the "
                f"{len(sizes)} tensors {played} (robust z {score:+.1f})"
            )
            details = {"role": played, "siblings": len(sizes), "rms": size, "median_rms": centre, "ratio": ratio}
            finding = Finding(key, storages[key], "outlier_norm", "warning", score, words, details)
            if key not in found or abs(found[key].number) < abs(score):
                found[key] = finding
    return list(found.values())


def _padding_rows(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """Rows that an embedding keeps zero on purpose, by the name of its weight."""
    rows: dict[str, tuple[int, ...]] = {}
    for path, module in named_modules(model):
        padding = vars(module).get("padding_idx")
        if isinstance(module, nn.Embedding | nn.EmbeddingBag) and isinstance(padding, int):
            rows[f"{path}.weight" if path else "weight"] = (padding,)
    return rows
