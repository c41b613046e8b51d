"""The folder of blobs: whole or absent, verified when read, swept only of what nothing points at."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from blake3 import blake3

from memory.errors import DatabaseBusy, DatabaseFull, DatabaseUnavailable, DigestMismatch, MissingBlob
from memory.weights.blobs import BlobStore
from memory.weights.room import RESERVE


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "research.db.blobs")


def test_a_blob_is_kept_under_its_digest_and_read_back(blobs: BlobStore) -> None:
    for content in (b"", b"a", bytes(range(256)) * 5000):
        digest = blobs.put(content)
        assert digest == blake3(content).hexdigest()
        assert blobs.get(digest) == content
        assert (blobs.folder / digest[:2] / digest).read_bytes() == content


def test_the_same_bytes_are_kept_once_whatever_they_are_given_as(blobs: BlobStore) -> None:
    assert blobs.put(b"abc") == blobs.put(bytearray(b"abc")) == blobs.put(memoryview(b"abc"))
    assert len(list(blobs.digests())) == 1
    assert [path.name for path in blobs.folder.glob("*/*")] == list(blobs.digests())


def test_a_changed_byte_is_refused_when_it_is_read(blobs: BlobStore) -> None:
    digest = blobs.put(b"abc")
    (blobs.folder / digest[:2] / digest).write_bytes(b"abd")
    with pytest.raises(DigestMismatch) as raised:
        blobs.get(digest)
    assert (raised.value.expected, raised.value.actual) == (digest, blake3(b"abd").hexdigest())


@pytest.mark.parametrize("digest", ["0" * 64, "", "../../etc/passwd", "AB" * 32])
def test_what_is_not_there_is_missing(blobs: BlobStore, digest: str) -> None:
    with pytest.raises(MissingBlob):
        blobs.get(digest)


def test_a_blob_cut_short_by_somebody_is_written_again(blobs: BlobStore) -> None:
    digest = blobs.put(b"abc")
    (blobs.folder / digest[:2] / digest).write_bytes(b"a")
    assert blobs.put(b"abc") == digest
    assert blobs.get(digest) == b"abc"


def test_a_full_disk_is_said_and_leaves_nothing(blobs: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = blobs.put(b"before")

    def full(handle: int, start: int, size: int) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        with pytest.raises(DatabaseFull, match="no room is left"):
            blobs.put(b"abc")
    assert [path.name for path in blobs.folder.glob("*/*")] == [kept]
    assert not (blobs.folder / ".reserve").exists()
    assert blobs.get(blobs.put(b"abc")) == b"abc"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnavailable, match="cannot be written"):
        BlobStore(tmp_path / "file" / "blobs").put(b"abc")


def test_only_what_nothing_points_at_is_swept_and_only_when_it_is_old(blobs: BlobStore) -> None:
    kept, orphan, fresh = (blobs.put(content) for content in (b"kept", b"orphan", b"fresh"))
    partial = blobs.folder / orphan[:2] / f"{orphan}-12345678.partial"
    partial.write_bytes(b"half")
    for path in (blobs.folder / kept[:2] / kept, blobs.folder / orphan[:2] / orphan, partial):
        os.utime(path, (0, 0))
    assert blobs.sweep(lambda: {kept}) == ((orphan,), len(b"orphan") + len(b"half"))
    assert set(blobs.digests()) == {kept, fresh}
    assert not partial.exists()
    assert blobs.sweep(lambda: {kept}, grace=0) == ((fresh,), len(b"fresh"))
    assert set(blobs.digests()) == {kept}


def test_a_sweep_of_no_folder_makes_none(blobs: BlobStore) -> None:
    assert blobs.sweep(tuple) == ((), 0)
    assert not blobs.folder.exists()


def test_a_sweep_waits_for_whoever_is_about_to_point_at_a_blob(blobs: BlobStore) -> None:
    pointed_at: set[str] = set()
    swept: list[tuple[tuple[str, ...], int]] = []
    sweeper = threading.Thread(target=lambda: swept.append(blobs.sweep(lambda: pointed_at, grace=0)))
    with blobs.pointing(), blobs.pointing():
        digest = blobs.put(b"abc")
        sweeper.start()
        sweeper.join(0.2)
        assert sweeper.is_alive()
        pointed_at.add(digest)
    sweeper.join(20)
    assert swept == [((), 0)]
    assert blobs.get(digest) == b"abc"


def test_threads_that_put_the_same_bytes_at_once_all_succeed(blobs: BlobStore) -> None:
    contents = [bytes([number]) * 100_000 for number in range(8)]
    digests: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: digests.append([blobs.put(each) for each in contents])) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 6
    assert len({tuple(each) for each in digests}) == 1
    assert sorted(blobs.digests()) == sorted(digests[0])
    assert len(list(blobs.folder.glob("*/*"))) == 8


def test_what_is_on_the_disk_already_is_young_again(blobs: BlobStore) -> None:
    digest = blobs.put(b"abc")
    os.utime(blobs.folder / digest[:2] / digest, (0, 0))
    blobs.put(b"abc")
    assert blobs.sweep(frozenset) == ((), 0)


def test_a_blob_that_rotted_is_mended_by_whoever_puts_it_again(blobs: BlobStore) -> None:
    digest = blobs.put(b"abc")
    (blobs.folder / digest[:2] / digest).write_bytes(b"abd")
    blobs.put(b"abc")
    assert blobs.get(digest) == b"abc"


def test_a_large_blob_is_a_view_of_its_file_and_checked_too(blobs: BlobStore) -> None:
    content = bytes(range(256)) * 8192
    digest = blobs.put(content)
    found = blobs.get(digest)
    assert isinstance(found, memoryview)
    assert found == content
    assert blobs.check(digest) == len(content)
    path = blobs.folder / digest[:2] / digest
    path.write_bytes(content[:-1] + b"x")
    for read in (blobs.get, blobs.check):
        with pytest.raises(DigestMismatch):
            read(digest)
    path.unlink()
    with pytest.raises(MissingBlob):
        blobs.check(digest)


def test_who_is_about_to_point_at_a_blob_cannot_sweep_and_does_not_wait_for_itself(blobs: BlobStore) -> None:
    with blobs.pointing():
        blobs.put(b"abc")
        with pytest.raises(DatabaseBusy, match="about to point"):
            blobs.sweep(frozenset, grace=0)
    assert len(blobs.sweep(frozenset, grace=0)[0]) == 1


def test_a_sweep_gives_up_on_a_writer_that_never_ends(blobs: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memory.weights.holding.PATIENCE", 0.05)
    ready, end = threading.Event(), threading.Event()

    def write() -> None:
        with blobs.pointing():
            blobs.put(b"abc")
            ready.set()
            end.wait(20)

    writer = threading.Thread(target=write)
    writer.start()
    ready.wait(20)
    try:
        with pytest.raises(DatabaseBusy, match="did not come to an end"):
            blobs.sweep(frozenset, grace=0)
    finally:
        end.set()
        writer.join()
    assert len(blobs.sweep(frozenset, grace=0)[0]) == 1


def test_writers_that_never_rest_do_not_keep_a_sweep_waiting(blobs: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memory.weights.holding.PATIENCE", 5.0)
    kept: set[str] = set()
    done = threading.Event()

    def write(number: int) -> None:
        while not done.is_set():
            with blobs.pointing():
                kept.add(blobs.put(bytes([number])))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    try:
        orphan = blobs.put(b"orphan")
        assert blobs.sweep(lambda: set(kept), grace=0)[0] == (orphan,)
    finally:
        done.set()
        for writer in writers:
            writer.join()


def test_a_child_forked_amid_an_edit_takes_no_lock_with_it(blobs: BlobStore) -> None:
    end = os.pipe()
    with blobs.pointing():
        blobs.put(b"abc")
        child = os.fork()
        if child == 0:
            os.read(end[0], 1)
            os._exit(0)
    try:
        assert len(blobs.sweep(frozenset, grace=0)[0]) == 1
    finally:
        os.write(end[1], b"x")
        os.waitpid(child, 0)
        for handle in end:
            os.close(handle)


def test_an_edit_whose_blobs_are_rows_takes_no_lock_and_makes_no_folder(blobs: BlobStore) -> None:
    with blobs.pointing():
        assert not blobs.has("0" * 64)
    assert not blobs.folder.exists()


def test_room_for_saying_so_is_kept_until_the_disk_is_full(blobs: BlobStore) -> None:
    blobs.put(b"abc")
    reserve = blobs.folder / ".reserve"
    assert reserve.stat().st_blocks * 512 >= RESERVE
    with pytest.raises(DatabaseFull, match="free some space"):
        blobs.room.check(2**62)
    assert not reserve.exists()
    blobs.put(b"abd")
    assert reserve.stat().st_size == RESERVE
