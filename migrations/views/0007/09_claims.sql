-- What is claimed, and how well it has held: patterns with their theory's score and the belief they earned.
-- pattern_id: the pattern
-- model: the model's name in this record
-- kind: effect, impact, comodification, cochange, sequence, metric_pair, trend or threshold
-- subject: storage key, metric, write:<storage key> or kind:<category>
-- object: metric, storage key, write:<storage key> or kind:<category>; empty for a trend
-- direction: +1 up, -1 down, 0 moves
-- effect: the effect: per act at the reference dose, in the metric's units; else in units of its kind
-- ci_low: lower end of the 95 % confidence sequence; null: unbounded
-- ci_high: upper end; null: unbounded
-- log_e_value: natural logarithm of the evidence against no effect
-- grade: randomised, adjusted or observational
-- method: how the writes were done; of a cochange the statistic that was read
-- support: outcomes, readings or blocks that were evidence
-- first_position: where it was first claimed
-- claimed_at: when that happened, UTC ISO text
-- predictions: outcomes its theory predicted before they came
-- hits: of these, with the sign it said
-- brier: mean squared error of its theory's probabilities; null before the first
-- credence: probability of the belief it earned; null: none yet
-- status: active, weakened or retracted
SELECT
  patterns.pattern_id AS pattern_id,
  patterns.model AS model,
  patterns.kind AS kind,
  patterns.subject AS subject,
  patterns.object AS object,
  patterns.direction AS direction,
  patterns.effect AS effect,
  patterns.ci_low AS ci_low,
  patterns.ci_high AS ci_high,
  patterns.log_e_value AS log_e_value,
  patterns.grade AS grade,
  patterns.method AS method,
  patterns.support AS support,
  patterns.first_position AS first_position,
  (SELECT events.occurred_at FROM events WHERE events.position = patterns.first_position) AS claimed_at,
  theories.predictions AS predictions,
  theories.hits AS hits,
  theories.brier AS brier,
  beliefs.credence AS credence,
  patterns.status AS status
FROM patterns
LEFT JOIN theories ON theories.theory_id = 'theory-' || substr(patterns.pattern_id, 9)
LEFT JOIN beliefs ON beliefs.belief_id = 'belief-' || substr(patterns.pattern_id, 9)
