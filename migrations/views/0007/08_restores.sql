-- Earlier states that were put back as a whole.
-- position: the event
-- model: the model's name in this record
-- occurred_at: when it happened, UTC ISO text
-- actor: who recorded it, if said
-- to_act: the act before which it was put back, where known
-- to_position: the position whose state was put back; null: done elsewhere
-- checkpoint: the checkpoint asked for, if any
-- reason: why, if said
SELECT
  landmarks.position AS position,
  landmarks.model AS model,
  landmarks.occurred_at AS occurred_at,
  events.actor AS actor,
  events.payload ->> 'to_act' AS to_act,
  CAST(events.payload ->> 'to_position' AS BIGINT) AS to_position,
  events.payload ->> 'checkpoint' AS checkpoint,
  events.payload ->> 'reason' AS reason
FROM landmarks
JOIN events ON events.position = landmarks.position
WHERE landmarks.event_type = 'restored'
