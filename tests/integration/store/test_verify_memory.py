"""That verification holds no more of a long log in memory than of a short one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from memory.events import NewEvent
from memory.store import EventStore

SHORT, LONG = 2_000, 20_000
TEXT = "x" * 600
ALLOWED = 4 * 2**20
"""Bytes: the payloads alone of what the long log has more are 11 MB."""
MEASURE = """
import sys
from memory.store import EventStore
def peak():
    with open("/proc/self/status") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
with EventStore.open(sys.argv[1]) as store:
    report = store.verify()
    print(report.ok, report.events, peak())
"""


def measured(url: str) -> tuple[bool, int, int]:
    """Verify in a process of its own: whether all is well, the events looked at, the most bytes it ever held."""
    done = subprocess.run([sys.executable, "-c", MEASURE, url], capture_output=True, text=True, check=True, timeout=120)
    ok, events, peak = done.stdout.split()
    return ok == "True", int(events), int(peak)


def test_a_log_ten_times_as_long_is_verified_in_the_same_memory(
    database_url: str, note: Callable[..., NewEvent]
) -> None:
    def lengthen(store: EventStore, until: int) -> None:
        for first in range(store.head().position, until, 500):
            store.append([note(TEXT, stream=f"s{number % 50}") for number in range(first, first + 500)])

    with EventStore.open(database_url, durability="normal") as store:
        lengthen(store, SHORT)
        ok, events, short = measured(database_url)
        assert (ok, events) == (True, SHORT)
        lengthen(store, LONG)
        ok, events, long = measured(database_url)
        assert (ok, events) == (True, LONG)
    assert long - short < ALLOWED, f"{(long - short) / 2**20:.1f} MB more for {LONG - SHORT} events more"
