"""Names bound to other memory inside a window: a change of the map, no write; writes follow to where they are."""

from __future__ import annotations

import gc

import pytest
import torch
from torch import nn

from introspection.capture import WriteCapture
from introspection.sharing import SharingDiff

torch.set_num_threads(1)


@pytest.fixture
def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.BatchNorm1d(4))


def names(capture: WriteCapture) -> set[str]:
    """Every name written in a window."""
    return {name for write in capture.writes for name in write.names}


def test_a_new_parameter_is_a_rebinding_and_no_write(model: nn.Sequential) -> None:
    with WriteCapture(model) as capture:
        model[0].weight = nn.Parameter(torch.zeros(4, 4))
    assert capture.rebound == ("0.weight",)
    assert capture.writes == ()
    assert capture.unattributed == ()
    assert capture.sharing_change == SharingDiff()


def test_data_exchanged_is_a_rebinding_and_no_write(model: nn.Sequential) -> None:
    with WriteCapture(model) as capture:
        model[0].weight.data = torch.zeros(4, 4)
    assert (capture.rebound, capture.writes) == (("0.weight",), ())


def test_swapped_tensors_are_rebound(model: nn.Sequential) -> None:
    with WriteCapture(model) as capture:
        torch.utils.swap_tensors(model[0].weight, nn.Parameter(torch.zeros(4, 4)))
        model[0].weight.data.add_(1)
    assert capture.rebound == ("0.weight",)
    assert names(capture) == {"0.weight"}


@pytest.mark.parametrize("cloned", ["before", "inside"])
@pytest.mark.parametrize("kept", [True, False])
def test_a_weight_that_was_lazily_cloned_is_watched_whatever_parts(
    model: nn.Sequential, cloned: str, kept: bool
) -> None:
    with WriteCapture(model):
        pass
    weight = model[0].weight.data
    clones = [torch._lazy_clone(weight)] if cloned == "before" else []
    with WriteCapture(model) as capture:
        if cloned == "inside":
            clones.append(torch._lazy_clone(weight))
        if not kept:
            clones.clear()
        for _ in range(3):
            weight.add_(1)
            for clone in clones:
                clone.add_(1)
    assert [(write.names, write.operators) for write in capture.writes] == [(("0.weight",), (("aten.add_.Tensor", 3),))]
    assert capture.rebound == ()
    with WriteCapture(model) as capture:
        weight.add_(1)
    assert names(capture) == {"0.weight"}


def test_a_weight_that_parts_from_a_lazy_clone_between_windows_is_watched(model: nn.Sequential) -> None:
    clone = torch._lazy_clone(model[0].weight.data)
    with WriteCapture(model):
        pass
    del clone
    model[0].weight.data.add_(1)
    with WriteCapture(model) as capture:
        model[0].weight.data.add_(1)
    assert names(capture) == {"0.weight"}


def test_an_assigning_load_rebinds_every_name(model: nn.Sequential) -> None:
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with WriteCapture(model) as capture:
        model.load_state_dict(state, assign=True)
    assert set(capture.rebound) == set(state)
    assert capture.writes == ()


def test_emptying_and_casting_rebind(model: nn.Sequential) -> None:
    with WriteCapture(model) as capture:
        model.to_empty(device="cpu")
    assert "0.weight" in capture.rebound
    with WriteCapture(model) as capture:
        model.to(torch.float64)
    assert {"0.weight", "2.running_mean"} <= set(capture.rebound)
    assert "2.num_batches_tracked" not in capture.rebound


def test_the_same_memory_in_a_new_parameter_is_no_rebinding(model: nn.Sequential) -> None:
    with WriteCapture(model) as capture:
        model[0].weight = nn.Parameter(model[0].weight.data)
        model[0].weight.data.add_(1)
    assert capture.rebound == ()
    assert names(capture) == {"0.weight"}


def test_writes_follow_a_name_to_its_new_memory(model: nn.Sequential) -> None:
    with WriteCapture(model) as capture:
        fresh = torch.zeros(4, 4)
        model[0].weight = nn.Parameter(fresh)
        fresh.add_(1)
        assert names(capture) == {"0.weight"}
        other = torch.zeros(4, 4)
        model[1].weight.data = other
        other.add_(1)
        assert names(capture) == {"0.weight", "1.weight"}
        statistics = torch.zeros(4)
        model[2].running_mean = statistics
        statistics.add_(1)
    assert names(capture) == {"0.weight", "1.weight", "2.running_mean"}


def test_memory_that_a_name_left_is_its_no_more(model: nn.Sequential) -> None:
    old = model[0].weight.data
    older = model[1].weight
    with WriteCapture(model) as capture:
        model[0].weight.data = torch.zeros(4, 4)
        old.add_(1)
        model[1].weight = nn.Parameter(torch.zeros(4, 4))
        older.data.add_(1)
    assert capture.writes == ()
    assert capture.rebound == ("0.weight", "1.weight")


def test_freed_memory_used_again_is_not_taken_for_the_weight() -> None:
    # An allocator of our own, that gives the same memory again at once: whether malloc does is up to its mood.
    memory = bytearray(4 * 64)
    model = nn.Module()
    model.weight = nn.Parameter(torch.frombuffer(memory, dtype=torch.float32))
    address = model.weight.data_ptr()
    with WriteCapture(model, fingerprints=False) as capture:
        model.weight.data = torch.zeros(3)
        gc.collect()
        used_again = torch.frombuffer(memory, dtype=torch.float32)
        assert used_again.data_ptr() == address
        used_again.add_(1)
    assert capture.writes == ()


def test_a_smaller_view_of_the_same_memory_owns_only_what_it_views(model: nn.Sequential) -> None:
    whole = model[0].weight.data
    with WriteCapture(model) as capture:
        model[0].weight.data = whole[:2]
        whole[3].add_(1)
        assert capture.writes == ()
        whole[1].add_(1)
    assert names(capture) == {"0.weight"}
    assert capture.rebound == ("0.weight",)


def test_another_part_of_the_same_storage_is_other_memory() -> None:
    model, flat = nn.Module(), torch.zeros(8)
    model.weight = nn.Parameter(flat[:4])
    with WriteCapture(model) as capture:
        model.weight.data = flat[4:]
        flat[:4].add_(1)
        assert capture.writes == ()
        flat[4:].add_(1)
    assert names(capture) == {"weight"}


def test_names_tied_inside_the_window_are_written_together(model: nn.Sequential) -> None:
    with WriteCapture(model) as capture:
        model[1].weight = model[0].weight
        model[0].weight.data.add_(1)
    assert [write.names for write in capture.writes] == [("0.weight", "1.weight")]
    assert capture.sharing_change.tied == (frozenset({"0.weight", "1.weight"}),)
    assert capture.rebound == ("1.weight",)


def test_names_tied_by_their_data_are_written_together(model: nn.Sequential) -> None:
    with WriteCapture(model) as capture:
        model[1].weight.data = model[0].weight.data
        model[0].weight.data.add_(1)
    assert [write.names for write in capture.writes] == [("0.weight", "1.weight")]


def test_modules_added_and_removed_are_followed(model: nn.Sequential) -> None:
    removed = model[1].weight
    with WriteCapture(model) as capture:
        model.append(nn.Linear(2, 2))
        model[3].bias.data.zero_()
        assert names(capture) == {"3.bias"}
        del model[1]
        removed.data.add_(1)
        assert names(capture) == {"3.bias"}
        model[0].register_buffer("extra", torch.zeros(2))
        model[0].extra.add_(1)
    assert names(capture) == {"3.bias", "0.extra"}
    assert {"0.extra", "2.bias"} & set(capture.sharing_change.added)


def test_a_parameter_put_straight_into_the_dictionary_is_followed(model: nn.Sequential) -> None:
    fresh = torch.zeros(4, 4)
    with WriteCapture(model) as capture:
        model[0]._parameters["weight"] = nn.Parameter(fresh)
        fresh.add_(1)
    assert names(capture) == {"0.weight"}


def test_a_resized_weight_is_bound_anew(model: nn.Sequential) -> None:
    with WriteCapture(model) as capture:
        model[0].weight.data.resize_(400, 400)
        model[0].bias.untyped_storage().resize_(1 << 20)
        model[0].bias.data.add_(1)
    assert {"0.weight", "0.bias"} & set(capture.rebound)
    assert names(capture) == {"0.bias"}


def test_an_uninitialised_weight_is_bound_when_it_is_first_used() -> None:
    model = nn.LazyLinear(3)
    with WriteCapture(model) as capture:
        model(torch.zeros(2, 5))
    assert set(capture.rebound) == {"weight", "bias"}
    assert names(capture) == {"weight", "bias"}


def test_an_optimizer_that_exchanges_data_is_found_out_at_its_end(model: nn.Sequential) -> None:
    class Replacing(torch.optim.Optimizer):
        def step(self, closure: object = None) -> None:
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter.data = parameter.data - 0.1

    optimizer = Replacing(model[0].parameters(), {})
    with WriteCapture(model) as capture:
        optimizer.step()
        model[0].weight.data.add_(1)
    assert capture.rebound == ("0.bias", "0.weight")
    assert names(capture) == {"0.weight"}


def test_an_unseen_write_to_newly_bound_memory_is_found(model: nn.Sequential) -> None:
    with WriteCapture(model) as capture:
        model[0].weight.data = torch.zeros(4, 4)
        torch.zeros(3).add_(1)
        model[0].weight.detach().numpy()[:] = 3
    assert capture.rebound == ("0.weight",)
    assert capture.unattributed == ("0.weight",)


def test_parameters_exchanged_for_a_call_are_restored_and_not_written(model: nn.Sequential) -> None:
    model.eval()
    given = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    with WriteCapture(model) as capture:
        torch.func.functional_call(model, given, torch.zeros(2, 4))
        given["0.weight"].add_(1)
    assert capture.writes == ()
