"""Commands that say why something is believed, and what became known between two moments."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from memory.cli import completing
from memory.cli.root import DEFAULT_DATABASE, DatabaseOption, JsonOption, app, opened

if TYPE_CHECKING:
    from memory.query.engine import QueryEngine

HtmlOption = Annotated[
    Path | None, typer.Option("--html", help="Write it to this file as a page that needs nothing else.")
]


class _Answer(Protocol):
    """What is said in words, as JSON and as HTML."""

    def to_json(self) -> str:
        """Give it as JSON."""

    def to_html(self) -> str:
        """Give it as HTML."""


@app.command(
    epilog="Examples: palimpsest why belief-090ef05e642681e7; palimpsest why pattern-… --html why.html; "
    "palimpsest why act-44 (an edit: what was believed just before it, what safety said, what followed)"
)
def why(
    identity: Annotated[
        str,
        typer.Argument(
            help="A belief, theory or pattern; or an act, or the position of a write.",
            autocompletion=completing.beliefs,
        ),
    ],
    database: DatabaseOption = DEFAULT_DATABASE,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="As it was at this position or time (ISO text with its time zone).")
    ] = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say why something is believed: from the claim down to the very events, with the numbers."""
    with _asking(database) as asking:
        if as_of is None:
            _tell(_why(asking, identity), f"Why: {identity}", html, as_json)
        else:
            with asking.as_of(_moment(as_of)) as then:
                _tell(_why(then, identity), f"Why: {identity}", html, as_json)


@app.command(
    name="diff-knowledge",
    epilog="Examples: palimpsest diff-knowledge 1200; palimpsest diff-knowledge 1200 1800 --json; "
    "palimpsest diff-knowledge 2026-07-01T00:00:00Z 2026-07-02T00:00:00Z --html night.html",
)
def diff_knowledge(
    first: Annotated[str, typer.Argument(help="A position, or a time (ISO text with its time zone).")],
    second: Annotated[str | None, typer.Argument(help="Another, not before it; now where none is given.")] = None,
    database: DatabaseOption = DEFAULT_DATABASE,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Only about this model.", autocompletion=completing.models)
    ] = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what became known between two moments: what is new, stronger, weaker or gone, and which events did it."""
    with _asking(database, model) as asking:
        end = None if second is None else _moment(second)
        _tell(asking.diff(_moment(first), end, model=model), "What became known", html, as_json)


def _why(asking: QueryEngine, identity: str) -> _Answer:
    if identity.partition("-")[0] in ("belief", "theory", "pattern"):
        return asking.evidence(identity)
    return asking.explain_decision(int(identity) if identity.isdecimal() else identity)


def _moment(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _tell(answer: _Answer, title: str, html: Path | None, as_json: bool) -> None:
    """Say an answer in words, as JSON, or in a file as a page."""
    if html is not None:
        from memory.query.whole_file import whole_file

        with whole_file(html) as beside:
            beside.write_text(_page(title, answer.to_html()), encoding="utf-8")
        typer.echo(str(html))
    elif as_json:
        typer.echo(answer.to_json())
    else:
        from introspection.html import visible

        # What was recorded may not steer the terminal.
        typer.echo("\n".join(visible(line) for line in str(answer).split("\n")))


def _page(title: str, fragment: str) -> str:
    from introspection.html import escape

    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        "<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:72em;margin:2em auto;"
        "padding:0 1em}@media print{body{margin:0;max-width:none}section{break-inside:avoid-page}}</style>\n"
        f"</head>\n<body>\n<main>\n<h1>{escape(title)}</h1>\n{fragment}\n</main>\n</body>\n</html>\n"
    )


@contextmanager
def _asking(database: str, model: str | None = None) -> Iterator[QueryEngine]:
    from memory.projections.catalogue import PROJECTIONS
    from memory.projections.runner import ProjectionRunner
    from memory.query.engine import QueryEngine
    from memory.query.narrowing import check_model
    from memory.query.past import Pasts

    with opened(database) as store:
        if model is not None:
            with store.database.reading() as connection:
                check_model(connection, model)
        pasts = Pasts(store)
        try:
            yield QueryEngine(store, ProjectionRunner(store, PROJECTIONS), pasts)
        finally:
            pasts.close()
