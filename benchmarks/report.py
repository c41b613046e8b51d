"""What a report of a long log costs, how large it is, and whether a browser draws all of it.

A log is made of a tied transformer of 24 layers, written to and taken back act after act, measured before and after,
with planted effects, statistics of layers, alerts and changes of ties, and folded. The report is made in a process of
its own, whose peak resident size is printed, and opened in a headless Chromium.

Run it: `.venv/bin/python benchmarks/report.py [--events 1000 200000] [--folder FOLDER]`.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LAYERS = 24
PARTS = ("self_attn.q_proj", "self_attn.o_proj", "mlp.up_proj", "mlp.down_proj", "input_layernorm")
TIED = ("lm_head.weight", "model.embed_tokens.weight")
BATCH = 500
LARGEST = 10_000_000
"""Bytes that no report may exceed."""


def helpers(name: str) -> ModuleType:
    """Load a module of the tests' helpers: they are no package."""
    known = f"palimpsest_tests_{name}"
    spec = importlib.util.spec_from_file_location(known, ROOT / "tests" / f"{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[known] = module
    spec.loader.exec_module(module)
    return module


def told(histories: ModuleType, count: int) -> Iterator[list[Any]]:
    """Yield a history of so many events, a batch at a time."""
    draw, told = random.Random(7), histories.History()
    names = [f"model.layers.{layer}.{part}.weight" for layer in range(LAYERS) for part in PARTS]
    tied, untied = (histories.sharing([*names, *TIED], *groups) for groups in ([TIED], []))
    told.attach(tied)
    told.define("loss", 0.001, better="lower")
    made, act = 0, 0
    while made < count:
        act += 1
        name = TIED[act % 2] if draw.random() < 0.1 else draw.choice(names)
        sign, loss, size = draw.choice((1.0, -1.0)), draw.gauss(2.0, 0.1), 0.3 if "layers.3." in name else 0.0
        before = {"loss": loss, "accuracy": 0.5 + draw.gauss(0.0, 0.02)}
        after = {"loss": loss + size * sign + draw.gauss(0.0, 0.1), "accuracy": 0.5 + draw.gauss(0.0, 0.02)}
        told.experiment(f"act {act}", name, sign, before, after)
        told.revert(f"act {act}", name)
        if act % 50 == 0:
            told.statistics("norm", {each: draw.gauss(1.0, 0.1) for each in draw.sample(names, 12)})
        if act % 200 == 0:
            alert = histories_alert(level=draw.choice(("info", "warning", "critical")), number=act)
            told.add(alert, "m")
        if act % 5000 == 0:
            told.change(untied if act % 10_000 else tied)
        if len(told.events) >= BATCH or made + len(told.events) >= count:
            batch, told.events = told.events[: count - made], []
            made += len(batch)
            yield batch


def histories_alert(level: str, number: int) -> Any:
    from memory.events.safety import SafetyAlert

    return SafetyAlert(model="m", level=level, category="metric", message=f"the loss rose in act {number}")


def make(path: str, count: str) -> None:
    """Fill a log, and fold it."""
    from memory.projections.catalogue import PROJECTIONS
    from memory.projections.runner import ProjectionRunner
    from memory.store import EventStore

    with EventStore.open(path, durability="normal") as store:
        for batch in told(helpers("histories"), int(count)):
            store.append(batch)
        ProjectionRunner(store, PROJECTIONS).catch_up()


def report(path: str, target: str) -> None:
    """Write a report."""
    from memory.projections.catalogue import PROJECTIONS
    from memory.projections.runner import ProjectionRunner
    from memory.report.made import write_report
    from memory.store import EventStore

    with EventStore.open(path, create=False) as store:
        made = write_report(store, ProjectionRunner(store, PROJECTIONS), target)
    print(f"{made.charts} charts of {made.events:,} events, {made.size / 1e6:.2f} MB, verified: {made.verified}")
    if made.size > LARGEST:
        raise SystemExit(f"the report has {made.size:,} bytes, more than {LARGEST:,}")


def look(target: str) -> None:
    """Open a report, and see that all of it is drawn."""
    chromium = helpers("chromium")
    began = time.perf_counter()
    with (
        chromium.Chromium(chromium.find()).browser() as browser,
        chromium.opened(browser, Path(target)) as (page, heard),
    ):
        page.wait_for_function("document.documentElement.dataset.charts === 'drawn'")
        seconds = time.perf_counter() - began
        charts = page.locator(".drawing svg").count()
        marks = page.locator(".drawing svg :is(path, line)").count()
        print(f"drawn {seconds:.1f} s after the browser started: {charts} charts, {marks:,} marks")
        if heard.said or heard.asked:
            raise SystemExit(f"the page was not silent: {heard}")


STEPS = {"make": make, "report": report, "look": look}


def step(name: str, *arguments: str) -> None:
    """Run a step in a process of its own; say what it took."""
    began = time.perf_counter()
    subprocess.run([sys.executable, __file__, "--step", name, *arguments], check=True, cwd=ROOT)
    print(f"  {name}: {time.perf_counter() - began:.1f} s")


def main() -> None:
    if sys.argv[1:2] == ["--step"]:
        STEPS[sys.argv[2]](*sys.argv[3:])
        usage = resource.getrusage(resource.RUSAGE_SELF)
        print(f"  {usage.ru_utime + usage.ru_stime:.1f} s of processor time, peak {usage.ru_maxrss / 1024:.0f} MiB")
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000, 200_000])
    parser.add_argument("--folder", type=Path, help="where to keep the logs and reports; a temporary one otherwise")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for count in options.events:
            log, target = folder / f"report-{count}.db", folder / f"report-{count}.html"
            print(f"{count:,} events")
            if not log.exists():
                step("make", str(log), str(count))
            step("report", str(log), str(target))
            step("look", str(target))


if __name__ == "__main__":
    main()
