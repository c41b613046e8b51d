"""The tables of what is known: patterns, theories, beliefs, facts of architecture, and the statistics behind them."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table

from memory.projections.columns import JSON_TEXT, MODEL, count, flag, number, position, text
from memory.store.tables import INTERNAL, metadata

patterns = Table(
    "patterns",
    metadata,
    text("pattern_id", "identity of the hypothesis, the same in every rebuild", key=True),
    text("model", MODEL),
    text("kind", "effect, impact, comodification, cochange, sequence, metric_pair, trend or threshold"),
    text("subject", "storage key (as it was at first_position), metric, write:<storage key> or kind:<category>"),
    text("object", "metric, storage key, write:<storage key> or kind:<category>; empty for a trend"),
    count("direction", "+1 up, -1 down, 0 moves"),
    number("effect", "estimate: per act at the reference dose, in the metric's units; else in units of its kind"),
    number("ci_low", "lower end of the 95 % confidence sequence; null: unbounded"),
    number("ci_high", "upper end; null: unbounded"),
    number("e_value", "evidence against no effect; capped at the largest double"),
    number("log_e_value", "its natural logarithm, never capped", null=False),
    text("grade", "randomised, adjusted or observational"),
    text("method", "how the writes were done; of a cochange the statistic that was read", null=True),
    number("dose", "absolute dose of the writes; null: none was given"),
    count("support", "outcomes, readings or blocks that were evidence"),
    position("storage_id", "the storage that the subject is; null where it is none", null=True),
    position("object_storage_id", "the storage that the object is; null where it is none", null=True),
    position("first_position", "settlement at which it was first claimed"),
    position("last_position", "last settlement that was evidence on it"),
    flag("post_retraction", "whether a retraction touched its evidence"),
    text("status", "active, weakened or retracted"),
    comment="Claims that survive being looked at: one row per hypothesis ever claimed.",
)

families = Table(
    "families",
    metadata,
    text("family_id", "identity, the same in every rebuild", key=True),
    text("model", MODEL),
    text("kind", "the kind of hypothesis"),
    text("method", "how the writes were done; of a cochange the statistic that was read", null=True),
    number("dose", "absolute dose of the writes; null: none was given"),
    text("grade", "randomised, adjusted or observational"),
    number("share", "its part of the one budget for false claims", null=False),
    count("early", "hypotheses that existed at its first settlement"),
    count("registered", "hypotheses registered in all"),
    count("left_out", "storages, metrics or categories that its grid has no room for, and of which it asks nothing"),
    position("first_position", "its first settlement"),
    comment="Which questions are asked at all: hypotheses by kind and way of writing, and their budget.",
)

theories = Table(
    "theories",
    metadata,
    text("theory_id", "identity, the same in every rebuild", key=True),
    text("model", MODEL),
    text("theory_type", "causal_model, structural, optimization, constraint or behavioral"),
    text("pattern_id", "the pattern it was composed from, or the first of several; null: proposed", null=True),
    Column("composed_of", JSON_TEXT, nullable=False, comment="every pattern it was composed from"),
    text("hypothesis", "what it says, in words"),
    text("source", "data, or proposed: by an agent or a person"),
    text("proposed_by", "who proposed it; null: data", null=True),
    count("predictions", "outcomes it predicted before they came"),
    count("hits", "of these, with the sign it said"),
    number("log_e_value", "prospective evidence: since birth, on predictions alone", null=False),
    number("log_score_gain", "nats gained over predicting no effect"),
    number("brier", "mean squared error of its probabilities; null before the first"),
    position("first_position", "settlement at which it was born, or where it was proposed"),
    position("last_position", "last outcome it was scored on", null=True),
    text("status", "active, weakened or retracted"),
    comment="Explanations that predict before they are tested, and their scores since.",
)

predictions = Table(
    "predictions",
    metadata,
    text("theory_id", "the theory", key=True),
    position("position", "the outcome it was about", key=True),
    count("direction", "the side the theory names, +1 or -1"),
    number("probability", "given to an outcome on that side, beyond the smallest effect that matters", null=False),
    number("mean", "normal forecast: mean, in the metric's units", null=False),
    number("sd", "normal forecast: standard deviation", null=False),
    number("outcome", "what came, with the sign the kind looks at; null: not finite"),
    flag("hit", "whether it came on that side; null for a tie, and where the outcome is not finite", null=True),
    comment="Forecasts computed strictly before their outcome, with the outcome.",
)
Index("ix_predictions_position", predictions.c.position)

registered_predictions = Table(
    "registered_predictions",
    metadata,
    position("position", "the event that registered it", key=True),
    text("model", MODEL),
    text("theory_id", "the theory it was asked of"),
    Column("context", JSON_TEXT, nullable=False, comment="what it was asked for"),
    count("direction", "the side named, +1 or -1"),
    number("probability", "given to an outcome on that side", null=False),
    number("mean", "normal forecast: mean; null: none"),
    number("sd", "normal forecast: standard deviation; null: none"),
    position("outcome_position", "the first outcome after it, by which it is scored; null: none yet", null=True),
    number("outcome", "what came; null: nothing yet, or not finite"),
    flag("hit", "whether it came on that side; null: nothing yet, or a tie", null=True),
    comment="Predictions asked for before their outcome, each an event of its own.",
)
Index("ix_registered_predictions_theory_id", registered_predictions.c.theory_id)

beliefs = Table(
    "beliefs",
    metadata,
    text("belief_id", "identity, the same in every rebuild", key=True),
    text("model", f"{MODEL}; empty: it is about every model"),
    text(
        "belief_type",
        "causal_law, heuristic, constraint, fact, safety_principle, value or architectural_fact",
    ),
    text("statement", "what is believed, in words and numbers"),
    text("source", "earned: from predictions; asserted: by a person or agent; shipped: a core principle; architecture"),
    text("asserted_by", "who asserted it; null where nobody did", null=True),
    text("theory_id", "the theory it was formed from; null where there is none", null=True),
    text("kind", "the kind of pattern it speaks of; null where none", null=True),
    text("subject", "what it is about; null where that is not said", null=True),
    text("object", "the other end; null where that is not said", null=True),
    count("direction", "+1 up, -1 down, 0 moves; null where it names no side", null=True),
    number("credence", "probability it is held with", null=False),
    text("strength", "tentative, confident, certain or absolute"),
    number("importance", "0 to 1", null=False),
    Column("tags", JSON_TEXT, nullable=False, comment="tags of whoever asserted it"),
    number("effect", "the effect it speaks of; null where none"),
    number("ci_low", "lower end of its confidence sequence"),
    number("ci_high", "upper end"),
    text("grade", "randomised, adjusted, observational, asserted or architecture"),
    count("supports", "outcomes that came as it says, since it is held"),
    count("contradicts", "outcomes that came otherwise, since it is held"),
    position("first_position", "where it was formed; 0 for what was shipped"),
    position("last_position", "where it last changed"),
    text("status", "active, weakened or retracted"),
    comment="What is held true, how firmly, and since when.",
)

belief_revisions = Table(
    "belief_revisions",
    metadata,
    text("belief_id", "the belief", key=True),
    position("position", "what changed it", key=True),
    number("credence", "probability it was held with from there on", null=False),
    text("strength", "tentative, confident, certain or absolute"),
    text("status", "active, weakened or retracted"),
    number("effect", "the effect it spoke of; null where none"),
    text("reason", "why it changed, in words"),
    comment="Every state a belief has been in: its history is this table by position.",
)
Index("ix_belief_revisions_position", belief_revisions.c.position)

architectural_facts = Table(
    "architectural_facts",
    metadata,
    text("fact_id", "identity, the same in every rebuild", key=True),
    text("model", MODEL),
    text("kind", "identity, or the kind of correlation that was dropped: comodification, cochange, effect, ..."),
    text("subject", "one end: a name, storage key or metric"),
    text("object", "the other end: a name, storage key or metric"),
    text(
        "reason",
        "alias, overlap, derived, derived_metric, repeated_observation, undeclared_alias, functional_dependence or "
        "unknown_name",
    ),
    text("relation", "the relation that explains it, in words"),
    text("strength_kind", "what strength measures: log_e_value, correlation, or none", null=True),
    number("strength", "how strong it looked, computed from the data; null: nothing recorded yet"),
    count("support", "records it was computed from; of co-modification: complete acts that wrote"),
    position("first_position", "position from which the relation holds"),
    position("to_position", "position at which the relation ended; null while it holds", null=True),
    comment="Correlations that were dropped because architecture explains them, with how strong they looked.",
)

evidence = Table(
    "evidence",
    metadata,
    text("pattern_id", "the claim it bears on", key=True),
    position("position", "the outcome, or the settlement of a block", key=True),
    position("modification_position", "the write it is the outcome of; null for a block", null=True),
    position("baseline_position", "what it is compared with, or the first event of its block"),
    text("role", "supports or contradicts the direction claimed, or neutral"),
    number("outcome", "what came, with the sign the kind looks at", null=False),
    number("log_factor", "what it did to the log e-value of the claim", null=False),
    comment="Which events tell most for and against each claim; `memory.evidence` gives all of them.",
)
Index("ix_evidence_position", evidence.c.position)

inference_state = Table(
    "inference_state",
    metadata,
    text("part", "which part of the statistics", key=True),
    Column("packed", LargeBinary, nullable=False, comment="its sums and log-wealths, packed, bit for bit"),
    comment="Sufficient statistics of every hypothesis: what the fold goes on from.",
    info=INTERNAL,
)

inference_snapshots = Table(
    "inference_snapshots",
    metadata,
    position("position", "the last event in it", key=True),
    Column("packed", LargeBinary, nullable=False, comment="every part of the statistics there, compressed"),
    comment="What the statistics were at earlier positions, from which an amended past is learned anew.",
    info=INTERNAL,
)
