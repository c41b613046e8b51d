-- Every sharing map the record has seen.
-- position: the event that brought the map
-- model: the model's name in this record
-- occurred_at: when it happened, UTC ISO text
-- event_type: model_attached or sharing_changed
-- digest: sha256 of the map: equal maps, equal digest
-- names: how many names the model has
-- storages: how many storages they view
-- tied_groups: how many storages have several names
SELECT
  maps.position AS position,
  maps.model AS model,
  landmarks.occurred_at AS occurred_at,
  landmarks.event_type AS event_type,
  maps.digest AS digest,
  maps.names AS names,
  maps.storages AS storages,
  {length of}(maps.groups) AS tied_groups
FROM sharing_maps AS maps
LEFT JOIN landmarks ON landmarks.position = maps.position
