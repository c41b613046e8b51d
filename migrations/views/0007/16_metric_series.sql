-- Every number of every evaluation, with where it stands in its act.
-- position: the evaluation
-- metric: the metric
-- occurred_at: when it happened, UTC ISO text
-- model: the model's name in this record; null: not said
-- value: the value; null where it is not finite
-- special: NaN, Infinity or -Infinity where value is null
-- sample: what it was measured on; null: not said
-- act_id: the act it is part of, if any
-- phase: baseline before the act's first write, outcome after it; null outside of acts that wrote
-- better: which way is better: lower, higher, or null: not said
-- retracted_position: the event that retracted it; null where it stands
SELECT
  metrics.position AS position,
  metrics.metric AS metric,
  metrics.occurred_at AS occurred_at,
  metrics.model AS model,
  metrics.value AS value,
  metrics.special AS special,
  metrics.sample AS sample,
  metrics.act_id AS act_id,
  CASE WHEN metrics.position < (SELECT min(modifications.position) FROM modifications
    WHERE modifications.act_id = metrics.act_id AND modifications.retracted_position IS NULL
      AND (metrics.model IS NULL OR modifications.model = metrics.model)) THEN 'baseline'
       WHEN metrics.position > (SELECT min(modifications.position) FROM modifications
    WHERE modifications.act_id = metrics.act_id AND modifications.retracted_position IS NULL
      AND (metrics.model IS NULL OR modifications.model = metrics.model)) THEN 'outcome' END AS phase,
  (SELECT metric_definitions.better FROM metric_definitions
    WHERE metric_definitions.position = coalesce(
      (SELECT max(own.position) FROM metric_definitions AS own WHERE own.metric = metrics.metric AND own.model = metrics.model),
      (SELECT max(of_all.position) FROM metric_definitions AS of_all
        WHERE of_all.metric = metrics.metric AND of_all.model IS NULL))) AS better,
  metrics.retracted_position AS retracted_position
FROM metrics
