"""What feeds what, in words a reader looks for: by module path, calls merged, for one module or for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from introspection.dataflow import Dataflow, Edge, Node
from introspection.view import View


def all_connections(view: View) -> dict[str, Any]:
    """Every connection between innermost modules, residual additions, inputs and outputs.

    Returns:
        `source` (and `reason` or `notes`); `connections`: `from`, `to`, `via` (operations between), `times` (how often,
        where modules are called more than once); `residual_additions`: `at`, `adds`; `inputs`; `outputs`;
        `called_more_than_once`: path to calls; `not_called`. From the module tree alone: no connection is claimed.
    """
    flow = view.flow
    if flow is None:
        return {
            **view.source,
            "connections": [],
            "residual_additions": [],
            "inputs": [],
            "outputs": [],
            "called_more_than_once": {},
            "not_called": [],
        }
    path = {node.id: _label(node) for node in flow.nodes}
    connections = _merged(flow.edges, lambda edge: (path[edge.source], path[edge.target]))
    residuals = {node.path: node for node in flow.nodes if node.kind == "residual"}
    return {
        **view.source,
        "connections": [
            {"from": source, "to": target, "via": entry["via"], "times": entry["times"]}
            for (source, target), entry in connections.items()
        ],
        "residual_additions": [
            {"at": label, "adds": sorted({source for source, target in connections if target == label})}
            for label in residuals
        ],
        "inputs": [node.path for node in flow.nodes if node.kind == "input"],
        "outputs": [node.path for node in flow.nodes if node.kind == "output"],
        "called_more_than_once": {path: count for path, count in flow.calls.items() if count > 1},
        "not_called": list(flow.uncalled),
    }


def connections_of(view: View, name: str) -> dict[str, Any]:
    """What flows into and out of one module.

    Args:
        view: The model.
        name: Any path of a module, or the name of a tensor: that of the module which holds it.

    Returns:
        `name`, `path`, `names` (every path), `source`; `calls`; `inputs_from` and `outputs_to`: `module`, `kind`,
        `via`, `times`, and for residual additions `adds` and `read_by`; `feeds_itself` (how many pairs of its calls
        hand values from the earlier to the later); `contains` (its children); `shares_weights_with`.

    Raises:
        UnknownName: Nothing has this name.
    """
    path = view.module_path(name)
    below = [child for child in view.modules if child.startswith(f"{path}." if path else "") and child != path]
    answer: dict[str, Any] = {
        "name": name,
        "path": path,
        "names": view.names[path],
        **view.source,
        "calls": view.calls(path),
        "inputs_from": [],
        "outputs_to": [],
        "feeds_itself": 0,
        "contains": [child for child in below if "." not in child.removeprefix(f"{path}." if path else "")],
        "shares_weights_with": view.coupled(path),
    }
    flow = view.flow
    if flow is None:
        return answer
    call = {node.id: _call_in(view, path, node) for node in flow.nodes}
    nodes = {node.id: node for node in flow.nodes}
    arriving = [edge for edge in flow.edges if call[edge.target] is not None and call[edge.source] is None]
    leaving = [edge for edge in flow.edges if call[edge.source] is not None and call[edge.target] is None]
    # Values handed by one call of this module to a later one stay inside it.
    handed = {
        (call[edge.source], call[edge.target])
        for edge in flow.edges
        if None not in (call[edge.source], call[edge.target]) and call[edge.source] != call[edge.target]
    }
    answer["inputs_from"] = _ends(flow, [(edge, nodes[edge.source], call[edge.target]) for edge in arriving])
    answer["outputs_to"] = _ends(flow, [(edge, nodes[edge.target], call[edge.source]) for edge in leaving])
    answer["feeds_itself"] = len(handed)
    return answer


def route(view: View, start: str, end: str) -> list[str]:
    """The shortest way values take from one module to another; empty if none do.

    Raises:
        UnknownName: One of the names is nothing's.
    """
    first, last = view.module_path(start), view.module_path(end)
    flow = view.flow
    if flow is None:
        return []
    after: dict[str, list[str]] = {}
    for edge in flow.edges:
        after.setdefault(edge.source, []).append(edge.target)
    nodes = {node.id: node for node in flow.nodes}
    goals = {node.id for node in flow.nodes if _call_in(view, last, node) is not None}
    came_from: dict[str, str | None] = {
        node.id: None for node in flow.nodes if _call_in(view, first, node) is not None and node.id not in goals
    }
    waiting = list(came_from)
    for current in waiting:
        if current in goals:
            way: list[str] = []
            at: str | None = current
            while at is not None:
                way.append(_label(nodes[at]))
                at = came_from[at]
            return way[::-1]
        for following in after.get(current, ()):
            if following not in came_from:
                came_from[following] = current
                waiting.append(following)
    return []


def _call_in(view: View, path: str, node: Node) -> int | None:
    """Which call of a module a node is part of; None if it is not."""
    if path == "":
        return 1 if node.kind in {"module", "residual", "tensor"} else None
    if node.kind == "tensor":
        # A tensor a module holds is its own, whoever reads it.
        return 1 if any(node.path.startswith(f"{each}.") for each in view.names[path]) else None
    return next((number for scope, number in node.scopes if scope == path), None)


def _ends(flow: Dataflow, crossing: Iterable[tuple[Edge, Node, int | None]]) -> list[dict[str, Any]]:
    """What lies at the other end of the edges that cross a module's border, each place once."""
    found: dict[str, tuple[Node, dict[str, None], set[tuple[str, int | None]]]] = {}
    for edge, outside, call in crossing:
        _, via, pairs = found.setdefault(_label(outside), (outside, {}, set()))
        via.update(dict.fromkeys(edge.via))
        pairs.add((outside.id, call))
    answers: list[dict[str, Any]] = []
    labels = {node.id: _label(node) for node in flow.nodes}
    for label, (node, via, pairs) in found.items():
        answer: dict[str, Any] = {"module": label, "kind": node.kind, "via": list(via), "times": len(pairs)}
        if node.kind == "residual":
            answer["adds"] = sorted({labels[edge.source] for edge in flow.edges if labels[edge.target] == label})
            answer["read_by"] = sorted({labels[edge.target] for edge in flow.edges if labels[edge.source] == label})
        answers.append(answer)
    return answers


def _label(node: Node) -> str:
    return node.id if node.kind in {"input", "output", "tensor"} else node.path


def _merged(edges: Iterable[Edge], key: Callable[[Edge], tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for edge in edges:
        entry = found.setdefault(key(edge), {"times": 0, "via": {}})
        entry["times"] += 1
        entry["via"].update(dict.fromkeys(edge.via))
    return {pair: {"times": entry["times"], "via": list(entry["via"])} for pair, entry in found.items()}
