"""Histories to fold, and the tables they fold into."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

NAME = "palimpsest_tests_histories"


@pytest.fixture(scope="session")
def histories() -> ModuleType:
    """The module that tells histories, loaded by its path: the tests are no package."""
    if NAME not in sys.modules:
        spec = importlib.util.spec_from_file_location(NAME, Path(__file__).parents[1] / "histories.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[NAME] = module
        spec.loader.exec_module(module)
    return sys.modules[NAME]


@pytest.fixture
def history(histories: ModuleType) -> Any:
    """A history without events."""
    return histories.History()
