"""Questions about why something is believed, as the users of a memory know them."""

from __future__ import annotations

import math
from typing import cast

from memory.errors import UnknownBelief, UnknownPattern, UnknownTheory
from memory.projections.base import Projection
from memory.projections.knowledge import KnowledgeProjection
from memory.projections.runner import ProjectionRunner
from memory.query.evidence import Evidence
from memory.query.tracing import evidence_of
from memory.store.log import EventStore

_READ = {"knowledge", "sharing", "modifications", "metrics", "layer_statistics", "observations"}
"""The projections whose tables hold evidence."""


class EvidenceSurface:
    """The part of `memory.MemorySystem` that answers which events made it believe something."""

    _store: EventStore
    _runner: ProjectionRunner

    def evidence(self, identity: str) -> Evidence:
        """Give what a pattern, theory or belief rests on, in constant memory at any length of the log.

        Its statistics, the events that told most for and against it, and (`rest()`) a walk along all of them; from a
        belief to the theory it was formed from, and the pattern that it was composed from. `print` tells it in words.

        Args:
            identity: A `pattern_id`, `theory_id` or `belief_id`.

        Raises:
            UnknownPattern: There is no such pattern.
            UnknownTheory: There is no such theory.
            UnknownBelief: There is no such belief.
            InvalidArgument: It is the identity of nothing of the three.
        """
        self._runner.catch_up(_READ)
        return evidence_of(self._store, identity, self._log_weight)

    def explain_pattern(self, pattern_id: str) -> str:
        """Say in plain words what a pattern claims, how sure that is, and from which events it comes.

        Raises:
            UnknownPattern: There is no such pattern.
        """
        if not _is("pattern", pattern_id):
            raise UnknownPattern(pattern_id)
        return str(self.evidence(pattern_id))

    def explain_theory(self, theory_id: str) -> str:
        """Say in plain words what a theory says, how it has fared, and from which events it comes.

        Raises:
            UnknownTheory: There is no such theory.
        """
        if not _is("theory", theory_id):
            raise UnknownTheory(theory_id)
        return str(self.evidence(theory_id))

    def explain_belief(self, belief_id: str) -> str:
        """Say in plain words what is believed, how firmly and why, and from which events it comes.

        Raises:
            UnknownBelief: There is no such belief.
        """
        if not _is("belief", belief_id):
            raise UnknownBelief(belief_id)
        return str(self.evidence(belief_id))

    def _log_weight(self, pattern_id: str) -> float | None:
        def asked(projection: Projection) -> float | None:
            claims = cast("KnowledgeProjection", projection).learning.claims
            for claim in claims.all():
                if claim.identity("pattern") == pattern_id:
                    weight = float(claim.panel.log_weight[claim.slot])
                    return weight if math.isfinite(weight) else None
            return None

        return self._runner.ask("knowledge", asked)


def _is(kind: str, identity: object) -> bool:
    return isinstance(identity, str) and identity.startswith(f"{kind}-")
