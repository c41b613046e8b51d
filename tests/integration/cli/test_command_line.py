"""The command line as a person or a script meets it: a process of its own, its output and its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from introspection import SharingMap
from memory import MemorySystem
from memory.store import EventStore
from memory.store.revisions import head

NAMES = ["lm_head.weight", "model.embed_tokens.weight"]
MAIN = "from memory.cli import main; main()"


def palimpsest(*arguments: str, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", MAIN, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"COLUMNS": "200"} | environment,
        timeout=120,
        check=False,
    )


@pytest.fixture
def recorded(database_url: str) -> str:
    """A small record on each engine."""
    with MemorySystem(database_url, actor="tester") as memory:
        memory.attach(SharingMap.from_relations(names=[*NAMES, "norm.weight"], same=[NAMES]), name="sim")
        memory.record_modification("lm_head.weight", {"operation": "scale"}, act="act-1")
        memory.record_modification("norm.weight", act="act-2")
        memory.record_metrics({"loss": 2.5}, act="act-2")
        memory.consolidate()
    return database_url


def test_log_lists_every_event_in_order(recorded: str) -> None:
    done = palimpsest("log", "-d", recorded, "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["position"] for event in events] == [1, 2, 3, 4]
    assert [event["event_type"] for event in events] == [
        "model_attached",
        "coupled_modification",
        "modification",
        "metrics_recorded",
    ]
    assert {event["actor"] for event in events} == {"tester"}
    assert events[1]["payload"]["coupled_layers"] == ["model.embed_tokens.weight"]


@pytest.mark.parametrize(
    ("arguments", "positions"),
    [
        (("--type", "modification", "--type", "metrics_recorded"), [3, 4]),
        (("--model", "sim", "--after", "2"), [3, 4]),
        (("--until", "2"), [1, 2]),
        (("--act", "act-2", "--limit", "1"), [3]),
        (("--newest", "-n", "2"), [4, 3]),
        (("--stream", "elsewhere"), []),
    ],
)
def test_log_shows_only_what_was_asked_for(recorded: str, arguments: tuple[str, ...], positions: list[int]) -> None:
    done = palimpsest("log", "-d", recorded, "--json", *arguments)
    assert [json.loads(line)["position"] for line in done.stdout.splitlines()] == positions


def test_log_as_a_table_fits_an_event_on_a_line(recorded: str) -> None:
    lines = palimpsest("log", "-d", recorded).stdout.splitlines()
    assert len(lines) == 5
    assert "coupled_modification" in lines[2]
    assert "loss 2.5" in lines[4]


def test_query_answers_in_a_table_or_in_json(recorded: str) -> None:
    statement = "SELECT layer_name, relation FROM affected_layers WHERE position = 2 ORDER BY layer_name"
    assert json.loads(palimpsest("query", statement, "-d", recorded, "--json").stdout) == [
        {"layer_name": "lm_head.weight", "relation": "primary"},
        {"layer_name": "model.embed_tokens.weight", "relation": "alias"},
    ]
    assert palimpsest("query", statement, "-d", recorded).stdout.split()[:2] == ["layer_name", "relation"]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM patterns",
        "INSERT INTO streams VALUES (9, 'x', 'x', 0)",
        "DROP TABLE metrics",
        "SELECT 1; DELETE FROM metrics",
    ],
)
def test_query_cannot_write(recorded: str, statement: str) -> None:
    done = palimpsest("query", statement, "-d", recorded)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "error [query]" in done.stderr
    count = palimpsest("query", "SELECT count(*) AS n FROM metrics", "-d", recorded, "--json")
    assert json.loads(count.stdout) == [{"n": 1}]


def test_beliefs_are_told_with_their_ground(recorded: str) -> None:
    beliefs = json.loads(palimpsest("beliefs", "-d", recorded, "--json").stdout)
    told = [(belief["belief_type"], belief["credence"]) for belief in beliefs]
    assert sorted(told) == [("architectural_fact", 1.0), *[("safety_principle", 1.0)] * 4]
    assert "are one tensor" in palimpsest("beliefs", "-d", recorded).stdout


def test_verify_says_that_the_chain_holds(recorded: str) -> None:
    told = json.loads(palimpsest("verify", "-d", recorded, "--json").stdout)
    assert (told["ok"], told["events"], told["problems"]) == (True, 4, [])
    assert len(told["head"]) == 64


def test_verify_names_what_was_changed_and_exits_with_1(sqlite_url: str) -> None:
    import sqlite3

    with MemorySystem(sqlite_url) as memory:
        memory.record_observation("behavior", "first")
        memory.record_observation("behavior", "second")
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    connection.execute("DROP TRIGGER ledger_refuses_update")
    connection.execute("UPDATE ledger SET payload = replace(payload, 'second', 'forged') WHERE position = 2")
    connection.commit()
    connection.close()
    done = palimpsest("verify", "-d", sqlite_url)
    assert done.returncode == 1
    assert "2" in done.stdout


def test_db_upgrade_creates_and_current_and_check_agree(database_url: str) -> None:
    assert palimpsest("db", "upgrade", "-d", database_url).returncode == 0
    assert json.loads(palimpsest("db", "current", "-d", database_url, "--json").stdout)["current"]
    told = json.loads(palimpsest("db", "check", "-d", database_url, "--json").stdout)
    assert told == {"ok": True, "differences": []}


def test_reading_a_database_that_is_not_there_creates_none(tmp_path: Path) -> None:
    for arguments in (("log",), ("query", "SELECT 1"), ("beliefs",), ("verify",), ("db", "current"), ("db", "check")):
        done = palimpsest(*arguments, "-d", "absent.db", folder=tmp_path)
        assert done.returncode == 1
        assert "absent.db" in done.stderr
        assert "remedy" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_environment_can_name_the_database(recorded: str) -> None:
    assert palimpsest("query", "SELECT 1 AS one", "--json", PALIMPSEST_URL=recorded).stdout.split() == [
        "[", "{", '"one":', "1", "}", "]",
    ]  # fmt: skip


def test_wrong_usage_exits_with_2() -> None:
    assert palimpsest("log", "--limit", "none").returncode == 2


def test_help_says_what_it_is_and_lists_the_commands() -> None:
    told = palimpsest("--help").stdout
    assert "An event-sourced memory" in told
    for command in ("demo", "log", "query", "sharing", "beliefs", "verify", "db"):
        assert command in told


def test_sharing_tells_the_tie_of_a_real_checkpoint(tmp_path: Path) -> None:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
    )
    Qwen2ForCausalLM(config).save_pretrained(tmp_path / "tied")
    told = palimpsest("sharing", str(tmp_path / "tied"))
    assert "one tensor: lm_head.weight, model.embed_tokens.weight" in told.stdout
    found = SharingMap.from_json(palimpsest("sharing", str(tmp_path / "tied"), "--json").stdout)
    assert found.groups == (frozenset(NAMES),)


def test_sharing_says_why_a_folder_is_no_checkpoint(tmp_path: Path) -> None:
    done = palimpsest("sharing", str(tmp_path))
    assert done.returncode == 1
    assert "config.json" in done.stderr


HEAVY = ("torch", "alembic", "transformers", "scipy")


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("log",), ("query", "SELECT count(*) FROM events"), ("beliefs",), ("verify",), ("db", "current")],
)
def test_reading_commands_import_neither_torch_nor_alembic(sqlite_url: str, arguments: tuple[str, ...]) -> None:
    MemorySystem(sqlite_url).close()
    code = f"""
import sys
from memory.cli import main
try:
    main()
finally:
    sys.stderr.write("HEAVY " + ",".join(name for name in {HEAVY!r} if name in sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PALIMPSEST_URL": sqlite_url},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr.rsplit("HEAVY ", 1)[1] == ""


def test_the_command_line_starts_without_sqlalchemy_and_pydantic() -> None:
    code = "import sys, memory.cli.app; print([each for each in ('sqlalchemy', 'pydantic') if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_anchors_kept_elsewhere_are_held_against_the_log(recorded: str, tmp_path: Path) -> None:
    kept = tmp_path / "anchors.jsonl"
    kept.write_text(palimpsest("anchor", "-d", recorded).stdout)
    assert palimpsest("verify", "-d", recorded, "--anchor", str(kept)).returncode == 0
    with EventStore.open(tmp_path / "other.db"):
        pass
    done = palimpsest("verify", "-d", str(tmp_path / "other.db"), "--anchor", str(kept))
    assert done.returncode == 1
    assert "its end was cut off" in done.stdout
    assert palimpsest("verify", "-d", recorded, "--anchor", str(tmp_path / "none")).returncode == 1


def test_log_follow_prints_what_others_append_as_it_comes(recorded: str) -> None:
    command = [sys.executable, "-c", MAIN, "log", "-d", recorded, "--follow", "--json", "--after", "3", "-n", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["position"] == 4
        with MemorySystem(recorded) as memory:
            memory.record_metrics({"loss": 1.5})
        coming = json.loads(process.stdout.readline())
        assert (coming["position"], coming["payload"]["metrics"]) == (5, {"loss": 1.5})
        assert process.wait(timeout=60) == 0


def test_db_downgrade_takes_the_tables_back_and_never_the_log(recorded: str) -> None:
    refused = palimpsest("db", "downgrade", "base", "--yes", "-d", recorded)
    assert refused.returncode == 1
    assert "a log is never deleted" in refused.stderr
    assert "Traceback" not in refused.stderr
    done = palimpsest("db", "downgrade", "0001", "--yes", "-d", recorded, "--json")
    assert json.loads(done.stdout) == {"before": head(), "after": "0001"}
    assert palimpsest("db", "upgrade", "-d", recorded).returncode == 0
    with MemorySystem(recorded) as memory:
        memory.consolidate()
        assert memory.query_sql("SELECT count(*) AS n FROM modifications")[0]["n"] == 2
        assert memory.verify().ok


def test_db_downgrade_changes_nothing_without_a_yes(sqlite_url: str) -> None:
    EventStore.open(sqlite_url).close()
    refused = palimpsest("db", "downgrade", "0001", "-d", sqlite_url)
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert palimpsest("db", "current", "-d", sqlite_url).stdout.strip() == head()


def test_rebuild_makes_the_tables_of_one_projection_or_of_all_again(recorded: str) -> None:
    def rows(table: str) -> int:
        counted = palimpsest("query", f"SELECT count(*) AS n FROM {table}", "-d", recorded, "--json").stdout
        return int(json.loads(counted)[0]["n"])

    with EventStore.open(recorded) as store, store.database.writing("projections") as connection:
        for table in ("metrics", "modifications"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    one = json.loads(palimpsest("rebuild", "metrics", "-d", recorded, "--json").stdout)
    assert [(each["name"], each["position"]) for each in one] == [("metrics", 4)]
    assert (rows("metrics"), rows("modifications")) == (1, 0)
    assert len(json.loads(palimpsest("rebuild", "-d", recorded, "--json").stdout)) > 1
    assert (rows("metrics"), rows("modifications")) == (1, 2)


def test_rebuild_of_a_projection_that_does_not_exist_names_those_that_do(recorded: str) -> None:
    done = palimpsest("rebuild", "metric", "-d", recorded)
    assert done.returncode == 1
    assert "metrics" in done.stderr


def test_a_reader_who_leaves_the_pipe_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, "explain", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0
