"""Puts an earlier state of a model back, bit for bit and in place, as a new event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from memory.errors import InvalidArgument, NotAttached, RestoreError
from memory.events.codec import build
from memory.events.modifications import Restored
from memory.query.weight_history import (
    KNOWN_HISTORY,
    StorageThen,
    Ways,
    find_checkpoint,
    first_write_of,
    no_checkpoint,
    storages_at,
)
from memory.recording.acts import Act
from memory.recording.attached import AttachedModel
from memory.recording.interrupts import deferred_interrupts
from memory.recording.journal import Recorded
from memory.recording.states import Kept, LiveState, StateChange, States, Wanted
from memory.weights.block_digests import BlockDigests, differing_blocks
from memory.weights.delta import changed_ranges
from memory.weights.live import Bytes, LiveStorage
from memory.weights.workspace import THREADS

if TYPE_CHECKING:
    from memory.projections.runner import ProjectionRunner
    from memory.recording.recorder import Recorder
    from memory.store.log import EventStore

T = TypeVar("T")
R = TypeVar("R")

Target = int | str | Recorded
"""A position, the name of a checkpoint, or what a call recorded: the state right after it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A position whose state is asked for, and how it was named."""

    position: int
    checkpoint: str | None = None
    act: str | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a state of one live storage is put together."""

    live: LiveStorage
    wanted: Wanted
    content: Bytes


@dataclass(frozen=True, slots=True)
class _Change:
    """One live storage that is to hold other bytes."""

    key: str
    live: LiveStorage
    content: Bytes
    """The bytes to put in; once exchanged, those that were there."""
    digests: BlockDigests
    ranges: Sequence[tuple[int, int]] | None
    """Where they differ from those that were there; None: anywhere."""
    ways: Ways


class Restorer:
    """Puts earlier states back.

    Args:
        recorder: Where its events go.
        states: Puts the bytes together.
        store: The log.
        runner: Catches projections up.
    """

    def __init__(self, recorder: Recorder, states: States, store: EventStore, runner: ProjectionRunner) -> None:
        self._recorder = recorder
        self._states = states
        self._store = store
        self._runner = runner

    def moment(self, target: Target | None, *, before: Act | str | None, model: str) -> Moment:
        """Understand which state is meant.

        Raises:
            InvalidArgument: Both or neither of a target and an act are named, or the position is none.
            RestoreError: There is no such checkpoint, or the act wrote nothing.
        """
        self._runner.catch_up(KNOWN_HISTORY)
        database = self._store.database
        if (target is None) == (before is None):
            raise InvalidArgument("target", target, "name a position or checkpoint, or the act to go back before")
        if before is not None:
            act = before.id if isinstance(before, Act) else before
            first = first_write_of(database, model, act)
            if first is None:
                raise RestoreError(
                    f"act {act!r} wrote nothing to model {model!r}",
                    remedy="name an act that did, or a position: SELECT act_id, position FROM modifications",
                )
            return Moment(first - 1, act=act)
        if isinstance(target, Recorded):
            return Moment(target.position)
        if isinstance(target, str):
            found = find_checkpoint(database, model, target)
            if found is None:
                raise no_checkpoint(model, target)
            return Moment(found.position, checkpoint=target)
        head = self._store.head().position
        if isinstance(target, bool) or not isinstance(target, int) or not 0 < target <= head:
            raise InvalidArgument("target", target, f"positions go from 1 to {head}")
        return Moment(target)

    def restore(
        self,
        target: Target | None,
        *,
        before: Act | str | None,
        model: str | None,
        record_unannounced: bool,
        reason: str | None,
    ) -> Recorded:
        """Put a state back, or leave everything as it is."""
        recorder = self._recorder
        recorder.journal.refuse_in_batch("restore")
        attached = recorder.model(model)
        if not attached.live:
            raise NotAttached(attached.name, remedy="attach the live model: only its sharing map is attached now")
        recorder.note_sharing(attached)
        moment = self.moment(target, before=before, model=attached.name)
        with attached.claimed(attached.sharing.storages), ExitStack() as held:
            self._face_unannounced(attached, record=record_unannounced)
            wanted = self._wanted(attached, moment)
            ways = self._states.ways(
                attached.name,
                {key: {*attached.sharing.storages[key], *then.names} for key, then in wanted},
                moment.position,
            )
            places = [self._place(attached, key, then, ways[key], moment, held) for key, then in wanted]
            changes = self._several(self._change, places)
            kept = Kept()
            with self._states.keeper.pointing():
                for change in changes:
                    self._keep_way_back(attached, change, kept)
                with deferred_interrupts():
                    return self._put_in(attached, changes, moment, reason, kept)

    def _several(self, do: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Do something for several storages at once: what is small has one thread each. Processes are asked in turn."""
        if self._recorder.together is not None:
            return [do(item) for item in items]
        with ThreadPoolExecutor(THREADS, thread_name_prefix="palimpsest-restore") as pool:
            return list(pool.map(do, items))

    def _face_unannounced(self, attached: AttachedModel, *, record: bool) -> None:
        """Compare every live byte with the log: what nobody announced is recorded first, where that is wanted.

        Raises:
            RestoreError: Something was written to unannounced, and nobody said to go on.
        """
        if record:
            self._recorder.unannounced.note(attached, attached.sharing.storages, found_by="restore")
            return
        keys = sorted(attached.sharing.storages)
        differs = self._several(lambda key: _differs(attached, key), keys)
        differing = [key for key, other in zip(keys, differs, strict=True) if other]
        if differing:
            raise RestoreError(
                f"the live weights are not what the log says: {', '.join(differing[:3])}"
                f"{f' and {len(differing) - 3} more' if len(differing) > 3 else ''} hold bytes that nobody announced, "
                "and a restore would write over them",
                remedy="memory.verify_weights() records them; or restore(..., record_unannounced=True) does so first",
            )

    def _wanted(self, attached: AttachedModel, moment: Moment) -> list[tuple[str, StorageThen]]:
        """Give each live storage that held other bytes then, with what it was.

        Raises:
            RestoreError: The state cannot be put into this model.
        """
        then = {
            name: storage
            for storage in storages_at(self._store.database, attached.name, moment.position)
            for name in storage.names
        }
        if not then:
            raise RestoreError(
                f"model {attached.name!r} was not attached yet at position {moment.position}",
                remedy="name a later position",
            )
        gone = sorted(set(then) - set(attached.sharing.names))
        if gone:
            raise RestoreError(
                f"{gone[0]!r} is no name of the model any more, so what it held at position {moment.position} has no "
                "place in it",
                remedy="memory.at(position) and memory.export(position, path) give that state without the live model",
            )
        wanted = []
        for key, names in sorted(attached.sharing.storages.items()):
            # Names that the model got since held nothing then, and are left as they are.
            storages = {then[name].storage_id: then[name] for name in names if name in then}
            if not storages:
                continue
            states = {storage.fingerprint for storage in storages.values()}
            if len(states) > 1:
                raise RestoreError(
                    f"{' and '.join(names)} are one tensor now, and held different bytes at position {moment.position}",
                    remedy="untie them first, or take that state from memory.at(position)",
                )
            storage = next(iter(storages.values()))
            if storage.fingerprint == attached.fingerprints.get(key):
                continue
            if storage.fingerprint is None:
                raise RestoreError(
                    f"what {key!r} held at position {moment.position} was not read then",
                    remedy="restore a position at which it was: weight_states has a fingerprint there; in a watch, "
                    "after a step that deltas were stored of",
                )
            wanted.append((key, storage))
        return wanted

    def _place(
        self, attached: AttachedModel, key: str, then: StorageThen, ways: Ways, moment: Moment, held: ExitStack
    ) -> _Place:
        """Say what a storage is to hold, and where to put it together."""
        live, known = attached.live_storage(key), attached.digests(key)
        wanted = Wanted(
            model=attached.name,
            key=key,
            names={*attached.sharing.storages[key], *then.names},
            fingerprint=then.fingerprint or "",
            form=live,
            ways=ways,
            live=None if known is None else LiveState(live, known),
            position=moment.position,
        )
        return _Place(live, wanted, held.enter_context(self._states.scratch.buffer(live.nbytes)))

    def _change(self, place: _Place) -> _Change:
        """Put together what a storage is to hold, and prove it."""
        live, content = place.live, place.content
        brought = self._states.bring(place.wanted, content)
        return _Change(place.wanted.key, live, content, brought.digests, brought.ranges, place.wanted.ways)

    def _keep_way_back(self, attached: AttachedModel, change: _Change, kept: Kept) -> None:
        """Keep what leads back to the state now, where nothing else does."""
        now = attached.fingerprints.get(change.key)
        if now is None or self._states.lasting(attached, change.key, now, change.ways):
            return
        live = change.live
        with self._states.now(live) as held:
            fingerprint = change.digests.fingerprint
            ranges = changed_ranges(held, change.content)
            way = StateChange(change.key, live, held, change.content, ranges, now, fingerprint)
            self._states.keep(attached, way, kept)

    def _put_in(
        self,
        attached: AttachedModel,
        changes: Sequence[_Change],
        moment: Moment,
        reason: str | None,
        kept: Kept,
    ) -> Recorded:
        """Exchange the bytes and say so; exchange them again where it cannot be said."""
        exchanged: list[_Change] = []
        found: Mapping[str, BlockDigests] = {change.key: change.digests for change in changes}
        event = build(
            Restored,
            model=attached.name,
            to_act=moment.act,
            to_position=moment.position,
            checkpoint=moment.checkpoint,
            reason=reason,
            storages=attached.on_record({key: digests.fingerprint for key, digests in found.items()}),
            deltas=tuple(kept.deltas),
            keyframes=tuple(kept.keyframes),
        )
        handle = Recorded(Restored.event_type, tuple(_names_of(attached, found)))

        def exchange(change: _Change) -> None:
            change.live.exchange(change.content, change.ranges)
            exchanged.append(change)

        try:
            if any(attached.overlapping(change.key) for change in changes):
                # Bytes that two of them share are exchanged with the first: the order counts, and the way back.
                for change in changes:
                    exchange(change)
            else:
                self._several(exchange, changes)
            self._recorder.record_kept(attached.name, [event], [handle], kept)
        except BaseException:
            for change in reversed(exchanged):
                change.live.exchange(change.content, change.ranges)
            attached.compared(found)
            raise
        for key, digests in found.items():
            attached.took(key, digests)
        attached.compared(attached.sharing.storages)
        return handle


def _differs(attached: AttachedModel, key: str) -> bool:
    """Say whether a live storage holds other bytes than the log says."""
    known, expected = attached.digests(key), attached.fingerprints.get(key)
    if expected is None:
        return False
    if known is None:
        return attached.fingerprint_now(key) != expected
    return differing_blocks(attached.contents(key), known) != []


def _names_of(attached: AttachedModel, keys: Iterable[str]) -> list[str]:
    return sorted({name for key in keys for name in attached.sharing.storages[key]})
