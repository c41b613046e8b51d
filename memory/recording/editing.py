"""What an edit holds of storages: their bytes before, to measure a change by, to put back, and to keep."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memory.errors import EditError, InvalidArgument, RestoreError, UnknownName
from memory.events.modifications import Change
from memory.recording.attached import AttachedModel
from memory.recording.states import Kept, StateChange, States
from memory.weights.block_digests import BLOCK_BYTES, BlockDigests, blocks_in, read_digests, rehashed
from memory.weights.delta import changed_ranges
from memory.weights.live import LiveStorage, same_view
from memory.weights.measuring import Measured, Sums, measure

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(slots=True)
class Undo:
    """What is needed to take back an act's writes to one storage."""

    model: str
    name: str
    """The name the writes went through."""
    key: str
    """The storage's key then."""
    live: LiveStorage
    """Where its bytes were then."""
    before: str
    """The digest of its bytes before the act's first write."""
    after: str
    """The digest that the act's last write left."""

    def take_over(self, later: Undo, overlapping: Mapping[str, str]) -> bool:
        """Take over what a later write of the same act left here; return whether it was a write to this storage.

        Args:
            later: The undo of that write.
            overlapping: Storage key to digest after that write, for storages that share some of its bytes.
        """
        if self.model != later.model:
            return False
        if self.live.shows(later.live.tensor):
            self.after = later.after
            return True
        self.after = overlapping.get(self.key, self.after)
        return False

    def name_now(self, attached: AttachedModel) -> str:
        """Give a name under which the live model shows the bytes to put back.

        Raises:
            RestoreError: None does, or the live bytes are not those the act left.
        """
        try:
            tensor = attached.tensor(self.key)
        except UnknownName as error:
            raise self._gone() from error
        if not self.live.reachable or not self.live.shows(tensor):
            raise self._gone()
        if attached.fingerprints.get(self.key) != self.after:
            raise RestoreError(
                f"{self.name!r} was written again after this act: undoing the act would erase that write",
                remedy="undo the later writes first, newest first, or restore the position before the act",
            )
        sharing = attached.sharing
        known = self.name in sharing.names and sharing.storage_key(self.name) == sharing.storage_key(self.key)
        return self.name if known else self.key

    def _gone(self) -> RestoreError:
        return RestoreError(
            f"{self.key!r} views other memory now than when this act wrote to it",
            remedy="undo an act before its weights are replaced; memory.restore puts earlier bytes into the new ones",
        )


class StorageImage:
    """The bytes of one live storage before an edit, in a buffer that is used again.

    Args:
        attached: The model; what it remembers of the storage has just been compared with the live bytes.
        key: The storage.
        states: Where the buffers come from.
        held: Gives the buffer back when the edit is over.
        ranges: The only bytes to hold: whole blocks; None for all.
    """

    def __init__(
        self,
        attached: AttachedModel,
        key: str,
        states: States,
        held: ExitStack,
        ranges: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        self.key = key
        self._attached = attached
        self._states = states
        self.live = attached.live_storage(key)
        self._ranges = ranges
        self._before = held.enter_context(states.scratch.buffer(self.live.nbytes))
        self.live.read(self._before, ranges)
        known = attached.digests(key)
        self._digests: BlockDigests = known if known is not None else read_digests(attached.contents(key), key)
        self.measured: Measured | None = None
        self._after: tuple[BlockDigests, Sums] = self._digests, Sums.unknown(self.live)

    @property
    def digests_before(self) -> BlockDigests:
        """The digests of the bytes before."""
        return self._digests

    @property
    def fingerprint_before(self) -> str:
        """The digest of the bytes before."""
        return self._digests.fingerprint

    @property
    def fingerprint_after(self) -> str:
        """The digest of the bytes when they were last measured."""
        return self._after[0].fingerprint

    def measure(self, kept: Kept | None = None) -> Change:
        """Say what changed since.

        Args:
            kept: Where to put what events are to say of how it is kept; None to keep nothing.
        """
        live = self.live
        with self._states.now(live) as now:
            if self._ranges is None:
                ranges = changed_ranges(self._before, now)
            else:
                ranges = [
                    (begin + first, begin + last)
                    for begin, end in self._ranges
                    for first, last in changed_ranges(self._before[begin:end], now[begin:end])
                ]
            digests = (
                read_digests(live.tensor, self.key)
                if live.repeated
                else rehashed(live.showing(now), self._digests, blocks_in(ranges))
            )
            sums = self._attached.sums(self.key, self.fingerprint_before) or Sums.unknown(live)
            self.measured, after = measure(live, self._before, now, ranges, sums)
            self._after = digests, after
            if kept is not None:
                change = StateChange(
                    key=self.key,
                    form=live,
                    before=self._before,
                    now=now,
                    ranges=ranges,
                    fingerprint_before=self.fingerprint_before,
                    fingerprint_after=digests.fingerprint,
                    whole=self._ranges is None,
                )
                self._states.keep(self._attached, change, kept)
        return change_of(self.measured, self.fingerprint_before, digests.fingerprint)

    def keep_before(self, kept: Kept) -> None:
        """Keep all bytes before, where nothing that lasts leads to them and nobody may ever measure what came after."""
        if not self._states.lasting(self._attached, self.key, self.fingerprint_before):
            self._states.keep_whole(self.key, self.fingerprint_before, self._before, self.live.width, kept)

    def recorded(self) -> None:
        """Say that what was measured is on record."""
        self._attached.took(self.key, *self._after)

    def put_back(self) -> bool:
        """Write the bytes before back in place; return whether the live bits are those again."""
        if not self.live.reachable:
            return False
        # Only where it is needed: the memory may be a read-only mapping that nobody wrote to.
        if not self.is_as_before():
            self.live.write(self._before, self._ranges)
        return self.is_as_before()

    def is_as_before(self) -> bool:
        """Say whether the live bits are those before; what then torch counted as writes is nothing to look into."""
        live = self.live
        with self._states.now(live) as now:
            ranges = self._ranges if self._ranges is not None else ((0, live.nbytes),)
            same = not any(changed_ranges(self._before[begin:end], now[begin:end]) for begin, end in ranges)
        # Where several processes hold copies, all of them are to be as before.
        same = same and live.even
        if same:
            self._attached.compared((self.key,))
        return same


class StorageEdit:
    """One storage inside an edit, and those that share some of its bytes.

    Args:
        attached: The model.
        name: The tensor name the write goes through.
        states: Where the buffers come from.
        held: Gives them back when the edit is over.
        rows: The rows the writer declares, as `declared_rows` gave them.

    Raises:
        UnsupportedStorage: The bytes are in no plain form.
    """

    def __init__(
        self,
        attached: AttachedModel,
        name: str,
        states: States,
        held: ExitStack,
        rows: Sequence[int] | None = None,
    ) -> None:
        self.attached = attached
        self.name = name
        self.key = attached.sharing.storage_key(name)
        self.weight: Tensor = attached.tensor(name).detach()
        self._rows = rows
        # Digests are bound to a shape: they are always taken under the storage's first name, whichever alias is used.
        tensor = attached.tensor(self.key)
        self.image = StorageImage(attached, self.key, states, held, blocks_of_rows(tensor, rows))
        self.change: Change | None = None
        """What was last measured."""
        self.beside = [StorageImage(attached, key, states, held) for key in readable_overlaps(attached, name)]

    @property
    def overlapping(self) -> dict[str, str]:
        """Storage key to digest now, for the storages that share some of its bytes."""
        return {image.key: image.fingerprint_after for image in self.beside}

    def measure(self, kept: Kept | None = None) -> Change:
        """Say what the user's code changed.

        Args:
            kept: Where to put what events are to say of how it is kept.

        Raises:
            EditError: The name is bound to other memory now, or to a tensor of another form; or the code changed a row
                that was not declared.
        """
        if self._rebound():
            raise EditError(
                f"{self.name!r} was bound to another tensor inside the edit, so the write never reached its bytes",
                remedy="write in place (weight.copy_, weight += ...), or rebind outside of edit: the map follows",
            )
        self.change = change = self.image.measure(kept)
        measured = self.image.measured
        rows = () if measured is None else measured.rows_changed
        undeclared = [] if self._rows is None else sorted(set(rows) - set(self._rows))
        if undeclared:
            raise EditError(
                f"the edit of {self.name!r} changed row {undeclared[0]}"
                f"{f' and {len(undeclared) - 1} more' if len(undeclared) > 1 else ''} outside the rows it declared",
                remedy="declare every row the edit touches, or leave rows out",
            )
        for image in self.beside:
            image.measure(kept)
        return change

    def recorded(self) -> None:
        """Say that what was measured is on record."""
        self.image.recorded()
        for image in self.beside:
            image.recorded()

    def put_back(self) -> bool:
        """Put the bytes back; return whether the name shows the old bits again."""
        restored = self.image.put_back()
        for image in self.beside:
            image.is_as_before()
        return restored and not self._rebound()

    def _rebound(self) -> bool:
        try:
            return not self.image.live.reachable or not same_view(self.attached.tensor(self.name), self.weight)
        except UnknownName:
            return True


def declared_rows(attached: AttachedModel, name: str, rows: Sequence[int]) -> tuple[int, ...]:
    """Give the rows a writer declares, sorted and each once.

    Raises:
        InvalidArgument: One does not exist, or the name views the bytes in another form than they are measured in.
    """
    weight, key = attached.tensor(name), attached.sharing.storage_key(name)
    count = weight.shape[0] if weight.ndim else 0
    wrong = [row for row in rows if isinstance(row, bool) or not 0 <= operator.index(row) < count]
    if wrong:
        raise InvalidArgument("rows", wrong[0], f"{name!r} has the rows 0 to {count - 1}")
    if not same_view(attached.tensor(key), weight):
        raise InvalidArgument("rows", list(rows)[:3], f"edit it as {key!r}: {name!r} is another view of it")
    return tuple(sorted({operator.index(row) for row in rows}))


def blocks_of_rows(tensor: Tensor, rows: Sequence[int] | None) -> list[tuple[int, int]] | None:
    """Give the bytes of the whole blocks that rows lie in, as ranges; None for every byte.

    None too where the tensor does not lie in memory as its rows are counted: then all of it is looked at.
    """
    if rows is None or not tensor.is_contiguous() or not tensor.is_cpu or not tensor.ndim:
        return None
    size = tensor.numel() * tensor.element_size()
    width = size // tensor.shape[0]
    ranges: list[tuple[int, int]] = []
    for row in rows:
        begin = row * width // BLOCK_BYTES * BLOCK_BYTES
        end = min(-(-(row + 1) * width // BLOCK_BYTES) * BLOCK_BYTES, size)
        if ranges and begin <= ranges[-1][1]:
            ranges[-1] = ranges[-1][0], max(end, ranges[-1][1])
        else:
            ranges.append((begin, end))
    return ranges


def readable_overlaps(attached: AttachedModel, name: str) -> list[str]:
    """Give the storages that share some bytes with a name's and can be read."""
    return [key for key in attached.overlapping(name) if attached.fingerprints.get(key) is not None]


def change_of(measured: Measured, before: str, after: str) -> Change:
    """Give what was measured in the form events carry it in."""
    return Change(
        fingerprint_before=before,
        fingerprint_after=after,
        delta_norm=measured.delta_norm,
        weight_norm=measured.weight_norm,
        max_change=measured.max_change,
        elements_changed=measured.elements_changed,
        elements=measured.elements,
        rows_changed=len(measured.rows_changed),
        rows=measured.rows,
        nonfinite_after=measured.nonfinite_after,
    )


def put_all_back(edits: Sequence[StorageEdit]) -> bool:
    """Put every storage of an edit back; return whether all of them hold the old bits again."""
    restored = [edit.put_back() for edit in edits]
    return all(restored)
