"""What the demo says at the end: what happened, what was learned and on what ground, and what was dropped and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape

from memory.cli.demo.naive import naive_claims
from memory.cli.output import table_of
from memory.inference import Calibration
from memory.system import MemorySystem

MOST_TOLD = 12
"""Lines of what was learned, and of what is believed, that are told; the strongest first."""
OF_WRITES = ("effect", "impact")
"""The kinds of pattern that speak of what a write does."""
_EVENTS = "SELECT event_type, count(*) AS events FROM events GROUP BY event_type ORDER BY events DESC, event_type"
_COUPLED = (
    "SELECT primary_layer, coupled_layers, count(*) AS events FROM modifications "
    "WHERE event_type = 'coupled_modification' AND method <> 'revert' "
    "GROUP BY primary_layer, coupled_layers ORDER BY primary_layer"
)
_TIED = "SELECT count(*) AS claims FROM patterns WHERE subject IN (:a, :b) AND object IN (:a, :b)"
QUERIES = (
    "SELECT subject, object, direction, effect, ci_low, ci_high, support FROM patterns "
    "WHERE status = 'active' ORDER BY log_e_value DESC LIMIT 10",
    "SELECT layer_name, relation, count(*) AS writes FROM affected_layers GROUP BY layer_name, relation "
    "ORDER BY writes DESC LIMIT 10",
    "SELECT position, primary_layer, method, dose, relative_change FROM modifications "
    "WHERE event_type = 'coupled_modification' ORDER BY position DESC LIMIT 5",
)


def summary(memory: MemorySystem, *, naive: bool) -> dict[str, Any]:
    """Give everything the demo has to say as data."""
    told = {
        "events": {row["event_type"]: row["events"] for row in memory.query_sql(_EVENTS)},
        "coupled": [dict(row) for row in memory.query_sql(_COUPLED)],
        "patterns": [dict(row._mapping) for row in memory.patterns(status=None)],
        "theories": [dict(row._mapping) for row in memory.theories(status=None)],
        "beliefs": [dict(row._mapping) for row in memory.beliefs(status=None)],
        "architectural_facts": [dict(row._mapping) for row in memory.architectural_facts()],
    }
    if naive:
        told["naive"] = [asdict(claim) for pair in _tied_pairs(memory) for claim in naive_claims(memory.store, *pair)]
    return told


def tell(memory: MemorySystem, database: str, console: Console, *, naive: bool) -> None:
    """Say what happened, what was learned, and what was dropped."""
    _headline(console, "What was recorded")
    console.print(table_of(memory.query_sql(_EVENTS)))
    coupled = [
        {
            "aimed at": row["primary_layer"],
            "also changed": ", ".join(_names(row["coupled_layers"])),
            "events": row["events"],
        }
        for row in memory.query_sql(_COUPLED)
    ]
    if coupled:
        _headline(console, "Edits of tied weights: one event each, whichever name was used")
        console.print(table_of(coupled))
    _learned(memory, console)
    _dropped(memory, console)
    if naive:
        _naive(memory, console)
    _believed(memory, console)
    _headline(console, f"The record is {database}. Try")
    option = "" if database == "research.db" else f" -d {database}"
    for query in QUERIES:
        console.print(f'  palimpsest query{option} "{query}"', soft_wrap=True)
    console.print(
        f"and for every picture of it, in one HTML file,\n  palimpsest report{option} -o report.html", soft_wrap=True
    )


def _learned(memory: MemorySystem, console: Console) -> None:
    _headline(console, "What was learned of writes: change per act, with intervals valid at every look")
    patterns = memory.patterns()
    of_writes = [row for row in patterns if row.kind in OF_WRITES]
    rows: list[Mapping[str, Any]] = [
        {
            "writing": row.subject,
            "by": row.method,
            "moves": f"{row.object} {_way(row.kind, row.direction)}".rstrip(),
            "effect": _signed(row.effect) if row.direction else f"in {row.effect:.0%}",
            "95 %": f"{_signed(row.ci_low)} … {_signed(row.ci_high)}" if row.direction else "",
            "acts": row.support,
            "log E": round(row.log_e_value, 1),
            "grade": row.grade,
        }
        for row in of_writes[:MOST_TOLD]
    ]
    if rows:
        console.print(table_of(rows))
        _more(console, len(of_writes), "the first query below, without its LIMIT, gives all")
        console.print(
            "  [dim]with sign: the two sides of the dose move it opposite ways; in …%: it moves, now one way and now "
            "the other, by more than matters in that share of the acts; else both sides move it this way[/dim]"
        )
    else:
        console.print("  nothing: no write was seen to move a metric")
    others = {row.pattern_id for row in patterns} - {row.pattern_id for row in of_writes}
    if others:
        _headline(console, "What goes together, whatever was written")
        words = [row.hypothesis for row in memory.theories() if row.pattern_id in others]
        for hypothesis in words[:MOST_TOLD]:
            console.print(f"  {escape(hypothesis)}", soft_wrap=True)
        _more(console, len(words), "the query below gives all")


def _more(console: Console, rows: int, where: str) -> None:
    if rows > MOST_TOLD:
        console.print(f"  [dim]and {rows - MOST_TOLD} more: {where}[/dim]")


def _way(kind: str, direction: int) -> str:
    if not direction:
        return ""
    word = "up" if direction > 0 else "down"
    return f"{word} with sign" if kind == "effect" else word


def _believed(memory: MemorySystem, console: Console) -> None:
    _headline(console, "Beliefs: theories that predicted what came after them")
    beliefs = memory.beliefs()
    rows = [
        {"credence": f"{row.credence:.3f}", "strength": row.strength, "belief": row.statement}
        for row in beliefs
        if row.source == "earned"
    ]
    if rows:
        console.print(table_of(rows[:MOST_TOLD]))
        _more(console, len(rows), "`palimpsest beliefs` tells all")
    else:
        console.print("  none")
    unearned = Counter(row.source for row in beliefs)
    console.print(
        f"  [dim]held without being earned: {unearned['architecture']} from the model's architecture, "
        f"{unearned['shipped']} core principles[/dim]"
    )
    calibration = _calibration(memory)
    if calibration.n:
        right = sum(calibration.came_true)
        console.print(
            f"  [dim]{calibration.n} predictions were made before their outcomes: {right:.0f} came true, "
            f"{sum(calibration.forecast):.0f} were expected to (calibration error {calibration.error:.3f})[/dim]"
        )


def _calibration(memory: MemorySystem) -> Calibration:
    """Hold every forecast against its outcome."""
    calibration = Calibration()
    for row in memory.query_sql("SELECT probability, hit FROM predictions WHERE hit IS NOT NULL ORDER BY position"):
        calibration.update(row["probability"], bool(row["hit"]))
    return calibration


def _dropped(memory: MemorySystem, console: Console) -> None:
    facts = [fact for fact in memory.architectural_facts() if fact.strength is not None]
    _headline(console, "What was dropped as architecture, and how strong it looked")
    # A derived metric restates its source once for every storage written: one line says it for all.
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for fact in facts:
        row = rows.setdefault(
            (fact.kind, fact.reason, fact.relation),
            {"kind": fact.kind, "because": fact.relation, fact.strength_kind: fact.strength, "records": 0},
        )
        row["records"] += fact.support
    told = [
        {
            "kind": row["kind"],
            "because": row["because"],
            "looked": f"log E = {row['log_e_value']:.1f}" if "log_e_value" in row else f"r = {row['correlation']:.3f}",
            "records": row["records"],
        }
        for row in rows.values()
    ]
    if told:
        console.print(table_of(told))
    if not rows:
        console.print("  nothing was recorded that architecture explains")
    for a, b in _tied_pairs(memory):
        claims = memory.query_sql(_TIED, a=a, b=b)[0]["claims"]
        console.print(f"  patterns between {a} and {b}: {claims}")


def _naive(memory: MemorySystem, console: Console) -> None:
    _headline(console, "What a log with one record per name would have learned from the same run")
    for pair in _tied_pairs(memory):
        rows = [
            {"it would say": claim.claim, "with": claim.strength, "after": f"{claim.claimed_after} acts"}
            if claim.claimed_after is not None
            else {"it would say": claim.claim, "with": claim.strength, "after": ""}
            for claim in naive_claims(memory.store, *pair)
        ]
        console.print(table_of(rows))
        console.print("  All of it is one tensor under two names.")


def _tied_pairs(memory: MemorySystem) -> list[tuple[str, str]]:
    return [
        (fact.subject, fact.object)
        for fact in memory.architectural_facts("alias")
        if fact.kind == "identity" and fact.to_position is None
    ]


def _names(column: Any) -> list[str]:
    """Give a JSON column's list: text on SQLite, a list on PostgreSQL."""
    names: list[str] = json.loads(column) if isinstance(column, str) else column
    return names


def _signed(value: float | None) -> str:
    return "?" if value is None else f"{value:+.3g}"


def _headline(console: Console, text: str) -> None:
    console.print(f"\n[bold]{escape(text)}[/bold]")
