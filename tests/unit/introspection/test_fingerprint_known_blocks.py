"""Known blocks: the identity after a write, from what was known before it."""

from __future__ import annotations

import pytest
import torch

from introspection import UnsupportedStorage
from introspection import known_blocks as module
from introspection.fingerprint import BLOCK_BYTES, fingerprint
from introspection.known_blocks import known_blocks

torch.set_num_threads(1)


@pytest.fixture
def weight() -> torch.Tensor:
    """Six blocks and a bit, in more than one of the pieces a thread reads."""
    return torch.randint(0, 255, (6 * BLOCK_BYTES + 77,), dtype=torch.uint8)


def test_they_give_the_identity(weight: torch.Tensor) -> None:
    for tensor in (weight, weight[1::2], torch.randn(3, 4).t(), torch.empty(0, 2), torch.tensor(1.0)):
        assert known_blocks(tensor).fingerprint == fingerprint(tensor)


def test_after_a_write_only_the_blocks_it_met_are_hashed_again(
    weight: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = known_blocks(weight)
    weight[BLOCK_BYTES - 1] ^= 1
    weight[6 * BLOCK_BYTES + 76] ^= 1
    hashed: list[object] = []
    whole = module.block_digests
    monkeypatch.setattr(module, "block_digests", lambda *asked: hashed.append(asked[2]) or whole(*asked))
    after = known_blocks(weight, "weight", before)
    assert hashed == [after.written(before)] == [(0, 6)]
    monkeypatch.undo()
    assert after == known_blocks(weight)
    assert after.fingerprint == fingerprint(weight) != before.fingerprint


def test_what_was_known_of_another_shape_or_dtype_is_no_help_and_no_harm(weight: torch.Tensor) -> None:
    before = known_blocks(weight)
    for other in (weight.view(1, -1), weight.view(torch.int8), weight[:-1]):
        after = known_blocks(other, "weight", before)
        assert after.fingerprint == fingerprint(other)
        assert after.written(before) == tuple(range(7))


def test_a_tensor_of_several_parts_has_none() -> None:
    with torch.sparse.check_sparse_tensor_invariants():
        sparse = torch.eye(3).to_sparse()
    with pytest.raises(UnsupportedStorage, match=r"'weight'.*sparse_coo"):
        known_blocks(sparse, "weight")
