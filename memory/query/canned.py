"""Questions ready to be asked in a browser: what needs a parameter, and the worked questions of `docs/sql.md`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from memory.errors import PalimpsestError

_WORKED = re.compile(r"^## ([^\n]+\?)\n(.*?)```sql\n(.*?)```", re.MULTILINE | re.DOTALL)
_MARKS = re.compile(r"[`*]")


class Canned(NamedTuple):
    """One question, with its answer in SQL; what it is to be told is written `:name`."""

    name: str
    title: str
    description: str
    sql: str


CANNED = (
    Canned(
        "what_happened_last",
        "What happened last?",
        "The newest hundred events.",
        "SELECT position, occurred_at, event_type, model, act_id, actor, payload FROM events "
        "ORDER BY position DESC LIMIT 100",
    ),
    Canned(
        "one_event",
        "What does one event say?",
        "One event with everything it says, by its position.",
        "SELECT * FROM events WHERE position = :position",
    ),
    Canned(
        "one_act",
        "What was done in one act?",
        "Every event of an act, in order.",
        "SELECT position, occurred_at, event_type, model, payload FROM events WHERE act_id = :act_id ORDER BY position",
    ),
    Canned(
        "what_acts_did",
        "What did each act do to each metric?",
        "The newest acts first: the value before its first write, after it, and whether that is better.",
        "SELECT act_id, model, metric, sample, baseline, outcome, change, better, verdict, position FROM act_outcomes "
        "ORDER BY position DESC LIMIT 200",
    ),
    Canned(
        "what_made_it_worse",
        "Which acts made a metric worse?",
        "The worst first; give the metric, such as loss.",
        "SELECT act_id, model, baseline, outcome, change, sample, position FROM act_outcomes "
        "WHERE metric = :metric AND verdict = 'worse' ORDER BY abs(change) DESC LIMIT 100",
    ),
    Canned(
        "one_layer",
        "What happened to one layer?",
        "Every write that reached a name, also under another name of the same tensor.",
        "SELECT position, occurred_at, event_type, relation, primary_layer, act_id, method, dose, relative_change, "
        "reverted, description FROM layer_history WHERE layer_name = :layer_name ORDER BY position DESC LIMIT 500",
    ),
    Canned(
        "why_a_belief",
        "Why is something believed?",
        "The outcomes that tell most for and against a belief, by its id.",
        "SELECT position, role, outcome, log_factor, layer_name, method, dose, act_id, baseline_position, "
        "modification_position, pattern_id FROM belief_evidence WHERE belief_id = :belief_id "
        "ORDER BY abs(log_factor) DESC LIMIT 200",
    ),
    Canned(
        "how_a_belief_changed",
        "How did a belief change?",
        "Every state it has been in, and what changed it.",
        "SELECT position, occurred_at, credence_before, credence, strength, effect, reason FROM belief_history "
        "WHERE belief_id = :belief_id ORDER BY position",
    ),
    Canned(
        "what_changed_minds",
        "Which beliefs changed last?",
        "The newest changes first, with the reason.",
        "SELECT position, occurred_at, statement, credence_before, credence, strength, reason, belief_id "
        "FROM belief_history WHERE position > 0 ORDER BY position DESC LIMIT 100",
    ),
    Canned(
        "how_a_metric_went",
        "How did a metric go?",
        "Its values, the newest first; give the metric, such as loss.",
        "SELECT position, occurred_at, model, value, special, sample, phase, act_id FROM metric_series "
        "WHERE metric = :metric ORDER BY position DESC LIMIT 1000",
    ),
    Canned(
        "what_is_unsafe",
        "What was seen that may be unsafe?",
        "Alerts above info, the newest first, and whether they stop a model.",
        "SELECT position, occurred_at, model, level, category, rule, message, layers, act_id, stops, cleared_position "
        "FROM alerts WHERE level <> 'info' ORDER BY position DESC LIMIT 200",
    ),
)


def worked() -> tuple[Canned, ...]:
    """Give the worked questions, in the order of the page: each is proved on both engines where it is told.

    Raises:
        PalimpsestError: The page was not packaged.
    """
    package = Path(__file__).resolve().parents[1]
    for docs in (package / "_docs", package.parent / "docs"):
        page = docs / "sql.md"
        if page.is_file():
            return tuple(
                Canned(_named(title), title, _MARKS.sub("", " ".join(says.split())), sql.strip())
                for title, says, sql in _WORKED.findall(page.read_text(encoding="utf-8"))
            )
    raise PalimpsestError(
        f"the page of worked questions is missing beside {package}", remedy="install palimpsest-memory again"
    )


def _named(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
