"""What is wrong with a record, with reading it, or with moving it."""

from __future__ import annotations

from introspection.errors import PalimpsestError


class InvalidExport(PalimpsestError):
    """A folder that is no export, or one that is incomplete, changed, or of a newer format.

    Attributes:
        append_id: The append that is wrong, where it is one.
        position: The first position concerned, where known.
    """

    code = "invalid-export"

    def __init__(
        self, message: str, *, append_id: int | None = None, position: int | None = None, remedy: str = ""
    ) -> None:
        self.append_id = append_id
        self.position = position
        super().__init__(message, remedy=remedy or "copy the export again from where it was made, or make it anew")


class AnotherHistory(PalimpsestError):
    """An export that does not go on from where the log ends; nothing of it was written.

    Attributes:
        append_id: The append at which the two differ.
    """

    code = "another-history"

    def __init__(self, message: str, *, append_id: int | None = None) -> None:
        self.append_id = append_id
        super().__init__(message, remedy="import into a new database, or into one that holds the beginning of this log")


class CorruptionError(PalimpsestError):
    """What is stored is not what was recorded.

    Attributes:
        position: The first position concerned, where known.
    """

    code = "corruption"

    def __init__(self, message: str, *, position: int | None = None, remedy: str = "") -> None:
        self.position = position
        super().__init__(
            message, remedy=remedy or "run `palimpsest verify` to see what is damaged, and restore from a backup"
        )


class DigestMismatch(CorruptionError):
    """Bytes whose digest is not the recorded one.

    Attributes:
        expected: The recorded digest, hex.
        actual: The digest of the bytes found, hex.
    """

    code = "digest-mismatch"

    def __init__(self, what: str, *, expected: str, actual: str, position: int | None = None) -> None:
        self.expected = expected
        self.actual = actual
        super().__init__(f"{what} has digest {actual}, and {expected} was recorded", position=position)


class MissingBlob(CorruptionError):
    """A blob that an event points at and that is not there.

    Attributes:
        digest: Its digest, hex.
    """

    code = "missing-blob"

    def __init__(self, digest: str, *, position: int | None = None) -> None:
        self.digest = digest
        super().__init__(
            f"the blob {digest} is missing",
            position=position,
            remedy="put the blob folder back beside the database, or copy the blob from a backup",
        )


class UnknownEventType(PalimpsestError):
    """An event type (or a schema version of it) that this version of Palimpsest does not know.

    Attributes:
        event_type: The type.
        schema_version: The schema version.
    """

    code = "unknown-event-type"

    def __init__(self, event_type: str, schema_version: int = 1, *, newest: int | None = None) -> None:
        self.event_type = event_type
        self.schema_version = schema_version
        what = (
            f"there is no event type {event_type!r}"
            if newest is None
            else f"schema version {schema_version} of event type {event_type!r} is newer than {newest}"
        )
        super().__init__(
            what, remedy="the event is kept as it is; a newer Palimpsest, or the program that wrote it, can read it"
        )


class UpcastError(PalimpsestError):
    """An old payload that could not be lifted to the current schema version.

    Attributes:
        event_type: The type.
        schema_version: The schema version it was stored with.
        reason: Why not.
        position: Position of the event, where known.
    """

    code = "upcast"

    def __init__(self, event_type: str, schema_version: int, reason: str, *, position: int | None = None) -> None:
        self.event_type = event_type
        self.schema_version = schema_version
        self.reason = reason
        self.position = position
        where = "" if position is None else f" at position {position}"
        super().__init__(
            f"schema version {schema_version} of {event_type!r}{where} cannot be lifted: {reason}",
            remedy="the stored event is unharmed; report this with the event's text (`palimpsest log --json`)",
        )


class ProjectionError(PalimpsestError):
    """A projection that could not fold an event, or a projection that does not exist.

    Attributes:
        projection: Its name.
        position: The event that broke it; None where it does not exist.
    """

    code = "projection"

    def __init__(self, message: str, *, remedy: str = "", projection: str = "", position: int | None = None) -> None:
        self.projection = projection
        self.position = position
        super().__init__(message, remedy=remedy)


class QueryError(PalimpsestError):
    """A read-only query that the database refused."""

    code = "query"


class MissingDependency(PalimpsestError):
    """An optional package that is needed and not installed.

    Attributes:
        package: The package.
        extra: The extra of palimpsest-memory that brings it.
    """

    code = "missing-dependency"

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        self.package = package
        self.extra = extra
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed",
            remedy=f'pip install "palimpsest-memory[{extra}]"',
        )
