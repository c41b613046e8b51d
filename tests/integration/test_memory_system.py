# ruff: noqa: PT012 - what raises is a whole batch: that is what is tested
"""The facade, end to end, on each engine."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from sqlalchemy import NullPool, create_engine, text
from torch import nn

from introspection.sharing import SharingMap
from memory import MemorySystem
from memory.errors import DatabaseError, InvalidArgument, InvalidPayload, PalimpsestError, QueryError

torch.set_num_threads(1)

TABLES = (
    "affected_layers",
    "architectural_facts",
    "beliefs",
    "evidence",
    "layer_statistics",
    "metric_definitions",
    "metrics",
    "modifications",
    "observations",
    "patterns",
    "predictions",
    "sharing_maps",
    "storage_names",
    "storages",
    "theories",
    "weight_states",
)


class TiedModel(nn.Module):
    """An embedding and a head that are one tensor, and a layer of its own between them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(6, 4)
        self.middle = nn.Linear(4, 4)
        self.head = nn.Linear(4, 6, bias=False)
        self.head.weight = self.embed.weight


def research(memory: MemorySystem, model: TiedModel, acts: int) -> None:
    """Scale one storage up or down by a coin; a metric follows the sign of the one, and nothing of the other."""
    for number in range(acts):
        name = ("head.weight", "middle.weight", "embed.weight")[number % 3]
        with memory.act(f"scale {name}") as act:
            sign = act.flip()
            moved = 0.0 if name == "middle.weight" else 0.1 * sign
            memory.record_metrics({"loss": 2.0, "perplexity": 7.4}, sample=str(number))
            with memory.edit(name, method="scale", dose=sign) as weight:
                weight.mul_(1 + 0.01 * sign)
            measured = 2.0 + moved + 0.001 * (number % 7)
            memory.record_metrics({"loss": measured, "perplexity": 2.718**measured}, sample=str(number))
        memory.record_layer_statistics("std", {"head.weight": measured, "embed.weight": measured})
        act.undo()


def everything(memory: MemorySystem) -> dict[str, list[tuple[object, ...]]]:
    rows = {table: memory.query_sql(f"SELECT * FROM {table}") for table in TABLES}
    return {table: sorted((tuple(map(str, row.values())) for row in found), key=str) for table, found in rows.items()}


@pytest.fixture
def memory(database_url: str) -> Iterator[MemorySystem]:
    with MemorySystem(database_url, durability="normal", seed=3) as opened:
        yield opened


@pytest.fixture
def recorded(memory: MemorySystem) -> TiedModel:
    """A model that was researched for a while, and whose record is consolidated."""
    model = TiedModel()
    memory.attach(model, name="tied")
    memory.define_metric("perplexity", derived_from=["loss"])
    memory.record_observation("hypothesis", "sharing", "the embeddings are one tensor", {"sure": float("nan")})
    research(memory, model, 90)
    memory.consolidate()
    return model


@pytest.fixture
def fresh_url(request: pytest.FixtureRequest, database_url: str, postgres_server) -> Iterator[str]:
    """A database that was never opened."""
    if not database_url.startswith("postgresql"):
        yield database_url
        return
    url = postgres_server.create(migrated=False)
    yield url
    postgres_server.drop(url)


def test_what_moves_a_metric_becomes_known_and_what_architecture_explains_does_not(memory, recorded):
    (pattern,) = memory.patterns("effect")
    assert (pattern.subject, pattern.object, pattern.direction, pattern.grade) == (
        "embed.weight",
        "loss",
        1,
        "randomised",
    )
    assert pattern.ci_low < 0.1 < pattern.ci_high
    assert [theory.pattern_id for theory in memory.theories()] == [each.pattern_id for each in memory.patterns()]
    reasons = {fact.reason for fact in memory.architectural_facts()}
    assert reasons == {"alias", "derived_metric"}
    assert {belief.belief_type for belief in memory.beliefs("architectural_fact")} == {"architectural_fact"}


def test_consolidating_twice_changes_nothing_and_rebuilding_gives_the_same_rows(memory, recorded):
    live = everything(memory)
    assert not memory.consolidate()
    assert everything(memory) == live
    memory.rebuild()
    assert everything(memory) == live


def test_a_record_opened_again_goes_on_where_it_stopped(database_url):
    model = TiedModel()
    with MemorySystem(database_url, seed=3) as memory:
        memory.attach(model, name="tied")
        memory.define_metric("perplexity", derived_from=["loss"])
        research(memory, model, 45)
        first = len(list(memory.store.read()))
    with MemorySystem(database_url, seed=3) as memory:
        memory.attach(model, name="tied")
        assert len(list(memory.store.read())) == first
        research(memory, model, 45)
        assert len(memory.patterns("effect")) == 1
        live = everything(memory)
        memory.rebuild()
        assert everything(memory) == live
        assert memory.verify().ok


def test_a_query_gets_rows_by_column_name_with_parameters(memory, recorded):
    rows = memory.query_sql(
        "SELECT layer_name, relation FROM affected_layers WHERE position = :p ORDER BY relation DESC",
        p=next(event.position for event in memory.store.read(types=["coupled_modification"])),
    )
    assert rows == [
        {"layer_name": "head.weight", "relation": "primary"},
        {"layer_name": "embed.weight", "relation": "alias"},
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM observations",
        "UPDATE ledger SET payload = '{}'",
        "INSERT INTO projections (name, version, position) VALUES ('x', 1, 0)",
        "DROP TABLE observations",
        "CREATE TABLE mine (x INTEGER)",
        "SELECT * FROM no_such_table",
        "WITH gone AS (DELETE FROM observations RETURNING 1) SELECT * FROM gone",
    ],
)
def test_a_query_cannot_write(memory, statement):
    memory.record_observation("discovery", "c")
    memory.consolidate()
    before = everything(memory)
    with pytest.raises(QueryError):
        memory.query_sql(statement)
    assert everything(memory) == before
    assert memory.verify().ok


def test_verify_finds_a_live_weight_nobody_announced(memory, recorded):
    assert memory.verify().ok
    with torch.no_grad():
        recorded.middle.bias[0] += 1
    before = memory.store.head()
    report = memory.verify()
    assert not report
    assert len(report.problems) == 1
    assert "middle.bias" in report.problems[0]
    assert memory.store.head() == before


@pytest.mark.parametrize("folded", [True, False])
def test_verify_finds_a_tampered_event_whether_or_not_it_was_folded(memory, folded):
    memory.attach(SharingMap.from_relations(names=["a"]), name="sim")
    recorded = memory.record_observation("discovery", "c")
    memory.record_observation("discovery", "d")
    if folded:
        memory.consolidate()
    sqlite = memory.store.database.dialect == "sqlite"
    engine = create_engine(memory.store.database.location.url, poolclass=NullPool)
    with engine.begin() as connection:
        stop = "DROP TRIGGER ledger_refuses_update" if sqlite else "ALTER TABLE ledger DISABLE TRIGGER ALL"
        connection.execute(text(stop))
        statement = text("UPDATE ledger SET payload = :payload WHERE position = :position")
        connection.execute(statement, {"payload": '{"category": "other"}', "position": recorded.position})
    report = memory.verify()
    assert not report
    assert any(str(recorded.position) in problem for problem in report.problems)


OPENS_AND_RECORDS = """
import sys
from memory import MemorySystem
from introspection import SharingMap
url, number = sys.argv[1:]
sys.stdin.readline()
with MemorySystem(url, actor=number) as memory:
    memory.attach(SharingMap.from_relations(names=["a", "b"], same=[["a", "b"]]), name=f"model {number}")
    for step in range(5):
        memory.record_metrics({"loss": float(step)}, sample=number)
    memory.consolidate()
"""


def test_two_processes_that_open_a_new_database_at_once_both_record(fresh_url, tmp_path):
    script = tmp_path / "opens_and_records.py"
    script.write_text(OPENS_AND_RECORDS)
    processes = [
        subprocess.Popen(
            [sys.executable, str(script), fresh_url, str(number)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for number in range(2)
    ]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    with MemorySystem(fresh_url) as memory:
        assert [event.position for event in memory.store.read()] == list(range(1, 13))
        memory.consolidate()
        assert len(memory.query_sql("SELECT * FROM metrics")) == 10
        assert memory.verify().ok


def test_threads_that_record_and_consolidate_at_once_lose_and_double_nothing(memory):
    memory.attach(SharingMap.from_relations(names=["a", "b"], same=[["a", "b"]]), name="sim")
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(6):
                with memory.act() as act:
                    memory.record_metrics({"loss": 1.0}, sample=f"{number} {step}")
                    memory.record_modification("a", method="scale", dose=act.flip())
                    memory.record_metrics({"loss": 1.5}, sample=f"{number} {step}")
                memory.consolidate()
        except BaseException as error:  # noqa: BLE001 - reported by the test, whatever it is
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(list(memory.store.read())) == 1 + 4 * 6 * 3
    live = everything(memory)
    memory.rebuild()
    assert everything(memory) == live


def test_a_closed_batch_and_an_aborted_one_are_whole_and_absent(memory):
    memory.attach(SharingMap.from_relations(names=["a"]), name="sim")
    with memory.batch():
        for number in range(5):
            memory.record_metrics({"loss": float(number)}, key=str(number))
    with pytest.raises(PalimpsestError), memory.batch():
        memory.record_metrics({"loss": 9.0})
        memory.record_metrics({"loss": 8.0}, key="0")
    memory.consolidate()
    assert len(memory.query_sql("SELECT * FROM metrics")) == 5


def test_an_answer_with_two_columns_of_one_name_is_refused_rather_than_losing_one(memory):
    with pytest.raises(QueryError, match="two columns of the answer are named 'x'"):
        memory.query_sql("SELECT 1 AS x, 2 AS x")


def test_a_closed_memory_refuses_to_go_on(database_url):
    memory = MemorySystem(database_url)
    memory.close()
    for late in (
        lambda: memory.record_observation("behavior", "late"),
        lambda: memory.query_sql("SELECT 1 AS one"),
        memory.patterns,
    ):
        with pytest.raises(DatabaseError, match="was closed"):
            late()


def test_unknown_kinds_and_metrics_of_themselves_are_refused(memory):
    with pytest.raises(InvalidArgument, match="nope"):
        memory.patterns("nope")
    with pytest.raises(InvalidPayload, match="itself"):
        memory.define_metric("loss", derived_from=["loss"])


def test_a_retracted_outcome_takes_its_evidence_with_it_and_the_report_says_so(tmp_path: Path) -> None:
    with MemorySystem(tmp_path / "research.db", seed=1) as memory:
        memory.attach(SharingMap.from_relations(names=["a", "b"], same=[]), name="m")
        outcomes = []
        for number in range(40):
            with memory.act() as act:
                sign, sample = act.flip(), f"s{number}"
                memory.record_metrics({"loss": 2.0}, sample=sample)
                memory.record_modification("a", method="scale", dose=sign)
                outcomes.append(memory.record_metrics({"loss": 2.0 + sign * (1 + number % 3)}, sample=sample))
        assert memory.consolidate().new
        (pattern,) = memory.patterns("effect")
        for outcome in outcomes[3:]:
            memory.retract(outcome.position, reason="the wrong sample")
        report = memory.consolidate()
        assert pattern.pattern_id in report.retracted
        assert memory.patterns("effect") == []
        (kept,) = memory.patterns("effect", status="retracted")
        assert (kept.first_position, kept.post_retraction) == (pattern.first_position, True)
        retracted = {outcome.position for outcome in outcomes[3:]}
        assert not retracted & {row["position"] for row in memory.query_sql("SELECT position FROM evidence")}
        before = memory.query_sql("SELECT * FROM patterns")
        memory.rebuild()
        assert memory.query_sql("SELECT * FROM patterns") == before
        assert memory.verify()
