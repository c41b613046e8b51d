"""Commands about the log: what is in it, and whether it is whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memory.cli import completing
from memory.cli.root import DEFAULT_DATABASE, UTC_TEXT, BlobsOption, DatabaseOption, JsonOption, app, opened

if TYPE_CHECKING:
    from memory.events.envelope import StoredEvent
    from memory.query.weight_blobs import KeptReport
    from memory.store.log import EventStore


@app.command(epilog="Example: palimpsest log --type modification --newest -n 20")
def log(
    database: DatabaseOption = DEFAULT_DATABASE,
    stream: Annotated[str | None, typer.Option(help="Only this stream.", autocompletion=completing.streams)] = None,
    event_type: Annotated[
        list[str] | None, typer.Option("--type", help="Only these event types.", autocompletion=completing.event_types)
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Only events of this model.", autocompletion=completing.models)
    ] = None,
    act: Annotated[str | None, typer.Option(help="Only events of this act.", autocompletion=completing.acts)] = None,
    after: Annotated[int, typer.Option(min=0, help="Only positions after this one.")] = 0,
    until: Annotated[int | None, typer.Option(min=1, help="Only positions up to this one.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="At most so many.")] = None,
    newest: Annotated[bool, typer.Option("--newest", help="Newest first.")] = False,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", "-f", help="Go on with what is appended from now on; on a terminal, as a picture that moves."
        ),
    ] = False,
    plain: Annotated[bool, typer.Option("--plain", help="With --follow: lines on a terminal too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
) -> None:
    """List events."""
    from memory.cli.output import is_screen, print_json_lines, show_rows

    with opened(database) as store:
        if follow:
            if until is not None or newest:
                raise typer.BadParameter("--follow goes on for ever, forwards: leave out --until and --newest")
            if limit is None and not (plain or as_json) and is_screen():
                from memory.cli.live.view import Chosen, watch

                watch(store, Chosen(after, stream, event_type or None, model, act))
                return
            with store.subscribe(after=after, stream=stream, types=event_type or None, model=model) as coming:
                _follow(_first(limit, (event for event in coming if act in (None, event.act_id))), as_json)
            return
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


def _follow(events: Iterator[StoredEvent], as_json: bool) -> None:
    """Print events as they come, each line at once; Ctrl-C ends it in good order."""
    from memory.cli.output import print_json_lines, print_line

    try:
        for event in events:
            if as_json:
                print_json_lines([_whole(event)])
                sys.stdout.flush()
            else:
                print_line(_brief(event))
    except KeyboardInterrupt:
        return


def _first(limit: int | None, events: Iterator[StoredEvent]) -> Iterator[StoredEvent]:
    for number, event in enumerate(events, start=1):
        yield event
        # Asked after, not before: nothing may be waited for that is not wanted.
        if number == limit:
            return


def _brief(event: StoredEvent) -> dict[str, Any]:
    import orjson

    payload = orjson.loads(event.text)
    about = payload.get("metrics") or payload.get("values") or payload.get("description") or payload.get("name")
    about = about or payload.get("reason") or ""
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


@app.command(epilog="Example: palimpsest anchor >> anchors.jsonl")
def anchor(database: DatabaseOption = DEFAULT_DATABASE, as_json: JsonOption = False) -> None:
    """Print the head of the log as one line of JSON, to be kept elsewhere for `verify --anchor`."""
    with opened(database) as store:
        typer.echo(store.anchor().to_json())


@app.command(epilog="Example: palimpsest verify --anchor anchors.jsonl")
def verify(
    database: DatabaseOption = DEFAULT_DATABASE,
    anchors: Annotated[
        Path | None,
        typer.Option("--anchor", help="A file of anchors, one a line: those appends must be there, unchanged."),
    ] = None,
    weights: Annotated[
        bool,
        typer.Option("--weights", help="Also read every blob that events point at; brings read tables up to date."),
    ] = False,
    blobs: BlobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every link of the log's hash chain; exits 1 and names the first wrong append if one is wrong."""
    from memory.cli.output import print_json, words
    from memory.store.anchor import read_anchors

    known = read_anchors(_lines(anchors)) if anchors is not None else ()
    with opened(database) as store:
        report = store.verify(known)
        head = store.head()
        kept = _verify_weights(store, blobs) if weights else None
    problems = [*map(str, report.problems), *(kept.problems if kept is not None else ())]
    if as_json:
        print_json(
            {
                "ok": not problems,
                "appends": report.appends,
                "events": report.events,
                "anchors": len(known),
                **({} if kept is None else {"blobs": kept.blobs, "checkpoints": kept.checkpoints}),
                "head": head.digest,
                "problems": problems,
            }
        )
    else:
        for problem in problems:
            typer.echo(problem)
        held = f", every anchor ({len(known)}) holds" if known and report.ok else ""
        read = "" if kept is None else f", {kept.blobs} blobs, {kept.checkpoints} checkpoints"
        words.print(
            f"{'NOT whole' if problems else 'whole'}: {report.events} events in {report.appends} appends{held}{read}, "
            f"head {head.digest}",
            soft_wrap=True,  # a digest is to be copied
        )
    if problems:
        raise typer.Exit(1)


def _verify_weights(store: EventStore, blobs: str | None) -> KeptReport:
    from memory.projections.catalogue import PROJECTIONS
    from memory.projections.runner import ProjectionRunner
    from memory.query.checkpoints import problems_of
    from memory.query.weight_blobs import verify_kept
    from memory.weights.keeping import BlobKeeper

    keeper = BlobKeeper.beside(store, blobs)
    check = partial(problems_of, keeper, store.database)
    return verify_kept(keeper, store.database, ProjectionRunner(store, PROJECTIONS).catch_up, check)


def _lines(path: Path) -> list[str]:
    from memory.errors import InvalidArgument

    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument("--anchor", str(path), f"give a file of anchors that can be read: {error}") from error
