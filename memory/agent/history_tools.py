"""What an agent asks about its own history: what was done to it, and what came of it."""

from __future__ import annotations

from typing import Any

from memory.agent.bounding import Page
from memory.agent.desk import Desk, Name, Offset, Text
from memory.agent.marks import reads, records
from memory.agent.told_events import recent_acts, told_writes
from memory.errors import InvalidArgument
from memory.events.modifications import Restored
from memory.query.written import WRITTEN, last_landmarks, positions_reaching, writes_of_act, writes_since

_ASKED = 50
"""Entries fetched for one answer: more are had by asking again."""


class HistoryTools:
    """What happened to the model: acts, writes to one layer, differences of states, checkpoints.

    Args:
        desk: The model and the record they are about.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @reads(reveals=True)
    def get_recent_acts(self, offset: Offset = 0) -> dict[str, Any]:
        """Tell what was done to the model last, newest first: writes, why, and metrics before and after them.

        Args:
            offset: How many entries to skip.
        """
        self._desk.catch_up(WRITTEN)
        acts, more = recent_acts(self._desk.memory.store, model=self._desk.about, limit=_ASKED, offset=offset)
        return {"acts": Page([act.to_dict() for act in acts], offset, more=more)}

    @reads(reveals=True)
    def get_layer_history(self, name: Name, offset: Offset = 0) -> dict[str, Any]:
        """Tell every write that reached a weight, under whichever name it was made, newest first.

        Args:
            name: A weight's name.
            offset: How many entries to skip.
        """
        desk = self._desk
        tensor = desk.tensor_name(name)
        desk.catch_up(WRITTEN)
        store = desk.memory.store
        found = positions_reaching(store.database, tensor, model=desk.about, limit=_ASKED + 1, offset=offset)
        return {
            "name": tensor,
            "restored_at": last_landmarks(store.database, Restored.event_type, model=desk.about, limit=5),
            "writes": Page(list(told_writes(store, found[:_ASKED])), offset, more=len(found) > _ASKED),
        }

    @reads(reveals=True)
    def compare_states(self, first: str, second: str = "", offset: Offset = 0) -> dict[str, Any]:
        """Say which weights differ between two states of the model, and by how much.

        Args:
            first: A position in the record, or the name of a checkpoint.
            second: The later one; empty for the state on record now.
            offset: How many weights to skip.
        """
        memory = self._desk.memory
        found = memory.diff(_state(first), _state(second) if second else None, model=self._desk.about).to_dict()
        for each in found["storages"]:
            each["rows"] = len(each.get("rows", ()))
        return {"first": found["first"], "second": found["second"], "weights": Page.of(found["storages"], offset)}

    @reads(reveals=True)
    def list_checkpoints(self, offset: Offset = 0) -> dict[str, Any]:
        """List the checkpoints that can be put back, newest first, with what the model scored then.

        Args:
            offset: How many entries to skip.
        """
        found = self._desk.memory.checkpoints.list_checkpoints(model=self._desk.about)[::-1]
        rows = [
            {
                "checkpoint": each.checkpoint_id,
                "position": each.position,
                "at": each.occurred_at[:19],
                "description": each.description,
                "benchmarks": dict(each.benchmarks),
                "tags": list(each.tags),
            }
            for each in found
        ]
        return {"count": len(rows), "checkpoints": Page.of(rows, offset)}

    @records(reveals=True)
    def propose_undo(self, act: Name, reason: Text) -> dict[str, Any]:
        """Propose that an act be taken back, for whoever may do it. Says what that would reach; changes no weight.

        Args:
            act: The act's name, as get_recent_acts gives it.
            reason: Why it should be taken back.
        """
        desk = self._desk
        desk.catch_up(WRITTEN)
        database = desk.memory.store.database
        writes = writes_of_act(database, act, model=desk.about)
        if not writes:
            raise InvalidArgument("act", act, "no write on record belongs to an act of that name: see get_recent_acts")
        storages = {row.storage_id for row in writes if row.storage_id is not None}
        later = writes_since(database, storages, writes[-1].position, limit=5)
        reaches = sorted({name for row in writes for name in (row.primary_layer, *row.coupled_layers)})
        since = [{"position": row.position, "act": row.act_id, "name": row.primary_layer} for row in later]
        recorded = desk.memory.record_observation(
            "system_event",
            "undo_proposal",
            f"undo act {act}: {reason}",
            {"act": act, "reason": reason, "reaches": reaches, "before_position": writes[0].position},
            ("undo_proposal",),
            model=desk.about,
        )
        return {
            "position": recorded.position,
            "act": act,
            "reaches": reaches,
            "written_again_since": since,
            "how": "undo_act, where it is given to you"
            if not since
            else "those later writes would be lost: restore_state to before the act takes back all since",
        }


def _state(given: str) -> int | str:
    return int(given) if given.strip().isdigit() else given
