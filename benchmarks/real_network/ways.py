"""The writes whose truth can be found by doing: which, to what, how, and the bytes put back after.

Every way is one thing done to one tensor. With a coin its two sides are told apart; without one it is done as it is.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from memory.cli.demo import experiment

HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"
NORM = "model.norm.weight"
FIRST_OUT, LAST_OUT = "model.layers.0.self_attn.o_proj.weight", "model.layers.3.self_attn.o_proj.weight"
FIRST_DOWN, LAST_DOWN = "model.layers.0.mlp.down_proj.weight", "model.layers.3.mlp.down_proj.weight"
MIDDLE_NORM = "model.layers.1.post_attention_layernorm.weight"
SCALED = (HEAD, EMBEDDING, NORM, FIRST_OUT, LAST_OUT, FIRST_DOWN, LAST_DOWN, MIDDLE_NORM)
"""Both names of the one embedding, and weights at both ends of the model."""

NUDGE = 1e-5
"""A dose of ±1 of `nudge`: the weight times 1 ± this. It changes bytes, and nothing that matters."""
WHISPER = 0.002
"""The smaller dose of `noise`: this share of what a dose of 1 is."""
PLACEBOS = ("placebo", "times_one", "told_only")
"""Nothing done, a multiplication by 1.0, and a write that is only told of."""

Change = Callable[[Tensor, int, torch.Generator], None]
"""Changes a weight in place, given the coin's side and a source of fresh noise."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of writing one tensor."""

    name: str
    """The parameter, by the name it is written through."""
    method: str
    change: Change
    dose: float | None = None
    """Size at the reference; None: the write has none."""
    coin: bool = False
    """Whether a coin decides the side of the dose."""

    @property
    def label(self) -> str:
        """What it is, in a word or two."""
        return self.method if self.dose in (None, 1.0) else f"{self.method} {self.dose:g}"

    @property
    def undone(self) -> bool:
        """Whether there is anything to undo."""
        return self.method not in PLACEBOS


def unused_tokens(held_out: Tensor, vocabulary: int) -> list[int]:
    """Give the tokens that never occur in a text: their rows are in the softmax's denominator all the same."""
    used = set(torch.unique(held_out).tolist())
    return [token for token in range(vocabulary) if token not in used]


def real_ways(unused: Sequence[int], head_width: int) -> list[Way]:
    """Give the writes that change bytes.

    Args:
        unused: Tokens that never occur in the text.
        head_width: Columns of one attention head.
    """
    ways = [Way(name, "scale", _scale(experiment.SCALE), 1.0, coin=True) for name in SCALED]
    ways.append(Way(HEAD, "nudge", _scale(NUDGE), 1.0, coin=True))
    ways += [Way(name, "noise", _noise(1.0), 1.0) for name in (LAST_OUT, FIRST_DOWN)]
    ways.append(Way(LAST_OUT, "noise", _noise(WHISPER), WHISPER))
    ways.append(Way(FIRST_OUT, "zero_head", _zero_columns(head_width)))
    ways.append(Way(EMBEDDING, "zero_unused_rows", _zero_rows(unused)))
    ways.append(Way(HEAD, "zero_unused_row", _zero_rows(unused[:1])))
    return ways


def placebo_ways(order: random.Random) -> list[Way]:
    """Give one write of each kind that does nothing, each to a tensor drawn at random."""
    return [
        Way(order.choice(SCALED), "placebo", _nothing, 0.0),
        Way(order.choice(SCALED), "times_one", _scale(0.0), 1.0, coin=True),
        Way(order.choice(SCALED), "told_only", _nothing, 1.0, coin=True),
    ]


def plan(seed: int, acts: int, real: Sequence[Way]) -> Iterator[Way]:
    """Lay out a run: every way once per round, with its placebos, in an order drawn anew for each round."""
    order = random.Random(f"real network {seed}")
    planned = 0
    while planned < acts:
        round_of = [*real, *placebo_ways(order)]
        order.shuffle(round_of)
        yield from round_of[: acts - planned]
        planned += len(round_of)


@contextmanager
def done(weight: Tensor, way: Way, sign: int, generator: torch.Generator) -> Iterator[None]:
    """Have a write done while inside; on leaving, every bit is as it was.

    Raises:
        RuntimeError: A bit is not as it was.
    """
    before = weight.detach().clone()
    try:
        with torch.no_grad():
            way.change(weight, sign, generator)
        yield
    finally:
        with torch.no_grad():
            weight.copy_(before)
    if not torch.equal(weight.detach().view(torch.int32), before.view(torch.int32)):
        raise RuntimeError(f"{way.name} was not put back bit for bit")


def _scale(share: float) -> Change:
    def change(weight: Tensor, sign: int, generator: torch.Generator) -> None:
        weight.mul_(1 + sign * share)

    return change


def _noise(dose: float) -> Change:
    def change(weight: Tensor, sign: int, generator: torch.Generator) -> None:
        edit = experiment.PlannedEdit("", "noise", dose, keep=False)
        experiment.apply(weight, edit, sign, generator)

    return change


def _zero_columns(width: int) -> Change:
    def change(weight: Tensor, sign: int, generator: torch.Generator) -> None:
        weight[:, :width] = 0

    return change


def _zero_rows(rows: Sequence[int]) -> Change:
    def change(weight: Tensor, sign: int, generator: torch.Generator) -> None:
        weight[torch.tensor(list(rows))] = 0

    return change


def _nothing(weight: Tensor, sign: int, generator: torch.Generator) -> None:
    """Leave the weight alone."""
