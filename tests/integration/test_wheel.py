"""The wheel, away from the checkout: it carries its migrations and error pages, and upgrades old databases."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from memory.store import migrate

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the wheel was unpacked in."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    unpacked = folder / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    return unpacked


def run(installed: Path, folder: Path, code: str, *arguments: str) -> str:
    """Run code elsewhere, with what the wheel holds and the dependencies of this environment."""
    # Before the checkout, which an editable install puts on the path too; what is run says where it came from.
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


MIGRATE = """
import sys
import introspection, memory
from memory.store import Database, EventStore, migrate
from memory.store.revisions import scripts_folder
print(memory.__file__, introspection.__file__, scripts_folder())
with EventStore.open(sys.argv[1]) as store:
    database = store.database
    print(migrate.current(database), migrate.check(database), store.verify().ok, store.head().position)
    migrate.downgrade(database, sys.argv[2])
    migrate.upgrade(database)
    print(migrate.current(database), migrate.check(database), store.verify().ok, store.head().position)
"""


@pytest.mark.parametrize("revision", [None, migrate.revisions()[0]])
def test_it_makes_and_upgrades_databases_with_the_migrations_it_carries(
    installed: Path, tmp_path: Path, bare_url: str, schemas: ModuleType, revision: str | None
) -> None:
    position = schemas.thaw(bare_url, revision)["position"] if revision is not None else 0
    places, opened, again = run(installed, tmp_path, MIGRATE, bare_url, revision or "0001").splitlines()
    assert all(Path(place).is_relative_to(installed) for place in places.split())
    assert opened == again == f"{migrate.head()} () True {position}"


def test_its_migrations_are_the_checkouts(installed: Path) -> None:
    def scripts(folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.rglob("*.py")}

    assert scripts(installed / "memory" / "_migrations") == scripts(ROOT / "migrations")


COMMANDS = """
import sys
from memory import MemorySystem
from memory.cli import main
MemorySystem("research.db").close()
for command in (["verify", "-d", "research.db"], ["explain", "database-full"]):
    sys.argv[1:] = command
    try:
        main()
    except SystemExit as end:
        assert not end.code, end.code
"""


def test_its_command_verifies_a_log_and_explains_an_error(installed: Path, tmp_path: Path) -> None:
    printed = run(installed, tmp_path, COMMANDS)
    assert "free some space" in printed.lower()
    assert (tmp_path / "research.db").exists()


BROWSED = """
from pathlib import Path
import memory.cli.serving as serving
from memory.query.canned import worked
print(len(worked()), (Path(serving.__file__).parent / "static" / "serve.css").is_file())
"""


def test_it_carries_the_worked_questions_and_the_looks_of_a_record_in_a_browser(
    installed: Path, tmp_path: Path
) -> None:
    number, styled = run(installed, tmp_path, BROWSED).split()
    assert (int(number) >= 20, styled) == (True, "True")
