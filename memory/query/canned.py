"""Questions ready to be asked in a browser: those that need a parameter, or more than one view says by itself."""

from __future__ import annotations

from typing import NamedTuple


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
        "what_is_one_tensor",
        "Which names are one tensor?",
        "Storages that several names view: a write to one name changes the others.",
        "SELECT model, storage_key, layers, names, last_write_position FROM storages_now WHERE names > 1 "
        "ORDER BY model, storage_key",
    ),
    Canned(
        "what_has_which_effect",
        "What has which effect?",
        "Claims about single layers, the best proven first, with their anytime-valid intervals.",
        "SELECT model, storage_key, layers, metric, method, reference_dose, effect, ci_low, ci_high, log_e_value, "
        "grade, support, verdict, pattern_id FROM effects_by_layer ORDER BY log_e_value DESC LIMIT 200",
    ),
    Canned(
        "what_is_believed",
        "What is believed now?",
        "The firmest first.",
        "SELECT credence, strength, statement, grade, supports, contradicts, source, last_reason, belief_id "
        "FROM current_beliefs ORDER BY credence DESC, belief_id LIMIT 500",
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
        "are_predictions_honest",
        "Do predictions come true as often as they say?",
        "Probability foretold and share that came, by tenths: they should be alike.",
        "SELECT bin, count(*) AS predictions, avg(probability) AS foretold, avg(hit) AS came, "
        "avg(squared_error) AS brier FROM scored_predictions WHERE hit IS NOT NULL GROUP BY bin ORDER BY bin",
    ),
    Canned(
        "what_architecture_explains",
        "What was dropped because architecture explains it?",
        "Correlations that would have looked like findings, the strongest first.",
        "SELECT model, kind, subject, object, reason, relation, strength_kind, strength, support, holds "
        "FROM dropped_as_architecture ORDER BY strength DESC LIMIT 500",
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
