"""Answers that are read as they come: any number of rows, in constant memory, on both engines."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from memory import MemorySystem
from memory.errors import InvalidArgument, QueryError

MANY = (
    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < :most) SELECT x, x * 0.5e0 AS half FROM n"
)


@pytest.fixture
def memory(database_url: str) -> Iterator[MemorySystem]:
    with MemorySystem(database_url) as opened:
        yield opened


def test_rows_come_in_batches_of_one_schema(memory: MemorySystem) -> None:
    with memory.stream_sql(MANY, most=25) as answer:
        reader = answer.batches(rows=10)
        assert [(field.name, str(field.type)) for field in reader.schema] == [("x", "int64"), ("half", "double")]
        assert [batch.num_rows for batch in reader] == [10, 10, 5]


def test_rows_are_mappings_one_by_one(memory: MemorySystem) -> None:
    with memory.query.stream_sql(MANY, most=3) as answer:
        assert next(iter(answer)) == {"x": 1, "half": 0.5}
        assert [row["x"] for row in answer] == [2, 3]


def test_a_big_answer_goes_to_a_file_in_constant_memory(memory: MemorySystem, tmp_path: Path) -> None:
    file = tmp_path / "many.parquet"
    pyarrow.parquet.ParquetFile  # noqa: B018 - imported before memory is measured
    memory.stream_sql(MANY, most=10).to_parquet(file)
    tracemalloc.start()
    try:
        assert memory.stream_sql(MANY, most=20_000).to_parquet(file, rows=500) == 20_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 800_000  # held at once, the rows alone would be over 2 MB
    with pyarrow.parquet.ParquetFile(file) as written:
        assert (written.metadata.num_rows, written.metadata.num_row_groups) == (20_000, 40)


def test_a_value_of_another_kind_is_refused_with_the_remedy_and_nothing_is_written(
    memory: MemorySystem, tmp_path: Path
) -> None:
    statement = "SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3"
    reader = memory.stream_sql(statement).batches(rows=1, kinds={"a": "bytes"})
    with pytest.raises(QueryError, match="column 'a' held bytes") as refused:
        list(reader)
    assert "CAST" in refused.value.remedy
    with pytest.raises(QueryError):
        memory.stream_sql(statement).to_parquet(tmp_path / "a.parquet", kinds={"a": "bytes"})
    assert list(tmp_path.glob("*.part")) == list(tmp_path.glob("*.parquet")) == []


def test_what_the_first_rows_do_not_show_can_be_said(memory: MemorySystem) -> None:
    table = memory.stream_sql(MANY, most=3).batches(rows=1, kinds={"x": "float"}).read_all()
    assert table.column("x").type == pyarrow.float64()
    with pytest.raises(InvalidArgument, match="half"):
        memory.stream_sql(MANY, most=3).batches(kinds={"nope": "int"})


def test_csv_has_a_line_for_each_row(memory: MemorySystem) -> None:
    written = io.StringIO()
    statement = "SELECT 1 AS a, NULL AS b, 'x, \"y\"' AS c UNION ALL SELECT 2, NULL, 'z' ORDER BY a"
    assert memory.stream_sql(statement).to_csv(written) == 2
    assert written.getvalue() == 'a,b,c\n1,,"x, ""y"""\n2,,z\n'


def test_a_closed_answer_gives_nothing_more_and_the_memory_goes_on(memory: MemorySystem) -> None:
    answer = memory.stream_sql(MANY, most=10_000)
    assert next(iter(answer))["x"] == 1
    answer.close()
    assert list(answer) == []
    memory.record_observation("behavior", "seen")
    with pytest.raises(QueryError, match="named 'a'"):
        memory.stream_sql("SELECT 1 AS a, 2 AS a")
