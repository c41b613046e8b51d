"""`palimpsest serve`: a real process answering over HTTP, while a writer goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from introspection import SharingMap
from memory import MemorySystem
from memory.cli.app import app
from memory.errors import PalimpsestError
from memory.query.canned import CANNED, worked

TIED = ["lm_head.weight", "model.embed_tokens.weight"]
MAIN = "from memory.cli import main; main()"
HOSTILE = "<script>alert(1)</script>"


class Answer(NamedTuple):
    """What came back."""

    status: int
    text: str


class Served(NamedTuple):
    """A record that is served, and the one who writes to it."""

    url: str
    process: subprocess.Popen[str]
    memory: MemorySystem
    belief_id: str
    said: Path
    """What it writes on stderr."""

    def get(self, path: str, /, data: bytes | None = None, **parameters: object) -> Answer:
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        try:
            with urllib.request.urlopen(f"{self.url}{path}{query}", data=data, timeout=30) as response:
                return Answer(response.status, response.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read().decode())

    def rows(self, path: str, **parameters: object) -> list[dict[str, Any]]:
        answer = self.get(f"{path}.json", **{"_shape": "array", **parameters})
        assert answer.status == 200, answer.text
        found: list[dict[str, Any]] = json.loads(answer.text)
        return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A small record with acts, an alert and a hostile note, served on a free port while it is open for writing."""
    database = tmp_path_factory.mktemp("served") / "research.db"
    with MemorySystem(database, seed=1) as memory:
        memory.attach(SharingMap.from_relations(names=[*TIED, "norm.weight"], same=[TIED]), name="sim")
        memory.define_metric("loss", better="lower")
        for number in range(3):
            memory.record_metrics({"loss": 2.0}, act=f"act-{number}", sample="s")
            memory.record_modification("lm_head.weight", act=f"act-{number}", method="scale", description=HOSTILE)
            memory.record_metrics({"loss": 2.0 + number}, act=f"act-{number}", sample="s")
        belief = memory.assert_belief(
            "scaling the head raises the loss", belief_type="heuristic", credence=0.8, model="sim"
        )
        memory.safety.emergency_stop("for a test")
        memory.safety.clear_emergency("for a test")
        command = [sys.executable, "-c", MAIN, "serve", "-d", str(database), "--port", "0", "--json"]
        said = database.with_name("said.txt")
        with (
            said.open("w") as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
        ):
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            assert told["database"] == str(database)
            yield Served(told["url"].rstrip("/"), process, memory, belief.belief_id, said)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0


def test_a_page_that_is_not_there_is_no_fault_to_tell_on_stderr(served: Served) -> None:
    before = served.said.read_text()
    assert served.get("/research/nosuch").status == 404
    assert served.said.read_text() == before


def test_its_first_page_says_what_it_is(served: Served) -> None:
    page = served.get("/")
    assert page.status == 200
    assert "What was done to neural networks" in page.text
    assert 'href="/research"' in page.text


def test_the_log_as_stored_and_what_projections_keep_for_themselves_are_hidden(served: Served) -> None:
    tables = {each["name"]: each["hidden"] for each in json.loads(served.get("/research.json").text)["tables"]}
    assert {"beliefs", "modifications", "metrics", "patterns"} <= {
        name for name, hidden in tables.items() if not hidden
    }
    internal = {"ledger", "appends", "blobs", "inference_state", "search_entries", "palimpsest_version"}
    assert internal <= {name for name, hidden in tables.items() if hidden}


def test_every_table_and_view_that_is_shown_says_what_it_and_its_columns_are(served: Served) -> None:
    told = json.loads(served.get("/-/metadata.json").text)["databases"]["research"]["tables"]
    about = json.loads(served.get("/research.json").text)
    shown = [each["name"] for each in [*about["tables"], *about["views"]] if not each.get("hidden")]
    assert {"events", "act_outcomes", "current_beliefs", "beliefs"} <= set(shown)
    schema = "SELECT s.name AS relation, c.name FROM sqlite_master AS s JOIN pragma_table_info(s.name) AS c"
    columns: dict[str, set[str]] = {}
    for row in served.rows("/research", sql=schema):
        columns.setdefault(row["relation"], set()).add(row["name"])
    for name in shown:
        assert told[name]["description"]
        assert set(told[name]["columns"]) == columns[name]
        assert all(told[name]["columns"].values())


def test_a_table_shows_its_newest_rows_first_and_explains_its_columns(served: Served) -> None:
    page = served.get("/research/modifications").text
    assert "Announced writes: one row per event" in page
    assert "<dt>coupled_layers</dt><dd>the other names whose bytes changed with it</dd>" in page
    assert "sorted by position descending" in page


def test_positions_acts_and_layers_lead_to_what_there_is_to_say_of_them(served: Served) -> None:
    page = served.get("/research/layer_history").text
    for leads_to in ("one_event?position=4", "one_act?act_id=act-0", "one_layer?layer_name=lm_head.weight"):
        assert f'<a href="/research/{leads_to}">' in page


def test_nothing_recorded_becomes_part_of_a_page(served: Served) -> None:
    page = served.get("/research/modifications").text
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("canned", [*CANNED, *worked()], ids=lambda canned: canned.name)
def test_every_question_is_answered(served: Served, canned: Any) -> None:
    told = {
        "position": 4,
        "act_id": "act-1",
        "metric": "loss",
        "layer_name": "model.embed_tokens.weight",
        "belief_id": served.belief_id,
    }
    page = served.get(f"/research/{canned.name}", **told)
    assert page.status == 200
    assert canned.title in page.text
    assert ("SQL query returning" in page.text) or canned in worked() or canned.name == "why_a_belief"
    assert "message-error" not in page.text


def test_the_worked_questions_of_the_page_on_sql_are_all_there() -> None:
    assert len(worked()) >= 20
    assert len({each.name for each in (*CANNED, *worked())}) == len(CANNED) + len(worked())
    assert worked()[0].title == "Which edits hurt the loss most?"


def test_what_is_written_meanwhile_is_seen(served: Served) -> None:
    recorded = served.memory.record_observation("performance", "note", "written while it is served")
    newest = served.rows("/research/what_happened_last")[0]
    assert (newest["position"], newest["event_type"]) == (recorded.position, "observation")


@pytest.mark.parametrize("statement", ["DELETE FROM beliefs", "INSERT INTO streams VALUES (9, 'x', 'x', 1)"])
def test_nothing_can_be_written(served: Served, statement: str) -> None:
    assert served.get("/research", sql=statement).status == 400
    # Also where a clause that reads comes first, which Datasette lets through: the file was opened for reading only.
    assert served.get("/research", sql=f"WITH x AS (SELECT 1) {statement}").status == 400
    assert served.get("/research/beliefs", data=b"belief_id=x").status == 405
    assert served.rows("/research", sql="SELECT count(*) AS n FROM beliefs")[0]["n"] > 0


def refused(*arguments: str) -> str:
    """What the command says instead of serving."""
    error = CliRunner().invoke(app, ["serve", *arguments]).exception
    assert isinstance(error, PalimpsestError)
    return str(error)


def test_a_port_that_is_taken_is_said_to_be(served: Served) -> None:
    port = urllib.parse.urlsplit(served.url).port
    assert "--port 0 takes a free one" in refused("-d", str(served.memory.store.database.file), "--port", str(port))


def test_a_host_that_is_none_of_this_machine_is_what_is_wrong(sqlite_url: str) -> None:
    assert refused("-d", sqlite_url, "--host", "192.0.2.1", "--port", "0").startswith("--host cannot be '192.0.2.1'")


def test_postgresql_is_refused_with_what_to_do_instead(postgres_url: str) -> None:
    told = refused("-d", postgres_url)
    assert "palimpsest export FOLDER" in told
    assert "palimpsest import FOLDER --database copy.db" in told


def test_without_datasette_it_names_the_extra(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MemorySystem(sqlite_url).close()
    monkeypatch.setitem(sys.modules, "datasette.app", None)
    assert 'pip install "palimpsest-memory[serve]"' in refused("-d", sqlite_url, "--port", "0")
