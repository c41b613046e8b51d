"""The tables of the log: lean, because every event pays for every byte; `events` is the readable view on top.

Times are whole microseconds since 1970 UTC, digests are 32 raw bytes, payloads are canonical JSON text. There are no
foreign keys between them: every append would pay for them, and the hash chain proves more. `memory.projections.tables`
puts its read tables on the same `metadata`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING_CONVENTION)
INTERNAL = {"internal": True}
"""What the `info` of a table says that projections keep for themselves: nobody reads it, and exports leave it out."""
"""Every table of Palimpsest, the projections' included."""

# SQLite makes only an INTEGER primary key the row's own number; BIGINT would cost a second index.
WideInteger = BigInteger().with_variant(Integer(), "sqlite")

LATEST_MICROSECOND = 253_402_300_799_999_999
"""The last moment of the year 9999, in microseconds since 1970 UTC."""


def _column(name: str, kind: Any, comment: str, *, nullable: bool = False, primary_key: bool = False) -> Column[Any]:
    return Column(
        name, kind, nullable=nullable, primary_key=primary_key, autoincrement=False, comment=comment, key=name
    )


streams = Table(
    "streams",
    metadata,
    _column("stream_id", WideInteger, "Number of the stream in this database only.", primary_key=True),
    _column("name", Text(), "Name of the stream; model-<name> belongs to the model of that name."),
    _column("category", Text(), "What the name says before its first hyphen."),
    _column("version", WideInteger, "Version of its last event: a cache of the ledger."),
    UniqueConstraint("name"),
    comment="One row per stream: an ordered history of its own.",
)

event_types = Table(
    "event_types",
    metadata,
    _column("type_id", WideInteger, "Number of the type in this database only.", primary_key=True),
    _column("name", Text(), "Stable snake_case name of the event type."),
    _column("schema_version", Integer(), "Version of the payload's schema."),
    UniqueConstraint("name", "schema_version"),
    comment="One row per event type and schema version that was ever recorded.",
)

record_keys = Table(
    "record_keys",
    metadata,
    _column("key", Text(), "The idempotency key.", primary_key=True),
    _column("position", WideInteger, "Position of the event first recorded under it."),
    _column("content_digest", LargeBinary(), "sha256 of the event's type, model and payload."),
    UniqueConstraint("position"),
    comment="One row per event that was recorded under an idempotency key. Append-only.",
    sqlite_with_rowid=False,
)

appends = Table(
    "appends",
    metadata,
    _column("append_id", WideInteger, "Number of the append, from 1 without gaps; 0 is the origin.", primary_key=True),
    _column("first_position", WideInteger, "Position of its first event."),
    _column("last_position", WideInteger, "Position of its last event."),
    _column("recorded_at", WideInteger, "When it was made: microseconds since 1970 UTC."),
    _column("actor", Text(), "Who made it, where that was said.", nullable=True),
    _column("correlation_id", Text(), "What it belongs to beyond this log, where that was said.", nullable=True),
    _column("digest", LargeBinary(), "Link of the hash chain: sha256 over the previous digest and all it appended."),
    comment="One row per atomic append of events: its time, and its link of the hash chain. Append-only.",
)

ledger = Table(
    "ledger",
    metadata,
    _column("position", WideInteger, "Store-wide number: contiguous, in commit order.", primary_key=True),
    _column("append_id", WideInteger, "The append it came with."),
    _column("stream_id", WideInteger, "The stream it belongs to."),
    _column("version", WideInteger, "Number in its stream, from 1."),
    _column("type_id", WideInteger, "Its event type and schema version."),
    _column("act_id", Text(), "The act it is part of, if any.", nullable=True),
    _column("causation_id", Text(), "The event that caused it, if any.", nullable=True),
    _column("occurred_at", WideInteger, "When it happened: microseconds since 1970 UTC."),
    _column("payload", Text(), "Canonical JSON text, exactly as it was recorded."),
    UniqueConstraint("stream_id", "version"),
    CheckConstraint(f"occurred_at BETWEEN 0 AND {LATEST_MICROSECOND}", name="occurred_at"),
    comment="Every event, in order: the truth that everything else is computed from. Append-only.",
)

blobs = Table(
    "blobs",
    metadata,
    _column("digest", Text(), "blake3 of the whole blob, hex.", primary_key=True),
    _column("part", Integer(), "Which piece of it, from 0: big blobs are cut.", primary_key=True),
    _column("content", LargeBinary(), "The bytes of this piece."),
    comment="Blobs that are kept in the database: small ones, and all where there is no folder for them. Not truth: an "
    "event says what each is, and pruning is an event too.",
    info=INTERNAL,
)

APPEND_ONLY = ("ledger", "appends", "record_keys")
"""Tables whose rows the database itself refuses to change or delete."""
