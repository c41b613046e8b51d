"""Earlier states of weights that processes share out: whole tensors, given to every process that asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from memory.errors import UnknownName

if TYPE_CHECKING:
    from torch import Tensor

    from memory.recording.earlier import EarlierWeights
    from memory.recording.rank_messages import What
    from memory.recording.together import Together


class EarlierWeightsOfAll(Mapping[str, "Tensor"]):
    """The weights of a model as they were at a position, whole and on every rank: read-only.

    Rank 0 puts a tensor together when it is asked for, and gives it to the others: every rank asks for the same ones in
    the same order. `torch.distributed.tensor.distribute_tensor` shares one out again.

    Args:
        together: The calls that all processes make.
        what: What was asked for.
        made: Makes them on rank 0.
    """

    def __init__(self, together: Together, what: What, made: Callable[[], EarlierWeights]) -> None:
        self._together = together
        self._what = what
        self._made: EarlierWeights | None = None

        def look() -> tuple[int, tuple[str, ...]]:
            self._made = made()
            return self._made.position, tuple(self._made)

        self.position, self._names = together.call(what, look)

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._names:
            raise UnknownName(name, self._names)

        def whole() -> Tensor | None:
            return None if self._made is None else self._made[name]

        found = self._together.call((*self._what, name), whole)
        if found is None:
            raise UnknownName(name, self._names)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names
