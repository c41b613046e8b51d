"""The commands. Each imports what it needs when it runs, so that the command line itself starts at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from introspection.errors import PalimpsestError
from memory.version import __version__

if TYPE_CHECKING:
    from memory.events.envelope import StoredEvent
    from memory.store.log import EventStore

app = typer.Typer(
    name="palimpsest",
    help="An event-sourced memory for neural networks whose weights are being changed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
database_app = typer.Typer(help="The database and its schema.", no_args_is_help=True)
app.add_typer(database_app, name="db")

DatabaseOption = Annotated[
    str,
    typer.Option(
        "--database", "-d", envvar="PALIMPSEST_URL", help="Path of an SQLite file, or a URL (postgresql://…)."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
DEFAULT_DATABASE = "research.db"
UTC_TEXT = "%Y-%m-%dT%H:%M:%S.%fZ"
"""How every view and table writes a time."""


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


@contextmanager
def _opened(database: str) -> Iterator[EventStore]:
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
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
) -> None:
    """An event-sourced memory for neural networks whose weights are being changed."""


@app.command()
def demo(
    database: Annotated[
        str, typer.Option("--database", "-d", help="Where to record: a path, or a URL (postgresql://…).")
    ] = "demo.db",
    acts: Annotated[int | None, typer.Option(min=1, help="How many edits to make.")] = None,
    seed: Annotated[int, typer.Option(help="Decides training, plan, coins and samples.")] = 0,
    model: Annotated[
        Path | None, typer.Option(help="A local transformers checkpoint to edit, instead of training a small one.")
    ] = None,
    placebo: Annotated[bool, typer.Option("--placebo", help="Change nothing: nothing may be learned.")] = False,
    naive: Annotated[
        bool, typer.Option("--naive", help="Also show what a log with one record per name would have learned.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a small tied Qwen2, edit it a few hundred times, and say what was learned from it."""
    from memory.cli.demo.run import Settings, run_demo

    run_demo(Settings(database, acts, seed, model, placebo, naive), as_json=as_json)


@app.command()
def log(
    database: DatabaseOption = DEFAULT_DATABASE,
    stream: Annotated[str | None, typer.Option(help="Only this stream.")] = None,
    event_type: Annotated[list[str] | None, typer.Option("--type", help="Only these event types.")] = None,
    model: Annotated[str | None, typer.Option(help="Only events of this model.")] = None,
    act: Annotated[str | None, typer.Option(help="Only events of this act.")] = None,
    after: Annotated[int, typer.Option(min=0, help="Only positions after this one.")] = 0,
    until: Annotated[int | None, typer.Option(min=1, help="Only positions up to this one.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="At most so many.")] = None,
    newest: Annotated[bool, typer.Option("--newest", help="Newest first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
) -> None:
    """List events."""
    from memory.cli.output import print_json_lines, show_rows

    with _opened(database) as store:
        # An act is no index of the log: filtering by it happens here, so the limit must too.
        events: Iterator[StoredEvent] = store.read(
            after=after,
            until=until,
            stream=stream,
            types=event_type or None,
            model=model,
            limit=limit if act is None else None,
            newest_first=newest,
        )
        if act is not None:
            events = _first(limit, (event for event in events if event.act_id == act))
        if as_json:
            print_json_lines(_whole(event) for event in events)
        else:
            show_rows([_brief(event) for event in events], as_json=False, one_line=True, empty="no events")


def _first(limit: int | None, events: Iterator[StoredEvent]) -> Iterator[StoredEvent]:
    for number, event in enumerate(events):
        if limit is not None and number >= limit:
            return
        yield event


def _brief(event: StoredEvent) -> dict[str, Any]:
    import orjson

    payload = orjson.loads(event.text)
    about = payload.get("metrics") or payload.get("values") or payload.get("description") or payload.get("name") or ""
    if isinstance(about, dict):
        about = ", ".join(f"{name} {value:.4g}" for name, value in about.items() if isinstance(value, float))
    if "statistic" in payload:
        about = f"{payload['statistic']}: {about}"
    return {
        "position": event.position,
        "occurred_at": event.occurred_at.strftime("%Y-%m-%d %H:%M:%S"),
        "event_type": event.event_type,
        "model": event.model or "",
        "act": event.act_id or "",
        "about": str(about),
    }


def _whole(event: StoredEvent) -> dict[str, Any]:
    import orjson

    return {
        "position": event.position,
        "event_id": event.event_id,
        "stream": event.stream,
        "version": event.version,
        "event_type": event.event_type,
        "schema_version": event.schema_version,
        "occurred_at": event.occurred_at.strftime(UTC_TEXT),
        "recorded_at": event.recorded_at.strftime(UTC_TEXT),
        "act_id": event.act_id,
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
        "actor": event.actor,
        "model": event.model,
        "payload": orjson.loads(event.text),
    }


@app.command()
def query(
    statement: Annotated[str, typer.Argument(help="One SQL statement.")],
    database: DatabaseOption = DEFAULT_DATABASE,
    as_json: JsonOption = False,
) -> None:
    """Ask in SQL; the engine itself refuses anything that writes."""
    from memory.cli.output import show_rows

    with _opened(database) as store:
        show_rows(store.database.read_only_rows(statement, {}).mappings(), as_json=as_json, empty="no rows")


@app.command()
def sharing(
    model_path: Annotated[Path, typer.Argument(help="A local transformers checkpoint.")],
    as_json: JsonOption = False,
) -> None:
    """Say which names of a model are one tensor, or share bytes."""
    from introspection import scan_sharing
    from memory.cli.checkpoints import load_any
    from memory.cli.output import print_json, words

    found = scan_sharing(load_any(model_path))
    if as_json:
        import json

        print_json(json.loads(found.to_json()))
        return
    words.print(f"{len(found.names)} names, {len(found.storages)} storages, map {found.digest[:16]}")
    for group in found.groups:
        typer.echo(f"one tensor: {', '.join(sorted(group))}")
    for pair, relation in sorted(found.relations.items(), key=lambda item: sorted(item[0])):
        if relation.kind != "same":
            typer.echo(f"{relation.kind} overlap ({relation.shared_bytes} bytes): {', '.join(sorted(pair))}")
    for name, sources in sorted(found.derived.items()):
        typer.echo(f"derived: {name} from {', '.join(sources)}")
    if not found.groups and not found.relations and not found.derived:
        words.print("no two names share bytes")


@app.command()
def beliefs(
    database: DatabaseOption = DEFAULT_DATABASE,
    everything: Annotated[bool, typer.Option("--all", help="Weakened and retracted ones too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what is believed, how firmly, and on what ground."""
    from memory.cli.output import show_rows
    from memory.system import MemorySystem

    with _opened(database):
        pass  # refuses a database that does not exist, which MemorySystem would make
    with MemorySystem(database) as memory:
        rows = [dict(row._mapping) for row in memory.beliefs(status=None if everything else "active")]
    if not as_json:
        rows = [
            {name: row[name] for name in ("credence", "strength", "grade", "statement", *(("status",) * everything))}
            for row in rows
        ]
    show_rows(rows, as_json=as_json, empty="nothing is believed yet")


@app.command()
def verify(database: DatabaseOption = DEFAULT_DATABASE, as_json: JsonOption = False) -> None:
    """Check every link of the log's hash chain; exits 1 and names the first wrong append if one is wrong."""
    from memory.cli.output import print_json, words

    with _opened(database) as store:
        report = store.verify()
        head = store.head()
    if as_json:
        problems = [str(problem) for problem in report.problems]
        print_json(
            {
                "ok": report.ok,
                "appends": report.appends,
                "events": report.events,
                "head": head.digest,
                "problems": problems,
            }
        )
    else:
        for problem in report.problems:
            typer.echo(str(problem))
        words.print(
            f"{'whole' if report.ok else 'NOT whole'}: {report.events} events in {report.appends} appends, "
            f"head {head.digest}"
        )
    if not report.ok:
        raise typer.Exit(1)


@app.command()
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


@database_app.command("upgrade")
def upgrade(database: DatabaseOption = DEFAULT_DATABASE, as_json: JsonOption = False) -> None:
    """Create the database, or bring it to this version's schema."""
    from memory.cli.output import print_json, words
    from memory.store.engine import Database
    from memory.store.migrate import current
    from memory.store.migrate import upgrade as bring_up

    with closing(Database.open(database)) as opened:
        before = current(opened)
        bring_up(opened)
        after = current(opened)
    if as_json:
        print_json({"before": before, "after": after})
    else:
        words.print(f"schema {after}" if before == after else f"schema {before or 'none'} → {after}")


@database_app.command("current")
def current(database: DatabaseOption = DEFAULT_DATABASE, as_json: JsonOption = False) -> None:
    """Say which schema the database has."""
    from memory.cli.output import print_json
    from memory.store.engine import Database
    from memory.store.migrate import current as current_revision

    with closing(Database.open(database, create=False)) as opened:
        revision = current_revision(opened)
    if as_json:
        print_json({"current": revision})
    else:
        typer.echo(revision or "none")


@database_app.command("check")
def check(database: DatabaseOption = DEFAULT_DATABASE, as_json: JsonOption = False) -> None:
    """Say whether the database has just the schema this version expects; exits 1 if not."""
    from memory.cli.output import print_json
    from memory.store.engine import Database
    from memory.store.migrate import check as compare

    with closing(Database.open(database, create=False)) as opened:
        differences = [str(each) for each in compare(opened)]
    if as_json:
        print_json({"ok": not differences, "differences": differences})
    else:
        typer.echo("\n".join(differences) or "as expected")
    if differences:
        raise typer.Exit(1)
