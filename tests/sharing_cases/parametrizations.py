"""Weights that torch computes from others: derived, and never coupled by that alone."""

from __future__ import annotations

import warnings

import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

from .case import Holder, case

_PARTS = "parametrizations.weight."


@case(derived={"0.weight": [f"0.{_PARTS}original0", f"0.{_PARTS}original1"]})
def weight_norm() -> nn.Module:
    return nn.Sequential(parametrizations.weight_norm(nn.Linear(4, 4)))


@case(derived={"weight": [f"{_PARTS}original", f"{_PARTS}0._u", f"{_PARTS}0._v"]})
def spectral_norm() -> nn.Module:
    return parametrizations.spectral_norm(nn.Linear(4, 4)).eval()


@case(derived={"weight": [f"{_PARTS}original", f"{_PARTS}0.base"]})
def orthogonal() -> nn.Module:
    return parametrizations.orthogonal(nn.Linear(4, 4))


class _Symmetric(nn.Module):
    def forward(self, full: torch.Tensor) -> torch.Tensor:
        return full.triu() + full.triu(1).transpose(-1, -2)


class _Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return self.scale * weight


@case(derived={"weight": [f"{_PARTS}original", f"{_PARTS}1.scale"], "bias": ["parametrizations.bias.original"]})
def one_step_after_another() -> nn.Module:
    layer = nn.Linear(4, 4)
    parametrize.register_parametrization(layer, "weight", _Symmetric())
    parametrize.register_parametrization(layer, "weight", _Scaled())
    parametrize.register_parametrization(layer, "bias", nn.Softplus())
    return layer


@case(
    same=[[f"a.{_PARTS}0.scale", f"b.{_PARTS}0.scale"]],
    derived={
        "a.weight": [f"a.{_PARTS}original", f"a.{_PARTS}0.scale"],
        "b.weight": [f"b.{_PARTS}original", f"b.{_PARTS}0.scale"],
    },
)
def one_step_shared_by_two_layers() -> nn.Module:
    model, step = Holder(a=nn.Linear(3, 3), b=nn.Linear(3, 3)), _Scaled()
    for layer in (model.a, model.b):
        parametrize.register_parametrization(layer, "weight", step)
    return model


@case(
    same=[[f"a.{_PARTS}original0", f"b.{_PARTS}original0"], [f"a.{_PARTS}original1", f"b.{_PARTS}original1"]],
    derived={
        "a.weight": [f"a.{_PARTS}original0", f"a.{_PARTS}original1"],
        "b.weight": [f"b.{_PARTS}original0", f"b.{_PARTS}original1"],
    },
)
def one_normalised_layer_under_two_names() -> nn.Module:
    layer = parametrizations.weight_norm(nn.Linear(4, 4, bias=False))
    return Holder(a=layer, b=layer)


@case(same=[[f"head.{_PARTS}original", "embed.weight"]], derived={"head.weight": [f"head.{_PARTS}original"]})
def a_tied_head_that_is_parametrized() -> nn.Module:
    model = Holder(embed=nn.Embedding(10, 4), head=nn.Linear(4, 10, bias=False))
    model.head.weight = model.embed.weight
    parametrize.register_parametrization(model.head, "weight", nn.Softplus())
    return model


@case(derived={"0.weight": [f"0.{_PARTS}original"]})
def looked_at_after_it_was_cached() -> nn.Module:
    layer = nn.Linear(4, 4)
    parametrize.register_parametrization(layer, "weight", _Symmetric())
    with parametrize.cached():
        layer(torch.randn(1, 4))
    return nn.Sequential(layer)


@case()
def a_parametrization_that_was_removed() -> nn.Module:
    layer = parametrizations.weight_norm(nn.Linear(4, 4))
    parametrize.remove_parametrizations(layer, "weight")
    return layer


def _older(make: object, *arguments: object, **options: object) -> nn.Module:
    # The older functions say that they are older; models in the wild still have them.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        layer: nn.Module = make(nn.Linear(4, 4), *arguments, **options)  # type: ignore[operator]
    return layer


@case(derived={"weight": ["weight_g", "weight_v"]})
def the_older_weight_norm() -> nn.Module:
    return _older(nn.utils.weight_norm)


@case(derived={"weight": ["weight_g", "weight_v"]}, unregistered=True, names=["weight", "weight_g", "weight_v", "bias"])
def the_older_weight_norm_and_its_plain_attribute() -> nn.Module:
    return _older(nn.utils.weight_norm)


@case(derived={"weight": ["weight_orig", "weight_u", "weight_v"]})
def the_older_spectral_norm() -> nn.Module:
    return _older(nn.utils.spectral_norm).eval()


@case(derived={"weight": ["weight_orig", "weight_mask"]})
def pruned() -> nn.Module:
    return prune.random_unstructured(nn.Linear(4, 4), "weight", amount=0.5)


@case(derived={"weight": ["weight_orig", "weight_mask"]})
def pruned_twice() -> nn.Module:
    layer = prune.random_unstructured(nn.Linear(6, 6), "weight", amount=0.3)
    return prune.ln_structured(layer, "weight", amount=0.3, n=2, dim=0)


@case()
def pruned_for_good() -> nn.Module:
    return prune.remove(prune.random_unstructured(nn.Linear(4, 4), "weight", amount=0.5), "weight")


@case(
    same=[["a.weight_orig", "b.weight"]],
    derived={"a.weight": ["a.weight_orig", "a.weight_mask"]},
)
def one_of_two_tied_weights_pruned() -> nn.Module:
    model = Holder(a=nn.Linear(4, 4), b=nn.Linear(4, 4))
    model.b.weight = model.a.weight
    prune.random_unstructured(model.a, "weight", amount=0.5)
    return model


@case(derived={"weight_hh_l0": ["parametrizations.weight_hh_l0.original0", "parametrizations.weight_hh_l0.original1"]})
def a_recurrent_weight_normalised() -> nn.Module:
    return parametrizations.weight_norm(nn.LSTM(3, 4), "weight_hh_l0")
