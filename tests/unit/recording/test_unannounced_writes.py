from __future__ import annotations

import ctypes
import threading

import pytest
import torch
from torch import nn

from introspection.fingerprint import fingerprint


def by_data(weight: nn.Parameter) -> None:
    weight.data += 1


def by_fused_optimizer(weight: nn.Parameter) -> None:
    weight.grad = torch.ones_like(weight)
    torch.optim.AdamW([weight], lr=0.1, fused=True).step()


def by_numpy(weight: nn.Parameter) -> None:
    weight.detach().numpy()[0] = 7.0


def by_address(weight: nn.Parameter) -> None:
    ctypes.c_float.from_address(weight.data_ptr()).value = 7.0


def by_storage(weight: nn.Parameter) -> None:
    weight.untyped_storage()[3] = 0x7F


def by_another_thread(weight: nn.Parameter) -> None:
    thread = threading.Thread(target=lambda: weight.data.zero_())
    thread.start()
    thread.join()


def under_no_grad(weight: nn.Parameter) -> None:
    with torch.no_grad():
        weight.mul_(2)


WAYS = [by_data, by_fused_optimizer, by_numpy, by_address, by_storage, by_another_thread, under_no_grad]


@pytest.mark.parametrize("write", WAYS, ids=lambda write: write.__name__)
@pytest.mark.parametrize("name", ["head.weight", "middle.bias"])
def test_every_way_to_write_is_found_by_a_full_scan_with_what_it_changed(memory, model, events, name, write):
    memory.attach(model, name="tied", baseline="full")
    weight = model.get_parameter(name)
    before = weight.detach().double().clone()
    write(weight)
    (handle,) = memory.verify_weights()
    (event,) = events("unattributed_write")
    key = "embed.weight" if name == "head.weight" else name
    assert handle.affected_layers == (("embed.weight", "head.weight") if name == "head.weight" else (name,))
    assert (event.payload.storage_key, event.payload.found_by, event.act_id) == (key, "verify", None)
    assert event.payload.fingerprint_found == fingerprint(weight)
    change = event.payload.change
    assert change.elements_changed == int((weight.detach().double() != before).sum())
    assert change.delta_norm == pytest.approx(float((weight.detach().double() - before).norm()), nan_ok=True)
    assert memory.verify_weights() == ()
    assert memory.verify().ok


@pytest.mark.parametrize("write", WAYS, ids=lambda write: write.__name__)
def test_every_way_to_write_can_be_taken_back(memory, model, bits, write):
    memory.attach(model, name="tied", baseline="full")
    before = bits(model)
    write(model.head.weight)
    memory.restore(1, record_unannounced=True)
    assert bits(model) == before


def test_a_rebound_parameter_is_found_under_its_name(memory, model, events):
    memory.attach(model, name="tied")
    model.middle.bias.data = torch.ones(4)
    memory.verify_weights()
    (event,) = events("unattributed_write")
    assert event.payload.storage_key == "middle.bias"
    model.middle.bias = nn.Parameter(torch.zeros(4))
    memory.verify_weights()
    assert len(events("unattributed_write")) == 2


def test_loading_by_assignment_is_found_with_the_ties_it_broke(memory, model, events, types):
    memory.attach(model, name="tied")
    model.load_state_dict({name: tensor + 1 for name, tensor in model.state_dict().items()}, assign=True)
    memory.verify_weights()
    assert events("sharing_changed")[0].payload.untied == (("embed.weight", "head.weight"),)
    assert memory.verify().ok


def test_a_memory_mapped_file_that_changed_on_the_disk_is_found(memory, tmp_path, events):
    path = tmp_path / "weights.bin"
    path.write_bytes(torch.arange(8.0).numpy().tobytes())
    model = nn.Module()
    model.register_buffer("mapped", torch.from_file(str(path), shared=True, size=8, dtype=torch.float32))
    memory.attach(model)
    with path.open("r+b") as file:
        file.seek(4)
        file.write(b"\x00\x00\x80\x40\x00")
    memory.verify_weights()
    assert [event.payload.storage_key for event in events("unattributed_write")] == ["mapped"]


def test_a_swap_of_two_rows_and_a_change_of_sign_of_zero_are_found(memory, events):
    model = nn.Linear(2, 4)
    with torch.no_grad():
        model.weight[3] = 0.0
    memory.attach(model)
    model.weight.data[[0, 1]] = model.weight.data[[1, 0]].clone()
    memory.verify_weights()
    model.weight.data[3, 0] = -0.0
    memory.verify_weights()
    assert len(events("unattributed_write")) == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda memory: memory.record_metrics({"loss": 1.0}),
        lambda memory: memory.record_observation("behavior", "c"),
        lambda memory: memory.record_layer_statistics("norm", {"middle.bias": 1.0}),
    ],
)
def test_what_torch_counted_is_recorded_before_the_next_record(memory, attached, types, call):
    with torch.no_grad():
        attached.middle.weight.add_(1)
    call(memory)
    assert types()[0] == "unattributed_write"
    assert len(types()) == 2
    call(memory)
    assert "unattributed_write" not in types()[2:]


def test_a_write_that_is_reported_is_no_unannounced_one(memory, attached, types):
    with torch.no_grad():
        attached.middle.weight.add_(1)
    memory.record_modification("middle.weight")
    memory.record_metrics({"loss": 1.0})
    assert types() == ["modification", "metrics_recorded"]


def test_a_scan_inside_an_edit_leaves_the_edit_alone(memory, attached, types):
    with memory.edit("middle.weight") as weight:
        weight.add_(1)
        assert memory.verify_weights() == ()
        memory.record_metrics({"loss": 1.0})
    assert types() == ["metrics_recorded", "modification"]


def test_the_bytes_before_are_said_not_to_be_restorable_where_they_never_were_kept(memory, attached, events):
    attached.middle.bias.data.add_(1)
    memory.verify_weights()
    payload = events("unattributed_write")[0].payload
    assert (payload.change, payload.deltas, payload.earlier_restorable) == (None, (), False)


def test_a_record_that_is_refused_forgets_nothing(memory, attached, types):
    attached.middle.bias.data.add_(1)
    with pytest.raises(ZeroDivisionError), memory.batch():
        _ = memory.verify_weights(), 1 / 0
    assert types() == []
    memory.verify_weights()
    assert types() == ["unattributed_write"]
