"""How each engine is connected to: what a connection must be set to before the log may trust it."""

from __future__ import annotations

import random
import sqlite3
import time
from typing import Any, Literal

from sqlalchemy import Connection, Engine, StaticPool, create_engine, event

from memory.store import faults
from memory.store.driver import driver_of
from memory.store.location import CONNECT_TIMEOUT, Location

Durability = Literal["full", "normal"]
"""`full`: what was acknowledged survives power loss. `normal`: it survives the end of the process."""

BUSY_TIMEOUT = 30.0
"""Seconds to wait for a write lock before saying that the database is busy."""

IMMEDIATE = "palimpsest_immediate"
"""Execution option of a connection whose next transaction writes."""


def make_engine(location: Location, durability: Durability) -> Engine:
    """Give an engine whose every connection is set up for the log; it connects when first used."""
    if location.dialect == "postgresql":
        engine = create_engine(
            location.url,
            isolation_level="READ COMMITTED",
            hide_parameters=True,
            connect_args={} if "connect_timeout" in location.url.query else {"connect_timeout": CONNECT_TIMEOUT},
        )
        event.listen(engine, "connect", _postgresql_normal if durability == "normal" else _postgresql_full)
        return engine
    arguments = {"isolation_level": None, "check_same_thread": False, "timeout": BUSY_TIMEOUT}
    if location.in_memory:
        engine = create_engine(location.url, connect_args=arguments, poolclass=StaticPool, hide_parameters=True)
    else:
        engine = create_engine(location.url, connect_args=arguments, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: object) -> None:
        _prepare_sqlite(connection, durability)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # The driver begins nothing by itself (isolation_level=None), so that schema changes are transactional too.
        # By the driver itself: SQLAlchemy's own way around each statement takes as long as the commit.
        driver = driver_of(connection)
        if connection.get_execution_options().get(IMMEDIATE):
            driver.execute("PRAGMA busy_timeout = 0")
            try:
                driver.execute("BEGIN IMMEDIATE")
            finally:
                driver.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")
        else:
            driver.execute("BEGIN")

    return engine


def _prepare_sqlite(connection: Any, durability: Durability) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")
        _ensure_wal(cursor)
        cursor.execute(f"PRAGMA synchronous = {durability}")
        cursor.execute("PRAGMA foreign_keys = ON")
        # Without it INSERT OR REPLACE deletes rows past the append-only triggers.
        cursor.execute("PRAGMA recursive_triggers = ON")
    finally:
        cursor.close()


def _ensure_wal(cursor: Any) -> None:
    """Switch to write-ahead logging; when several processes do so at once, SQLite says busy without waiting."""
    deadline = time.monotonic() + BUSY_TIMEOUT
    while cursor.execute("PRAGMA journal_mode").fetchone()[0] not in ("wal", "memory"):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not faults.is_busy(error) or time.monotonic() >= deadline:
                raise
            time.sleep(random.uniform(0.001, 0.01))


def _postgresql_full(connection: Any, record: object) -> None:
    # A role or a database can be set to acknowledge before the disk has it: not what was asked for here.
    cursor = connection.cursor()
    try:
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
    finally:
        cursor.close()
    connection.commit()


def _postgresql_normal(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute("SET synchronous_commit = off")
    finally:
        cursor.close()
    connection.commit()
