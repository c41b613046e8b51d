"""Answers about captured activations by name: statistics, comparison of two captures, what a layer gave; all JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from introspection.activation_store import Activations
from introspection.alignment import linear_cka
from introspection.errors import NothingCaptured, UnknownName
from introspection.similarity_measures import mean_cosine, number, relative_change, widened
from introspection.statistics import tensor_statistics


def statistics_of(
    captured: Activations, name: str, model_changed: bool | None, options: dict[str, Any]
) -> dict[str, Any]:
    """Statistics of one captured tensor; see `ActivationMonitor.get_activation_statistics`."""
    if not captured:
        raise NothingCaptured((name,), "no capture was made yet", "call capture_activations first")
    layers = {each: layer for layer, names in captured.names.items() for each in names}
    if name not in captured:
        raise UnknownName(name, captured, where="the last capture")
    tensor, layer = captured[name], layers[name]
    return {
        "name": name,
        "shape": list(tensor.shape),
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "calls": captured.calls[layer],
        "others": [other for other in captured.names[layer] if other != name],
        "model_changed": model_changed,
        **tensor_statistics(tensor, name=name, **options),
    }


def with_capture(
    described: list[dict[str, Any]], captured: Activations, met: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Descriptions of layers with what the capture has of each: `calls`, `input_shapes`, `outputs`.

    Args:
        described: What `describe_layers` gives.
        captured: A capture.
        met: The name under which it has a layer, by the layer's path.
    """
    return [
        {
            **each,
            "calls": captured.calls.get(met[each["name"]], 0),
            "input_shapes": captured.input_shapes.get(met[each["name"]], []),
            "outputs": {
                name: {
                    "shape": list(captured[name].shape),
                    "dtype": str(captured[name].dtype).removeprefix("torch."),
                }
                for name in captured.names.get(met[each["name"]], [])
            },
        }
        for each in described
    ]


def compare(a: Activations, b: Activations, layers: Iterable[str] | None = None) -> dict[str, Any]:
    """How far two captures differ, tensor by tensor; JSON-serialisable.

    Rows are the vectors of the last dimension, one for each token; those of padding are left out. Tensors of different
    length are compared by the means of their rows.

    Args:
        a: A capture.
        b: Another, of the same model or of one with layers of the same names.
        layers: The layers to compare; None: all.

    Returns:
        `layers`: for each name both have, `shapes`, `compared` ("elements", "means" or None where the widths differ),
        `equal` (every bit the same), `cosine` (mean over rows), `relative_change` (||b − a|| / ||a||),
        `max_difference`, `linear_cka` (of elements only). `only_in_a`, `only_in_b`; `most_changed`: the name with the
        largest relative change; None if nothing changed.

    Raises:
        UnknownName: A layer that neither capture has.
    """
    wanted = None if layers is None else set(layers)
    for layer in wanted or ():
        if layer not in a.names and layer not in b.names:
            raise UnknownName(layer, [*a.names, *b.names], where="neither capture: each of them")
    names_a, names_b = (
        [name for layer, names in each.names.items() if wanted is None or layer in wanted for name in names]
        for each in (a, b)
    )
    layer_of = {name: layer for layer, names in a.names.items() for name in names}
    compared = {name: _compared(a, b, name, layer_of[name]) for name in names_a if name in set(names_b)}
    changes = {
        name: each["relative_change"] for name, each in compared.items() if each["relative_change"] not in (None, 0.0)
    }
    return {
        "layers": compared,
        "only_in_a": [name for name in names_a if name not in set(names_b)],
        "only_in_b": [name for name in names_b if name not in set(names_a)],
        "most_changed": max(changes, key=changes.__getitem__) if changes else None,
    }


def _compared(a: Activations, b: Activations, name: str, layer: str) -> dict[str, Any]:
    one, other = a[name], b[name]
    result: dict[str, Any] = {
        "shapes": [list(one.shape), list(other.shape)],
        "compared": None,
        "equal": _same_bits(one, other),
        **dict.fromkeys(("cosine", "relative_change", "max_difference", "linear_cka")),
    }
    rows, others = _rows(one, a.sequence_of(layer).mask), _rows(other, b.sequence_of(layer).mask)
    if rows is None or others is None or rows.shape[1] != others.shape[1] or not len(rows) or not len(others):
        return result
    by_element = one.shape == other.shape and rows.shape == others.shape
    if not by_element:
        rows, others = rows.mean(0, keepdim=True), others.mean(0, keepdim=True)
    difference = float((others - rows).abs().max()) if rows.numel() else 0.0
    return result | {
        "compared": "elements" if by_element else "means",
        "cosine": mean_cosine(rows, others),
        "relative_change": relative_change(rows, others),
        "max_difference": number(difference),
        "linear_cka": linear_cka(rows, others) if by_element else None,
    }


def _rows(tensor: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor | None:
    """The vectors of the last dimension in float64, without those of padding; None for what has no real vectors."""
    if tensor.ndim == 0 or tensor.is_complex() or tensor.layout is not torch.strided or tensor.is_nested:
        return None
    values = widened(tensor)
    if mask is not None and tensor.ndim >= 3 and tensor.shape[:2] == mask.shape:
        values = values[mask.to(values.device)]
    return values.reshape(-1, values.shape[-1]) if values.shape[-1] else None


def _same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype or one.layout is not torch.strided or one.is_nested:
        return False
    flat, flat_other = one.contiguous().view(-1), other.contiguous().to(one.device).view(-1)
    return torch.equal(flat.view(torch.uint8), flat_other.view(torch.uint8))
