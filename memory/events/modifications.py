"""What is recorded about writes to weights: announced, coupled, aborted and unannounced."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from memory.events.codec import JsonData, Number
from memory.events.kept_bytes import Delta, Keyframe
from memory.events.models import StorageState
from memory.events.registry import Payload, register
from memory.events.upcasters import upcaster

SWEEPING_METHODS = frozenset({"sweep", "optimizer_step"})
"""Methods that touch everything: recorded, never evidence about one storage. A step of an optimiser is one: what
follows it follows from all of its writes, however many storages it wrote."""
REVERTING_METHODS = frozenset({"revert"})
"""Methods that put an earlier state back: recorded, never evidence."""
FRESH_DIRECTION_METHODS = frozenset({"noise"})
"""Methods that draw a new direction each time, so that the sign of their dose means nothing."""

Relation = Literal["primary", "alias", "overlap", "derived"]


class AffectedLayer(BaseModel):
    """One name a write reaches, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    relation: Relation
    shared_bytes: int | None = None
    """How many bytes it has in common with the written tensor, where that is known."""


class Change(BaseModel):
    """What a write did to the bytes, measured in float64 over the written tensor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint_before: str
    fingerprint_after: str
    delta_norm: Number
    """Euclidean norm of after minus before."""
    weight_norm: Number
    """Euclidean norm of the tensor before the write."""
    max_change: Number
    """Largest absolute change of one element."""
    elements_changed: int
    """Elements with other bits than before."""
    elements: int
    rows_changed: int
    """Rows (first dimension) with other bits than before."""
    rows: int
    nonfinite_after: int
    """NaN and infinite elements after the write."""


class WriteBase(Payload):
    """The fields that every announced write has."""

    model: str
    primary_layer: str
    """The name the writer used (for a module path: the tensor it stands for)."""
    storage_key: str
    """The storage that was written, by its key at this position."""
    coupled_layers: tuple[str, ...] = ()
    """Every other name whose bytes changed with it (aliases and overlaps), sorted."""
    affected: tuple[AffectedLayer, ...]
    """Every name the write reaches, the primary first."""
    modification: JsonData = Field(default_factory=dict)
    """What the writer says was done."""
    description: str = ""
    tags: tuple[str, ...] = ()
    importance: Annotated[float, Field(ge=0, le=1)]
    reason: str | None = None
    method: str | None = None
    """How: `scale`, `rank_one`, `noise`, `revert`, `sweep`, `optimizer_step`, or the writer's own word."""
    dose: Number | None = None
    """Signed size of the write in units of the method's reference dose."""
    randomised: bool = False
    """Whether the sign of the dose was decided by a coin."""
    propensity: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Probability of the arm that was drawn."""
    coin: int | None = None
    """Which coin of its act decided the sign, counted from 1: two writes with one number share one coin. None where
    there was none, or nobody said."""
    reverts: str | None = None
    """The act whose writes this one takes back."""
    rows: tuple[int, ...] | None = None
    """The rows (first dimension) the writer said the write would touch, sorted; None where nothing was said."""
    per_name: bool = False
    """Whether the record comes from a log with one record per name."""
    known: bool = True
    """Whether the sharing map knows the name; False only for quarantined names of per-name logs."""
    changed: bool | None = None
    """Whether any byte changed; None where the write was only reported."""
    change: Change | None = None
    """The measured change; None where the write was only reported."""
    overlapping: dict[str, str] = Field(default_factory=dict)
    """Storage key to digest after the write, for the storages that share some of its bytes."""
    fingerprint: str | None = None
    """Digest of the storage after a write that was not measured, where the live bytes could be read."""
    deltas: tuple[Delta, ...] = ()
    """What puts the storage, and those that share some of its bytes, back and forth."""
    keyframes: tuple[Keyframe, ...] = ()
    """All bytes of some of them, before or after: where the ways back and forth would grow long."""

    @field_validator("dose")
    @classmethod
    def _finite(cls, dose: float | None) -> float | None:
        # Writes are told apart into series by their dose: NaN would be a series of its own each time.
        if dose is not None and not math.isfinite(dose):
            raise ValueError("a dose is a finite number")
        return dose

    @property
    def digests_after(self) -> dict[str, str | None]:
        """Storage key to digest after the write: the storage written, and those that share some of its bytes."""
        after = self.change.fingerprint_after if self.change is not None else self.fingerprint
        return {self.storage_key: after, **self.overlapping}


@register
class Modification(WriteBase):
    """A write to a storage that no other name shares."""

    event_type: ClassVar[str] = "modification"
    schema_version: ClassVar[int] = 3
    """2: `coin`. 3: `deltas`, `keyframes`."""


@register
class CoupledModification(WriteBase):
    """One write to bytes that several names share: one event, whichever name was used."""

    event_type: ClassVar[str] = "coupled_modification"
    schema_version: ClassVar[int] = 3
    """2: `coin`. 3: `deltas`, `keyframes`."""


@upcaster("modification", 1)
@upcaster("coupled_modification", 1)
def _nobody_said_which_coin(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"coin": None}


@upcaster("modification", 2)
@upcaster("coupled_modification", 2)
def _nothing_was_kept_of_it(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"deltas": [], "keyframes": []}


@register
class EditAborted(Payload):
    """An edit that did not happen: the code inside raised, and the bytes were put back."""

    event_type: ClassVar[str] = "edit_aborted"
    schema_version: ClassVar[int] = 2
    """2: `denied_by`."""

    model: str
    primary_layer: str
    storage_key: str
    error: str
    """The type of the exception."""
    message: str = ""
    method: str | None = None
    restored: bool
    """Whether the bytes after putting back are bit for bit those before."""
    denied_by: tuple[str, ...] = ()
    """The safety rules that denied it, sorted; empty where it failed by itself."""


@upcaster("edit_aborted", 1)
def _no_rule_denied_it(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"denied_by": []}


@register
class UnattributedWrite(Payload):
    """A storage holds other bytes than the log says, and nobody announced the write."""

    event_type: ClassVar[str] = "unattributed_write"
    schema_version: ClassVar[int] = 2
    """2: `change`, `deltas`, `keyframes`, `earlier_restorable`."""

    model: str
    storage_key: str
    affected: tuple[AffectedLayer, ...]
    fingerprint_expected: str
    fingerprint_found: str
    found_by: str
    """What noticed it: `attach`, `edit`, `verify`, `restore`, `watch`, `checkpoint`, `tripwire`."""
    change: Change | None = None
    """What was changed, measured; None where the bytes before were not kept."""
    deltas: tuple[Delta, ...] = ()
    """What leads from the state expected to the state found, and back; none where the bytes before were not kept."""
    keyframes: tuple[Keyframe, ...] = ()
    """All bytes of the state found, where the ways to it would have grown long."""
    earlier_restorable: bool | None = None
    """Whether the state expected can be put back; None where nobody looked."""


@upcaster("unattributed_write", 1)
def _nobody_looked_for_the_bytes_before(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"change": None, "deltas": [], "keyframes": [], "earlier_restorable": None}


@register
class Restored(Payload):
    """An earlier state was put back: every storage may have changed, and no write is credited."""

    event_type: ClassVar[str] = "restored"
    schema_version: ClassVar[int] = 2
    """2: `to_position`, `checkpoint`, `reason`, `deltas`, `keyframes`."""

    model: str
    to_act: str | None = None
    """The act before which the state was put back, where known."""
    to_position: int | None = None
    """The position whose state was put back; None where it was done elsewhere."""
    checkpoint: str | None = None
    """The checkpoint that was asked for, if one was."""
    reason: str | None = None
    storages: tuple[StorageState, ...] = ()
    """The state of every live storage after it; empty where there is only a map."""
    deltas: tuple[Delta, ...] = ()
    """What leads back to states that nothing else leads to."""
    keyframes: tuple[Keyframe, ...] = ()
    """All bytes of such states, where nothing that is kept would lead to them otherwise."""


@upcaster("restored", 1)
def _it_was_done_elsewhere(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"to_position": None, "checkpoint": None, "reason": None, "deltas": [], "keyframes": []}
