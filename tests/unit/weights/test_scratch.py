"""Scratch memory: exactly as large as asked for, used again, nobody else's meanwhile, no more than allowed."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from memory.weights.scratch import Scratch

MIB = 1 << 20


def address(array: np.ndarray) -> int:
    return int(array.ctypes.data)


@pytest.mark.parametrize("nbytes", [0, 1, 1_000, MIB, 3 * MIB + 1])
def test_a_buffer_has_exactly_the_bytes_asked_for(nbytes: int) -> None:
    with Scratch().buffer(nbytes) as array:
        assert (array.shape, array.dtype) == ((nbytes,), np.uint8)
        array[:] = 7


def test_memory_is_used_again() -> None:
    scratch = Scratch()
    with scratch.buffer(4 * MIB) as array:
        first = address(array)
    with scratch.buffer(4 * MIB) as array:
        assert address(array) == first


def test_a_smaller_buffer_uses_larger_memory_and_is_still_exact() -> None:
    scratch = Scratch()
    with scratch.buffer(4 * MIB) as array:
        first = address(array)
    with scratch.buffer(3 * MIB) as array:
        assert (address(array), array.nbytes) == (first, 3 * MIB)
    assert scratch.kept == 4 * MIB


def test_the_smallest_memory_that_is_large_enough_is_used() -> None:
    scratch = Scratch()
    with scratch.buffer(2 * MIB) as small, scratch.buffer(8 * MIB) as large:
        addresses = address(large), address(small)
    with scratch.buffer(2 * MIB) as small, scratch.buffer(2 * MIB) as large:
        assert (address(large), address(small)) == addresses


def test_buffers_in_use_at_once_share_no_memory() -> None:
    scratch = Scratch()
    for _ in range(2):
        with scratch.buffer(2 * MIB) as one, scratch.buffer(2 * MIB) as other:
            one[:], other[:] = 1, 2
            assert int(one.max()) == 1


def test_a_larger_buffer_takes_the_place_of_one_that_is_too_small() -> None:
    scratch = Scratch()
    for size in (2 * MIB, 3 * MIB, 4 * MIB):
        with scratch.buffer(size):
            pass
    assert scratch.kept == 4 * MIB


def test_memory_comes_back_when_the_block_fails() -> None:
    scratch = Scratch()
    with pytest.raises(KeyError), scratch.buffer(2 * MIB):
        raise KeyError
    assert scratch.kept == 2 * MIB


def test_no_more_is_kept_than_allowed_and_the_largest_stay() -> None:
    scratch = Scratch(kept_bytes=6 * MIB)
    with scratch.buffer(2 * MIB), scratch.buffer(3 * MIB), scratch.buffer(2 * MIB):
        pass
    assert scratch.kept == 5 * MIB


def test_memory_that_may_not_be_kept_drives_out_none_that_may() -> None:
    scratch = Scratch(kept_bytes=4 * MIB)
    with scratch.buffer(5 * MIB), scratch.buffer(3 * MIB):
        pass
    assert scratch.kept == 3 * MIB


def test_small_buffers_are_not_kept() -> None:
    scratch = Scratch()
    with scratch.buffer(1_000):
        pass
    assert scratch.kept == 0


def test_released_memory_is_no_longer_kept() -> None:
    scratch = Scratch()
    with scratch.buffer(2 * MIB):
        pass
    scratch.release()
    assert scratch.kept == 0


def test_memory_in_use_survives_a_release() -> None:
    scratch = Scratch()
    with scratch.buffer(2 * MIB) as array:
        array[:] = 9
        scratch.release()
        assert int(array.min()) == 9
    assert scratch.kept == 2 * MIB


def test_threads_never_have_the_same_memory() -> None:
    scratch = Scratch()
    mixed: list[int] = []

    def work(mark: int) -> None:
        for _ in range(20):
            with scratch.buffer(MIB) as array:
                array[:] = mark
                if (array != mark).any():
                    mixed.append(mark)

    threads = [threading.Thread(target=work, args=(mark,)) for mark in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mixed == []
    assert scratch.kept <= 4 * MIB


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_does_not_wait_for_what_a_thread_of_its_parent_holds() -> None:
    scratch = Scratch()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with scratch._lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if not child:
        status = 1
        try:
            with scratch.buffer(2 * MIB):
                status = 0
        finally:
            os._exit(status)
    ended = _wait(child)
    done.set()
    thread.join()
    assert ended == 0


def _wait(child: int, seconds: float = 10.0) -> int | None:
    """The exit status of a child, None if it has none in time and had to be ended."""
    ended = threading.Event()
    status: list[int] = []

    def wait() -> None:
        status.append(os.waitpid(child, 0)[1])
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    if not ended.wait(seconds):
        os.kill(child, 9)
        thread.join()
        return None
    thread.join()
    return status[0]
