"""Answers too big to hold: read as they come, batch by batch, into Arrow, Parquet or CSV, in constant memory."""

from __future__ import annotations

import csv
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Self

from memory.errors import InvalidArgument, QueryError
from memory.projections.runner import ProjectionRunner
from memory.query import frames
from memory.query.whole_file import whole_file
from memory.store.log import EventStore
from memory.store.readonly import Rows

BATCH = 10_000
"""Rows of a batch: what is held of an answer at a time."""
_KINDS = ("int", "float", "bool", "text", "bytes", "json", "time")


class StreamedAnswer:
    """An answer that is read once, as it comes from the database's own cursor; made by `stream_sql`.

    Iterating gives its rows, one mapping each. What is asked of it after the first row goes on from there. It holds a
    connection until it was read to its end, was closed, or is dropped.
    """

    def __init__(self, answer: Rows) -> None:
        self._rows = answer.rows
        twice = sorted({name for name in answer.columns if answer.columns.count(name) > 1})
        if twice:
            self.close()
            raise QueryError(
                f"two columns of the answer are named {twice[0]!r}",
                remedy=f"name them apart: {twice[0]} AS another_name",
            )
        self.columns = answer.columns
        """The names of its columns."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self._rows:
            yield dict(zip(self.columns, row, strict=True))

    def batches(self, *, rows: int = BATCH, kinds: Mapping[str, str] | None = None) -> Any:
        """Give the answer as a `pyarrow.RecordBatchReader`: iterate over its record batches, or hand it to DuckDB.

        Args:
            rows: How many rows a batch has.
            kinds: What columns hold, by name (`int`, `float`, `bool`, `text`, `bytes`, `json` or `time`); of the others
                the first batch decides.

        Raises:
            MissingDependency: pyarrow is not installed.
            QueryError: While it is read: a later value is not what its column holds.
            InvalidArgument: There is no such column or kind, or a batch would have no rows.
        """
        arrow = frames.need("pyarrow")
        try:
            first, known = self._begin(rows, kinds)
        except BaseException:
            self.close()
            raise
        schema = arrow.schema([(name, frames.arrow_type(arrow, kind)) for name, kind in known.items()])

        def all_of_them() -> Iterator[Any]:
            with self:
                chunk = first
                while chunk:
                    yield arrow.record_batch(self._arrays(arrow, chunk, known, schema), schema=schema)
                    chunk = list(itertools.islice(self._rows, rows))

        return arrow.RecordBatchReader.from_batches(schema, all_of_them())

    def to_parquet(
        self, path: str | os.PathLike[str], *, rows: int = BATCH, kinds: Mapping[str, str] | None = None
    ) -> int:
        """Write the answer to a Parquet file, which appears when it is whole; give how many rows it has.

        Args:
            path: The file; one that is there is replaced.
            rows: How many rows are held, and make a row group.
            kinds: What columns hold, as for `batches`.

        Raises:
            MissingDependency: pyarrow is not installed.
            QueryError: A later value is not what its column holds; nothing was written.
        """
        reader = self.batches(rows=rows, kinds=kinds)
        written = 0
        with whole_file(path) as beside, frames.parquet_writer(beside, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
                written += batch.num_rows
        return written

    def to_csv(self, file: IO[str]) -> int:
        """Write the answer as CSV, the columns' names first; give how many rows there were.

        What is missing is empty, JSON is its text, bytes are hex, truth values are `true` and `false`.
        """
        writer = csv.writer(file, lineterminator="\n")
        written = 0
        with self:
            writer.writerow(self.columns)
            for row in self._rows:
                writer.writerow([frames.csv_cell(value) for value in row])
                written += 1
        return written

    def close(self) -> None:
        """Let the connection go; what was not read yet is not read any more."""
        close = getattr(self._rows, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self, rows: int, kinds: Mapping[str, str] | None) -> tuple[list[tuple[Any, ...]], dict[str, str]]:
        if rows < 1:
            raise InvalidArgument("rows", rows, "a batch has one row or more")
        told = dict(kinds or {})
        for name, kind in told.items():
            if name not in self.columns:
                raise InvalidArgument("kinds", name, f"the columns are {', '.join(self.columns)}")
            if kind not in _KINDS:
                raise InvalidArgument("kinds", kind, f"it is one of {', '.join(_KINDS)}")
        first = list(itertools.islice(self._rows, rows))
        found = {
            name: told.get(name) or frames.kind_of_values(name, [row[number] for row in first])
            for number, name in enumerate(self.columns)
        }
        return first, found

    def _arrays(self, arrow: Any, chunk: Sequence[tuple[Any, ...]], kinds: Mapping[str, str], schema: Any) -> list[Any]:
        arrays = []
        for (name, kind), values, field in zip(kinds.items(), zip(*chunk, strict=True), schema, strict=True):
            for value in values:
                if not frames.fits(kind, value):
                    raise QueryError(
                        f"column {name!r} held {kind} at first, and then {value!r:.60}",
                        remedy=f"say what it holds: kinds={{{name!r}: 'float'}}, or CAST it in the statement",
                    )
            arrays.append(arrow.array([frames.cell(kind, value) for value in values], field.type))
        return arrays


class StreamingSurface:
    """The part of `memory.MemorySystem` and of `memory.query` that gives answers of any size."""

    _store: EventStore
    _runner: ProjectionRunner

    def stream_sql(self, statement: str, /, **parameters: Any) -> StreamedAnswer:
        """Run one SQL statement, read-only, whose answer is read as it comes: any number of rows, in constant memory.

        A database in memory has one connection, and gives what it holds at once.

        Args:
            statement: SQL, with named parameters (`:x`).
            parameters: Their values.

        Raises:
            QueryError: The engine refused it, or two columns of the answer have one name.

        Example:
            >>> from memory import MemorySystem
            >>> with MemorySystem(":memory:") as memory:
            ...     _ = memory.record_metrics({"loss": 2.0, "accuracy": 0.5})
            ...     memory.consolidate() and None
            ...     with memory.stream_sql("SELECT metric, value FROM metrics ORDER BY metric") as answer:
            ...         [batch.num_rows for batch in answer.batches(rows=1)]
            [1, 1]
        """
        return StreamedAnswer(self._store.database.read_only_rows(statement, parameters))
