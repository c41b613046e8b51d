"""A catalogue of models whose sharing is known: by hand, and by flipping bytes.

`CASES` holds every case. The truth of each is stated beside its builder and proven by `flips`; nothing here looks at
what `introspection` says. A new trap is added as a function in the module of its theme.
"""

from __future__ import annotations

from . import (  # noqa: F401  the cases are told as these modules are loaded
    adapters,
    copies,
    distributed,
    dtypes,
    layouts,
    maps,
    meta,
    modules,
    offload,
    parametrizations,
    ties,
    transformer_models,
    views,
    wrappers,
)
from .case import CASES, Case, Holder, embedding_and_head
from .flips import Flipper, recomputed, registered, registered_cells
from .random_models import RandomModel, random_models

__all__ = [
    "CASES",
    "Case",
    "Flipper",
    "Holder",
    "RandomModel",
    "embedding_and_head",
    "random_models",
    "recomputed",
    "registered",
    "registered_cells",
]
