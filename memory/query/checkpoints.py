"""Checkpoints on record: which there are, what they scored, and whether their files are what was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import func, or_, select

from memory.errors import CorruptionError, DatabaseUnavailable, RestoreError
from memory.events.plain import number_from_stored, untag
from memory.projections.tables import metric_definitions, modifications
from memory.projections.weight_tables import checkpoints
from memory.query.html import card_html, table_html
from memory.query.weight_history import saved_checkpoint
from memory.store.engine import Database

if TYPE_CHECKING:
    from memory.weights.keeping import BlobKeeper


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """One checkpoint, as the record knows it; the fields are the columns of table `checkpoints`."""

    model: str
    checkpoint_id: str
    """Its name, and that of its folder."""
    position: int
    """The event that saved it."""
    description: str
    size: int
    """Bytes of its files."""
    storages: int
    """How many storages it holds: tied names are one."""
    benchmarks: Mapping[str, float]
    """What the model scored then."""
    modification_details: Any
    """What led to it, as data."""
    tags: tuple[str, ...]
    """Its tags now."""
    automatic: str | None
    """Why it was made where nobody asked for it: `modifications` or `minutes`."""
    occurred_at: str
    """When, UTC."""
    deleted_position: int | None
    """The event that let it go; None while it is there."""

    @property
    def deleted(self) -> bool:
        """Whether it was let go."""
        return self.deleted_position is not None

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON-serialisable values."""
        return asdict(self) | {"tags": list(self.tags), "benchmarks": dict(self.benchmarks)}

    def _repr_html_(self) -> str:
        facts = {
            "model": self.model,
            "position": self.position,
            "when": self.occurred_at,
            "description": self.description or None,
            "tags": self.tags or None,
            "storages": self.storages,
            "bytes": f"{self.size:,}",
            "made by itself, for": self.automatic,
            "let go at": self.deleted_position,
        }
        scored = [{"metric": metric, "value": value} for metric, value in sorted(self.benchmarks.items())]
        sections = [table_html(scored, caption="what the model scored")] if scored else []
        return card_html(f"Checkpoint {self.checkpoint_id}", facts, *sections)


@dataclass(frozen=True, slots=True)
class BenchmarkChange:
    """One benchmark of two checkpoints."""

    metric: str
    before: float | None
    """What the first scored; None where it was not measured."""
    after: float | None
    difference: float | None
    """After less before; None where one of them is missing."""
    better: Literal["first", "second", "same"] | None
    """Which is better; None where `define_metric` did not say which way is, or one is missing."""


def known_checkpoints(
    database: Database,
    *,
    model: str | None = None,
    checkpoint_id: str | None = None,
    include_deleted: bool = True,
) -> list[CheckpointInfo]:
    """Give checkpoints, the first one first.

    Args:
        database: Where; `weight_history` is caught up.
        model: Only this model's.
        checkpoint_id: Only that of this name.
        include_deleted: Whether also those that were let go.
    """
    query = select(checkpoints).order_by(checkpoints.c.position)
    if model is not None:
        query = query.where(checkpoints.c.model == model)
    if checkpoint_id is not None:
        query = query.where(checkpoints.c.checkpoint_id == checkpoint_id)
    if not include_deleted:
        query = query.where(checkpoints.c.deleted_position.is_(None))
    with database.reading() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    return [CheckpointInfo(**(row | _as_said(row))) for row in rows]


def _as_said(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give what JSON columns hold as it was said."""
    return {
        "benchmarks": {metric: number_from_stored(value) for metric, value in row["benchmarks"].items()},
        "modification_details": untag(row["modification_details"]),
        "tags": tuple(row["tags"]),
    }


def number_of_checkpoints(database: Database) -> int:
    """Give how many checkpoints were ever saved."""
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(checkpoints)).scalar_one()


def writes_since_checkpoint(database: Database, model: str) -> int:
    """Give how many writes to a model were recorded since its last checkpoint, or since the beginning."""
    last = select(func.max(checkpoints.c.position)).where(checkpoints.c.model == model).scalar_subquery()
    query = select(func.count()).select_from(modifications)
    query = query.where(modifications.c.model == model, modifications.c.position > func.coalesce(last, 0))
    with database.reading() as connection:
        return connection.execute(query).scalar_one()


def compare_benchmarks(
    database: Database, first: CheckpointInfo, second: CheckpointInfo
) -> tuple[BenchmarkChange, ...]:
    """Hold what two checkpoints scored against each other, in order of metric."""
    metrics = sorted({*first.benchmarks, *second.benchmarks})
    better = _directions(database, second.model)
    return tuple(
        _compared(metric, first.benchmarks.get(metric), second.benchmarks.get(metric), better.get(metric))
        for metric in metrics
    )


def _compared(metric: str, before: float | None, after: float | None, better: str | None) -> BenchmarkChange:
    if before is None or after is None:
        return BenchmarkChange(metric, before, after, None, None)
    difference = after - before
    wins: Literal["first", "second", "same"] | None = None
    if better is not None and difference == difference:
        gain = -difference if better == "lower" else difference
        wins = "same" if gain == 0 else "second" if gain > 0 else "first"
    return BenchmarkChange(metric, before, after, difference, wins)


def _directions(database: Database, model: str) -> dict[str, str]:
    """Give which way each metric is better, as it was said last; what is said of the model itself comes first."""
    columns = metric_definitions.c
    query = (
        select(columns.metric, columns.better)
        .where(or_(columns.model.is_(None), columns.model == model), columns.better.is_not(None))
        .order_by(columns.model.is_not(None), columns.position)
    )
    with database.reading() as connection:
        return {row.metric: row.better for row in connection.execute(query)}


def problems_of(keeper: BlobKeeper, database: Database, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Read every byte of the files of checkpoints; yield what is wrong, in words that name checkpoint and tensor.

    Args:
        keeper: Where they are.
        database: The log's; `weight_history` is caught up.
        rows: Rows of table `checkpoints`.
    """
    for row in rows:
        for problem in _problems_of(keeper, database, row["model"], row["checkpoint_id"]):
            yield f"position {row['position']}: checkpoint {row['checkpoint_id']!r}: {problem}"


def _problems_of(keeper: BlobKeeper, database: Database, model: str, checkpoint_id: str) -> Iterable[str]:
    from memory.weights.checkpoint_folders import reader_of

    try:
        return reader_of(keeper, saved_checkpoint(database, model, checkpoint_id)).verify()
    except (CorruptionError, DatabaseUnavailable, RestoreError) as error:
        return [error.message]
