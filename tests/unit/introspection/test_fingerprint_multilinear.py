"""The hash that accelerators compute: the sum it is said to be, on whatever bytes, on any device."""

from __future__ import annotations

import pytest
import torch

from introspection.multilinear import CHUNK_WORDS, LANES, ROW_WORDS, _weights, row_hashes

torch.set_num_threads(1)


def by_hand(raw: bytes) -> list[list[int]]:
    """The same sums in Python's integers, which know no overflow."""
    weights = _weights(torch.device("cpu")).tolist()
    words = [
        int.from_bytes(raw[begin : begin + 4].ljust(4, b"\0"), "little", signed=True) for begin in range(0, len(raw), 4)
    ]
    rows = [words[begin : begin + ROW_WORDS] for begin in range(0, len(words), ROW_WORDS)]
    return [
        [sum(weight * word for weight, word in zip(weights[lane], row, strict=False)) % 2**64 for lane in range(LANES)]
        for row in rows
    ]


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 4 * ROW_WORDS - 1, 4 * ROW_WORDS, 8 * ROW_WORDS + 6])
def test_it_is_the_weighted_sum_of_the_words_modulo_two_to_the_64(size: int) -> None:
    raw = torch.randint(0, 256, (size,), dtype=torch.uint8)
    found = row_hashes(raw)
    assert found.shape == (-(-size // (4 * ROW_WORDS)), 2)
    assert [[value % 2**64 for value in row] for row in found.tolist()] == by_hand(bytes(raw.tolist()))


def test_chunks_follow_each_other_as_rows_do() -> None:
    words = torch.randint(-(1 << 31), 1 << 31, (CHUNK_WORDS + 3 * ROW_WORDS + 5,), dtype=torch.int32)
    whole = row_hashes(words)
    in_rows = [row_hashes(words[begin : begin + ROW_WORDS]) for begin in range(0, len(words), ROW_WORDS)]
    assert torch.equal(whole, torch.cat(in_rows))


def test_bytes_that_do_not_begin_at_a_word_are_read_all_the_same() -> None:
    raw = torch.randint(0, 256, (70_003,), dtype=torch.uint8)
    for begin in (1, 2, 3, 4):
        assert torch.equal(row_hashes(raw[begin:]), row_hashes(raw[begin:].clone()))


def test_weights_are_odd_all_different_and_always_the_same() -> None:
    weights = _weights(torch.device("cpu"))
    assert weights.shape == (LANES, ROW_WORDS)
    assert bool((weights & 1).all())
    assert len(set(weights.flatten().tolist())) == weights.numel()
    # Drawn anew in every process, from nothing that differs between them.
    assert weights[0, :2].tolist() == [-342887624326434665, -621396535619796777]


def test_no_two_flipped_signs_cancel_in_a_lane() -> None:
    # The hardest change: each word differs by 2^31, and only 33 bits of every product are left to tell.
    words = torch.zeros(600, dtype=torch.int32)
    before = row_hashes(words)[0]
    found = set()
    for first in range(0, 600, 60):
        for second in range(first + 1, 600):
            words[[first, second]] = -(1 << 31)
            after = row_hashes(words)[0]
            assert bool((after != before).all())
            found.add(tuple(after.tolist()))
            words[[first, second]] = 0
    assert len(found) == sum(599 - first for first in range(0, 600, 60))
