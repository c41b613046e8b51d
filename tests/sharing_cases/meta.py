"""Models without memory: meta and fake tensors, tied only where their storage is."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from .case import Holder, case, embedding_and_head


def _untied() -> nn.Module:
    return embedding_and_head(tied=False)


def _views(device: str = "cpu") -> nn.Module:
    fused = torch.randn(6, 4, device=device)
    return Holder(
        whole=fused, turned=fused.t(), part=fused[1:3], last=fused[4:], other=torch.randn(6, 4, device=device)
    )


def _data_tie(device: str = "cpu") -> nn.Module:
    model = embedding_and_head(device, tied=False)
    model.head.weight = nn.Parameter(model.embed.weight.data)
    return model


_VIEWS = {("part", "whole"): 32, ("last", "whole"): 32}


@case(same=[["embed.weight", "head.weight"]], proof=embedding_and_head)
def meta_tied() -> nn.Module:
    return embedding_and_head("meta")


@case(same=[["embed.weight", "head.weight"]], proof=_data_tie)
def meta_tied_by_data() -> nn.Module:
    return _data_tie("meta")


@case(proof=_untied)
def meta_untied() -> nn.Module:
    return embedding_and_head("meta", tied=False)


@case(same=[["turned", "whole"]], partial=_VIEWS, proof=_views)
def meta_views() -> nn.Module:
    return _views("meta")


def _steps(count: int, device: str) -> nn.Module:
    line = torch.empty(count, device=device)
    return Holder(two=line[::2], three=line[::3], five=line[1::5])


# Of 30 elements: 0, 6, 12, 18, 24; 6, 16, 26; 6, 21. Of ten million times as many: ten million times as many.
@case(partial={("three", "two"): 20, ("five", "two"): 12, ("five", "three"): 8})
def steps_of_three_kinds() -> nn.Module:
    return _steps(30, "cpu")


@case(partial={("three", "two"): 200_000_000, ("five", "two"): 120_000_000, ("five", "three"): 80_000_000}, told=True)
def meta_steps_of_three_kinds_too_long_to_list() -> nn.Module:
    return _steps(300_000_000, "meta")


# The same columns of a matrix that is a hundred million times as tall.
@case(partial={("left", "right"): 1_200_000_000, ("left", "rows"): 48, ("right", "rows"): 40}, told=True)
def meta_column_blocks_too_long_to_list() -> nn.Module:
    matrix = torch.empty(100_000_000, 8, device="meta")
    return Holder(left=matrix[:, :6], right=matrix[:, 3:].t(), rows=matrix[-2:, :])


# 5 modulo 1009 and 7 modulo 1013: 5 + 1009·506 = 510559, then every 1009·1013; 294 of them below 300 million.
@case(partial={("a", "b"): 4 * 294}, told=True)
def meta_steps_of_two_primes() -> nn.Module:
    line = torch.empty(300_000_000, device="meta")
    return Holder(a=line[5::1009], b=line[7::1013])


@case(told=True)
def meta_steps_of_one_parity_each() -> nn.Module:
    # 6i is never 3 + 10j: one is even, the other odd.
    line = torch.empty(300_000_000, device="meta")
    return Holder(a=line[::6], b=line[3::10])


# Of eight columns, 0, 3, 6 and 1, 3, 5, 7 have one in common; of the rows, forty million.
@case(partial={("a", "b"): 4 * 40_000_000}, told=True)
def meta_steps_across_rows_and_columns() -> nn.Module:
    matrix = torch.empty(100_000_000, 8, device="meta")
    return Holder(a=matrix[:50_000_000, ::3], b=matrix[10_000_000:, 1::2])


# The diagonal of a square of twenty thousand, and its middle columns: as many elements as there are such columns.
@case(partial={("columns", "diagonal"): 4 * 10_000, ("columns", "row"): 4 * 10_000, ("diagonal", "row"): 4}, told=True)
def meta_a_diagonal_and_some_columns() -> nn.Module:
    matrix = torch.empty(20_000, 20_000, device="meta")
    return Holder(diagonal=matrix.diagonal(), columns=matrix[:, 5_000:15_000], row=matrix[7_777])


@case(same=[["embed.weight", "head.weight"]], proof=embedding_and_head)
def fake_tied() -> Iterator[nn.Module]:
    with FakeTensorMode():
        yield embedding_and_head()


@case(proof=_untied)
def fake_untied() -> Iterator[nn.Module]:
    with FakeTensorMode():
        yield embedding_and_head(tied=False)


@case(same=[["turned", "whole"]], partial=_VIEWS, proof=_views)
def fake_views_outside_of_their_mode() -> nn.Module:
    with FakeTensorMode():
        return _views()


@case(same=[["embed.weight", "head.weight"]], proof=embedding_and_head)
def empty_weights_of_accelerate() -> nn.Module:
    from accelerate import init_empty_weights

    with init_empty_weights():
        return embedding_and_head()


@case(same=[["embed.weight", "head.weight"]], proof=embedding_and_head)
def half_of_it_on_meta() -> nn.Module:
    model = embedding_and_head()
    model.norm.to("meta")
    return model
