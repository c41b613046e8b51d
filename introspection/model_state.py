"""Puts a model back exactly as it was after something ran it: what a forward or a backward can change, and how."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from introspection.chunks import readable
from introspection.errors import InvalidArgument, UnsupportedStorage
from introspection.names import named_modules, named_tensors

_REGISTRIES = tuple(
    name for name, value in vars(nn.Module()).items() if isinstance(value, dict | set) and not name.startswith("__")
)
_ATTENTION = "_attn_implementation_internal"


@contextmanager
def preserve_state(
    model: nn.Module, *, training: bool | None = False, grad: bool = False, attention: str | None = None
) -> Iterator[None]:
    """Runs a block in which the model may be run, and puts it back exactly on any exit, exceptions included.

    Put back: of every module its training flag and all other attributes (bindings of parameters, buffers, submodules
    and plain attributes, hooks and their order); the attention implementation of every transformers config; the bytes
    of buffers, and of embeddings that renormalise themselves (`max_norm`); `requires_grad` and `.grad` of every
    parameter, which has no `.grad` inside the block; whether gradients are recorded; the random number generators of
    Python, numpy, torch and the model's devices. Compiled code runs uncompiled inside, and torch's fused transformer
    layers module by module, so that hooks are called.
    Not put back: what a forward writes into weights (none of torch does otherwise), or into lists and other objects
    that plain attributes hold.

    A copy of all buffers is held for the time of the block.

    Args:
        model: The model; nothing of it is moved or cast.
        training: The mode of every module inside: evaluation, training, or None for the mode each is in.
        grad: Whether gradients are recorded inside.
        attention: The attention implementation of transformers models inside (`"eager"` returns weights); None leaves
            it. Models that cannot change it keep theirs.

    Raises:
        UnsupportedStorage: A tensor of the model is not initialised yet: a forward would make the model another one.
        InvalidArgument: The model is scripted by TorchScript, in all or in part: what it runs is not this.

    Example:
        with preserve_state(model, grad=True):
            model(**inputs).loss.backward()
            gradient = model.head.weight.grad.clone()

    Source: `torch.nn.Module` keeps all its state in the instance dictionary; transformers reads
    `config._attn_implementation` at each call of an attention (its "attention interface").
    """
    modules = {id(module): module for _, module in named_modules(model)}
    for module in modules.values():
        if isinstance(module, torch.jit.ScriptModule):
            raise InvalidArgument(
                "model",
                type(module).__qualname__,
                "its layers run where no hook sees them: give the model that was scripted or traced",
            )
    for held in named_tensors(model):
        if is_lazy(held.tensor):
            raise UnsupportedStorage(
                held.name, "it is not initialised yet", remedy="run the model once, then look at it"
            )
    with ExitStack() as back:
        back.callback(torch.set_grad_enabled, torch.is_grad_enabled())
        for restore in _generators(model):
            back.callback(restore)
        for parameter in {id(held.tensor): held.tensor for held in named_tensors(model)}.values():
            if parameter.is_leaf:
                back.callback(_restore_gradient, parameter, parameter.requires_grad, parameter.grad)
                parameter.grad = None
        for saved in _written_by_forward(modules.values()):
            back.callback(saved)
        for module in modules.values():
            back.callback(_restore_attributes, module, *_attributes(module))
        if attention is not None:
            for config in attention_configs(model):
                back.callback(vars(config).__setitem__, _ATTENTION, vars(config)[_ATTENTION])
                vars(config)[_ATTENTION] = attention
        if training is not None:
            for module in modules.values():
                # Not `train()`: overrides of it exist that merge adapters, which would write weights.
                vars(module)["training"] = training
        if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
            # Compiled code does not look for hooks that came after it was compiled.
            back.enter_context(torch.compiler.set_stance("force_eager"))
        # The fused transformer layer of torch does not call the modules it is made of.
        back.callback(torch.backends.mha.set_fastpath_enabled, torch.backends.mha.get_fastpath_enabled())
        torch.backends.mha.set_fastpath_enabled(False)
        torch.set_grad_enabled(grad)
        yield


def attention_configs(model: nn.Module) -> list[Any]:
    """Every transformers config in the model that says which attention implementation is called, and may be changed.

    Source: `PreTrainedModel._can_set_attn_implementation`, which is false for models that choose their attention class
    when they are built.
    """
    library = sys.modules.get("transformers.modeling_utils")
    if library is None:
        return []
    found: dict[int, Any] = {}
    for _, module in named_modules(model):
        if isinstance(module, library.PreTrainedModel) and type(module)._can_set_attn_implementation():
            pending = [vars(module).get("config")]
            while pending:
                config = pending.pop()
                if config is not None and _ATTENTION in vars(config) and id(config) not in found:
                    found[id(config)] = config
                    pending.extend(vars(config).get(key) for key in getattr(type(config), "sub_configs", ()))
    return list(found.values())


def generator_states(model: nn.Module) -> list[bytes]:
    """The states of the generators a forward may draw from, as bytes: equal before and after if nothing was drawn."""
    numpy = sys.modules.get("numpy")
    states = [repr(random.getstate()).encode(), torch.get_rng_state().numpy().tobytes()]
    if numpy is not None:
        states.append(
            repr([part.tolist() if hasattr(part, "tolist") else part for part in numpy.random.get_state()]).encode()
        )
    states.extend(bytes(backend.get_rng_state(*where).cpu().tolist()) for backend, where in _device_generators(model))
    return states


def _attributes(module: nn.Module) -> tuple[dict[str, Any], dict[str, Any]]:
    """All attributes of a module, and copies of the registries among them, which are changed in place."""
    attributes = dict(vars(module))
    return attributes, {name: attributes[name].copy() for name in _REGISTRIES if name in attributes}


def _restore_attributes(module: nn.Module, attributes: dict[str, Any], registries: dict[str, Any]) -> None:
    now = vars(module)
    if list(now) != list(attributes) or any(now[name] is not value for name, value in attributes.items()):
        now.clear()
        now.update(attributes)
    for name, entries in registries.items():
        if not _same_entries(now[name], entries):
            now[name].clear()
            now[name].update(entries)


def _same_entries(now: Any, entries: Any) -> bool:
    if isinstance(entries, set):
        return bool(now == entries)
    return list(now) == list(entries) and all(now[key] is value for key, value in entries.items())


def _restore_gradient(parameter: torch.Tensor, requires_grad: bool, gradient: torch.Tensor | None) -> None:
    if parameter.requires_grad != requires_grad:
        parameter.requires_grad_(requires_grad)
    if parameter.grad is not gradient:
        parameter.grad = gradient


def _generators(model: nn.Module) -> Iterator[Callable[[], object]]:
    """What puts back each random number generator that a forward may draw from."""
    drawn = random.getstate()
    yield lambda: random.setstate(drawn)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        global_state = numpy.random.get_state()
        yield lambda: numpy.random.set_state(global_state)
    of_torch = torch.get_rng_state()
    yield lambda: torch.set_rng_state(of_torch)
    for backend, where in _device_generators(model):
        yield _device_generator(backend, where, backend.get_rng_state(*where))


def _device_generators(model: nn.Module) -> Iterator[tuple[Any, tuple[torch.device, ...]]]:
    """The backends of the devices the model is on, and what each takes to name its generator."""
    devices = {held.tensor.device for held in named_tensors(model)}
    for device in sorted((each for each in devices if each.type not in ("cpu", "meta")), key=str):
        backend = getattr(torch, device.type, None)
        if backend is not None and hasattr(backend, "get_rng_state"):
            # Apple's devices have one generator and take no device.
            yield backend, () if device.type == "mps" else (device,)


def _device_generator(backend: Any, where: tuple[torch.device, ...], state: torch.Tensor) -> Callable[[], object]:
    return lambda: backend.set_rng_state(state, *where)


def _written_by_forward(modules: Any) -> Iterator[Callable[[], object]]:
    """What puts back the bytes of each tensor that a forward is known to write."""
    seen: set[int] = set()
    for module in modules:
        written = [buffer for buffer in module._buffers.values() if buffer is not None]
        if isinstance(module, nn.Embedding | nn.EmbeddingBag) and module.max_norm is not None:
            written.append(module.weight)
        for tensor in written:
            if id(tensor) not in seen and tensor.numel() > 0 and not tensor.is_meta:
                seen.add(id(tensor))
                yield _bytes_of(tensor)


def _bytes_of(tensor: torch.Tensor) -> Callable[[], None]:
    """Copies a tensor's bytes; what it returns writes them back if they changed."""
    try:
        dense = readable(tensor, "buffer")
        if dense.is_quantized:
            raise UnsupportedStorage("buffer", "it is quantised")
        dense = dense.conj() if dense.is_conj() else dense
        dense = dense._neg_view() if dense.is_neg() else dense
    except UnsupportedStorage:
        version, copy = tensor._version, tensor.detach().clone()
        return lambda: None if tensor._version == version else _write(tensor.detach(), copy)
    # Every element between the first and the last: a tensor that overlaps itself cannot be written as it is.
    extent = 1 + sum((size - 1) * stride for size, stride in zip(dense.shape, dense.stride(), strict=True))

    def elements() -> torch.Tensor:
        return dense.as_strided((extent,), (1,), dense.storage_offset())

    copy = elements().clone()
    return lambda: None if _same_bits(elements(), copy) else _write(elements(), copy)


def _same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.dtype == other.dtype and torch.equal(one.view(torch.uint8), other.view(torch.uint8))


def _write(target: torch.Tensor, source: torch.Tensor) -> None:
    with torch.inference_mode() if target.is_inference() else torch.no_grad():
        target.copy_(source)
