"""Questions that sum up: should I do this, what is there, what matters, what was learned."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from memory.errors import InvalidArgument
from memory.projections.runner import ProjectionRunner
from memory.query import narrowing
from memory.query.briefing import Briefing, Learned, briefing, learned_since, position_before
from memory.query.decision_facts import HeldTrue
from memory.query.decisions import DecisionSupport, decide
from memory.query.overview import MemoryOverview, overview, statistics
from memory.query.results import QueryResult
from memory.query.topic import Knowledge, known_about
from memory.store.log import EventStore


class DecidingSurface:
    """The part of `memory.MemorySystem` and of `memory.query` that sums up."""

    _store: EventStore
    _runner: ProjectionRunner

    def get_decision_support(self, context: Mapping[str, Any] | str) -> DecisionSupport:
        """Say what bears on an edit that somebody thinks of: should I do this? Records nothing, needs no live model.

        What it would reach, what writes to the same storage are known to do to the metrics (with intervals), what is
        believed about it, what came of the likest edits that were made, how many were denied or failed, and what stops
        the model; with a recommendation (`go`, `caution`, `stop`, `unknown`) and its reasons, each with the claims and
        events that it rests on. `memory.safety.check_modification` says what the rules of safety make of it.

        Args:
            context: Such as `{"action": "modify", "layer": name, "method": "scale", "dose": 1.0, "metric": "loss"}`;
                each of it may be left out, `model` and `words` may be said too. Or words.

        Raises:
            InvalidArgument: The context cannot be understood.
            UnknownName: The model has no such tensor or module.
            UnknownModel: Nothing is on record of the model that is named.
            AmbiguousModel: A layer is named, several models are on record, and none is named.
        """
        self._runner.catch_up(_DECIDES)
        return decide(self._store.database, context)

    def get_beliefs_for_context(self, context: Mapping[str, Any] | str) -> QueryResult:
        """Give the beliefs that bear on what somebody thinks of, core principles always, as `HeldTrue`.

        Args:
            context: As for `get_decision_support`.
        """
        support = self.get_decision_support(context)
        asked = {"question": "beliefs for a context", "as_of": self._runner.catch_up(_DECIDES)}
        return QueryResult(support.beliefs, columns=HeldTrue.__slots__, metadata=asked)

    def query_for_decision(self, context: Mapping[str, Any] | str) -> QueryResult:
        """Give the beliefs that bear on what somebody thinks of: `get_beliefs_for_context`."""
        return self.get_beliefs_for_context(context)

    def get_memory_overview(self, *, model: str | None = None) -> MemoryOverview:
        """Give what the record holds, at a glance, in the same time at any length of it; of a model, what is its."""
        self._runner.catch_up()
        return overview(self._store.database, model)

    def get_memory_stats(self) -> dict[str, Any]:
        """Give numbers about the record: events by model and type, bytes, and how far each projection has come."""
        self._runner.catch_up()
        return statistics(self._store.database)

    def get_briefing(self, max_items: int = 10, *, model: str | None = None) -> Briefing:
        """Give what whoever goes on with the record should know first, the most pressing before all else.

        Emergency stops; then, each in its turn, critical alerts, what is believed, effects, what architecture explains,
        how the metrics stand, what beliefs changed, important observations, the last writes, core principles.

        Args:
            max_items: At most so many things.
            model: Only what is about this model, or about every model.

        Raises:
            InvalidArgument: It is no whole number from 1 on.
        """
        most = narrowing.check_page(max_items, 0, None)
        self._runner.catch_up()
        return briefing(self._store.database, most, model)

    def what_do_i_know_about(self, topic: str, *, limit: int = 10, model: str | None = None) -> Knowledge:
        """Give what is known about a topic: a tensor, a module, a metric, or words as `search_text` takes them.

        Args:
            topic: What it is about.
            limit: At most so many claims, and so many events.
            model: Only of this model, or about every model.

        Raises:
            InvalidArgument: It has no word.
        """
        most = narrowing.check_page(limit, 0, None)
        self._runner.catch_up()
        return known_about(self._store.database, topic, most, model)

    def what_have_i_learned_recently(
        self, hours: float = 24, *, since: int | None = None, limit: int = 50, model: str | None = None
    ) -> QueryResult:
        """Give what was learned of late, newest first, as `Learned`: beliefs new or changed, new theories and facts.

        Args:
            hours: How far back, by when events were recorded.
            since: Or from which position on.
            limit: At most so many.
            model: Only of this model, or about every model.

        Raises:
            InvalidArgument: A number is none that it can be.
        """
        most = narrowing.check_page(limit, 0, since)
        if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours <= _EVER:
            raise InvalidArgument("hours", hours, f"it is a number of hours, above 0 and at most {_EVER}")
        position = self._runner.catch_up({"knowledge"})
        after = position_before(self._store.database, hours, self._now()) if since is None else since
        found = learned_since(self._store.database, after, most, model)
        asked = {"question": "learned recently", "since": after, "model": model, "as_of": position}
        return QueryResult(found, columns=Learned.__slots__, metadata=asked)

    def _now(self) -> datetime:
        """Give the time that `of late` is counted back from."""
        return datetime.now(UTC)


_DECIDES = {"knowledge", "sharing", "modifications", "metrics", "landmarks", "safety", "weight_history"}
"""The projections whose tables bear on a decision."""
_EVER = 24 * 366 * 50
