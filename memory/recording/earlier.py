"""Earlier states of a model's weights without touching the live ones: read, compared, written to a file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from introspection.sharing import SharingMap
from memory.errors import InvalidArgument, RestoreError, UnknownName
from memory.query.weight_forms import forms_at, map_at
from memory.query.weight_history import KNOWN_HISTORY, StorageThen, Ways, storages_at
from memory.recording.attached import AttachedModel
from memory.recording.states import LiveState, States, Wanted
from memory.recording.weight_diff import StorageDiff, WeightDiff
from memory.weights.delta import changed_ranges
from memory.weights.live import Bytes, Form, LiveStorage
from memory.weights.measuring import Sums, measure

if TYPE_CHECKING:
    from torch import Tensor, nn

    from memory.projections.runner import ProjectionRunner
    from memory.store.log import EventStore


class EarlierWeights(Mapping[str, "Tensor"]):
    """The weights of a model as they were at a position: read-only, one tensor for every name, ties as they were.

    A tensor is put together, and proved, when it is first asked for; names that viewed one storage give one tensor.
    They are copies: writing to one changes no record and no model.

    Example:
        `model.load_state_dict(memory.at(position), strict=False)` puts them into another model.
    """

    def __init__(self, source: EarlierStates, position: int) -> None:
        self.position = position
        """The position whose state this is."""
        self._source = source
        self._storages = {name: storage for storage in source.storages(position) for name in storage.names}
        self._made: dict[int, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        storage = self._storages.get(name)
        if storage is None:
            raise UnknownName(name, self._storages)
        if storage.storage_id not in self._made:
            self._made[storage.storage_id] = self._source.tensor(storage, self.position)
        return self._source.as_shown(name, self._made[storage.storage_id])

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._storages))

    def __len__(self) -> int:
        return len(self._storages)

    def __contains__(self, name: object) -> bool:
        return name in self._storages


class EarlierStates:
    """Gives earlier states of one model.

    Args:
        states: Puts bytes together.
        store: The log.
        runner: Catches projections up.
        model: The model's name.
        attached: The model as it is attached, if it is: live bytes can be of use, where they are what the log says.
    """

    def __init__(
        self,
        states: States,
        store: EventStore,
        runner: ProjectionRunner,
        model: str,
        attached: AttachedModel | None,
    ) -> None:
        self._states = states
        self._store = store
        self._model = model
        self._attached = attached if attached is not None and attached.live else None
        self._forms: dict[int, Mapping[str, Form]] = {}
        self._ways: dict[int, Mapping[str, Ways]] = {}
        runner.catch_up(KNOWN_HISTORY)

    def storages(self, position: int) -> tuple[StorageThen, ...]:
        """Give what the storages held at a position.

        Raises:
            RestoreError: The model was not attached yet.
        """
        found = storages_at(self._store.database, self._model, position)
        if not found:
            raise RestoreError(
                f"model {self._model!r} was not attached yet at position {position}", remedy="name a later position"
            )
        return found

    def form(self, name: str, position: int) -> Form:
        """Give the dtype and shape that a name showed at a position.

        Raises:
            RestoreError: They were never on record: only a map was attached.
        """
        if position not in self._forms:
            self._forms[position] = forms_at(self._store, self._model, position)
        found = self._forms[position].get(name)
        if found is None:
            raise RestoreError(
                f"the form of {name!r} at position {position} is not on record: only its sharing map was attached",
                remedy="attach the live model: its bytes are kept from its first announced write on",
            )
        return found

    def tensor(self, storage: StorageThen, position: int) -> Tensor:
        """Put one storage together, in memory of its own.

        Raises:
            RestoreError: Its bytes were never kept, or were let go.
            CorruptionError: What was kept is damaged.
        """
        import numpy as np

        form = self.form_of(storage, position)
        content = np.empty(form.nbytes, np.uint8)
        self.bring(storage, form, content, position)
        # The bytes are the tensor's own from here on.
        return form.tensor_of(content).clone() if form.repeated else form.tensor_of(content)

    def as_shown(self, name: str, tensor: Tensor) -> Tensor:
        """Give the tensor of a storage in the shape in which a name shows it, as far as the live model tells."""
        attached = self._attached
        live = None if attached is None or name not in attached.sharing.names else attached.tensor(name)
        same = live is not None and live.dtype == tensor.dtype and live.numel() == tensor.numel()
        return tensor.reshape(live.shape) if same and live is not None and live.shape != tensor.shape else tensor

    def form_of(self, storage: StorageThen, position: int) -> Form:
        """Give the form of a storage's bytes at a position; only the live tensor shows which dimensions are repeated.

        Raises:
            RestoreError: They were never on record: only a map was attached.
        """
        form = self.form(storage.key, position)
        live = self._live(storage)
        same = live is not None and (live.dtype, live.shown) == (form.dtype, form.shown)
        return live if same and live is not None else form

    def _live(self, storage: StorageThen) -> LiveStorage | None:
        attached = self._attached
        if attached is None or storage.key not in attached.sharing.storages:
            return None
        digests = attached.digests(storage.key)
        if digests is None or (not digests.identities and attached.tensor(storage.key).numel()):
            return None
        return attached.live_storage(storage.key)

    def bring(self, storage: StorageThen, form: Form, into: Bytes, position: int) -> None:
        """Put one storage's bytes where they are wanted.

        Raises:
            RestoreError: Its bytes were never kept, or were let go.
            CorruptionError: What was kept is damaged.
        """
        if storage.fingerprint is None:
            raise RestoreError(
                f"what {storage.key!r} held at position {position} was not read then",
                remedy="name a position at which it was: weight_states has a fingerprint there",
            )
        live = self._live(storage)
        known = None if live is None or self._attached is None else self._attached.digests(storage.key)
        usable = None if live is None or known is None or self._differs(storage.key) else LiveState(live, known)
        if position not in self._ways:
            names = {each.key: each.names for each in self.storages(position)}
            self._ways[position] = self._states.ways(self._model, names, position)
        ways = self._ways[position][storage.key]
        self._states.bring(
            Wanted(self._model, storage.key, storage.names, storage.fingerprint, form, ways, usable, position), into
        )

    def _differs(self, key: str) -> bool:
        from memory.weights.block_digests import differing_blocks

        attached = self._attached
        known = None if attached is None else attached.digests(key)
        return attached is None or known is None or differing_blocks(attached.contents(key), known) != []

    def diff(self, first: int, second: int) -> WeightDiff:
        """Say what differs between the states at two positions: one entry for each storage, with all its names."""
        before = {name: storage for storage in self.storages(first) for name in storage.names}
        after = self.storages(second)
        entries = []
        for storage in after:
            earlier = {before[name].storage_id: before[name] for name in storage.names if name in before}
            if not earlier:
                entries.append(StorageDiff(storage.key, storage.names, "added"))
            differing = [then for then in earlier.values() if then.fingerprint != storage.fingerprint]
            entries += [self._compare(then, first, storage, second) for then in differing]
        now = {name for storage in after for name in storage.names}
        gone = {storage.storage_id: storage for name, storage in before.items() if name not in now}
        entries += [
            StorageDiff(storage.key, storage.names, "removed")
            for storage in gone.values()
            if now.isdisjoint(storage.names)
        ]
        return WeightDiff(self._model, first, second, tuple(sorted(entries, key=lambda entry: entry.key)))

    def _compare(self, then: StorageThen, first: int, now: StorageThen, second: int) -> StorageDiff:
        old, new = self.form_of(then, first), self.form_of(now, second)
        if (old.dtype, old.shape) != (new.dtype, new.shape):
            was, has = (f"{str(form.dtype).removeprefix('torch.')}{list(form.shown)}" for form in (old, new))
            return StorageDiff(now.key, now.names, "reshaped", reason=f"{was} before, {has} after")
        scratch = self._states.scratch
        with scratch.buffer(old.nbytes) as before, scratch.buffer(new.nbytes) as after:
            try:
                self.bring(then, old, before, first)
                self.bring(now, new, after, second)
            except RestoreError as error:
                return StorageDiff(now.key, now.names, "changed", reason=error.message)
            measured, _ = measure(new, before, after, changed_ranges(before, after), Sums.unknown(new))
        return StorageDiff(now.key, now.names, "changed", measured)

    def sharing(self, position: int) -> SharingMap:
        """Give the sharing map in force at a position."""
        found = map_at(self._store.database, self._model, position)
        if found is None:
            raise RestoreError(
                f"model {self._model!r} was not attached yet at position {position}", remedy="name a later position"
            )
        return found

    def export(self, position: int, path: str | os.PathLike[str], like: nn.Module | None = None) -> Path:
        """Write a state as a checkpoint that plain transformers loads.

        Raises:
            InvalidArgument: Something is at the path, or the model to be like has other names.
        """
        from memory.weights.checkpoint_file import write_checkpoint

        sharing, weights = self.sharing(position), EarlierWeights(self, position)
        fingerprints = {storage.key: storage.fingerprint for storage in self.storages(position)}
        attached: Any = None if self._attached is None else self._attached.module
        same = self._attached is not None and self._attached.sharing.digest == sharing.digest
        target = Path(path)
        write_checkpoint(
            target,
            {key: weights[key] for key in sharing.storages},
            sharing,
            model=(attached if same else None) if like is None else _of_the_same_names(like, sharing),
            config=None if same or target.suffix == ".safetensors" else getattr(like or attached, "config", None),
            fingerprints=fingerprints,
        )
        return target


def _of_the_same_names(like: nn.Module, sharing: SharingMap) -> nn.Module:
    from introspection.scan import scan_sharing

    differing = sorted(set(scan_sharing(like).names) ^ set(sharing.names))
    if differing:
        raise InvalidArgument("like", type(like).__name__, f"give a model of the same names: {differing[0]!r} is not")
    return like
