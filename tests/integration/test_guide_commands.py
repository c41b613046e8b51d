"""Every command of the guides runs as it stands, after the Python examples above it, and says what the guide says."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted(path for path in (ROOT / "docs" / "guide").glob("*.md") if "```console" in path.read_text())
WITHOUT_A_SERVER = [path for path in GUIDES if path.name != "postgresql.md"]
"""The guide on PostgreSQL has a test of its own."""


@pytest.mark.parametrize("guide", WITHOUT_A_SERVER, ids=lambda path: path.name)
def test_its_commands_run_and_print_what_it_says(
    guide: Path, guides: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PALIMPSEST_URL", raising=False)
    names: dict[str, object] = {"__name__": "__main__"}
    for kind, block in guides.blocks(guide.read_text()):
        if kind == "python":
            exec(compile(block, guide.name, "exec"), names)  # noqa: S102
        elif kind == "console":
            for command in guides.commands(block):
                guides.hold(command)


def test_the_guides_have_commands_to_run() -> None:
    told = {guide.name for guide in GUIDES}
    assert {"durability.md", "verifying.md", "migrations.md", "following.md", "postgresql.md"} <= told
