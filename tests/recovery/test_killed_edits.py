"""kill -9 inside edits, undone acts and restores: every acknowledged state comes back bit for bit."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from types import ModuleType
from typing import Any

from memory import MemorySystem


def zygote_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("zygote", Path(__file__).with_name("zygote.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_killed_while_editing_every_acknowledged_state_comes_back(zygote: Any, tmp_path: Path, rounds: int) -> None:
    draw = random.Random(8)
    url = str(tmp_path / "research.db")
    states: dict[int, str] = {}
    for _ in range(rounds):
        states |= dict(zygote.live_and_die("edit", url, draw, longest=0.3))
        with MemorySystem(url) as memory:
            assert memory.verify().problems == ()
    assert len(states) > rounds
    made = zygote_module()
    model = made.small_model()
    with MemorySystem(url) as memory:
        memory.attach(model, name="m")
        chosen = draw.sample(sorted(states), min(len(states), 40))
        for position in chosen:
            memory.restore(position)
            assert made.held(model) == states[position]
        assert model.head is model.embed
        types = {event.event_type for event in memory.store.read()}
        # What was killed was never acknowledged: nothing was left for anybody to find.
        assert "unattributed_write" not in types
        assert {"coupled_modification", "modification", "restored"} <= types
