"""What looked like knowledge and was dropped, because architecture explains it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memory.report.scope import Scope, counted, e_value, finite, log10, several, shortened
from memory.report.section import Chart, Section, Spec, Table
from memory.report.vega import LETTERS, SERIES, layers, spec, tips

_WORDS = {
    "alias": "one tensor",
    "overlap": "shared bytes",
    "derived": "computed from it",
    "derived_metric": "computed from the metric",
    "repeated_observation": "said twice",
    "undeclared_alias": "one tensor, found by readings",
    "functional_dependence": "a function of the other",
    "unknown_name": "no map knows the name",
}
_COLOURS = dict(zip(_WORDS.values(), (*SERIES[3:], *SERIES[:3]), strict=True))
_MEASURES = {"log_e_value": "log₁₀ E it would have had", "correlation": "correlation it would have had"}


def architecture(scope: Scope) -> Section:
    """Draw how strong the correlations looked that were dropped."""
    total = scope.rows("SELECT count(*) AS n FROM architectural_facts WHERE first_position <= :until {model}")[0]["n"]
    charts = []
    looked = {kind: _strongest(scope, kind) for kind in _MEASURES}
    for at, (kind, bars) in enumerate(looked.items()):
        if bars:
            label = f"Bars of the {counted(len(bars), 'dropped correlation')} that looked strongest: " + "; ".join(
                f"{bar['fact']} {bar['strength']:.3g}" for bar in bars[:4]
            )
            title = "By evidence" if kind == "log_e_value" else "By correlation"
            charts.append(Chart(f"architecture-{at}", label, _drawn(bars, _MEASURES[kind]), title))
    rows = scope.rows(
        "SELECT kind, subject, object, reason, relation, strength_kind, strength, support, first_position, to_position "
        "FROM architectural_facts WHERE first_position <= :until {model} "
        f"ORDER BY CASE WHEN strength IS NULL THEN 1 ELSE 0 END, coalesce(strength_kind, ''), "
        "coalesce(abs(strength), 0) DESC, fact_id "
        f"LIMIT {scope.limits.table}"
    )
    reasons = scope.rows(
        "SELECT reason, count(*) AS n FROM architectural_facts WHERE first_position <= :until AND kind <> 'identity' "
        "{model} GROUP BY reason ORDER BY n DESC, reason"
    )
    dropped = sum(row["n"] for row in reasons)
    said = ["Nothing had to be dropped."]
    if dropped:
        parts = ", ".join(f"{row['n']:,} ({_WORDS.get(row['reason'], row['reason'])})" for row in reasons)
        said = [f"{counted(dropped, 'correlation was', 'correlations were')} dropped: {parts}."]
    table = [
        (
            row["kind"],
            row["subject"],
            row["object"],
            _WORDS.get(row["reason"], row["reason"]),
            row["relation"],
            _strength(row),
            row["support"],
            row["first_position"],
            row["to_position"],
        )
        for row in rows
    ]
    columns = ("kind", "one end", "other end", "why", "in words", "looked like", "records", "since", "until")
    return Section(
        "architecture",
        "What architecture explains",
        said,
        "A bar is a correlation that a log with one record per name would have found, as strong as it would have "
        "looked. Both ends are one tensor, share bytes, or are computed from each other or from one number: it was "
        "dropped, with its reason.",
        "None of this was learned, and none of it counts as evidence of anything. That it looks strong is the point.",
        charts,
        [Table("What architecture explains", columns, table, total)],
    )


def _strength(row: Mapping[str, Any]) -> str:
    strength = finite(row["strength"])
    if strength is None:
        return ""
    return f"E = {e_value(strength)}" if row["strength_kind"] == "log_e_value" else f"correlation {strength:+.3f}"


def _strongest(scope: Scope, kind: str) -> list[dict[str, Any]]:
    rows = scope.rows(
        "SELECT model, kind, subject, object, reason, relation, strength, support, first_position FROM "
        "architectural_facts "
        "WHERE strength_kind = :kind AND strength IS NOT NULL AND strength <> 0 AND first_position <= :until {model} "
        f"ORDER BY abs(strength) DESC, fact_id LIMIT {scope.limits.facts // 2}",
        kind=kind,
    )
    bars, seen, of_many = [], set(), several(rows)
    for row in rows:
        strength = finite(row["strength"])
        fact = f"{shortened(row['subject'])} – {shortened(row['object'])} ({row['kind']})"
        fact = f"{row['model']}: {fact}" if of_many else fact
        # The same two names may have been one tensor before.
        fact = fact if fact not in seen else f"{fact} since {row['first_position']:,}"
        seen.add(fact)
        if strength is not None:
            bars.append(
                {
                    "fact": fact,
                    "strength": log10(strength) if kind == "log_e_value" else strength,
                    "why": _WORDS.get(row["reason"], row["reason"]),
                    "relation": row["relation"],
                    "support": row["support"],
                    "model": row["model"],
                }
            )
    return bars


def _drawn(bars: list[dict[str, Any]], measure: str) -> Spec:
    reasons = list(dict.fromkeys(bar["why"] for bar in bars))
    return spec(
        bars,
        22 * len(bars),
        params=[LETTERS],
        mark={"type": "bar", "cornerRadiusEnd": 2, "height": {"band": 0.62}},
        encoding={
            "x": {"field": "strength", "type": "quantitative", "title": measure, "axis": {"tickCount": 6}},
            "y": layers("fact", [bar["fact"] for bar in bars]),
            "color": {
                "field": "why",
                "type": "nominal",
                "scale": {"domain": reasons, "range": [_COLOURS[reason] for reason in reasons]},
                "legend": {"title": "because", "symbolType": "square"},
            },
            "tooltip": tips(
                ("fact", "dropped"),
                ("relation", "because"),
                ("strength", "looked like", ".4~g"),
                ("support", "records", ",d"),
                ("model", "model"),
            ),
        },
    )
