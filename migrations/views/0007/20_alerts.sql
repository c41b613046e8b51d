-- What was seen that may be unsafe, and whether a person cleared it.
-- position: the alert
-- occurred_at: when it happened, UTC ISO text
-- model: the model's name in this record; null: every model
-- level: info, warning, critical or emergency
-- category: what kind of thing was seen
-- rule: the rule that saw it; null: none
-- message: what was seen, in words
-- layers: the names it is about
-- act_id: the act it is part of, if any
-- stops: whether it stops the model: an emergency that nobody cleared yet
-- cleared_position: the event that ended the emergency; null: none did
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
