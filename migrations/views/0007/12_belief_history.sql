-- Every state each belief has been in, with the event that changed it.
-- belief_id: the belief
-- model: the model's name in this record; empty: it is about every model
-- statement: what is believed, in words and numbers, as it is now
-- position: the event that changed it; 0 for what was shipped
-- occurred_at: when that happened, UTC ISO text; null for what was shipped
-- event_type: what kind of event it was; null for what was shipped
-- credence: probability it was held with from there on
-- credence_before: probability before; null for the first state
-- strength: tentative, confident, certain or absolute
-- effect: the effect it spoke of; null where none
-- reason: why it changed, in words
-- status: active, weakened or retracted
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
