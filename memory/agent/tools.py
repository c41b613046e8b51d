"""The functions of an agent: plain, typed and documented, so that a chat template takes them as tools."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ConfigDict, validate_call

from memory.agent.activation_tools import ActivationTools
from memory.agent.architecture_tools import ArchitectureTools
from memory.agent.attention_tools import AttentionTools
from memory.agent.bounding import Page, bounded, text_of
from memory.agent.calls import UNREADABLE, Call, arguments_of, parse_calls, unreadable
from memory.agent.desk import Desk
from memory.agent.editing_tools import EditingTools
from memory.agent.failures import told_of
from memory.agent.finding_tools import FindingTools
from memory.agent.gradient_tools import GradientTools
from memory.agent.history_tools import HistoryTools
from memory.agent.knowledge_tools import KnowledgeTools
from memory.agent.marks import mark_of
from memory.agent.plain import plain_answer
from memory.agent.recording_tools import RecordingTools
from memory.agent.safety_tools import SafetyTools
from memory.agent.tokens import TokenCount, counting
from memory.agent.weight_tools import WeightTools
from memory.errors import InvalidArgument, UnknownTool

GROUPS: dict[str, tuple[type, ...]] = {
    "weights": (WeightTools,),
    "activations": (ActivationTools,),
    "architecture": (ArchitectureTools,),
    "attention": (AttentionTools,),
    "gradients": (GradientTools,),
    "history": (HistoryTools,),
    "memory": (FindingTools, KnowledgeTools, RecordingTools),
    "safety": (SafetyTools,),
    "edit": (EditingTools,),
}
"""The groups that functions can be asked for by."""
LEAST_TOKENS = 150
"""The least tokens an answer may be cut to: what is left of it must still say what was left out."""

Tool = Callable[..., dict[str, Any]]


class AgentTools(list[Tool]):
    """Functions for an agent: a list that `apply_chat_template(..., tools=...)` takes as it is.

    Each validates its arguments, and gives a dict that JSON has words for, whose text costs no more tokens than it may;
    an answer that was cut says so under `left_out`, and how to get the rest. What goes wrong is no exception: it is
    told under `error`, with a code, what is wrong and a remedy, so that the model can do better.

    Args:
        desk: What they stand on.
        groups: Which; None for all that are allowed.
        allow_writes: Whether those that change weights are among them.
        max_tokens: The most tokens one answer may cost.

    Attributes:
        max_tokens: The most tokens one answer may cost.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        groups: Iterable[str] | None = None,
        allow_writes: bool = False,
        max_tokens: int = 1000,
    ) -> None:
        super().__init__()
        if not isinstance(max_tokens, int) or max_tokens < LEAST_TOKENS:
            raise InvalidArgument("max_tokens", max_tokens, f"give at least {LEAST_TOKENS}")
        self.max_tokens = max_tokens
        self._desk = desk
        self._count: TokenCount = counting(desk.tokenizer)
        self._withheld: dict[str, str] = {}
        chosen = _chosen(groups)
        for group, classes in GROUPS.items():
            for made in (each(desk) for each in classes):
                for method in _methods(made):
                    self._take(method, group in chosen, allow_writes)

    def _take(self, method: Callable[..., Any], chosen: bool, allow_writes: bool) -> None:
        mark, name = mark_of(method), method.__name__
        if mark is None:
            return
        if not chosen:
            self._withheld[name] = "its group was not given to you"
        elif mark.does == "writes" and not allow_writes:
            self._withheld[name] = "it changes weights, and that was not allowed"
        elif mark.reveals and self._desk.hide_sharing:
            self._withheld[name] = "it would tell which names share memory, and that is for you to find out"
        else:
            self.append(self._made(method))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the functions, in their order."""
        return tuple(tool.__name__ for tool in self)

    def schemas(self) -> list[dict[str, Any]]:
        """Give the functions as JSON schemas in the form of OpenAI's `tools`, which other loops take."""
        from transformers.utils import get_json_schema

        return [get_json_schema(tool) for tool in self]

    def call(self, name: str, arguments: Mapping[str, Any] | str | None = None) -> str:
        """Call a function as a model asked for it; give the text of a `tool` message, which never raises.

        Args:
            name: The function.
            arguments: By name; or the JSON of that.
        """
        found = next((tool for tool in self if tool.__name__ == name), None)
        try:
            if name == UNREADABLE:
                raise unreadable(arguments)
            if found is None:
                raise UnknownTool(name, self.names, because=self._withheld.get(name, ""))
            given = arguments_of(arguments)
        except (UnknownTool, InvalidArgument) as error:
            return text_of(self._told(told_of(error, name, ())))
        return text_of(found(**given))

    def answer(self, emitted: Any) -> list[dict[str, Any]]:
        """Run every call in what a model emitted; give the messages to append to the conversation, if any.

        Args:
            emitted: What `parse_calls` takes: the model's text, or its message.
        """
        messages: list[dict[str, Any]] = []
        for each in self.parse(emitted):
            identity = {} if each.call_id is None else {"tool_call_id": each.call_id}
            content = self.call(each.name, each.arguments)
            messages.append({"role": "tool", "name": each.name, "content": content, **identity})
        return messages

    def parse(self, emitted: Any) -> list[Call]:
        """Give the calls in what a model emitted, without running them: see `memory.agent.calls.parse_calls`."""
        return parse_calls(emitted)

    def _made(self, method: Callable[..., Any]) -> Tool:
        """Give the function of a method: one that checks, and answers in every case."""
        checked = validate_call(config=ConfigDict(arbitrary_types_allowed=True))(method)
        taken = tuple(inspect.signature(method).parameters)
        secret = self._desk.hide_sharing

        @functools.wraps(method)
        def tool(*args: Any, **kwargs: Any) -> dict[str, Any]:
            try:
                found = checked(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - told to the model, and logged where it is not ours
                found = told_of(error, method.__name__, taken, secret=secret)
            return self._told(found)

        # What it returns costs tokens in every prompt and tells a model nothing: the schema says only what to give.
        tool.__annotations__ = {name: hint for name, hint in method.__annotations__.items() if name != "return"}
        return tool

    def _told(self, found: dict[str, Any]) -> dict[str, Any]:
        harmless = self._desk.harmless
        plain = {
            name: replace(value, entries=plain_answer(value.entries, harmless))
            if isinstance(value, Page)
            else plain_answer(value, harmless)
            for name, value in found.items()
        }
        return bounded(plain, self.max_tokens, self._count)

    def __repr__(self) -> str:
        return f"AgentTools({', '.join(self.names)})"


def _methods(made: object) -> Sequence[Callable[..., Any]]:
    """Give the marked methods of a group, in the order they are written."""
    return [getattr(made, name) for name, value in vars(type(made)).items() if mark_of(value) is not None]


def _chosen(groups: Iterable[str] | None) -> set[str]:
    if groups is None:
        return set(GROUPS)
    asked = [groups] if isinstance(groups, str) else list(groups)
    for each in asked:
        if each not in GROUPS:
            raise InvalidArgument("groups", each, f"there are {', '.join(GROUPS)}")
    return set(asked)
