"""How the evidence of the best proven claims grew, event by event, against the bar each had to pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from memory.query.evidence_course import FOLDED, evidence_course
from memory.report.effects import claimed, names_of, told
from memory.report.scope import Scope, counted, e_value, log10, several
from memory.report.section import Chart, Section, Spec, Table
from memory.report.vega import FOCUS, SERIES, dimmed, positions, quantity, spec, tips, window

_SIDE = {1: "↑", -1: "↓", 0: "moves"}


def evidence(scope: Scope) -> Section:
    """Draw log e-values of claims along the log, and the bar for each."""
    rows = [row for row in claimed(scope) if row["status"] != "retracted"]
    chosen = _chosen(rows, scope.limits.claims)
    names = names_of(scope, [row["storage_id"] for row in chosen if row["storage_id"] is not None])
    labels = _labels(chosen, names)
    layer_of = {
        row["pattern_id"]: f"{row['model']}: {told(row, names)}" if several(chosen) else told(row, names)
        for row in chosen
    }
    points: dict[str, list[dict[str, Any]]] = defaultdict(list)
    course = evidence_course(scope.store, scope.runner, list(labels), scope.until, points=scope.limits.points)
    for point in course:
        points[point.pattern_id].append(
            {
                "claim": labels[point.pattern_id],
                "layer": layer_of[point.pattern_id],
                "position": point.position,
                "e": log10(point.log_e_value),
                "bar": None if point.log_bar is None else log10(point.log_bar),
                "prospective": None if point.prospective is None else log10(point.prospective),
                "told": f"E = {e_value(point.log_e_value)}",
            }
        )
    known = [labels[identity] for identity in labels if points[identity]]
    charts, said, notes = [], ["No claim holds whose evidence could be drawn."], []
    if known:
        lines = [line for identity in labels for line in _lines(points[identity])]
        best = max(chosen, key=lambda row: float(row["log_e_value"]))
        said = [
            f"Best proven: {labels[best['pattern_id']]}, E = {e_value(best['log_e_value'])} from "
            f"{counted(best['support'], 'outcome, reading or block', 'outcomes, readings and blocks')}."
        ]
        label = f"Lines of evidence along the log for {counted(len(known), 'claim')}, each with the bar it had to pass."
        charts = [Chart("evidence", label, _drawn(scope, lines, known))]
    if known and scope.until > FOLDED:
        places = len({each["position"] for found in points.values() for each in found})
        notes.append(f"Looked at in {places} places, where snapshots were kept; nothing is known of what lies between.")
    if len(rows) > len(chosen):
        notes.append(f"Of {len(rows)} claims, the {len(chosen)} best proven are drawn.")
    table = [
        (each["claim"], each["position"], each["e"], each["bar"], each["prospective"])
        for identity in labels
        for each in _thinned(points[identity], max(2, scope.limits.table // max(1, len(labels))))
    ]
    columns = ("claim", "position", "log₁₀ E", "log₁₀ bar", "log₁₀ E of predictions alone")
    total = sum(len(each) for each in points.values())
    return Section(
        "evidence",
        "How evidence grew",
        said,
        "A line is the evidence E for one claim, on a scale of powers of ten: were there nothing, E would ever reach "
        "100 with a probability of at most 1 in 100, whenever one stops to look. The dashed line of its colour is the "
        "bar it had to pass, which depends on how much else was asked and claimed.",
        "A falling line is no refutation by itself, and a high one no large effect: E says how sure, not how much. "
        "Lines of one run are not independent of each other.",
        charts,
        [Table("Evidence along the log", columns, table, total)],
        notes=notes,
    )


def _chosen(rows: Sequence[Mapping[str, Any]], most: int) -> list[Mapping[str, Any]]:
    """Give the best proven claims; most of them of what writes do, where there are so many."""
    ranked = sorted(rows, key=lambda row: -float(row["log_e_value"]))
    writes = [row for row in ranked if row["kind"] in ("effect", "impact")]
    others = [row for row in ranked if row["kind"] not in ("effect", "impact")]
    of_writes = writes[: max(most * 2 // 3, most - len(others))]
    return sorted([*of_writes, *others[: most - len(of_writes)]], key=lambda row: -float(row["log_e_value"]))


def _labels(rows: Sequence[Mapping[str, Any]], names: Mapping[int, str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for row in rows:
        way = (
            ""
            if row["method"] is None
            else f" ({row['method']}" + (")" if row["dose"] is None else f" ±{row['dose']:g})")
        )
        ends = f"{told(row, names)} → {row['object']}" if row["object"] else told(row, names)
        whose = f"{row['model']}, " if several(rows) else ""
        label = f"{whose}{row['kind'].replace('_', ' ')}: {ends} {_SIDE[row['direction']]}{way}"
        labels[row["pattern_id"]] = label if label not in labels.values() else f"{label} [{row['pattern_id'][-6:]}]"
    return labels


def _lines(points: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    evidence = [each | {"line": "evidence", "y": each["e"]} for each in points]
    return evidence + [each | {"line": "bar", "y": each["bar"]} for each in points if each["bar"] is not None]


def _thinned(points: Sequence[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Give some of the points, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    return [points[round(at * (len(points) - 1) / (most - 1))] for at in range(most)]


def _drawn(scope: Scope, lines: Sequence[dict[str, Any]], claims: Sequence[str]) -> Spec:
    steps: Spec = {"interpolate": "step-after"}
    if scope.until > FOLDED:
        steps = {"strokeWidth": 1, "point": {"filled": True, "size": 30}}
    return spec(
        lines,
        280,
        params=[FOCUS, *window(scope)],
        encoding={
            "x": positions(),
            "y": quantity("y", "log₁₀ E", axis={"tickCount": 6}),
            "color": {
                "field": "claim",
                "type": "nominal",
                "sort": list(claims),
                "scale": {"domain": list(claims), "range": list(SERIES[: len(claims)])},
                "legend": {"title": None, "columns": 1, "symbolType": "stroke"},
            },
            "opacity": dimmed(),
        },
        layer=[
            {
                "transform": [{"filter": "datum.line === 'bar'"}],
                "mark": {"type": "line", "clip": True, "strokeWidth": 1, "strokeDash": [5, 4]},
            },
            {
                "transform": [{"filter": "datum.line === 'evidence'"}],
                "mark": {"type": "line", "clip": True} | steps,
            },
            {
                "transform": [{"filter": "datum.line === 'evidence'"}],
                "mark": {"type": "point", "filled": True, "size": 60, "clip": True},
                "encoding": {
                    "opacity": {"value": 0},
                    "tooltip": tips(
                        ("claim", "claim"),
                        ("position", "position", ",d"),
                        ("told", "evidence"),
                        ("bar", "log₁₀ bar", ".3~g"),
                        ("prospective", "log₁₀ E of predictions", ".3~g"),
                    ),
                },
            },
        ],
    )
