"""Fixtures for every test: a database of each engine."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.postgres import PostgresServer

# The readline library of the test runner puts them there, and its workers inherit them: no terminal is 80 wide by that.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)

# A push is judged by what it changed, so the examples drawn are the same each time; `make explore` draws new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("explore", derandomize=False, print_blob=True)
settings.load_profile("same")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One real PostgreSQL server for the whole run; the run fails where it cannot start."""
    with _loaded("postgres").running_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_module() -> ModuleType:
    """The module that starts PostgreSQL servers."""
    return _loaded("postgres")


@pytest.fixture(scope="session")
def disks() -> ModuleType:
    """The module that makes file systems that can be full."""
    return _loaded("disks")


@pytest.fixture(scope="session")
def schemas() -> ModuleType:
    """The module that knows schemas, and databases as released versions left them."""
    return _loaded("schemas")


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database of this test's own, migrated and empty."""
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite database of this test's own that does not exist yet."""
    return f"sqlite:///{tmp_path / 'research.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database of this test's own: the test runs once on each engine."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of this test's own without a schema, on each engine."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server = request.getfixturevalue("postgres_server")
    url = server.create(migrated=False)
    yield url
    server.drop(url)


@pytest.fixture(scope="session")
def histories() -> ModuleType:
    """The module that tells histories to fold, and reads the tables they fold into."""
    return _loaded("histories")


@pytest.fixture
def history(histories: ModuleType) -> Any:
    """A history without events."""
    return histories.History()


@pytest.fixture(scope="session")
def stating() -> ModuleType:
    """The module that folds what someone stated."""
    return _loaded("stating")


@pytest.fixture
def told(stating: ModuleType, history: Any) -> Any:
    """A history in which nothing was stated yet."""
    return stating.Told(history)


@pytest.fixture(scope="session")
def question_history() -> ModuleType:
    """The module that tells the history which questions in SQL are asked of."""
    return _loaded("question_history")


@pytest.fixture(scope="session")
def guides() -> ModuleType:
    """The module that runs what a guide tells its reader to type."""
    return _loaded("guides")


@pytest.fixture(scope="session")
def chromium_module() -> ModuleType:
    """The module that opens pages in Chromium."""
    return _loaded("chromium")


@pytest.fixture(scope="session")
def chromium(chromium_module: ModuleType) -> Any:
    """A real Chromium, `chromium.browser()` to run it; the run fails where there is none."""
    try:
        return chromium_module.Chromium(chromium_module.find())
    except chromium_module.NoChromium as missing:
        pytest.fail(str(missing), pytrace=False)


def _loaded(name: str) -> ModuleType:
    """Load a module of helpers by its path: the tests are no package."""
    known = f"palimpsest_tests_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[known] = module
        spec.loader.exec_module(module)
    return sys.modules[known]
