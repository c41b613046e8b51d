"""`palimpsest why` and `palimpsest diff-knowledge`: in words, as JSON, as a page; now, and as it was."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner, Result

from memory import MemorySystem
from memory.cli.app import app
from memory.errors import InvalidArgument, UnknownBelief


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory, histories: ModuleType) -> tuple[str, str]:
    """A record in which a belief was stated, an act made, and the belief stated anew."""
    path = str(tmp_path_factory.mktemp("why") / "research.db")
    with MemorySystem(path, actor="ada") as memory:
        held = memory.assert_belief("seeds matter", credence=0.6)
        memory.attach(histories.sharing(["a", "b"], ["a", "b"]), name="m")
        with memory.act(act_id="bold"):
            memory.record_modification("a", method="scale", dose=1.0)
        memory.assert_belief("seeds matter", credence=0.9)
    return path, held.belief_id


def palimpsest(*arguments: str) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_why_walks_from_a_belief_to_its_events(record: tuple[str, str]) -> None:
    path, belief = record
    done = palimpsest("why", belief, "-d", path)
    assert "seeds matter" in done.stdout
    assert "belief_asserted: assertion: seeds matter (credence 0.6)" in done.stdout
    data = json.loads(palimpsest("why", belief, "-d", path, "--json").stdout)
    assert [event["position"] for event in data["events"]] == [1, 4]


def test_why_as_of_an_earlier_position_knows_nothing_later(record: tuple[str, str]) -> None:
    path, belief = record
    data = json.loads(palimpsest("why", belief, "-d", path, "--json", "--as-of", "2").stdout)
    assert data["belief"]["credence"] == 0.6
    assert [event["position"] for event in data["events"]] == [1]


@pytest.mark.parametrize("named", ["bold", "3"])
def test_why_of_an_act_tells_what_was_believed_and_what_followed(record: tuple[str, str], named: str) -> None:
    words = palimpsest("why", named, "-d", record[0]).stdout
    assert words.startswith("At position 3, act bold of m:")
    assert "a and b are one tensor" in words
    assert "What followed" in words


def test_why_goes_to_a_page_of_its_own(record: tuple[str, str], tmp_path: Path) -> None:
    page = tmp_path / "why.html"
    assert palimpsest("why", record[1], "-d", record[0], "--html", str(page)).stdout.strip() == str(page)
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert '<html lang="en">' in text
    assert "seeds matter" in text
    assert "<script" not in text


def test_what_became_known_between_two_positions(record: tuple[str, str], tmp_path: Path) -> None:
    path, belief = record
    words = palimpsest("diff-knowledge", "2", "-d", path).stdout
    assert "From position 2 to position 4: 1 strengthened" in words
    assert "credence 0.6 → 0.9" in words
    data = json.loads(palimpsest("diff-knowledge", "2", "4", "-d", path, "--json").stdout)
    assert [(change["change"], change["identity"]) for change in data["changes"]] == [("strengthened", belief)]
    assert "nothing known has changed" in palimpsest("diff-knowledge", "2", "3", "-d", path).stdout
    page = tmp_path / "changed.html"
    palimpsest("diff-knowledge", "1970-01-01T00:00:00Z", "-d", path, "--html", str(page))
    assert belief in page.read_text()


def test_what_is_not_there_is_refused_with_its_error(record: tuple[str, str]) -> None:
    with pytest.raises(UnknownBelief):
        palimpsest("why", "belief-nothing", "-d", record[0])
    with pytest.raises(InvalidArgument, match="act"):
        palimpsest("why", "no such act", "-d", record[0])
    with pytest.raises(InvalidArgument, match="first"):
        palimpsest("diff-knowledge", "99", "-d", record[0])
