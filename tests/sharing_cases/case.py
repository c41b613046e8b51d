"""What a case is: a model to build, and the truth about it as a person states it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import torch
from torch import nn

Pair = frozenset[str]
Cells = dict[str, list[torch.Tensor]]
"""Every name and the plain strided tensors that hold its bytes."""

torch.set_num_threads(1)


@dataclass(frozen=True, slots=True)
class Case:
    """One model, and what is true of it: never computed by the code that is tested."""

    name: str
    """The case in words."""
    theme: str
    """The module of cases it is from."""
    build: Callable[[], AbstractContextManager[nn.Module]]
    """Makes the model; what it needs (a process group, a folder) lives as long as the context."""
    same: tuple[frozenset[str], ...] = ()
    """Every set of two names or more that view exactly the same bytes."""
    partial: Mapping[Pair, int] = field(default_factory=dict)
    """Every pair that shares some bytes and not all, and how many; aliases of a member are not listed again."""
    derived: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Every name that is computed from others, and those others."""
    names: frozenset[str] | None = None
    """Every name there is, where the point of the case is which names there are."""
    unregistered: bool = False
    """Whether tensors in plain attributes are asked for too."""
    proof: Callable[[], AbstractContextManager[nn.Module]] | None = None
    """Makes the same model in memory, where this one has no bytes to flip."""
    cells: Callable[[nn.Module], Cells] | None = None
    """Where the bytes of the names are, where the tensors that are registered do not hold them."""
    recompute: Callable[[nn.Module, str], torch.Tensor] | None = None
    """How a derived name is computed anew, where that takes more than looking at it."""
    told: bool = False
    """Whether there are no bytes to flip anywhere, and the truth is by arithmetic alone."""

    @property
    def pairs(self) -> frozenset[Pair]:
        """Every pair of names that shares bytes."""
        return frozenset((*(frozenset(pair) for group in self.same for pair in combinations(group, 2)), *self.overlaps))

    @property
    def overlaps(self) -> dict[Pair, int]:
        """Every pair that shares some bytes and not all, aliases included, and how many."""
        group_of = {name: group for group in self.same for name in group}
        return {
            frozenset((one, other)): shared
            for pair, shared in self.partial.items()
            for first, second in [sorted(pair)]
            for one in group_of.get(first, (first,))
            for other in group_of.get(second, (second,))
        }


CASES: list[Case] = []
"""Every case that has been told so far, in order."""


def case(
    *,
    same: Sequence[Sequence[str]] = (),
    partial: Mapping[tuple[str, str], int] | None = None,
    derived: Mapping[str, Sequence[str]] | None = None,
    names: Sequence[str] | None = None,
    unregistered: bool = False,
    proof: Callable[[], Any] | None = None,
    cells: Callable[[nn.Module], Cells] | None = None,
    recompute: Callable[[nn.Module, str], torch.Tensor] | None = None,
    told: bool = False,
) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Adds the decorated builder to the catalogue, under its own name, with this truth.

    A builder returns the model, or yields it once where something has to be put away afterwards.
    """

    def add(build: Callable[[], Any]) -> Callable[[], Any]:
        CASES.append(
            Case(
                name=build.__name__.replace("_", " "),
                theme=build.__module__.rpartition(".")[2],
                build=_opened(build),
                same=tuple(frozenset(group) for group in same),
                partial={frozenset(pair): shared for pair, shared in (partial or {}).items()},
                derived={name: frozenset(sources) for name, sources in (derived or {}).items()},
                names=None if names is None else frozenset(names),
                unregistered=unregistered,
                proof=None if proof is None else _opened(proof),
                cells=cells,
                recompute=recompute,
                told=told,
            )
        )
        return build

    return add


class Holder(nn.Module):
    """A module of the given tensors: parameters, and buffers for what cannot be one; modules become children."""

    def __init__(self, **held: Any) -> None:
        super().__init__()
        for name, value in held.items():
            if isinstance(value, nn.Module):
                self.add_module(name, value)
            elif isinstance(value, nn.Parameter):
                self.register_parameter(name, value)
            elif value.is_floating_point() or value.is_complex():
                self.register_parameter(name, nn.Parameter(value, requires_grad=False))
            else:
                self.register_buffer(name, value)


def embedding_and_head(device: str = "cpu", *, tied: bool = True) -> nn.Module:
    """An embedding and a head, with one weight unless told otherwise: `embed.weight` and `head.weight`, 10 x 4."""
    model = Holder(
        embed=nn.Embedding(10, 4, device=device),
        norm=nn.LayerNorm(4, device=device),
        head=nn.Linear(4, 10, bias=False, device=device),
    )
    if tied:
        model.head.weight = model.embed.weight
    return model


def _opened(build: Callable[[], Any]) -> Callable[[], AbstractContextManager[nn.Module]]:
    if inspect.isgeneratorfunction(build):

        @contextmanager
        def held() -> Iterator[nn.Module]:
            torch.manual_seed(0)
            yield from build()

        return held

    def made() -> AbstractContextManager[nn.Module]:
        torch.manual_seed(0)
        return nullcontext(build())

    return made
