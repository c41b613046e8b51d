"""How alike two sets of activations, or two output distributions, are: pure functions of matrices, in float64.

Rows are tokens (or samples), columns are units. A number that does not exist is None: the cosine to a vector of zeros,
the alignment of a constant matrix, anything of too few rows.
"""

from __future__ import annotations

import math

import torch

from introspection.errors import InvalidArgument

# Less variation than this part of the values themselves is rounding.
_ROUNDING = 1e-12


def row_cosines(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The cosine of each row of `x` with the same row of `y`; rows with a zero vector are left out.

    Raises:
        InvalidArgument: Not two matrices of one shape.
    """
    left, right = _paired(x, y)
    if left.shape != right.shape:
        raise InvalidArgument("y", tuple(right.shape), f"a cosine needs the shape of the other, {tuple(left.shape)}")
    left, right = _unit_rows(left), _unit_rows(right)
    cosines = (left * right).sum(1)
    finite: torch.Tensor = cosines[cosines.isfinite()]
    return finite.clamp(-1.0, 1.0)


def mean_cosine(x: torch.Tensor, y: torch.Tensor) -> float | None:
    """The mean over rows of `row_cosines`; None if no row has one."""
    return mean(row_cosines(x, y))


def relative_change(before: torch.Tensor, after: torch.Tensor) -> float | None:
    """||after − before|| / ||before|| over all elements: 0 exactly if equal; None for a change from nothing.

    Raises:
        InvalidArgument: Not two tensors of one shape.
    """
    if before.shape != after.shape:
        raise InvalidArgument("after", tuple(after.shape), f"a change needs the shape before, {tuple(before.shape)}")
    old, new = widened(before), widened(after)
    change, size = float((new - old).norm()), float(old.norm())
    if change == 0:
        return 0.0
    return number(change / size) if size > 0 else None


def effective_rank(x: torch.Tensor) -> float | None:
    """How many directions the rows vary in: exp of the entropy of the normalised singular values, columns centred.

    Between 1 (all rows on a line) and min(rows − 1, columns); None if the rows do not vary.

    Args:
        x: Real matrix, rows × columns.

    Source: Roy, Vetterli, "The effective rank: a measure of effective dimensionality" (EUSIPCO 2007), def. 1.
    """
    values = matrix("x", x)
    largest = float(values.abs().max()) if values.numel() else 0.0
    if largest == 0 or not math.isfinite(largest):
        return None
    # Scaled, so that the squares that norms are made of exist.
    values = values / largest
    centred = values - values.mean(0, keepdim=True)
    if float(centred.norm()) <= _ROUNDING * float(values.norm()):
        return None
    shares = torch.linalg.svdvals(centred)
    shares = shares / shares.sum()
    return number(math.exp(float(torch.special.entr(shares).sum())))


def robust_scores(
    values: torch.Tensor, middle: torch.Tensor, spread: torch.Tensor, *, least_spread: float = 0.0
) -> torch.Tensor:
    """How many robust standard deviations each value lies from the middle, with its sign.

    Where there is no spread at all, what equals the middle scores 0 and everything else ±infinity.

    Args:
        values: Real tensor, of any shape that broadcasts with the other two.
        middle: The medians, of `median_and_spread`.
        spread: The robust standard deviations, likewise.
        least_spread: Counted as the standard deviation where that is smaller.
    """
    distance = widened(values) - middle
    return torch.where(distance == 0, torch.zeros_like(distance), distance / spread.clamp(min=least_spread))


def median_and_spread(samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The median along the first dimension, and the robust standard deviation around it.

    The latter is 1.4826 × the median absolute deviation, which nearly half of the samples can be wrong without moving
    far. Where more than half of the samples are one value, as for a unit that is mostly off, that is 0, and 1.2533 ×
    the mean absolute deviation stands for it.

    Args:
        samples: Real tensor, the first dimension being samples: at least one.

    Source: Iglewicz, Hoaglin, "How to Detect and Handle Outliers" (1993): the modified z-score, and its other form.
    """
    seen = widened(samples)
    middle = _median(seen)
    deviations = (seen - middle).abs()
    typical = 1.482602218505602 * _median(deviations)
    return middle, torch.where(typical > 0, typical, 1.2533141373155003 * deviations.mean(0))


def kl_divergence(logits: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """KL(p ‖ q) in nats of each row's softmax against that of the same row of `other`; never negative.

    Infinite where q excludes what p allows; NaN for a row that has a NaN or no finite logit.

    Args:
        logits: Real tensor, distributions in the last dimension: p.
        other: The same shape: q.
    """
    if logits.shape != other.shape:
        raise InvalidArgument("other", tuple(other.shape), f"it needs the shape of the logits, {tuple(logits.shape)}")
    p, q = widened(logits).log_softmax(-1), widened(other).log_softmax(-1)
    terms = torch.where(p == -math.inf, torch.zeros_like(p), p.exp() * (p - q))
    total = terms.sum(-1)
    # Rounding can leave −1e-17; clamp passes a NaN on.
    return total.clamp(min=0.0)


def entropy(logits: torch.Tensor) -> torch.Tensor:
    """The entropy in nats of each row's softmax.

    Args:
        logits: Real tensor, distributions in the last dimension.
    """
    terms: torch.Tensor = torch.special.entr(widened(logits).softmax(-1))
    return terms.sum(-1)


def mean(values: torch.Tensor) -> float | None:
    """The mean of all values as a number; None if there are none or it is not finite."""
    return number(float(values.mean())) if values.numel() else None


def number(value: float) -> float | None:
    """The value if JSON can hold it, else None."""
    return value if math.isfinite(value) else None


def widened(tensor: torch.Tensor) -> torch.Tensor:
    """The values as float64, outside any graph; on the CPU if the device has no float64."""
    values = tensor.detach()
    return (values.cpu() if values.device.type == "mps" else values).to(torch.float64)


def _median(values: torch.Tensor) -> torch.Tensor:
    """The median along the first dimension, between the two middle values of an even number."""
    # Not torch.quantile, which refuses more than 16 million values; torch.median takes the lower middle.
    ordered = values.sort(dim=0).values
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def matrix(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """The values as float64, if they are a real matrix with columns.

    Raises:
        InvalidArgument: They are not.
    """
    if tensor.ndim != 2 or tensor.shape[1] == 0 or tensor.is_complex():
        shape = f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}"
        raise InvalidArgument(name, shape, "give a real matrix: one row for each token, one column for each unit")
    return widened(tensor)


def _paired(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    left, right = matrix("x", x), matrix("y", y)
    if len(left) != len(right):
        raise InvalidArgument("y", tuple(y.shape), f"both need the same rows, and x has {len(left)}")
    return left, right


def _unit_rows(matrix: torch.Tensor) -> torch.Tensor:
    # Scaled by the largest magnitude first: squares of tiny or huge rows would leave float64.
    scaled = matrix / matrix.abs().amax(1, keepdim=True)
    lengths: torch.Tensor = scaled.norm(dim=1, keepdim=True)
    return scaled / lengths
