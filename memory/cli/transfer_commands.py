"""Commands that move a record: to files, from files, and to a new database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from memory.cli.root import DEFAULT_DATABASE, BlobsOption, DatabaseOption, JsonOption, app, opened


@app.command("export", epilog="Example: palimpsest export record-2026 --format parquet")
def export(
    path: Annotated[Path, typer.Argument(help="The folder to make; it must not exist.")],
    database: DatabaseOption = DEFAULT_DATABASE,
    file_format: Annotated[
        Literal["jsonl", "parquet"], typer.Option("--format", help="jsonl; parquet needs the extra `frames`.")
    ] = "jsonl",
    tables: Annotated[bool, typer.Option("--tables/--no-tables", help="The read tables too, caught up first.")] = True,
    with_blobs: Annotated[
        bool, typer.Option("--with-blobs/--no-blobs", help="What earlier states of weights are put back from, too.")
    ] = True,
    blobs: BlobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the whole log, its read tables and its blobs to a folder of files; nothing is ever overwritten."""
    from memory.cli.output import print_json, words
    from memory.system import MemorySystem

    with opened(database):
        pass  # refuses a database that does not exist, which MemorySystem would make
    with MemorySystem(database, blobs=blobs) as memory, _progress("exporting") as progress:
        report = memory.export_all(path, file_format=file_format, tables=tables, blobs=with_blobs, progress=progress)
    if as_json:
        print_json(
            {
                "path": str(report.path),
                "appends": report.appends,
                "events": report.events,
                "head": report.head.digest,
                "tables": report.tables,
                "blobs": report.blobs,
                "bytes": report.size,
            }
        )
    else:
        words.print(
            f"{report.events} events in {report.appends} appends, {len(report.tables)} tables, {report.blobs} blobs, "
            f"{report.size / 1e6:.1f} MB, head {report.head.digest}"
        )
        typer.echo(str(report.path))


@app.command("import", epilog="Example: palimpsest import record-2026 -d postgresql://localhost/research")
def import_(
    path: Annotated[Path, typer.Argument(help="A folder that `palimpsest export` made.")],
    database: DatabaseOption = DEFAULT_DATABASE,
    blobs: BlobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write an export to a log that is new or holds its beginning; every link of the chain is proved first.

    Read tables are computed from the events, never taken from the files. An import that was interrupted goes on where
    it was when it is started again.
    """
    from memory.cli.output import print_json, words
    from memory.store.transfer.manifest import read_manifest
    from memory.system import MemorySystem

    read_manifest(path)  # refuses what is no export before a database is made for it
    with MemorySystem(database, blobs=blobs) as memory, _progress("importing") as progress:
        report = memory.import_all(path, progress=progress)
    if as_json:
        print_json(
            {
                "appends": report.appends,
                "events": report.events,
                "present": report.present,
                "blobs": report.blobs,
                "head": report.head.digest,
            }
        )
    else:
        already = f", {report.present} were there already" if report.present else ""
        brought = f", {report.blobs} blobs" if report.blobs else ""
        words.print(f"{report.events} events in {report.appends} appends{already}{brought}, head {report.head.digest}")


@app.command("rollover", epilog="Example: palimpsest rollover -d research.db --to research-2.db")
def rollover(
    to: Annotated[str, typer.Option("--to", help="The new database: a path or URL at which there is nothing yet.")],
    database: DatabaseOption = DEFAULT_DATABASE,
    actor: Annotated[str | None, typer.Option(help="Who does it: kept with the new log's first appends.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Seal the log for good, where it is, and let it go on in a new database from its head.

    Interrupted, it finishes when it is called again.
    """
    from memory.cli.output import print_json, words
    from memory.system import MemorySystem

    with opened(database):
        pass  # refuses a database that does not exist, which MemorySystem would make
    with MemorySystem(database) as memory:
        report = memory.rollover(to, actor=actor)
    if as_json:
        print_json(
            {
                "sealed": report.sealed,
                "successor": report.successor,
                "append_id": report.head.append_id,
                "position": report.head.position,
                "head": report.head.digest,
                "done_before": report.done_before,
            }
        )
    else:
        done = "was sealed before" if report.done_before else "is sealed"
        words.print(
            f"{report.sealed} {done} at position {report.head.position}, head {report.head.digest}; from now on use:"
        )
        typer.echo(report.successor)


@contextmanager
def _progress(doing: str) -> Iterator[Callable[[int, int], None] | None]:
    """Show how far it is, to whoever looks at a terminal."""
    from memory.cli.output import words

    if not words.is_terminal:
        yield None
        return
    from rich.progress import Progress

    with Progress(console=words, transient=True) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
