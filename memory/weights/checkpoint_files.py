"""What is known of a written checkpoint: enough to find every tensor in it and to notice any changed byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from introspection.errors import UnknownName
from memory.errors import CorruptionError


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """One file of a checkpoint."""

    name: str
    """Its name in the folder."""
    size: int
    """Bytes."""
    digest: str
    """blake3 of the whole file, hex: what `b3sum` prints."""
    header_size: int | None = None
    """Bytes before the first tensor; None for a file without tensors."""
    header_digest: str | None = None
    """blake3 of those bytes, hex."""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor of a file: the bytes of a storage, whole and in row-major order."""

    key: str
    """The storage's key."""
    file: str
    """The name of the file."""
    name: str
    """The tensor's name in the file."""
    dtype: str
    """The tensor's dtype in torch: `float32`."""
    shape: tuple[int, ...]
    """Its shape in torch."""
    fingerprint: str
    """The identity of its values."""
    offset: int
    """Its first byte, from the beginning of the file."""
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class CheckpointFiles:
    """A whole checkpoint, as it was written."""

    files: tuple[CheckpointFile, ...]
    """Every file, sorted by name."""
    tensors: tuple[StoredTensor, ...]
    """Every tensor, sorted by key; of a storage that is there twice, the one that transformers keeps comes first."""

    @property
    def size(self) -> int:
        """Bytes of all the files."""
        return sum(file.size for file in self.files)

    @property
    def by_key(self) -> dict[str, StoredTensor]:
        """Storage key to the tensor that holds its bytes."""
        found: dict[str, StoredTensor] = {}
        for tensor in self.tensors:
            found.setdefault(tensor.key, tensor)
        return found

    def tensor(self, key: str) -> StoredTensor:
        """Where the bytes of a storage are.

        Raises:
            UnknownName: The checkpoint has no storage of this key.
        """
        found = next((tensor for tensor in self.tensors if tensor.key == key), None)
        if found is None:
            raise UnknownName(key, (tensor.key for tensor in self.tensors), where="the checkpoint")
        return found

    def to_plain(self) -> dict[str, Any]:
        """All of it as plain JSON values."""
        plain: dict[str, Any] = _ADAPTER.dump_python(self, mode="json")
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> CheckpointFiles:
        """What `to_plain` gave.

        Raises:
            CorruptionError: It is something else.
        """
        try:
            return _ADAPTER.validate_python(plain)
        except ValidationError as error:
            raise CorruptionError(f"what is recorded of a checkpoint cannot be read: {error}") from error


_ADAPTER = TypeAdapter(CheckpointFiles)
