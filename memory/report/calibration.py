"""Whether what was predicted came as often as was said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from memory.report.scope import Scope, counted
from memory.report.section import Chart, Section, Spec, Table
from memory.report.vega import INK, QUIET, SERIES, quantity, spec, tips

_BINS = 10
# Whatever rounds a number to a whole one does so differently on each engine.
_WHICH = " ".join(f"WHEN probability >= {place / _BINS} THEN {place}" for place in range(_BINS - 1, 0, -1))
_SCORED = "hit IS NOT NULL AND position <= :until"


def calibration(scope: Scope) -> Section:
    """Draw how often predictions came true, by how sure they were."""
    of_model = "" if scope.model is None else "AND theory_id IN (SELECT theory_id FROM theories WHERE model = :model) "
    rows = scope.rows(
        f"SELECT CASE {_WHICH} ELSE 0 END AS bin, "
        "count(*) AS n, sum(CASE WHEN hit THEN 1 ELSE 0 END) AS hits, sum(probability) AS said, "
        "sum((probability - CASE WHEN hit THEN 1 ELSE 0 END) * (probability - CASE WHEN hit THEN 1 ELSE 0 END)) AS "
        f"squares FROM predictions WHERE {_SCORED} {of_model}GROUP BY 1 ORDER BY 1"
    )
    bins = []
    for row in rows:
        low, high = wilson(row["hits"], row["n"])
        bins.append(
            {
                "said": row["said"] / row["n"],
                "came": row["hits"] / row["n"],
                "low": low,
                "high": high,
                "count": row["n"],
                "hits": row["hits"],
                "between": f"{row['bin'] / _BINS:.0%} to {(row['bin'] + 1) / _BINS:.0%}",
            }
        )
    total, squares = sum(row["n"] for row in rows), sum(row["squares"] for row in rows)
    said, charts = ["No prediction has met its outcome yet."], []
    if total:
        brier = squares / total
        hits = sum(row["hits"] for row in rows)
        off = sum(each["count"] * abs(each["came"] - each["said"]) for each in bins) / total
        said = [
            f"{counted(total, 'outcome')} predicted before {'it' if total == 1 else 'they'} came: {hits:,} as said. "
            f"Brier score {brier:.3f} (0.25 is a fair coin, 0 is foresight); what was said and what came differ by "
            f"{off:.3f} on average."
        ]
        charts = [Chart("calibration", _label(bins), _drawn(bins), square=True)]
    asked = scope.rows(
        "SELECT count(*) AS n, sum(CASE WHEN outcome_position IS NULL THEN 1 ELSE 0 END) AS waiting, "
        "sum(CASE WHEN hit THEN 1 ELSE 0 END) AS hits FROM registered_predictions WHERE position <= :until {model}"
    )[0]
    if asked["n"]:
        said.append(
            f"Besides, {counted(asked['n'], 'prediction')} put on record when asked for: {asked['hits']} came as said, "
            f"{asked['waiting']} {'waits' if asked['waiting'] == 1 else 'wait'}."
        )
    columns = ("said", "predictions", "came as said", "said on average", "came", "low", "high")
    table = [
        (each["between"], each["count"], each["hits"], each["said"], each["came"], each["low"], each["high"])
        for each in bins
    ]
    return Section(
        "calibration",
        "Whether predictions came true",
        said,
        "A dot is all predictions of about one probability: how sure they were, against how often they came. On the "
        "diagonal both agree; above it they came more often than was said. Larger dots are more predictions; lines are "
        "95 % intervals.",
        "The intervals are Wilson's, for independent predictions whose number was fixed beforehand. These are "
        "neither, so they say how little a few predictions tell, and are no test.",
        charts,
        [Table("Predictions by how sure they were", columns, table)],
    )


def wilson(hits: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Give Wilson's interval of a share.

    Args:
        hits: How often it came.
        count: Of how many.
        z: How many standard errors wide: 95 % by default.

    Source: Wilson, Probable inference, the law of succession, and statistical inference (1927).
    """
    share, extra = hits / count, z * z / count
    middle = (share + extra / 2.0) / (1.0 + extra)
    half = z * math.sqrt(share * (1.0 - share) / count + extra / (4.0 * count)) / (1.0 + extra)
    return max(0.0, middle - half), min(1.0, middle + half)


def _label(bins: Sequence[dict[str, Any]]) -> str:
    told = "; ".join(f"said {each['said']:.2f}, came {each['came']:.2f} ({each['count']:,})" for each in bins)
    return f"Reliability diagram: {told}."


def _drawn(bins: Sequence[dict[str, Any]]) -> Spec:
    told = tips(
        ("between", "said"),
        ("count", "predictions", ",d"),
        ("said", "said on average", ".3f"),
        ("came", "came", ".3f"),
        ("low", "at least", ".3f"),
        ("high", "at most", ".3f"),
    )
    unit = {"scale": {"domain": [0, 1.03], "nice": False}}
    along = quantity(
        "said", "what was said", **unit, axis={"grid": True, "minExtent": 0, "maxExtent": 40, "tickCount": 6}
    )
    return spec(
        bins,
        340,
        layer=[
            {
                "data": {"values": [{"a": 0, "b": 0}, {"a": 1, "b": 1}]},
                "mark": {"type": "line", "color": QUIET, "strokeDash": [4, 4], "strokeWidth": 1},
                "encoding": {
                    "x": along | {"field": "a"},
                    "y": quantity("b", "how often it came", **unit),
                },
            },
            {
                "mark": {"type": "rule", "color": SERIES[0], "strokeWidth": 2},
                "encoding": {"x": along, "y": quantity("low", None, **unit), "y2": {"field": "high"}, "tooltip": told},
            },
            {
                "mark": {"type": "point", "filled": True, "color": SERIES[0], "stroke": "var(--card)", "opacity": 1},
                "encoding": {
                    "x": along,
                    "y": quantity("came", None, **unit),
                    "size": {
                        "field": "count",
                        "type": "quantitative",
                        "legend": None,
                        "scale": {"type": "sqrt", "range": [40, 420], "zero": False},
                    },
                    "tooltip": told,
                },
            },
            {
                "mark": {"type": "text", "dx": 14, "align": "left", "baseline": "middle", "color": INK},
                "encoding": {
                    "x": along,
                    "y": quantity("came", None, **unit),
                    "text": {"field": "count", "type": "quantitative", "format": ",d"},
                },
            },
        ],
    )
