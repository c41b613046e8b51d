"""Which schema revisions this version of Palimpsest knows: read from the names of the scripts, without Alembic."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from memory.errors import MigrationError, SchemaTooNew

VERSION_TABLE = "palimpsest_version"
"""Where a database says which revision it is at: private, so that another application's Alembic is in nobody's way."""

OWN_NAMES = ("streams", "event_types", "record_keys", "appends", "ledger", "events")
"""What revision 0001 makes: a database that has these without a version belongs to something else."""

_SCRIPT = re.compile(r"(\d{4})_\w+\.py")


@functools.cache
def scripts_folder() -> Path:
    """Give the folder of the migration scripts: packaged in a wheel, beside `memory` in a checkout.

    Raises:
        MigrationError: Neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_migrations", package.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise MigrationError(
        f"the migration scripts are missing beside {package}", remedy="install palimpsest-memory again"
    )


@functools.cache
def revisions() -> tuple[str, ...]:
    """Give every revision this version knows, oldest first: scripts are named `<revision>_<what>.py`."""
    matches = (_SCRIPT.fullmatch(file.name) for file in (scripts_folder() / "versions").iterdir())
    return tuple(sorted(match[1] for match in matches if match))


@functools.cache
def view_names() -> tuple[str, ...]:
    """Give the views of the newest schema: `events`, and those that files beside the scripts hold."""
    files = (scripts_folder() / "views").glob("*/*.sql")
    return ("events", *sorted(file.stem.partition("_")[2] for file in files))


def head() -> str:
    """Give the revision that a database must be at."""
    return revisions()[-1]


def check_known(where: str, revision: str | None) -> None:
    """Refuse a revision that only a newer version can have written.

    Raises:
        SchemaTooNew: It is not among `revisions`.
    """
    if revision is not None and revision not in revisions():
        raise SchemaTooNew(where, revision, head())
