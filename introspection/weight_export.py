"""A model's weights as a file: each storage once, with all its names, whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from torch import nn

from introspection.errors import InvalidArgument, UnsupportedStorage
from introspection.names import named_modules
from introspection.raw_bytes import blocks_of, over_blocks
from introspection.sharing import SharingMap
from introspection.values import ordered_values

BLOCK_BYTES = 1 << 24
"""Bytes that are written at a time."""

# Source: the safetensors file format, https://github.com/huggingface/safetensors#format, and its Dtype names.
_SAFETENSORS_NAMES = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.uint16: "U16",
    torch.int16: "I16",
    torch.uint32: "U32",
    torch.int32: "I32",
    torch.uint64: "U64",
    torch.int64: "I64",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
    torch.complex64: "C64",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """What is exported: every storage that a model's state consists of, once."""

    names: Mapping[str, tuple[str, ...]]
    """Every name of a storage, by the one it is kept under."""
    overlaps: tuple[tuple[str, str], ...]
    """Kept names whose bytes overlap without being the same: each is written whole, and the file has no overlap."""


def select_state(model: nn.Module, sharing: SharingMap, registered: Iterable[str]) -> Selection:
    """Chooses which name each storage is kept under.

    These are what `state_dict` holds: parameters and persistent buffers. A storage is kept under the name that
    transformers loads it by (the source in `all_tied_weights_keys`), else under the one registered first.

    Args:
        model: The model itself.
        sharing: Its sharing map.
        registered: The names of its parameters and buffers, in order of registration.
    """
    left_out = _not_persistent(model)
    tied = vars(model).get("all_tied_weights_keys")
    sources = set(tied.values()) if isinstance(tied, dict) else set()
    members: dict[str, list[str]] = {}
    for name in dict.fromkeys(registered):
        if name not in left_out:
            members.setdefault(sharing.storage_key(name), []).append(name)
    kept = {key: next((name for name in names if name in sources), names[0]) for key, names in members.items()}
    pairs = {
        tuple(sorted(kept[sharing.storage_key(name)] for name in pair))
        for pair, relation in sharing.relations.items()
        if relation.kind != "same" and all(sharing.storage_key(name) in kept for name in pair)
    }
    return Selection(
        {kept[key]: tuple(names) for key, names in members.items()},
        tuple(sorted((first, second) for first, second in pairs)),
    )


def write_safetensors(path: Path, selection: Selection, tensors: Mapping[str, torch.Tensor]) -> int:
    """Writes weights as a safetensors file that `safetensors.torch.load_model` and transformers load, ties remade.

    Streams: no tensor is copied whole. Names of a storage beside the one it is kept under are in the metadata, as
    safetensors' own `save_model` writes them: each with the name that is kept.

    Args:
        path: The file.
        selection: What to write.
        tensors: The tensor under every kept name.

    Returns:
        The size of the file in bytes.

    Raises:
        UnsupportedStorage: A tensor has no values here, or not all of them, or none that the format has a name for;
            nothing is written.
        InvalidArgument: There is no such folder, or the path is one.
        OSError: The file cannot be written (a full disk); a file that was there before is as it was.
    """
    dense = {name: _writable(tensors[name], name) for name in selection.names}
    # Wide elements first, so that each tensor begins at a multiple of its element size.
    order = sorted(dense, key=lambda name: (-dense[name].element_size(), name))
    metadata = {"format": "pt"}
    for kept, names in selection.names.items():
        metadata.update({name: kept for name in names if name != kept})
    if selection.overlaps:
        metadata["overlaps"] = json.dumps(selection.overlaps)
    header: dict[str, Any] = {"__metadata__": metadata}
    begin = 0
    for name in order:
        tensor = dense[name]
        end = begin + tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": _SAFETENSORS_NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
        begin = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)

    def write(file: IO[bytes]) -> None:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            for block in blocks_of(dense[name], BLOCK_BYTES):
                over_blocks([block], file.write)

    size = 8 + len(text) + begin
    write_whole(path, write, size)
    return size


def write_json(path: Path, content: object) -> int:
    """Writes JSON; returns its size in bytes.

    Raises:
        InvalidArgument: There is no such folder, or the path is one.
        OSError: The file cannot be written; a file that was there before is as it was.
    """
    text = json.dumps(content, indent=1, allow_nan=False).encode() + b"\n"
    write_whole(path, lambda file: file.write(text), len(text))
    return len(text)


def write_whole(path: Path, write: Callable[[IO[bytes]], object], size: int) -> None:
    """Makes a file appear with all its bytes, on disk, or not at all; touches nothing but the path and its folder.

    The bytes go to a new file beside it, which takes the path's place when it is complete. A symbolic link is
    replaced, not followed. The room is asked for first, so that a full disk is met before anything is written.

    Args:
        path: The file; one that exists is replaced.
        write: Called with the open file.
        size: How many bytes it will write.

    Raises:
        InvalidArgument: There is no such folder, or the path is one.
        OSError: The file cannot be written.
    """
    if not path.parent.is_dir():
        raise InvalidArgument("path", str(path), f"make the folder {path.parent} first")
    if path.is_dir() and not path.is_symlink():
        raise InvalidArgument("path", str(path), "give the path of a file; this is a folder")
    beside = path.parent / f".{path.name[:100]}.{secrets.token_hex(8)}.partial"
    try:
        # Not tempfile's mode 0600: others may read what they could read before.
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            if size and hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _writable(tensor: torch.Tensor, name: str) -> torch.Tensor:
    values = ordered_values(tensor, name)
    if values.scope != "whole":
        raise UnsupportedStorage(
            name,
            f"this process holds only a {values.scope} of it",
            remedy="gather the whole state first (torch.distributed.checkpoint.state_dict)",
        )
    ((dense, _),) = values.pieces
    if dense.dtype not in _SAFETENSORS_NAMES:
        raise UnsupportedStorage(name, f"safetensors has no {dense.dtype}", remedy="leave it out with `filter`")
    return dense


def _not_persistent(model: nn.Module) -> set[str]:
    """Names of buffers that a state leaves out."""
    return {
        f"{path}.{name}" if path else name
        for path, module in named_modules(model)
        for name in module._non_persistent_buffers_set
    }
