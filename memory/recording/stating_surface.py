"""What someone states: every call that records a theory, a prediction, a belief or how these turned out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from memory.recording.journal import Recorded
from memory.recording.predictions import Prediction, RecordedBelief, RecordedTheory
from memory.recording.recorder import Envelope
from memory.recording.stating import Stating


class StatingSurface:
    """The part of `memory.MemorySystem` by which agents and people say what they think."""

    _stating: Stating

    def form_theory(
        self,
        hypothesis: str,
        theory_type: Literal["causal_model", "structural", "optimization", "constraint", "behavioral"] = "causal_model",
        *,
        kind: str | None = None,
        subject: str | None = None,
        object: str | None = None,  # noqa: A002 - the column's name
        method: str | None = None,
        dose: float | None = None,
        direction: Literal[-1, 1] | None = None,
        probability: float = 0.75,
        model: str | None = None,
        occurred_at: datetime | None = None,
        key: str | None = None,
    ) -> RecordedTheory:
        """Propose a theory: from here on it is scored on outcomes that it predicted, and on nothing else.

        The same theory proposed again keeps its score, and only says its probability anew.

        Args:
            hypothesis: What it says, in words.
            theory_type: What it is.
            kind: The kind of pattern it speaks of: `effect`, `impact`, ...
            subject: What does it: a tensor's name stands for its storage.
            object: What it does it to: a metric, say.
            method: How the writes it speaks of are done.
            dose: At which dose.
            direction: +1 up, -1 down; with one, outcomes may be numbers.
            probability: Given to an outcome that comes as it says; worth four outcomes.
            model: The model it is about; None for the only one attached, or none.
            occurred_at: When it was proposed; None for now.
            key: Makes the call idempotent.

        Returns:
            What was recorded, with its `theory_id`.

        Raises:
            InvalidPayload: Something of it is not what a theory has; nothing was written.
        """
        fields = {
            "hypothesis": hypothesis,
            "theory_type": theory_type,
            "kind": kind,
            "subject": subject,
            "object": object,
            "method": method,
            "dose": dose,
            "direction": direction,
            "probability": probability,
        }
        return self._stating.propose(fields, model=model, envelope=Envelope(key=key, occurred_at=occurred_at))

    def validate_theory(
        self,
        theory_id: str,
        observation: bool | float,
        *,
        rests_on: int | None = None,
        note: str = "",
        occurred_at: datetime | None = None,
        key: str | None = None,
    ) -> Recorded:
        """Record an outcome of a proposed theory: it is scored by what it had said before.

        A theory of the data takes no outcomes by word: it is scored by the evaluations on record.

        Args:
            theory_id: The theory.
            observation: Whether it came as the theory says; or the number it was, where the theory names a side.
            rests_on: The event that shows it: it counts once, and no more when that event is retracted.
            note: What was seen, in words.
            occurred_at: When it was seen; None for now.
            key: Makes the call idempotent.

        Raises:
            UnknownTheory: There is no such theory.
            InvalidArgument: The theory is of the data or retracted, the outcome is neither true, false nor a number, or
                the event it rests on is not there, retracted, or older than the theory.
        """
        envelope = Envelope(key=key, occurred_at=occurred_at)
        return self._stating.validate("theory", theory_id, observation, rests_on=rests_on, note=note, envelope=envelope)

    def make_prediction(
        self, theory_id: str, context: Any = None, *, occurred_at: datetime | None = None, key: str | None = None
    ) -> Prediction:
        """Put on record what a theory, proposed or of the data, says about its next outcome.

        The first outcome after it is the one it is scored by.

        Args:
            theory_id: The theory.
            context: What it is asked for, as data.
            occurred_at: When it was asked; None for now.
            key: Makes the call idempotent: asked again under it, the theory says what it said first.

        Returns:
            The prediction: side, probability, and the normal forecast once there is one.

        Raises:
            UnknownTheory: There is no such theory.
            InvalidArgument: The theory predicts nothing: it was retracted.
        """
        return self._stating.predict(theory_id, context, Envelope(key=key, occurred_at=occurred_at))

    def assert_belief(
        self,
        statement: str,
        belief_type: Literal[
            "safety_principle", "causal_law", "constraint", "heuristic", "fact", "value"
        ] = "heuristic",
        credence: float | None = None,
        *,
        importance: float = 0.5,
        tags: Sequence[str] = (),
        kind: str | None = None,
        subject: str | None = None,
        object: str | None = None,  # noqa: A002 - the column's name
        direction: Literal[-1, 0, 1] | None = None,
        core: bool = False,
        model: str | None = None,
        occurred_at: datetime | None = None,
        key: str | None = None,
    ) -> RecordedBelief:
        """Say what is held true, and how firmly: kept apart from what is earned from data.

        The same statement asserted again supersedes; outcomes counted so far stay counted, in `supports` and
        `contradicts`.

        Args:
            statement: What is believed, in words.
            belief_type: What it is.
            credence: The probability it is held with; worth four outcomes. None: .9, and 1 for a core principle.
            importance: 0 to 1.
            tags: Your tags.
            kind: The kind of pattern it speaks of.
            subject: What it is about: a tensor's name stands for its storage.
            object: The other end.
            direction: +1 up, -1 down, 0 moves: with subject and object, what other beliefs can contradict.
            core: Whether it is a core principle: held absolutely until this assertion is retracted.
            model: The model it is about; None for every model.
            occurred_at: When it was asserted; None for now.
            key: Makes the call idempotent.

        Returns:
            What was recorded, with its `belief_id`.

        Raises:
            InvalidPayload: Something of it is not what a belief has; nothing was written.
        """
        fields = {
            "statement": statement,
            "belief_type": belief_type,
            "credence": (1.0 if core else 0.9) if credence is None else credence,
            "importance": importance,
            "tags": tags,
            "kind": kind,
            "subject": subject,
            "object": object,
            "direction": direction,
            "core": core,
        }
        return self._stating.believe(fields, model=model, envelope=Envelope(key=key, occurred_at=occurred_at))

    def validate_belief(
        self,
        belief_id: str,
        outcome: bool,
        *,
        rests_on: int | None = None,
        note: str = "",
        occurred_at: datetime | None = None,
        key: str | None = None,
    ) -> Recorded:
        """Record whether an outcome came as an asserted belief or a core principle says.

        It moves the credence of an asserted belief, and weakens it below a half; of a core principle it is counted,
        and changes neither credence nor strength. An earned belief takes no outcomes by word.

        Args:
            belief_id: The belief.
            outcome: Whether it came as the belief says.
            rests_on: The event that shows it: it counts once, and no more when that event is retracted.
            note: What was seen, in words.
            occurred_at: When it was seen; None for now.
            key: Makes the call idempotent.

        Raises:
            UnknownBelief: There is no such belief.
            InvalidArgument: The belief is earned or retracted, the outcome is neither true nor false, or the event it
                rests on is not there, retracted, or older than the belief.
        """
        envelope = Envelope(key=key, occurred_at=occurred_at)
        return self._stating.validate("belief", belief_id, outcome, rests_on=rests_on, note=note, envelope=envelope)
