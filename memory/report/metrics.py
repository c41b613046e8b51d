"""Metrics along the log: what was measured, summed up with its extremes kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from memory.report.scope import FARTHEST, Scope, counted, finite
from memory.report.section import Spec, Table
from memory.report.vega import BAD, EXTENT, SERIES, positions, quantity, spec, tips, window


def foremost(scope: Scope) -> list[str]:
    """Give the metrics with most records."""
    rows = scope.rows(
        "SELECT metric FROM metrics WHERE position BETWEEN :low AND :until {model} "
        f"GROUP BY metric ORDER BY count(*) DESC, metric LIMIT {scope.limits.metrics}"
    )
    return [row["metric"] for row in rows]


def summed(scope: Scope, metric: str) -> Iterator[dict[str, Any]]:
    """Yield what a metric was along the log; sums leave out what would overflow them."""
    width = scope.width(scope.limits.bins)
    rows = scope.rows(
        "SELECT coalesce(model, '') AS model, (position - :low) / :width AS bin, count(*) AS n, min(value) AS least, "
        "max(value) AS greatest, sum(CASE WHEN abs(value) < 1e290 THEN value END) AS total, "
        "sum(CASE WHEN abs(value) < 1e290 THEN 1 ELSE 0 END) AS summed, "
        "sum(CASE WHEN value IS NULL THEN 1 ELSE 0 END) AS odd, min(position) AS position, max(position) AS last "
        "FROM metrics WHERE metric = :metric AND position BETWEEN :low AND :until AND retracted_position IS NULL "
        "{model} AND coalesce(model, '') IN (SELECT coalesce(model, '') FROM metrics WHERE metric = :metric GROUP BY 1 "
        f"ORDER BY count(*) DESC, 1 LIMIT {scope.limits.models}) GROUP BY 1, 2 ORDER BY 1, 2",
        width=width,
        metric=metric,
    )
    for row in rows:
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


def drawn(scope: Scope, bins: list[dict[str, Any]], coupled: list[dict[str, Any]], *, last: bool) -> Spec:
    """Draw one metric.

    Args:
        scope: What is looked at.
        bins: The metric along the log.
        coupled: Where coupled writes are, to be carried through.
        last: Whether it is the lowest of those that stand under each other: it says the positions.
    """
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


def label_of(metric: str, bins: list[dict[str, Any]]) -> str:
    """Say what the drawing of a metric shows."""
    known = [each["mean"] for each in bins if each["mean"] is not None]
    odd = sum(each["odd"] for each in bins)
    strange = f" {counted(odd, 'value was', 'values were')} not finite." if odd else ""
    if not known:
        return f"{metric} along the log: no finite value.{strange}"
    return f"{metric} along the log: from {known[0]:.4g} to {known[-1]:.4g}, mean by mean.{strange}"


def table_of(scope: Scope, metric: str, bins: list[dict[str, Any]]) -> Table:
    """Give a metric as a table."""
    fields = ("model", "where", "count", "mean", "least", "greatest", "odd")
    rows = [tuple(each[field] for field in fields) for each in bins]
    columns = ("model", "position", "records", "mean", "least", "greatest", "not finite")
    return Table(f"{metric} along the log", columns, rows[: scope.limits.table], len(rows))
