"""Which hypotheses of one model are claimed now, and which have earned a belief: one budget, divided by e-BH."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from memory.inference.multiplicity import ALPHA, adjust, reject
from memory.projections.knowledge.hypotheses import Hypothesis

_MARGIN = 1e-9
"""Keeps rounding from leaving out what stands exactly at the bound."""


class Contest:
    """The hypotheses of one model, ranked by evidence times weight.

    To be rejected among m hypotheses, E·γ >= 1/(α·m) is needed at the least. What stands lower changes nothing about
    the others, so each decision looks only at those above, and is the same as one over all.
    """

    def __init__(self, hypotheses: Iterable[Hypothesis] = ()) -> None:
        self._all: dict[str, Hypothesis] = {}
        self._near: dict[str, Hypothesis] = {}
        self._room = 1
        for hypothesis in hypotheses:
            self.put(hypothesis)

    def put(self, hypothesis: Hypothesis) -> None:
        """Take a new hypothesis, or note that the evidence of one has changed."""
        self._all[hypothesis.digest] = hypothesis
        if len(self._all) > self._room:
            self._room = 2 * len(self._all)
            self._near = {each.digest: each for each in self._all.values() if self._is_near(each)}
        elif self._is_near(hypothesis):
            self._near[hypothesis.digest] = hypothesis
        else:
            self._near.pop(hypothesis.digest, None)

    def remove(self, hypothesis: Hypothesis) -> None:
        """Forget a hypothesis."""
        self._all.pop(hypothesis.digest, None)
        self._near.pop(hypothesis.digest, None)

    def _is_near(self, hypothesis: Hypothesis) -> bool:
        return hypothesis.standing >= -math.log(ALPHA * self._room) - _MARGIN

    def claims(self, touched: Iterable[Hypothesis]) -> list[tuple[Hypothesis, bool]]:
        """Give, for every hypothesis whose claim may have changed, whether it is claimed.

        Args:
            touched: Those whose evidence changed since the last decision.
        """
        looked_at = list((self._near | {each.digest: each for each in touched if each.digest in self._all}).values())
        claimed = reject([each.log_e for each in looked_at], [each.weight for each in looked_at])
        return list(zip(looked_at, claimed.tolist(), strict=True))

    def lasting(self) -> set[str]:
        """Give the digests of those claimed on the best moment each has had, at the adjuster's price for choosing."""
        everyone = list(self._all.values())
        adjusted = adjust([each.process.peak_log_e for each in everyone])
        claimed = reject(adjusted, [each.weight for each in everyone])
        return {each.digest for each, holds in zip(everyone, claimed.tolist(), strict=True) if holds}

    def __iter__(self) -> Iterator[Hypothesis]:
        return iter(list(self._all.values()))
