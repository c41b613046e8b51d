"""Words that anybody may have written, made harmless for a prompt: they can pose neither as structure nor as control.

Descriptions, reasons, names and messages come from whoever records. In a prompt, `<|im_start|>` in one of them would be
a turn of its own to a tokenizer, a line break a line of ours, an invisible character an instruction nobody sees. What
the words say in plain language nothing can make harmless: whoever puts them into a prompt says whose words they are.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

_MARK = re.compile(r"<(?=[^\s=<>0-9])|<(?=<)|\[(?=/?(?:[A-Z_]{2,}|gMASK)\])")
"""What control tokens of published chat templates begin with: `<|...|>`, `<s>`, `</tool_call>`, `<<SYS>>`, `[INST]`."""
_STAND_INS = {"<": "\u2039", "[": "\u27e6", "|": "\u00a6", ">": "\u203a"}
"""What looks alike, and is nothing to any tokenizer or normalisation."""
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_KEPT = frozenset("\n\t")
_BREAK = "\u00b7"


class Harmless:
    """Makes words harmless for the prompts of one tokenizer.

    Args:
        tokenizer: Its added tokens are broken up wherever they stand, whatever they look like; without one, those of
            published chat templates.
    """

    def __init__(self, tokenizer: Any = None) -> None:
        self._tokens = _control_tokens(tokenizer)

    def __call__(self, text: str) -> str:
        """Give the words with every control token broken, and every unseen character named."""
        if text.isascii() and text.isprintable():
            seen = text
        else:
            seen = "".join(character if character in _KEPT else _seen(character) for character in text)
        seen = _MARK.sub(lambda found: _STAND_INS[found[0]], seen)
        for token in self._tokens:
            if token in seen:
                seen = seen.replace(token, token[0] + _BREAK + token[1:])
        return seen

    def quoted(self, text: str, limit: int = 160) -> str:
        """Give the words as one quoted line: line breaks and quotes escaped, what is long cut, and said to be.

        Args:
            text: What somebody wrote.
            limit: The most characters of it.
        """
        cut = len(text) - limit
        shown = self(text if cut <= 0 else text[:limit])
        return json.dumps(shown, ensure_ascii=False) + (f" (+{cut} characters)" if cut > 0 else "")


def _seen(character: str) -> str:
    if character.isascii() and character.isprintable():
        return character
    if unicodedata.category(character) in _UNSEEN:
        return f"(U+{ord(character):04X})"
    folded = unicodedata.normalize("NFKC", character)
    mark = next((each for each in folded if each in _STAND_INS), None)
    return character if mark is None else _STAND_INS[mark]


def _control_tokens(tokenizer: Any) -> tuple[str, ...]:
    """Give the added tokens of a tokenizer that words could spell, longest first."""
    if tokenizer is None:
        return ()
    added: Iterable[str] = getattr(tokenizer, "get_added_vocab", dict)()
    special: Iterable[str] = getattr(tokenizer, "all_special_tokens", ())
    return tuple(sorted({each for each in (*added, *special) if len(each) > 1}, key=lambda each: (-len(each), each)))
