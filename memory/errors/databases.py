"""What is wrong with a database."""

from __future__ import annotations

from introspection.errors import PalimpsestError


class DatabaseError(PalimpsestError):
    """The database engine refused something; the message carries its own words."""

    code = "database-error"


class DatabaseUnavailable(DatabaseError):
    """No database can be reached or made at the given place."""

    code = "database-unavailable"


class InvalidDatabaseUrl(DatabaseUnavailable):
    """A text that names no database Palimpsest can use."""

    code = "invalid-database-url"


class ReadOnlyDatabase(DatabaseUnavailable):
    """A database that this process may not write to."""

    code = "read-only-database"


class DatabaseBusy(DatabaseUnavailable):
    """Another connection held the write lock for longer than the busy timeout."""

    code = "database-busy"


class DatabaseFull(DatabaseUnavailable):
    """No room is left on the disk; the transaction was rolled back whole."""

    code = "database-full"


class OutcomeUnknown(DatabaseUnavailable):
    """The connection broke during a commit, and the database could not be asked again whether it was made."""

    code = "outcome-unknown"


class NotADatabase(DatabaseError):
    """A file that is no SQLite database; it was not touched."""

    code = "not-a-database"


class ForeignDatabase(DatabaseError):
    """A database that belongs to something else; it was not touched."""

    code = "foreign-database"


class SchemaOutdated(DatabaseError):
    """A database whose schema is older than this version of Palimpsest needs.

    Attributes:
        found: Its revision; None for a database without a schema.
        needed: The revision needed.
    """

    code = "schema-outdated"

    def __init__(self, where: str, found: str | None, needed: str) -> None:
        self.found = found
        self.needed = needed
        super().__init__(
            f"the schema of {where} is at revision {found or 'none'}, and {needed} is needed",
            remedy="run `palimpsest db upgrade`, or open the database with MemorySystem, which upgrades it",
        )


class SchemaTooNew(DatabaseError):
    """A database written by a newer version of Palimpsest; it was not touched.

    Attributes:
        found: Its revision.
        known: The newest revision this version knows.
    """

    code = "schema-too-new"

    def __init__(self, where: str, found: str, known: str) -> None:
        self.found = found
        self.known = known
        super().__init__(
            f"the schema of {where} is at revision {found!r}, which this version of Palimpsest (up to {known}) "
            "does not know",
            remedy="install the newer Palimpsest that wrote it: pip install --upgrade palimpsest-memory",
        )


class MigrationError(DatabaseError):
    """An upgrade or downgrade of the schema failed, and was rolled back whole."""

    code = "migration"


class AppendOnlyViolation(DatabaseError):
    """An attempt to change or delete what was recorded, refused by the database itself."""

    code = "append-only"


class LogSealed(DatabaseError):
    """An append to a log that was rolled over: it is kept as it is, and goes on in another database.

    Attributes:
        successor: Where the log goes on, without its password.
    """

    code = "log-sealed"

    def __init__(self, where: str, successor: str) -> None:
        self.successor = successor
        super().__init__(
            f"the log in {where} was sealed by a rollover and takes no more events: it goes on in {successor}",
            remedy=f"open {successor} instead; what is here can still be read, verified and exported",
        )


class RolloverUnfinished(DatabaseError):
    """An append to a log that a rollover prepared and did not come to open.

    Attributes:
        predecessor: The log that was being rolled over, without its password.
    """

    code = "rollover-unfinished"

    def __init__(self, where: str, predecessor: str, *, reason: str = "") -> None:
        self.predecessor = predecessor
        super().__init__(
            f"the log in {where} was prepared by a rollover of {predecessor} that did not finish"
            + (f": {reason}" if reason else ""),
            remedy=f"finish it: palimpsest rollover -d {predecessor} --to {where}; until then {predecessor} is in use",
        )
