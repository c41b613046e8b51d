"""The command that shows a record to people: one page to look at, to send, to print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from memory.cli import completing
from memory.cli.root import DEFAULT_DATABASE, DatabaseOption, JsonOption, app, opened


@app.command(epilog="Example: palimpsest report -d demo.db -o report.html")
def report(
    database: DatabaseOption = DEFAULT_DATABASE,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write; it is replaced.")] = Path(
        "report.html"
    ),
    model: Annotated[str | None, typer.Option(help="Only this model.", autocompletion=completing.models)] = None,
    title: Annotated[str | None, typer.Option(help="What the report is called.")] = None,
    verify: Annotated[
        bool, typer.Option(help="Whether to check every link of the log's hash chain, and say so.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Write a report: one HTML file with every picture of what was done and learned; it needs no network."""
    from memory.cli.output import print_json, words
    from memory.projections.catalogue import PROJECTIONS
    from memory.projections.runner import ProjectionRunner
    from memory.report.made import write_report

    with opened(database) as store:
        runner = ProjectionRunner(store, PROJECTIONS)
        made = write_report(store, runner, output, model=model, title=title, verify=verify)
    if as_json:
        print_json(made.to_dict())
    else:
        typer.echo(made.path)
        words.print(f"{made.charts} charts of {made.events} events, {made.size / 1e6:.1f} MB: open it in a browser")
    if made.verified is False:
        raise typer.Exit(1)
