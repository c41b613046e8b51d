"""Views for the common questions; landmarks, and the indexes these views need.

Every view has the same columns, types and rows on both engines: truth values are 0 and 1, lists are text. Nothing is
grouped: each view walks one table in order of its key and looks the rest up, so that a LIMIT costs what it gives.

Revision: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REVERTS = sa.text("reverts IS NOT NULL")
COUPLED = sa.text("event_type = 'coupled_modification'")


def upgrade() -> None:
    op.create_table(
        "landmarks",
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the event"),
        sa.Column("event_type", sa.Text(), nullable=False, comment="what kind of event it is"),
        sa.Column("model", sa.Text(), nullable=True, comment="the model its stream belongs to, if any"),
        sa.Column("act_id", sa.Text(), nullable=True, comment="the act it is part of, if any"),
        sa.Column("occurred_at", sa.Text(), nullable=False, comment="when it happened, UTC ISO text with microseconds"),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_landmarks")),
        comment="Where the events are that are few: all but writes, evaluations, readings and observations.",
    )
    op.create_index("ix_landmarks_event_type_position", "landmarks", ["event_type", "position"], unique=False)
    op.drop_index("ix_modifications_act_id", table_name="modifications")
    op.create_index("ix_modifications_act_id_position", "modifications", ["act_id", "position"], unique=False)
    op.create_index(
        "ix_modifications_reverts", "modifications", ["reverts"], unique=False,
        sqlite_where=REVERTS, postgresql_where=REVERTS,
    )  # fmt: skip
    op.create_index(
        "ix_modifications_coupled", "modifications", ["position"], unique=False,
        sqlite_where=COUPLED, postgresql_where=COUPLED,
    )  # fmt: skip
    op.drop_index("ix_metrics_act_id", table_name="metrics")
    op.create_index("ix_metrics_act_id_metric_position", "metrics", ["act_id", "metric", "position"], unique=False)
    op.create_index("ix_predictions_position", "predictions", ["position"], unique=False)
    op.create_index("ix_belief_revisions_position", "belief_revisions", ["position"], unique=False)
    sqlite = op.get_context().dialect.name == "sqlite"
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS{_in_dialect(query, sqlite)}")
    if not sqlite:
        for name, (comment, columns) in COMMENTS.items():
            op.execute(f"COMMENT ON VIEW {name} IS '{_escaped(comment)}'")
            for column, words in columns.items():
                op.execute(f"COMMENT ON COLUMN {name}.{column} IS '{_escaped(words)}'")


def downgrade() -> None:
    # An upgrade made again must fold the log into the new table from its beginning.
    op.execute("DELETE FROM projections WHERE name = 'landmarks'")
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
    op.drop_index("ix_belief_revisions_position", table_name="belief_revisions")
    op.drop_index("ix_predictions_position", table_name="predictions")
    op.drop_index("ix_metrics_act_id_metric_position", table_name="metrics")
    op.create_index("ix_metrics_act_id", "metrics", ["act_id"], unique=False)
    op.drop_index("ix_modifications_coupled", table_name="modifications")
    op.drop_index("ix_modifications_reverts", table_name="modifications")
    op.drop_index("ix_modifications_act_id_position", table_name="modifications")
    op.create_index("ix_modifications_act_id", "modifications", ["act_id"], unique=False)
    op.drop_index("ix_landmarks_event_type_position", table_name="landmarks")
    op.drop_table("landmarks")


def _escaped(words: str) -> str:
    """Give a comment as SQL: a colon would be a parameter."""
    return words.replace("'", "''").replace(":", "\\:")


def _in_dialect(query: str, sqlite: bool) -> str:
    """Write what the engines call differently as the one or the other does."""
    for word, (on_sqlite, on_postgresql) in DIALECT.items():
        query = query.replace(word, on_sqlite if sqlite else on_postgresql)
    return query


# What the views below say, and how each engine does: lists in an order that no locale changes.
DIALECT = {
    "{names of}": (
        "(SELECT group_concat(name, ', ') FROM (SELECT name FROM",
        "(SELECT string_agg(name, ', ' ORDER BY name COLLATE \"C\") FROM (SELECT name FROM",
    ),
    "{layers of}": (
        "(SELECT group_concat(layer_name, ', ') FROM (SELECT layer_name FROM",
        "(SELECT string_agg(layer_name, ', ' ORDER BY layer_name COLLATE \"C\") FROM (SELECT layer_name FROM",
    ),
    "{in order of name})": ("ORDER BY name))", ") AS these)"),
    "{in order of layer})": ("ORDER BY layer_name))", ") AS these)"),
    "{items of}": (
        "(SELECT group_concat(item.value, ', ') FROM json_each",
        "(SELECT string_agg(item.value, ', ' ORDER BY item.place) FROM jsonb_array_elements_text",
    ),
    "{items})": (" AS item)", " WITH ORDINALITY AS item (value, place))"),
    "{composed of}": (
        "(SELECT part.value FROM json_each(theories.composed_of) AS part)",
        "(SELECT part.value FROM jsonb_array_elements_text(theories.composed_of) AS part (value))",
    ),
    "{length of}": ("json_array_length", "jsonb_array_length"),
}

BETTER = """(SELECT metric_definitions.better FROM metric_definitions
    WHERE metric_definitions.metric = {metric}
      AND (metric_definitions.model IS NULL OR metric_definitions.model = {model})
    ORDER BY metric_definitions.position DESC LIMIT 1)"""
FIRST_WRITE = """(SELECT min(modifications.position) FROM modifications
    WHERE modifications.act_id = {act} AND modifications.retracted_position IS NULL)"""

VIEWS = {
    "act_summary": """
SELECT
  first.act_id AS act_id,
  first.model AS model,
  first.position AS first_position,
  (SELECT max(w.position) FROM modifications AS w
    WHERE w.act_id = first.act_id AND w.retracted_position IS NULL) AS last_position,
  first.occurred_at AS started_at,
  first.method AS method,
  first.primary_layer AS first_layer,
  (SELECT count(*) FROM modifications AS w WHERE w.act_id = first.act_id AND w.counted) AS writes,
  (SELECT count(DISTINCT w.storage_id) FROM modifications AS w
    WHERE w.act_id = first.act_id AND w.retracted_position IS NULL) AS storages,
  (SELECT count(*) FROM modifications AS w
    WHERE w.act_id = first.act_id AND w.counted AND w.event_type = 'coupled_modification') AS coupled_writes,
  (SELECT sum(w.dose) FROM modifications AS w WHERE w.act_id = first.act_id AND w.counted) AS dose,
  (SELECT max(CASE WHEN w.randomised THEN 1 ELSE 0 END) FROM modifications AS w
    WHERE w.act_id = first.act_id AND w.retracted_position IS NULL) AS randomised,
  (SELECT count(DISTINCT m.metric) FROM metrics AS m
    WHERE m.act_id = first.act_id AND m.position > first.position AND m.retracted_position IS NULL) AS outcomes,
  first.reverts AS reverts,
  (SELECT min(r.position) FROM modifications AS r WHERE r.reverts = first.act_id) AS reverted_position,
  CASE WHEN EXISTS (SELECT 1 FROM modifications AS r WHERE r.reverts = first.act_id) THEN 1 ELSE 0 END AS reverted
FROM modifications AS first
WHERE first.act_id IS NOT NULL
  AND first.retracted_position IS NULL
  AND NOT EXISTS (
    SELECT 1 FROM modifications AS earlier
    WHERE earlier.act_id = first.act_id AND earlier.position < first.position AND earlier.retracted_position IS NULL)
""",
    "act_outcomes": f"""
SELECT
  compared.position AS position,
  compared.metric AS metric,
  compared.sample AS sample,
  compared.act_id AS act_id,
  compared.model AS model,
  compared.baseline_position AS baseline_position,
  compared.baseline AS baseline,
  compared.outcome AS outcome,
  compared.outcome - compared.baseline AS change,
  compared.better AS better,
  CASE
    WHEN compared.outcome = compared.baseline THEN 'same'
    WHEN compared.better = 'lower'
      THEN CASE WHEN compared.outcome < compared.baseline THEN 'better'
                WHEN compared.outcome > compared.baseline THEN 'worse' END
    WHEN compared.better = 'higher'
      THEN CASE WHEN compared.outcome > compared.baseline THEN 'better'
                WHEN compared.outcome < compared.baseline THEN 'worse' END
  END AS verdict
FROM (
  SELECT
    paired.*,
    (SELECT m.value FROM metrics AS m
      WHERE m.position = paired.baseline_position AND m.metric = paired.metric) AS baseline
  FROM (
    SELECT
      after.position AS position,
      after.metric AS metric,
      after.sample AS sample,
      after.act_id AS act_id,
      after.model AS model,
      after.value AS outcome,
      {BETTER.format(metric="after.metric", model="after.model")} AS better,
      (SELECT max(before.position) FROM metrics AS before
        WHERE before.act_id = after.act_id AND before.metric = after.metric
          AND (before.sample = after.sample OR (before.sample IS NULL AND after.sample IS NULL))
          AND before.retracted_position IS NULL
          AND before.position < {FIRST_WRITE.format(act="after.act_id")}) AS baseline_position
    FROM metrics AS after
    WHERE after.act_id IS NOT NULL
      AND after.retracted_position IS NULL
      AND after.position > {FIRST_WRITE.format(act="after.act_id")}
      AND NOT EXISTS (
        SELECT 1 FROM metrics AS earlier
        WHERE earlier.act_id = after.act_id AND earlier.metric = after.metric
          AND earlier.position < after.position
          AND earlier.position > {FIRST_WRITE.format(act="after.act_id")}
          AND (earlier.sample = after.sample OR (earlier.sample IS NULL AND after.sample IS NULL))
          AND earlier.retracted_position IS NULL)
  ) AS paired
) AS compared
""",
    "write_outcomes": """
SELECT
  written.position AS write_position,
  act_outcomes.position AS outcome_position,
  act_outcomes.metric AS metric,
  act_outcomes.sample AS sample,
  act_outcomes.act_id AS act_id,
  written.model AS model,
  written.storage_key AS storage_key,
  written.primary_layer AS layer_name,
  written.method AS method,
  written.dose AS dose,
  CASE WHEN written.randomised THEN 1 ELSE 0 END AS randomised,
  CASE WHEN EXISTS (
    SELECT 1 FROM modifications AS other
    WHERE other.act_id = written.act_id AND other.storage_id <> written.storage_id
      AND other.retracted_position IS NULL) THEN 0 ELSE 1 END AS alone,
  act_outcomes.baseline AS baseline,
  act_outcomes.outcome AS outcome,
  act_outcomes.change AS change,
  act_outcomes.verdict AS verdict
FROM act_outcomes
JOIN modifications AS written
  ON written.act_id = act_outcomes.act_id AND written.position < act_outcomes.position AND written.counted
""",
    "layer_history": """
SELECT
  reached.layer_name AS layer_name,
  reached.position AS position,
  reached.model AS model,
  coalesce(written.occurred_at,
    (SELECT landmarks.occurred_at FROM landmarks WHERE landmarks.position = reached.position)) AS occurred_at,
  coalesce(written.event_type, 'unattributed_write') AS event_type,
  reached.relation AS relation,
  written.primary_layer AS primary_layer,
  reached.storage_key AS storage_key,
  written.act_id AS act_id,
  written.method AS method,
  written.dose AS dose,
  CASE WHEN written.changed THEN 1 WHEN NOT written.changed THEN 0 END AS changed,
  CASE WHEN written.counted THEN 1 WHEN NOT written.counted THEN 0 END AS counted,
  written.delta_norm AS delta_norm,
  written.relative_change AS relative_change,
  written.fraction_changed AS fraction_changed,
  written.reverts AS reverts,
  CASE WHEN EXISTS (
    SELECT 1 FROM modifications AS r WHERE r.reverts = written.act_id AND r.position > reached.position)
    THEN 1 ELSE 0 END AS reverted,
  written.retracted_position AS retracted_position,
  written.description AS description,
  written.reason AS reason
FROM affected_layers AS reached
LEFT JOIN modifications AS written ON written.position = reached.position
""",
    "coupled_writes": """
SELECT
  written.position AS position,
  written.model AS model,
  written.occurred_at AS occurred_at,
  written.primary_layer AS primary_layer,
  {layers of} affected_layers
    WHERE affected_layers.position = written.position AND affected_layers.layer_name <> written.primary_layer
    {in order of layer}) AS other_layers,
  (SELECT count(*) FROM affected_layers WHERE affected_layers.position = written.position) AS names,
  written.storage_key AS storage_key,
  written.act_id AS act_id,
  written.method AS method,
  written.dose AS dose,
  CASE WHEN written.changed THEN 1 WHEN NOT written.changed THEN 0 END AS changed,
  CASE WHEN written.counted THEN 1 ELSE 0 END AS counted,
  written.delta_norm AS delta_norm
FROM modifications AS written
WHERE written.event_type = 'coupled_modification'
""",
    "denied_and_aborted": """
SELECT
  landmarks.position AS position,
  landmarks.model AS model,
  landmarks.occurred_at AS occurred_at,
  events.actor AS actor,
  landmarks.act_id AS act_id,
  events.payload ->> 'primary_layer' AS primary_layer,
  events.payload ->> 'storage_key' AS storage_key,
  events.payload ->> 'method' AS method,
  CASE WHEN events.schema_version > 1 AND {length of}(events.payload -> 'denied_by') > 0 THEN 1 ELSE 0 END AS denied,
  {items of}(events.payload -> 'denied_by'){items}) AS denied_by,
  events.payload ->> 'error' AS error,
  events.payload ->> 'message' AS message,
  CASE WHEN CAST(events.payload ->> 'restored' AS TEXT) IN ('1', 'true') THEN 1 ELSE 0 END AS restored
FROM landmarks
JOIN events ON events.position = landmarks.position
WHERE landmarks.event_type = 'edit_aborted'
""",
    "unannounced_writes": """
SELECT
  landmarks.position AS position,
  landmarks.model AS model,
  landmarks.occurred_at AS occurred_at,
  events.actor AS actor,
  events.payload ->> 'storage_key' AS storage_key,
  {layers of} affected_layers WHERE affected_layers.position = landmarks.position {in order of layer}) AS layers,
  events.payload ->> 'found_by' AS found_by,
  events.payload ->> 'fingerprint_expected' AS fingerprint_expected,
  events.payload ->> 'fingerprint_found' AS fingerprint_found,
  CASE WHEN CAST(events.payload ->> 'earlier_restorable' AS TEXT) IN ('1', 'true') THEN 1
       WHEN CAST(events.payload ->> 'earlier_restorable' AS TEXT) IN ('0', 'false') THEN 0 END AS earlier_restorable
FROM landmarks
JOIN events ON events.position = landmarks.position
WHERE landmarks.event_type = 'unattributed_write'
""",
    "restores": """
SELECT
  landmarks.position AS position,
  landmarks.model AS model,
  landmarks.occurred_at AS occurred_at,
  events.actor AS actor,
  events.payload ->> 'to_act' AS to_act,
  CAST(events.payload ->> 'to_position' AS BIGINT) AS to_position,
  events.payload ->> 'checkpoint' AS checkpoint,
  events.payload ->> 'reason' AS reason
FROM landmarks
JOIN events ON events.position = landmarks.position
WHERE landmarks.event_type = 'restored'
""",
    "claims": """
SELECT
  patterns.pattern_id AS pattern_id,
  patterns.model AS model,
  patterns.kind AS kind,
  patterns.subject AS subject,
  patterns.object AS object,
  patterns.direction AS direction,
  patterns.effect AS effect,
  patterns.ci_low AS ci_low,
  patterns.ci_high AS ci_high,
  patterns.log_e_value AS log_e_value,
  patterns.grade AS grade,
  patterns.method AS method,
  patterns.support AS support,
  patterns.first_position AS first_position,
  (SELECT events.occurred_at FROM events WHERE events.position = patterns.first_position) AS claimed_at,
  theories.predictions AS predictions,
  theories.hits AS hits,
  theories.brier AS brier,
  beliefs.credence AS credence,
  patterns.status AS status
FROM patterns
LEFT JOIN theories ON theories.theory_id = 'theory-' || substr(patterns.pattern_id, 9)
LEFT JOIN beliefs ON beliefs.belief_id = 'belief-' || substr(patterns.pattern_id, 9)
""",
    "effects_by_layer": f"""
SELECT
  claimed.pattern_id AS pattern_id,
  claimed.model AS model,
  claimed.subject AS storage_key,
  {{names of}} storage_names
    WHERE storage_names.storage_id = claimed.storage_id AND storage_names.to_position IS NULL
    {{in order of name}}) AS layers,
  claimed.object AS metric,
  claimed.kind AS kind,
  claimed.method AS method,
  claimed.dose AS reference_dose,
  claimed.effect AS effect,
  claimed.ci_low AS ci_low,
  claimed.ci_high AS ci_high,
  claimed.log_e_value AS log_e_value,
  claimed.grade AS grade,
  claimed.support AS support,
  claimed.better AS better,
  CASE WHEN claimed.direction * (CASE claimed.better WHEN 'lower' THEN -1 WHEN 'higher' THEN 1 END) > 0 THEN 'better'
       WHEN claimed.direction * (CASE claimed.better WHEN 'lower' THEN -1 WHEN 'higher' THEN 1 END) < 0 THEN 'worse'
  END AS verdict,
  claimed.first_position AS first_position,
  claimed.status AS status
FROM (
  SELECT patterns.*, {BETTER.format(metric="patterns.object", model="patterns.model")} AS better
  FROM patterns
  WHERE patterns.kind IN ('effect', 'impact')
) AS claimed
""",
    "current_beliefs": """
SELECT
  beliefs.belief_id AS belief_id,
  beliefs.model AS model,
  beliefs.belief_type AS belief_type,
  beliefs.statement AS statement,
  beliefs.credence AS credence,
  beliefs.strength AS strength,
  beliefs.source AS source,
  beliefs.asserted_by AS asserted_by,
  beliefs.grade AS grade,
  beliefs.effect AS effect,
  beliefs.ci_low AS ci_low,
  beliefs.ci_high AS ci_high,
  beliefs.supports AS supports,
  beliefs.contradicts AS contradicts,
  beliefs.first_position AS first_position,
  (SELECT events.occurred_at FROM events WHERE events.position = beliefs.first_position) AS since,
  beliefs.last_position AS last_position,
  (SELECT r.reason FROM belief_revisions AS r
    WHERE r.belief_id = beliefs.belief_id ORDER BY r.position DESC LIMIT 1) AS last_reason,
  beliefs.status AS status
FROM beliefs
WHERE beliefs.status <> 'retracted'
""",
    "belief_history": """
SELECT
  revised.belief_id AS belief_id,
  beliefs.model AS model,
  beliefs.statement AS statement,
  revised.position AS position,
  (SELECT events.occurred_at FROM events WHERE events.position = revised.position) AS occurred_at,
  (SELECT events.event_type FROM events WHERE events.position = revised.position) AS event_type,
  revised.credence AS credence,
  (SELECT r.credence FROM belief_revisions AS r
    WHERE r.belief_id = revised.belief_id AND r.position < revised.position
    ORDER BY r.position DESC LIMIT 1) AS credence_before,
  revised.strength AS strength,
  revised.effect AS effect,
  revised.reason AS reason,
  revised.status AS status
FROM belief_revisions AS revised
JOIN beliefs ON beliefs.belief_id = revised.belief_id
""",
    "belief_evidence": """
SELECT
  beliefs.belief_id AS belief_id,
  beliefs.statement AS statement,
  beliefs.credence AS credence,
  beliefs.theory_id AS theory_id,
  evidence.pattern_id AS pattern_id,
  evidence.position AS position,
  evidence.role AS role,
  evidence.outcome AS outcome,
  evidence.log_factor AS log_factor,
  evidence.baseline_position AS baseline_position,
  evidence.modification_position AS modification_position,
  written.primary_layer AS layer_name,
  written.method AS method,
  written.dose AS dose,
  written.act_id AS act_id
FROM beliefs
JOIN theories ON theories.theory_id = beliefs.theory_id
JOIN evidence ON evidence.pattern_id IN {composed of}
LEFT JOIN modifications AS written ON written.position = evidence.modification_position
""",
    "scored_predictions": """
SELECT
  predictions.position AS position,
  predictions.theory_id AS theory_id,
  theories.model AS model,
  theories.hypothesis AS hypothesis,
  predictions.direction AS direction,
  predictions.probability AS probability,
  CAST(CASE WHEN predictions.probability >= 0.9 THEN 0.9E0 WHEN predictions.probability >= 0.8 THEN 0.8E0
       WHEN predictions.probability >= 0.7 THEN 0.7E0 WHEN predictions.probability >= 0.6 THEN 0.6E0
       WHEN predictions.probability >= 0.5 THEN 0.5E0 WHEN predictions.probability >= 0.4 THEN 0.4E0
       WHEN predictions.probability >= 0.3 THEN 0.3E0 WHEN predictions.probability >= 0.2 THEN 0.2E0
       WHEN predictions.probability >= 0.1 THEN 0.1E0 ELSE 0.0E0 END AS DOUBLE PRECISION) AS bin,
  predictions.mean AS mean,
  predictions.sd AS sd,
  predictions.outcome AS outcome,
  CASE WHEN predictions.hit THEN 1 WHEN NOT predictions.hit THEN 0 END AS hit,
  CASE WHEN predictions.hit THEN (1.0E0 - predictions.probability) * (1.0E0 - predictions.probability)
       WHEN NOT predictions.hit THEN predictions.probability * predictions.probability END AS squared_error
FROM predictions
JOIN theories ON theories.theory_id = predictions.theory_id
""",
    "dropped_as_architecture": """
SELECT
  facts.fact_id AS fact_id,
  facts.model AS model,
  facts.kind AS kind,
  facts.subject AS subject,
  facts.object AS object,
  facts.reason AS reason,
  facts.relation AS relation,
  facts.strength_kind AS strength_kind,
  facts.strength AS strength,
  facts.support AS support,
  facts.first_position AS first_position,
  CASE WHEN facts.to_position IS NULL THEN 1 ELSE 0 END AS holds
FROM architectural_facts AS facts
WHERE facts.kind <> 'identity'
""",
    "metric_series": f"""
SELECT
  metrics.position AS position,
  metrics.metric AS metric,
  metrics.occurred_at AS occurred_at,
  metrics.model AS model,
  metrics.value AS value,
  metrics.special AS special,
  metrics.sample AS sample,
  metrics.act_id AS act_id,
  CASE WHEN metrics.position < {FIRST_WRITE.format(act="metrics.act_id")} THEN 'baseline'
       WHEN metrics.position > {FIRST_WRITE.format(act="metrics.act_id")} THEN 'outcome' END AS phase,
  {BETTER.format(metric="metrics.metric", model="metrics.model")} AS better,
  metrics.retracted_position AS retracted_position
FROM metrics
""",
    "storages_now": """
SELECT
  storages.storage_id AS storage_id,
  storages.model AS model,
  storages.key AS storage_key,
  {names of} storage_names
    WHERE storage_names.storage_id = storages.storage_id AND storage_names.to_position IS NULL
    {in order of name}) AS layers,
  (SELECT count(*) FROM storage_names
    WHERE storage_names.storage_id = storages.storage_id AND storage_names.to_position IS NULL) AS names,
  storages.from_position AS from_position,
  (SELECT max(modifications.position) FROM modifications
    WHERE modifications.storage_id = storages.storage_id) AS last_write_position
FROM storages
WHERE storages.to_position IS NULL
""",
    "sharing_history": """
SELECT
  maps.position AS position,
  maps.model AS model,
  landmarks.occurred_at AS occurred_at,
  landmarks.event_type AS event_type,
  maps.digest AS digest,
  maps.names AS names,
  maps.storages AS storages,
  {length of}(maps.groups) AS tied_groups
FROM sharing_maps AS maps
LEFT JOIN landmarks ON landmarks.position = maps.position
""",
    "amendments": """
SELECT
  landmarks.position AS position,
  landmarks.model AS model,
  landmarks.occurred_at AS occurred_at,
  events.actor AS actor,
  landmarks.event_type AS event_type,
  CAST(events.payload ->> 'position' AS BIGINT) AS target_position,
  events.payload ->> 'target_type' AS target_type,
  events.payload ->> 'reason' AS reason
FROM landmarks
JOIN events ON events.position = landmarks.position
WHERE landmarks.event_type IN ('correction', 'retraction')
""",
    "alerts": """
SELECT
  seen.position AS position,
  seen.occurred_at AS occurred_at,
  seen.model AS model,
  seen.level AS level,
  seen.category AS category,
  seen.rule AS rule,
  seen.message AS message,
  {items of}(seen.layers){items}) AS layers,
  seen.act_id AS act_id,
  CASE WHEN seen.stops THEN 1 ELSE 0 END AS stops,
  seen.cleared_position AS cleared_position
FROM safety_alerts AS seen
""",
    "checkpoint_log": """
SELECT
  saved.position AS position,
  saved.model AS model,
  saved.checkpoint_id AS checkpoint_id,
  saved.occurred_at AS occurred_at,
  saved.description AS description,
  {items of}(saved.tags){items}) AS tags,
  saved.size AS size,
  saved.automatic AS automatic,
  CASE WHEN saved.deleted_position IS NULL THEN 0 ELSE 1 END AS deleted,
  (SELECT min(later.position) FROM checkpoints AS later
    WHERE later.model = saved.model AND later.position > saved.position) AS next_position
FROM checkpoints AS saved
""",
    "projection_lag": """
SELECT
  projections.name AS name,
  projections.position AS position,
  log.head AS head,
  log.head - projections.position AS behind,
  projections.stopped_at AS stopped_at,
  projections.failure AS failure
FROM projections
CROSS JOIN (SELECT coalesce(max(appends.last_position), 0) AS head FROM appends) AS log
""",
}

# fmt: off
COMMENTS: dict[str, tuple[str, dict[str, str]]] = {
    "act_summary": ("What each act wrote, and whether it was taken back: one row per act that wrote.", {
        "act_id": "the act", "model": "the model's name in this record", "first_position": "its first write",
        "last_position": "its last write", "started_at": "when its first write happened, UTC ISO text",
        "method": "how its first write was done", "first_layer": "the name its first write used",
        "writes": "writes that count: several records of one write are one", "storages": "storages it wrote",
        "coupled_writes": "its writes that reached more names than one", "dose": "doses of its counted writes, added",
        "randomised": "whether a coin decided the sign of a dose",
        "outcomes": "metrics that were measured after its first write",
        "reverts": "the act it takes back, if it is there for that",
        "reverted_position": "the first write that takes it back; null: none does",
        "reverted": "whether a write takes it back",
    }),
    "act_outcomes": ("What each act did to each metric: last value before its first write, first after it, same sample.", {
        "position": "the evaluation after the act's first write", "metric": "the metric",
        "sample": "what it was measured on; null: not said", "act_id": "the act",
        "model": "the model's name in this record; null: not said",
        "baseline_position": "the evaluation before the act's first write; null: there was none",
        "baseline": "the value before; null: none, or not finite", "outcome": "the value after; null: not finite",
        "change": "outcome minus baseline", "better": "which way is better: lower, higher, or null: not said",
        "verdict": "better, worse or same; null where that cannot be said",
    }),
    "write_outcomes": ("What followed from each counted write: its dose beside the change of each metric in its act.", {
        "write_position": "the write", "outcome_position": "the evaluation after it", "metric": "the metric",
        "sample": "what it was measured on; null: not said", "act_id": "the act of both",
        "model": "the model's name in this record", "storage_key": "the storage written, by its key then",
        "layer_name": "the name the writer used", "method": "how it was done",
        "dose": "signed size in units of the method's reference dose",
        "randomised": "whether a coin decided the sign of the dose", "alone": "whether the act wrote no other storage",
        "baseline": "the value before", "outcome": "the value after", "change": "outcome minus baseline",
        "verdict": "better, worse or same; null where that cannot be said",
    }),
    "layer_history": ("Every write that reached a name, under whichever name it was made: one row per write and name.", {
        "layer_name": "a name the write reached", "position": "the event", "model": "the model's name in this record",
        "occurred_at": "when it happened, UTC ISO text",
        "event_type": "modification, coupled_modification or unattributed_write",
        "relation": "how it was reached: primary, alias, overlap or derived",
        "primary_layer": "the name the writer used; null: nobody announced the write",
        "storage_key": "the storage the name views; null: a derived name, or one no map knows",
        "act_id": "the act it is part of, if any", "method": "how it was done",
        "dose": "signed size in units of the method's reference dose",
        "changed": "whether any byte changed; null: only reported",
        "counted": "whether it counts as one write; null: nobody announced it",
        "delta_norm": "Euclidean norm of after minus before", "relative_change": "delta_norm over the norm before",
        "fraction_changed": "share of elements with other bits than before", "reverts": "the act it takes back, if any",
        "reverted": "whether a later write takes its act back",
        "retracted_position": "the event that retracted it; null where it stands",
        "description": "what the writer says", "reason": "why, if said",
    }),
    "coupled_writes": ("Writes to bytes that several names share: one row per write, with every name it reached.", {
        "position": "the event", "model": "the model's name in this record",
        "occurred_at": "when it happened, UTC ISO text", "primary_layer": "the name the writer used",
        "other_layers": "every other name it reached", "names": "how many names it reached in all",
        "storage_key": "the storage written", "act_id": "the act it is part of, if any", "method": "how it was done",
        "dose": "signed size in units of the method's reference dose",
        "changed": "whether any byte changed; null: only reported", "counted": "whether it counts as one write",
        "delta_norm": "Euclidean norm of after minus before",
    }),
    "denied_and_aborted": ("Edits that did not happen: a safety rule denied them, or the code inside raised.", {
        "position": "the event", "model": "the model's name in this record",
        "occurred_at": "when it happened, UTC ISO text", "actor": "who recorded it, if said",
        "act_id": "the act it is part of, if any", "primary_layer": "the name that was to be edited",
        "storage_key": "its storage", "method": "how it was to be done", "denied": "whether a safety rule denied it",
        "denied_by": "the rules that did", "error": "the type of the exception", "message": "what it said",
        "restored": "whether the bytes are again those before, bit for bit",
    }),
    "unannounced_writes": ("Storages that were found to hold other bytes than the log said.", {
        "position": "the event", "model": "the model's name in this record",
        "occurred_at": "when it happened, UTC ISO text", "actor": "who recorded it, if said",
        "storage_key": "the storage", "layers": "every name that was reached",
        "found_by": "what noticed it: attach, edit, verify, restore, watch, checkpoint or tripwire",
        "fingerprint_expected": "digest of what the log says", "fingerprint_found": "digest of what was found",
        "earlier_restorable": "whether the state expected can be put back; null: nobody looked",
    }),
    "restores": ("Earlier states that were put back as a whole.", {
        "position": "the event", "model": "the model's name in this record",
        "occurred_at": "when it happened, UTC ISO text", "actor": "who recorded it, if said",
        "to_act": "the act before which it was put back, where known",
        "to_position": "the position whose state was put back; null: done elsewhere",
        "checkpoint": "the checkpoint asked for, if any", "reason": "why, if said",
    }),
    "claims": ("What is claimed, and how well it has held: patterns with their theory's score and the belief they earned.", {
        "pattern_id": "the pattern", "model": "the model's name in this record",
        "kind": "effect, impact, comodification, cochange, sequence, metric_pair, trend or threshold",
        "subject": "storage key, metric, write:<storage key> or kind:<category>",
        "object": "metric, storage key, write:<storage key> or kind:<category>; empty for a trend",
        "direction": "+1 up, -1 down, 0 moves",
        "effect": "the effect: per act at the reference dose, in the metric's units; else in units of its kind",
        "ci_low": "lower end of the 95 % confidence sequence; null: unbounded", "ci_high": "upper end; null: unbounded",
        "log_e_value": "natural logarithm of the evidence against no effect",
        "grade": "randomised, adjusted or observational",
        "method": "how the writes were done; of a cochange the statistic that was read",
        "support": "outcomes, readings or blocks that were evidence", "first_position": "where it was first claimed",
        "claimed_at": "when that happened, UTC ISO text",
        "predictions": "outcomes its theory predicted before they came", "hits": "of these, with the sign it said",
        "brier": "mean squared error of its theory's probabilities; null before the first",
        "credence": "probability of the belief it earned; null: none yet", "status": "active, weakened or retracted",
    }),
    "effects_by_layer": ("What writes to a storage do to metrics, as claimed: one row per claim of kind effect or impact.", {
        "pattern_id": "the pattern", "model": "the model's name in this record",
        "storage_key": "the storage, by its key when it was first claimed", "layers": "the names that view it now",
        "metric": "the metric", "kind": "effect: the side is known; impact: it moves",
        "method": "how the writes were done", "reference_dose": "absolute dose of the writes; null: none was given",
        "effect": "the effect: per act at the reference dose, in the metric's units; else in units of its kind",
        "ci_low": "lower end of the 95 % confidence sequence; null: unbounded", "ci_high": "upper end; null: unbounded",
        "log_e_value": "natural logarithm of the evidence against no effect",
        "grade": "randomised, adjusted or observational", "support": "outcomes that were evidence",
        "better": "which way is better for the metric: lower, higher, or null: not said",
        "verdict": "what a positive dose does: better or worse; null where that cannot be said",
        "first_position": "where it was first claimed", "status": "active, weakened or retracted",
    }),
    "current_beliefs": ("What is believed now: beliefs that were not retracted, with why they last changed.", {
        "belief_id": "the belief", "model": "the model's name in this record; empty: it is about every model",
        "belief_type": "causal_law, heuristic, constraint, fact, safety_principle, value, architectural_fact",
        "statement": "what is believed, in words and numbers", "credence": "probability it is held with",
        "strength": "tentative, confident, certain or absolute", "source": "earned, asserted, shipped or architecture",
        "asserted_by": "who asserted it; null where nobody did",
        "grade": "randomised, adjusted, observational, asserted or architecture",
        "effect": "the effect it speaks of; null where none", "ci_low": "lower end of its confidence sequence",
        "ci_high": "upper end", "supports": "outcomes that came as it says, since it is held",
        "contradicts": "outcomes that came otherwise, since it is held",
        "first_position": "where it was formed; 0 for what was shipped",
        "since": "when that was, UTC ISO text; null for what was shipped", "last_position": "where it last changed",
        "last_reason": "why it last changed, in words; null: it never did", "status": "active or weakened",
    }),
    "belief_history": ("Every state each belief has been in, with the event that changed it.", {
        "belief_id": "the belief", "model": "the model's name in this record; empty: it is about every model",
        "statement": "what is believed, in words and numbers, as it is now",
        "position": "the event that changed it; 0 for what was shipped",
        "occurred_at": "when that happened, UTC ISO text; null for what was shipped",
        "event_type": "what kind of event it was; null for what was shipped",
        "credence": "probability it was held with from there on",
        "credence_before": "probability before; null for the first state",
        "strength": "tentative, confident, certain or absolute", "effect": "the effect it spoke of; null where none",
        "reason": "why it changed, in words", "status": "active, weakened or retracted",
    }),
    "belief_evidence": ("What each belief rests on: the outcomes that tell most for and against the patterns beneath it.", {
        "belief_id": "the belief", "statement": "what is believed, in words and numbers",
        "credence": "probability it is held with", "theory_id": "the theory it was formed from",
        "pattern_id": "a pattern that was composed from", "position": "the outcome, or the settlement of a block",
        "role": "supports or contradicts the direction claimed, or neutral",
        "outcome": "what came, with the sign the kind looks at",
        "log_factor": "what it did to the log e-value of the pattern",
        "baseline_position": "what it is compared with, or the first event of its block",
        "modification_position": "the write it is the outcome of; null for a block",
        "layer_name": "the name that write used", "method": "how it was done", "dose": "its dose", "act_id": "its act",
    }),
    "scored_predictions": ("Forecasts made strictly before their outcome, with what came.", {
        "position": "the outcome", "theory_id": "the theory", "model": "the model's name in this record",
        "hypothesis": "what it says, in words", "direction": "the side it names, +1 or -1",
        "probability": "given to an outcome on that side",
        "bin": "the tenth that the probability is in, by its lower end: 0 to 0.9", "mean": "normal forecast: mean",
        "sd": "normal forecast: standard deviation", "outcome": "what came; null: not finite",
        "hit": "whether it came on that side; null: a tie, or not finite",
        "squared_error": "Brier score: probability minus hit, squared; null where hit is",
    }),
    "dropped_as_architecture": ("Correlations that are no knowledge: one tensor under two names, or one number derived from another.", {
        "fact_id": "the architectural fact", "model": "the model's name in this record",
        "kind": "the kind of correlation that was dropped", "subject": "one end", "object": "the other end",
        "reason": "alias, overlap, derived, derived_metric, repeated_observation, ...",
        "relation": "the relation that explains it, in words",
        "strength_kind": "what strength measures: log_e_value or correlation",
        "strength": "how strong it looked; null: nothing recorded yet", "support": "records it was computed from",
        "first_position": "position from which the relation holds", "holds": "whether it still does",
    }),
    "metric_series": ("Every number of every evaluation, with where it stands in its act.", {
        "position": "the evaluation", "metric": "the metric", "occurred_at": "when it happened, UTC ISO text",
        "model": "the model's name in this record; null: not said", "value": "the value; null where it is not finite",
        "special": "NaN, Infinity or -Infinity where value is null",
        "sample": "what it was measured on; null: not said", "act_id": "the act it is part of, if any",
        "phase": "baseline before the act's first write, outcome after it; null outside of acts that wrote",
        "better": "which way is better: lower, higher, or null: not said",
        "retracted_position": "the event that retracted it; null where it stands",
    }),
    "storages_now": ("The storages there are now and every name that views each: several names are one tensor.", {
        "storage_id": "the storage", "model": "the model's name in this record",
        "storage_key": "the storage key: first of its names", "layers": "every name that views it",
        "names": "how many these are", "from_position": "position from which the key holds",
        "last_write_position": "the last announced write to it; null: none",
    }),
    "sharing_history": ("Every sharing map the record has seen.", {
        "position": "the event that brought the map", "model": "the model's name in this record",
        "occurred_at": "when it happened, UTC ISO text", "event_type": "model_attached or sharing_changed",
        "digest": "sha256 of the map: equal maps, equal digest", "names": "how many names the model has",
        "storages": "how many storages they view", "tied_groups": "how many storages have several names",
    }),
    "amendments": ("What was said to be wrong: corrections and retractions of earlier events.", {
        "position": "the event", "model": "the model's name in this record; null: the event belongs to none",
        "occurred_at": "when it happened, UTC ISO text", "actor": "who recorded it, if said",
        "event_type": "correction or retraction", "target_position": "the event that was wrong",
        "target_type": "what kind of event that is", "reason": "why, in words",
    }),
    "alerts": ("What was seen that may be unsafe, and whether a person cleared it.", {
        "position": "the alert", "occurred_at": "when it happened, UTC ISO text",
        "model": "the model's name in this record; null: every model", "level": "info, warning, critical or emergency",
        "category": "what kind of thing was seen", "rule": "the rule that saw it; null: none",
        "message": "what was seen, in words", "layers": "the names it is about",
        "act_id": "the act it is part of, if any",
        "stops": "whether it stops the model: an emergency that nobody cleared yet",
        "cleared_position": "the event that ended the emergency; null: none did",
    }),
    "checkpoint_log": ("Checkpoints and what came after each.", {
        "position": "the event that saved it", "model": "the model's name in this record", "checkpoint_id": "its name",
        "occurred_at": "when it happened, UTC ISO text", "description": "what it is, in words", "tags": "its tags now",
        "size": "bytes of its files",
        "automatic": "why it was made where nobody asked for it: modifications or minutes",
        "deleted": "whether it was let go", "next_position": "the model's next checkpoint; null: this is the last",
    }),
    "projection_lag": ("How far each projection is behind the log: what SQL reads is as old as that.", {
        "name": "the projection", "position": "the last event folded in", "head": "the last event there is",
        "behind": "events that are not in its tables yet",
        "stopped_at": "the event it could not fold; null while it goes on", "failure": "why it stopped",
    }),
}
# fmt: on
