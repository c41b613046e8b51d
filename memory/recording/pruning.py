"""Lets go of earlier states and of checkpoints: as an event, after whatever is still wanted was kept another way."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memory.errors import ConcurrencyError, CorruptionError, InvalidArgument, PalimpsestError, RestoreError
from memory.events.codec import build
from memory.events.envelope import NewEvent, model_stream
from memory.events.weights import BlobsPruned
from memory.query.checkpoints import CheckpointInfo, known_checkpoints
from memory.query.retention import boundary_of, kept_of, keys_now, still_used, wanted_from
from memory.query.weight_blobs import now_pointed_at
from memory.query.weight_history import KNOWN_HISTORY
from memory.recording.earlier import EarlierStates
from memory.recording.journal import Recorded
from memory.recording.recorder import Recorder
from memory.recording.states import Kept, States
from memory.weights.checkpoint_folders import remove_folder
from memory.weights.retention import Boundary, KeptDelta, KeptWhole, LettingGo, plan

if TYPE_CHECKING:
    from memory.projections.runner import ProjectionRunner
    from memory.store.log import EventStore

_log = logging.getLogger(__name__)

_TRIES = 5


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be let go."""

    model: str
    before: int | None
    """States before this position; None where only checkpoints are."""
    checkpoints: tuple[CheckpointInfo, ...]
    reason: str

    @property
    def names(self) -> frozenset[str]:
        return frozenset(checkpoint.checkpoint_id for checkpoint in self.checkpoints)

    def goes(self, kept: KeptDelta | KeptWhole) -> bool:
        """Say whether a delta or whole state is not wanted any more."""
        if isinstance(kept, KeptWhole) and kept.checkpoint is not None:
            return kept.checkpoint in self.names
        return self.before is not None and kept.position <= self.before


class Pruner:
    """Lets go of what was kept.

    Args:
        recorder: Where events go, and which models are live.
        states: Puts together what must be kept whole first.
        store: The log.
        runner: Catches projections up.
    """

    def __init__(self, recorder: Recorder, states: States, store: EventStore, runner: ProjectionRunner) -> None:
        self._recorder = recorder
        self._states = states
        self._store = store
        self._runner = runner

    def prune(self, model: str, before: int, *, reason: str, keep_checkpoints: bool) -> Recorded:
        """Let go of the states of a model before a position."""
        going: tuple[CheckpointInfo, ...] = ()
        if not keep_checkpoints:
            self._runner.catch_up(KNOWN_HISTORY)
            there = known_checkpoints(self._store.database, model=model, include_deleted=False)
            going = tuple(each for each in there if each.position < before)
        return self._let_go(_Wish(model, before, going, reason))

    def delete(self, checkpoints: Collection[CheckpointInfo], *, reason: str) -> Recorded:
        """Let go of checkpoints of one model."""
        ordered = tuple(sorted(checkpoints, key=lambda each: each.position))
        return self._let_go(_Wish(ordered[0].model, None, ordered, reason))

    def _let_go(self, wish: _Wish) -> Recorded:
        self._recorder.journal.refuse_in_batch("pruning")
        if not wish.reason.strip():
            raise InvalidArgument("reason", wish.reason, "say why: it is all that will be known of what is let go")
        if wish.checkpoints and self._states.keeper.folder is None:
            raise InvalidArgument("blobs", None, "open the memory with blobs=<the folder the checkpoints are in>")
        for left in reversed(range(_TRIES)):
            try:
                handle, event = self._record(wish)
            except ConcurrencyError:
                # Something was recorded about the model meanwhile: it may want what was about to be let go.
                if left == 0:
                    raise
            else:
                break
        self._states.look_again(wish.model)
        try:
            self._remove(event)
        except PalimpsestError as error:
            error.add_note(
                f"position {handle.position} says that they were let go, and not all of it could be removed: "
                "`palimpsest gc` removes the rest"
            )
            raise
        return handle

    def _record(self, wish: _Wish) -> tuple[Recorded, BlobsPruned]:
        """Keep whole what must be, then say what is let go."""
        database = self._store.database
        stream = model_stream(wish.model)
        version = next((event.version for event in self._store.read(stream=stream, limit=1, newest_first=True)), 0)
        self._runner.catch_up(KNOWN_HISTORY)
        kept_of_model = kept_of(database, wish.model)
        first = boundary_of(self._store, wish.model) if wish.before is None else wish.before
        going = plan(
            wanted_from(database, wish.model, first),
            kept_of_model.deltas,
            kept_of_model.wholes,
            goes=wish.goes,
            # Who deletes a checkpoint does not want what was never written to copied somewhere else.
            leave_to_live=wish.before is None,
        )
        kept, handle = Kept(), Recorded(BlobsPruned.event_type)
        with self._states.keeper.pointing():
            self._keep_boundary(wish, going, kept)
            blobs = _blobs_of(wish, going, [*kept_of_model.deltas, *kept_of_model.wholes])
            event = build(
                BlobsPruned,
                model=wish.model,
                before=wish.before,
                blobs=tuple(sorted(blobs)),
                checkpoints=tuple(sorted(wish.names)),
                keyframes=tuple(kept.keyframes),
                bytes_freed=self._freed(wish, blobs, kept),
                reason=wish.reason,
            )
            self._recorder.journal.record(
                [NewEvent(payload=event, stream=stream)],
                [handle],
                blobs=kept.blobs,
                expected_version={stream: version},
            )
        return handle, event

    def _keep_boundary(self, wish: _Wish, going: LettingGo, kept: Kept) -> None:
        """Keep whole what would be lost."""
        keys = keys_now(self._store.database, wish.model)
        attached = {each.name: each for each in self._recorder.models()}
        source = EarlierStates(self._states, self._store, self._runner, wish.model, attached.get(wish.model))
        for boundary in going.boundary:
            heirs = [boundary.wanted.storage_id, *sorted(boundary.wanted.family)]
            key = next((keys[heir] for heir in heirs if heir in keys), None)
            try:
                if key is None:
                    raise RestoreError("no storage of the model has its names any more")
                self._keep_whole(source, boundary, key, kept)
            except (RestoreError, CorruptionError) as error:
                going.spare(boundary.wanted)
                _log.warning(
                    "model %r: a state of position %s cannot be kept whole (%s); what leads to it stays",
                    wish.model,
                    boundary.position,
                    error.message,
                )

    def _keep_whole(self, source: EarlierStates, boundary: Boundary, key: str, kept: Kept) -> None:
        then = next(
            each for each in source.storages(boundary.position) if each.storage_id == boundary.wanted.storage_id
        )
        form = source.form_of(then, boundary.position)
        with self._states.scratch.buffer(form.nbytes) as content:
            source.bring(then, form, content, boundary.position)
            self._states.keep_whole(key, boundary.fingerprint, content, form.width, kept)

    def _freed(self, wish: _Wish, blobs: Mapping[str, int], kept: Kept) -> int:
        """Give the bytes that nothing else points at, of this model or another."""
        used = {keyframe.blob for keyframe in kept.keyframes}
        if wish.before is not None:
            used |= still_used(self._store.database, blobs, wish.model, wish.before)
        freed = sum(size for blob, size in blobs.items() if blob not in used)
        return freed + sum(checkpoint.size for checkpoint in wish.checkpoints)

    def _remove(self, event: BlobsPruned) -> None:
        """Remove what is let go on record; a crash before leaves what `gc` removes."""
        keeper, catch_up = self._states.keeper, self._runner.catch_up
        for checkpoint in event.checkpoints:
            remove_folder(keeper, checkpoint)
        if event.blobs:
            keeper.remove(event.blobs, lambda: now_pointed_at(self._store.database, catch_up))


def _blobs_of(wish: _Wish, going: LettingGo, there: Iterable[KeptDelta | KeptWhole]) -> dict[str, int]:
    """Give the blobs that a model's states up to the boundary do without, with their sizes."""
    blobs: dict[str, int] = {}
    staying: set[str] = set()
    for each in there:
        if each.blob is None or wish.before is None or each.position > wish.before:
            continue
        if each in going.deltas or each in going.wholes:
            blobs[each.blob] = each.size
        else:
            staying.add(each.blob)
    return {blob: size for blob, size in blobs.items() if blob not in staying}
