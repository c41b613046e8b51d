"""The demo's subject: a small tied Qwen2 trained on the spot, or any causal language model from a local folder."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import nn

from introspection.errors import PalimpsestError
from memory.cli.demo.text import BYTE_VOCABULARY, Text, windows

HIDDEN = 192
INTERMEDIATE = 640
LAYERS = 4
HEADS = 6
LONGEST_WINDOW = 256

TRAINING_STEPS = 400
TRAINING_BATCH = 8
TRAINING_LENGTH = 128
LEARNING_RATE = 3e-3
WARM_UP = 0.05
WEIGHT_DECAY = 0.1

_LOADING_ERRORS = (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError)

Progress = Callable[[int, int, float], None]
"""Called after each training step with the steps done, the steps planned, and the step's loss in nats."""


def first_line(error: Exception) -> str:
    """Give what an exception says first: transformers' lists of all it knows bury it."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0] if len(lines[0]) <= 300 else f"{lines[0][:300]}…"


class UnusableCheckpoint(PalimpsestError):
    """A folder that holds no causal language model the demo can feed with text."""

    code = "unusable-checkpoint"

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(
            f"{str(path)!r} cannot be used: {reason}",
            remedy="give the folder that save_pretrained wrote; for the demo a causal language model, with its "
            f"tokenizer or a vocabulary of at least {BYTE_VOCABULARY} tokens to be fed with bytes",
        )


def build(seed: int) -> nn.Module:
    """Make a small Qwen2 whose output and input embeddings are one tensor, freshly initialised.

    Args:
        seed: Equal seeds give equal weights; torch's global generator is left as it was.

    Returns:
        A `Qwen2ForCausalLM` of about two million fp32 parameters over a vocabulary of bytes.
    """
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=BYTE_VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=INTERMEDIATE,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=LONGEST_WINDOW,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: nn.Module = Qwen2ForCausalLM(config).to(torch.float32)
    return model.eval()


def train(
    model: nn.Module, text: Text, seed: int, *, steps: int = TRAINING_STEPS, progress: Progress | None = None
) -> float:
    """Train on the training part: AdamW under a warmed-up cosine that ends at zero.

    The number of steps is fixed rather than the time, so that equal seeds give equal weights on one machine and one
    number of threads.

    Args:
        model: Trained in place; left in evaluation mode.
        text: Only `text.train` is read.
        seed: Decides the order of the windows.
        steps: How many steps; the default takes about a minute on two cores.
        progress: Called after every step.

    Returns:
        The loss of the last step, in nats per token.
    """
    generator = torch.Generator().manual_seed(seed)
    matrices = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.dim() <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0.0}],
        lr=LEARNING_RATE,
        betas=(0.9, 0.95),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _learning_rate_share(step, steps))
    model.train()
    last = math.nan
    for step in range(steps):
        tokens = windows(text.train, generator, TRAINING_BATCH, TRAINING_LENGTH)
        loss = model(input_ids=tokens, labels=tokens, use_cache=False).loss
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        schedule.step()
        last = float(loss.detach())
        if progress is not None:
            progress(step + 1, steps, last)
    model.eval()
    return last


def _learning_rate_share(step: int, steps: int) -> float:
    warm_up = max(1, round(steps * WARM_UP))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def load(path: Path) -> tuple[nn.Module, Callable[[bytes], Iterable[int]] | None]:
    """Load a causal language model from a local folder, and the way text is fed to it.

    Nothing is downloaded, and no code that comes with the checkpoint is run.

    Args:
        path: The folder `save_pretrained` wrote.

    Returns:
        The model in evaluation mode, and its tokenizer as a function from bytes to token ids, or None where it has
        none and bytes are its tokens.

    Raises:
        UnusableCheckpoint: No such folder, no causal language model in it, or no way to feed it with text.
    """
    from transformers import AutoModelForCausalLM

    if not (path / "config.json").is_file():
        raise UnusableCheckpoint(path, "there is no config.json in it" if path.is_dir() else "there is no such folder")
    try:
        model: nn.Module = AutoModelForCausalLM.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    except _LOADING_ERRORS as error:
        raise UnusableCheckpoint(path, f"transformers says: {first_line(error)}") from error
    encode = _encoder(path)
    vocabulary = int(model.get_input_embeddings().weight.shape[0])  # type: ignore[operator]
    if encode is None and vocabulary < BYTE_VOCABULARY:
        raise UnusableCheckpoint(path, f"it has no tokenizer, and its {vocabulary} tokens are too few for bytes")
    return model.eval(), encode


def _encoder(path: Path) -> Callable[[bytes], Iterable[int]] | None:
    from transformers import AutoTokenizer

    if not any((path / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")):
        return None
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    except _LOADING_ERRORS as error:
        raise UnusableCheckpoint(path, f"its tokenizer does not load: {error}") from error

    def encode(source: bytes) -> Iterable[int]:
        ids: list[int] = tokenizer(source.decode("utf-8", "replace"), add_special_tokens=False, verbose=False).input_ids
        return ids

    return encode


def evaluate(model: nn.Module, tokens: torch.Tensor) -> dict[str, float]:
    """Measure next-token prediction on one sample; changes nothing about the model.

    Args:
        model: A causal language model.
        tokens: Token ids of shape (batch, length).

    Returns:
        `loss` (mean negative log-likelihood of the next token, in nats), `accuracy` (share of next tokens that are
        the model's first choice), and `entropy` (mean entropy of the predicted distribution, in nats).
    """
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            logits = model(input_ids=tokens, use_cache=False).logits
            totals = torch.zeros(3, dtype=torch.float64)
            # Row by row: a large vocabulary's probabilities would not fit beside its logits.
            for row, following in zip(logits[:, :-1], tokens[:, 1:], strict=True):
                log_probabilities = torch.log_softmax(row.float(), dim=-1)
                chosen = log_probabilities.gather(-1, following[:, None])[:, 0]
                hits = log_probabilities.argmax(dim=-1) == following
                entropies = -(log_probabilities.exp() * log_probabilities).sum(dim=-1)
                totals += torch.stack([part.double().sum() for part in (-chosen, hits, entropies)])
    finally:
        model.train(training)
    loss, accuracy, entropy = (totals / tokens[:, 1:].numel()).tolist()
    return {"loss": loss, "accuracy": accuracy, "entropy": entropy}
