"""The tables that projections keep: the public SQL contract, together with the view `events`.

All are derived from the log and can be thrown away; none is the truth. What is known has tables of its own
(`knowledge_tables`).
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text

from memory.projections.columns import (
    JSON_TEXT,
    MODEL,
    OCCURRED,
    RETRACTED,
    SPECIAL,
    count,
    flag,
    number,
    position,
    text,
)
from memory.store.tables import metadata

projections = Table(
    "projections",
    metadata,
    text("name", "the projection", key=True),
    count("version", "version of the fold that wrote its tables"),
    position("position", "the last event folded in: later ones are not in its tables yet"),
    text("state", "what the fold needs to go on", null=True),
    position("stopped_at", "the event it could not fold, and stopped before; null while it goes on", null=True),
    text("failure", "why it stopped", null=True),
    comment="How far each projection has read the log.",
)

storages = Table(
    "storages",
    metadata,
    position("storage_id", "the log's identity of a storage: bytes in memory that names view", key=True),
    text("model", MODEL),
    text("key", "the storage key: first of its names"),
    position("from_position", "position from which the key holds", key=True),
    position("to_position", "position at which it stopped holding; null while it holds", null=True),
    comment="Which storages there were, and under which key, from when to when.",
)

storage_names = Table(
    "storage_names",
    metadata,
    position("storage_id", "the storage", key=True),
    text("model", MODEL),
    text("name", "a full dotted path to a parameter or buffer", key=True),
    position("from_position", "position from which the name views the storage", key=True),
    position("to_position", "position at which it stopped; null while it does", null=True),
    comment="Which name viewed which storage, from when to when.",
)

sharing_maps = Table(
    "sharing_maps",
    metadata,
    position("position", "the event that brought the map", key=True),
    text("model", MODEL),
    text("digest", "sha256 of the map: equal maps, equal digest"),
    count("names", "how many names the model has"),
    count("storages", "how many storages they view"),
    Column("groups", JSON_TEXT, nullable=False, comment="lists of names of identical bytes, two names or more each"),
    Column("sharing", JSON_TEXT, nullable=False, comment="the whole map"),
    comment="Every sharing map the record has seen.",
)

affected_layers = Table(
    "affected_layers",
    metadata,
    position("position", "the event that wrote", key=True),
    text("model", MODEL),
    text("layer_name", "a name the write reaches", key=True),
    text("storage_key", "the storage that name views; null: a derived name, or one no map knows", null=True),
    text("relation", "primary, alias, overlap or derived"),
    comment="Every name that every write reached: one row per event and name.",
)
Index("ix_affected_layers_layer_name", affected_layers.c.layer_name, affected_layers.c.position)

modifications = Table(
    "modifications",
    metadata,
    position("position", "the event", key=True),
    text("event_type", "modification or coupled_modification"),
    text("model", MODEL),
    position("storage_id", "the storage written; null for a quarantined name", null=True),
    text("storage_key", "its key at that position"),
    text("primary_layer", "the name the writer used"),
    Column("coupled_layers", JSON_TEXT, nullable=False, comment="the other names whose bytes changed with it"),
    text("act_id", "the act it belongs to", null=True),
    text("method", "how it was done", null=True),
    number("dose", "signed size in units of the method's reference dose"),
    flag("randomised", "whether a coin decided the sign of the dose"),
    number("propensity", "probability of the arm that was drawn"),
    text("reverts", "the act whose writes it takes back", null=True),
    flag("changed", "whether any byte changed; null where the write was only reported", null=True),
    flag("counted", "whether it counts as one write: false for the second name of one write in a per-name log"),
    number("delta_norm", "Euclidean norm of after minus before"),
    number("relative_change", "delta_norm over the norm before"),
    number("fraction_changed", "share of elements with other bits than before"),
    text("description", "what the writer says"),
    text("reason", "why", null=True),
    Column(
        "tags", JSON_TEXT, nullable=False, comment="modification, coupled, every affected name, and the writer's own"
    ),
    number("importance", "0 to 1", null=False),
    Column("modification", JSON_TEXT, nullable=False, comment="what the writer says was done, as data"),
    text("occurred_at", OCCURRED),
    position("retracted_position", RETRACTED, null=True),
    comment="Announced writes: one row per event, so one per write to tied storage.",
)
Index("ix_modifications_storage_id", modifications.c.storage_id, modifications.c.position)
Index("ix_modifications_act_id_position", modifications.c.act_id, modifications.c.position)
# Few writes take one back, and few reach several names: an index of these alone costs the others nothing.
_REVERTS, _COUPLED = modifications.c.reverts.is_not(None), modifications.c.event_type == "coupled_modification"
Index("ix_modifications_reverts", modifications.c.reverts, sqlite_where=_REVERTS, postgresql_where=_REVERTS)
Index("ix_modifications_coupled", modifications.c.position, sqlite_where=_COUPLED, postgresql_where=_COUPLED)

weight_states = Table(
    "weight_states",
    metadata,
    position("storage_id", "the storage", key=True),
    text("model", MODEL),
    position("position", "the event after which it holds these bytes", key=True),
    text("fingerprint", "blake3 over dtype, shape and bytes; null where they were not read", null=True),
    comment="What every storage held, by digest, from which event on.",
)

observations = Table(
    "observations",
    metadata,
    position("position", "the event", key=True),
    text("model", MODEL, null=True),
    text("obs_type", "modification, performance, safety_event, introspection, ..."),
    text("category", "the writer's own category"),
    text("description", "what was seen, in words"),
    Column("data", JSON_TEXT, nullable=True, comment="what was seen, as data"),
    Column("tags", JSON_TEXT, nullable=False, comment="the writer's tags"),
    number("importance", "0 to 1", null=False),
    text("act_id", "the act it belongs to", null=True),
    text("occurred_at", OCCURRED),
    Column(
        "status",
        Text,
        nullable=False,
        server_default="active",
        comment="active, superseded (corrected: its data is the right one now) or obsolete (retracted)",
    ),
    position("changed_position", "the last correction, or the retraction, of it; null while it is active", null=True),
    text("change_reason", "the reason given there; null while it is active", null=True),
    comment="What the agent or a person noticed: one row per observation event.",
)
Index("ix_observations_obs_type", observations.c.obs_type, observations.c.position)

metrics = Table(
    "metrics",
    metadata,
    position("position", "the evaluation", key=True),
    text("metric", "the metric's name", key=True),
    text("model", MODEL, null=True),
    number("value", "the value; null where it is not finite"),
    text("special", SPECIAL, null=True),
    text("sample", "what it was measured on", null=True),
    text("act_id", "the act it belongs to", null=True),
    text("occurred_at", OCCURRED),
    position("retracted_position", RETRACTED, null=True),
    comment="Every number of every evaluation.",
)
Index("ix_metrics_metric", metrics.c.metric, metrics.c.position)
Index("ix_metrics_act_id_metric_position", metrics.c.act_id, metrics.c.metric, metrics.c.position)

metric_definitions = Table(
    "metric_definitions",
    metadata,
    position("position", "the event that defined it", key=True),
    text("model", "the model it holds for; null: all", null=True),
    text("metric", "the metric's name"),
    text("better", "lower, higher, or null: not said", null=True),
    number("smallest_effect", "smallest change per act that matters, in the metric's units", null=False),
    Column("derived_from", JSON_TEXT, nullable=False, comment="the metrics it is computed from"),
    comment="What each metric was defined to mean; the latest position holds.",
)

layer_statistics = Table(
    "layer_statistics",
    metadata,
    position("position", "the reading", key=True),
    text("layer_name", "the name it was read under", key=True),
    text("model", MODEL),
    text("statistic", "which statistic"),
    position("storage_id", "the storage that name views; null: a derived name, or one no map knows", null=True),
    number("value", "the value; null where it is not finite"),
    text("special", SPECIAL, null=True),
    flag("quarantined", "whether no map knows the name: kept, and never evidence"),
    text("occurred_at", OCCURRED),
    position("retracted_position", RETRACTED, null=True),
    comment="Statistics read off layers: one row per name and reading.",
)

landmarks = Table(
    "landmarks",
    metadata,
    position("position", "the event", key=True),
    text("event_type", "what kind of event it is"),
    text("model", "the model its stream belongs to, if any", null=True),
    text("act_id", "the act it is part of, if any", null=True),
    text("occurred_at", OCCURRED),
    comment="Where the events are that are few: all but writes, evaluations, readings and observations.",
)
Index("ix_landmarks_event_type_position", landmarks.c.event_type, landmarks.c.position)
