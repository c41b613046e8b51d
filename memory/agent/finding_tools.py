"""What an agent looks for in its record, and asks before it decides."""

from __future__ import annotations

from typing import Any

from memory.agent.bounding import Page
from memory.agent.desk import Desk, Name, Offset, Text
from memory.agent.marks import reads

_FOUND = 50
_SHOWN = 4


class FindingTools:
    """Finds what was recorded by its words, and what bears on an edit somebody thinks of.

    Args:
        desk: The model and the record they are about.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @reads(reveals=True)
    def search_memory(self, text: Text, offset: Offset = 0) -> dict[str, Any]:
        """Find observations, writes, alerts, checkpoints, beliefs and theories that say some words, best first.

        Args:
            text: The words, which must all be there; "in quotes" in that order; -word must not be there.
            offset: How many entries to skip.
        """
        limit = offset + _FOUND + 1
        found = self._desk.memory.search_text(text, limit=limit, model=self._desk.about)
        rows = [
            {"kind": each.kind, "identity": each.identity, "status": each.status, "says": each.snippet}
            for each in found[offset : offset + _FOUND]
        ]
        return {"found": Page(rows, offset, more=len(found) == limit)}

    @reads(reveals=True)
    def get_decision_support(
        self, layer: Name, method: Name = "", dose: float | None = None, metric: Name = ""
    ) -> dict[str, Any]:
        """Ask whether to make an edit: go, caution, stop or unknown, with reasons, known effects and like edits before.

        Args:
            layer: The weight or module to be changed.
            method: How it would be changed: scale, shift, noise.
            dose: By how much.
            metric: The metric that matters, if one does.
        """
        asked = {"action": "modify", "layer": layer, "method": method, "dose": dose, "metric": metric}
        context = {name: value for name, value in asked.items() if value not in ("", None)}
        if self._desk.about is not None:
            context["model"] = self._desk.about
        told = self._desk.memory.get_decision_support(context).to_dict()
        kept = ("recommendation", "reasons", "coupling", "effects", "past_edits", "failed_edits", "safety")
        return {name: told[name][:_SHOWN] if isinstance(told[name], list) else told[name] for name in kept}
