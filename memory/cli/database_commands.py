"""Commands about the database itself: its schema."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from memory.cli.root import DEFAULT_DATABASE, DatabaseOption, JsonOption, database_app


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


@database_app.command("downgrade")
def downgrade(
    revision: Annotated[str, typer.Argument(help="The older revision; `base`: none, for a database without events.")],
    database: DatabaseOption = DEFAULT_DATABASE,
    as_json: JsonOption = False,
) -> None:
    """Take the schema back to an older revision; what only newer revisions hold is lost, the log never."""
    from memory.cli.output import print_json, words
    from memory.errors import MigrationError
    from memory.store.engine import Database
    from memory.store.head import read_head
    from memory.store.migrate import current as current_revision
    from memory.store.migrate import downgrade as bring_down

    with closing(Database.open(database, create=False)) as opened:
        before = current_revision(opened)
        if revision == "base" and before is not None:
            with opened.reading() as connection:
                events = read_head(connection).position
            if events:
                raise MigrationError(
                    f"{opened.location} holds {events} events, and `base` would remove them: a log is never deleted",
                    remedy="to be rid of it, remove the file or drop the database yourself",
                )
        bring_down(opened, revision)
        after = current_revision(opened)
    if as_json:
        print_json({"before": before, "after": after})
    else:
        words.print(f"schema {before or 'none'} → {after or 'none'}")
