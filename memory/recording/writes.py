"""Builds the events of announced writes: one per storage, coupled exactly when another name shares its bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

from memory.errors import InvalidArgument, InvalidPayload
from memory.events.codec import build
from memory.events.modifications import AffectedLayer, Change, CoupledModification, Modification, WriteBase
from memory.recording.acts import Act, Coin
from memory.recording.attached import AttachedModel

if TYPE_CHECKING:
    from memory.recording.states import Kept

COUPLED_IMPORTANCE = 0.9
"""The least importance of a coupled modification."""
PLAIN_IMPORTANCE = 0.5


@dataclass(frozen=True, slots=True)
class WriteDetails:
    """What the writer says about a write, whichever way it is recorded."""

    data: Any = None
    description: str | None = None
    tags: Sequence[str] = ()
    importance: float | None = None
    reason: str | None = None
    method: str | None = None
    dose: float | None = None
    randomised: bool = False
    propensity: float | None = None
    reverts: str | None = None
    per_name: bool = False
    rows: tuple[int, ...] | None = None
    acknowledged: bool = False
    """Whether the writer says that they know of the names coupled to those they name; not recorded."""


@dataclass(frozen=True, slots=True)
class Dose:
    """A dose, and what decided its sign."""

    value: float | None
    randomised: bool
    propensity: float | None
    coin: int | None = None
    """Which coin of the act decided the sign."""


def dose_of(details: WriteDetails, act: Act | str | None) -> Dose:
    """Give the dose with the coin behind it: its own, or the last one flipped in the act.

    Raises:
        InvalidArgument: The write is said to be randomised, and no dose or no probability is known.
    """
    dose, propensity = details.dose, details.propensity
    coin = dose if isinstance(dose, Coin) else act.coin if isinstance(act, Act) else None
    randomised = details.randomised or (coin is not None and dose is not None)
    if randomised and propensity is None:
        propensity = coin.propensity if coin is not None else 0.5
    if propensity is not None and not 0 < propensity < 1:
        raise InvalidArgument("propensity", propensity, "it is a probability strictly between 0 and 1")
    if details.randomised and dose is None:
        raise InvalidArgument("randomised", True, "a randomised write needs the dose whose sign the coin decided")
    value = int(dose) if isinstance(dose, Coin) else dose
    number = coin.number if coin is not None and randomised else None
    return Dose(value, randomised, propensity if randomised else None, number)


def targets(attached: AttachedModel, layer_name: str) -> tuple[str, ...]:
    """Give the tensor names a layer name stands for: one per storage.

    A tensor name stands for itself; a module path for the first name of each storage under it.

    Raises:
        UnknownName: The model has no such tensor or module.
        InvalidArgument: The name is no text.
    """
    _require_text("layer_name", layer_name)
    sharing = attached.sharing
    keys = sharing.resolve(layer_name)
    if layer_name in sharing.names:
        return (layer_name,)
    under = sharing.under(layer_name)
    return tuple(next(name for name in under if sharing.storage_key(name) == key) for key in keys)


def targets_of(attached: AttachedModel, layers: str | Sequence[str]) -> tuple[str, ...]:
    """Give the tensor names that one layer name or several stand for together: one per storage.

    Raises:
        UnknownName: The model has no such tensor or module.
        InvalidArgument: A name is no text, or there is none.
    """
    if isinstance(layers, str) or not isinstance(layers, Sequence):
        return targets(attached, layers)
    found = {
        attached.sharing.storage_key(name): name for layer in reversed(layers) for name in targets(attached, layer)
    }
    if not found:
        raise InvalidArgument("layer_name", list(layers), "name at least one tensor or module")
    return tuple(found[key] for key in sorted(found))


def _require_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise InvalidArgument(name, value, "it is the text of a tensor name or module path")


def write_event(
    attached: AttachedModel,
    name: str,
    details: WriteDetails,
    dose: Dose,
    *,
    act: Act | str | None,
    change: Change | None = None,
    fingerprint: str | None = None,
    known: bool = True,
    overlapping: Mapping[str, str] | None = None,
    kept: Kept | None = None,
) -> WriteBase:
    """Build the event of one write to one storage.

    Args:
        attached: The model.
        name: The tensor name written through.
        details: What the writer says.
        dose: The dose, with its coin.
        act: The act it belongs to.
        change: The measured change, where the write went through us.
        fingerprint: The digest after a write that was only reported.
        known: False for a name no map knows, in a per-name log.
        overlapping: Storage key to digest, for the storages that share some of its bytes; None to read them now.
        kept: What was kept of the bytes.
    """
    affected = attached.affected(name) if known else (AffectedLayer(name=name, relation="primary"),)
    coupled = tuple(sorted(each.name for each in affected if each.relation in ("alias", "overlap")))
    names = tuple(each.name for each in affected)
    kind = CoupledModification if coupled else Modification
    unchanged = change is not None and change.elements_changed == 0
    if isinstance(details.tags, str):
        raise InvalidPayload("tags", "one text is no list of tags", value=repr(details.tags), remedy="pass tags=[...]")
    tags = ("modification", *(("coupled",) if coupled else ()), *names, *details.tags)
    return build(
        kind,
        model=attached.name,
        primary_layer=name,
        storage_key=attached.sharing.storage_key(name) if known else name,
        coupled_layers=coupled,
        affected=affected,
        modification={} if details.data is None else details.data,
        description=details.description if details.description is not None else _describe(name, coupled, act),
        tags=tuple(dict.fromkeys(tags)),
        importance=_importance(details.importance, coupled=bool(coupled)),
        reason=details.reason,
        method=details.method,
        dose=0.0 if unchanged else dose.value,
        randomised=dose.randomised,
        propensity=dose.propensity,
        coin=dose.coin,
        reverts=details.reverts,
        rows=details.rows,
        per_name=details.per_name,
        known=known,
        changed=None if change is None else not unchanged,
        change=change,
        overlapping=overlapping if overlapping is not None else attached.overlapping_now(name) if known else {},
        fingerprint=fingerprint,
        deltas=() if kept is None else tuple(kept.deltas),
        keyframes=() if kept is None else tuple(kept.keyframes),
    )


def _importance(given: Any, *, coupled: bool) -> Any:
    """Give the importance; what is no number is left for the payload to refuse."""
    if given is None:
        given = PLAIN_IMPORTANCE
    return max(given, COUPLED_IMPORTANCE) if coupled and isinstance(given, Real) else given


def _describe(name: str, coupled: Sequence[str], act: Act | str | None) -> str:
    label = f"{act.label}: " if isinstance(act, Act) and act.label else ""
    return f"{label}{name}, one tensor with {', '.join(coupled)}" if coupled else f"{label}{name}"


def take_over_digests(attached: AttachedModel, event: WriteBase) -> None:
    """Remember what the storages hold after a reported write."""
    if event.known:
        attached.fingerprints |= event.digests_after
        attached.compared(event.digests_after)


def affected_names(event: WriteBase) -> tuple[str, ...]:
    """Give every name a write reaches, the primary first."""
    return tuple(each.name for each in event.affected)


def plain_data(data: Mapping[str, Any] | Any) -> Any:
    """Give a writer's data as a mapping: anything that is not one is kept under `value`."""
    return data if data is None or isinstance(data, Mapping) else {"value": data}
