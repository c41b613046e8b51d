-- How far each projection is behind the log: what SQL reads is as old as that.
-- name: the projection
-- position: the last event folded in
-- head: the last event there is
-- behind: events that are not in its tables yet
-- stopped_at: the event it could not fold; null while it goes on
-- failure: why it stopped
SELECT
  projections.name AS name,
  projections.position AS position,
  log.head AS head,
  log.head - projections.position AS behind,
  projections.stopped_at AS stopped_at,
  projections.failure AS failure
FROM projections
CROSS JOIN (SELECT coalesce(max(appends.last_position), 0) AS head FROM appends) AS log
