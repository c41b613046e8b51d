"""Inputs to run a model with, made from what its configuration says it takes; nothing is downloaded or imported."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from introspection.names import named_modules

_LENGTH = 8
"""Tokens in a made-up sequence: enough for attention to have a past and a future, small enough to cost nothing."""
_PARTS = ("text_config", "vision_config", "audio_config", "encoder", "decoder")


def configuration(model: nn.Module) -> Any:
    """The configuration that a model, or the model a wrapper holds, keeps in its attribute `config`; None without."""
    for _, module in named_modules(model):
        config = vars(module).get("config")
        if config is not None:
            return config
    return None


def setting(config: Any, *names: str) -> Any:
    """The first of these settings that a configuration, or a part of it (text, vision, audio, encoder), has."""
    for holder in (config, *(_read(config, part) for part in _PARTS)):
        for name in names:
            value = _read(holder, name)
            if value is not None:
                return value
    return None


def inputs_from_configuration(model: nn.Module) -> list[dict[str, torch.Tensor | bool]]:
    """Keyword arguments to try one after the other, the most complete first; none if nothing is known of the model.

    Token ids, pictures, spectrograms and waveforms, each only where the model's `forward` names it as an argument and
    the configuration says its size (the names are those of the transformers library).
    """
    config = configuration(model)
    if config is None:
        return []
    entry = next(module for _, module in named_modules(model) if vars(module).get("config") is not None)
    accepted = _arguments(entry)
    made = {name: make(config) for name, make in _MAKERS.items() if name in accepted}
    known = {name: tensor for name, tensor in made.items() if tensor is not None}
    if not known:
        return []
    options: dict[str, torch.Tensor | bool] = {"use_cache": False} if "use_cache" in accepted else {}
    main = inspect.getattr_static(type(entry), "main_input_name", None)
    sets = [known]
    for first in dict.fromkeys([main, *known]):
        if isinstance(first, str) and first in known and not first.startswith("decoder_"):
            follows = {name: tensor for name, tensor in known.items() if name.startswith("decoder_")}
            sets.append({first: known[first], **follows})
    unique = {tuple(sorted(names)): names for names in sets}
    return [{**names, **options} for names in unique.values()]


def _arguments(module: nn.Module) -> set[str]:
    try:
        return set(inspect.signature(type(module).forward).parameters)
    except (TypeError, ValueError):
        return set()


def _token_ids(config: Any) -> torch.Tensor | None:
    vocabulary = setting(config, "vocab_size")
    if not isinstance(vocabulary, int) or vocabulary < 1:
        return None
    positions = setting(config, "max_position_embeddings", "n_positions", "max_target_positions")
    length = min(_LENGTH, positions) if isinstance(positions, int) and positions > 0 else _LENGTH
    return (torch.arange(2, 2 + length) % vocabulary).unsqueeze(0)


def _decoder_ids(config: Any) -> torch.Tensor | None:
    return _token_ids(config) if setting(config, "is_encoder_decoder") else None


def _pixels(config: Any) -> torch.Tensor | None:
    size, channels = setting(config, "image_size", "input_size"), setting(config, "num_channels") or 3
    if isinstance(size, Mapping):
        size = (size.get("height"), size.get("width"))
    sides = tuple(size) if isinstance(size, list | tuple) else (size, size)
    if not all(isinstance(side, int) for side in sides):
        return None
    return torch.zeros(1, channels, *sides[-2:])


def _spectrogram(config: Any) -> torch.Tensor | None:
    bins, frames = setting(config, "num_mel_bins"), setting(config, "max_source_positions")
    # Whisper's second convolution halves the frames: its encoder has one position for two of them.
    return torch.zeros(1, bins, 2 * frames) if isinstance(bins, int) and isinstance(frames, int) else None


def _waveform(config: Any) -> torch.Tensor | None:
    return torch.zeros(1, 16_000) if setting(config, "conv_kernel", "sampling_rate") is not None else None


_MAKERS: dict[str, Callable[[Any], torch.Tensor | None]] = {
    "input_ids": _token_ids,
    "pixel_values": _pixels,
    "input_features": _spectrogram,
    "input_values": _waveform,
    "decoder_input_ids": _decoder_ids,
}


def _read(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)
