"""What cannot be asked is refused by an error that names it, and not by one of a library beneath."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memory import MemorySystem
from memory.errors import DatabaseError, InvalidArgument, InvalidDatabaseUrl, QueryError, UnknownObservation


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A memory of nothing; its types are not looked at, as nobody's are who types into a notebook."""
    with MemorySystem(Path(tmp_path_factory.mktemp("nothing")) / "research.db") as made:
        yield made


@pytest.mark.parametrize(
    "asked",
    [
        lambda memory: memory.patterns([]),
        lambda memory: memory.get_statistics([]),
        lambda memory: memory.get_beliefs(tags=None),
        lambda memory: memory.get_patterns(min_support=None),
        lambda memory: memory.search_text("norm", kinds=-1),
        lambda memory: memory.find_patterns_from_observations(None),
        lambda memory: memory.find_patterns_from_observations("no such"),
        lambda memory: memory.find_theories_from_patterns(3),
        lambda memory: memory.export_beliefs(None),
        lambda memory: memory.query(before=2**63),
    ],
)
def test_a_value_of_another_kind_is_refused_by_name(memory: Any, asked: Callable[[Any], Any]) -> None:
    with pytest.raises(InvalidArgument):
        asked(memory)


def test_numbers_that_no_column_holds_are_no_error_of_the_driver(memory: Any) -> None:
    with pytest.raises(UnknownObservation):
        memory.get(10**30)
    with pytest.raises(DatabaseError, match="too large"):
        memory.beliefs(model=10**30)


def test_a_time_without_a_time_zone_is_refused_as_it_was_typed(memory: Any) -> None:
    with pytest.raises(InvalidArgument, match="'2026-01-01'"):
        memory.query.as_of("2026-01-01")


def test_what_is_no_statement_and_no_database_is_refused(memory: Any) -> None:
    with pytest.raises(QueryError, match="None"):
        memory.query_sql(None)
    with pytest.raises(InvalidDatabaseUrl, match="3"):
        MemorySystem(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(("written", "suffix"), [("export_beliefs", ""), ("report", ""), ("report", "-wal")])
def test_no_answer_is_written_in_the_place_of_a_record(tmp_path: Path, written: str, suffix: str) -> None:
    record = tmp_path / "research.json"
    with MemorySystem(record) as memory:
        memory.record_observation("behavior", "drift", "which is not to be lost")
        with pytest.raises(InvalidArgument, match="is a database, which stays"):
            getattr(memory, written)(f"{record}{suffix}")
    with MemorySystem(record) as memory:
        assert len(memory.get_recent(1)) == 1
