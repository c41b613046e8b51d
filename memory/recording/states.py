"""States of storages: keeps what leads from one to the next, and puts any of them together again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memory.errors import CorruptionError, DigestMismatch, RestoreError
from memory.events.kept_bytes import Delta, Keyframe
from memory.query.retention import let_go
from memory.query.weight_history import KNOWN_HISTORY, Ways, lineage, saved_checkpoint, ways
from memory.recording.attached import AttachedModel
from memory.store.blobs import Content
from memory.weights.chain_policy import Chain
from memory.weights.paths import DeltaEdge, Path, Source, cheapest_path

if TYPE_CHECKING:
    from memory.projections.runner import ProjectionRunner
    from memory.store.engine import Database
    from memory.weights.block_digests import BlockDigests
    from memory.weights.keeping import BlobKeeper
    from memory.weights.live import Bytes, Form, LiveStorage, Ranges
    from memory.weights.scratch import Scratch


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StateChange:
    """How one storage came from one state to another."""

    key: str
    form: Form
    before: Bytes
    """Its bytes before; only inside `ranges` where `whole` is false."""
    now: Bytes
    """Its bytes after."""
    ranges: Ranges
    """Where they differ."""
    fingerprint_before: str
    fingerprint_after: str
    whole: bool = True
    """Whether `before` holds all bytes."""


@dataclass(slots=True)
class Kept:
    """What was kept of the changes that one append records."""

    deltas: list[Delta] = field(default_factory=list)
    keyframes: list[Keyframe] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    """Digest to content of the blobs that are rows: they are written with the events that point at them."""
    on_commit: list[Callable[[], None]] = field(default_factory=list)

    def take(self, other: Kept) -> None:
        """Take over what was kept elsewhere for the same append."""
        self.deltas += other.deltas
        self.keyframes += other.keyframes
        self.blobs |= other.blobs
        self.on_commit += other.on_commit

    def committed(self) -> None:
        """Say that the events that point at all this are on record."""
        for tell in self.on_commit:
            tell()


@dataclass(frozen=True, slots=True)
class LiveState:
    """A live storage, just held against the digests that are known of it."""

    storage: LiveStorage
    digests: BlockDigests


@dataclass(frozen=True, slots=True)
class Wanted:
    """A state of a storage that is to be put together."""

    model: str
    key: str
    """What to call the storage."""
    names: Collection[str]
    """Its names: what was kept under any of them may lead to it."""
    fingerprint: str
    form: Form
    """The dtype and shape that the state has."""
    ways: Ways
    """What leads to it."""
    live: LiveState | None = None
    """The live storage, where its bytes may be of use."""
    position: int | None = None
    """When it was in that state, for what is said of it."""

    @property
    def when(self) -> str:
        """The position in words."""
        return "" if self.position is None else f"at position {self.position} "


@dataclass(frozen=True, slots=True)
class Brought:
    """A state that was put together and proved."""

    digests: BlockDigests
    ranges: Ranges | None
    """Where it differs from the live bytes; None where that was not looked at."""


class States:
    """Keeps and rebuilds the states of storages; what needs torch is imported when it is needed.

    Args:
        keeper: Where blobs are kept.
        database: Where what was kept is on record.
        runner: Catches projections up, so that the record can be asked.
    """

    def __init__(self, keeper: BlobKeeper, database: Database, runner: ProjectionRunner) -> None:
        self.keeper = keeper
        self._scratch: Scratch | None = None
        self._database = database
        self._runner = runner
        self._chains: dict[tuple[str, str], tuple[str, Chain]] = {}
        """(model, storage key) to the state it was left in, and what leads there from bytes that last."""

    @property
    def scratch(self) -> Scratch:
        """Buffers that are used again."""
        if self._scratch is None:
            from memory.weights.scratch import Scratch

            self._scratch = Scratch()
        return self._scratch

    def keep(self, attached: AttachedModel, change: StateChange, kept: Kept) -> None:
        """Keep what leads from a state to the next and back; and a whole state, where the ways would grow long.

        Args:
            attached: The model.
            change: How the storage changed.
            kept: Where to put what events are to say of it.

        Raises:
            CorruptionError: What was kept would not give back the very bytes; nothing is recorded then.
            DatabaseFull: No room is left on the disk.
        """
        from memory.weights.delta import encode, verify

        if change.fingerprint_before == change.fingerprint_after:
            return
        form = change.form
        encoded = encode(change.before, change.now, ranges=change.ranges, width=form.width, row_bytes=form.row_bytes)
        if not verify(encoded.content, change.before, change.now, change.ranges):
            raise CorruptionError(
                f"the delta of {change.key!r} would not give back its bytes",
                remedy="nothing was recorded and the bytes were put back; report this with the dtype and shape",
            )
        blob = self._put(encoded.content, kept)
        delta = Delta(
            storage_key=change.key,
            before=change.fingerprint_before,
            after=change.fingerprint_after,
            blob=blob,
            size=len(encoded.content),
            changed_bytes=encoded.changed_bytes,
            codec=encoded.codec,
        )
        kept.deltas.append(delta)
        chain = self._chain_to(attached, change.key, change.fingerprint_before)
        if chain is None:
            self._keep_before(change, kept)
            chain = Chain()
        scattered = encoded.codec == "sparse"
        edge = DeltaEdge(delta.before, delta.after, blob, delta.size, delta.changed_bytes, scattered)
        chain = chain.after(edge)
        if chain.needs_keyframe(form.nbytes):
            self.keep_whole(change.key, change.fingerprint_after, change.now, form.width, kept)
            chain = chain.keyframed()
        where = attached.name, change.key
        kept.on_commit.append(lambda: self._chains.update({where: (change.fingerprint_after, chain)}))

    def keep_whole(self, key: str, fingerprint: str, content: Bytes, width: int, kept: Kept) -> None:
        """Keep all bytes of a state."""
        from memory.weights.whole import whole_blob

        blob = whole_blob(content, width)
        digest = self._put(blob, kept)
        kept.keyframes.append(Keyframe(storage_key=key, fingerprint=fingerprint, blob=digest, size=len(blob)))

    def keep_live(self, attached: AttachedModel, found: Mapping[str, str | None], kept: Kept) -> None:
        """Keep all bytes of live storages, of those that can be read.

        Args:
            attached: The model.
            found: The state that each is known to be in, by key; None where it could not be read.
            kept: Where to put what events are to say of it.
        """
        for key, fingerprint in sorted(found.items()):
            digests = attached.digests(key)
            if fingerprint is None or digests is None or (not digests.identities and attached.nbytes(key)):
                continue
            live = attached.live_storage(key)
            with self.now(live) as content:
                self.keep_whole(key, fingerprint, content, live.width, kept)

    @contextmanager
    def now(self, live: LiveStorage) -> Iterator[Bytes]:
        """Give the bytes of a live storage while the block runs: its own where they lie together, else a copy."""
        with self.scratch.buffer(0 if live.view() is not None else live.nbytes) as scratch:
            yield live.now(scratch)

    def lacking(self, attached: AttachedModel, found: Mapping[str, str | None]) -> dict[str, str]:
        """Give those of the states of live storages, by key, that cannot be put together without the live weights."""
        ways = self.ways(attached.name, {key: attached.sharing.storages[key] for key in found})
        return {
            key: fingerprint
            for key, fingerprint in found.items()
            if fingerprint is not None and not self.lasting(attached, key, fingerprint, ways[key])
        }

    def lasting(self, attached: AttachedModel, key: str, fingerprint: str, found: Ways | None = None) -> bool:
        """Say whether a state can be put together without the live weights."""
        return self._chain_to(attached, key, fingerprint, found) is not None

    def look_again(self, model: str) -> None:
        """Ask the record anew what leads to a model's states: more was kept, or some of it was let go."""
        for where in [each for each in self._chains if each[0] == model]:
            del self._chains[where]

    def _keep_before(self, change: StateChange, kept: Kept) -> None:
        """Keep the state before a storage's first recorded write: all that follows is reached from it."""
        form = change.form
        if change.whole:
            self.keep_whole(change.key, change.fingerprint_before, change.before, form.width, kept)
            return
        with self.scratch.buffer(form.nbytes) as content:
            content[:] = change.now
            for begin, end in change.ranges:
                content[begin:end] = change.before[begin:end]
            self.keep_whole(change.key, change.fingerprint_before, content, form.width, kept)

    def _put(self, content: Content, kept: Kept) -> str:
        digest, pending = self.keeper.put(content)
        # What waits for its event must not change until then, and buffers are used again.
        kept.blobs |= {each: bytes(waiting) for each, waiting in pending.items()}
        return digest

    def _chain_to(self, attached: AttachedModel, key: str, fingerprint: str, found: Ways | None = None) -> Chain | None:
        known = self._chains.get((attached.name, key))
        if known is not None and known[0] == fingerprint:
            return known[1]
        if found is None:
            found = self.ways(attached.name, {key: attached.sharing.storages[key]})[key]
        path = cheapest_path(fingerprint, found.sources, found.edges, raw_bytes=attached.nbytes(key))
        if path is None:
            return None
        chain = Chain.along(path, found.edges)
        # Another process may delete a checkpoint that nothing else depends on yet: it is looked for again each time.
        if chain.steps or path.source.kind != "checkpoint":
            self._chains[attached.name, key] = fingerprint, chain
        return chain

    def ways(self, model: str, names: Mapping[str, Collection[str]], around: int | None = None) -> dict[str, Ways]:
        """Give what leads to the states of storages.

        Args:
            model: The model's name.
            names: The names of each storage, by its key: what was kept under any of them may help.
            around: About when the states wanted were.
        """
        self._runner.catch_up(KNOWN_HISTORY)
        return ways(self._database, model, names, around)

    def _read_checkpoint(self, wanted: Wanted, checkpoint_id: str, fingerprint: str, into: Bytes) -> None:
        """Put the bytes of a state together from the file of a checkpoint."""
        from memory.weights.checkpoint_folders import reader_of
        from memory.weights.live import LiveStorage

        found = saved_checkpoint(self._database, wanted.model, checkpoint_id)
        reader = reader_of(self.keeper, found)
        key = next((tensor.key for tensor in found.tensors if tensor.fingerprint == fingerprint), "")
        # A checkpoint holds repeated dimensions in full.
        LiveStorage(reader.read(key)[tuple(slice(0, size) for size in wanted.form.shape)]).read(into)

    def bring(self, wanted: Wanted, into: Bytes) -> Brought:
        """Put a state together, and prove that it is the one.

        Args:
            wanted: The state.
            into: Where to put its bytes; what it held is lost, also when this raises.

        Returns:
            What is known of it.

        Raises:
            RestoreError: Nothing that was kept leads to that state.
            CorruptionError: What was kept is damaged or gone.
        """
        live = wanted.live
        sources = [*wanted.ways.sources]
        if live is not None:
            sources.append(Source(live.digests.fingerprint, "live", wanted.key, live.storage.nbytes))
        damaged: set[str] = set()
        first: CorruptionError | None = None
        while True:
            path = cheapest_path(
                wanted.fingerprint,
                [source for source in sources if source.reference not in damaged],
                [edge for edge in wanted.ways.edges if edge.blob not in damaged],
                raw_bytes=wanted.form.nbytes,
            )
            if path is None:
                raise self._unreachable(wanted) if first is None else first
            try:
                return self._go(path, wanted, into)
            except CorruptionError as error:
                # What was read is not what was kept: read it again to say which of it is to blame, and go round it.
                blamed, problem = self._to_blame(path, error)
                first = first or problem
                if blamed is None or blamed in damaged:
                    raise first from error
                _log.warning("%s: %s; looking for another way", wanted.key, problem.message)
                damaged.add(blamed)

    def _to_blame(self, path: Path, error: CorruptionError) -> tuple[str | None, CorruptionError]:
        """Give what on a way is damaged or gone, and the error that says so; None where none of it is."""
        source = path.source
        blobs = ([source.reference] if source.kind == "keyframe" else []) + [step.blob for step in path.steps]
        for blob in blobs:
            try:
                self.keeper.get(blob)
            except CorruptionError as found:
                return blob, found
        return (source.reference if source.kind == "checkpoint" else None), error

    def _go(self, path: Path, wanted: Wanted, into: Bytes) -> Brought:
        from memory.weights.block_digests import blocks_in, read_digests, rehashed
        from memory.weights.delta import changed_ranges
        from memory.weights.rebuilding import rebuild

        live = wanted.live
        rebuild(
            path,
            into,
            keeper=self.keeper,
            live=None if live is None else live.storage,
            read_checkpoint=lambda checkpoint, content: self._read_checkpoint(
                wanted, checkpoint, path.source.fingerprint, content
            ),
        )
        tensor = wanted.form.tensor_of(into)
        view = None if live is None or live.storage.repeated else live.storage.view()
        ranges = None
        if live is None or view is None or path.source.kind != "live":
            # What does not come from the live bytes has little in common with them: looking for it costs more.
            digests = read_digests(tensor)
        else:
            # The live bytes were just held against their digests: what is the same as there has the same.
            ranges = changed_ranges(view, into)
            digests = rehashed(tensor, live.digests, blocks_in(ranges))
        if digests.fingerprint != wanted.fingerprint:
            raise DigestMismatch(
                f"the state of {wanted.key!r} that was put together",
                expected=wanted.fingerprint,
                actual=digests.fingerprint,
            )
        return Brought(digests, ranges)

    def _unreachable(self, wanted: Wanted) -> RestoreError:
        """Say why a state cannot be put together: nobody kept it, or it was let go."""
        gone = let_go(self._database, lineage(self._database, wanted.model, wanted.names), wanted.fingerprint)
        if gone is not None:
            return RestoreError(
                f"the state of {wanted.key!r} {wanted.when}is not restorable: what led to it was let go at position "
                f"{gone.position} ({gone.reason}; blake3 {wanted.fingerprint[:16]}…)",
                remedy="restore a later position, or a checkpoint; what happened then stays on record",
            )
        return RestoreError(
            f"the state of {wanted.key!r} {wanted.when}cannot be put together: its bytes were never kept "
            f"(blake3 {wanted.fingerprint[:16]}…)",
            remedy="states from the first announced write of a storage on are kept, all of them with "
            "attach(baseline='full'); restore a later position, or a checkpoint",
        )
