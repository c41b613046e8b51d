"""Reading checkpoints back: no byte is believed that is not the one that was written."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

import torch
from blake3 import blake3
from torch import Tensor

from introspection.fingerprint import BLOCK_BYTES, combine_blocks
from memory.errors import CorruptionError, DatabaseUnavailable, DigestMismatch
from memory.weights.checkpoint_files import CheckpointFile, CheckpointFiles, StoredTensor


class CheckpointReader:
    """A checkpoint on the disk, held against what was recorded of it when it was written.

    Args:
        path: The folder, or the single file ending in `.safetensors`.
        expected: What `write_checkpoint` returned, or that as plain values.

    Raises:
        CorruptionError: What is given as plain values is no record of a checkpoint.
    """

    def __init__(self, path: Path, expected: CheckpointFiles | Mapping[str, Any]) -> None:
        self.path = path
        self.expected = expected if isinstance(expected, CheckpointFiles) else CheckpointFiles.from_plain(expected)
        self._files = {file.name: file for file in self.expected.files}
        self._tensors = self.expected.by_key
        self._checked: set[str] = set()

    def read(self, key: str) -> Tensor:
        """Give the tensor of a storage, in memory of its own on the CPU: bit for bit what was written.

        Args:
            key: The storage's key.

        Raises:
            UnknownName: The checkpoint has no storage of this key.
            DigestMismatch: Its bytes, or the header of its file, are not those that were written.
            CorruptionError: The file is missing, or of another length.
            DatabaseUnavailable: The file cannot be read.
        """
        stored = self._tensors.get(key) or self.expected.tensor(key)
        file = self._files[stored.file]
        content = torch.empty(stored.size, dtype=torch.uint8)
        with self._opened(file) as opened:
            # Once is enough: what the tensors hold is held against their own fingerprints each time.
            if file.name not in self._checked:
                self._check_rest(opened, file)
                self._checked.add(file.name)
            self._require(stored, self._digests(opened, stored, content))
        return content.view(_dtype(stored)).reshape(stored.shape)

    def verify(self) -> list[str]:
        """Read every byte of every file again, and say what is wrong: nothing, if the list is empty.

        Raises:
            DatabaseUnavailable: A file cannot be read.
        """
        return [error.message for error in self.problems()]

    def check(self) -> None:
        """Read every byte of every file again.

        Raises:
            CorruptionError: Something is not as it was written: the first that is found.
            DatabaseUnavailable: A file cannot be read.
        """
        for error in self.problems():
            raise error

    def problems(self) -> Iterator[CorruptionError]:
        """Read every byte of every file again; yield what is wrong as errors, one for every tensor, header or file.

        Raises:
            DatabaseUnavailable: A file cannot be read.
        """
        for file in self.expected.files:
            try:
                with self._opened(file) as opened:
                    yield from self._problems_of(opened, file)
            except CorruptionError as error:
                yield error

    def _problems_of(self, opened: BufferedReader, file: CheckpointFile) -> Iterator[CorruptionError]:
        try:
            self._check_rest(opened, file)
        except CorruptionError as error:
            yield error
        for stored in self.expected.tensors:
            if stored.file == file.name:
                try:
                    self._require(stored, self._digests(opened, stored))
                except CorruptionError as error:
                    yield error

    def _check_rest(self, opened: BufferedReader, file: CheckpointFile) -> None:
        """Hold against the record all of a file that is in no tensor: its length, and what comes first."""
        if (size := opened.seek(0, os.SEEK_END)) != file.size:
            raise CorruptionError(f"{self._at(file.name)} has {size} bytes, and {file.size} were recorded")
        opened.seek(0)
        if file.header_size is None or file.header_digest is None:
            what, size, expected = str(self._at(file.name)), file.size, file.digest
        else:
            what, size, expected = f"the header of {self._at(file.name)}", file.header_size, file.header_digest
        found = blake3(opened.read(size)).hexdigest()
        if found != expected:
            raise DigestMismatch(what, expected=expected, actual=found)

    def _digests(self, opened: BufferedReader, stored: StoredTensor, into: Tensor | None = None) -> list[bytes]:
        """The digest of every block of a tensor, which is read into memory of its own where some is given."""
        digests = []
        whole = None if into is None else _memory(into)
        passing = memoryview(bytearray(BLOCK_BYTES if whole is None else 0))
        opened.seek(stored.offset)
        for begin in range(0, stored.size, BLOCK_BYTES):
            size = min(BLOCK_BYTES, stored.size - begin)
            block = passing[:size] if whole is None else whole[begin : begin + size]
            digests.append(blake3(block[: opened.readinto(block)]).digest())
        return digests

    def _require(self, stored: StoredTensor, digests: list[bytes]) -> None:
        found = combine_blocks(_dtype(stored), stored.shape, digests)
        if found != stored.fingerprint:
            raise DigestMismatch(
                f"tensor {stored.name!r} of {self._at(stored.file)}", expected=stored.fingerprint, actual=found
            )

    def _at(self, name: str) -> Path:
        return self.path if self.path.suffix == ".safetensors" else self.path / name

    @contextmanager
    def _opened(self, file: CheckpointFile) -> Iterator[BufferedReader]:
        path = self._at(file.name)
        try:
            with path.open("rb") as opened:
                yield opened
        except (FileNotFoundError, NotADirectoryError):
            raise CorruptionError(
                f"the checkpoint file {path} is missing", remedy="put it back where it was, or copy it from a backup"
            ) from None
        except OSError as error:
            raise DatabaseUnavailable(
                f"the checkpoint file {path} cannot be read: {error.strerror}",
                remedy="check the disk and its permissions",
            ) from error


def _dtype(stored: StoredTensor) -> torch.dtype:
    dtype = getattr(torch, stored.dtype, None)
    if not isinstance(dtype, torch.dtype):
        raise CorruptionError(f"tensor {stored.name!r} is recorded as {stored.dtype!r}, which torch does not have")
    return dtype


def _memory(content: Tensor) -> memoryview:
    """The memory of a contiguous tensor on the CPU, to be written."""
    return memoryview((ctypes.c_char * content.nbytes).from_address(content.data_ptr())).cast("B")
