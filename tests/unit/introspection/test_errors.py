from __future__ import annotations

import copy
import pickle

import pytest

from introspection.errors import PalimpsestError, SeveralStorages, UnknownName
from memory.errors import ConcurrencyError, KeyConflict

ERRORS = [
    PalimpsestError("wrong", remedy="mend it"),
    UnknownName("lm_head.wieght", ["lm_head.weight", "norm.weight"]),
    ConcurrencyError("model-qwen", 3, 4),
    KeyConflict("once", 7),
]


def test_an_unknown_name_suggests_the_nearest_that_exists() -> None:
    error = UnknownName("lm_head.wieght", ["norm.weight", "lm_head.weight"])
    assert error.nearest[0] == "lm_head.weight"
    assert "did you mean 'lm_head.weight'" in str(error)


def test_a_last_part_that_exists_elsewhere_is_suggested_too() -> None:
    assert UnknownName("embed_tokens", ["model.embed_tokens.weight", "x.y"]).nearest == ("model.embed_tokens.weight",)


def test_an_error_says_its_remedy() -> None:
    assert str(PalimpsestError("wrong", remedy="mend it")) == "wrong\n  remedy: mend it"
    assert str(PalimpsestError("wrong")) == "wrong"


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_crosses_processes_whole(error: PalimpsestError) -> None:
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(other) is type(error)
        assert str(other) == str(error)
        assert vars(other) == vars(error)


def test_several_storages_are_a_palimpsest_error() -> None:
    assert issubclass(SeveralStorages, PalimpsestError)
