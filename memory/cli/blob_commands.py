"""Commands about what is kept of weights."""

from __future__ import annotations

from typing import Annotated

import typer

from memory.cli.root import DEFAULT_DATABASE, BlobsOption, DatabaseOption, JsonOption, app, opened


@app.command("gc", epilog="Example: palimpsest gc --database research.db --grace 0")
def gc(
    database: DatabaseOption = DEFAULT_DATABASE,
    blobs: BlobsOption = None,
    grace: Annotated[
        float, typer.Option(min=0, help="Leave files alone that were written less than so many seconds ago.")
    ] = 3600.0,
    as_json: JsonOption = False,
) -> None:
    """Remove blobs and checkpoints that no event points at, and what is half-written; the log is only read."""
    from memory.cli.output import print_json, words
    from memory.projections.catalogue import PROJECTIONS
    from memory.projections.runner import ProjectionRunner
    from memory.query.weight_blobs import sweep
    from memory.weights.keeping import BlobKeeper

    with opened(database) as store:
        catch_up = ProjectionRunner(store, PROJECTIONS).catch_up
        swept = sweep(BlobKeeper.beside(store, blobs), store.database, catch_up, grace=grace)
    if as_json:
        print_json({"blobs": swept.blobs, "checkpoints": swept.checkpoints, "bytes": swept.bytes_freed})
    else:
        words.print(
            f"{len(swept.blobs)} blobs and {len(swept.checkpoints)} checkpoints that no event points at were removed, "
            f"{swept.bytes_freed / 1e6:.1f} MB"
        )
