"""Every way by which a write reaches a model's memory, and the names it is put down to: those whose bytes are met."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from torch.utils import dlpack

from introspection.capture import WriteCapture

torch.set_num_threads(1)


class Tied(nn.Module):
    """A tied embedding and head, a projection of three slices with the whole, a norm with statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embed.weight
        qkv = torch.randn(6, 4)
        self.qkv = nn.Parameter(qkv)
        self.q, self.k, self.v = (nn.Parameter(part) for part in qkv.split(2))
        self.mlp = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        hidden = self.embed(tokens)
        query, key, value = (hidden @ part.t() for part in (self.q, self.k, self.v))
        mixed = (query * key).sum(-1, keepdim=True) * value.repeat(1, 2)
        return self.head(self.norm(self.mlp(hidden) + mixed))


TIED = {"embed.weight", "head.weight"}
MLP = {"mlp.weight", "mlp.bias"}
STATISTICS = {"norm.num_batches_tracked", "norm.running_mean", "norm.running_var"}
TRAINABLE = TIED | MLP | {"q", "k", "v", "qkv", "norm.weight", "norm.bias"}


@pytest.fixture
def model() -> Tied:
    torch.manual_seed(0)
    return Tied()


def names(capture: WriteCapture) -> set[str]:
    """Every name written in a window."""
    return {name for write in capture.writes for name in write.names}


def operators(capture: WriteCapture) -> set[str]:
    """Every operator that wrote in a window."""
    return {operator for write in capture.writes for operator, _ in write.operators}


def changed(model: nn.Module, before: dict[str, torch.Tensor]) -> set[str]:
    """Names whose values differ from those of a copy taken before."""
    return {name for name, tensor in tensors(model).items() if not torch.equal(tensor, before[name])}


def tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    """Every parameter and buffer under every name."""
    named = (*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False))
    return {name: tensor.detach() for name, tensor in named}


def copies(model: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of every parameter and buffer."""
    return {name: tensor.clone() for name, tensor in tensors(model).items()}


def test_nothing_is_written_by_a_forward_and_backward_without_statistics(model: Tied) -> None:
    model.eval()
    with WriteCapture(model) as capture:
        model(torch.arange(5)).sum().backward()
    assert capture.writes == ()
    assert capture.unattributed == ()
    assert capture.unchecked == ()


IN_PLACE: dict[str, Callable[[torch.Tensor], object]] = {
    "data": lambda weight: weight.data.add_(1),
    "copy": lambda weight: weight.data.copy_(torch.zeros(4, 4)),
    "init": lambda weight: nn.init.normal_(weight),
    "item": lambda weight: weight.data.__setitem__((0, 0), 5.0),
    "rows": lambda weight: weight.data.__setitem__([0, 2], 5.0),
    "mask": lambda weight: weight.data.__setitem__(weight.data == weight.data.max(), 5.0),
    "out": lambda weight: torch.add(torch.ones(4, 4), 1, out=weight.data),
    "foreach": lambda weight: torch._foreach_add_([weight.data], 1.0),
    "flat view": lambda weight: weight.data.view(-1)[3:5].zero_(),
    "transposed view": lambda weight: weight.detach().t()[1].zero_(),
    "integer view": lambda weight: weight.data.view(torch.int32).bitwise_xor_(1),
    "scatter": lambda weight: weight.data.scatter_(0, torch.zeros(1, 4, dtype=torch.int64), 3.0),
    "random": lambda weight: weight.data.uniform_(),
    "storage": lambda weight: weight.untyped_storage().copy_(torch.ones(4, 4).untyped_storage()),
    "a byte of the storage": lambda weight: weight.untyped_storage().__setitem__(3, 77),
    "dlpack": lambda weight: dlpack.from_dlpack(weight.detach()).zero_(),
    "numpy alias": lambda weight: torch.from_numpy(weight.detach().numpy()).mul_(2),
}


@pytest.mark.parametrize("write", IN_PLACE.values(), ids=IN_PLACE.keys())
def test_a_write_through_any_alias_or_view_is_seen(model: Tied, write: Callable[[torch.Tensor], object]) -> None:
    before = copies(model)
    with WriteCapture(model) as capture:
        write(model.mlp.weight)
    assert changed(model, before) == {"mlp.weight"}
    (record,) = capture.writes
    assert (record.storage_key, record.names, record.step) == ("mlp.weight", ("mlp.weight",), 0)
    assert capture.unattributed == ()


def test_a_write_through_a_view_older_than_the_window_is_seen(model: Tied) -> None:
    older = model.mlp.weight.data[1]
    with WriteCapture(model) as capture:
        older.zero_()
    assert names(capture) == {"mlp.weight"}


def test_a_write_of_equal_bytes_is_a_write(model: Tied) -> None:
    with WriteCapture(model) as capture:
        model.mlp.weight.data.add_(0)
    assert names(capture) == {"mlp.weight"}


def test_a_write_to_a_tied_weight_is_one_record_with_both_names(model: Tied) -> None:
    with WriteCapture(model) as capture:
        model.head.weight.data.mul_(2)
    (record,) = capture.writes
    assert record.storage_key == "embed.weight"
    assert record.names == ("embed.weight", "head.weight")
    assert record.operators == (("aten.mul_.Tensor", 1),)


def test_a_write_to_a_slice_names_the_slice_and_the_whole(model: Tied) -> None:
    with WriteCapture(model) as capture:
        model.k.data.zero_()
    (record,) = capture.writes
    assert (record.storage_key, record.names, record.storage_keys) == ("k", ("k", "qkv"), ("k", "qkv"))


def test_a_write_to_the_whole_names_every_slice_and_is_one_record(model: Tied) -> None:
    with WriteCapture(model) as capture:
        model.qkv.data.zero_()
    (record,) = capture.writes
    assert (record.storage_key, record.names) == ("qkv", ("k", "q", "qkv", "v"))


def test_a_write_to_rows_of_the_whole_names_the_slices_it_reaches(model: Tied) -> None:
    with WriteCapture(model) as capture:
        model.qkv.data[1:3].zero_()
    (record,) = capture.writes
    assert (record.storage_key, record.names) == ("qkv", ("k", "q", "qkv"))


SELECTING: dict[str, Callable[[torch.Tensor], object]] = {
    "index_put_": lambda whole: whole.__setitem__([2, 3], 1.5),
    "index_put_ of a mask": lambda whole: whole.__setitem__(torch.arange(6) == 3, 1.5),
    "index_put_ of two": lambda whole: whole.__setitem__(([2, 3], [0, 1]), 1.5),
    "index_fill_": lambda whole: whole.index_fill_(0, torch.tensor([3]), 1.5),
    "index_copy_": lambda whole: whole.index_copy_(0, torch.tensor([2]), torch.ones(1, 4)),
    "index_add_": lambda whole: whole.index_add_(0, torch.tensor([2]), torch.ones(1, 4)),
    "scatter_": lambda whole: whole.scatter_(0, torch.full((1, 4), 3), 1.5),
    "scatter_add_": lambda whole: whole.scatter_add_(0, torch.full((1, 2), 3), torch.ones(1, 2)),
    "scatter_reduce_": lambda whole: whole.scatter_reduce_(0, torch.full((1, 4), 3), torch.ones(1, 4), "sum"),
    "masked_fill_": lambda whole: whole.masked_fill_((torch.arange(6) == 2)[:, None], 1.5),
    "masked_scatter_": lambda whole: whole.masked_scatter_((torch.arange(6) == 2)[:, None], torch.ones(4)),
    "put_": lambda whole: whole.put_(torch.tensor([9, 15]), torch.ones(2)),
    "transposed": lambda whole: whole.t().index_fill_(1, torch.tensor([2]), 1.5),
}


@pytest.mark.parametrize("write", SELECTING.values(), ids=SELECTING.keys())
def test_an_indexed_write_into_the_whole_names_only_the_slices_it_selects(
    model: Tied, write: Callable[[torch.Tensor], object]
) -> None:
    before = copies(model)
    with WriteCapture(model) as capture:
        write(model.qkv.data)
    assert changed(model, before) == names(capture) == {"k", "qkv"}
    assert capture.writes[0].storage_key == "k"


def test_an_indexed_write_that_selects_nothing_is_no_write(model: Tied) -> None:
    with WriteCapture(model) as capture:
        model.mlp.weight.data[torch.zeros(4, dtype=torch.bool)] = 1.0
        model.mlp.weight.data.masked_fill_(torch.zeros(4, 4, dtype=torch.bool), 1.0)
        model.mlp.weight.data.index_fill_(0, torch.zeros(0, dtype=torch.int64), 1.0)
        model.mlp.weight.data.put_(torch.zeros(0, dtype=torch.int64), torch.zeros(0))
        model.mlp.weight.data[2:2] = 1.0
    assert capture.writes == ()
    assert capture.unattributed == ()


def test_the_diagonal_alone_is_met_by_fill_diagonal() -> None:
    model = nn.Module()
    whole = torch.randn(4, 4)
    model.whole = nn.Parameter(whole)
    model.upper = nn.Parameter(whole[0, 1:])
    model.last = nn.Parameter(whole[3])
    with WriteCapture(model) as capture:
        model.whole.data.fill_diagonal_(7.0)
    assert names(capture) == {"whole", "last"}


def test_interleaved_columns_are_told_apart() -> None:
    model = nn.Module()
    table = torch.randn(4, 6)
    model.even, model.odd = nn.Parameter(table[:, ::2]), nn.Parameter(table[:, 1::2])
    with WriteCapture(model) as capture:
        table[:, 2].zero_()
    assert names(capture) == {"even"}


def test_a_write_to_an_unnamed_buffer_has_a_record_for_each_storage_inside() -> None:
    model = nn.Module()
    flat = torch.randn(10)
    model.first, model.second = nn.Parameter(flat[:4]), nn.Parameter(flat[4:8])
    model.inner = nn.Parameter(flat[5:6])
    with WriteCapture(model) as capture:
        flat.zero_()
    assert [(write.storage_key, write.names) for write in capture.writes] == [
        ("first", ("first",)),
        ("second", ("inner", "second")),
    ]


def test_a_write_through_memory_that_begins_before_the_weight_is_seen() -> None:
    memory = np.zeros(16, dtype=np.float32)
    model = nn.Module()
    model.weight = nn.Parameter(torch.from_numpy(memory[6:8]))
    with WriteCapture(model) as capture:
        torch.from_numpy(memory)[:6].fill_(1)
        torch.from_numpy(memory)[0::5].fill_(2)
        assert capture.writes == ()
        torch.from_numpy(memory)[1::6].fill_(3)
    assert names(capture) == {"weight"}


def test_writes_to_other_memory_are_none(model: Tied) -> None:
    other = copy.deepcopy(model)
    optimizer = torch.optim.Adam(other.parameters())
    with WriteCapture(model) as capture:
        other(torch.arange(5)).sum().backward()
        optimizer.step()
        model(torch.arange(5)).detach().add_(1)
    assert names(capture) == STATISTICS


OPTIMIZERS: dict[str, Callable[[list[nn.Parameter]], torch.optim.Optimizer]] = {
    f"{kind.__name__} {implementation}": lambda parameters, kind=kind, implementation=implementation: kind(
        parameters, lr=0.1, **{implementation: True}
    )
    for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad)
    for implementation in ("foreach", "fused")
} | {
    kind.__name__: lambda parameters, kind=kind: kind(parameters, lr=0.1)
    for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad, torch.optim.RMSprop)
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_every_optimizer_writes_all_it_trains_in_one_step(
    model: Tied, make: Callable[[list[nn.Parameter]], torch.optim.Optimizer]
) -> None:
    # The whole is not trained itself: its bytes are met through the slices.
    optimizer = make([parameter for parameter in model.parameters() if parameter is not model.qkv])
    model.eval()
    model(torch.arange(5)).square().sum().backward()
    before = copies(model)
    with WriteCapture(model) as capture:
        optimizer.step()
    assert changed(model, before) == TRAINABLE
    assert names(capture) == TRAINABLE
    assert {write.step for write in capture.writes} == {0}
    assert {write.storage_key for write in capture.writes} == TRAINABLE - {"head.weight", "qkv"}
    assert capture.unattributed == ()


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon")
def test_muon_writes_the_matrices_it_trains(model: Tied) -> None:
    optimizer = torch.optim.Muon([model.mlp.weight, model.embed.weight])
    model.eval()
    model(torch.arange(5)).square().sum().backward()
    with WriteCapture(model) as capture:
        optimizer.step()
    assert names(capture) == {"mlp.weight", *TIED}


def test_load_state_dict_writes_every_name_it_copies(model: Tied) -> None:
    state = {name: tensor + 1 for name, tensor in model.state_dict().items()}
    with WriteCapture(model) as capture:
        model.load_state_dict(state)
    assert names(capture) == set(tensors(model))
    assert capture.rebound == ()


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_the_gradient_mode_makes_no_difference(model: Tied, context: Callable[[], torch.no_grad]) -> None:
    with context(), WriteCapture(model) as capture:
        model.mlp.weight.data.add_(1)
    assert names(capture) == {"mlp.weight"}
    with WriteCapture(model) as capture, context():
        model.mlp.weight.data.add_(1)
    assert names(capture) == {"mlp.weight"}


def test_a_write_in_backward_is_seen(model: Tied) -> None:
    def follow(gradient: torch.Tensor) -> None:
        model.mlp.bias.data.sub_(gradient.sum(1))

    model.mlp.weight.register_hook(follow)
    model.eval()
    loss = model(torch.arange(5)).square().sum()
    with WriteCapture(model) as capture:
        loss.backward()
    assert names(capture) == {"mlp.bias"}


def test_an_embedding_that_limits_its_rows_writes_them_in_forward(model: Tied) -> None:
    model.embed.weight.data.fill_(2.0)
    with WriteCapture(model) as capture:
        functional.embedding(torch.tensor([1, 2]), model.embed.weight, max_norm=1.0)
    assert names(capture) == TIED
    assert operators(capture) == {"aten.embedding_renorm_.default"}


def test_an_embedding_whose_rows_are_short_enough_writes_none(model: Tied) -> None:
    tokens = torch.arange(10)
    functional.embedding(tokens, model.embed.weight, max_norm=0.5)
    functional.embedding(tokens, model.embed.weight, max_norm=0.5)
    before = copies(model)
    for maximum in (0.5, 0.7, 100.0):
        with WriteCapture(model) as capture:
            functional.embedding(tokens, model.embed.weight, max_norm=maximum)
        assert names(capture) == changed(model, before), maximum


def test_batch_norm_statistics_are_written_in_training_only(model: Tied) -> None:
    before = copies(model)
    with WriteCapture(model) as capture:
        model(torch.arange(5))
    assert names(capture) == changed(model, before) == STATISTICS
    model.eval()
    with WriteCapture(model) as capture:
        model(torch.arange(5))
    assert capture.writes == ()


def test_batch_norm_that_declares_its_statistics_is_believed_in_training_only(model: Tied) -> None:
    norm, batch = model.norm, torch.randn(3, 4)
    statistics = (norm.running_mean, norm.running_var)
    with WriteCapture(model) as capture:
        torch.ops.aten._native_batch_norm_legit(batch, None, None, *statistics, False, 0.1, 1e-5)
        assert capture.writes == ()
        torch.ops.aten._native_batch_norm_legit(batch, None, None, *statistics, True, 0.1, 1e-5)
    assert names(capture) == {"norm.running_mean", "norm.running_var"}


def test_instance_norm_and_batch_statistics_for_many_devices_are_seen() -> None:
    model = nn.Sequential(nn.InstanceNorm1d(4, track_running_stats=True))
    before = copies(model)
    with WriteCapture(model) as capture:
        model(torch.randn(2, 4, 5))
        torch.batch_norm_update_stats(torch.randn(3, 4), model[0].running_mean, model[0].running_var, 0.1)
    assert names(capture) == changed(model, before)
    assert "aten.batch_norm_update_stats.default" in operators(capture)


def test_quantisation_observers_are_seen_when_they_observe() -> None:
    from torch.ao.quantization import FusedMovingAvgObsFakeQuantize

    model = FusedMovingAvgObsFakeQuantize()
    before = copies(model)
    with WriteCapture(model) as capture:
        model(torch.randn(8))
    assert changed(model, before) <= names(capture)
    assert "activation_post_process.min_val" in names(capture)
    model.disable_observer()
    before = copies(model)
    with WriteCapture(model) as capture:
        model(10 * torch.randn(8))
    assert names(capture) == changed(model, before) == set()


def test_metadata_changes_write_nothing(model: Tied) -> None:
    view = model.mlp.weight.data
    with WriteCapture(model) as capture:
        view.t_().unsqueeze_(0).squeeze_(0).detach_()
        view.resize_(2, 8)
        model.mlp.weight.requires_grad_(False)
    assert capture.writes == ()


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning")
def test_sparse_values_are_written_through_the_tensor_and_through_its_values() -> None:
    model = nn.Module()
    model.register_buffer("sparse", torch.eye(4).to_sparse().coalesce())
    model.register_buffer("compressed", torch.eye(4).to_sparse_csr())
    with WriteCapture(model) as capture:
        model.sparse.mul_(2)
        model.sparse._values().add_(1)
        assert [write.names for write in capture.writes] == [("sparse",)]
        model.compressed.values().add_(1)
    assert names(capture) == {"sparse", "compressed"}
    assert capture.unattributed == ()


def test_complex_parts_and_conjugates_are_the_weight() -> None:
    model = nn.Module()
    model.weight = nn.Parameter(torch.randn(3, dtype=torch.complex64))
    model.imaginary = nn.Parameter(model.weight.detach().imag)
    with WriteCapture(model) as capture:
        torch.view_as_real(model.weight.data)[..., 0].add_(1)
        assert names(capture) == {"weight"}
        model.weight.data.conj().mul_(2)
    assert names(capture) == {"weight", "imaginary"}


def test_jagged_values_are_written_through_the_nested_tensor() -> None:
    model = nn.Module()
    rows = [torch.randn(2, 3), torch.randn(4, 3)]
    model.register_buffer("jagged", torch.nested.nested_tensor(rows, layout=torch.jagged))
    model.register_buffer("other", torch.randn(3))
    with WriteCapture(model) as capture:
        model.jagged.mul_(2)
    assert names(capture) == {"jagged"}


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_quantised_and_low_precision_weights_are_seen() -> None:
    model = nn.Module()
    model.register_buffer("quantised", torch.quantize_per_tensor(torch.randn(4), 0.1, 0, torch.qint8))
    model.brief = nn.Parameter(torch.randn(4, dtype=torch.bfloat16))
    with WriteCapture(model) as capture:
        model.quantised.copy_(torch.zeros(4))
        model.brief.data.add_(1)
    assert names(capture) == {"quantised", "brief"}


def test_a_lazy_clone_is_written_apart_from_its_origin() -> None:
    model = nn.Module()
    model.origin = nn.Parameter(torch.ones(4), requires_grad=False)
    model.register_buffer("clone", torch._lazy_clone(model.origin))
    with WriteCapture(model) as capture:
        model.clone.add_(1)
        assert names(capture) == {"clone"}
        model.origin.add_(1)
    assert names(capture) == {"clone", "origin"}
    assert capture.rebound == ()
    assert model.clone.tolist() == model.origin.tolist() == [2.0] * 4


def test_looking_parts_no_lazy_clone() -> None:
    model = nn.Module()
    model.origin = nn.Parameter(torch.ones(4), requires_grad=False)
    with WriteCapture(model) as capture:
        model.register_buffer("clone", torch._lazy_clone(model.origin))
        torch.zeros(3).add_(1)
    assert torch._C._is_cow_tensor(model.clone)
    assert torch._C._is_cow_tensor(model.origin)
    assert capture.writes == ()
    assert capture.rebound == ()


def test_meta_weights_are_watched_by_their_storage(model: Tied) -> None:
    model.to("meta")
    with WriteCapture(model) as capture:
        model.mlp.weight.data.zero_()
    assert names(capture) == {"mlp.weight"}
    assert "mlp.bias" in capture.unchecked


def test_fake_weights_are_watched_by_their_storage() -> None:
    with FakeTensorMode():
        model = nn.Linear(3, 3)
        with WriteCapture(model) as capture:
            model.weight.data.zero_()
    assert names(capture) <= {"weight"}


def test_inside_a_functional_transform_the_weights_beneath_are_seen(model: Tied) -> None:
    def loss(bias: torch.Tensor) -> torch.Tensor:
        bias.detach().add_(1)
        return functional.linear(torch.ones(4), model.mlp.weight.detach(), bias).sum()

    with WriteCapture(model) as capture:
        torch.func.grad(loss)(model.mlp.bias)
    assert names(capture) == {"mlp.bias"}


def test_a_function_mapped_over_a_batch_writes_the_weight_it_is_given() -> None:
    model = nn.Module()
    model.weights = nn.Parameter(torch.zeros(3, 4), requires_grad=False)
    with WriteCapture(model) as capture:
        torch.func.vmap(lambda row, by: row.add_(by))(model.weights, torch.arange(3.0))
    assert model.weights[2].tolist() == [2.0] * 4
    assert names(capture) == {"weights"}


@pytest.fixture
def process_group(tmp_path: object) -> Iterator[None]:
    import torch.distributed as distributed

    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def test_a_distributed_weight_is_written_through_its_shard(process_group: None) -> None:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_module, distribute_tensor

    mesh = init_device_mesh("cpu", (1,))
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    for layer in model:
        for name, parameter in list(layer._parameters.items()):
            layer._parameters[name] = nn.Parameter(distribute_tensor(parameter, mesh, [Shard(0)]))
    assert distribute_module is not None
    optimizer = torch.optim.AdamW(model[0].parameters())
    from torch.distributed.tensor import DTensor

    inputs = DTensor.from_local(torch.randn(2, 4), mesh)
    model(inputs).sum().backward()
    with WriteCapture(model) as capture:
        optimizer.step()
        assert names(capture) == {"0.weight", "0.bias"}
        with torch.no_grad():
            model[1].weight.to_local().zero_()
    assert names(capture) == {"0.weight", "0.bias", "1.weight"}
    assert capture.unattributed == ()


def test_a_broadcast_writes_the_tensor_it_fills(process_group: None) -> None:
    import torch.distributed as distributed

    model = nn.Linear(3, 3)
    with WriteCapture(model) as capture:
        distributed.broadcast(model.weight.data, 0)
        distributed.all_reduce(model.bias.data)
    assert names(capture) == {"weight", "bias"}
    assert "distributed" in sys.modules["torch.distributed"].__name__
