"""The whole command line. Each command imports what it needs when it runs, so that the command line starts at once."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from introspection.errors import PalimpsestError
from memory.cli import (
    blob_commands,
    checkpoint_commands,
    database_commands,
    doctor,
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
    sql_commands,
    report_commands,
    transfer_commands,
    blob_commands,
    serve_commands,
    database_commands,
    doctor,
)
"""The modules whose import put their commands on the app."""


def run() -> None:
    """Run the app; our own errors become one clear message and exit code 1."""
    try:
        app()
    except PalimpsestError as error:
        sys.stderr.write(f"error [{error.code}]: {error}\n")
        sys.exit(1)
    except BrokenPipeError:
        # The reader of a pipe left (`palimpsest log | head`): not an error, and nothing is left to say.
        sys.stderr.close()
        sys.exit(0)


@app.command(epilog="Example: palimpsest explain key-conflict")
def explain(
    code: Annotated[str | None, typer.Argument(help="The code in brackets after `error`; none lists them all.")] = None,
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
