"""The nearest of the names that do exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggestion(name: str, known: Iterable[str], otherwise: str) -> str:
    """Say which of the known names may have been meant; something else where none is near."""
    nearest = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"did you mean {', '.join(map(repr, nearest))}?" if nearest else otherwise
