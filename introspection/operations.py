"""The steps of one forward as a graph: calls of the innermost modules, and the operations that run between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from introspection.tracing import Trace

StepKind = Literal["input", "tensor", "module", "operation"]

LAYOUT = frozenset(
    [
        "view",
        "reshape",
        "transpose",
        "permute",
        "contiguous",
        "unsqueeze",
        "squeeze",
        "expand",
        "expand_as",
        "view_as",
        "flatten",
        "unflatten",
        "to",
        "type",
        "type_as",
        "float",
        "half",
        "bfloat16",
        "clone",
        "detach",
        "alias",
        "identity",
        "T",
        "mT",
        "swapaxes",
        "movedim",
        "repeat_interleave",
    ]
)
"""Operations that move, cast or repeat values and compute nothing with them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that made a value."""

    index: int
    """Its place in the order of execution."""
    kind: StepKind
    """`input`; `tensor`: a parameter or buffer that no module of its own applies; `module`: a call of a module that
    calls no other; `operation`: one in the code of a module that calls others."""
    name: str
    """The input's or tensor's name, the module's path, or the operation's name."""
    scopes: tuple[tuple[str, int], ...]
    """(path, number) of the module calls it is in, outermost first, without the model's; a module's own call last."""
    operands: tuple[tuple[str, int], ...] = ()
    """(argument, step) of every operand; for a module, of every value that it read."""
    operand_shapes: tuple[tuple[int, ...], ...] = ()
    """Shape of every operand as it was used; empty for modules."""
    shape: tuple[int, ...] = ()
    """Shape of (the first tensor of) what it made."""
    flags: Mapping[str, Any] = field(default_factory=dict)
    """Booleans it was called with; `constants`: its arguments that come from no input and no weight."""
    operations: tuple[str, ...] = ()
    """For a module: the operations that ran in its call."""

    @property
    def sources(self) -> tuple[int, ...]:
        """The steps it reads, each once."""
        return tuple(dict.fromkeys(index for _, index in self.operands))

    @property
    def owner(self) -> str:
        """Path of the innermost module whose code it is part of."""
        return self.scopes[-1][0] if self.scopes else ""


@dataclass(frozen=True)
class OperationGraph:
    """The steps of one forward; each reads only earlier ones."""

    steps: tuple[Step, ...]
    """In order of execution."""
    outputs: tuple[tuple[str, int], ...]
    """(name, step) of what the model returned."""
    calls: Mapping[str, int]
    """How often each module that was called was called, by its first path; the model itself under "" is left out."""

    @cached_property
    def readers(self) -> tuple[tuple[int, ...], ...]:
        """For every step, the steps that read what it made."""
        found: list[list[int]] = [[] for _ in self.steps]
        for step in self.steps:
            for source in step.sources:
                found[source].append(step.index)
        return tuple(tuple(each) for each in found)

    @cached_property
    def residuals(self) -> Mapping[int, tuple[int, int]]:
        """Every addition of a value and of something computed from that value: its step, to (the value, the branch).

        The value is the step that made it, looked for through operations with one operand; the branch is the operand
        on the other side.
        """
        found: dict[int, tuple[int, int]] = {}
        for step in self.steps:
            if step.kind == "operation" and step.name == "add" and len(step.sources) == 2:
                for skip, branch in (step.sources, step.sources[::-1]):
                    origin = self.origin(skip)
                    if origin != self.origin(branch) and self.reaches(origin, branch):
                        found[step.index] = (origin, branch)
                        break
        return found

    def origin(self, index: int) -> int:
        """The step whose value this one still is: behind it through operations with one operand."""
        step = self.steps[index]
        while step.kind == "operation" and len(step.sources) == 1:
            step = self.steps[step.sources[0]]
        return step.index

    def reaches(self, earlier: int, later: int) -> bool:
        """Whether what `earlier` made takes part in what `later` made."""
        return any(index == earlier for index in self.behind(later, down_to=earlier))

    def behind(self, index: int, down_to: int = 0, until: Iterable[int] = ()) -> Iterator[int]:
        """The step and every step behind it, nearest first in no particular order.

        Args:
            index: Where to begin.
            down_to: Steps before this one are not looked at.
            until: Steps behind which nothing is looked at; they themselves are given.
        """
        stops, seen, waiting = set(until), {index}, [index]
        while waiting:
            current = waiting.pop()
            yield current
            if current not in stops:
                for source in self.steps[current].sources:
                    if source >= down_to and source not in seen:
                        seen.add(source)
                        waiting.append(source)

    def producers(self, index: int) -> tuple[int, ...]:
        """The nearest steps at or behind this one that are no operation: modules, inputs, tensors; sorted."""
        return tuple(sorted(found for found in self._region(index) if self.steps[found].kind != "operation"))

    def _region(self, index: int) -> Iterator[int]:
        seen, waiting = {index}, [index]
        while waiting:
            current = waiting.pop()
            yield current
            if self.steps[current].kind == "operation":
                for source in self.steps[current].sources:
                    if source not in seen:
                        seen.add(source)
                        waiting.append(source)


def operation_graph(trace: Trace) -> OperationGraph:
    """The graph of a trace: what runs inside a module that calls no other is one step, everything else its own."""
    parents = {call.parent for call in trace.calls}
    innermost = {index for index in range(1, len(trace.calls)) if index not in parents}
    scopes = _scopes(trace)
    step_of: dict[int, int] = {}
    module_step: dict[int, int] = {}
    drafts: list[dict[str, Any]] = []
    # Tensors come first: a module may read one only after its step has begun, and every step reads earlier ones.
    for number in sorted(
        {operand for _, operand in _reads(trace, innermost) if trace.values[operand].kind == "tensor"}
    ):
        step_of[number] = len(drafts)
        drafts.append({"kind": "tensor", "name": trace.values[number].name, "shape": trace.values[number].shape})
    for number, value in enumerate(trace.values):
        if value.kind == "tensor":
            continue
        if value.call in innermost and value.kind != "input":
            if value.call not in module_step:
                module_step[value.call] = len(drafts)
                path = trace.calls[value.call].path
                drafts.append({"kind": "module", "name": path, "scopes": scopes[value.call], "read": {}, "ran": []})
            draft = drafts[module_step[value.call]]
            draft["ran"].append(value.name)
            draft["shape"] = value.shape or draft.get("shape", ())
            for _, operand in value.operands:
                if step_of.get(operand, module_step[value.call]) != module_step[value.call] and not _holds(
                    trace, value.call, operand
                ):
                    draft["read"].setdefault(step_of[operand])
            step_of[number] = module_step[value.call]
        else:
            step_of[number] = len(drafts)
            drafts.append(
                {
                    "kind": "input" if value.kind == "input" else "operation",
                    "name": value.name,
                    "scopes": scopes[value.call],
                    "operands": [(label, step_of[operand]) for label, operand in value.operands],
                    "operand_shapes": value.operand_shapes,
                    "shape": value.shape,
                    "flags": value.flags,
                }
            )
    steps = tuple(
        Step(
            index=index,
            kind=draft["kind"],
            name=draft["name"],
            scopes=draft.get("scopes", ()),
            operands=tuple(draft.get("operands", (("", read) for read in draft.get("read", ())))),
            operand_shapes=tuple(draft.get("operand_shapes", ())),
            shape=tuple(draft.get("shape", ())),
            flags=draft.get("flags", {}),
            operations=tuple(draft.get("ran", ())),
        )
        for index, draft in enumerate(drafts)
    )
    calls: dict[str, int] = {}
    for call in trace.calls[1:]:
        calls[call.path] = call.number
    return OperationGraph(steps, tuple((name, step_of[value]) for name, value in trace.outputs), calls)


def _scopes(trace: Trace) -> list[tuple[tuple[str, int], ...]]:
    scopes: list[tuple[tuple[str, int], ...]] = []
    for call in trace.calls:
        scopes.append(() if call.parent is None else (*scopes[call.parent], (call.path, call.number)))
    return scopes


def _reads(trace: Trace, innermost: set[int]) -> Iterator[tuple[int, int]]:
    """(value, operand) of everything read that is not read by the module which holds it."""
    for number, value in enumerate(trace.values):
        for _, operand in value.operands:
            if value.call not in innermost or not _holds(trace, value.call, operand):
                yield number, operand
    yield from ((-1, index) for _, index in trace.outputs)


def _holds(trace: Trace, call: int, operand: int) -> bool:
    """Whether a value is a tensor that the called module, or one inside it, itself holds under any name."""
    value = trace.values[operand]
    return value.kind == "tensor" and any(
        name.startswith(f"{trace.calls[call].path}.") for name in trace.names.get(value.name, ())
    )
