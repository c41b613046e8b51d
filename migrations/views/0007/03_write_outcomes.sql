-- What followed from each counted write: its dose beside the change of each metric in its act.
-- write_position: the write
-- outcome_position: the evaluation after it
-- metric: the metric
-- sample: what it was measured on; null: not said
-- act_id: the act of both
-- model: the model's name in this record
-- storage_key: the storage written, by its key then
-- layer_name: the name the writer used
-- method: how it was done
-- dose: signed size in units of the method's reference dose
-- randomised: whether a coin decided the sign of the dose
-- alone: whether the act wrote no other storage
-- baseline: the value before
-- outcome: the value after
-- change: outcome minus baseline
-- verdict: better, worse or same; null where that cannot be said
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
  ON written.act_id = act_outcomes.act_id
  AND (act_outcomes.model IS NULL OR written.model = act_outcomes.model)
  AND CASE WHEN written.position < act_outcomes.position THEN written.counted END
