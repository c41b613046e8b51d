"""Small random models of real architectures, and what their code really does, found by experiment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import transformers
from torch import nn
from torch.utils._pytree import tree_map_only

_SMALL = {"vocab_size": 64, "hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 4}
_TWO_SIDED = {
    "vocab_size": 64,
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
}


def _make(name: str, config: str, **settings: Any) -> Callable[..., nn.Module]:
    def make(**more: Any) -> nn.Module:
        torch.manual_seed(0)
        model: nn.Module = getattr(transformers, name)(getattr(transformers, config)(**{**settings, **more}))
        return model.eval()

    return make


qwen2 = _make(
    "Qwen2ForCausalLM", "Qwen2Config", **_SMALL, num_hidden_layers=2, num_key_value_heads=2, tie_word_embeddings=True
)
llama = _make("LlamaForCausalLM", "LlamaConfig", **_SMALL, num_hidden_layers=2)
gpt2 = _make("GPT2LMHeadModel", "GPT2Config", vocab_size=64, n_embd=16, n_layer=2, n_head=2, n_positions=32)
bert = _make("BertForMaskedLM", "BertConfig", **_SMALL, num_hidden_layers=2)
t5 = _make(
    "T5ForConditionalGeneration", "T5Config", vocab_size=64, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2
)
albert = _make("AlbertForMaskedLM", "AlbertConfig", **_SMALL, embedding_size=8, num_hidden_layers=3)
whisper = _make(
    "WhisperForConditionalGeneration",
    "WhisperConfig",
    **_TWO_SIDED,
    num_mel_bins=8,
    max_source_positions=16,
    max_target_positions=16,
)
bart = _make("BartForConditionalGeneration", "BartConfig", **_TWO_SIDED, max_position_embeddings=32)
mixtral = _make(
    "MixtralForCausalLM", "MixtralConfig", **_SMALL, num_hidden_layers=2, num_key_value_heads=2, num_local_experts=4
)
gpt_neox = _make("GPTNeoXForCausalLM", "GPTNeoXConfig", **_SMALL, num_hidden_layers=2)
gemma2 = _make("Gemma2ForCausalLM", "Gemma2Config", **_SMALL, num_hidden_layers=2, num_key_value_heads=2, head_dim=4)
falcon = _make(
    "FalconForCausalLM", "FalconConfig", vocab_size=64, hidden_size=16, num_hidden_layers=2, num_attention_heads=2
)
vit = _make(
    "ViTForImageClassification",
    "ViTConfig",
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=32,
    image_size=16,
    patch_size=8,
)

ALL: dict[str, Callable[..., nn.Module]] = {
    "qwen2": qwen2,
    "llama": llama,
    "gpt2": gpt2,
    "bert": bert,
    "t5": t5,
    "albert": albert,
    "whisper": whisper,
    "bart": bart,
    "mixtral": mixtral,
    "gpt_neox": gpt_neox,
    "gemma2": gemma2,
    "falcon": falcon,
    "vit": vit,
}

Call = tuple[str, int]


def direct_influences(model: nn.Module, inputs: dict[str, Any]) -> dict[Call, set[Call]]:
    """Which calls of innermost modules change when one call's output is changed and every other one's is held fast.

    The oracle of the dataflow tests, by intervention and without looking at any operation: every call's output is
    replaced by what it was in an undisturbed run, but for the one disturbed; what a call would have made from what then
    reaches it is compared with what it made before. The model's own outputs stand as the call ("output:NAME", 1).
    """
    innermost = {path: module for path, module in model.named_modules() if path and not list(module.children())}
    undisturbed: dict[Call, Any] = {}
    numbers: dict[str, int] = {}
    disturbed: Call | None = None
    changed: set[Call] = set()

    def watch(path: str) -> Callable[..., Any]:
        def after(_module: nn.Module, _args: Any, output: Any) -> Any:
            numbers[path] = number = numbers.get(path, 0) + 1
            call = (path, number)
            if call not in undisturbed:
                undisturbed[call] = tree_map_only(torch.Tensor, torch.clone, output)
                return output
            if not _equal(output, undisturbed[call]):
                changed.add(call)
            before = tree_map_only(torch.Tensor, torch.clone, undisturbed[call])
            return tree_map_only(torch.Tensor, _disturbed, before) if call == disturbed else before

        return after

    handles = [module.register_forward_hook(watch(path)) for path, module in innermost.items()]
    try:
        with torch.no_grad():
            plain = model(**inputs)
            found: dict[Call, set[Call]] = {}
            for call in list(undisturbed):
                numbers.clear()
                changed.clear()
                disturbed = call
                outputs = model(**inputs)
                changed.update((f"output:{name}", 1) for name in plain if not _equal(outputs[name], plain[name]))
                found[call] = set(changed)
    finally:
        for handle in handles:
            handle.remove()
    return found


def _disturbed(tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point():
        # Indices (which expert) stay indices, of other positions.
        return tensor.roll(1, 0)
    return tensor + torch.rand(tensor.shape, generator=torch.Generator().manual_seed(1))


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, list | tuple):
        return all(_equal(first, second) for first, second in zip(one, other, strict=True))
    return True
