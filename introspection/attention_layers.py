"""The attention layers of a model, found where attention is computed, and what each is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import nn

from introspection.components import ATTENTION_OPERATIONS, MATRIX_PRODUCTS, Role
from introspection.dataflow import Dataflow
from introspection.operations import OperationGraph, Step


@dataclass(frozen=True, slots=True)
class AttentionLayer:
    """One place where attention is computed; what could not be told is None or empty."""

    path: str
    """The module whose code computes it."""
    query: tuple[str, ...] = ()
    """Paths of the modules the query is projected by."""
    key: tuple[str, ...] = ()
    """The key's."""
    value: tuple[str, ...] = ()
    """The value's."""
    heads: int | None = None
    """Query heads."""
    key_value_heads: int | None = None
    """Key and value heads."""
    head_size: int | None = None
    """Elements of one head."""
    causal: bool | None = None
    """Whether a position sees only itself and what came before."""
    cross: bool | None = None
    """Whether keys and values come from elsewhere than the queries."""
    rotary: bool = False
    """Whether queries are rotated by their position."""
    relative: tuple[str, ...] = ()
    """What computes a bias that is added to the scores."""

    @property
    def fused(self) -> bool | None:
        """Whether one projection makes query, key and value."""
        return self.query == self.key == self.value if self.query and self.key and self.value else None

    @property
    def kind(self) -> str | None:
        """multi-head, grouped-query, or multi-query.

        Source: Shazeer 2019, arXiv:1911.02150; Ainslie et al. 2023, arXiv:2305.13245.
        """
        if self.heads is None or self.key_value_heads is None:
            return None
        if self.heads == self.key_value_heads:
            return "multi-head"
        return "multi-query" if self.key_value_heads == 1 else "grouped-query"


@dataclass(frozen=True, slots=True)
class _Core:
    """The steps attention is computed from."""

    step: Step
    query: int
    key: int
    value: int
    biases: tuple[int, ...]
    masked: bool
    query_shape: tuple[int, ...]


def attention_layers(
    flow: Dataflow, modules: Mapping[str, nn.Module], parts: Mapping[str, Role]
) -> list[AttentionLayer]:
    """Every attention layer that the forward went through, once each, in order of their first call."""
    graph = flow.operations
    found: dict[str, AttentionLayer] = {}
    for core in _cores(graph):
        path = core.step.owner
        if path not in found:
            found[path] = _described(graph, core, modules, parts)
    for step in graph.steps:
        if step.kind == "module" and parts.get(step.name, Role("")).kind == "attention" and step.name not in found:
            found[step.name] = _by_class(step.name, modules[step.name])
    order = {step.owner: step.index for step in reversed(graph.steps)}
    return sorted(found.values(), key=lambda layer: order[layer.path])


def _cores(graph: OperationGraph) -> Iterator[_Core]:
    for step in graph.steps:
        if step.kind == "operation" and step.name in ATTENTION_OPERATIONS:
            given = {label: (source, shape) for (label, source), shape in _with_shapes(step)}
            named = [
                given.get(str(position)) or given.get(name) for position, name in enumerate(("query", "key", "value"))
            ]
            query, key, value = named
            if query is None or key is None or value is None:
                continue
            mask = given.get("3") or given.get("attn_mask")
            constants = step.flags.get("constants", ())
            yield _Core(
                step,
                query[0],
                key[0],
                value[0],
                (mask[0],) if mask else (),
                mask is not None or "3" in constants or "attn_mask" in constants,
                query[1],
            )
        elif step.kind == "operation" and step.name == "softmax":
            core = _written_out(graph, step)
            if core is not None:
                yield core


def _written_out(graph: OperationGraph, softmax: Step) -> _Core | None:
    """Attention as softmax between two matrix products, with whatever is added to the scores in between."""
    scores, biases, masked = None, [], False
    waiting = list(softmax.sources)
    while waiting:
        step = graph.steps[waiting.pop()]
        if step.kind != "operation":
            biases.append(step.index)
        elif step.name in MATRIX_PRODUCTS and len(step.operands) >= 2 and scores is None:
            scores = step
        else:
            masked = masked or (step.name in {"add", "where", "masked_fill"} and bool(step.flags.get("constants")))
            waiting.extend(step.sources)
    product = _reader(graph, softmax.index)
    if scores is None or product is None:
        return None
    operands = list(_with_shapes(scores))[-2:]
    (_, query), query_shape = operands[0]
    (_, key), _ = operands[1]
    others = [source for _, source in product.operands if not graph.reaches(softmax.index, source)]
    if len(others) != 1:
        return None
    return _Core(softmax, query, key, others[0], tuple(biases), masked, query_shape)


def _reader(graph: OperationGraph, index: int) -> Step | None:
    """The matrix product that reads a step, through operations with one operand and modules that hand on (dropout)."""
    waiting = list(graph.readers[index])
    while waiting:
        step = graph.steps[waiting.pop(0)]
        if step.kind == "operation" and step.name in MATRIX_PRODUCTS:
            return step
        if len(step.sources) == 1:
            waiting.extend(graph.readers[step.index])
    return None


def _described(
    graph: OperationGraph, core: _Core, modules: Mapping[str, nn.Module], parts: Mapping[str, Role]
) -> AttentionLayer:
    query, key, value = (_projections(graph, index, parts) for index in (core.query, core.key, core.value))
    size = core.query_shape[-1] if core.query_shape else None
    counted = core.query_shape[-3] if len(core.query_shape) >= 4 else None
    heads, key_value_heads = _heads(graph, query, key, size, counted)
    return AttentionLayer(
        path=core.step.owner,
        query=tuple(graph.steps[index].name for index in query),
        key=tuple(graph.steps[index].name for index in key),
        value=tuple(graph.steps[index].name for index in value),
        heads=heads,
        key_value_heads=key_value_heads,
        head_size=size,
        causal=_causal(core, modules.get(core.step.owner)),
        cross=_cross(graph, query, key),
        rotary=_rotated(graph, core.query, query) and not _rotated(graph, core.value, value),
        relative=_biases(graph, core, {*query, *key}),
    )


def _projections(graph: OperationGraph, index: int, parts: Mapping[str, Role]) -> tuple[int, ...]:
    """The nearest linear or convolution steps behind a value; norms, dropouts and operations are looked through."""
    found: set[int] = set()
    waiting, seen = [index], {index}
    while waiting:
        step = graph.steps[waiting.pop()]
        if step.kind == "module":
            kind = parts.get(step.name, Role("")).kind
            if kind in {"linear", "convolution"}:
                found.add(step.index)
            if kind not in {"normalization", "dropout", "identity"}:
                continue
        if step.kind in {"module", "operation"}:
            fresh = [source for source in step.sources if source not in seen]
            seen.update(fresh)
            waiting.extend(fresh)
    return tuple(sorted(found))


def _heads(
    graph: OperationGraph, query: tuple[int, ...], key: tuple[int, ...], size: int | None, counted: int | None
) -> tuple[int | None, int | None]:
    """(query heads, key-value heads) from the widths of the projections: a repeated key no longer shows its own."""
    if not size or len(query) != 1 or len(key) != 1:
        return counted, None
    wide, narrow = graph.steps[query[0]].shape[-1], graph.steps[key[0]].shape[-1]
    if query != key:
        exact = wide % size == 0 and narrow % size == 0
        return (wide // size, narrow // size) if exact else (counted, None)
    if counted is None:
        return (wide // (3 * size),) * 2 if wide % (3 * size) == 0 else (None, None)
    rest = wide // size - counted
    return counted, rest // 2 if wide % size == 0 and rest > 0 and rest % 2 == 0 else None


def _causal(core: _Core, module: nn.Module | None) -> bool | None:
    if core.step.flags.get("is_causal"):
        return True
    if not core.masked:
        return False
    # Which positions a mask lets through is in its values. The libraries' attention modules say what they are.
    for name in ("is_causal", "is_decoder"):
        stated = vars(module).get(name) if module is not None else None
        if isinstance(stated, bool):
            return stated
    return None


def _cross(graph: OperationGraph, query: tuple[int, ...], key: tuple[int, ...]) -> bool | None:
    if not query or not key:
        return None
    read = [{graph.origin(source) for index in side for source in graph.steps[index].sources} for side in (query, key)]
    return not read[0] & read[1]


def _rotated(graph: OperationGraph, index: int, projections: tuple[int, ...]) -> bool:
    """Whether sines and cosines, or a swap of halves with one negated, take part between the projection and the value.

    Source: Su et al. 2021, arXiv:2104.09864.
    """
    names: set[str] = set()
    for found in graph.behind(index, until=projections):
        if found not in projections:
            step = graph.steps[found]
            names.update(step.operations if step.kind == "module" else (step.name,))
    halves = "neg" in names and bool(names & {"cat", "stack", "setitem"}) and "mul" in names
    return {"cos", "sin"} <= names or halves or "view_as_complex" in names


def _biases(graph: OperationGraph, core: _Core, projections: set[int]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for bias in core.biases:
        for index in graph.producers(bias):
            if index not in projections and graph.steps[index].kind in {"module", "tensor"}:
                found[graph.steps[index].name] = None
    return tuple(found)


def _by_class(path: str, module: nn.Module) -> AttentionLayer:
    if not isinstance(module, nn.MultiheadAttention):
        return AttentionLayer(path)
    heads = module.num_heads
    return AttentionLayer(path, heads=heads, key_value_heads=heads, head_size=module.head_dim)


def _with_shapes(step: Step) -> Iterator[tuple[tuple[str, int], tuple[int, ...]]]:
    return zip(step.operands, step.operand_shapes, strict=True)
