"""What a delta promises: there and back to the bit, small where little changed, and no trust in what is stored."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from memory.errors import CorruptionError, InvalidArgument
from memory.weights.changed import changed_ranges
from memory.weights.delta import Encoded, apply, describe, encode, size_of, verify
from memory.weights.planes import pack, pack_positions
from memory.weights.segments import Segment, read, write
from memory.weights.workspace import Workspace

Bytes = NDArray[np.uint8]
ROWS, COLUMNS = 600, 512
Edit = Callable[[NDArray[np.uint16], np.random.Generator], None]


def weights(seed: int = 0) -> NDArray[np.uint16]:
    """Bits of bf16 numbers such as weights are."""
    values = np.random.default_rng(seed).normal(0, 0.02, (ROWS, COLUMNS)).astype(np.float32)
    return (values.view(np.uint32) >> 16).astype(np.uint16)


def flat(bits: NDArray[np.uint16]) -> Bytes:
    return bits.reshape(-1).view(np.uint8)


def encoded(before: Bytes, after: Bytes, width: int = 2, row_bytes: int = 2 * COLUMNS) -> Encoded:
    return encode(before, after, ranges=[(0, len(before))], width=width, row_bytes=row_bytes)


def there_and_back(delta: Encoded, before: Bytes, after: Bytes) -> None:
    state = before.copy()
    apply(delta.content, state)
    assert state.tobytes() == after.tobytes()
    apply(delta.content, state, backward=True)
    assert state.tobytes() == before.tobytes()


def nothing(bits: NDArray[np.uint16], _: np.random.Generator) -> None:
    del bits


def one_element(bits: NDArray[np.uint16], _: np.random.Generator) -> None:
    bits[300, 7] ^= 0x8000


def few_elements(bits: NDArray[np.uint16], random: np.random.Generator) -> None:
    bits.reshape(-1)[random.choice(bits.size, bits.size // 50, replace=False)] += np.uint16(1)


def many_elements(bits: NDArray[np.uint16], random: np.random.Generator) -> None:
    bits.reshape(-1)[random.choice(bits.size, bits.size // 5, replace=False)] -= np.uint16(1)


def one_row(bits: NDArray[np.uint16], random: np.random.Generator) -> None:
    bits[17] = random.integers(0, 1 << 16, COLUMNS)


def some_rows(bits: NDArray[np.uint16], random: np.random.Generator) -> None:
    bits[random.choice(ROWS, 120, replace=False)] += random.integers(1, 100, (120, COLUMNS)).astype(np.uint16)


def nudged(bits: NDArray[np.uint16], random: np.random.Generator) -> None:
    bits += random.integers(1, 4, bits.shape).astype(np.uint16)


def noise(bits: NDArray[np.uint16], random: np.random.Generator) -> None:
    bits += random.normal(0, 20, bits.shape).astype(np.int16).view(np.uint16)


def replaced(bits: NDArray[np.uint16], random: np.random.Generator) -> None:
    bits[:] = random.integers(0, 1 << 16, bits.shape)


@pytest.mark.parametrize(
    ("edit", "codec", "at_least"),
    [
        (nothing, "nothing", 10_000),
        (one_element, "sparse", 5_000),
        (few_elements, "sparse", 40),
        (many_elements, "sparse", 12),
        (one_row, "rows", 400),
        (some_rows, "rows", 8),
        (nudged, "dense", 8),
        (noise, "dense", 2.2),
        (replaced, "dense", 0.999),
    ],
)
def test_every_kind_of_edit_goes_there_and_back_in_the_form_that_suits_it(
    edit: Edit, codec: str, at_least: float
) -> None:
    before = weights()
    after = before.copy()
    edit(after, np.random.default_rng(1))
    delta = encoded(flat(before), flat(after))
    assert (delta.codec, len(flat(before)) / len(delta.content) >= at_least) == (codec, True), len(delta.content)
    there_and_back(delta, flat(before), flat(after))
    assert verify(delta.content, flat(before), flat(after), [(0, len(flat(before)))])


def test_a_delta_says_what_it_is_of() -> None:
    before, after = weights(), weights()
    after[5] += 1
    delta = encoded(flat(before), flat(after))
    described = describe(delta.content)
    assert (described.codec, described.changed_bytes) == (delta.codec, delta.changed_bytes) == ("rows", 2 * COLUMNS)
    assert described.raw_bytes == size_of(delta.content) == flat(before).nbytes
    assert described.width == 2


def test_bits_no_arithmetic_keeps_come_back() -> None:
    before = np.array([0x7FC00001, 0xFFC12345, 0x80000000, 0, 0x7F800000, 1, 0x00000001, 0xFFFFFFFF], np.uint32)
    after = np.array([0x7FC00002, 0x7FC12345, 0, 0x80000000, 0xFF800000, 0xFFFFFFFF, 0x80000001, 0], np.uint32)
    there_and_back(
        encoded(before.view(np.uint8), after.view(np.uint8), 4, 8), before.view(np.uint8), after.view(np.uint8)
    )


@pytest.mark.parametrize("size", [0, 2])
def test_tensors_of_no_element_and_of_one(size: int) -> None:
    before, after = np.zeros(size, np.uint8), np.full(size, 7, np.uint8)
    delta = encode(before, after, ranges=changed_ranges(before, after), width=2, row_bytes=0)
    assert delta.codec == ("dense" if size else "nothing")
    there_and_back(delta, before, after)


def test_garbage_outside_the_ranges_is_never_read() -> None:
    before, after = weights(), weights()
    after[100:140] += 3
    row = 2 * COLUMNS
    ranges = [(100 * row, 140 * row)]
    told = flat(before).copy()
    told[: ranges[0][0]] = 0xAA
    told[ranges[0][1] :] = 0x55
    delta = encode(told, flat(after), ranges=ranges, width=2, row_bytes=row)
    assert delta.content == encode(flat(before), flat(after), ranges=ranges, width=2, row_bytes=row).content
    there_and_back(delta, flat(before), flat(after))
    assert verify(delta.content, told, flat(after), ranges)


def test_rows_that_were_named_one_by_one_are_kept_together() -> None:
    before, after = weights(), weights()
    row, rows = 2 * COLUMNS, range(0, ROWS, 3)
    after[rows] += 3
    ranges = [(each * row, (each + 1) * row) for each in rows]
    delta = encode(flat(before), flat(after), ranges=ranges, width=2, row_bytes=row)
    assert (delta.codec, delta.changed_bytes) == ("rows", len(rows) * row)
    assert len(delta.content) < 2000
    there_and_back(delta, flat(before), flat(after))


def test_elements_in_rows_that_were_named_are_kept_as_elements() -> None:
    before, after = weights(), weights()
    row, rows = 2 * COLUMNS, (5, 90, 91, 400)
    for each in rows:
        after[each, each] += 1
    ranges = [(each * row, (each + 1) * row) for each in rows]
    delta = encode(flat(before), flat(after), ranges=ranges, width=2, row_bytes=row)
    assert (delta.codec, delta.changed_bytes) == ("sparse", 8)
    there_and_back(delta, flat(before), flat(after))


@pytest.mark.parametrize("skew", [0, 100])
def test_rows_that_a_range_cuts_in_two(skew: int) -> None:
    before, after = weights(), weights()
    row = 2 * COLUMNS
    begin, end = 10 * row + skew, 60 * row + skew
    after[[10, 20, 21, 22, 23, 60]] += np.arange(COLUMNS, dtype=np.uint16) + 1
    delta = encode(flat(before), flat(after), ranges=[(begin, end)], width=2, row_bytes=row)
    cut = flat(before).copy()
    cut[begin:end] = flat(after)[begin:end]
    kinds = {segment.codec for segment in read(delta.content).segments}
    assert kinds == ({"rows", "sparse"} if skew else {"rows"})
    there_and_back(delta, flat(before), cut)
    assert verify(delta.content, flat(before), flat(after), [(begin, end)])


@pytest.mark.parametrize("threads", [1, 3])
def test_how_many_threads_work_makes_no_difference(threads: int) -> None:
    random = np.random.default_rng(2)
    before = random.integers(0, 256, 9 << 20, dtype=np.uint8)
    after = before.copy()
    after[: 4 << 20] += random.integers(0, 2, 4 << 20, dtype=np.uint8)
    after[(5 << 20) + 3] += 1
    after[6 << 20 :] = random.integers(0, 256, 3 << 20, dtype=np.uint8)
    ranges = changed_ranges(before, after, threads=threads)
    assert ranges == [(0, 4 << 20), (5 << 20, 9 << 20)]
    delta = encode(before, after, ranges=ranges, width=1, row_bytes=1 << 10, threads=threads)
    assert delta.content == encode(before, after, ranges=ranges, width=1, row_bytes=1 << 10, threads=2).content
    apply(delta.content, before, threads=threads)
    assert before.tobytes() == after.tobytes()


def test_verify_finds_a_state_the_delta_does_not_lead_to() -> None:
    before, after = weights(), weights()
    some_rows(after, np.random.default_rng(1))
    whole = [(0, flat(before).nbytes)]
    content = encoded(flat(before), flat(after)).content
    changed, unchanged = (np.flatnonzero((before != after).any(axis=1) == one)[0] for one in (True, False))
    for row in (changed, unchanged):
        other = after.copy()
        other[row, 3] ^= 1
        assert not verify(content, flat(before), flat(other), whole)
    assert not verify(content, flat(before), flat(after), [(0, whole[0][1] // 2)])
    assert not verify(content, flat(before)[:-2], flat(after)[:-2], [(0, whole[0][1] - 2)])


def test_content_that_is_cut_off_anywhere_is_refused() -> None:
    before, after = weights()[:20], weights()[:20]
    after[3] += 5
    after[9, 1] += 5
    content = encoded(flat(before), flat(after)).content
    for length in range(len(content)):
        with pytest.raises(CorruptionError):
            apply(content[:length], flat(before).copy())
    with pytest.raises(CorruptionError, match="left over"):
        apply(content + b"\0", flat(before).copy())


def test_a_target_of_another_length_is_refused_and_untouched() -> None:
    before, after = weights(), weights()
    after += 1
    content = encoded(flat(before), flat(after)).content
    target = flat(before)[:-2].copy()
    with pytest.raises(CorruptionError, match="bytes"):
        apply(content, target)
    assert target.tobytes() == flat(before)[:-2].tobytes()


FOUR_ROWS = b"".join(pack_positions(np.arange(4), 0, Workspace())) + b"".join(pack(np.ones(16, "<u2"), Workspace()))


@pytest.mark.parametrize(
    ("spans", "because"),
    [
        ([("rows", 0, 132, 4, 4)], "span"),
        ([("rows", 0, 16, 4, 4), ("rows", 12, 28, 4, 4)], "span"),
        ([("rows", 16, 32, 4, 4), ("rows", 0, 16, 4, 4)], "span"),
        ([("rows", 0, 18, 4, 4)], "span"),
        ([("rows", 0, 16, 0, 4)], "span"),
        ([("rows", 0, 12, 4, 4)], "room"),
        ([("rows", 0, 32, 4, 4)], "span"),
    ],
    ids=["beyond the end", "overlapping", "out of order", "no whole rows", "no unit", "too many rows", "too few rows"],
)
def test_segments_that_cannot_be_are_refused_and_nothing_is_written(
    spans: list[tuple[str, int, int, int, int]], because: str
) -> None:
    content, _ = write(2, 256, [Segment(*span, (FOUR_ROWS,)) for span in spans])
    target = np.zeros(256, np.uint8)
    with pytest.raises(CorruptionError, match=because):
        apply(content, target)
    assert not target.any()


def test_a_difference_elsewhere_does_not_make_up_for_one_that_is_missed() -> None:
    before, after = weights(), weights()
    after[[3, 9]] += 1
    row = 2 * COLUMNS
    content = encode(flat(before), flat(after), ranges=[(3 * row, 4 * row)], width=2, row_bytes=row).content
    assert verify(content, flat(before), flat(after), [(3 * row, 4 * row)])
    assert not verify(content, flat(before), flat(after), [(9 * row, 10 * row)])


def test_arguments_that_do_not_fit_are_refused() -> None:
    before = np.zeros(16, np.uint8)
    for ranges in ([(0, 17)], [(4, 2)], [(0, 8), (4, 16)], [(1, 3)]):
        with pytest.raises(InvalidArgument, match="ranges"):
            encode(before, before, ranges=ranges, width=2, row_bytes=0)
    with pytest.raises(InvalidArgument, match="width"):
        encode(before, before, ranges=[], width=3, row_bytes=0)
    with pytest.raises(InvalidArgument, match="after"):
        encode(before, before[:8], ranges=[], width=1, row_bytes=0)
    with pytest.raises(InvalidArgument, match="contiguous"):
        encode(before[::2], before[::2], ranges=[], width=1, row_bytes=0)
    with pytest.raises(InvalidArgument, match="block"):
        changed_ranges(before, before, block=0)
    read_only = before.copy()
    read_only.flags.writeable = False
    with pytest.raises(InvalidArgument, match="read-only"):
        apply(encode(before, before, ranges=[], width=1, row_bytes=0).content, read_only)


@pytest.mark.parametrize("block", [1, 16, 100, 1 << 20])
def test_changed_ranges_are_the_blocks_that_differ(block: int) -> None:
    before = np.zeros(1000, np.uint8)
    after = before.copy()
    after[[0, 99, 100, 555, 999]] = 1
    ranges = changed_ranges(before, after, block=block)
    inside = np.zeros(1000, bool)
    for begin, end in ranges:
        assert begin % block == 0
        assert end % block == 0 or end == 1000
        inside[begin:end] = True
    expected = np.repeat(np.add.reduceat(after, np.arange(0, 1000, block)) > 0, block)[:1000]
    assert np.array_equal(inside, expected)
    assert all(one[1] < other[0] for one, other in pairwise(ranges))
