"""What an agent asks about what is known: beliefs, theories and patterns, each with what it rests on."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from memory.agent.bounding import Page
from memory.agent.desk import Desk, Name, Offset
from memory.agent.marks import reads
from memory.query.results import as_mapping
from memory.query.written import WRITTEN, last_evaluations

_ASKED = 50
_BELIEF = (
    "belief_id", "statement", "belief_type", "credence", "strength", "effect", "ci_low", "ci_high", "grade", "supports",
    "contradicts", "source", "status",
)  # fmt: skip
_THEORY = (
    "theory_id",
    "hypothesis",
    "theory_type",
    "source",
    "predictions",
    "hits",
    "brier",
    "log_score_gain",
    "status",
)
_PATTERN = (
    "pattern_id", "kind", "subject", "object", "direction", "effect", "ci_low", "ci_high", "e_value", "grade", "method",
    "support", "status",
)  # fmt: skip
_FACT = ("fact_id", "subject", "object", "kind", "reason", "relation", "strength_kind", "strength", "to_position")
Probability = Annotated[float, Field(ge=0, le=1)]


class KnowledgeTools:
    """What the record makes of what happened: beliefs with credences and intervals, and the evidence behind them.

    Args:
        desk: The model and the record they are about.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @reads(reveals=True)
    def get_beliefs(self, about: Name = "", min_credence: Probability = 0.0, offset: Offset = 0) -> dict[str, Any]:
        """Give what is held true, firmest first, with credence, interval and how often outcomes came so or otherwise.

        Args:
            about: Only beliefs that mention this weight, metric or word; empty for all.
            min_credence: Only those held with at least this probability.
            offset: How many entries to skip.
        """
        found = self._desk.memory.get_beliefs(min_confidence=min_credence, model=self._desk.about)
        words = self._words(about)
        rows = [_of(row, _BELIEF) for row in found if _mentions(row, ("statement", "subject", "object"), words)]
        return {"count": len(rows), "beliefs": Page.of(rows, offset)}

    @reads(reveals=True)
    def get_theories(self, offset: Offset = 0) -> dict[str, Any]:
        """Give the explanations that predict, and how their predictions have fared.

        Args:
            offset: How many entries to skip.
        """
        rows = [_of(row, _THEORY) for row in self._desk.memory.get_theories(model=self._desk.about)]
        return {"count": len(rows), "theories": Page.of(rows, offset)}

    @reads(reveals=True)
    def get_patterns(
        self,
        kind: Literal[
            "", "effect", "impact", "comodification", "cochange", "sequence", "metric_pair", "trend", "threshold"
        ] = "",
        offset: Offset = 0,
    ) -> dict[str, Any]:
        """Give the claims that survived being looked at, strongest evidence first, with effects and 95 % intervals.

        Args:
            kind: Only of this kind; empty for all.
            offset: How many entries to skip.
        """
        rows = [_of(row, _PATTERN) for row in self._desk.memory.patterns(kind or None, model=self._desk.about)]
        return {"count": len(rows), "patterns": Page.of(rows, offset)}

    @reads(reveals=True)
    def get_architectural_facts(self, offset: Offset = 0) -> dict[str, Any]:
        """Give what looked like a law and is architecture: ties and overlaps, and correlations dropped for them.

        Args:
            offset: How many entries to skip.
        """
        rows = [_of(row, _FACT) for row in self._desk.memory.architectural_facts(model=self._desk.about)]
        return {"count": len(rows), "facts": Page.of(rows, offset)}

    @reads(reveals=True)
    def explain(self, identity: Name) -> dict[str, Any]:
        """Say why something is believed: its claim, its numbers, and the very events it comes from.

        Args:
            identity: A belief_id, theory_id or pattern_id, as other answers give them.
        """
        return {"identity": identity, "explanation": str(self._desk.memory.evidence(identity))}

    @reads()
    def get_metrics(self, metric: Name = "", offset: Offset = 0) -> dict[str, Any]:
        """Give the evaluations on record, newest first.

        Args:
            metric: Only those that measured this; empty for all.
            offset: How many entries to skip.
        """
        desk = self._desk
        desk.catch_up(WRITTEN)
        found = last_evaluations(
            desk.memory.store.database, metric=metric or None, model=desk.about, limit=_ASKED + 1, offset=offset
        )
        rows = [
            {
                **desk.place(measured[0].position),
                "act": measured[0].act_id,
                "sample": measured[0].sample,
                "metrics": {row.metric: row.value if row.special is None else row.special for row in measured},
            }
            for measured in found[:_ASKED]
        ]
        return {"evaluations": Page(rows, offset, more=len(found) > _ASKED)}

    def _words(self, about: str) -> tuple[str, ...]:
        """Give what a text may say of a thing: its name, and every other name of the same bytes."""
        if not about:
            return ()
        live = self._desk.live
        others = live.sharing.coupled(about) if live is not None and about in live.sharing.names else ()
        return tuple(each.lower() for each in (about, *others))


def _of(row: Any, kept: tuple[str, ...]) -> dict[str, Any]:
    """Give the columns that are told, but those without a value."""
    told = as_mapping(row)
    return {name: told[name] for name in kept if told.get(name) is not None}


def _mentions(row: Any, columns: tuple[str, ...], words: tuple[str, ...]) -> bool:
    told = as_mapping(row)
    said = " ".join(str(told.get(name) or "") for name in columns).lower()
    return not words or any(word in said for word in words)
