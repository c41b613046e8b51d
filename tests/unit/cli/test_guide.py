"""What every command owes whoever types it: a place in the guide, an example that is right, an answer in JSON."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from memory.cli.app import app

ROOT = Path(__file__).resolve().parents[3]
GUIDE = ROOT / "docs" / "guide" / "command_line.md"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_TOLD = re.compile(r"`(palimpsest(?: [^`]*)?)`|^\$ (palimpsest .*)$", re.MULTILINE)
_ENDS_A_COMMAND = {">", ">>", "|", "&&", "#"}


def commands(group: Any = None, before: tuple[str, ...] = ("palimpsest",)) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command, with all of the words that call it."""
    for name, command in (group or typer.main.get_command(app)).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*before, name))
        else:
            yield (*before, name), command


COMMANDS = dict(commands())
GROUPS = {words[:-1] for words in COMMANDS}
each_command = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)


def understood(line: str) -> tuple[str, ...]:
    """See that a command can be typed as it stands, without running it; give the words that call it."""
    typed = shlex.split(line)
    typed = typed[: next((at for at, word in enumerate(typed) if word in _ENDS_A_COMMAND), len(typed))]
    called = next((tuple(typed[:length]) for length in (3, 2) if tuple(typed[:length]) in COMMANDS), None)
    if called is None:
        assert typed[1:] in ([], ["--help"], ["--version"]) or tuple(typed) in GROUPS, f"there is no command {line!r}"
        return tuple(typed)
    # The name alone speaks of the command, and types nothing.
    if len(typed) > len(called) and typed[-1] != "--help":
        COMMANDS[called].make_context(called[-1], typed[len(called) :])
    return called


@each_command
def test_the_guide_tells_of_it(words: tuple[str, ...]) -> None:
    rows = [line for line in GUIDE.read_text().splitlines() if line.startswith("| `palimpsest ")]
    if len(words) == 2:
        assert any(f"`{' '.join(words)}" in row for row in rows)
    else:
        # Those of a group share a row.
        assert any(f"`{' '.join(words[:-1])} " in row and re.search(rf"\b{words[-1]}\b", row) for row in rows)


@each_command
def test_its_help_ends_with_an_example_that_it_understands(words: tuple[str, ...]) -> None:
    told = re.fullmatch(r"Example: (.+)|Examples: (.+)", COMMANDS[words].epilog or "")
    assert told is not None
    for example in [told[1]] if told[1] else told[2].split("; "):
        # What it is an example of may be said behind it, in brackets.
        assert understood(re.sub(r" \([^()]*\)$", "", example)) == words


@each_command
def test_its_help_says_what_it_does_and_what_each_option_means(words: tuple[str, ...]) -> None:
    assert COMMANDS[words].help
    assert all(getattr(each, "help", None) for each in COMMANDS[words].params if each.name != "help")


@each_command
def test_it_can_answer_in_json(words: tuple[str, ...]) -> None:
    assert any("--json" in option.opts for option in COMMANDS[words].params)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_a_page_tells_can_be_typed(page: Path) -> None:
    for found in _TOLD.finditer(page.read_text()):
        understood((found[1] or found[2]).replace("\n", " "))


def test_the_help_says_what_the_exit_codes_mean() -> None:
    assert "0 all well; 1 a problem was found" in (typer.main.get_command(app).epilog or "")
    assert "Exit codes: 0 all well; 1 a problem was found" in GUIDE.read_text().replace("\n", " ")
