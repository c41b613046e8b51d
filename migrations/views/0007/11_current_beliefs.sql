-- What is believed now: beliefs that were not retracted, with why they last changed.
-- belief_id: the belief
-- model: the model's name in this record; empty: it is about every model
-- belief_type: causal_law, heuristic, constraint, fact, safety_principle, value, architectural_fact
-- statement: what is believed, in words and numbers
-- credence: probability it is held with
-- strength: tentative, confident, certain or absolute
-- source: earned, asserted, shipped or architecture
-- asserted_by: who asserted it; null where nobody did
-- grade: randomised, adjusted, observational, asserted or architecture
-- effect: the effect it speaks of; null where none
-- ci_low: lower end of its confidence sequence
-- ci_high: upper end
-- supports: outcomes that came as it says, since it is held
-- contradicts: outcomes that came otherwise, since it is held
-- first_position: where it was formed; 0 for what was shipped
-- since: when that was, UTC ISO text; null for what was shipped
-- last_position: where it last changed
-- last_reason: why it last changed, in words; null: it never did
-- status: active or weakened
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
