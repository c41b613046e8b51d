-- What writes to a storage do to metrics, as claimed: one row per claim of kind effect or impact.
-- pattern_id: the pattern
-- model: the model's name in this record
-- storage_key: the storage, by its key when it was first claimed
-- layers: the names that view it now
-- metric: the metric
-- kind: effect: the side is known; impact: it moves
-- method: how the writes were done
-- reference_dose: absolute dose of the writes; null: none was given
-- effect: the effect: per act at the reference dose, in the metric's units; else in units of its kind
-- ci_low: lower end of the 95 % confidence sequence; null: unbounded
-- ci_high: upper end; null: unbounded
-- log_e_value: natural logarithm of the evidence against no effect
-- grade: randomised, adjusted or observational
-- support: outcomes that were evidence
-- better: which way is better for the metric: lower, higher, or null: not said
-- verdict: what a positive dose does: better or worse; null where that cannot be said
-- first_position: where it was first claimed
-- status: active, weakened or retracted
SELECT
  claimed.pattern_id AS pattern_id,
  claimed.model AS model,
  claimed.subject AS storage_key,
  {names of} storage_names
    WHERE storage_names.storage_id = claimed.storage_id AND storage_names.to_position IS NULL
    {in order of name}) AS layers,
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
  SELECT patterns.*, (SELECT metric_definitions.better FROM metric_definitions
    WHERE metric_definitions.position = coalesce(
      (SELECT max(own.position) FROM metric_definitions AS own WHERE own.metric = patterns.object AND own.model = patterns.model),
      (SELECT max(of_all.position) FROM metric_definitions AS of_all
        WHERE of_all.metric = patterns.object AND of_all.model IS NULL))) AS better
  FROM patterns
  WHERE patterns.kind IN ('effect', 'impact')
) AS claimed
