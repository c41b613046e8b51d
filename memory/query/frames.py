"""Rows as columns with types: Arrow tables, and through them pandas, polars and Parquet.

Every conversion goes through Arrow, so that the types are decided in one place.
"""

from __future__ import annotations

import importlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import JSON, Boolean, Float, Integer, LargeBinary, Table

from memory.errors import MissingDependency

Kind = Literal["int", "float", "bool", "text", "bytes", "json", "time"]
"""What a column holds."""
_PURPOSE = {
    "pyarrow": "an answer as Arrow",
    "pandas": "an answer as a pandas frame",
    "polars": "an answer as a polars frame",
}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_WIDEST = 2**63


def need(package: str) -> Any:
    """Give an optional package.

    Raises:
        MissingDependency: It is not installed.
    """
    name = package.partition(".")[0]
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingDependency(name, "frames", _PURPOSE[name]) from error


def kinds_of(table: Table) -> dict[str, Kind]:
    """Give what the columns of a table hold."""
    return {str(column.name): _kind_of(str(column.name), column.type) for column in table.columns}


def _kind_of(name: str, column_type: Any) -> Kind:
    kinds: tuple[tuple[Any, Kind], ...] = (
        (JSON, "json"),
        (Boolean, "bool"),
        (Integer, "int"),
        (Float, "float"),
        (LargeBinary, "bytes"),
    )
    for kind, known in kinds:
        if isinstance(column_type, kind):
            return known
    return "time" if name.endswith("_at") else "text"


def kind_of_values(name: str, values: Iterable[Any]) -> Kind:
    """Say what a column holds that nobody declared: the one kind that takes every value of it."""
    present = [_number(value) if isinstance(value, Decimal) else value for value in values if value is not None]
    types = {type(value) for value in present}
    if not types:
        return "time" if name.endswith("_at") else "text"
    if types == {bool}:
        return "bool"
    if types == {int}:
        return "int" if all(-_WIDEST <= value < _WIDEST for value in present) else "float"
    if types <= {int, float}:
        return "float"
    if types == {bytes}:
        return "bytes"
    if types == {str}:
        timed = name.endswith("_at") and all(_TIME.fullmatch(str(value)) for value in present)
        return "time" if timed else "text"
    return "json"


def arrow_table(rows: Sequence[Mapping[str, Any]], kinds: Mapping[str, str | None]) -> Any:
    """Give rows as an Arrow table.

    Args:
        rows: The rows.
        kinds: The columns, in order, with what they hold; None: what the values say.

    Raises:
        MissingDependency: pyarrow is not installed.
    """
    arrow = need("pyarrow")
    fields, arrays = [], []
    for name, told in kinds.items():
        values = [row.get(name) for row in rows]
        kind = told or kind_of_values(name, values)
        column_type = arrow_type(arrow, kind)
        fields.append(arrow.field(name, column_type))
        arrays.append(arrow.array([cell(kind, value) for value in values], column_type))
    return arrow.table(arrays, schema=arrow.schema(fields))


def arrow_type(arrow: Any, kind: str) -> Any:
    """Give Arrow's type for what a column holds."""
    if kind == "time":
        return arrow.timestamp("us", tz="UTC")
    names = {"int": "int64", "float": "float64", "bool": "bool_", "bytes": "binary"}
    return getattr(arrow, names.get(kind, "string"))()


def cell(kind: str, value: Any) -> Any:
    """Give one value as a column of its kind holds it."""
    if value is None:
        return None
    if kind == "time":
        return datetime.fromisoformat(value).astimezone(UTC) if isinstance(value, str) else value
    if kind in ("json", "text"):
        return value if isinstance(value, str) else json_text(value)
    if kind == "float":
        return float(value)
    if kind == "int":
        return int(value)
    return bool(value) if kind == "bool" else value


def fits(kind: str, value: Any) -> bool:
    """Say whether a value is what a column of a kind holds."""
    if value is None or kind in ("json", "text"):
        return kind != "text" or value is None or isinstance(value, str)
    if kind == "time":
        return not isinstance(value, str) or _TIME.fullmatch(value) is not None
    if isinstance(value, Decimal):
        value = _number(value)
    taken = {"int": (int,), "float": (int, float), "bool": (bool, int), "bytes": (bytes,)}
    return isinstance(value, taken[kind])


def csv_cell(value: Any) -> Any:
    """Give one value as CSV shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return json_text(value) if isinstance(value, Mapping | list | tuple) else value


def parquet_writer(path: Path, schema: Any) -> Any:
    """Give a writer of Parquet, as a context manager.

    Raises:
        MissingDependency: pyarrow is not installed.
    """
    return need("pyarrow.parquet").ParquetWriter(path, schema, compression="zstd")


def _number(value: Decimal) -> int | float:
    # PostgreSQL adds whole numbers up to a Decimal without places.
    return int(value) if value.as_tuple().exponent == 0 else float(value)


def json_text(value: Any) -> str:
    """Give a value as canonical JSON text; what JSON has no word for is written as text."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple | set | frozenset) else value


def pandas_frame(table: Any) -> Any:
    """Give an Arrow table as a pandas frame: whole numbers and truth values that are missing stay so."""
    pandas = need("pandas")
    arrow = need("pyarrow")
    nullable = {arrow.int64(): pandas.Int64Dtype(), arrow.bool_(): pandas.BooleanDtype()}.get
    columns = {
        name: column.to_pandas(types_mapper=nullable if column.null_count else None)
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return pandas.DataFrame(columns)


def polars_frame(table: Any) -> Any:
    """Give an Arrow table as a polars frame."""
    return need("polars").from_arrow(table)
