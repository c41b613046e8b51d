"""What a person types to look for something, understood by us: never by an engine's own grammar.

Words apart by spaces must all be there, in any order. `"next to each other"` must be there in that order, and so must
the parts of what is written as one: `layers.3.mlp`, `down_proj`. `grad*` is every word that begins so; `-word` and
`-"two words"` must not be there. All other signs only stand between words, so that nothing is ever a mistake of syntax.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from memory.errors import InvalidArgument
from memory.projections.search import KIND_MARK
from memory.projections.words import words_of

_PIECE = re.compile(r'(?P<no>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))(?P<star>(?<=")\*)?')
_MOST_TERMS = 32
"""Terms of one search; a search of more is cut: it has found what it is about long before."""


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand next to each other, mostly one."""

    words: tuple[str, ...]
    prefix: bool = False
    """Whether the last word only begins so."""

    def starts(self, words: Sequence[str]) -> list[int]:
        """Give where it stands in words."""
        size = len(self.words)
        *before, last = self.words
        found = []
        for at in range(len(words) - size + 1):
            end = words[at + size - 1]
            if (end.startswith(last) if self.prefix else end == last) and list(words[at : at + size - 1]) == before:
                found.append(at)
        return found


@dataclass(frozen=True, slots=True)
class Terms:
    """What is looked for."""

    wanted: tuple[Term, ...]
    """All of these must be there; there is one at least."""
    unwanted: tuple[Term, ...] = ()
    """None of these may."""

    @classmethod
    def of(cls, text: str, name: str = "text") -> Terms:
        """Understand what somebody typed; the name is what to call it where it is refused.

        Raises:
            InvalidArgument: It is no text, or has no word that must be there.
        """
        if not isinstance(text, str):
            raise InvalidArgument(name, text, "it is what to look for, as text")
        wanted: dict[Term, None] = {}
        unwanted: dict[Term, None] = {}
        for piece in _PIECE.finditer(text):
            spelled = piece["phrase"] if piece["phrase"] is not None else piece["word"]
            words = tuple(words_of(spelled))
            if words:
                starred = bool(piece["star"]) or (piece["word"] is not None and spelled.endswith("*"))
                (unwanted if piece["no"] else wanted)[Term(words, starred)] = None
        if not wanted:
            raise InvalidArgument(name, text, "it has a word to look for, of letters or digits")
        return cls(tuple(wanted)[:_MOST_TERMS], tuple(unwanted)[:_MOST_TERMS])

    def for_sqlite(self, kind: str | None = None) -> str:
        """Give it in the words of FTS5; with a kind of entry, only of that."""
        parts = [f'"{KIND_MARK}{kind}"'] if kind is not None else []
        parts += [_quoted(term) for term in self.wanted]
        found = " AND ".join(parts)
        return f"({found}) NOT ({' OR '.join(map(_quoted, self.unwanted))})" if self.unwanted else found

    def for_postgresql(self, kind: str | None = None) -> str:
        """Give it as a tsquery, of just these words; with a kind of entry, only of that."""
        parts = [f"'{KIND_MARK}{kind}'"] if kind is not None else []
        parts += [_followed(term) for term in self.wanted]
        return " & ".join([*parts, *(f"!{_followed(term)}" for term in self.unwanted)])


def _quoted(term: Term) -> str:
    return f'"{" ".join(term.words)}"{" *" if term.prefix else ""}'


def _followed(term: Term) -> str:
    *before, last = (f"'{word}'" for word in term.words)
    return f"({' <-> '.join([*before, f'{last}:*' if term.prefix else last])})"
