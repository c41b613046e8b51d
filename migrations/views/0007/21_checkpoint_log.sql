-- Checkpoints and what came after each.
-- position: the event that saved it
-- model: the model's name in this record
-- checkpoint_id: its name
-- occurred_at: when it happened, UTC ISO text
-- description: what it is, in words
-- tags: its tags now
-- size: bytes of its files
-- automatic: why it was made where nobody asked for it: modifications or minutes
-- deleted: whether it was let go
-- next_position: the model's next checkpoint; null: this is the last
SELECT
  saved.position AS position,
  saved.model AS model,
  saved.checkpoint_id AS checkpoint_id,
  saved.occurred_at AS occurred_at,
  saved.description AS description,
  {items of}(saved.tags){items}) AS tags,
  saved.size AS size,
  saved.automatic AS automatic,
  CASE WHEN saved.deleted_position IS NULL THEN 0 ELSE 1 END AS deleted,
  (SELECT min(later.position) FROM checkpoints AS later
    WHERE later.model = saved.model AND later.position > saved.position) AS next_position
FROM checkpoints AS saved
