"""What is wrong with what was handed in to be recorded."""

from __future__ import annotations

from introspection.errors import PalimpsestError


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
