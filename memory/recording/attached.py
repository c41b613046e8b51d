"""A model under the care of a memory: its sharing map now, its live storages, and what the log last said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from introspection.sharing import SharingMap
from memory.errors import EditError
from memory.events.models import SharingChanged, StorageState, plain_map
from memory.events.modifications import AffectedLayer
from memory.recording.remembered import Remembered, read_fingerprint, version_of
from memory.recording.same_storage import kept_storages, vanished_ties
from memory.store.forking import ForkSafeLock

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from introspection.scan import SharingScanner
    from memory.weights.block_digests import BlockDigests
    from memory.weights.live import LiveStorage
    from memory.weights.measuring import Sums


class AttachedModel:
    """One attached model, or only the sharing map of one.

    Args:
        name: The name it is known by.
        sharing: Its sharing map at this moment.
        scanner: Looks at the live model; None when only a map was attached.
        architecture: The class of the model.
    """

    def __init__(
        self, name: str, sharing: SharingMap, scanner: SharingScanner | None, architecture: str | None = None
    ) -> None:
        self.name = name
        self.architecture = architecture
        self.sharing = sharing
        self.fingerprints: dict[str, str | None] = {}
        """Storage key to the digest the log last gave for it."""
        self.between_steps: Callable[[], None] | None = None
        """Has a watch that is between two steps read what it left unread, and let go of the bytes."""
        self._remembered = Remembered()
        self._scanner = scanner
        self._identity: dict[str, tuple[Any, ...]] = scanner.memory_identity() if scanner is not None else {}
        self._forms: dict[str, tuple[Any, ...]] = self._read_forms()
        self._claimed: set[str] = set()
        self._lock = ForkSafeLock()

    @property
    def live(self) -> bool:
        """Whether there is a model behind the map."""
        return self._scanner is not None

    @property
    def module(self) -> Module | None:
        """The live model; None where only a map was attached."""
        return None if self._scanner is None else self._scanner.model

    def tensor(self, name: str) -> Tensor:
        """Give the live tensor under a name.

        Raises:
            EditError: Only a map was attached.
        """
        if self._scanner is None:
            raise EditError(
                f"model {self.name!r} was attached as a sharing map only: there are no live weights",
                remedy="attach the model itself, or report the write with record_modification",
            )
        return self._scanner.tensor(name)

    def contents(self, key: str) -> Tensor:
        """Give a tensor with the values of a storage as they are now, to be read: the live one if it is whole here."""
        return self.tensor(key)

    def live_storage(self, key: str) -> LiveStorage:
        """Give the bytes of a live storage.

        Raises:
            UnsupportedStorage: It has no plain bytes.
        """
        from memory.weights.live import LiveStorage

        return LiveStorage(self.tensor(key), key)

    def states(self, keys: Iterable[str] | None = None) -> tuple[StorageState, ...]:
        """Give the state of the live storages (all, or those of the keys given), digests included."""
        if self._scanner is None:
            return ()
        chosen = sorted(self.sharing.storages) if keys is None else sorted(keys)
        return tuple(self._state(key, self.sharing) for key in chosen)

    def on_record(self, besides: Mapping[str, str]) -> tuple[StorageState, ...]:
        """Give the states of the live storages as the log has them, reading nothing.

        Args:
            besides: Storage key to the digest that it is to have instead.
        """
        if self._scanner is None:
            return ()
        return tuple(
            _state_of(key, self.sharing, self.tensor(key), besides.get(key, self.fingerprints.get(key)))
            for key in sorted(self.sharing.storages)
        )

    def seen_now(self) -> tuple[SharingMap, tuple[StorageState, ...]]:
        """Give the sharing map and the storages' states as they are now, adopting neither."""
        if self._scanner is None:
            return self.sharing, ()
        sharing = self._scanner.current()
        states = (
            _state_of(key, sharing, self.tensor(key), read_fingerprint(self.contents(key)))
            for key in sorted(sharing.storages)
        )
        return sharing, tuple(states)

    def _state(self, key: str, sharing: SharingMap) -> StorageState:
        tensor = self.tensor(key)
        found = self._remembered.read(key, self.contents(key), version_of(tensor))
        return _state_of(key, sharing, tensor, None if found is None else found.fingerprint)

    def digests(self, key: str) -> BlockDigests | None:
        """Give the digests of what the log says a storage holds; None where its blocks are not known."""
        known = self._remembered.digests.get(key)
        return known if known is not None and known.fingerprint == self.fingerprints.get(key) else None

    def took(self, key: str, digests: BlockDigests, sums: Sums | None = None) -> None:
        """Say that the log says a storage holds these bytes, as it does."""
        self.fingerprints[key] = digests.fingerprint
        self._remembered.digests[key] = digests
        if sums is not None:
            self._remembered.sums[key] = digests.fingerprint, sums
        version = version_of(self.tensor(key))
        if version is not None:
            self._remembered.versions[key] = version

    def sums(self, key: str, fingerprint: str) -> Sums | None:
        """Give what is remembered of the values of a state of a storage."""
        known = self._remembered.sums.get(key)
        return known[1] if known is not None and known[0] == fingerprint else None

    def compared(self, keys: Iterable[str]) -> None:
        """Say that these storages were just compared with the log, or changed as it says."""
        self._remembered.versions |= self.versions(keys)

    def suspicious(self) -> frozenset[str]:
        """Give the storages that torch says were written to, or that were bound anew, since they were last compared.

        Those that edits are at now are left out. A tripwire and no proof: see `versions`.
        """
        seen = self._remembered.versions
        found = {key for key, version in self.versions().items() if seen.get(key) != version}
        return frozenset(found - self.busy)

    def nbytes(self, key: str) -> int:
        """Give the bytes of the distinct elements of a live storage."""
        from memory.weights.live import distinct_elements

        tensor = distinct_elements(self.tensor(key))
        return tensor.numel() * tensor.element_size()

    def fingerprint_now(self, name: str) -> str | None:
        """Give the digest of the live bytes under a name; None where there are none to read (derived names)."""
        key = self.sharing.storage_key(name)
        return self._state(key, self.sharing).fingerprint if self.live and key in self.sharing.storages else None

    def overlapping(self, name: str) -> tuple[str, ...]:
        """Give the keys of the other storages that share some bytes with a name's, sorted."""
        return tuple(
            sorted({self.sharing.storage_key(each.name) for each in self.affected(name) if each.relation == "overlap"})
        )

    def overlapping_now(self, name: str) -> dict[str, str]:
        """Give the digests of the other storages that share some bytes with a name's, by storage key."""
        if not self.live:
            return {}
        states = self.states(self.overlapping(name))
        return {state.key: state.fingerprint for state in states if state.fingerprint is not None}

    def affected(self, name: str) -> tuple[AffectedLayer, ...]:
        """Give every name that a write to `name` reaches, the name itself first."""
        return tuple(
            AffectedLayer(name=each.name, relation=each.relation, shared_bytes=each.shared_bytes)
            for each in self.sharing.affected(name)
        )

    def versions(self, keys: Iterable[str] | None = None) -> dict[str, int]:
        """Give torch's count of in-place writes to live storages that have one, by key; None for all of them.

        A tripwire and no proof: writes through `.data`, numpy and some fused optimisers are not counted.
        """
        if self._scanner is None:
            return {}
        tensors = self._scanner.tensors()
        wanted = self.sharing.storages if keys is None else keys
        present = ((key, version_of(tensors[key])) for key in wanted if key in tensors)
        return {key: version for key, version in present if version is not None}

    @property
    def busy(self) -> frozenset[str]:
        """The storages that edits are at now, and those that share some of their bytes."""
        with self._lock:
            return frozenset(self._claimed)

    def settle(self) -> None:
        """Have a watch that is between two steps read what it left unread, and let go of the bytes."""
        settle, self.between_steps = self.between_steps, None
        if settle is not None:
            settle()

    @contextmanager
    def claimed(self, names: Iterable[str]) -> Iterator[None]:
        """Keep other edits away from the bytes under some names, and from storages that share some of them.

        A watch that is between two steps gives way.

        Raises:
            EditError: Another edit is at them.
        """
        touched = {
            self.sharing.storage_key(each.name)
            for name in names
            for each in self.sharing.affected(name)
            if each.relation != "derived"
        }
        if not touched.isdisjoint(self.busy):
            self.settle()
        with self._lock:
            busy = sorted(touched & self._claimed)
            if busy:
                raise EditError(
                    f"{busy[0]!r} is being edited already",
                    remedy="leave the other edit first: two edits of the same bytes cannot both be put back",
                )
            self._claimed |= touched
        try:
            yield
        finally:
            with self._lock:
                self._claimed -= touched

    def look_again(self) -> SharingChanged | None:
        """Adopt the live model's sharing as it is now; give the event that says so, None if it is the same."""
        if self._scanner is None:
            return None
        sharing = self._scanner.current()
        if sharing is self.sharing:
            return None
        identity = self._scanner.memory_identity()
        if sharing.digest == self.sharing.digest:
            for key in sharing.storages:
                if identity.get(key) != self._identity.get(key):
                    # The same names view other memory now, and nobody has looked at it yet.
                    self._remembered.versions.pop(key, None)
            self.sharing, self._identity, self._forms = sharing, identity, self._read_forms()
            return None
        return self.adopt(sharing, identity)

    def adopt(self, sharing: SharingMap, identity: dict[str, tuple[Any, ...]] | None = None) -> SharingChanged:
        """Put a new map in force; give the event that says what changed.

        Args:
            sharing: The new map.
            identity: Which live memory each of its storages is; None when only maps are known.
        """
        old, heads = self.sharing, self.fingerprints
        kept = None if identity is None else kept_storages(self._identity, identity, old, sharing)
        difference = old.diff(sharing)
        vanished = [] if identity is None else vanished_ties(difference.untied, self._identity, identity, old, sharing)
        self.sharing = sharing
        self._identity = identity if identity is not None else {}
        forms, self._forms = self._forms, self._read_forms()
        # A digest is bound to the form under a storage's first name: where another name is first, it may be another.
        again = {key for key, old_key in (kept or {}).items() if key != old_key and self._forms[key] != forms[old_key]}
        states = self.states(key for key in sharing.storages if kept is None or key not in kept or key in again)
        self.fingerprints = {key: heads.get(source) for key, source in (kept or {}).items()}
        self._remembered.follow(kept or {}, {state.key for state in states})
        self.fingerprints |= {state.key: state.fingerprint for state in states}
        return SharingChanged(
            model=self.name,
            sharing=plain_map(sharing.to_json()),
            digest=sharing.digest,
            previous_digest=old.digest,
            tied=_sorted_groups(difference.tied),
            untied=_sorted_groups(difference.untied),
            vanished=_sorted_groups(vanished),
            added=tuple(sorted(difference.added)),
            removed=tuple(sorted(difference.removed)),
            kept=kept,
            storages=states,
        )

    def remember(self) -> Callable[[], None]:
        """Give a function that takes back whatever is changed here from now on."""
        sharing, identity, forms, fingerprints = self.sharing, self._identity, self._forms, dict(self.fingerprints)
        remembered = self._remembered.copy()

        def take_back() -> None:
            self.sharing, self._identity, self._forms, self.fingerprints = sharing, identity, forms, fingerprints
            self._remembered = remembered

        return take_back

    def _read_forms(self) -> dict[str, tuple[Any, ...]]:
        """Give dtype, shape and strides of every live storage under its first name, by key."""
        return {key: _form(self.tensor(key)) for key in self.sharing.storages} if self.live else {}


def _state_of(key: str, sharing: SharingMap, tensor: Tensor, fingerprint: str | None) -> StorageState:
    return StorageState(
        key=key,
        names=tuple(sharing.storages[key]),
        dtype=str(tensor.dtype).removeprefix("torch."),
        shape=_shape(tensor),
        fingerprint=fingerprint,
    )


def _shape(tensor: Tensor) -> tuple[int, ...]:
    from torch.nn.parameter import is_lazy

    return () if is_lazy(tensor) else tuple(tensor.shape)


def _form(tensor: Tensor) -> tuple[Any, ...]:
    import torch
    from torch.nn.parameter import is_lazy

    plain = not is_lazy(tensor) and tensor.layout is torch.strided and not tensor.is_nested
    return tensor.dtype, _shape(tensor), tensor.stride() if plain else ()


def _sorted_groups(groups: Iterable[Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted(tuple(sorted(group)) for group in groups))
