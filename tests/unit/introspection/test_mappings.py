"""Memory that is a window on a file: the same bytes at two addresses, or bytes that only began as the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from introspection import Relation, SharingScanner, mappings, scan_sharing
from introspection.mappings import file_space, in_file

torch.set_num_threads(1)

PAIR = frozenset({"a", "b"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of 64 floats."""
    path = tmp_path / "weights.bin"
    path.write_bytes(np.zeros(64, dtype=np.float32).tobytes())
    return path


def holding(a: torch.Tensor, b: torch.Tensor) -> nn.Module:
    """A module of two parameters."""
    model = nn.Module()
    model.a, model.b = nn.Parameter(a), nn.Parameter(b)
    return model


def place(tensor: torch.Tensor) -> tuple[tuple[str, int], int] | None:
    """The file and offset of a tensor's storage."""
    return in_file(tensor.untyped_storage(), tensor.data_ptr())


def test_two_shared_mappings_of_one_file_are_the_same_bytes(file: Path) -> None:
    a, b = (torch.from_file(str(file), shared=True, size=64) for _ in range(2))
    assert a.data_ptr() != b.data_ptr()
    assert scan_sharing(holding(a, b)).relations == {PAIR: Relation("same", 256)}
    b[3] = 7
    assert a[3] == 7


def test_overlapping_windows_on_one_file_share_the_bytes_in_both(file: Path) -> None:
    array = np.memmap(file, dtype=np.float32, mode="r+", shape=(40,))
    later = np.memmap(file, dtype=np.float32, mode="r+", offset=4 * 30, shape=(34,))
    sharing = scan_sharing(holding(torch.from_numpy(array), torch.from_numpy(later)))
    assert sharing.relations == {PAIR: Relation("partial", 40)}


def test_a_private_mapping_parts_from_its_file_at_the_first_write_and_so_shares_nothing(file: Path) -> None:
    a, b = torch.from_file(str(file), shared=False, size=64), torch.from_file(str(file), shared=True, size=64)
    assert place(a) is None
    assert scan_sharing(holding(a, b)).relations == {}


def test_weights_loaded_twice_from_one_file_are_apart(tmp_path: Path) -> None:
    save_file({"w": torch.randn(5)}, tmp_path / "model.safetensors")
    a, b = (load_file(tmp_path / "model.safetensors")["w"] for _ in range(2))
    assert scan_sharing(holding(a, b)).relations == {}


def test_files_of_the_same_content_are_apart(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(file.read_bytes())
    a, b = (torch.from_file(str(path), shared=True, size=64) for path in (file, other))
    assert scan_sharing(holding(a, b)).relations == {}


def test_a_mapping_is_known_by_the_file_it_is_of_under_any_name(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.bin"
    link.hardlink_to(file)
    tensor = torch.from_file(str(link), shared=True, size=64)
    assert place(tensor) == (file_space(file), 0)
    assert file_space(tmp_path / "none.bin") is None


def test_shared_memory_is_known_by_its_segment_and_ordinary_memory_by_none() -> None:
    shared = torch.randn(10).share_memory_()
    found = place(shared)
    assert found is not None
    assert found[1] == 0
    assert place(torch.randn(10)) is None
    assert place(torch.from_numpy(np.zeros(4))) is None


def test_one_segment_of_shared_memory_mapped_twice_is_the_same_bytes() -> None:
    one = torch.randn(10).share_memory_()
    manager, handle, size = one.untyped_storage()._share_filename_cpu_()
    again = torch.UntypedStorage._new_shared_filename_cpu(manager, handle, size)
    other = torch.empty(0).set_(again, 0, (10,), (1,))
    assert other.data_ptr() != one.data_ptr()
    assert scan_sharing(holding(one, other)).relations == {PAIR: Relation("same", 40)}


def test_the_list_of_mappings_is_not_read_for_ordinary_memory_and_once_for_a_mapped_storage(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    real = mappings._windows
    monkeypatch.setattr(mappings, "_windows", lambda: read.append(None) or real())
    scan_sharing(nn.Linear(3, 3))
    assert not read
    model = holding(torch.from_file(str(file), shared=True, size=64), torch.randn(2))
    for _ in range(3):
        scan_sharing(model)
    assert len(read) == 1


def test_where_there_is_no_list_of_mappings_addresses_are_what_is_known(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mappings, "_MAPS", tmp_path / "no such file")
    a, b = (torch.from_file(str(file), shared=True, size=64) for _ in range(2))
    assert scan_sharing(holding(a, b)).relations == {}
    assert scan_sharing(holding(a, a.view(8, 8))).groups == (PAIR,)


def test_a_weight_that_moves_into_a_file_is_seen(file: Path) -> None:
    mapped = torch.from_file(str(file), shared=True, size=64)
    model = holding(mapped, torch.randn(64))
    scanner = SharingScanner(model)
    assert scanner.current().relations == {}
    model.b.data = torch.from_file(str(file), shared=True, size=64)
    assert scanner.current().groups == (PAIR,)
