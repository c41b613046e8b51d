"""What went wrong with a call, told to the model that made it: which value, why, and what to do instead."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from memory.errors import PalimpsestError, SafetyViolation, ToolFailed

logger = logging.getLogger(__name__)

_TOLD = ("nearest", "rules", "storage_keys", "models")
"""Fields of errors that help to make the call right."""
_PROBLEMS = 3


def failure(code: str, message: str, remedy: str = "", **fields: Any) -> dict[str, Any]:
    """Give what is told of something that went wrong: `error` with its code, what is wrong, and the remedy."""
    told = {name: value for name, value in fields.items() if value}
    return {"error": {"code": code, "message": message, **({"remedy": remedy} if remedy else {}), **told}}


def told_of(error: Exception, tool: str, arguments: Iterable[str], *, secret: bool = False) -> dict[str, Any]:
    """Give what a model is told of an error.

    Args:
        error: What was raised.
        tool: The function that was called.
        arguments: The names of the arguments it takes.
        secret: Whether the names that share bytes are kept from it: what safety says of a write would tell them.
    """
    if isinstance(error, ValidationError):
        return _wrong_arguments(error, tool, list(arguments))
    if not isinstance(error, PalimpsestError):
        # A loop goes on where a tool failed by itself; who runs it finds the whole story in the log of the program.
        logger.error("tool %s failed", tool, exc_info=error)
        error = ToolFailed(tool, error)
    if secret and isinstance(error, SafetyViolation) and "emergency_stop" not in error.rules:
        return failure(error.code, "a rule of safety denies this write; the weights are as they were")
    fields = {name: _listed(getattr(error, name, ())) for name in _TOLD}
    return failure(error.code, error.message, error.remedy, **fields)


def _listed(value: Any) -> list[str]:
    return [str(each) for each in value][:8] if isinstance(value, list | tuple) else []


def _wrong_arguments(error: ValidationError, tool: str, arguments: list[str]) -> dict[str, Any]:
    problems, remedies = [], []
    for each in error.errors(include_url=False)[:_PROBLEMS]:
        path = ".".join(map(str, each["loc"]))
        if each["type"] == "unexpected_keyword_argument":
            nearest = difflib.get_close_matches(path, arguments, n=1)
            problems.append(f"{tool} takes no argument {path!r}")
            remedies.append(
                f"did you mean {nearest[0]!r}?" if nearest else f"it takes {', '.join(arguments) or 'none'}"
            )
        elif each["type"] in ("missing_argument", "missing_keyword_only_argument"):
            problems.append(f"{path!r} is missing")
            remedies.append(f"give {path!r}")
        else:
            given = each.get("input")
            problems.append(f"{path} cannot be {_short(given)}: {each['msg'][:1].lower()}{each['msg'][1:]}")
            remedies += _nearest_choice(given, each.get("ctx", {}).get("expected"))
    return failure("invalid-argument", "; ".join(problems), "; ".join(remedies), arguments=arguments)


def _nearest_choice(given: object, expected: object) -> list[str]:
    """Give the choice that looks most like what was given, where there are choices."""
    if not (isinstance(given, str) and isinstance(expected, str)):
        return []
    choices = [each for each in expected.split("'") if each.replace("_", "").isalnum()]
    nearest = difflib.get_close_matches(given, choices, n=1)
    return [f"did you mean {nearest[0]!r}?"] if nearest else []


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else shown[:79] + "…"
