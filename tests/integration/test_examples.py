"""Every example runs as it stands, in its quick mode, and the list of them says all there are."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples"
HELPERS = {"small_chat.py"}
"""What examples import, and nobody runs."""
EXAMPLES = sorted(path for path in FOLDER.glob("*.py") if path.name not in HELPERS)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_it_runs(example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setattr(sys, "argv", [example.name, "--quick"])
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out.strip()


def test_each_has_its_line_in_the_list() -> None:
    listed = (FOLDER / "README.md").read_text()
    assert [path.name for path in EXAMPLES if f"`python examples/{path.name}`" not in listed] == []
