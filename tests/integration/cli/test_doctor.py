"""`palimpsest doctor` as a person or a script meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from memory.cli.installation import DISTRIBUTION, EXTRAS, PYTHON_NEEDED
from memory.store import EventStore
from memory.store.diagnosis_file import has_reset_fix

ROOT = Path(__file__).resolve().parents[3]
MAIN = "from memory.cli import main; main()"


def palimpsest(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", MAIN, *arguments],
        capture_output=True, text=True, cwd=folder, env={**os.environ, **environment}, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture
def research(tmp_path: Path) -> Path:
    """A folder with a database, and nothing in it."""
    EventStore.open(tmp_path / "research.db").close()
    return tmp_path


def test_doctor_says_how_each_thing_is_in_a_line(research: Path) -> None:
    done = palimpsest("doctor", "research.db", folder=research)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    told = {line.split()[1] for line in lines if not line.startswith(" ")}
    assert {"python", "packages", "extras", "sqlite", "file-system", "opens", "schema", "head"} <= told
    assert {line.split()[0] for line in lines if not line.startswith(" ")} <= {"ok", "warning"}
    assert "0 problems" in done.stderr


def test_doctor_in_json_has_every_finding_with_its_remedy(research: Path) -> None:
    told = json.loads(palimpsest("doctor", "--json", folder=research).stdout)
    assert told["ok"] is True
    assert all(set(finding) == {"subject", "level", "message", "remedy"} for finding in told["findings"])
    assert all(bool(finding["remedy"]) == (finding["level"] != "ok") for finding in told["findings"])
    assert "schema" in {finding["subject"] for finding in told["findings"]}


def test_doctor_exits_with_1_on_a_problem_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database\n" * 20)
    done = palimpsest("doctor", "notes.txt", folder=tmp_path)
    assert done.returncode == 1
    assert "problem  opens" in done.stdout
    assert "→ name another file" in done.stdout
    assert "1 problem" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


def test_doctor_without_a_database_looks_at_the_installation_alone(tmp_path: Path) -> None:
    done = palimpsest("doctor", folder=tmp_path)
    assert done.returncode == 0
    assert "opens" not in done.stdout
    assert "no database was looked at" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", [("-d", "elsewhere.db"), ("elsewhere.db",), ()])
def test_doctor_takes_its_database_as_other_commands_do(research: Path, how: tuple[str, ...]) -> None:
    environment = {} if how else {"PALIMPSEST_URL": "elsewhere.db"}
    done = palimpsest("doctor", *how, folder=research, **environment)
    assert done.returncode == 1
    assert "elsewhere.db" in done.stdout


def test_doctor_looks_at_a_server_too(postgres_url: str, tmp_path: Path) -> None:
    told = json.loads(palimpsest("doctor", postgres_url, "--json", folder=tmp_path).stdout)
    found = {finding["subject"]: finding["level"] for finding in told["findings"]}
    assert found["psycopg"] == found["postgresql"] == found["encoding"] == found["full_page_writes"] == "ok"
    assert found["rights"] == "warning"


def test_doctor_imports_neither_torch_nor_what_a_server_needs(research: Path) -> None:
    code = f"import sys\ntry:\n    {MAIN}\nfinally:\n    sys.stderr.write('HEAVY ' + ' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code, "doctor", "research.db"], capture_output=True, text=True, cwd=research,
        timeout=60, check=True,
    )  # fmt: skip
    assert {"torch", "transformers", "scipy"}.isdisjoint(done.stderr.rsplit("HEAVY ", 1)[1].split())


def test_a_foreign_package_named_introspection_is_named_and_nothing_else_happens(tmp_path: Path) -> None:
    (tmp_path / "introspection.py").touch()
    done = palimpsest("doctor", folder=tmp_path, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr
    assert "is not ours" in done.stderr
    assert "Traceback" not in done.stderr


def test_somebody_elses_distribution_of_our_packages_names_is_a_problem(tmp_path: Path) -> None:
    theirs = tmp_path / "memory-1.3.dist-info"
    theirs.mkdir()
    (theirs / "METADATA").write_text("Metadata-Version: 2.1\nName: memory\nVersion: 1.3\n")
    done = palimpsest("doctor", folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "'memory' 1.3" in done.stdout
    assert "--force-reinstall" in done.stdout


def test_the_extras_looked_for_are_those_a_user_can_install() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] == DISTRIBUTION
    assert project["requires-python"] == f">={'.'.join(map(str, PYTHON_NEEDED))}"
    for_users = {
        name: parts for name, parts in project["optional-dependencies"].items() if name not in ("test", "bench")
    }
    assert EXTRAS.keys() == for_users.keys()
    for extra, parts in for_users.items():
        assert set(EXTRAS[extra]) == {part.partition(">")[0].partition("[")[0] for part in parts}


def test_the_sqlite_of_this_python_is_judged_as_its_version_says(tmp_path: Path) -> None:
    import sqlite3

    told = json.loads(palimpsest("doctor", "--json", folder=tmp_path).stdout)
    level = next(finding["level"] for finding in told["findings"] if finding["subject"] == "sqlite")
    assert level == ("ok" if has_reset_fix(sqlite3.sqlite_version_info) else "warning")
