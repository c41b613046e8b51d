"""Commands about the database itself: its schema."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from memory.cli.root import DEFAULT_DATABASE, DatabaseOption, JsonOption, app, database_app, opened


@database_app.command("upgrade", epilog="Example: palimpsest db upgrade --database postgresql://owner@host/research")
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


@database_app.command("current", epilog="Example: palimpsest db current --json")
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


@database_app.command("check", epilog="Example: palimpsest db check --database research.db")
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


@database_app.command("downgrade", epilog="Example: palimpsest db downgrade 0001 --yes")
def downgrade(
    revision: Annotated[str, typer.Argument(help="The older revision; `base`: none, for a database without events.")],
    database: DatabaseOption = DEFAULT_DATABASE,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, what only newer revisions hold may be lost.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take the schema back to an older revision; what only newer revisions hold is lost, the log never."""
    from memory.cli.output import print_json, words
    from memory.store.engine import Database
    from memory.store.migrate import current as current_revision
    from memory.store.migrate import downgrade as bring_down

    if not yes:
        raise typer.BadParameter(
            f"what only revisions after {revision} hold would be lost (read models can be rebuilt from the log): "
            "say --yes if that is meant"
        )
    with closing(Database.open(database, create=False)) as opened:
        before = current_revision(opened)
        bring_down(opened, revision)
        after = current_revision(opened)
    if as_json:
        print_json({"before": before, "after": after})
    else:
        words.print(f"schema {before or 'none'} → {after or 'none'}")


@app.command(epilog="Example: palimpsest rebuild --database research.db")
def rebuild(
    projection: Annotated[str | None, typer.Argument(help="Only this one; `projections` in SQL lists them.")] = None,
    database: DatabaseOption = DEFAULT_DATABASE,
    as_json: JsonOption = False,
) -> None:
    """Compute the read tables again, beside those there are, and switch; the log is only read."""
    from memory.cli.output import print_json, words
    from memory.projections.catalogue import PROJECTIONS
    from memory.projections.runner import ProjectionRunner

    with opened(database) as store:
        ProjectionRunner(store, PROJECTIONS).rebuild(projection)
        rows = store.database.read_only_rows("SELECT name, version, position FROM projections ORDER BY name", {})
        rebuilt = [row for row in rows.mappings() if projection in (None, row["name"])]
    if as_json:
        print_json(rebuilt)
    else:
        for row in rebuilt:
            words.print(f"{row['name']} is at position {row['position']}")
