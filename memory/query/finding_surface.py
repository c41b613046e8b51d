"""Questions that look for something in the record, as the users of a memory know them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Table

from memory.projections.knowledge_tables import beliefs, patterns, theories
from memory.projections.runner import ProjectionRunner
from memory.projections.tables import modifications, observations
from memory.query import claims, narrowing
from memory.query.deciding_surface import DecidingSurface
from memory.query.modifications import WantedWrites, query_modifications
from memory.query.observations import (
    OBSERVATION_TYPES,
    Wanted,
    observation_at,
    observation_statistics,
    query_observations,
)
from memory.query.results import QueryResult
from memory.query.search import Found, search
from memory.query.search_terms import Terms
from memory.store.log import EventStore

_SAID = {"observations", "modifications", "safety", "weight_history", "search", "knowledge"}
"""The projections whose tables hold what is said in words."""


class FindingSurface(DecidingSurface):
    """The part of `memory.MemorySystem` and of `memory.query` that finds."""

    _store: EventStore
    _runner: ProjectionRunner

    def query_observations(
        self,
        obs_type: str | None = None,
        category: str | None = None,
        tags: Sequence[str] = (),
        *,
        tags_match: Literal["all", "any"] = "all",
        min_importance: float = 0.0,
        start_time: datetime | str | None = None,
        end_time: datetime | str | None = None,
        text: str | None = None,
        limit: int | None = 100,
        offset: int = 0,
        before: int | None = None,
        include_obsolete: bool = False,
        model: str | None = None,
    ) -> QueryResult:
        """Give observations that are all of what is asked, as rows with the columns of table `observations`.

        The newest first: as they were recorded, or, with a time asked for, as they happened. It takes the same time at
        any length of the record. `memory.query(...)` is the same.

        Args:
            obs_type: One of `ObservationType`.
            category: The writer's own category.
            tags: Tags.
            tags_match: Whether `all` of them, or `any`.
            min_importance: The least importance.
            start_time: Only what happened from then on: an aware time, or ISO text (UTC where it names no zone).
            end_time: Only what happened up to then.
            text: Only what has these words: see `search_text`.
            limit: At most so many; None for as many as one question gives (10,000).
            offset: How many to pass over; `before` costs nothing, this costs their number.
            before: The position of the last row of the page before this one.
            include_obsolete: Whether to give retracted ones too; corrected ones are always given, as they are now.
            model: Only of this model.

        Raises:
            InvalidArgument: Something cannot be asked for.
        """
        narrowing.check_one_of("obs_type", obs_type, OBSERVATION_TYPES)
        narrowing.check_one_of("tags_match", tags_match, ("all", "any"))
        narrowing.check_share("min_importance", min_importance)
        wanted = Wanted(
            obs_type=obs_type,
            category=category,
            tags=narrowing.texts("tags", tags),
            tags_match=tags_match,
            min_importance=min_importance,
            start_time=narrowing.moment_text("start_time", start_time),
            end_time=narrowing.moment_text("end_time", end_time),
            terms=None if text is None else Terms.of(text),
            include_obsolete=include_obsolete,
            model=model,
            before=before,
            limit=narrowing.check_page(limit, offset, before),
            offset=offset,
        )
        position = self._runner.catch_up({"observations", "search"} if text is not None else {"observations"})
        found = query_observations(self._store.database, wanted)
        asked = {
            "obs_type": obs_type,
            "category": category,
            "tags": list(wanted.tags) or None,
            "text": text,
            "model": model,
            "as_of": position,
        }
        return _answer("observations", found, observations, asked)

    def get(self, position: int) -> Any:
        """Give the observation at a position, whatever became of it, as a row with the columns of table `observations`.

        Raises:
            UnknownObservation: There is none.
        """
        self._runner.catch_up({"observations"})
        return observation_at(self._store.database, position)

    def get_recent(self, limit: int = 10, *, model: str | None = None) -> QueryResult:
        """Give the observations recorded last, newest first, as rows with the columns of table `observations`."""
        return self.query_observations(limit=limit, model=model)

    def get_statistics(
        self,
        of: Literal["observations", "patterns", "theories", "beliefs"] = "observations",
        *,
        model: str | None = None,
    ) -> dict[str, Any]:
        """Give how many there are of something, by what tells them apart; `total` is all of them.

        Args:
            of: Observations (`by_type`, `by_category`, `by_status`; the first and last of them), or claims of a kind.
            model: Only of this model.

        Raises:
            InvalidArgument: Nothing of that name is counted.
        """
        if of == "observations":
            self._runner.catch_up({"observations", "counts"})
            return observation_statistics(self._store.database, model)
        self._runner.catch_up({"knowledge"})
        return claims.claim_statistics(self._store.database, of, model)

    def query_modifications(
        self,
        layer: str | None = None,
        *,
        act: str | None = None,
        method: str | None = None,
        since: int | None = None,
        start_time: datetime | str | None = None,
        end_time: datetime | str | None = None,
        coupled: bool | None = None,
        include_retracted: bool = False,
        limit: int | None = 100,
        offset: int = 0,
        before: int | None = None,
        model: str | None = None,
    ) -> QueryResult:
        """Give announced writes that are all of what is asked, newest first, as rows of table `modifications`.

        Args:
            layer: Only those that reached this name: written by it, by an alias of it, or by what overlaps it or is
                computed into it. Or a module path: any name under it.
            act: Only those of this act.
            method: Only those done so.
            since: Only those after this position.
            start_time: Only those from this time on.
            end_time: Only those up to this time.
            coupled: Only those that changed other names too, or only those that did not.
            include_retracted: Whether to give retracted ones too.
            limit: At most so many; None for as many as one question gives (10,000).
            offset: How many to pass over.
            before: The position of the last row of the page before this one.
            model: Only of this model.

        Raises:
            UnknownName: No write ever reached such a layer, and no map knows it.
            InvalidArgument: Something cannot be asked for.
        """
        wanted = WantedWrites(
            layer=layer,
            act=act,
            method=method,
            since=since,
            start_time=narrowing.moment_text("start_time", start_time),
            end_time=narrowing.moment_text("end_time", end_time),
            coupled=coupled,
            include_retracted=include_retracted,
            model=model,
            before=before,
            limit=narrowing.check_page(limit, offset, before),
            offset=offset,
        )
        position = self._runner.catch_up({"modifications", "sharing"})
        found = query_modifications(self._store.database, wanted)
        asked = {"layer": layer, "act": act, "method": method, "since": since, "model": model, "as_of": position}
        return _answer("modifications", found, modifications, asked)

    def query_patterns(
        self,
        kind: str | None = None,
        *,
        status: str | None = "active",
        model: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        **filters: Any,
    ) -> QueryResult:
        """Give patterns that are all of what is asked, strongest evidence first, as rows of table `patterns`.

        Args:
            kind: Only of this kind.
            status: `active`, `weakened`, `retracted`; None for every one ever claimed.
            model: Only of this model.
            since: Only those that last changed after this position.
            limit: At most so many.
            filters: `subject`, `object`, `method`, `grade`, `direction`, `dose`, `storage_id`: what the column is;
                `min_support`, `min_e_value`; `contains`: words that the subject has.

        Raises:
            InvalidArgument: Something cannot be asked for.
        """
        return self._claims(patterns, status, model, since, limit, filters | {"kind": kind})

    def query_theories(
        self,
        theory_type: str | None = None,
        *,
        status: str | None = "active",
        model: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        **filters: Any,
    ) -> QueryResult:
        """Give theories that are all of what is asked, best proven first, as rows of table `theories`.

        Args:
            theory_type: Only of this type.
            status: `active`, `weakened`, `retracted`; None for every one there ever was.
            model: Only about this model, or about every model.
            since: Only those that last changed after this position.
            limit: At most so many.
            filters: `source`, `pattern_id`, `proposed_by`; `min_predictions`, `min_log_score_gain`; `contains`: words
                that the hypothesis has.

        Raises:
            InvalidArgument: Something cannot be asked for.
        """
        return self._claims(theories, status, model, since, limit, filters | {"theory_type": theory_type})

    def query_beliefs(
        self,
        belief_type: str | None = None,
        *,
        status: str | None = "active",
        model: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        **filters: Any,
    ) -> QueryResult:
        """Give beliefs that are all of what is asked, firmest first, as rows of table `beliefs`.

        Args:
            belief_type: Only of this type.
            status: `active`, `weakened`, `retracted`; None for every one there ever was.
            model: Only about this model, or about every model.
            since: Only those that last changed after this position.
            limit: At most so many.
            filters: `strength`, `source`, `asserted_by`, `theory_id`, `kind`, `subject`, `object`, `direction`,
                `grade`; `min_credence` (or `min_confidence`), `min_importance`; `tags`: all of them; `contains`: words
                that the statement has.

        Raises:
            InvalidArgument: Something cannot be asked for.
        """
        return self._claims(beliefs, status, model, since, limit, filters | {"belief_type": belief_type})

    def _claims(
        self,
        table: Table,
        status: str | None,
        model: str | None,
        since: int | None,
        limit: int | None,
        filters: dict[str, Any],
    ) -> QueryResult:
        most = narrowing.check_page(limit, 0, since)
        position = self._runner.catch_up({"knowledge"})
        found = claims.query_claims(
            self._store.database, table, status=status, model=model, since=since, limit=most, filters=filters
        )
        return _answer(table.name, found, table, {"status": status, "model": model, "as_of": position, **filters})

    def search_text(
        self,
        text: str,
        *,
        limit: int | None = 20,
        kinds: Sequence[str] | None = None,
        model: str | None = None,
        include_obsolete: bool = False,
    ) -> QueryResult:
        """Give what the record says in words of what is looked for, best first, as `Found`.

        Words apart by spaces must all be there, in any order; `"words in quotes"` in that order, and so the parts of a
        name: `down_proj`, `layers.3`; `grad*` is any word that begins so; `-word` must not be there. Other signs only
        stand between words: nothing is a mistake of syntax. Both engines find the same.

        Of observations, writes, alerts, checkpoints and aborted edits the newest 200 of each that have the words are
        ranked, of beliefs, theories, patterns and facts of architecture the firmest 200: it takes the same time at any
        length of the record.

        Args:
            text: What to look for.
            limit: At most so many.
            kinds: Only these kinds: `observation`, `modification`, `alert`, `checkpoint`, `aborted`, `belief`,
                `theory`, `pattern`, `fact`.
            model: Only of this model; beliefs and theories about every model too.
            include_obsolete: Whether to find what was retracted too; its `status` says so.

        Raises:
            InvalidArgument: There is no word to look for, or no such kind.

        Example:
            >>> from memory import MemorySystem
            >>> with MemorySystem(":memory:") as memory:
            ...     _ = memory.record_observation("behavior", "drift", "the norm of down_proj grew")
            ...     (found,) = memory.search_text("down_proj grew", kinds=["observation"])
            >>> found.snippet
            'the norm of [down]_[proj] [grew]'
        """
        most = narrowing.check_page(limit, 0, None)
        position = self._runner.catch_up(_SAID)
        found = search(
            self._store.database, text, limit=most, kinds=kinds, model=model, include_obsolete=include_obsolete
        )
        asked = {"question": "search", "text": text, "kinds": kinds, "model": model, "as_of": position}
        return QueryResult(found, columns=Found.__slots__, metadata=asked)


def _answer(question: str, rows: list[Any], table: Table, asked: dict[str, Any]) -> QueryResult:
    told = {name: value for name, value in asked.items() if value is not None}
    return QueryResult(rows, columns=table, metadata={"question": question, **told})
