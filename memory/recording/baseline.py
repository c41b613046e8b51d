"""Keeps what is not kept yet of a model, so that whatever happens next can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memory.events.weights import StatesRead
from memory.recording.attached import AttachedModel
from memory.recording.journal import Recorded
from memory.recording.states import Kept, States

if TYPE_CHECKING:
    from memory.recording.recorder import Recorder


def keep_baseline(recorder: Recorder, states: States, attached: AttachedModel, label: str) -> Recorded | None:
    """Keep all bytes of every storage whose state nothing that lasts leads to; None where there is none.

    What the storages hold has just been held against the log.

    Args:
        recorder: Where the event goes.
        states: Keeps the bytes.
        attached: The model.
        label: What they are kept for, in words.
    """
    kept = Kept()
    with states.keeper.pointing():
        states.keep_live(attached, states.lacking(attached, attached.fingerprints), kept)
        if not kept.keyframes:
            return None
        held = {keyframe.storage_key for keyframe in kept.keyframes}
        told = tuple(state for state in attached.on_record({}) if state.key in held)
        event = StatesRead(model=attached.name, label=label, storages=told, keyframes=tuple(kept.keyframes))
        handle = Recorded(event.event_type)
        recorder.record_kept(attached.name, [event], [handle], kept)
    return handle
