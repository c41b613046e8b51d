"""What can be wrong with a SQLite file and the place it is at: looked at without opening it for real."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine

from memory.store import faults
from memory.store.connect import make_engine
from memory.store.finding import Finding, ok, problem, warning
from memory.store.inspection import has_hot_journal, in_wal_mode, is_at_rest
from memory.store.location import Location, file_uri, locate

NEEDED = (3, 38, 0)
"""The first SQLite with `->>`, by which the SQL contract reads JSON on both engines."""
RESET_FIXED = ((3, 44, 6), (3, 50, 7), (3, 51, 3))
"""Where the WAL-reset bug was mended, on each line of releases (sqlite.org/wal.html#walresetbug)."""

NETWORK = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.ceph", "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone",
    "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "prl_fs", "smb3",
    "smbfs", "vboxsf", "virtiofs",
})  # fmt: skip
"""File systems that several machines see: SQLite's WAL needs memory that all its processes share."""
IN_MEMORY = frozenset({"ramfs", "tmpfs"})
LITTLE_SPACE, TOO_LITTLE_SPACE = 2**30, 64 * 2**20
LARGE_WAL = 2**30
_MIB = 2**20
_UNFINISHED = frozenset({".part", ".partial", ".tmp"})


def diagnose_library() -> Finding:
    """Look at the SQLite that Python was built with."""
    version, text = sqlite3.sqlite_version_info, sqlite3.sqlite_version
    if version < NEEDED:
        needed = ".".join(map(str, NEEDED))
        return problem("sqlite", f"{text} is too old: {needed} is needed", "use a Python with a newer SQLite")
    if not has_reset_fix(version):
        return warning(
            "sqlite",
            f"{text} has the WAL-reset bug: a checkpoint that meets another one and a commit can, very rarely, lose "
            "what was committed or damage the file, where several connections write",
            "use a Python with SQLite 3.51.3 or newer (or 3.50.7, 3.44.6): sqlite.org/wal.html#walresetbug",
        )
    return ok("sqlite", text)


def has_reset_fix(version: tuple[int, ...]) -> bool:
    """Say whether a SQLite version is without the WAL-reset bug."""
    return version >= max(RESET_FIXED) or any(version[:2] == line[:2] and version >= line for line in RESET_FIXED)


def diagnose_place(path: Path) -> Iterator[Finding]:
    """Look at where a SQLite file is, or would be."""
    folder = path.parent
    if not folder.is_dir():
        return
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        mounts = ""
    yield diagnose_file_system(file_system((path if path.exists() else folder).resolve(), mounts))
    free = shutil.disk_usage(folder).free
    told = f"{free / 2**30:.1f} GiB free" if free >= 2**30 else f"{free // _MIB} MiB free"
    if free < LITTLE_SPACE:
        make = problem if free < TOO_LITTLE_SPACE else warning
        yield make("disk", told, "free some space: on a full disk nothing is recorded, and nothing is lost")
    else:
        yield ok("disk", told)
    yield from _leftovers(path)


def file_system(path: Path, mounts: str) -> str | None:
    """Give the kind of file system that holds a path.

    Args:
        path: Without symbolic links.
        mounts: What `/proc/mounts` says; empty where there is no such file.

    Returns:
        Its kind, as the system calls it; None where that cannot be told.
    """
    found: tuple[int, str] | None = None
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        # The system writes a space in a name as \040.
        point = Path(fields[1].encode().decode("unicode_escape"))
        # Of two on one folder the later hides the earlier.
        if path.is_relative_to(point) and (found is None or len(point.parts) >= found[0]):
            found = len(point.parts), fields[2]
    return None if found is None else found[1]


def diagnose_file_system(kind: str | None) -> Finding:
    """Say whether SQLite's write-ahead log can be trusted on a kind of file system."""
    if kind is None:
        return ok("file-system", "not told by this system; it must be a local disk")
    if kind in NETWORK:
        return problem(
            "file-system",
            f"{kind} is shared over a network: SQLite's write-ahead log is not safe on it",
            "keep the database on a local disk, or use PostgreSQL",
        )
    if kind in IN_MEMORY:
        return warning("file-system", f"{kind} is memory: a restart of the machine empties it", "keep it on a disk")
    if kind.startswith("fuse"):
        return warning("file-system", f"what lies behind {kind} cannot be told", "make sure that it is a local disk")
    return ok("file-system", f"{kind}, local")


def _leftovers(path: Path) -> Iterator[Finding]:
    found = False
    if has_hot_journal(path):
        found = True
        yield warning(
            "leftovers",
            f"{path.name}-journal: a write was cut off in the middle",
            "nothing to do: it is rolled back when the database is next opened; never delete it",
        )
    wal = Path(f"{path}-wal")
    if wal.exists() and wal.stat().st_size >= LARGE_WAL:
        found = True
        yield warning(
            "leftovers",
            f"{wal.name} has {wal.stat().st_size // _MIB} MiB: it cannot be folded into the database",
            "end the program that reads in one long transaction; never delete this file",
        )
    for each in sorted(path.parent.iterdir()):
        of_it = each.name.lstrip(".").startswith(path.name) and each.suffix in _UNFINISHED
        # An export is written under a hidden name, and renamed when it is whole.
        if of_it or (each.name.startswith(".") and each.suffix == ".partial"):
            found = True
            remedy = "delete it, if no program is writing it now"
            yield warning("leftovers", f"{each.name} was left half-written", remedy)
    if not found:
        yield ok("leftovers", "none")


@contextmanager
def looking_at(location: Location, path: Path) -> Iterator[Connection]:
    """Give a connection that can only read, and leaves no trace beside a database that nobody has open."""
    # Even reading makes files beside a database in WAL mode, unless it is taken as one that nobody changes.
    mode = "immutable=1" if is_at_rest(path) or has_hot_journal(path) else "mode=ro"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(file_uri(path, mode), uri=True, timeout=5, isolation_level=None)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    with faults.translated(location), engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        yield connection


def diagnose_settings(path: Path) -> Iterator[Finding]:
    """Look at how the file is written to."""
    if in_wal_mode(path):
        yield ok("journal", "write-ahead log")
    else:
        remedy = "nothing to do: it is switched when the database is next opened"
        yield warning("journal", "a rollback journal, not yet the write-ahead log", remedy)
    yield _promises()


def _promises() -> Finding:
    """See that this SQLite grants what every connection asks for."""
    engine = make_engine(locate(":memory:"), "full")
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        granted = [cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "recursive_triggers")]
    engine.dispose()
    if granted == [2, 1]:
        return ok("durability", "full: the disk has what is acknowledged (durability='normal': the system has it)")
    return problem("durability", "this SQLite does not grant synchronous=full", "use another build of SQLite")
