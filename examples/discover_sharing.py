"""Can an agent find out which weights are one tensor? An experiment whose answers are scored against the map.

The agent sees the model only through functions that tell nothing of sharing (`hide_sharing=True`). It lists the
weights, compares those of one shape, and where two look the same it changes one, looks at the other, and takes the
change back. What it concludes it states as hypotheses, with how sure it is. Three models: one whose output layer is
tied to its embedding, one whose output layer is a copy of it (the same values, apart in memory), one of neither; and an
agent that may not touch anything, which has to stop at "they look the same".

    python examples/discover_sharing.py
"""

from __future__ import annotations

import argparse
import json
from itertools import combinations
from typing import Any

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from memory import MemorySystem
from memory.agent.hypothesis_scores import HypothesisScores
from memory.agent.tools import AgentTools

SEEN = ("mean", "std", "min", "max", "l2_norm")


class Explorer:
    """An agent that finds out by looking, and where it may by touching.

    Args:
        tools: The functions it is given; it knows the model through them alone.
    """

    def __init__(self, tools: AgentTools) -> None:
        self._tools = tools
        self._may_touch = "edit_weight" in tools.names

    def explore(self) -> None:
        """Look at every two weights of one shape, and state of each pair whether it is one tensor."""
        by_shape: dict[str, list[str]] = {}
        for name, shape in self._weights():
            by_shape.setdefault(str(shape), []).append(name)
        for names in by_shape.values():
            looks = {name: self._look(name) for name in names}
            touched = {name: self._moved_with(name, names, looks) for name in names} if self._may_touch else {}
            for first, second in combinations(names, 2):
                self._conclude(first, second, looks[first] == looks[second], touched)

    def _conclude(self, first: str, second: str, alike: bool, touched: dict[str, set[str]]) -> None:
        if not alike:
            credence, grounds = 0.01, "their values differ"
        elif not self._may_touch:
            credence, grounds = 0.3, "their values look the same, which a copy's do too"
        elif second in touched[first]:
            credence, grounds = 0.98, "one was changed, and the other changed with it"
        else:
            credence, grounds = 0.01, "one was changed, and the other stayed as it was"
        self._ask(
            "state_hypothesis", kind="same_tensor", subject=first, object=second, credence=credence, grounds=grounds
        )

    def _moved_with(self, name: str, others: list[str], looks: dict[str, Any]) -> set[str]:
        """Change a weight, give those that changed with it, and take the change back."""
        alike = [other for other in others if other != name and looks[other] == looks[name]]
        if not alike:
            return set()
        act = f"touch {name}"
        self._ask("edit_weight", name=name, operation="shift", amount=0.01, reason="does another move?", act=act)
        moved = {other for other in alike if self._look(other) != looks[other]}
        self._ask("undo_act", act=act)
        return moved

    def _look(self, name: str) -> tuple[Any, ...]:
        found = self._ask("get_weight_statistics", name=name)
        return tuple(found[each] for each in SEEN)

    def _weights(self) -> list[tuple[str, list[int]]]:
        found: list[tuple[str, list[int]]] = []
        while True:
            answer = self._ask("list_weights", offset=len(found))
            found += [(each["name"], each["shape"]) for each in answer["weights"]]
            if len(found) >= answer["count"]:
                return found

    def _ask(self, function: str, /, **arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._tools.call(function, json.dumps(arguments)))
        if "error" in answer:
            raise RuntimeError(f"{function}: {answer['error']}")
        return answer


def model_of(kind: str) -> Qwen2ForCausalLM:
    """Make a small Qwen2 whose output layer is `tied` to its embedding, a `copy` of it, or `apart`."""
    torch.manual_seed(3)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=64,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            tie_word_embeddings=kind == "tied",
        )
    ).eval()
    if kind == "copy":
        with torch.no_grad():
            model.lm_head.weight.copy_(model.model.embed_tokens.weight)
    return model


def experiment(kind: str, *, may_touch: bool) -> HypothesisScores:
    """Let an agent explore a model, and give how what it stated fared."""
    with MemorySystem(":memory:", actor="explorer") as memory:
        memory.attach(model_of(kind), name=kind)
        Explorer(memory.agent_tools(hide_sharing=True, allow_writes=may_touch)).explore()
        return memory.hypothesis_scores()


def main() -> None:
    """Run the experiment on each model, and say how it went."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only the tied model")
    for kind in ("tied",) if parser.parse_args().quick else ("tied", "copy", "apart"):
        for may_touch in (True, False):
            print(f"{kind}, {'looks and touches' if may_touch else 'only looks'}:")
            print("  " + str(experiment(kind, may_touch=may_touch)).replace("\n", "\n  "))
            print()


if __name__ == "__main__":
    main()
