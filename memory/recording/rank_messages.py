"""What the processes of a run say to each other in a call that all of them make."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from memory.errors import PalimpsestError, RankError

What = tuple[object, ...]
"""What a call is: its kind, and whatever must be the same on every rank."""


@dataclass(frozen=True, slots=True)
class Read:
    """Asks for the bytes that each rank holds of a storage."""

    model: str
    key: str


@dataclass(frozen=True, slots=True)
class Write:
    """Gives each rank the bytes of a storage that it holds."""

    model: str
    key: str


@dataclass(frozen=True, slots=True)
class Signs:
    """Asks which storages torch says were written to."""

    model: str


@dataclass(frozen=True, slots=True)
class Returned:
    """The call ended, and gave this."""

    value: bytes
    maps: dict[str, str] = field(default_factory=dict)
    """Sharing maps that are new, by model."""


@dataclass(frozen=True, slots=True)
class Raised:
    """The call raised this."""

    error: bytes
    out_of_step: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rank could not do what rank 0 asked."""

    error: PalimpsestError


def told(error: BaseException) -> str:
    """Spell an error in one line."""
    return f"{type(error).__name__}: {error}"


def _for_the_others(error: BaseException) -> PalimpsestError:
    """Give what the other ranks raise where rank 0 raises something."""
    if isinstance(error, PalimpsestError):
        return error
    return RankError(f"rank 0 raised {told(error)}", remedy="mend what it raised; nothing was left half done")


def pickled(error: BaseException) -> bytes:
    """Give what the other ranks raise, to be sent; it must not fail, since they wait for it."""
    try:
        content = pickle.dumps(_for_the_others(error))
        pickle.loads(content)
    except Exception:  # noqa: BLE001 - fields of an error may be anything; the others wait for something to raise
        return pickle.dumps(RankError(f"rank 0 raised {told(error)}", remedy="mend what it raised"))
    return content


def disagreement(heard: Sequence[tuple[What, Any, str | None]]) -> tuple[RankError | None, bool]:
    """Say what is wrong where the ranks did not make the same call, and whether they are out of step for good."""
    ours = heard[0][0]
    for rank, (what, _, problem) in enumerate(heard):
        if what != ours:
            return RankError(
                f"rank 0 asked for {_spelled(ours)}, and rank {rank} for {_spelled(what)}",
                remedy="make calls that touch weights on every rank, in the same order, with the same arguments",
            ), what[0] != ours[0]
        if problem is not None:
            return RankError(f"rank {rank} raised {problem}", remedy="mend what it raised"), False
    return None, False


def _spelled(what: What) -> str:
    kind, *rest = what
    return f"{kind}({', '.join(map(repr, rest))})"


def no_pieces_of_one(key: str) -> RankError:
    """Say that what the ranks hold does not go together."""
    return RankError(
        f"what the ranks hold under {key!r} are no pieces of one tensor",
        remedy="give every rank the same model, and change it on every rank in the same way",
    )


def refused(answers: Sequence[Any]) -> list[Refusal]:
    """Give the refusals among the answers of all ranks."""
    return [answer for answer in answers if isinstance(answer, Refusal)]


def raise_refused(answers: Sequence[Any]) -> None:
    """Raise what the first of the ranks that refused said."""
    found = refused(answers)
    if found:
        raise found[0].error
