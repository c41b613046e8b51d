"""What a model is called with: made from text, tensors or arguments, on its device, and nothing given is changed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from introspection.errors import InvalidArgument, NotAModel, UnsupportedStorage
from introspection.inputs import input_device, model_inputs

Tiny = Callable[[str], Any]


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(60, 4)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.embed(tokens)


class Wrapping(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.inner(*args, **kwargs)


def test_text_becomes_what_the_forward_takes(tiny: Tiny, tokenizer: Any) -> None:
    made = model_inputs(tiny("bert"), "the cat sat", tokenizer)
    assert set(made.kwargs) == {"input_ids", "attention_mask", "token_type_ids"}
    assert made.tokens == (("the", "cat", "sat"),)
    assert made.token_ids is made.kwargs["input_ids"]
    # What the tokenizer adds and the model does not know is left out.
    assert "token_type_ids" not in model_inputs(tiny("qwen2"), "the cat sat", tokenizer).kwargs
    assert set(model_inputs(Wrapping(tiny("qwen2")), "the cat", tokenizer).kwargs) == {"input_ids", "attention_mask"}


@pytest.mark.parametrize("name", ["qwen2", "gpt2", "bert", "t5", "albert"])
def test_every_architecture_runs_on_what_text_became(tiny: Tiny, tokenizer: Any, name: str) -> None:
    model = tiny(name)
    made = model_inputs(model, ["the cat sat on the mat", "a dog"], tokenizer)
    assert made.call(model)[0].shape[0] == 2


def test_a_plain_module_gets_the_tokens_as_its_first_argument(tokenizer: Any) -> None:
    model = Words()
    made = model_inputs(model, "the cat sat", tokenizer)
    assert made.call(model).shape == (1, 3, 4)
    assert made.tokens == (("the", "cat", "sat"),)


def test_tensors_tuples_and_mappings_are_passed_as_they_are(tiny: Tiny) -> None:
    model = tiny("gpt2")
    ids = torch.tensor([[1, 2, 3]])
    assert model_inputs(model, ids).args == (ids,)
    assert model_inputs(model, (ids, None)).args == (ids, None)
    given = {"input_ids": ids, "use_cache": False}
    made = model_inputs(model, given, max_length=2)
    assert made.kwargs["input_ids"].tolist() == [[1, 2]]
    assert made.kwargs["use_cache"] is False
    assert given["input_ids"] is ids
    assert ids.tolist() == [[1, 2, 3]]
    assert model_inputs(model, made).kwargs["input_ids"] is made.kwargs["input_ids"]


def test_lists_of_tokens_as_tokenizers_return_them_become_a_batch(tiny: Tiny, tokenizer: Any) -> None:
    made = model_inputs(tiny("gpt2"), tokenizer("the cat sat"))
    assert made.kwargs["input_ids"].shape == (1, 3)
    with pytest.raises(InvalidArgument, match="input_ids"):
        model_inputs(tiny("gpt2"), {"input_ids": [[1, 2], [3]]})


def test_everything_per_token_is_cut_together(tiny: Tiny, tokenizer: Any) -> None:
    encoded = tokenizer(["the cat sat on the mat", "a dog"], padding=True, return_tensors="pt")
    made = model_inputs(tiny("bert"), encoded, max_length=4)
    assert {key: tuple(value.shape) for key, value in made.kwargs.items()} == {
        "input_ids": (2, 4), "attention_mask": (2, 4), "token_type_ids": (2, 4)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "options", "argument"),
    [
        ("the cat", {"tokenizer": None}, "tokenizer"),
        ("the cat", {"tokenizer": "words"}, "tokenizer"),
        ("", {}, "inputs"),
        ("the cat", {"max_length": 0}, "max_length"),
        (torch.randn(2, 3), {"max_length": 2}, "max_length"),
        (7, {}, "inputs"),
        ({}, {}, "inputs"),
    ],
)
def test_what_a_model_cannot_be_called_with_is_refused(
    tiny: Tiny, tokenizer: Any, given: Any, options: dict[str, Any], argument: str
) -> None:
    with pytest.raises(InvalidArgument) as error:
        model_inputs(tiny("gpt2"), given, **({"tokenizer": tokenizer} | options))
    assert error.value.name == argument
    assert error.value.remedy


def test_several_texts_need_a_padding_token(tiny: Tiny, tokenizer: Any) -> None:
    tokenizer = copy.deepcopy(tokenizer)
    tokenizer.pad_token = None
    with pytest.raises(InvalidArgument, match="pad_token"):
        model_inputs(tiny("gpt2"), ["the cat", "a dog ran"], tokenizer)
    assert model_inputs(tiny("gpt2"), ["the cat"], tokenizer).kwargs["input_ids"].shape == (1, 2)


def test_the_device_is_that_of_the_models_first_tensor() -> None:
    assert input_device(nn.Linear(2, 2)) == torch.device("cpu")
    assert input_device(nn.ReLU()) is None
    with pytest.raises(UnsupportedStorage, match="meta"):
        input_device(nn.Linear(2, 2, device="meta"))
    with pytest.raises(NotAModel):
        model_inputs(torch.randn(2), torch.randn(2))  # type: ignore[arg-type]


def test_an_offloaded_model_takes_its_inputs_where_it_is_run(tiny: Tiny) -> None:
    from accelerate import cpu_offload

    model = cpu_offload(tiny("gpt2"), execution_device=torch.device("cpu"))
    assert model.lm_head.weight.is_meta
    assert input_device(model) == torch.device("cpu")


def test_what_a_forward_raises_is_passed_on_with_what_may_be_the_cause(tiny: Callable[[str], Any]) -> None:
    model = tiny("gpt2")
    with pytest.raises(IndexError) as raised:
        model_inputs(model, torch.zeros(1, 65, dtype=torch.long)).call(model)
    assert raised.value.__notes__ == [
        "the input has 65 tokens, and the model is configured for 64 positions: give a max_length"
    ]
    with pytest.raises(IndexError) as raised:
        model_inputs(model, torch.full((1, 3), 60)).call(model)
    assert raised.value.__notes__ == ["the token ids reach 60, and the model's vocabulary has 60 tokens"]
    # What has another cause has no note.
    with pytest.raises(RuntimeError) as other:
        model_inputs(model, {"input_ids": torch.zeros(1, 3)}).call(model)
    assert not hasattr(other.value, "__notes__")
