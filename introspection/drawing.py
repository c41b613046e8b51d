"""A model as boxes and arrows, before they are written in any format: equal blocks and repeated calls are folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from torch import nn

from introspection.dataflow import Dataflow, Node
from introspection.shapes import own_parameter, shape_of, shape_words
from introspection.view import View

_HANDED_ON = frozenset({"dropout", "identity"})


@dataclass(frozen=True, slots=True)
class Box:
    """A module, an input or output, a tensor, or an addition."""

    path: str
    """Which one; that of the first where several are folded into one."""
    kind: str
    """`input`, `output`, `tensor`, `module`, `residual`."""
    label: str
    """Its path within its frame."""
    detail: str
    """Its class and size."""
    frame: str = ""
    """Path of the frame it is in; empty outside of all."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A block; of several equal ones, or of one that is applied several times, the first."""

    path: str
    title: str
    """How many of what, and after a colon which."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """What one box makes, the other reads (or holds, where only the module tree is known)."""

    source: str
    target: str
    again: bool = False
    """Whether it leads from one of the folded blocks, or calls, to a later one."""


@dataclass(frozen=True, slots=True)
class Tie:
    """Names of one storage, or of storages that overlap."""

    names: tuple[str, ...]
    boxes: tuple[str, ...]
    """The boxes that hold them, as far as they are drawn."""
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a diagram shows."""

    title: str
    subtitle: str
    """What it was made from."""
    flows: bool
    """Whether arrows are dataflow; otherwise they say what holds what."""
    boxes: tuple[Box, ...]
    """In order of execution (of registration, without dataflow)."""
    frames: tuple[Frame, ...]
    arrows: tuple[Arrow, ...]
    ties: tuple[Tie, ...]


@dataclass(frozen=True, slots=True)
class _Fold:
    """A run of equal blocks of which the first stands for all."""

    prefixes: tuple[str, ...]
    title: str


def drawing(view: View, most: int = 80) -> Drawing:
    """What there is to draw of a model; where there would be more than `most` boxes, as whole modules further up."""
    flow = view.flow
    folds = tuple(_folds(view))
    if flow is None:
        boxes, frames, arrows = _tree(view, folds, most)
        subtitle = "module tree only: what flows where is not known"
    else:
        boxes, frames, arrows = _flow(view, flow, folds, most)
        subtitle = f"dataflow of one forward ({flow.source})"
    return Drawing(
        type(view.model).__name__, subtitle, flow is not None, boxes, frames, arrows, _ties(view, boxes, folds)
    )


def _folds(view: View) -> Iterator[_Fold]:
    for path, blocks in view.stacks():
        runs: list[list[str]] = []
        for block in blocks:
            alike = runs and _make(view, runs[-1][0]) == _make(view, block)
            if alike:
                runs[-1].append(block)
            else:
                runs.append([block])
        for run in runs:
            module = view.modules[run[0]]
            if not any(child is not None for child in module._modules.values()):
                continue
            name, last = type(module).__name__, run[-1].removeprefix(f"{path}.")
            title = f"{len(run)} × {name}: {run[0]} … {last}" if len(run) > 1 else f"{name}: {run[0]}"
            yield _Fold(tuple(run), title)


def _make(view: View, path: str) -> tuple[object, ...]:
    """What two blocks have in common if they are equal but for the values of their weights."""
    root = view.modules[path]
    below: list[object] = []
    waiting: list[tuple[str, nn.Module]] = [("", root)]
    while waiting:
        at, module = waiting.pop()
        held = tuple(
            (key, None if tensor is None else shape_of(tensor))
            for key, tensor in (*module._parameters.items(), *module._buffers.items())
        )
        below.append((at, type(module), held))
        waiting.extend((f"{at}.{key}", child) for key, child in module._modules.items() if child is not None)
        if len(below) > 10_000:
            break
    return tuple(below)


def _folded(path: str, folds: tuple[_Fold, ...]) -> tuple[str, tuple[tuple[str, int], ...]]:
    """The path under the first block of every run it lies in, and which block of each run it was in."""
    places: list[tuple[str, int]] = []
    for fold in folds:
        for number, prefix in enumerate(fold.prefixes):
            if path == prefix or path.startswith((f"{prefix}.", f"{prefix}:")):
                places.append((fold.prefixes[0], number))
                path = fold.prefixes[0] + path[len(prefix) :]
                break
    return path, tuple(places)


def _flow(
    view: View, flow: Dataflow, folds: tuple[_Fold, ...], most: int
) -> tuple[tuple[Box, ...], tuple[Frame, ...], tuple[Arrow, ...]]:
    titles = {fold.prefixes[0]: fold.title for fold in folds}
    for path, count in flow.calls.items():
        module = view.modules[path]
        repeated = count > 1 and any(child is not None for child in module._modules.values())
        if repeated and not any(path.startswith(f"{frame}.") for frame in titles):
            titles[path] = f"{type(module).__name__}, applied {count} times: {path}"
    drawn = {node.id: node for node in flow.nodes if not _is_handed_on(view, node)}
    key: dict[str, str] = {}
    instance: dict[str, dict[str, object]] = {}
    for node in drawn.values():
        path, places = _folded(node.path, folds)
        key[node.id] = f"{node.kind}:{path}" if node.kind in {"input", "output", "tensor"} else path
        instance[node.id] = {**dict(places), **{scope: call for scope, call in node.scopes if flow.calls[scope] > 1}}
    depth = _depth(set(key.values()), most)
    key = {identifier: _cut(path, depth) for identifier, path in key.items()}
    boxes: dict[str, Box] = {}
    for node in drawn.values():
        boxes.setdefault(key[node.id], _box(view, key[node.id], node, titles))
    arrows: dict[tuple[str, str], bool] = {}
    for source, target in _edges_between(flow, set(drawn)):
        ends = key[source], key[target]
        common = instance[source].keys() & instance[target].keys()
        again = any(instance[source][each] != instance[target][each] for each in common)
        if ends[0] != ends[1] or again:
            arrows[ends] = arrows.get(ends, True) and again
    used = {box.frame for box in boxes.values()}
    frames = tuple(Frame(path, title) for path, title in titles.items() if path in used)
    return _in_order(boxes, arrows), frames, tuple(Arrow(*ends, again) for ends, again in arrows.items())


def _in_order(boxes: dict[str, Box], arrows: Iterable[tuple[str, str]]) -> tuple[Box, ...]:
    """The boxes as they run; tensors, which are there from the beginning, just before what reads them first."""
    place: dict[str, float] = {path: number for number, path in enumerate(boxes)}
    for path, box in boxes.items():
        if box.kind == "tensor":
            place[path] = min((place[target] for source, target in arrows if source == path), default=place[path]) - 0.5
    return tuple(sorted(boxes.values(), key=lambda box: place[box.path]))


def _is_handed_on(view: View, node: Node) -> bool:
    return node.kind == "module" and view.roles[node.path].kind in _HANDED_ON


def _edges_between(flow: Dataflow, drawn: set[str]) -> Iterator[tuple[str, str]]:
    """The edges, with those through nodes that are not drawn joined up."""
    before: dict[str, list[str]] = {}
    for edge in flow.edges:
        before.setdefault(edge.target, []).append(edge.source)
    for node in flow.nodes:
        if node.id in drawn:
            waiting = list(before.get(node.id, ()))
            while waiting:
                source = waiting.pop(0)
                if source in drawn:
                    yield source, node.id
                else:
                    waiting.extend(before.get(source, ()))


def _depth(paths: set[str], most: int) -> int:
    """The deepest level at which there are few enough boxes; 1 if there is none."""
    deepest = max((path.count(".") + 1 for path in paths), default=1)
    for depth in range(deepest, 1, -1):
        if len({_cut(path, depth) for path in paths}) <= most:
            return depth
    return 1


def _cut(path: str, depth: int) -> str:
    if path.startswith(("input:", "output:")):
        return path
    name = path.removeprefix("tensor:")
    parts = name.split(".")
    return path if len(parts) <= depth else ".".join(parts[:depth])


def _box(view: View, path: str, node: Node, titles: dict[str, str]) -> Box:
    inside = [frame for frame in titles if path.removeprefix("tensor:").startswith((f"{frame}.", f"{frame}:"))]
    frame = min(inside, key=len) if inside else ""
    name = path.split(":", 1)[1] if path.startswith(("input:", "output:", "tensor:")) else path
    # An addition in the model itself is called `:+1`: its path is the empty one.
    within = name.removeprefix(frame).lstrip(".:") if frame else name.removeprefix(":")
    if path in view.modules:
        return Box(path, "module", within, _detail(view.modules[path]), frame)
    if node.kind == "residual":
        return Box(path, "residual", within, "residual addition", frame)
    return Box(path, node.kind, within, {"tensor": "tensor"}.get(node.kind, node.kind), frame)


def _detail(module: nn.Module) -> str:
    name = type(module).__name__
    weight = own_parameter(module, "weight")
    shape = None if weight is None else shape_of(weight)
    if shape is None:
        return name
    if isinstance(module, nn.Linear) and len(shape) == 2:
        return f"{name} {shape[1]}→{shape[0]}"
    return f"{name} {shape_words(shape)}"


def _tree(
    view: View, folds: tuple[_Fold, ...], most: int
) -> tuple[tuple[Box, ...], tuple[Frame, ...], tuple[Arrow, ...]]:
    titles = {fold.prefixes[0]: fold.title for fold in folds}
    paths = list(dict.fromkeys(_folded(path, folds)[0] for path in view.modules if path))
    depth = _depth(set(paths), most)
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    for path in paths:
        if path.count(".") < depth:
            parent = path.rpartition(".")[0]
            detail = titles.get(path, "").split(":", 1)[0] or _detail(view.modules[path])
            boxes.append(Box(path, "module", path.removeprefix(f"{parent}."), detail))
            if parent:
                arrows.append(Arrow(parent, path))
    return tuple(boxes), (), tuple(arrows)


def _ties(view: View, boxes: tuple[Box, ...], folds: tuple[_Fold, ...]) -> tuple[Tie, ...]:
    paths = {box.path: box for box in boxes}
    found: dict[tuple[str, ...], Tie] = {}
    groups = [(sorted(group), "one storage") for group in view.sharing.groups]
    groups += [
        (sorted(pair), "overlap" if relation.kind == "partial" else "may overlap")
        for pair, relation in sorted(view.sharing.relations.items(), key=lambda entry: sorted(entry[0]))
        if relation.kind != "same"
    ]
    for names, text in groups:
        # One module under several paths is one box: that its names are one storage goes without saying.
        held = {name: view.module_path(name) for name in names}
        if len(set(held.values())) < 2:
            continue
        folded = tuple(dict.fromkeys(_folded(path, folds)[0] for path in held.values()))
        at = tuple(dict.fromkeys(box for path in folded if (box := _holding(path, paths)) is not None))
        found.setdefault((*folded, text), Tie(tuple(names), at, text))
    return tuple(found.values())


def _holding(path: str, boxes: dict[str, Box]) -> str | None:
    while path:
        if path in boxes:
            return path
        path = path.rpartition(".")[0]
    return None
