"""Watches a model run: hooks on every module that computes, which see NaN, infinities and how long it took."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor

from introspection.names import named_modules
from memory.safety.inert import Hook, forget_compiled

if TYPE_CHECKING:
    from torch.utils.hooks import RemovableHandle


@dataclass(frozen=True, slots=True)
class NotFinite:
    """A module whose output held values that are not finite."""

    module: str
    kind: str
    """`nan` or `infinite`."""


@dataclass(frozen=True, slots=True)
class ForwardSeen:
    """One outermost forward that went through a hooked model, or a part of it."""

    module: str
    """The module that was called from outside: empty for the model itself."""
    seconds: float
    not_finite: tuple[NotFinite, ...]
    """The modules that gave out NaN or infinities, in the order in which their calls ended: the first is where it
    began."""


@dataclass(frozen=True, slots=True)
class GradientsSeen:
    """The gradients of one backward."""

    norm: float
    """Euclidean norm of all of them together."""
    not_finite: tuple[str, ...]
    """The parameters whose gradients held NaN or infinities, sorted."""


@dataclass(slots=True)
class _Run:
    """What goes on in one thread: which modules are entered, and what was seen since the outermost was."""

    entered: list[tuple[str, nn.Module]] = field(default_factory=list)
    started: float = 0.0
    extremes: list[tuple[str, torch.Tensor]] = field(default_factory=list)


def computing_modules(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the modules that have a forward, each once, under the first of their paths.

    Containers have none. TorchScript's take no hooks.
    """
    seen: set[int] = set()
    for path, module in named_modules(model):
        if isinstance(module, torch.jit.ScriptModule) or id(module) in seen:
            continue
        seen.add(id(module))
        # A compiled model has its forward in the instance.
        if type(module).forward is not nn.Module.forward or "forward" in vars(module):
            yield path, module


class ForwardWatch:
    """Hooks on one model; holds no strong reference to it once they are removed.

    What is looked at is read where it lies, and asked for once at the end of the outermost forward: an accelerator is
    not waited for before. Inside what torch compiles, traces or scripts nothing is seen; of a compiled model, what the
    whole of it gives out.

    Args:
        model: The model.
        before: Called before each outermost forward; may refuse it by raising.
        seen: Called after each, also after one that raised.
        gradients: Called with the gradients of a backward, once another forward begins or the hooks are removed.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        before: Callable[[], None],
        seen: Callable[[ForwardSeen], None],
        gradients: Callable[[GradientsSeen], None],
    ) -> None:
        self._before, self._seen, self._told_gradients = before, seen, gradients
        self._runs = threading.local()
        self._hooks: list[Hook] = []
        self._handles: list[RemovableHandle] = []
        self._gradients: dict[str, torch.Tensor] = {}
        self.modules: tuple[str, ...] = ()
        """The paths of the modules that are hooked."""
        try:
            self._hook(model)
        except BaseException:
            self._remove()
            raise
        forget_compiled()

    def remove(self) -> None:
        """Take every hook out again, then tell of gradients that were not told yet."""
        self._remove()
        forget_compiled()
        self.tell_of_gradients()

    def tell_of_gradients(self) -> None:
        """Tell of the gradients seen since this was done last."""
        taken, self._gradients = self._gradients, {}
        if taken:
            norms = {name: float(norm) for name, norm in taken.items()}
            wrong = tuple(sorted(name for name, norm in norms.items() if not math.isfinite(norm)))
            self._told_gradients(GradientsSeen(math.hypot(*norms.values()), wrong))

    def _hook(self, model: nn.Module) -> None:
        paths = []
        for path, module in computing_modules(model):
            enter, leave = _Enter(self, path), _Leave(self, path)
            self._hooks += [enter, leave]
            self._handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
            self._handles.append(module.register_forward_hook(leave, with_kwargs=True, always_call=True))
            paths.append(path)
        self.modules = tuple(paths)
        for name, parameter in model.named_parameters():
            if parameter.requires_grad and parameter.is_leaf:
                gradient = _Accumulated(self, name)
                self._hooks.append(gradient)
                self._handles.append(parameter.register_post_accumulate_grad_hook(gradient))  # type: ignore[no-untyped-call]

    def _remove(self) -> None:
        for hook in self._hooks:
            hook.in_force = False
        for handle in self._handles:
            handle.remove()
        self._hooks, self._handles = [], []

    def enter(self, path: str, module: nn.Module) -> None:
        """Take note of a call that begins."""
        run = self._run()
        if not run.entered:
            self.tell_of_gradients()
            self._before()
            run.started = time.perf_counter()
            run.extremes = []
        run.entered.append((path, module))

    def leave(self, path: str, module: nn.Module, output: Any) -> None:
        """Take note of a call that ended, or raised: then it gave nothing out."""
        run = self._run()
        # A hook that raised before ours leaves a call that ends and never began.
        if not any(entered is module for _, entered in run.entered):
            return
        for tensor in tensors_with_values(output):
            found = extremes(tensor)
            if found is not None:
                run.extremes.append((path, found))
        outermost = path
        while run.entered:
            outermost, entered = run.entered.pop()
            if entered is module:
                break
        if not run.entered:
            taken, run.extremes = run.extremes, []
            not_finite = tuple(not_finite_of(taken))
            self._seen(ForwardSeen(outermost, time.perf_counter() - run.started, not_finite))

    def accumulated(self, name: str, parameter: torch.Tensor) -> None:
        """Take note of a gradient that is whole."""
        gradient = parameter.grad
        if gradient is not None:
            values = gradient.coalesce().values() if gradient.is_sparse else gradient
            self._gradients[name] = torch.linalg.vector_norm(values.detach(), dtype=_wide(values.dtype))

    def _run(self) -> _Run:
        run: _Run | None = getattr(self._runs, "run", None)
        if run is None:
            run = self._runs.run = _Run()
        return run


class _Enter(Hook):
    def __init__(self, watch: ForwardWatch, path: str) -> None:
        super().__init__()
        self._watch, self._path = watch, path

    def __call__(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        if self.in_force and not _is_traced():
            self._watch.enter(self._path, module)


class _Leave(Hook):
    def __init__(self, watch: ForwardWatch, path: str) -> None:
        super().__init__()
        self._watch, self._path = watch, path

    def __call__(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if self.in_force and not _is_traced():
            self._watch.leave(self._path, module, output)


class _Accumulated(Hook):
    def __init__(self, watch: ForwardWatch, name: str) -> None:
        super().__init__()
        self._watch, self._name = watch, name

    def __call__(self, parameter: torch.Tensor) -> None:
        if self.in_force:
            self._watch.accumulated(self._name, parameter)


def tensors_with_values(given: Any) -> Iterator[torch.Tensor]:
    """Yield every floating-point or complex tensor in what a module returns, at any depth; complex ones as pairs."""
    if isinstance(given, torch.Tensor):
        if given.is_complex():
            yield torch.view_as_real(given.detach().resolve_conj())
        elif given.is_floating_point():
            yield given
    elif isinstance(given, Mapping | list | tuple):
        for each in given.values() if isinstance(given, Mapping) else given:
            yield from tensors_with_values(each)


def extremes(tensor: torch.Tensor) -> torch.Tensor | None:
    """Give the least and the greatest value, where the tensor is; both NaN where one is. None where none can be read.

    One pass, and no copy but of the smallest formats.
    """
    unreadable = tensor.numel() == 0 or tensor.is_meta or tensor.layout is not torch.strided or tensor.is_nested
    if unreadable or isinstance(tensor, FakeTensor) or torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        return None
    plain = tensor.detach()
    if plain.element_size() == 1:
        plain = plain.to(torch.float32)
    return torch.stack(torch.aminmax(plain))


def not_finite_of(found: list[tuple[str, torch.Tensor]]) -> Iterator[NotFinite]:
    """Yield the modules among whose extremes is one that is not finite, each once, in order; reads each device once."""
    told: set[str] = set()
    groups: dict[tuple[torch.device, torch.dtype], list[int]] = {}
    for index, (_, pair) in enumerate(found):
        groups.setdefault((pair.device, pair.dtype), []).append(index)
    values: dict[int, list[float]] = {}
    for indices in groups.values():
        read = torch.stack([found[index][1] for index in indices]).tolist()
        values.update(zip(indices, read, strict=True))
    for index, (path, _) in enumerate(found):
        if path not in told and not all(map(math.isfinite, values[index])):
            told.add(path)
            yield NotFinite(path, "nan" if any(map(math.isnan, values[index])) else "infinite")


def _wide(dtype: torch.dtype) -> torch.dtype | None:
    return torch.float32 if dtype.itemsize < 4 and not dtype.is_complex else None


def _is_traced() -> bool:
    return torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None
