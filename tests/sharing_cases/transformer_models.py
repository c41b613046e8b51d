"""Real architectures of transformers from small random configurations, and what becomes of their ties."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging import ERROR, getLogger
from typing import Any

import torch
import transformers
from torch import nn
from transformers.utils import logging

from .case import Holder, case

_SMALL = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
_SEQUENCE = {
    "vocab_size": 64,
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
}
_QWEN2 = [["lm_head.weight", "model.embed_tokens.weight"]]


def small_qwen2(**options: Any) -> nn.Module:
    config = transformers.Qwen2Config(**{**_SMALL, "tie_word_embeddings": True, **options})
    return transformers.Qwen2ForCausalLM(config)


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, and no word of weights that are left on disk."""
    bars, dispatching = logging.is_progress_bar_enabled(), getLogger("accelerate.big_modeling")
    level = dispatching.level
    logging.disable_progress_bar()
    dispatching.setLevel(ERROR)
    try:
        yield
    finally:
        dispatching.setLevel(level)
        if bars:
            logging.enable_progress_bar()


def _reloaded(model: Any, load: Callable[..., Any] | None = None, **options: Any) -> nn.Module:
    with quiet(), tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        loaded: nn.Module = (load or type(model).from_pretrained)(folder, **options)
    return loaded


@case(same=_QWEN2)
def qwen2() -> nn.Module:
    return small_qwen2()


@case()
def qwen2_with_a_head_of_its_own() -> nn.Module:
    return small_qwen2(tie_word_embeddings=False)


@case(same=_QWEN2)
def qwen2_saved_and_loaded() -> nn.Module:
    return _reloaded(small_qwen2())


@case(same=_QWEN2)
def qwen2_loaded_in_half_precision() -> nn.Module:
    return _reloaded(small_qwen2(), dtype="bfloat16")


@case()
def qwen2_untied_by_hand() -> nn.Module:
    model = small_qwen2()
    model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())
    return model


@case(same=_QWEN2)
def qwen2_tied_again_by_its_own_method() -> nn.Module:
    model = small_qwen2()
    model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())
    model.tie_weights()
    return model


@case(same=_QWEN2)
def qwen2_with_more_tokens() -> nn.Module:
    model = small_qwen2()
    model.resize_token_embeddings(72, mean_resizing=False)
    return model


@case()
def llama() -> nn.Module:
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**_SMALL))


@case(same=_QWEN2)
def llama_tied() -> nn.Module:
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**_SMALL, tie_word_embeddings=True))


@case()
def llama_tied_on_meta_and_made_real_by_to_empty() -> nn.Module:
    with torch.device("meta"):
        model = llama_tied()
    return model.to_empty(device="cpu")


@case(same=[["lm_head.weight", "transformer.wte.weight"]])
def gpt2() -> nn.Module:
    return transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=64, n_positions=64, n_embd=32, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=2
        )
    )


_BERT = [
    ["bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"],
    ["cls.predictions.bias", "cls.predictions.decoder.bias"],
]
_ENCODER = {key: value for key, value in _SMALL.items() if key != "num_key_value_heads"}


@case(same=_BERT)
def bert_for_masked_words() -> nn.Module:
    return transformers.BertForMaskedLM(transformers.BertConfig(**_ENCODER))


@case(same=_BERT)
def bert_saved_and_loaded() -> nn.Module:
    return _reloaded(transformers.BertForMaskedLM(transformers.BertConfig(**_ENCODER)))


@case(
    same=[
        [
            "lm_head.weight",
            "model.decoder.embed_tokens.weight",
            "model.encoder.embed_tokens.weight",
            "model.shared.weight",
        ]
    ]
)
def bart() -> nn.Module:
    return transformers.BartForConditionalGeneration(
        transformers.BartConfig(**_SEQUENCE, max_position_embeddings=64, forced_eos_token_id=2)
    )


_T5 = {"vocab_size": 64, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 1, "num_heads": 4}


@case(same=[["decoder.embed_tokens.weight", "encoder.embed_tokens.weight", "lm_head.weight", "shared.weight"]])
def t5() -> nn.Module:
    return transformers.T5ForConditionalGeneration(transformers.T5Config(**_T5))


@case(same=[["decoder.embed_tokens.weight", "encoder.embed_tokens.weight", "shared.weight"]])
def t5_with_a_head_of_its_own() -> nn.Module:
    # A configuration that says `tie_word_embeddings=False` is not followed: T5 ties whatever it says.
    model = transformers.T5ForConditionalGeneration(transformers.T5Config(**_T5))
    model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())
    return model


@case(
    same=[
        ["albert.embeddings.word_embeddings.weight", "predictions.decoder.weight"],
        ["predictions.bias", "predictions.decoder.bias"],
    ]
)
def albert() -> nn.Module:
    # One block applied four times: reuse of a layer is no tie of names.
    config = transformers.AlbertConfig(**{**_ENCODER, "num_hidden_layers": 4, "embedding_size": 16})
    return transformers.AlbertForMaskedLM(config)


@case(same=[["lm_head.weight", "model.decoder.embed_tokens.weight"]])
def opt() -> nn.Module:
    return transformers.OPTForCausalLM(
        transformers.OPTConfig(
            vocab_size=64,
            hidden_size=32,
            word_embed_proj_dim=32,
            ffn_dim=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=64,
        )
    )


@case(same=_QWEN2)
def gemma() -> nn.Module:
    return transformers.GemmaForCausalLM(transformers.GemmaConfig(**_SMALL, head_dim=8))


@case(same=[["backbone.embeddings.weight", "lm_head.weight"]])
def mamba() -> nn.Module:
    return transformers.MambaForCausalLM(
        transformers.MambaConfig(vocab_size=64, hidden_size=32, state_size=4, num_hidden_layers=2)
    )


@case(same=[["distilbert.embeddings.word_embeddings.weight", "vocab_projector.weight"]])
def distilbert() -> nn.Module:
    return transformers.DistilBertForMaskedLM(
        transformers.DistilBertConfig(vocab_size=64, dim=32, hidden_dim=48, n_layers=2, n_heads=4)
    )


@case(same=[["model.decoder.embed_tokens.weight", "proj_out.weight"]])
def whisper() -> nn.Module:
    return transformers.WhisperForConditionalGeneration(
        transformers.WhisperConfig(**_SEQUENCE, num_mel_bins=8, max_source_positions=32, max_target_positions=32)
    )


@case()
def mixtral() -> nn.Module:
    return transformers.MixtralForCausalLM(
        transformers.MixtralConfig(**_SMALL, num_local_experts=4, num_experts_per_tok=2)
    )


@case(
    same=[
        ["teacher.lm_head.weight", "student.model.embed_tokens.weight", "teacher.model.embed_tokens.weight",
         "student.lm_head.weight"],
    ]
)  # fmt: skip
def two_models_with_one_embedding() -> nn.Module:
    teacher, student = small_qwen2(), small_qwen2(num_hidden_layers=1)
    student.set_input_embeddings(teacher.get_input_embeddings())
    student.tie_weights()
    return Holder(teacher=teacher, student=student)
