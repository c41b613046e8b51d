"""Answers cut to what a model may be told at once, and what was left out of them, and how to get it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from memory.agent.tokens import TokenCount

LEFT_OUT = "left_out"
"""The key under which an answer says what was left out of it."""
_LEVELS = ((40, 1000), (20, 400), (10, 200), (6, 120), (4, 80), (3, 50), (2, 30), (1, 16))
"""The most entries of a list or mapping, and the most characters of a text: ever fewer."""
_NAMED = 4


@dataclass(frozen=True, slots=True)
class Page:
    """Entries of an answer of which as many are given as there is room for; asked again, the rest."""

    entries: Sequence[Any]
    offset: int = 0
    """How many came before."""
    more: bool = False
    """Whether there are others after those held."""

    @classmethod
    def of(cls, entries: Sequence[Any], offset: int) -> Page:
        """Give what comes after the first `offset` of all entries."""
        return cls(entries[offset:], offset)


def text_of(answer: Any) -> str:
    """Give an answer as the text a model is told: JSON without spaces."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def bounded(answer: dict[str, Any], budget: int, count: TokenCount) -> dict[str, Any]:
    """Give as much of an answer as its text may cost, whole entries of its page first; say what was left out.

    Args:
        answer: Plain data; at most one of its values is a `Page`.
        budget: The most tokens of its text.
        count: Counts them.
    """

    def fits(found: dict[str, Any]) -> bool:
        return count(text_of(found)) <= budget

    whole = _with_entries(answer, None)
    if fits(whole):
        return whole
    page = next((value for value in answer.values() if isinstance(value, Page)), None)
    if page is not None and page.entries:
        found = _most_entries(answer, len(page.entries), fits)
        if found is not None:
            return found
    # Not even one entry fits: everything is shortened, the fewest entries kept.
    start = whole if page is None else _with_entries(answer, min(1, len(page.entries)))
    for level in _LEVELS:
        shortened = _Shortening(*level)
        found = shortened.of(start)
        notes = [found.pop(LEFT_OUT)] if isinstance(found.get(LEFT_OUT), str) else []
        found[LEFT_OUT] = "; ".join([*notes, shortened.words()])
        if fits(found):
            return found
    skip = "" if page is None or not page.entries else f"; offset={page.offset + 1} skips what is too long"
    return {LEFT_OUT: f"all of it: too long for one answer; ask for less, or of one name{skip}"}


def _most_entries(answer: dict[str, Any], there: int, fits: Any) -> dict[str, Any] | None:
    """Give the answer with as many entries of its page as fit; None where not one does."""
    low, high, best = 1, there, None
    while low <= high:
        middle = (low + high) // 2
        found = _with_entries(answer, middle)
        if fits(found):
            best, low = found, middle + 1
        else:
            high = middle - 1
    return best


def _with_entries(answer: dict[str, Any], kept: int | None) -> dict[str, Any]:
    """Give an answer with the first entries of its page; all of them for None."""
    result: dict[str, Any] = {}
    for name, value in answer.items():
        if not isinstance(value, Page):
            result[name] = value
            continue
        there = len(value.entries)
        kept = there if kept is None else kept
        result[name] = list(value.entries[:kept])
        if kept < there or value.more:
            left = f"{there - kept}{' or more' if value.more else ''}" if kept < there else "more"
            result[LEFT_OUT] = f"{left} of {name}: ask again with offset={value.offset + kept}"
    return result


@dataclass(slots=True)
class _Shortening:
    """One pass that shortens everything, and remembers where."""

    entries: int
    characters: int
    where: list[str] = field(default_factory=list)

    def of(self, value: dict[str, Any]) -> dict[str, Any]:
        """Give an answer with every list, mapping and text in it shortened; its own keys stay."""
        return {name: self._short(each, name) for name, each in value.items()}

    def words(self) -> str:
        """Say what was shortened."""
        most = min(_NAMED, self.entries)
        more = len(self.where) - most
        named = ", ".join(self.where[:most]) + (f" and {more} others" if more > 0 else "")
        return f"shortened: {named or 'nothing'}; ask for less, or of one name"

    def _short(self, value: Any, path: str) -> Any:
        if isinstance(value, str):
            if len(value) <= self.characters:
                return value
            self.where.append(f"{path} ({self.characters} of {len(value)} characters)")
            return value[: self.characters] + "…"
        if isinstance(value, list):
            self._note(path, len(value))
            return [self._short(each, f"{path}[{number}]") for number, each in self._first(enumerate(value))]
        if isinstance(value, dict):
            self._note(path, len(value))
            return {name: self._short(each, f"{path}.{name}") for name, each in self._first(value.items())}
        return value

    def _note(self, path: str, there: int) -> None:
        if there > self.entries:
            self.where.append(f"{path} ({self.entries} of {there})")

    def _first(self, entries: Any) -> Iterator[Any]:
        for number, entry in enumerate(entries):
            if number >= self.entries:
                return
            yield entry
