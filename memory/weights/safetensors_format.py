"""The safetensors format: the header in front of the bytes of a file's tensors."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

_LENGTH_BYTES = 8
_ALIGNMENT = 8

_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
    torch.complex64: "C64",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.float8_e4m3fnuz: "F8_E4M3FNUZ",
    torch.float8_e5m2fnuz: "F8_E5M2FNUZ",
    torch.uint64: "U64",
    torch.uint32: "U32",
    torch.uint16: "U16",
}
"""What the format calls the dtypes that it and torch both have."""

_BITS = {1: "U8", 2: "U16", 4: "U32", 8: "U64"}
"""What bits that the format has no dtype for are called, by the bytes of one element."""

_REAL = {torch.complex32: "F16", torch.complex128: "F64"}
"""Complex numbers that the format does not have, as pairs of real ones."""


@dataclass(frozen=True, slots=True)
class Form:
    """How one tensor is said in a header."""

    dtype: str
    """The format's own word."""
    shape: tuple[int, ...]
    """The shape in the file: with a last dimension of two more, where pairs of real numbers stand for complex ones."""
    size: int
    """Bytes."""
    native: bool
    """Whether the format has the dtype: otherwise a plain loader shows the same bits under another one."""


def form_of(dtype: torch.dtype, shape: Sequence[int]) -> Form:
    """How the format says a tensor of this dtype and shape; every dtype of whole bytes can be said."""
    size = math.prod(shape) * dtype.itemsize
    if dtype in _NAMES:
        return Form(_NAMES[dtype], tuple(shape), size, native=True)
    if dtype in _REAL:
        return Form(_REAL[dtype], (*shape, 2), size, native=False)
    return Form(_BITS[dtype.itemsize], tuple(shape), size, native=False)


def encode_header(tensors: Sequence[tuple[str, Form]], metadata: Mapping[str, str]) -> bytes:
    """The beginning of a file, up to its first tensor: the tensors follow in this order, without gaps.

    Args:
        tensors: Name and form of every tensor.
        metadata: Free texts.

    Source: "Format" in the README of https://github.com/huggingface/safetensors: eight bytes of length, little-endian;
    that many bytes of JSON, padded with spaces; then the bytes of the tensors, end to end, row by row, little-endian.
    """
    content: dict[str, object] = {"__metadata__": dict(metadata)}
    begin = 0
    for name, form in tensors:
        content[name] = {"dtype": form.dtype, "shape": form.shape, "data_offsets": (begin, begin + form.size)}
        begin += form.size
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % _ALIGNMENT)
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text


def can_name(name: str) -> bool:
    """Say whether a tensor of a file can have this name."""
    return name != "__metadata__" and not any("\ud800" <= character <= "\udfff" for character in name)
