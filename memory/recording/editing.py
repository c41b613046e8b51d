"""Edits as transactions: pre-image, the user's code, measurement, event; or the bytes put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memory.errors import EditError, RestoreError
from memory.recording.attached import AttachedModel
from memory.weights.preimage import PreImage

if TYPE_CHECKING:
    from torch import Tensor

    from memory.events.modifications import Change


@dataclass(slots=True)
class Undo:
    """What is needed to take back an act's writes to one storage."""

    attached: AttachedModel
    name: str
    preimage: PreImage
    fingerprint_after: str

    def same_storage(self, other: Undo) -> bool:
        """Tell whether two undos are of the same storage."""
        sharing = self.attached.sharing
        return self.attached is other.attached and sharing.storage_key(self.name) == sharing.storage_key(other.name)

    def check(self) -> None:
        """Raise `RestoreError` when the live bytes are not those the act left."""
        from introspection.fingerprint import fingerprint

        live = self.attached.tensor(self.attached.sharing.storage_key(self.name))
        if fingerprint(live) != self.fingerprint_after:
            raise RestoreError(
                f"{self.name!r} was written again after this act: undoing the act would erase that write",
                remedy="undo the later writes first, newest first",
            )


class StorageEdit:
    """One storage inside an edit.

    Args:
        attached: The model.
        name: The tensor name the write goes through.
    """

    def __init__(self, attached: AttachedModel, name: str) -> None:
        tensor = attached.tensor(name)
        if tensor.is_meta:
            raise EditError(
                f"{name!r} is a meta tensor: it has no bytes to edit", remedy="load the weights before editing them"
            )
        self.attached = attached
        self.name = name
        self.weight: Tensor = tensor.detach()
        # Digests are bound to a shape: they are always taken under the storage's first name, whichever alias is used.
        self.preimage = PreImage(attached.tensor(attached.sharing.storage_key(name)))

    def measure(self) -> Change:
        """Say what the user's code changed.

        Raises:
            EditError: The name is bound to other memory now, or to a tensor of another form.
        """
        if self._rebound():
            raise EditError(
                f"{self.name!r} was bound to another tensor inside the edit, so the write never reached its bytes",
                remedy="write in place (weight.copy_, weight += ...); rebind outside of edit: the map follows by itself",
            )
        return self.preimage.measure()

    def put_back(self) -> bool:
        """Put the bytes back; return whether the name shows the old bits again."""
        return self.preimage.put_back() and not self._rebound()

    def _rebound(self) -> bool:
        live = self.attached.tensor(self.name)
        return (
            live.data_ptr() != self.weight.data_ptr()
            or live.shape != self.weight.shape
            or live.dtype != self.weight.dtype
        )


def put_all_back(edits: Sequence[StorageEdit]) -> bool:
    """Put every storage of an edit back; return whether all of them hold the old bits again."""
    restored = [edit.put_back() for edit in edits]
    return all(restored)
