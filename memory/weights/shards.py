"""Which elements of a whole tensor one process of several holds, and how the pieces go together: to the byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from introspection.errors import UnsupportedStorage
from memory.weights.live import Bytes, Form, LiveStorage, is_sharded, local_part

Indices = NDArray[np.int64] | slice
"""Which places of one dimension; a slice where they follow on each other."""

_WIDEST = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """Which elements of a whole tensor a process holds: those at every combination of places."""

    places: tuple[Indices, ...]
    """For each dimension, in the order in which the process holds them."""
    elements: int
    first: bool
    """Whether it is the first process that holds just these: the others hold copies."""

    def fits(self, form: Form) -> bool:
        """Say whether it is a piece of a tensor of this form."""
        if len(self.places) != len(form.shape):
            return False
        counted = 1
        for place, size in zip(self.places, form.shape, strict=True):
            spelled = _spelled_out(place)
            if spelled.size and not (spelled.min() >= 0 and spelled.max() < size):
                return False
            counted *= spelled.size
        return counted == self.elements

    def taken_from(self, content: Bytes, form: Form) -> Bytes:
        """Give the bytes of this piece out of those of the whole tensor."""
        return np.ascontiguousarray(_elements(content, form)[self._where()]).reshape(-1).view(np.uint8)

    def put_into(self, content: Bytes, form: Form, piece: Bytes) -> None:
        """Write the bytes of this piece into those of the whole tensor."""
        elements = _elements(content, form)
        where = self._where()
        elements[where] = piece.view(elements.dtype).reshape(elements[where].shape)

    def _where(self) -> tuple[Any, ...]:
        if all(isinstance(place, slice) for place in self.places):
            return self.places
        return np.ix_(*(_spelled_out(place) for place in self.places))


def piece_of(tensor: Tensor, rank: int, name: str = "tensor") -> Piece:
    """Say which elements of a tensor this process holds; of a plain tensor, all of them, and rank 0 holds them first.

    Args:
        tensor: A DTensor, or a plain tensor that every process has a copy of.
        rank: The rank of this process.
        name: What to call it in an error.

    Raises:
        UnsupportedStorage: It holds sums that are still to be added up, or lies on other processes alone.
    """
    if not is_sharded(tensor):
        whole = tuple(slice(0, size) for size in LiveStorage(tensor, name).shape)
        return Piece(whole, LiveStorage(tensor, name).nbytes // tensor.element_size(), rank == 0)
    from torch.distributed.tensor import Replicate, Shard, distribute_tensor

    shards: Any = tensor
    mesh, placements = shards.device_mesh, shards.placements
    coordinate = mesh.get_coordinate()
    if coordinate is None or any(placement.is_partial() for placement in placements):
        raise UnsupportedStorage(
            name,
            "this process is not in its mesh" if coordinate is None else "its processes hold sums yet to be added up",
            remedy="redistribute it to Shard or Replicate over all processes first",
        )

    def along(dimension: int) -> Indices:
        mine = [getattr(placement, "dim", None) == dimension for placement in placements]
        if not any(mine):
            return slice(0, tensor.shape[dimension])
        line = [
            (type(each)(0, split_factor=each.split_factor) if hasattr(each, "split_factor") else Shard(0))
            if here
            else Replicate()
            for each, here in zip(placements, mine, strict=True)
        ]
        # Torch itself says which places are whose: it is asked to share out their numbers, which moves nothing.
        numbers = torch.arange(tensor.shape[dimension])
        return _shortened(distribute_tensor(numbers, mesh, line, src_data_rank=None).to_local().cpu().numpy())

    places = tuple(along(dimension) for dimension in range(tensor.ndim))
    first = all(
        place == 0
        for place, placement in zip(coordinate, placements, strict=True)
        if getattr(placement, "dim", None) is None
    )
    elements = 1
    for size, place in zip(tensor.shape, places, strict=True):
        elements *= len(range(*place.indices(size))) if isinstance(place, slice) else len(place)
    if elements != local_part(tensor).numel():
        raise UnsupportedStorage(name, "its shard is not what its placements say", remedy="report this with them")
    return Piece(places, elements, first)


def _shortened(places: NDArray[np.int64]) -> Indices:
    begin = int(places[0]) if len(places) else 0
    follow = np.array_equal(places, np.arange(begin, begin + len(places)))
    return slice(begin, begin + len(places)) if follow else places


def _spelled_out(place: Indices) -> NDArray[np.int64]:
    return np.arange(place.start, place.stop) if isinstance(place, slice) else place


def _elements(content: Bytes, form: Form) -> NDArray[Any]:
    """Give bytes as whole elements in their shape, as integers: a view."""
    shape: Sequence[int] = form.shape
    if form.element_bytes > _WIDEST:
        return content.view(np.dtype((np.void, form.element_bytes))).reshape(shape)
    return content.view(np.dtype(f"u{form.element_bytes}")).reshape(shape)
