"""A whole memory, tables and models included, moved through files and over a rollover."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from introspection.sharing import SharingMap
from memory import MemorySystem
from memory.errors import KeyConflict, LogSealed
from memory.store.migrate import load_metadata
from memory.store.tables import INTERNAL

torch.set_num_threads(1)

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what does not depend on the engine."""


class Tied(nn.Module):
    """An embedding and a head that are one tensor."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(6, 4)
        self.head = nn.Linear(4, 6, bias=False)
        self.head.weight = self.embed.weight


@pytest.fixture
def other_url(request: pytest.FixtureRequest, database_url: str) -> str:
    """A database on the other engine."""
    name = "postgres_url" if database_url.startswith("sqlite") else "sqlite_url"
    return str(request.getfixturevalue(name))


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_tables_computed_on_the_other_engine_are_equal_row_for_row(
    database_url: str, other_url: str, tmp_path: Path, histories: ModuleType, file_format: Any
) -> None:
    with MemorySystem(database_url) as memory:
        memory.store.append(histories.Wander(seed=3, acts=40).tell().events)
        memory.export_all(tmp_path / "out", file_format=file_format)
        tables = histories.everything(memory.store)
    assert tables["inference_state"]
    with MemorySystem(other_url) as copy:
        copy.import_all(tmp_path / "out")
        assert _but_words(histories.everything(copy.store)) == _but_words(tables)


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_every_read_table_is_exported_with_its_rows(
    database_url: str, tmp_path: Path, histories: ModuleType, file_format: Any
) -> None:
    import pyarrow.parquet

    with MemorySystem(database_url) as memory:
        memory.store.append(histories.Wander(seed=3, acts=20).tell().events)
        report = memory.export_all(tmp_path / "out", file_format=file_format)
        tables = histories.everything(memory.store)
    # What projections keep for themselves nobody reads: an import makes it anew.
    known = load_metadata().tables
    read = {name: rows for name, rows in tables.items() if known[name].info != INTERNAL}
    assert read.keys() <= report.tables.keys()
    assert not {"inference_state", "inference_snapshots", "search_entries"} & report.tables.keys()
    for name, rows in read.items():
        file = tmp_path / "out" / "tables" / f"{name}.{file_format}"
        if file_format == "parquet":
            told = pyarrow.parquet.read_table(file).to_pylist()
        else:
            told = [json.loads(line) for line in file.read_text().split("\n") if line]
        assert [_as_text(row) for row in rows] == [_as_text(row) for row in told]


def _but_words(tables: dict[str, Any]) -> dict[str, Any]:
    """Leave out the words that are indexed: each engine holds them in a form of its own."""
    entries = [{**row, "words": None} for row in tables["search_entries"]]
    return tables | {"search_entries": entries}


def _as_text(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row with its JSON columns as text of one form."""
    return {name: _of_one_form(value) if isinstance(value, list | dict | str) else value for name, value in row.items()}


def _of_one_form(value: Any) -> str:
    try:
        return json.dumps(json.loads(value) if isinstance(value, str) else value, sort_keys=True)
    except json.JSONDecodeError:
        # A name may begin with a bracket.
        return str(value)


@on_sqlite
def test_a_model_attached_after_a_rollover_resumes(database_url: str, tmp_path: Path) -> None:
    model = Tied()
    with MemorySystem(database_url) as memory:
        memory.attach(model, name="m")
        with memory.edit("head.weight") as weight:
            weight.mul_(2)
        memory.rollover(tmp_path / "new.db")
    with MemorySystem(tmp_path / "new.db") as memory:
        before = memory.store.head().position
        memory.attach(model, name="m")
        assert memory.store.head().position == before
        assert memory.verify().ok


@on_sqlite
def test_weights_changed_behind_the_back_are_noticed_across_a_rollover(database_url: str, tmp_path: Path) -> None:
    model = Tied()
    with MemorySystem(database_url) as memory:
        memory.attach(model, name="m")
        memory.rollover(tmp_path / "new.db")
    with torch.no_grad():
        model.head.weight.add_(1)
    with MemorySystem(tmp_path / "new.db") as memory:
        memory.attach(model, name="m")
        found = [event.event_type for event in memory.store.read()]
        assert found[-1] == "unattributed_write"


@on_sqlite
def test_sharing_as_it_was_last_known_goes_on(database_url: str, tmp_path: Path) -> None:
    with MemorySystem(database_url) as memory:
        memory.attach(SharingMap.from_relations(names=["a", "b", "c"], same=[["a", "b"]]), name="m")
        memory.attach(SharingMap.from_relations(names=["a", "b", "c"], same=[["b", "c"]]), name="m")
        memory.rollover(tmp_path / "new.db")
    with MemorySystem(tmp_path / "new.db") as memory:
        memory.attach(SharingMap.from_relations(names=["a", "b", "c"], same=[["b", "c"]]), name="m")
        assert memory.record_modification("c").affected_layers == ("c", "b")
        assert sum(event.event_type == "sharing_changed" for event in memory.store.read()) == 0


@on_sqlite
def test_metrics_mean_in_the_new_log_what_they_meant_last(database_url: str, tmp_path: Path) -> None:
    with MemorySystem(database_url) as memory:
        memory.define_metric("loss", better="lower")
        memory.define_metric("perplexity", derived_from=["loss"])
        memory.define_metric("loss", better="lower", smallest_effect=0.5)
        memory.rollover(tmp_path / "new.db")
    with MemorySystem(tmp_path / "new.db") as memory:
        memory.consolidate()
        rows = memory.query_sql("SELECT metric, smallest_effect FROM metric_definitions ORDER BY metric")
        assert [tuple(row.values()) for row in rows] == [("loss", 0.5), ("perplexity", 0.0)]


def test_a_live_write_repeated_under_an_old_key_is_known_by_the_sealed_log(database_url: str, tmp_path: Path) -> None:
    model = Tied()
    with MemorySystem(database_url) as memory:
        memory.attach(model, name="m")
        first = memory.record_modification("head.weight", {"by": 1}, act="a", key="once")
        with torch.no_grad():
            model.head.weight.add_(1)
        memory.rollover(tmp_path / "new.db")
    with MemorySystem(tmp_path / "new.db") as memory:
        memory.attach(model, name="m")
        again = memory.record_modification("head.weight", {"by": 1}, act="a", key="once")
        assert (again.position, again.replayed) == (first.position, True)
        with pytest.raises(KeyConflict):
            memory.record_modification("head.weight", {"by": 2}, act="a", key="once")


def test_knowledge_begins_anew_and_equals_what_a_rebuild_finds(
    database_url: str, tmp_path: Path, histories: ModuleType
) -> None:
    with MemorySystem(database_url) as memory:
        memory.store.append(histories.Wander(seed=3, acts=20).tell().events)
        memory.rollover(tmp_path / "new.db")
        with pytest.raises(LogSealed):
            memory.record_observation("behavior", "late")
        assert memory.query_sql("SELECT count(*) AS n FROM inference_state")[0]["n"] > 0
    with MemorySystem(tmp_path / "new.db") as memory:
        assert memory.patterns(status=None) == []
        memory.record_metrics({"loss": 1.0}, act="after")
        memory.consolidate()
        live = histories.everything(memory.store)
        memory.rebuild()
        assert histories.everything(memory.store) == live
        assert live["metrics"]
