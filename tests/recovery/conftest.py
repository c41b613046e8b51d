from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROUNDS = int(os.environ.get("PALIMPSEST_KILLS", "12"))
"""Kills for each job and engine; `PALIMPSEST_KILLS=300 pytest tests/recovery` runs hundreds."""


class Zygote:
    """Starts workers in no time, and kills them at a random moment."""

    def __init__(self, folder: Path, jobs: str | None = None) -> None:
        """Start it; `jobs` names a module beside this one that brings more jobs, and is imported before any worker."""
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py")), *([jobs] if jobs else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lives = 0

    def live_and_die(self, job: str, url: str, draw: random.Random, longest: float = 0.25) -> list[Any]:
        """Let a worker do its job, kill it with signal 9 at a random moment; give what was acknowledged to it."""
        self._lives += 1
        log = self._folder / f"{self._lives}.log"
        log.touch()
        order = {"job": job, "url": url, "log": str(log), "seed": draw.randrange(2**32)}
        child = int(self._ask(order))
        if job != "migrate":
            # The moment is drawn from when it has something to lose.
            deadline = time.monotonic() + 60
            while not log.stat().st_size and time.monotonic() < deadline:
                time.sleep(0.001)
        time.sleep(draw.random() * longest)
        os.kill(child, signal.SIGKILL)
        ended = int(self._answer())
        assert ended == -signal.SIGKILL, f"the worker ended by itself: {ended}"
        return [json.loads(line) for line in log.read_text().splitlines()]

    def close(self) -> None:
        if self._process.stdin is not None and self._process.stdout is not None:
            self._process.stdin.close()
            self._process.wait(timeout=20)
            self._process.stdout.close()

    def _ask(self, order: dict[str, Any]) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@pytest.fixture
def zygote(tmp_path: Path) -> Iterator[Zygote]:
    started = Zygote(tmp_path)
    yield started
    started.close()


@pytest.fixture(scope="session")
def zygote_class() -> type[Zygote]:
    """The class of `zygote`, for those that bring jobs of their own."""
    return Zygote


@pytest.fixture
def rounds() -> int:
    return ROUNDS
