"""Where blobs are kept: rows or files by their size, verified when read, swept only where no event points."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from memory import MemorySystem
from memory.errors import DatabaseBusy, DatabaseFull, DigestMismatch, MissingBlob
from memory.events import NewEvent, build
from memory.events.observations import Observation
from memory.store import EventStore
from memory.store.blobs import PART
from memory.weights.keeping import INLINE_LIMIT, BlobKeeper, PointedAt, Swept

SMALL = b"what changed"
LARGE = random.Random(1).randbytes(INLINE_LIMIT + 1)
EVENT = NewEvent(build(Observation, obs_type="discovery", category="c"))
NOTHING = PointedAt(frozenset())


@pytest.fixture
def keeper(sqlite_url: str) -> Iterator[BlobKeeper]:
    """A keeper with a folder beside its database."""
    with EventStore.open(sqlite_url) as store:
        yield BlobKeeper.beside(store)


@pytest.fixture
def rows(sqlite_url: str) -> Iterator[BlobKeeper]:
    """A keeper without a folder."""
    with EventStore.open(sqlite_url) as store:
        yield BlobKeeper(store, None)


@pytest.fixture(params=["folder", "rows"])
def either(request: pytest.FixtureRequest) -> BlobKeeper:
    """A keeper of each kind."""
    found = request.getfixturevalue("keeper" if request.param == "folder" else "rows")
    assert isinstance(found, BlobKeeper)
    return found


def keep(keeper: BlobKeeper, *contents: bytes) -> list[str]:
    """Put blobs and append an event with them."""
    with keeper.pointing():
        put = [keeper.put(content) for content in contents]
        keeper._store.append([EVENT], blobs={name: each for _, pending in put for name, each in pending.items()})
    return [digest for digest, _ in put]


def path_of(keeper: BlobKeeper, digest: str) -> Path:
    assert keeper.folder is not None
    return keeper.folder / digest[:2] / digest


def test_a_small_blob_is_left_for_the_append_and_a_large_one_is_a_file_at_once(keeper: BlobKeeper) -> None:
    at_limit = bytes(INLINE_LIMIT)
    with keeper.pointing():
        assert keeper.put(SMALL) == (blake3(SMALL).hexdigest(), {blake3(SMALL).hexdigest(): SMALL})
        assert keeper.put(at_limit)[1].values()
        digest, pending = keeper.put(LARGE)
    assert (digest, pending) == (blake3(LARGE).hexdigest(), {})
    assert path_of(keeper, digest).read_bytes() == LARGE
    assert keeper.digests() == {digest}


def test_without_a_folder_everything_is_left_for_the_append(rows: BlobKeeper) -> None:
    with rows.pointing():
        digest, pending = rows.put(LARGE)
    assert pending == {digest: LARGE}
    assert not rows.digests()


def test_what_was_put_is_read_back_wherever_it_is(either: BlobKeeper) -> None:
    contents = [SMALL, b"", LARGE, random.Random(2).randbytes(PART + 1)]
    digests = keep(either, *contents)
    assert [either.get(digest) for digest in digests] == contents
    assert all(either.has(digest) for digest in digests)
    assert either.digests() == set(digests)
    assert either.verify(digests) == {}


@pytest.mark.parametrize("digest", ["0" * 64, "", "../../etc/passwd"])
def test_what_is_not_there_is_missing(either: BlobKeeper, digest: str) -> None:
    with pytest.raises(MissingBlob):
        either.get(digest)


def test_a_changed_byte_is_refused_and_found(keeper: BlobKeeper) -> None:
    small, large, whole = keep(keeper, SMALL, LARGE, b"whole")
    path_of(keeper, large).write_bytes(LARGE[:-1] + b"?")
    with keeper._store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE blobs SET content = ? WHERE digest = ?", (b"what chanced", small))
    for digest in (small, large):
        with pytest.raises(DigestMismatch):
            keeper.get(digest)
    problems = keeper.verify(iter([small, large, whole, "0" * 64]))
    assert problems.keys() == {small, large, "0" * 64}
    assert all("and " + digest + " was recorded" in problems[digest] for digest in (small, large))
    assert "is missing" in problems["0" * 64]


def test_a_row_that_lost_a_piece_is_found(rows: BlobKeeper) -> None:
    (digest,) = keep(rows, random.Random(3).randbytes(2 * PART))
    with rows._store.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM blobs WHERE part = 1")
    assert rows.verify([digest]).keys() == {digest}


def test_verifying_looks_at_nothing_else(keeper: BlobKeeper) -> None:
    digest, other = keep(keeper, LARGE, LARGE + b"more")
    path_of(keeper, other).write_bytes(b"?")
    assert keeper.verify([digest]) == {}
    assert keeper.verify([]) == {}


def test_only_what_no_event_points_at_is_swept(either: BlobKeeper) -> None:
    kept = keep(either, SMALL, LARGE)
    orphans = keep(either, b"orphan", LARGE + b"orphan")
    swept = either.sweep(lambda: PointedAt(frozenset(kept)), grace=0)
    assert swept == Swept(tuple(sorted(orphans)), (), len(b"orphan") + len(LARGE) + len(b"orphan"))
    assert either.digests() == set(kept)
    assert either.sweep(lambda: PointedAt(frozenset(kept)), grace=0) == Swept((), (), 0)


def test_a_young_file_is_left_alone_and_a_row_needs_no_age(keeper: BlobKeeper) -> None:
    small, large = keep(keeper, SMALL, LARGE)
    assert keeper.sweep(lambda: NOTHING).blobs == (small,)
    assert keeper.digests() == {large}


def test_folders_of_checkpoints_that_no_event_names_are_swept(keeper: BlobKeeper) -> None:
    keep(keeper, LARGE)
    assert keeper.folder is not None
    for name in ("first", "orphan", ".second-1234.partial"):
        (keeper.folder / "checkpoints" / name).mkdir(parents=True)
        (keeper.folder / "checkpoints" / name / "model.safetensors").write_bytes(bytes(100))
    pointed_at = PointedAt(keeper.digests(), frozenset({"first", "second"}))
    assert keeper.sweep(lambda: pointed_at) == Swept((), (), 0)
    assert keeper.sweep(lambda: pointed_at, grace=0) == Swept((), (".second-1234.partial", "orphan"), 200)
    assert os.listdir(keeper.folder / "checkpoints") == ["first"]


def test_what_is_pointed_at_is_asked_again_where_the_log_went_on(either: BlobKeeper) -> None:
    (digest,) = keep(either, SMALL)
    asked: list[int] = []

    def pointed_at() -> PointedAt:
        asked.append(len(asked))
        if len(asked) == 1:
            # Found to be an orphan, and pointed at just then.
            either._store.append([EVENT], blobs={digest: SMALL})
            return NOTHING
        return PointedAt(frozenset({digest}))

    assert either.sweep(pointed_at, grace=0) == Swept((), (), 0)
    assert asked == [0, 1]
    assert either.get(digest) == SMALL


def test_a_sweep_amid_writers_that_never_stop_is_given_up(rows: BlobKeeper) -> None:
    keep(rows, SMALL)

    def pointed_at() -> PointedAt:
        rows._store.append([EVENT])
        return NOTHING

    with pytest.raises(DatabaseBusy):
        rows.sweep(pointed_at)
    assert len(rows.digests()) == 1


def test_blobs_that_were_let_go_are_removed_but_for_those_pointed_at_anew(either: BlobKeeper) -> None:
    small, large, other, again = keep(either, SMALL, LARGE, LARGE + b"other", LARGE + b"again")
    removed = either.remove([small, large, again, "0" * 64], lambda: PointedAt(frozenset({again})))
    assert removed == Swept(tuple(sorted([small, large])), (), len(SMALL) + len(LARGE))
    assert either.digests() == {other, again}


def test_removing_waits_for_whoever_is_about_to_point_at_the_same_bytes(keeper: BlobKeeper) -> None:
    (digest,) = keep(keeper, LARGE)
    pointed_at: set[str] = set()
    remover = threading.Thread(target=lambda: keeper.remove([digest], lambda: PointedAt(frozenset(pointed_at))))
    with keeper.pointing():
        keeper.put(LARGE)
        remover.start()
        remover.join(0.1)
        assert remover.is_alive()
        pointed_at.add(digest)
    remover.join(20)
    assert keeper.get(digest) == LARGE


def test_blobs_from_elsewhere_are_kept_once_and_verified_first(either: BlobKeeper) -> None:
    contents = [SMALL, LARGE, *(random.Random(number).randbytes(PART) for number in range(5))]
    blobs = [(blake3(content).hexdigest(), content) for content in contents]
    with either.pointing():
        assert either.put_all(iter(blobs)) == len(blobs)
        assert either.put_all(blobs) == 0
        with pytest.raises(DigestMismatch):
            either.put_all([("0" * 64, SMALL)])
    assert either.verify(digest for digest, _ in blobs) == {}


def test_a_full_disk_refuses_small_blobs_too_and_leaves_room_to_say_so(
    keeper: BlobKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    (digest,) = keep(keeper, SMALL)
    assert keeper.folder is not None
    reserve = keeper.folder / ".reserve"
    for content in (b"small", LARGE):
        assert reserve.exists()
        with monkeypatch.context() as patch:
            patch.setattr("memory.weights.room._free", lambda folder: 1000)
            with keeper.pointing(), pytest.raises(DatabaseFull, match="no room is left"):
                keeper.put(content)
        assert not reserve.exists()
        keep(keeper, SMALL)
    keeper.release_reserve()
    assert not reserve.exists()
    assert keeper.digests() == {digest}


@pytest.mark.parametrize("given", [False, True])
def test_the_folder_is_beside_a_sqlite_file_or_where_it_is_said(tmp_path: Path, given: bool) -> None:
    place = tmp_path / "elsewhere" if given else None
    with MemorySystem(tmp_path / "research.db", blobs=place) as memory:
        assert memory._keeper.folder == (place or tmp_path / "research.db.blobs")
    with MemorySystem(":memory:", blobs=place) as memory:
        assert memory._keeper.folder == place


def test_a_server_keeps_them_itself_unless_a_folder_is_given(postgres_url: str, tmp_path: Path) -> None:
    make: Callable[..., MemorySystem] = MemorySystem
    with make(postgres_url) as memory:
        assert memory._keeper.folder is None
        (digest,) = keep(memory._keeper, LARGE)
        assert memory._keeper.get(digest) == LARGE
    with make(postgres_url, blobs=str(tmp_path / "blobs")) as memory:
        assert memory._keeper.folder == tmp_path / "blobs"
        # What is a row stays readable where there is a folder now.
        assert memory._keeper.get(digest) == LARGE
