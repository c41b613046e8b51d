"""Where the bytes of a model's names are while it changes, and which names a tensor's bytes meet."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from introspection.names import walk
from introspection.overlap import byte_count, shared_byte_count
from introspection.parts import PLAIN_TYPES, is_plain
from introspection.regions import Binding, binding, first_byte, is_copy_on_write, regions_of
from introspection.relate import Regions
from introspection.scan import SharingScanner
from introspection.selected_elements import Runs, common_bytes, runs_of
from introspection.sharing import SharingMap
from introspection.tripwire import RegistrationHooks, Tripwire

_MOST_PLANS = 8192
"""Written tensors whose meeting is remembered; a loop over the rows of a table makes a new one each time."""
_HOST = ("cpu", 0)
_storage_of: Callable[[torch.Tensor], torch.UntypedStorage] = torch.Tensor.untyped_storage
_BY_IDENTITY = ("storage", "file")
"""Spaces in which an address does not tell where bytes are."""


@dataclass(eq=False, slots=True)
class WatchedStorage:
    """One storage of the model, and what is known of it in a window."""

    key: str
    names: tuple[str, ...]
    regions: Regions
    tensor: torch.Tensor
    size: int | None
    """Bytes, if they can be counted."""
    address: int
    """Where the tensor was when this was made; 0 where that says nothing."""
    announced: int = -1
    """The last step in which a write to it was announced."""
    written: bool = False
    """Whether a write to it was captured."""
    fingerprint: str | None = None
    """The last one taken while nothing was being written."""
    alone: Meeting | None = None
    """What a write to exactly its bytes meets, once that is known to be no other storage."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """Which storages a written tensor's bytes meet."""

    storages: tuple[WatchedStorage, ...]
    """All of them, in order of key."""
    primaries: tuple[tuple[WatchedStorage, tuple[str, ...], tuple[str, ...]], ...]
    """(storage, names, storage keys): the storages to which the write is put down, with all that is met there."""
    whole: bool
    """Whether every storage met holds every byte of the tensor: then whatever of it is written meets them all."""


@dataclass(frozen=True, slots=True)
class _Bound:
    binding: Binding
    copy_on_write: bool
    storage: int
    """Identity of the storage; 0 if it has not one."""


@dataclass(slots=True)
class Rebound:
    """What a look at the model found changed."""

    names: tuple[str, ...] = ()
    """Names bound to other memory than before."""
    storages: list[WatchedStorage] = field(default_factory=list)
    """Storages that were not watched before."""


class WatchedMemory:
    """The memory of every name of one model, followed while names are bound anew.

    `met_by` is made for every write of a program: most go to memory that is not watched, which a look-up in a sorted
    list of intervals tells.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._scanner = SharingScanner(model)
        self._sharing = self._scanner.last
        self._bound: dict[str, _Bound] = {}
        self.storages: dict[str, WatchedStorage] = {}
        self._dirty = False
        self._hooks: RegistrationHooks | None = None
        self._modules: frozenset[int] = frozenset()
        self._tripwire: Tripwire | None = None
        self._index()

    @property
    def sharing(self) -> SharingMap:
        """The map as it was at the last look."""
        return self._sharing

    def open(self) -> None:
        """Looks at the model, and begins to listen for what is registered."""
        self._hooks = RegistrationHooks(lambda: self._modules, self.distrust)
        self._look(Rebound())

    def close(self) -> None:
        """Stops listening."""
        if self._hooks is not None:
            self._hooks.remove()

    def release(self) -> None:
        """Lets go of the model's tensors; what was found stays."""
        self.storages.clear()
        self._index()
        self._modules, self._tripwire = frozenset(), None

    def distrust(self) -> None:
        """Says that something may have been bound anew: the next check looks."""
        self._dirty = True

    def follow(self) -> Rebound | None:
        """Looks at the model again if it seems bound anew; None if it does not."""
        if self._tripwire is not None and not self._dirty and not self._tripwire.tripped():
            return None
        rebound = self.look()
        # Laid only here: most windows do not come to it. What it is laid over has just been looked at.
        self._tripwire = Tripwire(self._model)
        return rebound

    def look(self) -> Rebound | None:
        """Looks at the model again; None if it is bound as before, exactly."""
        if self._scanner.current() is self._sharing and not self._dirty:
            return None
        rebound = Rebound()
        self._look(rebound)
        return rebound

    def in_place(self, storages: Iterable[WatchedStorage]) -> bool:
        """Whether these storages' tensors are where they were, by a check quicker than `follow`."""
        return all(not storage.address or first_byte(storage.tensor) == storage.address for storage in storages)

    def met_by(self, tensor: torch.Tensor) -> Meeting | None:
        """The storages that a tensor's bytes meet; None if it meets none."""
        if self._needs_regions or type(tensor) not in PLAIN_TYPES:
            return self._meeting(tensor)
        try:
            address = first_byte(tensor)
        except RuntimeError:
            # It has no storage of its own: it is sparse, or one that torch.func made.
            return self._meeting(tensor)
        if address and self._misses(address, address + _storage_of(tensor).nbytes()):
            # Whatever of its storage it views, from there on.
            return None
        if not is_plain(tensor):
            return self._meeting(tensor)
        storage = self._beginning.get(address)
        if storage is not None and _covers(tensor, storage):
            return storage.alone or self._alone(storage) or self._meeting(tensor)
        return None if self._misses(address, address + _extent(tensor)) else self._meeting(tensor)

    def _misses(self, begin: int, end: int) -> bool:
        """Whether no watched byte lies between two addresses."""
        index = bisect_right(self._begins, begin)
        if index > 0 and begin < self._ends[index - 1]:
            return False
        return index == len(self._begins) or self._begins[index] >= end

    def _alone(self, storage: WatchedStorage) -> Meeting | None:
        """The meeting of a write to exactly this storage's bytes; None if they are bytes of other storages too."""
        if self._sharing.overlapping(storage.key):
            return None
        storage.alone = Meeting((storage,), ((storage, storage.names, (storage.key,)),), whole=True)
        return storage.alone

    def may_part(self, meetings: Iterable[Meeting]) -> bool:
        """Whether a write to these parted a lazy clone from its origin, which need not have moved it."""
        return self._needs_regions and any(
            region.space[0] == "storage" and not storage.tensor.is_meta
            for meeting in meetings
            for storage in meeting.storages
            for region in storage.regions
        )

    def met_partly(self, tensor: torch.Tensor, meeting: Meeting, offsets: Runs) -> Meeting | None:
        """The storages met if only the bytes at `offsets` from the tensor's first byte are written."""
        region = regions_of(tensor)[0]
        written = offsets[0] + region.start, offsets[1] + region.start
        total = int((offsets[1] - offsets[0]).sum())
        return self._plan([(storage, _common(written, storage)) for storage in meeting.storages], total)

    def _meeting(self, tensor: torch.Tensor) -> Meeting | None:
        key = (
            (first_byte(tensor), tensor.shape, tensor.stride(), tensor.dtype, tensor.device)
            if not self._needs_regions and is_plain(tensor)
            else None
        )
        if key in self._plans:
            return self._plans[key]
        written = regions_of(tensor)
        sizes = [byte_count(region) for region in written]
        total = None if any(size is None for size in sizes) else sum(size or 0 for size in sizes)
        plan = self._plan([(storage, _shared(written, storage.regions)) for storage in self._near(written)], total)
        if key is not None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[key] = plan
        return plan

    def _near(self, written: Regions) -> list[WatchedStorage]:
        """The storages whose hulls meet those of the regions."""
        found: dict[str, WatchedStorage] = {}
        for region in written:
            spans = self._spans.get(region.space, [])
            starts, reach = self._starts.get(region.space, []), self._reach.get(region.space, [])
            index = bisect_right(starts, region.end - 1)
            # Storages lie in order of their first byte; `reach` is how far any up to here extends.
            while index and reach[index - 1] > region.start:
                index -= 1
                if spans[index][1] > region.start:
                    found[spans[index][2].key] = spans[index][2]
        return list(found.values())

    def _plan(self, shares: list[tuple[WatchedStorage, int | None]], total: int | None) -> Meeting | None:
        """The meeting of a write that has so many bytes in common with each storage, and so many in all."""
        met = sorted(((storage, shared) for storage, shared in shares if shared != 0), key=lambda pair: pair[0].key)
        if not met:
            return None
        holding = [storage for storage, shared in met if total is not None and shared == total]
        storages = [storage for storage, _ in met]
        if holding:
            primaries = [min(holding, key=lambda storage: (storage.size is None, storage.size or 0, storage.key))]
        else:
            primaries = [storage for storage in storages if not self._inside_another(storage, storages)]
        return Meeting(
            storages=tuple(storages),
            primaries=tuple((primary, *self._together(primary, storages)) for primary in primaries),
            whole=len(holding) == len(met),
        )

    def _together(self, primary: WatchedStorage, met: list[WatchedStorage]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        coupled = {*self._sharing.coupled(primary.key), primary.key}
        joined = [storage for storage in met if storage.key in coupled]
        return tuple(sorted(name for storage in joined for name in storage.names)), tuple(s.key for s in joined)

    @staticmethod
    def _inside_another(storage: WatchedStorage, others: list[WatchedStorage]) -> bool:
        return any(
            other is not storage
            and storage.size is not None
            and _shared(storage.regions, other.regions) == storage.size
            for other in others
        )

    def _look(self, rebound: Rebound) -> None:
        self._dirty = False
        sharing = self._scanner.current_exactly()
        places = {key: found for key in sharing.storages if (found := self._scanner.last_regions.get(key))}
        met = walk(self._model)
        tensors: dict[str, torch.Tensor] = {}
        for held in met.tensors:
            tensors.setdefault(held.name, held.tensor)
        bound = _bound(tensors, self._scanner.last_regions)
        before, known = self._bound, self.storages
        rebound.names = tuple(sorted(name for name in bound if name in before and _moved(before[name], bound[name])))
        by_place = {storage.regions: storage for storage in known.values()}
        storages: dict[str, WatchedStorage] = {}
        for key, regions in places.items():
            tensor = tensors[key]
            storage = WatchedStorage(
                key=key,
                names=sharing.storages[key],
                regions=regions,
                tensor=tensor,
                size=_size(regions),
                address=first_byte(tensor) if is_plain(tensor) else 0,
            )
            # A lazy clone that parts from its origin is another place and the same storage.
            same = by_place.get(regions) or (known.get(key) if key not in rebound.names else None)
            if same is None:
                rebound.storages.append(storage)
            else:
                storage.announced, storage.written, storage.fingerprint = same.announced, same.written, same.fingerprint
            storages[key] = storage
        self.storages, self._bound, self._sharing = storages, bound, sharing
        self._modules = frozenset(id(module) for _, module in met.modules)
        self._tripwire = None
        self._index()

    def _index(self) -> None:
        self._plans: dict[object, Meeting | None] = {}
        self._spans: dict[tuple[str, int], list[tuple[int, int, WatchedStorage]]] = {}
        for storage in self.storages.values():
            for region in storage.regions:
                self._spans.setdefault(region.space, []).append((region.start, region.end, storage))
        self._starts: dict[tuple[str, int], list[int]] = {}
        self._reach: dict[tuple[str, int], list[int]] = {}
        hulls: list[tuple[int, int]] = []
        self._needs_regions = False
        for space, spans in self._spans.items():
            spans.sort(key=lambda span: span[:2])
            self._starts[space] = [start for start, _, _ in spans]
            reach: list[int] = []
            for _, end, _ in spans:
                reach.append(max(end, reach[-1]) if reach else end)
            self._reach[space] = reach
            if space[0] in _BY_IDENTITY:
                self._needs_regions = True
            else:
                hulls += [(start, end) for start, end, _ in spans]
        self._begins, self._ends = _joined(hulls)
        self._beginning = {
            storage.address: storage
            for storage in self.storages.values()
            if storage.address and len(storage.regions) == 1 and storage.regions[0].space == _HOST
        }


def _bound(tensors: Mapping[str, torch.Tensor], regions: Mapping[str, Regions]) -> dict[str, _Bound]:
    """What every tensor is bound to, given the regions of those names that have some."""
    known: dict[int, _Bound] = {}
    for name, tensor in tensors.items():
        if id(tensor) not in known:
            plain = is_plain(tensor)
            # A weight on meta may be offloaded: its regions are then those of where it is kept.
            found = plain and not tensor.is_meta
            known[id(tensor)] = _Bound(
                (regions[name], type(tensor), tensor.dtype, tensor.device) if found else binding(tensor),
                plain and is_copy_on_write(tensor),
                tensor.untyped_storage()._cdata if plain else 0,
            )
    return {name: known[id(tensor)] for name, tensor in tensors.items()}


def _moved(before: _Bound, after: _Bound) -> bool:
    if before.binding == after.binding:
        return False
    parted = before.copy_on_write != after.copy_on_write and before.storage == after.storage
    return not parted


def _covers(tensor: torch.Tensor, storage: WatchedStorage) -> bool:
    """Whether a plain tensor that begins where a storage begins is in the host's memory, and just that storage's bytes.

    Only said of what lies end to end: of other tensors and other storages, the regions tell.
    """
    if not tensor.is_cpu or tensor.nbytes != storage.size or not tensor.is_contiguous() or is_copy_on_write(tensor):
        return False
    return not storage.regions[0].dims


def _extent(tensor: torch.Tensor) -> int:
    """Bytes from a tensor's first to one past its last."""
    if tensor.is_contiguous():
        return tensor.nbytes
    regions = regions_of(tensor)
    return regions[-1].end - regions[0].start if regions else 0


def _size(regions: Regions) -> int | None:
    sizes = [byte_count(region) for region in regions]
    return None if any(size is None for size in sizes) else sum(size or 0 for size in sizes)


def _shared(first: Regions, second: Regions) -> int | None:
    total = 0
    for one in first:
        for other in second:
            shared = shared_byte_count(one, other)
            if shared is None:
                return None
            total += shared
    return total


def _common(written: Runs, storage: WatchedStorage) -> int | None:
    total = 0
    for region in storage.regions:
        runs = runs_of(region)
        if runs is None:
            return None
        total += common_bytes(written, runs)
    return total


def _joined(hulls: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Begins and ends of the intervals that the hulls cover."""
    begins: list[int] = []
    ends: list[int] = []
    for begin, end in sorted(hulls):
        if ends and begin <= ends[-1]:
            ends[-1] = max(ends[-1], end)
        else:
            begins.append(begin)
            ends.append(end)
    return begins, ends
