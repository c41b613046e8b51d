-- Storages that were found to hold other bytes than the log said.
-- position: the event
-- model: the model's name in this record
-- occurred_at: when it happened, UTC ISO text
-- actor: who recorded it, if said
-- storage_key: the storage
-- layers: every name that was reached
-- found_by: what noticed it: attach, edit, verify, restore, watch, checkpoint or tripwire
-- fingerprint_expected: digest of what the log says
-- fingerprint_found: digest of what was found
-- earlier_restorable: whether the state expected can be put back; null: nobody looked
SELECT
  landmarks.position AS position,
  landmarks.model AS model,
  landmarks.occurred_at AS occurred_at,
  events.actor AS actor,
  events.payload ->> 'storage_key' AS storage_key,
  {layers of} affected_layers WHERE affected_layers.position = landmarks.position {in order of layer}) AS layers,
  events.payload ->> 'found_by' AS found_by,
  events.payload ->> 'fingerprint_expected' AS fingerprint_expected,
  events.payload ->> 'fingerprint_found' AS fingerprint_found,
  CASE WHEN CAST(events.payload ->> 'earlier_restorable' AS TEXT) IN ('1', 'true') THEN 1
       WHEN CAST(events.payload ->> 'earlier_restorable' AS TEXT) IN ('0', 'false') THEN 0 END AS earlier_restorable
FROM landmarks
JOIN events ON events.position = landmarks.position
WHERE landmarks.event_type = 'unattributed_write'
