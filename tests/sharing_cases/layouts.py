"""What is no plain strided tensor, or has no bytes: sparse, jagged, empty, lazy, freed, flattened."""

from __future__ import annotations

import warnings

import torch
from torch import nn

from .case import Holder, case


@case(names=["a", "b", "c", "line", "none"])
def empty_tensors_share_nothing() -> nn.Module:
    empty, line = nn.Parameter(torch.empty(0, 4)), torch.randn(4)
    return Holder(a=empty, b=empty, c=torch.empty(0), line=line, none=line[2:2])


@case(partial={("a", "values"): 8})
def a_sparse_tensor_and_its_values() -> nn.Module:
    values = torch.randn(2)
    with torch.sparse.check_sparse_tensor_invariants():
        return Holder(a=torch.sparse_coo_tensor(torch.tensor([[0, 1]]), values, (3,)), values=values)


@case(partial={("a", "b"): 8})
def two_sparse_tensors_of_the_same_values() -> nn.Module:
    values = torch.randn(2)
    with torch.sparse.check_sparse_tensor_invariants():
        return Holder(
            a=torch.sparse_coo_tensor(torch.tensor([[0, 1]]), values, (3,)),
            b=torch.sparse_coo_tensor(torch.tensor([[0, 2]]), values, (3,)),
        )


@case(partial={("a", "b"): 16})
def two_sparse_tensors_of_the_same_places() -> nn.Module:
    places = torch.tensor([[0, 1]])
    with torch.sparse.check_sparse_tensor_invariants():
        return Holder(
            a=torch.sparse_coo_tensor(places, torch.randn(2), (3,)),
            b=torch.sparse_coo_tensor(places, torch.randn(2), (3,)),
        )


@case(same=[["a", "again"]])
def one_sparse_tensor_under_two_names() -> nn.Module:
    sparse = nn.Parameter(torch.eye(3).to_sparse())
    return Holder(a=sparse, again=nn.Parameter(sparse.data))


@case(same=[["a", "again"]], partial={("a", "values"): 12})
def compressed_rows() -> nn.Module:
    # torch says once that the layout is in beta.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = torch.eye(3).to_sparse_csr()
    return Holder(a=nn.Parameter(rows), again=nn.Parameter(rows), values=rows.values())


@case(partial={("jagged", "values"): 72})
def jagged_and_its_values() -> nn.Module:
    values = torch.randn(6, 3)
    nested = torch.nested.nested_tensor_from_jagged(values, torch.tensor([0, 2, 6]))
    return Holder(jagged=nested, values=values, apart=torch.randn(6, 3))


@case(same=[["a", "b"]])
def one_jagged_tensor_under_two_names() -> nn.Module:
    nested = nn.Parameter(torch.nested.nested_tensor_from_jagged(torch.randn(6, 3), torch.tensor([0, 2, 6])))
    return Holder(a=nested, b=nested)


@case(partial={("a", "b"): 72})
def two_jagged_tensors_of_the_same_values() -> nn.Module:
    values = torch.randn(6, 3)
    return Holder(
        a=torch.nested.nested_tensor_from_jagged(values, torch.tensor([0, 2, 6])),
        b=torch.nested.nested_tensor_from_jagged(values, torch.tensor([0, 3, 6])),
    )


@case(same=[["a", "b"]])
def one_nested_tensor_under_two_names() -> nn.Module:
    # torch says once that the layout is a prototype.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nested = torch.nested.nested_tensor([torch.randn(2, 3), torch.randn(4, 3)], layout=torch.strided)
    return Holder(a=nested, b=nested, apart=torch.randn(18))


def _two_handles() -> nn.Module:
    kept, apart = nn.Parameter(torch.randn(4, 4), requires_grad=False), torch.randn(4, 4)
    return Holder(a=kept, b=kept, c=apart)


@case(same=[["a", "b"]], proof=_two_handles)
def an_opaque_layout_under_two_names() -> nn.Module:
    kept = nn.Parameter(torch.randn(4, 4).to_mkldnn(), requires_grad=False)
    return Holder(a=kept, b=kept, c=torch.randn(4, 4).to_mkldnn())


@case(names=["a.weight", "a.bias", "b.weight", "b.bias"])
def lazy_parameters_have_no_bytes_yet() -> nn.Module:
    lazy = nn.LazyLinear(4)
    return Holder(a=lazy, b=lazy)


@case(names=[f"norm.{name}" for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")])
def lazy_buffers_have_no_bytes_yet() -> nn.Module:
    return Holder(norm=nn.LazyBatchNorm1d())


@case(same=[["a.weight", "b.weight"], ["a.bias", "b.bias"]])
def lazy_parameters_once_they_are_made() -> nn.Module:
    lazy = nn.LazyLinear(4)
    model = Holder(a=lazy, b=lazy)
    lazy(torch.randn(2, 3))
    return model


def _refilled() -> nn.Module:
    model = _freed()
    model.a.untyped_storage().resize_(64)
    return model


@case(same=[["a", "b"]], partial={("a", "row"): 16}, proof=_refilled)
def a_freed_storage_keeps_its_ties() -> nn.Module:
    return _freed()


def _freed() -> nn.Module:
    weight = torch.randn(4, 4)
    model = Holder(a=weight, b=weight.t(), row=weight[1], apart=torch.randn(4, 4))
    weight.untyped_storage().resize_(0)
    model.apart.untyped_storage().resize_(0)
    model.apart.untyped_storage().resize_(64)
    return model


def _two_storages() -> nn.Module:
    return Holder(a=torch.randn(4, 4), b=torch.randn(4, 4))


@case(proof=_two_storages)
def two_freed_storages() -> nn.Module:
    model = Holder(a=torch.randn(4, 4), b=torch.randn(4, 4))
    for tensor in (model.a, model.b):
        tensor.untyped_storage().resize_(0)
    return model


@case(same=[["again.weight_hh_l0", "rnn.weight_hh_l0"]])
def an_lstm_flattened_as_cudnn_does() -> nn.Module:
    rnn, again = nn.LSTM(3, 4, num_layers=2), nn.LSTM(3, 4)
    flat = torch.randn(sum(weight.numel() for weight in rnn.parameters()))
    offset = 0
    for weight in rnn.parameters():
        weight.data = flat[offset : offset + weight.numel()].view_as(weight)
        offset += weight.numel()
    again.weight_hh_l0.data = rnn.weight_hh_l0.data
    return Holder(rnn=rnn, again=again)


@case(same=[["a.weight_ih_l0", "a.weight_ih_l0_reverse"]])
def an_lstm_whose_directions_are_tied() -> nn.Module:
    rnn = nn.LSTM(3, 4, bidirectional=True)
    rnn.weight_ih_l0_reverse = rnn.weight_ih_l0
    return Holder(a=rnn)
