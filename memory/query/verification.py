"""Whether the record is whole: the log's chain, live weights against the log, and what is kept of weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from introspection.sharing import SharingMap
from memory.errors import PalimpsestError
from memory.query.html import card_html, list_html
from memory.query.weight_blobs import CatchUp, CheckCheckpoints, verify_kept
from memory.query.weights import KnownModel, known_model
from memory.store.engine import Database
from memory.store.log import EventStore
from memory.weights.keeping import BlobKeeper


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What verification looked at, and what is wrong."""

    ok: bool
    events: int
    """Events whose bytes and place were checked."""
    storages: int
    """Live storages whose bytes were compared with the log."""
    problems: tuple[str, ...]
    blobs: int = 0
    """Blobs of which every byte was read."""
    checkpoints: int = 0
    """Checkpoints of which every byte was read."""

    def __bool__(self) -> bool:
        return self.ok

    def _repr_html_(self) -> str:
        facts = {
            "the record is": "whole" if self.ok else "NOT whole",
            "events": self.events,
            "live storages compared": self.storages,
            "blobs read": self.blobs,
            "checkpoints read": self.checkpoints,
        }
        return card_html("Verified", facts, list_html("problems", self.problems))


@dataclass(frozen=True, slots=True)
class LiveModel:
    """An attached model as it is now."""

    name: str
    sharing: SharingMap
    fingerprints: Mapping[str, str | None]
    """Storage key to digest; None where the bytes cannot be read."""


def verify(
    store: EventStore,
    live: Iterable[LiveModel],
    catch_up: CatchUp,
    keeper: BlobKeeper,
    check_checkpoints: CheckCheckpoints | None = None,
) -> VerifyReport:
    """Check the whole chain, then every live storage, then every blob that events point at; report and never append.

    Args:
        store: The log.
        live: The attached models.
        catch_up: Brings up to date what the storages should hold; called once the chain was looked at, since it stops
            at an event that cannot be read.
        keeper: Where the blobs are.
        check_checkpoints: Reads the files of checkpoints; None: they are not looked at.
    """
    chain = store.verify()
    problems = [str(problem) for problem in chain.problems]
    compared = 0
    try:
        catch_up(None)
        for model in live:
            number, different = _compare(store.database, model)
            compared += number
            problems += different
    except PalimpsestError as error:
        problems.append(f"live weights cannot be compared: {error.message}")
    blobs = checkpoints = 0
    try:
        kept = verify_kept(keeper, store.database, catch_up, check_checkpoints)
        blobs, checkpoints = kept.blobs, kept.checkpoints
        problems += kept.problems
    except PalimpsestError as error:
        problems.append(f"what was kept of weights cannot be read: {error.message}")
    return VerifyReport(
        ok=not problems,
        events=chain.events,
        storages=compared,
        problems=tuple(problems),
        blobs=blobs,
        checkpoints=checkpoints,
    )


def _compare(database: Database, live: LiveModel) -> tuple[int, list[str]]:
    """Give how many storages of a live model were compared with the log, and what differs."""
    known = known_model(database, live.name)
    if known is None:
        return 0, []
    problems: list[str] = []
    if known.sharing.digest != live.sharing.digest:
        problems.append(f"model {live.name!r}: its sharing is not the one on record: {_in_words(known, live)}")
    compared = 0
    for key, found in sorted(live.fingerprints.items()):
        expected = known.head(key)
        if expected is None or found is None:
            continue
        compared += 1
        if found != expected:
            problems.append(
                f"model {live.name!r}: {key} holds bytes the log does not know (blake3 {found[:16]}…, "
                f"the log says {expected[:16]}…)"
            )
    return compared, problems


def _in_words(known: KnownModel, live: LiveModel) -> str:
    difference = known.sharing.diff(live.sharing)
    parts = [f"{' and '.join(sorted(pair))} are untied" for pair in difference.untied]
    parts += [f"{' and '.join(sorted(pair))} are tied" for pair in difference.tied]
    parts += [f"{name} is new" for name in difference.added]
    parts += [f"{name} is gone" for name in difference.removed]
    parts = parts or ["names share other bytes than before"]
    return "; ".join(parts[:5]) + ("; ..." if len(parts) > 5 else "")
