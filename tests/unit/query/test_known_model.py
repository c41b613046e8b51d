"""Which earlier state a model's bytes are, from what every storage held and when."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from introspection.sharing import SharingMap
from memory.query.weights import KnownModel

NAMES = ("a", "b", "c")


def known(histories: dict[str, list[str]]) -> KnownModel:
    """Each storage takes the next of its digests at positions of its own."""
    positions = itertools.count(1)
    spread = {key: tuple((next(positions), digest) for digest in digests) for key, digests in histories.items()}
    return KnownModel(SharingMap.from_relations(names=list(histories)), spread)


def brute_force(model: KnownModel, wanted: dict[str, str]) -> int | None:
    """The start of the latest stretch of positions in which every storage held what is wanted."""
    last = max(position for history in model.histories.values() for position, _ in history)
    fits = [
        all(
            ([digest for at, digest in model.histories[key] if at <= position] or [None])[-1] == digest_wanted
            for key, digest_wanted in wanted.items()
        )
        for position in range(last + 1)
    ]
    stretches = [position for position in range(1, last + 1) if fits[position] and not fits[position - 1]]
    return stretches[-1] if stretches else None


@given(st.fixed_dictionaries({name: st.lists(st.sampled_from("xy"), min_size=1, max_size=6) for name in NAMES}))
def test_it_is_the_latest_at_which_all_storages_held_just_these_bytes(histories: dict[str, list[str]]) -> None:
    model = known({key: [digest for digest, _ in itertools.groupby(held)] for key, held in histories.items()})
    for wanted in itertools.product("xy", repeat=len(NAMES)):
        chosen = dict(zip(NAMES, wanted, strict=True))
        assert model.state_of(chosen) == brute_force(model, chosen)


def test_bytes_never_held_together_are_no_state() -> None:
    assert known({"a": ["x", "y"], "b": ["x", "y"]}).state_of({"a": "x", "b": "y"}) is None
