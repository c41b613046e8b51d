CREATE FUNCTION public.palimpsest_refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION USING
    MESSAGE = 'append-only: ' || TG_OP || ' of ' || TG_TABLE_NAME || ' is refused',
    ERRCODE = 'restrict_violation';
END
$$;
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
CREATE VIEW public.act_outcomes AS
 SELECT "position",
    metric,
    sample,
    act_id,
    model,
    baseline_position,
    baseline,
    outcome,
    (outcome - baseline) AS change,
    better,
        CASE
            WHEN (outcome = baseline) THEN 'same'::text
            WHEN (better = 'lower'::text) THEN
            CASE
                WHEN (outcome < baseline) THEN 'better'::text
                WHEN (outcome > baseline) THEN 'worse'::text
                ELSE NULL::text
            END
            WHEN (better = 'higher'::text) THEN
            CASE
                WHEN (outcome > baseline) THEN 'better'::text
                WHEN (outcome < baseline) THEN 'worse'::text
                ELSE NULL::text
            END
            ELSE NULL::text
        END AS verdict
   FROM ( SELECT paired."position",
            paired.metric,
            paired.sample,
            paired.act_id,
            paired.model,
            paired.outcome,
            paired.better,
            paired.baseline_position,
            ( SELECT m.value
                   FROM public.metrics m
                  WHERE ((m."position" = paired.baseline_position) AND (m.metric = paired.metric))) AS baseline
           FROM ( SELECT after."position",
                    after.metric,
                    after.sample,
                    after.act_id,
                    after.model,
                    after.value AS outcome,
                    ( SELECT metric_definitions.better
                           FROM public.metric_definitions
                          WHERE (metric_definitions."position" = COALESCE(( SELECT max(own."position") AS max
                                   FROM public.metric_definitions own
                                  WHERE ((own.metric = after.metric) AND (own.model = after.model))), ( SELECT max(of_all."position") AS max
                                   FROM public.metric_definitions of_all
                                  WHERE ((of_all.metric = after.metric) AND (of_all.model IS NULL)))))) AS better,
                    ( SELECT max(before."position") AS max
                           FROM public.metrics before
                          WHERE ((before.act_id = after.act_id) AND (before.metric = after.metric) AND (COALESCE(before.model, ''::text) = COALESCE(after.model, ''::text)) AND ((before.sample = after.sample) OR ((before.sample IS NULL) AND (after.sample IS NULL))) AND (before.retracted_position IS NULL) AND (before."position" < ( SELECT min(modifications."position") AS min
                                   FROM public.modifications
                                  WHERE ((modifications.act_id = after.act_id) AND (modifications.retracted_position IS NULL) AND ((after.model IS NULL) OR (modifications.model = after.model))))))) AS baseline_position
                   FROM public.metrics after
                  WHERE ((after.act_id IS NOT NULL) AND (after.retracted_position IS NULL) AND (after."position" > ( SELECT min(modifications."position") AS min
                           FROM public.modifications
                          WHERE ((modifications.act_id = after.act_id) AND (modifications.retracted_position IS NULL) AND ((after.model IS NULL) OR (modifications.model = after.model))))) AND (NOT (EXISTS ( SELECT 1
                           FROM public.metrics earlier
                          WHERE ((earlier.act_id = after.act_id) AND (earlier.metric = after.metric) AND (COALESCE(earlier.model, ''::text) = COALESCE(after.model, ''::text)) AND (earlier."position" < after."position") AND (earlier."position" > ( SELECT min(modifications."position") AS min
                                   FROM public.modifications
                                  WHERE ((modifications.act_id = after.act_id) AND (modifications.retracted_position IS NULL) AND ((after.model IS NULL) OR (modifications.model = after.model))))) AND ((earlier.sample = after.sample) OR ((earlier.sample IS NULL) AND (after.sample IS NULL))) AND (earlier.retracted_position IS NULL))))))) paired) compared;
COMMENT ON VIEW public.act_outcomes IS 'What each act did to each metric: last value before its first write, first after it, same sample.';
COMMENT ON COLUMN public.act_outcomes."position" IS 'the evaluation after the act''s first write';
COMMENT ON COLUMN public.act_outcomes.metric IS 'the metric';
COMMENT ON COLUMN public.act_outcomes.sample IS 'what it was measured on; null: not said';
COMMENT ON COLUMN public.act_outcomes.act_id IS 'the act';
COMMENT ON COLUMN public.act_outcomes.model IS 'the model''s name in this record; null: not said';
COMMENT ON COLUMN public.act_outcomes.baseline_position IS 'the evaluation before the act''s first write; null: there was none';
COMMENT ON COLUMN public.act_outcomes.baseline IS 'the value before; null: none, or not finite';
COMMENT ON COLUMN public.act_outcomes.outcome IS 'the value after; null: not finite';
COMMENT ON COLUMN public.act_outcomes.change IS 'outcome minus baseline';
COMMENT ON COLUMN public.act_outcomes.better IS 'which way is better: lower, higher, or null: not said';
COMMENT ON COLUMN public.act_outcomes.verdict IS 'better, worse or same; null where that cannot be said';
CREATE VIEW public.act_summary AS
 SELECT act_id,
    model,
    "position" AS first_position,
    ( SELECT max(w."position") AS max
           FROM public.modifications w
          WHERE ((w.act_id = first.act_id) AND (w.retracted_position IS NULL))) AS last_position,
    occurred_at AS started_at,
    method,
    primary_layer AS first_layer,
    ( SELECT count(*) AS count
           FROM public.modifications w
          WHERE ((w.act_id = first.act_id) AND w.counted)) AS writes,
    ( SELECT count(DISTINCT w.storage_id) AS count
           FROM public.modifications w
          WHERE ((w.act_id = first.act_id) AND (w.retracted_position IS NULL))) AS storages,
    ( SELECT count(*) AS count
           FROM public.modifications w
          WHERE ((w.act_id = first.act_id) AND w.counted AND (w.event_type = 'coupled_modification'::text))) AS coupled_writes,
    ( SELECT sum(w.dose) AS sum
           FROM public.modifications w
          WHERE ((w.act_id = first.act_id) AND w.counted)) AS dose,
    ( SELECT max(
                CASE
                    WHEN w.randomised THEN 1
                    ELSE 0
                END) AS max
           FROM public.modifications w
          WHERE ((w.act_id = first.act_id) AND (w.retracted_position IS NULL))) AS randomised,
    ( SELECT count(DISTINCT m.metric) AS count
           FROM public.metrics m
          WHERE ((m.act_id = first.act_id) AND (m."position" > first."position") AND (m.retracted_position IS NULL))) AS outcomes,
    reverts,
    ( SELECT min(r."position") AS min
           FROM public.modifications r
          WHERE ((r.reverts = first.act_id) AND (r.retracted_position IS NULL))) AS reverted_position,
        CASE
            WHEN (EXISTS ( SELECT 1
               FROM public.modifications r
              WHERE ((r.reverts = first.act_id) AND (r.retracted_position IS NULL)))) THEN 1
            ELSE 0
        END AS reverted
   FROM public.modifications first
  WHERE ((act_id IS NOT NULL) AND (retracted_position IS NULL) AND ("position" = ( SELECT min(w."position") AS min
           FROM public.modifications w
          WHERE ((w.act_id = first.act_id) AND (w.retracted_position IS NULL)))));
COMMENT ON VIEW public.act_summary IS 'What each act wrote, and whether it was taken back: one row per act that wrote.';
COMMENT ON COLUMN public.act_summary.act_id IS 'the act';
COMMENT ON COLUMN public.act_summary.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.act_summary.first_position IS 'its first write';
COMMENT ON COLUMN public.act_summary.last_position IS 'its last write';
COMMENT ON COLUMN public.act_summary.started_at IS 'when its first write happened, UTC ISO text';
COMMENT ON COLUMN public.act_summary.method IS 'how its first write was done';
COMMENT ON COLUMN public.act_summary.first_layer IS 'the name its first write used';
COMMENT ON COLUMN public.act_summary.writes IS 'writes that count: several records of one write are one';
COMMENT ON COLUMN public.act_summary.storages IS 'storages it wrote';
COMMENT ON COLUMN public.act_summary.coupled_writes IS 'its writes that reached more names than one';
COMMENT ON COLUMN public.act_summary.dose IS 'doses of its counted writes, added';
COMMENT ON COLUMN public.act_summary.randomised IS 'whether a coin decided the sign of a dose';
COMMENT ON COLUMN public.act_summary.outcomes IS 'metrics that were measured after its first write';
COMMENT ON COLUMN public.act_summary.reverts IS 'the act it takes back, if it is there for that';
COMMENT ON COLUMN public.act_summary.reverted_position IS 'the first write that takes it back; null: none does';
COMMENT ON COLUMN public.act_summary.reverted IS 'whether a write takes it back';
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
CREATE TABLE public.safety_alerts (
    "position" bigint NOT NULL,
    model text,
    level text NOT NULL,
    category text NOT NULL,
    message text NOT NULL,
    rule text,
    layers jsonb NOT NULL,
    details jsonb NOT NULL,
    act_id text,
    occurred_at text NOT NULL,
    stops boolean NOT NULL,
    cleared_position bigint
);
COMMENT ON TABLE public.safety_alerts IS 'What was seen that may be unsafe: one row per alert.';
COMMENT ON COLUMN public.safety_alerts."position" IS 'the alert';
COMMENT ON COLUMN public.safety_alerts.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.safety_alerts.level IS 'info, warning, critical or emergency';
COMMENT ON COLUMN public.safety_alerts.category IS 'what kind of thing was seen';
COMMENT ON COLUMN public.safety_alerts.message IS 'what was seen, in words';
COMMENT ON COLUMN public.safety_alerts.rule IS 'the rule that saw it';
COMMENT ON COLUMN public.safety_alerts.layers IS 'the names it is about';
COMMENT ON COLUMN public.safety_alerts.details IS 'what was measured, and the bound it was held against';
COMMENT ON COLUMN public.safety_alerts.act_id IS 'the act it came in';
COMMENT ON COLUMN public.safety_alerts.occurred_at IS 'when it happened, UTC ISO text with microseconds';
COMMENT ON COLUMN public.safety_alerts.stops IS 'whether it stops the model: an emergency that nobody cleared yet';
COMMENT ON COLUMN public.safety_alerts.cleared_position IS 'the event that ended the emergency; null: none did';
CREATE VIEW public.alerts AS
 SELECT "position",
    occurred_at,
    model,
    level,
    category,
    rule,
    message,
    ( SELECT string_agg(item.value, ', '::text ORDER BY item.place) AS string_agg
           FROM jsonb_array_elements_text(seen.layers) WITH ORDINALITY item(value, place)) AS layers,
    act_id,
        CASE
            WHEN stops THEN 1
            ELSE 0
        END AS stops,
    cleared_position
   FROM public.safety_alerts seen;
COMMENT ON VIEW public.alerts IS 'What was seen that may be unsafe, and whether a person cleared it.';
COMMENT ON COLUMN public.alerts."position" IS 'the alert';
COMMENT ON COLUMN public.alerts.occurred_at IS 'when it happened, UTC ISO text';
COMMENT ON COLUMN public.alerts.model IS 'the model''s name in this record; null: every model';
COMMENT ON COLUMN public.alerts.level IS 'info, warning, critical or emergency';
COMMENT ON COLUMN public.alerts.category IS 'what kind of thing was seen';
COMMENT ON COLUMN public.alerts.rule IS 'the rule that saw it; null: none';
COMMENT ON COLUMN public.alerts.message IS 'what was seen, in words';
COMMENT ON COLUMN public.alerts.layers IS 'the names it is about';
COMMENT ON COLUMN public.alerts.act_id IS 'the act it is part of, if any';
COMMENT ON COLUMN public.alerts.stops IS 'whether it stops the model: an emergency that nobody cleared yet';
COMMENT ON COLUMN public.alerts.cleared_position IS 'the event that ended the emergency; null: none did';
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
CREATE TABLE public.landmarks (
    "position" bigint NOT NULL,
    event_type text NOT NULL,
    model text,
    act_id text,
    occurred_at text NOT NULL
);
COMMENT ON TABLE public.landmarks IS 'Where the events are that are few: all but writes, evaluations, readings and observations.';
COMMENT ON COLUMN public.landmarks."position" IS 'the event';
COMMENT ON COLUMN public.landmarks.event_type IS 'what kind of event it is';
COMMENT ON COLUMN public.landmarks.model IS 'the model its stream belongs to, if any';
COMMENT ON COLUMN public.landmarks.act_id IS 'the act it is part of, if any';
COMMENT ON COLUMN public.landmarks.occurred_at IS 'when it happened, UTC ISO text with microseconds';
CREATE VIEW public.amendments AS
 SELECT landmarks."position",
    landmarks.model,
    landmarks.occurred_at,
    events.actor,
    landmarks.event_type,
    ((events.payload ->> 'position'::text))::bigint AS target_position,
    (events.payload ->> 'target_type'::text) AS target_type,
    (events.payload ->> 'reason'::text) AS reason
   FROM (public.landmarks
     JOIN public.events ON ((events."position" = landmarks."position")))
  WHERE (landmarks.event_type = ANY (ARRAY['correction'::text, 'retraction'::text]));
COMMENT ON VIEW public.amendments IS 'What was said to be wrong: corrections and retractions of earlier events.';
COMMENT ON COLUMN public.amendments."position" IS 'the event';
COMMENT ON COLUMN public.amendments.model IS 'the model''s name in this record; null: the event belongs to none';
COMMENT ON COLUMN public.amendments.occurred_at IS 'when it happened, UTC ISO text';
COMMENT ON COLUMN public.amendments.actor IS 'who recorded it, if said';
COMMENT ON COLUMN public.amendments.event_type IS 'correction or retraction';
COMMENT ON COLUMN public.amendments.target_position IS 'the event that was wrong';
COMMENT ON COLUMN public.amendments.target_type IS 'what kind of event that is';
COMMENT ON COLUMN public.amendments.reason IS 'why, in words';
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
COMMENT ON COLUMN public.architectural_facts.kind IS 'identity, or the kind of correlation that was dropped: comodification, cochange, effect, ...';
COMMENT ON COLUMN public.architectural_facts.subject IS 'one end: a name, storage key or metric';
COMMENT ON COLUMN public.architectural_facts.object IS 'the other end: a name, storage key or metric';
COMMENT ON COLUMN public.architectural_facts.reason IS 'alias, overlap, derived, derived_metric, repeated_observation, undeclared_alias, functional_dependence or unknown_name';
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
    source text NOT NULL,
    asserted_by text,
    theory_id text,
    kind text,
    subject text,
    object text,
    direction bigint,
    credence double precision NOT NULL,
    strength text NOT NULL,
    importance double precision NOT NULL,
    tags jsonb NOT NULL,
    effect double precision,
    ci_low double precision,
    ci_high double precision,
    grade text NOT NULL,
    supports bigint NOT NULL,
    contradicts bigint NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    status text NOT NULL
);
COMMENT ON TABLE public.beliefs IS 'What is held true, how firmly, and since when.';
COMMENT ON COLUMN public.beliefs.belief_id IS 'identity, the same in every rebuild';
COMMENT ON COLUMN public.beliefs.model IS 'the model''s name in this record; empty: it is about every model';
COMMENT ON COLUMN public.beliefs.belief_type IS 'causal_law, heuristic, constraint, fact, safety_principle, value or architectural_fact';
COMMENT ON COLUMN public.beliefs.statement IS 'what is believed, in words and numbers';
COMMENT ON COLUMN public.beliefs.source IS 'earned: from predictions; asserted: by a person or agent; shipped: a core principle; architecture';
COMMENT ON COLUMN public.beliefs.asserted_by IS 'who asserted it; null where nobody did';
COMMENT ON COLUMN public.beliefs.theory_id IS 'the theory it was formed from; null where there is none';
COMMENT ON COLUMN public.beliefs.kind IS 'the kind of pattern it speaks of; null where none';
COMMENT ON COLUMN public.beliefs.subject IS 'what it is about; null where that is not said';
COMMENT ON COLUMN public.beliefs.object IS 'the other end; null where that is not said';
COMMENT ON COLUMN public.beliefs.direction IS '+1 up, -1 down, 0 moves; null where it names no side';
COMMENT ON COLUMN public.beliefs.credence IS 'probability it is held with';
COMMENT ON COLUMN public.beliefs.strength IS 'tentative, confident, certain or absolute';
COMMENT ON COLUMN public.beliefs.importance IS '0 to 1';
COMMENT ON COLUMN public.beliefs.tags IS 'tags of whoever asserted it';
COMMENT ON COLUMN public.beliefs.effect IS 'the effect it speaks of; null where none';
COMMENT ON COLUMN public.beliefs.ci_low IS 'lower end of its confidence sequence';
COMMENT ON COLUMN public.beliefs.ci_high IS 'upper end';
COMMENT ON COLUMN public.beliefs.grade IS 'randomised, adjusted, observational, asserted or architecture';
COMMENT ON COLUMN public.beliefs.supports IS 'outcomes that came as it says, since it is held';
COMMENT ON COLUMN public.beliefs.contradicts IS 'outcomes that came otherwise, since it is held';
COMMENT ON COLUMN public.beliefs.first_position IS 'where it was formed; 0 for what was shipped';
COMMENT ON COLUMN public.beliefs.last_position IS 'where it last changed';
COMMENT ON COLUMN public.beliefs.status IS 'active, weakened or retracted';
CREATE TABLE public.evidence (
    pattern_id text NOT NULL,
    "position" bigint NOT NULL,
    modification_position bigint,
    baseline_position bigint NOT NULL,
    role text NOT NULL,
    outcome double precision NOT NULL,
    log_factor double precision NOT NULL
);
COMMENT ON TABLE public.evidence IS 'Which events tell most for and against each claim; `memory.evidence` gives all of them.';
COMMENT ON COLUMN public.evidence.pattern_id IS 'the claim it bears on';
COMMENT ON COLUMN public.evidence."position" IS 'the outcome, or the settlement of a block';
COMMENT ON COLUMN public.evidence.modification_position IS 'the write it is the outcome of; null for a block';
COMMENT ON COLUMN public.evidence.baseline_position IS 'what it is compared with, or the first event of its block';
COMMENT ON COLUMN public.evidence.role IS 'supports or contradicts the direction claimed, or neutral';
COMMENT ON COLUMN public.evidence.outcome IS 'what came, with the sign the kind looks at';
COMMENT ON COLUMN public.evidence.log_factor IS 'what it did to the log e-value of the claim';
CREATE TABLE public.theories (
    theory_id text NOT NULL,
    model text NOT NULL,
    theory_type text NOT NULL,
    pattern_id text,
    composed_of jsonb NOT NULL,
    hypothesis text NOT NULL,
    source text NOT NULL,
    proposed_by text,
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
COMMENT ON COLUMN public.theories.pattern_id IS 'the pattern it was composed from, or the first of several; null: proposed';
COMMENT ON COLUMN public.theories.composed_of IS 'every pattern it was composed from';
COMMENT ON COLUMN public.theories.hypothesis IS 'what it says, in words';
COMMENT ON COLUMN public.theories.source IS 'data, or proposed: by an agent or a person';
COMMENT ON COLUMN public.theories.proposed_by IS 'who proposed it; null: data';
COMMENT ON COLUMN public.theories.predictions IS 'outcomes it predicted before they came';
COMMENT ON COLUMN public.theories.hits IS 'of these, with the sign it said';
COMMENT ON COLUMN public.theories.log_e_value IS 'prospective evidence: since birth, on predictions alone';
COMMENT ON COLUMN public.theories.log_score_gain IS 'nats gained over predicting no effect';
COMMENT ON COLUMN public.theories.brier IS 'mean squared error of its probabilities; null before the first';
COMMENT ON COLUMN public.theories.first_position IS 'settlement at which it was born, or where it was proposed';
COMMENT ON COLUMN public.theories.last_position IS 'last outcome it was scored on';
COMMENT ON COLUMN public.theories.status IS 'active, weakened or retracted';
CREATE VIEW public.belief_evidence AS
 SELECT beliefs.belief_id,
    beliefs.statement,
    beliefs.credence,
    beliefs.theory_id,
    evidence.pattern_id,
    evidence."position",
    evidence.role,
    evidence.outcome,
    evidence.log_factor,
    evidence.baseline_position,
    evidence.modification_position,
    written.primary_layer AS layer_name,
    written.method,
    written.dose,
    written.act_id
   FROM (((public.beliefs
     JOIN public.theories ON ((theories.theory_id = beliefs.theory_id)))
     JOIN public.evidence ON ((evidence.pattern_id IN ( SELECT part.value
           FROM jsonb_array_elements_text(theories.composed_of) part(value)))))
     LEFT JOIN public.modifications written ON ((written."position" = evidence.modification_position)));
COMMENT ON VIEW public.belief_evidence IS 'What each belief rests on: the outcomes that tell most for and against the patterns beneath it.';
COMMENT ON COLUMN public.belief_evidence.belief_id IS 'the belief';
COMMENT ON COLUMN public.belief_evidence.statement IS 'what is believed, in words and numbers';
COMMENT ON COLUMN public.belief_evidence.credence IS 'probability it is held with';
COMMENT ON COLUMN public.belief_evidence.theory_id IS 'the theory it was formed from';
COMMENT ON COLUMN public.belief_evidence.pattern_id IS 'a pattern that was composed from';
COMMENT ON COLUMN public.belief_evidence."position" IS 'the outcome, or the settlement of a block';
COMMENT ON COLUMN public.belief_evidence.role IS 'supports or contradicts the direction claimed, or neutral';
COMMENT ON COLUMN public.belief_evidence.outcome IS 'what came, with the sign the kind looks at';
COMMENT ON COLUMN public.belief_evidence.log_factor IS 'what it did to the log e-value of the pattern';
COMMENT ON COLUMN public.belief_evidence.baseline_position IS 'what it is compared with, or the first event of its block';
COMMENT ON COLUMN public.belief_evidence.modification_position IS 'the write it is the outcome of; null for a block';
COMMENT ON COLUMN public.belief_evidence.layer_name IS 'the name that write used';
COMMENT ON COLUMN public.belief_evidence.method IS 'how it was done';
COMMENT ON COLUMN public.belief_evidence.dose IS 'its dose';
COMMENT ON COLUMN public.belief_evidence.act_id IS 'its act';
CREATE TABLE public.belief_revisions (
    belief_id text NOT NULL,
    "position" bigint NOT NULL,
    credence double precision NOT NULL,
    strength text NOT NULL,
    status text NOT NULL,
    effect double precision,
    reason text NOT NULL
);
COMMENT ON TABLE public.belief_revisions IS 'Every state a belief has been in: its history is this table by position.';
COMMENT ON COLUMN public.belief_revisions.belief_id IS 'the belief';
COMMENT ON COLUMN public.belief_revisions."position" IS 'what changed it';
COMMENT ON COLUMN public.belief_revisions.credence IS 'probability it was held with from there on';
COMMENT ON COLUMN public.belief_revisions.strength IS 'tentative, confident, certain or absolute';
COMMENT ON COLUMN public.belief_revisions.status IS 'active, weakened or retracted';
COMMENT ON COLUMN public.belief_revisions.effect IS 'the effect it spoke of; null where none';
COMMENT ON COLUMN public.belief_revisions.reason IS 'why it changed, in words';
CREATE VIEW public.belief_history AS
 SELECT revised.belief_id,
    beliefs.model,
    beliefs.statement,
    revised."position",
    ( SELECT events.occurred_at
           FROM public.events
          WHERE (events."position" = revised."position")) AS occurred_at,
    ( SELECT events.event_type
           FROM public.events
          WHERE (events."position" = revised."position")) AS event_type,
    revised.credence,
    ( SELECT r.credence
           FROM public.belief_revisions r
          WHERE ((r.belief_id = revised.belief_id) AND (r."position" < revised."position"))
          ORDER BY r."position" DESC
         LIMIT 1) AS credence_before,
    revised.strength,
    revised.effect,
    revised.reason,
    revised.status
   FROM (public.belief_revisions revised
     JOIN public.beliefs ON ((beliefs.belief_id = revised.belief_id)));
COMMENT ON VIEW public.belief_history IS 'Every state each belief has been in, with the event that changed it.';
COMMENT ON COLUMN public.belief_history.belief_id IS 'the belief';
COMMENT ON COLUMN public.belief_history.model IS 'the model''s name in this record; empty: it is about every model';
COMMENT ON COLUMN public.belief_history.statement IS 'what is believed, in words and numbers, as it is now';
COMMENT ON COLUMN public.belief_history."position" IS 'the event that changed it; 0 for what was shipped';
COMMENT ON COLUMN public.belief_history.occurred_at IS 'when that happened, UTC ISO text; null for what was shipped';
COMMENT ON COLUMN public.belief_history.event_type IS 'what kind of event it was; null for what was shipped';
COMMENT ON COLUMN public.belief_history.credence IS 'probability it was held with from there on';
COMMENT ON COLUMN public.belief_history.credence_before IS 'probability before; null for the first state';
COMMENT ON COLUMN public.belief_history.strength IS 'tentative, confident, certain or absolute';
COMMENT ON COLUMN public.belief_history.effect IS 'the effect it spoke of; null where none';
COMMENT ON COLUMN public.belief_history.reason IS 'why it changed, in words';
COMMENT ON COLUMN public.belief_history.status IS 'active, weakened or retracted';
CREATE TABLE public.blobs (
    digest text NOT NULL,
    part integer NOT NULL,
    content bytea NOT NULL
);
COMMENT ON TABLE public.blobs IS 'Blobs that are kept in the database: small ones, and all where there is no folder for them. Not truth: an event says what each is, and pruning is an event too.';
COMMENT ON COLUMN public.blobs.digest IS 'blake3 of the whole blob, hex.';
COMMENT ON COLUMN public.blobs.part IS 'Which piece of it, from 0: big blobs are cut.';
COMMENT ON COLUMN public.blobs.content IS 'The bytes of this piece.';
CREATE TABLE public.checkpoints (
    model text NOT NULL,
    checkpoint_id text NOT NULL,
    "position" bigint NOT NULL,
    description text NOT NULL,
    size bigint NOT NULL,
    storages bigint NOT NULL,
    benchmarks jsonb NOT NULL,
    modification_details jsonb NOT NULL,
    tags jsonb NOT NULL,
    automatic text,
    occurred_at text NOT NULL,
    deleted_position bigint
);
COMMENT ON TABLE public.checkpoints IS 'Checkpoints: one row each, those let go too.';
COMMENT ON COLUMN public.checkpoints.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.checkpoints.checkpoint_id IS 'its name, and that of its folder';
COMMENT ON COLUMN public.checkpoints."position" IS 'the event that saved it: it holds the weights as they were then';
COMMENT ON COLUMN public.checkpoints.description IS 'what it is, in words';
COMMENT ON COLUMN public.checkpoints.size IS 'bytes of its files';
COMMENT ON COLUMN public.checkpoints.storages IS 'how many storages it holds';
COMMENT ON COLUMN public.checkpoints.benchmarks IS 'what the model scored then';
COMMENT ON COLUMN public.checkpoints.modification_details IS 'what led to it, as data';
COMMENT ON COLUMN public.checkpoints.tags IS 'its tags now';
COMMENT ON COLUMN public.checkpoints.automatic IS 'why it was made where nobody asked for it: modifications or minutes';
COMMENT ON COLUMN public.checkpoints.occurred_at IS 'when it happened, UTC ISO text with microseconds';
COMMENT ON COLUMN public.checkpoints.deleted_position IS 'the event that let it go; null while it is there';
CREATE VIEW public.checkpoint_log AS
 SELECT "position",
    model,
    checkpoint_id,
    occurred_at,
    description,
    ( SELECT string_agg(item.value, ', '::text ORDER BY item.place) AS string_agg
           FROM jsonb_array_elements_text(saved.tags) WITH ORDINALITY item(value, place)) AS tags,
    size,
    automatic,
        CASE
            WHEN (deleted_position IS NULL) THEN 0
            ELSE 1
        END AS deleted,
    ( SELECT min(later."position") AS min
           FROM public.checkpoints later
          WHERE ((later.model = saved.model) AND (later."position" > saved."position"))) AS next_position
   FROM public.checkpoints saved;
COMMENT ON VIEW public.checkpoint_log IS 'Checkpoints and what came after each.';
COMMENT ON COLUMN public.checkpoint_log."position" IS 'the event that saved it';
COMMENT ON COLUMN public.checkpoint_log.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.checkpoint_log.checkpoint_id IS 'its name';
COMMENT ON COLUMN public.checkpoint_log.occurred_at IS 'when it happened, UTC ISO text';
COMMENT ON COLUMN public.checkpoint_log.description IS 'what it is, in words';
COMMENT ON COLUMN public.checkpoint_log.tags IS 'its tags now';
COMMENT ON COLUMN public.checkpoint_log.size IS 'bytes of its files';
COMMENT ON COLUMN public.checkpoint_log.automatic IS 'why it was made where nobody asked for it: modifications or minutes';
COMMENT ON COLUMN public.checkpoint_log.deleted IS 'whether it was let go';
COMMENT ON COLUMN public.checkpoint_log.next_position IS 'the model''s next checkpoint; null: this is the last';
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
    storage_id bigint,
    object_storage_id bigint,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    post_retraction boolean NOT NULL,
    status text NOT NULL
);
COMMENT ON TABLE public.patterns IS 'Claims that survive being looked at: one row per hypothesis ever claimed.';
COMMENT ON COLUMN public.patterns.pattern_id IS 'identity of the hypothesis, the same in every rebuild';
COMMENT ON COLUMN public.patterns.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.patterns.kind IS 'effect, impact, comodification, cochange, sequence, metric_pair, trend or threshold';
COMMENT ON COLUMN public.patterns.subject IS 'storage key (as it was at first_position), metric, write:<storage key> or kind:<category>';
COMMENT ON COLUMN public.patterns.object IS 'metric, storage key, write:<storage key> or kind:<category>; empty for a trend';
COMMENT ON COLUMN public.patterns.direction IS '+1 up, -1 down, 0 moves';
COMMENT ON COLUMN public.patterns.effect IS 'estimate: per act at the reference dose, in the metric''s units; else in units of its kind';
COMMENT ON COLUMN public.patterns.ci_low IS 'lower end of the 95 % confidence sequence; null: unbounded';
COMMENT ON COLUMN public.patterns.ci_high IS 'upper end; null: unbounded';
COMMENT ON COLUMN public.patterns.e_value IS 'evidence against no effect; capped at the largest double';
COMMENT ON COLUMN public.patterns.log_e_value IS 'its natural logarithm, never capped';
COMMENT ON COLUMN public.patterns.grade IS 'randomised, adjusted or observational';
COMMENT ON COLUMN public.patterns.method IS 'how the writes were done; of a cochange the statistic that was read';
COMMENT ON COLUMN public.patterns.dose IS 'absolute dose of the writes; null: none was given';
COMMENT ON COLUMN public.patterns.support IS 'outcomes, readings or blocks that were evidence';
COMMENT ON COLUMN public.patterns.storage_id IS 'the storage that the subject is; null where it is none';
COMMENT ON COLUMN public.patterns.object_storage_id IS 'the storage that the object is; null where it is none';
COMMENT ON COLUMN public.patterns.first_position IS 'settlement at which it was first claimed';
COMMENT ON COLUMN public.patterns.last_position IS 'last settlement that was evidence on it';
COMMENT ON COLUMN public.patterns.post_retraction IS 'whether a retraction touched its evidence';
COMMENT ON COLUMN public.patterns.status IS 'active, weakened or retracted';
CREATE VIEW public.claims AS
 SELECT patterns.pattern_id,
    patterns.model,
    patterns.kind,
    patterns.subject,
    patterns.object,
    patterns.direction,
    patterns.effect,
    patterns.ci_low,
    patterns.ci_high,
    patterns.log_e_value,
    patterns.grade,
    patterns.method,
    patterns.support,
    patterns.first_position,
    ( SELECT events.occurred_at
           FROM public.events
          WHERE (events."position" = patterns.first_position)) AS claimed_at,
    theories.predictions,
    theories.hits,
    theories.brier,
    beliefs.credence,
    patterns.status
   FROM ((public.patterns
     LEFT JOIN public.theories ON ((theories.theory_id = ('theory-'::text || substr(patterns.pattern_id, 9)))))
     LEFT JOIN public.beliefs ON ((beliefs.belief_id = ('belief-'::text || substr(patterns.pattern_id, 9)))));
COMMENT ON VIEW public.claims IS 'What is claimed, and how well it has held: patterns with their theory''s score and the belief they earned.';
COMMENT ON COLUMN public.claims.pattern_id IS 'the pattern';
COMMENT ON COLUMN public.claims.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.claims.kind IS 'effect, impact, comodification, cochange, sequence, metric_pair, trend or threshold';
COMMENT ON COLUMN public.claims.subject IS 'storage key, metric, write:<storage key> or kind:<category>';
COMMENT ON COLUMN public.claims.object IS 'metric, storage key, write:<storage key> or kind:<category>; empty for a trend';
COMMENT ON COLUMN public.claims.direction IS '+1 up, -1 down, 0 moves';
COMMENT ON COLUMN public.claims.effect IS 'the effect: per act at the reference dose, in the metric''s units; else in units of its kind';
COMMENT ON COLUMN public.claims.ci_low IS 'lower end of the 95 % confidence sequence; null: unbounded';
COMMENT ON COLUMN public.claims.ci_high IS 'upper end; null: unbounded';
COMMENT ON COLUMN public.claims.log_e_value IS 'natural logarithm of the evidence against no effect';
COMMENT ON COLUMN public.claims.grade IS 'randomised, adjusted or observational';
COMMENT ON COLUMN public.claims.method IS 'how the writes were done; of a cochange the statistic that was read';
COMMENT ON COLUMN public.claims.support IS 'outcomes, readings or blocks that were evidence';
COMMENT ON COLUMN public.claims.first_position IS 'where it was first claimed';
COMMENT ON COLUMN public.claims.claimed_at IS 'when that happened, UTC ISO text';
COMMENT ON COLUMN public.claims.predictions IS 'outcomes its theory predicted before they came';
COMMENT ON COLUMN public.claims.hits IS 'of these, with the sign it said';
COMMENT ON COLUMN public.claims.brier IS 'mean squared error of its theory''s probabilities; null before the first';
COMMENT ON COLUMN public.claims.credence IS 'probability of the belief it earned; null: none yet';
COMMENT ON COLUMN public.claims.status IS 'active, weakened or retracted';
CREATE VIEW public.coupled_writes AS
 SELECT "position",
    model,
    occurred_at,
    primary_layer,
    ( SELECT string_agg(these.layer_name, ', '::text ORDER BY (these.layer_name COLLATE "C")) AS string_agg
           FROM ( SELECT affected_layers.layer_name
                   FROM public.affected_layers
                  WHERE ((affected_layers."position" = written."position") AND (affected_layers.layer_name <> written.primary_layer))) these) AS other_layers,
    ( SELECT count(*) AS count
           FROM public.affected_layers
          WHERE (affected_layers."position" = written."position")) AS names,
    storage_key,
    act_id,
    method,
    dose,
        CASE
            WHEN changed THEN 1
            WHEN (NOT changed) THEN 0
            ELSE NULL::integer
        END AS changed,
        CASE
            WHEN counted THEN 1
            ELSE 0
        END AS counted,
    delta_norm
   FROM public.modifications written
  WHERE (event_type = 'coupled_modification'::text);
COMMENT ON VIEW public.coupled_writes IS 'Writes to bytes that several names share: one row per write, with every name it reached.';
COMMENT ON COLUMN public.coupled_writes."position" IS 'the event';
COMMENT ON COLUMN public.coupled_writes.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.coupled_writes.occurred_at IS 'when it happened, UTC ISO text';
COMMENT ON COLUMN public.coupled_writes.primary_layer IS 'the name the writer used';
COMMENT ON COLUMN public.coupled_writes.other_layers IS 'every other name it reached';
COMMENT ON COLUMN public.coupled_writes.names IS 'how many names it reached in all';
COMMENT ON COLUMN public.coupled_writes.storage_key IS 'the storage written';
COMMENT ON COLUMN public.coupled_writes.act_id IS 'the act it is part of, if any';
COMMENT ON COLUMN public.coupled_writes.method IS 'how it was done';
COMMENT ON COLUMN public.coupled_writes.dose IS 'signed size in units of the method''s reference dose';
COMMENT ON COLUMN public.coupled_writes.changed IS 'whether any byte changed; null: only reported';
COMMENT ON COLUMN public.coupled_writes.counted IS 'whether it counts as one write';
COMMENT ON COLUMN public.coupled_writes.delta_norm IS 'Euclidean norm of after minus before';
CREATE VIEW public.current_beliefs AS
 SELECT belief_id,
    model,
    belief_type,
    statement,
    credence,
    strength,
    source,
    asserted_by,
    grade,
    effect,
    ci_low,
    ci_high,
    supports,
    contradicts,
    first_position,
    ( SELECT events.occurred_at
           FROM public.events
          WHERE (events."position" = beliefs.first_position)) AS since,
    last_position,
    ( SELECT r.reason
           FROM public.belief_revisions r
          WHERE (r.belief_id = beliefs.belief_id)
          ORDER BY r."position" DESC
         LIMIT 1) AS last_reason,
    status
   FROM public.beliefs
  WHERE (status <> 'retracted'::text);
COMMENT ON VIEW public.current_beliefs IS 'What is believed now: beliefs that were not retracted, with why they last changed.';
COMMENT ON COLUMN public.current_beliefs.belief_id IS 'the belief';
COMMENT ON COLUMN public.current_beliefs.model IS 'the model''s name in this record; empty: it is about every model';
COMMENT ON COLUMN public.current_beliefs.belief_type IS 'causal_law, heuristic, constraint, fact, safety_principle, value, architectural_fact';
COMMENT ON COLUMN public.current_beliefs.statement IS 'what is believed, in words and numbers';
COMMENT ON COLUMN public.current_beliefs.credence IS 'probability it is held with';
COMMENT ON COLUMN public.current_beliefs.strength IS 'tentative, confident, certain or absolute';
COMMENT ON COLUMN public.current_beliefs.source IS 'earned, asserted, shipped or architecture';
COMMENT ON COLUMN public.current_beliefs.asserted_by IS 'who asserted it; null where nobody did';
COMMENT ON COLUMN public.current_beliefs.grade IS 'randomised, adjusted, observational, asserted or architecture';
COMMENT ON COLUMN public.current_beliefs.effect IS 'the effect it speaks of; null where none';
COMMENT ON COLUMN public.current_beliefs.ci_low IS 'lower end of its confidence sequence';
COMMENT ON COLUMN public.current_beliefs.ci_high IS 'upper end';
COMMENT ON COLUMN public.current_beliefs.supports IS 'outcomes that came as it says, since it is held';
COMMENT ON COLUMN public.current_beliefs.contradicts IS 'outcomes that came otherwise, since it is held';
COMMENT ON COLUMN public.current_beliefs.first_position IS 'where it was formed; 0 for what was shipped';
COMMENT ON COLUMN public.current_beliefs.since IS 'when that was, UTC ISO text; null for what was shipped';
COMMENT ON COLUMN public.current_beliefs.last_position IS 'where it last changed';
COMMENT ON COLUMN public.current_beliefs.last_reason IS 'why it last changed, in words; null: it never did';
COMMENT ON COLUMN public.current_beliefs.status IS 'active or weakened';
CREATE VIEW public.denied_and_aborted AS
 SELECT landmarks."position",
    landmarks.model,
    landmarks.occurred_at,
    events.actor,
    landmarks.act_id,
    (events.payload ->> 'primary_layer'::text) AS primary_layer,
    (events.payload ->> 'storage_key'::text) AS storage_key,
    (events.payload ->> 'method'::text) AS method,
        CASE
            WHEN ((events.schema_version > 1) AND (jsonb_array_length((events.payload -> 'denied_by'::text)) > 0)) THEN 1
            ELSE 0
        END AS denied,
    ( SELECT string_agg(item.value, ', '::text ORDER BY item.place) AS string_agg
           FROM jsonb_array_elements_text((events.payload -> 'denied_by'::text)) WITH ORDINALITY item(value, place)) AS denied_by,
    (events.payload ->> 'error'::text) AS error,
    (events.payload ->> 'message'::text) AS message,
        CASE
            WHEN ((events.payload ->> 'restored'::text) = ANY (ARRAY['1'::text, 'true'::text])) THEN 1
            ELSE 0
        END AS restored
   FROM (public.landmarks
     JOIN public.events ON ((events."position" = landmarks."position")))
  WHERE (landmarks.event_type = 'edit_aborted'::text);
COMMENT ON VIEW public.denied_and_aborted IS 'Edits that did not happen: a safety rule denied them, or the code inside raised.';
COMMENT ON COLUMN public.denied_and_aborted."position" IS 'the event';
COMMENT ON COLUMN public.denied_and_aborted.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.denied_and_aborted.occurred_at IS 'when it happened, UTC ISO text';
COMMENT ON COLUMN public.denied_and_aborted.actor IS 'who recorded it, if said';
COMMENT ON COLUMN public.denied_and_aborted.act_id IS 'the act it is part of, if any';
COMMENT ON COLUMN public.denied_and_aborted.primary_layer IS 'the name that was to be edited';
COMMENT ON COLUMN public.denied_and_aborted.storage_key IS 'its storage';
COMMENT ON COLUMN public.denied_and_aborted.method IS 'how it was to be done';
COMMENT ON COLUMN public.denied_and_aborted.denied IS 'whether a safety rule denied it';
COMMENT ON COLUMN public.denied_and_aborted.denied_by IS 'the rules that did';
COMMENT ON COLUMN public.denied_and_aborted.error IS 'the type of the exception';
COMMENT ON COLUMN public.denied_and_aborted.message IS 'what it said';
COMMENT ON COLUMN public.denied_and_aborted.restored IS 'whether the bytes are again those before, bit for bit';
CREATE VIEW public.dropped_as_architecture AS
 SELECT fact_id,
    model,
    kind,
    subject,
    object,
    reason,
    relation,
    strength_kind,
    strength,
    support,
    first_position,
        CASE
            WHEN (to_position IS NULL) THEN 1
            ELSE 0
        END AS holds
   FROM public.architectural_facts facts
  WHERE (kind <> 'identity'::text);
COMMENT ON VIEW public.dropped_as_architecture IS 'Correlations that are no knowledge: one tensor under two names, or one number derived from another.';
COMMENT ON COLUMN public.dropped_as_architecture.fact_id IS 'the architectural fact';
COMMENT ON COLUMN public.dropped_as_architecture.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.dropped_as_architecture.kind IS 'the kind of correlation that was dropped';
COMMENT ON COLUMN public.dropped_as_architecture.subject IS 'one end';
COMMENT ON COLUMN public.dropped_as_architecture.object IS 'the other end';
COMMENT ON COLUMN public.dropped_as_architecture.reason IS 'alias, overlap, derived, derived_metric, repeated_observation, ...';
COMMENT ON COLUMN public.dropped_as_architecture.relation IS 'the relation that explains it, in words';
COMMENT ON COLUMN public.dropped_as_architecture.strength_kind IS 'what strength measures: log_e_value or correlation';
COMMENT ON COLUMN public.dropped_as_architecture.strength IS 'how strong it looked; null: nothing recorded yet';
COMMENT ON COLUMN public.dropped_as_architecture.support IS 'records it was computed from';
COMMENT ON COLUMN public.dropped_as_architecture.first_position IS 'position from which the relation holds';
COMMENT ON COLUMN public.dropped_as_architecture.holds IS 'whether it still does';
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
CREATE VIEW public.effects_by_layer AS
 SELECT pattern_id,
    model,
    subject AS storage_key,
    ( SELECT string_agg(these.name, ', '::text ORDER BY (these.name COLLATE "C")) AS string_agg
           FROM ( SELECT storage_names.name
                   FROM public.storage_names
                  WHERE ((storage_names.storage_id = claimed.storage_id) AND (storage_names.to_position IS NULL))) these) AS layers,
    object AS metric,
    kind,
    method,
    dose AS reference_dose,
    effect,
    ci_low,
    ci_high,
    log_e_value,
    grade,
    support,
    better,
        CASE
            WHEN ((direction *
            CASE better
                WHEN 'lower'::text THEN '-1'::integer
                WHEN 'higher'::text THEN 1
                ELSE NULL::integer
            END) > 0) THEN 'better'::text
            WHEN ((direction *
            CASE better
                WHEN 'lower'::text THEN '-1'::integer
                WHEN 'higher'::text THEN 1
                ELSE NULL::integer
            END) < 0) THEN 'worse'::text
            ELSE NULL::text
        END AS verdict,
    first_position,
    status
   FROM ( SELECT patterns.pattern_id,
            patterns.model,
            patterns.kind,
            patterns.subject,
            patterns.object,
            patterns.direction,
            patterns.effect,
            patterns.ci_low,
            patterns.ci_high,
            patterns.e_value,
            patterns.log_e_value,
            patterns.grade,
            patterns.method,
            patterns.dose,
            patterns.support,
            patterns.storage_id,
            patterns.object_storage_id,
            patterns.first_position,
            patterns.last_position,
            patterns.post_retraction,
            patterns.status,
            ( SELECT metric_definitions.better
                   FROM public.metric_definitions
                  WHERE (metric_definitions."position" = COALESCE(( SELECT max(own."position") AS max
                           FROM public.metric_definitions own
                          WHERE ((own.metric = patterns.object) AND (own.model = patterns.model))), ( SELECT max(of_all."position") AS max
                           FROM public.metric_definitions of_all
                          WHERE ((of_all.metric = patterns.object) AND (of_all.model IS NULL)))))) AS better
           FROM public.patterns
          WHERE (patterns.kind = ANY (ARRAY['effect'::text, 'impact'::text]))) claimed;
COMMENT ON VIEW public.effects_by_layer IS 'What writes to a storage do to metrics, as claimed: one row per claim of kind effect or impact.';
COMMENT ON COLUMN public.effects_by_layer.pattern_id IS 'the pattern';
COMMENT ON COLUMN public.effects_by_layer.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.effects_by_layer.storage_key IS 'the storage, by its key when it was first claimed';
COMMENT ON COLUMN public.effects_by_layer.layers IS 'the names that view it now';
COMMENT ON COLUMN public.effects_by_layer.metric IS 'the metric';
COMMENT ON COLUMN public.effects_by_layer.kind IS 'effect: the side is known; impact: it moves';
COMMENT ON COLUMN public.effects_by_layer.method IS 'how the writes were done';
COMMENT ON COLUMN public.effects_by_layer.reference_dose IS 'absolute dose of the writes; null: none was given';
COMMENT ON COLUMN public.effects_by_layer.effect IS 'the effect: per act at the reference dose, in the metric''s units; else in units of its kind';
COMMENT ON COLUMN public.effects_by_layer.ci_low IS 'lower end of the 95 % confidence sequence; null: unbounded';
COMMENT ON COLUMN public.effects_by_layer.ci_high IS 'upper end; null: unbounded';
COMMENT ON COLUMN public.effects_by_layer.log_e_value IS 'natural logarithm of the evidence against no effect';
COMMENT ON COLUMN public.effects_by_layer.grade IS 'randomised, adjusted or observational';
COMMENT ON COLUMN public.effects_by_layer.support IS 'outcomes that were evidence';
COMMENT ON COLUMN public.effects_by_layer.better IS 'which way is better for the metric: lower, higher, or null: not said';
COMMENT ON COLUMN public.effects_by_layer.verdict IS 'what a positive dose does: better or worse; null where that cannot be said';
COMMENT ON COLUMN public.effects_by_layer.first_position IS 'where it was first claimed';
COMMENT ON COLUMN public.effects_by_layer.status IS 'active, weakened or retracted';
CREATE TABLE public.families (
    family_id text NOT NULL,
    model text NOT NULL,
    kind text NOT NULL,
    method text,
    dose double precision,
    grade text NOT NULL,
    share double precision NOT NULL,
    early bigint NOT NULL,
    registered bigint NOT NULL,
    left_out bigint NOT NULL,
    first_position bigint NOT NULL
);
COMMENT ON TABLE public.families IS 'Which questions are asked at all: hypotheses by kind and way of writing, and their budget.';
COMMENT ON COLUMN public.families.family_id IS 'identity, the same in every rebuild';
COMMENT ON COLUMN public.families.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.families.kind IS 'the kind of hypothesis';
COMMENT ON COLUMN public.families.method IS 'how the writes were done; of a cochange the statistic that was read';
COMMENT ON COLUMN public.families.dose IS 'absolute dose of the writes; null: none was given';
COMMENT ON COLUMN public.families.grade IS 'randomised, adjusted or observational';
COMMENT ON COLUMN public.families.share IS 'its part of the one budget for false claims';
COMMENT ON COLUMN public.families.early IS 'hypotheses that existed at its first settlement';
COMMENT ON COLUMN public.families.registered IS 'hypotheses registered in all';
COMMENT ON COLUMN public.families.left_out IS 'storages, metrics or categories that its grid has no room for, and of which it asks nothing';
COMMENT ON COLUMN public.families.first_position IS 'its first settlement';
CREATE TABLE public.inference_snapshots (
    "position" bigint NOT NULL,
    packed bytea NOT NULL
);
COMMENT ON TABLE public.inference_snapshots IS 'What the statistics were at earlier positions, from which an amended past is learned anew.';
COMMENT ON COLUMN public.inference_snapshots."position" IS 'the last event in it';
COMMENT ON COLUMN public.inference_snapshots.packed IS 'every part of the statistics there, compressed';
CREATE TABLE public.inference_state (
    part text NOT NULL,
    packed bytea NOT NULL
);
COMMENT ON TABLE public.inference_state IS 'Sufficient statistics of every hypothesis: what the fold goes on from.';
COMMENT ON COLUMN public.inference_state.part IS 'which part of the statistics';
COMMENT ON COLUMN public.inference_state.packed IS 'its sums and log-wealths, packed, bit for bit';
CREATE TABLE public.keyframes (
    storage_id bigint NOT NULL,
    "position" bigint NOT NULL,
    fingerprint text NOT NULL,
    model text NOT NULL,
    blob text,
    checkpoint_id text,
    size bigint NOT NULL,
    pruned_position bigint
);
COMMENT ON TABLE public.keyframes IS 'States of storages of which all bytes were kept.';
COMMENT ON COLUMN public.keyframes.storage_id IS 'the storage';
COMMENT ON COLUMN public.keyframes."position" IS 'the event that kept it';
COMMENT ON COLUMN public.keyframes.fingerprint IS 'digest of the state';
COMMENT ON COLUMN public.keyframes.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.keyframes.blob IS 'blake3 of the blob; null: it is in a checkpoint';
COMMENT ON COLUMN public.keyframes.checkpoint_id IS 'the checkpoint that holds it; null: it is in a blob';
COMMENT ON COLUMN public.keyframes.size IS 'bytes to read';
COMMENT ON COLUMN public.keyframes.pruned_position IS 'the event that let it go; null while it is there';
CREATE VIEW public.layer_history AS
 SELECT reached.layer_name,
    reached."position",
    reached.model,
    COALESCE(written.occurred_at, ( SELECT landmarks.occurred_at
           FROM public.landmarks
          WHERE (landmarks."position" = reached."position"))) AS occurred_at,
    COALESCE(written.event_type, 'unattributed_write'::text) AS event_type,
    reached.relation,
    written.primary_layer,
    reached.storage_key,
    written.act_id,
    written.method,
    written.dose,
        CASE
            WHEN written.changed THEN 1
            WHEN (NOT written.changed) THEN 0
            ELSE NULL::integer
        END AS changed,
        CASE
            WHEN written.counted THEN 1
            WHEN (NOT written.counted) THEN 0
            ELSE NULL::integer
        END AS counted,
    written.delta_norm,
    written.relative_change,
    written.fraction_changed,
    written.reverts,
        CASE
            WHEN (EXISTS ( SELECT 1
               FROM public.modifications r
              WHERE ((r.reverts = written.act_id) AND (r."position" > reached."position") AND (r.retracted_position IS NULL)))) THEN 1
            ELSE 0
        END AS reverted,
    written.retracted_position,
    written.description,
    written.reason
   FROM (public.affected_layers reached
     LEFT JOIN public.modifications written ON ((written."position" = reached."position")));
COMMENT ON VIEW public.layer_history IS 'Every write that reached a name, under whichever name it was made: one row per write and name.';
COMMENT ON COLUMN public.layer_history.layer_name IS 'a name the write reached';
COMMENT ON COLUMN public.layer_history."position" IS 'the event';
COMMENT ON COLUMN public.layer_history.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.layer_history.occurred_at IS 'when it happened, UTC ISO text';
COMMENT ON COLUMN public.layer_history.event_type IS 'modification, coupled_modification or unattributed_write';
COMMENT ON COLUMN public.layer_history.relation IS 'how it was reached: primary, alias, overlap or derived';
COMMENT ON COLUMN public.layer_history.primary_layer IS 'the name the writer used; null: nobody announced the write';
COMMENT ON COLUMN public.layer_history.storage_key IS 'the storage the name views; null: a derived name, or one no map knows';
COMMENT ON COLUMN public.layer_history.act_id IS 'the act it is part of, if any';
COMMENT ON COLUMN public.layer_history.method IS 'how it was done';
COMMENT ON COLUMN public.layer_history.dose IS 'signed size in units of the method''s reference dose';
COMMENT ON COLUMN public.layer_history.changed IS 'whether any byte changed; null: only reported';
COMMENT ON COLUMN public.layer_history.counted IS 'whether it counts as one write; null: nobody announced it';
COMMENT ON COLUMN public.layer_history.delta_norm IS 'Euclidean norm of after minus before';
COMMENT ON COLUMN public.layer_history.relative_change IS 'delta_norm over the norm before';
COMMENT ON COLUMN public.layer_history.fraction_changed IS 'share of elements with other bits than before';
COMMENT ON COLUMN public.layer_history.reverts IS 'the act it takes back, if any';
COMMENT ON COLUMN public.layer_history.reverted IS 'whether a later write takes its act back';
COMMENT ON COLUMN public.layer_history.retracted_position IS 'the event that retracted it; null where it stands';
COMMENT ON COLUMN public.layer_history.description IS 'what the writer says';
COMMENT ON COLUMN public.layer_history.reason IS 'why, if said';
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
CREATE VIEW public.metric_series AS
 SELECT "position",
    metric,
    occurred_at,
    model,
    value,
    special,
    sample,
    act_id,
        CASE
            WHEN ("position" < ( SELECT min(modifications."position") AS min
               FROM public.modifications
              WHERE ((modifications.act_id = metrics.act_id) AND (modifications.retracted_position IS NULL) AND ((metrics.model IS NULL) OR (modifications.model = metrics.model))))) THEN 'baseline'::text
            WHEN ("position" > ( SELECT min(modifications."position") AS min
               FROM public.modifications
              WHERE ((modifications.act_id = metrics.act_id) AND (modifications.retracted_position IS NULL) AND ((metrics.model IS NULL) OR (modifications.model = metrics.model))))) THEN 'outcome'::text
            ELSE NULL::text
        END AS phase,
    ( SELECT metric_definitions.better
           FROM public.metric_definitions
          WHERE (metric_definitions."position" = COALESCE(( SELECT max(own."position") AS max
                   FROM public.metric_definitions own
                  WHERE ((own.metric = metrics.metric) AND (own.model = metrics.model))), ( SELECT max(of_all."position") AS max
                   FROM public.metric_definitions of_all
                  WHERE ((of_all.metric = metrics.metric) AND (of_all.model IS NULL)))))) AS better,
    retracted_position
   FROM public.metrics;
COMMENT ON VIEW public.metric_series IS 'Every number of every evaluation, with where it stands in its act.';
COMMENT ON COLUMN public.metric_series."position" IS 'the evaluation';
COMMENT ON COLUMN public.metric_series.metric IS 'the metric';
COMMENT ON COLUMN public.metric_series.occurred_at IS 'when it happened, UTC ISO text';
COMMENT ON COLUMN public.metric_series.model IS 'the model''s name in this record; null: not said';
COMMENT ON COLUMN public.metric_series.value IS 'the value; null where it is not finite';
COMMENT ON COLUMN public.metric_series.special IS 'NaN, Infinity or -Infinity where value is null';
COMMENT ON COLUMN public.metric_series.sample IS 'what it was measured on; null: not said';
COMMENT ON COLUMN public.metric_series.act_id IS 'the act it is part of, if any';
COMMENT ON COLUMN public.metric_series.phase IS 'baseline before the act''s first write, outcome after it; null outside of acts that wrote';
COMMENT ON COLUMN public.metric_series.better IS 'which way is better: lower, higher, or null: not said';
COMMENT ON COLUMN public.metric_series.retracted_position IS 'the event that retracted it; null where it stands';
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
CREATE VIEW public.projection_lag AS
 SELECT projections.name,
    projections."position",
    log.head,
    (log.head - projections."position") AS behind,
    projections.stopped_at,
    projections.failure
   FROM (public.projections
     CROSS JOIN ( SELECT COALESCE(max(appends.last_position), (0)::bigint) AS head
           FROM public.appends) log);
COMMENT ON VIEW public.projection_lag IS 'How far each projection is behind the log: what SQL reads is as old as that.';
COMMENT ON COLUMN public.projection_lag.name IS 'the projection';
COMMENT ON COLUMN public.projection_lag."position" IS 'the last event folded in';
COMMENT ON COLUMN public.projection_lag.head IS 'the last event there is';
COMMENT ON COLUMN public.projection_lag.behind IS 'events that are not in its tables yet';
COMMENT ON COLUMN public.projection_lag.stopped_at IS 'the event it could not fold; null while it goes on';
COMMENT ON COLUMN public.projection_lag.failure IS 'why it stopped';
CREATE TABLE public.record_keys (
    key text NOT NULL,
    "position" bigint NOT NULL,
    content_digest bytea NOT NULL
);
COMMENT ON TABLE public.record_keys IS 'One row per event that was recorded under an idempotency key. Append-only.';
COMMENT ON COLUMN public.record_keys.key IS 'The idempotency key.';
COMMENT ON COLUMN public.record_keys."position" IS 'Position of the event first recorded under it.';
COMMENT ON COLUMN public.record_keys.content_digest IS 'sha256 of the event''s type, model and payload.';
CREATE TABLE public.registered_predictions (
    "position" bigint NOT NULL,
    model text NOT NULL,
    theory_id text NOT NULL,
    context jsonb NOT NULL,
    direction bigint NOT NULL,
    probability double precision NOT NULL,
    mean double precision,
    sd double precision,
    outcome_position bigint,
    outcome double precision,
    hit boolean
);
COMMENT ON TABLE public.registered_predictions IS 'Predictions asked for before their outcome, each an event of its own.';
COMMENT ON COLUMN public.registered_predictions."position" IS 'the event that registered it';
COMMENT ON COLUMN public.registered_predictions.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.registered_predictions.theory_id IS 'the theory it was asked of';
COMMENT ON COLUMN public.registered_predictions.context IS 'what it was asked for';
COMMENT ON COLUMN public.registered_predictions.direction IS 'the side named, +1 or -1';
COMMENT ON COLUMN public.registered_predictions.probability IS 'given to an outcome on that side';
COMMENT ON COLUMN public.registered_predictions.mean IS 'normal forecast: mean; null: none';
COMMENT ON COLUMN public.registered_predictions.sd IS 'normal forecast: standard deviation; null: none';
COMMENT ON COLUMN public.registered_predictions.outcome_position IS 'the first outcome after it, by which it is scored; null: none yet';
COMMENT ON COLUMN public.registered_predictions.outcome IS 'what came; null: nothing yet, or not finite';
COMMENT ON COLUMN public.registered_predictions.hit IS 'whether it came on that side; null: nothing yet, or a tie';
CREATE VIEW public.restores AS
 SELECT landmarks."position",
    landmarks.model,
    landmarks.occurred_at,
    events.actor,
    (events.payload ->> 'to_act'::text) AS to_act,
    ((events.payload ->> 'to_position'::text))::bigint AS to_position,
    (events.payload ->> 'checkpoint'::text) AS checkpoint,
    (events.payload ->> 'reason'::text) AS reason
   FROM (public.landmarks
     JOIN public.events ON ((events."position" = landmarks."position")))
  WHERE (landmarks.event_type = 'restored'::text);
COMMENT ON VIEW public.restores IS 'Earlier states that were put back as a whole.';
COMMENT ON COLUMN public.restores."position" IS 'the event';
COMMENT ON COLUMN public.restores.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.restores.occurred_at IS 'when it happened, UTC ISO text';
COMMENT ON COLUMN public.restores.actor IS 'who recorded it, if said';
COMMENT ON COLUMN public.restores.to_act IS 'the act before which it was put back, where known';
COMMENT ON COLUMN public.restores.to_position IS 'the position whose state was put back; null: done elsewhere';
COMMENT ON COLUMN public.restores.checkpoint IS 'the checkpoint asked for, if any';
COMMENT ON COLUMN public.restores.reason IS 'why, if said';
CREATE VIEW public.scored_predictions AS
 SELECT predictions."position",
    predictions.theory_id,
    theories.model,
    theories.hypothesis,
    predictions.direction,
    predictions.probability,
    (
        CASE
            WHEN (predictions.probability >= (0.9)::double precision) THEN 0.9
            WHEN (predictions.probability >= (0.8)::double precision) THEN 0.8
            WHEN (predictions.probability >= (0.7)::double precision) THEN 0.7
            WHEN (predictions.probability >= (0.6)::double precision) THEN 0.6
            WHEN (predictions.probability >= (0.5)::double precision) THEN 0.5
            WHEN (predictions.probability >= (0.4)::double precision) THEN 0.4
            WHEN (predictions.probability >= (0.3)::double precision) THEN 0.3
            WHEN (predictions.probability >= (0.2)::double precision) THEN 0.2
            WHEN (predictions.probability >= (0.1)::double precision) THEN 0.1
            ELSE 0.0
        END)::double precision AS bin,
    predictions.mean,
    predictions.sd,
    predictions.outcome,
        CASE
            WHEN predictions.hit THEN 1
            WHEN (NOT predictions.hit) THEN 0
            ELSE NULL::integer
        END AS hit,
        CASE
            WHEN predictions.hit THEN (((1.0)::double precision - predictions.probability) * ((1.0)::double precision - predictions.probability))
            WHEN (NOT predictions.hit) THEN (predictions.probability * predictions.probability)
            ELSE NULL::double precision
        END AS squared_error
   FROM (public.predictions
     JOIN public.theories ON ((theories.theory_id = predictions.theory_id)));
COMMENT ON VIEW public.scored_predictions IS 'Forecasts made strictly before their outcome, with what came.';
COMMENT ON COLUMN public.scored_predictions."position" IS 'the outcome';
COMMENT ON COLUMN public.scored_predictions.theory_id IS 'the theory';
COMMENT ON COLUMN public.scored_predictions.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.scored_predictions.hypothesis IS 'what it says, in words';
COMMENT ON COLUMN public.scored_predictions.direction IS 'the side it names, +1 or -1';
COMMENT ON COLUMN public.scored_predictions.probability IS 'given to an outcome on that side';
COMMENT ON COLUMN public.scored_predictions.bin IS 'the tenth that the probability is in, by its lower end: 0 to 0.9';
COMMENT ON COLUMN public.scored_predictions.mean IS 'normal forecast: mean';
COMMENT ON COLUMN public.scored_predictions.sd IS 'normal forecast: standard deviation';
COMMENT ON COLUMN public.scored_predictions.outcome IS 'what came; null: not finite';
COMMENT ON COLUMN public.scored_predictions.hit IS 'whether it came on that side; null: a tie, or not finite';
COMMENT ON COLUMN public.scored_predictions.squared_error IS 'Brier score: probability minus hit, squared; null where hit is';
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
CREATE VIEW public.sharing_history AS
 SELECT maps."position",
    maps.model,
    landmarks.occurred_at,
    landmarks.event_type,
    maps.digest,
    maps.names,
    maps.storages,
    jsonb_array_length(maps.groups) AS tied_groups
   FROM (public.sharing_maps maps
     LEFT JOIN public.landmarks ON ((landmarks."position" = maps."position")));
COMMENT ON VIEW public.sharing_history IS 'Every sharing map the record has seen.';
COMMENT ON COLUMN public.sharing_history."position" IS 'the event that brought the map';
COMMENT ON COLUMN public.sharing_history.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.sharing_history.occurred_at IS 'when it happened, UTC ISO text';
COMMENT ON COLUMN public.sharing_history.event_type IS 'model_attached or sharing_changed';
COMMENT ON COLUMN public.sharing_history.digest IS 'sha256 of the map: equal maps, equal digest';
COMMENT ON COLUMN public.sharing_history.names IS 'how many names the model has';
COMMENT ON COLUMN public.sharing_history.storages IS 'how many storages they view';
COMMENT ON COLUMN public.sharing_history.tied_groups IS 'how many storages have several names';
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
CREATE VIEW public.storages_now AS
 SELECT storage_id,
    model,
    key AS storage_key,
    ( SELECT string_agg(these.name, ', '::text ORDER BY (these.name COLLATE "C")) AS string_agg
           FROM ( SELECT storage_names.name
                   FROM public.storage_names
                  WHERE ((storage_names.storage_id = storages.storage_id) AND (storage_names.to_position IS NULL))) these) AS layers,
    ( SELECT count(*) AS count
           FROM public.storage_names
          WHERE ((storage_names.storage_id = storages.storage_id) AND (storage_names.to_position IS NULL))) AS names,
    from_position,
    ( SELECT max(modifications."position") AS max
           FROM public.modifications
          WHERE ((modifications.storage_id = storages.storage_id) AND (modifications.retracted_position IS NULL))) AS last_write_position
   FROM public.storages
  WHERE (to_position IS NULL);
COMMENT ON VIEW public.storages_now IS 'The storages there are now and every name that views each: several names are one tensor.';
COMMENT ON COLUMN public.storages_now.storage_id IS 'the storage';
COMMENT ON COLUMN public.storages_now.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.storages_now.storage_key IS 'the storage key: first of its names';
COMMENT ON COLUMN public.storages_now.layers IS 'every name that views it';
COMMENT ON COLUMN public.storages_now.names IS 'how many these are';
COMMENT ON COLUMN public.storages_now.from_position IS 'position from which the key holds';
COMMENT ON COLUMN public.storages_now.last_write_position IS 'the last announced write to it; null: none';
CREATE VIEW public.unannounced_writes AS
 SELECT landmarks."position",
    landmarks.model,
    landmarks.occurred_at,
    events.actor,
    (events.payload ->> 'storage_key'::text) AS storage_key,
    ( SELECT string_agg(these.layer_name, ', '::text ORDER BY (these.layer_name COLLATE "C")) AS string_agg
           FROM ( SELECT affected_layers.layer_name
                   FROM public.affected_layers
                  WHERE (affected_layers."position" = landmarks."position")) these) AS layers,
    (events.payload ->> 'found_by'::text) AS found_by,
    (events.payload ->> 'fingerprint_expected'::text) AS fingerprint_expected,
    (events.payload ->> 'fingerprint_found'::text) AS fingerprint_found,
        CASE
            WHEN ((events.payload ->> 'earlier_restorable'::text) = ANY (ARRAY['1'::text, 'true'::text])) THEN 1
            WHEN ((events.payload ->> 'earlier_restorable'::text) = ANY (ARRAY['0'::text, 'false'::text])) THEN 0
            ELSE NULL::integer
        END AS earlier_restorable
   FROM (public.landmarks
     JOIN public.events ON ((events."position" = landmarks."position")))
  WHERE (landmarks.event_type = 'unattributed_write'::text);
COMMENT ON VIEW public.unannounced_writes IS 'Storages that were found to hold other bytes than the log said.';
COMMENT ON COLUMN public.unannounced_writes."position" IS 'the event';
COMMENT ON COLUMN public.unannounced_writes.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.unannounced_writes.occurred_at IS 'when it happened, UTC ISO text';
COMMENT ON COLUMN public.unannounced_writes.actor IS 'who recorded it, if said';
COMMENT ON COLUMN public.unannounced_writes.storage_key IS 'the storage';
COMMENT ON COLUMN public.unannounced_writes.layers IS 'every name that was reached';
COMMENT ON COLUMN public.unannounced_writes.found_by IS 'what noticed it: attach, edit, verify, restore, watch, checkpoint or tripwire';
COMMENT ON COLUMN public.unannounced_writes.fingerprint_expected IS 'digest of what the log says';
COMMENT ON COLUMN public.unannounced_writes.fingerprint_found IS 'digest of what was found';
COMMENT ON COLUMN public.unannounced_writes.earlier_restorable IS 'whether the state expected can be put back; null: nobody looked';
CREATE TABLE public.weight_deltas (
    storage_id bigint NOT NULL,
    "position" bigint NOT NULL,
    model text NOT NULL,
    before_fingerprint text NOT NULL,
    after_fingerprint text NOT NULL,
    blob text NOT NULL,
    size bigint NOT NULL,
    changed_bytes bigint NOT NULL,
    codec text NOT NULL,
    pruned_position bigint
);
COMMENT ON TABLE public.weight_deltas IS 'How one state of a storage leads to another, back and forth.';
COMMENT ON COLUMN public.weight_deltas.storage_id IS 'the storage';
COMMENT ON COLUMN public.weight_deltas."position" IS 'the event that kept it';
COMMENT ON COLUMN public.weight_deltas.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.weight_deltas.before_fingerprint IS 'digest of the one state';
COMMENT ON COLUMN public.weight_deltas.after_fingerprint IS 'digest of the other';
COMMENT ON COLUMN public.weight_deltas.blob IS 'blake3 of the blob that holds the difference';
COMMENT ON COLUMN public.weight_deltas.size IS 'bytes of the blob';
COMMENT ON COLUMN public.weight_deltas.changed_bytes IS 'bytes of the storage that using it touches';
COMMENT ON COLUMN public.weight_deltas.codec IS 'rows, sparse or dense';
COMMENT ON COLUMN public.weight_deltas.pruned_position IS 'the event that let it go; null while it is there';
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
CREATE VIEW public.write_outcomes AS
 SELECT written."position" AS write_position,
    act_outcomes."position" AS outcome_position,
    act_outcomes.metric,
    act_outcomes.sample,
    act_outcomes.act_id,
    written.model,
    written.storage_key,
    written.primary_layer AS layer_name,
    written.method,
    written.dose,
        CASE
            WHEN written.randomised THEN 1
            ELSE 0
        END AS randomised,
        CASE
            WHEN (EXISTS ( SELECT 1
               FROM public.modifications other
              WHERE ((other.act_id = written.act_id) AND (other.storage_id <> written.storage_id) AND (other.retracted_position IS NULL)))) THEN 0
            ELSE 1
        END AS alone,
    act_outcomes.baseline,
    act_outcomes.outcome,
    act_outcomes.change,
    act_outcomes.verdict
   FROM (public.act_outcomes
     JOIN public.modifications written ON (((written.act_id = act_outcomes.act_id) AND ((act_outcomes.model IS NULL) OR (written.model = act_outcomes.model)) AND
        CASE
            WHEN (written."position" < act_outcomes."position") THEN written.counted
            ELSE NULL::boolean
        END)));
COMMENT ON VIEW public.write_outcomes IS 'What followed from each counted write: its dose beside the change of each metric in its act.';
COMMENT ON COLUMN public.write_outcomes.write_position IS 'the write';
COMMENT ON COLUMN public.write_outcomes.outcome_position IS 'the evaluation after it';
COMMENT ON COLUMN public.write_outcomes.metric IS 'the metric';
COMMENT ON COLUMN public.write_outcomes.sample IS 'what it was measured on; null: not said';
COMMENT ON COLUMN public.write_outcomes.act_id IS 'the act of both';
COMMENT ON COLUMN public.write_outcomes.model IS 'the model''s name in this record';
COMMENT ON COLUMN public.write_outcomes.storage_key IS 'the storage written, by its key then';
COMMENT ON COLUMN public.write_outcomes.layer_name IS 'the name the writer used';
COMMENT ON COLUMN public.write_outcomes.method IS 'how it was done';
COMMENT ON COLUMN public.write_outcomes.dose IS 'signed size in units of the method''s reference dose';
COMMENT ON COLUMN public.write_outcomes.randomised IS 'whether a coin decided the sign of the dose';
COMMENT ON COLUMN public.write_outcomes.alone IS 'whether the act wrote no other storage';
COMMENT ON COLUMN public.write_outcomes.baseline IS 'the value before';
COMMENT ON COLUMN public.write_outcomes.outcome IS 'the value after';
COMMENT ON COLUMN public.write_outcomes.change IS 'outcome minus baseline';
COMMENT ON COLUMN public.write_outcomes.verdict IS 'better, worse or same; null where that cannot be said';
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
INSERT INTO public.affected_layers VALUES (80, 'm', 'up', 'up', 'primary');
INSERT INTO public.affected_layers VALUES (85, 'm', 'up', 'up', 'primary');
INSERT INTO public.appends VALUES (0, 1, 0, 0, NULL, NULL, '\x9d638423a37b90c5d60ff6bc6ce6f1595da4e187cadebf3aae79c0180a674d3f');
INSERT INTO public.appends VALUES (1, 1, 1, 1796071980695666, 'freezer', 'frozen', '\x1f538a0204c6d553d998fc4672c2b4a607de3dd0f20e31e386dbc10e9f2b8d34');
INSERT INTO public.appends VALUES (2, 2, 2, 1796071980701710, 'freezer', 'frozen', '\x1190e3993ba443fcf6c57997daff95c443cb2163ffdeb85988086de216fed9dd');
INSERT INTO public.appends VALUES (3, 3, 3, 1796071980703270, 'freezer', 'frozen', '\x7a527e089dd4aa6df7816db01dbb7906da674cee8ccccdde178b4d1734163e69');
INSERT INTO public.appends VALUES (4, 4, 4, 1796071980706893, 'freezer', 'frozen', '\x9aac2d270b57e5ff0ed53fcf1778a40593a93e9901fb0dfda9fd402e2a3479e7');
INSERT INTO public.appends VALUES (5, 5, 5, 1796071980713850, 'freezer', 'frozen', '\x97d0ca7a9bc690d310ab0fdc73c8f3b3c722354b0c8082d82fe1479e0b677aba');
INSERT INTO public.appends VALUES (6, 6, 6, 1796071980734816, 'freezer', 'frozen', '\x782e72b2e3a21b004a5847359cfc99e9e4319744c7be7ebf4f1745eec1dddc0b');
INSERT INTO public.appends VALUES (7, 7, 7, 1796071980736878, 'freezer', 'frozen', '\x7c89ca7bdd0a60575530368850ff649ff7c150b526359fcd1991045cb2ba73ea');
INSERT INTO public.appends VALUES (8, 8, 8, 1796071980738554, 'freezer', 'frozen', '\xf874c742e62da9a76ac090a786efc814304324e726dadd89b6ffab1fd72e8f13');
INSERT INTO public.appends VALUES (9, 9, 9, 1796071980741166, 'freezer', 'frozen', '\xdb18882a0c0321cab7943e6f30e5c2735561d674e1f992d12b789134e9b53110');
INSERT INTO public.appends VALUES (10, 10, 10, 1796071980742506, 'freezer', 'frozen', '\x26909be01e4f3df332e0bb68261af3352d9241f21df2094247af456282958840');
INSERT INTO public.appends VALUES (11, 11, 11, 1796071980743758, 'freezer', 'frozen', '\x6bc6003e03c8ccb1b167840764a5c87ef939d8e80dd1d69000b7282f3a28d053');
INSERT INTO public.appends VALUES (12, 12, 12, 1796071980746200, 'freezer', 'frozen', '\xc861fbfe324325242cc06fe2316a4843ad8ca18503c55c35c0e7872ee11f7599');
INSERT INTO public.appends VALUES (13, 13, 13, 1796071980747456, 'freezer', 'frozen', '\xe662f119acec273de9e5f1ebeae7cc23d67fb94797c56ea44f282d264fdc1f17');
INSERT INTO public.appends VALUES (14, 14, 14, 1796071980748600, 'freezer', 'frozen', '\x940974e4f0c883e4cd5dfa7a8ceba25215d7aeba619af8b058c798cb32043093');
INSERT INTO public.appends VALUES (15, 15, 15, 1796071980750902, 'freezer', 'frozen', '\x7f5c9bca09443f1eb5236c3c5637a9223d10b9058ef5680c35266e8a645b9cb6');
INSERT INTO public.appends VALUES (16, 16, 16, 1796071980752141, 'freezer', 'frozen', '\xbd5cce5a8653bb38613a9587f6a79d8e71487a06b80af07d14ebf6cbd6290ba5');
INSERT INTO public.appends VALUES (17, 17, 17, 1796071980753297, 'freezer', 'frozen', '\xf49468de05269204d024a5b0cf3379d049daa311a44896c70e0edd0182b6c5ad');
INSERT INTO public.appends VALUES (18, 18, 18, 1796071980755607, 'freezer', 'frozen', '\x0cd94a83be75e35ed1c19ad1f8880ca73efcbc2bc01911de3d58c10798966b92');
INSERT INTO public.appends VALUES (19, 19, 19, 1796071980756861, 'freezer', 'frozen', '\xd029294deb1b1ca7b7cb153dd3183660fa480439d4d604890db64ba785f17be4');
INSERT INTO public.appends VALUES (20, 20, 20, 1796071980757886, 'freezer', 'frozen', '\xf522b95ded16bdadcebe1e022d1201c226038ab919532ea3d033380410004599');
INSERT INTO public.appends VALUES (21, 21, 21, 1796071980760089, 'freezer', 'frozen', '\x2640bcd8e55e2e4166f7f4d9bf745ed75bc4ad160e96f713b60a75dbe2172fa8');
INSERT INTO public.appends VALUES (22, 22, 22, 1796071980761424, 'freezer', 'frozen', '\x3731a5f63993b3f7e461c217bcfcdaf39eeefdce8439aca1bd6244c1cd104da8');
INSERT INTO public.appends VALUES (23, 23, 23, 1796071980762438, 'freezer', 'frozen', '\x35ff8a6f5c94a65df267d7f40ad7ae50abb53b122e124989668785e88c7d9911');
INSERT INTO public.appends VALUES (24, 24, 24, 1796071980764712, 'freezer', 'frozen', '\xf904a49c8c111fdcdc71b24c7da9365b1bbb0a3d86277efd71318418bc187ebf');
INSERT INTO public.appends VALUES (25, 25, 25, 1796071980765827, 'freezer', 'frozen', '\x2e371202a6273489b05a2d98d796adcd07b439c9e7d8a1a1abe7ed55a73a6fb8');
INSERT INTO public.appends VALUES (26, 26, 26, 1796071980766752, 'freezer', 'frozen', '\xa59a97a449a8fe5800cff10af28633122fa10ed77f6580532f769cef714bc994');
INSERT INTO public.appends VALUES (27, 27, 27, 1796071980768958, 'freezer', 'frozen', '\x4caf894bf33c63b6f55ebca269af203895b108239781364e15420edab5c5c198');
INSERT INTO public.appends VALUES (28, 28, 28, 1796071980770237, 'freezer', 'frozen', '\x04ab0bbbbcb24167b6b2026f39cd48946c6ce239ba038ac81b19d3809dc08b9f');
INSERT INTO public.appends VALUES (29, 29, 29, 1796071980771214, 'freezer', 'frozen', '\x30637a82a01af92980279b145cedc2b201570b4bd7faf07a10da34ce4ad82486');
INSERT INTO public.appends VALUES (30, 30, 30, 1796071980773492, 'freezer', 'frozen', '\xa15d43ac1efbe9b6dd9603846db38669102a981b800b23b15612c5aff4ee975e');
INSERT INTO public.appends VALUES (31, 31, 31, 1796071980774610, 'freezer', 'frozen', '\x1e8c1d89f2d055d9bdd39af0cbbafcf9ea630f65f29a1900bb0df44c2f5b5b97');
INSERT INTO public.appends VALUES (32, 32, 32, 1796071980775564, 'freezer', 'frozen', '\x410d3ca01ba42402be4b9b4c8a38843686b5fd46ead07b9b328da0234df493f3');
INSERT INTO public.appends VALUES (33, 33, 33, 1796071980777746, 'freezer', 'frozen', '\xe7788c8bd8414595f07ae70fcb726a071242add5ddbaaac06d4c598d58574961');
INSERT INTO public.appends VALUES (34, 34, 34, 1796071980778843, 'freezer', 'frozen', '\x3c599c79c2aea70f5b04be4510a7f4ee193cc403790baa796681a785ff0ae58b');
INSERT INTO public.appends VALUES (35, 35, 35, 1796071980779842, 'freezer', 'frozen', '\x680eec02d076835d83b82c7dbe6348fa6f71907df9367819d85aa1600f95c8b6');
INSERT INTO public.appends VALUES (36, 36, 36, 1796071980781707, 'freezer', 'frozen', '\x687ed14c6f8a602264f7da6caee4a510bb46de33dbce7ac7b67ddfd7e02e7614');
INSERT INTO public.appends VALUES (37, 37, 37, 1796071980782764, 'freezer', 'frozen', '\xccb5bac109105f94de46cd4d47f7fa22d730d2bbad24dc489813edcdff1ee5d0');
INSERT INTO public.appends VALUES (38, 38, 38, 1796071980783776, 'freezer', 'frozen', '\xfb900b9a2d5d4c39aa151bafe1efd037973ae930c322c048db890a30eccee675');
INSERT INTO public.appends VALUES (39, 39, 39, 1796071980785536, 'freezer', 'frozen', '\x3df1c23eaefe6758506ee9d539d598431ce82ea1c5f947a5e4b4f45f885d0867');
INSERT INTO public.appends VALUES (40, 40, 40, 1796071980786480, 'freezer', 'frozen', '\x78f92e1809bc4bebe0917bfc645eac3abf410fcece56033209bdcb3eb14568b3');
INSERT INTO public.appends VALUES (41, 41, 41, 1796071980787306, 'freezer', 'frozen', '\x3032034864ba9fc2fa05ee1b77d5008e05a701b4adc682add7f7e27aa58828c2');
INSERT INTO public.appends VALUES (42, 42, 42, 1796071980789020, 'freezer', 'frozen', '\x2194867851cef1ae9704ea2cc12d7fe99b8f3f9b61f974e46f58dcffbe56cff2');
INSERT INTO public.appends VALUES (43, 43, 43, 1796071980789990, 'freezer', 'frozen', '\x60ec7bf05a821b3ed2437c9eb557e94ef3a7f09af3915a25d271b57710c9bf05');
INSERT INTO public.appends VALUES (44, 44, 44, 1796071980790934, 'freezer', 'frozen', '\x021ba71a701fed74e52abc18bc71b0bfcacafe1fd66a4af9a437bdbf7b581a7d');
INSERT INTO public.appends VALUES (45, 45, 45, 1796071980792816, 'freezer', 'frozen', '\x4ebc8f8e8fdcf555214c128d8456a2a27d0c2d8750c580fedcb9cef5226e8326');
INSERT INTO public.appends VALUES (46, 46, 46, 1796071980794055, 'freezer', 'frozen', '\x59414052659c1945dafcf53da5083f4f36e5623d59c79266b016e5da9cb35213');
INSERT INTO public.appends VALUES (47, 47, 47, 1796071980795023, 'freezer', 'frozen', '\x7f6d7e0633c33348cb503708ebf66bf201bfd58e71903b9ecececae8145cb30e');
INSERT INTO public.appends VALUES (48, 48, 48, 1796071980796881, 'freezer', 'frozen', '\x9504aa9888dee473a538e54dd23f7ea48e8a91f93703f0b0329b8454fd571e07');
INSERT INTO public.appends VALUES (49, 49, 49, 1796071980797899, 'freezer', 'frozen', '\x486d98496081279df7a4a384698b63668e8d553417d52c1a07c7c2157f001c32');
INSERT INTO public.appends VALUES (50, 50, 50, 1796071980798868, 'freezer', 'frozen', '\x817f4e351a68e04dded6fa22b2236cb25999d03cf4a75032337c256645df67ab');
INSERT INTO public.appends VALUES (51, 51, 51, 1796071980800729, 'freezer', 'frozen', '\xb2f5906647147978ec5ab1fe6a9b440c758578afb105b56b806440aab34bd143');
INSERT INTO public.appends VALUES (52, 52, 52, 1796071980801777, 'freezer', 'frozen', '\xae844501ee6e351560315755cc405a10f83f929af51ab6c42344314ac9161637');
INSERT INTO public.appends VALUES (53, 53, 53, 1796071980802707, 'freezer', 'frozen', '\xfac44a11e49550cf6f146df63427da88ec34138ee3d9af8b0313b6bc03da870e');
INSERT INTO public.appends VALUES (54, 54, 54, 1796071980804627, 'freezer', 'frozen', '\x4429512b623372d883d242242730ce159658bd7718e3d3774f8d3e31f14974b0');
INSERT INTO public.appends VALUES (55, 55, 55, 1796071980805663, 'freezer', 'frozen', '\xc09132c052a60494d4382fc8d415ccaff2e05479b2a47eef4f41139611d2247f');
INSERT INTO public.appends VALUES (56, 56, 56, 1796071980806586, 'freezer', 'frozen', '\xd28fcd5a00bd427642d71267ffe64d700143433ca78a48bbf3b6718044c72663');
INSERT INTO public.appends VALUES (57, 57, 57, 1796071980808315, 'freezer', 'frozen', '\x4fab69e5a26805b3f8657ce3a82702c0f954366b0aa01d0048e9e821f5c235d9');
INSERT INTO public.appends VALUES (58, 58, 58, 1796071980809421, 'freezer', 'frozen', '\x5d4c55ddffdb71b6ec6458e7709e0f84492ef1aa0350d4d32f63a6581ce363d7');
INSERT INTO public.appends VALUES (59, 59, 59, 1796071980810319, 'freezer', 'frozen', '\x115a6b377650cb4e8ee5035181ca1738a325d789d41746d8f6885552380d0400');
INSERT INTO public.appends VALUES (60, 60, 60, 1796071980812030, 'freezer', 'frozen', '\xb84e3a800d9fe4cc80b98351c76f0942c59b0272109adfcf841058be654f3374');
INSERT INTO public.appends VALUES (61, 61, 61, 1796071980813118, 'freezer', 'frozen', '\x95ed1d8d7c0cd8502584784d4e827a060afe7bc899ab566442cf0a3bb85eb3fa');
INSERT INTO public.appends VALUES (62, 62, 62, 1796071980814030, 'freezer', 'frozen', '\xb5a2298007f60291b696a4d43ceee7c9f6c2718a8376c01ac134fe27395577c5');
INSERT INTO public.appends VALUES (63, 63, 63, 1796071980815748, 'freezer', 'frozen', '\x3d3380abc34738f62bd4cf57a5e3abd1801258d7953d5e2f697816ce383dc398');
INSERT INTO public.appends VALUES (64, 64, 64, 1796071980816721, 'freezer', 'frozen', '\x6417c8534060f5046fe5e0608e73dc9d01953bdd949f072e8e3ae72e753048c2');
INSERT INTO public.appends VALUES (65, 65, 65, 1796071980817549, 'freezer', 'frozen', '\x7b55cee6d08facf08f874a21fc878f04c65920d3e05761fe691d4c53e6d7d6af');
INSERT INTO public.appends VALUES (66, 66, 66, 1796071980819196, 'freezer', 'frozen', '\x4be39f33ee5913bbfd19ce1bb0ebd386631c73928120f5c30718d554ae7edad0');
INSERT INTO public.appends VALUES (67, 67, 67, 1796071980820052, 'freezer', 'frozen', '\x4ab1350efee673f175c339d083c045101f2c7657d89f5fe238c773019e977b95');
INSERT INTO public.appends VALUES (68, 68, 68, 1796071980820996, 'freezer', 'frozen', '\x82375bea78b615b4c4fc172c47a896f4e5d85890dc18fd56d59e457e73e3c685');
INSERT INTO public.appends VALUES (69, 69, 69, 1796071980822534, 'freezer', 'frozen', '\xd44cba688e6db175a3a112d91a99c943e0a33b689028a5fa99071e1305966566');
INSERT INTO public.appends VALUES (70, 70, 70, 1796071980823444, 'freezer', 'frozen', '\x847e9bdc09ee8f4e7a469627331c11c57ea9ae9e0a3a5d1a2c2f2afde999cf3a');
INSERT INTO public.appends VALUES (71, 71, 71, 1796071980824465, 'freezer', 'frozen', '\x90c7e6e4483b9b9814ebb39d530fc0dc45c0f9c8f3bdadc2b89018c211f49fa4');
INSERT INTO public.appends VALUES (72, 72, 72, 1796071980826176, 'freezer', 'frozen', '\x5c9c3418900916419f22ea8d905c766769cb5714c9259fa4177e76826ebe5e2f');
INSERT INTO public.appends VALUES (73, 73, 73, 1796071980827149, 'freezer', 'frozen', '\x0542fbadeee2ada95c82b97e3c48b272894088d60845411e0a2bf0591d367560');
INSERT INTO public.appends VALUES (74, 74, 74, 1796071980828099, 'freezer', 'frozen', '\x97eaab790a403025851e268faf6dea4f4b4c0cf069466a98522fde1ead667f77');
INSERT INTO public.appends VALUES (75, 75, 75, 1796071980829911, 'freezer', 'frozen', '\x1bc4e9fd26af4160be78b316f31e1e253bd620b813a954e15544857d71fd1020');
INSERT INTO public.appends VALUES (77, 77, 81, 1796071980838749, 'freezer', 'frozen', '\x603f0793377ad1812932dd8b173262a743dcd1101d5945503bbf58cd35ffa832');
INSERT INTO public.appends VALUES (80, 84, 85, 1796071980933394, NULL, NULL, '\x335930ea5a44cbd62636159d4fa7e1f5538fae2df55933efdef7aefd2da924c4');
INSERT INTO public.appends VALUES (76, 76, 76, 1796071980831036, 'freezer', 'frozen', '\x73c96c2d19b23aae5577622e19b618833f0ae33a0c296c2434bdd70aec72cc8b');
INSERT INTO public.appends VALUES (78, 82, 82, 1796071980923219, 'freezer', 'frozen', '\xb49c45b2baf5ea7c973bb9d596b8fd729542ec37cb0463aa12d57443b6500e71');
INSERT INTO public.appends VALUES (79, 83, 83, 1796071980931634, 'freezer', 'frozen', '\x003a6b0c09ccbd601e2798baf88b131f376dd96fcb9b212b826851c0918117f8');
INSERT INTO public.architectural_facts VALUES ('fact-e7c5cf7251be71bf', 'm', 'identity', 'embed', 'head', 'alias', 'embed and head are one tensor', NULL, NULL, 0, 1, 82);
INSERT INTO public.architectural_facts VALUES ('fact-e3955e518b0b7aac', 'm', 'comodification', 'embed', 'head', 'alias', 'embed and head are one tensor', 'log_e_value', 0, 24, 1, 82);
INSERT INTO public.belief_revisions VALUES ('belief-65579b3dbcfdb51e', 70, 1, 'certain', 'active', 0.25, 'its theory''s predictions came true often enough');
INSERT INTO public.belief_revisions VALUES ('belief-146d8ef1f21c34b6', 0, 1, 'absolute', 'active', NULL, 'shipped with every record');
INSERT INTO public.belief_revisions VALUES ('belief-090ef05e642681e7', 0, 1, 'absolute', 'active', NULL, 'shipped with every record');
INSERT INTO public.belief_revisions VALUES ('belief-496c96646b368cc4', 0, 1, 'absolute', 'active', NULL, 'shipped with every record');
INSERT INTO public.belief_revisions VALUES ('belief-338b138e768d6491', 0, 1, 'absolute', 'active', NULL, 'shipped with every record');
INSERT INTO public.beliefs VALUES ('belief-65579b3dbcfdb51e', 'm', 'causal_law', 'scale on embed (one tensor with head) at dose 1: the positive side moves loss up, the negative side the other way, by +0.25 (95 %: +0.1952 to +0.3048; 24 outcomes)', 'earned', NULL, 'theory-65579b3dbcfdb51e', 'effect', 'embed', 'loss', 1, 1, 'certain', 0.5, '[]', 0.25, 0.19515513672378093, 0.30484486327621907, 'randomised', 2, 0, 70, 70, 'active');
INSERT INTO public.beliefs VALUES ('belief-146d8ef1f21c34b6', '', 'safety_principle', 'Save a checkpoint before a weight is modified.', 'shipped', NULL, NULL, NULL, NULL, NULL, NULL, 1, 'absolute', 1, '["core", "checkpoint before modification"]', NULL, NULL, NULL, 'asserted', 0, 0, 0, 0, 'active');
INSERT INTO public.beliefs VALUES ('belief-090ef05e642681e7', '', 'safety_principle', 'A NaN in weights, activations or metrics means: stop at once.', 'shipped', NULL, NULL, NULL, NULL, NULL, NULL, 1, 'absolute', 1, '["core", "NaN means immediate stop"]', NULL, NULL, NULL, 'asserted', 0, 0, 0, 0, 'active');
INSERT INTO public.beliefs VALUES ('belief-496c96646b368cc4', '', 'safety_principle', 'Watch the model while something is done to it.', 'shipped', NULL, NULL, NULL, NULL, NULL, NULL, 1, 'absolute', 1, '["core", "monitor during operations"]', NULL, NULL, NULL, 'asserted', 0, 0, 0, 0, 'active');
INSERT INTO public.beliefs VALUES ('belief-338b138e768d6491', '', 'safety_principle', 'Validate a change before it is kept.', 'shipped', NULL, NULL, NULL, NULL, NULL, NULL, 1, 'absolute', 1, '["core", "validate before commit"]', NULL, NULL, NULL, 'asserted', 0, 0, 0, 0, 'active');
INSERT INTO public.beliefs VALUES ('belief-11f2c6819cb6aba4', 'm', 'architectural_fact', 'embed and head are one tensor: a write to one is a write to all', 'architecture', NULL, NULL, NULL, 'embed', NULL, NULL, 1, 'certain', 0.9, '[]', NULL, NULL, NULL, 'architecture', 0, 0, 1, 82, 'retracted');
INSERT INTO public.event_types VALUES (1, 'model_attached', 2);
INSERT INTO public.event_types VALUES (2, 'metric_defined', 1);
INSERT INTO public.event_types VALUES (3, 'observation', 1);
INSERT INTO public.event_types VALUES (4, 'metrics_recorded', 1);
INSERT INTO public.event_types VALUES (5, 'coupled_modification', 3);
INSERT INTO public.event_types VALUES (6, 'layer_statistics_recorded', 1);
INSERT INTO public.event_types VALUES (7, 'modification', 3);
INSERT INTO public.event_types VALUES (8, 'safety_alert', 1);
INSERT INTO public.event_types VALUES (9, 'sharing_changed', 1);
INSERT INTO public.event_types VALUES (10, 'restored', 2);
INSERT INTO public.event_types VALUES (11, 'edit_aborted', 2);
INSERT INTO public.event_types VALUES (12, 'unattributed_write', 2);
INSERT INTO public.evidence VALUES ('pattern-65579b3dbcfdb51e', 55, 54, 53, 'supports', 0.25, 0.6324811408321489);
INSERT INTO public.evidence VALUES ('pattern-65579b3dbcfdb51e', 58, 57, 56, 'supports', 0.25, 0.6347742319784881);
INSERT INTO public.evidence VALUES ('pattern-65579b3dbcfdb51e', 61, 60, 59, 'supports', 0.25, 0.636694628902374);
INSERT INTO public.evidence VALUES ('pattern-65579b3dbcfdb51e', 64, 63, 62, 'supports', 0.25, 0.6383125717970835);
INSERT INTO public.evidence VALUES ('pattern-65579b3dbcfdb51e', 67, 66, 65, 'supports', 0.25, 0.6396822846242021);
INSERT INTO public.evidence VALUES ('pattern-65579b3dbcfdb51e', 70, 69, 68, 'supports', 0.25, 0.640846318051782);
INSERT INTO public.evidence VALUES ('pattern-65579b3dbcfdb51e', 73, 72, 71, 'supports', 0.25, 0.6418385709874119);
INSERT INTO public.evidence VALUES ('pattern-65579b3dbcfdb51e', 76, 75, 74, 'supports', 0.25, 0.6426864187277452);
INSERT INTO public.families VALUES ('family-2c4acb1f65b68a3f', 'm', 'effect', 'scale', 1, 'randomised', 0.182378130556208, 3, 3, 0, 7);
INSERT INTO public.families VALUES ('family-646c2aa163416bb8', 'm', 'impact', 'scale', 1, 'randomised', 0.182378130556208, 3, 3, 0, 7);
INSERT INTO public.families VALUES ('family-d9afb2761cccf988', 'm', 'metric_pair', NULL, NULL, 'observational', 0.04052847345693511, 1, 1, 0, 77);
INSERT INTO public.families VALUES ('family-9fc9421e0a6dcec7', 'm', 'cochange', 'norm', NULL, 'observational', 0.04052847345693511, 1, 1, 0, 81);
INSERT INTO public.inference_state VALUES ('entities', '\x5b5b5d2c5b5d2c5b5d5d');
INSERT INTO public.inference_state VALUES ('metrics', '\x7b227365656e223a7b226d223a5b226c6f7373222c226163637572616379225d7d2c22646566696e6974696f6e73223a5b5b6e756c6c2c226c6f7373222c5b5d2c322c302e30312c2d315d2c5b6e756c6c2c22706572706c6578697479222c5b226c6f7373225d2c332c302e302c305d5d7d');
INSERT INTO public.inference_state VALUES ('families', '\x5b5b5b226d222c22656666656374222c227363616c65222c312e302c2272616e646f6d69736564222c22225d2c7b227368617265223a302e3138323337383133303535363230382c2272656769737465726564223a332c226561726c79223a337d2c372c5b5b312c322c335d2c5b226c6f7373225d5d2c5b302c32342c302e31383138313831383138313831383138322c31302e302c32355d5d2c5b5b226d222c22696d70616374222c227363616c65222c312e302c2272616e646f6d69736564222c22225d2c7b227368617265223a302e3138323337383133303535363230382c2272656769737465726564223a332c226561726c79223a337d2c372c5b5b312c322c335d2c5b226c6f7373225d5d2c5b302c32342c302e312c312e302c305d5d2c5b5b226d222c226d65747269635f70616972222c6e756c6c2c6e756c6c2c226f62736572766174696f6e616c222c22225d2c7b227368617265223a302e30343035323834373334353639333531312c2272656769737465726564223a312c226561726c79223a317d2c37372c5b5b5d2c5b5d5d2c5b302c302c302e312c312e302c305d5d2c5b5b226d222c22636f6368616e6765222c226e6f726d222c6e756c6c2c226f62736572766174696f6e616c222c22225d2c7b227368617265223a302e30343035323834373334353639333531312c2272656769737465726564223a312c226561726c79223a317d2c38312c5b5b5d2c5b5d5d2c5b302c302c302e312c312e302c305d5d5d');
INSERT INTO public.inference_state VALUES ('repeats', '\x5b5b2231656564303333353862343432303461222c355d2c5b2236373262636139306235366266643433222c375d2c5b2235343335323965353732613535643465222c375d2c5b2231653731316361646437656232616365222c385d2c5b2263303461656537306363343065396565222c31305d2c5b2262396231393734373434386535663838222c31305d2c5b2230396336316666646630643931343631222c31315d2c5b2266363136386430383962633537313436222c31335d2c5b2232336665373836333230303530393030222c31335d2c5b2236356264343065383761363633333234222c31345d2c5b2236666236316135383163326663373164222c31365d2c5b2235616437353564396237343832353463222c31365d2c5b2261356662636339623264343736366133222c31375d2c5b2238336130666532386634363330636139222c31395d2c5b2234663662393061336361613261333134222c31395d2c5b2233336166653865363666363462636337222c32305d2c5b2264353733663161343364666461366538222c32325d2c5b2238666662646335376236656532393337222c32325d2c5b2264356632626133376431613061356636222c32335d2c5b2262663762646533633962643564336634222c32355d2c5b2233366535356364613165653563303439222c32355d2c5b2230383733633737356631366430323631222c32365d2c5b2264646231356430646139343534663665222c32385d2c5b2262636234633630373761623435303934222c32385d2c5b2233306463353735333436636666613037222c32395d2c5b2237343864613239653664643763636634222c33315d2c5b2264363830316639653632626138646362222c33315d2c5b2233393532353264336435376461393733222c33325d2c5b2266636532633265313364363163636434222c33345d2c5b2236396636396664663137383062343138222c33345d2c5b2265363033663930396265386632333062222c33355d2c5b2262343661646535303264656262323038222c33375d2c5b2236663135646265346362656437643937222c33375d2c5b2237356664616437316238633739363034222c33385d2c5b2233643630653232373333666132323231222c34305d2c5b2266643530626530663061313737626262222c34305d2c5b2236643661643031663431633234646435222c34315d2c5b2230646135653838343637613366366532222c34335d2c5b2265336230613465396662393463396135222c34335d2c5b2234353938666161373763646465313665222c34345d2c5b2263343366633932396561396161316338222c34365d2c5b2261666136663664363966643263316336222c34365d2c5b2239366231366531616661626132623134222c34375d2c5b2232646164663263316237393838383632222c34395d2c5b2233353539303630336139323938616361222c34395d2c5b2239323161623065626230616638373934222c35305d2c5b2232616337323833353365343439356130222c35325d2c5b2265306531303330366661646163653864222c35325d2c5b2232353266323236373637323665383634222c35335d2c5b2231303161393335663566376537363363222c35355d2c5b2234663731386461303162656137623136222c35355d2c5b2237346237326331613934353862633835222c35365d2c5b2265326231396231386361303865386336222c35385d2c5b2238623630393632626531643038373962222c35385d2c5b2238336631396635333964623232633764222c35395d2c5b2235373637643634383265633031303732222c36315d2c5b2230383731376230373966646461313764222c36315d2c5b2263306231623339643930343361323036222c36325d2c5b2264303162303761663338623933393861222c36345d2c5b2239396234663238353662326163336139222c36345d2c5b2265653734663962646632343535336630222c36355d2c5b2266643432643465663631623137636330222c36375d2c5b2264633333376230376235336230303235222c36375d2c5b2239306537336463663737663337653137222c36385d2c5b2236343732653537383765656136653439222c37305d2c5b2265303931636532353764383033656435222c37305d2c5b2262623063303265303666376430643537222c37315d2c5b2261616539306137356631666364323436222c37335d2c5b2264376365306636633633323164646132222c37335d2c5b2266363938626538643235373062393836222c37345d2c5b2235653533303936616434336438626531222c37365d2c5b2264386432623133623033616530616266222c37365d2c5b2266386165313234353537376535333730222c37375d5d');
INSERT INTO public.inference_state VALUES ('counted', '\x5b5b226d222c22737465702d31222c332c5b38305d5d5d');
INSERT INTO public.inference_state VALUES ('stated', '\x7b227468656f72696573223a5b5d2c2262656c69656673223a5b7b2262656c6965665f6964223a2262656c6965662d31343664386566316632316333346236222c226d6f64656c223a22222c2262656c6965665f74797065223a227361666574795f7072696e6369706c65222c2273746174656d656e74223a2253617665206120636865636b706f696e74206265666f7265206120776569676874206973206d6f6469666965642e222c22736f75726365223a2273686970706564222c2261737365727465645f6279223a6e756c6c2c226b696e64223a6e756c6c2c227375626a656374223a6e756c6c2c226f626a656374223a6e756c6c2c22646972656374696f6e223a6e756c6c2c226173736572746564223a312e302c22696d706f7274616e6365223a312e302c2274616773223a5b22636f7265222c22636865636b706f696e74206265666f7265206d6f64696669636174696f6e225d2c22636f7265223a747275652c2273696e6365223a302c2266697273745f706f736974696f6e223a302c226c6173745f706f736974696f6e223a302c22737570706f727473223a302c22636f6e7472616469637473223a302c226265666f7265223a5b302c305d2c227265737465645f6f6e223a5b5d7d2c7b2262656c6965665f6964223a2262656c6965662d30393065663035653634323638316537222c226d6f64656c223a22222c2262656c6965665f74797065223a227361666574795f7072696e6369706c65222c2273746174656d656e74223a2241204e614e20696e20776569676874732c2061637469766174696f6e73206f72206d657472696373206d65616e733a2073746f70206174206f6e63652e222c22736f75726365223a2273686970706564222c2261737365727465645f6279223a6e756c6c2c226b696e64223a6e756c6c2c227375626a656374223a6e756c6c2c226f626a656374223a6e756c6c2c22646972656374696f6e223a6e756c6c2c226173736572746564223a312e302c22696d706f7274616e6365223a312e302c2274616773223a5b22636f7265222c224e614e206d65616e7320696d6d6564696174652073746f70225d2c22636f7265223a747275652c2273696e6365223a302c2266697273745f706f736974696f6e223a302c226c6173745f706f736974696f6e223a302c22737570706f727473223a302c22636f6e7472616469637473223a302c226265666f7265223a5b302c305d2c227265737465645f6f6e223a5b5d7d2c7b2262656c6965665f6964223a2262656c6965662d34393663393636343662333638636334222c226d6f64656c223a22222c2262656c6965665f74797065223a227361666574795f7072696e6369706c65222c2273746174656d656e74223a22576174636820746865206d6f64656c207768696c6520736f6d657468696e6720697320646f6e6520746f2069742e222c22736f75726365223a2273686970706564222c2261737365727465645f6279223a6e756c6c2c226b696e64223a6e756c6c2c227375626a656374223a6e756c6c2c226f626a656374223a6e756c6c2c22646972656374696f6e223a6e756c6c2c226173736572746564223a312e302c22696d706f7274616e6365223a312e302c2274616773223a5b22636f7265222c226d6f6e69746f7220647572696e67206f7065726174696f6e73225d2c22636f7265223a747275652c2273696e6365223a302c2266697273745f706f736974696f6e223a302c226c6173745f706f736974696f6e223a302c22737570706f727473223a302c22636f6e7472616469637473223a302c226265666f7265223a5b302c305d2c227265737465645f6f6e223a5b5d7d2c7b2262656c6965665f6964223a2262656c6965662d33333862313338653736386436343931222c226d6f64656c223a22222c2262656c6965665f74797065223a227361666574795f7072696e6369706c65222c2273746174656d656e74223a2256616c69646174652061206368616e6765206265666f7265206974206973206b6570742e222c22736f75726365223a2273686970706564222c2261737365727465645f6279223a6e756c6c2c226b696e64223a6e756c6c2c227375626a656374223a6e756c6c2c226f626a656374223a6e756c6c2c22646972656374696f6e223a6e756c6c2c226173736572746564223a312e302c22696d706f7274616e6365223a312e302c2274616773223a5b22636f7265222c2276616c6964617465206265666f726520636f6d6d6974225d2c22636f7265223a747275652c2273696e6365223a302c2266697273745f706f736974696f6e223a302c226c6173745f706f736974696f6e223a302c22737570706f727473223a302c22636f6e7472616469637473223a302c226265666f7265223a5b302c305d2c227265737465645f6f6e223a5b5d7d5d2c2261776169746564223a5b5d2c22636c6f736564223a5b5d7d');
INSERT INTO public.inference_state VALUES ('told', '\x7b22636c6f736564223a5b5d2c2277697468647261776e223a5b5d2c226669727374223a5b5d2c226368616e676564223a5b5d7d');
INSERT INTO public.inference_state VALUES ('composed', '\x5b5d');
INSERT INTO public.inference_state VALUES ('claims', '\x5b5b22777269746573206d222c7b22736c6f74223a302c2266697273745f636c61696d6564223a34362c22646972656374696f6e223a312c227375626a656374223a22656d626564222c226f626a656374223a226c6f7373222c227375626a6563745f6e616d6573223a5b22656d626564222c2268656164225d2c22737461747573223a22616374697665222c226c6173745f736574746c6564223a37362c2273636f7265223a7b226e223a31302c2268697473223a31302c2274696573223a302c22736b6970706564223a302c226c6f675f65223a362e3431383533383836313732333934362c227065616b5f6c6f675f65223a362e3431383533383836313732333934362c226761696e223a2d35302e302c226272696572223a302e3031303731333437343133343930303332362c227374616e64696e67223a302e393939393839363339353831303734397d2c226c6173745f73636f726564223a37362c2262656c6965665f73696e6365223a37302c2262656c6965665f6368616e676564223a37302c2262656c6965665f737461747573223a22616374697665222c2263726564656e6365223a312e302c22737570706f727473223a322c22636f6e7472616469637473223a302c226465746563746f72223a7b22646972656374696f6e223a312c22656666656374223a302e323337352c226e223a322c22736b6970706564223a302c227363616c65223a7b2277696e646f77223a5b2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30373530303030303030303030303030312c2d302e30383337353030303030303030303030322c2d302e30383337353030303030303030303030325d7d2c227765616c7468223a5b2d302e31313738383834373435353739393035392c2d302e3234383036373632323533313639332c2d302e353433323731363031373732333530392c2d312e323438333939323939303430383831392c2d322e393037383631373832303636343730335d7d2c227365656e223a5b31312e302c322e37352c302e363837352c362e3236363732343737373634333032375d2c22626c6f636b73223a5b302e302c302e305d7d5d5d');
INSERT INTO public.inference_state VALUES ('models', '\x5b226d225d');
INSERT INTO public.inference_state VALUES ('facts', '\x7b226d223a5b5d7d');
INSERT INTO public.inference_state VALUES ('dropped', '\x7b226e6f746564223a5b5d2c226669727374223a5b5d2c2261637473223a7b226d223a5b22737465702d31222c5b5d5d7d2c22737472656e67746873223a5b5d7d');
INSERT INTO public.inference_state VALUES ('["m","metrics"]', '\x2f0000007b22636f756e7473223a5b312c37372c355d2c227061697273223a747275652c227472656e6473223a66616c73657de60300005b5b226472696674206b657973222c223c6938222c5b312c305d5d2c5b226472696674207765616c7468222c223c6638222c5b31302c305d5d2c5b226472696674206c6f675f65222c223c6638222c5b305d5d2c5b226472696674207065616b5f6c6f675f65222c223c6638222c5b305d5d2c5b226472696674206e222c223c6938222c5b305d5d2c5b22647269667420746f74616c222c223c6638222c5b305d5d2c5b2264726966742073717561726573222c223c6638222c5b305d5d2c5b22647269667420646972656374696f6e222c227c6931222c5b305d5d2c5b226472696674206d65616e5f6368616e6765222c223c6638222c5b305d5d2c5b22647269667420736c6f74222c223c6938222c5b325d5d2c5b22647269667420656e646564222c227c6231222c5b325d5d2c5b2264726966742074616b656e222c223c6938222c5b325d5d2c5b2264726966742073756d222c223c6638222c5b325d5d2c5b226472696674207374617274222c223c6638222c5b325d5d2c5b22647269667420736b6970706564222c223c6938222c5b325d5d2c5b226472696674206b6e6f776e222c223c6938222c5b325d5d2c5b2264726966742077696e646f77222c223c6638222c5b322c33325d5d2c5b2270616972732070616e656c5f6c6f675f776569676874222c223c6638222c5b315d5d2c5b2270616972732070616e656c5f65706f6368222c223c6938222c5b315d5d2c5b2270616972732070616e656c5f616d656e646564222c227c6231222c5b315d5d2c5b2270616972732070616e656c5f64726f70706564222c223c6938222c5b305d5d2c5b2270616972732070616e656c5f64726f707065645f776569676874222c223c6638222c5b305d5d2c5b2270616972732070616e656c5f746f6c645f7768657265222c223c6938222c5b302c382c325d5d2c5b2270616972732070616e656c5f746f6c645f77686174222c223c6638222c5b302c382c325d5d2c5b2270616972732070616e656c5f6c6f675f65222c223c6638222c5b315d5d2c5b2270616972732070616e656c5f7065616b222c223c6638222c5b315d5d2c5b2270616972732070616e656c5f736574746c65645f736c6f7473222c223c6938222c5b305d5d2c5b2270616972732070616e656c5f736574746c6564222c223c6638222c5b302c345d5d2c5b2270616972732073756d73222c223c6638222c5b372c315d5d2c5b227061697273206c6976696e67222c227c6231222c5b325d5d2c5b2270616972732070726573656e74222c227c6231222c5b325d5d2c5b22706169727320656e65726779222c223c6638222c5b325d5d2c5b22706169727320636f756e7473222c223c6938222c5b325d5d5dffffffffffffffffffffffffffffffff0000180000000000000000000000000000008fc2f5285c8ff13f00000000000000009a999999999900400000000000000000010000000000000001000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000007d839901606e0bc0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000010100000000000000000000000000000000000001000000000000000000000000000000');
INSERT INTO public.inference_state VALUES ('["m","cycles"]', '\x1e0100007b2273746f7261676573223a5b312c322c335d2c226163746f7273223a5b5b227772697465222c315d2c5b227772697465222c325d2c5b227772697465222c335d2c5b226b696e64222c22746965225d5d2c2263617465676f72696573223a5b22746965225d2c22756e6865617264223a7b2273657175656e6365223a5b5d2c227468726573686f6c64223a5b5d7d2c2270616e656c73223a5b5d2c22616374223a22737465702d31222c226f70656e223a5b747275652c66616c73655d2c227772697474656e223a5b335d2c226e6f7469636564223a5b5d2c2276616c756573223a5b5d2c2273696e6365223a7b22636f6d6f64696669636174696f6e223a382c2273657175656e6365223a352c227468726573686f6c64223a357d7d670600005b5b22746f676574686572206b657973222c223c6938222c5b322c305d5d2c5b22746f676574686572207765616c7468222c223c6638222c5b352c305d5d2c5b22746f676574686572206c6f675f65222c223c6638222c5b305d5d2c5b22746f676574686572207065616b5f6c6f675f65222c223c6638222c5b305d5d2c5b22746f676574686572206e222c223c6938222c5b305d5d2c5b22746f67657468657220746f74616c222c223c6638222c5b305d5d2c5b22746f6765746865722073717561726573222c223c6638222c5b305d5d2c5b22746f67657468657220646972656374696f6e222c227c6931222c5b305d5d2c5b22746f676574686572206a6f696e74222c223c6938222c5b305d5d2c5b22746f6765746865722066697273745f636f756e74222c223c6938222c5b305d5d2c5b22746f676574686572207365636f6e645f636f756e74222c223c6938222c5b305d5d2c5b22746f676574686572207772697474656e2e70617274222c227c6231222c5b335d5d2c5b22746f676574686572207772697474656e2e616c697665222c227c6231222c5b335d5d2c5b22746f676574686572207772697474656e2e73697a6573222c223c6938222c5b32345d5d2c5b22746f676574686572207772697474656e2e6d656d62657273222c223c6938222c5b32345d5d2c5b22746f6765746865722065766572222c223c6938222c5b335d5d2c5b2273657175656e636573206b657973222c223c6938222c5b322c305d5d2c5b2273657175656e636573207765616c7468222c223c6638222c5b352c305d5d2c5b2273657175656e636573206c6f675f65222c223c6638222c5b305d5d2c5b2273657175656e636573207065616b5f6c6f675f65222c223c6638222c5b305d5d2c5b2273657175656e636573206e222c223c6938222c5b305d5d2c5b2273657175656e63657320746f74616c222c223c6638222c5b305d5d2c5b2273657175656e6365732073717561726573222c223c6638222c5b305d5d2c5b2273657175656e63657320646972656374696f6e222c227c6931222c5b305d5d2c5b2273657175656e6365732070726573656e742e70617274222c227c6231222c5b345d5d2c5b2273657175656e6365732070726573656e742e616c697665222c227c6231222c5b345d5d2c5b2273657175656e6365732070726573656e742e73697a6573222c223c6938222c5b32365d5d2c5b2273657175656e6365732070726573656e742e6d656d62657273222c223c6938222c5b32355d5d2c5b227468726573686f6c6473206b657973222c223c6938222c5b322c305d5d2c5b227468726573686f6c6473207765616c7468222c223c6638222c5b31352c305d5d2c5b227468726573686f6c6473206c6f675f65222c223c6638222c5b305d5d2c5b227468726573686f6c6473207065616b5f6c6f675f65222c223c6638222c5b305d5d2c5b227468726573686f6c6473206e222c223c6938222c5b305d5d2c5b227468726573686f6c647320746f74616c222c223c6638222c5b305d5d2c5b227468726573686f6c64732073717561726573222c223c6638222c5b305d5d2c5b227468726573686f6c647320646972656374696f6e222c227c6931222c5b305d5d2c5b227468726573686f6c64732070726573656e742e70617274222c227c6231222c5b315d5d2c5b227468726573686f6c64732070726573656e742e616c697665222c227c6231222c5b315d5d2c5b227468726573686f6c64732070726573656e742e73697a6573222c223c6938222c5b32365d5d2c5b227468726573686f6c64732070726573656e742e6d656d62657273222c223c6938222c5b315d5d2c5b227468726573686f6c64732063726f7373696e672e70617274222c227c6231222c5b365d5d2c5b227468726573686f6c64732063726f7373696e672e616c697665222c227c6231222c5b365d5d2c5b227468726573686f6c64732063726f7373696e672e73697a6573222c223c6938222c5b32365d5d2c5b227468726573686f6c64732063726f7373696e672e6d656d62657273222c223c6938222c5b305d5d2c5b227468726573686f6c64732070617374222c223c6638222c5b322c3235365d5d2c5b227468726573686f6c6473207365656e222c223c6938222c5b325d5d2c5b227468726573686f6c647320736b6970706564222c223c6938222c5b325d5d2c5b227468726573686f6c64732061626f7665222c227c6231222c5b332c325d5d5d0101010101010100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000000000000000000000000000000000000000000000000000101010001010101010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000000000000000000000300000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000010000000000000001000000000000000100000000000000000101000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001010100000001010101010100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000fc3f14ae47e17a14024052b81e85eb51fc3f3d0ad7a3703d024052b81e85eb51024066666666666602407b14ae47e17a02401e85eb51b81efd3f48e17a14ae47fd3fb81e85eb51b802409a9999999999fd3fe17a14ae47e10240ec51b81e85ebfd3f0ad7a3703d0a03401f85eb51b81e0340333333333333034048e17a14ae470340b81e85eb51b8fe3f713d0ad7a370034085eb51b81e850340343333333333ff3f5c8fc2f5285cff3fc3f5285c8fc20340ae47e17a14aeff3f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f1800000000000000000000000000000001000000000000000100000000000000010101010101');
INSERT INTO public.inference_state VALUES ('["m","writes","rows"]', '\x5b5b5b227363616c65222c312e302c2272616e646f6d69736564222c5b22656666656374222c22696d70616374225d5d5d2c5b5b302c322c5b226c6f7373225d5d5d2c5b305d5d');
INSERT INTO public.inference_state VALUES ('["m","writes","mixed"]', '\x');
INSERT INTO public.inference_state VALUES ('["m","writes","rows","0"]', '\x020000005b5dd00000005b5b227765616c7468222c223c6638222c5b322c31305d5d2c5b2273756d73222c223c6638222c5b322c31375d5d2c5b2274656c6c696e67222c223c6938222c5b322c382c335d5d2c5b22746f6c64222c223c6638222c5b322c382c325d5d2c5b2277696e646f77222c223c6638222c5b322c32345d5d2c5b2266696c6c6564222c223c6938222c5b325d5d2c5b226c6f675f776569676874222c223c6638222c5b325d5d2c5b2265706f6368222c223c6938222c5b325d5d2c5b22616d656e646564222c227c6231222c5b325d5d5debeaafe742d100408279689107f50f400a90303798b41c404db888a0ddea2640fffdfabc32cd2d400cf015b7182104c0db634c39a91c15c090f6414fab0127c00036d7b88c513ac03b893845beb44ec00cb5fd7851e1d23f60d3e6e22d70d73f283426a4f507c1bf5ae806d2ea960ac0017f028ae9eb2dc003ef16faffafe6bf43511a3ba164fabf772b32ba7ec610c0a3f9a31c811227c0ff53f266ee8c3fc07b14ae47e17a843f0000000000003840000000000000000000000000000038400000000000000000000000000000184048454b8ca142294048454b8ca14229400000000000003540000000000000d03f000000000000d03f0000000000003540000000000000354000000000000000000000000000000000000000000000000000000000000000007b14ae47e17a843f000000000000384000000000000000000000000000002c400000000000002440000000000000f03f34a2468a4b7bd03f9adf685a854ceabf0000000000003540000000000000d0bf000000000000e03f0000000000003b4000000000008043400000000000002e400000000000003340000000000000334000000000000000003a00000000000000390000000000000038000000000000003d000000000000003c000000000000003b0000000000000040000000000000003f000000000000003e000000000000004300000000000000420000000000000041000000000000004600000000000000450000000000000044000000000000004900000000000000480000000000000047000000000000004c000000000000004b000000000000004a000000000000003700000000000000360000000000000035000000000000002500000000000000240000000000000023000000000000000d000000000000000c000000000000000b000000000000004300000000000000420000000000000041000000000000003a00000000000000390000000000000038000000000000004600000000000000450000000000000044000000000000001900000000000000180000000000000017000000000000001c000000000000001b000000000000001a000000000000001f000000000000001e000000000000001d00000000000000000000000000d03fb01dd60c1250e43f000000000000d03ff095156acd5fe43f000000000000d03fe0cf8f7c0e6de43f000000000000d03f105489fb4678e43f000000000000d03fe06b3923d081e43f000000000000d03f5079f60af189e43f000000000000d03fe09bc01be390e43f000000000000d03f48bfe616493de43f000000000000d0bfa43b542329c7cdbf000000000000d0bfe115c003a2c2d7bf000000000000d0bf40b952d245d1d3bf000000000000d0bf58f95dbc42b7d3bf000000000000d0bf68e53f6ee116cfbf000000000000d03f8a64ee2ce2d0d23f000000000000d0bf55c063d6c0d9e2bf000000000000d0bfd86bdb5b3e3ed3bf000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d0bf000000000000d03f000000000000d0bf000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d0bf000000000000d0bf000000000000d03f000000000000d0bf000000000000d03f000000000000d0bf000000000000d03f000000000000d03f000000000000d03f000000000000d03f000000000000d0bf000000000000d03f000000000000d03f000000000000d0bf000000000000d0bf000000000000d03f000000000000d0bf1800000000000000180000000000000073900184fb2f08c073900184fb2f08c0000000000000000000000000000000000000');
INSERT INTO public.inference_state VALUES ('amendments', '\x7b226c617374223a38352c22616d656e646d656e7473223a5b5d7d');
INSERT INTO public.inference_state VALUES ('registry', '\x7b226e6578745f6964223a352c226d6f64656c73223a7b226d223a7b226d6170223a227b5c22646572697665645c223a7b7d2c5c226e616d65735c223a5b5c22646f776e5c222c5c22656d6265645c222c5c22686561645c222c5c2275705c225d2c5c227061727469616c5c223a5b5d2c5c2273616d655c223a5b5d2c5c22756e6b6e6f776e5c223a5b5d2c5c2276657273696f6e5c223a317d222c2273746f7261676573223a5b5b312c22646f776e222c5b22646f776e225d2c312c7b22646f776e223a317d5d2c5b322c22656d626564222c5b22656d626564225d2c312c7b22656d626564223a317d5d2c5b342c2268656164222c5b2268656164225d2c38322c7b2268656164223a38327d5d2c5b332c227570222c5b227570225d2c312c7b227570223a317d5d5d7d7d7d');
INSERT INTO public.inference_state VALUES ('["m","windows"]', '\x7b22777269746573223a32392c22676976656e5f7570223a5b5d2c2277696e646f7773223a5b5b22737465702d30222c5b5b226c6f7373222c227330222c352c322e302c315d5d2c5b5b362c322c227363616c65222c2d312e302c747275652c302e352c315d5d2c312c312c66616c73652c5b226c6f7373225d5d2c5b22737465702d31222c5b5b226c6f7373222c227331222c382c322e30312c325d5d2c5b5b392c322c227363616c65222c312e302c747275652c302e352c315d2c5b38302c332c6e756c6c2c312e302c66616c73652c302e352c6e756c6c5d5d2c322c322c66616c73652c5b226c6f7373225d5d2c5b22737465702d32222c5b5b226c6f7373222c227332222c31312c322e30322c335d5d2c5b5b31322c322c227363616c65222c2d312e302c747275652c302e352c315d5d2c312c332c66616c73652c5b226c6f7373225d5d2c5b22737465702d33222c5b5b226c6f7373222c227333222c31342c322e30332c345d5d2c5b5b31352c322c227363616c65222c312e302c747275652c302e352c315d5d2c312c342c66616c73652c5b226c6f7373225d5d2c5b22737465702d34222c5b5b226c6f7373222c227334222c31372c322e30342c355d5d2c5b5b31382c322c227363616c65222c312e302c747275652c302e352c315d5d2c312c352c66616c73652c5b226c6f7373225d5d2c5b22737465702d35222c5b5b226c6f7373222c227335222c32302c322e30352c365d5d2c5b5b32312c322c227363616c65222c312e302c747275652c302e352c315d5d2c312c362c66616c73652c5b226c6f7373225d5d2c5b22737465702d36222c5b5b226c6f7373222c227336222c32332c322e30362c375d5d2c5b5b32342c322c227363616c65222c312e302c747275652c302e352c315d5d2c312c372c66616c73652c5b226c6f7373225d5d2c5b22737465702d37222c5b5b226c6f7373222c227337222c32362c322e30372c385d5d2c5b5b32372c322c227363616c65222c2d312e302c747275652c302e352c315d5d2c312c382c66616c73652c5b226c6f7373225d5d2c5b22737465702d38222c5b5b226c6f7373222c227338222c32392c322e30382c395d5d2c5b5b33302c322c227363616c65222c2d312e302c747275652c302e352c315d5d2c312c392c66616c73652c5b226c6f7373225d5d2c5b22737465702d39222c5b5b226c6f7373222c227339222c33322c322e30392c31305d5d2c5b5b33332c322c227363616c65222c312e302c747275652c302e352c315d5d2c312c31302c66616c73652c5b226c6f7373225d5d2c5b22737465702d3130222c5b5b226c6f7373222c22733130222c33352c322e312c31315d5d2c5b5b33362c322c227363616c65222c2d312e302c747275652c302e352c315d5d2c312c31312c66616c73652c5b226c6f7373225d5d2c5b22737465702d3131222c5b5b226c6f7373222c22733131222c33382c322e31312c31325d5d2c5b5b33392c322c227363616c65222c312e302c747275652c302e352c315d5d2c312c31322c66616c73652c5b226c6f7373225d5d2c5b22737465702d3132222c5b5b226c6f7373222c22733132222c34312c322e31322c31335d5d2c5b5b34322c322c227363616c65222c2d312e302c747275652c302e352c315d5d2c312c31332c66616c73652c5b226c6f7373225d5d2c5b22737465702d3133222c5b5b226c6f7373222c22733133222c34342c322e31332c31345d5d2c5b5b34352c322c227363616c65222c312e302c747275652c302e352c315d5d2c312c31342c66616c73652c5b226c6f7373225d5d2c5b22737465702d3134222c5b5b226c6f7373222c22733134222c34372c322e31342c31355d5d2c5b5b34382c322c227363616c65222c312e302c747275652c302e352c315d5d2c312c31352c66616c73652c5b226c6f7373225d5d2c5b22737465702d3135222c5b5b226c6f7373222c22733135222c35302c322e31352c31365d5d2c5b5b35312c322c227363616c65222c312e302c747275652c302e352c315d5d2c312c31362c66616c73652c5b226c6f7373225d5d2c5b22737465702d3136222c5b5b226c6f7373222c22733136222c35332c322e31362c31375d5d2c5b5b35342c322c227363616c65222c312e302c747275652c302e352c315d5d2c312c31372c66616c73652c5b226c6f7373225d5d2c5b22737465702d3137222c5b5b226c6f7373222c22733137222c35362c322e31372c31385d5d2c5b5b35372c322c227363616c65222c2d312e302c747275652c302e352c315d5d2c312c31382c66616c73652c5b226c6f7373225d5d2c5b22737465702d3138222c5b5b226c6f7373222c22733138222c35392c322e31382c31395d5d2c5b5b36302c322c227363616c65222c312e302c747275652c302e352c315d5d2c312c31392c66616c73652c5b226c6f7373225d5d2c5b22737465702d3139222c5b5b226c6f7373222c22733139222c36322c322e31392c32305d5d2c5b5b36332c322c227363616c65222c312e302c747275652c302e352c315d5d2c312c32302c66616c73652c5b226c6f7373225d5d2c5b22737465702d3230222c5b5b226c6f7373222c22733230222c36352c322e322c32315d5d2c5b5b36362c322c227363616c65222c2d312e302c747275652c302e352c315d5d2c312c32312c66616c73652c5b226c6f7373225d5d2c5b22737465702d3231222c5b5b226c6f7373222c22733231222c36382c322e32312c32325d5d2c5b5b36392c322c227363616c65222c2d312e302c747275652c302e352c315d5d2c312c32322c66616c73652c5b226c6f7373225d5d2c5b22737465702d3232222c5b5b226c6f7373222c22733232222c37312c322e32322c32335d5d2c5b5b37322c322c227363616c65222c312e302c747275652c302e352c315d5d2c312c32332c66616c73652c5b226c6f7373225d5d2c5b22737465702d3233222c5b5b226c6f7373222c22733233222c37342c322e32332c32345d5d2c5b5b37352c322c227363616c65222c2d312e302c747275652c302e352c315d5d2c312c32342c66616c73652c5b226c6f7373225d5d5d7d');
INSERT INTO public.inference_state VALUES ('["m","series"]', '\x910000007b22726567726573736f7273223a5b5b322c227363616c65222c66616c73655d2c5b322c227363616c65222c747275655d2c5b332c6e756c6c2c66616c73655d2c5b332c6e756c6c2c747275655d5d2c226e756d626572223a32392c2262726f6b656e5f6174223a32392c2270656e64696e67223a5b5d2c226d61726b73223a5b5d2c22756e646f6e65223a6e756c6c7d6d0200005b5b227365656e222c223c6938222c5b325d5d2c5b226c6174657374222c223c6638222c5b325d5d2c5b227374616c65222c227c6231222c5b325d5d2c5b22696e6e6f766174696f6e73207365656e222c223c6938222c5b325d5d2c5b22696e6e6f766174696f6e7320736b6970706564222c223c6938222c5b325d5d2c5b22696e6e6f766174696f6e73207374617465222c223c6638222c5b31342c325d5d2c5b22696e6e6f766174696f6e73207363616c652e77696e646f77222c223c6638222c5b322c33325d5d2c5b22696e6e6f766174696f6e73207363616c652e66696c6c6564222c223c6938222c5b325d5d2c5b22766f6c6174696c697479206d656469616e73222c223c6638222c5b322c325d5d2c5b22766f6c6174696c697479207365656e222c223c6938222c5b325d5d2c5b22656666656374732065666665637473222c223c6638222c5b322c345d5d2c5b226566666563747320636f756e7473222c223c6938222c5b345d5d2c5b22656666656374732067726f7570222c223c6938222c5b325d5d2c5b22656666656374732073697a6573222c223c6938222c5b325d5d2c5b2265666665637473206576656e7473222c223c6938222c5b325d5d2c5b22656666656374732076617269616e6365222c223c6638222c5b322c345d5d2c5b22656666656374732064656e7365222c223c6638222c5b322c342c345d5d2c5b2265666665637473207363616c652e77696e646f77222c223c6638222c5b322c33325d5d2c5b2265666665637473207363616c652e66696c6c6564222c223c6938222c5b325d5d2c5b226566666563747320736b6970706564222c223c6938222c5b315d5d5d19000000000000001900000000000000ae47e17a14aeff3f00000000000000000000300000000000000000000000000000000100000000000000010000000000000017d729de3a8fff3f0000000000000000ae47e17a14aeff3f000000000000000000000000000000000000000000000000853216448de493bf000000000000000080d92bcc2609863f0000000000000000016aba692674773f00000000000000000edb7fca7fefbb3f000000000000000098d709c5dc4be23f000000000000000073fced5d7208acbf0000000000000000bcd4cbb150f54240000000000000000023a28ed9d4105140000000000000000082d4d43aa49c444000000000000000003517d3d1a85b33400000000000000000096a07c187bb5240000000000000000000895a8d71409e3f0876f0a0ce07d03f807fc8c898ac9b3ff087deb73fa3d23fa0c05b12f176b03fc0c7790265c9c73f00017a28187a9f3fb05c86202ca2cb3f80a703ae00da923f0cc33fb509c2d13f6039e8abb35aab3fb0707992875ad53fc06b4ce7c258b83f1079b501449ac63f80f778c106d29c3f28c0ae6b7104d83fa02f5b4435daab3fb85a8cba2dccd13f8055b09c4e86b83f502bd121ddf2cd3f80a27cdc0b7da73f2c201fcecce5d03f8094166fc623b33fc0ae5ecd90c9ca3f80c9973debd8a03f082f6dc8098acf3f4037f6635d71ac3f40e78c6c6c0bc93f002746e07aed803f18e46814a0ecd03f80ee87b87cc2a43f68c98dfd3e08d23f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f2f00000000000000000000000000000009a3146e03f400c03ff4008db90700c0000000000000000000000000000000002e0000000000000000000000000000008c8566102bb7ce3fda013ece33325a3f0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001800000000000000180000000000000000000000000000000000000000000000000000000000000001000000000000000100000000000000010000000000000018000000000000000000000000000000000000000000f03f000000000000f03f000000000000f03f000000000000f03f000000000000f03f000000000000f03f000000000000f03f000000000000f03f2c330b9b4690a53f93bc5ef6497c7bbf0000000000000000000000000000000093bc5ef6497c7bbf2c330b9b4690a53f0000000000000000000000000000000000000000000000000000000000000000000000000000f03f0000000000000000000000000000000000000000000000000000000000000000000000000000f03f000000000000f03f0000000000000000000000000000000000000000000000000000000000000000000000000000f03f0000000000000000000000000000000000000000000000000000000000000000000000000000f03f0000000000000000000000000000000000000000000000000000000000000000000000000000f03f000000000000d03f000000000000d03f585555555555b53f820d63f40b4eb53fbcbc58499f84a93f4c8c3812c033a23f9877f1cabd479c3f5cda197c198fa93f3cf9d5c80631a23fb8b821c1b51c973ff8b8dd1dbe3a9c3ff8532678de85933fc8560fb65e0b973fc86d0b1ab8e3903fa064b41c03c08d3f8014fbeaf5928a3f903a286b9201883f104bf0bdd774933f205978890ce3853fe060ce0ede1a843f800b78bbf9cf903f509bdf9fab948d3fd007d931a896823f80d35e463a668a3f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f180000000000000000000000000000000000000000000000');
INSERT INTO public.inference_state VALUES ('["m","readings","norm"]', '\x190100007b22737461746973746963223a226e6f726d222c226e756d62657273223a5b335d2c226c6566745f6f7574223a5b5d2c2262726f6b656e223a5b5d2c22636f756e7473223a5b747275652c312c38315d2c226c617374223a5b5b2267686f7374222c223078312e30303030303030303030303030702b31225d2c5b227570222c223078312e38303030303030303030303030702b30225d5d2c22737573706563746564223a5b5d2c227477696e735f6c617374223a5b5b227570222c223078312e38303030303030303030303030702b30225d2c5b2267686f7374222c223078312e30303030303030303030303030702b31225d5d2c226368616e676573223a7b2267686f7374223a307d2c2270616e656c223a747275657dcc0200005b5b22696e6e6f766174696f6e73207365656e222c223c6938222c5b315d5d2c5b22696e6e6f766174696f6e7320736b6970706564222c223c6938222c5b315d5d2c5b22696e6e6f766174696f6e73207374617465222c223c6638222c5b31342c315d5d2c5b22696e6e6f766174696f6e73207363616c652e77696e646f77222c223c6638222c5b312c33325d5d2c5b22696e6e6f766174696f6e73207363616c652e66696c6c6564222c223c6938222c5b315d5d2c5b2270616e656c2070616e656c5f6c6f675f776569676874222c223c6638222c5b305d5d2c5b2270616e656c2070616e656c5f65706f6368222c223c6938222c5b305d5d2c5b2270616e656c2070616e656c5f616d656e646564222c227c6231222c5b305d5d2c5b2270616e656c2070616e656c5f64726f70706564222c223c6938222c5b305d5d2c5b2270616e656c2070616e656c5f64726f707065645f776569676874222c223c6638222c5b305d5d2c5b2270616e656c2070616e656c5f746f6c645f7768657265222c223c6938222c5b302c382c325d5d2c5b2270616e656c2070616e656c5f746f6c645f77686174222c223c6638222c5b302c382c325d5d2c5b2270616e656c2070616e656c5f6c6f675f65222c223c6638222c5b305d5d2c5b2270616e656c2070616e656c5f7065616b222c223c6638222c5b305d5d2c5b2270616e656c2070616e656c5f736574746c65645f736c6f7473222c223c6938222c5b305d5d2c5b2270616e656c2070616e656c5f736574746c6564222c223c6638222c5b302c345d5d2c5b2270616e656c2073756d73222c223c6638222c5b372c305d5d2c5b2270616e656c206c6976696e67222c227c6231222c5b315d5d2c5b2270616e656c2070726573656e74222c227c6231222c5b315d5d2c5b2270616e656c20656e65726779222c223c6638222c5b315d5d2c5b2270616e656c20636f756e7473222c223c6938222c5b325d5d5d01000000000000000000000000000000000000000000f83f000000000000f83f000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f000000000000f07f00000000000000000100000000000000000001000000000000000000000000000000');
INSERT INTO public.landmarks VALUES (1, 'model_attached', 'm', NULL, '2026-11-30T20:53:00.695666Z');
INSERT INTO public.landmarks VALUES (2, 'metric_defined', NULL, NULL, '2026-11-30T20:53:00.701710Z');
INSERT INTO public.landmarks VALUES (3, 'metric_defined', NULL, NULL, '2026-11-30T20:53:00.703270Z');
INSERT INTO public.landmarks VALUES (78, 'safety_alert', 'm', NULL, '2026-11-30T20:53:00.838749Z');
INSERT INTO public.landmarks VALUES (79, 'safety_alert', 'm', NULL, '2026-11-30T20:53:00.838749Z');
INSERT INTO public.landmarks VALUES (82, 'sharing_changed', 'm', NULL, '2026-11-30T20:53:00.923219Z');
INSERT INTO public.landmarks VALUES (83, 'restored', 'm', NULL, '2026-11-30T20:53:00.931634Z');
INSERT INTO public.landmarks VALUES (84, 'edit_aborted', 'm', NULL, '2026-11-30T20:53:00.933394Z');
INSERT INTO public.landmarks VALUES (85, 'unattributed_write', 'm', NULL, '2026-11-30T20:53:00.933394Z');
INSERT INTO public.layer_statistics VALUES (81, 'ghost', 'm', 'norm', NULL, 2, NULL, true, '2026-11-30T20:53:00.838749Z', NULL);
INSERT INTO public.layer_statistics VALUES (81, 'up', 'm', 'norm', 3, 1.5, NULL, false, '2026-11-30T20:53:00.838749Z', NULL);
INSERT INTO public.ledger VALUES (1, 1, 1, 1, 1, NULL, NULL, 1796071980695666, '{"architecture":null,"baseline":"lazy","digest":"f3ebf0d3b91886b2f401af2f38d65611b031424f6aaefb50071d48614c7d827a","keyframes":[],"model":"m","sharing":{"derived":{},"names":["down","embed","head","up"],"partial":[],"same":[[null,"embed","head"]],"unknown":[],"version":1},"state_of":null,"storages":[]}');
INSERT INTO public.ledger VALUES (2, 2, 2, 1, 2, NULL, NULL, 1796071980701710, '{"better":"lower","derived_from":[],"model":null,"name":"loss","smallest_effect":0.01}');
INSERT INTO public.ledger VALUES (3, 3, 2, 2, 2, NULL, NULL, 1796071980703270, '{"better":null,"derived_from":["loss"],"model":null,"name":"perplexity","smallest_effect":0.0}');
INSERT INTO public.ledger VALUES (4, 4, 1, 2, 3, NULL, NULL, 1796071980706893, '{"category":"tie","data":{"n":[1,2.5,null]},"description":"ç, 中 and 🧊","importance":0.7,"model":"m","obs_type":"discovery","tags":["t"]}');
INSERT INTO public.ledger VALUES (5, 5, 1, 3, 4, 'step-0', NULL, 1796071980713850, '{"metrics":{"loss":2.0},"model":"m","sample":"s0"}');
INSERT INTO public.ledger VALUES (6, 6, 1, 4, 5, 'step-0', NULL, 1796071980734816, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":0},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (7, 7, 1, 5, 4, 'step-0', NULL, 1796071980736878, '{"metrics":{"loss":1.75},"model":"m","sample":"s0"}');
INSERT INTO public.ledger VALUES (8, 8, 1, 6, 4, 'step-1', NULL, 1796071980738554, '{"metrics":{"loss":2.01},"model":"m","sample":"s1"}');
INSERT INTO public.ledger VALUES (9, 9, 1, 7, 5, 'step-1', NULL, 1796071980741166, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":1},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (10, 10, 1, 8, 4, 'step-1', NULL, 1796071980742506, '{"metrics":{"loss":2.26},"model":"m","sample":"s1"}');
INSERT INTO public.ledger VALUES (11, 11, 1, 9, 4, 'step-2', NULL, 1796071980743758, '{"metrics":{"loss":2.02},"model":"m","sample":"s2"}');
INSERT INTO public.ledger VALUES (12, 12, 1, 10, 5, 'step-2', NULL, 1796071980746200, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":2},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (13, 13, 1, 11, 4, 'step-2', NULL, 1796071980747456, '{"metrics":{"loss":1.77},"model":"m","sample":"s2"}');
INSERT INTO public.ledger VALUES (14, 14, 1, 12, 4, 'step-3', NULL, 1796071980748600, '{"metrics":{"loss":2.03},"model":"m","sample":"s3"}');
INSERT INTO public.ledger VALUES (15, 15, 1, 13, 5, 'step-3', NULL, 1796071980750902, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":3},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (16, 16, 1, 14, 4, 'step-3', NULL, 1796071980752141, '{"metrics":{"loss":2.28},"model":"m","sample":"s3"}');
INSERT INTO public.ledger VALUES (17, 17, 1, 15, 4, 'step-4', NULL, 1796071980753297, '{"metrics":{"loss":2.04},"model":"m","sample":"s4"}');
INSERT INTO public.ledger VALUES (18, 18, 1, 16, 5, 'step-4', NULL, 1796071980755607, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":4},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (19, 19, 1, 17, 4, 'step-4', NULL, 1796071980756861, '{"metrics":{"loss":2.29},"model":"m","sample":"s4"}');
INSERT INTO public.ledger VALUES (20, 20, 1, 18, 4, 'step-5', NULL, 1796071980757886, '{"metrics":{"loss":2.05},"model":"m","sample":"s5"}');
INSERT INTO public.ledger VALUES (21, 21, 1, 19, 5, 'step-5', NULL, 1796071980760089, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":5},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (22, 22, 1, 20, 4, 'step-5', NULL, 1796071980761424, '{"metrics":{"loss":2.3},"model":"m","sample":"s5"}');
INSERT INTO public.ledger VALUES (23, 23, 1, 21, 4, 'step-6', NULL, 1796071980762438, '{"metrics":{"loss":2.06},"model":"m","sample":"s6"}');
INSERT INTO public.ledger VALUES (24, 24, 1, 22, 5, 'step-6', NULL, 1796071980764712, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":6},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (25, 25, 1, 23, 4, 'step-6', NULL, 1796071980765827, '{"metrics":{"loss":2.31},"model":"m","sample":"s6"}');
INSERT INTO public.ledger VALUES (26, 26, 1, 24, 4, 'step-7', NULL, 1796071980766752, '{"metrics":{"loss":2.07},"model":"m","sample":"s7"}');
INSERT INTO public.ledger VALUES (28, 28, 1, 26, 4, 'step-7', NULL, 1796071980770237, '{"metrics":{"loss":1.8199999999999998},"model":"m","sample":"s7"}');
INSERT INTO public.ledger VALUES (31, 31, 1, 29, 4, 'step-8', NULL, 1796071980774610, '{"metrics":{"loss":1.83},"model":"m","sample":"s8"}');
INSERT INTO public.ledger VALUES (27, 27, 1, 25, 5, 'step-7', NULL, 1796071980768958, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":7},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (29, 29, 1, 27, 4, 'step-8', NULL, 1796071980771214, '{"metrics":{"loss":2.08},"model":"m","sample":"s8"}');
INSERT INTO public.ledger VALUES (30, 30, 1, 28, 5, 'step-8', NULL, 1796071980773492, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":8},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (32, 32, 1, 30, 4, 'step-9', NULL, 1796071980775564, '{"metrics":{"loss":2.09},"model":"m","sample":"s9"}');
INSERT INTO public.ledger VALUES (33, 33, 1, 31, 5, 'step-9', NULL, 1796071980777746, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":9},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (35, 35, 1, 33, 4, 'step-10', NULL, 1796071980779842, '{"metrics":{"loss":2.1},"model":"m","sample":"s10"}');
INSERT INTO public.ledger VALUES (36, 36, 1, 34, 5, 'step-10', NULL, 1796071980781707, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":10},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (38, 38, 1, 36, 4, 'step-11', NULL, 1796071980783776, '{"metrics":{"loss":2.11},"model":"m","sample":"s11"}');
INSERT INTO public.ledger VALUES (39, 39, 1, 37, 5, 'step-11', NULL, 1796071980785536, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":11},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (41, 41, 1, 39, 4, 'step-12', NULL, 1796071980787306, '{"metrics":{"loss":2.12},"model":"m","sample":"s12"}');
INSERT INTO public.ledger VALUES (42, 42, 1, 40, 5, 'step-12', NULL, 1796071980789020, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":12},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (44, 44, 1, 42, 4, 'step-13', NULL, 1796071980790934, '{"metrics":{"loss":2.13},"model":"m","sample":"s13"}');
INSERT INTO public.ledger VALUES (45, 45, 1, 43, 5, 'step-13', NULL, 1796071980792816, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":13},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (47, 47, 1, 45, 4, 'step-14', NULL, 1796071980795023, '{"metrics":{"loss":2.14},"model":"m","sample":"s14"}');
INSERT INTO public.ledger VALUES (48, 48, 1, 46, 5, 'step-14', NULL, 1796071980796881, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":14},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (50, 50, 1, 48, 4, 'step-15', NULL, 1796071980798868, '{"metrics":{"loss":2.15},"model":"m","sample":"s15"}');
INSERT INTO public.ledger VALUES (51, 51, 1, 49, 5, 'step-15', NULL, 1796071980800729, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":15},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (53, 53, 1, 51, 4, 'step-16', NULL, 1796071980802707, '{"metrics":{"loss":2.16},"model":"m","sample":"s16"}');
INSERT INTO public.ledger VALUES (54, 54, 1, 52, 5, 'step-16', NULL, 1796071980804627, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":16},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (56, 56, 1, 54, 4, 'step-17', NULL, 1796071980806586, '{"metrics":{"loss":2.17},"model":"m","sample":"s17"}');
INSERT INTO public.ledger VALUES (34, 34, 1, 32, 4, 'step-9', NULL, 1796071980778843, '{"metrics":{"loss":2.34},"model":"m","sample":"s9"}');
INSERT INTO public.ledger VALUES (37, 37, 1, 35, 4, 'step-10', NULL, 1796071980782764, '{"metrics":{"loss":1.85},"model":"m","sample":"s10"}');
INSERT INTO public.ledger VALUES (40, 40, 1, 38, 4, 'step-11', NULL, 1796071980786480, '{"metrics":{"loss":2.36},"model":"m","sample":"s11"}');
INSERT INTO public.ledger VALUES (43, 43, 1, 41, 4, 'step-12', NULL, 1796071980789990, '{"metrics":{"loss":1.87},"model":"m","sample":"s12"}');
INSERT INTO public.ledger VALUES (46, 46, 1, 44, 4, 'step-13', NULL, 1796071980794055, '{"metrics":{"loss":2.38},"model":"m","sample":"s13"}');
INSERT INTO public.ledger VALUES (49, 49, 1, 47, 4, 'step-14', NULL, 1796071980797899, '{"metrics":{"loss":2.39},"model":"m","sample":"s14"}');
INSERT INTO public.ledger VALUES (52, 52, 1, 50, 4, 'step-15', NULL, 1796071980801777, '{"metrics":{"loss":2.4},"model":"m","sample":"s15"}');
INSERT INTO public.ledger VALUES (55, 55, 1, 53, 4, 'step-16', NULL, 1796071980805663, '{"metrics":{"loss":2.41},"model":"m","sample":"s16"}');
INSERT INTO public.ledger VALUES (58, 58, 1, 56, 4, 'step-17', NULL, 1796071980809421, '{"metrics":{"loss":1.92},"model":"m","sample":"s17"}');
INSERT INTO public.ledger VALUES (61, 61, 1, 59, 4, 'step-18', NULL, 1796071980813118, '{"metrics":{"loss":2.43},"model":"m","sample":"s18"}');
INSERT INTO public.ledger VALUES (64, 64, 1, 62, 4, 'step-19', NULL, 1796071980816721, '{"metrics":{"loss":2.44},"model":"m","sample":"s19"}');
INSERT INTO public.ledger VALUES (67, 67, 1, 65, 4, 'step-20', NULL, 1796071980820052, '{"metrics":{"loss":1.9500000000000002},"model":"m","sample":"s20"}');
INSERT INTO public.ledger VALUES (70, 70, 1, 68, 4, 'step-21', NULL, 1796071980823444, '{"metrics":{"loss":1.96},"model":"m","sample":"s21"}');
INSERT INTO public.ledger VALUES (73, 73, 1, 71, 4, 'step-22', NULL, 1796071980827149, '{"metrics":{"loss":2.47},"model":"m","sample":"s22"}');
INSERT INTO public.ledger VALUES (76, 76, 1, 74, 4, 'step-23', NULL, 1796071980831036, '{"metrics":{"loss":1.98},"model":"m","sample":"s23"}');
INSERT INTO public.ledger VALUES (82, 78, 1, 80, 9, NULL, NULL, 1796071980923219, '{"added":[],"digest":"39823db187f9045866ed25352ab7257fac1a037409f0094b938acd86d48bedd6","kept":null,"model":"m","previous_digest":"f3ebf0d3b91886b2f401af2f38d65611b031424f6aaefb50071d48614c7d827a","removed":[],"sharing":{"derived":{},"names":["down","embed","head","up"],"partial":[],"same":[],"unknown":[],"version":1},"storages":[],"tied":[],"untied":[["embed","head"]],"vanished":[]}');
INSERT INTO public.ledger VALUES (83, 79, 1, 81, 10, NULL, NULL, 1796071980931634, '{"checkpoint":null,"deltas":[],"keyframes":[],"model":"m","reason":null,"storages":[],"to_act":"step-2","to_position":null}');
INSERT INTO public.ledger VALUES (57, 57, 1, 55, 5, 'step-17', NULL, 1796071980808315, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":17},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (59, 59, 1, 57, 4, 'step-18', NULL, 1796071980810319, '{"metrics":{"loss":2.18},"model":"m","sample":"s18"}');
INSERT INTO public.ledger VALUES (60, 60, 1, 58, 5, 'step-18', NULL, 1796071980812030, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":18},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (62, 62, 1, 60, 4, 'step-19', NULL, 1796071980814030, '{"metrics":{"loss":2.19},"model":"m","sample":"s19"}');
INSERT INTO public.ledger VALUES (63, 63, 1, 61, 5, 'step-19', NULL, 1796071980815748, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":19},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (65, 65, 1, 63, 4, 'step-20', NULL, 1796071980817549, '{"metrics":{"loss":2.2},"model":"m","sample":"s20"}');
INSERT INTO public.ledger VALUES (66, 66, 1, 64, 5, 'step-20', NULL, 1796071980819196, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":20},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (68, 68, 1, 66, 4, 'step-21', NULL, 1796071980820996, '{"metrics":{"loss":2.21},"model":"m","sample":"s21"}');
INSERT INTO public.ledger VALUES (69, 69, 1, 67, 5, 'step-21', NULL, 1796071980822534, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":21},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (71, 71, 1, 69, 4, 'step-22', NULL, 1796071980824465, '{"metrics":{"loss":2.22},"model":"m","sample":"s22"}');
INSERT INTO public.ledger VALUES (72, 72, 1, 70, 5, 'step-22', NULL, 1796071980826176, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":22},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (74, 74, 1, 72, 4, 'step-23', NULL, 1796071980828099, '{"metrics":{"loss":2.23},"model":"m","sample":"s23"}');
INSERT INTO public.ledger VALUES (75, 75, 1, 73, 5, 'step-23', NULL, 1796071980829911, '{"affected":[{"name":"head","relation":"primary","shared_bytes":null},{"name":"embed","relation":"alias","shared_bytes":null}],"change":null,"changed":null,"coin":1,"coupled_layers":["embed"],"deltas":[],"description":"scale it","dose":-1.0,"fingerprint":null,"importance":0.9,"keyframes":[],"known":true,"method":"scale","model":"m","modification":{"n":23},"overlapping":{},"per_name":false,"primary_layer":"head","propensity":0.5,"randomised":true,"reason":null,"reverts":null,"rows":null,"storage_key":"embed","tags":["modification","coupled","head","embed"]}');
INSERT INTO public.ledger VALUES (77, 77, 1, 75, 4, NULL, NULL, 1796071980838749, '{"metrics":{"accuracy":{"$float":"-Infinity"},"loss":{"$float":"NaN"}},"model":"m","sample":null}');
INSERT INTO public.ledger VALUES (78, 77, 1, 76, 8, NULL, NULL, 1796071980838749, '{"category":"metric","details":{"metric":"loss","value":{"$float":"NaN"}},"layers":[],"level":"critical","message":"loss is nan","model":"m","rule":"metric_nonfinite"}');
INSERT INTO public.ledger VALUES (79, 77, 1, 77, 8, NULL, NULL, 1796071980838749, '{"category":"metric","details":{"metric":"accuracy","value":{"$float":"-Infinity"}},"layers":[],"level":"critical","message":"accuracy is -inf","model":"m","rule":"metric_nonfinite"}');
INSERT INTO public.ledger VALUES (80, 77, 1, 78, 7, 'step-1', NULL, 1796071980838749, '{"affected":[{"name":"up","relation":"primary","shared_bytes":null}],"change":null,"changed":null,"coin":null,"coupled_layers":[],"deltas":[],"description":"up","dose":1.0,"fingerprint":null,"importance":0.5,"keyframes":[],"known":true,"method":null,"model":"m","modification":{"why":"a plain one"},"overlapping":{},"per_name":true,"primary_layer":"up","propensity":null,"randomised":false,"reason":null,"reverts":null,"rows":null,"storage_key":"up","tags":["modification","up"]}');
INSERT INTO public.ledger VALUES (81, 77, 1, 79, 6, NULL, NULL, 1796071980838749, '{"model":"m","statistic":"norm","values":{"ghost":2.0,"up":1.5}}');
INSERT INTO public.ledger VALUES (84, 80, 1, 82, 11, NULL, NULL, 1796071980933394, '{"denied_by":[],"error":"ValueError","message":"","method":null,"model":"m","primary_layer":"up","restored":true,"storage_key":"up"}');
INSERT INTO public.ledger VALUES (85, 80, 1, 83, 12, NULL, NULL, 1796071980933394, '{"affected":[{"name":"up","relation":"primary","shared_bytes":null}],"change":null,"deltas":[],"earlier_restorable":null,"fingerprint_expected":"aa","fingerprint_found":"bb","found_by":"verify","keyframes":[],"model":"m","storage_key":"up"}');
INSERT INTO public.metric_definitions VALUES (2, NULL, 'loss', 'lower', 0.01, '[]');
INSERT INTO public.metric_definitions VALUES (3, NULL, 'perplexity', NULL, 0, '["loss"]');
INSERT INTO public.metrics VALUES (5, 'loss', 'm', 2, NULL, 's0', 'step-0', '2026-11-30T20:53:00.713850Z', NULL);
INSERT INTO public.metrics VALUES (7, 'loss', 'm', 1.75, NULL, 's0', 'step-0', '2026-11-30T20:53:00.736878Z', NULL);
INSERT INTO public.metrics VALUES (8, 'loss', 'm', 2.01, NULL, 's1', 'step-1', '2026-11-30T20:53:00.738554Z', NULL);
INSERT INTO public.metrics VALUES (10, 'loss', 'm', 2.26, NULL, 's1', 'step-1', '2026-11-30T20:53:00.742506Z', NULL);
INSERT INTO public.metrics VALUES (11, 'loss', 'm', 2.02, NULL, 's2', 'step-2', '2026-11-30T20:53:00.743758Z', NULL);
INSERT INTO public.metrics VALUES (13, 'loss', 'm', 1.77, NULL, 's2', 'step-2', '2026-11-30T20:53:00.747456Z', NULL);
INSERT INTO public.metrics VALUES (14, 'loss', 'm', 2.03, NULL, 's3', 'step-3', '2026-11-30T20:53:00.748600Z', NULL);
INSERT INTO public.metrics VALUES (16, 'loss', 'm', 2.28, NULL, 's3', 'step-3', '2026-11-30T20:53:00.752141Z', NULL);
INSERT INTO public.metrics VALUES (17, 'loss', 'm', 2.04, NULL, 's4', 'step-4', '2026-11-30T20:53:00.753297Z', NULL);
INSERT INTO public.metrics VALUES (19, 'loss', 'm', 2.29, NULL, 's4', 'step-4', '2026-11-30T20:53:00.756861Z', NULL);
INSERT INTO public.metrics VALUES (20, 'loss', 'm', 2.05, NULL, 's5', 'step-5', '2026-11-30T20:53:00.757886Z', NULL);
INSERT INTO public.metrics VALUES (22, 'loss', 'm', 2.3, NULL, 's5', 'step-5', '2026-11-30T20:53:00.761424Z', NULL);
INSERT INTO public.metrics VALUES (23, 'loss', 'm', 2.06, NULL, 's6', 'step-6', '2026-11-30T20:53:00.762438Z', NULL);
INSERT INTO public.metrics VALUES (25, 'loss', 'm', 2.31, NULL, 's6', 'step-6', '2026-11-30T20:53:00.765827Z', NULL);
INSERT INTO public.metrics VALUES (26, 'loss', 'm', 2.07, NULL, 's7', 'step-7', '2026-11-30T20:53:00.766752Z', NULL);
INSERT INTO public.metrics VALUES (28, 'loss', 'm', 1.8199999999999998, NULL, 's7', 'step-7', '2026-11-30T20:53:00.770237Z', NULL);
INSERT INTO public.metrics VALUES (29, 'loss', 'm', 2.08, NULL, 's8', 'step-8', '2026-11-30T20:53:00.771214Z', NULL);
INSERT INTO public.metrics VALUES (31, 'loss', 'm', 1.83, NULL, 's8', 'step-8', '2026-11-30T20:53:00.774610Z', NULL);
INSERT INTO public.metrics VALUES (32, 'loss', 'm', 2.09, NULL, 's9', 'step-9', '2026-11-30T20:53:00.775564Z', NULL);
INSERT INTO public.metrics VALUES (34, 'loss', 'm', 2.34, NULL, 's9', 'step-9', '2026-11-30T20:53:00.778843Z', NULL);
INSERT INTO public.metrics VALUES (35, 'loss', 'm', 2.1, NULL, 's10', 'step-10', '2026-11-30T20:53:00.779842Z', NULL);
INSERT INTO public.metrics VALUES (37, 'loss', 'm', 1.85, NULL, 's10', 'step-10', '2026-11-30T20:53:00.782764Z', NULL);
INSERT INTO public.metrics VALUES (38, 'loss', 'm', 2.11, NULL, 's11', 'step-11', '2026-11-30T20:53:00.783776Z', NULL);
INSERT INTO public.metrics VALUES (40, 'loss', 'm', 2.36, NULL, 's11', 'step-11', '2026-11-30T20:53:00.786480Z', NULL);
INSERT INTO public.metrics VALUES (41, 'loss', 'm', 2.12, NULL, 's12', 'step-12', '2026-11-30T20:53:00.787306Z', NULL);
INSERT INTO public.metrics VALUES (43, 'loss', 'm', 1.87, NULL, 's12', 'step-12', '2026-11-30T20:53:00.789990Z', NULL);
INSERT INTO public.metrics VALUES (44, 'loss', 'm', 2.13, NULL, 's13', 'step-13', '2026-11-30T20:53:00.790934Z', NULL);
INSERT INTO public.metrics VALUES (46, 'loss', 'm', 2.38, NULL, 's13', 'step-13', '2026-11-30T20:53:00.794055Z', NULL);
INSERT INTO public.metrics VALUES (47, 'loss', 'm', 2.14, NULL, 's14', 'step-14', '2026-11-30T20:53:00.795023Z', NULL);
INSERT INTO public.metrics VALUES (49, 'loss', 'm', 2.39, NULL, 's14', 'step-14', '2026-11-30T20:53:00.797899Z', NULL);
INSERT INTO public.metrics VALUES (50, 'loss', 'm', 2.15, NULL, 's15', 'step-15', '2026-11-30T20:53:00.798868Z', NULL);
INSERT INTO public.metrics VALUES (52, 'loss', 'm', 2.4, NULL, 's15', 'step-15', '2026-11-30T20:53:00.801777Z', NULL);
INSERT INTO public.metrics VALUES (53, 'loss', 'm', 2.16, NULL, 's16', 'step-16', '2026-11-30T20:53:00.802707Z', NULL);
INSERT INTO public.metrics VALUES (55, 'loss', 'm', 2.41, NULL, 's16', 'step-16', '2026-11-30T20:53:00.805663Z', NULL);
INSERT INTO public.metrics VALUES (56, 'loss', 'm', 2.17, NULL, 's17', 'step-17', '2026-11-30T20:53:00.806586Z', NULL);
INSERT INTO public.metrics VALUES (58, 'loss', 'm', 1.92, NULL, 's17', 'step-17', '2026-11-30T20:53:00.809421Z', NULL);
INSERT INTO public.metrics VALUES (59, 'loss', 'm', 2.18, NULL, 's18', 'step-18', '2026-11-30T20:53:00.810319Z', NULL);
INSERT INTO public.metrics VALUES (61, 'loss', 'm', 2.43, NULL, 's18', 'step-18', '2026-11-30T20:53:00.813118Z', NULL);
INSERT INTO public.metrics VALUES (62, 'loss', 'm', 2.19, NULL, 's19', 'step-19', '2026-11-30T20:53:00.814030Z', NULL);
INSERT INTO public.metrics VALUES (64, 'loss', 'm', 2.44, NULL, 's19', 'step-19', '2026-11-30T20:53:00.816721Z', NULL);
INSERT INTO public.metrics VALUES (65, 'loss', 'm', 2.2, NULL, 's20', 'step-20', '2026-11-30T20:53:00.817549Z', NULL);
INSERT INTO public.metrics VALUES (67, 'loss', 'm', 1.9500000000000002, NULL, 's20', 'step-20', '2026-11-30T20:53:00.820052Z', NULL);
INSERT INTO public.metrics VALUES (68, 'loss', 'm', 2.21, NULL, 's21', 'step-21', '2026-11-30T20:53:00.820996Z', NULL);
INSERT INTO public.metrics VALUES (70, 'loss', 'm', 1.96, NULL, 's21', 'step-21', '2026-11-30T20:53:00.823444Z', NULL);
INSERT INTO public.metrics VALUES (71, 'loss', 'm', 2.22, NULL, 's22', 'step-22', '2026-11-30T20:53:00.824465Z', NULL);
INSERT INTO public.metrics VALUES (73, 'loss', 'm', 2.47, NULL, 's22', 'step-22', '2026-11-30T20:53:00.827149Z', NULL);
INSERT INTO public.metrics VALUES (74, 'loss', 'm', 2.23, NULL, 's23', 'step-23', '2026-11-30T20:53:00.828099Z', NULL);
INSERT INTO public.metrics VALUES (76, 'loss', 'm', 1.98, NULL, 's23', 'step-23', '2026-11-30T20:53:00.831036Z', NULL);
INSERT INTO public.metrics VALUES (77, 'accuracy', 'm', NULL, '-Infinity', NULL, NULL, '2026-11-30T20:53:00.838749Z', NULL);
INSERT INTO public.metrics VALUES (77, 'loss', 'm', NULL, 'NaN', NULL, NULL, '2026-11-30T20:53:00.838749Z', NULL);
INSERT INTO public.modifications VALUES (6, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-0', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 0}', '2026-11-30T20:53:00.734816Z', NULL);
INSERT INTO public.modifications VALUES (9, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-1', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 1}', '2026-11-30T20:53:00.741166Z', NULL);
INSERT INTO public.modifications VALUES (12, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-2', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 2}', '2026-11-30T20:53:00.746200Z', NULL);
INSERT INTO public.modifications VALUES (15, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-3', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 3}', '2026-11-30T20:53:00.750902Z', NULL);
INSERT INTO public.modifications VALUES (18, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-4', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 4}', '2026-11-30T20:53:00.755607Z', NULL);
INSERT INTO public.modifications VALUES (21, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-5', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 5}', '2026-11-30T20:53:00.760089Z', NULL);
INSERT INTO public.modifications VALUES (24, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-6', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 6}', '2026-11-30T20:53:00.764712Z', NULL);
INSERT INTO public.modifications VALUES (27, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-7', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 7}', '2026-11-30T20:53:00.768958Z', NULL);
INSERT INTO public.modifications VALUES (30, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-8', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 8}', '2026-11-30T20:53:00.773492Z', NULL);
INSERT INTO public.modifications VALUES (33, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-9', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 9}', '2026-11-30T20:53:00.777746Z', NULL);
INSERT INTO public.modifications VALUES (36, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-10', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 10}', '2026-11-30T20:53:00.781707Z', NULL);
INSERT INTO public.modifications VALUES (39, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-11', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 11}', '2026-11-30T20:53:00.785536Z', NULL);
INSERT INTO public.modifications VALUES (42, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-12', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 12}', '2026-11-30T20:53:00.789020Z', NULL);
INSERT INTO public.modifications VALUES (45, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-13', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 13}', '2026-11-30T20:53:00.792816Z', NULL);
INSERT INTO public.modifications VALUES (48, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-14', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 14}', '2026-11-30T20:53:00.796881Z', NULL);
INSERT INTO public.modifications VALUES (51, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-15', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 15}', '2026-11-30T20:53:00.800729Z', NULL);
INSERT INTO public.modifications VALUES (54, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-16', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 16}', '2026-11-30T20:53:00.804627Z', NULL);
INSERT INTO public.modifications VALUES (57, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-17', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 17}', '2026-11-30T20:53:00.808315Z', NULL);
INSERT INTO public.modifications VALUES (60, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-18', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 18}', '2026-11-30T20:53:00.812030Z', NULL);
INSERT INTO public.modifications VALUES (63, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-19', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 19}', '2026-11-30T20:53:00.815748Z', NULL);
INSERT INTO public.modifications VALUES (66, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-20', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 20}', '2026-11-30T20:53:00.819196Z', NULL);
INSERT INTO public.modifications VALUES (69, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-21', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 21}', '2026-11-30T20:53:00.822534Z', NULL);
INSERT INTO public.modifications VALUES (72, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-22', 'scale', 1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 22}', '2026-11-30T20:53:00.826176Z', NULL);
INSERT INTO public.modifications VALUES (75, 'coupled_modification', 'm', 2, 'embed', 'head', '["embed"]', 'step-23', 'scale', -1, true, 0.5, NULL, NULL, true, NULL, NULL, NULL, 'scale it', NULL, '["modification", "coupled", "head", "embed"]', 0.9, '{"n": 23}', '2026-11-30T20:53:00.829911Z', NULL);
INSERT INTO public.modifications VALUES (80, 'modification', 'm', 3, 'up', 'up', '[]', 'step-1', NULL, 1, false, NULL, NULL, NULL, true, NULL, NULL, NULL, 'up', NULL, '["modification", "up"]', 0.5, '{"why": "a plain one"}', '2026-11-30T20:53:00.838749Z', NULL);
INSERT INTO public.observations VALUES (4, 'm', 'discovery', 'tie', 'ç, 中 and 🧊', '{"n": [1, 2.5, null]}', '["t"]', 0.7, NULL, '2026-11-30T20:53:00.706893Z', 'active', NULL, NULL);
INSERT INTO public.palimpsest_version VALUES ('0007');
INSERT INTO public.patterns VALUES ('pattern-65579b3dbcfdb51e', 'm', 'effect', 'embed', 'loss', 1, 0.25, 0.19515513672378093, 0.30484486327621907, 305632.52592370205, 12.63013876360732, 'randomised', 'scale', 1, 24, 2, NULL, 46, 76, false, 'active');
INSERT INTO public.predictions VALUES ('theory-65579b3dbcfdb51e', 49, 1, 0.957385, 0.22916666666666666, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-65579b3dbcfdb51e', 52, 1, 0.9605769940836438, 0.23076923076923078, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-65579b3dbcfdb51e', 55, 1, 0.9633214004410776, 0.23214285714285715, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-65579b3dbcfdb51e', 58, 1, 0.9656999747571575, 0.23333333333333334, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-65579b3dbcfdb51e', 61, 1, 0.967781227961033, 0.234375, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-65579b3dbcfdb51e', 64, 1, 0.9696176276574106, 0.23529411764705882, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-65579b3dbcfdb51e', 67, 1, 0.971249982789292, 0.2361111111111111, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-65579b3dbcfdb51e', 70, 1, 0.9727105109444447, 0.23684210526315788, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-65579b3dbcfdb51e', 73, 1, 0.9740249861880172, 0.2375, 0.0025, 0.25, true);
INSERT INTO public.predictions VALUES ('theory-65579b3dbcfdb51e', 76, 1, 0.9752142732357668, 0.23809523809523808, 0.0025, 0.25, true);
INSERT INTO public.projections VALUES ('sharing', 2, 85, '{"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],82,{"head":82}],[3,"up",["up"],1,{"up":1}]]}},"next_id":5}', NULL, NULL);
INSERT INTO public.projections VALUES ('observations', 3, 85, NULL, NULL, NULL);
INSERT INTO public.projections VALUES ('metrics', 3, 85, NULL, NULL, NULL);
INSERT INTO public.projections VALUES ('modifications', 3, 85, '{"counted":[["m","step-1",3,[80]]],"registry":{"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],82,{"head":82}],[3,"up",["up"],1,{"up":1}]]}},"next_id":5}}', NULL, NULL);
INSERT INTO public.projections VALUES ('weight_states', 1, 85, '{"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],82,{"head":82}],[3,"up",["up"],1,{"up":1}]]}},"next_id":5}', NULL, NULL);
INSERT INTO public.projections VALUES ('layer_statistics', 2, 85, '{"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],82,{"head":82}],[3,"up",["up"],1,{"up":1}]]}},"next_id":5}', NULL, NULL);
INSERT INTO public.projections VALUES ('knowledge', 4, 85, NULL, NULL, NULL);
INSERT INTO public.projections VALUES ('weight_history', 1, 85, '{"registry":{"models":{"m":{"map":"{\"derived\":{},\"names\":[\"down\",\"embed\",\"head\",\"up\"],\"partial\":[],\"same\":[],\"unknown\":[],\"version\":1}","storages":[[1,"down",["down"],1,{"down":1}],[2,"embed",["embed"],1,{"embed":1}],[4,"head",["head"],82,{"head":82}],[3,"up",["up"],1,{"up":1}]]}},"next_id":5},"tags":{}}', NULL, NULL);
INSERT INTO public.projections VALUES ('safety', 1, 85, NULL, NULL, NULL);
INSERT INTO public.projections VALUES ('landmarks', 1, 85, NULL, NULL, NULL);
INSERT INTO public.record_keys VALUES ('seen', 4, '\xc7b45ac3f7a0394086e8073d8303256cf08309fb5d0da454394871512526bf05');
INSERT INTO public.record_keys VALUES ('k0', 6, '\xefc2dcab552b12caeff213322ae52fbc6483582a799e0931a2f847b063de95c6');
INSERT INTO public.record_keys VALUES ('k1', 9, '\xa48e73d0e5d900af414db06b4b5ec73f07917c7dd6a3361cf1e4614062dcc206');
INSERT INTO public.record_keys VALUES ('k2', 12, '\x5001a842b2c624f732ce56834cef0af94139cceb7e943aa1142cc4f3770a2318');
INSERT INTO public.record_keys VALUES ('k3', 15, '\x4ad0f7110fcf6d96aecde033be45745a1ee6cc10af5fe9a373492f4cbbc5131a');
INSERT INTO public.record_keys VALUES ('k4', 18, '\x1e44a4cb518a68c6fcc8f6cb5b5fa66736d1946737ff6ee71b221f2a55acb4a1');
INSERT INTO public.record_keys VALUES ('k5', 21, '\x19e5451c586d0e6fdc9179050830f9af31d9d4a33ac5b01659d9af5760b1de50');
INSERT INTO public.record_keys VALUES ('k6', 24, '\x1955d3d2062c61c18c2c1f0dd2dd756b1e69645c227e0aa4fc568a96b810fa28');
INSERT INTO public.record_keys VALUES ('k7', 27, '\x0a37072fbb33e048f417469c62d39fdf7cae301b8cc8a5abb9d5342d67eda0e4');
INSERT INTO public.record_keys VALUES ('k8', 30, '\x5163bf1596fb5f54c45d31130a5c83e7dc9fa1f83fe9f1e189c37951981447e4');
INSERT INTO public.record_keys VALUES ('k9', 33, '\x85e0cf4f94c9e78c66396614db2528c90668a0ec878f1a66265a5c002dcc4723');
INSERT INTO public.record_keys VALUES ('k10', 36, '\x7b1269ed262f2a5cee3b2739303b9066182d42d0d15400afaaeed87cacd6c5fd');
INSERT INTO public.record_keys VALUES ('k11', 39, '\x85839ff28df117f9f34627e752a9558dd24b8eb2373dbdfb9cc9fc1d5bc169ea');
INSERT INTO public.record_keys VALUES ('k12', 42, '\xcd24914d34dcba04b533d59e6c69ab8d6357b04f1583edad0fa2c7f7c6e95c3e');
INSERT INTO public.record_keys VALUES ('k13', 45, '\xdb4a08c49245867f3197a942a3ff96c32fa1de0d3dd0724eccf95f46f90e8a7a');
INSERT INTO public.record_keys VALUES ('k14', 48, '\x3a7704e1b427bf3fbbdd7bc5285def940f1689b29bcfe6580f923e875f90b8f3');
INSERT INTO public.record_keys VALUES ('k15', 51, '\x785f443fc77618322cf56785ea920f12212927516ecbf1b829f3550ce84fc39f');
INSERT INTO public.record_keys VALUES ('k16', 54, '\x0f71700efda99b8b0cbe2be17c8b11f82633941c80a7b143f7b7cfaa60080905');
INSERT INTO public.record_keys VALUES ('k17', 57, '\x976ae2980542af59dbf6ded0dc949be971b6b95aea134a0f3d637eac9fbda4ac');
INSERT INTO public.record_keys VALUES ('k18', 60, '\xeba2428027cee534d332fb0176bab913dd6eb61831b0ec22c6e87db7a8c3b5c1');
INSERT INTO public.record_keys VALUES ('k19', 63, '\x421233a9c90415d9e97ec98b5fac899069aa82265b3c57a387fec13a34743aca');
INSERT INTO public.record_keys VALUES ('k20', 66, '\xa9625a04b3f1982b4a39d6ac1d392dae04e7bc9b235b9e186a40d1bfa5681363');
INSERT INTO public.record_keys VALUES ('k21', 69, '\x05335886e35830afab078caa116d8c6358168c858e98642769450982582426f0');
INSERT INTO public.record_keys VALUES ('k22', 72, '\xc480f16b81373b166688576b089a21f84981ca8792f8ff14b3a202774d405ce6');
INSERT INTO public.record_keys VALUES ('k23', 75, '\x60d914ebfa2e0250bad2cf1170ed014e6403f313f5f252dd6bbbdbaf8691e80a');
INSERT INTO public.safety_alerts VALUES (78, 'm', 'critical', 'metric', 'loss is nan', 'metric_nonfinite', '[]', '{"value": {"$float": "NaN"}, "metric": "loss"}', NULL, '2026-11-30T20:53:00.838749Z', false, NULL);
INSERT INTO public.safety_alerts VALUES (79, 'm', 'critical', 'metric', 'accuracy is -inf', 'metric_nonfinite', '[]', '{"value": {"$float": "-Infinity"}, "metric": "accuracy"}', NULL, '2026-11-30T20:53:00.838749Z', false, NULL);
INSERT INTO public.sharing_maps VALUES (1, 'm', 'f3ebf0d3b91886b2f401af2f38d65611b031424f6aaefb50071d48614c7d827a', 4, 3, '[["embed", "head"]]', '{"same": [[null, "embed", "head"]], "names": ["down", "embed", "head", "up"], "derived": {}, "partial": [], "unknown": [], "version": 1}');
INSERT INTO public.sharing_maps VALUES (82, 'm', '39823db187f9045866ed25352ab7257fac1a037409f0094b938acd86d48bedd6', 4, 4, '[]', '{"same": [], "names": ["down", "embed", "head", "up"], "derived": {}, "partial": [], "unknown": [], "version": 1}');
INSERT INTO public.storage_names VALUES (1, 'm', 'down', 1, NULL);
INSERT INTO public.storage_names VALUES (2, 'm', 'embed', 1, NULL);
INSERT INTO public.storage_names VALUES (3, 'm', 'up', 1, NULL);
INSERT INTO public.storage_names VALUES (4, 'm', 'head', 82, NULL);
INSERT INTO public.storage_names VALUES (2, 'm', 'head', 1, 82);
INSERT INTO public.storages VALUES (1, 'm', 'down', 1, NULL);
INSERT INTO public.storages VALUES (2, 'm', 'embed', 1, NULL);
INSERT INTO public.storages VALUES (3, 'm', 'up', 1, NULL);
INSERT INTO public.storages VALUES (4, 'm', 'head', 82, NULL);
INSERT INTO public.streams VALUES (2, 'memory', 'memory', 2);
INSERT INTO public.streams VALUES (1, 'model-m', 'model', 83);
INSERT INTO public.theories VALUES ('theory-65579b3dbcfdb51e', 'm', 'causal_model', 'pattern-65579b3dbcfdb51e', '["pattern-65579b3dbcfdb51e"]', 'scale on embed (one tensor with head) at dose 1: the positive side moves loss up, the negative side the other way, by +0.25 (95 %: +0.1952 to +0.3048; 24 outcomes)', 'data', NULL, 10, 10, 6.418538861723946, -50, 0.0010713474134900326, 46, 76, 'active');
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
INSERT INTO public.weight_states VALUES (3, 'm', 80, NULL);
INSERT INTO public.weight_states VALUES (3, 'm', 85, 'bb');
ALTER TABLE ONLY public.palimpsest_version
    ADD CONSTRAINT palimpsest_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.affected_layers
    ADD CONSTRAINT pk_affected_layers PRIMARY KEY ("position", layer_name);
ALTER TABLE ONLY public.appends
    ADD CONSTRAINT pk_appends PRIMARY KEY (append_id);
ALTER TABLE ONLY public.architectural_facts
    ADD CONSTRAINT pk_architectural_facts PRIMARY KEY (fact_id);
ALTER TABLE ONLY public.belief_revisions
    ADD CONSTRAINT pk_belief_revisions PRIMARY KEY (belief_id, "position");
ALTER TABLE ONLY public.beliefs
    ADD CONSTRAINT pk_beliefs PRIMARY KEY (belief_id);
ALTER TABLE ONLY public.blobs
    ADD CONSTRAINT pk_blobs PRIMARY KEY (digest, part);
ALTER TABLE ONLY public.checkpoints
    ADD CONSTRAINT pk_checkpoints PRIMARY KEY (model, checkpoint_id);
ALTER TABLE ONLY public.event_types
    ADD CONSTRAINT pk_event_types PRIMARY KEY (type_id);
ALTER TABLE ONLY public.evidence
    ADD CONSTRAINT pk_evidence PRIMARY KEY (pattern_id, "position");
ALTER TABLE ONLY public.families
    ADD CONSTRAINT pk_families PRIMARY KEY (family_id);
ALTER TABLE ONLY public.inference_snapshots
    ADD CONSTRAINT pk_inference_snapshots PRIMARY KEY ("position");
ALTER TABLE ONLY public.inference_state
    ADD CONSTRAINT pk_inference_state PRIMARY KEY (part);
ALTER TABLE ONLY public.keyframes
    ADD CONSTRAINT pk_keyframes PRIMARY KEY (storage_id, "position", fingerprint);
ALTER TABLE ONLY public.landmarks
    ADD CONSTRAINT pk_landmarks PRIMARY KEY ("position");
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
ALTER TABLE ONLY public.registered_predictions
    ADD CONSTRAINT pk_registered_predictions PRIMARY KEY ("position");
ALTER TABLE ONLY public.safety_alerts
    ADD CONSTRAINT pk_safety_alerts PRIMARY KEY ("position");
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
ALTER TABLE ONLY public.weight_deltas
    ADD CONSTRAINT pk_weight_deltas PRIMARY KEY (storage_id, "position");
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
CREATE INDEX ix_belief_revisions_position ON public.belief_revisions USING btree ("position");
CREATE INDEX ix_checkpoints_position ON public.checkpoints USING btree ("position");
CREATE INDEX ix_evidence_position ON public.evidence USING btree ("position");
CREATE INDEX ix_keyframes_blob ON public.keyframes USING btree (blob);
CREATE INDEX ix_landmarks_event_type_position ON public.landmarks USING btree (event_type, "position");
CREATE INDEX ix_metrics_act_id_metric_position ON public.metrics USING btree (act_id, metric, "position");
CREATE INDEX ix_metrics_metric ON public.metrics USING btree (metric, "position");
CREATE INDEX ix_modifications_act_id_position ON public.modifications USING btree (act_id, "position");
CREATE INDEX ix_modifications_coupled ON public.modifications USING btree ("position") WHERE (event_type = 'coupled_modification'::text);
CREATE INDEX ix_modifications_reverts ON public.modifications USING btree (reverts) WHERE (reverts IS NOT NULL);
CREATE INDEX ix_modifications_storage_id ON public.modifications USING btree (storage_id, "position");
CREATE INDEX ix_observations_obs_type ON public.observations USING btree (obs_type, "position");
CREATE INDEX ix_predictions_position ON public.predictions USING btree ("position");
CREATE INDEX ix_registered_predictions_theory_id ON public.registered_predictions USING btree (theory_id);
CREATE INDEX ix_safety_alerts_level ON public.safety_alerts USING btree (level, "position");
CREATE INDEX ix_weight_deltas_blob ON public.weight_deltas USING btree (blob);
CREATE TRIGGER appends_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.appends FOR EACH STATEMENT EXECUTE FUNCTION public.palimpsest_refuse_change();
ALTER TABLE public.appends ENABLE ALWAYS TRIGGER appends_append_only;
CREATE TRIGGER ledger_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger FOR EACH STATEMENT EXECUTE FUNCTION public.palimpsest_refuse_change();
ALTER TABLE public.ledger ENABLE ALWAYS TRIGGER ledger_append_only;
CREATE TRIGGER record_keys_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.record_keys FOR EACH STATEMENT EXECUTE FUNCTION public.palimpsest_refuse_change();
ALTER TABLE public.record_keys ENABLE ALWAYS TRIGGER record_keys_append_only;
