"""What a model emitted, as calls of functions: the name, and arguments in JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from memory.errors import InvalidArgument

UNREADABLE = ""
"""The name of a call whose text is no JSON."""
_MARKED = re.compile(r"<tool_call>\s*(.*?)\s*(?:</tool_call>|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Call:
    """One call that a model emitted."""

    name: str
    arguments: Any
    """As emitted: a mapping, or text that is to be JSON."""
    call_id: str | None = None

    def to_message(self) -> dict[str, Any]:
        """Give it as an entry of `tool_calls` of an assistant's message."""
        arguments = self.arguments if isinstance(self.arguments, Mapping) else str(self.arguments)
        told: dict[str, Any] = {"type": "function", "function": {"name": self.name, "arguments": arguments}}
        return told if self.call_id is None else {"id": self.call_id, **told}


def parse_calls(emitted: Any) -> list[Call]:
    """Give the calls in what a model emitted; none in words that call nothing.

    Args:
        emitted: Text with calls between `<tool_call>` marks (Hermes, Qwen), or that is the JSON of one call or of a
            list of them (Llama, Mistral); or a message, or a list of `tool_calls`, as OpenAI's servers give them.
    """
    if isinstance(emitted, str):
        marked = _MARKED.findall(emitted)
        texts = marked or ([emitted.strip()] if emitted.lstrip()[:1] in ("{", "[") else [])
        return [call for text in texts for call in _of_text(text, marked=bool(marked))]
    if isinstance(emitted, Mapping):
        if "tool_calls" in emitted:
            return parse_calls(emitted["tool_calls"] or [])
        found = _of(emitted)
        return [] if found is None else [found]
    if not isinstance(emitted, list | tuple):
        return []
    return [call for each in emitted if isinstance(each, str | Mapping) for call in parse_calls(each)]


def arguments_of(given: Any) -> dict[str, Any]:
    """Give the arguments of a call by name.

    Raises:
        InvalidArgument: They are no mapping, nor the JSON of one.
    """
    if given is None or given == "":
        return {}
    if isinstance(given, str):
        try:
            given = _read(given)
        except json.JSONDecodeError as error:
            remedy = f"give a JSON object; at character {error.pos}: {error.msg}"
            raise InvalidArgument("arguments", given if len(given) <= 80 else given[:79] + "…", remedy) from error
    if not isinstance(given, Mapping):
        raise InvalidArgument("arguments", given, 'give a JSON object of arguments by name: {"name": "lm_head.weight"}')
    return {str(name): value for name, value in given.items()}


def unreadable(text: Any) -> InvalidArgument:
    """Give the error for a call whose text is no JSON."""
    shown = str(text)
    remedy = 'give one JSON object: {"name": "get_weight_statistics", "arguments": {"name": "lm_head.weight"}}'
    return InvalidArgument("the call", shown if len(shown) <= 80 else shown[:79] + "…", remedy)


def _of_text(text: str, *, marked: bool) -> list[Call]:
    try:
        found = _read(text)
    except json.JSONDecodeError:
        # Between marks a call was meant: the model is told what is wrong with it.
        return [Call(UNREADABLE, text)] if marked else []
    return parse_calls(found) if isinstance(found, list | dict) else []


def _read(text: str) -> Any:
    """Give what JSON says.

    Raises:
        json.JSONDecodeError: It says nothing, or what a model that repeats itself says: brackets or digits without end.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except (RecursionError, ValueError) as error:
        raise json.JSONDecodeError("brackets go too deep, or a number is too long", text, 0) from error


def _of(emitted: Mapping[str, Any]) -> Call | None:
    function = emitted.get("function")
    inside = function if isinstance(function, Mapping) else emitted
    name = inside.get("name")
    if not isinstance(name, str):
        return None
    arguments = inside.get("arguments", inside.get("parameters"))
    identity = emitted.get("id")
    return Call(name, {} if arguments is None else arguments, identity if isinstance(identity, str) else None)
