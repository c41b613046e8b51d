"""Real text that every machine has: the sources of Python's own standard library, as bytes."""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch

from introspection.errors import PalimpsestError

BYTE_VOCABULARY = 256
MOST_BYTES = 4_000_000
FEWEST_BYTES = 200_000
HELD_OUT_EVERY = 10
# Written when this Python was built: not the same on two machines.
_GENERATED = ("_sysconfigdata", "sitecustomize", "usercustomize")


class MissingText(PalimpsestError):
    """The standard library's sources are not there as files, or too few of them are."""

    code = "missing-text"

    def __init__(self, folder: Path, found: int) -> None:
        self.folder = folder
        self.found = found
        super().__init__(
            f"{folder} holds {found:,} bytes of Python sources, the demo needs {FEWEST_BYTES:,}",
            remedy="use a Python whose standard library is installed as .py files, neither zipped nor stripped",
        )


@dataclass(frozen=True, slots=True)
class Text:
    """Tokens of real text, in a part to train on and a part that training never sees."""

    train: torch.Tensor
    """Token ids to train on, one dimension."""
    held_out: torch.Tensor
    """Token ids of whole other files, one dimension."""

    def __post_init__(self) -> None:
        for part in (self.train, self.held_out):
            if part.dim() != 1:
                raise ValueError(f"a text is one sequence of token ids, got a tensor of shape {tuple(part.shape)}")

    def sample(self, generator: torch.Generator, batch: int, length: int) -> torch.Tensor:
        """Draw windows of held-out text: the same generator state, the same windows.

        Args:
            generator: Where the windows' places come from.
            batch: How many windows.
            length: Tokens per window.

        Returns:
            Token ids of shape (batch, length).
        """
        return windows(self.held_out, generator, batch, length)


def windows(tokens: torch.Tensor, generator: torch.Generator, batch: int, length: int) -> torch.Tensor:
    """Cut windows at uniformly drawn places out of one sequence.

    Args:
        tokens: Token ids, one dimension, at least `length` of them.
        generator: Where the places come from.
        batch: How many windows.
        length: Tokens per window.

    Returns:
        Token ids as int64, of shape (batch, length).

    Raises:
        ValueError: The sequence is shorter than one window.
    """
    if len(tokens) < length:
        raise ValueError(f"a window of {length} tokens does not fit into a text of {len(tokens)}")
    starts = torch.randint(len(tokens) - length + 1, (batch, 1), generator=generator)
    return tokens[starts + torch.arange(length)].to(torch.int64)


def standard_library(
    encode: Callable[[bytes], Iterable[int]] | None = None, *, most_bytes: int = MOST_BYTES, folder: Path | None = None
) -> Text:
    """Read the standard library's top-level modules, in the order of their names.

    Every tenth file is held out whole, so that no held-out window continues a training one.

    Args:
        encode: Turns bytes into token ids; without it a byte is its own token.
        most_bytes: Read no further file once this many bytes have been read.
        folder: Where the sources are; this Python's own standard library by default.

    Returns:
        The text, split.

    Raises:
        MissingText: Fewer than `FEWEST_BYTES` bytes of sources were found.
    """
    folder = Path(sysconfig.get_path("stdlib")) if folder is None else folder
    train, held_out, size = bytearray(), bytearray(), 0
    paths = (path for path in sorted(folder.glob("*.py")) if not path.name.startswith(_GENERATED))
    for index, path in enumerate(paths):
        if size >= most_bytes:
            break
        source = path.read_bytes()
        size += len(source)
        (held_out if index % HELD_OUT_EVERY == HELD_OUT_EVERY - 1 else train).extend(source)
    if size < FEWEST_BYTES or not held_out:
        raise MissingText(folder, size)
    return Text(train=_tokens(bytes(train), encode), held_out=_tokens(bytes(held_out), encode))


def _tokens(source: bytes, encode: Callable[[bytes], Iterable[int]] | None) -> torch.Tensor:
    if encode is None:
        return torch.frombuffer(bytearray(source), dtype=torch.uint8)
    return torch.tensor(list(encode(source)), dtype=torch.int32)
