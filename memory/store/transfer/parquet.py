"""Parquet: plain column types that DuckDB, Spark and pandas read as they are; times as UTC timestamps.

Rows lie in order of position, in groups that say from which to which: a reader of a part opens that part alone. A group
is what is held at a time, and what one thread of a reader takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from memory.errors import InvalidExport, MissingDependency
from memory.store.transfer.manifest import ExportedFile

_GROUP_ROWS = 50_000
_GROUP_BYTES = 32 * 2**20
"""Bytes of text at which a group ends, before they are compressed."""
_BATCH = 2000


def load() -> Any:
    """Give pyarrow with its Parquet part.

    Raises:
        MissingDependency: It is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependency("pyarrow", "frames", "an export or import in Parquet") from error
    return pyarrow


class Writer:
    """Writes rows as row groups of one file.

    Args:
        folder: The export.
        name: The file's path in it.
        columns: Names and kinds of the columns.
    """

    def __init__(self, folder: Path, name: str, columns: Sequence[tuple[str, str]]) -> None:
        self._arrow: Any = load()
        self._path, self._name = folder / name, name
        kinds = {
            "int": self._arrow.int64(),
            "text": self._arrow.string(),
            "float": self._arrow.float64(),
            "bool": self._arrow.bool_(),
            "bytes": self._arrow.binary(),
            "time": self._arrow.timestamp("us", tz="UTC"),
        }
        self._schema = self._arrow.schema([(column, kinds[kind]) for column, kind in columns])
        self._path.parent.mkdir(parents=True, exist_ok=True)
        in_order = [self._arrow.parquet.SortingColumn(0)] if columns[0][0] == "position" else None
        self._writer = self._arrow.parquet.ParquetWriter(
            self._path, self._schema, compression="zstd", sorting_columns=in_order, write_page_index=True
        )
        self._group: list[tuple[Any, ...]] = []
        self._volume = self._rows = 0

    def write(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Write rows."""
        for row in rows:
            self._group.append(row)
            self._volume += sum(len(value) for value in row if type(value) is str)
            if len(self._group) >= _GROUP_ROWS or self._volume >= _GROUP_BYTES:
                self._flush()

    def close(self) -> ExportedFile:
        """End the file; say what it holds. Closing it again changes nothing."""
        if self._writer.is_open:
            self._flush()
            self._writer.close()
        return ExportedFile(self._name, self._rows, self._path.stat().st_size)

    def _flush(self) -> None:
        if not self._group:
            return
        columns = zip(*self._group, strict=True)
        arrays = [self._arrow.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._writer.write_batch(self._arrow.record_batch(arrays, schema=self._schema))
        self._rows += len(self._group)
        self._group, self._volume = [], 0


def read(path: Path, columns: Sequence[tuple[str, str]]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a file, a part of a row group at a time.

    Raises:
        InvalidExport: It is not what `Writer` writes.
        MissingDependency: pyarrow is not installed.
    """
    arrow: Any = load()
    try:
        with arrow.parquet.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=_BATCH, columns=[name for name, _ in columns]):
                lists = []
                for name, kind in columns:
                    column = batch.column(name)
                    lists.append((column.cast(arrow.int64()) if kind == "time" else column).to_pylist())
                yield from zip(*lists, strict=True)
    except (arrow.ArrowException, OSError, KeyError) as error:
        raise InvalidExport(f"{path} cannot be read: {error}") from error
