"""Read model for full-text search: the words of what events say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from memory.events.amendments import Amendment, Correction
from memory.events.envelope import StoredEvent
from memory.events.modifications import CoupledModification, EditAborted, Modification
from memory.events.observations import Observation
from memory.events.registry import Payload
from memory.events.safety import SafetyAlert
from memory.events.weights import CheckpointSaved
from memory.projections.amendments import amends
from memory.projections.base import Contents, RowProjection
from memory.projections.finding_tables import search_entries
from memory.projections.words import joined, texts_in

KIND_MARK = ":"
"""Begins the word that says what kind of thing an entry is: no word that is asked for begins with a colon."""


class SearchProjection(RowProjection):
    """One entry per event that says something in words; the engine's full-text index follows the table by itself.

    A corrected observation is found by what is right about it now, a retracted event only by who asks for those too.
    What is believed and explained is few, changes with every outcome, and is looked through where it is.
    """

    name = "search"
    tables = (search_entries,)
    folds = (Observation, Modification, CoupledModification, EditAborted, SafetyAlert, CheckpointSaved, Amendment)

    def fold(self, event: StoredEvent, contents: Contents) -> None:
        """Fold one event in; of what is corrected, the words are read anew."""
        fields = contents.fields(event)
        if event.event_type != Correction.event_type:
            self.note(event, fields)
        elif amends(event, fields, Observation.event_type):
            target = fields["position"]
            for corrected in contents.past(target + 1, (Observation,), target - 1):
                words = _words("observation", contents.fields(corrected) | {"data": fields["data"]})
                self._updates.add(search_entries, (search_entries.c.position == target,), {"words": words})

    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Fold one event in that is no correction."""
        if isinstance(payload, self.folds) and not isinstance(payload, Correction):
            self.note(event, event.fields)

    def note(self, event: StoredEvent, fields: Mapping[str, Any]) -> None:
        """Give an event its entry, or say of one that it was retracted."""
        kind = _KINDS.get(event.event_type)
        if kind is None:
            if amends(event, fields, *_KINDS):
                self._updates.add(search_entries, (search_entries.c.position == fields["position"],), _RETRACTED)
            return
        self._rows.add(
            search_entries,
            {
                "position": event.position,
                "kind": kind,
                "model": fields["model"],
                "retracted": False,
                "words": _words(kind, fields),
            },
        )


_RETRACTED = {"retracted": True}
_KINDS = {
    Observation.event_type: "observation",
    Modification.event_type: "modification",
    CoupledModification.event_type: "modification",
    SafetyAlert.event_type: "alert",
    CheckpointSaved.event_type: "checkpoint",
    EditAborted.event_type: "aborted",
}
KINDS = tuple(dict.fromkeys(_KINDS.values()))
"""The kinds of entry."""


def _observation(fields: Mapping[str, Any]) -> list[str]:
    return [fields["description"], fields["category"], fields["obs_type"], *fields["tags"], *texts_in(fields["data"])]


def _modification(fields: Mapping[str, Any]) -> list[str]:
    return [
        fields["description"],
        fields["reason"] or "",
        fields["method"] or "",
        fields["primary_layer"],
        *fields["tags"],
        *texts_in(fields["modification"]),
    ]


def _alert(fields: Mapping[str, Any]) -> list[str]:
    rule = fields["rule"] or ""
    return [fields["message"], fields["category"], rule, fields["level"], *fields["layers"]]


def _checkpoint(fields: Mapping[str, Any]) -> list[str]:
    return [fields["checkpoint_id"], fields["description"], *fields["tags"]]


def _aborted(fields: Mapping[str, Any]) -> list[str]:
    told = fields["message"], fields["error"], fields["method"] or "", fields["primary_layer"]
    return [*told, *fields["denied_by"]]


_TEXTS: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "observation": _observation,
    "modification": _modification,
    "alert": _alert,
    "checkpoint": _checkpoint,
    "aborted": _aborted,
}


def _words(kind: str, fields: Mapping[str, Any]) -> str:
    return f"{KIND_MARK}{kind} {joined(_TEXTS[kind](fields))}"
