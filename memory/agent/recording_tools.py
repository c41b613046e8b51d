"""What an agent adds to the record: what it saw, measured, holds likely, and expects."""

from __future__ import annotations

from typing import Any, Literal

from memory.agent.desk import NONE_NAMED, Credence, Desk, Name, Names, Text
from memory.agent.marks import reads, records
from memory.recording.hypotheses import HypothesisKind

ObservationKind = Literal[
    "behavior", "discovery", "performance", "introspection", "safety_event", "user_interaction", "system_event"
]
TheoryKind = Literal["causal_model", "structural", "optimization", "constraint", "behavioral"]


class RecordingTools:
    """Records what the agent states. Nothing of it touches a weight, and nothing of it can be taken off the record.

    Args:
        desk: The model and the record they are about.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @records()
    def record_observation(
        self, type: ObservationKind, category: Name, description: Text, tags: Names = NONE_NAMED  # noqa: A002
    ) -> dict[str, Any]:  # fmt: skip
        """Put on record what you noticed.

        Args:
            type: What kind of observation.
            category: A short word of your own for what it is about.
            description: What you saw, in words.
            tags: Words to find it by.
        """
        recorded = self._desk.memory.record_observation(
            type, category, description, tags=tuple(tags), model=self._desk.model
        )
        return {"recorded": True, **self._desk.place(recorded.position)}

    @records()
    def record_metrics(self, metrics: dict[str, float], sample: Name = "", act: Name = "") -> dict[str, Any]:
        """Put an evaluation on record. In an act: before its first write the baseline, after it the outcome.

        Args:
            metrics: Name of each metric, and its value.
            sample: What it was measured on: baseline and outcome are compared only on the same sample.
            act: The act it belongs to, as edit_weight takes it.
        """
        recorded = self._desk.memory.record_metrics(
            metrics, sample=sample or None, act=act or None, model=self._desk.model
        )
        return {"recorded": True, **self._desk.place(recorded.position)}

    @records()
    def propose_theory(
        self,
        hypothesis: Text,
        type: TheoryKind = "causal_model",  # noqa: A002
        subject: Name = "",
        metric: Name = "",
        direction: Literal[-1, 0, 1] = 0,
        probability: Credence = 0.75,
    ) -> dict[str, Any]:
        """Propose a theory: from here on it is scored on outcomes that come after it, and on nothing else.

        Args:
            hypothesis: What it says, in words.
            type: What kind of theory.
            subject: The weight that does it, if it is about one.
            metric: The metric it does it to, if it is about one.
            direction: 1 if that goes up, -1 if down, 0 if it names no side.
            probability: How likely an outcome is to come as it says.
        """
        sides: dict[int, Literal[-1, 1]] = {-1: -1, 1: 1}
        recorded = self._desk.memory.form_theory(
            hypothesis,
            type,
            subject=subject or None,
            object=metric or None,
            direction=sides.get(direction),
            probability=probability,
            model=self._desk.model,
        )
        return {"theory_id": recorded.theory_id, **self._desk.place(recorded.position)}

    @records()
    def register_prediction(self, theory_id: Name) -> dict[str, Any]:
        """Put on record what a theory says about its next outcome, before that outcome comes.

        Args:
            theory_id: The theory, as propose_theory or get_theories gave it.
        """
        found = self._desk.memory.make_prediction(theory_id)
        told = {"direction": found.direction, "probability": found.probability, "mean": found.mean, "sd": found.sd}
        return {"theory_id": theory_id, **told, **self._desk.place(found.position)}

    @records()
    def record_outcome(self, theory_id: Name, came_true: bool, note: str = "") -> dict[str, Any]:
        """Put on record whether an outcome came as a proposed theory says.

        Args:
            theory_id: The theory.
            came_true: Whether it did.
            note: What was seen, in words.
        """
        recorded = self._desk.memory.validate_theory(theory_id, came_true, note=note)
        return {"theory_id": theory_id, **self._desk.place(recorded.position)}

    @records()
    def state_hypothesis(
        self,
        kind: HypothesisKind,
        subject: Name,
        object: Name,  # noqa: A002
        credence: Credence,
        grounds: str = "",
    ) -> dict[str, Any]:
        """State how two weights are related, and how likely you hold it. It is scored against the model's true map.

        Args:
            kind: same_tensor: one memory. shares_bytes: some memory in common. independent: none, nor computed from.
            subject: A weight's name.
            object: Another.
            credence: The probability that it is so, strictly between 0 and 1.
            grounds: What you conclude it from, in words.
        """
        ends = self._desk.tensor_name(subject), self._desk.tensor_name(object)
        recorded = self._desk.memory.state_hypothesis(kind, *ends, credence, grounds, model=self._desk.model)
        return {
            **self._desk.place(recorded.position),
            "kind": kind,
            "subject": subject,
            "object": object,
            "credence": credence,
        }

    @reads(reveals=True)
    def get_hypothesis_scores(self) -> dict[str, Any]:
        """Say how the stated hypotheses fared against the model's true map: scores, calibration, against chance."""
        return self._desk.memory.hypothesis_scores(model=self._desk.about).to_dict()
