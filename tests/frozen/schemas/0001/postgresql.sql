CREATE FUNCTION public.palimpsest_refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION USING
    MESSAGE = 'append-only: ' || TG_OP || ' of ' || TG_TABLE_NAME || ' is refused',
    ERRCODE = 'restrict_violation';
END
$$;
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
CREATE TABLE public.palimpsest_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.record_keys (
    key text NOT NULL,
    "position" bigint NOT NULL,
    content_digest bytea NOT NULL
);
COMMENT ON TABLE public.record_keys IS 'One row per event that was recorded under an idempotency key. Append-only.';
COMMENT ON COLUMN public.record_keys.key IS 'The idempotency key.';
COMMENT ON COLUMN public.record_keys."position" IS 'Position of the event first recorded under it.';
COMMENT ON COLUMN public.record_keys.content_digest IS 'sha256 of the event''s type, model and payload.';
INSERT INTO public.appends VALUES (0, 1, 0, 0, NULL, NULL, '\x9d638423a37b90c5d60ff6bc6ce6f1595da4e187cadebf3aae79c0180a674d3f');
INSERT INTO public.appends VALUES (1, 1, 2, 1796035975897339, 'freezer', NULL, '\x26a01c85383ebbb683d4c6868112b2f7080fd715228a67baf9d483a42857090a');
INSERT INTO public.appends VALUES (2, 3, 4, 1796035975907038, 'freezer', NULL, '\x95a8ad97bf38515bfa0d9c9407de5f06fda1819efa5dac85fc1cc2509888df3f');
INSERT INTO public.appends VALUES (3, 5, 6, 1796035975914959, 'freezer', NULL, '\x1285b0960c6ae639da1ae86a5262ac62d1951c9a04ceab16013e9ba82ae49905');
INSERT INTO public.event_types VALUES (1, 'observation', 1);
INSERT INTO public.ledger VALUES (1, 1, 1, 1, 1, NULL, NULL, 1796035975897339, '{"category":"c","data":{"n":0},"description":"ç, 中","importance":0.5,"model":null,"obs_type":"behavior","tags":[]}');
INSERT INTO public.ledger VALUES (2, 1, 2, 1, 1, NULL, NULL, 1796035975897339, '{"category":"c","data":{"n":0},"description":"ç, 中","importance":0.5,"model":null,"obs_type":"behavior","tags":[]}');
INSERT INTO public.ledger VALUES (3, 2, 1, 2, 1, NULL, NULL, 1796035975907038, '{"category":"c","data":{"n":1},"description":"ç, 中","importance":0.5,"model":null,"obs_type":"behavior","tags":[]}');
INSERT INTO public.ledger VALUES (4, 2, 2, 2, 1, NULL, NULL, 1796035975907038, '{"category":"c","data":{"n":1},"description":"ç, 中","importance":0.5,"model":null,"obs_type":"behavior","tags":[]}');
INSERT INTO public.ledger VALUES (5, 3, 1, 3, 1, NULL, NULL, 1796035975914959, '{"category":"c","data":{"n":2},"description":"ç, 中","importance":0.5,"model":null,"obs_type":"behavior","tags":[]}');
INSERT INTO public.ledger VALUES (6, 3, 2, 3, 1, NULL, NULL, 1796035975914959, '{"category":"c","data":{"n":2},"description":"ç, 中","importance":0.5,"model":null,"obs_type":"behavior","tags":[]}');
INSERT INTO public.palimpsest_version VALUES ('0001');
INSERT INTO public.record_keys VALUES ('memory 0', 1, '\xdb4246bcac14eb52ced78d014a32675e186c7052033152aa9a2113f25fbaa628');
INSERT INTO public.record_keys VALUES ('model-m 0', 2, '\xc9083a1f5cca74a9980430629917916e730b7d86f5a3797c9f951a0a6bd31153');
INSERT INTO public.record_keys VALUES ('memory 1', 3, '\x3d2290f2b20ad4b39a7f9e32ace3c5a76c0099a72ab616386be8f84bb9de801a');
INSERT INTO public.record_keys VALUES ('model-m 1', 4, '\xd79f5fd47c2fd4ffa4dd72b6f929b7c2dadd3d76a7a3f80374197f2fc294e239');
INSERT INTO public.record_keys VALUES ('memory 2', 5, '\xcc454cd96c039c66b403f5531b98252fcb256691290456e793cbaff63583c5ae');
INSERT INTO public.record_keys VALUES ('model-m 2', 6, '\x062fd875ba137d8afee89d64c1977fd485de5523b7345aee928cb97e7fcc9233');
INSERT INTO public.streams VALUES (1, 'memory', 'memory', 3);
INSERT INTO public.streams VALUES (2, 'model-m', 'model', 3);
ALTER TABLE ONLY public.palimpsest_version
    ADD CONSTRAINT palimpsest_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.appends
    ADD CONSTRAINT pk_appends PRIMARY KEY (append_id);
ALTER TABLE ONLY public.event_types
    ADD CONSTRAINT pk_event_types PRIMARY KEY (type_id);
ALTER TABLE ONLY public.ledger
    ADD CONSTRAINT pk_ledger PRIMARY KEY ("position");
ALTER TABLE ONLY public.record_keys
    ADD CONSTRAINT pk_record_keys PRIMARY KEY (key);
ALTER TABLE ONLY public.streams
    ADD CONSTRAINT pk_streams PRIMARY KEY (stream_id);
ALTER TABLE ONLY public.event_types
    ADD CONSTRAINT uq_event_types_name_schema_version UNIQUE (name, schema_version);
ALTER TABLE ONLY public.ledger
    ADD CONSTRAINT uq_ledger_stream_id_version UNIQUE (stream_id, version);
ALTER TABLE ONLY public.record_keys
    ADD CONSTRAINT uq_record_keys_position UNIQUE ("position");
ALTER TABLE ONLY public.streams
    ADD CONSTRAINT uq_streams_name UNIQUE (name);
CREATE TRIGGER appends_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.appends FOR EACH STATEMENT EXECUTE FUNCTION public.palimpsest_refuse_change();
ALTER TABLE public.appends ENABLE ALWAYS TRIGGER appends_append_only;
CREATE TRIGGER ledger_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger FOR EACH STATEMENT EXECUTE FUNCTION public.palimpsest_refuse_change();
ALTER TABLE public.ledger ENABLE ALWAYS TRIGGER ledger_append_only;
CREATE TRIGGER record_keys_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.record_keys FOR EACH STATEMENT EXECUTE FUNCTION public.palimpsest_refuse_change();
ALTER TABLE public.record_keys ENABLE ALWAYS TRIGGER record_keys_append_only;
