"""What is said of a function that agents call: which group it is of, what it does to the record and the weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__palimpsest_tool__"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a function does."""

    does: Literal["reads", "records", "writes"]
    """Looks; adds to the record; or changes weights."""
    reveals: bool
    """Whether its answers say which names share bytes, as one who knows the map would."""


def reads(*, reveals: bool = False) -> Callable[[F], F]:
    """Mark a method that only looks."""
    return _marked(Mark("reads", reveals))


def records(*, reveals: bool = False) -> Callable[[F], F]:
    """Mark a method that adds to the record, and leaves weights alone."""
    return _marked(Mark("records", reveals))


def writes(*, reveals: bool = False) -> Callable[[F], F]:
    """Mark a method that changes weights, or what can be put back of them."""
    return _marked(Mark("writes", reveals))


def mark_of(method: object) -> Mark | None:
    """Give what was said of a method; None for one that agents do not call."""
    found = getattr(method, _MARK, None)
    return found if isinstance(found, Mark) else None


def _marked(mark: Mark) -> Callable[[F], F]:
    def decorate(method: F) -> F:
        setattr(method, _MARK, mark)
        return method

    return decorate
