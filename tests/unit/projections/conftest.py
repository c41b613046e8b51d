"""What the tests of projections share."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

NAMES = ["head", "embed", "mlp", "norm"]
Effect = Callable[[str, str, float], float]
"""Storage, metric and sign of a write to the change it makes."""


@pytest.fixture
def run_acts(histories: ModuleType) -> Any:
    """Write down acts with a fair coin on random storages of a tied model."""

    def tell(
        history: Any, acts: int, effect: Effect, *, seed: int = 1, noise: float = 1.0, coin: bool = True, **write: Any
    ) -> Any:
        if not history.models:
            history.attach(histories.sharing(NAMES, ["head", "embed"]))
        draw = random.Random(seed)
        for _ in range(acts):
            act, name = f"act {len(history.events)}", draw.choice(NAMES)
            sign = draw.choice((1.0, -1.0)) if coin else 1.0
            before = {"loss": draw.gauss(2.0, 1.0), "accuracy": draw.gauss(0.5, 1.0)}
            storage = "embed" if name == "head" else name
            after = {
                metric: value + draw.gauss(0.0, noise) + effect(storage, metric, sign)
                for metric, value in before.items()
            }
            history.experiment(act, name, sign, before, after, coin=coin, **write)
        return history

    return tell
