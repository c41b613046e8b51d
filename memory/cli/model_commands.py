"""Commands about models and what was learned of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from memory.cli.root import DEFAULT_DATABASE, DatabaseOption, JsonOption, app, opened


@app.command(epilog="Example: palimpsest demo --acts 100 --seed 1")
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


@app.command(epilog="Example: palimpsest sharing checkpoints/qwen --json")
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


@app.command(epilog="Example: palimpsest beliefs --all")
def beliefs(
    database: DatabaseOption = DEFAULT_DATABASE,
    everything: Annotated[bool, typer.Option("--all", help="Weakened and retracted ones too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what is believed, how firmly, and on what ground."""
    from memory.cli.output import show_rows
    from memory.system import MemorySystem

    with opened(database):
        pass  # refuses a database that does not exist, which MemorySystem would make
    with MemorySystem(database) as memory:
        rows = [dict(row._mapping) for row in memory.beliefs(status=None if everything else "active")]
    if not as_json:
        rows = [
            {name: row[name] for name in ("credence", "strength", "grade", "statement", *(("status",) * everything))}
            for row in rows
        ]
    show_rows(rows, as_json=as_json, empty="nothing is believed yet")
