"""Knowledge that holds: all kinds of pattern, beliefs of people, and the statistics in tables of their own.

What these tables hold is derived: they are made anew, and filled by the next catching up.

Revision: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NUMBER = sa.Float(53).with_variant(sa.DOUBLE_PRECISION(), "postgresql")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
CHANGED = ("patterns", "theories", "beliefs", "evidence", "architectural_facts")
NEW = ("families", "registered_predictions", "belief_revisions", "inference_state", "inference_snapshots")


def upgrade() -> None:
    for table in CHANGED:
        op.drop_table(table)
    op.execute("UPDATE projections SET version = 0 WHERE name = 'knowledge'")
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
            comment="effect, impact, comodification, cochange, sequence, metric_pair, trend or threshold",
        ),
        sa.Column(
            "subject",
            sa.Text(),
            nullable=False,
            comment="storage key (as it was at first_position), metric, write:<storage key> or kind:<category>",
        ),
        sa.Column(
            "object",
            sa.Text(),
            nullable=False,
            comment="metric, storage key, write:<storage key> or kind:<category>; empty for a trend",
        ),
        sa.Column("direction", sa.BigInteger(), nullable=False, comment="+1 up, -1 down, 0 moves"),
        sa.Column(
            "effect",
            NUMBER,
            nullable=True,
            comment="estimate: per act at the reference dose, in the metric's units; else in units of its kind",
        ),
        sa.Column(
            "ci_low", NUMBER, nullable=True, comment="lower end of the 95 % confidence sequence; null: unbounded"
        ),
        sa.Column("ci_high", NUMBER, nullable=True, comment="upper end; null: unbounded"),
        sa.Column("e_value", NUMBER, nullable=True, comment="evidence against no effect; capped at the largest double"),
        sa.Column("log_e_value", NUMBER, nullable=False, comment="its natural logarithm, never capped"),
        sa.Column("grade", sa.Text(), nullable=False, comment="randomised, adjusted or observational"),
        sa.Column(
            "method",
            sa.Text(),
            nullable=True,
            comment="how the writes were done; of a cochange the statistic that was read",
        ),
        sa.Column("dose", NUMBER, nullable=True, comment="absolute dose of the writes; null: none was given"),
        sa.Column(
            "support", sa.BigInteger(), nullable=False, comment="outcomes, readings or blocks that were evidence"
        ),
        sa.Column(
            "storage_id",
            POSITION,
            autoincrement=False,
            nullable=True,
            comment="the storage that the subject is; null where it is none",
        ),
        sa.Column(
            "object_storage_id",
            POSITION,
            autoincrement=False,
            nullable=True,
            comment="the storage that the object is; null where it is none",
        ),
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
        "theories",
        sa.Column("theory_id", sa.Text(), nullable=False, comment="identity, the same in every rebuild"),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column(
            "theory_type",
            sa.Text(),
            nullable=False,
            comment="causal_model, structural, optimization, constraint or behavioral",
        ),
        sa.Column(
            "pattern_id",
            sa.Text(),
            nullable=True,
            comment="the pattern it was composed from, or the first of several; null: proposed",
        ),
        sa.Column("composed_of", JSON, nullable=False, comment="every pattern it was composed from"),
        sa.Column("hypothesis", sa.Text(), nullable=False, comment="what it says, in words"),
        sa.Column("source", sa.Text(), nullable=False, comment="data, or proposed: by an agent or a person"),
        sa.Column("proposed_by", sa.Text(), nullable=True, comment="who proposed it; null: data"),
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
            "first_position",
            POSITION,
            autoincrement=False,
            nullable=False,
            comment="settlement at which it was born, or where it was proposed",
        ),
        sa.Column(
            "last_position", POSITION, autoincrement=False, nullable=True, comment="last outcome it was scored on"
        ),
        sa.Column("status", sa.Text(), nullable=False, comment="active, weakened or retracted"),
        sa.PrimaryKeyConstraint("theory_id", name=op.f("pk_theories")),
        comment="Explanations that predict before they are tested, and their scores since.",
    )
    op.create_table(
        "beliefs",
        sa.Column("belief_id", sa.Text(), nullable=False, comment="identity, the same in every rebuild"),
        sa.Column(
            "model",
            sa.Text(),
            nullable=False,
            comment="the model's name in this record; empty: it is about every model",
        ),
        sa.Column(
            "belief_type",
            sa.Text(),
            nullable=False,
            comment="causal_law, heuristic, constraint, fact, safety_principle, value or architectural_fact",
        ),
        sa.Column("statement", sa.Text(), nullable=False, comment="what is believed, in words and numbers"),
        sa.Column(
            "source",
            sa.Text(),
            nullable=False,
            comment="earned: from predictions; asserted: by a person or agent; shipped: a core principle; architecture",
        ),
        sa.Column("asserted_by", sa.Text(), nullable=True, comment="who asserted it; null where nobody did"),
        sa.Column(
            "theory_id", sa.Text(), nullable=True, comment="the theory it was formed from; null where there is none"
        ),
        sa.Column("kind", sa.Text(), nullable=True, comment="the kind of pattern it speaks of; null where none"),
        sa.Column("subject", sa.Text(), nullable=True, comment="what it is about; null where that is not said"),
        sa.Column("object", sa.Text(), nullable=True, comment="the other end; null where that is not said"),
        sa.Column(
            "direction", sa.BigInteger(), nullable=True, comment="+1 up, -1 down, 0 moves; null where it names no side"
        ),
        sa.Column("credence", NUMBER, nullable=False, comment="probability it is held with"),
        sa.Column("strength", sa.Text(), nullable=False, comment="tentative, confident, certain or absolute"),
        sa.Column("importance", NUMBER, nullable=False, comment="0 to 1"),
        sa.Column("tags", JSON, nullable=False, comment="tags of whoever asserted it"),
        sa.Column("effect", NUMBER, nullable=True, comment="the effect it speaks of; null where none"),
        sa.Column("ci_low", NUMBER, nullable=True, comment="lower end of its confidence sequence"),
        sa.Column("ci_high", NUMBER, nullable=True, comment="upper end"),
        sa.Column(
            "grade", sa.Text(), nullable=False, comment="randomised, adjusted, observational, asserted or architecture"
        ),
        sa.Column(
            "supports", sa.BigInteger(), nullable=False, comment="outcomes that came as it says, since it is held"
        ),
        sa.Column(
            "contradicts", sa.BigInteger(), nullable=False, comment="outcomes that came otherwise, since it is held"
        ),
        sa.Column(
            "first_position",
            POSITION,
            autoincrement=False,
            nullable=False,
            comment="where it was formed; 0 for what was shipped",
        ),
        sa.Column("last_position", POSITION, autoincrement=False, nullable=False, comment="where it last changed"),
        sa.Column("status", sa.Text(), nullable=False, comment="active, weakened or retracted"),
        sa.PrimaryKeyConstraint("belief_id", name=op.f("pk_beliefs")),
        comment="What is held true, how firmly, and since when.",
    )
    op.create_table(
        "evidence",
        sa.Column("pattern_id", sa.Text(), nullable=False, comment="the claim it bears on"),
        sa.Column(
            "position",
            POSITION,
            autoincrement=False,
            nullable=False,
            comment="the outcome, or the settlement of a block",
        ),
        sa.Column(
            "modification_position",
            POSITION,
            autoincrement=False,
            nullable=True,
            comment="the write it is the outcome of; null for a block",
        ),
        sa.Column(
            "baseline_position",
            POSITION,
            autoincrement=False,
            nullable=False,
            comment="what it is compared with, or the first event of its block",
        ),
        sa.Column(
            "role", sa.Text(), nullable=False, comment="supports or contradicts the direction claimed, or neutral"
        ),
        sa.Column("outcome", NUMBER, nullable=False, comment="what came, with the sign the kind looks at"),
        sa.Column("log_factor", NUMBER, nullable=False, comment="what it did to the log e-value of the claim"),
        sa.PrimaryKeyConstraint("pattern_id", "position", name=op.f("pk_evidence")),
        comment="Which events tell most for and against each claim; `memory.evidence` gives all of them.",
    )
    op.create_index("ix_evidence_position", "evidence", ["position"], unique=False)
    op.create_table(
        "architectural_facts",
        sa.Column("fact_id", sa.Text(), nullable=False, comment="identity, the same in every rebuild"),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="identity, or the kind of correlation that was dropped: comodification, cochange, effect, ...",
        ),
        sa.Column("subject", sa.Text(), nullable=False, comment="one end: a name, storage key or metric"),
        sa.Column("object", sa.Text(), nullable=False, comment="the other end: a name, storage key or metric"),
        sa.Column(
            "reason",
            sa.Text(),
            nullable=False,
            comment="alias, overlap, derived, derived_metric, repeated_observation, undeclared_alias, functional_dependence or unknown_name",
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
        "families",
        sa.Column("family_id", sa.Text(), nullable=False, comment="identity, the same in every rebuild"),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column("kind", sa.Text(), nullable=False, comment="the kind of hypothesis"),
        sa.Column(
            "method",
            sa.Text(),
            nullable=True,
            comment="how the writes were done; of a cochange the statistic that was read",
        ),
        sa.Column("dose", NUMBER, nullable=True, comment="absolute dose of the writes; null: none was given"),
        sa.Column("grade", sa.Text(), nullable=False, comment="randomised, adjusted or observational"),
        sa.Column("share", NUMBER, nullable=False, comment="its part of the one budget for false claims"),
        sa.Column("early", sa.BigInteger(), nullable=False, comment="hypotheses that existed at its first settlement"),
        sa.Column("registered", sa.BigInteger(), nullable=False, comment="hypotheses registered in all"),
        sa.Column(
            "left_out",
            sa.BigInteger(),
            nullable=False,
            comment="storages, metrics or categories that its grid has no room for, and of which it asks nothing",
        ),
        sa.Column("first_position", POSITION, autoincrement=False, nullable=False, comment="its first settlement"),
        sa.PrimaryKeyConstraint("family_id", name=op.f("pk_families")),
        comment="Which questions are asked at all: hypotheses by kind and way of writing, and their budget.",
    )
    op.create_table(
        "registered_predictions",
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the event that registered it"),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column("theory_id", sa.Text(), nullable=False, comment="the theory it was asked of"),
        sa.Column("context", JSON, nullable=False, comment="what it was asked for"),
        sa.Column("direction", sa.BigInteger(), nullable=False, comment="the side named, +1 or -1"),
        sa.Column("probability", NUMBER, nullable=False, comment="given to an outcome on that side"),
        sa.Column("mean", NUMBER, nullable=True, comment="normal forecast: mean; null: none"),
        sa.Column("sd", NUMBER, nullable=True, comment="normal forecast: standard deviation; null: none"),
        sa.Column(
            "outcome_position",
            POSITION,
            autoincrement=False,
            nullable=True,
            comment="the first outcome after it, by which it is scored; null: none yet",
        ),
        sa.Column("outcome", NUMBER, nullable=True, comment="what came; null: nothing yet, or not finite"),
        sa.Column(
            "hit", sa.Boolean(), nullable=True, comment="whether it came on that side; null: nothing yet, or a tie"
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_registered_predictions")),
        comment="Predictions asked for before their outcome, each an event of its own.",
    )
    op.create_index("ix_registered_predictions_theory_id", "registered_predictions", ["theory_id"], unique=False)
    op.create_table(
        "belief_revisions",
        sa.Column("belief_id", sa.Text(), nullable=False, comment="the belief"),
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="what changed it"),
        sa.Column("credence", NUMBER, nullable=False, comment="probability it was held with from there on"),
        sa.Column("strength", sa.Text(), nullable=False, comment="tentative, confident, certain or absolute"),
        sa.Column("status", sa.Text(), nullable=False, comment="active, weakened or retracted"),
        sa.Column("effect", NUMBER, nullable=True, comment="the effect it spoke of; null where none"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why it changed, in words"),
        sa.PrimaryKeyConstraint("belief_id", "position", name=op.f("pk_belief_revisions")),
        comment="Every state a belief has been in: its history is this table by position.",
    )
    op.create_table(
        "inference_state",
        sa.Column("part", sa.Text(), nullable=False, comment="which part of the statistics"),
        sa.Column("packed", sa.LargeBinary(), nullable=False, comment="its sums and log-wealths, packed, bit for bit"),
        sa.PrimaryKeyConstraint("part", name=op.f("pk_inference_state")),
        comment="Sufficient statistics of every hypothesis: what the fold goes on from.",
    )
    op.create_table(
        "inference_snapshots",
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the last event in it"),
        sa.Column("packed", sa.LargeBinary(), nullable=False, comment="every part of the statistics there, compressed"),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_inference_snapshots")),
        comment="What the statistics were at earlier positions, from which an amended past is learned anew.",
    )


def downgrade() -> None:
    for table in (*NEW, *CHANGED):
        op.drop_table(table)
    op.execute("UPDATE projections SET version = 0 WHERE name = 'knowledge'")
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
