"""Random models, edited, broken into, undone and restored at random, against a plain copy of every state."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from memory import MemorySystem
from memory.errors import RestoreError
from memory.safety.settings import RULES, SafetySettings

QUIET = SafetySettings(ignore=RULES)
"""Random bits are NaN now and then, which safety would deny."""
DTYPES = [
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.int8,
    torch.bool,
    torch.complex64,
]


class Odd(nn.Module):
    """Parameters and buffers of many dtypes and layouts; some are tied, some views of one buffer."""

    def __init__(self, dtypes: list[torch.dtype], layout: str, seed: int) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(seed)
        for number, dtype in enumerate(dtypes):
            shape = [(5, 3), (4,), (), (0, 2), (2, 3, 2)][number % 5]
            values = torch.randint(-3, 4, shape, generator=draw)
            self.register_buffer(f"b{number}", values.to(dtype))
        self.embed = nn.Parameter(torch.randn(6, 4, generator=draw))
        self.head = self.embed
        whole = torch.randn(24, generator=draw)
        if layout == "overlapping":
            self.register_buffer("first", whole[:16].view(4, 4))
            self.register_buffer("second", whole[8:])
        elif layout == "transposed":
            self.register_buffer("first", whole.view(4, 6).t())
            self.register_buffer("second", whole.view(4, 6)[:, ::2])
        elif layout == "expanded":
            self.register_buffer("first", whole[:4].view(4, 1).expand(4, 5))
        else:
            self.register_buffer("first", whole.view(4, 6))


def raw(model: nn.Module) -> dict[str, bytes]:
    found = {**dict(model.named_parameters(remove_duplicate=False)), **dict(model.named_buffers())}
    return {name: _raw(tensor) for name, tensor in found.items()}


def _raw(tensor: Tensor) -> bytes:
    held = tensor.detach().contiguous()
    return held.reshape(-1).view(torch.uint8).numpy().tobytes() if held.numel() else b""


def scribble(weight: Tensor, how: int) -> None:
    """Write some bytes of a tensor, whatever its dtype: random bits, one element, all of them, none."""
    target = weight
    for dimension, (size, stride) in enumerate(zip(weight.shape, weight.stride(), strict=True)):
        if stride == 0 and size > 1:
            target = target.narrow(dimension, 0, 1)
    draw = torch.Generator().manual_seed(how)
    bits = torch.randint(0, 256, (target.numel() * target.element_size(),), generator=draw, dtype=torch.uint8)
    if target.dtype == torch.bool:
        bits = bits % 2
    if not target.numel():
        return
    drawn = bits.view(target.dtype).reshape(target.shape)
    if how % 3 == 0:
        target.copy_(drawn)
    elif how % 3 == 1 and target.ndim:
        target[:1].copy_(drawn[:1])
    elif how % 7 == 2:
        target.copy_(target.clone())


actions = st.lists(
    st.tuples(
        st.sampled_from(["edit", "edit", "edit", "rows", "several", "abort", "undo", "restore", "unannounced"]),
        st.integers(0, 10**6),
    ),
    min_size=3,
    max_size=14,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    dtypes=st.lists(st.sampled_from(DTYPES), min_size=1, max_size=5),
    layout=st.sampled_from(["plain", "overlapping", "transposed", "expanded"]),
    program=actions,
    full=st.booleans(),
)
def test_every_state_comes_back_bit_for_bit(
    dtypes: list[torch.dtype], layout: str, program: list[tuple[str, int]], full: bool
) -> None:
    torch.manual_seed(0)
    model = Odd(dtypes, layout, seed=len(program))
    with (
        tempfile.TemporaryDirectory() as folder,
        MemorySystem(Path(folder) / "r.db", durability="normal", seed=1, safety=QUIET) as memory,
    ):
        memory.attach(model, name="m", baseline="full" if full else "lazy")
        run = Program(memory, model)
        for action, number in program:
            getattr(run, action)(number)
            run.note()
        for position in sorted(run.states):
            run.check(position)
        assert memory.verify().problems == ()
        assert model.head is model.embed


class Program:
    """Runs actions, and keeps a plain copy of what the model held after each."""

    def __init__(self, memory: MemorySystem, model: nn.Module) -> None:
        self.memory, self.model = memory, model
        self.states: dict[int, dict[str, bytes]] = {}
        self.lost: set[int] = set()
        """Positions before an unannounced write to bytes that nothing had kept."""
        self.acts: list[Any] = []
        self.note()

    def note(self) -> None:
        self.states[self.memory.store.head().position] = raw(self.model)

    def name(self, number: int) -> str:
        names = sorted(raw(self.model))
        return names[number % len(names)]

    def edit(self, number: int) -> None:
        with self.memory.act() as act, self.memory.edit(self.name(number)) as weight:
            scribble(weight, number)
        self.acts.append(act)

    def rows(self, number: int) -> None:
        with self.memory.edit("embed", rows=[number % 6]) as weight:
            weight[number % 6] += number

    def several(self, number: int) -> None:
        names = sorted({self.name(number), self.name(number + 1), self.name(number // 2)})
        with self.memory.edit(names) as weights:
            for offset, weight in enumerate(weights.values()):
                scribble(weight, number + offset)

    def abort(self, number: int) -> None:
        before = raw(self.model)
        try:
            with self.memory.edit(self.name(number)) as weight:
                scribble(weight, 3 * number)
                raise ZeroDivisionError
        except ZeroDivisionError:
            assert raw(self.model) == before

    def undo(self, number: int) -> None:
        if not self.acts:
            return
        act = self.acts.pop()
        before = raw(self.model)
        try:
            act.undo()
        except RestoreError:
            assert raw(self.model) == before

    def restore(self, number: int) -> None:
        positions = sorted(self.states)
        self.check(positions[number % len(positions)])

    def unannounced(self, number: int) -> None:
        tensors = {**dict(self.model.named_parameters()), **dict(self.model.named_buffers())}
        names = sorted(tensors)
        before = raw(self.model)
        scribble(tensors[names[number % len(names)]].data, 3 * number)
        for recorded in self.memory.verify_weights():
            event = next(self.memory.store.read(after=recorded.position - 1, limit=1))
            if not event.payload.earlier_restorable:
                # Every state so far held bytes of that storage that nothing had kept.
                self.lost |= set(self.states)
        assert raw(self.model) == before or self.memory.store.head().position not in self.states

    def check(self, position: int) -> None:
        before = raw(self.model)
        try:
            self.memory.restore(position)
        except RestoreError:
            assert position in self.lost
            assert raw(self.model) == before
            return
        assert raw(self.model) == self.states[position]
