"""Checkpoint files that were damaged: no changed byte is believed, and what is damaged is named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from introspection.sharing import SharingMap
from memory.errors import CorruptionError, DigestMismatch
from memory.weights.checkpoint_file import MODEL_FILE, write_checkpoint
from memory.weights.checkpoint_files import CheckpointFiles
from memory.weights.checkpoint_reader import CheckpointReader

torch.set_num_threads(1)


def write(path: Path, tensors: Mapping[str, Tensor]) -> CheckpointFiles:
    return write_checkpoint(path, tensors, SharingMap.from_relations(names=tensors))


@pytest.fixture
def three() -> dict[str, Tensor]:
    torch.manual_seed(0)
    # The first is of more than one block, and of no whole number of them.
    return {"long": torch.randn(300_000), "word": torch.randn(3, 5), "flag": torch.tensor(True)}


def flip(path: Path, index: int) -> None:
    content = bytearray(path.read_bytes())
    content[index] ^= 0x10
    path.write_bytes(content)


def test_a_flipped_byte_of_any_tensor_is_refused_with_its_name(tmp_path: Path, three: dict[str, Tensor]) -> None:
    files = write(tmp_path / "c", three)
    path = tmp_path / "c" / MODEL_FILE
    for stored in files.tensors:
        for place in {stored.offset, stored.offset + stored.size // 2, stored.offset + stored.size - 1}:
            flip(path, place)
            reader = CheckpointReader(tmp_path / "c", files)
            with pytest.raises(DigestMismatch, match=f"tensor '{stored.name}'") as raised:
                reader.read(stored.key)
            assert raised.value.expected == stored.fingerprint != raised.value.actual
            (problem,) = reader.verify()
            assert f"tensor '{stored.name}'" in problem
            for other in three.keys() - {stored.key}:
                assert torch.equal(reader.read(other), three[other])
            flip(path, place)
    assert CheckpointReader(tmp_path / "c", files).verify() == []


def test_a_flipped_byte_anywhere_in_the_header_is_refused_as_the_header(tmp_path: Path) -> None:
    files = write(tmp_path / "c", {"w": torch.ones(3), "views": torch.ones(1, dtype=torch.int8)})
    path = tmp_path / "c" / MODEL_FILE
    # With padding: a byte of that is a byte of the header.
    assert path.read_bytes()[: files.files[0].header_size].endswith(b" ")
    for place in range(files.files[0].header_size or 0):
        flip(path, place)
        reader = CheckpointReader(tmp_path / "c", files)
        with pytest.raises(DigestMismatch, match=f"the header of .*{MODEL_FILE}"):
            reader.read("w")
        assert [problem.startswith("the header of") for problem in reader.verify()] == [True]
        with pytest.raises(DigestMismatch, match="the header of"):
            reader.check()
        flip(path, place)


def test_every_problem_is_listed(tmp_path: Path, three: dict[str, Tensor]) -> None:
    files = write(tmp_path / "c", three)
    path = tmp_path / "c" / MODEL_FILE
    flip(path, 20)
    for key in ("word", "flag"):
        flip(path, files.tensor(key).offset)
    problems = CheckpointReader(tmp_path / "c", files).verify()
    assert len(problems) == 3
    for told, what in zip(problems, ("the header", "tensor 'flag'", "tensor 'word'"), strict=True):
        assert told.startswith(what)


def test_a_file_of_another_length_is_refused(tmp_path: Path, three: dict[str, Tensor]) -> None:
    files = write(tmp_path / "c", three)
    path = tmp_path / "c" / MODEL_FILE
    whole = path.read_bytes()
    for content in (whole + b"\0", whole[:-1], whole[:100], b""):
        path.write_bytes(content)
        reader = CheckpointReader(tmp_path / "c", files)
        for key in three:
            with pytest.raises(CorruptionError, match=f"has {len(content)} bytes, and {len(whole)} were recorded"):
                reader.read(key)
        assert len(reader.verify()) >= 1
    path.write_bytes(whole[: files.tensor("word").offset])
    assert [problem.partition(" of ")[0] for problem in CheckpointReader(tmp_path / "c", files).verify()][1:] == [
        "tensor 'flag'",
        "tensor 'word'",
    ]


def test_a_file_that_is_missing_is_said_with_what_to_do(tmp_path: Path, three: dict[str, Tensor]) -> None:
    files = write(tmp_path / "c", three)
    (tmp_path / "c" / MODEL_FILE).unlink()
    reader = CheckpointReader(tmp_path / "c", files)
    with pytest.raises(CorruptionError, match=f"{MODEL_FILE} is missing") as raised:
        reader.read("word")
    assert "backup" in raised.value.remedy
    (problem,) = reader.verify()
    assert "is missing" in problem


def test_what_was_read_stays_when_the_file_is_gone(tmp_path: Path, three: dict[str, Tensor]) -> None:
    files = write(tmp_path / "c", three)
    reader = CheckpointReader(tmp_path / "c", files)
    found = reader.read("long")
    (tmp_path / "c" / MODEL_FILE).write_bytes(b"")
    assert torch.equal(found, three["long"])
    found.add_(1)
    with pytest.raises(CorruptionError):
        CheckpointReader(tmp_path / "c", files).read("long")
