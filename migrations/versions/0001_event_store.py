"""The event store: streams, event types, appends, ledger, keys; append-only triggers; the `events` view.

Revision: 0001
Revises: nothing
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

from memory.errors import MigrationError

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WIDE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("ledger", "appends", "record_keys")
SAME_PLACE = {
    "ledger": "position = NEW.position OR (stream_id = NEW.stream_id AND version = NEW.version)",
    "appends": "append_id = NEW.append_id",
    "record_keys": "key = NEW.key OR position = NEW.position",
}
ORIGIN_DIGEST = hashlib.sha256(b"palimpsest origin 1\0").hexdigest()


def upgrade() -> None:
    _create_tables()
    if op.get_context().dialect.name == "sqlite":
        op.execute(f"INSERT INTO appends VALUES (0, 1, 0, 0, NULL, NULL, X'{ORIGIN_DIGEST}')")
        for table in APPEND_ONLY:
            for change in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_refuses_{change.lower()} BEFORE {change} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, 'append-only: {change} of {table} is refused'); END"
                )
            # REPLACE deletes without firing a DELETE trigger unless the connection asks for recursive triggers.
            op.execute(
                f"CREATE TRIGGER {table}_refuses_replace BEFORE INSERT ON {table} "
                f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {SAME_PLACE[table]}) "
                f"BEGIN SELECT RAISE(ABORT, 'append-only: REPLACE in {table} is refused'); END"
            )
        op.execute(SQLITE_EVENTS)
    else:
        op.execute(f"INSERT INTO appends VALUES (0, 1, 0, 0, NULL, NULL, decode('{ORIGIN_DIGEST}', 'hex'))")
        op.execute(POSTGRESQL_REFUSE)
        for table in APPEND_ONLY:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION palimpsest_refuse_change()"
            )
            # ALWAYS: also for a session that calls itself a replica, where ordinary triggers stay silent.
            op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only")
        op.execute(POSTGRESQL_EVENTS)
        op.execute(f"COMMENT ON VIEW events IS '{EVENTS_COMMENT}'")
        for column, comment in EVENTS_COLUMNS.items():
            op.execute(f"COMMENT ON COLUMN events.{column} IS '{comment}'")


def downgrade() -> None:
    _refuse_to_lose_a_log()
    op.execute("DROP VIEW events")
    for table in ("record_keys", "ledger", "appends", "event_types", "streams"):
        op.drop_table(table)
    if op.get_context().dialect.name != "sqlite":
        op.execute("DROP FUNCTION palimpsest_refuse_change()")


def _refuse_to_lose_a_log() -> None:
    """Stop before the tables of a log with events in it are dropped, whoever asked: read models come back, a log never."""
    if op.get_context().as_sql:
        return  # statements are only written out; whoever runs them has the database before them
    last = op.get_bind().execute(sa.text("SELECT max(last_position) FROM appends")).scalar()
    if last:
        raise MigrationError(
            f"the log has events up to position {last}, and below revision 0001 there is no log: nothing was changed",
            remedy="a log is never deleted; to be rid of it, remove the file or drop the database yourself",
        )


def _create_tables() -> None:
    op.create_table(
        "streams",
        _column("stream_id", WIDE, "Number of the stream in this database only."),
        _column("name", sa.Text(), "Name of the stream; model-<name> belongs to the model of that name."),
        _column("category", sa.Text(), "What the name says before its first hyphen."),
        _column("version", WIDE, "Version of its last event: a cache of the ledger."),
        sa.PrimaryKeyConstraint("stream_id", name=op.f("pk_streams")),
        sa.UniqueConstraint("name", name=op.f("uq_streams_name")),
        comment="One row per stream: an ordered history of its own.",
    )
    op.create_table(
        "event_types",
        _column("type_id", WIDE, "Number of the type in this database only."),
        _column("name", sa.Text(), "Stable snake_case name of the event type."),
        _column("schema_version", sa.Integer(), "Version of the payload's schema."),
        sa.PrimaryKeyConstraint("type_id", name=op.f("pk_event_types")),
        sa.UniqueConstraint("name", "schema_version", name=op.f("uq_event_types_name_schema_version")),
        comment="One row per event type and schema version that was ever recorded.",
    )
    op.create_table(
        "record_keys",
        _column("key", sa.Text(), "The idempotency key."),
        _column("position", WIDE, "Position of the event first recorded under it."),
        _column("content_digest", sa.LargeBinary(), "sha256 of the event's type, model and payload."),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_record_keys")),
        sa.UniqueConstraint("position", name=op.f("uq_record_keys_position")),
        comment="One row per event that was recorded under an idempotency key. Append-only.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "appends",
        _column("append_id", WIDE, "Number of the append, from 1 without gaps; 0 is the origin."),
        _column("first_position", WIDE, "Position of its first event."),
        _column("last_position", WIDE, "Position of its last event."),
        _column("recorded_at", WIDE, "When it was made: microseconds since 1970 UTC."),
        _column("actor", sa.Text(), "Who made it, where that was said.", nullable=True),
        _column("correlation_id", sa.Text(), "What it belongs to beyond this log, where that was said.", nullable=True),
        _column(
            "digest", sa.LargeBinary(), "Link of the hash chain: sha256 over the previous digest and all it appended."
        ),
        sa.PrimaryKeyConstraint("append_id", name=op.f("pk_appends")),
        comment="One row per atomic append of events: its time, and its link of the hash chain. Append-only.",
    )
    op.create_table(
        "ledger",
        _column("position", WIDE, "Store-wide number: contiguous, in commit order."),
        _column("append_id", WIDE, "The append it came with."),
        _column("stream_id", WIDE, "The stream it belongs to."),
        _column("version", WIDE, "Number in its stream, from 1."),
        _column("type_id", WIDE, "Its event type and schema version."),
        _column("act_id", sa.Text(), "The act it is part of, if any.", nullable=True),
        _column("causation_id", sa.Text(), "The event that caused it, if any.", nullable=True),
        _column("occurred_at", WIDE, "When it happened: microseconds since 1970 UTC."),
        _column("payload", sa.Text(), "Canonical JSON text, exactly as it was recorded."),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_ledger")),
        sa.UniqueConstraint("stream_id", "version", name=op.f("uq_ledger_stream_id_version")),
        sa.CheckConstraint("occurred_at BETWEEN 0 AND 253402300799999999", name=op.f("ck_ledger_occurred_at")),
        comment="Every event, in order: the truth that everything else is computed from. Append-only.",
    )


def _column(name: str, kind: sa.types.TypeEngine, comment: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, kind, nullable=nullable, autoincrement=False, comment=comment)


POSTGRESQL_REFUSE = """
CREATE FUNCTION palimpsest_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING
    MESSAGE = 'append-only: ' || TG_OP || ' of ' || TG_TABLE_NAME || ' is refused',
    ERRCODE = 'restrict_violation';
END
$$
"""

EVENTS_COMMENT = "Every event of the log, readable: the public SQL contract for the ledger."
EVENTS_COLUMNS = {
    "position": "Store-wide number: contiguous, in commit order, never reused.",
    "event_id": "Identity derived from content and place; the same in every copy of the log.",
    "stream": "The ordered history the event belongs to.",
    "version": "Number in its stream, from 1.",
    "event_type": "What kind of event it is.",
    "schema_version": "Version of the payload when it was stored.",
    "occurred_at": "When it happened: UTC, ISO text.",
    "recorded_at": "When it was recorded: UTC, ISO text.",
    "act_id": "The act it is part of, if any.",
    "correlation_id": "What its append belongs to beyond this log, if said.",
    "causation_id": "The event that caused it, if any.",
    "actor": "Who recorded it, if said.",
    "model": "The model its stream belongs to, if any.",
    "payload": "What it says, as JSON.",
}

SQLITE_EVENTS = """
CREATE VIEW events AS
SELECT
  ledger.position AS position,
  lower(hex(substr(appends.digest, 1, 16))) || '-' || (ledger.position - appends.first_position) AS event_id,
  streams.name AS stream,
  ledger.version AS version,
  event_types.name AS event_type,
  event_types.schema_version AS schema_version,
  strftime('%Y-%m-%dT%H\\:%M\\:%S', ledger.occurred_at / 1000000, 'unixepoch')
    || printf('.%06dZ', ledger.occurred_at % 1000000) AS occurred_at,
  strftime('%Y-%m-%dT%H\\:%M\\:%S', appends.recorded_at / 1000000, 'unixepoch')
    || printf('.%06dZ', appends.recorded_at % 1000000) AS recorded_at,
  ledger.act_id AS act_id,
  appends.correlation_id AS correlation_id,
  ledger.causation_id AS causation_id,
  appends.actor AS actor,
  CASE WHEN substr(streams.name, 1, 6) = 'model-' THEN substr(streams.name, 7) END AS model,
  ledger.payload AS payload
FROM ledger
JOIN appends ON appends.append_id = ledger.append_id
JOIN streams ON streams.stream_id = ledger.stream_id
JOIN event_types ON event_types.type_id = ledger.type_id
"""

# Seconds and microseconds are added apart: a bigint of microseconds does not survive the multiplication as a float.
POSTGRESQL_EVENTS = """
CREATE VIEW events AS
SELECT
  ledger.position AS position,
  encode(substr(appends.digest, 1, 16), 'hex') || '-' || (ledger.position - appends.first_position) AS event_id,
  streams.name AS stream,
  ledger.version AS version,
  event_types.name AS event_type,
  event_types.schema_version AS schema_version,
  to_char(timestamp '1970-01-01' + (ledger.occurred_at / 1000000) * interval '1 second'
    + mod(ledger.occurred_at, 1000000) * interval '1 microsecond', 'YYYY-MM-DD"T"HH24\\:MI\\:SS.US"Z"') AS occurred_at,
  to_char(timestamp '1970-01-01' + (appends.recorded_at / 1000000) * interval '1 second'
    + mod(appends.recorded_at, 1000000) * interval '1 microsecond', 'YYYY-MM-DD"T"HH24\\:MI\\:SS.US"Z"') AS recorded_at,
  ledger.act_id AS act_id,
  appends.correlation_id AS correlation_id,
  ledger.causation_id AS causation_id,
  appends.actor AS actor,
  CASE WHEN substr(streams.name, 1, 6) = 'model-' THEN substr(streams.name, 7) END AS model,
  ledger.payload::jsonb AS payload
FROM ledger
JOIN appends ON appends.append_id = ledger.append_id
JOIN streams ON streams.stream_id = ledger.stream_id
JOIN event_types ON event_types.type_id = ledger.type_id
"""
