"""What the metrics did from before an edit to after it: on the same sample, by what the record says of its act."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, or_, select

from memory.events.modifications import Restored, UnattributedWrite
from memory.projections.tables import landmarks, metric_definitions, metrics, modifications
from memory.query.decision_facts import Outcome, Verdict
from memory.query.narrowing import aside, walked

_MOST = 200
"""Values of one act that are looked at."""
_METRICS = 6
"""Metrics of an edit outside of acts that are looked at."""

_COLUMNS = metrics.c


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a metric was last defined to mean."""

    better: str | None = None
    smallest_effect: float = 0.0


def meanings_of(connection: Connection, model: str | None) -> dict[str, Meaning]:
    """Give what every metric means for a model, by name: a definition for one model holds, whatever is said of all."""
    columns = metric_definitions.c
    about = or_(columns.model == model, columns.model.is_(None))
    order = columns.model.is_not(None), columns.position
    rows = connection.execute(select(metric_definitions).where(about).order_by(*order))
    return {row.metric: Meaning(row.better, row.smallest_effect) for row in rows}


def outcomes_of(
    connection: Connection, edit: Any, better: Mapping[str, str | None], wanted: Collection[str] | None
) -> tuple[Outcome, ...]:
    """Give what the metrics did, by metric.

    Of an act: the last value before its first write and the first after it, on the same sample. Of a write outside of
    acts: the values nearest to it, where nothing else changed the weights between them.

    Args:
        connection: One that reads.
        edit: The row of `modifications`.
        better: Which way metrics are better, by name.
        wanted: Only these metrics; None: all of them.
    """
    if edit.act_id is not None:
        pairs = _of_act(connection, edit.act_id, edit.model)
    else:
        pairs = _around(connection, edit, better if wanted is None else wanted)
    return tuple(
        _outcome(before, after, better.get(before.metric))
        for before, after in pairs
        # Where the one that counts is not finite, no later one stands in for it.
        if (wanted is None or before.metric in wanted) and before.value is not None and after.value is not None
    )


def _of_act(connection: Connection, act_id: str, model: str) -> list[tuple[Any, Any]]:
    """Pair what was measured in an act of one model, or of none in particular, before its first write and after it."""
    first = select(func.min(modifications.c.position)).where(
        modifications.c.act_id == act_id,
        modifications.c.retracted_position.is_(None),
        aside(connection, modifications.c.model) == model,
    )
    written = connection.execute(first).scalar()
    values = select(_COLUMNS.position, _COLUMNS.metric, _COLUMNS.sample, _COLUMNS.model, _COLUMNS.value).where(
        _COLUMNS.act_id == act_id,
        _COLUMNS.retracted_position.is_(None),
        or_(_COLUMNS.model == model, _COLUMNS.model.is_(None)),
    )
    before: dict[tuple[str, str | None, str | None], Any] = {}
    after: dict[tuple[str, str | None, str | None], Any] = {}
    for row in connection.execute(values.order_by(_COLUMNS.position, _COLUMNS.metric).limit(_MOST)):
        key = row.metric, row.sample, row.model
        if row.position < written:
            before[key] = row
        else:
            after.setdefault(key, row)
    return [(before[key], after[key]) for key in sorted(after, key=_order) if key in before]


def _order(key: tuple[str, str | None, str | None]) -> tuple[str, str, str]:
    return key[0], key[1] or "", key[2] or ""


def _around(connection: Connection, edit: Any, names: Iterable[str]) -> list[tuple[Any, Any]]:
    pairs = []
    low, high = _neighbours(connection, edit)
    for name in sorted(names)[:_METRICS]:
        before = _nearest(connection, edit, name, low, edit.position, newest=True)
        after = None if before is None else _nearest(connection, edit, name, edit.position, high, newest=False)
        if before is not None and after is not None and before.sample == after.sample:
            pairs.append((before, after))
    return pairs


def _neighbours(connection: Connection, edit: Any) -> tuple[int, int | None]:
    """Give what changed the model's weights last before this write, and what did so first after it."""
    columns = modifications.c
    conditions, order = walked(connection, columns.model, edit.model, columns.position, edit.position)
    before = connection.execute(select(columns.position).where(*conditions).order_by(*order).limit(1)).scalar()
    following = select(func.min(columns.position)).where(
        aside(connection, columns.model) == edit.model, columns.position > edit.position
    )
    earlier, later = [before or 0], [connection.execute(following).scalar()]
    for event_type in (Restored.event_type, UnattributedWrite.event_type):
        columns = landmarks.c
        conditions, order = walked(connection, columns.event_type, event_type, columns.position, edit.position)
        of_model = columns.model == edit.model
        found = select(columns.position).where(*conditions, of_model).order_by(*order).limit(1)
        earlier.append(connection.execute(found).scalar() or 0)
        found = select(func.min(columns.position)).where(
            columns.event_type == event_type, columns.position > edit.position, of_model
        )
        later.append(connection.execute(found).scalar())
    return max(earlier), min((each for each in later if each is not None), default=None)


def _nearest(connection: Connection, edit: Any, metric: str, low: int, high: int | None, *, newest: bool) -> Any:
    between: Sequence[Any] = [_COLUMNS.position > low, *([] if high is None else [_COLUMNS.position < high])]
    found = select(_COLUMNS.position, _COLUMNS.metric, _COLUMNS.sample, _COLUMNS.value).where(
        _COLUMNS.metric == metric,
        *between,
        or_(_COLUMNS.model == edit.model, _COLUMNS.model.is_(None)),
        _COLUMNS.retracted_position.is_(None),
    )
    order = _COLUMNS.position.desc() if newest else _COLUMNS.position
    return connection.execute(found.order_by(order).limit(1)).one_or_none()


def _outcome(before: Any, after: Any, better: str | None) -> Outcome:
    change = after.value - before.value
    return Outcome(
        metric=before.metric,
        before=before.value,
        after=after.value,
        change=change,
        verdict=_verdict(change, better),
        baseline_position=before.position,
        outcome_position=after.position,
    )


def _verdict(change: float, better: str | None) -> Verdict:
    if change == 0:
        return "same"
    if better not in ("lower", "higher"):
        return "unclear"
    return "better" if (change > 0) == (better == "higher") else "worse"
