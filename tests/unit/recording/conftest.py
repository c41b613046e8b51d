"""Small live models, and a memory to record what is done to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from memory import MemorySystem
from memory.events.envelope import StoredEvent
from memory.safety.settings import SafetySettings

torch.set_num_threads(1)


class TiedModel(nn.Module):
    """An embedding and a head that are one tensor, and a layer of its own between them."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(6, 4)
        self.middle = nn.Linear(4, 4)
        self.head = nn.Linear(4, 6, bias=False)
        self.head.weight = self.embed.weight


class OverlappingModel(nn.Module):
    """Two parameters of six numbers that have two numbers in common."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = torch.arange(10.0)
        self.first = nn.Parameter(self.buffer[:6])
        self.second = nn.Parameter(self.buffer[4:])


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[MemorySystem]:
    """A memory that warns of nothing: small models are changed a lot here, and what safety says is told elsewhere."""
    quiet = SafetySettings(ignore=("norm_ratio", "share_of_model", "coupled", "checkpoint"))
    with MemorySystem(tmp_path / "research.db", durability="normal", seed=1, safety=quiet) as opened:
        yield opened


@pytest.fixture
def model() -> TiedModel:
    torch.manual_seed(0)
    return TiedModel()


@pytest.fixture
def attached(memory: MemorySystem, model: TiedModel) -> TiedModel:
    """A tied model the memory watches over under the name `tied`."""
    memory.attach(model, name="tied")
    return model


@pytest.fixture
def overlapping(memory: MemorySystem) -> OverlappingModel:
    model = OverlappingModel()
    memory.attach(model, name="overlapping")
    return model


@pytest.fixture
def events(memory: MemorySystem) -> Callable[..., list[StoredEvent]]:
    """Give the events on record, of some types if any are named."""

    def read(*types: str) -> list[StoredEvent]:
        return list(memory.store.read(types=types or None))

    return read


@pytest.fixture
def types(events: Callable[..., list[StoredEvent]]) -> Callable[[], list[str]]:
    """Give the types of the events on record after the first attach."""
    return lambda: [event.event_type for event in events()][1:]


@pytest.fixture
def bits() -> Callable[[nn.Module], dict[str, Any]]:
    """Give every byte of a model, under every name."""

    def read(model: nn.Module) -> dict[str, Any]:
        return {name: _bits(tensor) for name, tensor in model.state_dict().items()}

    return read


def _bits(tensor: Tensor) -> bytes:
    return tensor.detach().contiguous().view(torch.uint8).numpy().tobytes()
