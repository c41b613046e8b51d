"""The first minute at the command line: what it says by itself, when something is mistyped, and what a shell offers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from introspection import SharingMap
from memory import MemorySystem

MAIN = "from memory.cli import main; main()"


def palimpsest(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if name != "PALIMPSEST_URL"}
    return subprocess.run(
        [sys.executable, "-c", MAIN, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=known | {"COLUMNS": "200"} | environment,
        timeout=60,
        check=False,
    )


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


def test_alone_it_says_what_it_is_and_how_to_begin(tmp_path: Path) -> None:
    done = palimpsest(folder=tmp_path)
    assert done.returncode == 0
    assert "An event-sourced memory" in done.stdout
    assert "palimpsest demo " in done.stdout
    assert "palimpsest beliefs" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_alone_it_tells_what_is_in_the_record_that_is_there(folder: Path) -> None:
    done = palimpsest(folder=folder)
    assert "demo.db holds 5 events of other, qwen, the last recorded at " in done.stdout
    assert "EMERGENCY STOP: on \\u001b[2Jfire" in done.stdout
    assert "palimpsest beliefs -d demo.db " in done.stdout


def test_alone_it_looks_where_the_environment_says(folder: Path, tmp_path: Path) -> None:
    told = palimpsest(folder=tmp_path, PALIMPSEST_URL=str(folder / "demo.db")).stdout
    assert "holds 5 events" in told
    assert "palimpsest beliefs  " in told


def test_alone_it_says_why_what_is_there_cannot_be_read_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "research.db").write_text("no database")
    done = palimpsest(folder=tmp_path)
    assert done.returncode == 0
    assert "research.db cannot be read: " in done.stdout
    assert (tmp_path / "research.db").read_text() == "no database"


def test_a_command_and_an_option_that_are_mistyped_are_answered_with_the_nearest(tmp_path: Path) -> None:
    done = palimpsest("beleifs", folder=tmp_path)
    assert (done.returncode, "Did you mean 'beliefs'" in done.stderr) == (2, True)
    done = palimpsest("log", "--modle", "x", folder=tmp_path)
    assert (done.returncode, "--model" in done.stderr) == (2, True)


def test_an_error_ends_with_the_command_that_explains_it(tmp_path: Path) -> None:
    done = palimpsest("log", folder=tmp_path)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1].strip()
    assert last == "more: palimpsest explain database-unavailable"
    assert "Symptom" in palimpsest(*last.split()[2:], folder=tmp_path).stdout


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
        ("palimpsest log --new", ["--newest"]),
        ("palimpsest log -d demo.db --model ", ["other", "qwen"]),
        ("palimpsest log -d demo.db --act act-t", ["act-two"]),
        ("palimpsest explain unknown-na", ["unknown-name"]),
        ("palimpsest log -d nowhere.db --model ", []),
    ],
)
def test_a_shell_is_offered_commands_options_and_names_out_of_the_record(
    shell: Path, line: str, names: list[str]
) -> None:
    assert offered(shell, line) == names
