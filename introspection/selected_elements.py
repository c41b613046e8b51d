"""Which elements an indexed write meets, found before it is made.

`index_put_`, `scatter_`, `masked_fill_` and the like take a whole tensor as mutable and write some of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch._ops import OpOverload

from introspection.overlap import MAX_RUNS, Region

Arguments = Sequence[Any]
Runs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Begins and ends of runs of bytes, in order, none touching the next."""


@dataclass(frozen=True, slots=True)
class Selection:
    """How one operator selects the elements it writes; both are asked of the positional arguments of a call."""

    nothing: Callable[[Arguments], bool]
    """Whether nothing at all is selected."""
    mark: Callable[[torch.Tensor, Arguments], object]
    """Sets the elements selected, in a tensor of booleans of the written tensor's shape."""


def selection_of(operator: OpOverload) -> Selection | None:
    """How an in-place operator selects what it writes of its first argument; None if it writes all of it."""
    return _SELECTIONS.get(operator._schema.name)


def selected_runs(selection: Selection, args: Arguments) -> Runs:
    """The bytes that a call writes of its first argument, a dense tensor, as offsets from the tensor's first byte.

    Takes a boolean for each element of the tensor: for use where it matters which elements are met.
    """
    target: torch.Tensor = args[0]
    with torch.no_grad():
        marked = torch.zeros(target.shape, dtype=torch.bool, device=target.device)
        selection.mark(marked, args)
        places = marked.nonzero().cpu().numpy().astype(np.int64)
    width = target.element_size()
    begins = np.unique(places @ np.asarray(target.stride(), dtype=np.int64).reshape(-1)) * width
    return _joined(begins, width)


def runs_of(region: Region) -> Runs | None:
    """The bytes of a region as runs at absolute addresses; None if there are too many to list, or if it hides them."""
    if math.prod(count for _, count in region.dims) > MAX_RUNS:
        return None
    begins = np.zeros(1, dtype=np.int64)
    for stride, count in region.dims:
        begins = np.add.outer(np.arange(count, dtype=np.int64) * stride, begins).ravel()
    return _joined(np.unique(begins) + region.start, region.run)


def common_bytes(first: Runs, second: Runs) -> int:
    """How many bytes two lists of runs have in common."""
    begins, ends = first
    other_begins, other_ends = second
    if not len(begins) or not len(other_begins):
        return 0
    before = np.concatenate(([0], np.cumsum(other_ends - other_begins)))

    def up_to(points: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Bytes of the second list below each point."""
        index = np.searchsorted(other_begins, points, side="right")
        past = np.where(index > 0, other_ends[index - 1] - points, 0)
        result: npt.NDArray[np.int64] = before[index] - np.maximum(past, 0)
        return result

    return int((up_to(ends) - up_to(begins)).sum())


def _joined(begins: npt.NDArray[np.int64], run: int) -> Runs:
    if not len(begins):
        return begins, begins
    gaps = np.flatnonzero(np.diff(begins) > run)
    return begins[np.concatenate(([0], gaps + 1))], begins[np.concatenate((gaps, [len(begins) - 1]))] + run


def _no_place(args: Arguments) -> bool:
    return bool(args[2].numel() == 0)


def _no_index(args: Arguments) -> bool:
    return any(
        index is not None
        and (not bool(index.any()) if index.dtype in (torch.bool, torch.uint8) else index.numel() == 0)
        for index in args[1]
    )


def _unmasked(args: Arguments) -> bool:
    return not bool(args[1].any())


def _mark_index(marked: torch.Tensor, args: Arguments) -> object:
    return marked.index_put_(tuple(args[1]), marked.new_ones(()))


def _mark_dimension(marked: torch.Tensor, args: Arguments) -> object:
    return marked.index_fill_(args[1], args[2], True)


def _mark_scattered(marked: torch.Tensor, args: Arguments) -> object:
    return marked.scatter_(args[1], args[2], True)


def _mark_mask(marked: torch.Tensor, args: Arguments) -> object:
    return marked.masked_fill_(args[1], True)


def _mark_put(marked: torch.Tensor, args: Arguments) -> object:
    return marked.put_(args[1], marked.new_ones(args[1].shape))


def _mark_diagonal(marked: torch.Tensor, args: Arguments) -> object:
    return marked.fill_diagonal_(True, len(args) > 2 and args[2])


def _mark_long_rows(marked: torch.Tensor, args: Arguments) -> object:
    return marked.index_fill_(0, _long_rows(args), True)


def _long_rows(args: Arguments) -> torch.Tensor:
    """The rows that `embedding_renorm_` scales: those looked up whose norm is above the maximum."""
    weight, indices, max_norm, norm_type = args[0], args[1], args[2], args[3]
    with torch.no_grad():
        rows = indices.reshape(-1).unique()
        norms = torch.linalg.vector_norm(weight[rows].double(), norm_type, dim=1)
        # A row scaled once lies within rounding of the maximum: only the norm that the operator itself takes, of that
        # row and in its own precision, says whether it scales it again.
        margin = max_norm * 16 * torch.finfo(weight.dtype).eps
        long = norms > max_norm + margin
        close = (norms > max_norm - margin) & ~long
        if weight.device.type == "cpu":
            for place in close.nonzero().flatten().tolist():
                long[place] = float(weight[rows[place]].norm(norm_type)) > max_norm
        else:
            long |= close
        found: torch.Tensor = rows[long]
        return found


_INDEXED = Selection(_no_index, _mark_index)
_ALONG_DIMENSION = Selection(_no_place, _mark_dimension)
_SCATTERED = Selection(_no_place, _mark_scattered)
_MASKED = Selection(_unmasked, _mark_mask)
_SELECTIONS = {
    "aten::_index_put_impl_": _INDEXED,
    "aten::index_put_": _INDEXED,
    "aten::index_add_": _ALONG_DIMENSION,
    "aten::index_copy_": _ALONG_DIMENSION,
    "aten::index_fill_": _ALONG_DIMENSION,
    "aten::index_reduce_": _ALONG_DIMENSION,
    "aten::scatter_": _SCATTERED,
    "aten::scatter_add_": _SCATTERED,
    "aten::scatter_reduce_": _SCATTERED,
    "aten::masked_fill_": _MASKED,
    "aten::masked_scatter_": _MASKED,
    "aten::put_": Selection(lambda args: bool(args[1].numel() == 0), _mark_put),
    "aten::fill_diagonal_": Selection(lambda args: False, _mark_diagonal),
    "aten::embedding_renorm_": Selection(lambda args: _long_rows(args).numel() == 0, _mark_long_rows),
}
