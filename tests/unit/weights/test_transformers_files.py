"""Which ties loading makes again, also by a transformers that says only what is tied and not to what."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from torch import nn
from transformers import PreTrainedModel

from introspection.scan import scan_sharing
from memory.weights.transformers_files import Ties, is_transformers_model, remade_ties

ROOT = str(Path(__file__).resolve().parents[3])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from tests.real_architectures import qwen2, t5  # noqa: E402

HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"


def test_a_model_is_one_of_transformers_by_its_class() -> None:
    assert is_transformers_model(qwen2())
    assert not is_transformers_model(nn.Linear(2, 2))


def test_what_the_class_ties_is_told_with_what_it_is_tied_to() -> None:
    model = t5()
    assert remade_ties(model, scan_sharing(model)) == Ties(
        dict.fromkeys(
            ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"), "shared.weight"
        ),
        None,
    )


def test_a_configuration_that_says_otherwise_is_to_be_set_right() -> None:
    tied, untied = qwen2(tie_word_embeddings=False), qwen2()
    tied.lm_head.weight = tied.model.embed_tokens.weight
    untied.lm_head.weight = nn.Parameter(untied.lm_head.weight.detach().clone())
    assert remade_ties(tied, scan_sharing(tied)) == Ties({HEAD: EMBEDDING}, True)
    assert remade_ties(untied, scan_sharing(untied)) == Ties({}, False)


def test_nothing_is_tied_that_the_class_cannot_find(monkeypatch: pytest.MonkeyPatch) -> None:
    model = qwen2()
    monkeypatch.setattr(type(model), "_tied_weights_keys", {r"head\..*": "model.embed_tokens.weight"})
    assert remade_ties(model, scan_sharing(model)) == Ties({}, None)


def test_where_transformers_tells_patterns_the_sharing_map_tells_what_they_are_tied_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tied, untied = qwen2(), qwen2()
    untied.lm_head.weight = nn.Parameter(untied.lm_head.weight.detach().clone())
    # As in version 4 of transformers.
    monkeypatch.delattr(PreTrainedModel, "get_expanded_tied_weights_keys")
    monkeypatch.setattr(type(tied), "_tied_weights_keys", [r"lm_head\.weight"])
    assert remade_ties(tied, scan_sharing(tied)) == Ties({HEAD: EMBEDDING}, None)
    assert remade_ties(untied, scan_sharing(untied)) == Ties({}, False)
