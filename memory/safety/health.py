"""Looks at weights where they lie: which hold NaN or infinities, and what else is unlike its siblings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from introspection.distribution import distribution_of
from introspection.errors import UnsupportedStorage
from introspection.values import values_of
from introspection.weight_anomalies import Finding, Limits, find_anomalies
from memory.errors import NotAttached
from memory.safety.surroundings import WatchedModel

_SERIOUS = ("nan", "infinite")


@dataclass(frozen=True, slots=True)
class TensorHealth:
    """What one tensor is like."""

    name: str
    """The name asked for; `tensor` for one that was handed in."""
    elements: int
    nan: int
    """Elements that are NaN."""
    infinite: int
    """Elements that are infinite."""
    low: float
    """The least finite value; +inf without one."""
    high: float
    """The greatest finite value; −inf without one."""

    @property
    def healthy(self) -> bool:
        """Whether every element is finite."""
        return not (self.nan or self.infinite)


@dataclass(frozen=True, slots=True)
class ModelHealth:
    """What the weights of a model are like."""

    model: str
    checked: int
    """Storages that were looked at."""
    findings: tuple[Finding, ...]
    """What is wrong, critical things first; dead rows and outlying norms are warnings."""
    unreadable: tuple[Mapping[str, str], ...]
    """Storages that could not be looked at (`name`, `reason`)."""

    @property
    def healthy(self) -> bool:
        """Whether every weight that could be looked at is finite."""
        return not self.not_finite

    @property
    def not_finite(self) -> dict[str, tuple[str, ...]]:
        """Storage key to what is wrong with it, in words, where that is NaN or infinities."""
        wrong: dict[str, tuple[str, ...]] = {}
        for finding in self.findings:
            if finding.kind in _SERIOUS:
                wrong[finding.name] = (*wrong.get(finding.name, ()), finding.words)
        return wrong

    def to_dict(self) -> dict[str, Any]:
        """Give it as data that JSON has words for."""
        return {
            "model": self.model,
            "healthy": self.healthy,
            "checked": self.checked,
            "findings": [finding.to_dict() for finding in self.findings],
            "unreadable": [dict(each) for each in self.unreadable],
        }


def tensor_health(tensor: torch.Tensor, name: str = "tensor") -> TensorHealth:
    """Read a tensor once, a chunk at a time, of any dtype; integers are always finite.

    Raises:
        UnsupportedStorage: Its values cannot be read (meta, lazy).
    """
    values = values_of(tensor, name)
    found = distribution_of(values)
    infinite = found.positive_infinite + found.negative_infinite
    return TensorHealth(name, values.num_elements, found.nan, infinite, found.low, found.high)


def model_health(attached: WatchedModel) -> ModelHealth:
    """Read every storage of a live model once.

    Raises:
        NotAttached: Only a map was attached.
    """
    module = attached.module
    if module is None:
        raise NotAttached(attached.name, remedy="attach the live model: only its sharing map is attached now")
    storages = attached.sharing.storages
    tensors: dict[str, torch.Tensor] = {}
    unreadable: list[dict[str, str]] = []
    for key in storages:
        try:
            tensors[key] = attached.tensor(key)
        except UnsupportedStorage as error:
            unreadable.append({"name": key, "reason": error.message})
    findings, checked, others = find_anomalies(module, storages, tensors, Limits())
    return ModelHealth(attached.name, len(checked), tuple(findings), (*unreadable, *others))
