"""How well a text tells what was looked for, and the part of it that does: the same on every engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memory.projections.words import LONGEST_TEXT, WORD, words_of
from memory.query.search_terms import Term, Terms

_BEFORE, _AFTER = 60, 120
"""Characters of a snippet before and after the first word found."""


@dataclass(frozen=True, slots=True)
class Field:
    """One text of what was found."""

    weight: float
    """How much it tells when a word is found in it."""
    text: str


def has_all(terms: Terms, fields: Sequence[Field]) -> bool:
    """Tell whether fields have every term that is wanted, and none that is not."""
    split = [words_of(field.text[:LONGEST_TEXT]) for field in fields]

    def has(term: Term) -> bool:
        return any(term.starts(words) for words in split)

    return all(map(has, terms.wanted)) and not any(map(has, terms.unwanted))


def score(terms: Terms, fields: Sequence[Field]) -> float:
    """Say how much fields tell of what was looked for.

    For each term the field that tells most of it counts: more often tells more, ever less so; a long text tells less.
    All that is ranked has all the terms, so that how rare one is would tell nothing apart.

    Source: the saturation of Okapi BM25 (Robertson and Zaragoza 2009, section 3.4), without its inverse document
    frequency.
    """
    split = [(field.weight, words_of(field.text[:LONGEST_TEXT])) for field in fields]
    return round(sum(max(_told(weight, words, term) for weight, words in split) for term in terms.wanted), 6)


def _told(weight: float, words: Sequence[str], term: Term) -> float:
    often = len(term.starts(words)) if words else 0
    return weight * often / (often + 0.4 + 0.04 * len(words))


def snippet(terms: Terms, fields: Sequence[Field]) -> str:
    """Give the part of the field that tells most, what was found in it set in [brackets]."""
    best = max(fields, key=lambda field: sum(bool(term.starts(words_of(field.text))) for term in terms.wanted))
    text = best.text[:LONGEST_TEXT]
    found = list(WORD.finditer(text))
    words = [each[0].lower() for each in found]
    marked = {
        at for term in terms.wanted for start in term.starts(words) for at in range(start, start + len(term.words))
    }
    first = found[min(marked)].start() if marked else 0
    low, high = max(0, first - _BEFORE), min(len(text), first + _AFTER)
    if low:
        low = text.find(" ", low, first) + 1 or low
    if high < len(text):
        high = max(text.rfind(" ", first, high), min(first + _AFTER // 2, high))
    parts, at = [], low
    for number, each in enumerate(found):
        if number in marked and low <= each.start() and each.end() <= high:
            parts += [text[at : each.start()], f"[{each[0]}]"]
            at = each.end()
    told = " ".join("".join([*parts, text[at:high]]).split())
    return f"{'…' if low else ''}{told}{'…' if high < len(text) else ''}"
