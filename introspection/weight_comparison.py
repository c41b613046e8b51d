"""Two tensors side by side: what of them is equal, and how far apart the rest is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from introspection.distribution import distribution_of
from introspection.values import Values, ordered_values, widened

CHUNK_ELEMENTS = 1 << 18
"""Elements of each tensor that are compared at a time."""

_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


@dataclass(slots=True)
class PairSums:
    """What one pass over two tensors gathers, place by place, in float64.

    Differences and products are over the places where both are finite. Chunks are joined by means and central sums.

    Source: Pébay, "Formulas for Robust, One-Pass Parallel Computation of Covariances and Arbitrary-Order Statistical
    Moments", Sandia report SAND2008-6212 (2008).
    """

    places: int = 0
    """Places looked at."""
    compared: int = 0
    """Places where both are finite."""
    equal_bits: int = 0
    """Places with the same bits (0 where the dtypes differ)."""
    equal: int = 0
    """Places with equal numbers: −0.0 equals 0.0, and NaN equals nothing."""
    not_finite: tuple[int, int] = (0, 0)
    """NaN and infinities of each."""
    largest: float = 0.0
    """The largest difference, without its sign."""
    absolute: float = 0.0
    """Sum of the differences without their signs."""
    squared: float = 0.0
    """Sum of the squared differences."""
    means: tuple[complex, complex] = (0.0, 0.0)
    central: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Central sums: squares of the first, of the second, products of both (the real part where they are complex)."""

    def add(self, first: torch.Tensor, second: torch.Tensor) -> None:
        """Takes in the same places of both tensors: one-dimensional chunks of one length on one device."""
        self.places += first.numel()
        if first.dtype == second.dtype:
            self.equal_bits += int((_bits(first) == _bits(second)).all(dim=-1).sum())
        one, other = (_numbers(each, first.is_complex() or second.is_complex()) for each in (first, second))
        self.equal += int((one == other).sum())
        finite, other_finite = one.isfinite(), other.isfinite()
        both = finite & other_finite
        count = int(both.sum())
        self.not_finite = (
            self.not_finite[0] + len(one) - int(finite.sum()),
            self.not_finite[1] + len(one) - int(other_finite.sum()),
        )
        if not count:
            return
        if count < len(one):
            one, other = one[both], other[both]
        away = (one - other).abs()
        self.largest = max(self.largest, float(away.max()))
        self.absolute += float(away.sum())
        self.squared += float(away.dot(away))
        self._join(count, one, other)

    def _join(self, count: int, one: torch.Tensor, other: torch.Tensor) -> None:
        mean, other_mean = one.mean(), other.mean()
        one, other = one - mean, other - other_mean
        found = (_product(one, one), _product(other, other), _product(one, other))
        total = self.compared + count
        weight = self.compared * count / total
        shift, other_shift = mean.item() - self.means[0], other_mean.item() - self.means[1]
        joined = (_square(shift), _square(other_shift), (shift * other_shift.conjugate()).real)
        first, second, both = (
            held + here + weight * between for held, here, between in zip(self.central, found, joined, strict=True)
        )
        self.central = (first, second, both)
        self.means = (self.means[0] + shift * count / total, self.means[1] + other_shift * count / total)
        self.compared = total

    @property
    def norms(self) -> tuple[float, float]:
        """The l2 norm of each, over the places compared."""
        first, second = (
            math.sqrt(central + self.compared * _square(mean))
            for central, mean in zip(self.central[:2], self.means, strict=True)
        )
        return first, second

    @property
    def cosine(self) -> float | None:
        """Cosine of the angle between the two as vectors; None where one has no direction."""
        product = self.central[2] + self.compared * (self.means[0] * complex(self.means[1]).conjugate()).real
        return _share(product, *self.norms)

    @property
    def correlation(self) -> float | None:
        """Pearson's correlation; None where one is constant."""
        return _share(self.central[2], math.sqrt(self.central[0]), math.sqrt(self.central[1]))

    @property
    def distance(self) -> float | None:
        """The l2 norm of the difference; None where nothing could be compared."""
        return _finite(math.sqrt(self.squared)) if self.compared else None


def pair_sums(first: Values, second: Values) -> PairSums:
    """Compares two tensors of one shape in one pass, a chunk at a time.

    Args:
        first: The values of one, in order (`ordered_values`).
        second: The values of the other; on the first one's device, or moved there a chunk at a time.
    """
    sums = PairSums()
    for one, other in _aligned(_plain(first), _plain(second)):
        sums.add(one, other.to(one.device))
    return sums


def compare_tensors(first: torch.Tensor, second: torch.Tensor, names: tuple[str, str]) -> dict[str, Any]:
    """What of two tensors is equal and how far apart the rest is, as JSON-serialisable numbers and a sentence.

    Args:
        first: A tensor with values that have an order: dense, quantised, or what this process holds of a DTensor.
        second: The other; its shape, dtype and device may differ.
        names: What to call them.

    Returns:
        `first` and `second` (name, shape, dtype, norm, mean, std), `comparable`, `reason` (why not, or None) and, None
        where not comparable: `num_elements`, `compared` (places where both are finite: what all below but the two
        shares is over), `not_finite` (of each), `identical` (bit for bit, in one dtype), `equal_bits_share` (None
        where the dtypes differ), `equal_share`, `max_abs_difference`, `mean_abs_difference`, `difference_norm`,
        `relative_difference` (that norm over the first one's), `cosine`, `correlation`; and `words`.

    Raises:
        UnsupportedStorage: One of them has no values, or none in an order.
    """
    values = ordered_values(first, names[0]), ordered_values(second, names[1])
    result: dict[str, Any] = {
        side: _alone(name, tensor, held)
        for side, name, tensor, held in zip(("first", "second"), names, (first, second), values, strict=True)
    }
    reason = _why_not(first, second, values)
    sums = None if reason else pair_sums(*values)
    result.update(comparable=reason is None, reason=reason, **_figures(sums, first.dtype == second.dtype))
    result["words"] = _words(result, names)
    return result


def _alone(name: str, tensor: torch.Tensor, values: Values) -> dict[str, Any]:
    moments = distribution_of(values).moments
    return {
        "name": name,
        "shape": list(tensor.shape),
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "scope": values.scope,
        "norm": moments.l2_norm,
        "mean": moments.mean,
        "std": moments.std,
    }


def _why_not(first: torch.Tensor, second: torch.Tensor, values: tuple[Values, Values]) -> str | None:
    if first.shape != second.shape:
        return f"their shapes differ: {list(first.shape)} and {list(second.shape)}"
    if (values[0].scope, values[0].local_shape, values[0].placement) != (
        values[1].scope,
        values[1].local_shape,
        values[1].placement,
    ):
        return "this process holds different parts of them"
    return None


def _figures(sums: PairSums | None, one_dtype: bool) -> dict[str, Any]:
    keys = (
        *("num_elements", "compared", "not_finite", "identical", "equal_bits_share", "equal_share"),
        *("max_abs_difference", "mean_abs_difference", "difference_norm", "relative_difference"),
        *("cosine", "correlation"),
    )
    if sums is None:
        return dict.fromkeys(keys)
    some, norm = sums.compared > 0, sums.norms[0]
    distance = sums.distance
    return {
        "num_elements": sums.places,
        "compared": sums.compared,
        "not_finite": list(sums.not_finite),
        "identical": one_dtype and sums.equal_bits == sums.places,
        "equal_bits_share": sums.equal_bits / sums.places if one_dtype and sums.places else None,
        "equal_share": sums.equal / sums.places if sums.places else None,
        "max_abs_difference": _finite(sums.largest) if some else None,
        "mean_abs_difference": _finite(sums.absolute / sums.compared) if some else None,
        "difference_norm": distance,
        "relative_difference": _finite(distance / norm) if distance is not None and norm > 0 else None,
        "cosine": sums.cosine,
        "correlation": sums.correlation,
    }


def _words(found: dict[str, Any], names: tuple[str, str]) -> str:
    both = " and ".join(names)
    if not found["comparable"]:
        return f"{both} cannot be compared element by element: {found['reason']}"
    if found["num_elements"] == 0:
        return f"{both} have no elements"
    if found["identical"]:
        return f"{both} hold the same values, bit for bit"
    bits = found["equal_bits_share"]
    how = f"{bits:.2%} of the bit patterns" if bits is not None else f"{found['equal_share']:.2%} of the numbers"
    said = [f"{both} differ: {how} are equal"]
    if found["compared"]:
        said.append(f"the largest difference is {found['max_abs_difference']}")
    if found["relative_difference"] is not None:
        said.append(f"the difference is {found['relative_difference']:.3g} times the norm of {names[0]}")
    if found["cosine"] is not None:
        said.append(f"their cosine is {found['cosine']:.6g}")
    if any(found["not_finite"]):
        said.append(f"{found['not_finite'][0]} and {found['not_finite'][1]} values are NaN or infinite, and left out")
    return ", ".join(said)


def _plain(values: Values) -> Iterator[torch.Tensor]:
    return (chunk for chunk, _ in values.chunks(CHUNK_ELEMENTS))


def _aligned(
    first: Iterator[torch.Tensor], second: Iterator[torch.Tensor]
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The same places of two rows of chunks, whatever their lengths are."""
    one, other = next(first, None), next(second, None)
    while one is not None and other is not None:
        length = min(len(one), len(other))
        yield one[:length], other[:length]
        one = one[length:] if len(one) > length else next(first, None)
        other = other[length:] if len(other) > length else next(second, None)


def _bits(chunk: torch.Tensor) -> torch.Tensor:
    """The bits of each element as a row of integers."""
    raw = torch.view_as_real(chunk) if chunk.is_complex() else chunk[:, None]
    return raw.view(_BITS[raw.element_size()])


def _numbers(chunk: torch.Tensor, as_complex: bool) -> torch.Tensor:
    return chunk.to(torch.complex128) if as_complex else widened(chunk)


def _product(one: torch.Tensor, other: torch.Tensor) -> float:
    if not one.is_complex():
        return float(one.dot(other))
    return float(torch.view_as_real(one).flatten().dot(torch.view_as_real(other).flatten()))


def _square(number: complex) -> float:
    # Powers and magnitudes of Python numbers raise where they overflow; products do not.
    return number.real * number.real + number.imag * number.imag


def _share(product: float, norm: float, other_norm: float) -> float | None:
    if not (norm > 0 and other_norm > 0 and math.isfinite(norm) and math.isfinite(other_norm)):
        return None
    return min(1.0, max(-1.0, product / norm / other_norm))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
