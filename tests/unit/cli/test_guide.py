from __future__ import annotations

from pathlib import Path

from memory.cli.app import app, database_app

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "command_line.md"


def test_the_guide_tells_of_every_command() -> None:
    told = GUIDE.read_text()
    commands = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    assert [name for name in commands if f"`palimpsest {name}" not in told] == []
    below = [command.name or "" for command in database_app.registered_commands]
    assert [name for name in below if f"{name}`" not in told] == []
