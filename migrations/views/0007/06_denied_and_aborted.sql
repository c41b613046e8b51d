-- Edits that did not happen: a safety rule denied them, or the code inside raised.
-- position: the event
-- model: the model's name in this record
-- occurred_at: when it happened, UTC ISO text
-- actor: who recorded it, if said
-- act_id: the act it is part of, if any
-- primary_layer: the name that was to be edited
-- storage_key: its storage
-- method: how it was to be done
-- denied: whether a safety rule denied it
-- denied_by: the rules that did
-- error: the type of the exception
-- message: what it said
-- restored: whether the bytes are again those before, bit for bit
SELECT
  landmarks.position AS position,
  landmarks.model AS model,
  landmarks.occurred_at AS occurred_at,
  events.actor AS actor,
  landmarks.act_id AS act_id,
  events.payload ->> 'primary_layer' AS primary_layer,
  events.payload ->> 'storage_key' AS storage_key,
  events.payload ->> 'method' AS method,
  CASE WHEN events.schema_version > 1 AND {length of}(events.payload -> 'denied_by') > 0 THEN 1 ELSE 0 END AS denied,
  {items of}(events.payload -> 'denied_by'){items}) AS denied_by,
  events.payload ->> 'error' AS error,
  events.payload ->> 'message' AS message,
  CASE WHEN CAST(events.payload ->> 'restored' AS TEXT) IN ('1', 'true') THEN 1 ELSE 0 END AS restored
FROM landmarks
JOIN events ON events.position = landmarks.position
WHERE landmarks.event_type = 'edit_aborted'
