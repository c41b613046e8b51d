-- Forecasts made strictly before their outcome, with what came.
-- position: the outcome
-- theory_id: the theory
-- model: the model's name in this record
-- hypothesis: what it says, in words
-- direction: the side it names, +1 or -1
-- probability: given to an outcome on that side
-- bin: the tenth that the probability is in, by its lower end: 0 to 0.9
-- mean: normal forecast: mean
-- sd: normal forecast: standard deviation
-- outcome: what came; null: not finite
-- hit: whether it came on that side; null: a tie, or not finite
-- squared_error: Brier score: probability minus hit, squared; null where hit is
SELECT
  predictions.position AS position,
  predictions.theory_id AS theory_id,
  theories.model AS model,
  theories.hypothesis AS hypothesis,
  predictions.direction AS direction,
  predictions.probability AS probability,
  CAST(CASE WHEN predictions.probability >= 0.9 THEN 0.9E0 WHEN predictions.probability >= 0.8 THEN 0.8E0
       WHEN predictions.probability >= 0.7 THEN 0.7E0 WHEN predictions.probability >= 0.6 THEN 0.6E0
       WHEN predictions.probability >= 0.5 THEN 0.5E0 WHEN predictions.probability >= 0.4 THEN 0.4E0
       WHEN predictions.probability >= 0.3 THEN 0.3E0 WHEN predictions.probability >= 0.2 THEN 0.2E0
       WHEN predictions.probability >= 0.1 THEN 0.1E0 ELSE 0.0E0 END AS DOUBLE PRECISION) AS bin,
  predictions.mean AS mean,
  predictions.sd AS sd,
  predictions.outcome AS outcome,
  CASE WHEN predictions.hit THEN 1 WHEN NOT predictions.hit THEN 0 END AS hit,
  CASE WHEN predictions.hit THEN (1.0E0 - predictions.probability) * (1.0E0 - predictions.probability)
       WHEN NOT predictions.hit THEN predictions.probability * predictions.probability END AS squared_error
FROM predictions
JOIN theories ON theories.theory_id = predictions.theory_id
