"""Anchors: the head of a log, kept where whoever can write to the database cannot write.

The hash chain shows what was changed inside a log; it cannot show that its end was cut off, or that all of it was made
anew. An anchor can: the append it names must be there, with that digest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Self

from memory.errors import InvalidArgument

FORMAT = 1
"""Version of the JSON that `Anchor.to_json` writes."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One append of a log, by its digest: proof of everything up to it."""

    append_id: int
    """Number of the append."""
    position: int
    """Position of its last event."""
    digest: str
    """Its link of the hash chain, hex."""
    recorded_at: str
    """When the append was made, UTC, ISO 8601."""

    def to_json(self) -> str:
        """Give it as one line of JSON."""
        return json.dumps({"anchor": FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            InvalidArgument: The text is no anchor.
        """
        remedy = "give a line that `palimpsest anchor` printed"
        try:
            content = json.loads(text)
        except ValueError as error:
            raise InvalidArgument("anchor", text[:80], remedy) from error
        expected = {"append_id": int, "position": int, "digest": str, "recorded_at": str}
        if not isinstance(content, dict) or content.pop("anchor", None) != FORMAT or content.keys() != expected.keys():
            raise InvalidArgument("anchor", text[:80], remedy)
        if not all(type(content[name]) is kind for name, kind in expected.items()):
            raise InvalidArgument("anchor", text[:80], remedy)
        return cls(**content)


def read_anchors(lines: Iterable[str]) -> tuple[Anchor, ...]:
    """Read anchors, one a line; empty lines are passed over.

    Raises:
        InvalidArgument: A line is no anchor, or there is none at all.
    """
    anchors = tuple(Anchor.from_json(line) for line in lines if line.strip())
    if not anchors:
        raise InvalidArgument("anchor", "", "give a line that `palimpsest anchor` printed")
    return anchors
