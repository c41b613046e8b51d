"""What every command owes whoever types it: a place in the guide, an example that is right, an answer in JSON."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from memory.cli.app import app

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "command_line.md"


def commands(group: Any = None, before: tuple[str, ...] = ("palimpsest",)) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command, with all of the words that call it."""
    for name, command in (group or typer.main.get_command(app)).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*before, name))
        else:
            yield (*before, name), command


COMMANDS = dict(commands())
each_command = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)


@each_command
def test_the_guide_tells_of_it(words: tuple[str, ...]) -> None:
    told = GUIDE.read_text()
    if len(words) == 2:
        assert f"`{' '.join(words)}" in told
    else:
        # Those of a group share a line.
        line = next(line for line in told.splitlines() if f"`{' '.join(words[:-1])} " in line)
        assert f"{words[-1]}`" in line


@each_command
def test_its_help_ends_with_an_example_that_it_understands(words: tuple[str, ...]) -> None:
    before, _, example = (COMMANDS[words].epilog or "").partition("Example: ")
    assert before == ""
    typed = shlex.split(example.partition(" >> ")[0])
    assert tuple(typed[: len(words)]) == words
    COMMANDS[words].make_context(words[-1], typed[len(words) :])


@each_command
def test_it_can_answer_in_json(words: tuple[str, ...]) -> None:
    assert any("--json" in option.opts for option in COMMANDS[words].params)


def test_the_help_says_what_the_exit_codes_mean() -> None:
    assert "0 all well; 1 a problem was found" in (typer.main.get_command(app).epilog or "")
    assert "Exit codes: 0 all well; 1 a problem was found" in GUIDE.read_text().replace("\n", " ")
