"""Blobs that are rows: written with the events that point at them, and no part of the chain.

All that changes the table holds the ledger's lock: whether an event points at a blob can then be known for sure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from memory.errors import InvalidPayload
from memory.store.driver import driver_of, fetch, marked
from memory.store.engine import Database
from memory.store.head import read_head

Content = bytes | bytearray | memoryview
"""Bytes, however they are held."""

PART = 4 * 2**20
"""Bytes of a piece. Never to be changed: pieces of two sizes would not fit together."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_MANY = 400
"""Digests named in one statement."""
_PAGE = 256
_PAGE_BYTES = 16 * 2**20

_INSERT = "INSERT INTO blobs (digest, part, content) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_READ = "SELECT content FROM blobs WHERE digest = ? ORDER BY part"
_HELD = "SELECT 1 FROM blobs WHERE digest = ? LIMIT 1"
_PARTS = "SELECT digest, part, content FROM blobs WHERE (digest, part) > (?, ?) ORDER BY digest, part LIMIT ?"


def checked(blobs: Mapping[str, Content] | None) -> dict[str, Content]:
    """Give blobs that can be stored.

    Raises:
        InvalidPayload: One is not named by a digest, or is no bytes.
    """
    found = dict(blobs or {})
    for digest, content in found.items():
        if not isinstance(digest, str) or _DIGEST.fullmatch(digest) is None:
            raise InvalidPayload("blobs", "are named by their blake3 digest, 64 hex digits", value=repr(digest)[:80])
        if not isinstance(content, bytes | bytearray | memoryview):
            raise InvalidPayload(f"blobs[{digest[:16]}…]", "is no bytes", value=type(content).__name__)
    return found


def write_blobs(connection: Connection, blobs: Mapping[str, Content]) -> None:
    """Write blobs in the open transaction, which holds the ledger's lock; one that is there already stays as it is."""
    if not blobs:
        return
    cursor = driver_of(connection).cursor()
    cursor.executemany(marked(connection, _INSERT), _cut(blobs))
    cursor.close()


def _cut(blobs: Mapping[str, Content]) -> Iterator[tuple[str, int, Content]]:
    for digest, content in blobs.items():
        whole = memoryview(content).cast("B")
        if whole.nbytes <= PART:
            yield digest, 0, content
            continue
        for part, start in enumerate(range(0, whole.nbytes, PART)):
            yield digest, part, whole[start : start + PART]


def keep_blobs(database: Database, blobs: Mapping[str, Content]) -> None:
    """Write blobs before anything points at them: what an import brings."""
    with database.writing(lock="ledger") as connection:
        write_blobs(connection, checked(blobs))


def read_blob(database: Database, digest: str) -> bytes | None:
    """Give a blob's bytes, unverified; None where it is not there."""
    with database.reading() as connection:
        parts = _rows(connection, _READ, (digest,))
    if not parts:
        return None
    return bytes(parts[0][0]) if len(parts) == 1 else b"".join(content for (content,) in parts)


def holds_blob(database: Database, digest: str) -> bool:
    """Say whether a blob is there."""
    with database.reading() as connection:
        return bool(fetch(connection, _HELD, (digest,)))


def blob_digests(database: Database) -> frozenset[str]:
    """Give the digest of every blob."""
    with database.reading() as connection:
        return frozenset(digest for (digest,) in fetch(connection, "SELECT digest FROM blobs WHERE part = 0"))


def blob_parts(database: Database) -> Iterator[tuple[str, int, bytes]]:
    """Yield (digest, part, content) of every piece of every blob, in order, in constant memory."""
    digest, part, size = "", -1, 4
    while True:
        with database.reading() as connection:
            rows = _rows(connection, _PARTS, (digest, part, size))
        yield from rows
        if len(rows) < size:
            return
        digest, part = rows[-1][:2]
        volume = sum(len(content) for *_, content in rows)
        size = max(1, min(_PAGE, size * 2, _PAGE_BYTES * len(rows) // max(volume, 1)))


def remove_blobs(database: Database, digests: Iterable[str], *, at: int | None = None) -> int | None:
    """Remove blobs in one transaction.

    Args:
        database: Where they are.
        digests: Which.
        at: The position at which the log ended when it was found that nothing points at them; None: whatever it is.

    Returns:
        The bytes that were removed; None, and nothing was, where the log has gone on since.
    """
    wanted = sorted(set(digests))
    freed = 0
    with database.writing(lock="ledger") as connection:
        if at is not None and read_head(connection).position != at:
            return None
        for start in range(0, len(wanted), _MANY):
            some = wanted[start : start + _MANY]
            named = f"digest IN ({', '.join('?' * len(some))})"
            # length() of bytes is their number on both engines.
            ((size,),) = fetch(connection, f"SELECT coalesce(sum(length(content)), 0) FROM blobs WHERE {named}", some)
            freed += int(size)
            driver_of(connection).execute(marked(connection, f"DELETE FROM blobs WHERE {named}"), tuple(some))
    return freed


def _rows(connection: Connection, statement: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Run a query that gives bytes: as text, PostgreSQL would send each as two digits."""
    if connection.dialect.name == "sqlite":
        return fetch(connection, statement, parameters)
    found: list[tuple[Any, ...]] = (
        driver_of(connection).execute(marked(connection, statement), parameters, binary=True).fetchall()
    )
    return found
