"""Answers: lists that become frames with the right types."""

from __future__ import annotations

import copy
import datetime
import math
import pickle
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from memory.errors import MissingDependency
from memory.projections.knowledge_tables import patterns
from memory.query.results import QueryResult

AT = "2026-03-02T09:01:00.000007Z"
ROWS: list[dict[str, Any]] = [
    {"n": 1, "some": None, "x": 1, "flag": True, "words": "ä", "data": {"b": [1, None], "a": math.inf}, "seen_at": AT},
    {"n": 2, "some": 7, "x": 0.5, "flag": None, "words": None, "data": None, "seen_at": None},
]


@dataclass(frozen=True, slots=True)
class Row:
    a: int
    b: str


@pytest.fixture
def answer() -> QueryResult:
    return QueryResult(ROWS, metadata={"question": "rows"})


def test_an_answer_is_a_plain_list(answer: QueryResult) -> None:
    assert answer == ROWS
    assert answer[0] is ROWS[0]
    assert type(answer[:1]) is list
    assert answer.metadata == {"question": "rows", "columns": list(ROWS[0])}
    for twin in (pickle.loads(pickle.dumps(answer)), copy.copy(answer)):
        assert (twin, twin.metadata, twin.to_dicts()) == (ROWS, answer.metadata, ROWS)


def test_arrow_has_one_type_for_each_column(answer: QueryResult) -> None:
    table = answer.to_arrow()
    assert {field.name: str(field.type) for field in table.schema} == {
        "n": "int64", "some": "int64", "x": "double", "flag": "bool", "words": "string", "data": "string",
        "seen_at": "timestamp[us, tz=UTC]",
    }  # fmt: skip
    row = table.to_pylist()[0]
    assert row["data"] == '{"a":"inf","b":[1,null]}'
    assert row["seen_at"] == datetime.datetime(2026, 3, 2, 9, 1, 0, 7, datetime.UTC)
    assert (row["some"], row["x"]) == (None, 1.0)


def test_pandas_keeps_whole_numbers_whole_where_some_are_missing(answer: QueryResult) -> None:
    frame = answer.to_pandas()
    kinds = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert (kinds["n"], kinds["some"], kinds["x"], kinds["flag"]) == ("int64", "Int64", "float64", "boolean")
    assert kinds["seen_at"] == "datetime64[us, UTC]"
    assert frame["some"].sum() == 7


def test_polars_has_the_same_columns(answer: QueryResult) -> None:
    frame = answer.to_polars()
    assert [str(kind) for kind in frame.dtypes][:4] == ["Int64", "Int64", "Float64", "Boolean"]
    assert frame["some"].to_list() == [None, 7]


def test_an_answer_without_rows_keeps_its_columns_and_their_types() -> None:
    empty = QueryResult([], columns=patterns)
    assert empty == []
    assert empty.metadata["columns"] == [column.name for column in patterns.columns]
    kinds = {field.name: str(field.type) for field in empty.to_arrow().schema}
    assert (kinds["support"], kinds["effect"], kinds["post_retraction"]) == ("int64", "double", "bool")
    assert list(empty.to_pandas().columns) == list(empty.to_polars().columns) == empty.metadata["columns"]


def test_rows_of_any_kind_are_known_by_column() -> None:
    assert QueryResult([Row(1, "b")]).to_dicts() == [{"a": 1, "b": "b"}]
    assert QueryResult(["alone"]).to_dicts() == [{"value": "alone"}]


def test_what_postgresql_adds_up_is_a_number() -> None:
    columns = QueryResult([{"total": Decimal(3), "mean": Decimal("0.5")}]).to_arrow().schema
    assert [str(field.type) for field in columns] == ["int64", "double"]


def test_numbers_beyond_64_bits_become_floats() -> None:
    assert QueryResult([{"n": 2**70}]).to_arrow().to_pylist() == [{"n": 2.0**70}]


def test_a_parquet_file_holds_the_answer(answer: QueryResult, tmp_path: Path) -> None:
    import pyarrow.parquet

    answer.to_parquet(tmp_path / "answer.parquet")
    assert pyarrow.parquet.read_table(tmp_path / "answer.parquet").equals(answer.to_arrow())


@pytest.mark.parametrize(
    ("package", "method"), [("pyarrow", "to_arrow"), ("pandas", "to_pandas"), ("polars", "to_polars")]
)
def test_a_package_that_is_missing_is_named_with_its_extra(
    answer: QueryResult, package: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependency, match=package) as refused:
        getattr(answer, method)()
    assert (refused.value.package, refused.value.extra) == (package, "frames")
