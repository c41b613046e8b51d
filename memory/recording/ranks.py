"""The processes of one distributed run, as far as one of them can see: what they tell each other, over gloo."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from memory.errors import RankError

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup
    from torch.nn import Module

    from memory.weights.live import Bytes

T = TypeVar("T")

# A group of our own: what is told here never meets what the user's code tells. One for each world that there was.
_groups: dict[int, tuple[Any, Any]] = {}


class Ranks:
    """All processes of a distributed run; in a run of one process, that one.

    Once the others cannot be reached, every question raises at once: nothing waits for who will never answer.

    Args:
        group: The gloo group of all of them; None for a single process.
    """

    def __init__(self, group: ProcessGroup | None) -> None:
        self._group = group
        self.rank = 0 if group is None else group.rank()
        self.size = 1 if group is None else group.size()
        self.lost: str | None = None
        """Why the others cannot be reached any more; None while they can."""

    def gather(self, value: Any) -> list[Any]:
        """Give rank 0 what every rank says, in their order; an empty list on the others."""
        if self._group is None:
            return [value]
        import torch.distributed as dist

        said: list[Any] | None = [None] * self.size if self.rank == 0 else None
        self._reach(lambda: dist.gather_object(value, said, group=self._group, group_dst=0))
        return said if said is not None else []

    def broadcast(self, value: Any = None) -> Any:
        """Give every rank what rank 0 says."""
        if self._group is None:
            return value
        import torch.distributed as dist

        said = [value]
        self._reach(lambda: dist.broadcast_object_list(said, group=self._group, group_src=0))
        return said[0]

    def send(self, content: Bytes, to: int) -> None:
        """Send bytes that `to` waits for; none are sent where there are none."""
        import torch
        import torch.distributed as dist

        if content.size:
            self._reach(lambda: dist.send(torch.from_numpy(content), group=self._group, group_dst=to))

    def receive(self, into: Bytes, source: int) -> None:
        """Take the bytes that `source` sends."""
        import torch
        import torch.distributed as dist

        if into.size:
            self._reach(lambda: dist.recv(torch.from_numpy(into), group=self._group, group_src=source))

    def give_up(self, why: str) -> None:
        """Speak to the others no more."""
        self.lost = self.lost or why

    def refuse_when_lost(self) -> None:
        """Raise where the others cannot be reached any more.

        Raises:
            RankError: They cannot.
        """
        if self.lost is not None:
            raise RankError(
                f"the processes of this run are out of touch: {self.lost}",
                remedy="start the run again: attaching compares every byte with the log",
            )

    def _reach(self, speak: Callable[[], T]) -> T:
        self.refuse_when_lost()
        try:
            return speak()
        except (RuntimeError, ValueError) as error:
            # Torch has no class of its own for a peer that closed its connection, or did not answer in time.
            self.give_up(str(error).splitlines()[0])
            raise RankError(
                f"another process of this run cannot be reached: {self.lost}",
                remedy="look at what the others raised; then start the run again: attaching compares every byte",
            ) from error


def ranks_of(model: Module) -> Ranks | None:
    """Give the processes that share a model out among them; None where its weights are whole in this one.

    Every process of the run has to ask.

    Raises:
        RankError: Its tensors lie on some of the processes of the run only.
    """
    if "torch.distributed.tensor" not in sys.modules:
        return None
    let_go_of_gathered(model)
    meshes = [tensor.device_mesh for tensor in _sharded_tensors(model)]
    if not meshes:
        return None
    import torch.distributed as dist

    sizes = {mesh.size() for mesh in meshes}
    if sizes == {1}:
        return Ranks(None)
    if sizes != {dist.get_world_size()}:
        raise RankError(
            f"the model's tensors are shared out over {sorted(sizes)} processes, and the run has "
            f"{dist.get_world_size()}",
            remedy="share every tensor out over all processes of the run: pipelines and single stages are not kept",
        )
    return Ranks(_group_of_all(None))


def let_go_of_gathered(model: Module) -> None:
    """Let a model's tensors be the shards again where FSDP has gathered them: what is written to a copy is lost."""
    module = sys.modules.get("torch.distributed.fsdp")
    if module is None:
        return
    for part in model.modules():
        if isinstance(part, module.FSDPModule):
            part.reshard()


def _sharded_tensors(model: Module) -> list[Any]:
    from introspection.names import named_tensors
    from memory.weights.live import is_sharded

    return [held.tensor for held in named_tensors(model) if is_sharded(held.tensor)]


def _group_of_all(timeout: timedelta | None) -> ProcessGroup:
    """Give a gloo group of all processes: the same one again in the same world."""
    import torch.distributed as dist

    world = dist.group.WORLD
    known = _groups.get(id(world))
    if known is None or known[0] is not world:
        known = world, dist.new_group(backend="gloo", timeout=timeout)
        _groups.clear()
        _groups[id(world)] = known
    group: ProcessGroup = known[1]
    return group
