"""What every registered name of a model is bound to, in a form that is quick to check again."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, compress, repeat
from operator import attrgetter, contains, is_, itemgetter
from typing import Any

import torch
from torch import nn

from introspection.derived import computing_state
from introspection.names import walk
from introspection.offload import offloaded_regions
from introspection.parts import is_plain
from introspection.regions import binding, first_byte

_dictionary_of = attrgetter("__dict__")
_modules_of = itemgetter("_modules")
_parameters_of = itemgetter("_parameters")
_buffers_of = itemgetter("_buffers")

_size_of = attrgetter("nbytes")  # a descriptor of the class: what is set on an instance does not come before it
_storage_of: Callable[[torch.Tensor], torch.UntypedStorage] = torch.Tensor.untyped_storage
_storage_address: Callable[[torch.Tensor], int] = torch._C._storage_address  # type: ignore[attr-defined]
_is_copy_on_write: Callable[[torch.Tensor], bool] = torch._C._is_cow_tensor  # type: ignore[attr-defined]
_storage_begin: Callable[[torch.Tensor], int] = torch._C._data_address  # type: ignore[attr-defined]

Module = Any
Held = dict[str, Any]
Pick = Callable[[list[Any]], tuple[Any, ...]]


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
        modules, self._widths, self._kept, self._cuts = _levels(model)
        self._bulk = all(map(_registers_in_dicts, modules))
        if self._bulk:
            self._plan(modules)
        self._known = list(self._facts(model))

    def _plan(self, modules: list[Module]) -> None:
        """Decides what is asked of which, once; only what is then taken according to it is compared."""
        owns = list(map(_dictionary_of, modules))
        self._own_of = _owned_by_referents if _refer_to_own(modules) else _owned
        registers = [*map(_modules_of, owns), *map(_parameters_of, owns), *map(_buffers_of, owns)]
        self._values_of = _referents if _refer_to_values(registers) else _values
        below, held = registers[: len(modules)], registers[len(modules) :]
        self._parents = _picking([index for index, register in enumerate(below) if register])
        self._holding = _picking([index for index, register in enumerate(held) if register])
        tensors = self._values_of(held)
        sharded = _distributed_tensor()
        of_class = [sharded is not None and type(tensor) is sharded for tensor in tensors]
        self._sharded = of_class if any(of_class) else None
        tensors = self._local(tensors)
        plain = [tensor is not None and is_plain(tensor) for tensor in tensors]
        self._any_on_meta = any(tensor.is_meta for tensor in compress(tensors, plain))
        whole: list[int] = []
        self._repeated: list[tuple[int, int]] = []
        self._rest: list[int] = []
        met: dict[int, int] = {}
        for index, tensor in enumerate(tensors):
            if tensor is None:
                continue
            first = met.setdefault(id(tensor), index)
            if first != index:
                self._repeated.append((index, first))
            else:
                (whole if plain[index] and self._is_whole(tensor) else self._rest).append(index)
        self._whole = _picking(whole)
        self._computing = [index for index, module in enumerate(modules) if computing_state(module)]

    def _is_whole(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor lies end to end from the beginning of its storage, at an address of its own if in memory.

        So nearly all of a model do, and all of these are asked the same few things.
        """
        if not tensor.is_contiguous() or tensor.storage_offset() != 0:
            return False
        return self._any_on_meta or (first_byte(tensor) != 0 and not _is_copy_on_write(tensor))

    def hold(self, model: nn.Module) -> bool:
        """Whether the model is bound now as it was when this was made of it."""
        try:
            return all(now == then for now, then in zip(self._facts(model), self._known, strict=True))
        except (AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError):
            # Something is now of another kind than what its place was checked for (no module, no storage), or there
            # is more to ask than there was.
            return False

    def _facts(self, model: nn.Module) -> Iterator[object]:
        """All that decides the map, cheapest and most telling first."""
        return self._in_bulk(model) if self._bulk else _one_by_one(model)

    def _in_bulk(self, model: nn.Module) -> Iterator[object]:
        level: list[Module] = [model]
        modules: list[Module] = [model]
        types: list[type] = []
        owns: list[Held] = []
        registers: list[Held] = []
        for width, kept, cuts in zip(self._widths, self._kept, self._cuts, strict=True):
            own, classes = self._own_of(level)
            owns += own
            types += classes
            below = list(map(_modules_of, own))
            registers += below
            level = self._values_of(below)
            yield len(level) == width
            if kept is not None:
                yield [(None if level[at] is None else level[at] is modules[above]) for at, above in cuts]
                level = list(compress(level, kept))
            modules += level
        yield types
        held = [*map(_parameters_of, owns), *map(_buffers_of, owns)]
        tensors = self._values_of(held)
        yield list(map(type, tensors))
        # As many entries in all as in those that had some: so the others are empty still.
        filled = self._parents(registers) + self._holding(held)
        yield list(map(len, filled))
        yield list(chain.from_iterable(filled))
        yield from self._of_tensors(self._local(tensors))
        for index in self._computing:
            yield computing_state(modules[index])
        # Only what is on meta can be offloaded, and only by hooks of accelerate.
        can_be_offloaded = self._any_on_meta and "accelerate.hooks" in sys.modules
        if can_be_offloaded and any(map(contains, owns, repeat("_hf_hook"))):
            yield offloaded_regions(walk(model).modules)

    def _local(self, tensors: list[Any]) -> list[Any]:
        """The tensors that hold the bytes here of those that are distributed, and the others as they are."""
        if self._sharded is None:
            return tensors
        return [
            tensor._local_tensor if sharded else tensor for tensor, sharded in zip(tensors, self._sharded, strict=True)
        ]

    def _of_tensors(self, tensors: list[Any]) -> Iterator[object]:
        yield all(tensors[index] is tensors[first] for index, first in self._repeated)
        whole = self._whole(tensors)
        yield all(map(torch.Tensor.is_contiguous, whole))
        yield list(map(_size_of, whole))
        # On meta this is the offset.
        yield list(map(first_byte, whole))
        # What has no memory is told apart by its storage. In memory a storage counts only where another takes its
        # address while it lives, a lazy clone: so the object it has in Python will do, and is quicker had.
        yield list(map(_storage_address, whole) if self._any_on_meta else map(id, map(_storage_of, whole)))
        for index in self._rest:
            yield _place(tensors[index])


def _one_by_one(model: nn.Module) -> Iterator[object]:
    met = walk(model)
    yield [(held.name, binding(held.tensor)) for held in met.tensors]
    yield [(prefix, type(module), computing_state(module)) for prefix, module in met.modules]
    yield offloaded_regions(met.modules)


def _place(tensor: torch.Tensor) -> object:
    """Where one tensor's bytes are, by as few questions as it allows."""
    if not is_plain(tensor):
        return binding(tensor)
    begin = _storage_address(tensor), _storage_begin(tensor), tensor.storage_offset()
    return type(tensor), begin, tensor.shape, tensor.stride(), tensor.element_size()


def _picking(indices: list[int]) -> Pick:
    """What takes the entries at these indices out of a list."""
    if len(indices) < 2:
        return lambda entries: tuple(entries[index] for index in indices)
    return itemgetter(*indices)


def _distributed_tensor() -> type | None:
    """The class of distributed tensors; None while torch's part for them is not imported, when there can be none."""
    found = getattr(sys.modules.get("torch.distributed.tensor"), "DTensor", None)
    return found if isinstance(found, type) else None


def _owned(modules: list[Module]) -> tuple[list[Held], list[type]]:
    """The dictionary and the class of each module."""
    return list(map(_dictionary_of, modules)), list(map(type, modules))


def _owned_by_referents(modules: list[Module]) -> tuple[list[Held], list[type]]:
    """As `_owned`, twice as quick; only for modules that `_refer_to_own`."""
    referents = gc.get_referents(*modules)
    return referents[::2], referents[1::2]


def _refer_to_own(modules: list[Module]) -> bool:
    """Whether to the garbage collector each of these modules refers to its dictionary, then its class, and no more.

    A module of the same class can refer to others only in place of a dictionary that nothing has asked it for yet, and
    then to more than two.
    """
    own = list(chain.from_iterable(zip(*_owned(modules), strict=True)))
    referents = gc.get_referents(*modules)
    return len(own) == len(referents) and all(map(is_, own, referents))


def _values(held: Iterable[Held]) -> list[Any]:
    return list(chain.from_iterable(map(dict.values, filter(None, held))))


def _referents(held: Iterable[Held]) -> list[Any]:
    """As `_values`, ten times as quick; only for dictionaries that `_refer_to_values`."""
    return gc.get_referents(*held)


def _refer_to_values(held: list[Held]) -> bool:
    """Whether to the garbage collector these dictionaries refer to their values, in order, and to nothing else.

    So it is with CPython's as long as all keys ever set were plain strings. One that changes in this respect has
    other referents than before, its keys among them: it is seen to have changed like any other.
    """
    values, referents = _values(held), _referents(held)
    return len(values) == len(referents) and all(map(is_, values, referents))


def _registers_in_dicts(module: nn.Module) -> bool:
    """Whether a module keeps what is registered as torch's do; those of TorchScript keep it elsewhere."""
    own = vars(module)
    registers = own.get("_modules"), own.get("_parameters"), own.get("_buffers")
    return all(map(isinstance, registers, repeat(dict)))


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
