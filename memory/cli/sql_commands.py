"""Commands that ask in SQL, and that say what can be asked of."""

from __future__ import annotations

import difflib
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from memory.cli.root import DEFAULT_DATABASE, DatabaseOption, JsonOption, app, database_app, opened


@app.command(epilog="Example: palimpsest query 'SELECT * FROM act_summary WHERE method = :how LIMIT 5' -p how=scale")
def query(
    statement: Annotated[
        str | None, typer.Argument(help="One SQL statement; `-` reads it from standard input.", show_default=False)
    ] = None,
    database: DatabaseOption = DEFAULT_DATABASE,
    parameters: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", help="NAME=VALUE for `:NAME`; numbers, true, false and null as JSON has them."),
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Read the statement from this file.")] = None,
    as_table: Annotated[bool, typer.Option("--table", help="Answer in a table: what it does unasked.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Answer in CSV, as the rows come: any number of them.")] = False,
    parquet: Annotated[
        Path | None, typer.Option("--parquet", help="Write the answer to this Parquet file (extra `frames`).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask in SQL; the engine itself refuses anything that writes. `palimpsest db schema` lists what can be asked of."""
    from memory.cli.output import show_rows, words
    from memory.query.streaming import StreamedAnswer

    if sum((as_table, as_csv, as_json, parquet is not None)) > 1:
        raise typer.BadParameter("an answer has one form: choose --table, --csv, --json or --parquet")
    asked, values = _statement(statement, file), _values(parameters or [])
    with opened(database) as store, StreamedAnswer(store.database.read_only_rows(asked, values)) as answer:
        if as_csv:
            answer.to_csv(sys.stdout)
        elif parquet is not None:
            words.print(f"{answer.to_parquet(parquet)} rows")
            typer.echo(str(parquet))
        else:
            show_rows(list(answer), as_json=as_json, empty="no rows")


def _statement(given: str | None, file: Path | None) -> str:
    if (given is None) == (file is None):
        raise typer.BadParameter("give one statement: as the argument, by --file, or `-` for standard input")
    if file is not None:
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"{file} cannot be read: {error}") from error
    return sys.stdin.read() if given == "-" else str(given)


def _values(parameters: list[str]) -> dict[str, Any]:
    values = {}
    for each in parameters:
        name, separator, value = each.partition("=")
        if not separator or not name:
            raise typer.BadParameter(f"{each!r} is not NAME=VALUE")
        values[name] = _value(value)
    return values


def _value(text: str) -> Any:
    """Read a number, a truth value, null or a quoted text as JSON has them; all else is the text itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, dict | list) else value


@database_app.command("schema", epilog="Example: palimpsest db schema act_summary")
def schema(
    relation: Annotated[str | None, typer.Argument(help="Only this view or table; none lists them all.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="The whole dictionary as a part of a page.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say which views and tables there are to be read, and what their columns mean."""
    from memory.cli.output import print_json, show_rows
    from memory.errors import InvalidArgument
    from memory.query.dictionary import as_markdown, relations

    if markdown:
        typer.echo(as_markdown(), nl=False)
        return
    known = {each.name: each for each in relations()}
    if relation is not None and relation not in known:
        nearest = (
            ", ".join(difflib.get_close_matches(relation, known)) or "one of those that `palimpsest db schema` lists"
        )
        raise InvalidArgument("relation", relation, f"there is no such view or table; did you mean {nearest}?")
    if as_json:
        print_json([_plain(each) for each in known.values() if relation in (None, each.name)])
    elif relation is None:
        show_rows(
            [{"name": each.name, "sort": each.sort, "holds": each.comment} for each in known.values()], as_json=False
        )
    else:
        columns = known[relation].columns
        show_rows(
            [{"column": name, "holds": kind, "meaning": comment} for name, kind, comment in columns], as_json=False
        )


def _plain(relation: Any) -> dict[str, Any]:
    return {
        "name": relation.name,
        "sort": relation.sort,
        "comment": relation.comment,
        "key": list(relation.key),
        "columns": [{"name": name, "holds": kind, "meaning": comment} for name, kind, comment in relation.columns],
    }
