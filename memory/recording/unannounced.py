"""Writes that nobody announced: found by comparing live bytes with the log, recorded as nobody's, never guessed at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from memory.errors import CorruptionError, RestoreError
from memory.events.modifications import Change, UnattributedWrite
from memory.recording.attached import AttachedModel
from memory.recording.editing import change_of
from memory.recording.journal import Recorded
from memory.recording.remembered import of_form
from memory.recording.states import Kept, StateChange, States, Wanted
from memory.weights.block_digests import BlockDigests, differing_blocks, digests_or_none, rehashed
from memory.weights.delta import changed_ranges
from memory.weights.measuring import Sums, measure

if TYPE_CHECKING:
    from memory.recording.recorder import Recorder


class Unannounced:
    """Looks for writes that nobody announced, and records each one it finds.

    Args:
        recorder: Where their events go.
        states: Puts the bytes before together, so that the event can say what was changed.
    """

    def __init__(self, recorder: Recorder, states: States) -> None:
        self._recorder = recorder
        self._states = states

    def note(
        self,
        attached: AttachedModel,
        keys: Iterable[str],
        *,
        found_by: str,
        blocks: Mapping[str, Sequence[int]] | None = None,
        on_abort: Callable[[], None] | None = None,
    ) -> tuple[Recorded, ...]:
        """Compare storages with what the log says they hold; record every one that holds something else.

        Args:
            attached: The model.
            keys: The storages to look at.
            found_by: What is looking, for the event.
            blocks: Storage key to the only blocks of it to look at; all where it is not named.
            on_abort: Called where what was found turns out not to be recorded; None forgets that it was found.

        Returns:
            One handle for each write found.
        """
        recorded = []
        for key in sorted(keys):
            before = attached.fingerprints.get(key)
            found = self._look(attached, key, (blocks or {}).get(key))
            if found is None:
                continue
            if before is not None and before != found.fingerprint:
                take_back = on_abort if on_abort is not None else attached.remember()
                recorded.append(self._record(attached, key, before, found, found_by, take_back))
            attached.took(key, found)
        return tuple(recorded)

    def _look(self, attached: AttachedModel, key: str, blocks: Sequence[int] | None) -> BlockDigests | None:
        """Give the digests of what a storage holds; None where it has no bytes to read."""
        tensor, known = attached.contents(key), attached.digests(key)
        if known is None or not of_form(tensor, known):
            return digests_or_none(tensor)
        differing = differing_blocks(tensor, known, blocks if known.identities else None)
        if differing is None:
            return digests_or_none(tensor)
        if differing and blocks is not None:
            # Part of it was written to by nobody we know: look at the rest too.
            differing = differing_blocks(tensor, known)
        return rehashed(tensor, known, differing or ())

    def _record(
        self,
        attached: AttachedModel,
        key: str,
        before: str,
        found: BlockDigests,
        found_by: str,
        on_abort: Callable[[], None],
    ) -> Recorded:
        kept = Kept()
        handle = Recorded(UnattributedWrite.event_type, tuple(each.name for each in attached.affected(key)))
        with self._states.keeper.pointing():
            change = self._measured(attached, key, before, found, kept)
            event = UnattributedWrite(
                model=attached.name,
                storage_key=key,
                affected=attached.affected(key),
                fingerprint_expected=before,
                fingerprint_found=found.fingerprint,
                found_by=found_by,
                change=change,
                deltas=tuple(kept.deltas),
                keyframes=tuple(kept.keyframes),
                earlier_restorable=change is not None,
            )
            self._recorder.record_kept(attached.name, [event], [handle], kept, on_abort=on_abort)
        return handle

    def _measured(
        self, attached: AttachedModel, key: str, before: str, found: BlockDigests, kept: Kept
    ) -> Change | None:
        """Say what was changed, where the bytes before can be put together; None where they never were kept."""
        tensor = attached.tensor(key)
        known = attached.digests(key)
        if known is None or not of_form(tensor, known) or (not found.identities and tensor.numel()):
            return None
        live = attached.live_storage(key)
        states = self._states
        with states.scratch.buffer(live.nbytes) as earlier, states.scratch.buffer(live.nbytes) as scratch:
            try:
                found_ways = states.ways(attached.name, {key: attached.sharing.storages[key]})[key]
                states.bring(
                    Wanted(attached.name, key, attached.sharing.storages[key], before, live, found_ways), earlier
                )
            except (RestoreError, CorruptionError):
                return None
            now = live.now(scratch)
            ranges = changed_ranges(earlier, now)
            measured, _ = measure(live, earlier, now, ranges, attached.sums(key, before) or Sums.unknown(live))
            change = StateChange(key, live, earlier, now, ranges, before, found.fingerprint)
            states.keep(attached, change, kept)
        return change_of(measured, before, found.fingerprint)
