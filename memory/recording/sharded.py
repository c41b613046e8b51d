"""A model whose weights are shared out among processes: rank 0 sees whole tensors, the others hold out their shards."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from blake3 import blake3
from torch import Tensor
from torch.nn.parameter import is_lazy

from introspection.contents import contents
from introspection.errors import UnsupportedStorage
from introspection.scan import SharingScanner
from introspection.sharing import SharingMap
from memory.errors import RankError
from memory.recording.attached import AttachedModel
from memory.recording.remembered import version_of
from memory.weights.live import Bytes, Form, LiveStorage, Ranges, is_sharded, local_part
from memory.weights.shards import Piece, piece_of

if TYPE_CHECKING:
    from memory.events.models import SharingChanged
    from memory.recording.together import Together

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Offer:
    """What one process holds of a storage."""

    piece: Piece
    nbytes: int
    digest: bytes
    """blake3 of it, where it is a copy of what a process before holds; empty where it is the first."""


class ShardedScanner(SharingScanner):
    """Watches a model of which this process has shards: its map says how large the whole of what is tied is.

    So the map is the one that the same weights have in one process.
    """

    _seen: SharingMap | None = None
    _whole: SharingMap

    def current(self) -> SharingMap:
        """Give the map as it is now: the same object as before if nothing was bound anew."""
        found = super().current()
        if found is not self._seen:
            self._seen, self._whole = found, self._of_wholes(found)
        return self._whole

    def _of_wholes(self, found: SharingMap) -> SharingMap:
        tensors = self.tensors()
        content = json.loads(found.to_json())
        for group in content["same"]:
            tensor = tensors.get(group[1])
            if tensor is not None and is_sharded(tensor):
                group[0] = tensor.numel() * tensor.element_size()
        return SharingMap.from_json(json.dumps(content))


class SharedModel(AttachedModel):
    """A model shared out among processes, as each of them has it.

    On rank 0, inside a call that all processes make, its storages are the whole tensors: their fingerprints, deltas and
    keyframes are those of the same weights in one process. Everywhere else its values are not there to be read.

    Args:
        name: The name it is known by.
        scanner: Looks at the live model.
        architecture: The class of the model.
        together: The calls that all processes make.
    """

    def __init__(self, name: str, scanner: SharingScanner, architecture: str, together: Together) -> None:
        self._together = together
        self._uneven: dict[str, tuple[int, ...]] = {}
        super().__init__(name, scanner.current(), scanner, architecture)

    # What rank 0 asks for

    def contents(self, key: str) -> Tensor:
        """Give the whole of a storage, gathered; a tensor without values where it cannot be read now."""
        tensor = self.tensor(key)
        if is_lazy(tensor) or (not is_sharded(tensor) and _in_parts(tensor)):
            return tensor
        if not self._together.leading:
            return torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")
        try:
            live = ShardedStorage(self, key)
            content = np.empty(live.nbytes, np.uint8)
            live.read(content)
        except UnsupportedStorage:
            return torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")
        return live.tensor_of(content)

    def live_storage(self, key: str) -> LiveStorage:
        """Give the whole of a storage, to be read and written in every process."""
        if not self._together.leading:
            raise UnsupportedStorage(key, "its shards are reached only in calls that every process makes")
        return ShardedStorage(self, key)

    def suspicious(self) -> frozenset[str]:
        """Give the storages that torch says were written to, in any process; none outside of calls all make."""
        if not self._together.leading:
            return frozenset()
        found = self._together.signs(self.name)
        return frozenset(key for key in found if key in self.sharing.storages) - self.busy

    def signs(self) -> frozenset[str]:
        """Give the storages that torch says were written to in this process; rank 0 looks at them next."""
        found = super().suspicious()
        self.compared(self.sharing.storages)
        return found

    def look_again(self) -> SharingChanged | None:
        """Adopt the sharing as it is now; outside of calls that all processes make it stays what it was."""
        return super().look_again() if self._together.leading else None

    def gather(self, key: str, form: Form, into: Bytes) -> bool:
        """Put the whole of a storage together; say whether all copies of it are the same."""
        offers = self._together.read(self.name, key, form, into)
        uneven = tuple(
            rank
            for rank, offer in enumerate(offers)
            if not offer.piece.first and _digest(offer.piece.taken_from(into, form)) != offer.digest
        )
        held = sum(offer.piece.elements for offer in offers if offer.piece.first)
        if held * form.element_bytes != form.nbytes:
            raise UnsupportedStorage(key, "the shards of all processes do not make up the whole tensor")
        self._uneven[key] = uneven
        return not uneven

    def share_out(self, key: str, form: Form, content: Bytes) -> None:
        """Write the whole of a storage: every process what it holds of it."""
        self._together.write(self.name, key, form, content)

    @property
    def uneven(self) -> Mapping[str, tuple[int, ...]]:
        """The ranks whose copies of a storage were not those of rank 0 when they were last read, by key."""
        return {key: ranks for key, ranks in self._uneven.items() if ranks}

    def copied(self, key: str) -> bool:
        """Say whether several processes hold copies of some of a storage."""
        tensor: Any = self.tensor(key)
        if not is_sharded(tensor):
            return self._together.ranks.size > 1
        sizes = zip(tensor.device_mesh.shape, tensor.placements, strict=True)
        return any(size > 1 and placement.is_replicate() for size, placement in sizes)

    def refuse_uneven(self, keys: set[str]) -> None:
        """Read storages that several processes hold copies of.

        Raises:
            RankError: The copies of one differ.
        """
        for key in sorted(keys):
            if not is_lazy(self.tensor(key)) and not self.tensor(key).is_meta:
                self.contents(key)
            if self._uneven.get(key):
                raise RankError(
                    f"{key!r} is kept whole in several processes, and rank {self._uneven[key][0]} holds other bytes "
                    "than rank 0",
                    remedy="write the same to every copy (draw random numbers on one rank and broadcast them); "
                    "torch.distributed.broadcast makes copies equal again",
                )

    # What every process answers

    def local(self, key: str) -> tuple[LiveStorage, Piece]:
        """Give what this process holds of a storage.

        Raises:
            UnsupportedStorage: It has no plain bytes.
        """
        tensor = self.tensor(key)
        live = LiveStorage(local_part(tensor), key)
        if is_sharded(tensor) and live.repeated:
            raise UnsupportedStorage(key, "its shard shows some of its elements several times")
        return live, piece_of(tensor, self._together.ranks.rank, key)

    def offer(self, key: str) -> tuple[Offer, Bytes]:
        """Read what this process holds of a storage."""
        live, piece = self.local(key)
        content = np.empty(live.nbytes, np.uint8)
        live.read(content)
        version = version_of(self.tensor(key))
        if version is not None:
            self._remembered.versions[key] = version
        return Offer(piece, live.nbytes, b"" if piece.first else _digest(content)), content

    def tell_of_uneven(self) -> None:
        """Warn of storages whose copies differ."""
        for key, ranks in sorted(self.uneven.items()):
            _log.warning(
                "model %r: %s is kept whole in several processes, and rank %s holds other bytes than rank 0, whose "
                "bytes are recorded",
                self.name,
                key,
                ", ".join(map(str, ranks)),
            )

    def names_and_forms(self) -> dict[str, tuple[object, ...]]:
        """Give dtype and shape under every name, as all ranks have them."""
        if self._scanner is None:
            return {}
        return {
            name: (str(tensor.dtype).removeprefix("torch."), () if is_lazy(tensor) else tuple(tensor.shape))
            for name, tensor in self._scanner.tensors().items()
        }

    def ties(self) -> tuple[frozenset[frozenset[str]], frozenset[str]]:
        """Give the groups of names that are one tensor in this process, and the names without bytes in it."""
        tensors = {} if self._scanner is None else self._scanner.tensors()
        empty = {name for name, each in tensors.items() if is_lazy(each) or not local_part(each).numel()}
        return frozenset(self.sharing.groups), frozenset(empty)

    def adopt_map(self, sharing: SharingMap) -> None:
        """Take over the sharing map of rank 0."""
        self.sharing = sharing


class ShardedStorage(LiveStorage):
    """The whole of a storage that processes share out, to rank 0.

    Args:
        model: Its model.
        key: The storage.

    Raises:
        UnsupportedStorage: It has no plain bytes.
    """

    def __init__(self, model: SharedModel, key: str) -> None:
        self._model = model
        self._key = key
        self.tensor = model.tensor(key).detach()
        self._local, _ = model.local(key)
        shape = self.tensor.shape if is_sharded(self.tensor) else self._local.shape
        Form.__init__(self, self.tensor.dtype, shape, self.tensor.shape)

    @property
    def reachable(self) -> bool:
        """Whether the memory of this process's part is still there."""
        return self._local.reachable

    def view(self) -> Bytes | None:
        """Give no bytes: they do not lie in one memory."""
        return np.empty(0, np.uint8) if self.nbytes == 0 else None

    def showing(self, now: Bytes) -> Tensor:
        """Give a tensor that shows what `now` gave."""
        return self.tensor_of(now)

    def read(self, into: Bytes, ranges: Ranges | None = None) -> None:
        """Gather all bytes as they are now."""
        if self.nbytes:
            self.even = self._model.gather(self._key, self, into)

    def exchange(self, content: Bytes, ranges: Ranges | None = None) -> None:
        """Put bytes in place in every process and the live ones into `content`, or neither."""
        held = np.empty(self.nbytes, np.uint8)
        self.read(held)
        try:
            self.write(content)
        except BaseException:
            self.write(held)
            raise
        content[:] = held

    def write(self, content: Bytes, ranges: Ranges | None = None) -> None:
        """Write all bytes, in every process."""
        if self.nbytes:
            self._model.share_out(self._key, self, content)


def _in_parts(tensor: Tensor) -> bool:
    """Say whether a tensor that is no DTensor has its bytes in several parts, or none: rank 0 speaks for all then."""
    try:
        return contents(tensor, "tensor").dense is None
    except UnsupportedStorage:
        return True


def _digest(content: Bytes) -> bytes:
    return blake3(content.tobytes()).digest()
