"""Loads any local transformers checkpoint as the model its configuration names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory.cli.demo.model import UnusableCheckpoint, first_line

if TYPE_CHECKING:
    from torch.nn import Module


def quiet_transformers() -> None:
    """Keep transformers' own progress bars and advice away from what a command says."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def load_any(path: Path) -> Module:
    """Load a checkpoint, whatever its architecture; nothing is downloaded and no code of it is run.

    Raises:
        UnusableCheckpoint: There is no such folder, or transformers cannot load it.
    """
    kind, _ = class_of(path)
    try:
        model: Module = kind.from_pretrained(path, local_files_only=True)
    except _UNUSABLE as error:
        raise UnusableCheckpoint(path, f"transformers says: {first_line(error)}") from error
    return model


def class_of(path: Path) -> tuple[Any, Any]:
    """Give the class of model that a checkpoint's configuration names, and the configuration; no weights are read.

    Raises:
        UnusableCheckpoint: There is no such folder, or transformers does not understand it.
    """
    import transformers

    quiet_transformers()
    if not (path / "config.json").is_file():
        raise UnusableCheckpoint(path, "there is no config.json in it" if path.is_dir() else "there is no such folder")
    try:
        config = transformers.AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    except _UNUSABLE as error:
        raise UnusableCheckpoint(path, f"transformers says: {first_line(error)}") from error
    named = [getattr(transformers, name, None) for name in config.architectures or ()]
    return next((each for each in named if each is not None), transformers.AutoModel), config


_UNUSABLE = (OSError, ValueError, KeyError, RuntimeError, ImportError)
"""What transformers raises where a checkpoint is none."""
