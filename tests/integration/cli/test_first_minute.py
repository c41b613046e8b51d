"""The first minute at the command line: what it says by itself, when something is mistyped, and what a shell offers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from introspection import SharingMap
from memory import MemorySystem
from memory.cli.app import app

MAIN = "from memory.cli import main; main()"


def palimpsest(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    command = [sys.executable, "-c", MAIN, *arguments]
    known = {name: value for name, value in os.environ.items() if name != "PALIMPSEST_URL"}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=known, timeout=60, check=False)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], str]:
    """What the command says by itself in a folder."""
    monkeypatch.delenv("PALIMPSEST_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def said(folder: Path) -> str:
        monkeypatch.chdir(folder)
        done = CliRunner().invoke(app, [])
        assert done.exit_code == 0
        return done.stdout

    return said


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the demo's database is, with a stopped model whose name would be a command to a terminal."""
    folder = tmp_path_factory.mktemp("first")
    with MemorySystem(folder / "demo.db") as memory:
        memory.attach(SharingMap.from_relations(names=["a.weight"]), name="qwen")
        memory.attach(SharingMap.from_relations(names=["a.weight"]), name="other")
        memory.record_modification("a.weight", model="qwen", act="act-one")
        memory.record_modification("a.weight", model="qwen", act="act-two")
        memory.safety.emergency_stop("on \x1b[2Jfire", model="qwen")
        memory.consolidate()
    return folder


def test_alone_it_says_what_it_is_and_how_to_begin(alone: Callable[[Path], str], tmp_path: Path) -> None:
    told = alone(tmp_path)
    assert "An event-sourced memory" in told
    assert "palimpsest demo " in told
    assert "palimpsest beliefs" not in told
    assert list(tmp_path.iterdir()) == []


def test_alone_it_tells_what_is_in_the_record_that_is_there(alone: Callable[[Path], str], folder: Path) -> None:
    told = alone(folder)
    assert "demo.db holds 5 events of other, qwen, the last recorded at " in told
    assert "EMERGENCY STOP: on \\u001b[2Jfire" in told
    assert "palimpsest beliefs -d demo.db " in told


def test_alone_it_looks_where_the_environment_says(
    alone: Callable[[Path], str], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALIMPSEST_URL", str(folder / "demo.db"))
    told = alone(tmp_path)
    assert "holds 5 events" in told
    assert "palimpsest beliefs  " in told


def test_alone_it_says_why_what_is_there_cannot_be_read_and_changes_nothing(
    alone: Callable[[Path], str], tmp_path: Path
) -> None:
    (tmp_path / "research.db").write_text("no database")
    assert "research.db cannot be read: " in alone(tmp_path)
    assert (tmp_path / "research.db").read_text() == "no database"


def test_a_command_and_an_option_that_are_mistyped_are_answered_with_the_nearest() -> None:
    done = CliRunner().invoke(app, ["beleifs"])
    assert (done.exit_code, "Did you mean 'beliefs'" in done.stderr) == (2, True)
    done = CliRunner().invoke(app, ["log", "--modle", "x"])
    assert (done.exit_code, "--model" in done.stderr) == (2, True)


def test_an_error_ends_with_the_command_that_explains_it(tmp_path: Path) -> None:
    done = palimpsest("log", folder=tmp_path)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1].strip()
    assert last == "more: palimpsest explain database-unavailable"
    assert "Symptom" in CliRunner().invoke(app, last.split()[2:]).stdout


# Completion


@pytest.fixture(scope="module")
def shell(folder: Path) -> Path:
    """A folder with a command `palimpsest`, and the completion it shows for bash."""
    bash = shutil.which("bash")
    assert bash is not None
    binaries = folder / "bin"
    binaries.mkdir()
    command = binaries / "palimpsest"
    command.write_text(f"#!{sys.executable}\n{MAIN}\n")
    command.chmod(0o755)
    # The shell that asks is the one it is shown for.
    shown = subprocess.run(
        [bash, "-c", "palimpsest --show-completion > completion.sh; exit"],
        cwd=binaries, env=os.environ | {"PATH": f"{binaries}:{os.environ['PATH']}"}, timeout=60, check=True,
    )  # fmt: skip
    assert shown.returncode == 0
    return binaries


def offered(shell: Path, line: str) -> list[str]:
    """What a real bash offers when Tab is hit at the end of a line."""
    words = line.split(" ")
    script = f"""
        source {shell / "completion.sh"!s}
        COMP_WORDS=({" ".join(repr(word) for word in words)})
        COMP_CWORD={len(words) - 1}
        "$(complete -p palimpsest | sed 's/.*-F \\([^ ]*\\) .*/\\1/')" palimpsest
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, cwd=shell.parent,
        env=os.environ | {"PATH": f"{shell}:{os.environ['PATH']}"}, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("palimpsest verif", ["verify"]),
        ("palimpsest log -d demo.db --model q", ["qwen"]),
        ("palimpsest explain unknown-na", ["unknown-name"]),
        ("palimpsest log -d nowhere.db --model ", []),
    ],
)
def test_a_shell_is_offered_commands_options_and_names_out_of_the_record(
    shell: Path, line: str, names: list[str]
) -> None:
    assert offered(shell, line) == names
