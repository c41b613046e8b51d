"""How long the command line takes to start, beside the floors it stands on: Python itself, and typer.

Medians of interleaved runs, each a process of its own. Run it: `.venv/bin/python benchmarks/cli_start.py`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 15
MAIN = "from memory.cli import main; main()"


def seconds(*arguments: str) -> float:
    """Time one process from start to end."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Print the medians, and their ratio to Python's own start."""
    from memory import MemorySystem

    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder) / "research.db")
        with MemorySystem(database) as memory:
            memory.record_observation("behavior", "seen")
            memory.consolidate()
        commands: dict[str, tuple[str, ...]] = {
            "python -c pass": ("-c", "pass"),
            "import typer": ("-c", "import typer"),
            "palimpsest --help": ("-c", MAIN, "--help"),
            "palimpsest log": ("-c", MAIN, "log", "-d", database),
            "palimpsest query": ("-c", MAIN, "query", "SELECT 1", "-d", database),
            "palimpsest beliefs": ("-c", MAIN, "beliefs", "-d", database),
            "palimpsest verify": ("-c", MAIN, "verify", "-d", database),
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, arguments in commands.items():
                taken[name].append(seconds(*arguments))
    floor = statistics.median(taken["python -c pass"])
    for name, times in taken.items():
        median = statistics.median(times)
        print(f"{name:20} {median * 1000:6.0f} ms   {median / floor:5.1f} × python")


if __name__ == "__main__":
    main()
