"""The read models: every table the projections keep.

Revision: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NUMBER = sa.Float(53).with_variant(sa.DOUBLE_PRECISION(), "postgresql")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "affected_layers",
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the event that wrote"),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column("layer_name", sa.Text(), nullable=False, comment="a name the write reaches"),
        sa.Column(
            "storage_key",
            sa.Text(),
            nullable=True,
            comment="the storage that name views; null: a derived name, or one no map knows",
        ),
        sa.Column("relation", sa.Text(), nullable=False, comment="primary, alias, overlap or derived"),
        sa.PrimaryKeyConstraint("position", "layer_name", name=op.f("pk_affected_layers")),
        comment="Every name that every write reached: one row per event and name.",
    )
    op.create_index("ix_affected_layers_layer_name", "affected_layers", ["layer_name", "position"], unique=False)
    op.create_table(
        "architectural_facts",
        sa.Column("fact_id", sa.Text(), nullable=False, comment="identity, the same in every rebuild"),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="identity, or the kind of correlation that was dropped: comodification, cochange, effect, impact",
        ),
        sa.Column("subject", sa.Text(), nullable=False, comment="one end: a name or storage key"),
        sa.Column("object", sa.Text(), nullable=False, comment="the other end: a name or metric"),
        sa.Column(
            "reason",
            sa.Text(),
            nullable=False,
            comment="alias, overlap, derived, derived_metric or repeated_observation",
        ),
        sa.Column("relation", sa.Text(), nullable=False, comment="the relation that explains it, in words"),
        sa.Column(
            "strength_kind",
            sa.Text(),
            nullable=True,
            comment="what strength measures: log_e_value, correlation, or none",
        ),
        sa.Column(
            "strength",
            NUMBER,
            nullable=True,
            comment="how strong it looked, computed from the data; null: nothing recorded yet",
        ),
        sa.Column(
            "support",
            sa.BigInteger(),
            nullable=False,
            comment="records it was computed from; of co-modification: complete acts that wrote",
        ),
        sa.Column(
            "first_position",
            POSITION,
            autoincrement=False,
            nullable=False,
            comment="position from which the relation holds",
        ),
        sa.Column(
            "to_position",
            POSITION,
            autoincrement=False,
            nullable=True,
            comment="position at which the relation ended; null while it holds",
        ),
        sa.PrimaryKeyConstraint("fact_id", name=op.f("pk_architectural_facts")),
        comment="Correlations that were dropped because architecture explains them, with how strong they looked.",
    )
    op.create_table(
        "beliefs",
        sa.Column("belief_id", sa.Text(), nullable=False, comment="identity, the same in every rebuild"),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column(
            "belief_type",
            sa.Text(),
            nullable=False,
            comment="causal_law, heuristic, constraint, fact, architectural_fact, ...",
        ),
        sa.Column("statement", sa.Text(), nullable=False, comment="what is believed, in words and numbers"),
        sa.Column(
            "theory_id", sa.Text(), nullable=True, comment="the theory it was formed from; null for architectural facts"
        ),
        sa.Column("credence", NUMBER, nullable=False, comment="probability it is held with"),
        sa.Column("strength", sa.Text(), nullable=False, comment="tentative, confident, certain or absolute"),
        sa.Column("effect", NUMBER, nullable=True, comment="the effect it speaks of; null where none"),
        sa.Column("ci_low", NUMBER, nullable=True, comment="lower end of its confidence sequence"),
        sa.Column("ci_high", NUMBER, nullable=True, comment="upper end"),
        sa.Column("grade", sa.Text(), nullable=False, comment="randomised, adjusted, observational or architecture"),
        sa.Column("first_position", POSITION, autoincrement=False, nullable=False, comment="where it was formed"),
        sa.Column("last_position", POSITION, autoincrement=False, nullable=False, comment="where it last changed"),
        sa.Column("status", sa.Text(), nullable=False, comment="active, weakened or retracted"),
        sa.PrimaryKeyConstraint("belief_id", name=op.f("pk_beliefs")),
        comment="What is held true, how firmly, and since when.",
    )
    op.create_table(
        "evidence",
        sa.Column("pattern_id", sa.Text(), nullable=False, comment="the hypothesis it bears on, claimed or not"),
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the outcome"),
        sa.Column(
            "modification_position",
            POSITION,
            autoincrement=False,
            nullable=False,
            comment="the write it is the outcome of",
        ),
        sa.Column(
            "baseline_position",
            POSITION,
            autoincrement=False,
            nullable=False,
            comment="the evaluation before the write",
        ),
        sa.Column("act_id", sa.Text(), nullable=True, comment="the act"),
        sa.Column(
            "role",
            sa.Text(),
            nullable=False,
            comment="supports or contradicts (by the sign of the estimate before it), first, or not_finite",
        ),
        sa.Column("outcome", NUMBER, nullable=True, comment="change of the metric; null: not finite"),
        sa.Column(
            "signed_outcome", NUMBER, nullable=True, comment="change times the sign the kind looks at; null: not finite"
        ),
        sa.Column("log_e_value", NUMBER, nullable=False, comment="evidence for the hypothesis after it"),
        sa.PrimaryKeyConstraint("pattern_id", "position", name=op.f("pk_evidence")),
        comment="Which events support or contradict what.",
    )
    op.create_index("ix_evidence_position", "evidence", ["position"], unique=False)
    op.create_table(
        "layer_statistics",
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the reading"),
        sa.Column("layer_name", sa.Text(), nullable=False, comment="the name it was read under"),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column("statistic", sa.Text(), nullable=False, comment="which statistic"),
        sa.Column(
            "storage_id",
            POSITION,
            autoincrement=False,
            nullable=True,
            comment="the storage that name views; null: a derived name, or one no map knows",
        ),
        sa.Column("value", NUMBER, nullable=True, comment="the value; null where it is not finite"),
        sa.Column(
            "special",
            sa.Text(),
            nullable=True,
            comment="NaN, Infinity or -Infinity where value is null; null where value is finite",
        ),
        sa.Column(
            "quarantined",
            sa.Boolean(),
            nullable=False,
            comment="whether no map knows the name: kept, and never evidence",
        ),
        sa.Column("occurred_at", sa.Text(), nullable=False, comment="when it happened, UTC ISO text with microseconds"),
        sa.PrimaryKeyConstraint("position", "layer_name", name=op.f("pk_layer_statistics")),
        comment="Statistics read off layers: one row per name and reading.",
    )
    op.create_table(
        "metric_definitions",
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the event that defined it"),
        sa.Column("model", sa.Text(), nullable=True, comment="the model it holds for; null: all"),
        sa.Column("metric", sa.Text(), nullable=False, comment="the metric's name"),
        sa.Column("better", sa.Text(), nullable=True, comment="lower, higher, or null: not said"),
        sa.Column(
            "smallest_effect",
            NUMBER,
            nullable=False,
            comment="smallest change per act that matters, in the metric's units",
        ),
        sa.Column("derived_from", JSON, nullable=False, comment="the metrics it is computed from"),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_metric_definitions")),
        comment="What each metric was defined to mean; the latest position holds.",
    )
    op.create_table(
        "metrics",
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the evaluation"),
        sa.Column("metric", sa.Text(), nullable=False, comment="the metric's name"),
        sa.Column("model", sa.Text(), nullable=True, comment="the model's name in this record"),
        sa.Column("value", NUMBER, nullable=True, comment="the value; null where it is not finite"),
        sa.Column(
            "special",
            sa.Text(),
            nullable=True,
            comment="NaN, Infinity or -Infinity where value is null; null where value is finite",
        ),
        sa.Column("sample", sa.Text(), nullable=True, comment="what it was measured on"),
        sa.Column("act_id", sa.Text(), nullable=True, comment="the act it belongs to"),
        sa.Column("occurred_at", sa.Text(), nullable=False, comment="when it happened, UTC ISO text with microseconds"),
        sa.PrimaryKeyConstraint("position", "metric", name=op.f("pk_metrics")),
        comment="Every number of every evaluation.",
    )
    op.create_index("ix_metrics_act_id", "metrics", ["act_id"], unique=False)
    op.create_index("ix_metrics_metric", "metrics", ["metric", "position"], unique=False)
    op.create_table(
        "modifications",
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the event"),
        sa.Column("event_type", sa.Text(), nullable=False, comment="modification or coupled_modification"),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column(
            "storage_id",
            POSITION,
            autoincrement=False,
            nullable=True,
            comment="the storage written; null for a quarantined name",
        ),
        sa.Column("storage_key", sa.Text(), nullable=False, comment="its key at that position"),
        sa.Column("primary_layer", sa.Text(), nullable=False, comment="the name the writer used"),
        sa.Column("coupled_layers", JSON, nullable=False, comment="the other names whose bytes changed with it"),
        sa.Column("act_id", sa.Text(), nullable=True, comment="the act it belongs to"),
        sa.Column("method", sa.Text(), nullable=True, comment="how it was done"),
        sa.Column("dose", NUMBER, nullable=True, comment="signed size in units of the method's reference dose"),
        sa.Column("randomised", sa.Boolean(), nullable=False, comment="whether a coin decided the sign of the dose"),
        sa.Column("propensity", NUMBER, nullable=True, comment="probability of the arm that was drawn"),
        sa.Column("reverts", sa.Text(), nullable=True, comment="the act whose writes it takes back"),
        sa.Column(
            "changed",
            sa.Boolean(),
            nullable=True,
            comment="whether any byte changed; null where the write was only reported",
        ),
        sa.Column(
            "counted",
            sa.Boolean(),
            nullable=False,
            comment="whether it counts as one write: false for the second name of one write in a per-name log",
        ),
        sa.Column("delta_norm", NUMBER, nullable=True, comment="Euclidean norm of after minus before"),
        sa.Column("relative_change", NUMBER, nullable=True, comment="delta_norm over the norm before"),
        sa.Column("fraction_changed", NUMBER, nullable=True, comment="share of elements with other bits than before"),
        sa.Column("description", sa.Text(), nullable=False, comment="what the writer says"),
        sa.Column("reason", sa.Text(), nullable=True, comment="why"),
        sa.Column(
            "tags", JSON, nullable=False, comment="modification, coupled, every affected name, and the writer's own"
        ),
        sa.Column("importance", NUMBER, nullable=False, comment="0 to 1"),
        sa.Column("modification", JSON, nullable=False, comment="what the writer says was done, as data"),
        sa.Column("occurred_at", sa.Text(), nullable=False, comment="when it happened, UTC ISO text with microseconds"),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_modifications")),
        comment="Announced writes: one row per event, so one per write to tied storage.",
    )
    op.create_index("ix_modifications_act_id", "modifications", ["act_id"], unique=False)
    op.create_index("ix_modifications_storage_id", "modifications", ["storage_id", "position"], unique=False)
    op.create_table(
        "observations",
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the event"),
        sa.Column("model", sa.Text(), nullable=True, comment="the model's name in this record"),
        sa.Column(
            "obs_type", sa.Text(), nullable=False, comment="modification, performance, safety_event, introspection, ..."
        ),
        sa.Column("category", sa.Text(), nullable=False, comment="the writer's own category"),
        sa.Column("description", sa.Text(), nullable=False, comment="what was seen, in words"),
        sa.Column("data", JSON, nullable=True, comment="what was seen, as data"),
        sa.Column("tags", JSON, nullable=False, comment="the writer's tags"),
        sa.Column("importance", NUMBER, nullable=False, comment="0 to 1"),
        sa.Column("act_id", sa.Text(), nullable=True, comment="the act it belongs to"),
        sa.Column("occurred_at", sa.Text(), nullable=False, comment="when it happened, UTC ISO text with microseconds"),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_observations")),
        comment="What the agent or a person noticed: one row per observation event.",
    )
    op.create_index("ix_observations_obs_type", "observations", ["obs_type", "position"], unique=False)
    op.create_table(
        "patterns",
        sa.Column(
            "pattern_id", sa.Text(), nullable=False, comment="identity of the hypothesis, the same in every rebuild"
        ),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="effect: sign of the write decides the sign; impact: any write moves it",
        ),
        sa.Column("subject", sa.Text(), nullable=False, comment="storage key written, as it was at first_position"),
        sa.Column("object", sa.Text(), nullable=False, comment="the metric"),
        sa.Column("direction", sa.BigInteger(), nullable=False, comment="+1 up, -1 down, 0 moves"),
        sa.Column("effect", NUMBER, nullable=True, comment="estimate at the reference dose, in the metric's units"),
        sa.Column(
            "ci_low", NUMBER, nullable=True, comment="lower end of the 95 % confidence sequence; null: unbounded"
        ),
        sa.Column("ci_high", NUMBER, nullable=True, comment="upper end; null: unbounded"),
        sa.Column("e_value", NUMBER, nullable=True, comment="evidence against no effect; capped at the largest double"),
        sa.Column("log_e_value", NUMBER, nullable=False, comment="its natural logarithm, never capped"),
        sa.Column("grade", sa.Text(), nullable=False, comment="randomised, adjusted or observational"),
        sa.Column("method", sa.Text(), nullable=True, comment="how the writes were done"),
        sa.Column("dose", NUMBER, nullable=True, comment="absolute dose of the writes; null: none was given"),
        sa.Column("support", sa.BigInteger(), nullable=False, comment="outcomes that were evidence"),
        sa.Column("storage_id", POSITION, autoincrement=False, nullable=False, comment="the storage written"),
        sa.Column(
            "first_position",
            POSITION,
            autoincrement=False,
            nullable=False,
            comment="settlement at which it was first claimed",
        ),
        sa.Column(
            "last_position",
            POSITION,
            autoincrement=False,
            nullable=False,
            comment="last settlement that was evidence on it",
        ),
        sa.Column("post_retraction", sa.Boolean(), nullable=False, comment="whether a retraction touched its evidence"),
        sa.Column("status", sa.Text(), nullable=False, comment="active, weakened or retracted"),
        sa.PrimaryKeyConstraint("pattern_id", name=op.f("pk_patterns")),
        comment="Claims that survive being looked at: one row per hypothesis ever claimed.",
    )
    op.create_table(
        "predictions",
        sa.Column("theory_id", sa.Text(), nullable=False, comment="the theory"),
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the outcome it was about"),
        sa.Column("direction", sa.BigInteger(), nullable=False, comment="the side the theory names, +1 or -1"),
        sa.Column(
            "probability",
            NUMBER,
            nullable=False,
            comment="given to an outcome on that side, beyond the smallest effect that matters",
        ),
        sa.Column("mean", NUMBER, nullable=False, comment="normal forecast: mean, in the metric's units"),
        sa.Column("sd", NUMBER, nullable=False, comment="normal forecast: standard deviation"),
        sa.Column(
            "outcome", NUMBER, nullable=True, comment="what came, with the sign the kind looks at; null: not finite"
        ),
        sa.Column(
            "hit",
            sa.Boolean(),
            nullable=True,
            comment="whether it came on that side; null for a tie, and where the outcome is not finite",
        ),
        sa.PrimaryKeyConstraint("theory_id", "position", name=op.f("pk_predictions")),
        comment="Forecasts computed strictly before their outcome, with the outcome.",
    )
    op.create_table(
        "projections",
        sa.Column("name", sa.Text(), nullable=False, comment="the projection"),
        sa.Column("version", sa.BigInteger(), nullable=False, comment="version of the fold that wrote its tables"),
        sa.Column(
            "position",
            POSITION,
            autoincrement=False,
            nullable=False,
            comment="the last event folded in: later ones are not in its tables yet",
        ),
        sa.Column("state", sa.Text(), nullable=True, comment="what the fold needs to go on"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_projections")),
        comment="How far each projection has read the log.",
    )
    op.create_table(
        "sharing_maps",
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the event that brought the map"),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column("digest", sa.Text(), nullable=False, comment="sha256 of the map: equal maps, equal digest"),
        sa.Column("names", sa.BigInteger(), nullable=False, comment="how many names the model has"),
        sa.Column("storages", sa.BigInteger(), nullable=False, comment="how many storages they view"),
        sa.Column("groups", JSON, nullable=False, comment="lists of names of identical bytes, two names or more each"),
        sa.Column("sharing", JSON, nullable=False, comment="the whole map"),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_sharing_maps")),
        comment="Every sharing map the record has seen.",
    )
    op.create_table(
        "storage_names",
        sa.Column("storage_id", POSITION, autoincrement=False, nullable=False, comment="the storage"),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column("name", sa.Text(), nullable=False, comment="a full dotted path to a parameter or buffer"),
        sa.Column(
            "from_position",
            POSITION,
            autoincrement=False,
            nullable=False,
            comment="position from which the name views the storage",
        ),
        sa.Column(
            "to_position",
            POSITION,
            autoincrement=False,
            nullable=True,
            comment="position at which it stopped; null while it does",
        ),
        sa.PrimaryKeyConstraint("storage_id", "name", "from_position", name=op.f("pk_storage_names")),
        comment="Which name viewed which storage, from when to when.",
    )
    op.create_table(
        "storages",
        sa.Column(
            "storage_id",
            POSITION,
            autoincrement=False,
            nullable=False,
            comment="the log's identity of a storage: bytes in memory that names view",
        ),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column("key", sa.Text(), nullable=False, comment="the storage key: first of its names"),
        sa.Column(
            "from_position", POSITION, autoincrement=False, nullable=False, comment="position from which the key holds"
        ),
        sa.Column(
            "to_position",
            POSITION,
            autoincrement=False,
            nullable=True,
            comment="position at which it stopped holding; null while it holds",
        ),
        sa.PrimaryKeyConstraint("storage_id", "from_position", name=op.f("pk_storages")),
        comment="Which storages there were, and under which key, from when to when.",
    )
    op.create_table(
        "theories",
        sa.Column("theory_id", sa.Text(), nullable=False, comment="identity, the same in every rebuild"),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column(
            "theory_type",
            sa.Text(),
            nullable=False,
            comment="causal_model, structural, optimization, constraint or behavioral",
        ),
        sa.Column("pattern_id", sa.Text(), nullable=False, comment="the pattern it was composed from"),
        sa.Column("hypothesis", sa.Text(), nullable=False, comment="what it says, in words"),
        sa.Column("predictions", sa.BigInteger(), nullable=False, comment="outcomes it predicted before they came"),
        sa.Column("hits", sa.BigInteger(), nullable=False, comment="of these, with the sign it said"),
        sa.Column(
            "log_e_value", NUMBER, nullable=False, comment="prospective evidence: since birth, on predictions alone"
        ),
        sa.Column("log_score_gain", NUMBER, nullable=True, comment="nats gained over predicting no effect"),
        sa.Column(
            "brier", NUMBER, nullable=True, comment="mean squared error of its probabilities; null before the first"
        ),
        sa.Column(
            "first_position", POSITION, autoincrement=False, nullable=False, comment="settlement at which it was born"
        ),
        sa.Column(
            "last_position", POSITION, autoincrement=False, nullable=True, comment="last outcome it was scored on"
        ),
        sa.Column("status", sa.Text(), nullable=False, comment="active, weakened or retracted"),
        sa.PrimaryKeyConstraint("theory_id", name=op.f("pk_theories")),
        comment="Explanations that predict before they are tested, and their scores since.",
    )
    op.create_table(
        "weight_states",
        sa.Column("storage_id", POSITION, autoincrement=False, nullable=False, comment="the storage"),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column(
            "position",
            POSITION,
            autoincrement=False,
            nullable=False,
            comment="the event after which it holds these bytes",
        ),
        sa.Column(
            "fingerprint",
            sa.Text(),
            nullable=True,
            comment="blake3 over dtype, shape and bytes; null where they were not read",
        ),
        sa.PrimaryKeyConstraint("storage_id", "position", name=op.f("pk_weight_states")),
        comment="What every storage held, by digest, from which event on.",
    )


def downgrade() -> None:
    op.drop_table("weight_states")
    op.drop_table("theories")
    op.drop_table("storages")
    op.drop_table("storage_names")
    op.drop_table("sharing_maps")
    op.drop_table("projections")
    op.drop_table("predictions")
    op.drop_table("patterns")
    op.drop_index("ix_observations_obs_type", table_name="observations")
    op.drop_table("observations")
    op.drop_index("ix_modifications_storage_id", table_name="modifications")
    op.drop_index("ix_modifications_act_id", table_name="modifications")
    op.drop_table("modifications")
    op.drop_index("ix_metrics_metric", table_name="metrics")
    op.drop_index("ix_metrics_act_id", table_name="metrics")
    op.drop_table("metrics")
    op.drop_table("metric_definitions")
    op.drop_table("layer_statistics")
    op.drop_index("ix_evidence_position", table_name="evidence")
    op.drop_table("evidence")
    op.drop_table("beliefs")
    op.drop_table("architectural_facts")
    op.drop_index("ix_affected_layers_layer_name", table_name="affected_layers")
    op.drop_table("affected_layers")
