-- Writes to bytes that several names share: one row per write, with every name it reached.
-- position: the event
-- model: the model's name in this record
-- occurred_at: when it happened, UTC ISO text
-- primary_layer: the name the writer used
-- other_layers: every other name it reached
-- names: how many names it reached in all
-- storage_key: the storage written
-- act_id: the act it is part of, if any
-- method: how it was done
-- dose: signed size in units of the method's reference dose
-- changed: whether any byte changed; null: only reported
-- counted: whether it counts as one write
-- delta_norm: Euclidean norm of after minus before
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
