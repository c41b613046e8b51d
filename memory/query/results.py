"""The rows that answer a question: a plain list, which also knows its columns and becomes any kind of frame.

What a frame holds, whichever library it is of:

- a column has one type: whole numbers stay whole where some are missing (pandas: `Int64`), truth values stay truth
  values, a missing number is missing;
- columns named `*_at` that hold the record's times become UTC timestamps, to the microsecond;
- what is JSON (mappings and lists) becomes canonical JSON text: its shape differs from row to row, and text is the
  same on both engines and in every reader;
- an answer without rows keeps its columns.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table

from memory.query import frames
from memory.query.html import table_html
from memory.query.whole_file import whole_file


class QueryResult(list[Any]):
    """An answer: a list of rows, equal to and used like any list; slices of it are lists.

    Args:
        rows: The rows: SQLAlchemy's, mappings, or values of a dataclass.
        columns: The names of the columns, or their kinds by name, or the table they come from: what an answer without
            rows cannot tell by itself.
        metadata: What was asked, of which model, as of when.

    Example:
        >>> answer = QueryResult([{"layer": "head", "writes": 3}], metadata={"question": "writes"})
        >>> len(answer), answer.to_dicts(), answer.metadata["columns"]
        (1, [{'layer': 'head', 'writes': 3}], ['layer', 'writes'])
    """

    metadata: dict[str, Any]
    """What was asked; `columns` are the columns' names."""

    def __init__(
        self,
        rows: Iterable[Any] = (),
        *,
        columns: Table | Mapping[str, str] | Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(rows)
        self._kinds = self._told(columns)
        self.metadata = {**(metadata or {}), "columns": list(self._kinds)}

    def _told(self, columns: Table | Mapping[str, str] | Sequence[str] | None) -> dict[str, str | None]:
        if isinstance(columns, Table):
            return dict(frames.kinds_of(columns))
        if isinstance(columns, Mapping):
            return dict(columns)
        if columns is None:
            columns = list(as_mapping(self[0])) if self else []
        return dict.fromkeys(columns)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Give each row as a dict of Python values, by column name."""
        return [dict(as_mapping(row)) for row in self]

    def to_arrow(self) -> Any:
        """Give the rows as a `pyarrow.Table`.

        Raises:
            MissingDependency: pyarrow is not installed.
        """
        return frames.arrow_table(self.to_dicts(), self._kinds)

    def to_pandas(self) -> Any:
        """Give the rows as a `pandas.DataFrame`; columns with missing whole numbers are `Int64`.

        Raises:
            MissingDependency: pandas or pyarrow is not installed.
        """
        return frames.pandas_frame(self.to_arrow())

    def to_polars(self) -> Any:
        """Give the rows as a `polars.DataFrame`.

        Raises:
            MissingDependency: polars or pyarrow is not installed.
        """
        return frames.polars_frame(self.to_arrow())

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write the rows to a Parquet file, which appears when it is whole; one that is there is replaced.

        Raises:
            MissingDependency: pyarrow is not installed.
        """
        table = self.to_arrow()
        with whole_file(path) as beside, frames.parquet_writer(beside, table.schema) as writer:
            writer.write_table(table)

    def _repr_html_(self) -> str:
        told = (f"{name}: {value}" for name, value in self.metadata.items() if name != "columns" and value is not None)
        caption = ", ".join((f"{len(self)} row{'s' * (len(self) != 1)}", *told))
        return table_html(map(as_mapping, self), caption=caption, columns=self.metadata["columns"])


def as_mapping(row: Any) -> Mapping[str, Any]:
    """Give a row by column name, whatever kind of row it is."""
    if isinstance(row, Mapping):
        return row
    if hasattr(row, "_mapping"):
        named: Mapping[str, Any] = row._mapping
        return named
    if dataclasses.is_dataclass(row):
        return {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    if isinstance(row, tuple) and hasattr(row, "_asdict"):
        return dict(row._asdict())
    return {"value": row}
