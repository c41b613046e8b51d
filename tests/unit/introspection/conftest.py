"""Small models of real architectures with random weights, and a real tokenizer trained on a few sentences."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

if TYPE_CHECKING:
    import transformers

SENTENCES = (
    "the cat sat on the mat and looked at the dog",
    "a dog ran to the red house near the river",
    "the river is long and the house is red",
)


@pytest.fixture(scope="session")
def tokenizer() -> transformers.PreTrainedTokenizerFast:
    """Words of SENTENCES; pads on the right."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    words = Tokenizer(models.WordLevel(unk_token="[unk]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.train_from_iterator(SENTENCES, trainers.WordLevelTrainer(special_tokens=["[pad]", "[unk]"]))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="[unk]", pad_token="[pad]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )  # fmt: skip


def _qwen2() -> nn.Module:
    import transformers

    config = transformers.Qwen2Config(
        vocab_size=60, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return transformers.Qwen2ForCausalLM(config)


def _gpt2() -> nn.Module:
    import transformers

    config = transformers.GPT2Config(
        vocab_size=60, n_embd=32, n_layer=2, n_head=4, n_positions=64, bos_token_id=0, eos_token_id=0
    )
    return transformers.GPT2LMHeadModel(config)


def _bert() -> nn.Module:
    import transformers

    config = transformers.BertConfig(
        vocab_size=60, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4
    )
    return transformers.BertModel(config)


def _t5() -> nn.Module:
    import transformers

    config = transformers.T5Config(
        vocab_size=60, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, decoder_start_token_id=0
    )
    return transformers.T5ForConditionalGeneration(config)


def _albert() -> nn.Module:
    import transformers

    config = transformers.AlbertConfig(
        vocab_size=60, embedding_size=16, hidden_size=32, intermediate_size=64, num_hidden_layers=3,
        num_attention_heads=4,
    )  # fmt: skip
    return transformers.AlbertModel(config)


_BUILT: dict[str, Callable[[], nn.Module]] = {
    "albert": _albert, "bert": _bert, "gpt2": _gpt2, "qwen2": _qwen2, "t5": _t5,
}  # fmt: skip


@pytest.fixture
def tiny() -> Callable[[str], Any]:
    """Builds a small model of an architecture by name, the same one each time, as loaded: in evaluation mode."""

    def build(name: str) -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = _BUILT[name]()
            # Random biases too: zeros would hide what is left out.
            for parameter in model.parameters():
                parameter.data.add_(torch.randn_like(parameter), alpha=0.05)
        return model.eval()

    return build
