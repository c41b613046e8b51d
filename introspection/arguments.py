"""What a call was given, checked where Python would say something else: an agent's tool call is not type-checked."""

from __future__ import annotations

from collections.abc import Iterable

from introspection.errors import InvalidArgument


def check_text(argument: str, value: object, remedy: str) -> None:
    """Refuses what is no text.

    Raises:
        InvalidArgument: `value` is not a str.
    """
    if not isinstance(value, str):
        raise InvalidArgument(argument, value, remedy)


def check_names(argument: str, value: object) -> None:
    """Refuses what is neither a name nor several of them.

    Raises:
        InvalidArgument: `value` is no str and not iterable.
    """
    if not isinstance(value, str | Iterable):
        raise InvalidArgument(argument, value, "give a tensor name or a module path as text, or a list of them")
