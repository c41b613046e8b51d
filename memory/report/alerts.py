"""What was seen that may be unsafe, and what stopped the model."""

from __future__ import annotations

from typing import Any

from memory.report.scope import Scope, counted, decoded
from memory.report.section import Chart, Section, Spec, Table
from memory.report.vega import BAD, QUIET, SERIES, positions, spec, tips, window

LEVELS = ("info", "warning", "critical", "emergency")
_COUNTED = {
    "info": ("of information", "of information"),
    "warning": ("warning", "warnings"),
    "critical": ("critical", "critical"),
    "emergency": ("emergency", "emergencies"),
}


def alerts(scope: Scope) -> Section:
    """Draw safety alerts along the log."""
    rows = scope.rows(
        "SELECT level, category, (position - :low) / :width AS bin, count(*) AS n, min(position) AS position, "
        "max(position) AS last, min(message) AS message FROM safety_alerts WHERE position BETWEEN :low AND :until "
        "{model} GROUP BY 1, 2, 3 ORDER BY 5",
        width=scope.width(scope.limits.bins // 2),
    )
    marks = [
        {
            "level": row["level"],
            "category": row["category"],
            "position": row["position"],
            "count": row["n"],
            "where": f"{row['position']:,}" + (f" to {row['last']:,}" if row["n"] > 1 else ""),
            "message": row["message"] + (" (and others)" if row["n"] > 1 else ""),
        }
        for row in rows
    ][: 4 * scope.limits.bins]
    newest = scope.rows(
        "SELECT position, model, level, category, message, rule, layers, stops, cleared_position, occurred_at "
        "FROM safety_alerts WHERE position BETWEEN :low AND :until {model} "
        "ORDER BY CASE level WHEN 'emergency' THEN 0 WHEN 'critical' THEN 1 ELSE 2 END, position DESC "
        f"LIMIT {scope.limits.table}"
    )
    total = sum(row["n"] for row in rows)
    said = ["No alert was raised."]
    if total:
        levels = {level: sum(row["n"] for row in rows if row["level"] == level) for level in LEVELS}
        told = ", ".join(counted(count, *_COUNTED[level]) for level, count in levels.items() if count)
        standing = sum(bool(row["stops"]) for row in newest)
        said = [
            f"{counted(total, 'alert')}: {told}.",
            f"{counted(standing, 'emergency', 'emergencies')} not cleared: the model is stopped."
            if standing
            else "Nothing stops a model now.",
        ]
    columns = ("position", "level", "category", "what was seen", "rule", "about", "model", "when", "cleared at")
    table = [
        (
            row["position"],
            row["level"],
            row["category"],
            row["message"],
            row["rule"],
            ", ".join(map(str, decoded(row["layers"])[:6])),
            row["model"],
            row["occurred_at"],
            "not cleared" if row["stops"] else row["cleared_position"],
        )
        for row in newest
    ]
    label = "Marks along the log, a line for each level of alert."
    return Section(
        "alerts",
        "What was unsafe",
        said,
        "A mark is what a stretch of the log holds of alerts of one level and category. An emergency stops its model "
        "until a person clears it.",
        "No alert means that no rule fired, not that nothing was wrong: rules see what they were set to see.",
        [Chart("alerts", label, _drawn(scope, marks))] if marks else [],
        [Table("Alerts, gravest and newest first", columns, table, total)],
    )


def _drawn(scope: Scope, marks: list[dict[str, Any]]) -> Spec:
    present = [level for level in reversed(LEVELS) if any(mark["level"] == level for mark in marks)]
    colours = {"info": QUIET, "warning": SERIES[4], "critical": SERIES[1], "emergency": BAD}
    shapes = {"info": "circle", "warning": "triangle-up", "critical": "diamond", "emergency": "cross"}
    return spec(
        marks,
        28 * len(present),
        params=window(scope),
        mark={"type": "point", "filled": True, "clip": True, "opacity": 0.85, "strokeWidth": 0},
        encoding={
            "x": positions(),
            "y": {
                "field": "level",
                "type": "nominal",
                "title": None,
                "sort": present,
                "axis": {"labelColor": "var(--ink)", "minExtent": 70},
            },
            "color": {
                "field": "level",
                "type": "nominal",
                "legend": None,
                "scale": {"domain": present, "range": [colours[each] for each in present]},
            },
            "shape": {
                "field": "level",
                "type": "nominal",
                "legend": None,
                "scale": {"domain": present, "range": [shapes[each] for each in present]},
            },
            "size": {
                "field": "count",
                "type": "quantitative",
                "legend": None,
                "scale": {"type": "sqrt", "range": [60, 240], "zero": False, "domainMin": 1},
            },
            "tooltip": tips(
                ("level", "level"),
                ("category", "category"),
                ("count", "alerts", ",d"),
                ("where", "position"),
                ("message", "what was seen"),
            ),
        },
    )
