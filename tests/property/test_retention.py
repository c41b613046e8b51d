"""Whatever is edited, saved, put back and let go: every state from the boundary on comes back bit for bit."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torch import nn

from memory import MemorySystem
from memory.weights.retention import KeptDelta, KeptWhole, Parts, Wanted, plan

torch.set_num_threads(1)

NAMES = ("embed.weight", "head.weight", "middle.weight", "middle.bias")


@functools.cache
def _empty_record() -> Path:
    path = Path(tempfile.mkdtemp(prefix="palimpsest-retention-")) / "empty.db"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    MemorySystem(path).close()
    return path


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(48, 8)
        self.middle = nn.Linear(8, 8)
        self.head = nn.Linear(8, 48, bias=False)
        self.head.weight = self.embed.weight


class Run:
    """A model, its memory, and a plain copy of what it held after every step."""

    def __init__(self, folder: Path, baseline: Any) -> None:
        torch.manual_seed(0)
        # Making the schema would take longer than all the rest.
        shutil.copy(_empty_record(), folder / "research.db")
        self.model = Tied()
        self.memory = MemorySystem(folder / "research.db", durability="normal")
        self.memory.attach(self.model, name="m", baseline=baseline)
        self.held: dict[int, dict[str, bytes]] = {}
        self.boundary = 1
        self.written: set[str] = set() if baseline == "lazy" else set(NAMES)
        self.note()

    def note(self) -> None:
        self.held[self.memory.store.head().position] = self.bits()

    def bits(self) -> dict[str, bytes]:
        return {name: tensor.detach().numpy().tobytes() for name, tensor in self.model.named_parameters()}

    def edit(self, number: int, row: bool) -> None:
        name = NAMES[number % 4]
        with self.memory.edit(name) as weight:
            # Few different writes, so that states and blobs come again.
            if row:
                weight[number % 8] += 1.0
            else:
                weight.mul_(-1.0)
        self.written.add(name)
        self.note()

    def unannounced(self, number: int) -> None:
        if name := next((name for name in sorted(self.written) if (len(name) + number) % 2), None):
            self.model.get_parameter(name).data.reshape(-1)[number % 8] += 2.0
            self.memory.verify_weights()
            self.note()

    def restore(self, number: int) -> None:
        there = sorted(position for position in self.held if position >= self.boundary)
        self.memory.restore(there[number % len(there)])
        self.note()

    def checkpoint(self) -> None:
        self.memory.checkpoint()
        self.note()

    def delete(self, number: int) -> None:
        there = self.memory.checkpoints.list_checkpoints()
        if there:
            self.memory.checkpoints.delete_checkpoint(there[number % len(there)].checkpoint_id, "room")

    def prune(self, number: int, keep: bool) -> None:
        there = sorted(position for position in self.held if position >= self.boundary)
        self.boundary = there[number % len(there)]
        self.memory.prune(self.boundary, reason="room", keep_checkpoints=keep)

    def untie(self, _: int) -> None:
        if self.model.head.weight is self.model.embed.weight:
            self.model.head.weight = nn.Parameter(self.model.embed.weight.detach().clone())
            self.memory.record_metrics({"loss": 1.0})
            self.note()

    def check(self) -> None:
        """Hold every state from the boundary on against its copy, none of it taken from the live weights."""
        for position, expected in self.held.items():
            if position < self.boundary:
                continue
            found = self.memory.at(position)
            for name, content in expected.items():
                assert found[name].numpy().tobytes() == content, (position, name)
        report = self.memory.verify()
        assert report.ok, report.problems
        self.memory.consolidate()
        rows = self.memory.query_sql(
            "SELECT blob FROM weight_deltas WHERE pruned_position IS NULL UNION "
            "SELECT blob FROM keyframes WHERE pruned_position IS NULL AND blob IS NOT NULL"
        )
        assert self.memory._keeper.digests() == {row["blob"] for row in rows}


numbers = st.integers(0, 63)
steps = st.one_of(
    st.tuples(st.just("edit"), numbers, st.booleans()),
    st.tuples(st.just("edit"), numbers, st.booleans()),
    st.tuples(st.just("unannounced"), numbers),
    st.tuples(st.just("restore"), numbers),
    st.tuples(st.just("checkpoint")),
    st.tuples(st.just("delete"), numbers),
    st.tuples(st.just("prune"), numbers, st.booleans()),
    st.tuples(st.just("untie"), numbers),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["lazy", "full"]), st.lists(steps, min_size=3, max_size=14))
# A baseline that a checkpoint stood in for, before the checkpoint went too.
@example("full", [("checkpoint",), ("prune", 0, False), ("delete", 0), ("unannounced", 0)])
def test_nothing_from_the_boundary_on_is_lost(baseline: str, program: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), baseline)
        with run.memory:
            for step, *arguments in program:
                getattr(run, step)(*arguments)
            run.check()


# The plan alone, on graphs that no model would make

states = st.sampled_from("abcdef")
positions = st.integers(1, 20)
deltas = st.lists(
    st.builds(
        lambda storage, position, before, after: KeptDelta(storage, position, before, after, f"{before}{after}", 1),
        st.integers(1, 2),
        positions,
        states,
        states,
    ),
    max_size=12,
)
wholes = st.lists(
    st.builds(
        lambda storage, position, state, saved: KeptWhole(
            storage, position, state, None if saved else f"k{state}", "c" if saved else None, 1
        ),
        st.integers(1, 2),
        positions,
        states,
        st.booleans(),
    ),
    max_size=5,
)


@settings(max_examples=200, deadline=None)
@given(deltas, wholes, st.lists(st.tuples(positions, states), max_size=6), st.integers(0, 20), st.booleans())
def test_what_could_be_had_can_be_had_after(
    deltas: list[KeptDelta], wholes: list[KeptWhole], wanted: list[tuple[int, str]], before: int, drop: bool
) -> None:
    storages = [Wanted(storage, frozenset({storage}), tuple(sorted(wanted)), False) for storage in (1, 2)]

    def goes(each: KeptDelta | KeptWhole) -> bool:
        saved = isinstance(each, KeptWhole) and each.checkpoint is not None
        return drop if saved else each.position <= before

    found = plan(storages, deltas, wholes, goes=goes, leave_to_live=False)
    assert all(map(goes, (*found.deltas, *found.wholes)))
    for storage in storages:
        family = [each for each in deltas if each.storage_id in storage.family]
        roots = [each for each in wholes if each.storage_id in storage.family]
        kept = {each.fingerprint for each in found.boundary if each.wanted is storage}
        earlier, later = Parts(family), Parts(each for each in family if each not in found.deltas)
        had = {earlier.part(each.fingerprint) for each in roots}
        has = {later.part(each.fingerprint) for each in roots if each not in found.wholes} | set(map(later.part, kept))
        for _, state in storage.states:
            assert (later.part(state) in has) == (earlier.part(state) in had)
