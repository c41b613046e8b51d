"""How fast a log is exported and imported, and that memory does not grow with it.

Every step runs in a process of its own, whose peak resident size is printed. Databases are SQLite files in a temporary
folder, of events of about 411 bytes in appends of 1000, with a key on each tenth; an import goes into a new database,
durable, with the hash chain recomputed. `--engine postgresql` imports into a real PostgreSQL instead.

Run it: `.venv/bin/python benchmarks/transfer.py [--events 100000 1000000] [--formats jsonl parquet]
[--engine sqlite|postgresql] [--folder FOLDER]`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TEXT = "the gradient norm of the third block rose after the edit and fell back when the next batch was seen; " * 2
BATCH = 1000


def make(source: str, count: str) -> int:
    """Fill a log."""
    from memory.events import NewEvent, build
    from memory.events.observations import Observation
    from memory.store import EventStore

    with EventStore.open(source, durability="normal") as store:
        for start in range(0, int(count), BATCH):
            events = [
                NewEvent(
                    build(
                        Observation,
                        obs_type="behavior",
                        category="gradient",
                        description=TEXT,
                        data={"step": number, "norm": number / 7, "layer": "model.layers.3.mlp.down_proj.weight"},
                    ),
                    stream=f"run-{number % 7}",
                    key=f"key-{number}" if number % 10 == 0 else None,
                )
                for number in range(start, start + BATCH)
            ]
            store.append(events, actor="benchmark")
        return store.head().position


def export(source: str, target: str, file_format: Any) -> int:
    """Write a log to files."""
    from memory.store import Database
    from memory.store.transfer.export import export_log

    return export_log(Database.open(source), target, file_format=file_format, tables=False).events


def read_back(source: str, target: str) -> int:
    """Write files to a log."""
    from memory.store import EventStore
    from memory.store.transfer.importing import import_log

    with EventStore.open(target) as store:
        return import_log(store.database, source).events


def verify(source: str) -> int:
    """Recompute the whole chain."""
    from memory.store import EventStore

    with EventStore.open(source) as store:
        report = store.verify()
    if not report.ok:
        raise SystemExit(f"not whole: {report.problems[:3]}")
    return report.events


STEPS = {"make": make, "export": export, "import": read_back, "verify": verify}


def step(name: str, *arguments: str) -> dict[str, Any]:
    """Run one step in a process of its own; give its events, seconds and peak resident megabytes."""
    done = subprocess.run(
        [sys.executable, __file__, "--step", name, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def run_step(name: str, arguments: list[str]) -> None:
    """Be the process of one step."""
    began = time.perf_counter()
    events = STEPS[name](*arguments)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"events": events, "seconds": seconds, "peak": peak}))


def size_of(path: Path) -> int:
    """Give the bytes of a file, or of all files in a folder."""
    return (
        sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else path.stat().st_size
    )


def tell(what: str, result: dict[str, Any], path: Path | None) -> None:
    """Print one line of the table."""
    size = "" if path is None else f"{size_of(path) / result['events']:>9.0f}"
    print(
        f"{result['events']:>10} {what:<16} {result['seconds']:>9.1f} {result['events'] / result['seconds']:>10.0f} "
        f"{result['peak']:>8.0f} {size}",
        flush=True,
    )


def servers(engine: str, stack: ExitStack) -> Any:
    """Give a PostgreSQL server where one is asked for."""
    if engine == "sqlite":
        return None
    spec = importlib.util.spec_from_file_location("postgres", ROOT / "tests" / "postgres.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["postgres"] = module
    spec.loader.exec_module(module)
    return stack.enter_context(module.running_server())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--formats", nargs="+", choices=["jsonl", "parquet"], default=["jsonl", "parquet"])
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder if not said")
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        run_step(arguments.step[0], arguments.step[1:])
        return
    print(f"{'events':>10} {'step':<16} {'seconds':>9} {'events/s':>10} {'peak MB':>8} {'B/event':>9}")
    with ExitStack() as stack:
        server = servers(arguments.engine, stack)
        for count in arguments.events:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.folder)))
            source = folder / "source.db"
            tell("make", step("make", str(source), str(count)), source)
            for file_format in arguments.formats:
                out = folder / file_format
                tell(f"export {file_format}", step("export", str(source), str(out), file_format), out)
                url = server.create() if server is not None else str(folder / f"{file_format}.db")
                tell(f"import {file_format}", step("import", str(out), url), None)
                tell("verify", step("verify", url), None)
                shutil.rmtree(out)
                if server is not None:
                    server.drop(url)
                else:
                    Path(url).unlink()


if __name__ == "__main__":
    main()
