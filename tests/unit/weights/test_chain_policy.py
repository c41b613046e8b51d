"""When a keyframe is due: every state stays within four loads of bytes that can be loaded, at few bytes in all."""

from __future__ import annotations

import random

import pytest

from memory.weights.chain_policy import LOAD_BUDGET, MOST_STEPS, Chain, keeps_packed, replay_allowed
from memory.weights.costs import MEASURED, Costs
from memory.weights.paths import DeltaEdge, Source, cheapest_path

LARGE = 40_000_000
FREE = Costs(decode=0, read=0, digest=0, step=0)
"""Costs at which replaying is never the reason."""


def delta(size: int, changed: int, number: int = 0) -> DeltaEdge:
    return DeltaEdge(before=f"s{number}", after=f"s{number + 1}", blob=f"d{number}", size=size, changed_bytes=changed)


def chain_of(*deltas: DeltaEdge) -> Chain:
    chain = Chain()
    for each in deltas:
        chain = chain.after(each)
    return chain


def test_a_state_that_was_just_kept_whole_needs_no_keyframe() -> None:
    assert not Chain().needs_keyframe(LARGE)


def test_a_storage_with_nothing_to_load_needs_one_before_its_first_delta() -> None:
    assert Chain(anchored=False).needs_keyframe(LARGE)
    assert not Chain(anchored=False).keyframed().needs_keyframe(LARGE)


def test_a_chain_counts_its_deltas_and_their_bytes() -> None:
    assert chain_of(delta(10, 100), delta(20, 300)) == Chain(steps=2, delta_bytes=30, changed_bytes=400)


def test_a_keyframe_begins_a_new_chain() -> None:
    assert chain_of(delta(10, 100), delta(20, 300)).keyframed() == Chain()


def test_a_row_edit_of_a_large_storage_needs_no_keyframe() -> None:
    assert not chain_of(delta(900, 3_000)).needs_keyframe(LARGE)


@pytest.mark.parametrize(("steps", "due"), [(MOST_STEPS - 1, False), (MOST_STEPS, True)])
def test_a_keyframe_is_due_when_the_deltas_are_many(steps: int, due: bool) -> None:
    assert chain_of(*[delta(1, 1)] * steps).needs_keyframe(LARGE, FREE) is due


@pytest.mark.parametrize(("size", "due"), [(LARGE // 4 - 1, False), (LARGE // 4, True)])
def test_a_keyframe_is_due_when_the_deltas_come_to_half_the_size(size: int, due: bool) -> None:
    assert chain_of(delta(size, 1), delta(size, 1)).needs_keyframe(LARGE, FREE) is due


def test_a_keyframe_is_due_when_replaying_would_take_longer_than_the_budget_leaves() -> None:
    costs = Costs(step=0, decode=1)
    most = int(replay_allowed(LARGE, costs))
    assert not chain_of(delta(0, most)).needs_keyframe(LARGE, costs)
    assert chain_of(delta(0, most + 1)).needs_keyframe(LARGE, costs)


def test_a_replay_takes_with_it_what_every_small_delta_costs_besides() -> None:
    small = [delta(20, 2)] * 20
    assert chain_of(*small).needs_keyframe(4_096)
    assert not chain_of(*small).needs_keyframe(LARGE)


def test_a_dense_delta_of_a_matrix_is_followed_by_another_before_a_keyframe() -> None:
    raw = 2_400_000
    dense = delta(raw // 39, raw)
    assert not chain_of(dense).needs_keyframe(raw)
    assert chain_of(dense, dense, dense).needs_keyframe(raw)


def test_weights_are_kept_as_they_are_and_zeros_compressed() -> None:
    assert not keeps_packed(1_000, 680)
    assert keeps_packed(1_000, 50)


def test_after_a_checkout_the_chain_is_that_of_the_path() -> None:
    edges = [delta(10, 100, 0), delta(20, 200, 1), delta(40, 400, 2)]
    path = cheapest_path("s2", [Source("s3", "keyframe", "k", LARGE)], edges, raw_bytes=LARGE)
    assert path is not None
    assert Chain.along(path, edges) == Chain(steps=1, delta_bytes=40, changed_bytes=400)


def test_a_path_from_live_weights_alone_anchors_nothing() -> None:
    path = cheapest_path("s0", [Source("s0", "live", "w", LARGE)], [], raw_bytes=LARGE)
    assert path is not None
    assert Chain.along(path, []).needs_keyframe(LARGE)


def matrix_history(raw: int, seed: int) -> tuple[list[DeltaEdge], list[Source]]:
    """Edits of every kind on one storage, with keyframes where the policy wants them."""
    kinds = random.Random(seed)
    edges: list[DeltaEdge] = []
    keyframes = [Source("s0", "keyframe", "k0", raw)]
    chain = Chain()
    for number in range(300):
        row = delta(60 + raw // 2_000, raw // 1_000, number)
        edges.append(kinds.choice([row, row, delta(raw // 39, raw, number), delta(raw * 10 // 21, raw, number)]))
        chain = chain.after(edges[-1])
        if chain.needs_keyframe(raw):
            keyframes.append(Source(f"s{number + 1}", "keyframe", f"k{number + 1}", raw))
            chain = chain.keyframed()
    return edges, keyframes


@pytest.mark.parametrize("raw", [1_536, 65_536, 1_179_648, LARGE])
def test_no_state_costs_more_than_the_budget_whatever_the_edits_were(raw: int) -> None:
    edges, keyframes = matrix_history(raw, seed=raw)
    for number in range(0, 301, 7):
        path = cheapest_path(f"s{number}", keyframes, edges, raw_bytes=raw)
        assert path is not None
        checkout = (path.cost + MEASURED.of_finishing(raw)) / MEASURED.at_once
        assert checkout <= LOAD_BUDGET * MEASURED.of_loading(raw)


def test_a_thousand_edits_of_single_matrices_take_ninety_times_fewer_bytes_than_checkpoints() -> None:
    embedding, matrix, matrices = 40_000_000, 4_700_000, 25
    sizes = {"embedding": embedding} | {f"layer {number}": matrix for number in range(matrices)}
    model_bytes = written = sum(sizes.values())
    chains = {name: Chain() for name in sizes}
    kinds = random.Random(0)
    for number in range(1_000):
        name = f"layer {kinds.randrange(matrices)}" if kinds.random() < 0.75 else "embedding"
        rows = name == "embedding" or kinds.random() < 0.4
        edit = delta(1_500, 3_072, number) if rows else delta(matrix // 39, matrix, number)
        chains[name] = chains[name].after(edit)
        written += edit.size
        if chains[name].needs_keyframe(sizes[name]):
            written += sizes[name]
            chains[name] = chains[name].keyframed()
    assert written * 90 <= 1_000 * model_bytes
