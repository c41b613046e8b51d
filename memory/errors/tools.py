"""What is wrong with how an agent's functions are called."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from introspection.errors import PalimpsestError
from memory.errors.suggesting import suggestion


class UnknownTool(PalimpsestError):
    """A function that an agent called and was not given.

    Attributes:
        tool: The name it called.
        known: The functions it was given.
        nearest: Those that look most like it, best first.
    """

    code = "unknown-tool"

    def __init__(self, tool: str, known: Iterable[str], *, because: str = "") -> None:
        self.tool = tool
        self.known = tuple(known)
        self.nearest = tuple(difflib.get_close_matches(str(tool), self.known, n=3, cutoff=0.5))
        message = f"there is no function {tool!r} here" + (f": {because}" if because else "")
        super().__init__(message, remedy=suggestion(str(tool), self.known, "call one of those you were given"))


class ToolFailed(PalimpsestError):
    """A function that an agent called, and that failed by itself: not by what it was called with.

    Attributes:
        tool: The function.
        error: The type of what was raised.
    """

    code = "tool-failed"

    def __init__(self, tool: str, error: BaseException) -> None:
        self.tool = tool
        self.error = type(error).__name__
        notes = "; ".join(getattr(error, "__notes__", ()))
        said = str(error).strip().split("\n")[0][:300]
        super().__init__(
            f"{tool} failed with {self.error}: {said}" + (f" ({notes})" if notes else ""),
            remedy="try it with other arguments, or another function",
        )
