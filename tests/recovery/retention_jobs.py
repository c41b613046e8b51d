"""Work for the zygote on checkpoints and pruning, some of it standing still where it is to be killed."""

from __future__ import annotations

import hashlib
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

import memory.recording.checkpointing
import memory.recording.editor  # what a job imports when it begins is imported once, before any fork
import memory.recording.pruning
from memory import MemorySystem
from memory.recording.journal import Journal
from memory.recording.recorder import Recorder
from memory.weights.keeping import BlobKeeper

Note = Callable[[Any], None]

torch.set_num_threads(1)


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(600, 64)
        self.middle = nn.Linear(64, 64)
        self.head = nn.Linear(64, 600, bias=False)
        self.head.weight = self.embed.weight


def digest_of(weights: Any) -> str:
    """One digest of the bytes under every name."""
    whole = hashlib.sha256()
    for name in ("embed.weight", "head.weight", "middle.bias", "middle.weight"):
        whole.update(weights[name].detach().numpy().tobytes())
    return whole.hexdigest()


def go_on(memory: MemorySystem) -> Model:
    """The model as the record last knew it, attached."""
    torch.manual_seed(0)
    model = Model()
    memory.consolidate()
    if memory.query_sql("SELECT 1 FROM storages"):
        weights = memory.at(memory.store.head().position, model="m")
        model.load_state_dict({name: weights[name] for name in model.state_dict()})
    memory.attach(model, name="m", baseline="full")
    return model


def edit(memory: MemorySystem, model: Model, note: Note, draw: random.Random) -> None:
    with memory.edit(draw.choice(("head.weight", "middle.weight")), method="noise") as weight:
        if draw.random() < 0.5:
            weight[draw.randrange(len(weight))] += 1.0
        else:
            weight += torch.randn(weight.shape, generator=torch.Generator().manual_seed(draw.randrange(2**30)))
    note([memory.store.head().position, digest_of(dict(model.state_dict()))])


def retain(url: str, note: Note, draw: random.Random) -> None:
    """Edits, checkpoints, deletions and prunes over and over; every state is acknowledged by position and digest."""
    with MemorySystem(url) as memory:
        model = go_on(memory)
        while True:
            edit(memory, model, note, draw)
            what = draw.random()
            if what < 0.4:
                memory.checkpoint("killed")
            elif what < 0.55 and (there := memory.checkpoints.list_checkpoints()):
                memory.checkpoints.delete_checkpoint(draw.choice(there).checkpoint_id, "room")
            elif what < 0.8:
                memory.prune(max(1, memory.store.head().position - draw.randrange(5)), reason="room")


def standing_still(
    doing: Literal["checkpoint", "delete", "prune"], holder: Any, name: str, *, after: bool = False
) -> Callable[[str, Note, random.Random], None]:
    """Make a job that stands still at a call made inside a checkpoint, a deletion or a prune: before it, or after."""

    def job(url: str, note: Note, draw: random.Random) -> None:
        notes: list[Any] = []
        with MemorySystem(url) as memory:
            model = go_on(memory)
            for _ in range(3):
                edit(memory, model, notes.append, draw)
            kept = memory.checkpoints.save_checkpoint(description="kept")
            edit(memory, model, notes.append, draw)
            made = getattr(holder, name)

            def stand_still(*arguments: Any, **named: Any) -> Any:
                if after:
                    made(*arguments, **named)
                for each in notes:
                    note(each)
                time.sleep(60)

            setattr(holder, name, stand_still)
            if doing == "checkpoint":
                memory.checkpoint("half")
            elif doing == "delete":
                memory.checkpoints.delete_checkpoint(kept, "room")
            else:
                memory.prune(memory.store.head().position - 2, reason="room")

    return job


JOBS = {
    "retain": retain,
    "a checkpoint half written": standing_still("checkpoint", Path, "rename"),
    "a checkpoint without its event": standing_still("checkpoint", Recorder, "record"),
    "a checkpoint with its event": standing_still("checkpoint", Recorder, "record", after=True),
    "a deletion on record": standing_still("delete", memory.recording.pruning, "remove_folder"),
    "a deletion half done": standing_still("delete", shutil, "rmtree"),
    "a prune not on record": standing_still("prune", Journal, "record"),
    "a prune on record": standing_still("prune", BlobKeeper, "remove"),
    "a prune done": standing_still("prune", BlobKeeper, "remove", after=True),
}
