"""What is recorded about what someone holds or expects: theories, predictions, beliefs, and how they fared."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import Field, StrictBool, StringConstraints, model_validator

from memory.events.codec import JsonData, Number
from memory.events.observations import Label
from memory.events.registry import Payload, register

Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
"""What is said, in words."""
Probability = Annotated[float, Field(gt=0, lt=1)]
Kind = Literal["effect", "impact", "comodification", "cochange", "sequence", "metric_pair", "trend", "threshold"]
"""The kinds of pattern."""
TheoryType = Literal["causal_model", "structural", "optimization", "constraint", "behavioral"]
BeliefType = Literal["safety_principle", "causal_law", "constraint", "heuristic", "fact", "value"]
"""The types of belief that can be asserted."""
THEORY_TYPES: tuple[str, ...] = get_args(TheoryType)
BELIEF_TYPES: tuple[str, ...] = get_args(BeliefType)


@register
class TheoryProposed(Payload):
    """Someone says what they think is so, and how sure they are that outcomes will come as it says.

    The same words and structure again are the same theory: it keeps its score, and says its probability anew.
    """

    event_type: ClassVar[str] = "theory_proposed"

    model: str | None = None
    """The model it is about; None for every model."""
    theory_type: TheoryType
    hypothesis: Words
    kind: Kind | None = None
    """The kind of pattern it speaks of."""
    subject: Words | None = None
    """What does it: a storage key, metric, `write:<storage key>` or `kind:<category>`."""
    object: Words | None = None
    """What it does it to."""
    method: Label | None = None
    """How the writes it speaks of are done."""
    dose: float | None = None
    direction: Literal[-1, 1] | None = None
    """+1 up, -1 down; None: an outcome can only be said to have come as it says or not."""
    probability: Probability = 0.75
    """Given to an outcome that comes as it says, before the first one."""
    proposed_by: str | None = None
    """Whose theory it is; None for whoever records it."""


@register
class PredictionRegistered(Payload):
    """What a theory says about its next outcome, on record before that outcome."""

    event_type: ClassVar[str] = "prediction_registered"

    model: str | None = None
    theory_id: Words
    context: JsonData = Field(default_factory=dict)
    """What it was asked for."""
    direction: Literal[-1, 1]
    """The side named; +1 for a theory that names none: it comes as the theory says."""
    probability: Probability
    """Given to an outcome on that side."""
    mean: float | None = None
    """Normal forecast of the outcome; None where none can be made yet."""
    sd: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _mean_and_spread_together(self) -> Self:
        if (self.mean is None) != (self.sd is None):
            raise ValueError("a normal forecast has both a mean and a standard deviation")
        return self


@register
class BeliefAsserted(Payload):
    """Someone says what they hold true, and how firmly. The same statement again supersedes what they said before."""

    event_type: ClassVar[str] = "belief_asserted"

    model: str | None = None
    """The model it is about; None for every model."""
    belief_type: BeliefType
    statement: Words
    credence: Annotated[float, Field(ge=0, le=1)]
    """The probability it is held with."""
    importance: Annotated[float, Field(ge=0, le=1)] = 0.5
    tags: tuple[str, ...] = ()
    kind: Kind | None = None
    """The kind of pattern it speaks of."""
    subject: Words | None = None
    object: Words | None = None
    direction: Literal[-1, 0, 1] | None = None
    """+1 up, -1 down, 0 moves; None where it names no side."""
    core: bool = False
    """Whether it is a core principle: held absolutely, whatever outcomes say, until this assertion is retracted."""
    asserted_by: str | None = None
    """Whose belief it is; None for whoever records it."""

    @model_validator(mode="after")
    def _core_is_certain(self) -> Self:
        if self.core and self.credence != 1:
            raise ValueError("a core principle is held with credence 1")
        return self


@register
class ValidationRecorded(Payload):
    """How what a proposed theory or an asserted belief says turned out, once."""

    event_type: ClassVar[str] = "validation_recorded"

    model: str | None = None
    target_kind: Literal["theory", "belief"]
    target: Words
    """Identity of the theory or belief."""
    came_true: StrictBool | None = None
    """Whether the outcome came as it says."""
    value: Number | None = None
    """Or the outcome as a number, of a theory that names a side."""
    rests_on: Annotated[int, Field(ge=1)] | None = None
    """The event it rests on: counted once for each theory or belief, and gone when that event is retracted."""
    note: str = ""

    @model_validator(mode="after")
    def _one_outcome(self) -> Self:
        if (self.came_true is None) == (self.value is None):
            raise ValueError("an outcome is either true or false, or a number")
        if self.target_kind == "belief" and self.came_true is None:
            raise ValueError("a belief turns out true or not")
        return self


STATED = (TheoryProposed, PredictionRegistered, BeliefAsserted, ValidationRecorded)
"""The payloads by which something is stated."""
