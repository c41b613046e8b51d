"""Loads any local transformers checkpoint as the model its configuration names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
    import transformers

    quiet_transformers()
    if not (path / "config.json").is_file():
        raise UnusableCheckpoint(path, "there is no config.json in it" if path.is_dir() else "there is no such folder")
    try:
        config = transformers.AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False)
        named = [getattr(transformers, name, None) for name in config.architectures or ()]
        kind = next((each for each in named if each is not None), transformers.AutoModel)
        model: Module = kind.from_pretrained(path, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise UnusableCheckpoint(path, f"transformers says: {first_line(error)}") from error
    return model
