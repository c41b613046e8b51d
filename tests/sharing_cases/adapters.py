"""Adapters of peft: beside the weights, merged into them, and on tied weights."""

from __future__ import annotations

import warnings

import torch
from torch import nn

from .case import Holder, case, embedding_and_head


class _Body(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.second(self.first(self.embed(tokens))))
        return logits


_TIE = ["base_model.model.embed.weight", "base_model.model.head.weight"]


def _adapted(config: object, model: nn.Module | None = None) -> nn.Module:
    from peft import get_peft_model

    with warnings.catch_warnings():
        # peft advises against adapting a tied layer, which is what some of these cases are.
        warnings.simplefilter("ignore")
        adapted: nn.Module = get_peft_model(model or _Body(), config)
    return _trained(adapted)


def _trained(adapted: nn.Module) -> nn.Module:
    """The model with adapters that do something: they begin at zero."""
    for name, parameter in adapted.named_parameters():
        if "base_layer" not in name and (not parameter.any() or "ia3_l" in name):
            nn.init.normal_(parameter)
    return adapted


def _lora(**options: object) -> object:
    from peft import LoraConfig

    return LoraConfig(r=2, **{"target_modules": ["first", "second"], **options})


@case(same=[_TIE])
def lora_beside_its_layers() -> nn.Module:
    return _adapted(_lora())


def _merged(layer: str, *parts: str) -> dict[str, list[str]]:
    path = f"base_model.model.{layer}"
    return {f"{path}.base_layer.weight": [f"{path}.{part}" for part in parts]}


def _merged_anew(model: nn.Module, name: str) -> torch.Tensor:
    """What merging adds to a tensor: its adapter is taken out, and put in again as it is now."""
    path, _, last = name.rpartition(".base_layer.")
    # A name beside the layer has the bytes of the embedding's.
    layer = model.get_submodule(path or "base_model.model.embed")
    merged = list(layer.merged_adapters)
    with warnings.catch_warnings():
        # What was multiplied in is divided out inexactly, and peft says so.
        warnings.simplefilter("ignore")
        layer.unmerge()
    before = layer.get_base_layer().get_parameter(last if path else "weight").detach().clone()
    layer.merge(adapter_names=merged)
    return layer.get_base_layer().get_parameter(last if path else "weight").detach() - before


_LORA = ("lora_A.default.weight", "lora_B.default.weight")


@case(same=[_TIE], derived={**_merged("first", *_LORA), **_merged("second", *_LORA)}, recompute=_merged_anew)
def lora_merged() -> nn.Module:
    model = _adapted(_lora())
    model.merge_adapter()
    return model


@case(same=[_TIE])
def lora_merged_and_unmerged() -> nn.Module:
    model = _adapted(_lora())
    model.merge_adapter()
    model.unmerge_adapter()
    return model


@case(same=[["embed.weight", "head.weight"]])
def lora_merged_and_unloaded() -> nn.Module:
    model: nn.Module = _adapted(_lora()).merge_and_unload()
    return model


@case(same=[_TIE], derived=_merged("first", *_LORA, "lora_magnitude_vector.default.weight"), recompute=_merged_anew)
def dora_merged() -> nn.Module:
    model = _adapted(_lora(target_modules=["first"], use_dora=True))
    model.merge_adapter()
    return model


@case(same=[_TIE], derived=_merged("first", "lora_A.other.weight", "lora_B.other.weight"), recompute=_merged_anew)
def one_of_two_adapters_merged() -> nn.Module:
    model = _adapted(_lora(target_modules=["first"]))
    model.add_adapter("other", _lora(target_modules=["first"]))
    _trained(model)
    model.merge_adapter(["other"])
    return model


_HALF_TIE = ["base_model.model.embed.base_layer.weight", "base_model.model.head.weight"]


@case(same=[_HALF_TIE])
def lora_on_one_side_of_a_tie() -> nn.Module:
    return _adapted(_lora(target_modules=["embed"]))


@case(
    same=[_HALF_TIE],
    derived={
        name: [f"base_model.model.embed.lora_embedding_{letter}.default" for letter in "AB"] for name in _HALF_TIE
    },
    recompute=_merged_anew,
)
def lora_merged_on_one_side_of_a_tie() -> nn.Module:
    # Merged in place: the head, that was never to be adapted, is written too.
    model = _adapted(_lora(target_modules=["embed"]))
    model.merge_adapter()
    return model


def _vera() -> nn.Module:
    from peft import VeraConfig

    return _adapted(VeraConfig(r=2, target_modules=["first", "second"]))


_IA3 = "base_model.model.first.ia3_l.default"
_VERA = [
    [f"base_model.{path}vera_{letter}.default" for path in ("", "model.first.", "model.second.")] for letter in "AB"
]
_VERA_PARTS = ("vera_lambda_b.default", "vera_lambda_d.default", "vera_A.default", "vera_B.default")


@case(same=[_TIE, *_VERA])
def vera_shares_its_projections() -> nn.Module:
    return _vera()


@case(same=[_TIE, *_VERA], derived=_merged("first", *_VERA_PARTS), recompute=_merged_anew)
def vera_merged_into_one_layer() -> nn.Module:
    model = _vera()
    model.base_model.model.first.merge()
    return model


@case(
    same=[
        [
            "base_model.model.embed.token_adapter.base_layer.weight",
            "base_model.model.head.weight",
        ]
    ]
)
def trainable_tokens_beside_a_tie() -> nn.Module:
    return _adapted(_lora(target_modules=["first"], trainable_token_indices={"embed": [1, 2]}))


@case(
    same=[_TIE],
    derived={f"base_model.model.first.base_layer.{part}": [_IA3] for part in ("weight", "bias")},
    recompute=_merged_anew,
)
def ia3_merged() -> nn.Module:
    from peft import IA3Config

    model = _adapted(IA3Config(target_modules=["first", "second"], feedforward_modules=[]))
    model.base_model.model.first.merge()
    return model


@case(same=[["base_model.model.embed.weight", "base_model.model.head.original_module.weight"]])
def a_head_kept_as_a_trained_copy() -> nn.Module:
    return _adapted(_lora(modules_to_save=["head"]))


@case(same=[["adapters.0.down", "adapters.1.down"]])
def adapters_that_share_their_factors() -> nn.Module:
    down = nn.Parameter(torch.randn(2, 4))
    return Holder(
        body=embedding_and_head(tied=False),
        adapters=nn.ModuleList(Holder(down=down, up=torch.randn(4, 2)) for _ in range(2)),
    )
