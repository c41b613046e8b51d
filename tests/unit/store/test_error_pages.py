from __future__ import annotations

import re
from pathlib import Path

import pytest

from memory.errors import error_classes

ROOT = Path(__file__).resolve().parents[3]
PAGES = ROOT / "docs" / "errors"
# Read from the sources: some errors live in modules that are slow to import.
CODES = {
    code
    for package in ("introspection", "memory")
    for source in (ROOT / package).rglob("*.py")
    for code in re.findall(r'^    code(?:: ClassVar\[str\])? = "([^"]+)"$', source.read_text(), re.MULTILINE)
}


def test_the_sources_are_read_rightly() -> None:
    assert set(error_classes()) <= CODES


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_error_code_has_a_page_with_symptom_cause_and_fix(code: str) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
    page = (PAGES / f"{code}.md").read_text()
    assert page.startswith(f"# {code}\n")
    assert re.findall(r"\*\*(\w+)\.\*\*", page) == ["Symptom", "Cause", "Fix"]


def test_no_page_is_left_over() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == CODES
