"""Commands about checkpoints, and about weights as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memory.cli import completing
from memory.cli.root import DEFAULT_DATABASE, BlobsOption, DatabaseOption, JsonOption, app, opened

if TYPE_CHECKING:
    from torch.nn import Module

    from memory.system import MemorySystem


@app.command(epilog="Example: palimpsest checkpoints --tag good")
def checkpoints(
    database: DatabaseOption = DEFAULT_DATABASE,
    blobs: BlobsOption = None,
    model: Annotated[
        str | None, typer.Option(help="Only those of this model.", autocompletion=completing.models)
    ] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", help="Only those that have this tag; again for more.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those that were let go too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say which checkpoints there are, the first one first; brings the read tables up to date."""
    from memory.cli.output import show_rows

    with _memory(database, blobs) as memory:
        found = memory.checkpoints.list_checkpoints(tags or (), everything, model=model)
        folder = memory.checkpoints.folder
    rows = [each.to_dict() | {"path": folder and str(folder / each.checkpoint_id)} for each in found]
    if not as_json:
        rows = [_in_short(row, everything=everything) for row in rows]
    show_rows(rows, as_json=as_json, one_line=True, empty="there are no checkpoints")


@app.command("export-weights", epilog="Example: palimpsest export-weights 412 earlier.safetensors --model qwen")
def export_weights(
    state: Annotated[
        str, typer.Argument(help="A position, or the name of a checkpoint.", autocompletion=completing.checkpoints)
    ],
    path: Annotated[
        Path, typer.Argument(help="A folder to make, or a file to write that ends in .safetensors: not there yet.")
    ],
    model: Annotated[str, typer.Option(help="The model's name in the record.", autocompletion=completing.models)],
    config_from: Annotated[
        Path | None,
        typer.Option(
            help="A local transformers checkpoint of the same architecture: with its configuration, plain "
            "from_pretrained loads what is written; its weights are not read."
        ),
    ] = None,
    database: DatabaseOption = DEFAULT_DATABASE,
    blobs: BlobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the weights of a model as they were, from the record alone, every byte of them proved."""
    from memory.cli.output import print_json, words

    with _memory(database, blobs) as memory:
        target = int(state) if state.isdecimal() else state
        like = None if config_from is None else _empty_like(config_from)
        written = memory.export(target, path, model=model, like=like)
    size = sum(file.stat().st_size for file in ([written] if written.is_file() else written.iterdir()))
    if as_json:
        print_json({"path": str(written), "bytes": size})
    else:
        words.print(f"{written}: {size / 1e6:.1f} MB")


@contextmanager
def _memory(database: str, blobs: str | None) -> Iterator[MemorySystem]:
    """Give the memory of a record that exists."""
    from memory.system import MemorySystem

    with opened(database):
        pass  # refuses a database that does not exist, which MemorySystem would make
    with MemorySystem(database, blobs=blobs) as memory:
        yield memory


def _empty_like(path: Path) -> Module:
    """Give a model of the class that a checkpoint's configuration names, without weights.

    Raises:
        UnusableCheckpoint: There is no such folder, or transformers cannot make the model.
    """
    import torch

    from memory.cli.checkpoints import class_of

    kind, config = class_of(path)
    with torch.device("meta"):
        model: Module = kind._from_config(config) if hasattr(kind, "_from_config") else kind.from_config(config)
    return model


def _in_short(row: dict[str, Any], *, everything: bool) -> dict[str, Any]:
    names = ("checkpoint_id", "model", "position", "occurred_at", "size", "tags", "benchmarks", "description")
    return {name: row[name] for name in (*names, *(("deleted_position",) * everything))}
