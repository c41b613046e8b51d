"""The whole error hierarchy: one root, a stable code for each kind of error, and what to do about it.

Every class has a page in `docs/errors/` named after its code. This module imports nothing heavy, so that catching an
error costs nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from introspection.errors import (
    CaptureBudgetExceeded,
    InvalidArgument,
    InvalidSharingMap,
    NotAModel,
    NotFollowed,
    NothingCaptured,
    PalimpsestError,
    SeveralStorages,
    UnknownName,
    UnsupportedStorage,
)

__all__ = [
    "AmbiguousModel",
    "AmendmentError",
    "AnotherHistory",
    "AppendOnlyViolation",
    "BatchError",
    "CaptureBudgetExceeded",
    "ConcurrencyError",
    "CorruptionError",
    "DatabaseBusy",
    "DatabaseError",
    "DatabaseFull",
    "DatabaseUnavailable",
    "DigestMismatch",
    "EditError",
    "ForeignDatabase",
    "InvalidArgument",
    "InvalidDatabaseUrl",
    "InvalidExport",
    "InvalidPayload",
    "InvalidSharingMap",
    "KeyConflict",
    "LogSealed",
    "MigrationError",
    "MissingBlob",
    "MissingDependency",
    "NotADatabase",
    "NotAModel",
    "NotAttached",
    "NotFollowed",
    "NothingCaptured",
    "PalimpsestError",
    "PayloadTooLarge",
    "ProjectionError",
    "QueryError",
    "RankError",
    "ReadOnlyDatabase",
    "RestoreError",
    "RolloverUnfinished",
    "SafetyViolation",
    "SchemaOutdated",
    "SchemaTooNew",
    "SeveralStorages",
    "ToolFailed",
    "UnknownBelief",
    "UnknownEventType",
    "UnknownModel",
    "UnknownName",
    "UnknownObservation",
    "UnknownTheory",
    "UnknownTool",
    "UnsupportedStorage",
    "UpcastError",
]


# What is handed in to be recorded


class InvalidPayload(PalimpsestError):
    """Data that cannot be stored faithfully; refused before anything was written.

    Attributes:
        path: Where in the record the value is: `data.scores[3]`.
        value: The value, shortened for reading; empty where it has no short form.
        reason: What is wrong with it.
    """

    code = "invalid-payload"

    def __init__(self, path: str, reason: str, *, value: str = "", remedy: str = "") -> None:
        self.path = path
        self.reason = reason
        self.value = value
        shown = f" (got {value})" if value else ""
        super().__init__(f"{path}: {reason}{shown}", remedy=remedy)


class PayloadTooLarge(InvalidPayload):
    """One record bigger than the store takes.

    Attributes:
        limit: The largest size taken, in bytes.
    """

    code = "payload-too-large"

    def __init__(self, path: str, *, limit: int, reason: str = "") -> None:
        self.limit = limit
        super().__init__(
            path,
            reason or f"one record may hold at most {limit // 2**20} MiB of JSON",
            remedy="record a summary, and keep the bulk in a file or a checkpoint whose digest you record",
        )


class KeyConflict(PalimpsestError):
    """An idempotency key that was already used for other content.

    Attributes:
        key: The key.
        position: Position of the event recorded first under the key; None where both are in one batch.
    """

    code = "key-conflict"

    def __init__(self, key: str, position: int | None) -> None:
        self.key = key
        self.position = position
        where = "earlier in the same batch" if position is None else f"at position {position}"
        super().__init__(
            f"the key {key!r} was used {where} for other content",
            remedy="use a new key for a new fact; the same key only repeats the same type, model and payload",
        )


class ConcurrencyError(PalimpsestError):
    """A stream that is not at the version the writer expected: somebody else wrote first.

    Attributes:
        stream: Name of the stream.
        expected: The version the writer expected.
        actual: The version the stream has; 0 for a stream without events.
    """

    code = "concurrency"

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        self.stream = stream
        self.expected = expected
        self.actual = actual
        super().__init__(
            f"stream {stream!r} is at version {actual}, not {expected}",
            remedy="read the stream's new events, decide again, and append with the new version",
        )


class BatchError(PalimpsestError):
    """Something that cannot be done inside a batch, or with a batch that has ended or was dropped."""

    code = "batch"


class AmendmentError(PalimpsestError):
    """A correction or retraction of something that cannot be corrected or retracted; nothing was written.

    Attributes:
        position: The event that was to be amended.
    """

    code = "amendment"

    def __init__(self, message: str, *, position: int, remedy: str = "") -> None:
        self.position = position
        super().__init__(message, remedy=remedy)


# What is in the database


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


# What is moved between databases


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


# Models, acts and edits


class AmbiguousModel(PalimpsestError):
    """No model was named, and several are attached.

    Attributes:
        models: The names of the attached models, sorted.
    """

    code = "ambiguous-model"

    def __init__(self, models: Iterable[str]) -> None:
        self.models = tuple(sorted(models))
        super().__init__(
            f"several models are attached: {', '.join(map(repr, self.models))}",
            remedy=f"say which one is meant: model={self.models[0]!r}" if self.models else "say which one is meant",
        )


class UnknownModel(PalimpsestError):
    """A model name under which nothing is attached here.

    Attributes:
        model: The name asked for.
        known: The names of the models that are attached, sorted.
    """

    code = "unknown-model"

    def __init__(self, model: str, known: Iterable[str] = ()) -> None:
        self.model = model
        self.known = tuple(sorted(known))
        super().__init__(
            f"no model named {model!r} is attached", remedy=_suggestion(model, self.known, "attach it first")
        )


class UnknownPattern(PalimpsestError):
    """A pattern that was never claimed.

    Attributes:
        pattern_id: The identity asked for.
    """

    code = "unknown-pattern"

    def __init__(self, pattern_id: object) -> None:
        self.pattern_id = pattern_id
        super().__init__(
            f"there is no pattern {pattern_id!r}",
            remedy="memory.patterns(status=None) lists every one that was ever claimed",
        )


class UnknownTheory(PalimpsestError):
    """A theory that nobody proposed and the data never gave.

    Attributes:
        theory_id: The identity asked for.
    """

    code = "unknown-theory"

    def __init__(self, theory_id: object) -> None:
        self.theory_id = theory_id
        super().__init__(
            f"there is no theory {theory_id!r}",
            remedy="memory.theories(status=None) lists every one; form_theory gives the identity of a new one",
        )


class UnknownBelief(PalimpsestError):
    """A belief that nobody asserted and that was never formed.

    Attributes:
        belief_id: The identity asked for.
    """

    code = "unknown-belief"

    def __init__(self, belief_id: object) -> None:
        self.belief_id = belief_id
        super().__init__(
            f"there is no belief {belief_id!r}",
            remedy="memory.beliefs(status=None) lists every one; assert_belief gives the identity of a new one",
        )


class UnknownObservation(PalimpsestError):
    """A position at which no observation was recorded.

    Attributes:
        position: The position asked for.
    """

    code = "unknown-observation"

    def __init__(self, position: object) -> None:
        self.position = position
        super().__init__(
            f"there is no observation at position {position!r}",
            remedy="memory.query_observations() lists the newest; record_observation gives the position of a new one",
        )


class NotAttached(PalimpsestError):
    """Something that needs the live model, which is not attached now.

    Attributes:
        model: The model's name, where one is known.
    """

    code = "not-attached"

    def __init__(self, model: str | None = None, *, remedy: str = "") -> None:
        self.model = model
        super().__init__(
            "no model is attached" if model is None else f"the live model {model!r} is not attached",
            remedy=remedy or f"call memory.attach(model, name={(model or 'name')!r}) first",
        )


class EditError(PalimpsestError):
    """An edit that cannot be done, or was put back."""

    code = "edit"


class RankError(PalimpsestError):
    """Another process of a distributed run failed, did something else, or cannot be reached."""

    code = "rank"


class SafetyViolation(PalimpsestError):
    """A safety rule denied a write, whose bytes are as they were; or the model is under an emergency stop.

    Attributes:
        rules: The rules that denied it, sorted; `emergency_stop` for a stopped model.
        model: The model's name, where one is known.
        alerts: What is recorded of a write that was denied: payloads of `safety_alert`.
    """

    code = "safety-violation"

    def __init__(
        self,
        message: str,
        *,
        rules: Iterable[str] = (),
        model: str | None = None,
        alerts: Iterable[object] = (),
        remedy: str = "",
    ) -> None:
        self.rules = tuple(sorted(rules))
        self.model = model
        self.alerts = tuple(alerts)
        super().__init__(
            message, remedy=remedy or "look at the alerts (memory.safety.get_recent_alerts()), and change the write"
        )


class RestoreError(PalimpsestError):
    """An earlier state that cannot be put back; the live weights are as they were."""

    code = "restore"


# The agent's functions


class UnknownTool(PalimpsestError):
    """A function that an agent called and was not given.

    Attributes:
        tool: The name it called.
        known: The functions it was given.
        nearest: Those that look most like it, best first.
    """

    code = "unknown-tool"

    def __init__(self, tool: str, known: Iterable[str], *, because: str = "") -> None:
        self.tool = tool
        self.known = tuple(known)
        self.nearest = tuple(difflib.get_close_matches(str(tool), self.known, n=3, cutoff=0.5))
        message = f"there is no function {tool!r} here" + (f": {because}" if because else "")
        super().__init__(message, remedy=_suggestion(str(tool), self.known, "call one of those you were given"))


class ToolFailed(PalimpsestError):
    """A function that an agent called, and that failed by itself: not by what it was called with.

    Attributes:
        tool: The function.
        error: The type of what was raised.
    """

    code = "tool-failed"

    def __init__(self, tool: str, error: BaseException) -> None:
        self.tool = tool
        self.error = type(error).__name__
        notes = "; ".join(getattr(error, "__notes__", ()))
        said = str(error).strip().split("\n")[0][:300]
        super().__init__(
            f"{tool} failed with {self.error}: {said}" + (f" ({notes})" if notes else ""),
            remedy="try it with other arguments, or another function",
        )


def _suggestion(name: str, known: Iterable[str], otherwise: str) -> str:
    nearest = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"did you mean {', '.join(map(repr, nearest))}?" if nearest else otherwise
