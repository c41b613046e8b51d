"""Where a database is: a path, a SQLite URL or a PostgreSQL URL, understood once and shown without its password."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from memory.errors import InvalidDatabaseUrl, MissingDependency

_REMEDY = "pass a path (research.db), sqlite:///research.db, or postgresql://user@host/database"
_POSTGRESQL = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
_SQLITE = frozenset({"sqlite", "sqlite+pysqlite"})


CONNECT_TIMEOUT = 10
"""Seconds to wait for a PostgreSQL server, where the URL does not say."""


@dataclass(frozen=True, slots=True)
class Location:
    """A place a database can be at."""

    dialect: Literal["sqlite", "postgresql"]
    url: URL
    """What SQLAlchemy connects to."""
    path: Path | None
    """The SQLite file; None for a database in memory and for PostgreSQL."""

    def __str__(self) -> str:
        if self.path is not None:
            return str(self.path)
        return ":memory:" if self.dialect == "sqlite" else self.url.render_as_string(hide_password=True)

    @property
    def in_memory(self) -> bool:
        """Whether it is a SQLite database that ends with the process."""
        return self.dialect == "sqlite" and self.path is None


def locate(url_or_path: str | os.PathLike[str]) -> Location:
    """Understand a path or URL.

    Raises:
        InvalidDatabaseUrl: It is neither, or a kind of database Palimpsest does not keep its log in.
        MissingDependency: It is a PostgreSQL URL and psycopg is not installed.
    """
    if isinstance(url_or_path, os.PathLike):
        return _file(os.fspath(url_or_path))
    if not isinstance(url_or_path, str):
        raise InvalidDatabaseUrl(f"a database is named by text or a path, not {url_or_path!r}", remedy=_REMEDY)
    if "://" not in url_or_path:
        return _file(url_or_path)
    try:
        url = make_url(url_or_path)
    except (ArgumentError, ValueError) as error:
        # The text may hold a password: only its scheme is shown.
        scheme = url_or_path.partition("://")[0]
        raise InvalidDatabaseUrl(f"the {scheme}:// URL cannot be understood", remedy=_REMEDY) from error
    if url.drivername in _SQLITE:
        return _sqlite_url(url)
    if url.drivername in _POSTGRESQL:
        if importlib.util.find_spec("psycopg") is None:
            raise MissingDependency("psycopg", "postgres", "a PostgreSQL database")
        return Location("postgresql", url.set(drivername="postgresql+psycopg"), None)
    raise InvalidDatabaseUrl(
        f"{url.drivername!r} is no kind of database that Palimpsest keeps a log in", remedy=_REMEDY
    )


def file_uri(path: Path, *options: str) -> str:
    """Give the SQLite URI of a file, whatever characters its name has."""
    return f"file:{quote(os.fsencode(path))}?{'&'.join(options)}"


def _sqlite_url(url: URL) -> Location:
    if url.host or url.username or url.port:
        remedy = "write sqlite:///relative/path or sqlite:////absolute/path"
        raise InvalidDatabaseUrl(f"a SQLite URL has no host, and this one has {url.host!r}", remedy=remedy)
    if url.query:
        options = "?" + "&".join(url.query)
        remedy = "pass the path itself where its name has a question mark; options are set by Palimpsest"
        raise InvalidDatabaseUrl(f"a SQLite URL takes no options here, and this one has {options!r}", remedy=remedy)
    return _file(url.database or ":memory:")


def _file(name: str) -> Location:
    if name == ":memory:":
        return Location("sqlite", URL.create("sqlite"), None)
    if not name or "\0" in name or name.startswith("file:"):
        raise InvalidDatabaseUrl(f"{name!r} is no path of a database", remedy=_REMEDY)
    path = Path(name).absolute()
    return Location("sqlite", URL.create("sqlite", database=str(path)), path)
