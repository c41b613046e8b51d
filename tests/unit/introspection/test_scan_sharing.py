"""What shares memory with what, in models of every make: one test for each way it has been got wrong."""

from __future__ import annotations

import copy
import gc
import io
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.utils import parametrizations, parametrize

from introspection import NotAModel, Relation, SharingMap, SharingScanner, UnknownName, UnsupportedStorage, scan_sharing
from introspection.overlap import Work
from introspection.regions import regions_of
from introspection.relate import relate

torch.set_num_threads(1)


class Holder(nn.Module):
    """A module of the given tensors: parameters, and buffers for what cannot be one."""

    def __init__(self, **tensors: torch.Tensor) -> None:
        super().__init__()
        for name, tensor in tensors.items():
            if isinstance(tensor, nn.Parameter):
                self.register_parameter(name, tensor)
            elif tensor.is_floating_point() or tensor.is_complex():
                self.register_parameter(name, nn.Parameter(tensor))
            else:
                self.register_buffer(name, tensor)


def kinds(sharing: SharingMap) -> dict[str, str]:
    """Every relation as 'a b': kind."""
    return {" ".join(sorted(pair)): relation.kind for pair, relation in sharing.relations.items()}


def shared(**tensors: torch.Tensor) -> dict[str, tuple[str, int | None]]:
    """Every relation of a module of these tensors as 'a b': (kind, bytes)."""
    relations = scan_sharing(Holder(**tensors)).relations
    return {" ".join(sorted(pair)): (relation.kind, relation.shared_bytes) for pair, relation in relations.items()}


def tied_pair(device: str = "cpu") -> nn.Module:
    """An embedding and a head with one weight."""
    model = nn.Module()
    model.embed = nn.Embedding(10, 4, device=device)
    model.head = nn.Linear(4, 10, bias=False, device=device)
    model.head.weight = model.embed.weight
    return model


def test_a_model_without_ties_shares_nothing() -> None:
    sharing = scan_sharing(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 3), nn.BatchNorm1d(3)))
    assert sharing.relations == {}
    assert "2.running_mean" in sharing.names
    assert "2.num_batches_tracked" in sharing.names


def test_one_parameter_under_two_names_is_one_storage() -> None:
    sharing = scan_sharing(tied_pair())
    assert sharing.relations == {frozenset({"embed.weight", "head.weight"}): Relation("same", 160)}
    assert sharing.coupled("head") == ("embed.weight",)


def test_two_parameters_of_the_same_data_are_one_storage() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight.data = model[0].weight.data
    assert model[1].weight is not model[0].weight
    assert scan_sharing(model).groups == (frozenset({"0.weight", "1.weight"}),)


def test_three_names_are_one_group() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[2].weight = model[0].weight
    assert scan_sharing(model).groups == (frozenset({"0.weight", "1.weight", "2.weight"}),)
    assert len(scan_sharing(model).relations) == 3


def test_a_transposed_tie_is_the_same_bytes() -> None:
    weight = torch.randn(5, 3)
    assert shared(a=weight, b=weight.t()) == {"a b": ("same", 60)}


def test_a_reshaped_tie_is_the_same_bytes() -> None:
    weight = torch.randn(8, 3, 2, 2)
    assert shared(convolution=weight, linear=weight.view(8, 12)) == {"convolution linear": ("same", 384)}


def test_a_shared_module_is_scanned_under_every_name() -> None:
    inner = nn.Sequential(nn.Linear(2, 2))
    model = nn.Module()
    model.a, model.b, model.c = inner, nn.Sequential(inner), nn.Sequential(nn.ReLU(), inner)
    sharing = scan_sharing(model)
    assert frozenset({"a.0.weight", "b.0.0.weight", "c.1.0.weight"}) in sharing.groups
    assert frozenset({"a.0.bias", "b.0.0.bias", "c.1.0.bias"}) in sharing.groups


def test_a_module_that_contains_itself_is_walked_once_on_each_path() -> None:
    parent, child = nn.Linear(2, 2), nn.Linear(2, 2)
    parent.child, child.parent, child.myself = child, parent, child
    assert scan_sharing(parent).names == ("bias", "child.bias", "child.weight", "weight")


def test_a_parameter_list_with_one_entry_twice_is_one_storage() -> None:
    weight = nn.Parameter(torch.randn(3))
    model = nn.Module()
    model.bank = nn.ParameterList([weight, nn.Parameter(torch.randn(3)), weight])
    model.named = nn.ParameterDict({"k": weight})
    assert scan_sharing(model).groups == (frozenset({"bank.0", "bank.2", "named.k"}),)


def test_properties_are_never_evaluated() -> None:
    class Trap(nn.Linear):
        @property
        def tied(self) -> torch.Tensor:
            raise RuntimeError("a property was evaluated")

        @property
        def alias(self) -> torch.Tensor:
            with torch.no_grad():
                self.weight.zero_()
            return self.weight

    model = Trap(3, 3)
    assert scan_sharing(model, unregistered=True).names == ("bias", "weight")
    assert model.weight.abs().sum() > 0


def test_disjoint_slices_of_a_fused_projection_are_apart_and_overlap_the_whole() -> None:
    fused = torch.randn(12, 4)
    parts = {"q": fused[:4], "k": fused[4:8], "v": fused[8:]}
    assert shared(**parts) == {}
    assert shared(qkv=fused, **parts) == {
        f"{part} qkv" if part < "qkv" else f"qkv {part}": ("partial", 64) for part in parts
    }


def test_overlapping_slices_share_the_bytes_in_both() -> None:
    fused = torch.randn(12, 4)
    assert shared(a=fused[:5], b=fused[3:9], c=fused[8:]) == {"a b": ("partial", 32), "b c": ("partial", 16)}


def test_column_blocks_of_one_matrix_are_apart() -> None:
    matrix = torch.randn(6, 8)
    assert shared(a=matrix[:, :3], b=matrix[:, 3:]) == {}
    assert shared(a=matrix[:, :4], b=matrix[:, 3:]) == {"a b": ("partial", 24)}
    assert shared(a=matrix[:, :4], rows=matrix[2:4]) == {"a rows": ("partial", 32)}


def test_a_gap_in_every_row_belongs_to_nobody() -> None:
    matrix = torch.randn(2, 6)
    assert shared(steps=matrix[:, :4:2], gap=matrix[:, 4]) == {}
    assert shared(steps=matrix[:, :6:2], column=matrix[:, 4]) == {"column steps": ("partial", 8)}


def test_interleaved_views_share_exactly_where_their_steps_meet() -> None:
    line = torch.randn(60)
    assert shared(even=line[::2], odd=line[1::2]) == {}
    assert shared(two=line[::2], three=line[::3]) == {"three two": ("partial", 40)}


def test_an_expanded_view_is_the_bytes_it_repeats() -> None:
    row = torch.randn(1, 4)
    assert shared(row=row, many=row.expand(5, 4)) == {"many row": ("same", 16)}


def test_a_scalar_is_one_element_of_what_it_views() -> None:
    line = torch.randn(4)
    assert shared(line=line, first=line[0], second=line[1]) == {
        "first line": ("partial", 4),
        "line second": ("partial", 4),
    }


def test_empty_tensors_share_nothing() -> None:
    empty = nn.Parameter(torch.empty(0, 4))
    line = torch.randn(4)
    assert shared(a=empty, b=empty, c=torch.empty(0), line=line, none=line[2:2]) == {}
    assert scan_sharing(Holder(a=empty, b=empty)).names == ("a", "b")


def test_real_and_imaginary_parts_are_halves_of_a_complex_tensor() -> None:
    z = torch.randn(4, dtype=torch.complex64)
    assert shared(z=z, re=z.real, im=z.imag) == {"re z": ("partial", 16), "im z": ("partial", 16)}
    assert shared(z=z, conjugate=z.conj()) == {"conjugate z": ("same", 32)}


def test_bytes_read_as_another_dtype_are_the_same_bytes() -> None:
    weight = torch.randn(4)
    assert shared(weight=weight, bits=weight.view(torch.int32), raw=weight.view(torch.uint8)) == {
        "bits weight": ("same", 16),
        "raw weight": ("same", 16),
        "bits raw": ("same", 16),
    }


def test_buffers_are_tied_to_buffers_and_to_parameters() -> None:
    model = nn.Sequential(nn.BatchNorm1d(4), nn.BatchNorm1d(4))
    model[1].running_mean = model[0].running_mean
    model.register_buffer("view", model[0].weight.detach(), persistent=False)
    assert kinds(scan_sharing(model)) == {"0.running_mean 1.running_mean": "same", "0.weight view": "same"}


def test_memory_of_numpy_is_one_memory_for_all_its_tensors() -> None:
    array = np.zeros(10, dtype=np.float32)
    tensors = {"a": torch.from_numpy(array[:6]), "b": torch.from_numpy(array[4:]), "c": torch.from_numpy(array)}
    assert shared(**tensors) == {"a b": ("partial", 8), "a c": ("partial", 24), "b c": ("partial", 24)}


def test_meta_tensors_are_tied_only_where_their_storage_is() -> None:
    untied = nn.Sequential(nn.Linear(4, 4, device="meta"), nn.Linear(4, 4, device="meta"))
    assert scan_sharing(untied).relations == {}
    assert scan_sharing(tied_pair("meta")).groups == (frozenset({"embed.weight", "head.weight"}),)
    fused = torch.randn(6, 4, device="meta")
    assert shared(whole=fused, turned=fused.t(), part=fused[1:3]) == {
        "turned whole": ("same", 96),
        "part whole": ("partial", 32),
        "part turned": ("partial", 32),
    }


@pytest.mark.filterwarnings("error")
def test_fake_tensors_are_tied_only_where_their_storage_is() -> None:
    with FakeTensorMode():
        fused = torch.randn(6, 4)
        model = Holder(a=fused[:3], b=fused[3:], whole=fused, other=torch.randn(6, 4))
        assert kinds(scan_sharing(model)) == {"a whole": "partial", "b whole": "partial"}


def test_sparse_tensors_share_where_their_values_do() -> None:
    values = torch.randn(2)
    with torch.sparse.check_sparse_tensor_invariants():
        a = torch.sparse_coo_tensor(torch.tensor([[0, 1]]), values, (3,))
        b = torch.sparse_coo_tensor(torch.tensor([[0, 2]]), values, (3,))
    assert shared(a=a, values=values) == {"a values": ("partial", 8)}
    assert shared(a=a, b=b) == {"a b": ("partial", 8)}
    assert shared(a=a, again=nn.Parameter(a.data)) == {"a again": ("same", 24)}


def test_a_wrapper_subclass_shares_where_what_it_wraps_does() -> None:
    values = torch.randn(6, 3)
    nested = torch.nested.nested_tensor_from_jagged(values, torch.tensor([0, 2, 6]))
    assert shared(jagged=nested, values=values, apart=torch.randn(6, 3)) == {"jagged values": ("partial", 72)}


def test_what_cannot_be_known_is_called_unknown_and_never_guessed() -> None:
    # Every byte a sum of a subset of thirty numbers: which sums two such sets have in common is a knapsack problem.
    numbers = [int(number) for number in np.random.default_rng(0).integers(1 << 30, 1 << 40, 30) * 2 + 1]
    whole = torch.empty(2 * sum(numbers), dtype=torch.uint8, device="meta")
    one = whole.as_strided([2] * 30, numbers)
    # First and last byte the same, all between them another sum.
    moved = [number + 2 * (-1) ** place for place, number in enumerate(numbers)]
    other = whole.as_strided([2] * 30, moved)
    sharing = scan_sharing(Holder(one=one, other=other, apart=torch.randn(2)))
    assert kinds(sharing) == {"one other": "unknown"}
    assert sharing.coupled("one") == ("other",)


def test_a_common_byte_is_found_where_the_common_bytes_are_too_many_to_count() -> None:
    # 2²² runs that overlap themselves: too many to list, no period to cut at.
    tangled = torch.as_strided(torch.empty(1 << 23), (1 << 11, 1 << 11), (3000, 2))
    shifted = torch.as_strided(tangled, (1 << 11, 1 << 11), (3001, 2), 1)
    assert shared(tangled=tangled, shifted=shifted) == {"shifted tangled": ("partial", None)}
    # All of one at even, all of the other at odd places.
    odd = torch.as_strided(tangled, (1 << 11, 1 << 11), (3002, 2), 1)
    assert shared(tangled=tangled, odd=odd) == {}


def test_a_thousand_column_blocks_are_told_apart_at_once() -> None:
    matrix = torch.empty(64, 2000, device="meta")
    blocks = {f"block{index}": matrix[:, 2 * index : 2 * index + 2] for index in range(1000)}
    wide = matrix[:, 5:8]
    assert shared(**blocks) == {}
    assert shared(**blocks, wide=wide) == {"block2 wide": ("partial", 256), "block3 wide": ("partial", 512)}


def test_a_scan_ends_in_bounded_work_whatever_the_views() -> None:
    numbers = np.random.default_rng(1).integers(1 << 10, 1 << 20, (60, 12))
    whole = torch.empty(1 << 24, dtype=torch.uint8, device="meta")
    tangles = {f"tangle{index}": whole.as_strided([2] * 12, row.tolist()) for index, row in enumerate(numbers)}
    regions = {name: regions_of(tensor) for name, tensor in tangles.items()}
    work = Work(100)
    told = [relation.kind for _, _, relation in relate(regions, work).overlaps]
    assert work.left >= 0
    assert len(told) == 60 * 59 // 2
    assert "unknown" in told
    # The same names in the same order are told the same, wherever in memory they lie.
    moved = {name: (held[0]._replace(start=held[0].start + 77),) for name, held in regions.items()}
    assert relate(moved, Work(100)) == relate(regions, Work(100))


def test_huge_strided_views_are_compared_without_listing_their_bytes() -> None:
    with torch.device("meta"):
        buffer = torch.empty(300_000_000)
    assert shared(two=buffer[::2], three=buffer[::3]) == {"three two": ("partial", 4 * 50_000_000)}


def test_uninitialised_parameters_have_no_bytes_yet() -> None:
    lazy = nn.LazyLinear(4)
    model = nn.Module()
    model.a, model.b = lazy, lazy
    assert scan_sharing(model).relations == {}
    lazy(torch.randn(2, 3))
    assert scan_sharing(model).groups == (frozenset({"a.bias", "b.bias"}), frozenset({"a.weight", "b.weight"}))


def test_a_copy_keeps_its_own_ties_and_none_to_the_original() -> None:
    model = tied_pair()
    both = nn.Module()
    both.one, both.two = model, copy.deepcopy(model)
    assert len(scan_sharing(both).groups) == 2
    assert scan_sharing(copy.deepcopy(model)).digest == scan_sharing(model).digest


def test_ties_survive_being_pickled() -> None:
    file = io.BytesIO()
    torch.save(tied_pair(), file)
    file.seek(0)
    assert scan_sharing(torch.load(file, weights_only=False)).groups


def test_a_lazy_clone_shares_nothing_and_looking_does_not_copy_it() -> None:
    weight = torch.randn(100)
    clone = torch._lazy_clone(weight)
    assert scan_sharing(Holder(a=nn.Parameter(weight), b=nn.Parameter(clone))).relations == {}
    assert kinds(scan_sharing(Holder(b=nn.Parameter(clone), c=nn.Parameter(clone[:5])))) == {"b c": "partial"}
    assert torch._C._is_cow_tensor(weight)
    assert torch._C._is_cow_tensor(clone)


def test_freed_storage_keeps_its_ties() -> None:
    model = tied_pair()
    model.embed.weight.untyped_storage().resize_(0)
    assert scan_sharing(model).groups == (frozenset({"embed.weight", "head.weight"}),)


def test_unregistered_tensors_are_named_as_python_would_reach_them() -> None:
    model = nn.Module()
    model.layer = nn.Linear(2, 2)
    model.bank = [model.layer.weight, (torch.randn(2), {"k": model.layer.bias})]
    model.layer.plain = torch.randn(3)
    loop: list[object] = [model.layer.weight.t()]
    loop.append(loop)
    model.loop = loop
    assert scan_sharing(model).names == ("layer.bias", "layer.weight")
    sharing = scan_sharing(model, unregistered=True)
    for name in set(sharing.names) - {"layer.bias", "layer.weight"}:
        assert isinstance(eval(f"model.{name}", {"model": model}), torch.Tensor)  # noqa: S307
    assert sharing.groups == (
        frozenset({"bank[0]", "layer.weight", "loop[0]"}),
        frozenset({"bank[1][1]['k']", "layer.bias"}),
    )
    assert "layer.plain" in sharing.names
    assert sharing.resolve("bank") == ("bank[0]", "bank[1][0]", "bank[1][1]['k']")


def test_a_recurrent_network_shares_only_with_its_own_flat_list() -> None:
    model = nn.LSTM(3, 4, num_layers=2)
    assert scan_sharing(model).relations == {}
    assert len(scan_sharing(model, unregistered=True).groups) == 8


@pytest.mark.parametrize(
    ("apply", "name", "sources"),
    [
        (
            lambda layer: parametrizations.weight_norm(layer),
            "weight",
            {"parametrizations.weight.original0", "parametrizations.weight.original1"},
        ),
        (
            lambda layer: parametrizations.spectral_norm(layer),
            "weight",
            {"parametrizations.weight.original", "parametrizations.weight.0._u", "parametrizations.weight.0._v"},
        ),
        (
            lambda layer: parametrizations.orthogonal(layer),
            "weight",
            {"parametrizations.weight.original", "parametrizations.weight.0.base"},
        ),
        (lambda layer: nn.utils.spectral_norm(layer), "weight", {"weight_orig", "weight_u", "weight_v"}),
        (
            lambda layer: nn.utils.prune.random_unstructured(layer, "weight", 0.5),
            "weight",
            {"weight_orig", "weight_mask"},
        ),
        (lambda layer: nn.utils.weight_norm(layer), "weight", {"weight_g", "weight_v"}),
    ],
)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_what_torch_computes_from_others_is_derived(
    apply: Callable[[nn.Module], nn.Module], name: str, sources: set[str]
) -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    apply(model[0])
    sharing = scan_sharing(model)
    assert sharing.derived == {f"0.{name}": tuple(sorted(f"0.{source}" for source in sources))}
    for source in sources:
        assert f"0.{name}" in [entry.name for entry in sharing.affected(f"0.{source}") if entry.relation == "derived"]
        assert sharing.coupled(f"0.{source}") == ()


def test_a_removed_parametrization_derives_nothing() -> None:
    layer = parametrizations.weight_norm(nn.Linear(4, 4))
    scanner = SharingScanner(layer)
    assert scanner.current().derived
    with pytest.raises(UnsupportedStorage, match="computed from"):
        scanner.tensor("weight")
    parametrize.remove_parametrizations(layer, "weight")
    assert scanner.current().derived == {}
    assert scanner.tensor("weight") is layer.weight


def test_a_state_dict_or_a_tensor_is_refused() -> None:
    for given in (nn.Linear(2, 2).state_dict(), torch.randn(3), None):
        with pytest.raises(NotAModel, match=r"torch\.nn\.Module is needed"):
            scan_sharing(given)  # type: ignore[arg-type]


def test_scanning_reads_and_changes_nothing() -> None:
    model = tied_pair()
    versions = [parameter._version for parameter in model.parameters()]
    scan_sharing(model)
    assert [parameter._version for parameter in model.parameters()] == versions


# ---- the scanner -----------------------------------------------------------------------------------------------


def test_the_same_map_is_returned_while_nothing_is_bound_anew() -> None:
    model = tied_pair()
    scanner = SharingScanner(model)
    first = scanner.current()
    with torch.no_grad():
        model.head.weight.mul_(2)
        model.head.weight.data += 1
    assert scanner.current() is first


@pytest.mark.parametrize(
    ("change", "groups"),
    [
        (lambda model: setattr(model.head, "weight", nn.Parameter(model.head.weight.detach().clone())), 0),
        (lambda model: setattr(model.head.weight, "data", model.head.weight.data.clone()), 1),
        (lambda model: model.register_buffer("view", model.embed.weight.data.t()), 1),
        (lambda model: setattr(model, "more", nn.Sequential(model.head, model.head)), 1),
        (lambda model: delattr(model, "head"), 0),
        (lambda model: model.half(), 1),
        (lambda model: model.to_empty(device="meta"), 0),
    ],
)
def test_every_change_of_what_is_bound_is_seen_at_once(change: Callable[[nn.Module], object], groups: int) -> None:
    model = tied_pair()
    scanner = SharingScanner(model)
    before = scanner.current()
    change(model)
    assert len(scanner.current().groups) == groups
    assert scanner.current() == scan_sharing(model)
    assert before.groups


def test_a_diff_of_before_and_after_tells_what_was_untied() -> None:
    model = tied_pair()
    scanner = SharingScanner(model)
    before = scanner.current()
    model.head.weight = nn.Parameter(model.head.weight.detach().clone())
    assert before.diff(scanner.current()).untied == (frozenset({"embed.weight", "head.weight"}),)
    model.head.weight = model.embed.weight
    assert scanner.current() == before


def test_the_identity_of_memory_tells_which_storage_kept_its_bytes() -> None:
    model = tied_pair()
    scanner = SharingScanner(model)
    before = scanner.memory_identity()
    model.head.weight = nn.Parameter(model.head.weight.detach().clone())
    after = scanner.memory_identity()
    assert set(before) == {"embed.weight"}
    assert after["embed.weight"] == before["embed.weight"]
    assert after["head.weight"] != before["embed.weight"]


def test_storages_without_bytes_have_no_identity() -> None:
    scanner = SharingScanner(Holder(a=torch.empty(0), b=torch.empty(0, 2), c=torch.randn(2)))
    assert set(scanner.memory_identity()) == {"c"}
    layer = parametrizations.weight_norm(nn.Linear(4, 4))
    assert "weight" not in SharingScanner(layer).memory_identity()


def test_identity_is_of_the_bytes_and_not_of_the_object_that_views_them() -> None:
    model = tied_pair()
    scanner = SharingScanner(model)
    before = scanner.memory_identity()
    model.embed.weight = nn.Parameter(model.embed.weight.data)
    assert scanner.memory_identity() == before


def test_the_scanner_hands_out_live_tensors_by_every_name() -> None:
    model = tied_pair()
    scanner = SharingScanner(model)
    assert scanner.tensor("head.weight") is scanner.tensor("embed") is model.embed.weight
    assert set(scanner.tensors()) == {"embed.weight", "head.weight"}
    with pytest.raises(UnknownName, match="heda"):
        scanner.tensor("heda.weight")


def test_a_name_beyond_a_cycle_names_nothing() -> None:
    parent, child = nn.Linear(2, 2), nn.Linear(2, 2)
    parent.child, child.parent = child, parent
    scanner = SharingScanner(parent)
    assert scanner.tensor("child.weight") is child.weight
    with pytest.raises(UnknownName):
        scanner.tensor("child.parent.weight")


def test_the_scanner_keeps_no_tensor_alive() -> None:
    model = tied_pair()
    scanner = SharingScanner(model)
    scanner.current()
    gone = weakref.ref(model.embed.weight)
    model.embed.weight = model.head.weight = nn.Parameter(torch.randn(10, 4))
    gc.collect()
    assert gone() is None
