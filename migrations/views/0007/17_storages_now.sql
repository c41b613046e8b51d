-- The storages there are now and every name that views each: several names are one tensor.
-- storage_id: the storage
-- model: the model's name in this record
-- storage_key: the storage key: first of its names
-- layers: every name that views it
-- names: how many these are
-- from_position: position from which the key holds
-- last_write_position: the last announced write to it; null: none
SELECT
  storages.storage_id AS storage_id,
  storages.model AS model,
  storages.key AS storage_key,
  {names of} storage_names
    WHERE storage_names.storage_id = storages.storage_id AND storage_names.to_position IS NULL
    {in order of name}) AS layers,
  (SELECT count(*) FROM storage_names
    WHERE storage_names.storage_id = storages.storage_id AND storage_names.to_position IS NULL) AS names,
  storages.from_position AS from_position,
  (SELECT max(modifications.position) FROM modifications
    WHERE modifications.storage_id = storages.storage_id AND modifications.retracted_position IS NULL)
    AS last_write_position
FROM storages
WHERE storages.to_position IS NULL
