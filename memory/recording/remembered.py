"""What is remembered of live storages since their bytes were last read: so that only what changed is read again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from memory.weights.block_digests import BlockDigests
    from memory.weights.measuring import Sums


@dataclass(slots=True)
class Remembered:
    """Digests and sums of the states that storages were last seen in, by storage key.

    Nothing here is believed without a look: digests are compared with the live bytes or with what the log says.
    """

    digests: dict[str, BlockDigests] = field(default_factory=dict)
    sums: dict[str, tuple[str, Sums]] = field(default_factory=dict)
    """The fingerprint of the state, and its sums."""
    versions: dict[str, int] = field(default_factory=dict)
    """torch's count of writes when the bytes were last compared with the log."""

    def read(self, key: str, tensor: Tensor, version: int | None) -> BlockDigests | None:
        """Hash what changed of a storage's bytes, or all; None where there are none to read (meta, lazy, freed).

        Args:
            key: The storage.
            tensor: A tensor with its values.
            version: torch's count of writes to the live tensor.
        """
        from memory.weights.block_digests import differing_blocks, digests_or_none, rehashed

        known = self.digests.get(key)
        if known is None or not of_form(tensor, known):
            found = digests_or_none(tensor)
        else:
            differing = differing_blocks(tensor, known)
            found = digests_or_none(tensor) if differing is None else rehashed(tensor, known, differing)
        if found is None:
            self.digests.pop(key, None)
        else:
            self.digests[key] = found
        if version is not None:
            self.versions[key] = version
        return found

    def follow(self, kept: Mapping[str, str], read: Collection[str]) -> None:
        """Go on under new storage keys.

        Args:
            kept: New key to the old key of the storage whose bytes it still is.
            read: New keys that were read under their new names.
        """
        source = {key: old for key, old in kept.items() if key not in read} | {key: key for key in read}
        self.digests = {key: self.digests[old] for key, old in source.items() if old in self.digests}
        self.sums = {key: self.sums[old] for key, old in source.items() if old in self.sums and key not in read}
        self.versions = {key: self.versions[old] for key, old in source.items() if old in self.versions}

    def copy(self) -> Remembered:
        """Give the same, to be changed apart."""
        return replace(self, digests=dict(self.digests), sums=dict(self.sums), versions=dict(self.versions))


def of_form(tensor: Tensor, known: BlockDigests) -> bool:
    """Say whether a tensor has the dtype and shape that digests are of."""
    from torch.nn.parameter import is_lazy

    return not (is_lazy(tensor) or tensor.is_meta) and known.dtype == tensor.dtype and known.shape == tensor.shape


def version_of(tensor: Tensor) -> int | None:
    """Give torch's count of in-place writes to a tensor; None for one that has none."""
    from torch.nn.parameter import is_lazy

    return None if is_lazy(tensor) or tensor.is_inference() else tensor._version


def read_fingerprint(tensor: Tensor) -> str | None:
    """Give the digest of all bytes of a tensor, read anew; None where there are none to read."""
    from memory.weights.block_digests import digests_or_none

    found = digests_or_none(tensor)
    return None if found is None else found.fingerprint
