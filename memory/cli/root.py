"""The command line's trunk: the app, and what every command takes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from memory.version import __version__

if TYPE_CHECKING:
    from memory.store.log import EventStore


class _Commands(TyperGroup):
    """Commands whose reader may leave before they end."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; that nobody reads its answer to the end (`palimpsest log | head`) is no error."""
        try:
            answer = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Typer would exit with 1, which means that a problem was found; and Python flushes once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit from None
        return answer


app = typer.Typer(
    name="palimpsest",
    cls=_Commands,
    help="An event-sourced memory for neural networks whose weights are being changed.",
    epilog="Exit codes: 0 all well; 1 a problem was found, or an error with its remedy; 2 wrong usage.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)
database_app = typer.Typer(help="The database and its schema.", no_args_is_help=True)
app.add_typer(database_app, name="db", rich_help_panel="Keep and prove")

DatabaseOption = Annotated[
    str,
    typer.Option(
        "--database", "-d", envvar="PALIMPSEST_URL", help="Path of an SQLite file, or a URL (postgresql://…)."
    ),
]
BlobsOption = Annotated[
    str | None,
    typer.Option(
        "--blobs", envvar="PALIMPSEST_BLOBS", help="Folder of blobs, where it is not DATABASE.blobs beside the file."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
DEFAULT_DATABASE = "research.db"
UTC_TEXT = "%Y-%m-%dT%H:%M:%S.%fZ"
"""How every view and table writes a time."""


@contextmanager
def opened(database: str) -> Iterator[EventStore]:
    """Give the log of a database that exists."""
    from memory.store.log import EventStore

    store = EventStore.open(database, create=False)
    try:
        yield store
    finally:
        store.close()


def _version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
) -> None:
    """An event-sourced memory for neural networks whose weights are being changed."""
    if context.invoked_subcommand is None:
        from memory.cli.welcome import welcome

        welcome()
