"""Seals: triggers by which the database itself refuses every further append, and which say why.

A log is sealed when a rollover made it go on elsewhere; and one that a rollover prepares stays `unfinished` until the
old one is sealed, so that at no time two logs go on from the same head.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from sqlalchemy import Connection, text

from memory.store.tables import APPEND_ONLY

MARK = "sealed: "
"""What every refusal of a seal begins with, followed by the seal as JSON."""
_FUNCTION = """
CREATE OR REPLACE FUNCTION palimpsest_refuse_append() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING MESSAGE = 'sealed: ' || TG_ARGV[0], ERRCODE = 'object_not_in_prerequisite_state';
END
$$
"""


@dataclass(frozen=True, slots=True)
class Seal:
    """Why a log takes no appends."""

    state: Literal["sealed", "unfinished"]
    other: str
    """Of a sealed log its successor, of an unfinished one its predecessor; without a password."""
    append_id: int
    """The append at which the one ends and the other begins."""
    position: int
    digest: str

    @property
    def sealed(self) -> bool:
        """Whether it is for good."""
        return self.state == "sealed"

    def content(self) -> dict[str, Any]:
        """Give it as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: str) -> Self:
        """Read what `set_seal` put into the triggers."""
        return cls(**json.loads(content))


def set_seal(connection: Connection, seal: Seal) -> None:
    """Make the database refuse every append from this transaction on."""
    # ASCII only: the message comes back through drivers and servers of any encoding.
    literal = json.dumps(seal.content()).replace("'", "''")
    if connection.dialect.name == "sqlite":
        for table in APPEND_ONLY:
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_sealed BEFORE INSERT ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{MARK}{literal}'); END"
            )
        return
    connection.exec_driver_sql(_FUNCTION)
    for table in APPEND_ONLY:
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_sealed BEFORE INSERT ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION palimpsest_refuse_append('{literal.replace('%', '%%')}')"
        )
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_sealed")


def lift_seal(connection: Connection) -> None:
    """Make the database take appends from this transaction on; only for a seal that is `unfinished`."""
    for table in APPEND_ONLY:
        on = "" if connection.dialect.name == "sqlite" else f" ON {table}"
        connection.exec_driver_sql(f"DROP TRIGGER {table}_sealed{on}")


def read_seal(connection: Connection) -> Seal | None:
    """Give the seal of a log; None for one that takes appends."""
    if connection.dialect.name == "sqlite":
        made = connection.execute(text("SELECT sql FROM sqlite_master WHERE name = 'appends_sealed'")).scalar()
        if made is None:
            return None
        content = made[made.index(MARK) + len(MARK) : made.rindex("'); END")].replace("''", "'")
    else:
        # An argument of a trigger is stored as bytes that end with a zero.
        arguments = connection.execute(
            text(
                "SELECT t.tgargs FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
                "JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = current_schema() AND t.tgname = 'appends_sealed'"
            )
        ).scalar()
        if arguments is None:
            return None
        content = bytes(arguments).rstrip(b"\0").decode()
    return Seal.from_json(content)
