-- What each act wrote, and whether it was taken back: one row per act that wrote.
-- act_id: the act
-- model: the model's name in this record
-- first_position: its first write
-- last_position: its last write
-- started_at: when its first write happened, UTC ISO text
-- method: how its first write was done
-- first_layer: the name its first write used
-- writes: writes that count: several records of one write are one
-- storages: storages it wrote
-- coupled_writes: its writes that reached more names than one
-- dose: doses of its counted writes, added
-- randomised: whether a coin decided the sign of a dose
-- outcomes: metrics that were measured after its first write
-- reverts: the act it takes back, if it is there for that
-- reverted_position: the first write that takes it back; null: none does
-- reverted: whether a write takes it back
SELECT
  first.act_id AS act_id,
  first.model AS model,
  first.position AS first_position,
  (SELECT max(w.position) FROM modifications AS w
    WHERE w.act_id = first.act_id AND w.retracted_position IS NULL) AS last_position,
  first.occurred_at AS started_at,
  first.method AS method,
  first.primary_layer AS first_layer,
  (SELECT count(*) FROM modifications AS w WHERE w.act_id = first.act_id AND w.counted) AS writes,
  (SELECT count(DISTINCT w.storage_id) FROM modifications AS w
    WHERE w.act_id = first.act_id AND w.retracted_position IS NULL) AS storages,
  (SELECT count(*) FROM modifications AS w
    WHERE w.act_id = first.act_id AND w.counted AND w.event_type = 'coupled_modification') AS coupled_writes,
  (SELECT sum(w.dose) FROM modifications AS w WHERE w.act_id = first.act_id AND w.counted) AS dose,
  (SELECT max(CASE WHEN w.randomised THEN 1 ELSE 0 END) FROM modifications AS w
    WHERE w.act_id = first.act_id AND w.retracted_position IS NULL) AS randomised,
  (SELECT count(DISTINCT m.metric) FROM metrics AS m
    WHERE m.act_id = first.act_id AND m.position > first.position AND m.retracted_position IS NULL) AS outcomes,
  first.reverts AS reverts,
  (SELECT min(r.position) FROM modifications AS r
    WHERE r.reverts = first.act_id AND r.retracted_position IS NULL) AS reverted_position,
  CASE WHEN EXISTS (SELECT 1 FROM modifications AS r
    WHERE r.reverts = first.act_id AND r.retracted_position IS NULL) THEN 1 ELSE 0 END AS reverted
FROM modifications AS first
WHERE first.act_id IS NOT NULL
  AND first.retracted_position IS NULL
  AND first.position = (
    SELECT min(w.position) FROM modifications AS w
    WHERE w.act_id = first.act_id AND w.retracted_position IS NULL)
