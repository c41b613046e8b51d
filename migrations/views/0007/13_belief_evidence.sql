-- What each belief rests on: the outcomes that tell most for and against the patterns beneath it.
-- belief_id: the belief
-- statement: what is believed, in words and numbers
-- credence: probability it is held with
-- theory_id: the theory it was formed from
-- pattern_id: a pattern that was composed from
-- position: the outcome, or the settlement of a block
-- role: supports or contradicts the direction claimed, or neutral
-- outcome: what came, with the sign the kind looks at
-- log_factor: what it did to the log e-value of the pattern
-- baseline_position: what it is compared with, or the first event of its block
-- modification_position: the write it is the outcome of; null for a block
-- layer_name: the name that write used
-- method: how it was done
-- dose: its dose
-- act_id: its act
SELECT
  beliefs.belief_id AS belief_id,
  beliefs.statement AS statement,
  beliefs.credence AS credence,
  beliefs.theory_id AS theory_id,
  evidence.pattern_id AS pattern_id,
  evidence.position AS position,
  evidence.role AS role,
  evidence.outcome AS outcome,
  evidence.log_factor AS log_factor,
  evidence.baseline_position AS baseline_position,
  evidence.modification_position AS modification_position,
  written.primary_layer AS layer_name,
  written.method AS method,
  written.dose AS dose,
  written.act_id AS act_id
FROM beliefs
JOIN theories ON theories.theory_id = beliefs.theory_id
JOIN evidence ON evidence.pattern_id IN {composed of}
LEFT JOIN modifications AS written ON written.position = evidence.modification_position
