"""Every Python example of the README and the guides runs as it stands.

Guides that have commands to type are held to theirs, and to their examples, by `test_guide_commands.py` and
`test_postgresql_guide.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDES = [path for path in (ROOT / "docs" / "guide").glob("*.md") if "```console" not in path.read_text()]
DOCUMENTS = sorted([ROOT / "README.md", *GUIDES])
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_its_python_examples_run(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = _BLOCK.findall(document.read_text())
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"{document.name}, example {number}", "exec"), {"__name__": "__main__"})  # noqa: S102


@pytest.mark.parametrize("document", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_its_links_lead_somewhere(document: Path) -> None:
    missing = [link for link in _LINK.findall(document.read_text()) if not (document.parent / link).exists()]
    assert not missing


def test_there_are_examples_to_run() -> None:
    assert sum(len(_BLOCK.findall(document.read_text())) for document in DOCUMENTS) >= 2
