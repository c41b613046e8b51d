"""Runs what a guide tells its reader to type.

In a block of console lines, `$ ` begins a command; `# exits 1` says how it ends, 0 otherwise; lines without `$ ` are
what it prints, `…` standing for anything.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from introspection.errors import PalimpsestError
from memory.cli.app import app

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"^```(python|console|sql)\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Command(NamedTuple):
    """One command of a guide."""

    words: list[str]
    to_file: str | None
    appending: bool
    exit_code: int
    prints: list[str]


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield each block of a guide that is meant to be run, with its language, in order."""
    for match in _BLOCK.finditer(text):
        yield match[1], match[2]


def commands(block: str) -> list[Command]:
    """Give the commands of a console block, each with what it is said to print."""
    found: list[Command] = []
    for line in block.splitlines():
        if not line.startswith("$ "):
            found[-1].prints.append(line)
            continue
        command, _, comment = line.removeprefix("$ ").partition("  # ")
        exit_code = int(comment.removeprefix("exits ")) if comment.startswith("exits ") else 0
        words = shlex.split(command)
        to_file, appending = None, ">>" in words
        if len(words) > 2 and words[-2] in (">", ">>"):
            words, to_file = words[:-2], words[-1]
        found.append(Command(words, to_file, appending, exit_code, []))
    return found


def carry_out(words: list[str]) -> tuple[int, str, str]:
    """Run a command of ours, or Alembic's from this checkout; give its exit code, its results and its words."""
    if words[0] == "alembic":
        command = [sys.executable, "-m", "alembic", "-c", str(ROOT / "alembic.ini"), *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout, done.stderr
    assert words[0] == "palimpsest", f"it is not known how to run {words[0]}"
    result = CliRunner().invoke(app, words[1:])
    if isinstance(result.exception, PalimpsestError):
        return 1, result.stdout, f"{result.stderr}error [{result.exception.code}]: {result.exception}\n"
    return result.exit_code, result.stdout, result.stderr


def hold(command: Command) -> str:
    """Run a command, hold it against what the guide says, and give what it printed."""
    code, printed, said = carry_out(command.words)
    assert code == command.exit_code, f"{shlex.join(command.words)}\n{printed}\n{said}"
    if command.to_file is not None:
        with Path(command.to_file).open("a" if command.appending else "w") as file:
            file.write(printed)
    expect(command, (printed + said).splitlines())
    return printed


def expect(command: Command, lines: list[str]) -> None:
    """See that what the guide says a command prints is among what it printed."""
    for expected in command.prints:
        pattern = ".*".join(re.escape(part) for part in expected.split("…"))
        assert any(re.fullmatch(pattern, line) for line in lines), f"{expected!r} is not in {lines}"
