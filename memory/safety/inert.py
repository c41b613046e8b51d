"""Hooks that do no harm where a model is copied, pickled or outlives them."""

from __future__ import annotations

from typing import Any, Self


class Hook:
    """A hook that a copy of the model shares, that a pickle leaves behind, and that does nothing once it is lifted."""

    def __init__(self) -> None:
        self.in_force = True

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # A copy of the model is under the same hook, and is let go with it.
        return self

    def __reduce__(self) -> Any:
        # What is loaded from a pickle is a model of its own: what is in force for it, its attach says.
        return Lifted, ()


class Lifted:
    """What a hook is once the model it was on comes out of a pickle: nothing."""

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""


def forget_compiled() -> None:
    """Let go of compiled code, which goes on without hooks that came after it was compiled, or with those that went.

    Does nothing where torch's compiler was never loaded.
    """
    import sys

    dynamo = sys.modules.get("torch._dynamo")
    if dynamo is not None:
        dynamo.reset()
