"""What an agent asks about what attention looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory.agent.bounding import Page
from memory.agent.desk import Desk, Name, Offset, Text
from memory.agent.marks import reads

if TYPE_CHECKING:
    from introspection import ActivationMonitor


class AttentionTools:
    """What the heads of a layer do on a text.

    Args:
        desk: The model and the record they are about.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @reads()
    def get_attention_patterns(self, text: Text, layer: Name, offset: Offset = 0) -> dict[str, Any]:
        """Say what each attention head of a layer does on a text: its pattern, and its mean entropy in nats.

        Args:
            text: What the model reads.
            layer: The path of an attention module, or of a module around one.
            offset: How many heads to skip.
        """
        found = self._captured(text, layer).get_attention_patterns(layer)
        heads = [
            {"head": each["head"], "pattern": each["pattern"], "entropy": each["entropy"], "scores": each["scores"]}
            for each in found["heads"]
        ]
        return {"layer": found["name"], "entropy": found["entropy"], "heads": Page.of(heads, offset)}

    @reads()
    def get_attention_entropy(self, text: Text, layer: Name, head: int) -> dict[str, Any]:
        """Give the entropy, in nats, of one head's attention for each token: 0 looks at one, high at many evenly.

        Args:
            text: What the model reads.
            layer: The path of an attention module, or of a module around one.
            head: Which head, from 0.
        """
        found = self._captured(text, layer).get_attention_patterns(layer, head)
        return {
            "layer": found["name"],
            "head": head,
            "pattern": found["pattern"],
            "mean_entropy": found["entropy"],
            "entropy_by_token": found["row_entropy"][0],
        }

    @reads()
    def get_head_specialisation(self, text: Text, layer: Name) -> dict[str, Any]:
        """Say how far the heads of a layer do different things on a text, and which is the most distinct.

        Args:
            text: What the model reads.
            layer: The path of an attention module, or of a module around one.
        """
        return self._captured(text, layer).get_head_specialisation(layer)

    @reads()
    def get_token_attention(self, text: Text, layer: Name, offset: Offset = 0) -> dict[str, Any]:
        """Say what each token of a text attends to and how much it is attended to, averaged over a layer's heads.

        Args:
            text: What the model reads.
            layer: The path of an attention module, or of a module around one.
            offset: How many tokens to skip.
        """
        found = self._captured(text, layer).get_token_attention(layer)
        return {"layer": found["name"], "tokens": Page.of(found["tokens"], offset)}

    def _captured(self, text: str, layer: str) -> ActivationMonitor:
        monitor = self._desk.monitor
        monitor.capture_attention_weights(text, [layer])
        return monitor
