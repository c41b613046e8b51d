"""Hypotheses about which names share bytes, stated with a credence before anybody says how it is."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from memory.errors import InvalidArgument

HypothesisKind = Literal["same_tensor", "shares_bytes", "independent", "derived_from"]
"""What is said of two names: they view exactly the same bytes; they have some in common; neither shares bytes with the
other nor is computed from it; the subject is computed from the object."""
HYPOTHESIS_KINDS: tuple[str, ...] = get_args(HypothesisKind)
CATEGORY = "sharing"
"""The category of the observations that hold them."""
_WORDS = {
    "same_tensor": "{} and {} are one tensor",
    "shares_bytes": "{} and {} share bytes",
    "independent": "{} and {} are independent",
    "derived_from": "{} is computed from {}",
}


class StatedHypothesis(BaseModel):
    """One hypothesis, as the data of its observation."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: HypothesisKind
    subject: str
    object: str
    credence: Annotated[float, Field(gt=0, lt=1)]
    """The probability that it is so."""
    grounds: str = ""
    """What it is concluded from, in words."""

    @property
    def pair(self) -> tuple[str, str]:
        """The two names; in order where it does not matter which is which."""
        ends = (self.subject, self.object)
        return ends if self.kind == "derived_from" or self.subject <= self.object else (self.object, self.subject)

    @property
    def words(self) -> str:
        """What it says."""
        return _WORDS[self.kind].format(self.subject, self.object)


def observation_of(kind: str, subject: str, object: str, credence: float, grounds: str) -> dict[str, Any]:  # noqa: A002
    """Give the fields of the observation that records a hypothesis.

    Raises:
        InvalidArgument: There is no such kind, it is about one name, or its credence leaves no doubt.
    """
    if kind not in HYPOTHESIS_KINDS:
        raise InvalidArgument("kind", kind, f"it is one of {', '.join(HYPOTHESIS_KINDS)}")
    if subject == object:
        raise InvalidArgument("object", object, "name another than the subject: a name is itself")
    number = isinstance(credence, int | float) and not isinstance(credence, bool)
    if not number or not 0 < credence < 1:
        remedy = "say how probable it is, strictly between 0 and 1: whoever leaves no doubt cannot be scored when wrong"
        raise InvalidArgument("credence", credence, remedy)
    stated = StatedHypothesis.model_validate(
        {"kind": kind, "subject": subject, "object": object, "credence": credence, "grounds": grounds}
    )
    return {
        "obs_type": "hypothesis",
        "category": CATEGORY,
        "description": f"{stated.words} (credence {credence:g})" + (f": {grounds}" if grounds else ""),
        "data": stated.model_dump(),
        "tags": ("hypothesis", kind),
        "importance": 0.5,
    }
