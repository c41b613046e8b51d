"""Known architectures as lists of features, and the comparison of a model's observed features with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from introspection.errors import InvalidArgument
from introspection.features import FEATURES, Feature


@dataclass(frozen=True, slots=True)
class Pattern:
    """What an architecture is known by."""

    title: str
    """Its name, and where it was described."""
    expected: Mapping[str, tuple[str, ...]]
    """Feature to the values that fit."""


_ANY_ATTENTION = ("multi-head", "grouped-query", "multi-query")
_LLAMA: dict[str, tuple[str, ...]] = {
    "structure": ("decoder-only",),
    "attention": ("multi-head", "grouped-query"),
    "query_key_value": ("split",),
    "normalization": ("RMSNorm",),
    "norm_placement": ("pre",),
    "residual": ("sequential",),
    "feed_forward": ("gated",),
    "activation": ("silu",),
    "position": ("rotary",),
    "biases": ("none",),
}
_BERT: dict[str, tuple[str, ...]] = {
    "structure": ("encoder-only",),
    "attention": ("multi-head",),
    "query_key_value": ("split",),
    "normalization": ("LayerNorm",),
    "norm_placement": ("post",),
    "residual": ("sequential",),
    "feed_forward": ("plain",),
    "activation": ("gelu",),
    "position": ("learned",),
    "biases": ("all",),
    "layer_reuse": ("no",),
}

PATTERNS: dict[str, Pattern] = {
    "transformer": Pattern(
        "Transformer (Vaswani et al. 2017, arXiv:1706.03762)",
        {
            "structure": ("encoder-decoder",),
            "attention": ("multi-head",),
            "query_key_value": ("split",),
            "normalization": ("LayerNorm",),
            "norm_placement": ("post",),
            "residual": ("sequential",),
            "feed_forward": ("plain",),
            "activation": ("relu",),
            "tied_embeddings": ("yes",),
            "layer_reuse": ("no",),
        },
    ),
    "gpt": Pattern(
        "GPT-2 (Radford et al. 2019, Language Models are Unsupervised Multitask Learners)",
        {
            "structure": ("decoder-only",),
            "attention": ("multi-head",),
            "query_key_value": ("fused",),
            "normalization": ("LayerNorm",),
            "norm_placement": ("pre",),
            "residual": ("sequential",),
            "feed_forward": ("plain",),
            "activation": ("gelu",),
            "position": ("learned",),
            "biases": ("all",),
            "tied_embeddings": ("yes",),
            "layer_reuse": ("no",),
        },
    ),
    "bert": Pattern("BERT (Devlin et al. 2018, arXiv:1810.04805)", _BERT),
    "albert": Pattern("ALBERT (Lan et al. 2019, arXiv:1909.11942)", {**_BERT, "layer_reuse": ("yes",)}),
    "t5": Pattern(
        "T5 (Raffel et al. 2019, arXiv:1910.10683)",
        {
            "structure": ("encoder-decoder",),
            "attention": ("multi-head",),
            "query_key_value": ("split",),
            "normalization": ("RMSNorm",),
            "norm_placement": ("pre",),
            "residual": ("sequential",),
            "feed_forward": ("plain", "gated"),
            "activation": ("relu", "gelu"),
            "position": ("relative",),
            "biases": ("none",),
            "layer_reuse": ("no",),
        },
    ),
    "llama": Pattern("Llama (Touvron et al. 2023, arXiv:2302.13971)", _LLAMA),
    "mistral": Pattern(
        "Mistral (Jiang et al. 2023, arXiv:2310.06825)",
        {**_LLAMA, "attention": ("grouped-query",), "tied_embeddings": ("no",)},
    ),
    "mixtral": Pattern(
        "Mixtral (Jiang et al. 2024, arXiv:2401.04088)",
        {
            **{name: values for name, values in _LLAMA.items() if name != "feed_forward"},
            "attention": ("grouped-query",),
            "experts": ("yes",),
        },
    ),
    "qwen2": Pattern("Qwen2 (Yang et al. 2024, arXiv:2407.10671)", {**_LLAMA, "biases": ("all",)}),
    "gpt_neox": Pattern(
        "GPT-NeoX (Black et al. 2022, arXiv:2204.06745)",
        {
            "structure": ("decoder-only",),
            "attention": ("multi-head",),
            "query_key_value": ("fused",),
            "normalization": ("LayerNorm",),
            "norm_placement": ("pre",),
            "residual": ("parallel",),
            "feed_forward": ("plain",),
            "activation": ("gelu",),
            "position": ("rotary",),
            "tied_embeddings": ("no",),
        },
    ),
    "vit": Pattern(
        "Vision Transformer (Dosovitskiy et al. 2020, arXiv:2010.11929)",
        {
            "structure": ("encoder-only",),
            "attention": ("multi-head",),
            "normalization": ("LayerNorm",),
            "norm_placement": ("pre",),
            "residual": ("sequential",),
            "feed_forward": ("plain",),
            "activation": ("gelu",),
            "position": ("learned",),
        },
    ),
}
"""Every pattern by its name."""

_ALIASES = {
    "gpt2": "gpt",
    "gpt-2": "gpt",
    "qwen": "qwen2",
    "gpt-neox": "gpt_neox",
    "neox": "gpt_neox",
    "roberta": "bert",
}


def pattern_named(name: str) -> tuple[str, Pattern]:
    """The pattern of this name, whatever its case.

    Raises:
        InvalidArgument: There is none.
    """
    key = name.strip().lower() if isinstance(name, str) else ""
    key = _ALIASES.get(key, key)
    if key not in PATTERNS:
        raise InvalidArgument("pattern", name, f"give one of {', '.join(PATTERNS)}")
    return key, PATTERNS[key]


def compare(name: str, observed: Mapping[str, Feature] | None) -> list[dict[str, Any]]:
    """Every feature the pattern expects against what was observed.

    Args:
        name: A pattern.
        observed: The model's features; None if they could not be observed.

    Returns:
        For each feature: `feature`, `meaning`, `expected` (the values that fit), `found`, `status` (`found`: it fits;
        `differs`: something else is there; `not_found`: the model has nothing of the kind, or it could not be told),
        `evidence` (paths), `note`.

    Raises:
        InvalidArgument: No pattern has this name.
    """
    _, pattern = pattern_named(name)
    rows: list[dict[str, Any]] = []
    for feature, expected in pattern.expected.items():
        seen = (observed or {}).get(feature, Feature(None))
        status = "not_found" if seen.value in {None, "none found"} else "found" if seen.value in expected else "differs"
        rows.append(
            {
                "feature": feature,
                "meaning": FEATURES[feature],
                "expected": list(expected),
                "found": seen.value,
                "status": status,
                "evidence": list(seen.evidence),
                "note": seen.note,
            }
        )
    return rows
