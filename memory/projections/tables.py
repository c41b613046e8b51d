"""The tables that projections keep: the public SQL contract, together with the view `events`.

All are derived from the log and can be thrown away; none is the truth. JSON columns hold canonical JSON text on
SQLite and jsonb on PostgreSQL, so that `column ->> 'key'` reads the same on both.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, JSONB

from memory.store.tables import metadata

_JSON = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
_POSITION = BigInteger().with_variant(Integer(), "sqlite")
_NUMBER = Float(53).with_variant(DOUBLE_PRECISION(), "postgresql")


def _text(name: str, comment: str, *, key: bool = False, null: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=null and not key, comment=comment)


def _position(name: str, comment: str, *, key: bool = False, null: bool = False) -> Column[int]:
    return Column(name, _POSITION, primary_key=key, nullable=null and not key, comment=comment, autoincrement=False)


def _number(name: str, comment: str, *, null: bool = True) -> Column[float]:
    return Column(name, _NUMBER, nullable=null, comment=comment)


def _count(name: str, comment: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null, comment=comment)


def _flag(name: str, comment: str, *, null: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=null, comment=comment)


_MODEL = "the model's name in this record"
_OCCURRED = "when it happened, UTC ISO text with microseconds"
_RETRACTED = "the event that retracted it; null where it stands"
_SPECIAL = "NaN, Infinity or -Infinity where value is null; null where value is finite"

projections = Table(
    "projections",
    metadata,
    _text("name", "the projection", key=True),
    _count("version", "version of the fold that wrote its tables"),
    _position("position", "the last event folded in: later ones are not in its tables yet"),
    _text("state", "what the fold needs to go on", null=True),
    _position("stopped_at", "the event it could not fold, and stopped before; null while it goes on", null=True),
    _text("failure", "why it stopped", null=True),
    comment="How far each projection has read the log.",
)

storages = Table(
    "storages",
    metadata,
    _position("storage_id", "the log's identity of a storage: bytes in memory that names view", key=True),
    _text("model", _MODEL),
    _text("key", "the storage key: first of its names"),
    _position("from_position", "position from which the key holds", key=True),
    _position("to_position", "position at which it stopped holding; null while it holds", null=True),
    comment="Which storages there were, and under which key, from when to when.",
)

storage_names = Table(
    "storage_names",
    metadata,
    _position("storage_id", "the storage", key=True),
    _text("model", _MODEL),
    _text("name", "a full dotted path to a parameter or buffer", key=True),
    _position("from_position", "position from which the name views the storage", key=True),
    _position("to_position", "position at which it stopped; null while it does", null=True),
    comment="Which name viewed which storage, from when to when.",
)

sharing_maps = Table(
    "sharing_maps",
    metadata,
    _position("position", "the event that brought the map", key=True),
    _text("model", _MODEL),
    _text("digest", "sha256 of the map: equal maps, equal digest"),
    _count("names", "how many names the model has"),
    _count("storages", "how many storages they view"),
    Column("groups", _JSON, nullable=False, comment="lists of names of identical bytes, two names or more each"),
    Column("sharing", _JSON, nullable=False, comment="the whole map"),
    comment="Every sharing map the record has seen.",
)

affected_layers = Table(
    "affected_layers",
    metadata,
    _position("position", "the event that wrote", key=True),
    _text("model", _MODEL),
    _text("layer_name", "a name the write reaches", key=True),
    _text("storage_key", "the storage that name views; null: a derived name, or one no map knows", null=True),
    _text("relation", "primary, alias, overlap or derived"),
    comment="Every name that every write reached: one row per event and name.",
)
Index("ix_affected_layers_layer_name", affected_layers.c.layer_name, affected_layers.c.position)

modifications = Table(
    "modifications",
    metadata,
    _position("position", "the event", key=True),
    _text("event_type", "modification or coupled_modification"),
    _text("model", _MODEL),
    _position("storage_id", "the storage written; null for a quarantined name", null=True),
    _text("storage_key", "its key at that position"),
    _text("primary_layer", "the name the writer used"),
    Column("coupled_layers", _JSON, nullable=False, comment="the other names whose bytes changed with it"),
    _text("act_id", "the act it belongs to", null=True),
    _text("method", "how it was done", null=True),
    _number("dose", "signed size in units of the method's reference dose"),
    _flag("randomised", "whether a coin decided the sign of the dose"),
    _number("propensity", "probability of the arm that was drawn"),
    _text("reverts", "the act whose writes it takes back", null=True),
    _flag("changed", "whether any byte changed; null where the write was only reported", null=True),
    _flag("counted", "whether it counts as one write: false for the second name of one write in a per-name log"),
    _number("delta_norm", "Euclidean norm of after minus before"),
    _number("relative_change", "delta_norm over the norm before"),
    _number("fraction_changed", "share of elements with other bits than before"),
    _text("description", "what the writer says"),
    _text("reason", "why", null=True),
    Column("tags", _JSON, nullable=False, comment="modification, coupled, every affected name, and the writer's own"),
    _number("importance", "0 to 1", null=False),
    Column("modification", _JSON, nullable=False, comment="what the writer says was done, as data"),
    _text("occurred_at", _OCCURRED),
    _position("retracted_position", _RETRACTED, null=True),
    comment="Announced writes: one row per event, so one per write to tied storage.",
)
Index("ix_modifications_storage_id", modifications.c.storage_id, modifications.c.position)
Index("ix_modifications_act_id", modifications.c.act_id)

weight_states = Table(
    "weight_states",
    metadata,
    _position("storage_id", "the storage", key=True),
    _text("model", _MODEL),
    _position("position", "the event after which it holds these bytes", key=True),
    _text("fingerprint", "blake3 over dtype, shape and bytes; null where they were not read", null=True),
    comment="What every storage held, by digest, from which event on.",
)

observations = Table(
    "observations",
    metadata,
    _position("position", "the event", key=True),
    _text("model", _MODEL, null=True),
    _text("obs_type", "modification, performance, safety_event, introspection, ..."),
    _text("category", "the writer's own category"),
    _text("description", "what was seen, in words"),
    Column("data", _JSON, nullable=True, comment="what was seen, as data"),
    Column("tags", _JSON, nullable=False, comment="the writer's tags"),
    _number("importance", "0 to 1", null=False),
    _text("act_id", "the act it belongs to", null=True),
    _text("occurred_at", _OCCURRED),
    Column(
        "status",
        Text,
        nullable=False,
        server_default="active",
        comment="active, superseded (corrected: its data is the right one now) or obsolete (retracted)",
    ),
    _position("changed_position", "the last correction, or the retraction, of it; null while it is active", null=True),
    _text("change_reason", "the reason given there; null while it is active", null=True),
    comment="What the agent or a person noticed: one row per observation event.",
)
Index("ix_observations_obs_type", observations.c.obs_type, observations.c.position)

metrics = Table(
    "metrics",
    metadata,
    _position("position", "the evaluation", key=True),
    _text("metric", "the metric's name", key=True),
    _text("model", _MODEL, null=True),
    _number("value", "the value; null where it is not finite"),
    _text("special", _SPECIAL, null=True),
    _text("sample", "what it was measured on", null=True),
    _text("act_id", "the act it belongs to", null=True),
    _text("occurred_at", _OCCURRED),
    _position("retracted_position", _RETRACTED, null=True),
    comment="Every number of every evaluation.",
)
Index("ix_metrics_metric", metrics.c.metric, metrics.c.position)
Index("ix_metrics_act_id", metrics.c.act_id)

metric_definitions = Table(
    "metric_definitions",
    metadata,
    _position("position", "the event that defined it", key=True),
    _text("model", "the model it holds for; null: all", null=True),
    _text("metric", "the metric's name"),
    _text("better", "lower, higher, or null: not said", null=True),
    _number("smallest_effect", "smallest change per act that matters, in the metric's units", null=False),
    Column("derived_from", _JSON, nullable=False, comment="the metrics it is computed from"),
    comment="What each metric was defined to mean; the latest position holds.",
)

layer_statistics = Table(
    "layer_statistics",
    metadata,
    _position("position", "the reading", key=True),
    _text("layer_name", "the name it was read under", key=True),
    _text("model", _MODEL),
    _text("statistic", "which statistic"),
    _position("storage_id", "the storage that name views; null: a derived name, or one no map knows", null=True),
    _number("value", "the value; null where it is not finite"),
    _text("special", _SPECIAL, null=True),
    _flag("quarantined", "whether no map knows the name: kept, and never evidence"),
    _text("occurred_at", _OCCURRED),
    _position("retracted_position", _RETRACTED, null=True),
    comment="Statistics read off layers: one row per name and reading.",
)

patterns = Table(
    "patterns",
    metadata,
    _text("pattern_id", "identity of the hypothesis, the same in every rebuild", key=True),
    _text("model", _MODEL),
    _text("kind", "effect: sign of the write decides the sign; impact: any write moves it"),
    _text("subject", "storage key written, as it was at first_position"),
    _text("object", "the metric"),
    _count("direction", "+1 up, -1 down, 0 moves"),
    _number("effect", "estimate at the reference dose, in the metric's units"),
    _number("ci_low", "lower end of the 95 % confidence sequence; null: unbounded"),
    _number("ci_high", "upper end; null: unbounded"),
    _number("e_value", "evidence against no effect; capped at the largest double"),
    _number("log_e_value", "its natural logarithm, never capped", null=False),
    _text("grade", "randomised, adjusted or observational"),
    _text("method", "how the writes were done", null=True),
    _number("dose", "absolute dose of the writes; null: none was given"),
    _count("support", "outcomes that were evidence"),
    _position("storage_id", "the storage written"),
    _position("first_position", "settlement at which it was first claimed"),
    _position("last_position", "last settlement that was evidence on it"),
    _flag("post_retraction", "whether a retraction touched its evidence"),
    _text("status", "active, weakened or retracted"),
    comment="Claims that survive being looked at: one row per hypothesis ever claimed.",
)

theories = Table(
    "theories",
    metadata,
    _text("theory_id", "identity, the same in every rebuild", key=True),
    _text("model", _MODEL),
    _text("theory_type", "causal_model, structural, optimization, constraint or behavioral"),
    _text("pattern_id", "the pattern it was composed from"),
    _text("hypothesis", "what it says, in words"),
    _count("predictions", "outcomes it predicted before they came"),
    _count("hits", "of these, with the sign it said"),
    _number("log_e_value", "prospective evidence: since birth, on predictions alone", null=False),
    _number("log_score_gain", "nats gained over predicting no effect"),
    _number("brier", "mean squared error of its probabilities; null before the first"),
    _position("first_position", "settlement at which it was born"),
    _position("last_position", "last outcome it was scored on", null=True),
    _text("status", "active, weakened or retracted"),
    comment="Explanations that predict before they are tested, and their scores since.",
)

predictions = Table(
    "predictions",
    metadata,
    _text("theory_id", "the theory", key=True),
    _position("position", "the outcome it was about", key=True),
    _count("direction", "the side the theory names, +1 or -1"),
    _number("probability", "given to an outcome on that side, beyond the smallest effect that matters", null=False),
    _number("mean", "normal forecast: mean, in the metric's units", null=False),
    _number("sd", "normal forecast: standard deviation", null=False),
    _number("outcome", "what came, with the sign the kind looks at; null: not finite"),
    _flag("hit", "whether it came on that side; null for a tie, and where the outcome is not finite", null=True),
    comment="Forecasts computed strictly before their outcome, with the outcome.",
)

beliefs = Table(
    "beliefs",
    metadata,
    _text("belief_id", "identity, the same in every rebuild", key=True),
    _text("model", _MODEL),
    _text("belief_type", "causal_law, heuristic, constraint, fact, architectural_fact, ..."),
    _text("statement", "what is believed, in words and numbers"),
    _text("theory_id", "the theory it was formed from; null for architectural facts", null=True),
    _number("credence", "probability it is held with", null=False),
    _text("strength", "tentative, confident, certain or absolute"),
    _number("effect", "the effect it speaks of; null where none"),
    _number("ci_low", "lower end of its confidence sequence"),
    _number("ci_high", "upper end"),
    _text("grade", "randomised, adjusted, observational or architecture"),
    _position("first_position", "where it was formed"),
    _position("last_position", "where it last changed"),
    _text("status", "active, weakened or retracted"),
    comment="What is held true, how firmly, and since when.",
)

architectural_facts = Table(
    "architectural_facts",
    metadata,
    _text("fact_id", "identity, the same in every rebuild", key=True),
    _text("model", _MODEL),
    _text("kind", "identity, or the kind of correlation that was dropped: comodification, cochange, effect, impact"),
    _text("subject", "one end: a name or storage key"),
    _text("object", "the other end: a name or metric"),
    _text("reason", "alias, overlap, derived, derived_metric or repeated_observation"),
    _text("relation", "the relation that explains it, in words"),
    _text("strength_kind", "what strength measures: log_e_value, correlation, or none", null=True),
    _number("strength", "how strong it looked, computed from the data; null: nothing recorded yet"),
    _count("support", "records it was computed from; of co-modification: complete acts that wrote"),
    _position("first_position", "position from which the relation holds"),
    _position("to_position", "position at which the relation ended; null while it holds", null=True),
    comment="Correlations that were dropped because architecture explains them, with how strong they looked.",
)

evidence = Table(
    "evidence",
    metadata,
    _text("pattern_id", "the hypothesis it bears on, claimed or not", key=True),
    _position("position", "the outcome", key=True),
    _position("modification_position", "the write it is the outcome of"),
    _position("baseline_position", "the evaluation before the write"),
    _text("act_id", "the act", null=True),
    _text("role", "supports or contradicts (by the sign of the estimate before it), first, or not_finite"),
    _number("outcome", "change of the metric; null: not finite"),
    _number("signed_outcome", "change times the sign the kind looks at; null: not finite"),
    _number("log_e_value", "evidence for the hypothesis after it", null=False),
    comment="Which events support or contradict what.",
)
Index("ix_evidence_position", evidence.c.position)
