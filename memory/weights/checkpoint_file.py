"""Writing checkpoints: safetensors files that plain transformers loads, whole on the disk or absent."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from blake3 import blake3
from torch import Tensor, nn

from introspection.contents import dense_contents, undisturbed
from introspection.fingerprint import BLOCK_BYTES, combine_blocks, dense_fingerprint
from introspection.raw_bytes import blocks_of, over_blocks
from introspection.sharing import SharingMap
from memory.errors import DigestMismatch, InvalidArgument, UnsupportedStorage
from memory.store.disk import appearing, make_folders, to_disk, writing_to
from memory.weights.checkpoint_files import CheckpointFile, CheckpointFiles, StoredTensor
from memory.weights.checkpoint_layout import Layout, lay_out
from memory.weights.safetensors_format import Form, can_name, encode_header, form_of
from memory.weights.transformers_files import CONFIG_FILE, encode_config

MODEL_FILE = "model.safetensors"
EXTRA_FILE = "palimpsest_extra.safetensors"
"""Storages that no plain loader asks for: non-persistent buffers, tensors in plain attributes."""


@dataclass(frozen=True, slots=True)
class _Planned:
    """One tensor to be written."""

    key: str
    name: str
    form: Form
    dense: Tensor
    fingerprint: str


@dataclass(frozen=True, slots=True)
class _PlannedFile:
    """One file to be written, whose size is known."""

    name: str
    header: bytes
    tensors: tuple[_Planned, ...] = ()

    @property
    def size(self) -> int:
        return len(self.header) + sum(planned.form.size for planned in self.tensors)


def write_checkpoint(
    path: Path,
    tensors: Mapping[str, Tensor],
    sharing: SharingMap,
    *,
    model: nn.Module | None = None,
    config: Any = None,
    fingerprints: Mapping[str, str | None] | None = None,
) -> CheckpointFiles:
    """Write a state of a model; when this returns all of it is on the disk, and before that nothing is at the path.

    The folder holds `model.safetensors` and, of a model of transformers, `config.json` and `generation_config.json`:
    `from_pretrained(folder)` loads it tied as the model is and bit for bit, in the dtype of its first parameter. Every
    storage is written once, under the name that transformers keeps; a tie that loading would not make again has its
    bytes under the other name too. What is not part of the state dict is in `palimpsest_extra.safetensors`. Overlapping
    storages are each written whole. Texts in the header say which names were dropped for which
    (`palimpsest.ties`), what overlaps (`palimpsest.views`), which bits stand for a dtype that the format does not have
    (`palimpsest.dtypes`), and the fingerprint of every tensor.

    No second copy of the weights is made: they are read a block at a time.

    Args:
        path: A folder that is not there yet; or a file that is not, ending in `.safetensors`, which then holds what
            `model.safetensors` would, and all there is.
        tensors: Storage key to the tensor under the key, for every storage of the map; live, or of an earlier state.
        sharing: The sharing map of that state.
        model: The live model: its class, its configuration, and what is part of its state dict. Without it everything
            is in `model.safetensors`, each storage under its key.
        config: A configuration of transformers to write instead of the model's own.
        fingerprints: Storage key to the fingerprint that its bytes must have; those left out are computed.

    Returns:
        What was written, to be recorded: `CheckpointReader` reads it and holds it against this.

    Raises:
        InvalidArgument: Something is at the path, or the tensors are not those of the map.
        UnsupportedStorage: Some tensors cannot be written (meta, sparse, quantised, or of no possible name).
        DigestMismatch: A tensor does not have the fingerprint given, or changed while it was written.
        DatabaseFull: No room is left on the disk.
        DatabaseUnavailable: The path cannot be written.
    """
    if os.path.lexists(path):
        raise InvalidArgument("path", str(path), "give a path at which there is nothing yet")
    _require_all(tensors, sharing)
    with undisturbed():
        dense = _all_dense(tensors, sharing)
        layout = lay_out(tensors, sharing, model)
        known = {key: (fingerprints or {}).get(key) or dense_fingerprint(dense[key], key) for key in dense}
        documents = dict(layout.documents)
        if config is not None:
            documents[CONFIG_FILE] = encode_config(config)
        if path.suffix == ".safetensors":
            planned = [_plan(path.name, layout, dense, known, sharing, extra=False)]
        else:
            planned = [_plan(MODEL_FILE, layout, dense, known, sharing, extra=False)]
            if layout.extra:
                planned.append(_plan(EXTRA_FILE, layout, dense, known, sharing, extra=True))
            planned += [_PlannedFile(name, content) for name, content in documents.items()]
        with writing_to(path):
            make_folders(path.parent)
            with appearing(path) as partial:
                if path.suffix == ".safetensors":
                    files = _write_all({partial: planned[0]})
                else:
                    partial.mkdir()
                    files = _write_all({partial / each.name: each for each in planned})
                    to_disk(partial)
    return CheckpointFiles(
        tuple(sorted(files, key=lambda file: file.name)),
        tuple(sorted(_stored(planned), key=lambda stored: (stored.key, stored.name != layout.kept[stored.key]))),
    )


def _require_all(tensors: Mapping[str, Tensor], sharing: SharingMap) -> None:
    differing = sorted(sharing.storages.keys() ^ tensors.keys())
    if differing:
        raise InvalidArgument("tensors", differing[0], "give one tensor for every storage of the sharing map")


def _all_dense(tensors: Mapping[str, Tensor], sharing: SharingMap) -> dict[str, Tensor]:
    """The tensors as their bytes are read, or one error for all that cannot be."""
    dense: dict[str, Tensor] = {}
    refused: list[UnsupportedStorage] = []
    for key, tensor in tensors.items():
        try:
            dense[key] = dense_contents(tensor, key)
            if not all(map(can_name, sharing.storages[key])):
                raise UnsupportedStorage(
                    key, "a safetensors file has no such name", remedy="rename the parameter or module"
                )
        except UnsupportedStorage as error:
            refused.append(error)
    if refused:
        others = "".join(f"; {error.message}" for error in refused[1:])
        raise UnsupportedStorage(
            refused[0].name,
            refused[0].message.partition("cannot be reached: ")[2] + others,
            remedy="; ".join(dict.fromkeys(error.remedy for error in refused)) + "; nothing was written",
        ) from refused[0]
    return dense


def _plan(
    name: str,
    layout: Layout,
    dense: Mapping[str, Tensor],
    fingerprints: Mapping[str, str],
    sharing: SharingMap,
    *,
    extra: bool,
) -> _PlannedFile:
    named = [(layout.kept[key], key) for key in dense if (key in layout.extra) == extra]
    if not extra:
        named += layout.copies.items()
    planned = [_planned(name, key, layout, dense, fingerprints) for name, key in named]
    # The widest first: every tensor is then aligned, for those who map the file.
    planned.sort(key=lambda each: (-each.dense.element_size(), each.name))
    header = encode_header([(each.name, each.form) for each in planned], _metadata(planned, layout, sharing))
    return _PlannedFile(name, header, tuple(planned))


def _planned(
    name: str, key: str, layout: Layout, dense: Mapping[str, Tensor], fingerprints: Mapping[str, str]
) -> _Planned:
    shown = layout.reshaped.get(name)
    if shown is None:
        return _Planned(key, name, form_of(dense[key].dtype, dense[key].shape), dense[key], fingerprints[key])
    seen = dense_contents(shown, name)
    return _Planned(key, name, form_of(seen.dtype, seen.shape), seen, dense_fingerprint(seen, name))


def _metadata(planned: list[_Planned], layout: Layout, sharing: SharingMap) -> dict[str, str]:
    here = {each.name for each in planned}
    keys = {each.key for each in planned}
    ties = {name: layout.kept[key] for key in keys for name in sharing.storages[key] if name not in here}
    views = {
        layout.kept[key]: [layout.kept[other] for other in sharing.overlapping(key) if other in layout.kept]
        for key in keys
        if sharing.overlapping(key)
    }
    notes: dict[str, dict[str, Any]] = {
        "ties": ties,
        "copies": {name: layout.kept[key] for name, key in layout.copies.items() if name in here},
        "views": views,
        "dtypes": {each.name: str(each.dense.dtype).removeprefix("torch.") for each in planned if not each.form.native},
        "fingerprints": {each.name: each.fingerprint for each in planned},
    }
    texts = {f"palimpsest.{kind}": json.dumps(note, sort_keys=True) for kind, note in notes.items() if note}
    # A dropped name with the kept one: how safetensors' own `save_model` tells.
    return {**dict(sorted(ties.items())), **texts, "format": "pt"}


def _write_all(planned: Mapping[Path, _PlannedFile]) -> list[CheckpointFile]:
    with ExitStack() as stack:
        opened = [(stack.enter_context(path.open("xb")), each) for path, each in planned.items()]
        # A full disk says so here, before anything is half-written.
        for file, each in opened:
            os.posix_fallocate(file.fileno(), 0, each.size)
        return [_write(file, each) for file, each in opened]


def _write(file: BinaryIO, planned: _PlannedFile) -> CheckpointFile:
    whole = blake3(planned.header)
    file.write(planned.header)
    for each in planned.tensors:
        digests: list[bytes] = []

        def take(block: memoryview, digests: list[bytes] = digests) -> None:
            digests.append(blake3(block).digest())
            whole.update(block)
            file.write(block)

        for block in blocks_of(each.dense, BLOCK_BYTES):
            over_blocks([block], take)
        written = combine_blocks(each.dense.dtype, each.dense.shape, digests)
        if written != each.fingerprint:
            raise DigestMismatch(f"{each.key!r}, as it was written,", expected=each.fingerprint, actual=written)
    file.flush()
    os.fsync(file.fileno())
    header = (len(planned.header), blake3(planned.header).hexdigest()) if planned.tensors else (None, None)
    return CheckpointFile(planned.name, planned.size, whole.hexdigest(), *header)


def _stored(planned: list[_PlannedFile]) -> Iterator[StoredTensor]:
    for file in planned:
        offset = len(file.header)
        for each in file.tensors:
            dtype = str(each.dense.dtype).removeprefix("torch.")
            yield StoredTensor(
                each.key, file.name, each.name, dtype, tuple(each.dense.shape), each.fingerprint, offset, each.form.size
            )
            offset += each.form.size
