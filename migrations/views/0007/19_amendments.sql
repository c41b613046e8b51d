-- What was said to be wrong: corrections and retractions of earlier events.
-- position: the event
-- model: the model's name in this record; null: the event belongs to none
-- occurred_at: when it happened, UTC ISO text
-- actor: who recorded it, if said
-- event_type: correction or retraction
-- target_position: the event that was wrong
-- target_type: what kind of event that is
-- reason: why, in words
SELECT
  landmarks.position AS position,
  landmarks.model AS model,
  landmarks.occurred_at AS occurred_at,
  events.actor AS actor,
  landmarks.event_type AS event_type,
  CAST(events.payload ->> 'position' AS BIGINT) AS target_position,
  events.payload ->> 'target_type' AS target_type,
  events.payload ->> 'reason' AS reason
FROM landmarks
JOIN events ON events.position = landmarks.position
WHERE landmarks.event_type IN ('correction', 'retraction')
