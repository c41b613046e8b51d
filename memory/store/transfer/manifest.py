"""What an export says of itself: which log it is, where it begins and ends, and which files belong to it.

It is written last, so that a folder without one was not finished; and it knows the size of every file and the digest
of the last append, so that what was cut off, added or left out is seen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from memory.errors import InvalidExport
from memory.store.head import Head
from memory.store.seal import Seal
from memory.store.transfer.blobs import check_blobs

FORMAT_VERSION = 2
"""Raised when what is written can no longer be read by the versions before."""
NAME = "manifest.json"

Format = Literal["jsonl", "parquet"]


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file of an export."""

    name: str
    """Its path in the folder."""
    rows: int
    size: int
    """Its bytes."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export holds."""

    format: Format
    software: str
    """The version of Palimpsest that made it."""
    schema: str
    """The schema revision of the database it was made from: which tables there are, and their columns."""
    source: str
    """Where it was made from, without a password."""
    exported_at: str
    origin: Head
    """Where the log begins: append 0, or the head that a rollover continued."""
    origin_at: int
    """When that append was made, microseconds since 1970 UTC."""
    head: Head
    """Where it ends."""
    appends: int
    events: int
    event_files: tuple[ExportedFile, ...]
    """The events in order, one file after the other."""
    table_files: Mapping[str, ExportedFile] = field(default_factory=dict)
    """Read tables by name: for reading elsewhere; an import computes them again."""
    sealed: Mapping[str, Any] | None = None
    """What a rollover sealed the log with, if it was."""
    blobs: int = 0
    """Blobs that came along, each in a file `blobs/ab/<digest>`; exports of format 1 have none."""
    blob_bytes: int = 0
    """Bytes of all of them."""

    def to_json(self) -> str:
        """Give it as JSON text."""
        return json.dumps({"palimpsest_export": FORMAT_VERSION, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Read what an export says of itself, and see that every file is there in its full size.

    Raises:
        InvalidExport: It is none, is of a newer format, or files of it are missing or of another size.
    """
    path = folder / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidExport(
            f"{folder} is no export, or one that was not finished: it has no {NAME}",
            remedy="name the folder that `palimpsest export` made",
        ) from error
    except (OSError, ValueError) as error:
        raise InvalidExport(f"{path} cannot be read: {error}") from error
    version = content.pop("palimpsest_export", None) if isinstance(content, dict) else None
    if not isinstance(version, int):
        raise InvalidExport(f"{path} does not describe an export of Palimpsest")
    if version > FORMAT_VERSION:
        raise InvalidExport(
            f"{folder} is an export of format {version}, and this version of Palimpsest reads up to {FORMAT_VERSION}",
            remedy="install the newer Palimpsest that wrote it: pip install --upgrade palimpsest-memory",
        )
    try:
        manifest = _manifest(content)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidExport(f"{path} is damaged: {type(error).__name__}: {error}") from error
    for file in manifest.event_files:
        _check_file(folder, file)
    check_blobs(folder, manifest.blobs, manifest.blob_bytes)
    return manifest


def _manifest(content: dict[str, Any]) -> Manifest:
    if content["format"] not in ("jsonl", "parquet"):
        raise ValueError(f"there is no format {content['format']!r}")
    heads = {name: _head(content[name]) for name in ("origin", "head")}
    if content["sealed"] is not None:
        Seal(**content["sealed"])
    files = tuple(_file(each) for each in content["event_files"])
    tables = {name: _file(each) for name, each in content["table_files"].items()}
    return Manifest(**{**content, **heads, "event_files": files, "table_files": tables})


def _head(content: dict[str, Any]) -> Head:
    head = Head(**content)
    if type(head.append_id) is not int or type(head.position) is not int or len(bytes.fromhex(head.digest)) != 32:
        raise ValueError(f"{content!r} is no head of a log")
    return head


def _file(content: dict[str, Any]) -> ExportedFile:
    file = ExportedFile(**content)
    if type(file.rows) is not int or type(file.size) is not int or type(file.name) is not str:
        raise ValueError(f"{content!r} is no file of an export")
    if Path(file.name).is_absolute() or ".." in Path(file.name).parts:
        raise ValueError(f"{file.name} lies outside of the export")
    return file


def _check_file(folder: Path, file: ExportedFile) -> None:
    path = folder / file.name
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InvalidExport(f"{path} is missing from the export") from error
    if size != file.size:
        raise InvalidExport(f"{path} has {size} bytes, and was written with {file.size}: it was cut off or changed")
