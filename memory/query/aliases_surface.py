"""Questions by other names: each is a few words over a real one, so that whoever looks for it finds it."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from memory.errors import InvalidArgument, UnknownBelief
from memory.inference.multiplicity import KIND_SHARES
from memory.projections.knowledge_tables import patterns, theories
from memory.query import past_decision, related
from memory.query.beliefs_surface import BeliefsSurface
from memory.query.evidence import Evidence
from memory.query.evidence_surface import EvidenceSurface
from memory.query.explaining import credence_in_words
from memory.query.frames import csv_cell
from memory.query.knowing_surface import KnowingSurface
from memory.query.knowledge import STATUSES
from memory.query.narrowing import check_one_of, check_share, check_whole, texts
from memory.query.past import Pasts
from memory.query.past_decision import DecisionExplained
from memory.query.results import QueryResult
from memory.query.told_events import EventTold, events_at
from memory.query.whole_file import whole_file


class AliasesSurface(KnowingSurface, BeliefsSurface, EvidenceSurface):
    """The part of `memory.MemorySystem` and of `memory.query` that answers by other names."""

    _pasts: Pasts

    # What is found as the record is folded, and needs nobody to look for it

    def detect_patterns(self, pattern_type: str | None = None, *, model: str | None = None) -> QueryResult:
        """Give the patterns there are by now: `patterns`. They are found as events are folded, once, by themselves."""
        return self.patterns(pattern_type, model=model)

    def build_theories(self, *, model: str | None = None) -> QueryResult:
        """Give the theories there are by now: `theories`. Each is born with its pattern."""
        return self.theories(model=model)

    def form_beliefs(self, *, model: str | None = None) -> QueryResult:
        """Give the beliefs there are by now: `beliefs`. Asking again makes none any firmer."""
        return self.beliefs(model=model)

    # Patterns

    def get_pattern(self, pattern_id: str) -> Any:
        """Give one pattern, of whatever status, as a row with the columns of table `patterns`.

        Raises:
            UnknownPattern: There is no such pattern.
        """
        self._runner.catch_up({"knowledge"})
        return related.get_pattern(self._store.database, pattern_id)

    def get_patterns(
        self,
        pattern_type: str | None = None,
        tags: tuple[str, ...] | list[str] = (),
        min_confidence: float = 0.0,
        min_support: int = 0,
        *,
        status: str | None = "active",
        model: str | None = None,
    ) -> QueryResult:
        """Give patterns that are all of what is asked, strongest evidence first, as rows of table `patterns`.

        Args:
            pattern_type: Only of this kind.
            tags: Each is an end, the method or the grade of the pattern: what a pattern is told apart by.
            min_confidence: One minus the largest probability with which so much evidence comes about by accident: 0.95
                asks for E of 20 or more.
            min_support: The least number of outcomes, readings or blocks that were evidence.
            status: `active`, `weakened`, `retracted`; None for every one ever claimed.
            model: Only this model's.

        Raises:
            InvalidArgument: There is no such kind or status, or a number is not from 0 to 1.
        """
        check_one_of("pattern_type", pattern_type, tuple(KIND_SHARES))
        check_one_of("status", status, STATUSES)
        check_share("min_confidence", min_confidence)
        check_whole("min_support", min_support)
        words = texts("tags", tags)
        asked: dict[str, Any] = {
            "question": "get_patterns",
            "pattern_type": pattern_type,
            "tags": words,
            "status": status,
        }
        asked |= {"min_confidence": min_confidence, "min_support": min_support, "model": model}
        position = self._runner.catch_up({"knowledge"})
        rows = related.select_patterns(
            self._store.database,
            kind=pattern_type,
            words=words,
            log_e=related.least_log_e(min_confidence),
            support=min_support,
            status=status,
            model=model,
        )
        return QueryResult(rows, columns=patterns, metadata=asked | {"as_of": position})

    def find_related_patterns(self, pattern_id: str, *, status: str | None = "active") -> QueryResult:
        """Give the other patterns that have a tensor, metric or category in common with one, strongest evidence first.

        Raises:
            UnknownPattern: There is no such pattern.
        """
        position = self._runner.catch_up({"knowledge"})
        rows = related.related_patterns(self._store.database, pattern_id, status)
        asked = {"question": "find_related_patterns", "pattern_id": pattern_id, "status": status, "as_of": position}
        return QueryResult(rows, columns=patterns, metadata=asked)

    def find_patterns_from_observations(self, positions: int | list[int] | tuple[int, ...]) -> QueryResult:
        """Give the patterns whose evidence any of some events is part of, strongest evidence first, of every status.

        Of patterns about the same things all evidence is walked up to those events, unless it is among what tells most.

        Args:
            positions: Positions of observations, metrics, readings or writes.

        Raises:
            InvalidArgument: They are no positions.
        """
        wanted = list(positions) if isinstance(positions, Iterable) else [positions]
        for each in wanted:
            check_whole("positions", each)
        self._runner.catch_up()
        position = self._runner.catch_up({"knowledge"})
        rows = related.patterns_bearing(self._store, wanted, self.evidence)
        asked = {"question": "find_patterns_from_observations", "positions": wanted, "as_of": position}
        return QueryResult(rows, columns=patterns, metadata=asked)

    # Theories and beliefs

    def find_theories_from_patterns(self, pattern_ids: str | list[str] | tuple[str, ...]) -> QueryResult:
        """Give the theories that were composed from any of some patterns, best proven first."""
        wanted = list(texts("pattern_ids", pattern_ids))
        position = self._runner.catch_up({"knowledge"})
        rows = related.theories_of(self._store.database, wanted)
        asked = {"question": "find_theories_from_patterns", "pattern_ids": wanted, "as_of": position}
        return QueryResult(rows, columns=theories, metadata=asked)

    def find_theories_supporting_belief(self, belief_id: str) -> QueryResult:
        """Give the theory that a belief was formed from, then others composed from the same patterns.

        Raises:
            UnknownBelief: There is no such belief.
        """
        position = self._runner.catch_up({"knowledge"})
        rows = related.theories_supporting(self._store.database, belief_id)
        asked = {"question": "find_theories_supporting_belief", "belief_id": belief_id, "as_of": position}
        return QueryResult(rows, columns=theories, metadata=asked)

    def find_contradictions(self, *, model: str | None = None) -> QueryResult:
        """Give the active beliefs that contradict each other: `detect_conflicts`."""
        return self.detect_conflicts(model=model)

    # Why

    def trace_to_evidence(self, identity: str) -> Evidence:
        """Give what a pattern, theory or belief rests on: `evidence`."""
        return self.evidence(identity)

    def trace_belief_to_observations(self, belief_id: str, limit: int | None = 100) -> QueryResult:
        """Give the very events that a belief rests on, oldest first, each with its time, its act and what happened.

        Args:
            belief_id: Which.
            limit: At most so many events; None: every one, however many there are. `metadata["more"]` says whether
                there are others.

        Raises:
            UnknownBelief: There is no such belief.
        """
        if not (isinstance(belief_id, str) and belief_id.startswith("belief-")):
            raise UnknownBelief(belief_id)
        evidence = self.evidence(belief_id)
        found: dict[int, EventTold] = {}
        more = False
        for bearing in evidence.rest():
            for what, event in evidence.events(bearing):
                more = more or (limit is not None and len(found) >= limit and event.position not in found)
                if not more:
                    told = EventTold.of(event, what, bearing.in_words() if event.position == bearing.position else "")
                    found.setdefault(event.position, told)
            if more:
                break
        rows = [found[position] for position in sorted(found)]
        asked = {"question": "trace_belief_to_observations", "belief_id": belief_id, "more": more}
        asked |= {"as_of": self._runner.catch_up({"knowledge"})}
        return QueryResult(rows, columns=EventTold.__slots__, metadata=asked)

    def why_belief_formed(self, belief_id: str) -> str:
        """Say in a few sentences when and by which event a belief was formed, and how its theory stood by then.

        `explain_belief` says how it stands now, and what speaks for it; `query.as_of` what was known then.

        Raises:
            UnknownBelief: There is no such belief.
        """
        belief = self.get_belief(belief_id)
        said = [belief.statement if belief.statement.endswith(".") else f"{belief.statement}."]
        if belief.first_position == 0:
            said.append("It ships with every record, and was formed of nothing in it.")
            return " ".join(said)
        first = next(iter(self.belief_history(belief_id)), belief)
        position, reason = belief.first_position, getattr(first, "reason", "the sharing map says so")
        event_type, moment, act = events_at(self._store.database, [position])[position]
        of_act = f" of act {act}" if act else ""
        said.append(
            f"It was formed at position {position} ({event_type}{of_act}, {moment}), with a credence of "
            f"{credence_in_words(first.credence)}: {reason}."
        )
        if belief.theory_id is not None:
            theory = self.get_theory(belief.theory_id)
            met, hits = related.fared_until(self._store.database, belief.theory_id, position)
            said.append(
                f"Its theory {theory.theory_id} was born at position {theory.first_position}; as the record is now, it "
                f"had predicted {met} outcomes by then before they came, and {hits} came as said."
            )
        return " ".join(said)

    def explain_decision(self, act: str | int) -> DecisionExplained:
        """Say of an edit that was made what was believed about it just before, what safety said, and what followed.

        Of one that is only thought of, `get_decision_support` says what is known. It costs what `query.as_of` of the
        position before its first write costs.

        Args:
            act: The name of an act, or the position of a write.

        Raises:
            InvalidArgument: There is no announced write of that act, or at that position.
        """
        self._runner.catch_up()
        act_id, writes = past_decision.writes_of(self._store.database, act)
        with self._pasts.at(writes[0].position - 1) as then:
            return past_decision.explained_decision(self._store, then.store, act_id, writes)

    # Files

    def export_patterns(
        self, path: str | os.PathLike[str], *, status: str | None = None, model: str | None = None
    ) -> Path:
        """Write patterns to a file of JSON, CSV or Parquet, as its name ends; give the file."""
        return _exported(self.patterns(status=status, model=model), path)

    def export_theories(
        self, path: str | os.PathLike[str], *, status: str | None = None, model: str | None = None
    ) -> Path:
        """Write theories to a file of JSON, CSV or Parquet, as its name ends; give the file."""
        return _exported(self.theories(status=status, model=model), path)

    def export_beliefs(
        self, path: str | os.PathLike[str], *, status: str | None = None, model: str | None = None
    ) -> Path:
        """Write beliefs to a file of JSON, CSV or Parquet, as its name ends; give the file."""
        return _exported(self.beliefs(status=status, model=model), path)


def _exported(answer: QueryResult, path: str | os.PathLike[str]) -> Path:
    """Write an answer to a file, which appears when it is whole."""
    if not isinstance(path, str | os.PathLike):
        raise InvalidArgument("path", path, "it is the name of a file, which ends in .json, .csv or .parquet")
    place = Path(path)
    if place.suffix == ".parquet":
        answer.to_parquet(place)
    elif place.suffix == ".json":
        with whole_file(place) as beside:
            beside.write_text(json.dumps(answer.to_dicts(), ensure_ascii=False, indent=2), encoding="utf-8")
    elif place.suffix == ".csv":
        with whole_file(place) as beside, beside.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(answer.metadata["columns"])
            writer.writerows([csv_cell(value) for value in row.values()] for row in answer.to_dicts())
    else:
        raise InvalidArgument("path", str(path), "its name ends in .json, .csv or .parquet")
    return place
