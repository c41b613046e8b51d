"""Small live models, and a memory that keeps them safe."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from memory import MemorySystem
from memory.events.envelope import StoredEvent

torch.set_num_threads(1)


class TiedModel(nn.Module):
    """An embedding and a head that are one tensor, and a layer of its own between them."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(6, 4)
        self.middle = nn.Linear(4, 4)
        self.head = nn.Linear(4, 6, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.middle(self.embed(tokens)))
        return logits


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without events: making one costs more than most of these tests."""
    path = tmp_path_factory.mktemp("empty") / "research.db"
    MemorySystem(path, durability="normal").close()
    return path


@pytest.fixture
def path(empty_database: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(empty_database, tmp_path / "research.db"))


@pytest.fixture
def memory(path: Path) -> Iterator[MemorySystem]:
    with MemorySystem(path, durability="normal", seed=1) as opened:
        yield opened


@pytest.fixture
def model() -> TiedModel:
    torch.manual_seed(0)
    return TiedModel()


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.arange(5)


@pytest.fixture
def attached(memory: MemorySystem, model: TiedModel) -> TiedModel:
    """A tied model the memory watches over under the name `tied`."""
    memory.attach(model, name="tied")
    return model


@pytest.fixture
def events(memory: MemorySystem) -> Callable[..., list[StoredEvent]]:
    """Give the events on record, of some types if any are named."""

    def read(*types: str) -> list[StoredEvent]:
        return list(memory.store.read(types=types or None))

    return read


@pytest.fixture
def hooks_of() -> Callable[[nn.Module], int]:
    """Count every hook of every kind on a model and its parameters."""

    def count(model: nn.Module) -> int:
        kept = [
            held
            for module in model.modules()
            for name, held in vars(module).items()
            if "hooks" in name and isinstance(held, dict)
        ]
        gradients = [getattr(each, "_post_accumulate_grad_hooks", None) or () for each in model.parameters()]
        return sum(map(len, kept)) + sum(map(len, gradients))

    return count
