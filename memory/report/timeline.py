"""Acts and metrics along the log: what was done, and what was measured meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from memory.report.metrics import drawn, foremost, is_bent, label_of, summed, table_of
from memory.report.scope import Scope, counted
from memory.report.section import Chart, Section, Spec, Table
from memory.report.vega import BAD, EXTENT, QUIET, SERIES, positions, quantity, spec, tips, window

LANES = (
    "writes",
    "coupled writes",
    "taken back",
    "unannounced",
    "aborted edits",
    "restores",
    "checkpoints",
    "models and ties",
    "amendments",
    "alerts",
)
_LANE_OF = {
    "restored": "restores",
    "checkpoint_saved": "checkpoints",
    "unattributed_write": "unannounced",
    "model_attached": "models and ties",
    "sharing_changed": "models and ties",
    "edit_aborted": "aborted edits",
    "correction": "amendments",
    "retraction": "amendments",
    "safety_alert": "alerts",
}
_COUNTED = {
    "writes": ("write to one name", "writes to one name"),
    "coupled writes": ("coupled write to several", "coupled writes to several"),
    "taken back": ("write taken back", "writes taken back"),
    "unannounced": ("write nobody announced", "writes nobody announced"),
    "aborted edits": ("aborted edit", "aborted edits"),
    "restores": ("restore", "restores"),
    "checkpoints": ("checkpoint", "checkpoints"),
    "models and ties": ("model attached or retied", "models attached or retied"),
    "amendments": ("amendment", "amendments"),
    "alerts": ("alert", "alerts"),
}
_WORDS = {
    "restored": "an earlier state put back",
    "checkpoint_saved": "checkpoint saved",
    "unattributed_write": "a write nobody announced",
    "model_attached": "model attached",
    "sharing_changed": "ties made or cut",
    "edit_aborted": "an edit that raised or was vetoed: the bytes were put back",
    "correction": "an earlier record corrected",
    "retraction": "an earlier record taken back",
    "safety_alert": "safety alert",
}
_COLOURS = {
    "writes": SERIES[0],
    "coupled writes": SERIES[1],
    "taken back": SERIES[3],
    "unannounced": BAD,
    "restores": SERIES[2],
    "checkpoints": SERIES[2],
    "aborted edits": QUIET,
    "models and ties": QUIET,
    "amendments": SERIES[4],
    "alerts": BAD,
}
_SHAPES = {"coupled writes": "diamond", "taken back": "triangle-left", "restores": "triangle-up", "alerts": "cross"}


def timeline(scope: Scope) -> Section:
    """Draw what was done and what was measured, along the log."""
    marks = sorted([*_writes(scope), *_events(scope)], key=lambda mark: (mark["position"], LANES.index(mark["lane"])))
    charts = [Chart("acts", _acts_label(marks), _acts(scope, marks), "What was done")] if marks else []
    tables, notes = [_marks_table(scope, marks)], []
    coupled = [{"at": mark["position"]} for mark in marks if mark["lane"] == "coupled writes"]
    chosen = foremost(scope)
    for at, metric in enumerate(chosen):
        bins = list(summed(scope, metric))
        chart = drawn(scope, bins, coupled, last=metric == chosen[-1])
        bent = is_bent(bins)
        title = f"{metric} (logarithmic away from zero)" if bent else metric
        charts.append(Chart(f"metric-{at}", label_of(metric, bins), chart, title))
        if bent:
            notes.append(f"Some values of {metric} are thousands of times the usual: its scale is bent to show both.")
        tables.append(table_of(scope, metric, bins))
    lanes = {lane: sum(mark["count"] for mark in marks if mark["lane"] == lane) for lane in LANES}
    told = ", ".join(counted(count, *_COUNTED[lane]) for lane, count in lanes.items() if count)
    said = [f"On the log: {told}."] if marks else []
    whole = scope.rows(
        "SELECT count(DISTINCT metric) AS n FROM metrics WHERE position <= :until AND position >= :low {model}"
    )[0]["n"]
    if whole > scope.limits.metrics:
        notes.append(f"{whole} metrics were recorded; those with most records are drawn.")
    return Section(
        "timeline",
        "What was done, and what was measured",
        said or ["Nothing was written or measured."],
        "Each mark is what one short stretch of the log holds of its kind: the larger, the more. Diamonds are coupled "
        "writes: one event each, although more than one name changed; thin lines carry them down through the metrics. "
        "A metric's line is the mean of each stretch, its band runs from the least to the greatest value. Drag across "
        "the strip at the top to look closer.",
        "A metric that moves after a write was not necessarily moved by it: baselines and outcomes of different "
        "samples are in one line. What a write did is said by the effects, which compare like with like.",
        charts,
        tables,
        notes=notes,
    )


def _writes(scope: Scope) -> Iterator[dict[str, Any]]:
    width = scope.width(scope.limits.bins)
    rows = scope.rows(
        "SELECT CASE WHEN reverts IS NOT NULL OR method = 'revert' THEN 'taken back' "
        "WHEN event_type = 'coupled_modification' THEN 'coupled writes' ELSE 'writes' END AS lane, "
        "(position - :low) / :width AS bin, count(*) AS n, min(position) AS position, max(position) AS last, "
        "min(primary_layer) AS layer, count(DISTINCT primary_layer) AS layers "
        "FROM modifications WHERE position BETWEEN :low AND :until AND (counted OR retracted_position IS NOT NULL) "
        "{model} GROUP BY 1, 2",
        width=width,
    )
    for row in rows:
        more = "" if row["layers"] == 1 else f" and {counted(row['layers'] - 1, 'other')}"
        yield _mark(row, row["lane"], f"{row['layer']}{more}")


def _events(scope: Scope) -> Iterator[dict[str, Any]]:
    wanted = ", ".join(f"'{each}'" for each in _LANE_OF)
    rows = scope.rows(
        "SELECT event_type, (position - :low) / :width AS bin, count(*) AS n, min(position) AS position, "
        f"max(position) AS last FROM events WHERE event_type IN ({wanted}) AND position BETWEEN :low AND :until "
        "{model} GROUP BY 1, 2",
        width=scope.width(scope.limits.bins),
    )
    for row in rows:
        yield _mark(row, _LANE_OF[row["event_type"]], _WORDS[row["event_type"]])


def _mark(row: Mapping[str, Any], lane: str, about: str) -> dict[str, Any]:
    where = f"{row['position']:,}" if row["position"] == row["last"] else f"{row['position']:,} to {row['last']:,}"
    return {"lane": lane, "position": row["position"], "count": row["n"], "where": where, "about": about}


def _acts(scope: Scope, marks: list[dict[str, Any]]) -> Spec:
    lanes = [lane for lane in LANES if any(mark["lane"] == lane for mark in marks)]
    return spec(
        marks,
        22 * len(lanes),
        params=window(scope),
        mark={"type": "point", "filled": True, "opacity": 0.75, "clip": True, "strokeWidth": 0},
        encoding={
            "x": positions(title=None),
            "y": {
                "field": "lane",
                "type": "nominal",
                "title": None,
                "sort": lanes,
                "axis": {"labelColor": "var(--ink)", "minExtent": EXTENT, "maxExtent": EXTENT, "grid": True},
            },
            "size": {
                "field": "count",
                "type": "quantitative",
                "legend": None,
                "scale": {"type": "sqrt", "range": [22, 90], "zero": False, "domainMin": 1},
            },
            "color": {
                "field": "lane",
                "type": "nominal",
                "legend": None,
                "scale": {"domain": lanes, "range": [_COLOURS[lane] for lane in lanes]},
            },
            "shape": {
                "field": "lane",
                "type": "nominal",
                "legend": None,
                "scale": {"domain": lanes, "range": [_SHAPES.get(lane, "circle") for lane in lanes]},
            },
            "tooltip": tips(("lane", "what"), ("count", "how many", ",d"), ("where", "position"), ("about", "about")),
        },
    )


def _acts_label(marks: list[dict[str, Any]]) -> str:
    return (
        "Marks along the log, a line for each kind of event: "
        + ", ".join(lane for lane in LANES if any(mark["lane"] == lane for mark in marks))
        + "."
    )


def _marks_table(scope: Scope, marks: list[dict[str, Any]]) -> Table:
    rows = [(mark["lane"], mark["where"], mark["count"], mark["about"]) for mark in marks]
    columns = ("what", "position", "how many", "about")
    return Table("What was done along the log", columns, rows[: scope.limits.table], len(rows))


def activity(scope: Scope) -> list[dict[str, Any]]:
    """Give how many events each stretch of the log holds that says something was done: for the strip to look closer."""
    width = scope.width(scope.limits.bins)
    rows = scope.rows(
        "SELECT (position - :low) / :width AS bin, count(*) AS n FROM modifications "
        "WHERE position BETWEEN :low AND :until {model} GROUP BY 1 ORDER BY 1",
        width=width,
    )
    return [{"position": scope.bin_start(row["bin"], width), "count": row["n"]} for row in rows]


def strip(scope: Scope) -> Spec | None:
    """Draw the strip across which the reader drags to look closer; None where nothing was written."""
    found = activity(scope)
    if not found:
        return None
    whole = positions(title=None)
    whole["scale"] = {"domain": [each["value"] for each in window(scope)], "nice": False, "zero": False}
    return spec(
        found,
        34,
        params=[
            {"name": "brush", "select": {"type": "interval", "encodings": ["x"], "mark": {"fill": "var(--accent)"}}}
        ],
        mark={"type": "bar", "color": QUIET, "opacity": 0.55, "width": 3},
        encoding={
            "x": whole,
            "y": quantity(
                "count", None, axis={"labels": False, "grid": False, "minExtent": EXTENT, "maxExtent": EXTENT}
            ),
        },
    )
