"""Every command of the guides runs as it stands, after the Python examples above it, and says what the guide says.

In a block of console lines, `$ ` begins a command; `# exits 1` says how it ends, 0 otherwise; lines without `$ ` are
what it prints, `…` standing for anything.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from introspection.errors import PalimpsestError
from memory.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted(path for path in (ROOT / "docs" / "guide").glob("*.md") if path.name != "postgresql.md")
"""The guide on PostgreSQL has a test of its own, with a server."""
_BLOCK = re.compile(r"^```(python|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Command(NamedTuple):
    words: list[str]
    to_file: str | None
    appending: bool
    exit_code: int
    prints: list[str]


def commands(block: str) -> list[Command]:
    """The commands of a block, each with what it is said to print."""
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


def carry_out(command: Command) -> tuple[int, str, str]:
    """Run a command of ours, or Alembic's from this checkout; give its exit code, its results and its words."""
    if command.words[0] == "alembic":
        words = [sys.executable, "-m", "alembic", "-c", str(ROOT / "alembic.ini"), *command.words[1:]]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout, done.stderr
    assert command.words[0] == "palimpsest", f"the test does not know how to run {command.words[0]}"
    result = CliRunner().invoke(app, command.words[1:])
    if isinstance(result.exception, PalimpsestError):
        return 1, result.stdout, f"{result.stderr}error [{result.exception.code}]: {result.exception}\n"
    return result.exit_code, result.stdout, result.stderr


def hold(command: Command) -> None:
    """Run a command and hold it against what the guide says."""
    code, printed, said = carry_out(command)
    assert code == command.exit_code, f"{shlex.join(command.words)}\n{printed}\n{said}"
    if command.to_file is not None:
        with Path(command.to_file).open("a" if command.appending else "w") as file:
            file.write(printed)
    lines = (printed + said).splitlines()
    for expected in command.prints:
        pattern = ".*".join(re.escape(part) for part in expected.split("…"))
        assert any(re.fullmatch(pattern, line) for line in lines), f"{expected!r} is not in {lines}"


WITH_COMMANDS = [guide for guide in GUIDES if "```console" in guide.read_text()]


@pytest.mark.parametrize("guide", WITH_COMMANDS, ids=lambda path: path.name)
def test_its_commands_run_and_print_what_it_says(guide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PALIMPSEST_URL", raising=False)
    names: dict[str, object] = {"__name__": "__main__"}
    for kind, block in _BLOCK.findall(guide.read_text()):
        if kind == "python":
            exec(compile(block, guide.name, "exec"), names)  # noqa: S102
        else:
            for command in commands(block):
                hold(command)


def test_the_guides_have_commands_to_run() -> None:
    assert {"durability.md", "verifying.md", "migrations.md", "following.md"} <= {guide.name for guide in WITH_COMMANDS}
