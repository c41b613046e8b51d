"""What is known about a topic: a tensor, a module, a metric, or words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Text, cast, func, select

from introspection.sharing import SharingMap
from memory.errors import UnknownName
from memory.projections.tables import sharing_maps
from memory.projections.words import words_of
from memory.query.html import card_html, list_html, one_line
from memory.query.search import CLAIM_KINDS, Found, search
from memory.query.search_candidates import EVENTS
from memory.query.search_terms import Terms
from memory.store.engine import Database


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known about a topic: `print` tells it."""

    topic: str
    coupled: tuple[str, ...]
    """Where the topic is a tensor or module: every other name whose bytes a write to it changes."""
    claims: tuple[Found, ...]
    """Beliefs, theories, patterns and facts of architecture that speak of it, best first."""
    events: tuple[Found, ...]
    """Observations, writes, alerts, checkpoints and aborted edits that do."""

    def __bool__(self) -> bool:
        return bool(self.coupled or self.claims or self.events)

    def to_dict(self) -> dict[str, Any]:
        """Give it as data that JSON has words for."""
        told = asdict(self)
        return told | {name: list(told[name]) for name in ("coupled", "claims", "events")}

    def __str__(self) -> str:
        return (
            "\n".join([f"{one_line(self.topic)}:", *(f"- {one_line(line)}" for line in self._told())])
            if self
            else (f"{self.topic}: nothing is on record")
        )

    def _told(self) -> Iterator[str]:
        if self.coupled:
            yield f"one write changes it and {', '.join(self.coupled)}"
        for found in (*self.claims, *self.events):
            status = "" if found.status == "active" else f", {found.status}"
            yield f"{found.kind}{status}: {found.text} [{found.identity}]"

    def _repr_html_(self) -> str:
        return card_html(self.topic, {"coupled": ", ".join(self.coupled) or None}, list_html("known", self._told()))


def known_about(database: Database, topic: str, limit: int, model: str | None) -> Knowledge:
    """Give what is known about a topic; what has all its words before what has some of them.

    Raises:
        InvalidArgument: It has no word.
    """

    def found(kinds: Sequence[str]) -> tuple[Found, ...]:
        whole = search(database, topic, limit=limit, kinds=kinds, model=model, include_obsolete=False)
        return tuple(whole) if whole else _some(database, topic, limit, kinds, model)

    Terms.of(topic, "topic")
    claims = found(CLAIM_KINDS)
    return Knowledge(topic, _coupled(database, topic, model), claims, found((*EVENTS, "aborted")))


def _some(database: Database, topic: str, limit: int, kinds: Sequence[str], model: str | None) -> tuple[Found, ...]:
    """Give what has some of the words of a topic, those that have most of them first."""
    words = [word for word in dict.fromkeys(words_of(topic)) if len(word) > 3][:_WORDS]
    best: dict[tuple[str, str], tuple[float, Found]] = {}
    for word in words if len(words) > 1 else ():
        for each in search(database, word, limit=limit, kinds=kinds, model=model, include_obsolete=False):
            score, _ = best.get((each.kind, each.identity), (0.0, each))
            best[each.kind, each.identity] = score + each.score, each
    ranked = sorted(best.values(), key=lambda pair: (-pair[0], -pair[1].position, pair[1].kind, pair[1].identity))
    return tuple(each for _, each in ranked[:limit])


_WORDS = 6
"""Words of a topic that are looked for one by one."""


def _coupled(database: Database, topic: str, model: str | None) -> tuple[str, ...]:
    columns = sharing_maps.c
    newest = select(func.max(columns.position)).group_by(columns.model)
    if model is not None:
        newest = newest.where(columns.model == model)
    coupled: set[str] = set()
    with database.reading() as connection:
        maps = connection.execute(select(cast(columns.sharing, Text)).where(columns.position.in_(newest))).scalars()
        for sharing in maps.all():
            try:
                coupled.update(SharingMap.from_json(sharing).coupled(topic))
            except UnknownName:
                continue  # the topic is no tensor of this model
    return tuple(sorted(coupled))
