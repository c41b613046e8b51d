"""What a model may be told of its own history, line by line, each with what it is worth to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memory.agent.desk import Desk
from memory.agent.told_events import ToldAct, recent_acts
from memory.query.checkpoints import writes_since_checkpoint
from memory.query.written import WRITTEN

if TYPE_CHECKING:
    from memory.safety.surroundings import Alert

SECTIONS = (
    "You",
    "State",
    "Principles",
    "Beliefs",
    "Architecture",
    "Went wrong",
    "Recent acts",
    "Open predictions",
    "Found on the topic",
)
"""In the order they are told in."""
_ACTS, _ALERTS, _BELIEFS, _FACTS, _PREDICTIONS, _FOUND = 20, 40, 40, 40, 10, 10
_ALERT_WORTH = {"emergency": 50.0, "critical": 50.0, "warning": 25.0}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of what a model is told."""

    section: str
    text: str
    worth: float
    """What it is worth, beside the others."""
    first: bool = False
    """Whether it comes before all others, whatever it costs."""


class ContextLines:
    """Gathers what may be told.

    Worth falls with age: what happened before something else of its kind is worth a set share of it.

    Args:
        desk: The record, the model it is about, and what makes words harmless.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._said = desk.harmless.quoted

    def all(self, topic: str | None = None) -> list[Line]:
        """Give every line, in the order of the sections.

        Args:
            topic: What it is to be about: adds what was noticed on it.
        """
        self._desk.catch_up(WRITTEN)
        acts, _ = recent_acts(self._desk.memory.store, model=self._desk.about, limit=_ACTS)
        return [
            *self._identity(),
            *self._state(),
            *self._principles(),
            *self._beliefs(),
            *self._architecture(),
            *self._went_wrong(acts),
            *self._acts(acts),
            *self._predictions(),
            *(() if topic is None else self._found(topic)),
        ]

    def _identity(self) -> Iterator[Line]:
        desk = self._desk
        head = desk.memory.store.head().position
        if desk.about is None:
            yield Line("You", f"no model is attached; the record holds {head} events", 100.0, first=True)
            return
        words = f"you are model {self._said(desk.about)}"
        attached = desk.live
        if attached is None:
            yield Line("You", f"{words}, not attached now; the record holds {head} events", 100.0, first=True)
            return
        kind = "" if attached.architecture is None else f" ({self._said(attached.architecture, 60)})"
        sharing = attached.sharing
        size = f"{len(sharing.names)} names view {len(sharing.storages)} storages"
        yield Line("You", f"{words}{kind}: {size}; the record holds {head} events", 100.0, first=True)

    def _state(self) -> Iterator[Line]:
        desk = self._desk
        model = desk.about
        for stop in desk.memory.safety.emergencies.in_force():
            if model is None or stop.concerns(model):
                words = f"EMERGENCY STOP in force until a person clears it: {self._said(stop.message)}"
                yield Line("State", words, 200.0, first=True)
        if desk.pending:
            yield Line("State", f"{desk.pending} records wait in an open batch, and are not on record yet", 30.0)
        if model is None:
            return
        latest = desk.memory.checkpoints.get_latest_checkpoint(model=model)
        desk.catch_up(("weight_history", "modifications"))
        since = writes_since_checkpoint(desk.memory.store.database, model)
        if latest is None:
            yield Line("State", f"no checkpoint was saved; {since} writes are on record", 25.0)
        else:
            about = f" ({self._said(latest.description, 80)})" if latest.description else ""
            words = f"last checkpoint {self._said(latest.checkpoint_id, 80)} at position {latest.position}{about}"
            yield Line("State", f"{words}; {since} writes since", 25.0)
        unannounced = [] if desk.live is None else sorted(desk.live.suspicious())
        if unannounced:
            named = ", ".join(self._said(each, 80) for each in unannounced[:3])
            more = f" and {len(unannounced) - 3} others" if len(unannounced) > 3 else ""
            yield Line("State", f"written to since, and not announced: {named}{more}", 60.0)

    def _principles(self) -> Iterator[Line]:
        for row in self._desk.memory.get_core_principles():
            yield Line("Principles", self._said(row.statement), 30.0)

    def _beliefs(self) -> Iterator[Line]:
        found = [
            row
            for row in self._desk.memory.get_beliefs(model=self._desk.about)
            if row.strength != "absolute" and row.belief_type != "architectural_fact"
        ]
        for rank, row in enumerate(found[:_BELIEFS]):
            worth = 40.0 * abs(2 * row.credence - 1) * (0.5 + row.importance / 2) * 0.95**rank
            yield Line("Beliefs", self._belief(row), worth)

    def _belief(self, row: Any) -> str:
        told = [f"credence {row.credence:.3g}"]
        if row.effect is not None:
            ends = ", ".join("unbounded" if end is None else f"{end:.3g}" for end in (row.ci_low, row.ci_high))
            told.append(f"effect {row.effect:.3g} [{ends}]")
        if row.supports or row.contradicts:
            told.append(f"{row.supports} for, {row.contradicts} against")
        told.append({"earned": f"earned, {row.grade}"}.get(row.source, row.source))
        return f"{self._said(row.statement, 240)} ({'; '.join(told)})"

    def _architecture(self) -> Iterator[Line]:
        facts = [
            row for row in self._desk.memory.architectural_facts(model=self._desk.about) if row.to_position is None
        ]
        ties = [row for row in facts if row.kind == "identity"]
        looked = [row for row in facts if row.kind != "identity" and (row.strength or 0.0) > 0.0]
        dropped = sorted(looked, key=lambda row: (-row.strength, row.fact_id))
        for rank, row in enumerate(ties[:_FACTS]):
            words = f"{self._said(row.subject)} and {self._said(row.object)}: {_RELATIONS.get(row.reason, row.reason)}"
            yield Line("Architecture", words, 40.0 * 0.9**rank)
        for rank, row in enumerate(dropped[:_FACTS]):
            ends = f"{self._said(row.subject)} and {self._said(row.object)}"
            strong = f"however strong it looked ({row.strength_kind} {row.strength:.3g})"
            yield Line("Architecture", f"{ends}: {row.kind} is no law but {row.reason}, {strong}", 12.0 * 0.9**rank)

    def _went_wrong(self, acts: Sequence[ToldAct]) -> Iterator[Line]:
        found = self._desk.memory.safety.get_recent_alerts(_ALERTS, model=self._desk.about)
        for rank, (alert, times) in enumerate(_counted(found)):
            again = f" ({times} times)" if times > 1 else ""
            words = f"{alert.level} {self._said(alert.category, 40)}: {self._said(alert.message)}{again}"
            worth = _ALERT_WORTH[alert.level] * 0.85**rank
            yield Line("Went wrong", f"{words}, at position {alert.position}", worth)
        failed = [(act, write) for act in acts for write in act.writes if "aborted" in write or "unannounced" in write]
        for rank, (act, write) in enumerate(failed):
            name, where = self._said(write["name"], 120), f"position {act.position}"
            if "unannounced" in write:
                yield Line("Went wrong", f"nobody announced a write to {name}, found by {where}", 30.0 * 0.85**rank)
                continue
            rules = ", ".join(self._said(rule, 40) for rule in write.get("denied_by", ()))
            how = f"denied by {rules}" if rules else f"failed, and was put back: {self._said(write['aborted'])}"
            yield Line("Went wrong", f"an edit of {name} {how}, {where}", 25.0 * 0.85**rank)

    def _acts(self, acts: Sequence[ToldAct]) -> Iterator[Line]:
        for rank, act in enumerate(each for each in acts if _happened(each)):
            worth = (45.0 if act.after else 30.0) * 0.85**rank
            yield Line("Recent acts", self._act(act), worth)

    def _act(self, act: ToldAct) -> str:
        name = f"act {self._said(act.act, 60)}" if act.act is not None else "a write"
        wrote = [self._write(write) for write in act.writes if "aborted" not in write and "unannounced" not in write]
        done = "; ".join(wrote[:3]) + (f"; and {len(wrote) - 3} more writes" if len(wrote) > 3 else "")
        outcome = [
            f"{self._said(metric, 60)} {_number(act.before.get(metric))} -> {_number(act.after.get(metric))}"
            for metric in sorted({*act.before, *act.after})[:4]
        ]
        parts = [f"{name} at position {act.position}: {done or 'nothing was written'}", *outcome]
        return "; ".join([*parts, *(["undone since"] if act.undone else [])])

    def _write(self, write: dict[str, Any]) -> str:
        if "restored" in write:
            to = next((write[each] for each in ("checkpoint", "before_act", "to_position") if each in write), "")
            return (
                f"an earlier state was put back ({self._said(str(to), 60)})"
                if to != ""
                else "an earlier state was put back"
            )
        how = self._said(write["method"], 40) if write.get("method") else "a write"
        words = f"{how} of {self._said(write['name'], 120)}"
        others = write.get("also_changed", ())
        if others:
            words += f" (one tensor with, or overlapping, {', '.join(self._said(each, 120) for each in others[:2])}"
            words += f" and {len(others) - 2} others)" if len(others) > 2 else ")"
        if write.get("dose") is not None:
            words += f", dose {write['dose']:.3g}" + (" by a coin" if write.get("randomised") else "")
        if write.get("relative_change") is not None:
            words += f", changed by {write['relative_change']:.2g} of its norm"
        return words + (f", because {self._said(write['reason'], 120)}" if write.get("reason") else "")

    def _predictions(self) -> Iterator[Line]:
        memory, model = self._desk.memory, self._desk.about
        of_model = "" if model is None else " AND (p.model = :model OR p.model = '')"
        rows = memory.query_sql(
            "SELECT p.position, p.direction, p.probability, p.mean, p.sd, t.hypothesis FROM registered_predictions p "
            f"JOIN theories t ON t.theory_id = p.theory_id WHERE p.outcome_position IS NULL{of_model} "
            f"ORDER BY p.position DESC LIMIT {_PREDICTIONS}",
            **({} if model is None else {"model": model}),
        )
        for rank, row in enumerate(rows):
            forecast = "" if row["mean"] is None else f", forecast {row['mean']:.3g} ± {row['sd']:.2g}"
            words = f"{self._said(row['hypothesis'])}: comes so with probability {row['probability']:.3g}{forecast}"
            yield Line("Open predictions", f"{words} (position {row['position']})", 20.0 * 0.9**rank)

    def _found(self, topic: str) -> Iterator[Line]:
        found = self._desk.memory.search_text(
            topic, limit=_FOUND, kinds=("observation", "checkpoint"), model=self._desk.about
        )
        for rank, each in enumerate(found):
            words = f"{each.kind} at position {each.position}: {self._said(each.text)}"
            yield Line("Found on the topic", words, 20.0 * 0.9**rank)


_RELATIONS = {
    "alias": "one tensor: a write to one is a write to the other",
    "overlap": "some bytes in common: a write to one can change the other",
    "derived": "the first is computed from the second",
    "undeclared_alias": "one tensor, as readings show, though no map says so",
}


def _happened(act: ToldAct) -> bool:
    """Say whether an act did anything but fail."""
    return bool(act.before or act.after) or any(
        "aborted" not in write and "unannounced" not in write for write in act.writes
    )


def _counted(alerts: Sequence[Alert]) -> list[tuple[Alert, int]]:
    """Give the alerts that say something went wrong, newest first, those that say the same once."""
    counts: dict[tuple[str, str, str], int] = {}
    latest: dict[tuple[str, str, str], Alert] = {}
    for alert in alerts:
        if alert.level in _ALERT_WORTH and not alert.stops:
            key = (alert.level, alert.category, alert.message)
            counts[key] = counts.get(key, 0) + 1
            latest.setdefault(key, alert)
    return [(alert, counts[key]) for key, alert in latest.items()]


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.4g}"
