"""Acts and metrics along the log: what was done, and what was measured meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from memory.report.scope import FARTHEST, Scope, counted, finite
from memory.report.section import Chart, Section, Spec, Table
from memory.report.vega import BAD, QUIET, SERIES, positions, quantity, spec, tips, window

LANES = (
    "writes",
    "coupled writes",
    "taken back",
    "unannounced",
    "restores",
    "checkpoints",
    "models and ties",
    "alerts",
)
_LANE_OF = {
    "restored": "restores",
    "checkpoint_saved": "checkpoints",
    "unattributed_write": "unannounced",
    "model_attached": "models and ties",
    "sharing_changed": "models and ties",
    "safety_alert": "alerts",
}
_COUNTED = {
    "writes": ("write to one name", "writes to one name"),
    "coupled writes": ("coupled write to several", "coupled writes to several"),
    "taken back": ("write taken back", "writes taken back"),
    "unannounced": ("write nobody announced", "writes nobody announced"),
    "restores": ("restore", "restores"),
    "checkpoints": ("checkpoint", "checkpoints"),
    "models and ties": ("model attached or retied", "models attached or retied"),
    "alerts": ("alert", "alerts"),
}
_WORDS = {
    "restored": "an earlier state put back",
    "checkpoint_saved": "checkpoint saved",
    "unattributed_write": "a write nobody announced",
    "model_attached": "model attached",
    "sharing_changed": "ties made or cut",
    "safety_alert": "safety alert",
}
_COLOURS = {
    "writes": SERIES[0],
    "coupled writes": SERIES[1],
    "taken back": SERIES[3],
    "unannounced": BAD,
    "restores": SERIES[2],
    "checkpoints": SERIES[2],
    "models and ties": QUIET,
    "alerts": BAD,
}
EXTENT = 104
"""Room to the left of whatever stands along the log, so that all of it stands in line."""
_SHAPES = {"coupled writes": "diamond", "taken back": "triangle-left", "restores": "triangle-up", "alerts": "cross"}


def timeline(scope: Scope) -> Section:
    """Draw what was done and what was measured, along the log."""
    marks = sorted([*_writes(scope), *_events(scope)], key=lambda mark: (mark["position"], LANES.index(mark["lane"])))
    charts = [Chart("acts", _acts_label(marks), _acts(scope, marks), "What was done")] if marks else []
    tables, notes = [_marks_table(scope, marks)], []
    coupled = [{"at": mark["position"]} for mark in marks if mark["lane"] == "coupled writes"]
    drawn = _metrics(scope)
    for at, metric in enumerate(drawn):
        bins = list(_metric(scope, metric))
        chart = _drawn(scope, bins, coupled, last=metric == drawn[-1])
        bent = is_bent(bins)
        title = f"{metric} (logarithmic away from zero)" if bent else metric
        charts.append(Chart(f"metric-{at}", _metric_label(metric, bins), chart, title))
        if bent:
            notes.append(f"Some values of {metric} are thousands of times the usual: its scale is bent to show both.")
        tables.append(_metric_table(scope, metric, bins))
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
        "FROM modifications WHERE position BETWEEN :low AND :until {model} GROUP BY 1, 2",
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


# Metrics


def _metrics(scope: Scope) -> list[str]:
    rows = scope.rows(
        "SELECT metric FROM metrics WHERE position BETWEEN :low AND :until {model} "
        f"GROUP BY metric ORDER BY count(*) DESC, metric LIMIT {scope.limits.metrics}"
    )
    return [row["metric"] for row in rows]


def _metric(scope: Scope, metric: str) -> Iterator[dict[str, Any]]:
    """Yield what a metric was along the log; sums leave out what would overflow them."""
    width = scope.width(scope.limits.bins)
    rows = scope.rows(
        "SELECT coalesce(model, '') AS model, (position - :low) / :width AS bin, count(*) AS n, min(value) AS least, "
        "max(value) AS greatest, sum(CASE WHEN abs(value) < 1e290 THEN value END) AS total, "
        "sum(CASE WHEN abs(value) < 1e290 THEN 1 ELSE 0 END) AS summed, "
        "sum(CASE WHEN value IS NULL THEN 1 ELSE 0 END) AS odd, min(position) AS position, max(position) AS last "
        "FROM metrics WHERE metric = :metric AND position BETWEEN :low AND :until AND retracted_position IS NULL "
        "{model} GROUP BY 1, 2 ORDER BY 1, 2",
        width=width,
        metric=metric,
    )
    models = sorted({row["model"] for row in rows})[: scope.limits.models]
    for row in rows:
        if row["model"] in models:
            yield {
                "model": row["model"] or "every model",
                "position": (row["position"] + row["last"]) / 2,
                "where": f"{row['position']:,} to {row['last']:,}",
                "count": row["n"],
                "mean": finite(row["total"] / row["summed"]) if row["summed"] else None,
                "least": finite(row["least"]),
                "greatest": finite(row["greatest"]),
                "odd": row["odd"],
            }


def _drawn(scope: Scope, bins: list[dict[str, Any]], coupled: list[dict[str, Any]], *, last: bool) -> Spec:
    models = list(dict.fromkeys(each["model"] for each in bins))
    near = [each | {end: _near(each[end]) for end in ("mean", "least", "greatest")} for each in bins]
    colour = {
        "field": "model",
        "type": "nominal",
        "legend": {"title": None, "symbolType": "stroke", "symbolOpacity": 1} if len(models) > 1 else None,
        "scale": {"domain": models, "range": list(SERIES[: len(models)])},
    }
    told = tips(
        ("model", "model"),
        ("where", "position"),
        ("mean", "mean", ".5~g"),
        ("least", "least", ".5~g"),
        ("greatest", "greatest", ".5~g"),
        ("count", "records", ",d"),
        ("odd", "not finite", ",d"),
    )
    along = positions(title=None)
    along["axis"]["labels"] = last
    extent = {"format": ".3~g", "minExtent": EXTENT, "maxExtent": EXTENT}
    faint = 0.35 if len(coupled) < 60 else 0.16
    scale: Spec = {"domain": _extent(near)} | ({"type": "symlog", "nice": False} if is_bent(bins) else {})
    value = quantity("mean", None, scale=scale, axis=extent)
    return spec(
        near,
        96,
        params=window(scope),
        encoding={"x": along, "color": colour},
        layer=[
            {
                "data": {"values": coupled},
                "mark": {"type": "rule", "color": SERIES[1], "opacity": faint, "strokeWidth": 1, "clip": True},
                "encoding": {"x": along | {"field": "at"}, "color": {"value": SERIES[1]}},
            },
            {
                "transform": [{"filter": "isValid(datum.least)"}],
                "mark": {"type": "area", "opacity": 0.22, "clip": True, "strokeWidth": 0},
                "encoding": {"y": value | {"field": "least"}, "y2": {"field": "greatest"}},
            },
            {
                "transform": [{"filter": "isValid(datum.mean)"}],
                "mark": {
                    "type": "line",
                    "clip": True,
                    "point": {"size": 9, "filled": True} if len(bins) < 90 else False,
                },
                "encoding": {"y": value},
            },
            {
                "transform": [{"filter": "datum.odd > 0"}],
                "mark": {"type": "point", "shape": "cross", "filled": True, "size": 70, "color": BAD, "clip": True},
                "encoding": {"y": {"value": 92}, "color": {"value": BAD}, "tooltip": told},
            },
            {
                "transform": [{"filter": "isValid(datum.mean)"}],
                "mark": {"type": "rule", "opacity": 0, "strokeWidth": 6, "clip": True},
                "encoding": {"y": {"value": 0}, "y2": {"value": 96}, "tooltip": told},
            },
        ],
    )


def _extent(bins: list[dict[str, Any]]) -> tuple[float, float]:
    known = [each[end] for each in bins for end in ("least", "greatest") if each[end] is not None]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    room = 0.0 if low < high else 0.1 * abs(low) or 1.0
    return low - room, high + room


def _near(value: float | None) -> float | None:
    return None if value is None else max(-FARTHEST, min(FARTHEST, value))


def is_bent(bins: list[dict[str, Any]]) -> bool:
    """Say whether a few values are so large that a plain scale would show nothing but them."""
    sizes = sorted(abs(each[end]) for each in bins for end in ("least", "greatest") if each[end] is not None)
    return bool(sizes) and sizes[-1] > 1000.0 * max(sizes[9 * (len(sizes) - 1) // 10], 1e-300)


def _metric_label(metric: str, bins: list[dict[str, Any]]) -> str:
    known = [each["mean"] for each in bins if each["mean"] is not None]
    odd = sum(each["odd"] for each in bins)
    strange = f" {counted(odd, 'value was', 'values were')} not finite." if odd else ""
    if not known:
        return f"{metric} along the log: no finite value.{strange}"
    return f"{metric} along the log: from {known[0]:.4g} to {known[-1]:.4g}, mean by mean.{strange}"


def _metric_table(scope: Scope, metric: str, bins: list[dict[str, Any]]) -> Table:
    fields = ("model", "where", "count", "mean", "least", "greatest", "odd")
    rows = [tuple(each[field] for field in fields) for each in bins]
    columns = ("model", "position", "records", "mean", "least", "greatest", "not finite")
    return Table(f"{metric} along the log", columns, rows[: scope.limits.table], len(rows))


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
