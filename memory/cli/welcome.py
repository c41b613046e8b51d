"""The first minute: what this is, what is here already, and what to type next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from introspection.html import visible
from memory.cli.output import results
from memory.cli.root import DEFAULT_DATABASE
from memory.version import __version__

if TYPE_CHECKING:
    from memory.query.summary import Summary

_WHAT_IT_IS = (
    "An event-sourced memory for neural networks whose weights are being changed: every write is recorded, and what "
    "follows from it is learned."
)
_NAMED = "PALIMPSEST_URL"
_LOOKED_FOR = (DEFAULT_DATABASE, "demo.db")
_WITHOUT_A_RECORD = (
    ("palimpsest demo", "train a small model, edit it, and see what is learned from that"),
    ("palimpsest sharing MODEL_PATH", "which names of a checkpoint are one tensor"),
    ("palimpsest doctor", "whether everything it stands on is well"),
)
_WITH_A_RECORD = (
    ("palimpsest beliefs", "what is believed, how firmly, on what ground"),
    ("palimpsest log --follow", "what happens, as it happens"),
    ("palimpsest serve --open", "everything in a browser, explained"),
    ("palimpsest report", "all of it as one page to keep or to send"),
    ("palimpsest query 'SELECT …'", "your own question, in SQL"),
    ("palimpsest verify", "whether the record is whole"),
)
_IN_PYTHON = (
    "from memory import MemorySystem",
    'with MemorySystem("research.db") as memory:',
    '    memory.attach(model, name="mine")',
    '    with memory.edit("lm_head.weight", method="scale") as weight:',
    "        weight.mul_(1.01)",
)


def welcome() -> None:
    """Say what this is, what there is in this folder, and what to type next; changes nothing."""
    console = results()
    console.print(Text.assemble(("palimpsest", "bold"), f" {__version__}"))
    console.print(_WHAT_IT_IS)
    places = _places()
    for place in places:
        console.print()
        console.print(_found(place), soft_wrap=True)
    console.print("\nIn Python:", style="bold")
    for line in _IN_PYTHON:
        console.print(Text(f"  {line}"))
    console.print("\nType next:", style="bold")
    for command, says in _next(places):
        console.print(Text.assemble((f"  {command:<40}", "cyan"), f"  {says}"))


def _next(places: list[str]) -> Iterator[tuple[str, str]]:
    """Give what to type, and what it says: about the first record there is, or how to come to one."""
    if places:
        # Where the record is one that commands find by themselves, they need not be told.
        found_anyway = places[0] == DEFAULT_DATABASE or _NAMED in os.environ
        where = "" if found_anyway else f" -d {places[0]}"
        yield from ((f"{command}{where}", says) for command, says in _WITH_A_RECORD)
    yield from _WITHOUT_A_RECORD[: 1 if places else None]
    yield "palimpsest --help", "every command"
    yield "palimpsest explain CODE", "what an error means"


def _places() -> list[str]:
    """Give where a record may be: where the environment says, or in this folder."""
    named = os.environ.get(_NAMED)
    return [named] if named else [name for name in _LOOKED_FOR if Path(name).is_file()]


def _found(place: str) -> Text:
    """Say what there is at a place, or why it cannot be read."""
    from memory.errors import PalimpsestError
    from memory.query.summary import summarise
    from memory.store.engine import Database
    from memory.store.log import EventStore

    try:
        # Not `EventStore.open`, which upgrades an older schema: looking around changes nothing.
        with EventStore(Database.open(place, create=False)) as store:
            return _told(summarise(store))
    except PalimpsestError as error:
        return Text(f"{visible(place)} cannot be read: {visible(error.message)}", "yellow")


def _told(found: Summary) -> Text:
    models = f" of {visible(', '.join(found.models))}" if found.models else ""
    said = Text.assemble((visible(found.place), "bold"), f" holds {found.events:,} events{models}")
    if found.recorded_at is not None:
        said.append(f", the last recorded at {found.recorded_at:%Y-%m-%d %H:%M:%S} UTC")
    said.append(f"; {found.beliefs} beliefs, {found.patterns} patterns, {found.checkpoints} checkpoints")
    if found.events > found.folded:
        said.append(f" ({found.events - found.folded:,} events are not folded yet)")
    for stop in found.stops:
        said.append(f"\nEMERGENCY STOP: {visible(stop)}", "bold red")
    return said
