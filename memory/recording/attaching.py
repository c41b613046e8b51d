"""Takes a model under care: compares it with what the record knows, and records what is new about it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from introspection.sharing import SharingMap
from memory.events.models import ModelAttached, StorageState, plain_map
from memory.events.modifications import UnattributedWrite
from memory.events.registry import Payload
from memory.query.weights import KnownModel
from memory.recording.attached import AttachedModel
from memory.recording.journal import Recorded
from memory.recording.states import Kept, States

if TYPE_CHECKING:
    from memory.recording.recorder import Recorder

_log = logging.getLogger(__name__)


class Attaching:
    """One attach of one model.

    Args:
        recorder: Where its events go.
        states: Keeps the bytes, where a full baseline is asked for.
        attached: The model.
        known: What the record knows of it; None for a model it never saw.
        forget: Takes the attach back, where it turns out not to be recorded.
    """

    def __init__(
        self,
        recorder: Recorder,
        states: States,
        attached: AttachedModel,
        known: KnownModel | None,
        forget: Callable[[], None],
    ) -> None:
        self._forget = forget
        self._recorder = recorder
        self._states = states
        self._attached = attached
        self._known = known
        self._kept = Kept()

    def record(self, *, full: bool) -> None:
        """Record what is new, and take over what the log says unreadable storages hold.

        Args:
            full: Whether all bytes are kept that are not kept yet.
        """
        attached, known = self._attached, self._known
        states = attached.states()
        attached.fingerprints = {state.key: state.fingerprint for state in states}
        same_map = known is not None and known.sharing.digest == attached.sharing.digest
        if known is not None and not same_map:
            _tell_of_lost_ties(attached.name, known.sharing, attached.sharing)
        if known is None:
            self._attach(states, full=full)
        elif not attached.live:
            if not same_map:
                self._append([AttachedModel(attached.name, known.sharing, None).adopt(attached.sharing)])
        else:
            self._attach_again(known, states, same_map=same_map, full=full)

    def _attach_again(self, known: KnownModel, states: tuple[StorageState, ...], *, same_map: bool, full: bool) -> None:
        attached = self._attached
        found = {state.key: state.fingerprint or known.head(state.key) for state in states}
        attached.fingerprints = dict(found)
        differing = [key for key, held in sorted(found.items()) if held != (known.head(key) or held)]
        if differing:
            position = known.state_of(found) if same_map else None
            if position is not None:
                self._attach(states, state_of=position, full=full)
                return
            if not same_map:
                # The bytes before belong to storages of the map before.
                self._attach(states, full=full, expected={key: known.head(key) or "" for key in differing})
                return
            for key in differing:
                attached.fingerprints[key] = known.head(key)
            self._recorder.unannounced.note(attached, differing, found_by="attach", on_abort=self._forget)
        unread = any(known.head(key) is None and held is not None for key, held in found.items())
        if not same_map or unread or (full and self._states.lacking(attached, found)):
            self._attach(states, full=full)

    def _attach(
        self,
        states: tuple[StorageState, ...],
        *,
        full: bool,
        state_of: int | None = None,
        expected: dict[str, str] | None = None,
    ) -> None:
        attached = self._attached
        with self._states.keeper.pointing():
            if full:
                self._states.keep_live(self._attached, self._attached.fingerprints, self._kept)
            event = ModelAttached(
                model=attached.name,
                architecture=attached.architecture,
                sharing=plain_map(attached.sharing.to_json()),
                digest=attached.sharing.digest,
                storages=states,
                baseline="full" if full else "lazy",
                state_of=state_of,
                keyframes=tuple(self._kept.keyframes),
            )
            self._append([*self._changed_meanwhile(expected or {}), event])

    def _changed_meanwhile(self, expected: dict[str, str]) -> list[Payload]:
        """Give the writes that were made where nobody looked, while the sharing changed too."""
        attached = self._attached
        return [
            UnattributedWrite(
                model=attached.name,
                storage_key=key,
                affected=attached.affected(key),
                fingerprint_expected=before,
                fingerprint_found=attached.fingerprints[key] or "",
                found_by="attach",
            )
            for key, before in sorted(expected.items())
        ]

    def _append(self, events: list[Payload]) -> None:
        handles = [Recorded(event.event_type) for event in events]
        self._recorder.record_kept(self._attached.name, events, handles, self._kept, on_abort=self._forget)


def _tell_of_lost_ties(model: str, known: SharingMap, found: SharingMap) -> None:
    for pair in known.diff(found).untied:
        if pair <= set(found.names):
            _log.warning(
                "model %r: the record knows %s as tied, and they are not tied in what is attached now: loading without "
                "tie_weights() does that. Tie them again, unless that was meant",
                model,
                " and ".join(sorted(pair)),
            )
