"""Statistics of one tensor's values: exact, in bounded memory, and never undone by a NaN."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch

from introspection.chunks import logical_chunks, readable
from introspection.errors import InvalidArgument

CHUNK_ELEMENTS = 1 << 20
"""Elements that are widened to float64 at a time."""
PERCENTILES = (5, 25, 50, 75, 95)

# Dtypes whose every value float32 holds: their order statistics need two passes instead of four.
_FIT_FLOAT32 = frozenset(
    {torch.float32, torch.float16, torch.bfloat16, torch.int8, torch.uint8, torch.int16, torch.bool}
)
_DIGIT_BITS = 16
_DIGITS = 1 << _DIGIT_BITS


@dataclass(slots=True)
class _Sums:
    """What one pass over the finite values gathers; values are divided by `scale` so that no square overflows."""

    scale: float
    near_zero: float
    mean: float = 0.0
    squared_deviation: float = 0.0
    absolute: float = 0.0
    squared: float = 0.0
    count: int = 0
    zeros: int = 0
    near_zeros: int = 0

    def add(self, values: torch.Tensor) -> None:
        """Takes in a chunk of finite float64 values."""
        absolute = values.abs()
        self.zeros += int((absolute == 0).sum())
        self.near_zeros += int((absolute < self.near_zero).sum())
        scaled = values / self.scale
        count, mean = values.numel(), float(scaled.mean())
        self.absolute += float((absolute / self.scale).sum())
        self.squared += float(scaled.square().sum())
        # Chunks are joined by their means and deviations: sums of squares would cancel far from zero.
        # Source: Chan, Golub, LeVeque, "Algorithms for computing the sample variance" (1983).
        total, shift = self.count + count, mean - self.mean
        self.squared_deviation += float((scaled - mean).square().sum()) + shift * shift * self.count * count / total
        self.mean += shift * count / total
        self.count = total


@dataclass(slots=True)
class _Range:
    """What the first pass learns: how many values there are of which kind, and where they lie."""

    nan: int = 0
    positive_infinite: int = 0
    negative_infinite: int = 0
    finite: int = 0
    low: float = math.inf
    high: float = -math.inf

    def add(self, values: torch.Tensor) -> None:
        """Takes in a chunk of float64 values."""
        self.nan += int(values.isnan().sum())
        self.positive_infinite += int(values.isposinf().sum())
        self.negative_infinite += int(values.isneginf().sum())
        finite = _finite(values)
        self.finite += finite.numel()
        if finite.numel():
            low, high = torch.aminmax(finite)
            self.low, self.high = min(self.low, float(low)), max(self.high, float(high))


@dataclass(slots=True)
class _Histogram:
    """Counts of finite values in bins of one width; the last bin includes its upper edge."""

    low: float
    high: float
    bins: int
    counts: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.counts = torch.zeros(self.bins, dtype=torch.int64)
        if self.low == self.high:
            self.low, self.high = self.low - 0.5, self.high + 0.5

    @property
    def width(self) -> float:
        """Width of one bin; divided before subtracting, since high − low can overflow."""
        return self.high / self.bins - self.low / self.bins

    def add(self, values: torch.Tensor) -> None:
        """Takes in a chunk of finite float64 values."""
        if self.width > 0:
            places = (values / self.width - self.low / self.width).floor().clamp_(0, self.bins - 1).to(torch.int64)
        else:
            places = torch.zeros(values.numel(), dtype=torch.int64, device=values.device)
        self.counts += torch.bincount(places, minlength=self.bins).cpu()

    def edges(self) -> list[float]:
        """The bins' edges, one more than there are bins."""
        parts = [index / self.bins for index in range(self.bins + 1)]
        return [self.low * (1 - part) + self.high * part for part in parts]


def tensor_statistics(
    tensor: torch.Tensor, *, name: str = "tensor", bins: int = 20, near_zero: float = 1e-6
) -> dict[str, object]:
    """Statistics of a tensor's finite values, as JSON-serialisable numbers; NaN and infinities are counted beside.

    Accumulated in float64, a chunk at a time: no second copy of the tensor is made. Percentiles (linear between
    values) and the median are exact. The standard deviation is of a sample (as `torch.std`), and 0 for a single value.
    Complex tensors are described by their magnitudes. Shares are of all elements. What does not exist (the mean of no
    finite value) is None.

    Args:
        tensor: A dense tensor with values, of any dtype that converts to float.
        name: What to call it in an error.
        bins: Number of histogram bins.
        near_zero: Magnitudes below this count as near zero.

    Raises:
        UnsupportedStorage: The tensor has no values (meta, fake, uninitialised), or holds them in no dense form.
        InvalidArgument: Fewer than one bin.
    """
    if bins < 1:
        raise InvalidArgument("bins", bins, "a histogram needs at least one bin")
    dense = readable(tensor, name)
    extent = _Range()
    for values in _values(dense):
        extent.add(values)
    elements = dense.numel()
    result: dict[str, object] = {
        "values": "magnitude" if dense.is_complex() else "value",
        "num_elements": elements,
        "nan_count": extent.nan,
        "inf_count": extent.positive_infinite + extent.negative_infinite,
        "finite_count": extent.finite,
    }
    if extent.finite == 0:
        absent = ("mean", "std", "min", "max", "median", "abs_mean", "l1_norm", "l2_norm", "frobenius_norm")
        return {
            **result,
            **dict.fromkeys(absent),
            "zero_share": 0.0 if elements else None,
            "near_zero_share": 0.0 if elements else None,
            "percentiles": {str(percent): None for percent in PERCENTILES},
            "histogram": {"counts": [], "bin_edges": []},
        }
    # A power of two: dividing by it rounds nothing.
    largest = max(abs(extent.low), abs(extent.high))
    scale = math.ldexp(1.0, math.frexp(largest)[1] - 1) if largest else 1.0
    sums, histogram = _Sums(scale, near_zero), _Histogram(extent.low, extent.high, bins)
    for values in _values(dense):
        finite = _finite(values)
        if finite.numel():
            sums.add(finite)
            histogram.add(finite)
    percentiles = _percentiles(dense, extent)
    norm = _number(math.sqrt(sums.squared) * scale)
    return {
        **result,
        "mean": sums.mean * scale,
        "std": _number(math.sqrt(sums.squared_deviation / max(1, sums.count - 1)) * scale),
        "min": extent.low,
        "max": extent.high,
        "median": percentiles[50],
        "abs_mean": sums.absolute / sums.count * scale,
        "l1_norm": _number(sums.absolute * scale),
        "l2_norm": norm,
        "frobenius_norm": norm,
        "zero_share": sums.zeros / elements,
        "near_zero_share": sums.near_zeros / elements,
        "percentiles": {str(percent): value for percent, value in percentiles.items()},
        "histogram": {"counts": histogram.counts.tolist(), "bin_edges": histogram.edges()},
    }


def _values(dense: torch.Tensor) -> Iterator[torch.Tensor]:
    """The values as float64, a chunk at a time."""
    for chunk in logical_chunks(dense, CHUNK_ELEMENTS):
        real = chunk.to(torch.complex128).abs() if chunk.is_complex() else chunk
        real = real.dequantize() if real.is_quantized else real
        # Apple's devices have no float64.
        yield (real.cpu() if real.device.type == "mps" else real).to(torch.float64)


def _finite(values: torch.Tensor) -> torch.Tensor:
    finite = values.isfinite()
    return values if bool(finite.all()) else values[finite]


def _percentiles(dense: torch.Tensor, extent: _Range) -> dict[int, float]:
    """Exact percentiles of the finite values, linear between the two nearest ranks."""
    positions = {percent: percent / 100 * (extent.finite - 1) for percent in PERCENTILES}
    ranks = sorted({rank for place in positions.values() for rank in (math.floor(place), math.ceil(place))})
    # In the order used, negative infinities come first; NaN are left out.
    found = _order_statistics(dense, [rank + extent.negative_infinite for rank in ranks])
    at = dict(zip(ranks, found, strict=True))
    return {
        percent: _between(at[math.floor(place)], at[math.ceil(place)], place % 1)
        for percent, place in positions.items()
    }


def _between(low: float, high: float, part: float) -> float:
    return low if low == high else low * (1 - part) + high * part


def _order_statistics(dense: torch.Tensor, ranks: Sequence[int]) -> list[float]:
    """The values of the given ranks (0: the smallest, NaN left out)."""
    if dense.numel() <= CHUNK_ELEMENTS:
        (values,) = _values(dense)
        return values[~values.isnan()].sort().values[list(ranks)].tolist()
    return _select(dense, ranks)


def _select(dense: torch.Tensor, ranks: Sequence[int]) -> list[float]:
    """Order statistics by radix selection: one pass for each 16 bits of the key, and nothing sorted or copied whole."""
    bits = 32 if dense.dtype in _FIT_FLOAT32 else 64
    prefixes: dict[int, int] = {}
    remaining = {rank: rank for rank in ranks}
    for shift in range(bits - _DIGIT_BITS, -1, -_DIGIT_BITS):
        first = shift == bits - _DIGIT_BITS
        # Keys are signed: the first digit runs from -32768, every later one from 0.
        lowest = -_DIGITS // 2 if first else 0
        wanted = [0] if first else sorted(set(prefixes.values()))
        counts = {prefix: torch.zeros(_DIGITS, dtype=torch.int64) for prefix in wanted}
        for values in _values(dense):
            keys = _ordered_keys(values[~values.isnan()], bits)
            digits = keys >> shift if first else (keys >> shift) & (_DIGITS - 1)
            above = keys >> (shift + _DIGIT_BITS) if not first else None
            for prefix, counted in counts.items():
                met = digits if above is None else digits[above == prefix]
                counted += torch.bincount(met - lowest, minlength=_DIGITS).cpu()
        for rank in ranks:
            prefix = prefixes.get(rank, 0)
            up_to = counts[prefix].cumsum(0)
            place = int(torch.searchsorted(up_to, remaining[rank], right=True))
            remaining[rank] -= int(up_to[place - 1]) if place else 0
            prefixes[rank] = (prefix << _DIGIT_BITS) + place + lowest
    return [_value_of_key(prefixes[rank], bits) for rank in ranks]


def _ordered_keys(values: torch.Tensor, bits: int) -> torch.Tensor:
    """Signed integers in the order of the values: the bits of a float, its magnitude inverted where it is negative.

    Source: the order-preserving map of IEEE 754 numbers used in radix sorting (Terdiman 2000; Herf 2001).
    """
    if bits == 32:
        raw = values.to(torch.float32).view(torch.int32)
        return torch.where(raw < 0, raw ^ torch.iinfo(torch.int32).max, raw).to(torch.int64)
    raw = values.view(torch.int64)
    return torch.where(raw < 0, raw ^ torch.iinfo(torch.int64).max, raw)


def _value_of_key(key: int, bits: int) -> float:
    whole, number = (torch.int32, torch.float32) if bits == 32 else (torch.int64, torch.float64)
    return float(torch.tensor(key if key >= 0 else key ^ torch.iinfo(whole).max, dtype=whole).view(number))


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
