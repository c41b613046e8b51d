"""What is believed, how firmly along the log, and what changed it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from memory.report.scope import Scope, counted
from memory.report.section import Chart, Section, Spec, Table
from memory.report.vega import BAD, QUIET, SERIES, positions, spec, tips, window

_LONGEST = 160
_BASE, _HIGH = 0.94, 0.42
"""Where the steps of a row begin, and how high they are at the most, as parts of the row."""


def beliefs(scope: Scope) -> Section:
    """Draw credences along the log; list beliefs and what changed them."""
    rows = scope.rows(
        "SELECT belief_id, model, belief_type, statement, source, credence, strength, grade, supports, contradicts, "
        "first_position, last_position, status FROM beliefs WHERE first_position <= :until "
        + ("" if scope.model is None else "AND model IN (:model, '') ")
        + "ORDER BY CASE status WHEN 'active' THEN 0 WHEN 'weakened' THEN 1 ELSE 2 END, "
        "CASE WHEN kind IN ('effect', 'impact') THEN 0 ELSE 1 END, "
        "CASE source WHEN 'earned' THEN 0 WHEN 'asserted' THEN 1 WHEN 'architecture' THEN 2 ELSE 3 END, "
        f"credence DESC, belief_id LIMIT {scope.limits.table}"
    )
    moving = _chosen(rows, scope.limits.beliefs)
    labels = _labels(moving)
    history = [each for row in moving for each in _revisions(scope, row["belief_id"], labels[row["belief_id"]])]
    charts = []
    if history:
        label = "Steps of credence along the log, a row for each belief: " + "; ".join(
            f"{labels[row['belief_id']]}, now {row['credence']:.3f}, {row['status']}" for row in moving[:4]
        )
        charts = [Chart("beliefs", label, _drawn(scope, history, [(labels[row["belief_id"]], row) for row in moving]))]
    total = scope.rows("SELECT count(*) AS n FROM beliefs WHERE first_position <= :until {model}")[0]["n"]
    earned = sum(row["source"] == "earned" and row["status"] == "active" for row in rows)
    retracted = sum(row["status"] == "retracted" for row in rows)
    said = [
        f"{counted(earned, 'belief was', 'beliefs were')} earned by predictions and "
        f"{'holds' if earned == 1 else 'hold'} now; {retracted} {'was' if retracted == 1 else 'were'} retracted."
    ]
    columns = (
        "what is believed",
        "type",
        "source",
        "credence",
        "strength",
        "grade",
        "for",
        "against",
        "since",
        "status",
    )
    table = [
        (
            row["statement"],
            row["belief_type"].replace("_", " "),
            row["source"],
            row["credence"],
            row["strength"],
            row["grade"],
            row["supports"],
            row["contradicts"],
            row["first_position"],
            row["status"],
        )
        for row in rows
    ]
    changed = [(each["belief"], each["position"], each["credence"], each["status"], each["reason"]) for each in history]
    changed.sort(key=lambda row: -row[1])
    notes = []
    drawable = sum(row["source"] in ("earned", "asserted") for row in rows)
    if drawable > len(moving):
        notes.append(f"Of {drawable} beliefs whose credence can move, {len(moving)} are drawn.")
    return Section(
        "beliefs",
        "What is believed",
        said,
        "A row is one belief, with the credence it is held with now: a probability. Its steps begin where it was "
        "formed, and are as high as the credence was; grey is what no longer holds, a cross where it was retracted. "
        "Point at a step for what changed it.",
        "A credence is measured on how often questions of its family came true; it is no guarantee. Core principles "
        "and what the sharing map says are held whatever happens, so they are in the table only.",
        charts,
        [
            Table("What is believed", columns, table, max(total, len(table))),
            Table(
                "What changed the beliefs drawn, newest first",
                ("belief", "position", "credence", "status", "why"),
                changed[: scope.limits.table],
                len(changed),
            ),
        ],
        notes=notes,
    )


def _chosen(rows: Sequence[Mapping[str, Any]], most: int) -> list[Mapping[str, Any]]:
    """Give beliefs whose credence can move: mostly such as hold, and some of those that no longer do."""
    moving = [row for row in rows if row["source"] in ("earned", "asserted")]
    holding = [row for row in moving if row["status"] == "active"]
    gone = sorted((row for row in moving if row["status"] != "active"), key=lambda row: -row["last_position"])
    lost = gone[: max(most // 3, most - len(holding))]
    return [*holding[: most - len(lost)], *lost]


def _labels(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for row in rows:
        words = row["statement"]
        label = words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
        labels[row["belief_id"]] = label if label not in labels.values() else f"{label} [{row['belief_id'][-6:]}]"
    return labels


def _revisions(scope: Scope, belief_id: str, label: str) -> list[dict[str, Any]]:
    """Give the states a belief was in: of very many, first, last, lowest, highest and changes of status among them."""
    rows = scope.rows(
        "SELECT position, credence, strength, status, reason FROM ("
        "SELECT position, credence, strength, status, reason, row_number() OVER (ORDER BY position) AS number, "
        "count(*) OVER () AS total, "
        "row_number() OVER (ORDER BY credence, position) AS lowest, "
        "row_number() OVER (ORDER BY credence DESC, position) AS highest, "
        "lag(status) OVER (ORDER BY position) AS earlier "
        "FROM belief_revisions WHERE belief_id = :belief AND position <= :until) AS told "
        "WHERE number = 1 OR number = total OR lowest = 1 OR highest = 1 OR status <> earlier "
        "OR number % (total / :most + 1) = 0 ORDER BY position",
        belief=belief_id,
        most=scope.limits.revisions,
    )
    found = [
        {
            "belief": label,
            "position": row["position"],
            "credence": row["credence"],
            "strength": row["strength"],
            "status": row["status"],
            "reason": row["reason"],
        }
        for row in rows
    ]
    if found and found[-1]["status"] != "retracted" and found[-1]["position"] < scope.until:
        found.append(found[-1] | {"position": scope.until, "reason": "as it is now"})
    return found


def _drawn(scope: Scope, history: Sequence[dict[str, Any]], labelled: Sequence[tuple[str, Mapping[str, Any]]]) -> Spec:
    """Draw a row of steps for each belief: as high as it was held, under the words of what is believed."""
    place = {label: at for at, (label, _) in enumerate(labelled)}
    steps = [
        each
        | {
            "base": place[each["belief"]] + _BASE,
            "top": place[each["belief"]] + _BASE - _HIGH * each["credence"],
            "now": labelled[place[each["belief"]]][1]["status"],
        }
        for each in history
    ]
    words = [
        {
            "at": at + 0.3,
            "words": f"{row['credence']:.2f}  {label}" + ("" if row["status"] == "active" else f"  ({row['status']})"),
        }
        for at, (label, row) in enumerate(labelled)
    ]
    up = {
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [0, len(labelled)], "reverse": True, "nice": False, "zero": False},
    }
    colour = {
        "field": "now",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": ["active", "weakened", "retracted"], "range": [SERIES[0], QUIET, QUIET]},
    }
    along = positions()
    told = tips(
        ("belief", "belief"),
        ("position", "position", ",d"),
        ("credence", "credence", ".4~f"),
        ("status", "status"),
        ("reason", "why it changed"),
    )
    drawn = {"x": along, "y": up | {"field": "top"}, "color": colour, "detail": {"field": "belief"}}
    return spec(
        steps,
        46 * len(labelled),
        params=window(scope),
        layer=[
            {
                "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.16, "clip": True},
                "encoding": drawn | {"y2": {"field": "base"}},
            },
            {"mark": {"type": "line", "interpolate": "step-after", "clip": True}, "encoding": drawn},
            {
                "mark": {"type": "point", "filled": True, "clip": True, "size": 30, "opacity": 1},
                "encoding": drawn | {"tooltip": told},
            },
            {
                "transform": [{"filter": "datum.status === 'retracted'"}],
                "mark": {"type": "point", "shape": "cross", "filled": True, "size": 120, "color": BAD, "clip": True},
                "encoding": {"x": along, "y": up | {"field": "top"}, "tooltip": told},
            },
            {
                "data": {"values": words},
                "mark": {"type": "text", "align": "left", "baseline": "middle", "limit": {"expr": "width"}},
                "encoding": {"x": {"value": 0}, "y": up | {"field": "at"}, "text": {"field": "words"}},
            },
        ],
    )
