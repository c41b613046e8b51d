"""The look of every chart. Colours are the page's CSS variables, so that charts follow its theme, and paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from memory.report.scope import Scope
from memory.report.section import Spec

SERIES = tuple(f"var(--series-{number})" for number in range(1, 9))
INK, QUIET, RULE, BAD = "var(--ink)", "var(--quiet)", "var(--rule)", "var(--bad)"

EXTENT = 104
"""Room to the left of whatever stands along the log, so that all of it stands in line."""

_CONFIG: Spec = {
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelColor": QUIET,
        "titleColor": QUIET,
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "gridColor": "var(--grid)",
        "domainColor": RULE,
        "tickColor": RULE,
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
    },
    "legend": {
        "labelColor": INK,
        "titleColor": QUIET,
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "orient": "top",
        "symbolStrokeWidth": 2,
    },
    "rule": {"color": QUIET},
    "text": {"color": INK, "fontSize": 11},
    "line": {"strokeWidth": 1.8},
    "aria": False,
}

FOCUS = {"name": "focus", "value": ""}
"""The tensor that the page's reader looks for: what is about others fades."""


def spec(data: Sequence[Mapping[str, Any]], height: int, **rest: Any) -> Spec:
    """Give a chart as wide as its place.

    Args:
        data: Its rows.
        height: Its height.
        rest: Marks, encodings, layers.
    """
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding", "resize": True},
        "padding": {"left": 2, "right": 14, "top": 4, "bottom": 4},
        "data": {"values": list(data)},
        "config": _CONFIG,
        **rest,
    }


def positions(field: str = "position", *, title: str | None = "position in the log") -> Spec:
    """Give the axis along the log; the page narrows it for all charts at once."""
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": {"domain": {"expr": "[since, upto]"}, "nice": False, "zero": False},
        "axis": {
            "format": ",d",
            "grid": False,
            "tickMinStep": 1,
            "labelFlush": True,
            "labelOverlap": True,
            "labelSeparation": 8,
        },
    }


def window(scope: Scope) -> list[Spec]:
    """Give the part of the log that is looked at: all of it, until the reader narrows it."""
    upper = scope.until if scope.until > scope.low else scope.low + 1
    return [{"name": "since", "value": scope.low}, {"name": "upto", "value": upper}]


def quantity(field: str, title: str | None, **more: Any) -> Spec:
    """Give a measured number, on an axis of a width that all charts share."""
    axis = {"minExtent": 44, "maxExtent": 44, "tickCount": 4} | more.pop("axis", {})
    return {"field": field, "type": "quantitative", "title": title, "axis": axis, **more}


def layers(field: str, order: Sequence[str]) -> Spec:
    """Give rows of tensors, one a line, in a given order; names that are too long lose their beginning."""
    return {
        "field": field,
        "type": "nominal",
        "title": None,
        "sort": list(order),
        "axis": {
            "labelExpr": "length(datum.label) > letters ? '…' + slice(datum.label, -letters) : datum.label",
            "labelLimit": 0,
            "maxExtent": 500,
            "labelColor": INK,
        },
    }


LETTERS = {"name": "letters", "value": 44}
"""How many letters of a name there is room for: the page makes it fewer where it is narrow."""


def dimmed(value: float = 1.0) -> Spec:
    """Give the opacity of what may be out of focus."""
    return {"condition": {"test": "focus === '' || datum.layer === focus", "value": value}, "value": 0.12}


def tips(*fields: tuple[str, str] | tuple[str, str, str]) -> list[Spec]:
    """Give what is told about a mark that is pointed at: fields, each with its title and perhaps its format."""
    told: list[Spec] = []
    for name, title, *form in fields:
        numeric = {"type": "quantitative", "format": form[0]} if form else {"type": "nominal"}
        told.append({"field": name, "title": title, **numeric})
    return told
