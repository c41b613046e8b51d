"""What anybody wrote can pose neither as the structure of a prompt nor as a control token."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.agent.harmless import Harmless

CONTROL = (
    "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|start_header_id|>", "<s>", "</s>", "<<SYS>>", "<</SYS>>", "[INST]",
    "[/INST]", "[TOOL_CALLS]", "<start_of_turn>", "<end_of_turn>", "</tool_response>", "<tool_call>", "<think>",
    "<｜User｜>", "<|channel|>", "[gMASK]", "<BOS_TOKEN>",
)  # fmt: skip


@pytest.mark.parametrize("token", CONTROL)
def test_no_control_token_of_published_templates_is_left(token: str) -> None:
    assert token not in Harmless()(f"before{token}after")


@pytest.mark.parametrize("token", ["＜|im_start|＞", "<\u200b|im_start|>", "﹤|im_end|﹥"])
def test_what_normalises_to_one_is_none_either(token: str) -> None:
    seen = unicodedata.normalize("NFKC", Harmless()(token).replace("\u200b", ""))
    assert "<|" not in seen


@pytest.mark.parametrize("character", ["\u202e", "\u200b", "\U000e0041", "\ufeff", "\x1b", "\x00", "\ue000"])
def test_a_character_nobody_sees_is_named(character: str) -> None:
    assert Harmless()(f"a{character}b") == f"a(U+{ord(character):04X})b"


@pytest.mark.parametrize(
    "words", ["loss < 2 and x <= 3", "rows [0, 3]", "layers.0.mlp", "Zürich, 東京", "a -> b", "5<6"]
)
def test_plain_words_stay_as_they_are(words: str) -> None:
    assert Harmless()(words) == words


class Special:
    all_special_tokens = ("###", "TURN:")

    def get_added_vocab(self) -> dict[str, int]:
        return {"@@call": 7}


def test_the_added_tokens_of_a_tokenizer_are_broken_whatever_they_look_like() -> None:
    seen = Harmless(Special())("### TURN: @@call")
    assert not any(token in seen for token in ("###", "TURN:", "@@call"))


@given(st.text(alphabet=st.sampled_from('\n\r\u2028"\\<|>[]abAB_/ｉ＜\u200b'), max_size=40))
def test_quoted_words_are_one_line_that_reads_back(text: str) -> None:
    quoted = Harmless().quoted(text)
    assert len(quoted.splitlines()) == 1
    assert isinstance(json.loads(quoted), str)


def test_long_words_are_cut_and_said_to_be() -> None:
    assert Harmless().quoted("a" * 200, 10) == '"aaaaaaaaaa" (+190 characters)'
