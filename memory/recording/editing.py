"""What an edit holds of a storage: its bytes before, to measure a change by, to put back, and to undo an act with."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from introspection.fingerprint import dense_fingerprint
from memory.errors import EditError, InvalidArgument, RestoreError, UnknownName
from memory.recording.attached import AttachedModel
from memory.weights.preimage import PreImage, same_view

if TYPE_CHECKING:
    from torch import Tensor

    from memory.events.modifications import Change


@dataclass(slots=True)
class Undo:
    """What is needed to take back an act's writes to one storage."""

    model: str
    name: str
    """The name the writes went through."""
    key: str
    """The storage's key then."""
    preimage: PreImage
    """The bytes before the act's first write."""
    fingerprint_after: str
    """The digest that the act's last write left."""

    def take_over(self, later: Undo, overlapping: Mapping[str, str]) -> bool:
        """Take over what a later write of the same act left here; return whether it was a write to this storage.

        Args:
            later: The undo of that write.
            overlapping: Storage key to digest after that write, for storages that share some of its bytes.
        """
        if self.model != later.model:
            return False
        if self.preimage.same_memory(later.preimage):
            self.fingerprint_after = later.fingerprint_after
            return True
        self.fingerprint_after = overlapping.get(self.key, self.fingerprint_after)
        return False

    def name_now(self, attached: AttachedModel) -> str:
        """Give a name under which the live model shows the bytes to put back.

        Raises:
            RestoreError: None does, or the live bytes are not those the act left.
        """
        try:
            live = attached.tensor(self.key)
        except UnknownName as error:
            raise self._gone() from error
        if not self.preimage.is_of(live):
            raise self._gone()
        if dense_fingerprint(live) != self.fingerprint_after:
            raise RestoreError(
                f"{self.name!r} was written again after this act: undoing the act would erase that write",
                remedy="undo the later writes first, newest first",
            )
        sharing = attached.sharing
        known = self.name in sharing.names and sharing.storage_key(self.name) == sharing.storage_key(self.key)
        return self.name if known else self.key

    def _gone(self) -> RestoreError:
        return RestoreError(
            f"{self.key!r} views other memory now than when this act wrote to it",
            remedy="undo an act before its weights are replaced; what was replaced cannot be put back",
        )


class StorageEdit:
    """One storage inside an edit.

    Args:
        attached: The model.
        name: The tensor name the write goes through.

    Raises:
        EditError: There are no live bytes under the name.
        UnsupportedStorage: The bytes are in no plain form.
    """

    def __init__(self, attached: AttachedModel, name: str) -> None:
        tensor = attached.tensor(name)
        if tensor.is_meta:
            raise EditError(
                f"{name!r} is a meta tensor: it has no bytes to edit", remedy="load the weights before editing them"
            )
        self.attached = attached
        self.name = name
        self.key = attached.sharing.storage_key(name)
        self.weight: Tensor = tensor.detach()
        # Digests are bound to a shape: they are always taken under the storage's first name, whichever alias is used.
        self.preimage = PreImage(attached.tensor(self.key))

    def check_rows(self, rows: Sequence[int]) -> tuple[int, ...]:
        """Give the rows a writer declares, sorted and each once.

        Raises:
            InvalidArgument: One does not exist, or the name views the bytes in another form than they are measured in.
        """
        count = self.weight.shape[0] if self.weight.ndim else 0
        wrong = [row for row in rows if isinstance(row, bool) or not 0 <= operator.index(row) < count]
        if wrong:
            raise InvalidArgument("rows", wrong[0], f"{self.name!r} has the rows 0 to {count - 1}")
        if not self.preimage.is_of(self.weight):
            raise InvalidArgument(
                "rows", list(rows)[:3], f"edit it as {self.key!r}: {self.name!r} is another view of it"
            )
        return tuple(sorted({operator.index(row) for row in rows}))

    def measure(self, rows: Sequence[int] | None = None) -> Change:
        """Say what the user's code changed.

        Args:
            rows: The rows the writer declared, if any.

        Raises:
            EditError: The name is bound to other memory now, or to a tensor of another form; or the code changed a row
                that was not declared.
        """
        if self._rebound():
            raise EditError(
                f"{self.name!r} was bound to another tensor inside the edit, so the write never reached its bytes",
                remedy="write in place (weight.copy_, weight += ...), or rebind outside of edit: the map follows",
            )
        change = self.preimage.measure()
        undeclared = [] if rows is None else sorted(set(self.preimage.changed_rows()) - set(rows))
        if undeclared:
            raise EditError(
                f"the edit of {self.name!r} changed row {undeclared[0]}"
                f"{f' and {len(undeclared) - 1} more' if len(undeclared) > 1 else ''} outside the rows it declared",
                remedy="declare every row the edit touches, or leave rows out",
            )
        return change

    def put_back(self) -> bool:
        """Put the bytes back; return whether the name shows the old bits again."""
        return self.preimage.put_back() and not self._rebound()

    def _rebound(self) -> bool:
        try:
            return not self.preimage.reachable or not same_view(self.attached.tensor(self.name), self.weight)
        except UnknownName:
            return True


def put_all_back(edits: Sequence[StorageEdit]) -> bool:
    """Put every storage of an edit back; return whether all of them hold the old bits again."""
    restored = [edit.put_back() for edit in edits]
    return all(restored)
