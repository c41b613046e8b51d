"""How far one token reaches: what changes at every position when its embedding is taken away."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn

from introspection.activation_store import ActivationRecorder
from introspection.errors import InvalidArgument, NothingCaptured
from introspection.inputs import ModelInputs
from introspection.names import named_modules
from introspection.similarity_measures import number, widened


def token_influence(
    model: nn.Module, inputs: ModelInputs, index: int, record: Callable[[], ActivationRecorder], *,
    replacement: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Runs a model twice, the second time without one token, and measures the difference at every layer and position.

    The token's embedding is replaced by the mean of all rows of the table, which says nothing about the token (or by
    that of another token); its position stays. This measures effects, not attention weights: what no later computation
    uses has no influence, however much it is looked at.

    Args:
        model: The model, its state preserved by the caller.
        inputs: One sequence of tokens.
        index: The token's position, from 0; negative ones count from the end.
        record: Makes the recorder of one run.
        replacement: The id of the token to put there instead; None: the mean of all.

    Returns:
        `index`, `token`, `layers`: by captured name `change` (for each position ||after − before|| / ||before||; None
        where there was nothing before), `at_token`, `elsewhere` (mean over the other positions), `strongest` (position
        and token of the largest change elsewhere, None if nothing changed).

    Raises:
        InvalidArgument: Inputs without token ids, more than one sequence, or an index or id that does not exist.
        NothingCaptured: No embedding was looked up with the token ids, or no layer gave one vector for each token.

    Source: Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks" (ECCV 2014), for occlusion; Wang et
    al., "Interpretability in the Wild" (ICLR 2023), for replacing by a mean.
    """
    ids = inputs.token_ids
    if ids is None:
        raise InvalidArgument("inputs", "without token ids", "give text, or tensors with `input_ids`")
    if ids.shape[0] != 1:
        raise InvalidArgument("inputs", f"{ids.shape[0]} sequences", "give one sequence at a time")
    length = ids.shape[1]
    if not -length <= index < length:
        raise InvalidArgument("index", index, f"there are {length} tokens: give {-length} to {length - 1}")
    index %= length
    with _Lookup(model, ids) as lookup, record() as recorder:
        inputs.call(model)
        before = recorder.captured
    if lookup.found is None:
        raise NothingCaptured((), "no embedding was looked up with the token ids", "give a model that embeds tokens")
    table = lookup.found.weight
    if replacement is not None and not 0 <= replacement < len(table):
        raise InvalidArgument("replacement", replacement, f"the table has rows 0 to {len(table) - 1}")
    row = table[replacement] if replacement is not None else mean_row(table)
    with _Lookup(model, ids, index, row), record() as recorder:
        inputs.call(model)
        after = recorder.captured
    layers = {
        name: _change(before[name], after[name], index if own else None, before.sequence_of(layer).tokens)
        for layer, names in before.names.items()
        for own in [before.sequence_of(layer) is before.sequence]
        for name in names
        if _has_a_vector_for_each_token(before[name], after.get(name), length if own else None)
    }
    if not layers:
        raise NothingCaptured(before.calls, "none gives one vector for each token", "name layers that do")
    tokens = inputs.tokens[0] if inputs.tokens is not None else None
    return {"index": index, "token": tokens[index] if tokens is not None else None, "layers": layers}


def mean_row(table: torch.Tensor) -> torch.Tensor:
    """The mean of all rows, accumulated in float64 a thousand rows at a time, in the table's dtype."""
    total = torch.zeros(table.shape[1], dtype=torch.float64, device="cpu")
    for begin in range(0, len(table), 1024):
        total += widened(table[begin : begin + 1024]).sum(0).cpu()
    return (total / len(table)).to(table.device, table.dtype)


class _Lookup:
    """Finds the first embedding that is looked up with the token ids; with a row, replaces what it gives for one."""

    def __init__(self, model: nn.Module, ids: torch.Tensor, index: int = 0, row: torch.Tensor | None = None) -> None:
        self.found: nn.Embedding | None = None
        self._model = model
        self._ids = ids
        self._index = index
        self._row = row
        self._hooks = ExitStack()

    def __enter__(self) -> _Lookup:
        with ExitStack() as attached:
            for module in {id(each): each for _, each in named_modules(self._model)}.values():
                if isinstance(module, nn.Embedding):
                    # First of all hooks: the recorder must see what goes on into the model.
                    attached.callback(module.register_forward_hook(self._looked_up, prepend=True).remove)
            self._hooks = attached.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._hooks.close()

    def _looked_up(self, module: nn.Module, args: tuple[Any, ...], output: torch.Tensor) -> torch.Tensor | None:
        given = args[0] if args else None
        if self.found is not None or not isinstance(module, nn.Embedding) or not isinstance(given, torch.Tensor):
            return None
        if given.shape != self._ids.shape or not torch.equal(given.to(self._ids.device), self._ids):
            return None
        self.found = module
        if self._row is None:
            return None
        changed = output.clone()
        changed[:, self._index] = self._row.to(output.device, output.dtype)
        return changed


def _has_a_vector_for_each_token(before: torch.Tensor, after: torch.Tensor | None, length: int | None) -> bool:
    if after is None or before.ndim != 3 or before.shape != after.shape or not before.is_floating_point():
        return False
    return before.shape[0] == 1 and length in (None, before.shape[1])


def _change(
    before: torch.Tensor, after: torch.Tensor, own: int | None, tokens: tuple[tuple[str, ...], ...] | None
) -> dict[str, Any]:
    old, new = widened(before[0]), widened(after[0])
    difference, size = (new - old).norm(dim=1), old.norm(dim=1)
    relative = torch.where(difference == 0, torch.zeros_like(difference), difference / size)
    change = [number(value) for value in relative.tolist()]
    others = [(value, place) for place, value in enumerate(change) if value is not None and place != own]
    largest, place = max(others, key=lambda each: each[0], default=(0.0, 0))
    word = tokens[0][place] if tokens is not None and place < len(tokens[0]) else None
    return {
        "change": change,
        "at_token": None if own is None else change[own],
        "elsewhere": sum(value for value, _ in others) / len(others) if others else None,
        "strongest": {"position": place, "token": word} if largest > 0 else None,
    }
