CREATE FUNCTION public.palimpsest_refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION USING
    MESSAGE = 'append-only: ' || TG_OP || ' of ' || TG_TABLE_NAME || ' is refused',
    ERRCODE = 'restrict_violation';
END
$$;
CREATE TABLE public.affected_layers (
    "position" bigint NOT NULL,
    model text NOT NULL,
    layer_name text NOT NULL,
    storage_key text,
    relation text NOT NULL
);
COMMENT ON TABLE public.affected_layers IS 'Every name that every write reached: one row per event and name.';
COMMENT ON COLUMN public.affected_layers."position" IS 'the event that wrote';
COMMENT ON COLUMN public.affected_layers.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.affected_layers.layer_name IS 'a name the write reaches';
COMMENT ON COLUMN public.affected_layers.storage_key IS 'the storage that name views; null: a derived name, or one no map knows';
COMMENT ON COLUMN public.affected_layers.relation IS 'primary, alias, overlap or derived';
CREATE TABLE public.appends (
    append_id bigint NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    recorded_at bigint NOT NULL,
    actor text,
    correlation_id text,
    digest bytea NOT NULL
);
COMMENT ON TABLE public.appends IS 'One row per atomic append of events: its time, and its link of the hash chain. Append-only.';
COMMENT ON COLUMN public.appends.append_id IS 'Number of the append, from 1 without gaps; 0 is the origin.';
COMMENT ON COLUMN public.appends.first_position IS 'Position of its first event.';
COMMENT ON COLUMN public.appends.last_position IS 'Position of its last event.';
COMMENT ON COLUMN public.appends.recorded_at IS 'When it was made: microseconds since 1970 UTC.';
COMMENT ON COLUMN public.appends.actor IS 'Who made it, where that was said.';
COMMENT ON COLUMN public.appends.correlation_id IS 'What it belongs to beyond this log, where that was said.';
COMMENT ON COLUMN public.appends.digest IS 'Link of the hash chain: sha256 over the previous digest and all it appended.';
CREATE TABLE public.architectural_facts (
    fact_id text NOT NULL,
    model text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    object text NOT NULL,
    reason text NOT NULL,
    relation text NOT NULL,
    strength_kind text,
    strength double precision,
    support bigint NOT NULL,
    first_position bigint NOT NULL,
    to_position bigint
);
COMMENT ON TABLE public.architectural_facts IS 'Correlations that were dropped because architecture explains them, with how strong they looked.';
COMMENT ON COLUMN public.architectural_facts.fact_id IS 'identity, the same in every rebuild';
COMMENT ON COLUMN public.architectural_facts.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.architectural_facts.kind IS 'identity, or the kind of correlation that was dropped: comodification, cochange, effect, impact';
COMMENT ON COLUMN public.architectural_facts.subject IS 'one end: a name or storage key';
COMMENT ON COLUMN public.architectural_facts.object IS 'the other end: a name or metric';
COMMENT ON COLUMN public.architectural_facts.reason IS 'alias, overlap, derived, derived_metric or repeated_observation';
COMMENT ON COLUMN public.architectural_facts.relation IS 'the relation that explains it, in words';
COMMENT ON COLUMN public.architectural_facts.strength_kind IS 'what strength measures: log_e_value, correlation, or none';
COMMENT ON COLUMN public.architectural_facts.strength IS 'how strong it looked, computed from the data; null: nothing recorded yet';
COMMENT ON COLUMN public.architectural_facts.support IS 'records it was computed from; of co-modification: complete acts that wrote';
COMMENT ON COLUMN public.architectural_facts.first_position IS 'position from which the relation holds';
COMMENT ON COLUMN public.architectural_facts.to_position IS 'position at which the relation ended; null while it holds';
CREATE TABLE public.beliefs (
    belief_id text NOT NULL,
    model text NOT NULL,
    belief_type text NOT NULL,
    statement text NOT NULL,
    theory_id text,
    credence double precision NOT NULL,
    strength text NOT NULL,
    effect double precision,
    ci_low double precision,
    ci_high double precision,
    grade text NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    status text NOT NULL
);
COMMENT ON TABLE public.beliefs IS 'What is held true, how firmly, and since when.';
COMMENT ON COLUMN public.beliefs.belief_id IS 'identity, the same in every rebuild';
COMMENT ON COLUMN public.beliefs.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.beliefs.belief_type IS 'causal_law, heuristic, constraint, fact, architectural_fact, ...';
COMMENT ON COLUMN public.beliefs.statement IS 'what is believed, in words and numbers';
COMMENT ON COLUMN public.beliefs.theory_id IS 'the theory it was formed from; null for architectural facts';
COMMENT ON COLUMN public.beliefs.credence IS 'probability it is held with';
COMMENT ON COLUMN public.beliefs.strength IS 'tentative, confident, certain or absolute';
COMMENT ON COLUMN public.beliefs.effect IS 'the effect it speaks of; null where none';
COMMENT ON COLUMN public.beliefs.ci_low IS 'lower end of its confidence sequence';
COMMENT ON COLUMN public.beliefs.ci_high IS 'upper end';
COMMENT ON COLUMN public.beliefs.grade IS 'randomised, adjusted, observational or architecture';
COMMENT ON COLUMN public.beliefs.first_position IS 'where it was formed';
COMMENT ON COLUMN public.beliefs.last_position IS 'where it last changed';
COMMENT ON COLUMN public.beliefs.status IS 'active, weakened or retracted';
CREATE TABLE public.event_types (
    type_id bigint NOT NULL,
    name text NOT NULL,
    schema_version integer NOT NULL
);
COMMENT ON TABLE public.event_types IS 'One row per event type and schema version that was ever recorded.';
COMMENT ON COLUMN public.event_types.type_id IS 'Number of the type in this database only.';
COMMENT ON COLUMN public.event_types.name IS 'Stable snake_case name of the event type.';
COMMENT ON COLUMN public.event_types.schema_version IS 'Version of the payload''s schema.';
CREATE TABLE public.ledger (
    "position" bigint NOT NULL,
    append_id bigint NOT NULL,
    stream_id bigint NOT NULL,
    version bigint NOT NULL,
    type_id bigint NOT NULL,
    act_id text,
    causation_id text,
    occurred_at bigint NOT NULL,
    payload text NOT NULL,
    CONSTRAINT ck_ledger_occurred_at CHECK (((occurred_at >= 0) AND (occurred_at <= '253402300799999999'::bigint)))
);
COMMENT ON TABLE public.ledger IS 'Every event, in order: the truth that everything else is computed from. Append-only.';
COMMENT ON COLUMN public.ledger."position" IS 'Store-wide number: contiguous, in commit order.';
COMMENT ON COLUMN public.ledger.append_id IS 'The append it came with.';
COMMENT ON COLUMN public.ledger.stream_id IS 'The stream it belongs to.';
COMMENT ON COLUMN public.ledger.version IS 'Number in its stream, from 1.';
COMMENT ON COLUMN public.ledger.type_id IS 'Its event type and schema version.';
COMMENT ON COLUMN public.ledger.act_id IS 'The act it is part of, if any.';
COMMENT ON COLUMN public.ledger.causation_id IS 'The event that caused it, if any.';
COMMENT ON COLUMN public.ledger.occurred_at IS 'When it happened: microseconds since 1970 UTC.';
COMMENT ON COLUMN public.ledger.payload IS 'Canonical JSON text, exactly as it was recorded.';
CREATE TABLE public.streams (
    stream_id bigint NOT NULL,
    name text NOT NULL,
    category text NOT NULL,
    version bigint NOT NULL
);
COMMENT ON TABLE public.streams IS 'One row per stream: an ordered history of its own.';
COMMENT ON COLUMN public.streams.stream_id IS 'Number of the stream in this database only.';
COMMENT ON COLUMN public.streams.name IS 'Name of the stream; model-<name> belongs to the model of that name.';
COMMENT ON COLUMN public.streams.category IS 'What the name says before its first hyphen.';
COMMENT ON COLUMN public.streams.version IS 'Version of its last event: a cache of the ledger.';
CREATE VIEW public.events AS
 SELECT ledger."position",
    ((encode(substr(appends.digest, 1, 16), 'hex'::text) || '-'::text) || (ledger."position" - appends.first_position)) AS event_id,
    streams.name AS stream,
    ledger.version,
    event_types.name AS event_type,
    event_types.schema_version,
    to_char((('1970-01-01 00:00:00'::timestamp without time zone + (((ledger.occurred_at / 1000000))::double precision * '00:00:01'::interval)) + ((mod(ledger.occurred_at, (1000000)::bigint))::double precision * '00:00:00.000001'::interval)), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'::text) AS occurred_at,
    to_char((('1970-01-01 00:00:00'::timestamp without time zone + (((appends.recorded_at / 1000000))::double precision * '00:00:01'::interval)) + ((mod(appends.recorded_at, (1000000)::bigint))::double precision * '00:00:00.000001'::interval)), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'::text) AS recorded_at,
    ledger.act_id,
    appends.correlation_id,
    ledger.causation_id,
    appends.actor,
        CASE
            WHEN (substr(streams.name, 1, 6) = 'model-'::text) THEN substr(streams.name, 7)
            ELSE NULL::text
        END AS model,
    (ledger.payload)::jsonb AS payload
   FROM (((public.ledger
     JOIN public.appends ON ((appends.append_id = ledger.append_id)))
     JOIN public.streams ON ((streams.stream_id = ledger.stream_id)))
     JOIN public.event_types ON ((event_types.type_id = ledger.type_id)));
COMMENT ON VIEW public.events IS 'Every event of the log, readable: the public SQL contract for the ledger.';
COMMENT ON COLUMN public.events."position" IS 'Store-wide number: contiguous, in commit order, never reused.';
COMMENT ON COLUMN public.events.event_id IS 'Identity derived from content and place; the same in every copy of the log.';
COMMENT ON COLUMN public.events.stream IS 'The ordered history the event belongs to.';
COMMENT ON COLUMN public.events.version IS 'Number in its stream, from 1.';
COMMENT ON COLUMN public.events.event_type IS 'What kind of event it is.';
COMMENT ON COLUMN public.events.schema_version IS 'Version of the payload when it was stored.';
COMMENT ON COLUMN public.events.occurred_at IS 'When it happened: UTC, ISO text.';
COMMENT ON COLUMN public.events.recorded_at IS 'When it was recorded: UTC, ISO text.';
COMMENT ON COLUMN public.events.act_id IS 'The act it is part of, if any.';
COMMENT ON COLUMN public.events.correlation_id IS 'What its append belongs to beyond this log, if said.';
COMMENT ON COLUMN public.events.causation_id IS 'The event that caused it, if any.';
COMMENT ON COLUMN public.events.actor IS 'Who recorded it, if said.';
COMMENT ON COLUMN public.events.model IS 'The model its stream belongs to, if any.';
COMMENT ON COLUMN public.events.payload IS 'What it says, as JSON.';
CREATE TABLE public.evidence (
    pattern_id text NOT NULL,
    "position" bigint NOT NULL,
    modification_position bigint NOT NULL,
    baseline_position bigint NOT NULL,
    act_id text,
    role text NOT NULL,
    outcome double precision,
    signed_outcome double precision,
    log_e_value double precision NOT NULL
);
COMMENT ON TABLE public.evidence IS 'Which events support or contradict what.';
COMMENT ON COLUMN public.evidence.pattern_id IS 'the hypothesis it bears on, claimed or not';
COMMENT ON COLUMN public.evidence."position" IS 'the outcome';
COMMENT ON COLUMN public.evidence.modification_position IS 'the write it is the outcome of';
COMMENT ON COLUMN public.evidence.baseline_position IS 'the evaluation before the write';
COMMENT ON COLUMN public.evidence.act_id IS 'the act';
COMMENT ON COLUMN public.evidence.role IS 'supports or contradicts (by the sign of the estimate before it), first, or not_finite';
COMMENT ON COLUMN public.evidence.outcome IS 'change of the metric; null: not finite';
COMMENT ON COLUMN public.evidence.signed_outcome IS 'change times the sign the kind looks at; null: not finite';
COMMENT ON COLUMN public.evidence.log_e_value IS 'evidence for the hypothesis after it';
CREATE TABLE public.layer_statistics (
    "position" bigint NOT NULL,
    layer_name text NOT NULL,
    model text NOT NULL,
    statistic text NOT NULL,
    storage_id bigint,
    value double precision,
    special text,
    quarantined boolean NOT NULL,
    occurred_at text NOT NULL,
    retracted_position bigint
);
COMMENT ON TABLE public.layer_statistics IS 'Statistics read off layers: one row per name and reading.';
COMMENT ON COLUMN public.layer_statistics."position" IS 'the reading';
COMMENT ON COLUMN public.layer_statistics.layer_name IS 'the name it was read under';
COMMENT ON COLUMN public.layer_statistics.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.layer_statistics.statistic IS 'which statistic';
COMMENT ON COLUMN public.layer_statistics.storage_id IS 'the storage that name views; null: a derived name, or one no map knows';
COMMENT ON COLUMN public.layer_statistics.value IS 'the value; null where it is not finite';
COMMENT ON COLUMN public.layer_statistics.special IS 'NaN, Infinity or -Infinity where value is null; null where value is finite';
COMMENT ON COLUMN public.layer_statistics.quarantined IS 'whether no map knows the name: kept, and never evidence';
COMMENT ON COLUMN public.layer_statistics.occurred_at IS 'when it happened, UTC ISO text with microseconds';
COMMENT ON COLUMN public.layer_statistics.retracted_position IS 'the event that retracted it; null where it stands';
CREATE TABLE public.metric_definitions (
    "position" bigint NOT NULL,
    model text,
    metric text NOT NULL,
    better text,
    smallest_effect double precision NOT NULL,
    derived_from jsonb NOT NULL
);
COMMENT ON TABLE public.metric_definitions IS 'What each metric was defined to mean; the latest position holds.';
COMMENT ON COLUMN public.metric_definitions."position" IS 'the event that defined it';
COMMENT ON COLUMN public.metric_definitions.model IS 'the model it holds for; null: all';
COMMENT ON COLUMN public.metric_definitions.metric IS 'the metric''s name';
COMMENT ON COLUMN public.metric_definitions.better IS 'lower, higher, or null: not said';
COMMENT ON COLUMN public.metric_definitions.smallest_effect IS 'smallest change per act that matters, in the metric''s units';
COMMENT ON COLUMN public.metric_definitions.derived_from IS 'the metrics it is computed from';
CREATE TABLE public.metrics (
    "position" bigint NOT NULL,
    metric text NOT NULL,
    model text,
    value double precision,
    special text,
    sample text,
    act_id text,
    occurred_at text NOT NULL,
    retracted_position bigint
);
COMMENT ON TABLE public.metrics IS 'Every number of every evaluation.';
COMMENT ON COLUMN public.metrics."position" IS 'the evaluation';
COMMENT ON COLUMN public.metrics.metric IS 'the metric''s name';
COMMENT ON COLUMN public.metrics.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.metrics.value IS 'the value; null where it is not finite';
COMMENT ON COLUMN public.metrics.special IS 'NaN, Infinity or -Infinity where value is null; null where value is finite';
COMMENT ON COLUMN public.metrics.sample IS 'what it was measured on';
COMMENT ON COLUMN public.metrics.act_id IS 'the act it belongs to';
COMMENT ON COLUMN public.metrics.occurred_at IS 'when it happened, UTC ISO text with microseconds';
COMMENT ON COLUMN public.metrics.retracted_position IS 'the event that retracted it; null where it stands';
CREATE TABLE public.modifications (
    "position" bigint NOT NULL,
    event_type text NOT NULL,
    model text NOT NULL,
    storage_id bigint,
    storage_key text NOT NULL,
    primary_layer text NOT NULL,
    coupled_layers jsonb NOT NULL,
    act_id text,
    method text,
    dose double precision,
    randomised boolean NOT NULL,
    propensity double precision,
    reverts text,
    changed boolean,
    counted boolean NOT NULL,
    delta_norm double precision,
    relative_change double precision,
    fraction_changed double precision,
    description text NOT NULL,
    reason text,
    tags jsonb NOT NULL,
    importance double precision NOT NULL,
    modification jsonb NOT NULL,
    occurred_at text NOT NULL,
    retracted_position bigint
);
COMMENT ON TABLE public.modifications IS 'Announced writes: one row per event, so one per write to tied storage.';
COMMENT ON COLUMN public.modifications."position" IS 'the event';
COMMENT ON COLUMN public.modifications.event_type IS 'modification or coupled_modification';
COMMENT ON COLUMN public.modifications.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.modifications.storage_id IS 'the storage written; null for a quarantined name';
COMMENT ON COLUMN public.modifications.storage_key IS 'its key at that position';
COMMENT ON COLUMN public.modifications.primary_layer IS 'the name the writer used';
COMMENT ON COLUMN public.modifications.coupled_layers IS 'the other names whose bytes changed with it';
COMMENT ON COLUMN public.modifications.act_id IS 'the act it belongs to';
COMMENT ON COLUMN public.modifications.method IS 'how it was done';
COMMENT ON COLUMN public.modifications.dose IS 'signed size in units of the method''s reference dose';
COMMENT ON COLUMN public.modifications.randomised IS 'whether a coin decided the sign of the dose';
COMMENT ON COLUMN public.modifications.propensity IS 'probability of the arm that was drawn';
COMMENT ON COLUMN public.modifications.reverts IS 'the act whose writes it takes back';
COMMENT ON COLUMN public.modifications.changed IS 'whether any byte changed; null where the write was only reported';
COMMENT ON COLUMN public.modifications.counted IS 'whether it counts as one write: false for the second name of one write in a per-name log';
COMMENT ON COLUMN public.modifications.delta_norm IS 'Euclidean norm of after minus before';
COMMENT ON COLUMN public.modifications.relative_change IS 'delta_norm over the norm before';
COMMENT ON COLUMN public.modifications.fraction_changed IS 'share of elements with other bits than before';
COMMENT ON COLUMN public.modifications.description IS 'what the writer says';
COMMENT ON COLUMN public.modifications.reason IS 'why';
COMMENT ON COLUMN public.modifications.tags IS 'modification, coupled, every affected name, and the writer''s own';
COMMENT ON COLUMN public.modifications.importance IS '0 to 1';
COMMENT ON COLUMN public.modifications.modification IS 'what the writer says was done, as data';
COMMENT ON COLUMN public.modifications.occurred_at IS 'when it happened, UTC ISO text with microseconds';
COMMENT ON COLUMN public.modifications.retracted_position IS 'the event that retracted it; null where it stands';
CREATE TABLE public.observations (
    "position" bigint NOT NULL,
    model text,
    obs_type text NOT NULL,
    category text NOT NULL,
    description text NOT NULL,
    data jsonb,
    tags jsonb NOT NULL,
    importance double precision NOT NULL,
    act_id text,
    occurred_at text NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    changed_position bigint,
    change_reason text
);
COMMENT ON TABLE public.observations IS 'What the agent or a person noticed: one row per observation event.';
COMMENT ON COLUMN public.observations."position" IS 'the event';
COMMENT ON COLUMN public.observations.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.observations.obs_type IS 'modification, performance, safety_event, introspection, ...';
COMMENT ON COLUMN public.observations.category IS 'the writer''s own category';
COMMENT ON COLUMN public.observations.description IS 'what was seen, in words';
COMMENT ON COLUMN public.observations.data IS 'what was seen, as data';
COMMENT ON COLUMN public.observations.tags IS 'the writer''s tags';
COMMENT ON COLUMN public.observations.importance IS '0 to 1';
COMMENT ON COLUMN public.observations.act_id IS 'the act it belongs to';
COMMENT ON COLUMN public.observations.occurred_at IS 'when it happened, UTC ISO text with microseconds';
COMMENT ON COLUMN public.observations.status IS 'active, superseded (corrected: its data is the right one now) or obsolete (retracted)';
COMMENT ON COLUMN public.observations.changed_position IS 'the last correction, or the retraction, of it; null while it is active';
COMMENT ON COLUMN public.observations.change_reason IS 'the reason given there; null while it is active';
CREATE TABLE public.palimpsest_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.patterns (
    pattern_id text NOT NULL,
    model text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    object text NOT NULL,
    direction bigint NOT NULL,
    effect double precision,
    ci_low double precision,
    ci_high double precision,
    e_value double precision,
    log_e_value double precision NOT NULL,
    grade text NOT NULL,
    method text,
    dose double precision,
    support bigint NOT NULL,
    storage_id bigint NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    post_retraction boolean NOT NULL,
    status text NOT NULL
);
COMMENT ON TABLE public.patterns IS 'Claims that survive being looked at: one row per hypothesis ever claimed.';
COMMENT ON COLUMN public.patterns.pattern_id IS 'identity of the hypothesis, the same in every rebuild';
COMMENT ON COLUMN public.patterns.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.patterns.kind IS 'effect: sign of the write decides the sign; impact: any write moves it';
COMMENT ON COLUMN public.patterns.subject IS 'storage key written, as it was at first_position';
COMMENT ON COLUMN public.patterns.object IS 'the metric';
COMMENT ON COLUMN public.patterns.direction IS '+1 up, -1 down, 0 moves';
COMMENT ON COLUMN public.patterns.effect IS 'estimate at the reference dose, in the metric''s units';
COMMENT ON COLUMN public.patterns.ci_low IS 'lower end of the 95 % confidence sequence; null: unbounded';
COMMENT ON COLUMN public.patterns.ci_high IS 'upper end; null: unbounded';
COMMENT ON COLUMN public.patterns.e_value IS 'evidence against no effect; capped at the largest double';
COMMENT ON COLUMN public.patterns.log_e_value IS 'its natural logarithm, never capped';
COMMENT ON COLUMN public.patterns.grade IS 'randomised, adjusted or observational';
COMMENT ON COLUMN public.patterns.method IS 'how the writes were done';
COMMENT ON COLUMN public.patterns.dose IS 'absolute dose of the writes; null: none was given';
COMMENT ON COLUMN public.patterns.support IS 'outcomes that were evidence';
COMMENT ON COLUMN public.patterns.storage_id IS 'the storage written';
COMMENT ON COLUMN public.patterns.first_position IS 'settlement at which it was first claimed';
COMMENT ON COLUMN public.patterns.last_position IS 'last settlement that was evidence on it';
COMMENT ON COLUMN public.patterns.post_retraction IS 'whether a retraction touched its evidence';
COMMENT ON COLUMN public.patterns.status IS 'active, weakened or retracted';
CREATE TABLE public.predictions (
    theory_id text NOT NULL,
    "position" bigint NOT NULL,
    direction bigint NOT NULL,
    probability double precision NOT NULL,
    mean double precision NOT NULL,
    sd double precision NOT NULL,
    outcome double precision,
    hit boolean
);
COMMENT ON TABLE public.predictions IS 'Forecasts computed strictly before their outcome, with the outcome.';
COMMENT ON COLUMN public.predictions.theory_id IS 'the theory';
COMMENT ON COLUMN public.predictions."position" IS 'the outcome it was about';
COMMENT ON COLUMN public.predictions.direction IS 'the side the theory names, +1 or -1';
COMMENT ON COLUMN public.predictions.probability IS 'given to an outcome on that side, beyond the smallest effect that matters';
COMMENT ON COLUMN public.predictions.mean IS 'normal forecast: mean, in the metric''s units';
COMMENT ON COLUMN public.predictions.sd IS 'normal forecast: standard deviation';
COMMENT ON COLUMN public.predictions.outcome IS 'what came, with the sign the kind looks at; null: not finite';
COMMENT ON COLUMN public.predictions.hit IS 'whether it came on that side; null for a tie, and where the outcome is not finite';
CREATE TABLE public.projections (
    name text NOT NULL,
    version bigint NOT NULL,
    "position" bigint NOT NULL,
    state text,
    stopped_at bigint,
    failure text
);
COMMENT ON TABLE public.projections IS 'How far each projection has read the log.';
COMMENT ON COLUMN public.projections.name IS 'the projection';
COMMENT ON COLUMN public.projections.version IS 'version of the fold that wrote its tables';
COMMENT ON COLUMN public.projections."position" IS 'the last event folded in: later ones are not in its tables yet';
COMMENT ON COLUMN public.projections.state IS 'what the fold needs to go on';
COMMENT ON COLUMN public.projections.stopped_at IS 'the event it could not fold, and stopped before; null while it goes on';
COMMENT ON COLUMN public.projections.failure IS 'why it stopped';
CREATE TABLE public.record_keys (
    key text NOT NULL,
    "position" bigint NOT NULL,
    content_digest bytea NOT NULL
);
COMMENT ON TABLE public.record_keys IS 'One row per event that was recorded under an idempotency key. Append-only.';
COMMENT ON COLUMN public.record_keys.key IS 'The idempotency key.';
COMMENT ON COLUMN public.record_keys."position" IS 'Position of the event first recorded under it.';
COMMENT ON COLUMN public.record_keys.content_digest IS 'sha256 of the event''s type, model and payload.';
CREATE TABLE public.sharing_maps (
    "position" bigint NOT NULL,
    model text NOT NULL,
    digest text NOT NULL,
    names bigint NOT NULL,
    storages bigint NOT NULL,
    groups jsonb NOT NULL,
    sharing jsonb NOT NULL
);
COMMENT ON TABLE public.sharing_maps IS 'Every sharing map the record has seen.';
COMMENT ON COLUMN public.sharing_maps."position" IS 'the event that brought the map';
COMMENT ON COLUMN public.sharing_maps.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.sharing_maps.digest IS 'sha256 of the map: equal maps, equal digest';
COMMENT ON COLUMN public.sharing_maps.names IS 'how many names the model has';
COMMENT ON COLUMN public.sharing_maps.storages IS 'how many storages they view';
COMMENT ON COLUMN public.sharing_maps.groups IS 'lists of names of identical bytes, two names or more each';
COMMENT ON COLUMN public.sharing_maps.sharing IS 'the whole map';
CREATE TABLE public.storage_names (
    storage_id bigint NOT NULL,
    model text NOT NULL,
    name text NOT NULL,
    from_position bigint NOT NULL,
    to_position bigint
);
COMMENT ON TABLE public.storage_names IS 'Which name viewed which storage, from when to when.';
COMMENT ON COLUMN public.storage_names.storage_id IS 'the storage';
COMMENT ON COLUMN public.storage_names.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.storage_names.name IS 'a full dotted path to a parameter or buffer';
COMMENT ON COLUMN public.storage_names.from_position IS 'position from which the name views the storage';
COMMENT ON COLUMN public.storage_names.to_position IS 'position at which it stopped; null while it does';
CREATE TABLE public.storages (
    storage_id bigint NOT NULL,
    model text NOT NULL,
    key text NOT NULL,
    from_position bigint NOT NULL,
    to_position bigint
);
COMMENT ON TABLE public.storages IS 'Which storages there were, and under which key, from when to when.';
COMMENT ON COLUMN public.storages.storage_id IS 'the log''s identity of a storage: bytes in memory that names view';
COMMENT ON COLUMN public.storages.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.storages.key IS 'the storage key: first of its names';
COMMENT ON COLUMN public.storages.from_position IS 'position from which the key holds';
COMMENT ON COLUMN public.storages.to_position IS 'position at which it stopped holding; null while it holds';
CREATE TABLE public.theories (
    theory_id text NOT NULL,
    model text NOT NULL,
    theory_type text NOT NULL,
    pattern_id text NOT NULL,
    hypothesis text NOT NULL,
    predictions bigint NOT NULL,
    hits bigint NOT NULL,
    log_e_value double precision NOT NULL,
    log_score_gain double precision,
    brier double precision,
    first_position bigint NOT NULL,
    last_position bigint,
    status text NOT NULL
);
COMMENT ON TABLE public.theories IS 'Explanations that predict before they are tested, and their scores since.';
COMMENT ON COLUMN public.theories.theory_id IS 'identity, the same in every rebuild';
COMMENT ON COLUMN public.theories.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.theories.theory_type IS 'causal_model, structural, optimization, constraint or behavioral';
COMMENT ON COLUMN public.theories.pattern_id IS 'the pattern it was composed from';
COMMENT ON COLUMN public.theories.hypothesis IS 'what it says, in words';
COMMENT ON COLUMN public.theories.predictions IS 'outcomes it predicted before they came';
COMMENT ON COLUMN public.theories.hits IS 'of these, with the sign it said';
COMMENT ON COLUMN public.theories.log_e_value IS 'prospective evidence: since birth, on predictions alone';
COMMENT ON COLUMN public.theories.log_score_gain IS 'nats gained over predicting no effect';
COMMENT ON COLUMN public.theories.brier IS 'mean squared error of its probabilities; null before the first';
COMMENT ON COLUMN public.theories.first_position IS 'settlement at which it was born';
COMMENT ON COLUMN public.theories.last_position IS 'last outcome it was scored on';
COMMENT ON COLUMN public.theories.status IS 'active, weakened or retracted';
CREATE TABLE public.weight_states (
    storage_id bigint NOT NULL,
    model text NOT NULL,
    "position" bigint NOT NULL,
    fingerprint text
);
COMMENT ON TABLE public.weight_states IS 'What every storage held, by digest, from which event on.';
COMMENT ON COLUMN public.weight_states.storage_id IS 'the storage';
COMMENT ON COLUMN public.weight_states.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.weight_states."position" IS 'the event after which it holds these bytes';
COMMENT ON COLUMN public.weight_states.fingerprint IS 'blake3 over dtype, shape and bytes; null where they were not read';
INSERT INTO public.affected_layers VALUES (6, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (6, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (9, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (9, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (12, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (12, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (15, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (15, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (18, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (18, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (21, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (21, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (24, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (24, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (27, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (27, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (30, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (30, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (33, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (33, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (36, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (36, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (39, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (39, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (42, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (42, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (45, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (45, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (48, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (48, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (51, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (51, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (54, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (54, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (57, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (57, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (60, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (60, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (63, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (63, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (66, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (66, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (69, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (69, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (72, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (72, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (75, 'm', 'head', 'embed', 'primary');
INSERT INTO public.affected_layers VALUES (75, 'm', 'embed', 'embed', 'alias');
INSERT INTO public.affected_layers VALUES (78, 'm', 'up', 'up', 'primary');
INSERT INTO public.affected_layers VALUES (83, 'm', 'up', 'up', 'primary');
INSERT INTO public.appends VALUES (0, 1, 0, 0, NULL, NULL, '\x9d638423a37b90c5d60ff6bc6ce6f1595da4e187cadebf3aae79c0180a674d3f');
INSERT INTO public.appends VALUES (1, 1, 1, 1796049989144558, 'freezer', 'frozen', '\x12a49ce2febb437872343133df629c1a9e82af1a3864a613dad33598ac5e6a6d');
INSERT INTO public.appends VALUES (2, 2, 2, 1796049989155876, 'freezer', 'frozen', '\x7f443fc4bad82953c76f25ba1b2da23208a1f63c12af845ed20e27187e0492fb');
INSERT INTO public.appends VALUES (3, 3, 3, 1796049989161007, 'freezer', 'frozen', '\x559df15cd0f0d35429c7e015f843eb8d89f120aba877aadc0a50b22ac7124186');
INSERT INTO public.appends VALUES (4, 4, 4, 1796049989177219, 'freezer', 'frozen', '\x956bc17009e05e0ac6e8f37de0b15c131ffe0ad99a960fe4e0bc8d228ed11263');
INSERT INTO public.appends VALUES (5, 5, 5, 1796049989193263, 'freezer', 'frozen', '\x35af509a5f93ddd6e670ee9ea0a076b25e13b13b94aba31f4aca3a802fb6a5c0');
INSERT INTO public.appends VALUES (6, 6, 6, 1796049989206933, 'freezer', 'frozen', '\xe22b99060cf6f39096076ba4632e0cd88377662c7af25abfa82a0ef24ae979ce');
INSERT INTO public.appends VALUES (7, 7, 7, 1796049989213055, 'freezer', 'frozen', '\x051af507ce21cfd30fc8335ff7f4e6bbeb19b4cdcc76f54c4458cb7b96d93666');
INSERT INTO public.appends VALUES (8, 8, 8, 1796049989214420, 'freezer', 'frozen', '\x0523741b6c8c6adf41ebb6d94384f97d66b3d6f4627ad922968946702dd61a34');
INSERT INTO public.appends VALUES (9, 9, 9, 1796049989219213, 'freezer', 'frozen', '\x4fa5f2d5e8d3b433a5b8def23d6276847d13349cc7b0a38f964259d738f30655');
INSERT INTO public.appends VALUES (10, 10, 10, 1796049989225015, 'freezer', 'frozen', '\xd3f396994830d38df289b3d7e501665fc372f34620d8b1aad20f938b099f7b41');
INSERT INTO public.appends VALUES (11, 11, 11, 1796049989226274, 'freezer', 'frozen', '\x40164685b11e727319c914e3dc5ea8bf7c102434bf232b1df139848ec16b33de');
INSERT INTO public.appends VALUES (12, 12, 12, 1796049989237674, 'freezer', 'frozen', '\x3d1cdb3bd91dc85aa9bc6a68145c948c1c5094f07cefc0e48ae9c3dad99a3f62');
INSERT INTO public.appends VALUES (13, 13, 13, 1796049989238913, 'freezer', 'frozen', '\x7ae92af2076ab7a665cd9d44d8b28e06c57e64c7c55969d8cbc6419426f62aa9');
INSERT INTO public.appends VALUES (14, 14, 14, 1796049989239933, 'freezer', 'frozen', '\x8b45ae0946322e5b49513ff2975246de8e9b6c41a52f9f67e333f8f38393addb');
INSERT INTO public.appends VALUES (15, 15, 15, 1796049989246935, 'freezer', 'frozen', '\x45d8d9efd831c2cc5d808bb486d6f711f7c989b09b31500900971cadbfa97bcb');
INSERT INTO public.appends VALUES (16, 16, 16, 1796049989248044, 'freezer', 'frozen', '\x773c2ed17c07bfbd3279af453cac475ad24da7d4ad7f64c447643f03740c0c74');
INSERT INTO public.appends VALUES (17, 17, 17, 1796049989249111, 'freezer', 'frozen', '\x0bad87ff754a33b3f12e4b95bf2c96ddd089bb5d280c93d6582d7a94d4adaa33');
INSERT INTO public.appends VALUES (18, 18, 18, 1796049989259551, 'freezer', 'frozen', '\x983eeabf9fad551c63290272e050f693f0113ddb81e63ba3968aae4a0aac5d55');
INSERT INTO public.appends VALUES (19, 19, 19, 1796049989260808, 'freezer', 'frozen', '\x054593ec9dddc4faa7e7c8b67e9baea4f7cbaea2f1c32ff8b13f93537a1ae9d9');
INSERT INTO public.appends VALUES (20, 20, 20, 1796049989261814, 'freezer', 'frozen', '\xd424e10ada5286548116e5d96df5306729702ea2b7c20894a14871929f70cae8');
INSERT INTO public.appends VALUES (21, 21, 21, 1796049989270005, 'freezer', 'frozen', '\x6704f12f3755edaeaa448666bc3bbb33c13d9ad21f66d614a2623b3eec61d144');
INSERT INTO public.appends VALUES (22, 22, 22, 1796049989271168, 'freezer', 'frozen', '\xecebf412e793f6d032556517af10ae4622c30efb638201fe98ea86b20f4f6840');
INSERT INTO public.appends VALUES (23, 23, 23, 1796049989272125, 'freezer', 'frozen', '\xe0e693d12e581e3f740925dbb1e5cf04df7ba511555e787da83fb4a3aeef211e');
INSERT INTO public.appends VALUES (24, 24, 24, 1796049989285383, 'freezer', 'frozen', '\x4204c2e5cbc2f029f39f38ef902c5a903d0efa0b438c54a7515ca634501f38df');
INSERT INTO public.appends VALUES (25, 25, 25, 1796049989286480, 'freezer', 'frozen', '\xad79cb1ae04a3a26f0b81dab0f15fd3c02dea6830d1fbd234b54c89520ce65b2');
INSERT INTO public.appends VALUES (26, 26, 26, 1796049989289186, 'freezer', 'frozen', '\x2315b6dbdf74cacaff8dcc0dae23bf14c020aa8935fc37ea406c4257b236826e');
INSERT INTO public.appends VALUES (27, 27, 27, 1796049989293340, 'freezer', 'frozen', '\x6a3625adfc663db5a5e6e51d6df4bc65dabfda13836db3c44045f41a381c9d6f');
INSERT INTO public.appends VALUES (28, 28, 28, 1796049989300716, 'freezer', 'frozen', '\x25487bc6588add39cf509b4ca38e3e2f4a7ddb5fee3f9ccfc17a1595f87511d2');
INSERT INTO public.appends VALUES (29, 29, 29, 1796049989301782, 'freezer', 'frozen', '\x28d793147fe093d269ad6158ab45460c886ed9a03a3d3e96bc3835d9b145afc8');
INSERT INTO public.appends VALUES (30, 30, 30, 1796049989307009, 'freezer', 'frozen', '\xace628eddffffed86886ed544138d43833f1256523cc2de85b1e3dff0627e24c');
INSERT INTO public.appends VALUES (31, 31, 31, 1796049989308539, 'freezer', 'frozen', '\xe57ffa7cadb9128c127e0e6e25565ca2542d3eb5757209225f8460163397e664');
INSERT INTO public.appends VALUES (32, 32, 32, 1796049989312806, 'freezer', 'frozen', '\x682cbb9e7fdf3b7375b4cd28ac6c24451b297eb7a10f7dda2c5dfd6eec7b884d');
INSERT INTO public.appends VALUES (33, 33, 33, 1796049989315030, 'freezer', 'frozen', '\xb071bcb4f229b4ecaf56dda7edf9f775b22aa54bc6706761f38c8be122d5bab1');
INSERT INTO public.appends VALUES (34, 34, 34, 1796049989320016, 'freezer', 'frozen', '\xc6e530795c837bd40b3a943ec3ac40ed65aa2a0510893ed426a561f8395bf95a');
INSERT INTO public.appends VALUES (35, 35, 35, 1796049989321161, 'freezer', 'frozen', '\x6396ba371b19a6f7458be4c88c28d8e96a0df9a848144fcf25ad6ad04b57f82c');
INSERT INTO public.appends VALUES (36, 36, 36, 1796049989325406, 'freezer', 'frozen', '\x917a45814264383cc498676a4b52cd754c9c47b9e575599969cc7e64d00bfac4');
INSERT INTO public.appends VALUES (37, 37, 37, 1796049989329390, 'freezer', 'frozen', '\x4be51768d03bda03b3c2cbb85595b63169805854bf8e8b7c98acc6eba37f99f0');
INSERT INTO public.appends VALUES (38, 38, 38, 1796049989330205, 'freezer', 'frozen', '\xfedd18ae75e274e72dc64406258164c1fef8f5a36352598a6b8e162932ea3ae3');
INSERT INTO public.appends VALUES (39, 39, 39, 1796049989336593, 'freezer', 'frozen', '\x46e4aceb2260bc0dcbc9e172f4bdea002abe8a97eec9e01e49063f04284477ca');
INSERT INTO public.appends VALUES (40, 40, 40, 1796049989337745, 'freezer', 'frozen', '\x754de032147e9fccbe646da3089bf1c2a640ab14c3311cbbdb7ac209f91f97fb');
INSERT INTO public.appends VALUES (41, 41, 41, 1796049989340813, 'freezer', 'frozen', '\xc1439bdb03c5c68e53b6b7bb34ee26f9e49b6d755491be5c00967dc754bbb320');
INSERT INTO public.appends VALUES (42, 42, 42, 1796049989345027, 'freezer', 'frozen', '\xe26f564b7abc1e1c320d0a776e2dda477ac42e180b5d1019e78eabc746aa5923');
INSERT INTO public.appends VALUES (43, 43, 43, 1796049989346013, 'freezer', 'frozen', '\xd192c9ca5bf1aca0ed75f76dc158710ed0babdc284050a81d09506847e78b98c');
INSERT INTO public.appends VALUES (44, 44, 44, 1796049989351416, 'freezer', 'frozen', '\xb9fd0e290499fc23df58df8d09c496bbabe3ba6e6833e2bbdf344a08b42457f0');
INSERT INTO public.appends VALUES (45, 45, 45, 1796049989353425, 'freezer', 'frozen', '\x9c3a5e6c94f5926fdf83b19b631d2658495c454b48ff0f7cd90f8f065141a6ba');
INSERT INTO public.appends VALUES (46, 46, 46, 1796049989357027, 'freezer', 'frozen', '\xce6fc5dbac1bbac213c140f9eb3e27a2fd6616a9136644669c603191efdc60de');
INSERT INTO public.appends VALUES (47, 47, 47, 1796049989357820, 'freezer', 'frozen', '\xf354a05f3d0dcf5a6a250d33fb5317aca663c0279ea8d2ec8b2584c324b04f5c');
INSERT INTO public.appends VALUES (48, 48, 48, 1796049989365649, 'freezer', 'frozen', '\x419f9a5174d294b5c529d82875ed169c017b5b11bd2ac69cc25dd10bf7ecfd50');
INSERT INTO public.appends VALUES (49, 49, 49, 1796049989366666, 'freezer', 'frozen', '\x90670ed905b7626b96a7dd9d6807981066e7694b29aa6ef24c3cc14cd3b72ade');
INSERT INTO public.appends VALUES (50, 50, 50, 1796049989367458, 'freezer', 'frozen', '\x1a7b8b79ecc3e8744d0f137244b42b5c6786c4ca8a3b9ec98723cabb2f980f93');
INSERT INTO public.appends VALUES (51, 51, 51, 1796049989377173, 'freezer', 'frozen', '\x017f7d6bd7ed211d36789c9cf94ee4cc812f76a99eee10625e091539111de474');
INSERT INTO public.appends VALUES (52, 52, 52, 1796049989378301, 'freezer', 'frozen', '\x9140a767757bba77232160515192de607bfff371679c1a5367aac6b2e41a48db');
INSERT INTO public.appends VALUES (53, 53, 53, 1796049989379194, 'freezer', 'frozen', '\x10d35052a8a1c6fc5097c799a2813788a03b4a61ad1efa2731f6a4fdbc623bb9');
INSERT INTO public.appends VALUES (54, 54, 54, 1796049989385332, 'freezer', 'frozen', '\x9dc5bbed0e465fd039bd573d37a7306cb6297595170f2292af29824511a8433d');
INSERT INTO public.appends VALUES (55, 55, 55, 1796049989386318, 'freezer', 'frozen', '\x47a826ad8808b481e7d4935ad8542f6efca62060f1fd6bc0dafb5b49c60e43a0');
INSERT INTO public.appends VALUES (56, 56, 56, 1796049989387157, 'freezer', 'frozen', '\x48206f3f320b43bbee5f9a2941f0a0b0788f44792e2c96776945ab435fa7a7be');
INSERT INTO public.appends VALUES (57, 57, 57, 1796049989397532, 'freezer', 'frozen', '\x01578a81721ea636dceff3eea996c40216ef0727e20e05a57814d9e0908efe8d');
INSERT INTO public.appends VALUES (58, 58, 58, 1796049989398610, 'freezer', 'frozen', '\x91877d733eb35126f4112c607bd95f89c0082c4e8aa44270a6e0fb7e22f920e1');
INSERT INTO public.appends VALUES (59, 59, 59, 1796049989399538, 'freezer', 'frozen', '\x8b4a2fc6bef2bba3eae4ae43e207a95e605b6abd205e526619034eb38c28e418');
INSERT INTO public.appends VALUES (60, 60, 60, 1796049989404940, 'freezer', 'frozen', '\xa6cb83f38958650828d36102754c9e8fa8bfbf42edce5c72fce0fce6da919ac7');
INSERT INTO public.appends VALUES (61, 61, 61, 1796049989405971, 'freezer', 'frozen', '\xe8b079ad591cd8d21a0b1729a21137f4316cfb84df967967456d58c94f9b4105');
INSERT INTO public.appends VALUES (62, 62, 62, 1796049989406892, 'freezer', 'frozen', '\xb009dd30001163d55391233225d19c1b7af2ab63200928e7c3d323e6a60109b9');
INSERT INTO public.appends VALUES (63, 63, 63, 1796049989412591, 'freezer', 'frozen', '\x63b7d81f0e19abf585bfa2b70a14e331d7e719f6d0bc74b70c4421848c8c4fb5');
INSERT INTO public.appends VALUES (64, 64, 64, 1796049989413770, 'freezer', 'frozen', '\x198e12adafffd725bfe2277f200ad65bf79094b1ccedf73dca802ab9de27424b');
INSERT INTO public.appends VALUES (65, 65, 65, 1796049989416840, 'freezer', 'frozen', '\x3467584af194a7eb26ba7abf1a74b244fe16cd4f7f49f90cb448d768370fe7a9');
INSERT INTO public.appends VALUES (66, 66, 66, 1796049989418793, 'freezer', 'frozen', '\x72aee3bd313f0348689c92de0fda628884724f8c35c7aba2bb91702e4fd6ecbc');
INSERT INTO public.appends VALUES (67, 67, 67, 1796049989421406, 'freezer', 'frozen', '\x9de92510b6c7d6e24d36d810b68cc05762d53a9e42b599a006d4911f5b05cb4e');
INSERT INTO public.appends VALUES (68, 68, 68, 1796049989428886, 'freezer', 'frozen', '\x1360708e0b1ea45b5f159ab7d7f04519d57da882c083dc4b69f2bb84ec138e5b');
INSERT INTO public.appends VALUES (69, 69, 69, 1796049989430882, 'freezer', 'frozen', '\xb5dd10c2869c788dcc80e7097312264eb35738db820fb9286ca53a09593f7722');
INSERT INTO public.appends VALUES (70, 70, 70, 1796049989431929, 'freezer', 'frozen', '\x6cfbf744226b9d1dc583aea5a7d9517312efc84fb9b22f1650989c6c62d7b005');
INSERT INTO public.appends VALUES (71, 71, 71, 1796049989432838, 'freezer', 'frozen', '\x1e7226875c1dc702ffb7344cbb0a3f653fbb1f678d4cc929b98a287fdce1766b');
INSERT INTO public.appends VALUES (72, 72, 72, 1796049989438301, 'freezer', 'frozen', '\x4e9e68ca2923461200a63d48d492d76c4fb5b20019178627fe4930f6be37b812');
INSERT INTO public.appends VALUES (73, 73, 73, 1796049989439123, 'freezer', 'frozen', '\xd868d5f6d070ab736401d6b721dd49745e8f9b4c6d60918718932efdcd296da6');
INSERT INTO public.appends VALUES (74, 74, 74, 1796049989441536, 'freezer', 'frozen', '\x30d76a2535227e137dec757ba784fce5d342f11fa0fd0e95e7d0b97759b64f65');
INSERT INTO public.appends VALUES (75, 75, 75, 1796049989450295, 'freezer', 'frozen', '\xd0deb6e1208c758eaef11a27aac9ff4f68da05a6b864965c44bc66ff48baf00e');
INSERT INTO public.appends VALUES (77, 77, 79, 1796049989457639, 'freezer', 'frozen', '\x5c1b9067bcac4325a5bcb5a2698b7643d29d4e2c1954d2bf88caf9fc4d02b0a8');
INSERT INTO public.appends VALUES (79, 81, 81, 1796049989558266, 'freezer', 'frozen', '\xa7c194bece32a405a4f6b53f92edd0a79f4454480e2e40c1fd073a563a696baa');
INSERT INTO public.appends VALUES (76, 76, 76, 1796049989453476, 'freezer', 'frozen', '\x096c04d70187adbfe77e0f384f9ec19cef4bd7fe620217debdb90e71c7bb1305');
INSERT INTO public.appends VALUES (78, 80, 80, 1796049989552801, 'freezer', 'frozen', '\xd0b7846f0e5982267de35968235e8e73f24c80cdde4656d451025463370a74f7');
INSERT INTO public.appends VALUES (80, 82, 83, 1796049989569891, NULL, NULL, '\x4c9c92dc06dd8fcb523669db20a0e9808a424205c4920f8db40881c3eebd2db8');
INSERT INTO public.architectural_facts VALUES ('fact-e7c5cf7251be71bf', 'm', 'identity', 'embed', 'head', 'alias', 'embed and head are one tensor', NULL, NULL, 0, 1, 80);
INSERT INTO public.architectural_facts VALUES ('fact-e3955e518b0b7aac', 'm', 'comodification', 'embed', 'head', 'alias', 'embed and head are one tensor', 'log_e_value', 0, 24, 1, 80);
INSERT INTO public.beliefs VALUES ('belief-e3293d10e0257987', 'm', 'causal_law', 'scale on embed (one tensor with head) at dose 1: the positive side moves loss up, the negative side the other way, by +0.25 (95 %: +0.2363 to +0.2637; 24 outcomes)', 'theory-e3293d10e0257987', 1, 'certain', 0.25, 0.23628878418094523, 0.26371121581905477, 'randomised', 70, 70, 'active');
INSERT INTO public.beliefs VALUES ('belief-11f2c6819cb6aba4', 'm', 'architectural_fact', 'embed and head are one tensor: a write to one is a write to all', NULL, 1, 'certain', NULL, NULL, NULL, 'architecture', 1, 80, 'retracted');
INSERT INTO public.event_types VALUES (1, 'model_attached', 1);
INSERT INTO public.event_types VALUES (2, 'metric_defined', 1);
INSERT INTO public.event_types VALUES (3, 'observation', 1);
INSERT INTO public.event_types VALUES (4, 'metrics_recorded', 1);
INSERT INTO public.event_types VALUES (5, 'coupled_modification', 1);
INSERT INTO public.event_types VALUES (6, 'layer_statistics_recorded', 1);
INSERT INTO public.event_types VALUES (7, 'modification', 1);
INSERT INTO public.event_types VALUES (8, 'sharing_changed', 1);
INSERT INTO public.event_types VALUES (9, 'restored', 1);
INSERT INTO public.event_types VALUES (10, 'edit_aborted', 1);
INSERT INTO public.event_types VALUES (11, 'unattributed_write', 1);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 7, 6, 5, 'step-0', 'first', -0.25, 0.25, 0);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 7, 6, 5, 'step-0', 'first', -0.25, -0.25, 0);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 10, 9, 8, 'step-1', 'supports', 0.25, 0.25, -0.010633098970301291);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 10, 9, 8, 'step-1', 'contradicts', 0.25, 0.25, -0.010633098970301291);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 13, 12, 11, 'step-2', 'supports', -0.25, 0.25, 0.2432530559490198);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 13, 12, 11, 'step-2', 'contradicts', -0.25, -0.25, -0.3818875465853863);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 16, 15, 14, 'step-3', 'supports', 0.25, 0.25, 0.6134929762364967);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 16, 15, 14, 'step-3', 'contradicts', 0.25, 0.25, -0.39165045657722897);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 19, 18, 17, 'step-4', 'supports', 0.25, 0.25, 1.057922033014701);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 19, 18, 17, 'step-4', 'supports', 0.25, 0.25, -0.2597482380971351);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 22, 21, 20, 'step-5', 'supports', 0.25, 0.25, 1.5537682301081284);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 22, 21, 20, 'step-5', 'supports', 0.25, 0.25, -0.036473902552676685);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 25, 24, 23, 'step-6', 'supports', 0.25, 0.25, 2.0860685360090083);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 25, 24, 23, 'step-6', 'supports', 0.25, 0.25, 0.2575253343916615);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 28, 27, 26, 'step-7', 'supports', -0.25, 0.25, 2.6445786456077247);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 28, 27, 26, 'step-7', 'contradicts', -0.25, -0.25, -0.3315558754870619);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 31, 30, 29, 'step-8', 'supports', -0.25, 0.25, 3.222211098768203);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 31, 30, 29, 'step-8', 'contradicts', -0.25, -0.25, -0.63222992267507);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 34, 33, 32, 'step-9', 'supports', 0.25, 0.25, 3.8140260722127945);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 34, 33, 32, 'step-9', 'supports', 0.25, 0.25, -0.50792622250364);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 37, 36, 35, 'step-10', 'supports', -0.25, 0.25, 4.416545561707153);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 37, 36, 35, 'step-10', 'contradicts', -0.25, -0.25, -0.7405666245827502);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 40, 39, 38, 'step-11', 'supports', 0.25, 0.25, 5.027288264576554);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 40, 39, 38, 'step-11', 'supports', 0.25, 0.25, -0.6366591645738524);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 43, 42, 41, 'step-12', 'supports', -0.25, 0.25, 5.644456317326544);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 43, 42, 41, 'step-12', 'contradicts', -0.25, -0.25, -0.8292207524869656);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 46, 45, 44, 'step-13', 'supports', 0.25, 0.25, 6.266724777643026);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 46, 45, 44, 'step-13', 'supports', 0.25, 0.25, -0.739246402533976);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 49, 48, 47, 'step-14', 'supports', 0.25, 0.25, 6.893099808541173);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 49, 48, 47, 'step-14', 'supports', 0.25, 0.25, -0.6108810369176884);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 52, 51, 50, 'step-15', 'supports', 0.25, 0.25, 7.522822597706083);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 52, 51, 50, 'step-15', 'supports', 0.25, 0.25, -0.44880724014041085);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 55, 54, 53, 'step-16', 'supports', 0.25, 0.25, 8.155303738538233);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 55, 54, 53, 'step-16', 'supports', 0.25, 0.25, -0.2565943359805274);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 58, 57, 56, 'step-17', 'supports', -0.25, 0.25, 8.790077970516721);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 58, 57, 56, 'step-17', 'contradicts', -0.25, -0.25, -0.5646546806310173);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 61, 60, 59, 'step-18', 'supports', 0.25, 0.25, 9.426772599419095);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 61, 60, 59, 'step-18', 'contradicts', 0.25, 0.25, -0.39169290128540446);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 64, 63, 62, 'step-19', 'supports', 0.25, 0.25, 10.065085171216179);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 64, 63, 62, 'step-19', 'contradicts', 0.25, 0.25, -0.19393466030357986);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 67, 66, 65, 'step-20', 'supports', -0.25, 0.25, 10.704767455840381);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 67, 66, 65, 'step-20', 'contradicts', -0.25, -0.25, -0.5035826547204751);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 70, 69, 68, 'step-21', 'supports', -0.25, 0.25, 11.345613773892163);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 70, 69, 68, 'step-21', 'contradicts', -0.25, -0.25, -0.7464684148683427);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 73, 72, 71, 'step-22', 'supports', 0.25, 0.25, 11.987452344879575);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 73, 72, 71, 'step-22', 'contradicts', 0.25, 0.25, -0.5994661335739041);
INSERT INTO public.evidence VALUES ('pattern-e3293d10e0257987', 76, 75, 74, 'step-23', 'supports', -0.25, 0.25, 12.63013876360732);
INSERT INTO public.evidence VALUES ('pattern-fab09bd1d096bae5', 76, 75, 74, 'step-23', 'supports', -0.25, -0.25, -0.821840931493159);
INSERT INTO public.layer_statistics VALUES (79, 'ghost', 'm', 'norm', NULL, 2, NULL, true, '2026-11-30T14:46:29.457639Z', NULL);
INSERT INTO public.layer_statistics VALUES (79, 'up', 'm', 'norm', 3, 1.5, NULL, false, '2026-11-30T14:46:29.457639Z', NULL);
INSERT INTO public.ledger VALUES (1, 1, 1, 1, 1, NULL, NULL, 1796049989144558, '{"architecture":null,"baseline":"lazy","digest":"f3ebf0d3b91886b2f401af2f38d65611b031424f6aaefb50071d48614c7d827a","model":"m","sharing":{"derived":{},"names":["down","embed","head","up"],"partial":[],"same":[[null,"embed","head"]],"unknown":[],"version":1},"state_of":null,"storages":[]}');
INSERT INTO public.ledger VALUES (2, 2, 2, 1, 2, NULL, NULL, 1796049989155876, '{"better":"lower","derived_from":[],"model":null,"name":"loss","smallest_effect":0.01}');
INSERT INTO public.ledger VALUES (3, 3, 2, 2, 2, NULL, NULL, 1796049989161007, '{"better":null,"derived_from":["loss"],"model":null,"name":"perplexity","smallest_effect":0.0}');
INSERT INTO public.ledger VALUES (4, 4, 1, 2, 3, NULL, NULL, 1796049989177219, '{"category":"tie","data":{"n":[1,2.5,null]},"description":"ç, 中 and 🧊","importance":0.7,"model":"m","obs_type":"discovery","tags":["t"]}');
INSERT INTO public.ledger VALUES (5, 5, 1, 3, 4, 'step-0', NULL, 1796049989193263, '{"metrics":{"loss":2.0},"model":"m","sample":"s0"}');
INSERT INTO public.ledger VALUES (6, 6, 1, 4, 5, 'step-0', NULL, 1796049989206933, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":0},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (7, 7, 1, 5, 4, 'step-0', NULL, 1796049989213055, '{"metrics":{"loss":1.75},"model":"m","sample":"s0"}');
INSERT INTO public.ledger VALUES (8, 8, 1, 6, 4, 'step-1', NULL, 1796049989214420, '{"metrics":{"loss":2.01},"model":"m","sample":"s1"}');
INSERT INTO public.ledger VALUES (9, 9, 1, 7, 5, 'step-1', NULL, 1796049989219213, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":1},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (10, 10, 1, 8, 4, 'step-1', NULL, 1796049989225015, '{"metrics":{"loss":2.26},"model":"m","sample":"s1"}');
INSERT INTO public.ledger VALUES (11, 11, 1, 9, 4, 'step-2', NULL, 1796049989226274, '{"metrics":{"loss":2.02},"model":"m","sample":"s2"}');
INSERT INTO public.ledger VALUES (12, 12, 1, 10, 5, 'step-2', NULL, 1796049989237674, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":2},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (13, 13, 1, 11, 4, 'step-2', NULL, 1796049989238913, '{"metrics":{"loss":1.77},"model":"m","sample":"s2"}');
INSERT INTO public.ledger VALUES (14, 14, 1, 12, 4, 'step-3', NULL, 1796049989239933, '{"metrics":{"loss":2.03},"model":"m","sample":"s3"}');
INSERT INTO public.ledger VALUES (15, 15, 1, 13, 5, 'step-3', NULL, 1796049989246935, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":3},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (16, 16, 1, 14, 4, 'step-3', NULL, 1796049989248044, '{"metrics":{"loss":2.28},"model":"m","sample":"s3"}');
INSERT INTO public.ledger VALUES (17, 17, 1, 15, 4, 'step-4', NULL, 1796049989249111, '{"metrics":{"loss":2.04},"model":"m","sample":"s4"}');
INSERT INTO public.ledger VALUES (18, 18, 1, 16, 5, 'step-4', NULL, 1796049989259551, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":4},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (19, 19, 1, 17, 4, 'step-4', NULL, 1796049989260808, '{"metrics":{"loss":2.29},"model":"m","sample":"s4"}');
INSERT INTO public.ledger VALUES (20, 20, 1, 18, 4, 'step-5', NULL, 1796049989261814, '{"metrics":{"loss":2.05},"model":"m","sample":"s5"}');
INSERT INTO public.ledger VALUES (21, 21, 1, 19, 5, 'step-5', NULL, 1796049989270005, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":5},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (22, 22, 1, 20, 4, 'step-5', NULL, 1796049989271168, '{"metrics":{"loss":2.3},"model":"m","sample":"s5"}');
INSERT INTO public.ledger VALUES (23, 23, 1, 21, 4, 'step-6', NULL, 1796049989272125, '{"metrics":{"loss":2.06},"model":"m","sample":"s6"}');
INSERT INTO public.ledger VALUES (24, 24, 1, 22, 5, 'step-6', NULL, 1796049989285383, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":6},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (25, 25, 1, 23, 4, 'step-6', NULL, 1796049989286480, '{"metrics":{"loss":2.31},"model":"m","sample":"s6"}');
INSERT INTO public.ledger VALUES (26, 26, 1, 24, 4, 'step-7', NULL, 1796049989289186, '{"metrics":{"loss":2.07},"model":"m","sample":"s7"}');
INSERT INTO public.ledger VALUES (28, 28, 1, 26, 4, 'step-7', NULL, 1796049989300716, '{"metrics":{"loss":1.8199999999999998},"model":"m","sample":"s7"}');
INSERT INTO public.ledger VALUES (31, 31, 1, 29, 4, 'step-8', NULL, 1796049989308539, '{"metrics":{"loss":1.83},"model":"m","sample":"s8"}');
INSERT INTO public.ledger VALUES (34, 34, 1, 32, 4, 'step-9', NULL, 1796049989320016, '{"metrics":{"loss":2.34},"model":"m","sample":"s9"}');
INSERT INTO public.ledger VALUES (37, 37, 1, 35, 4, 'step-10', NULL, 1796049989329390, '{"metrics":{"loss":1.85},"model":"m","sample":"s10"}');
INSERT INTO public.ledger VALUES (27, 27, 1, 25, 5, 'step-7', NULL, 1796049989293340, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":7},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (29, 29, 1, 27, 4, 'step-8', NULL, 1796049989301782, '{"metrics":{"loss":2.08},"model":"m","sample":"s8"}');
INSERT INTO public.ledger VALUES (30, 30, 1, 28, 5, 'step-8', NULL, 1796049989307009, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":8},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (32, 32, 1, 30, 4, 'step-9', NULL, 1796049989312806, '{"metrics":{"loss":2.09},"model":"m","sample":"s9"}');
INSERT INTO public.ledger VALUES (33, 33, 1, 31, 5, 'step-9', NULL, 1796049989315030, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":9},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (35, 35, 1, 33, 4, 'step-10', NULL, 1796049989321161, '{"metrics":{"loss":2.1},"model":"m","sample":"s10"}');
INSERT INTO public.ledger VALUES (36, 36, 1, 34, 5, 'step-10', NULL, 1796049989325406, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":10},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (38, 38, 1, 36, 4, 'step-11', NULL, 1796049989330205, '{"metrics":{"loss":2.11},"model":"m","sample":"s11"}');
INSERT INTO public.ledger VALUES (39, 39, 1, 37, 5, 'step-11', NULL, 1796049989336593, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":11},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (41, 41, 1, 39, 4, 'step-12', NULL, 1796049989340813, '{"metrics":{"loss":2.12},"model":"m","sample":"s12"}');
INSERT INTO public.ledger VALUES (42, 42, 1, 40, 5, 'step-12', NULL, 1796049989345027, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":12},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (44, 44, 1, 42, 4, 'step-13', NULL, 1796049989351416, '{"metrics":{"loss":2.13},"model":"m","sample":"s13"}');
INSERT INTO public.ledger VALUES (45, 45, 1, 43, 5, 'step-13', NULL, 1796049989353425, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":13},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (47, 47, 1, 45, 4, 'step-14', NULL, 1796049989357820, '{"metrics":{"loss":2.14},"model":"m","sample":"s14"}');
INSERT INTO public.ledger VALUES (48, 48, 1, 46, 5, 'step-14', NULL, 1796049989365649, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":14},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (50, 50, 1, 48, 4, 'step-15', NULL, 1796049989367458, '{"metrics":{"loss":2.15},"model":"m","sample":"s15"}');
INSERT INTO public.ledger VALUES (51, 51, 1, 49, 5, 'step-15', NULL, 1796049989377173, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":15},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (53, 53, 1, 51, 4, 'step-16', NULL, 1796049989379194, '{"metrics":{"loss":2.16},"model":"m","sample":"s16"}');
INSERT INTO public.ledger VALUES (54, 54, 1, 52, 5, 'step-16', NULL, 1796049989385332, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":16},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (56, 56, 1, 54, 4, 'step-17', NULL, 1796049989387157, '{"metrics":{"loss":2.17},"model":"m","sample":"s17"}');
INSERT INTO public.ledger VALUES (40, 40, 1, 38, 4, 'step-11', NULL, 1796049989337745, '{"metrics":{"loss":2.36},"model":"m","sample":"s11"}');
INSERT INTO public.ledger VALUES (43, 43, 1, 41, 4, 'step-12', NULL, 1796049989346013, '{"metrics":{"loss":1.87},"model":"m","sample":"s12"}');
INSERT INTO public.ledger VALUES (46, 46, 1, 44, 4, 'step-13', NULL, 1796049989357027, '{"metrics":{"loss":2.38},"model":"m","sample":"s13"}');
INSERT INTO public.ledger VALUES (49, 49, 1, 47, 4, 'step-14', NULL, 1796049989366666, '{"metrics":{"loss":2.39},"model":"m","sample":"s14"}');
INSERT INTO public.ledger VALUES (52, 52, 1, 50, 4, 'step-15', NULL, 1796049989378301, '{"metrics":{"loss":2.4},"model":"m","sample":"s15"}');
INSERT INTO public.ledger VALUES (55, 55, 1, 53, 4, 'step-16', NULL, 1796049989386318, '{"metrics":{"loss":2.41},"model":"m","sample":"s16"}');
INSERT INTO public.ledger VALUES (58, 58, 1, 56, 4, 'step-17', NULL, 1796049989398610, '{"metrics":{"loss":1.92},"model":"m","sample":"s17"}');
INSERT INTO public.ledger VALUES (61, 61, 1, 59, 4, 'step-18', NULL, 1796049989405971, '{"metrics":{"loss":2.43},"model":"m","sample":"s18"}');
INSERT INTO public.ledger VALUES (64, 64, 1, 62, 4, 'step-19', NULL, 1796049989413770, '{"metrics":{"loss":2.44},"model":"m","sample":"s19"}');
INSERT INTO public.ledger VALUES (67, 67, 1, 65, 4, 'step-20', NULL, 1796049989421406, '{"metrics":{"loss":1.9500000000000002},"model":"m","sample":"s20"}');
INSERT INTO public.ledger VALUES (70, 70, 1, 68, 4, 'step-21', NULL, 1796049989431929, '{"metrics":{"loss":1.96},"model":"m","sample":"s21"}');
INSERT INTO public.ledger VALUES (73, 73, 1, 71, 4, 'step-22', NULL, 1796049989439123, '{"metrics":{"loss":2.47},"model":"m","sample":"s22"}');
INSERT INTO public.ledger VALUES (76, 76, 1, 74, 4, 'step-23', NULL, 1796049989453476, '{"metrics":{"loss":1.98},"model":"m","sample":"s23"}');
INSERT INTO public.ledger VALUES (80, 78, 1, 78, 8, NULL, NULL, 1796049989552801, '{"added":[],"digest":"39823db187f9045866ed25352ab7257fac1a037409f0094b938acd86d48bedd6","kept":null,"model":"m","previous_digest":"f3ebf0d3b91886b2f401af2f38d65611b031424f6aaefb50071d48614c7d827a","removed":[],"sharing":{"derived":{},"names":["down","embed","head","up"],"partial":[],"same":[],"unknown":[],"version":1},"storages":[],"tied":[],"untied":[["embed","head"]],"vanished":[]}');
INSERT INTO public.ledger VALUES (82, 80, 1, 80, 10, NULL, NULL, 1796049989569891, '{"error":"ValueError","message":"","method":null,"model":"m","primary_layer":"up","restored":true,"storage_key":"up"}');
INSERT INTO public.ledger VALUES (83, 80, 1, 81, 11, NULL, NULL, 1796049989569891, '{"affected":[{"name":"up","relation":"primary","shared_bytes":null}],"fingerprint_expected":"aa","fingerprint_found":"bb","found_by":"verify","model":"m","storage_key":"up"}');
INSERT INTO public.ledger VALUES (57, 57, 1, 55, 5, 'step-17', NULL, 1796049989397532, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":17},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (59, 59, 1, 57, 4, 'step-18', NULL, 1796049989399538, '{"metrics":{"loss":2.18},"model":"m","sample":"s18"}');
INSERT INTO public.ledger VALUES (60, 60, 1, 58, 5, 'step-18', NULL, 1796049989404940, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":18},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (62, 62, 1, 60, 4, 'step-19', NULL, 1796049989406892, '{"metrics":{"loss":2.19},"model":"m","sample":"s19"}');
INSERT INTO public.ledger VALUES (63, 63, 1, 61, 5, 'step-19', NULL, 1796049989412591, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":19},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (65, 65, 1, 63, 4, 'step-20', NULL, 1796049989416840, '{"metrics":{"loss":2.2},"model":"m","sample":"s20"}');
INSERT INTO public.ledger VALUES (66, 66, 1, 64, 5, 'step-20', NULL, 1796049989418793, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":20},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (68, 68, 1, 66, 4, 'step-21', NULL, 1796049989428886, '{"metrics":{"loss":2.21},"model":"m","sample":"s21"}');
INSERT INTO public.ledger VALUES (69, 69, 1, 67, 5, 'step-21', NULL, 1796049989430882, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":21},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (71, 71, 1, 69, 4, 'step-22', NULL, 1796049989432838, '{"metrics":{"loss":2.22},"model":"m","sample":"s22"}');
INSERT INTO public.ledger VALUES (72, 72, 1, 70, 5, 'step-22', NULL, 1796049989438301, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":22},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (74, 74, 1, 72, 4, 'step-23', NULL, 1796049989441536, '{"metrics":{"loss":2.23},"model":"m","sample":"s23"}');
INSERT INTO public.ledger VALUES (75, 75, 1, 73, 5, 'step-23', NULL, 1796049989450295, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":["embed"],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"known":true,"method":"scale","model":"m","modification":{"n":23},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (77, 77, 1, 75, 4, NULL, NULL, 1796049989457639, '{"metrics":{"accuracy":{"$float":"-Infinity"},"loss":{"$float":"NaN"}},"model":"m","sample":null}');
INSERT INTO public.ledger VALUES (78, 77, 1, 76, 7, 'step-1', NULL, 1796049989457639, '{"affected":[{"name":"up","relation":"primary","shared_bytes":null}],"change":null,"changed":null,"coupled_layers":[],"description":"up","dose":1.0,"fingerprint":null,"importance":0.5,"known":true,"method":null,"model":"m","modification":{"why":"a plain one"},"overlapping":{},"per_name":true,"primary_layer":"up","propensity":null,"randomised":false,"reason":null,"reverts":null,"rows":null,"storage_key":"up","tags":["modification","up"]}');
INSERT INTO public.ledger VALUES (79, 77, 1, 77, 6, NULL, NULL, 1796049989457639, '{"model":"m","statistic":"norm","values":{"ghost":2.0,"up":1.5}}');
INSERT INTO public.ledger VALUES (81, 79, 1, 79, 9, NULL, NULL, 1796049989558266, '{"model":"m","storages":[],"to_act":"step-2"}');
INSERT INTO public.metric_definitions VALUES (2, NULL, 'loss', 'lower', 0.01, '[]');
INSERT INTO public.metric_definitions VALUES (3, NULL, 'perplexity', NULL, 0, '["loss"]');
INSERT INTO public.metrics VALUES (5, 'loss', 'm', 2, NULL, 's0', 'step-0', '2026-11-30T14:46:29.193263Z', NULL);
INSERT INTO public.metrics VALUES (7, 'loss', 'm', 1.75, NULL, 's0', 'step-0', '2026-11-30T14:46:29.213055Z', NULL);
INSERT INTO public.metrics VALUES (8, 'loss', 'm', 2.01, NULL, 's1', 'step-1', '2026-11-30T14:46:29.214420Z', NULL);
INSERT INTO public.metrics VALUES (10, 'loss', 'm', 2.26, NULL, 's1', 'step-1', '2026-11-30T14:46:29.225015Z', NULL);
INSERT INTO public.metrics VALUES (11, 'loss', 'm', 2.02, NULL, 's2', 'step-2', '2026-11-30T14:46:29.226274Z', NULL);
INSERT INTO public.metrics VALUES (13, 'loss', 'm', 1.77, NULL, 's2', 'step-2', '2026-11-30T14:46:29.238913Z', NULL);
INSERT INTO public.metrics VALUES (14, 'loss', 'm', 2.03, NULL, 's3', 'step-3', '2026-11-30T14:46:29.239933Z', NULL);
INSERT INTO public.metrics VALUES (16, 'loss', 'm', 2.28, NULL, 's3', 'step-3', '2026-11-30T14:46:29.248044Z', NULL);
INSERT INTO public.metrics VALUES (17, 'loss', 'm', 2.04, NULL, 's4', 'step-4', '2026-11-30T14:46:29.249111Z', NULL);
INSERT INTO public.metrics VALUES (19, 'loss', 'm', 2.29, NULL, 's4', 'step-4', '2026-11-30T14:46:29.260808Z', NULL);
INSERT INTO public.metrics VALUES (20, 'loss', 'm', 2.05, NULL, 's5', 'step-5', '2026-11-30T14:46:29.261814Z', NULL);
INSERT INTO public.metrics VALUES (22, 'loss', 'm', 2.3, NULL, 's5', 'step-5', '2026-11-30T14:46:29.271168Z', NULL);
INSERT INTO public.metrics VALUES (23, 'loss', 'm', 2.06, NULL, 's6', 'step-6', '2026-11-30T14:46:29.272125Z', NULL);
INSERT INTO public.metrics VALUES (25, 'loss', 'm', 2.31, NULL, 's6', 'step-6', '2026-11-30T14:46:29.286480Z', NULL);
INSERT INTO public.metrics VALUES (26, 'loss', 'm', 2.07, NULL, 's7', 'step-7', '2026-11-30T14:46:29.289186Z', NULL);
INSERT INTO public.metrics VALUES (28, 'loss', 'm', 1.8199999999999998, NULL, 's7', 'step-7', '2026-11-30T14:46:29.300716Z', NULL);
INSERT INTO public.metrics VALUES (29, 'loss', 'm', 2.08, NULL, 's8', 'step-8', '2026-11-30T14:46:29.301782Z', NULL);
INSERT INTO public.metrics VALUES (31, 'loss', 'm', 1.83, NULL, 's8', 'step-8', '2026-11-30T14:46:29.308539Z', NULL);
INSERT INTO public.metrics VALUES (32, 'loss', 'm', 2.09, NULL, 's9', 'step-9', '2026-11-30T14:46:29.312806Z', NULL);
INSERT INTO public.metrics VALUES (34, 'loss', 'm', 2.34, NULL, 's9', 'step-9', '2026-11-30T14:46:29.320016Z', NULL);
INSERT INTO public.metrics VALUES (35, 'loss', 'm', 2.1, NULL, 's10', 'step-10', '2026-11-30T14:46:29.321161Z', NULL);
INSERT INTO public.metrics VALUES (37, 'loss', 'm', 1.85, NULL, 's10', 'step-10', '2026-11-30T14:46:29.329390Z', NULL);
INSERT INTO public.metrics VALUES (38, 'loss', 'm', 2.11, NULL, 's11', 'step-11', '2026-11-30T14:46:29.330205Z', NULL);
INSERT INTO public.metrics VALUES (40, 'loss', 'm', 2.36, NULL, 's11', 'step-11', '2026-11-30T14:46:29.337745Z', NULL);
INSERT INTO public.metrics VALUES (41, 'loss', 'm', 2.12, NULL, 's12', 'step-12', '2026-11-30T14:46:29.340813Z', NULL);
INSERT INTO public.metrics VALUES (43, 'loss', 'm', 1.87, NULL, 's12', 'step-12', '2026-11-30T14:46:29.346013Z', NULL);
INSERT INTO public.metrics VALUES (44, 'loss', 'm', 2.13, NULL, 's13', 'step-13', '2026-11-30T14:46:29.351416Z', NULL);
INSERT INTO public.metrics VALUES (46, 'loss', 'm', 2.38, NULL, 's13', 'step-13', '2026-11-30T14:46:29.357027Z', NULL);
INSERT INTO public.metrics VALUES (47, 'loss', 'm', 2.14, NULL, 's14', 'step-14', '2026-11-30T14:46:29.357820Z', NULL);
INSERT INTO public.metrics VALUES (49, 'loss', 'm', 2.39, NULL, 's14', 'step-14', '2026-11-30T14:46:29.366666Z', NULL);
INSERT INTO public.metrics VALUES (50, 'loss', 'm', 2.15, NULL, 's15', 'step-15', '2026-11-30T14:46:29.367458Z', NULL);
INSERT INTO public.metrics VALUES (52, 'loss', 'm', 2.4, NULL, 's15', 'step-15', '2026-11-30T14:46:29.378301Z', NULL);
INSERT INTO public.metrics VALUES (53, 'loss', 'm', 2.16, NULL, 's16', 'step-16', '2026-11-30T14:46:29.379194Z', NULL);
INSERT INTO public.metrics VALUES (55, 'loss', 'm', 2.41, NULL, 's16', 'step-16', '2026-11-30T14:46:29.386318Z', NULL);
INSERT INTO public.metrics VALUES (56, 'loss', 'm', 2.17, NULL, 's17', 'step-17', '2026-11-30T14:46:29.387157Z', NULL);
INSERT INTO public.metrics VALUES (58, 'loss', 'm', 1.92, NULL, 's17', 'step-17', '2026-11-30T14:46:29.398610Z', NULL);
INSERT INTO public.metrics VALUES (59, 'loss', 'm', 2.18, NULL, 's18', 'step-18', '2026-11-30T14:46:29.399538Z', NULL);
INSERT INTO public.metrics VALUES (61, 'loss', 'm', 2.43, NULL, 's18', 'step-18', '2026-11-30T14:46:29.405971Z', NULL);
INSERT INTO public.metrics VALUES (62, 'loss', 'm', 2.19, NULL, 's19', 'step-19', '2026-11-30T14:46:29.406892Z', NULL);
INSERT INTO public.metrics VALUES (64, 'loss', 'm', 2.44, NULL, 's19', 'step-19', '2026-11-30T14:46:29.413770Z', NULL);
INSERT INTO public.metrics VALUES (65, 'loss', 'm', 2.2, NULL, 's20', 'step-20', '2026-11-30T14:46:29.416840Z', NULL);
INSERT INTO public.metrics VALUES (67, 'loss', 'm', 1.9500000000000002, NULL, 's20', 'step-20', '2026-11-30T14:46:29.421406Z', NULL);
INSERT INTO public.metrics VALUES (68, 'loss', 'm', 2.21, NULL, 's21', 'step-21', '2026-11-30T14:46:29.428886Z', NULL);
INSERT INTO public.metrics VALUES (70, 'loss', 'm', 1.96, NULL, 's21', 'step-21', '2026-11-30T14:46:29.431929Z', NULL);
INSERT INTO public.metrics VALUES (71, 'loss', 'm', 2.22, NULL, 's22', 'step-22', '2026-11-30T14:46:29.432838Z', NULL);
INSERT INTO public.metrics VALUES (73, 'loss', 'm', 2.47, NULL, 's22', 'step-22', '2026-11-30T14:46:29.439123Z', NULL);
INSERT INTO public.metrics VALUES (74, 'loss', 'm', 2.23, NULL, 's23', 'step-23', '2026-11-30T14:46:29.441536Z', NULL);
INSERT INTO public.metrics VALUES (76, 'loss', 'm', 1.98, NULL, 's23', 'step-23', '2026-11-30T14:46:29.453476Z', NULL);
INSERT INTO public.metrics VALUES (77, 'accuracy', 'm', NULL, '-Infinity', NULL, NULL, '2026-11-30T14:46:29.457639Z', NULL);
INSERT INTO public.metrics VALUES (77, 'loss', 'm', NULL, 'NaN', NULL, NULL, '2026-11-30T14:46:29.457639Z', NULL);
INSERT INTO public.modifications VALUES (6, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-0', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 0}', '2026-11-30T14:46:29.206933Z', NULL);
INSERT INTO public.modifications VALUES (9, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-1', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 1}', '2026-11-30T14:46:29.219213Z', NULL);
INSERT INTO public.modifications VALUES (12, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-2', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 2}', '2026-11-30T14:46:29.237674Z', NULL);
INSERT INTO public.modifications VALUES (15, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-3', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 3}', '2026-11-30T14:46:29.246935Z', NULL);
INSERT INTO public.modifications VALUES (18, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-4', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 4}', '2026-11-30T14:46:29.259551Z', NULL);
INSERT INTO public.modifications VALUES (21, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-5', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 5}', '2026-11-30T14:46:29.270005Z', NULL);
INSERT INTO public.modifications VALUES (24, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-6', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 6}', '2026-11-30T14:46:29.285383Z', NULL);
INSERT INTO public.modifications VALUES (27, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-7', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 7}', '2026-11-30T14:46:29.293340Z', NULL);
INSERT INTO public.modifications VALUES (30, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-8', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 8}', '2026-11-30T14:46:29.307009Z', NULL);
INSERT INTO public.modifications VALUES (33, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-9', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 9}', '2026-11-30T14:46:29.315030Z', NULL);
INSERT INTO public.modifications VALUES (36, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-10', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 10}', '2026-11-30T14:46:29.325406Z', NULL);
INSERT INTO public.modifications VALUES (39, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-11', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 11}', '2026-11-30T14:46:29.336593Z', NULL);
INSERT INTO public.modifications VALUES (42, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-12', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 12}', '2026-11-30T14:46:29.345027Z', NULL);
INSERT INTO public.modifications VALUES (45, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-13', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 13}', '2026-11-30T14:46:29.353425Z', NULL);
INSERT INTO public.modifications VALUES (48, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-14', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 14}', '2026-11-30T14:46:29.365649Z', NULL);
INSERT INTO public.modifications VALUES (51, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-15', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 15}', '2026-11-30T14:46:29.377173Z', NULL);
INSERT INTO public.modifications VALUES (54, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-16', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 16}', '2026-11-30T14:46:29.385332Z', NULL);
INSERT INTO public.modifications VALUES (57, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-17', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 17}', '2026-11-30T14:46:29.397532Z', NULL);
INSERT INTO public.modifications VALUES (60, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-18', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 18}', '2026-11-30T14:46:29.404940Z', NULL);
INSERT INTO public.modifications VALUES (63, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-19', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 19}', '2026-11-30T14:46:29.412591Z', NULL);
INSERT INTO public.modifications VALUES (66, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-20', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 20}', '2026-11-30T14:46:29.418793Z', NULL);
INSERT INTO public.modifications VALUES (69, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-21', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 21}', '2026-11-30T14:46:29.430882Z', NULL);
INSERT INTO public.modifications VALUES (72, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-22', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 22}', '2026-11-30T14:46:29.438301Z', NULL);
INSERT INTO public.modifications VALUES (75, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-23', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 23}', '2026-11-30T14:46:29.450295Z', NULL);
INSERT INTO public.modifications VALUES (78, 'modification', 'm', 3, 'up', 'up', '[]', 'step-1', NULL, 1, false, NULL, NULL, NULL, true, NULL, NULL, NULL, 'up', NULL, '["modification", "up"]', 0.5, '{"why": "a plain one"}', '2026-11-30T14:46:29.457639Z', NULL);
INSERT INTO public.observations VALUES (4, 'm', 'discovery', 'tie', 'ç, 中 and 🧊', '{"n": [1, 2.5, null]}', '["t"]', 0.7, NULL, '2026-11-30T14:46:29.177219Z', 'active', NULL, NULL);
INSERT INTO public.palimpsest_version VALUES ('0004');
INSERT INTO public.patterns VALUES ('pattern-e3293d10e0257987', 'm', 'effect', 'embed', 'loss', 1, 0.25, 0.23628878418094523, 0.26371121581905477, 305632.52592370205, 12.63013876360732, 'randomised', 'scale', 1, 24, 2, 46, 76, false, 'active');
INSERT INTO public.predictions VALUES ('theory-e3293d10e0257987', 49, 1, 0.9230769230769231, 0.22916666666666666, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-e3293d10e0257987', 52, 1, 0.9285714285714286, 0.23076923076923078, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-e3293d10e0257987', 55, 1, 0.9333333333333333, 0.23214285714285715, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-e3293d10e0257987', 58, 1, 0.9375, 0.23333333333333334, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-e3293d10e0257987', 61, 1, 0.9411764705882353, 0.234375, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-e3293d10e0257987', 64, 1, 0.9444444444444444, 0.23529411764705882, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-e3293d10e0257987', 67, 1, 0.9473684210526315, 0.2361111111111111, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-e3293d10e0257987', 70, 1, 0.95, 0.23684210526315788, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-e3293d10e0257987', 73, 1, 0.95, 0.2375, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-e3293d10e0257987', 76, 1, 0.95, 0.23809523809523808, 0.0025, 0.25, true);
INSERT INTO public.projections VALUES ('sharing', 2, 83, '{"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],80,{"head":80}],[3,"up",["up"],1,{"up":1}]]}},"next_id":5}', NULL, NULL);
INSERT INTO public.projections VALUES ('observations', 3, 83, NULL, NULL, NULL);
INSERT INTO public.projections VALUES ('metrics', 3, 83, NULL, NULL, NULL);
INSERT INTO public.projections VALUES ('modifications', 3, 83, '{"counted":[["m","step-1",3,[78]]],"registry":{"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],80,{"head":80}],[3,"up",["up"],1,{"up":1}]]}},"next_id":5}}', NULL, NULL);
INSERT INTO public.projections VALUES ('weight_states', 1, 83, '{"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],80,{"head":80}],[3,"up",["up"],1,{"up":1}]]}},"next_id":5}', NULL, NULL);
INSERT INTO public.projections VALUES ('layer_statistics', 2, 83, '{"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],80,{"head":80}],[3,"up",["up"],1,{"up":1}]]}},"next_id":5}', NULL, NULL);
INSERT INTO public.projections VALUES ('knowledge', 2, 83, '{"learning":{"registry":{"next_id":5,"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],80,{"head":80}],[3,"up",["up"],1,{"up":1}]]}}},"metrics":{"seen":{"m":["loss","accuracy"]},"definitions":[[null,"loss",[],2,0.01],[null,"perplexity",["loss"],3,0.0]]},"windows":{"m":{"writes":29,"given_up":[],"windows":[["step-0",[["loss","s0",5,2.0,1]],[6,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-1",[["loss","s1",8,2.01,2]],null,2,true,["loss"]],["step-2",[["loss","s2",11,2.02,3]],[12,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-3",[["loss","s3",14,2.03,4]],[15,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-4",[["loss","s4",17,2.04,5]],[18,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-5",[["loss","s5",20,2.05,6]],[21,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-6",[["loss","s6",23,2.06,7]],[24,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-7",[["loss","s7",26,2.07,8]],[27,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-8",[["loss","s8",29,2.08,9]],[30,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-9",[["loss","s9",32,2.09,10]],[33,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-10",[["loss","s10",35,2.1,11]],[36,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-11",[["loss","s11",38,2.11,12]],[39,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-12",[["loss","s12",41,2.12,13]],[42,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-13",[["loss","s13",44,2.13,14]],[45,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-14",[["loss","s14",47,2.14,15]],[48,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-15",[["loss","s15",50,2.15,16]],[51,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-16",[["loss","s16",53,2.16,17]],[54,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-17",[["loss","s17",56,2.17,18]],[57,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-18",[["loss","s18",59,2.18,19]],[60,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-19",[["loss","s19",62,2.19,20]],[63,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-20",[["loss","s20",65,2.2,21]],[66,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-21",[["loss","s21",68,2.21,22]],[69,2,"scale",-1.0,true,0.5],1,false,["loss"]],["step-22",[["loss","s22",71,2.22,23]],[72,2,"scale",1.0,true,0.5],1,false,["loss"]],["step-23",[["loss","s23",74,2.23,24]],[75,2,"scale",-1.0,true,0.5],1,false,["loss"]]]}},"counted":[["m","step-1",3,[78]]],"claims":{"families":[[["m","effect","scale",1.0,true],{"share":0.182378130556208,"registered":3,"early":3},[1,2,3],["loss"],[24,0.18181818181818182,10.0,25],[{"storage_id":2,"metric":"loss","weight":0.04863416814832214,"process":{"smallest_effect":0.01,"n":24,"skipped":0,"positives":24,"negatives":0,"total":6.0,"peak_log_e":12.63013876360732,"bet":{"up":[2.102178392463761,3.9946433410652284,7.176361906374959,11.458722130479275,14.900777726782506],"down":[-2.5161604217119073,-5.277989287650565,-11.503260113527432,-26.31855349783109,-61.41205659161138]},"scale":{"window":[0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25]},"sequence":{"n":21,"centre":0.25,"unit":0.0625,"weight":21.0,"weight2":21.0,"sum1":0.0,"cross":0.0,"sum2":0.0}},"epoch":0,"first_claimed":46,"last_settled":76,"subject":"embed","subject_names":["embed","head"],"status":"active","direction":1,"score":{"n":10,"hits":10,"ties":0,"skipped":0,"log_e":6.31805959305836,"peak_log_e":6.31805959305836,"gain":-50.0,"brier":0.036186605492120834},"last_scored":76,"belief_since":70,"belief_changed":70,"belief_status":"active","credence":1.0,"detector":{"direction":1,"effect":0.25,"n":2,"skipped":0,"scale":{"window":[-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001,-0.07500000000000001]},"wealth":[-0.10499168882164654,-0.21986807184000734,-0.47795348538783244,-1.0907535603283935,-2.546806152602485]}}]],[["m","impact","scale",1.0,true],{"share":0.182378130556208,"registered":3,"early":3},[1,2,3],["loss"],[24,0.1,1.0,0],[{"storage_id":2,"metric":"loss","weight":0.04863416814832214,"process":{"smallest_effect":0.01,"n":24,"skipped":0,"positives":14,"negatives":10,"total":1.0,"peak_log_e":0.2575253343916615,"bet":{"up":[0.29500233474284765,0.36622187765470077,-0.13305540576075825,-3.32369007190304,-14.960766136936856],"down":[-0.7089843639909933,-1.649567824240038,-4.193842801391717,-11.536141295448775,-31.550512727892052]},"scale":{"window":[-0.25,0.25,-0.25,0.25,0.25,0.25,0.25,-0.25,-0.25,0.25,-0.25,0.25,-0.25,0.25,0.25,0.25,0.25,-0.25,0.25,0.25,-0.25,-0.25,0.25,-0.25]},"sequence":{"n":21,"centre":-0.25,"unit":0.5,"weight":57.0,"weight2":339.0,"sum1":21.0,"cross":79.0,"sum2":79.0}},"epoch":0,"first_claimed":null,"last_settled":76,"subject":"","subject_names":[],"status":"unclaimed","direction":0,"score":null,"last_scored":null,"belief_since":null,"belief_changed":0,"belief_status":"","credence":0.0,"detector":null}]]],"told":{"closed":[],"first":[],"changed":[],"amended":[]}},"facts":{"m":[]},"dropped":{"acts":{"m":["step-1",[]]},"strengths":[]}},"amendments":[]}', NULL, NULL);
INSERT INTO public.record_keys VALUES ('seen', 4, '\xc7b45ac3f7a0394086e8073d8303256cf08309fb5d0da454394871512526bf05');
INSERT INTO public.record_keys VALUES ('k0', 6, '\xdc2d2ad431d0d333de7e99fc31bd73ed7f86600a52e063c7ebbc746eb6e211ee');
INSERT INTO public.record_keys VALUES ('k1', 9, '\xf8698b92c62432eebad90480b6479b23ac36fba19c59b1f25b87394e090bb0f0');
INSERT INTO public.record_keys VALUES ('k2', 12, '\xd6ae36ad0425f76a8b94ab4f976d19ef589924ae380de5ee7ecbfbbcde9c0972');
INSERT INTO public.record_keys VALUES ('k3', 15, '\x2864cf9749a338a0508ae295ec8a1b03956b2265297bdb22939286499a2bcd6d');
INSERT INTO public.record_keys VALUES ('k4', 18, '\x99357952acea6bb18c08fc30aeb1e8daa16f68d5c20dee340992cc494375d899');
INSERT INTO public.record_keys VALUES ('k5', 21, '\xe3f4f6bc0797065c7b4af6e968b2b2a4feff323c5e03d812ac93620e652808e3');
INSERT INTO public.record_keys VALUES ('k6', 24, '\x4573f90e99c9273dcf8802d168a6cba00e87b438bc94df6b41ba43341c25cce0');
INSERT INTO public.record_keys VALUES ('k7', 27, '\xf2bc5c701fcb9bd039b6965146f802456577d3d91c0f0558312358c44f843b70');
INSERT INTO public.record_keys VALUES ('k8', 30, '\xd039dfbf739f61c033be176f30a457d80e106c7904813b1fa7a5330b027ab237');
INSERT INTO public.record_keys VALUES ('k9', 33, '\x5d2837c6a59ecec1c8e32a24f714a6364c042cb9c7cf0b469620e40218cb9197');
INSERT INTO public.record_keys VALUES ('k10', 36, '\x0f4c9aa1c60ce493e91eded8cb1f5f46295cf360a700ac5181ee78f15530cf71');
INSERT INTO public.record_keys VALUES ('k11', 39, '\x8886ae867ecedf8a5fda09262909b09c750aea97736ede5eb66547ee08586dd9');
INSERT INTO public.record_keys VALUES ('k12', 42, '\x292b2023b35c34266a865479afd0710186c738b23a649a95c7a8aef8b8e4313a');
INSERT INTO public.record_keys VALUES ('k13', 45, '\x4a4c678bb96118b0f9782a01e39582e4f3430090b9d31c94f8ca5970a5314459');
INSERT INTO public.record_keys VALUES ('k14', 48, '\x97792eef1337e53d8a69f63dc274d8bc557eccb1531d4622851a15d251bc6518');
INSERT INTO public.record_keys VALUES ('k15', 51, '\xa8462c575b72a9e8d4775109708f526b781aef77089e5c5e7351ed9884081fbd');
INSERT INTO public.record_keys VALUES ('k16', 54, '\x462e478bc4b0195515f30d7e2e052b01a28f5fcf768034d6f89fca96291843eb');
INSERT INTO public.record_keys VALUES ('k17', 57, '\x41786cdc29c183302624600573293bffe8ed2d6363759a93aab9b96da5b67fb7');
INSERT INTO public.record_keys VALUES ('k18', 60, '\x810e33a4794b7453d1ce65daeb644de5cbe97cf0efbf7ca0b08712f4abda81f9');
INSERT INTO public.record_keys VALUES ('k19', 63, '\x76a768486dbb3396f13e1e40be9aeda359d144606ae3a5c845e1099df5655434');
INSERT INTO public.record_keys VALUES ('k20', 66, '\x1d2b813a70deb5587d61a4d162a3d54e46523b32f4ba77aa29357cc999e304f9');
INSERT INTO public.record_keys VALUES ('k21', 69, '\x264ff498885122995b1057a62bd85aa1b8dea9b59488c4b2e0c9b585e4018753');
INSERT INTO public.record_keys VALUES ('k22', 72, '\xed96fe1cc75a52629a3faa85ec851b290cf7ef0bebc87de27a0c13e763af468a');
INSERT INTO public.record_keys VALUES ('k23', 75, '\x6c0eda585b4ea1d3ead331c155cd0941d99e1670cc7332639c25351e94905f3b');
INSERT INTO public.sharing_maps VALUES (1, 'm', 'f3ebf0d3b91886b2f401af2f38d65611b031424f6aaefb50071d48614c7d827a', 4, 3, '[["embed", "head"]]', '{"same": [[null, "embed", "head"]], "names": ["down", "embed", "head", "up"], "derived": {}, "partial": [], "unknown": [], "version": 1}');
INSERT INTO public.sharing_maps VALUES (80, 'm', '39823db187f9045866ed25352ab7257fac1a037409f0094b938acd86d48bedd6', 4, 4, '[]', '{"same": [], "names": ["down", "embed", "head", "up"], "derived": {}, "partial": [], "unknown": [], "version": 1}');
INSERT INTO public.storage_names VALUES (1, 'm', 'down', 1, NULL);
INSERT INTO public.storage_names VALUES (2, 'm', 'embed', 1, NULL);
INSERT INTO public.storage_names VALUES (3, 'm', 'up', 1, NULL);
INSERT INTO public.storage_names VALUES (4, 'm', 'head', 80, NULL);
INSERT INTO public.storage_names VALUES (2, 'm', 'head', 1, 80);
INSERT INTO public.storages VALUES (1, 'm', 'down', 1, NULL);
INSERT INTO public.storages VALUES (2, 'm', 'embed', 1, NULL);
INSERT INTO public.storages VALUES (3, 'm', 'up', 1, NULL);
INSERT INTO public.storages VALUES (4, 'm', 'head', 80, NULL);
INSERT INTO public.streams VALUES (2, 'memory', 'memory', 2);
INSERT INTO public.streams VALUES (1, 'model-m', 'model', 81);
INSERT INTO public.theories VALUES ('theory-e3293d10e0257987', 'm', 'causal_model', 'pattern-e3293d10e0257987', 'scale on embed (one tensor with head) at dose 1: the positive side moves loss up, the negative side the other way, by +0.25 (95 %: +0.2363 to +0.2637; 24 outcomes)', 10, 10, 6.31805959305836, -50, 0.0036186605492120835, 46, 76, 'active');
INSERT INTO public.weight_states VALUES (2, 'm', 6, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 9, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 12, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 15, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 18, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 21, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 24, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 27, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 30, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 33, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 36, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 39, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 42, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 45, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 48, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 51, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 54, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 57, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 60, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 63, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 66, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 69, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 72, NULL);
INSERT INTO public.weight_states VALUES (2, 'm', 75, NULL);
INSERT INTO public.weight_states VALUES (3, 'm', 78, NULL);
INSERT INTO public.weight_states VALUES (3, 'm', 83, 'bb');
ALTER TABLE ONLY public.palimpsest_version
    ADD CONSTRAINT palimpsest_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.affected_layers
    ADD CONSTRAINT pk_affected_layers PRIMARY KEY ("position", layer_name);
ALTER TABLE ONLY public.appends
    ADD CONSTRAINT pk_appends PRIMARY KEY (append_id);
ALTER TABLE ONLY public.architectural_facts
    ADD CONSTRAINT pk_architectural_facts PRIMARY KEY (fact_id);
ALTER TABLE ONLY public.beliefs
    ADD CONSTRAINT pk_beliefs PRIMARY KEY (belief_id);
ALTER TABLE ONLY public.event_types
    ADD CONSTRAINT pk_event_types PRIMARY KEY (type_id);
ALTER TABLE ONLY public.evidence
    ADD CONSTRAINT pk_evidence PRIMARY KEY (pattern_id, "position");
ALTER TABLE ONLY public.layer_statistics
    ADD CONSTRAINT pk_layer_statistics PRIMARY KEY ("position", layer_name);
ALTER TABLE ONLY public.ledger
    ADD CONSTRAINT pk_ledger PRIMARY KEY ("position");
ALTER TABLE ONLY public.metric_definitions
    ADD CONSTRAINT pk_metric_definitions PRIMARY KEY ("position");
ALTER TABLE ONLY public.metrics
    ADD CONSTRAINT pk_metrics PRIMARY KEY ("position", metric);
ALTER TABLE ONLY public.modifications
    ADD CONSTRAINT pk_modifications PRIMARY KEY ("position");
ALTER TABLE ONLY public.observations
    ADD CONSTRAINT pk_observations PRIMARY KEY ("position");
ALTER TABLE ONLY public.patterns
    ADD CONSTRAINT pk_patterns PRIMARY KEY (pattern_id);
ALTER TABLE ONLY public.predictions
    ADD CONSTRAINT pk_predictions PRIMARY KEY (theory_id, "position");
ALTER TABLE ONLY public.projections
    ADD CONSTRAINT pk_projections PRIMARY KEY (name);
ALTER TABLE ONLY public.record_keys
    ADD CONSTRAINT pk_record_keys PRIMARY KEY (key);
ALTER TABLE ONLY public.sharing_maps
    ADD CONSTRAINT pk_sharing_maps PRIMARY KEY ("position");
ALTER TABLE ONLY public.storage_names
    ADD CONSTRAINT pk_storage_names PRIMARY KEY (storage_id, name, from_position);
ALTER TABLE ONLY public.storages
    ADD CONSTRAINT pk_storages PRIMARY KEY (storage_id, from_position);
ALTER TABLE ONLY public.streams
    ADD CONSTRAINT pk_streams PRIMARY KEY (stream_id);
ALTER TABLE ONLY public.theories
    ADD CONSTRAINT pk_theories PRIMARY KEY (theory_id);
ALTER TABLE ONLY public.weight_states
    ADD CONSTRAINT pk_weight_states PRIMARY KEY (storage_id, "position");
ALTER TABLE ONLY public.event_types
    ADD CONSTRAINT uq_event_types_name_schema_version UNIQUE (name, schema_version);
ALTER TABLE ONLY public.ledger
    ADD CONSTRAINT uq_ledger_stream_id_version UNIQUE (stream_id, version);
ALTER TABLE ONLY public.record_keys
    ADD CONSTRAINT uq_record_keys_position UNIQUE ("position");
ALTER TABLE ONLY public.streams
    ADD CONSTRAINT uq_streams_name UNIQUE (name);
CREATE INDEX ix_affected_layers_layer_name ON public.affected_layers USING btree (layer_name, "position");
CREATE INDEX ix_evidence_position ON public.evidence USING btree ("position");
CREATE INDEX ix_metrics_act_id ON public.metrics USING btree (act_id);
CREATE INDEX ix_metrics_metric ON public.metrics USING btree (metric, "position");
CREATE INDEX ix_modifications_act_id ON public.modifications USING btree (act_id);
CREATE INDEX ix_modifications_storage_id ON public.modifications USING btree (storage_id, "position");
CREATE INDEX ix_observations_obs_type ON public.observations USING btree (obs_type, "position");
CREATE TRIGGER appends_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.appends FOR EACH STATEMENT EXECUTE FUNCTION public.palimpsest_refuse_change();
ALTER TABLE public.appends ENABLE ALWAYS TRIGGER appends_append_only;
CREATE TRIGGER ledger_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger FOR EACH STATEMENT EXECUTE FUNCTION public.palimpsest_refuse_change();
ALTER TABLE public.ledger ENABLE ALWAYS TRIGGER ledger_append_only;
CREATE TRIGGER record_keys_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.record_keys FOR EACH STATEMENT EXECUTE FUNCTION public.palimpsest_refuse_change();
ALTER TABLE public.record_keys ENABLE ALWAYS TRIGGER record_keys_append_only;
