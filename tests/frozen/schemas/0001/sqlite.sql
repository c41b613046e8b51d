BEGIN TRANSACTION;
CREATE TABLE appends (
	append_id INTEGER NOT NULL, 
	first_position INTEGER NOT NULL, 
	last_position INTEGER NOT NULL, 
	recorded_at INTEGER NOT NULL, 
	actor TEXT, 
	correlation_id TEXT, 
	digest BLOB NOT NULL, 
	CONSTRAINT pk_appends PRIMARY KEY (append_id)
);
INSERT INTO "appends" VALUES(0,1,0,0,NULL,NULL,X'9D638423A37B90C5D60FF6BC6CE6F1595DA4E187CADEBF3AAE79C0180A674D3F');
INSERT INTO "appends" VALUES(1,1,2,1796035975748755,'freezer',NULL,X'C4E12034B074D4DD302E095C580210C24DBCD0961BE7635F214206A766BBA268');
INSERT INTO "appends" VALUES(2,3,4,1796035975757399,'freezer',NULL,X'C97FC3D227291FB1A66E30DC72DC9ED688775956B4794489C5F44BCBE71AAF9D');
INSERT INTO "appends" VALUES(3,5,6,1796035975761266,'freezer',NULL,X'7CFC872F0477814461473B4DACEE819D4431F9465A57CB4D49C0B64CF70BB488');
CREATE TABLE event_types (
	type_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	schema_version INTEGER NOT NULL, 
	CONSTRAINT pk_event_types PRIMARY KEY (type_id), 
	CONSTRAINT uq_event_types_name_schema_version UNIQUE (name, schema_version)
);
INSERT INTO "event_types" VALUES(1,'observation',1);
CREATE TABLE ledger (
	position INTEGER NOT NULL, 
	append_id INTEGER NOT NULL, 
	stream_id INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	type_id INTEGER NOT NULL, 
	act_id TEXT, 
	causation_id TEXT, 
	occurred_at INTEGER NOT NULL, 
	payload TEXT NOT NULL, 
	CONSTRAINT pk_ledger PRIMARY KEY (position), 
	CONSTRAINT uq_ledger_stream_id_version UNIQUE (stream_id, version), 
	CONSTRAINT ck_ledger_occurred_at CHECK (occurred_at BETWEEN 0 AND 253402300799999999)
);
INSERT INTO "ledger" VALUES(1,1,1,1,1,NULL,NULL,1796035975748755,'{"category":"c","data":{"n":0},"description":"ç, 中","importance":0.5,"model":null,"obs_type":"behavior","tags":[]}');
INSERT INTO "ledger" VALUES(2,1,2,1,1,NULL,NULL,1796035975748755,'{"category":"c","data":{"n":0},"description":"ç, 中","importance":0.5,"model":null,"obs_type":"behavior","tags":[]}');
INSERT INTO "ledger" VALUES(3,2,1,2,1,NULL,NULL,1796035975757399,'{"category":"c","data":{"n":1},"description":"ç, 中","importance":0.5,"model":null,"obs_type":"behavior","tags":[]}');
INSERT INTO "ledger" VALUES(4,2,2,2,1,NULL,NULL,1796035975757399,'{"category":"c","data":{"n":1},"description":"ç, 中","importance":0.5,"model":null,"obs_type":"behavior","tags":[]}');
INSERT INTO "ledger" VALUES(5,3,1,3,1,NULL,NULL,1796035975761266,'{"category":"c","data":{"n":2},"description":"ç, 中","importance":0.5,"model":null,"obs_type":"behavior","tags":[]}');
INSERT INTO "ledger" VALUES(6,3,2,3,1,NULL,NULL,1796035975761266,'{"category":"c","data":{"n":2},"description":"ç, 中","importance":0.5,"model":null,"obs_type":"behavior","tags":[]}');
CREATE TABLE palimpsest_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT palimpsest_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "palimpsest_version" VALUES('0001');
CREATE TABLE record_keys (
	"key" TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	content_digest BLOB NOT NULL, 
	CONSTRAINT pk_record_keys PRIMARY KEY ("key"), 
	CONSTRAINT uq_record_keys_position UNIQUE (position)
)
 WITHOUT ROWID

;
INSERT INTO "record_keys" VALUES('memory 0',1,X'DB4246BCAC14EB52CED78D014A32675E186C7052033152AA9A2113F25FBAA628');
INSERT INTO "record_keys" VALUES('memory 1',3,X'3D2290F2B20AD4B39A7F9E32ACE3C5A76C0099A72AB616386BE8F84BB9DE801A');
INSERT INTO "record_keys" VALUES('memory 2',5,X'CC454CD96C039C66B403F5531B98252FCB256691290456E793CBAFF63583C5AE');
INSERT INTO "record_keys" VALUES('model-m 0',2,X'C9083A1F5CCA74A9980430629917916E730B7D86F5A3797C9F951A0A6BD31153');
INSERT INTO "record_keys" VALUES('model-m 1',4,X'D79F5FD47C2FD4FFA4DD72B6F929B7C2DADD3D76A7A3F80374197F2FC294E239');
INSERT INTO "record_keys" VALUES('model-m 2',6,X'062FD875BA137D8AFEE89D64C1977FD485DE5523B7345AEE928CB97E7FCC9233');
CREATE TABLE streams (
	stream_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	category TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	CONSTRAINT pk_streams PRIMARY KEY (stream_id), 
	CONSTRAINT uq_streams_name UNIQUE (name)
);
INSERT INTO "streams" VALUES(1,'memory','memory',3);
INSERT INTO "streams" VALUES(2,'model-m','model',3);
CREATE TRIGGER ledger_refuses_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'append-only: UPDATE of ledger is refused'); END;
CREATE TRIGGER ledger_refuses_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'append-only: DELETE of ledger is refused'); END;
CREATE TRIGGER ledger_refuses_replace BEFORE INSERT ON ledger WHEN EXISTS (SELECT 1 FROM ledger WHERE position = NEW.position OR (stream_id = NEW.stream_id AND version = NEW.version)) BEGIN SELECT RAISE(ABORT, 'append-only: REPLACE in ledger is refused'); END;
CREATE TRIGGER appends_refuses_update BEFORE UPDATE ON appends BEGIN SELECT RAISE(ABORT, 'append-only: UPDATE of appends is refused'); END;
CREATE TRIGGER appends_refuses_delete BEFORE DELETE ON appends BEGIN SELECT RAISE(ABORT, 'append-only: DELETE of appends is refused'); END;
CREATE TRIGGER appends_refuses_replace BEFORE INSERT ON appends WHEN EXISTS (SELECT 1 FROM appends WHERE append_id = NEW.append_id) BEGIN SELECT RAISE(ABORT, 'append-only: REPLACE in appends is refused'); END;
CREATE TRIGGER record_keys_refuses_update BEFORE UPDATE ON record_keys BEGIN SELECT RAISE(ABORT, 'append-only: UPDATE of record_keys is refused'); END;
CREATE TRIGGER record_keys_refuses_delete BEFORE DELETE ON record_keys BEGIN SELECT RAISE(ABORT, 'append-only: DELETE of record_keys is refused'); END;
CREATE TRIGGER record_keys_refuses_replace BEFORE INSERT ON record_keys WHEN EXISTS (SELECT 1 FROM record_keys WHERE key = NEW.key OR position = NEW.position) BEGIN SELECT RAISE(ABORT, 'append-only: REPLACE in record_keys is refused'); END;
CREATE VIEW events AS
SELECT
  ledger.position AS position,
  lower(hex(substr(appends.digest, 1, 16))) || '-' || (ledger.position - appends.first_position) AS event_id,
  streams.name AS stream,
  ledger.version AS version,
  event_types.name AS event_type,
  event_types.schema_version AS schema_version,
  strftime('%Y-%m-%dT%H:%M:%S', ledger.occurred_at / 1000000, 'unixepoch')
    || printf('.%06dZ', ledger.occurred_at % 1000000) AS occurred_at,
  strftime('%Y-%m-%dT%H:%M:%S', appends.recorded_at / 1000000, 'unixepoch')
    || printf('.%06dZ', appends.recorded_at % 1000000) AS recorded_at,
  ledger.act_id AS act_id,
  appends.correlation_id AS correlation_id,
  ledger.causation_id AS causation_id,
  appends.actor AS actor,
  CASE WHEN substr(streams.name, 1, 6) = 'model-' THEN substr(streams.name, 7) END AS model,
  ledger.payload AS payload
FROM ledger
JOIN appends ON appends.append_id = ledger.append_id
JOIN streams ON streams.stream_id = ledger.stream_id
JOIN event_types ON event_types.type_id = ledger.type_id;
COMMIT;
