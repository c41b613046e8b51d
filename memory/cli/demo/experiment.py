"""The demo's research plan: which weights to edit, how, in which order, and the edits themselves.

The plan is data and the edits are functions of one tensor. Nothing here knows the memory, or what an edit will do to
the model: an act's coin is flipped when it runs, by whoever runs it.
"""

from __future__ import annotations

import hashlib
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

Method = Literal["scale", "noise", "rank_one", "zero_head", "placebo"]

SCALE = 0.5
"""What a dose of ±1 is for `scale`: the weight times 1 ± this."""
NOISE = 0.5
"""What a dose of 1 is for `noise`: fresh gaussian noise of this share of the weight's root mean square."""
RANK_ONE = 0.5
"""What a dose of 1 is for `rank_one`: a fresh random rank-one update of this share of the weight's Frobenius norm."""
KEPT_DOSE = 0.05
"""The dose of an edit that is kept: small, so that hundreds of acts do not add up to a ruined model."""

ACTS = 450
BATCH = 8
LENGTH = 128
SMALLEST_EFFECT_SHARE = 0.001
"""The smallest effect of interest per act, as a share of a metric's value before the first edit."""

MOST_TARGETS = 15
_SHARES: Mapping[Method, float] = {"scale": 0.89, "placebo": 0.04, "noise": 0.015, "rank_one": 0.015, "zero_head": 0.04}
_KEPT_SHARE = 0.04
"""Of the acts that scale."""

# What transformers' architectures call their parts: Llama, Qwen, Mistral, Gemma; GPT-2; GPT-NeoX; OPT.
_WANTED: tuple[tuple[str, int], ...] = (
    (r"(^|\.)(lm_head|embed_out)\.weight$", 1),
    (r"(^|\.)(embed_tokens|wte|embed_in)\.weight$", 1),
    (r"^(?!.*\.\d+\.).*(norm|ln_f)\.weight$", 1),
    (r"\.\d+\.(self_attn\.o_proj|attn\.c_proj|attention\.dense|self_attn\.out_proj)\.weight$", 4),
    (r"\.\d+\.(post_attention_layernorm|ln_2|final_layer_norm)\.weight$", 4),
    (r"\.\d+\.(mlp\.down_proj|mlp\.c_proj|mlp\.dense_4h_to_h|fc2)\.weight$", 2),
    (r"\.0\.(input_layernorm|ln_1|self_attn_layer_norm)\.weight$", 1),
    (r"\.\d+\.(self_attn\.q_proj|attn\.c_attn|attention\.query_key_value)\.weight$", 1),
)


@dataclass(frozen=True, slots=True)
class Target:
    """A name that edits are aimed at."""

    name: str
    """A parameter's full dotted path; two targets may name one storage."""
    shape: tuple[int, ...]
    """The parameter's shape."""
    head_width: int = 0
    """Columns per attention head where the columns are heads side by side, otherwise 0."""

    @property
    def heads(self) -> int:
        """How many attention heads can be zeroed by their columns."""
        return self.shape[1] // self.head_width if self.head_width else 0


@dataclass(frozen=True, slots=True)
class PlannedEdit:
    """One act of the plan: one write to one name."""

    name: str
    """The parameter to write, by the name the act aims at."""
    method: Method
    """How to write it."""
    dose: float
    """Size in units of the method's reference dose, before the coin; 0 changes nothing."""
    keep: bool
    """Whether the edit stays; otherwise it is to be undone once it was measured."""
    columns: tuple[int, int] | None = None
    """The columns, from and up to, that `zero_head` sets to zero."""


def choose_targets(model: nn.Module, most: int = MOST_TARGETS) -> tuple[Target, ...]:
    """Choose the names to edit: both embeddings, the final norm, and parts of layers at several depths.

    Chosen by what transformers' architectures call their parts; where too few names match, the largest matrices
    fill up.

    Args:
        model: A causal language model.
        most: How many names at the most.

    Returns:
        The targets; the two embeddings are two targets also where they are one storage.
    """
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters(remove_duplicate=False)}
    chosen: list[str] = []
    for pattern, count in _WANTED:
        chosen += _spread([name for name in shapes if re.search(pattern, name)], count)
    matrices = [name for name, shape in shapes.items() if len(shape) == 2]
    matrices.sort(key=lambda name: (-math.prod(shapes[name]), name))
    width = _head_width(model)
    return tuple(
        Target(
            name=name,
            shape=shapes[name],
            # Only where the projection's input is the heads side by side, which Conv1D layouts store as rows.
            head_width=width if name.endswith("o_proj.weight") and width and shapes[name][1] % width == 0 else 0,
        )
        for name in list(dict.fromkeys([*chosen, *matrices]))[:most]
    )


def _spread(names: list[str], count: int) -> list[str]:
    """The first, the last, and evenly many between; the middle one when there is to be only one."""
    if len(names) <= count:
        return names
    if count == 1:
        return [names[len(names) // 2]]
    return [names[round(index * (len(names) - 1) / (count - 1))] for index in range(count)]


def _head_width(model: nn.Module) -> int:
    config = getattr(model, "config", None)
    heads = int(getattr(config, "num_attention_heads", 0) or 0)
    hidden = int(getattr(config, "hidden_size", 0) or 0)
    return int(getattr(config, "head_dim", 0) or 0) or (hidden // heads if heads else 0)


def plan(seed: int, targets: Sequence[Target], acts: int, *, placebo_only: bool = False) -> Iterator[PlannedEdit]:
    """Lay out a run: every target once per round, in an order drawn anew for each round.

    A longer plan of the same seed begins with the shorter one.

    Args:
        seed: Equal seeds give equal plans.
        targets: What to aim at.
        acts: How many acts.
        placebo_only: Plan the same aims, but change nothing.

    Yields:
        The acts, in order.

    Raises:
        ValueError: There is nothing to aim at.
    """
    if not targets:
        raise ValueError("a plan needs at least one target")
    order = random.Random(f"palimpsest plan {seed}")
    planned = 0
    while planned < acts:
        for target in order.sample(targets, len(targets)):
            edit = _draw(order, target)
            if planned == acts:
                return
            planned += 1
            yield PlannedEdit(edit.name, "placebo", 0.0, keep=False) if placebo_only else edit


def _draw(order: random.Random, target: Target) -> PlannedEdit:
    method: Method = order.choices(list(_SHARES), weights=list(_SHARES.values()))[0]
    keep = order.random() < _KEPT_SHARE
    head = order.randrange(max(1, target.heads))
    if method == "placebo":
        return PlannedEdit(target.name, method, 0.0, keep=False)
    if method == "noise" or (method == "rank_one" and len(target.shape) == 2):
        return PlannedEdit(target.name, method, 1.0, keep=False)
    if method == "zero_head" and target.heads:
        columns = (head * target.head_width, (head + 1) * target.head_width)
        return PlannedEdit(target.name, method, 1.0, keep=False, columns=columns)
    return PlannedEdit(target.name, "scale", KEPT_DOSE if keep else 1.0, keep=keep)


def act_generator(seed: int, act: int) -> torch.Generator:
    """The source of everything random in one act but its coin: the sample it is measured on, and its fresh noise.

    Args:
        seed: The run's seed.
        act: The act's number in the model's whole history, so that a continued run draws new samples.

    Returns:
        A generator that depends on both numbers and on nothing else.
    """
    digest = hashlib.sha256(f"palimpsest act {seed} {act}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def apply(weight: torch.Tensor, edit: PlannedEdit, sign: int, generator: torch.Generator) -> None:
    """Carry out one planned edit, in place.

    Args:
        weight: The live bytes of `edit.name`.
        edit: What to do.
        sign: The coin, +1 or -1; zeroing a head and a placebo are the same under both.
        generator: Where fresh noise comes from.

    Raises:
        ValueError: The coin is not ±1, or the weight has no such columns or no rank.
    """
    if sign not in (1, -1):
        raise ValueError(f"a coin is +1 or -1, got {sign!r}")
    dose = edit.dose * sign
    with torch.no_grad():
        if edit.method == "scale":
            weight.mul_(1 + SCALE * dose)
        elif edit.method == "noise":
            weight.add_(_gaussian(weight.shape, weight, generator) * _root_mean_square(weight), alpha=NOISE * dose)
        elif edit.method == "rank_one":
            if weight.dim() != 2:
                raise ValueError(f"a rank-one update needs a matrix, {edit.name!r} has shape {tuple(weight.shape)}")
            left = nn.functional.normalize(_gaussian(weight.shape[:1], weight, generator), dim=0)
            right = nn.functional.normalize(_gaussian(weight.shape[1:], weight, generator), dim=0)
            weight.add_(torch.outer(left, right) * torch.linalg.vector_norm(weight), alpha=RANK_ONE * dose)
        elif edit.method == "zero_head":
            if edit.columns is None or weight.dim() != 2 or edit.columns[1] > weight.shape[1]:
                raise ValueError(f"{edit.name!r} of shape {tuple(weight.shape)} has no columns {edit.columns}")
            weight[:, edit.columns[0] : edit.columns[1]] = 0


def _gaussian(shape: torch.Size, like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(shape, generator=generator).to(device=like.device, dtype=like.dtype)


def _root_mean_square(weight: torch.Tensor) -> torch.Tensor:
    """The size of an entry; a standard deviation would leave a norm whose entries are all alike unchanged."""
    size: torch.Tensor = torch.linalg.vector_norm(weight) / math.sqrt(weight.numel())
    return size
