"""The calls in what a model emitted, in the forms that models emit them in."""

from __future__ import annotations

from typing import Any

import pytest

from memory.agent.calls import UNREADABLE, arguments_of, parse_calls
from memory.errors import InvalidArgument

HERMES = '<tool_call>\n{"name": "a", "arguments": {"x": 1}}\n</tool_call>'
BARE = '{"name": "a", "parameters": {"x": 1}}'
OPENAI = {
    "role": "assistant",
    "tool_calls": [{"id": "c7", "type": "function", "function": {"name": "a", "arguments": '{"x": 1}'}}],
}


@pytest.mark.parametrize("emitted", [HERMES, f"I look.\n{HERMES}", BARE, f"[{BARE}]", OPENAI, OPENAI["tool_calls"]])
def test_each_form_is_read(emitted: Any) -> None:
    (call,) = parse_calls(emitted)
    assert (call.name, arguments_of(call.arguments)) == ("a", {"x": 1})


def test_several_calls_keep_their_order() -> None:
    assert [call.name for call in parse_calls(HERMES + HERMES.replace('"a"', '"b"'))] == ["a", "b"]


def test_the_last_call_may_be_cut_off_before_its_closing_mark() -> None:
    assert [call.name for call in parse_calls(HERMES.removesuffix("</tool_call>"))] == ["a"]


@pytest.mark.parametrize(
    "emitted",
    [
        *("", "Nothing to call.", '"a"', "{not json", {"role": "assistant", "tool_calls": None}, None, 3),
        *("[1, 2]", "[null]", '{"tool_calls": 5}', "[" * 100_000, "[" * 400 + "]" * 400, f"[{'1' * 5000}]"),
    ],
    ids=lambda emitted: repr(emitted)[:20],
)
def test_words_call_nothing(emitted: Any) -> None:
    assert parse_calls(emitted) == []


def test_a_marked_call_that_is_no_json_is_kept_to_be_told() -> None:
    (call,) = parse_calls('<tool_call>{"name": "a", </tool_call>')
    assert call.name == UNREADABLE


def test_the_identity_of_a_call_stays_with_it() -> None:
    (call,) = parse_calls(OPENAI)
    assert call.to_message()["id"] == call.call_id == "c7"


@pytest.mark.parametrize("repeated", ["[", "1"])
def test_a_marked_call_that_repeats_itself_without_end_is_kept_to_be_told(repeated: str) -> None:
    (call,) = parse_calls("<tool_call>" + repeated * 100_000)
    assert call.name == UNREADABLE


@pytest.mark.parametrize("given", ["[1]", "{'x': 1}", 3, [1], "[" * 100_000], ids=lambda given: repr(given)[:20])
def test_arguments_that_are_no_object_are_refused(given: Any) -> None:
    with pytest.raises(InvalidArgument, match="arguments"):
        arguments_of(given)
