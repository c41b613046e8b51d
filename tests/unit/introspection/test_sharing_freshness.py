"""Whatever is done to a model, the scanner's next answer is the truth of that moment."""

from __future__ import annotations

import copy
import gc
import sys
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from introspection import SharingScanner, scan_sharing
from introspection import scan as scan_module
from introspection.bindings import Bindings

torch.set_num_threads(1)

TIE = frozenset({"embed.weight", "head.weight"})


class Block(nn.Module):
    """A layer with what layers have: projections, a norm with buffers, a bias that is not there."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4, bias=False)
        self.second = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)


class Model(nn.Module):
    """An embedding tied to a head, and two blocks between."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.blocks = nn.ModuleList([Block(), Block()])
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embed.weight


@pytest.fixture
def model() -> Model:
    """A tied model."""
    return Model()


def pointed_at_rows(model: Model) -> None:
    """The second block's first weight becomes rows of the embedding."""
    model.blocks[1].first.weight.data = model.embed.weight.data[2:6]


def swapped(model: Model) -> None:
    """Two layers of one shape change places."""
    blocks = model.blocks
    blocks[0].first, blocks[1].first = blocks[1].first, blocks[0].first


def renamed(model: Model) -> None:
    """One layer is found under another name."""
    model.blocks[0].third = model.blocks[0].first
    del model.blocks[0].first


def moved_to_the_next_module(model: Model) -> None:
    """The last parameter of a module becomes the first of the next: all parameters in order are what they were."""
    model.blocks[0].norm.weight, weight = None, model.blocks[0].norm.weight
    model.blocks[0].second.register_parameter("extra", weight)


def renamed_in_place(model: Model) -> None:
    """One parameter is found under another name, at the same place."""
    held = model.embed._parameters
    held["kernel"] = held.pop("weight")


def as_many_narrower_elements(model: Model) -> None:
    """As many elements, of half the width, from the same place on."""
    halves = model.embed.weight.data.view(torch.float16)
    model.embed.weight.data = halves.view(-1)[:40].view(10, 4)


def truncated(model: Model) -> None:
    """The first rows only, in the same storage."""
    model.embed.weight.data = model.embed.weight.data[:6]


def offset_in_the_same_storage(model: Model) -> None:
    """Same class, size and strides, another place in the storage."""
    model.embed.weight.data = model.embed.weight.data[1:]


def widened_in_the_same_storage(model: Model) -> None:
    """The same elements, read as half as many of twice the width."""
    model.embed.weight.data = model.embed.weight.data.view(torch.float64)


def with_parts_of_another(model: Model) -> None:
    """A fused weight and views of it."""
    fused = nn.Parameter(torch.randn(12, 4))
    model.fused = fused
    for index, name in enumerate("qkv"):
        model.register_parameter(name, nn.Parameter(fused.data[4 * index : 4 * index + 4]))


CHANGES: dict[str, Callable[[Model], object]] = {
    "untie by assigning": lambda model: setattr(
        model.head, "weight", nn.Parameter(model.embed.weight.detach().clone())
    ),
    "untie by data": lambda model: setattr(model.blocks[0].first.weight, "data", torch.randn(4, 4)),
    "tie two weights": lambda model: setattr(model.blocks[1].first, "weight", model.blocks[0].first.weight),
    "tie by data": lambda model: setattr(model.blocks[1].first.weight, "data", model.blocks[0].first.weight.data),
    "point at rows": pointed_at_rows,
    "transpose by data": lambda model: setattr(model.embed.weight, "data", model.embed.weight.data.t()),
    "move in the same storage": offset_in_the_same_storage,
    "read as wider elements": widened_in_the_same_storage,
    "set to another storage": lambda model: model.blocks[0].first.weight.data.set_(model.blocks[1].first.weight.data),
    "resize the embedding": lambda model: setattr(model.embed, "weight", nn.Parameter(torch.randn(12, 4))),
    "free the storage": lambda model: model.embed.weight.untyped_storage().resize_(0),
    "share with other processes": lambda model: model.share_memory(),
    "cast": lambda model: model.half(),
    "cast a buffer": lambda model: setattr(model.blocks[0].norm, "running_mean", torch.zeros(4).double()),
    "to meta": lambda model: model.to("meta"),
    "to empty": lambda model: model.to_empty(device="cpu"),
    "add a module": lambda model: setattr(model, "more", nn.Linear(2, 2)),
    "add a module under two names": lambda model: setattr(model, "again", model.blocks[0]),
    "append to a list": lambda model: model.blocks.append(Block()),
    "remove a module": lambda model: delattr(model, "head"),
    "set a module to None": lambda model: setattr(model, "head", None),
    "lead back to the model": lambda model: setattr(model.blocks[0], "model", model),
    "swap two layers": swapped,
    "rename a layer": renamed,
    "rename in place": renamed_in_place,
    "read as many narrower elements": as_many_narrower_elements,
    "truncate": truncated,
    "move a parameter to the next module": moved_to_the_next_module,
    "register a buffer": lambda model: model.register_buffer("view", model.embed.weight.data.t()),
    "remove a bias": lambda model: setattr(model.blocks[0].second, "bias", None),
    "give a bias": lambda model: setattr(model.blocks[0].first, "bias", nn.Parameter(torch.randn(4))),
    "assign a state": lambda model: model.load_state_dict(copy.deepcopy(model.state_dict()), assign=True),
    "assign a state of clones": lambda model: model.load_state_dict(
        {name: value.clone() for name, value in model.state_dict().items()}, assign=True
    ),
    "parametrize": lambda model: parametrizations.weight_norm(model.blocks[0].first),
    "parametrize a tied weight": lambda model: parametrizations.orthogonal(model.head),
    "weight norm": lambda model: nn.utils.weight_norm(model.blocks[0].first),
    "prune": lambda model: nn.utils.prune.l1_unstructured(model.blocks[0].first, "weight", 0.5),
    "make sparse": lambda model: setattr(model.blocks[0].first, "weight", nn.Parameter(torch.eye(4).to_sparse())),
    "fuse and view": with_parts_of_another,
    "replace what holds the parameters": lambda model: vars(model.embed).update(
        _parameters={"weight": nn.Parameter(torch.randn(10, 4))}
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore:.*lazily initialized")
def test_after_any_change_the_answer_is_the_truth_of_that_moment(model: Model, change: str) -> None:
    scanner = SharingScanner(model)
    before = scanner.current()
    assert before.groups == (TIE,)
    CHANGES[change](model)
    assert scanner.current() == scan_sharing(model)
    assert scanner.memory_identity() == SharingScanner(model).memory_identity()
    assert scanner.current() is scanner.current()


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore:.*lazily initialized")
def test_after_any_two_changes_too() -> None:
    # Reading what was freed ends the process.
    for first in [change for change in CHANGES if change != "free the storage"]:
        for second in list(CHANGES)[::6]:
            model = Model()
            scanner = SharingScanner(model)
            for change in (first, second):
                try:
                    CHANGES[change](model)
                except (AttributeError, KeyError, RuntimeError, TypeError, ValueError, NotImplementedError):
                    # The first change has left nothing to make the second one of.
                    continue
                assert scanner.current() == scan_sharing(model), (first, second)
            assert scanner.memory_identity() == SharingScanner(model).memory_identity(), (first, second)


def test_a_view_that_moves_within_its_storage_is_seen() -> None:
    whole = torch.randn(8, 4)
    model = nn.Module()
    model.a, model.b = nn.Parameter(whole[:4]), nn.Parameter(whole[4:])
    scanner = SharingScanner(model)
    assert scanner.current().relations == {}
    pair = frozenset({"a", "b"})
    for name, view, shared in [
        ("a", whole[3:7], 48),
        ("a", whole[:4], None),
        ("a", whole[::2], 32),
        ("b", whole[1::2], None),
        ("b", whole[2:6], 32),
        ("b", whole[2:7], 48),
        ("b", whole.view(torch.float16).view(16, 4)[4:9], 24),
        ("b", whole.view(torch.float16).view(-1)[16:32].view(4, 4), 16),
    ]:
        getattr(model, name).data = view
        relation = scanner.current().relations.get(pair)
        assert (relation and relation.shared_bytes) == shared, view.shape
        assert scanner.memory_identity() == SharingScanner(model).memory_identity()


def test_a_parameter_that_moves_to_the_next_module_is_seen_though_all_in_order_are_what_they_were() -> None:
    model = nn.Sequential(nn.Module(), nn.Module())
    for index, name in ((0, "a"), (0, "b"), (1, "c")):
        model[index].register_parameter(name, nn.Parameter(torch.randn(2)))
    scanner = SharingScanner(model)
    assert scanner.current().names == ("0.a", "0.b", "1.c")
    giving, taking = model[0]._parameters, model[1]._parameters
    moved, kept = giving.pop("b"), taking.pop("c")
    taking.update(b=moved, c=kept)
    assert scanner.current().names == ("0.a", "1.b", "1.c")


def test_a_tensor_set_up_anew_in_place_is_seen() -> None:
    model = nn.Module()
    model.register_buffer("a", torch.randn(6))
    model.register_buffer("b", model.a[4:])
    scanner = SharingScanner(model)
    assert len(scanner.current().relations) == 1
    model.a.resize_(3)
    assert scanner.current().relations == {}
    model.a.set_(model.a.untyped_storage(), 2, (4,), (1,))
    assert len(scanner.current().relations) == 1
    model.a.as_strided_((2,), (3,), 0)
    assert scanner.current().relations == {}


@pytest.mark.filterwarnings("ignore:Sparse .* tensor support is in beta")
def test_tensors_made_of_others_are_watched_by_what_they_are_made_of() -> None:
    model = nn.Module()
    values = torch.randn(3)
    places = torch.tensor([[0, 1, 2]])
    model.register_buffer("sparse", torch.sparse_coo_tensor(places, torch.randn(3), (4,), check_invariants=False))
    model.register_buffer("values", values)
    scanner = SharingScanner(model)
    assert scanner.current().relations == {}
    assert scanner.current() is scanner.current()
    model.sparse = torch.sparse_coo_tensor(places, values, (4,), check_invariants=False)
    assert set(scanner.current().relations) == {frozenset({"sparse", "values"})}


def test_a_module_that_becomes_another_kind_of_module_computes_no_longer(model: Model) -> None:
    parametrizations.weight_norm(model.blocks[0].first)
    scanner = SharingScanner(model)
    assert set(scanner.current().derived) == {"blocks.0.first.weight"}
    model.blocks[0].first.parametrizations.weight.__class__ = nn.ModuleList
    assert scanner.current().derived == {}


def test_a_change_that_is_taken_back_is_seen_both_times(model: Model) -> None:
    scanner = SharingScanner(model)
    layer = model.blocks[0].first
    for _ in range(3):
        parametrizations.weight_norm(layer)
        assert set(scanner.current().derived) == {"blocks.0.first.weight"}
        parametrize.remove_parametrizations(layer, "weight")
        assert scanner.current().derived == {}
        model.head.weight = nn.Parameter(torch.randn(10, 4))
        assert scanner.current().groups == ()
        model.head.weight = model.embed.weight
        assert scanner.current().groups == (TIE,)


def test_writes_and_reads_change_nothing_of_the_map(model: Model) -> None:
    scanner = SharingScanner(model)
    before = scanner.current()
    optimizer = torch.optim.AdamW(model.parameters())
    for _ in range(2):
        hidden = model.embed(torch.tensor([1, 2, 3]))
        for block in model.blocks:
            hidden = block.norm(block.second(block.first(hidden)))
        model.head(hidden).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        model.eval()
        model.train()
    model.embed.weight.requires_grad_(False)
    model.load_state_dict({name: value.clone() for name, value in model.state_dict().items()})
    model.embed.weight.data[0] = 1
    assert scanner.current() is before


def test_a_copy_is_another_model_with_ties_of_its_own(model: Model) -> None:
    scanner = SharingScanner(model)
    identity = scanner.memory_identity()
    copied = copy.deepcopy(model)
    assert scanner.memory_identity() == identity
    assert scan_sharing(copied) == scanner.current()
    assert not set(identity.values()) & set(SharingScanner(copied).memory_identity().values())


def test_a_lazy_layer_is_seen_when_it_gets_its_weights() -> None:
    lazy = nn.LazyLinear(3)
    model = nn.ModuleDict({"one": lazy, "other": lazy})
    scanner = SharingScanner(model)
    assert scanner.current().groups == ()
    lazy(torch.randn(2, 5))
    assert len(scanner.current().groups) == 2


def test_memory_that_numpy_and_torch_share_is_told_apart_once_it_moves() -> None:
    array = np.zeros(10, dtype=np.float32)
    model = nn.Module()
    model.register_buffer("a", torch.from_numpy(array[:6]))
    model.register_buffer("b", torch.from_numpy(array[4:]))
    scanner = SharingScanner(model)
    assert len(scanner.current().relations) == 1
    model.a.share_memory_()
    assert scanner.current().relations == {}


def test_a_weight_pointed_at_a_lazy_clone_of_itself_is_seen_though_the_address_is_the_same(model: Model) -> None:
    model.head.weight = nn.Parameter(model.embed.weight.data)
    scanner = SharingScanner(model)
    assert scanner.current().groups == (TIE,)
    model.head.weight.data = torch._lazy_clone(model.embed.weight.data)
    assert torch._C._data_address(model.head.weight) == torch._C._data_address(model.embed.weight)
    assert scanner.current().groups == ()
    assert torch._C._is_cow_tensor(model.head.weight)


def test_a_weight_on_meta_that_gets_another_storage_is_another_storage(model: Model) -> None:
    model.to("meta")
    scanner = SharingScanner(model)
    weight = model.blocks[0].first.weight
    # Where one storage was, or what stood for it in Python, the next one often is.
    for _ in range(500):
        weight.data = torch.empty(4, 4, device="meta")
        assert scanner.memory_identity() == SharingScanner(model).memory_identity()


@pytest.mark.parametrize("first", ["scanner", "dictionaries"])
def test_dictionaries_of_other_kinds_are_watched_like_plain_ones(model: Model, first: str) -> None:
    scanner = SharingScanner(model) if first == "scanner" else None
    for module in model.modules():
        own = vars(module)
        own.update({name: OrderedDict(own[name]) for name in ("_parameters", "_buffers", "_modules")})
    scanner = scanner or SharingScanner(model)
    assert scanner.current().groups == (TIE,)
    assert scanner.current() is scanner.current()
    for change in ("tie two weights", "swap two layers", "remove a bias", "untie by assigning", "rename in place"):
        CHANGES[change](model)
        assert scanner.current() == scan_sharing(model), change
        assert scanner.memory_identity() == SharingScanner(model).memory_identity(), change


def test_a_module_with_slots_of_its_own_is_watched_like_others(model: Model) -> None:
    class Slotted(nn.Linear):
        __slots__ = ("beside",)

    model.slotted = Slotted(4, 4)
    model.slotted.beside = [1, 2]
    scanner = SharingScanner(model)
    before = scanner.current()
    assert scanner.current() is before
    model.slotted.weight = model.blocks[0].first.weight
    assert frozenset({"slotted.weight", "blocks.0.first.weight"}) in scanner.current().groups


def test_a_storage_that_is_freed_and_comes_back_keeps_its_ties(model: Model) -> None:
    scanner = SharingScanner(model)
    storage = model.embed.weight.untyped_storage()
    for size in (0, 160, 0, 160):
        storage.resize_(size)
        assert scanner.current().groups == (TIE,)
        assert scanner.memory_identity() == SharingScanner(model).memory_identity()


def test_unregistered_tensors_are_watched_too(model: Model) -> None:
    model.bank = [model.embed.weight]
    scanner = SharingScanner(model, unregistered=True)
    assert scanner.current().groups == (TIE | {"bank[0]"},)
    model.bank.append(model.blocks[0].first.weight.data.t())
    assert frozenset({"bank[1]", "blocks.0.first.weight"}) in scanner.current().groups
    model.bank[1] = torch.randn(2)
    model.bank[0] = None
    assert scanner.current().groups == (TIE,)
    assert scanner.current() is scanner.current()


def test_a_second_scanner_begins_with_what_the_first_found_and_is_as_right(model: Model) -> None:
    first = SharingScanner(model)
    assert SharingScanner(model).current() is first.current()
    model.head.weight = nn.Parameter(model.embed.weight.detach().clone())
    second = SharingScanner(model)
    assert second.current().groups == ()
    assert second.memory_identity() == first.memory_identity()
    # What is not registered is no part of what is kept.
    model.bank = [model.embed.weight]
    assert SharingScanner(model, unregistered=True).current().groups == (frozenset({"embed.weight", "bank[0]"}),)
    assert SharingScanner(model).current().groups == ()


def test_a_scanner_of_a_copy_tells_what_becomes_of_the_copy(model: Model) -> None:
    scanner = copy.deepcopy(SharingScanner(model))
    copied = scanner.model
    assert copied is not model
    assert scanner.current().groups == (TIE,)
    assert scanner.memory_identity() == SharingScanner(copied).memory_identity()
    copied.head.weight = nn.Parameter(torch.randn(10, 4))
    assert scanner.current().groups == ()


def test_what_was_found_of_a_model_goes_when_the_model_goes() -> None:
    model = Model()
    identity, reference, weight = id(model), weakref.ref(model), weakref.ref(model.embed.weight)
    SharingScanner(model).current()
    assert identity in scan_module._last_scans
    del model
    gc.collect()
    assert (reference(), weight()) == (None, None)
    assert identity not in scan_module._last_scans


def test_what_the_model_lets_go_of_is_freed_at_once_though_it_was_watched(model: Model) -> None:
    scanner = SharingScanner(model)
    scanner.current()
    block, weight = weakref.ref(model.blocks[0]), weakref.ref(model.blocks[0].first.weight)
    del model.blocks[0]
    gc.collect()
    assert (block(), weight()) == (None, None)


def test_the_watch_holds_where_nothing_changed_and_not_where_something_did(model: Model) -> None:
    bindings = Bindings(model)
    assert bindings.hold(model)
    model.extra = nn.Parameter(torch.randn(2))
    assert not bindings.hold(model)
    del model.extra
    assert bindings.hold(model)


def test_modules_that_lead_back_and_modules_that_are_none_are_watched_like_others(model: Model) -> None:
    model.blocks[0].parent, model.blocks[1].nothing = model, None
    model.blocks[1].register_module("empty", None)
    scanner = SharingScanner(model)
    before = scanner.current()
    assert scanner.current() is before
    model.blocks[0].parent = Block()
    assert scanner.current() == scan_sharing(model)
    assert "blocks.0.parent.first.weight" in scanner.current().names
    model.blocks[1].empty = nn.Linear(1, 1)
    assert scanner.current() == scan_sharing(model)
    assert "blocks.1.empty.weight" in scanner.current().names


def test_a_scripted_model_is_watched_though_it_keeps_its_parameters_elsewhere() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.jit.script(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    scanner = SharingScanner(model)
    before = scanner.current()
    assert scanner.current() is before
    getattr(model, "1").weight = getattr(model, "0").weight
    assert scanner.current().groups == (frozenset({"0.weight", "1.weight"}),)
    assert scanner.tensor("0.weight").shape == (2, 2)


# ---- wrappers, shards, adapters, offloading ----------------------------------------------------------------------


@contextmanager
def world() -> Iterator[object]:
    """A process group of this process alone, and its device mesh."""
    with warnings.catch_warnings():
        # A world of one is told that its collectives do nothing.
        warnings.simplefilter("ignore")
        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
        try:
            yield dist.init_device_mesh("cpu", (1,))
        finally:
            dist.destroy_process_group()


@pytest.mark.parametrize(("split", "kept"), [(False, True), (True, False)])
def test_sharding_keeps_a_tie_in_one_group_and_breaks_one_over_two(model: Model, split: bool, kept: bool) -> None:
    from torch.distributed.fsdp import fully_shard

    with world() as mesh:
        scanner = SharingScanner(model)
        for part in (model.embed, model.head) if split else ():
            fully_shard(part, mesh=mesh)
        fully_shard(model, mesh=mesh)
        assert (TIE in scanner.current().groups) is kept
        assert scanner.current() is scanner.current()
        for gather in (model.unshard, model.reshard, model.unshard):
            gather()
            assert scanner.current() == scan_sharing(model)
            assert scanner.memory_identity() == SharingScanner(model).memory_identity()
            assert (TIE in scanner.current().groups) is kept


def test_adapters_that_are_merged_and_unmerged_are_seen(model: Model) -> None:
    from peft import LoraConfig, inject_adapter_in_model

    inject_adapter_in_model(LoraConfig(r=2, target_modules=["first"]), model)
    scanner = SharingScanner(model)
    before = scanner.current()
    assert before.derived == {}
    layer = model.blocks[0].first
    layer.merge()
    assert scanner.current().derived == {
        "blocks.0.first.base_layer.weight": (
            "blocks.0.first.lora_A.default.weight",
            "blocks.0.first.lora_B.default.weight",
        )
    }
    layer.unmerge()
    assert scanner.current() == before


def test_weights_that_are_offloaded_and_come_back_are_seen(model: Model, tmp_path: Path) -> None:
    from accelerate import cpu_offload, disk_offload
    from accelerate.hooks import remove_hook_from_submodules

    scanner = SharingScanner(model)
    cpu_offload(model)
    assert model.embed.weight.is_meta
    assert scanner.current().groups == (TIE,)
    assert scanner.current() is scanner.current()
    remove_hook_from_submodules(model)
    assert not model.embed.weight.is_meta
    assert scanner.current() == scan_sharing(model)
    disk_offload(model, str(tmp_path))
    # Each name has a file of its own: what is written to one is not in the other.
    assert scanner.current().groups == ()
    assert scanner.memory_identity()["embed.weight"] != scanner.memory_identity()["head.weight"]


def test_hooks_that_appear_on_a_model_that_was_on_meta_all_along_are_seen() -> None:
    from accelerate.hooks import AlignDevicesHook, add_hook_to_module
    from accelerate.utils import PrefixedDataset

    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    scanner = SharingScanner(model)
    assert scanner.current().groups == ()
    weight = torch.randn(3, 3)
    weights = {"0.weight": weight, "1.weight": weight.t()}
    for index, layer in enumerate(model):
        hook = AlignDevicesHook("cpu", offload=True, weights_map=PrefixedDataset(weights, f"{index}."))
        add_hook_to_module(layer, hook)
    assert scanner.current().groups == (frozenset({"0.weight", "1.weight"}),)
    weights["1.weight"] = weight.clone()
    assert scanner.current().groups == ()


def test_what_can_only_come_with_an_import_is_seen_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from accelerate import cpu_offload

    with monkeypatch.context() as without:
        without.delitem(sys.modules, "accelerate.hooks")
        with torch.device("meta"):
            model = Model()
        scanner = SharingScanner(model)
        assert scanner.current() is scanner.current()
    before = scanner.current()
    assert before.groups == (TIE,)
    cpu_offload(model, state_dict=Model().state_dict() | {name: torch.zeros(10, 4) for name in TIE})
    assert scanner.current().groups == ()
