"""Models inside of other models: prefixes, traced and scripted copies."""

from __future__ import annotations

import warnings

import torch
from torch import nn

from .case import Holder, case, embedding_and_head


@case(same=[["_orig_mod.embed.weight", "_orig_mod.head.weight"]])
def a_compiled_model() -> nn.Module:
    # Wrapped only: nothing is compiled before it is called.
    model: nn.Module = torch.compile(embedding_and_head())
    return model


@case(
    same=[
        [
            "compiled._orig_mod.embed.weight",
            "compiled._orig_mod.head.weight",
            "plain.embed.weight",
            "plain.head.weight",
        ],
        ["compiled._orig_mod.norm.weight", "plain.norm.weight"],
        ["compiled._orig_mod.norm.bias", "plain.norm.bias"],
    ]
)
def a_compiled_model_beside_its_original() -> nn.Module:
    model = embedding_and_head()
    return Holder(plain=model, compiled=torch.compile(model))


@case(same=[["embed.weight", "head._orig_mod.weight"]])
def a_compiled_head() -> nn.Module:
    model = embedding_and_head()
    model.head = torch.compile(model.head)
    return model


@case(same=[["module.embed.weight", "module.head.weight"]])
def a_data_parallel_model() -> nn.Module:
    return nn.DataParallel(embedding_and_head())


@case(same=[["_orig_mod.module.embed.weight", "_orig_mod.module.head.weight"]])
def a_compiled_data_parallel_model() -> nn.Module:
    model: nn.Module = torch.compile(nn.DataParallel(embedding_and_head()))
    return model


class _Logits(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.embed(tokens))
        return logits


@case(same=[["embed.weight", "head.weight"]])
def a_symbolically_traced_model() -> nn.Module:
    return torch.fx.symbolic_trace(_Logits())


@case(same=[["embed.weight", "head.weight"]])
def a_scripted_model() -> nn.Module:
    # Scripting says that it is deprecated; models in the wild are still scripted.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        model: nn.Module = torch.jit.script(_Logits())
    return model


@case(same=[["embed.weight", "head.weight"]])
def an_exported_model() -> nn.Module:
    return torch.export.export(_Logits(), (torch.tensor([[1, 2]]),)).module()
