"""What this record is, and in a sentence or two what was learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memory.report.scope import Scope, counted, e_value


@dataclass(frozen=True, slots=True)
class Headline:
    """The first thing that is read."""

    learned: str
    """In a sentence or two."""
    figures: Sequence[tuple[str, str, str]]
    """Number, what it counts, and what more there is to it."""
    models: Sequence[str]
    began: str
    """When the first event happened; empty where there is none."""
    ended: str


def headline(scope: Scope) -> Headline:
    """Sum a record up."""
    events = scope.rows(
        "SELECT count(*) AS n, count(DISTINCT act_id) AS acts FROM events WHERE position <= :until {model}"
    )[0]
    writes = scope.rows(
        "SELECT count(*) AS n, sum(CASE WHEN event_type = 'coupled_modification' THEN 1 ELSE 0 END) AS coupled, "
        "count(DISTINCT storage_id) AS storages FROM modifications WHERE counted AND position <= :until {model}"
    )[0]
    measured = scope.rows(
        "SELECT count(*) AS n, count(DISTINCT metric) AS metrics FROM metrics WHERE position <= :until {model}"
    )[0]
    models = [
        row["model"]
        for row in scope.rows("SELECT DISTINCT model FROM sharing_maps WHERE position <= :until {model} ORDER BY model")
    ]
    ends = scope.rows("SELECT position, occurred_at FROM events WHERE position IN (:low, :until) ORDER BY position")
    figures = [
        (f"{events['n']:,}", "events", f"positions {scope.low:,} to {scope.until:,}" if events["n"] else ""),
        (f"{events['acts']:,}", "acts", ""),
        (
            f"{writes['n']:,}",
            "writes",
            f"to {counted(writes['storages'], 'storage')}; {writes['coupled'] or 0:,} coupled" if writes["n"] else "",
        ),
        (f"{measured['n']:,}", "measurements", f"of {counted(measured['metrics'], 'metric')}" if measured["n"] else ""),
    ]
    return Headline(
        _learned(scope, events["n"]),
        figures,
        models,
        _moment(ends[0]["occurred_at"]) if ends else "",
        _moment(ends[-1]["occurred_at"]) if ends else "",
    )


def _moment(utc: str) -> str:
    return f"{utc[:10]} {utc[11:16]} UTC"


def _learned(scope: Scope, events: int) -> str:
    if not events:
        return "Nothing was recorded yet."
    claims = scope.rows(
        "SELECT told.hypothesis, told.log_e_value FROM (SELECT (SELECT min(theories.hypothesis) FROM theories "
        "WHERE theories.pattern_id = patterns.pattern_id) AS hypothesis, model, pattern_id, log_e_value, "
        "CASE WHEN kind IN ('effect', 'impact') AND grade = 'randomised' THEN 0 ELSE 1 END AS causal FROM patterns "
        "WHERE status = 'active' AND first_position <= :until {model}) AS told "
        "WHERE told.hypothesis IS NOT NULL ORDER BY causal, log_e_value DESC, pattern_id LIMIT 1"
    )
    counts = {
        row["what"]: row["n"]
        for row in scope.rows(
            "SELECT 'claims' AS what, count(*) AS n FROM patterns "
            "WHERE status = 'active' AND first_position <= :until {model} UNION ALL "
            "SELECT 'beliefs', count(*) FROM beliefs "
            "WHERE status = 'active' AND source = 'earned' AND first_position <= :until {model} UNION ALL "
            "SELECT 'dropped', count(*) FROM architectural_facts "
            "WHERE kind <> 'identity' AND first_position <= :until {model}"
        )
    }
    dropped = (
        f" {counted(counts['dropped'], 'correlation was', 'correlations were')} dropped, because architecture explains "
        f"{'it' if counts['dropped'] == 1 else 'them'}."
        if counts["dropped"]
        else ""
    )
    if not counts["claims"]:
        return f"Nothing was claimed yet: no evidence was strong enough for how much was asked.{dropped}"
    beliefs = (
        f", and predictions earned {counted(counts['beliefs'], 'belief')}"
        if counts["beliefs"]
        else ", none believed yet"
    )
    best = "".join(
        f" Best proven: {row['hypothesis'].rstrip('.')}; E = {e_value(row['log_e_value'])}." for row in claims
    )
    return f"{counted(counts['claims'], 'claim holds', 'claims hold')}{beliefs}.{best}{dropped}"
