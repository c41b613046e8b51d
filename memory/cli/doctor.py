"""The command that looks at everything Palimpsest stands on, and says what to do about it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from memory.cli.root import DEFAULT_DATABASE, JsonOption, app


@app.command(epilog="Example: palimpsest doctor research.db")
def doctor(
    database: Annotated[
        str | None,
        typer.Argument(envvar="PALIMPSEST_URL", help="A path or URL; else ./research.db, where there is one."),
    ] = None,
    same: Annotated[str | None, typer.Option("--database", "-d", help="The same, as other commands take it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Look at the installation and a database, changing nothing; exits 1 if there is a problem, 0 on warnings."""
    from memory.cli.installation import diagnose_installation
    from memory.cli.output import print_json, words
    from memory.store.diagnosis import diagnose, diagnose_libraries

    database = same or database
    if database is None and Path(DEFAULT_DATABASE).exists():
        database = DEFAULT_DATABASE
    findings = [*diagnose_installation(), *diagnose_libraries()]
    if database is not None:
        findings += diagnose(database)
    counted = {level: sum(finding.level == level for finding in findings) for level in ("problem", "warning")}
    if as_json:
        print_json({"ok": not counted["problem"], "findings": [asdict(finding) for finding in findings]})
    else:
        width = max(len(finding.subject) for finding in findings)
        for finding in findings:
            sys.stdout.write(f"{finding.level:8} {finding.subject:{width}}  {finding.message}\n")
            if finding.remedy:
                sys.stdout.write(f"{'':8} {'':{width}}  → {finding.remedy}\n")
        if database is None:
            words.print("no database was looked at: name one")
        words.print(", ".join(f"{number} {level}{'s' * (number != 1)}" for level, number in counted.items()))
    if counted["problem"]:
        raise typer.Exit(1)
