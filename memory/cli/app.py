"""The whole command line. Each command imports what it needs when it runs, so that the command line starts at once."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from typer.models import CommandInfo

from introspection.errors import PalimpsestError
from memory.cli import (
    blob_commands,
    checkpoint_commands,
    completing,
    database_commands,
    doctor,
    finding_commands,
    knowledge_commands,
    log_commands,
    model_commands,
    report_commands,
    serve_commands,
    sql_commands,
    transfer_commands,
)
from memory.cli.root import JsonOption, app, database_app

__all__ = ["app", "database_app", "run"]

COMMANDS = (
    model_commands,
    checkpoint_commands,
    log_commands,
    finding_commands,
    knowledge_commands,
    sql_commands,
    report_commands,
    transfer_commands,
    blob_commands,
    serve_commands,
    database_commands,
    doctor,
)
"""The modules whose import put their commands on the app."""

_PANELS = {
    "Begin": ("demo", "sharing", "doctor", "explain"),
    "Look": (
        "log",
        "overview",
        "briefing",
        "search",
        "observations",
        "about",
        "decide",
        "beliefs",
        "why",
        "diff-knowledge",
        "query",
        "checkpoints",
        "report",
        "serve",
    ),
    "Keep and prove": ("verify", "anchor", "rebuild", "gc", "export-weights", "export", "import", "rollover"),
}
"""How the help groups the commands, and in which order."""


def _arrange() -> None:
    """Put the commands in panels and in order, whatever order their modules were imported in."""
    places = {name: (panel, number) for panel, names in _PANELS.items() for number, name in enumerate(names)}
    # A command that is named nowhere is one more way to look.
    last = ("Look", len(places))
    panels = list(_PANELS)

    def place(found: CommandInfo) -> tuple[str, int]:
        return places.get(found.name or str(getattr(found.callback, "__name__", "")), last)

    app.registered_commands.sort(key=lambda found: (panels.index(place(found)[0]), place(found)[1]))
    for found in app.registered_commands:
        found.rich_help_panel = place(found)[0]


def run() -> None:
    """Run the app; our own errors become one clear message and exit code 1."""
    try:
        app()
    except PalimpsestError as error:
        sys.stderr.write(f"error [{error.code}]: {error}\n  more: palimpsest explain {error.code}\n")
        sys.exit(1)


@app.command(epilog="Example: palimpsest explain key-conflict")
def explain(
    code: Annotated[
        str | None,
        typer.Argument(
            help="The code in brackets after `error`; none lists them all.", autocompletion=completing.error_codes
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what an error means: its symptom, its cause, its fix."""
    from memory.cli.error_pages import codes, page
    from memory.cli.output import print_json, results

    if code is None:
        if as_json:
            print_json(list(codes()))
        else:
            typer.echo("\n".join(codes()))
        return
    text = page(code)
    if as_json:
        print_json({"code": code, "page": text})
    else:
        from rich.markdown import Markdown

        results().print(Markdown(text))


_arrange()
