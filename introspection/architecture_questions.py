"""Answers to questions in plain words by fixed rules: the first rule whose words occur decides. No guessing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch.nn.parameter import is_lazy

from introspection.attention_layers import AttentionLayer
from introspection.components import Role
from introspection.connections import connections_of
from introspection.descriptions import described, listed
from introspection.features import FEATURES
from introspection.view import View


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of question."""

    name: str
    """Stands in the answer as `answered_by`."""
    words: tuple[str, ...]
    """The question holds one of these, as the beginning of a word, in lower case."""
    example: str
    """A question it answers."""
    answer: Callable[[View], tuple[str, Any]]
    """The answer in words, and the facts it rests on."""


def answer_question(view: View, text: str) -> dict[str, Any]:
    """Answers a question about the architecture, or says what can be asked.

    A question that names a module or tensor is about that one: with "connect", "feed", "input", "output", "flow",
    "read", "before" or "after" about its connections, otherwise about what it is. Any other goes to the first rule of
    `RULES` one of whose words it holds.

    Returns:
        `question`, `answered_by` (a rule's name; None if none fits), `answer`, `data`, `source`; and `can_answer`
        (examples) where none fits.
    """
    lowered = text.lower()
    named = _named(view, text)
    if named is not None:
        if re.search(r"\b(connect|feed|input|output|flow|read|before|after)", lowered):
            facts = connections_of(view, named)
            reads, goes = ([end["module"] for end in facts[key]] for key in ("inputs_from", "outputs_to"))
            words = (
                f"{named} reads {listed(reads) or 'nothing known'}; it is read by {listed(goes) or 'nothing known'}."
            )
            return _answer(view, text, "connections of a module", words, facts)
        facts = described(view, named)
        return _answer(view, text, "description of a module or tensor", facts["description"], facts)
    for rule in RULES:
        if any(re.search(rf"\b{re.escape(word)}", lowered) for word in rule.words):
            words, facts = rule.answer(view)
            return _answer(view, text, rule.name, words, facts)
    known = [rule.example for rule in RULES]
    words = "No rule answers this. Name a module or tensor of the model, or ask one of the questions in can_answer."
    return {**_answer(view, text, None, words, {}), "can_answer": known}


def _answer(view: View, text: str, rule: str | None, words: str, facts: Any) -> dict[str, Any]:
    return {"question": text, "answered_by": rule, "answer": words, "data": facts, **view.source}


def _named(view: View, text: str) -> str | None:
    """The longest name of a module or tensor that stands in the text as a word of its own."""
    words = {word.strip("`'\"?!,:;()").rstrip(".") for word in text.split()}
    known = {name for names in view.names.values() for name in names if name} | set(view.sharing.names)
    # A name without a dot can be an ordinary word ("decoder"): it counts only where it is set off by quotes.
    quoted = set(re.findall(r"[`'\"]([^`'\"]+)[`'\"]", text))
    found = [name for name in (words | quoted) & known if "." in name or "_" in name or name in quoted]
    return max(found, key=len, default=None)


def _feature(*names: str) -> Callable[[View], tuple[str, Any]]:
    def answer(view: View) -> tuple[str, Any]:
        seen = view.features
        if seen is None:
            return f"Not known: {view.source['reason']}.", {}
        facts = {
            name: {"found": seen[name].value, "evidence": list(seen[name].evidence), "note": seen[name].note}
            for name in names
        }
        words = "; ".join(
            f"{name.replace('_', ' ')}: {fact['found'] or 'could not be told'}"
            + (f" ({fact['note']})" if fact["note"] else "")
            for name, fact in facts.items()
        )
        return f"{words}.", facts

    return answer


def _heads(layer: AttentionLayer) -> str:
    counts = f"{layer.heads} query and {layer.key_value_heads} key-value heads of {layer.head_size} elements"
    return f"{layer.kind} with {counts}"


def _attention(view: View) -> tuple[str, Any]:
    layers = view.attention
    facts = {
        "count": len(layers),
        "layers": [
            {
                "path": layer.path,
                "kind": layer.kind,
                "heads": layer.heads,
                "key_value_heads": layer.key_value_heads,
                "head_size": layer.head_size,
                "causal": layer.causal,
                "cross": layer.cross,
            }
            for layer in layers
        ],
    }
    kinds = Counter(_heads(layer) for layer in layers if layer.kind)
    how = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    words = f"{len(layers)} attention layer{'s' if len(layers) != 1 else ''}{f' ({how})' if how else ''}"
    return f"{words}: {listed(layer.path for layer in layers)}." if layers else f"{words}.", facts


def _of_kind(kind: str, plural: str) -> Callable[[View], tuple[str, Any]]:
    def answer(view: View) -> tuple[str, Any]:
        found: dict[str, Role] = {path: role for path, role in view.roles.items() if role.kind == kind}
        kinds = Counter(role.variant or type(view.modules[path]).__name__ for path, role in found.items())
        how = ", ".join(f"{count} {name}" for name, count in kinds.items())
        words = f"{len(found)} {plural}{f' ({how})' if how else ''}"
        return (
            f"{words}: {listed(found)}." if found else f"{words}.",
            {"count": len(found), "modules": {path: role.variant for path, role in found.items()}},
        )

    return answer


def _sharing(view: View) -> tuple[str, Any]:
    groups = [sorted(group) for group in view.sharing.groups]
    overlaps = [
        sorted(pair)
        for pair, relation in sorted(view.sharing.relations.items(), key=lambda entry: sorted(entry[0]))
        if relation.kind != "same"
    ]
    words = [f"{listed(group)} are one storage" for group in groups]
    words += [f"{' and '.join(pair)} overlap" for pair in overlaps]
    return f"{'; '.join(words) or 'No two names share memory'}.", {"shared_groups": groups, "overlaps": overlaps}


def _stacks(view: View) -> tuple[str, Any]:
    rows = [
        {"path": path, "module_type": type(view.modules[blocks[0]]).__name__, "count": len(blocks)}
        for path, blocks in view.stacks()
    ]
    again = {} if view.flow is None else {path: count for path, count in view.flow.calls.items() if count > 1}
    words = [f"{row['count']} × {row['module_type']} in {row['path'] or 'the model'}" for row in rows]
    held = {path for path in again if any(child is not None for child in view.modules[path]._modules.values())}
    outer = [path for path in sorted(held) if not any(path.startswith(f"{other}.") for other in held)]
    words += [f"{path} is applied {again[path]} times" for path in outer]
    return f"{'; '.join(words) or 'No stack of blocks'}.", {"stacks": rows, "called_more_than_once": again}


def _size(view: View) -> tuple[str, Any]:
    once = {view.sharing.storage_key(held.name): held for held in view.tensors if held.kind == "parameter"}
    sizes = {key: held.tensor.numel() for key, held in once.items() if not is_lazy(held.tensor)}
    total = sum(sizes.values())
    largest = sorted(sizes, key=lambda key: -sizes[key])[:5]
    words = f"{total:,} parameter elements in {len(once)} storages; the largest: {listed(largest)}."
    facts = {"elements": total, "storages": len(once), "largest": {key: sizes[key] for key in largest}}
    return words, facts


def _ends(view: View) -> tuple[str, Any]:
    flow = view.flow
    if flow is None:
        return f"Not known: {view.source['reason']}.", {}
    facts = {kind: [node.path for node in flow.nodes if node.kind == kind] for kind in ("input", "output")}
    return f"It reads {listed(facts['input'])} and returns {listed(facts['output'])}.", facts


RULES: tuple[Rule, ...] = (
    Rule(
        "sharing",
        ("share", "sharing", "tied", "tie ", "ties", "alias", "same weight"),
        "Which weights are shared?",
        _sharing,
    ),
    Rule(
        "reuse",
        ("reuse", "reused", "applied", "recurr", "layer sharing"),
        "Is any layer reused?",
        _feature("layer_reuse"),
    ),
    Rule("position", ("position", "rotary", "rope"), "How are positions encoded?", _feature("position")),
    Rule(
        "attention",
        ("attention", "head", "gqa", "mqa", "query", "key", "causal"),
        "How many attention layers are there?",
        _attention,
    ),
    Rule(
        "normalization",
        ("norm", "rmsnorm", "layernorm"),
        "Which normalization does it use, and where?",
        lambda view: _both(_of_kind("normalization", "normalization layers")(view), _feature("norm_placement")(view)),
    ),
    Rule("experts", ("expert", "router", "mixture"), "Does it have experts?", _feature("experts")),
    Rule(
        "feed_forward",
        ("feed", "mlp", "ffn", "gated", "swiglu", "activation"),
        "Is the feed-forward layer gated?",
        _feature("feed_forward", "activation"),
    ),
    Rule(
        "residual",
        ("residual", "skip"),
        "How are the residual additions arranged?",
        _feature("residual", "norm_placement"),
    ),
    Rule("embedding", ("embed", "vocab"), "Which embeddings does it have?", _of_kind("embedding", "embeddings")),
    Rule("dropout", ("dropout",), "Where is dropout?", _of_kind("dropout", "dropout layers")),
    Rule("convolution", ("conv",), "Which convolutions does it have?", _of_kind("convolution", "convolutions")),
    Rule("bias", ("bias",), "Do the projections have biases?", _feature("biases")),
    Rule(
        "linear",
        ("linear", "projection", "dense"),
        "How many linear layers are there?",
        _of_kind("linear", "linear layers"),
    ),
    Rule("inputs_outputs", ("input", "output", "returns", "takes"), "What are its inputs and outputs?", _ends),
    Rule("stacks", ("layer", "block", "stack", "deep", "depth"), "How many layers does it have?", _stacks),
    Rule("size", ("parameter", "size", "big", "large", "weights"), "How many parameters does it have?", _size),
    Rule(
        "structure",
        ("structure", "architecture", "kind of model", "type of model", "encoder", "decoder", "summary", "overview"),
        "What kind of architecture is it?",
        _feature(*FEATURES),
    ),
)
"""Every rule, in the order they are tried."""


def _both(one: tuple[str, Any], other: tuple[str, Any]) -> tuple[str, Any]:
    return f"{one[0]} {other[0]}", {**one[1], **other[1]}
