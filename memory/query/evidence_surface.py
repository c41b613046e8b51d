"""Questions about why something is believed, as the users of a memory know them."""

from __future__ import annotations

import math
from typing import Literal, cast, get_args

from memory.errors import InvalidArgument, UnknownBelief, UnknownPattern, UnknownTheory
from memory.projections.base import Projection
from memory.projections.knowledge import KnowledgeProjection
from memory.projections.runner import ProjectionRunner
from memory.query.evidence import Evidence
from memory.query.tracing import evidence_of
from memory.store.log import EventStore

_READ = {"knowledge", "sharing", "modifications", "metrics", "layer_statistics", "observations"}
"""The projections whose tables hold evidence."""

Form = Literal["text", "json", "html"]
"""How an answer is told."""


class EvidenceSurface:
    """The part of `memory.MemorySystem` and of `memory.query` that answers which events made it believe something."""

    _store: EventStore
    _runner: ProjectionRunner

    def evidence(self, identity: str) -> Evidence:
        """Give what a pattern, theory or belief rests on, in constant memory at any length of the log.

        Its statistics, the events that told most for and against it, and (`rest()`) a walk along all of them; from a
        belief to the theory it was formed from, and the pattern that it was composed from. `print` tells it in words, a
        notebook shows it.

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

    def explain_pattern(self, pattern_id: str, format: Form = "text") -> str:  # noqa: A002
        """Say in plain words what a pattern claims, how sure that is, and from which events it comes.

        Args:
            pattern_id: Which.
            format: `text`, `json` or `html`: a fragment that needs nothing else.

        Raises:
            UnknownPattern: There is no such pattern.
            InvalidArgument: There is no such format.
        """
        _check(format)
        if not _is("pattern", pattern_id):
            raise UnknownPattern(pattern_id)
        return _told(self.evidence(pattern_id), format)

    def explain_theory(self, theory_id: str, format: Form = "text") -> str:  # noqa: A002
        """Say in plain words what a theory says, how it has fared, and from which events it comes.

        Args:
            theory_id: Which.
            format: `text`, `json` or `html`: a fragment that needs nothing else.

        Raises:
            UnknownTheory: There is no such theory.
            InvalidArgument: There is no such format.
        """
        _check(format)
        if not _is("theory", theory_id):
            raise UnknownTheory(theory_id)
        return _told(self.evidence(theory_id), format)

    def explain_belief(self, belief_id: str, format: Form = "text") -> str:  # noqa: A002
        """Say in plain words what is believed, how firmly and why, and from which events it comes.

        Args:
            belief_id: Which.
            format: `text`, `json` or `html`: a fragment that needs nothing else.

        Raises:
            UnknownBelief: There is no such belief.
            InvalidArgument: There is no such format.
        """
        _check(format)
        if not _is("belief", belief_id):
            raise UnknownBelief(belief_id)
        return _told(self.evidence(belief_id), format)

    def _log_weight(self, pattern_id: str) -> float | None:
        def asked(projection: Projection) -> float | None:
            claims = cast("KnowledgeProjection", projection).learning.claims
            for claim in claims.all():
                if claim.identity("pattern") == pattern_id:
                    weight = float(claim.panel.log_weight[claim.slot])
                    return weight if math.isfinite(weight) else None
            return None

        return self._runner.ask("knowledge", asked)


def _check(form: object) -> None:
    if form not in get_args(Form):
        raise InvalidArgument("format", form, f"it is one of {', '.join(get_args(Form))}")


def _told(evidence: Evidence, form: Form) -> str:
    if form == "text":
        return str(evidence)
    return evidence.to_json() if form == "json" else evidence.to_html()


def _is(kind: str, identity: object) -> bool:
    return isinstance(identity, str) and identity.startswith(f"{kind}-")
