"""What gradients of parameters say of a model's layers, in numbers for each and in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import nn

from introspection.layer_calls import layer_stacks
from introspection.similarity_measures import number


def layers_of(model: nn.Module, entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The gradients of each block of the model's stacks, all its storages together.

    A storage that several blocks hold counts for each of them.

    Args:
        model: The model.
        entries: What `gradient_statistics` gives for every storage.

    Returns:
        For each block with gradients: `layer`, `stack`, `norm`, `rms` (root mean square over elements).
    """
    found = []
    for stack, members in layer_stacks(model).items():
        for layer in members:
            prefix = f"{layer}." if layer else ""
            held = [
                entry
                for entry in entries
                if entry["norm"] is not None and any(name.startswith(prefix) for name in entry["names"])
            ]
            squared = sum(entry["norm"] ** 2 for entry in held)
            elements = sum(entry["num_elements"] for entry in held)
            if elements:
                found.append(
                    {
                        "layer": layer,
                        "stack": stack,
                        "norm": number(math.sqrt(squared)),
                        "rms": number(math.sqrt(squared / elements)),
                    }
                )
    return found


def gradient_findings(result: dict[str, Any], vanishing_ratio: float, exploding_norm: float) -> list[str]:
    """What is to be noticed in the result of `GradientAnalyzer.layer_gradients`, in sentences."""
    findings = []
    for entry in result["parameters"]:
        if entry["nan_count"] or entry["inf_count"]:
            findings.append(
                f"the gradient of {entry['name']} has {entry['nan_count']} NaN and {entry['inf_count']} infinities"
            )
        elif not entry["reached"]:
            findings.append(f"the target does not depend on {entry['name']}")
        elif entry["abs_max"] == 0:
            findings.append(f"the gradient of {entry['name']} is zero everywhere")
    norm = result["global_norm"]
    if norm is None or norm > exploding_norm:
        findings.append(f"gradients explode: their norm is {'not finite' if norm is None else format(norm, '.4g')}")
    stacks: dict[str, list[dict[str, Any]]] = {}
    for layer in result["layers"]:
        stacks.setdefault(layer["stack"], []).append(layer)
    for stack, layers in stacks.items():
        first, last = layers[0], layers[-1]
        if len(layers) < 2 or not first["rms"] or not last["rms"]:
            continue
        ratio = first["rms"] / last["rms"]
        each = ratio ** (1 / (len(layers) - 1))
        if ratio < vanishing_ratio:
            findings.append(
                f"gradients vanish towards the input of {stack or 'the model'}: those of {first['layer']} are "
                f"{ratio:.3g} of those of {last['layer']}, a factor of {each:.3g} a layer"
            )
        elif ratio > 1 / vanishing_ratio:
            findings.append(
                f"gradients explode towards the input of {stack or 'the model'}: those of {first['layer']} are "
                f"{ratio:.3g} times those of {last['layer']}, a factor of {each:.3g} a layer"
            )
    return findings
