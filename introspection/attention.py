"""What attention weights say: entropy row by row, the patterns of heads, how heads differ, what each token receives.

A row is one query's weights over the keys it can see. Rows that hold nothing (all zero, NaN, or of padding) say nothing
and are left out. Rows are taken as distributions: divided by their sum, which rounding moves off one and attention
sinks outside the sequence take a part of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from introspection.errors import InvalidArgument
from introspection.similarity_measures import number, widened

PATTERNS = ("previous_token", "first_token", "diagonal", "local", "uniform")
"""What a head's rows are measured against."""
_POSITIONAL = ("previous_token", "diagonal", "local")


def row_entropy(weights: torch.Tensor) -> torch.Tensor:
    """The entropy of every row in nats: 0 for a row with one visible key, ln n for n keys seen equally.

    Args:
        weights: Attention weights, shape (..., queries, keys); weights of zero contribute nothing.

    Returns:
        float64, shape (..., queries); NaN for rows that hold nothing (all zero) or a NaN.

    Raises:
        InvalidArgument: Fewer than two dimensions, or negative weights.

    Source: Shannon, "A Mathematical Theory of Communication" (1948), with 0 ln 0 = 0.
    """
    return _entropy(_distributions(weights))


def head_patterns(
    weights: torch.Tensor, mask: torch.Tensor | None = None, *, kind: str | None = None, window: int = 2,
    threshold: float = 0.4,
) -> list[dict[str, Any]]:  # fmt: skip
    """How much each head does what heads are known to do, as mean weights, beside what even attention would score.

    Scores are means over rows with two visible keys or more (a row with one has no choice):

    - `previous_token`, `diagonal`: the weight on the key before the query's own position, and on its own;
    - `first_token`: on the first key, where sinks form;
    - `local`: on keys at most `window` positions away;
    - `uniform`: the entropy as a share of that of even attention over the visible keys.

    With a longer sequence of keys than queries (a cache), the last query is the last key. Where keys are another
    sequence (`kind="cross"`), positions do not compare and the scores that need them are None.

    Args:
        weights: Shape (batch, heads, queries, keys).
        mask: Which tokens are not padding, shape (batch, queries); their rows count.
        kind: "self" or "cross"; None: self if there are as many queries as keys.
        window: Reach of `local`, in positions.
        threshold: How far above even attention, as a share of what is left above it, a score must be to name the head.

    Returns:
        For each head: `head`; `scores`; `expected_if_even` (the same scores of even attention over the same visible
        keys); `pattern` (the one that stands out most, or "uniform", or "mixed"); `entropy` (mean over rows, nats);
        `rows` (how many rows had a choice).

    Raises:
        InvalidArgument: Weights of another shape, a mask that does not fit, or a kind that is neither.

    Source: Clark, Khandelwal, Levy, Manning, "What Does BERT Look At?" (BlackboxNLP 2019), for the patterns; Xiao et
    al., "Efficient Streaming Language Models with Attention Sinks" (ICLR 2024), for the first token.
    """
    if window < 0:
        raise InvalidArgument("window", window, "a reach is 0 or more positions")
    _check(weights, mask)
    positional = _is_self(weights, kind)
    reaches = _reaches(weights, mask if positional else None, window)
    described = []
    for head in range(weights.shape[1]):
        rows, valid = _head(weights, head, mask)
        visible = rows > 0
        seen = visible.sum(-1)
        even = visible / seen.clamp(min=1).unsqueeze(-1)
        chosen = valid & (seen > 1)
        entropy = _entropy(rows)
        scores: dict[str, float | None] = {}
        expected: dict[str, float | None] = {}
        for name, reach in reaches.items():
            usable = chosen & reach.any(-1)
            exists = positional or name not in _POSITIONAL
            scores[name] = _mean((rows * reach).sum(-1)[usable]) if exists else None
            expected[name] = _mean((even * reach).sum(-1)[usable]) if exists else None
        scores["uniform"] = _mean((entropy / seen.clamp(min=2).log())[chosen])
        expected["uniform"] = None if scores["uniform"] is None else 1.0
        described.append(
            {
                "head": head,
                "scores": scores,
                "expected_if_even": expected,
                "pattern": _named(scores, expected, threshold),
                "entropy": _mean(entropy[valid]),
                "rows": int(chosen.sum()),
            }
        )
    return described


def head_specialisation(weights: torch.Tensor, mask: torch.Tensor | None = None) -> dict[str, Any]:
    """How far the heads of a layer do different things, in nats.

    Args:
        weights: Shape (batch, heads, queries, keys).
        mask: Which tokens are not padding, shape (batch, queries); their rows count.

    Returns:
        `diversity`: the Jensen-Shannon divergence of all heads' rows, averaged over queries: 0 if they are equal, at
        most ln(heads); `heads`: for each `head` its `distinctness`, the divergence between its rows and the mean of
        the other heads' rows (0 to ln 2), and its mean `entropy`; `most_distinct`. None where there is nothing to
        compare: a single head, no row.

    Raises:
        InvalidArgument: Weights of another shape, or a mask that does not fit.

    Source: Lin, "Divergence Measures Based on the Shannon Entropy" (1991).
    """
    _check(weights, mask)
    heads = weights.shape[1]
    first, shared = _head(weights, 0, mask)
    whole, entropies = torch.zeros_like(first), torch.zeros_like(first[..., 0])
    for head in range(heads):
        rows, valid = _head(weights, head, mask)
        whole, entropies, shared = whole + rows, entropies + _entropy(rows), shared & valid
    described: list[dict[str, Any]] = []
    distinctness: dict[int, float] = {}
    for head in range(heads):
        rows, valid = _head(weights, head, mask)
        apart = None
        if heads > 1:
            others = (whole - rows).clamp(min=0.0) / (heads - 1)
            divergence = _entropy((rows + others) / 2) - (_entropy(rows) + _entropy(others)) / 2
            apart = _mean(divergence[shared].clamp(min=0.0))
        if apart is not None:
            distinctness[head] = apart
        described.append({"head": head, "distinctness": apart, "entropy": _mean(_entropy(rows)[valid])})
    diversity = (_entropy(whole / heads) - entropies / heads).clamp(min=0.0)
    return {
        "diversity": _mean(diversity[shared]) if heads > 1 else None,
        "heads": described,
        "most_distinct": max(distinctness, key=distinctness.__getitem__) if distinctness else None,
    }


def token_attention(
    weights: torch.Tensor, mask: torch.Tensor | None = None, *, sequence: int = 0,
    tokens: Sequence[str] | None = None, head: int | None = None, strongest: int = 3,
) -> list[dict[str, Any]]:  # fmt: skip
    """What each token attends to and how much it is attended to, averaged over heads.

    Args:
        weights: Shape (batch, heads, queries, keys), keys being the queries' own tokens.
        mask: Which tokens are not padding, shape (batch, queries).
        sequence: Which of the batch.
        tokens: The tokens in words.
        head: One head; None: the mean of all.
        strongest: How many keys to list for each token.

    Returns:
        For each token that is not padding: `position`; `token`; `attends_to` (position, token, weight; strongest
        first); `entropy` of its row in nats, mean of heads; `received`: the mean weight it gets from the queries that
        see it, itself included; `received_from_others` likewise without itself; `queries`: how many see it.

    Raises:
        InvalidArgument: A sequence or head that does not exist, or weights or a mask of another shape.
    """
    _check(weights, mask)
    if weights.shape[3] < weights.shape[2]:
        raise InvalidArgument(
            "weights", tuple(weights.shape), "give self-attention: every query's token among the keys"
        )
    check_index("sequence", sequence, weights.shape[0])
    if head is not None:
        check_index("head", head, weights.shape[1])
    picked = range(weights.shape[1]) if head is None else (head,)
    one, one_mask = weights[[sequence]], None if mask is None else mask[[sequence]]
    first, usable = _head(one, picked[0], one_mask)
    mean, entropy = torch.zeros_like(first), torch.zeros_like(first[..., 0])
    for each in picked:
        rows, valid = _head(one, each, one_mask)
        mean, entropy, usable = mean + rows / len(picked), entropy + _entropy(rows) / len(picked), usable & valid
    return [
        _token(position, mean[0], entropy[0], usable[0], tokens, strongest)
        for position in range(weights.shape[2])
        if mask is None or bool(mask[sequence, position])
    ]


def _token(
    position: int, rows: torch.Tensor, entropy: torch.Tensor, usable: torch.Tensor, tokens: Sequence[str] | None,
    strongest: int,
) -> dict[str, Any]:  # fmt: skip
    offset = rows.shape[1] - rows.shape[0]
    received = rows[:, position + offset]
    seeing = usable & (received > 0)
    others = seeing & (torch.arange(len(rows), device=rows.device) != position)
    row = rows[position]
    order = row.argsort(descending=True, stable=True)[:strongest].tolist() if bool(usable[position]) else []
    return {
        "position": position,
        "token": _word(tokens, position),
        "attends_to": [
            {"position": key - offset, "token": _word(tokens, key - offset), "weight": float(row[key])}
            for key in order
            if row[key] > 0
        ],
        "entropy": _mean(entropy[position : position + 1]) if bool(usable[position]) else None,
        "received": _mean(received[seeing]),
        "received_from_others": _mean(received[others]),
        "queries": int(seeing.sum()),
    }


def check_index(name: str, value: int, size: int) -> None:
    """Raises InvalidArgument unless 0 <= value < size."""
    if not 0 <= value < size:
        raise InvalidArgument(name, value, f"there are {size}: give 0 to {size - 1}")


def _distributions(weights: torch.Tensor) -> torch.Tensor:
    if weights.ndim < 2 or weights.is_complex():
        raise InvalidArgument("weights", tuple(weights.shape), "give real weights of shape (..., queries, keys)")
    rows = widened(weights)
    if bool((rows < 0).any()):
        raise InvalidArgument("weights", float(rows[rows < 0].min()), "give weights after the softmax, none negative")
    return rows / rows.sum(-1, keepdim=True)


def _check(weights: torch.Tensor, mask: torch.Tensor | None) -> None:
    if weights.ndim != 4 or 0 in weights.shape:
        raise InvalidArgument("weights", tuple(weights.shape), "give weights of shape (batch, heads, queries, keys)")
    if mask is not None and tuple(mask.shape) != (weights.shape[0], weights.shape[2]):
        raise InvalidArgument("mask", tuple(mask.shape), f"give one of shape {(weights.shape[0], weights.shape[2])}")


def _head(weights: torch.Tensor, head: int, mask: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    """One head's rows as distributions, zero where they say nothing, and which do say something: (batch, queries)."""
    # A head at a time: in float64 all of them are four times the memory of the weights in bfloat16.
    rows = _distributions(weights[:, head])
    valid = rows.isfinite().all(-1)
    if mask is not None:
        valid = valid & mask.to(rows.device, torch.bool)
    return rows.where(valid.unsqueeze(-1), torch.zeros((), dtype=rows.dtype, device=rows.device)), valid


def _entropy(rows: torch.Tensor) -> torch.Tensor:
    # entr(1) is -0.0.
    result: torch.Tensor = torch.special.entr(rows).sum(-1) + 0.0
    return result


def _is_self(weights: torch.Tensor, kind: str | None) -> bool:
    if kind not in (None, "self", "cross"):
        raise InvalidArgument("kind", kind, "give 'self', 'cross' or None")
    return kind == "self" or (kind is None and weights.shape[-1] == weights.shape[-2])


def _reaches(weights: torch.Tensor, mask: torch.Tensor | None, window: int) -> dict[str, torch.Tensor]:
    """For each pattern of positions, which keys it means for each query: shape (batch or 1, queries, keys)."""
    queries, keys = weights.shape[-2:]
    places = torch.arange(keys, device=weights.device)
    own = torch.arange(queries, device=weights.device).unsqueeze(1) + (keys - queries)
    distance = (own - places).unsqueeze(0)
    # Padding on the left moves where a sequence begins.
    begins = places[:1]
    if mask is not None and keys == queries:
        begins = mask.to(weights.device, torch.int8).argmax(-1)
    return {
        "previous_token": distance == 1,
        "first_token": (places == begins.view(-1, 1, 1)).expand(-1, queries, keys),
        "diagonal": distance == 0,
        "local": distance.abs() <= window,
    }


def _named(scores: dict[str, float | None], expected: dict[str, float | None], threshold: float) -> str:
    """The pattern that stands out: `local` only if no narrower one does, even attention only if nothing does."""
    excess: dict[str, float] = {}
    for name in ("previous_token", "first_token", "diagonal", "local"):
        score, even = scores[name], expected[name]
        if score is not None and even is not None and even < 1:
            excess[name] = (score - even) / (1 - even)
    narrow = {name: value for name, value in excess.items() if name != "local" and value >= threshold}
    if narrow:
        return max(narrow, key=lambda name: narrow[name])
    if excess.get("local", 0.0) >= threshold:
        return "local"
    uniform = scores["uniform"]
    return "uniform" if uniform is not None and uniform >= 1 - threshold / 4 else "mixed"


def _mean(values: torch.Tensor) -> float | None:
    return number(float(values.mean())) if values.numel() else None


def _word(tokens: Sequence[str] | None, position: int) -> str | None:
    return tokens[position] if tokens is not None and 0 <= position < len(tokens) else None
