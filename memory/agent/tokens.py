"""How many tokens a text costs: by a model's own tokenizer, or by an estimate that errs on the high side."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from memory.errors import InvalidArgument

TokenCount = Callable[[str], int]
"""Gives the tokens of a text."""

_LETTERS_A_TOKEN = 3
_PIECE = re.compile(r"[A-Za-z]+|[^\x00-\x7f]+|.", re.DOTALL)


def counting(tokenizer: Any = None) -> TokenCount:
    """Give what counts tokens.

    Args:
        tokenizer: A transformers or `tokenizers` tokenizer; None for `estimated_tokens`.

    Raises:
        InvalidArgument: It is no tokenizer.
    """
    if tokenizer is None:
        return estimated_tokens
    encode = getattr(tokenizer, "encode", None)
    if encode is None:
        raise InvalidArgument("tokenizer", tokenizer, "give a transformers tokenizer; None for an estimate")
    return lambda text: len(encode(text, add_special_tokens=False)) if text else 0


def estimated_tokens(text: str) -> int:
    """Estimate the tokens of a text, high: a token for every three letters begun, one for each digit and each mark.

    A space before a word is free, every other space, and every line break, is one; what is not ASCII counts a token
    for each byte, which no byte-level tokenizer exceeds. Beside the tokenizer of Qwen3 it gives 1.5 to 2.1 times as
    many for answers of our functions, and 1.7 times as many for English prose.
    """
    total, space = 0, False
    for piece in _PIECE.findall(text):
        if piece == " " and not space:
            space = True
            continue
        space = False
        if piece[0].isascii():
            total += -(-len(piece) // _LETTERS_A_TOKEN) if piece[0].isalpha() else 1
        else:
            total += len(piece.encode("utf-8", "surrogatepass"))
    return total + (text[-1:] == " ")
