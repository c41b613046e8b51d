"""What writes do: every effect that was claimed, with its interval; and everything else that was claimed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from memory.report.changes import architecture_key, tied
from memory.report.scope import Scope, counted, drawable, e_value, finite, log10, several
from memory.report.section import Chart, Section, Spec, Table
from memory.report.vega import FOCUS, INK, LETTERS, QUIET, SERIES, dimmed, layers, spec, tips

_COLUMNS = (
    "pattern_id, model, kind, subject, object, direction, effect, ci_low, ci_high, log_e_value, grade, method, dose, "
    "support, storage_id, first_position, last_position, post_retraction, status"
)
_SIDES = {1: "up", -1: "down", 0: "moves"}


def effects(scope: Scope) -> Section:
    """Draw what writes were found to do to metrics, and list everything that was claimed."""
    rows = claimed(scope)
    names = names_of(scope, [row["storage_id"] for row in rows if row["storage_id"] is not None])
    sized = [
        row
        for row in rows
        if row["kind"] in ("effect", "impact") and row["direction"] and drawable(row["effect"]) is not None
    ]
    by_metric: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in sized:
        by_metric[row["object"]].append(row)
    most = sorted(by_metric, key=lambda metric: (-len(by_metric[metric]), metric))[: scope.limits.metrics]
    charts: list[Chart] = []
    notes = []
    for at, metric in enumerate(most):
        chosen = by_metric[metric][: scope.limits.effects]
        marks = [mark(row, names, of_many=several(rows)) for row in chosen]
        smallest = _smallest(scope, metric, {row["model"] for row in chosen})
        label = (
            f"Forest plot: {counted(len(chosen), 'effect')} of writes on {metric}, each with its 95 % interval; "
            + "; ".join(f"{each['layer']} {each['effect']:+.3g}" for each in marks[:5])
        )
        charts.append(Chart(f"effects-{at}", label, forest(marks, metric, smallest), f"on {metric}"))
        if len(by_metric[metric]) > len(chosen):
            notes.append(f"Of {len(by_metric[metric])} effects on {metric}, the {len(chosen)} best proven are drawn.")
    if len(by_metric) > len(most):
        notes.append(f"Of {len(by_metric)} metrics, the {len(most)} with most effects are drawn.")
    active = sum(row["status"] == "active" for row in rows)
    total = scope.rows("SELECT count(*) AS n FROM patterns WHERE first_position <= :until {model}")[0]["n"]
    said = ["Nothing was claimed: no evidence was strong enough for how much was asked."]
    if rows:
        randomised = sum(row["grade"] == "randomised" and row["status"] == "active" for row in rows)
        said = [
            f"{counted(active, 'claim holds', 'claims hold')} now, {randomised} of them because a coin decided the "
            f"writes; {counted(total, 'was', 'were')} ever made."
        ]
        if not charts:
            said.append("None of them is an effect of a write that has a size, so none is drawn.")
    table = [
        (
            row["kind"],
            row["model"],
            told(row, names),
            row["object"],
            _SIDES[row["direction"]],
            finite(row["effect"]),
            bound(row["ci_low"], "−∞"),
            bound(row["ci_high"], "∞"),
            e_value(row["log_e_value"]),
            row["grade"],
            row["method"],
            row["dose"],
            row["support"],
            row["status"],
            row["first_position"],
            "yes" if row["post_retraction"] else "",
        )
        for row in rows
    ]
    columns = (
        *("kind", "model", "subject", "object", "side", "effect", "low", "high", "E", "grade", "method", "dose"),
        *("support", "status", "first claimed at", "touched by an amendment"),
    )
    return Section(
        "effects",
        "What writes do",
        said,
        "A dot is the estimated effect of one write at its dose, in the metric's units; the line is its 95 % interval, "
        "valid however often one looks. An arrow at its end says that it has no bound on that side yet. Filled: a "
        "coin decided the sign of each write. Hollow: none did, or something had to be estimated. ‘Any sign’: what "
        "both signs do alike. The grey band is what was declared too small to matter.",
        "An interval that includes zero is no proof of no effect. A hollow dot is no causal claim. Effects are per act "
        "at the dose told: they need not add up, nor hold for other methods or doses.",
        charts,
        [Table("Everything that was claimed", columns, table[: scope.limits.table], total)],
        notes=notes,
    )


def claimed(scope: Scope) -> list[Mapping[str, Any]]:
    """Give claims, those that hold first, best proven first."""
    return scope.rows(
        f"SELECT {_COLUMNS} FROM patterns WHERE first_position <= :until {{model}} "
        "ORDER BY CASE status WHEN 'active' THEN 0 WHEN 'weakened' THEN 1 ELSE 2 END, log_e_value DESC, pattern_id "
        f"LIMIT {scope.limits.table}"
    )


def names_of(scope: Scope, storages: Sequence[int]) -> dict[int, str]:
    """Give one label for each of some storages: all the names it has."""
    wanted = sorted(set(storages))[: scope.limits.table]
    if not wanted:
        return {}
    held: dict[int, list[str]] = defaultdict(list)
    inside = ", ".join(str(int(each)) for each in wanted)
    for row in scope.rows(
        f"SELECT storage_id, name FROM storage_names WHERE storage_id IN ({inside}) AND to_position IS NULL"
    ):
        held[row["storage_id"]].append(row["name"])
    return {storage: tied(sorted(names, key=architecture_key)) for storage, names in held.items()}


def told(row: Mapping[str, Any], names: Mapping[int, str]) -> str:
    """Give what a claim is about, by all names of the storage it is."""
    return names.get(row["storage_id"], row["subject"]) if row["storage_id"] is not None else str(row["subject"])


def bound(value: float | None, otherwise: str) -> float | str:
    """Give an end of an interval; None is no bound."""
    return otherwise if finite(value) is None else float(value or 0.0)


def mark(row: Mapping[str, Any], names: Mapping[int, str], *, of_many: bool = False) -> dict[str, Any]:
    """Give what is drawn of a claim; with its model, where it is one of many."""
    way = f"{row['method'] or 'a write'}" + (f" ±{row['dose']:g}" if row["dose"] is not None else "")
    low, high = drawable(row["ci_low"]), drawable(row["ci_high"])
    layer = f"{row['model']}: {told(row, names)}" if of_many else told(row, names)
    kind = "" if row["kind"] == "effect" else "  ·  any sign"
    return {
        "layer": layer,
        "row": f"{layer}  ·  {way}{kind}" + ("" if row["status"] == "active" else f"  ({row['status']})"),
        "effect": float(row["effect"]),
        "low": low,
        "high": high,
        "says": "a coin decided" if row["grade"] == "randomised" else f"{row['grade']}",
        "interval": f"{'−∞' if low is None else f'{low:.4g}'} to {'∞' if high is None else f'{high:.4g}'}",
        "evidence": f"E = {e_value(row['log_e_value'])}",
        "log10e": log10(row["log_e_value"]),
        "support": row["support"],
        "model": row["model"],
        "status": row["status"],
    }


def _smallest(scope: Scope, metric: str, models: Iterable[str]) -> float:
    """Give what is too small to matter for each of some models; what is said of a model holds before what is of all."""
    rows = scope.rows(
        "SELECT model, smallest_effect FROM metric_definitions WHERE metric = :metric AND position <= :until "
        "ORDER BY position",
        metric=metric,
    )
    defined = {row["model"]: float(row["smallest_effect"]) for row in rows}
    return min((defined.get(model, defined.get(None, 0.0)) for model in models), default=0.0)


def edges(marks: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Give the ends of an axis on which every finite number of some effects is, with room for arrows."""
    known = [each[end] for each in marks for end in ("effect", "low", "high") if each[end] is not None]
    low, high = min(0.0, *known), max(0.0, *known)
    room = 0.12 * (high - low) or 1.0
    return low - room, high + room


def forest(marks: Sequence[dict[str, Any]], metric: str, smallest: float) -> Spec:
    """Draw effects on one metric, a line each; where an interval has no end, an arrow at the edge says so."""
    low, high = edges(marks)
    rows = list(dict.fromkeys(each["row"] for each in marks))
    told_of = tips(
        ("layer", "storage"),
        ("row", "write"),
        ("effect", "effect", "+.4~g"),
        ("interval", "95 % interval"),
        ("evidence", "evidence"),
        ("says", "grade"),
        ("support", "outcomes", ",d"),
        ("status", "status"),
        ("model", "model"),
    )
    drawn = [
        each
        | {
            "from": low if each["low"] is None else each["low"],
            "until": high if each["high"] is None else each["high"],
            "open": [end for end in ("low", "high") if each[end] is None],
        }
        for each in marks
    ]
    along = {
        "type": "quantitative",
        "title": f"effect on {metric} of one write",
        "scale": {"domain": [low, high], "nice": False, "zero": False},
        "axis": {"grid": True, "format": "~g", "tickCount": 6},
    }
    across = layers("row", rows)
    colour = {
        "field": "status",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": ["active", "weakened", "retracted"], "range": [SERIES[0], QUIET, QUIET]},
    }

    def arrow(end: str, shape: str, at: str) -> Spec:
        return {
            "transform": [{"filter": f"indexof(datum.open, '{end}') >= 0"}],
            "mark": {"type": "point", "shape": shape, "filled": True, "size": 70, "strokeWidth": 0},
            "encoding": {"x": along | {"field": at}, "y": across, "color": colour, "opacity": dimmed()},
        }

    band: list[Spec] = []
    if smallest > 0.0:
        band = [
            {
                "data": {"values": [{"a": max(low, -smallest), "b": min(high, smallest)}]},
                "mark": {"type": "rect", "color": QUIET, "opacity": 0.14},
                "encoding": {"x": along | {"field": "a"}, "x2": {"field": "b"}},
            }
        ]
    return spec(
        drawn,
        26 * len(rows),
        params=[FOCUS, LETTERS],
        layer=[
            *band,
            {
                "data": {"values": [{"zero": 0}]},
                "mark": {"type": "rule", "color": INK, "strokeWidth": 1, "opacity": 0.6},
                "encoding": {"x": along | {"field": "zero"}},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {
                    "x": along | {"field": "from"},
                    "x2": {"field": "until"},
                    "y": across,
                    "color": colour,
                    "opacity": dimmed(),
                    "tooltip": told_of,
                },
            },
            arrow("low", "triangle-left", "from"),
            arrow("high", "triangle-right", "until"),
            {
                "mark": {"type": "point", "size": 80, "strokeWidth": 2, "opacity": 1},
                "encoding": {
                    "x": along | {"field": "effect"},
                    "y": across,
                    "color": colour,
                    "fill": {
                        "condition": [
                            {"test": "datum.says !== 'a coin decided'", "value": "var(--card)"},
                            {"test": "datum.status !== 'active'", "value": QUIET},
                        ],
                        "value": SERIES[0],
                    },
                    "opacity": dimmed(),
                    "tooltip": told_of,
                },
            },
        ],
    )
