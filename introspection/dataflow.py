"""What flows where in a model: a graph of module calls and of what joins them, followed through one real forward."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from introspection.operations import LAYOUT, OperationGraph, Step

_NEVER_CALLED = frozenset({"ModuleList", "ModuleDict", "ParameterList", "ParameterDict"})
"""Containers without a forward of their own."""

Source = Literal["fake_traced", "traced"]
NodeKind = Literal["input", "tensor", "module", "residual", "output"]


@dataclass(frozen=True, slots=True)
class Node:
    """A place that values come from or go to."""

    id: str
    """`path#3` for the third call of a module; `path:+2#3` for the second residual addition in the third call of one;
    `input:NAME`, `output:NAME`, `tensor:NAME`."""
    kind: NodeKind
    """`module`: a call of a module that calls no other; `residual`: a value plus something computed from it; `tensor`:
    a parameter or buffer that is used where no module of its own applies it."""
    path: str
    """The module's first path; `path:+2` for the second residual addition in a module's code; otherwise the name."""
    call: int
    """1 for the first call of this module, or of the one whose code adds."""
    scopes: tuple[tuple[str, int], ...]
    """(path, call) of every module call it is in, outermost first; a module's own call last."""
    step: int
    """Index of its step in the operation graph; -1 for outputs."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What one node made, another reads."""

    source: str
    """Id of the node that made the value."""
    target: str
    """Id of the node that reads it."""
    via: tuple[str, ...] = ()
    """Operations in between, in order of execution, each once; those that only move or cast values are left out."""


@dataclass(frozen=True, slots=True)
class Dataflow:
    """How values flow through a model in one forward; acyclic, since each call of a module is a node of its own."""

    source: Source
    """`fake_traced`: the model's code ran on tensors without values; `traced`: it computed."""
    nodes: tuple[Node, ...]
    """In order of execution; outputs last."""
    edges: tuple[Edge, ...]
    """Sorted by the place of their target, then of their source."""
    calls: Mapping[str, int]
    """How often each module that was called was called, by its first path; innermost modules and those above them."""
    uncalled: tuple[str, ...]
    """Modules that the forward did not call, by first path: unused, or used only for the tensors they hold. Lists of
    modules, which are never called, are left out."""
    operations: OperationGraph = field(repr=False)
    """Every single step, operations included."""
    notes: tuple[str, ...] = ()
    """What should be known of how this was found."""


def dataflow_of(
    operations: OperationGraph, source: Source, modules: Mapping[str, object], notes: tuple[str, ...] = ()
) -> Dataflow:
    """Leaves the inputs, the module calls, the residual additions and the outputs; what lies between becomes `via`.

    Args:
        operations: Every step of the forward.
        source: How they were found.
        modules: Every module of the model by its first path; the model itself under "".
        notes: What should be known of how they were found.
    """
    nodes: dict[int, Node] = {}
    additions: dict[tuple[str, int], int] = {}
    for step in operations.steps:
        if step.kind == "module":
            path, number = step.scopes[-1]
            nodes[step.index] = Node(f"{path}#{number}", "module", path, number, step.scopes, step.index)
        elif step.index in operations.residuals:
            owner, call = step.scopes[-1] if step.scopes else ("", 1)
            number = additions[owner, call] = additions.get((owner, call), 0) + 1
            path = f"{owner}:+{number}"
            nodes[step.index] = Node(f"{path}#{call}", "residual", path, call, step.scopes, step.index)
        elif step.kind == "input" or (step.kind == "tensor" and operations.readers[step.index]):
            nodes[step.index] = Node(f"{step.kind}:{step.name}", step.kind, step.name, 1, (), step.index)
    edges = [
        Edge(nodes[origin].id, node.id, via)
        for index, node in nodes.items()
        for origin, via in _arrivals(operations, operations.steps[index].sources, nodes)
    ]
    ordered = list(nodes.values())
    for name, index in dict(operations.outputs).items():
        output = Node(f"output:{name}", "output", name, 1, (), -1)
        ordered.append(output)
        edges.extend(Edge(nodes[origin].id, output.id, via) for origin, via in _arrivals(operations, (index,), nodes))
    uncalled = tuple(
        path
        for path, module in modules.items()
        if path and path not in operations.calls and type(module).__name__ not in _NEVER_CALLED
    )
    return Dataflow(source, tuple(ordered), tuple(edges), operations.calls, uncalled, operations, notes)


def _arrivals(
    operations: OperationGraph, sources: tuple[int, ...], nodes: Mapping[int, Node]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The nodes whose values arrive at these steps, sorted, each with the operations on all ways from it."""
    # For every step between: which nodes lie behind it. Steps are in order, so the steps before one are settled first.
    between: set[int] = set()
    waiting = list(sources)
    while waiting:
        current = waiting.pop()
        if current not in between:
            between.add(current)
            if current not in nodes:
                waiting.extend(operations.steps[current].sources)
    behind: dict[int, set[int]] = {}
    for index in sorted(between):
        behind[index] = (
            {index} if index in nodes else set().union(*(behind[each] for each in operations.steps[index].sources))
        )
    for origin in sorted(index for index in between if index in nodes):
        through = [
            operations.steps[index] for index in sorted(between) if index not in nodes and origin in behind[index]
        ]
        yield origin, tuple(dict.fromkeys(step.name for step in through if _computes(step)))


def _computes(step: Step) -> bool:
    return step.name not in LAYOUT
