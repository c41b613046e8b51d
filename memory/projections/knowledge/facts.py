"""What the sharing map says of a model: never a pattern, always on record, with beginning and end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from introspection.sharing import SharingMap
from memory.projections.knowledge.fact_rows import Rows, fact_row, one_tensor, one_tensor_belief, pairs
from memory.projections.knowledge_tables import architectural_facts, beliefs
from memory.projections.registry import RegistryChange

Related = tuple[str, str, str, str]
"""(name, other name, reason, the relation in words)."""


class ArchitecturalFacts:
    """The relations of every map as facts, and the certainty that the names of one storage are one tensor."""

    def __init__(self) -> None:
        self._open: dict[str, dict[Related, int]] = {}
        """Model to the relations that hold, and from which position on."""
        self._rows: Rows = {}

    def sharing(self, position: int, model: str, sharing: SharingMap, change: RegistryChange) -> None:
        """Open the facts a new map brings, and close those it ends."""
        now, held = dict.fromkeys(_relations(sharing)), self._open.get(model, {})
        for related, since in held.items():
            if related not in now:
                self._put(model, related, since, ended=position)
        for related in now:
            if related not in held:
                self._put(model, related, position)
        self._open[model] = {related: held.get(related, position) for related in now}
        self._believe(position, change)

    def _put(self, model: str, related: Related, since: int, ended: int | None = None) -> None:
        row = fact_row(model, "identity", *related, since) | {"to_position": ended}
        self._rows[architectural_facts.name, row["fact_id"]] = row

    def _believe(self, position: int, change: RegistryChange) -> None:
        """Hold, as certain, that the names of one storage are one tensor; no longer once they are not."""
        before = [one_tensor_belief(each, position, "retracted") for each in change.before if len(each.names) > 1]
        after = [one_tensor_belief(each, position, "active") for each in change.after if len(each.names) > 1]
        still = {row["belief_id"] for row in before} & {row["belief_id"] for row in after}
        for row in [*before, *after]:
            if row["belief_id"] not in still:
                self._rows[beliefs.name, row["belief_id"]] = row

    def take_rows(self) -> Rows:
        """Give, and forget, the rows to replace."""
        rows, self._rows = self._rows, {}
        return rows

    def to_state(self) -> dict[str, Any]:
        """Give everything as plain data."""
        return {model: [[*related, since] for related, since in held.items()] for model, held in self._open.items()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from `to_state`."""
        self._open = {
            model: {(subject, other, reason, relation): since for subject, other, reason, relation, since in held}
            for model, held in state.items()
        }


def _relations(sharing: SharingMap) -> Iterator[Related]:
    """Yield everything a map relates."""
    for group in sharing.groups:
        for subject, other in pairs(sorted(group)):
            yield subject, other, "alias", one_tensor(subject, other)
    for pair, relation in sorted(sharing.relations.items(), key=lambda item: sorted(item[0])):
        if relation.kind != "same":
            subject, other = sorted(pair)
            shared = "some" if relation.shared_bytes is None else str(relation.shared_bytes)
            yield subject, other, "overlap", f"{subject} and {other} share {shared} bytes"
    for name, sources in sorted(sharing.derived.items()):
        for source in sources:
            yield name, source, "derived", f"{name} is computed from {source}"
