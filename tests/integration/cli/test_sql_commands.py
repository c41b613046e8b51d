"""`palimpsest query` in every form of answer and of asking, and `palimpsest db schema`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet
import pytest
from typer.testing import CliRunner, Result

from memory import MemorySystem
from memory.cli.app import app
from memory.errors import InvalidArgument, QueryError
from memory.query.dictionary import as_markdown, relations


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("asked") / "research.db")
    with MemorySystem(path, actor="me") as memory:
        memory.record_metrics({"loss": 2.5, "accuracy": 0.5}, sample="a, b")
        memory.consolidate()
    return path


def palimpsest(*arguments: str, words: str | None = None) -> Result:
    result = CliRunner().invoke(app, list(arguments), input=words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


METRICS = "SELECT metric, value, sample, act_id FROM metrics ORDER BY metric"


def test_csv_has_the_columns_first(database: str) -> None:
    done = palimpsest("query", METRICS, "-d", database, "--csv")
    assert list(csv.reader(io.StringIO(done.stdout))) == [
        ["metric", "value", "sample", "act_id"],
        ["accuracy", "0.5", "a, b", ""],
        ["loss", "2.5", "a, b", ""],
    ]


def test_csv_of_no_rows_still_names_the_columns(database: str) -> None:
    assert palimpsest("query", "SELECT metric FROM metrics WHERE 1 = 0", "-d", database, "--csv").stdout == "metric\n"


def test_a_table_is_what_comes_unasked(database: str) -> None:
    assert palimpsest("query", METRICS, "-d", database, "--table").stdout == palimpsest(
        "query", METRICS, "-d", database
    ).stdout  # fmt: skip


def test_an_answer_goes_to_a_parquet_file(database: str, tmp_path: Path) -> None:
    file = tmp_path / "answer.parquet"
    assert palimpsest("query", METRICS, "-d", database, "--parquet", str(file)).stdout.strip() == str(file)
    assert pyarrow.parquet.read_table(file).column("value").to_pylist() == [0.5, 2.5]


def test_parameters_are_numbers_where_they_read_as_numbers(database: str) -> None:
    asked = "SELECT :n AS n, :x AS x, :word AS word, :quoted AS quoted, :none AS none"
    given = ["-p", "n=3", "-p", "x=0.5", "-p", "word=a=b", "-p", 'quoted="3"', "-p", "none=null"]
    (row,) = json.loads(palimpsest("query", asked, "-d", database, "--json", *given).stdout)
    assert row == {"n": 3, "x": 0.5, "word": "a=b", "quoted": "3", "none": None}


def test_a_statement_comes_from_a_file_or_from_standard_input(database: str, tmp_path: Path) -> None:
    file = tmp_path / "question.sql"
    file.write_text("SELECT count(*) AS n\nFROM metrics")
    for how, words in ((["--file", str(file)], None), (["-"], file.read_text())):
        assert json.loads(palimpsest("query", *how, "-d", database, "--json", words=words).stdout) == [{"n": 2}]


@pytest.mark.parametrize(
    "wrong",
    [
        ["SELECT 1", "--csv", "--json"],
        [],
        ["SELECT 1", "--file", "also.sql"],
        ["--file", "missing.sql"],
        ["SELECT :x", "-p", "x"],
    ],
)
def test_wrong_usage_is_told(database: str, wrong: list[str]) -> None:
    assert palimpsest("query", *wrong, "-d", database).exit_code == 2


def test_csv_of_what_writes_is_refused(database: str) -> None:
    with pytest.raises(QueryError):
        palimpsest("query", "DELETE FROM metrics", "-d", database, "--csv")


def test_the_schema_is_told_without_a_database() -> None:
    listed = palimpsest("db", "schema").stdout
    assert all(each.name in listed for each in relations())
    assert "inference_state" not in listed
    told = json.loads(palimpsest("db", "schema", "act_summary", "--json").stdout)
    assert [each["name"] for each in told] == ["act_summary"]
    assert {"name": "reverted", "holds": "0 or 1", "meaning": "whether a write takes it back"} in told[0]["columns"]
    assert "reverted_position" in palimpsest("db", "schema", "act_summary").stdout
    assert palimpsest("db", "schema", "--markdown").stdout == as_markdown()
    with pytest.raises(InvalidArgument, match="alrts") as refused:
        palimpsest("db", "schema", "alrts")
    assert "alerts" in refused.value.remedy
