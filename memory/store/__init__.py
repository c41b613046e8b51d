"""The event store: tables, connections, the log with its hash chain, and the migrations of its schema."""

from memory.store.engine import Database
from memory.store.log import Appended, ChainReport, EventStore, Head, Problem

__all__ = ["Appended", "ChainReport", "Database", "EventStore", "Head", "Problem"]
