"""Commands that find and sum up: full-text search, observations, the overview, and what bears on an edit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memory.cli import completing
from memory.cli.root import DEFAULT_DATABASE, DatabaseOption, JsonOption, app, opened

if TYPE_CHECKING:
    from memory.system import MemorySystem

ModelOption = Annotated[
    str | None, typer.Option("--model", "-m", help="Only of this model.", autocompletion=completing.models)
]


@app.command(epilog="Example: palimpsest search 'down_proj grew' --kind observation")
def search(
    text: Annotated[
        list[str],
        typer.Argument(help='Words that must all be there; "words in order", begin*, and -- -without.'),
    ],
    database: DatabaseOption = DEFAULT_DATABASE,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            "-k",
            help="Only these: observation, modification, alert, checkpoint, aborted, belief, theory, pattern, fact.",
        ),
    ] = None,
    model: ModelOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
    everything: Annotated[bool, typer.Option("--all", help="What was retracted too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Find what the record says in words, best first; parts of names are words: down_proj, layers.3."""
    from memory.cli.output import show_rows

    with _memory(database, model) as memory:
        found = memory.search_text(
            " ".join(text), limit=limit, kinds=kinds or None, model=model, include_obsolete=everything
        )
    rows: list[dict[str, Any]] = found.to_dicts()
    if not as_json:
        rows = [{name: row[name] for name in ("kind", "identity", "status", "snippet")} for row in rows]
    show_rows(rows, as_json=as_json, empty="nothing says that")


@app.command(epilog="Example: palimpsest observations --type hypothesis --tag night --since 2026-01-01")
def observations(
    database: DatabaseOption = DEFAULT_DATABASE,
    obs_type: Annotated[str | None, typer.Option("--type", "-t", help="Only of this type.")] = None,
    category: Annotated[str | None, typer.Option(help="Only of this category.")] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="Only with this tag; again for more.")] = None,
    least: Annotated[float, typer.Option("--min-importance", help="The least importance, from 0 to 1.")] = 0.0,
    since: Annotated[str | None, typer.Option(help="Only what happened from this time on: ISO text.")] = None,
    until: Annotated[str | None, typer.Option(help="Only what happened up to this time.")] = None,
    text: Annotated[str | None, typer.Option(help="Only what has these words: as for search.")] = None,
    model: ModelOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
    before: Annotated[int | None, typer.Option(help="The position of the last one of the page before.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those that were retracted too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List observations, newest first, by what they are."""
    from memory.cli.output import show_rows

    with _memory(database, model) as memory:
        found = memory.query_observations(
            obs_type,
            category,
            tags or (),
            min_importance=least,
            start_time=since,
            end_time=until,
            text=text,
            limit=limit,
            before=before,
            include_obsolete=everything,
            model=model,
        )
    rows: list[dict[str, Any]] = found.to_dicts()
    if not as_json:
        shown = ("position", "occurred_at", "obs_type", "category", "description", "tags", "importance", "status")
        rows = [{name: row[name] for name in shown} for row in rows]
    show_rows(rows, as_json=as_json, one_line=True, empty="there are no such observations")


@app.command(epilog="Example: palimpsest decide lm_head.weight --method scale --dose 1 --metric loss")
def decide(
    layer: Annotated[str | None, typer.Argument(help="The tensor or module to be written.")] = None,
    method: Annotated[str | None, typer.Option(help="How: scale, rank_one, or the writer's own word.")] = None,
    dose: Annotated[float | None, typer.Option(help="How much, with its sign.")] = None,
    metric: Annotated[str | None, typer.Option(help="The metric that counts; none: every one.")] = None,
    model: ModelOption = None,
    words: Annotated[str, typer.Option(help="What else is to be said of it.")] = "",
    action: Annotated[str, typer.Option(help="What is thought of.")] = "modify",
    database: DatabaseOption = DEFAULT_DATABASE,
    as_json: JsonOption = False,
) -> None:
    """Should I do this edit? Say what is known that bears on it; exits 1 where the answer is stop."""
    from memory.cli.output import print_json

    context = {"action": action, "layer": layer, "method": method, "dose": dose, "metric": metric, "model": model}
    with _memory(database, model) as memory:
        support = memory.get_decision_support(context | {"words": words})
    if as_json:
        print_json(support.to_dict())
    else:
        _say(support)
    if support.recommendation == "stop":
        raise typer.Exit(1)


@app.command(epilog="Example: palimpsest overview --model qwen")
def overview(
    database: DatabaseOption = DEFAULT_DATABASE, model: ModelOption = None, as_json: JsonOption = False
) -> None:
    """Say what the record holds, at a glance; brings the read tables up to date."""
    from memory.cli.output import print_json

    with _memory(database, model) as memory:
        found = memory.get_memory_overview(model=model)
    if as_json:
        print_json(found.to_dict())
    else:
        _say(found)


@app.command(epilog="Example: palimpsest briefing --items 20")
def briefing(
    database: DatabaseOption = DEFAULT_DATABASE,
    items: Annotated[int, typer.Option("--items", "-n", min=1, help="At most so many things.")] = 10,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what whoever goes on with the record should know first."""
    from memory.cli.output import print_json

    with _memory(database, model) as memory:
        told = memory.get_briefing(items, model=model)
    if as_json:
        print_json(told.to_dict())
    else:
        _say(told)


@app.command(epilog="Example: palimpsest about model.layers.3")
def about(
    topic: Annotated[str, typer.Argument(help="A tensor, a module, a metric, or words.")],
    database: DatabaseOption = DEFAULT_DATABASE,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many claims, and events.")] = 10,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is known about a topic: what a write to it reaches, what is believed, what happened."""
    from memory.cli.output import print_json

    with _memory(database, model) as memory:
        known = memory.what_do_i_know_about(topic, limit=limit, model=model)
    if as_json:
        print_json(known.to_dict())
    else:
        _say(known)


def _say(answer: object) -> None:
    """Print an answer in words; what was recorded may not steer the terminal."""
    from introspection.html import visible

    typer.echo("\n".join(visible(line) for line in str(answer).split("\n")))


@contextmanager
def _memory(database: str, model: str | None) -> Iterator[MemorySystem]:
    """Give the memory of a record that exists, and that knows the model."""
    from memory.query.narrowing import check_model
    from memory.system import MemorySystem

    # Refuses a database that does not exist, which MemorySystem would make.
    with opened(database) as store, store.database.reading() as connection:
        if model is not None:
            check_model(connection, model)
    with MemorySystem(database) as memory:
        yield memory
