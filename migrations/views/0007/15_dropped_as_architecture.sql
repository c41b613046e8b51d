-- Correlations that are no knowledge: one tensor under two names, or one number derived from another.
-- fact_id: the architectural fact
-- model: the model's name in this record
-- kind: the kind of correlation that was dropped
-- subject: one end
-- object: the other end
-- reason: alias, overlap, derived, derived_metric, repeated_observation, ...
-- relation: the relation that explains it, in words
-- strength_kind: what strength measures: log_e_value or correlation
-- strength: how strong it looked; null: nothing recorded yet
-- support: records it was computed from
-- first_position: position from which the relation holds
-- holds: whether it still does
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
