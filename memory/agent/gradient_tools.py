"""What an agent asks about gradients: what its output hangs on."""

from __future__ import annotations

from typing import Any, Literal

from memory.agent.bounding import Page
from memory.agent.desk import NONE_NAMED, Desk, Limit, Name, Names, Offset, Text
from memory.agent.marks import reads

_GRADIENT = ("names", "norm", "rms", "relative_norm", "abs_max", "nan_count", "inf_count")
Target = Literal["logit", "log_probability", "loss"]
Measure = Literal["gradient_norm", "gradient_x_input", "integrated_gradients"]


class GradientTools:
    """What the model's output is sensitive to. Nothing of the model changes.

    Args:
        desk: The model and the record they are about.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @reads()
    def get_input_sensitivity(
        self, text: Text, token: Name = "", position: int = -1, measure: Measure = "gradient_x_input", limit: Limit = 10
    ) -> dict[str, Any]:  # fmt: skip
        """Say which tokens of a text the model's prediction depends on most.

        Args:
            text: What the model reads.
            token: The predicted token that is meant, in words; empty for the most probable one.
            position: Whose prediction is meant: a token's place, from 0; negative ones count from the end.
            measure: What to rank by: sensitivity to a change, to removal to first order, or to removal all the way.
            limit: The most tokens to give.
        """
        found = self._desk.analyzer.influential_tokens(
            text, limit, measure=measure, token=token or None, position=position
        )["inputs"][0]
        tokens = [
            {"position": each["position"], "token": each["token"], "score": each["score"], "share": each["share"]}
            for each in found.pop("tokens")
        ]
        return {**found, "tokens": Page(tokens)}

    @reads(reveals=True)
    def get_layer_gradients(
        self, text: Text, target: Target = "loss", weights: Names = NONE_NAMED, offset: Offset = 0
    ) -> dict[str, Any]:  # fmt: skip
        """Give the gradient of the model's loss on a text for each layer and weight, largest first, with findings.

        Args:
            text: What the model reads, and should have predicted.
            target: What to take the gradient of.
            weights: Names of weights or paths of modules; empty for all.
            offset: How many weights to skip.
        """
        found = self._desk.analyzer.layer_gradients(text, target=target, parameters=list(weights) or None)
        rows = sorted(found["parameters"], key=lambda each: -(each["norm"] or 0.0))
        return {
            "target": found["target"],
            "value": found["value"],
            "global_norm": found["global_norm"],
            "findings": found["findings"],
            "layers": [{"layer": each["layer"], "norm": each["norm"]} for each in found["layers"]],
            "weights": Page.of([{name: each[name] for name in _GRADIENT if name in each} for each in rows], offset),
        }
