"""Strided views of one storage: which meet, in how many bytes, and which only lie side by side."""

from __future__ import annotations

import torch
from torch import nn

from .case import Holder, case


@case(same=[["a", "b"]])
def transposed() -> nn.Module:
    weight = torch.randn(5, 3)
    return Holder(a=weight, b=weight.t())


@case(same=[["convolution.weight", "linear.weight"]])
def a_convolution_reshaped_to_a_linear_layer() -> nn.Module:
    model = Holder(convolution=nn.Conv2d(3, 8, 2, bias=False), linear=nn.Linear(12, 8, bias=False))
    model.linear.weight = nn.Parameter(model.convolution.weight.detach().view(8, 12))
    return model


@case(same=[["last", "first"]])
def channels_last_and_first() -> nn.Module:
    weight = torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last)
    return Holder(last=weight, first=weight.permute(0, 2, 3, 1))


@case(same=[["as_heads", "as_matrix"]])
def heads_permuted() -> nn.Module:
    matrix = torch.randn(8, 6)
    return Holder(as_matrix=matrix, as_heads=matrix.view(2, 4, 6).permute(2, 0, 1))


@case(partial={("line", "rest"): 24})
def at_an_offset() -> nn.Module:
    line = torch.randn(8)
    return Holder(line=line, rest=line[2:])


@case(partial={("short", "whole"): 16})
def one_address_and_two_lengths() -> nn.Module:
    whole = torch.randn(3, 4)
    return Holder(whole=whole, short=whole[:1])


@case()
def disjoint_slices_of_a_fused_projection() -> nn.Module:
    fused = torch.randn(12, 4)
    return Holder(q=fused[:4], k=fused[4:8], v=fused[8:])


@case(partial={("q", "qkv"): 64, ("k", "qkv"): 64, ("v", "qkv"): 64})
def a_fused_projection_and_its_slices() -> nn.Module:
    fused = torch.randn(12, 4)
    return Holder(qkv=fused, q=fused[:4], k=fused[4:8], v=fused[8:])


@case(partial={("a", "b"): 32, ("b", "c"): 16})
def a_chain_of_overlaps_that_is_never_closed() -> nn.Module:
    fused = torch.randn(12, 4)
    return Holder(a=fused[:5], b=fused[3:9], c=fused[8:])


@case()
def a_projection_interleaved_by_head() -> nn.Module:
    heads = torch.randn(4, 3, 2, 6)
    return Holder(q=heads[:, 0], k=heads[:, 1], v=heads[:, 2])


@case(partial={("head", "k"): 48, ("head", "q"): 48})
def one_head_across_an_interleaved_projection() -> nn.Module:
    heads = torch.randn(4, 3, 2, 6)
    return Holder(q=heads[:, 0], k=heads[:, 1], head=heads[2])


@case()
def column_blocks() -> nn.Module:
    matrix = torch.randn(6, 8)
    return Holder(left=matrix[:, :3], right=matrix[:, 3:])


@case(partial={("left", "right"): 24})
def column_blocks_that_meet() -> nn.Module:
    matrix = torch.randn(6, 8)
    return Holder(left=matrix[:, :4], right=matrix[:, 3:])


@case(partial={("columns", "rows"): 32})
def rows_across_columns() -> nn.Module:
    matrix = torch.randn(6, 8)
    return Holder(columns=matrix[:, :4], rows=matrix[2:4])


@case(partial={("centre", "corner"): 16})
def tiles_that_meet_in_a_corner() -> nn.Module:
    matrix = torch.randn(8, 8)
    return Holder(corner=matrix[:4, :4], centre=matrix[2:6, 2:6])


@case()
def tiles_of_a_checkerboard() -> nn.Module:
    board = torch.randn(8, 8)
    return Holder(white=board[::2, ::2], black=board[1::2, 1::2], red=board[::2, 1::2], blue=board[1::2, ::2])


@case()
def even_and_odd_elements() -> nn.Module:
    line = torch.randn(60)
    return Holder(even=line[::2], odd=line[1::2])


@case(partial={("three", "two"): 40})
def steps_of_two_and_three() -> nn.Module:
    line = torch.randn(60)
    return Holder(two=line[::2], three=line[::3])


@case(partial={("four", "six"): 20})
def steps_of_four_and_six_out_of_phase() -> nn.Module:
    line = torch.randn(60)
    return Holder(four=line[::4], six=line[2::6])


@case()
def steps_of_four_and_six_that_never_meet() -> nn.Module:
    line = torch.randn(60)
    return Holder(four=line[::4], six=line[1::6])


@case(partial={("diagonal", "row"): 4})
def a_diagonal_and_a_row() -> nn.Module:
    matrix = torch.randn(7, 7)
    return Holder(diagonal=matrix.diagonal(), row=matrix[3])


@case()
def two_diagonals() -> nn.Module:
    matrix = torch.randn(7, 7)
    return Holder(main=matrix.diagonal(), above=matrix.diagonal(1))


@case()
def a_gap_in_every_row() -> nn.Module:
    matrix = torch.randn(3, 6)
    return Holder(steps=matrix[:, :4:2], gap=matrix[:, 4])


@case(same=[["many", "row"]])
def expanded() -> nn.Module:
    row = torch.randn(1, 4)
    return Holder(row=row, many=row.expand(5, 4))


@case(same=[["many", "one"]], partial={("many", "line"): 4})
def one_element_expanded() -> nn.Module:
    line = torch.randn(6)
    return Holder(line=line, one=line[2], many=line[2].expand(3, 3))


@case(same=[["line", "windows"]])
def sliding_windows() -> nn.Module:
    line = torch.randn(8)
    return Holder(line=line, windows=line.unfold(0, 3, 1))


@case(partial={("left", "right"): 12})
def sliding_windows_that_meet() -> nn.Module:
    line = torch.randn(12)
    return Holder(left=line[:7].unfold(0, 3, 1), right=line[4:].unfold(0, 2, 1))


@case(partial={("first", "line"): 4, ("line", "second"): 4})
def scalars_of_one_line() -> nn.Module:
    line = torch.randn(4)
    return Holder(line=line, first=line[0], second=line[1])


@case(same=[["one_by_one", "scalar"]])
def a_scalar_and_a_matrix_of_one() -> nn.Module:
    scalar = torch.tensor(1.5)
    return Holder(scalar=scalar, one_by_one=scalar.view(1, 1))


@case(same=[["tangled", "whole"]])
def a_view_that_overlaps_itself_and_fills_the_whole() -> nn.Module:
    whole = torch.randn(10)
    return Holder(whole=whole, tangled=whole.as_strided((3, 4), (3, 1)))


@case(partial={("other", "tangled"): 12})
def two_views_that_overlap_themselves() -> nn.Module:
    line = torch.randn(20)
    return Holder(tangled=line.as_strided((3, 3), (2, 3)), other=line.as_strided((3, 2), (4, 2), 1))


# Rows 1, 3 and 5 and columns 1, 3 and 5 of two channels.
@case(partial={("stepped", "windows"): 72})
def windows_of_an_image_and_a_stepped_part_of_it() -> nn.Module:
    image = torch.randn(2, 8, 8)
    windows = image.unfold(1, 3, 2).unfold(2, 3, 2)
    return Holder(windows=windows, stepped=image[:, 1::2, 1:7:2].transpose(1, 2))


@case()
def different_storages_of_one_shape() -> nn.Module:
    return Holder(a=torch.zeros(4, 4), b=torch.zeros(4, 4), c=torch.zeros(4, 4).t())


@case(
    same=[["layers.0.weight", "stacked.0"], ["layers.1.weight", "stacked.1"]],
    partial={("bank", "layers.0.weight"): 64, ("bank", "layers.1.weight"): 64},
)
def a_bank_of_experts_unbound_into_layers() -> nn.Module:
    bank = torch.randn(2, 4, 4)
    layers = nn.ModuleList(nn.Linear(4, 4, bias=False) for _ in range(2))
    for layer, expert in zip(layers, bank.unbind(), strict=True):
        layer.weight = nn.Parameter(expert)
    model = Holder(bank=bank, layers=layers)
    model.stacked = nn.ParameterList(nn.Parameter(expert) for expert in bank)
    return model
