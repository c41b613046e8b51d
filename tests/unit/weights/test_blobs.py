"""The folder of blobs: whole or absent, verified when read, swept only of what nothing points at."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from blake3 import blake3

from memory.errors import DatabaseFull, DatabaseUnavailable, DigestMismatch, MissingBlob
from memory.weights.blobs import BlobStore


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
    assert blobs.sweep({kept}) == (orphan,)
    assert set(blobs.digests()) == {kept, fresh}
    assert not partial.exists()
    assert blobs.sweep({kept}, grace=0) == (fresh,)
    assert set(blobs.digests()) == {kept}


def test_a_sweep_of_no_folder_makes_none(blobs: BlobStore) -> None:
    assert blobs.sweep(()) == ()
    assert not blobs.folder.exists()


def test_a_sweep_waits_for_whoever_is_about_to_point_at_a_blob(blobs: BlobStore) -> None:
    pointed_at: set[str] = set()
    swept: list[tuple[str, ...]] = []
    sweeper = threading.Thread(target=lambda: swept.append(blobs.sweep(pointed_at, grace=0)))
    with blobs.pointing(), blobs.pointing():
        digest = blobs.put(b"abc")
        sweeper.start()
        sweeper.join(0.2)
        assert sweeper.is_alive()
        pointed_at.add(digest)
    sweeper.join(20)
    assert swept == [()]
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
