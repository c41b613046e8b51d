"""What the words of a text are, for whoever searches: the same for what is indexed and for what is asked."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

LONGEST_TEXT = 20_000
"""Characters of one text that are searched: what comes after them is not found."""

MOST_WORDS = 2_000
"""Words of one event that are searched."""

LONGEST_WORD = 100

WORD = re.compile(rf"[^\W_]{{1,{LONGEST_WORD}}}")
"""A word: letters and digits. All else stands between words, so that `down_proj` is two of them, and `layers.3` too."""


_PLAIN = bytes(code + 32 if 65 <= code <= 90 else code if chr(code).isalnum() else 32 for code in range(128)) + bytes(
    128
)
"""Where each sign of plain text goes: letters to lower case, digits to themselves, all others to a space."""


def words_of(text: str) -> list[str]:
    """Give the words of a text, in order, in lower case."""
    if text.isascii():
        # The same as below, six times as fast: every word of every event goes this way.
        found = text.encode().translate(_PLAIN).decode().split()
        if not found or len(max(found, key=len)) <= LONGEST_WORD:
            return found
    return WORD.findall(text.lower())


def joined(texts: Iterable[str | None]) -> str:
    """Give the words of several texts as one text, apart by single spaces."""
    # No word goes from one text into the next, so that each is cut into words by itself, and those that come again
    # and again only once.
    words = " ".join(
        [found for text in texts if text and (found := _again(text) if len(text) <= _SHORT else _cut(text))]
    )
    return words if len(words) < 2 * MOST_WORDS else " ".join(words.split(" ", MOST_WORDS)[:MOST_WORDS])


_SHORT = 256
"""Characters of a text that is kept in mind: names of layers, categories, what is said the same way every time."""


def _cut(text: str) -> str:
    return " ".join(words_of(text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT]))


_again = functools.lru_cache(maxsize=1024)(_cut)


def texts_in(data: Any) -> list[str]:
    """Give the texts in data, and the names its values go by; numbers are no words."""
    found: list[str] = []
    _collect(data, found)
    return found


def _collect(data: Any, found: list[str]) -> None:
    if isinstance(data, str):
        found.append(data)
    elif isinstance(data, dict):
        for name, value in data.items():
            found.append(name)
            if value.__class__ in _HOLDS_TEXT:
                _collect(value, found)
    elif isinstance(data, list):
        for value in data:
            if value.__class__ in _HOLDS_TEXT:
                _collect(value, found)


_HOLDS_TEXT: frozenset[Any] = frozenset((str, dict, list))
