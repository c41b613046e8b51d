"""Whether the record is whole: the log's chain, and live weights against what the log says they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from memory.query.weights import known_model
from memory.store.engine import Database
from memory.store.log import EventStore


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What verification looked at, and what is wrong."""

    ok: bool
    events: int
    """Events whose bytes and place were checked."""
    storages: int
    """Live storages whose bytes were compared with the log."""
    problems: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.ok


def verify(store: EventStore, database: Database, live: Iterable[tuple[str, Mapping[str, str | None]]]) -> VerifyReport:
    """Check the whole chain, then every live storage; report and never append.

    Args:
        store: The log.
        database: Where what the storages should hold is read; projections must be caught up.
        live: For each attached model, its name and its storages' digests now, by key.
    """
    chain = store.verify()
    problems = [str(problem) for problem in chain.problems]
    compared = 0
    for name, fingerprints in live:
        known = known_model(database, name)
        for key, found in sorted(fingerprints.items()):
            expected = known.head(key) if known is not None else None
            if expected is None or found is None:
                continue
            compared += 1
            if found != expected:
                problems.append(
                    f"model {name!r}: {key} holds bytes the log does not know (blake3 {found[:16]}…, "
                    f"the log says {expected[:16]}…)"
                )
    return VerifyReport(ok=not problems, events=chain.events, storages=compared, problems=tuple(problems))
