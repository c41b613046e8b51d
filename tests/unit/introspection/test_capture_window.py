"""What a window is: its steps, its callbacks, what it says of writes it did not see, and how it ends."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import optimizer as optimizers
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from introspection.capture import WriteCapture
from introspection.captured import CapturedWrite
from introspection.errors import InvalidArgument, NotAModel

torch.set_num_threads(1)


@pytest.fixture
def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))


EVERY_NAME = {"0.weight", "0.bias", "1.weight", "1.bias"}


def by_step(capture: WriteCapture) -> list[tuple[int, str]]:
    """(step, storage) of every record."""
    return [(write.step, write.storage_key) for write in capture.writes]


def test_a_step_of_an_optimizer_is_a_step_of_its_own(model: nn.Sequential) -> None:
    optimizer = torch.optim.SGD(model[0].parameters(), lr=0.1)
    model(torch.ones(3)).sum().backward()
    with WriteCapture(model) as capture:
        model[1].bias.data.add_(1)
        optimizer.step()
        optimizer.step()
        model[1].bias.data.add_(1)
    assert by_step(capture) == [
        (0, "1.bias"),
        (1, "0.bias"),
        (1, "0.weight"),
        (2, "0.bias"),
        (2, "0.weight"),
        (3, "1.bias"),
    ]


def test_an_optimizer_that_steps_others_is_one_step(model: nn.Sequential) -> None:
    class Both(torch.optim.Optimizer):
        def __init__(self, parts: list[torch.optim.Optimizer]) -> None:
            super().__init__([nn.Parameter(torch.zeros(1))], {})
            self.parts = parts

        def step(self, closure: object = None) -> None:
            for part in self.parts:
                part.step()

    both = Both([torch.optim.SGD(layer.parameters(), lr=0.1) for layer in model])
    model(torch.ones(3)).sum().backward()
    with WriteCapture(model) as capture:
        both.step()
    assert {step for step, _ in by_step(capture)} == {0}
    assert {key for _, key in by_step(capture)} == EVERY_NAME


def test_writes_to_one_storage_in_one_step_are_one_record(model: nn.Sequential) -> None:
    with WriteCapture(model) as capture:
        for _ in range(50):
            model[0].bias.data.add_(1)
        model[0].bias.data.fill_(3)
    (write,) = capture.writes
    assert write == CapturedWrite(
        step=0,
        storage_key="0.bias",
        names=("0.bias",),
        storage_keys=("0.bias",),
        operators=(("aten.add_.Tensor", 50), ("aten.fill_.Scalar", 1)),
    )
    assert write.to_dict()["operators"] == {"aten.add_.Tensor": 50, "aten.fill_.Scalar": 1}


def test_a_mark_ends_a_step_and_steps_without_writes_do_not_count(model: nn.Sequential) -> None:
    with WriteCapture(model) as capture:
        capture.mark_step()
        model[0].bias.data.add_(1)
        capture.mark_step()
        capture.mark_step()
        assert capture.step == 1
        model[0].bias.data.add_(1)
    assert by_step(capture) == [(0, "0.bias"), (1, "0.bias")]


def test_a_mark_outside_the_window_is_refused(model: nn.Sequential) -> None:
    capture = WriteCapture(model)
    with pytest.raises(InvalidArgument):
        capture.mark_step()


def test_steps_of_another_thread_are_not_ours(model: nn.Sequential) -> None:
    other = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(other.parameters(), lr=0.1)
    with WriteCapture(model) as capture:
        model[0].bias.data.add_(1)
        thread = threading.Thread(target=optimizer.step)
        thread.start()
        thread.join()
        model[1].bias.data.add_(1)
    assert by_step(capture) == [(0, "0.bias"), (0, "1.bias")]


def test_an_optimizer_that_raises_does_not_join_later_steps(model: nn.Sequential) -> None:
    optimizer = torch.optim.SGD(model[0].parameters(), lr=0.1)
    model(torch.ones(3)).sum().backward()

    def broken() -> float:
        raise RuntimeError("no loss")

    with WriteCapture(model) as capture:
        with pytest.raises(RuntimeError, match="no loss"):
            optimizer.step(broken)
        optimizer.step()
        model[1].bias.data.add_(1)
    assert by_step(capture) == [(0, "0.bias"), (0, "0.weight"), (1, "1.bias")]


def test_before_the_first_write_of_a_step_the_bytes_are_still_what_they_were(model: nn.Sequential) -> None:
    images: list[tuple[tuple[str, ...], list[float]]] = []

    def on_write(keys: tuple[str, ...]) -> None:
        images.append((keys, model[0].bias.tolist()))

    nn.init.zeros_(model[0].bias)
    with WriteCapture(model, on_write=on_write) as capture:
        model[0].bias.data.fill_(1)
        model[0].bias.data.fill_(2)
        capture.mark_step()
        model[0].bias.data.fill_(3)
    assert images == [(("0.bias",), [0.0] * 4), (("0.bias",), [2.0] * 4)]


def test_every_storage_met_is_announced_once_a_step() -> None:
    announced: list[tuple[str, ...]] = []
    model = nn.Module()
    whole = torch.zeros(6)
    model.whole = nn.Parameter(whole)
    model.first, model.last = nn.Parameter(whole[:3]), nn.Parameter(whole[3:])
    with WriteCapture(model, on_write=announced.append):
        model.first.data.add_(1)
        model.whole.data.add_(1)
        model.last.data.add_(1)
    assert announced == [("first", "whole"), ("last",)]


def test_foreach_announces_all_its_storages_at_once(model: nn.Sequential) -> None:
    announced: list[tuple[str, ...]] = []
    with WriteCapture(model, on_write=announced.append):
        torch._foreach_zero_([model[1].weight.data, model[0].bias.data])
    assert announced == [("0.bias", "1.weight")]


def test_what_the_callbacks_write_is_not_captured(model: nn.Sequential) -> None:
    steps: list[tuple[CapturedWrite, ...]] = []

    def on_write(keys: tuple[str, ...]) -> None:
        model[1].bias.data.add_(1)

    def on_step(writes: tuple[CapturedWrite, ...]) -> None:
        steps.append(writes)
        model[1].bias.data.add_(1)

    with WriteCapture(model, on_write=on_write, on_step=on_step) as capture:
        model[0].bias.data.add_(1)
        capture.mark_step()
        model[0].weight.data.add_(1)
    assert [[write.storage_key for write in writes] for writes in steps] == [["0.bias"], ["0.weight"]]
    assert by_step(capture) == [(0, "0.bias"), (1, "0.weight")]


def test_an_error_before_a_write_stops_it_and_the_next_is_announced_again(model: nn.Sequential) -> None:
    refusals = [True, False]

    def on_write(keys: tuple[str, ...]) -> None:
        if refusals.pop(0):
            raise PermissionError("not now")

    before = model[0].bias.tolist()
    with WriteCapture(model, on_write=on_write) as capture:
        with pytest.raises(PermissionError, match="not now"):
            model[0].bias.data.add_(1)
        assert model[0].bias.tolist() == before
        assert capture.writes == ()
        model[0].bias.data.add_(1)
    assert by_step(capture) == [(0, "0.bias")]
    assert refusals == []


def test_a_write_that_fails_is_none(model: nn.Sequential) -> None:
    with WriteCapture(model) as capture, pytest.raises(RuntimeError):
        model[0].bias.data.add_(torch.ones(7))
    assert capture.writes == ()
    assert capture.unattributed == ()


def numpy_write(weight: torch.Tensor) -> None:
    weight.detach().numpy()[0] += 1


def ctypes_write(weight: torch.Tensor) -> None:
    ctypes.memset(weight.data_ptr(), 7, 4)


def thread_write(weight: torch.Tensor) -> None:
    thread = threading.Thread(target=lambda: weight.data.add_(1))
    thread.start()
    thread.join()


UNSEEN = [numpy_write, ctypes_write, thread_write]


@pytest.mark.parametrize("write", UNSEEN)
def test_what_no_dispatch_mode_sees_is_found_at_the_end(
    model: nn.Sequential, write: Callable[[torch.Tensor], None]
) -> None:
    with WriteCapture(model) as capture:
        write(model[0].bias)
        model[1].bias.data.add_(1)
    assert by_step(capture) == [(0, "1.bias")]
    assert capture.unattributed == ("0.bias",)
    assert capture.unchecked == ("1.bias",)


def test_a_write_by_another_process_into_shared_memory_is_found(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    model = nn.Module()
    model.weight = nn.Parameter(torch.from_file(str(path), shared=True, size=4, dtype=torch.float32))
    model.other = nn.Parameter(torch.zeros(2))
    with WriteCapture(model) as capture:
        model.other.data.add_(1)
        subprocess.run([sys.executable, "-c", f"open({str(path)!r}, 'r+b').write(b'abcd')"], check=True)
    assert capture.unattributed == ("weight",)
    assert by_step(capture) == [(0, "other")]


def test_a_write_through_another_mapping_of_the_same_file_is_seen(tmp_path: Path) -> None:
    path = str(tmp_path / "weights.bin")
    model = nn.Module()
    model.weight = nn.Parameter(torch.from_file(path, shared=True, size=4, dtype=torch.float32))
    again = torch.from_file(path, shared=True, size=4, dtype=torch.float32)
    assert again.data_ptr() != model.weight.data_ptr()
    with WriteCapture(model) as capture:
        again[1:].add_(1)
    assert by_step(capture) == [(0, "weight")]


def test_without_fingerprints_nothing_is_read_and_all_is_unchecked(model: nn.Sequential) -> None:
    with WriteCapture(model, fingerprints=False) as capture:
        numpy_write(model[0].bias)
    assert capture.unattributed == ()
    assert set(capture.unchecked) == EVERY_NAME


def test_an_unseen_write_beside_a_captured_one_is_told_apart_where_each_step_is_verified(model: nn.Sequential) -> None:
    def run(capture: WriteCapture) -> None:
        model[0].bias.data.add_(1)
        capture.mark_step()
        numpy_write(model[0].bias)
        model[0].bias.data.add_(1)

    with WriteCapture(model) as capture:
        run(capture)
    assert (capture.unattributed, capture.unchecked) == ((), ("0.bias",))
    with WriteCapture(model, verify_each_step=True) as capture:
        run(capture)
    assert (capture.unattributed, capture.unchecked) == (("0.bias",), ())


def test_verified_steps_find_writes_after_the_last_step_and_none_where_there_are_none(model: nn.Sequential) -> None:
    optimizer = torch.optim.Adam(model.parameters())
    with WriteCapture(model, verify_each_step=True) as capture:
        for _ in range(3):
            model(torch.ones(3)).sum().backward()
            optimizer.step()
    assert (capture.unattributed, capture.unchecked) == ((), ())
    with WriteCapture(model, verify_each_step=True) as capture:
        optimizer.step()
        numpy_write(model[1].bias)
    assert capture.unattributed == ("1.bias",)


def test_an_error_inside_ends_the_window_with_a_full_report(model: nn.Sequential) -> None:
    depth = len(_get_current_dispatch_mode_stack())
    capture = WriteCapture(model)

    def broken() -> None:
        with capture:
            model[0].bias.data.add_(1)
            numpy_write(model[1].bias)
            raise KeyError("inside")

    with pytest.raises(KeyError):
        broken()
    assert by_step(capture) == [(0, "0.bias")]
    assert capture.unattributed == ("1.bias",)
    assert len(_get_current_dispatch_mode_stack()) == depth


def test_after_the_window_nothing_is_left_behind(model: nn.Sequential) -> None:
    from torch.nn.modules import module

    def hooks() -> list[int]:
        return [
            len(held)
            for held in (
                optimizers._global_optimizer_pre_hooks,
                optimizers._global_optimizer_post_hooks,
                module._global_parameter_registration_hooks,
                module._global_buffer_registration_hooks,
                module._global_module_registration_hooks,
            )
        ]

    before = hooks()
    with WriteCapture(model) as capture:
        model[0].bias.data.add_(1)
    assert hooks() == before
    model[0].bias.data.add_(1)
    assert by_step(capture) == [(0, "0.bias")]
    weight = weakref.ref(model[0].weight)
    model[0] = nn.Identity()
    gc.collect()
    assert weight() is None


def test_a_window_is_entered_once(model: nn.Sequential) -> None:
    capture = WriteCapture(model)
    with capture, pytest.raises(InvalidArgument), capture:
        pass
    with pytest.raises(InvalidArgument), capture:
        pass


def test_nested_windows_each_see_what_is_written_inside_them(model: nn.Sequential) -> None:
    with WriteCapture(model) as outer:
        model[0].bias.data.add_(1)
        with WriteCapture(model) as inner:
            model[1].bias.data.add_(1)
        model[0].weight.data.add_(1)
    assert by_step(inner) == [(0, "1.bias")]
    assert [key for _, key in by_step(outer)] == ["0.bias", "0.weight", "1.bias"]


def test_windows_on_two_models_do_not_mix(model: nn.Sequential) -> None:
    other = nn.Linear(2, 2)
    with WriteCapture(model) as first, WriteCapture(other) as second:
        other.weight.data.add_(1)
        model[0].bias.data.add_(1)
    assert by_step(first) == [(0, "0.bias")]
    assert by_step(second) == [(0, "weight")]


def test_a_window_opened_while_another_announces_sees_its_own_writes(model: nn.Sequential) -> None:
    other = nn.Linear(2, 2)
    inner: list[WriteCapture] = []

    def on_write(keys: tuple[str, ...]) -> None:
        with WriteCapture(other) as capture:
            other.bias.data.add_(1)
        inner.append(capture)

    with WriteCapture(model, on_write=on_write) as outer:
        model[0].bias.data.add_(1)
    assert by_step(outer) == [(0, "0.bias")]
    assert [by_step(capture) for capture in inner] == [[(0, "bias")]]


def test_records_taken_are_held_no_longer(model: nn.Sequential) -> None:
    with WriteCapture(model) as capture:
        for _ in range(3):
            model[0].bias.data.add_(1)
            capture.mark_step()
        assert [write.step for write in capture.take_writes()] == [0, 1, 2]
        assert capture.writes == ()
        model[0].bias.data.add_(1)
        assert capture.take_writes() == ()
    assert by_step(capture) == [(3, "0.bias")]


def test_what_is_no_model_and_what_is_no_choice_are_refused(model: nn.Sequential) -> None:
    with pytest.raises(NotAModel):
        WriteCapture(model[0].weight)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument):
        WriteCapture(model, compiled="off")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument):
        WriteCapture(model, fingerprints=False, verify_each_step=True)


def test_an_empty_model_can_be_watched() -> None:
    with WriteCapture(nn.Identity()) as capture:
        torch.zeros(3).add_(1)
    assert (capture.writes, capture.unattributed, capture.unchecked) == ((), (), ())
