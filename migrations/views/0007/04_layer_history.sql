-- Every write that reached a name, under whichever name it was made: one row per write and name.
-- layer_name: a name the write reached
-- position: the event
-- model: the model's name in this record
-- occurred_at: when it happened, UTC ISO text
-- event_type: modification, coupled_modification or unattributed_write
-- relation: how it was reached: primary, alias, overlap or derived
-- primary_layer: the name the writer used; null: nobody announced the write
-- storage_key: the storage the name views; null: a derived name, or one no map knows
-- act_id: the act it is part of, if any
-- method: how it was done
-- dose: signed size in units of the method's reference dose
-- changed: whether any byte changed; null: only reported
-- counted: whether it counts as one write; null: nobody announced it
-- delta_norm: Euclidean norm of after minus before
-- relative_change: delta_norm over the norm before
-- fraction_changed: share of elements with other bits than before
-- reverts: the act it takes back, if any
-- reverted: whether a later write takes its act back
-- retracted_position: the event that retracted it; null where it stands
-- description: what the writer says
-- reason: why, if said
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
    SELECT 1 FROM modifications AS r WHERE r.reverts = written.act_id AND r.position > reached.position
      AND r.retracted_position IS NULL)
    THEN 1 ELSE 0 END AS reverted,
  written.retracted_position AS retracted_position,
  written.description AS description,
  written.reason AS reason
FROM affected_layers AS reached
LEFT JOIN modifications AS written ON written.position = reached.position
