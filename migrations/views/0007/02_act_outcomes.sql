-- What each act did to each metric: last value before its first write, first after it, same sample.
-- position: the evaluation after the act's first write
-- metric: the metric
-- sample: what it was measured on; null: not said
-- act_id: the act
-- model: the model's name in this record; null: not said
-- baseline_position: the evaluation before the act's first write; null: there was none
-- baseline: the value before; null: none, or not finite
-- outcome: the value after; null: not finite
-- change: outcome minus baseline
-- better: which way is better: lower, higher, or null: not said
-- verdict: better, worse or same; null where that cannot be said
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
      (SELECT metric_definitions.better FROM metric_definitions
    WHERE metric_definitions.position = coalesce(
      (SELECT max(own.position) FROM metric_definitions AS own WHERE own.metric = after.metric AND own.model = after.model),
      (SELECT max(of_all.position) FROM metric_definitions AS of_all
        WHERE of_all.metric = after.metric AND of_all.model IS NULL))) AS better,
      (SELECT max(before.position) FROM metrics AS before
        WHERE before.act_id = after.act_id AND before.metric = after.metric
          AND coalesce(before.model, '') = coalesce(after.model, '')
          AND (before.sample = after.sample OR (before.sample IS NULL AND after.sample IS NULL))
          AND before.retracted_position IS NULL
          AND before.position < (SELECT min(modifications.position) FROM modifications
    WHERE modifications.act_id = after.act_id AND modifications.retracted_position IS NULL
      AND (after.model IS NULL OR modifications.model = after.model))) AS baseline_position
    FROM metrics AS after
    WHERE after.act_id IS NOT NULL
      AND after.retracted_position IS NULL
      AND after.position > (SELECT min(modifications.position) FROM modifications
    WHERE modifications.act_id = after.act_id AND modifications.retracted_position IS NULL
      AND (after.model IS NULL OR modifications.model = after.model))
      AND NOT EXISTS (
        SELECT 1 FROM metrics AS earlier
        WHERE earlier.act_id = after.act_id AND earlier.metric = after.metric
          AND coalesce(earlier.model, '') = coalesce(after.model, '')
          AND earlier.position < after.position
          AND earlier.position > (SELECT min(modifications.position) FROM modifications
    WHERE modifications.act_id = after.act_id AND modifications.retracted_position IS NULL
      AND (after.model IS NULL OR modifications.model = after.model))
          AND (earlier.sample = after.sample OR (earlier.sample IS NULL AND after.sample IS NULL))
          AND earlier.retracted_position IS NULL)
  ) AS paired
) AS compared
