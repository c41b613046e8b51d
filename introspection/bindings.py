"""What every registered name of a model is bound to, in a form that is quick to check again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, compress, repeat
from operator import attrgetter, contains, itemgetter
from typing import Any

import torch
from torch import nn

from introspection.derived import computing_state
from introspection.names import walk
from introspection.offload import offloaded_regions
from introspection.parts import is_plain
from introspection.regions import binding

_dictionary_of = attrgetter("__dict__")
_modules_of = itemgetter("_modules")
_parameters_of = itemgetter("_parameters")
_buffers_of = itemgetter("_buffers")

_data_address: Callable[[torch.Tensor], int] = torch._C._data_address  # type: ignore[attr-defined]
_storage_address: Callable[[torch.Tensor], int] = torch._C._storage_address  # type: ignore[attr-defined]

Module = Any
Held = dict[str, Any]


class Bindings:
    """What decides a model's sharing map, taken at one moment; `hold` tells whether it is all still so.

    The map is a function of the names and, for each, of the bytes it views. So nothing is remembered of objects and
    nothing is assumed about how they change: what is taken is taken again and compared as values: how many entries
    every dictionary of every module has, all keys in order, and of every tensor the class, storage, address, offset,
    layout and size. Equal values are an equal map, also where a freed address was used again. No tensor and no module
    is kept alive.

    It is quick because it goes through the model by levels and not by recursion, and asks one thing of all tensors at
    a time, in loops that run inside the interpreter.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        modules, self._widths, self._kept, self._cuts = _levels(model)
        self._bulk = all(map(_registers_in_dicts, modules))
        if self._bulk:
            self._plan(modules)
        self._known = list(self._facts())

    def _plan(self, modules: list[Module]) -> None:
        """Decides what is asked of which, once; only what is then taken according to it is compared."""
        self._parents = [bool(module._modules) for module in modules]
        self._with_parameters = [bool(module._parameters) for module in modules]
        self._with_buffers = [bool(module._buffers) for module in modules]
        self._without_parameters = [not holds for holds in self._with_parameters]
        self._without_buffers = [not holds for holds in self._with_buffers]
        tensors = _values(self._holding(list(map(_dictionary_of, modules))))
        sharded = _distributed_tensor()
        of_class = [sharded is not None and type(tensor) is sharded for tensor in tensors]
        self._sharded = of_class if any(of_class) else None
        tensors = self._local(tensors)
        plain = [tensor is not None and is_plain(tensor) for tensor in tensors]
        whole = [simple and _is_whole(tensor) for simple, tensor in zip(plain, tensors, strict=True)]
        self._whole = whole
        self._views = [one and not other for one, other in zip(plain, whole, strict=True)]
        self._rest = [
            index
            for index, (simple, tensor) in enumerate(zip(plain, tensors, strict=True))
            if not simple and tensor is not None
        ]
        self._computing = [index for index, module in enumerate(modules) if computing_state(module)]
        self._on_meta = all(tensor.is_meta for tensor in compress(tensors, whole))
        self._any_on_meta = any(tensor.is_meta for tensor in compress(tensors, plain))

    def hold(self) -> bool:
        """Whether the model is bound now as it was when this was made."""
        try:
            return all(now == then for now, then in zip(self._facts(), self._known, strict=True))
        except (AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError):
            # Something is now of another kind than what its place was checked for (no module, no storage), or there
            # is more to ask than there was.
            return False

    def _facts(self) -> Iterator[object]:
        """All that decides the map, cheapest and most telling first."""
        return self._in_bulk() if self._bulk else self._one_by_one()

    def _one_by_one(self) -> Iterator[object]:
        met = walk(self._model)
        yield [(held.name, binding(held.tensor)) for held in met.tensors]
        yield [(prefix, type(module), computing_state(module)) for prefix, module in met.modules]
        yield offloaded_regions(met.modules)

    def _in_bulk(self) -> Iterator[object]:
        level: list[Module] = [self._model]
        modules: list[Module] = [self._model]
        owns: list[Held] = []
        for width, kept, cuts in zip(self._widths, self._kept, self._cuts, strict=True):
            own = list(map(_dictionary_of, level))
            owns += own
            level = _values(filter(None, map(_modules_of, own)))
            yield len(level) == width
            if kept is not None:
                yield [(None if level[at] is None else level[at] is modules[above]) for at, above in cuts]
                level = list(compress(level, kept))
            modules += level
        yield list(map(type, modules))
        yield any(map(_parameters_of, compress(owns, self._without_parameters)))
        yield any(map(_buffers_of, compress(owns, self._without_buffers)))
        held = self._holding(owns)
        filled = [*map(_modules_of, compress(owns, self._parents)), *held]
        yield list(map(len, filled))
        yield list(chain.from_iterable(filled))
        tensors = _values(held)
        yield list(map(type, tensors))
        yield from self._of_tensors(self._local(tensors))
        for index in self._computing:
            yield computing_state(modules[index])
        # Only what is on meta can be offloaded, and only by hooks of accelerate.
        can_be_offloaded = self._any_on_meta and "accelerate.hooks" in sys.modules
        if can_be_offloaded and any(map(contains, owns, repeat("_hf_hook"))):
            yield offloaded_regions(walk(self._model).modules)

    def _holding(self, owns: list[Held]) -> list[Held]:
        """The dictionaries that hold tensors: of parameters first, then of buffers."""
        held = list(map(_parameters_of, compress(owns, self._with_parameters)))
        held += map(_buffers_of, compress(owns, self._with_buffers))
        return held

    def _local(self, tensors: list[Any]) -> list[Any]:
        """The tensors that hold the bytes here of those that are distributed, and the others as they are."""
        if self._sharded is None:
            return tensors
        return [
            tensor._local_tensor if sharded else tensor for tensor, sharded in zip(tensors, self._sharded, strict=True)
        ]

    def _of_tensors(self, tensors: list[Any]) -> Iterator[object]:
        whole = list(compress(tensors, self._whole))
        storages = list(map(torch.Tensor.untyped_storage, whole))
        yield list(map(id, storages))
        yield all(map(torch.Tensor.is_contiguous, whole)) and not any(map(torch.Tensor.storage_offset, whole))
        yield list(map(_NBYTES, whole))
        if not self._on_meta:
            yield list(map(_data_address, whole))
        for view in compress(tensors, self._views):
            place = _storage_address(view), _data_address(view), view.storage_offset()
            yield *place, view.shape, view.stride(), view.element_size()
        for index in self._rest:
            yield binding(tensors[index])


_NBYTES: Callable[[torch.Tensor], int] = torch.Tensor.nbytes.__get__  # type: ignore[attr-defined]


def _distributed_tensor() -> type | None:
    """The class of distributed tensors; None while torch's part for them is not imported, when there can be none."""
    found = getattr(sys.modules.get("torch.distributed.tensor"), "DTensor", None)
    return found if isinstance(found, type) else None


def _values(held: Iterable[Held]) -> list[Any]:
    return list(chain.from_iterable(map(dict.values, held)))


def _registers_in_dicts(module: nn.Module) -> bool:
    """Whether a module keeps what is registered as torch's do; those of TorchScript keep it elsewhere."""
    own = vars(module)
    registers = own.get("_modules"), own.get("_parameters"), own.get("_buffers")
    return all(map(isinstance, registers, repeat(dict)))


def _is_whole(tensor: torch.Tensor) -> bool:
    """Whether a tensor is laid out end to end from the beginning of its storage, as nearly all of a model are."""
    return tensor.is_contiguous() and tensor.storage_offset() == 0


def _levels(
    model: nn.Module,
) -> tuple[list[Module], list[int], list[list[bool] | None], list[list[tuple[int, int]]]]:
    """The modules of a model level by level, cut as the walk cuts them: entries that are None, or lead back.

    Returns:
        All modules entered; the entries on each level below; which of them are entered, None if all; and for those
        that are not, where on the level they are, and which of all modules they lead back to.
    """
    modules: list[Module] = [model]
    paths: list[tuple[int, ...]] = [(0,)]
    level = [0]
    widths: list[int] = []
    kept: list[list[bool] | None] = []
    cuts: list[list[tuple[int, int]]] = []
    while level:
        entries = [(child, paths[above]) for above in level for child in modules[above]._modules.values()]
        enter: list[bool] = []
        cut: list[tuple[int, int]] = []
        level = []
        for at, (child, path) in enumerate(entries):
            back = next((above for above in path if modules[above] is child), None)
            enter.append(child is not None and back is None)
            if enter[-1]:
                level.append(len(modules))
                paths.append((*path, len(modules)))
                modules.append(child)
            else:
                cut.append((at, back or 0))
        widths.append(len(entries))
        kept.append(None if all(enter) else enter)
        cuts.append(cut)
    return modules, widths, kept, cuts
