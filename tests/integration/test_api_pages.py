"""The pages of docs/api say what the docstrings say, of every public name."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def drawn() -> SimpleNamespace:
    """What `docs/draw_api.py` would write, and what it misses."""
    script = SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "draw_api.py")))
    library = script.Library()
    pages = library.pages()
    return SimpleNamespace(pages=pages, stale=script.stale(pages), problems=library.problems)


def test_no_page_is_stale(drawn: SimpleNamespace) -> None:
    assert drawn.stale == [], "draw them anew: python docs/draw_api.py"


def test_every_public_name_has_a_docstring(drawn: SimpleNamespace) -> None:
    assert drawn.problems == []


def test_all_that_a_memory_can_do_is_on_its_page(drawn: SimpleNamespace) -> None:
    from memory import MemorySystem

    told = set(re.findall(r"^### (\w+)$", drawn.pages["memory.md"], re.MULTILINE))
    assert {name for name in dir(MemorySystem) if not name.startswith("_")} == told


@pytest.mark.parametrize("package", ["introspection", "memory", "memory.agent"])
def test_whatever_a_package_exports_is_told_somewhere(drawn: SimpleNamespace, package: str) -> None:
    import importlib

    told = "\n".join(drawn.pages.values())
    exported = [name for name in importlib.import_module(package).__all__ if not name.startswith("__")]
    assert [name for name in exported if f"\n## {name}\n" not in told] == []
