"""Checkpoint files: whole on the disk or absent, every kind of tensor bit for bit."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest
import torch
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from introspection.fingerprint import fingerprint
from introspection.scan import SharingScanner, scan_sharing
from introspection.sharing import SharingMap
from memory.errors import (
    CorruptionError,
    DatabaseFull,
    DatabaseUnavailable,
    DigestMismatch,
    InvalidArgument,
    UnknownName,
    UnsupportedStorage,
)
from memory.weights.checkpoint_file import EXTRA_FILE, MODEL_FILE, write_checkpoint
from memory.weights.checkpoint_files import CheckpointFiles
from memory.weights.checkpoint_reader import CheckpointReader

torch.set_num_threads(1)

NATIVE = (
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.float8_e4m3fnuz,
    torch.float8_e5m2fnuz,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint64,
    torch.uint32,
    torch.uint16,
    torch.uint8,
    torch.bool,
    torch.complex64,
)
FOREIGN = (torch.complex128, torch.complex32, torch.float8_e8m0fnu)


def bits(tensor: Tensor) -> tuple[torch.dtype, torch.Size, bytes]:
    plain = torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor).reshape(-1)
    return tensor.dtype, tensor.shape, bytes(plain.view(torch.uint8).tolist())


def random_bits(dtype: torch.dtype, *shape: int) -> Tensor:
    """Any bits: NaN of every payload, infinities, both zeros."""
    size = torch.Size(shape).numel() * dtype.itemsize
    content = torch.randint(0, 2 if dtype is torch.bool else 256, (size,), dtype=torch.uint8)
    return content.view(dtype).reshape(shape)


def bare(tensors: Mapping[str, Tensor]) -> SharingMap:
    return SharingMap.from_relations(names=tensors)


def write(path: Path, tensors: Mapping[str, Tensor], fingerprints: Mapping[str, str] | None = None) -> CheckpointFiles:
    return write_checkpoint(path, tensors, bare(tensors), fingerprints=fingerprints)


def save(path: Path, model: nn.Module) -> CheckpointFiles:
    scanner = SharingScanner(model)
    sharing = scanner.current()
    return write_checkpoint(path, {key: scanner.tensor(key) for key in sharing.storages}, sharing, model=model)


def metadata(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as file:
        return dict(file.metadata())


@pytest.fixture
def three() -> dict[str, Tensor]:
    torch.manual_seed(0)
    # The first is of more than one block, and of no whole number of them.
    return {"long": torch.randn(300_000), "word": torch.randn(3, 5), "flag": torch.tensor(True)}


# What comes back


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
@pytest.mark.parametrize("dtype", [*NATIVE, *FOREIGN], ids=str)
def test_bits_of_every_dtype_come_back(tmp_path: Path, dtype: torch.dtype) -> None:
    tensors = {"w": random_bits(dtype, 7, 3), "none": random_bits(dtype, 0, 2), "one": random_bits(dtype)}
    files = write(tmp_path / "c", tensors)
    reader = CheckpointReader(tmp_path / "c", files)
    assert {key: bits(reader.read(key)) for key in tensors} == {key: bits(value) for key, value in tensors.items()}
    assert {stored.key: stored.fingerprint for stored in files.tensors} == {
        key: fingerprint(value) for key, value in tensors.items()
    }
    assert reader.verify() == []


def test_plain_safetensors_reads_every_dtype_it_has(tmp_path: Path) -> None:
    tensors = {str(dtype): random_bits(dtype, 4, 2) for dtype in NATIVE}
    write(tmp_path / "c", tensors)
    loaded = load_file(tmp_path / "c" / MODEL_FILE)
    assert {name: bits(value) for name, value in loaded.items()} == {n: bits(value) for n, value in tensors.items()}


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
def test_a_dtype_that_the_format_lacks_stands_as_other_bits_and_the_header_says_so(tmp_path: Path) -> None:
    tensors = {str(dtype): random_bits(dtype, 4) for dtype in (*FOREIGN, torch.float32)}
    write(tmp_path / "c", tensors)
    notes = json.loads(metadata(tmp_path / "c" / MODEL_FILE)["palimpsest.dtypes"])
    assert notes == {str(dtype): str(dtype).removeprefix("torch.") for dtype in FOREIGN}
    loaded = load_file(tmp_path / "c" / MODEL_FILE)
    assert loaded["torch.complex128"].shape == (4, 2)
    assert bits(torch.view_as_complex(loaded["torch.complex128"])) == bits(tensors["torch.complex128"])


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_any_view_comes_back_as_what_it_shows(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("views") / "c"
    tensors = {}
    for name in data.draw(st.lists(st.sampled_from("abcd"), unique=True, max_size=4)):
        dtype = data.draw(st.sampled_from([torch.bfloat16, torch.float32, torch.complex64, torch.uint8]))
        shape = data.draw(st.lists(st.integers(0, 4), max_size=3))
        strides = data.draw(st.lists(st.integers(0, 5), min_size=len(shape), max_size=len(shape)))
        view = random_bits(dtype, 80).as_strided(shape, strides, data.draw(st.integers(0, 5)))
        tensors[name] = view.conj() if dtype.is_complex and data.draw(st.booleans()) else view
    reader = CheckpointReader(path, write(path, tensors))
    assert {key: bits(reader.read(key)) for key in tensors} == {key: bits(view) for key, view in tensors.items()}
    loaded = load_file(path / MODEL_FILE)
    assert {key: bits(value) for key, value in loaded.items()} == {key: bits(view) for key, view in tensors.items()}


def test_storages_that_overlap_are_each_written_whole_and_the_header_says_which(tmp_path: Path) -> None:
    memory = torch.randn(10)
    model = nn.Module()
    model.first, model.second = nn.Parameter(memory[:6]), nn.Parameter(memory[4:])
    files = save(tmp_path / "c", model)
    reader = CheckpointReader(tmp_path / "c", files)
    assert torch.equal(reader.read("first"), memory[:6])
    assert torch.equal(reader.read("second"), memory[4:])
    views = json.loads(metadata(tmp_path / "c" / MODEL_FILE)["palimpsest.views"])
    assert views == {"first": ["second"], "second": ["first"]}


def test_names_of_one_storage_are_written_once_and_the_header_says_for_which(tmp_path: Path) -> None:
    model = nn.ModuleDict({"b": nn.Linear(3, 3, bias=False), "a": nn.Linear(3, 3, bias=False)})
    model["b"].weight = model["a"].weight
    files = save(tmp_path / "c", model)
    assert [(stored.key, stored.name) for stored in files.tensors] == [("a.weight", "a.weight")]
    said = metadata(tmp_path / "c" / MODEL_FILE)
    assert (said["format"], said["b.weight"]) == ("pt", "a.weight")
    assert json.loads(said["palimpsest.ties"]) == {"b.weight": "a.weight"}
    assert json.loads(said["palimpsest.fingerprints"]) == {"a.weight": fingerprint(model["a"].weight)}


def test_what_is_not_of_the_state_dict_has_a_file_of_its_own(tmp_path: Path) -> None:
    model = nn.Module()
    model.weight, model.bank = nn.Parameter(torch.randn(2)), [torch.randn(3)]
    model.register_buffer("table", torch.randn(4), persistent=False)
    sharing = scan_sharing(model, unregistered=True)
    tensors = {"weight": model.weight, "table": model.table, "bank[0]": model.bank[0]}
    files = write_checkpoint(tmp_path / "c", tensors, sharing, model=model)
    assert load_file(tmp_path / "c" / MODEL_FILE).keys() == {"weight"}
    assert load_file(tmp_path / "c" / EXTRA_FILE).keys() == {"bank[0]", "table"}
    reader = CheckpointReader(tmp_path / "c", files)
    assert all(torch.equal(reader.read(key), tensor) for key, tensor in tensors.items())
    assert reader.verify() == []
    # A single file is for plain loaders, and has only what they ask for.
    assert {s.key for s in write_checkpoint(tmp_path / "m.safetensors", tensors, sharing, model=model).tensors} == {
        "weight"
    }


def test_a_single_file_is_read_like_a_folder(tmp_path: Path, three: dict[str, Tensor]) -> None:
    files = write(tmp_path / "w.safetensors", three)
    assert load_file(tmp_path / "w.safetensors").keys() == three.keys()
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]
    reader = CheckpointReader(tmp_path / "w.safetensors", files)
    assert torch.equal(reader.read("word"), three["word"])
    assert reader.verify() == []


def test_tensors_lie_end_to_end_and_aligned_after_a_padded_header(tmp_path: Path, three: dict[str, Tensor]) -> None:
    files = write(tmp_path / "c", {**three, "half": torch.randn(3).half(), "byte": torch.ones(3, dtype=torch.uint8)})
    content = (tmp_path / "c" / MODEL_FILE).read_bytes()
    (file,) = files.files
    assert file.header_size == 8 + int.from_bytes(content[:8], "little")
    assert file.header_size % 8 == 0
    place = file.header_size
    for stored in sorted(files.tensors, key=lambda stored: stored.offset):
        assert stored.offset == place
        assert stored.offset % getattr(torch, stored.dtype).itemsize == 0
        place += stored.size
    assert place == file.size == len(content)


def test_what_is_known_of_the_files_survives_being_recorded(tmp_path: Path, three: dict[str, Tensor]) -> None:
    files = write(tmp_path / "c", three)
    again = json.loads(json.dumps(files.to_plain()))
    assert CheckpointFiles.from_plain(again) == files
    assert CheckpointReader(tmp_path / "c", again).verify() == []
    assert [file.digest for file in files.files] == [blake3((tmp_path / "c" / MODEL_FILE).read_bytes()).hexdigest()]
    assert files.size == (tmp_path / "c" / MODEL_FILE).stat().st_size
    with pytest.raises(CorruptionError, match="cannot be read"):
        CheckpointReader(tmp_path / "c", {"files": 3})


def test_a_storage_that_is_not_in_it_is_an_unknown_name(tmp_path: Path, three: dict[str, Tensor]) -> None:
    reader = CheckpointReader(tmp_path / "c", write(tmp_path / "c", three))
    with pytest.raises(UnknownName, match="did you mean 'word'"):
        reader.read("wrod")


# What is refused before anything is written


@pytest.mark.filterwarnings("ignore:.*quantized tensor creation functions")
def test_every_tensor_that_cannot_be_written_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    tensors = {
        "fine": torch.ones(2),
        "nowhere": torch.ones(2, device="meta"),
        "sparse": torch.eye(3).to_sparse(),
        "coarse": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
    }
    with pytest.raises(UnsupportedStorage) as raised:
        write(tmp_path / "c", tensors)
    assert all(name in str(raised.value) for name in ("'nowhere'", "'sparse'", "'coarse'"))
    assert "load the weights first" in raised.value.remedy
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["__metadata__", "lone\ud800"])
def test_a_name_that_the_format_cannot_hold_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsupportedStorage, match="no such name"):
        write(tmp_path / "c", {name: torch.ones(1)})
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_is_there_is_written_over(tmp_path: Path, three: dict[str, Tensor]) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.safetensors").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("folder", "file.safetensors", "link"):
        with pytest.raises(InvalidArgument, match=name):
            write(tmp_path / name, three)
    assert (tmp_path / "file.safetensors").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.safetensors", "folder", "link"]


def test_the_tensors_must_be_those_of_the_map(tmp_path: Path, three: dict[str, Tensor]) -> None:
    for given_ in ({"word": three["word"]}, {**three, "more": torch.ones(1)}):
        with pytest.raises(InvalidArgument, match="tensors"):
            write_checkpoint(tmp_path / "c", given_, bare(three))


def test_bytes_that_are_not_those_that_were_recorded_are_not_written(tmp_path: Path, three: dict[str, Tensor]) -> None:
    known = {key: fingerprint(tensor) for key, tensor in three.items()}
    three["word"][1, 1] += 1
    with pytest.raises(DigestMismatch, match="'word'") as raised:
        write(tmp_path / "c", three, known)
    assert raised.value.expected == known["word"]
    assert list(tmp_path.iterdir()) == []
    assert write(tmp_path / "c", three, {"long": known["long"]}).tensor("word").fingerprint != known["word"]


# Whole or absent


def test_whatever_fails_at_any_step_nothing_is_left(
    tmp_path: Path, three: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [("fsync", os), ("posix_fallocate", os), ("rename", Path)]
    failures = 0
    for name, owner in steps:
        for failing in range(1, 10):
            original, calls = getattr(owner, name), 0

            def fail(*arguments: object, original: Callable[..., object] = original, failing: int = failing) -> object:
                nonlocal calls
                calls += 1
                if calls == failing:
                    raise KeyboardInterrupt
                return original(*arguments)

            target = tmp_path / f"{name}{failing}"
            with monkeypatch.context() as patch:
                patch.setattr(owner, name, fail)
                try:
                    write(target, three)
                except KeyboardInterrupt:
                    failures += 1
                    assert list(tmp_path.iterdir()) == []
                    continue
            assert CheckpointReader(target, write(tmp_path / "again", three)).verify() == []
            for path in (*tmp_path.glob("*/*"), *tmp_path.iterdir()):
                path.unlink() if path.is_file() else path.rmdir()
            break
    # The file, the names in the folder, the folder's own name; the room for the file; the name.
    assert failures == 3 + 1 + 1


def test_every_file_is_on_the_disk_before_it_has_its_name_and_the_name_before_it_is_said(
    tmp_path: Path, three: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def note_fsync(handle: int) -> None:
        fsync(handle)
        done.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name)

    def note_rename(self: Path, target: Path) -> Path:
        done.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "rename", note_rename)
    write(tmp_path / "made" / "c", three)
    assert done[0] == tmp_path.name
    assert done[1] == MODEL_FILE
    assert done[2].endswith(".partial")
    assert done[3:] == ["rename", "made"]


@pytest.mark.parametrize(("umask", "folder", "file"), [(0o022, 0o755, 0o644), (0o077, 0o700, 0o600)])
def test_who_may_read_it_is_what_the_user_wants(tmp_path: Path, umask: int, folder: int, file: int) -> None:
    before = os.umask(umask)
    try:
        write(tmp_path / "c", {"w": torch.ones(3)})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "c").stat().st_mode) == folder
    assert stat.S_IMODE((tmp_path / "c" / MODEL_FILE).stat().st_mode) == file


def test_a_full_disk_is_said_before_a_byte_is_written_and_a_retry_succeeds(disks: ModuleType) -> None:
    tensors = {"w": torch.randn(600_000), "v": torch.randn(600_000)}
    with disks.small_disk("8m") as disk:
        disk.fill(leave=3_000_000)
        with pytest.raises(DatabaseFull, match="no room is left"):
            write(disk.folder / "checkpoints" / "c", tensors)
        assert list((disk.folder / "checkpoints").iterdir()) == []
        disk.free()
        files = write(disk.folder / "checkpoints" / "c", tensors)
        assert CheckpointReader(disk.folder / "checkpoints" / "c", files).verify() == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, three: dict[str, Tensor]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnavailable, match="cannot be written"):
        write(tmp_path / "file" / "c", three)
