"""Writes histories of a model down as events, without a model: what the tests of the projections fold."""

from __future__ import annotations

import datetime
import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Table, select

from introspection.sharing import SharingMap
from memory.events.amendments import Amendment, Correction, Retraction
from memory.events.codec import encode
from memory.events.envelope import (
    MEMORY_STREAM,
    AppendOfEvent,
    KindOfEvent,
    NewEvent,
    StoredEvent,
    model_of,
    model_stream,
    to_microseconds,
)
from memory.events.knowledge import BeliefAsserted, TheoryProposed, ValidationRecorded
from memory.events.models import ModelAttached, plain_map
from memory.events.modifications import EditAborted, Restored, UnattributedWrite
from memory.events.observations import LayerStatisticsRecorded, MetricDefined, MetricsRecorded, Observation
from memory.events.registry import Payload
from memory.projections.base import Projection
from memory.projections.catalogue import PROJECTIONS
from memory.projections.finding_tables import search_entries
from memory.projections.knowledge.stated import theory_identity
from memory.recording.acts import Coin
from memory.recording.attached import AttachedModel
from memory.recording.writes import Dose, WriteDetails, write_event
from memory.store import EventStore

_STATED = (TheoryProposed, BeliefAsserted, ValidationRecorded)
NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
Rows = list[dict[str, Any]]


def sharing(names: Iterable[str], *groups: Sequence[str], **relations: Any) -> SharingMap:
    """Make a map of names, of which the groups are tied."""
    return SharingMap.from_relations(names=list(names), same=groups, **relations)


@dataclass
class History:
    """Events in order, told in the words of the recording API; one or several models known by their maps alone."""

    events: list[NewEvent] = field(default_factory=list)
    models: dict[str, AttachedModel] = field(default_factory=dict)

    def attach(self, names: SharingMap, model: str = "m") -> None:
        self.models[model] = AttachedModel(model, names, None)
        self.add(ModelAttached(model=model, sharing=plain_map(names.to_json()), digest=names.digest), model)

    def change(self, names: SharingMap, kept: Mapping[str, str] | None = None, model: str = "m") -> None:
        event = self.models[model].adopt(names)
        self.add(event.model_copy(update={"kept": None if kept is None else dict(kept)}), model)

    def define(
        self,
        metric: str,
        smallest: float = 0.0,
        of: Sequence[str] = (),
        model: str | None = None,
        better: Literal["lower", "higher"] | None = None,
    ) -> None:
        about: dict[str, Any] = {"model": model, "name": metric, "derived_from": tuple(of)}
        self.add(MetricDefined(**about, smallest_effect=smallest, better=better), model)

    def metrics(
        self, act: str | None, values: Mapping[str, float], sample: str | None = None, model: str | None = "m"
    ) -> None:
        self.add(MetricsRecorded(model=model, metrics=dict(values), sample=sample), model, act)

    def statistics(self, statistic: str, values: Mapping[str, float], model: str = "m") -> None:
        self.add(LayerStatisticsRecorded(model=model, statistic=statistic, values=dict(values)), model)

    def note(self, text: str, category: str = "note", *, model: str | None = None, act: str | None = None) -> None:
        self.add(Observation(model=model, obs_type="behavior", category=category, description=text), model, act)

    def write(
        self,
        act: str | None,
        name: str,
        dose: float | None = 1.0,
        *,
        coin: bool = True,
        propensity: float = 0.5,
        model: str = "m",
        changed: bool | None = None,
        known: bool = True,
        method: str | None = "scale",
        number: int | None = None,
        **details: Any,
    ) -> None:
        value = int(dose) if isinstance(dose, Coin) else dose
        flipped = coin and dose is not None
        told = Dose(value, flipped, propensity if flipped else None, number if flipped else None)
        rest = WriteDetails(method=method, **details)
        event = write_event(self.models[model], name, rest, told, act=act, known=known)
        self.add(event.model_copy(update={"changed": changed}), model, act)

    def revert(self, act: str, name: str, *, by: str | None = None, model: str = "m") -> None:
        self.write(by, name, None, coin=False, method="revert", reverts=act, model=model)

    def restored(self, model: str = "m") -> None:
        self.add(Restored(model=model), model)

    def unannounced(self, name: str, model: str = "m") -> None:
        self.add(
            UnattributedWrite(
                model=model,
                storage_key=name,
                affected=self.models[model].affected(name),
                fingerprint_expected="aa",
                fingerprint_found="bb",
                found_by="verify",
            ),
            model,
        )

    def aborted(self, act: str | None, name: str, *, restored: bool, model: str = "m") -> None:
        event = EditAborted(model=model, primary_layer=name, storage_key=name, error="ValueError", restored=restored)
        self.add(event, model, act)

    def experiment(
        self, act: str, name: str, sign: float, before: Mapping[str, float], after: Mapping[str, float], **write: Any
    ) -> None:
        """One whole act: baseline, one write, outcome."""
        model = write.get("model", "m")
        self.metrics(act, before, f"sample of {act}", model)
        self.write(act, name, sign, **write)
        self.metrics(act, after, f"sample of {act}", model)

    @property
    def last(self) -> int:
        """The position of the event told last."""
        return len(self.events)

    def retract(self, position: int, reason: str = "it was wrong") -> None:
        self._amend(Retraction, position, reason)

    def correct(self, position: int, data: Any, reason: str = "it was wrong") -> None:
        self._amend(Correction, position, reason, data=data)

    def _amend(self, cls: type[Amendment], position: int, reason: str, **data: Any) -> None:
        target = self.events[position - 1]
        model = model_of(target.stream)
        about = {"model": model, "position": position, "target_type": target.payload.event_type}
        self.add(cls(**about, reason=reason, **data), model)

    def add(self, payload: Payload, model: str | None, act: str | None = None) -> None:
        stream = MEMORY_STREAM if model is None else model_stream(model)
        self.events.append(NewEvent(payload=payload, stream=stream, act_id=act, occurred_at=NOON))

    def stored(self, first: int = 1) -> list[tuple[StoredEvent, Payload]]:
        """Give the events as a ledger would hold them, from a position on."""
        return [(_stored(event, position), event.payload) for position, event in enumerate(self.events, start=first)]


@dataclass
class Wander:
    """A long random history of two models, with everything in it that breaks a naive log.

    What happens depends on the seed alone; under which names it is told, on the rest.
    """

    seed: int
    acts: int
    prefix: str = ""
    """Put before every name; order-preserving."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Another name for some of the names."""
    alias: str = "given"
    """Which of a storage's names a write is told under: the `given` one, the `first`, the `last`, or `each` in turn."""
    changing: bool = True
    """Whether ties are made and cut on the way."""
    amended: float = 0.02
    """How many amendments there are for each act."""
    history: History = field(default_factory=History)

    def tell(self) -> History:
        """Write the history down."""
        draw, amending = random.Random(self.seed), random.Random(f"amending {self.seed}")
        self._aside = random.Random(f"aside {self.seed}")
        self._records: list[list[int]] = []
        self._now = [("embed", "head"), ("up",), ("down",), ("q",), ("k", "kk", "kkk")]
        self._attach("m")
        self._attach("n")
        self.history.define("loss", 0.01, better="lower")
        for number in range(self.acts):
            self._meanwhile(draw)
            self._act(draw, f"act {number}", fading=number > 0.6 * self.acts)
            if amending.random() < self.amended:
                self._amend(amending)
        return self.history

    def _called(self, name: str) -> str:
        return self.prefix + self.names.get(name, name)

    def _map(self) -> SharingMap:
        names = [self._called(name) for group in self._now for name in group]
        groups = [[self._called(name) for name in group] for group in self._now if len(group) > 1]
        overlap = [(self._called("q"), self._called("down"))] if ("down",) in self._now else []
        return sharing([*names, self._called("g")], *groups, partial=overlap, derived={self._called("w"): [names[0]]})

    def _attach(self, model: str) -> None:
        self.history.attach(self._map(), model)

    def _act(self, draw: random.Random, act: str, fading: bool) -> None:
        told, model = self.history, draw.choice(("m", "m", "m", "n"))
        group, given = draw.choice([self._now[0], self._now[1], *self._now]), draw.randrange(3)
        kind = draw.choices(("coin", "lopsided", "none", "noise", "zeroed", "two", "placebo"), (30, 1, 2, 2, 1, 1, 1))[
            0
        ]
        sign = draw.choice((1.0, -1.0))
        before = {metric: draw.gauss(2.0, 1.0) for metric in ("loss", "accuracy")}
        size = 1.0 if draw.random() < 0.95 else 0.5
        odd = 3.0 * size * sign if group[0] in ("embed", "k") and not (fading and model == "m") else 0.0
        after = {"loss": before["loss"] + odd + draw.gauss(0, 0.7)}
        after["accuracy"] = before["accuracy"] + (2.5 if group[0] == "up" else 0.0) + draw.gauss(0, 0.7)
        if draw.random() < 0.04:
            after[draw.choice(("loss", "accuracy"))] = draw.choice((math.nan, math.inf, -math.inf, 1e308))
        for values in (before, after):
            values["perplexity"] = math.exp(min(values["loss"], 50.0)) if values["loss"] == values["loss"] else math.nan
        if self._aside.random() < 0.95:
            told.metrics(act, before, act, model)
            self._amendable(told.last)
        if kind == "lopsided":
            self._write(act, group, given, sign * size, model, propensity=0.8 if sign > 0 else 0.2)
        elif kind == "none":
            self._write(act, group, given, sign * size, model, coin=False)
        elif kind == "noise":
            self._write(act, group, given, size, model, coin=False, method="noise")
        elif kind == "zeroed":
            self._write(act, group, given, None, model, coin=False, method=None)
        elif kind != "placebo":
            self._write(act, group, given, sign * size, model, number=1)
            if kind == "two":
                others = [other for other in self._now if other != group]
                number = self._aside.choice((1, 2))
                other_sign = sign if number == 1 else self._aside.choice((1.0, -1.0))
                self._write(act, draw.choice(others), given, other_sign * size, model, number=number)
            if group[0] == "down" and self._aside.random() < 0.8:
                self._write(act, ("g",), 0, self._aside.choice((1.0, -1.0)), model, number=3)
        else:
            self._write(act, group, given, 0.0, model)
        if draw.random() < 0.95:
            told.metrics(act, after, act, model)
            self._amendable(told.last)
            if self._aside.random() < 0.03:
                told.metrics(act, after, act, model)
        if after["loss"] > 4.0 or self._aside.random() < 0.05:
            told.note("loss is high", "alarm", model=model)
            self._amendable(told.last)
        if draw.random() < 0.5:
            told.revert(act, self._name(group, given), model=model)
            self._amendable(told.last)
        if draw.random() < 0.3:
            values = {self._called(name): draw.gauss(0, 1) for name in ("up", "q", "ghost")}
            # A second name of `up` that no map knows, and storages whose statistics move together.
            values[self._called("stray")] = values[self._called("up")]
            values[self._called("g")] = values[self._called("q")] + self._aside.gauss(0, 0.3)
            told.statistics("norm", values | {self._called(name): after["loss"] for name in self._now[0]}, model)
            self._amendable(told.last)

    def _name(self, group: Sequence[str], given: int) -> str:
        at = {"first": 0, "last": len(group) - 1}.get(self.alias, given % len(group))
        return self._called(group[at])

    def _write(self, act: str, group: Sequence[str], given: int, dose: float | None, model: str, **how: Any) -> None:
        if self.alias != "each":
            self.history.write(act, self._name(group, given), dose, model=model, **how)
            self._amendable(self.history.last)
            return
        for name in group:
            self.history.write(act, self._called(name), dose, model=model, per_name=True, **how)
        self._amendable(*range(self.history.last - len(group) + 1, self.history.last + 1))

    def _meanwhile(self, draw: random.Random) -> None:
        """Let something happen between two acts."""
        told, chance = self.history, draw.random()
        if chance < 0.015 and self.changing:
            self._retie(draw)
        elif chance < 0.03:
            told.define("perplexity", of=draw.choice((["loss"], [])), model=draw.choice((None, "m")))
        elif chance < 0.035:
            told.define("accuracy", draw.choice((0.0, 0.02)))
        elif chance < 0.05:
            told.restored(draw.choice("mn"))
        elif chance < 0.06:
            told.unannounced(self._called("up"), draw.choice("mn"))
        elif chance < 0.07:
            told.attach(self._map(), "m")
        elif chance < 0.08:
            told.write("odd", self._called("ghost"), per_name=True, known=False)
        elif chance < 0.09:
            told.aborted(None, self._called("up"), restored=draw.random() < 0.5)
        elif chance < 0.12:
            told.metrics(draw.choice((None, "act 3")), {"loss": draw.gauss(2, 1)}, None, draw.choice((None, "m")))
        elif chance < 0.14:
            told.note("something")
            self._amendable(told.last)
        if self._aside.random() < 0.04:
            self._state_something()

    def _state_something(self) -> None:
        """Let somebody propose a theory, hold a belief, or say what came of one."""
        draw, told = self._aside, self.history
        model, words = draw.choice((None, "m")), f"it is so {draw.randrange(3)}"
        theory = TheoryProposed(model=model, theory_type="causal_model", hypothesis=words, direction=1)
        belief = BeliefAsserted(model=model, belief_type="heuristic", statement=words, credence=0.9)
        outcome = {"rests_on": draw.choice(self._records)[0] if self._records else None, "value": draw.gauss(1.0, 1.0)}
        met = ValidationRecorded(model=model, target_kind="theory", target=theory_identity(theory), **outcome)
        told.add(draw.choice((theory, belief, met)), model)
        self._amendable(told.last)

    def _amendable(self, *positions: int) -> None:
        """Take note of a record that may turn out wrong: one event, or one for each name."""
        self._records.append(list(positions))

    def _amend(self, draw: random.Random) -> None:
        """Take back what was said, mostly lately, or say what is right; now and then once more."""
        count = len(self._records)
        if draw.random() < 0.25:
            # Whatever was measured lately went wrong: this is what takes a young claim down.
            for position, *_ in self._records[-30:]:
                if isinstance(self.history.events[position - 1].payload, MetricsRecorded):
                    self.history.retract(position)
            return
        lately = draw.random() < 0.6
        positions = self._records[draw.randrange(max(0, count - 25) if lately else 0, count)]
        notes = [each for each in self._records if isinstance(self.history.events[each[0] - 1].payload, Observation)]
        stated = [each for each in self._records if isinstance(self.history.events[each[0] - 1].payload, _STATED)]
        if notes and draw.random() < 0.15:
            positions = draw.choice(notes)
        elif stated and draw.random() < 0.25:
            positions = draw.choice(stated)
        target = self.history.events[positions[0] - 1].payload
        wrong, new, again = draw.random() < 0.5, draw.gauss(2.0, 2.0), draw.random() < 0.2
        correctable = isinstance(target, MetricsRecorded | LayerStatisticsRecorded | Observation)
        for _ in range(2 if again else 1):
            for position in positions:
                if not (wrong and correctable):
                    self.history.retract(position)
                elif isinstance(target, Observation):
                    self.history.correct(position, {"seen": new})
                else:
                    numbers = target.metrics if isinstance(target, MetricsRecorded) else target.values
                    self.history.correct(position, {next(iter(numbers)): draw.choice((new, math.nan))})

    def _retie(self, draw: random.Random) -> None:
        """Cut a tie, or make one."""
        at = draw.randrange(len(self._now))
        group = self._now[at]
        if len(group) > 1:
            self._now[at : at + 1] = [group[:1], group[1:]]
        else:
            other = self._now.pop(at - 1)
            at = self._now.index(group)
            self._now[at] = tuple(sorted(group + other))
        for model in "mn":
            self.history.change(self._map(), model=model)


def _stored(event: NewEvent, position: int) -> StoredEvent:
    moment = to_microseconds(event.occurred_at or NOON)
    append = AppendOfEvent(position.to_bytes(32, "big"), position, to_microseconds(NOON), None, None)
    kind = KindOfEvent(event.payload.event_type, event.payload.schema_version)
    told = event.act_id, None, encode(event.payload)
    return StoredEvent(position, append, event.stream, position, kind, moment, *told)


class Log:
    """What folds ask about events, without a database."""

    def __init__(self, events: Iterable[tuple[StoredEvent, Payload]]) -> None:
        self._events = list(events)

    def payload(self, event: StoredEvent) -> Payload:
        return event.payload

    def fields(self, event: StoredEvent) -> dict[str, Any]:
        return event.fields

    def past(self, position: int, types: tuple[type[Payload], ...], after: int = 0) -> Iterator[StoredEvent]:
        told = (event for event, payload in self._events if isinstance(payload, types))
        return (event for event in told if after < event.position < position)


def fold(
    projection: Projection,
    events: Sequence[tuple[StoredEvent, Payload]],
    log: Sequence[tuple[StoredEvent, Payload]] | None = None,
) -> Projection:
    """Fold events into a projection, without a database.

    Args:
        projection: What to fold into.
        events: The events.
        log: All events there are, where it folds only some of them.
    """
    contents = Log(events if log is None else log)
    for event, payload in events:
        if isinstance(payload, projection.folds):
            projection.fold(event, contents)
    return projection


def flushed(projection: Projection) -> dict[str, Rows]:
    """Give the rows a fold writes, by table, from a database in memory."""
    with EventStore.open(":memory:") as store:
        with store.database.writing("projections") as connection:
            projection.flush(connection)
        return {table.name: rows(store, table) for table in projection.tables}


def rows(store: EventStore, table: Table) -> Rows:
    """Give a table's rows in order of its key."""
    with store.database.reading() as connection:
        found = [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]
    if table is search_entries and store.database.dialect == "postgresql":
        found = [row | {"words": _in_order(row["words"])} for row in found]
    return found


def _in_order(vector: str) -> str:
    """Give the words of a tsvector as SQLite holds them: none has a quote or a space."""
    places = [entry.rsplit(":", 1) for entry in vector.split(" ")]
    words = {int(place): word[1:-1] for word, at in places for place in at.split(",")}
    return " ".join(words[place] for place in sorted(words))


def everything(store: EventStore) -> dict[str, Rows]:
    """Give the rows of every table that projections keep."""
    tables = [table for projection in PROJECTIONS for table in projection().tables]
    return {table.name: rows(store, table) for table in tables}
