"""Centred kernel alignment: how alike two representations of the same rows are, whatever their units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from introspection.errors import InvalidArgument
from introspection.similarity_measures import matrix

# Less variation than this part of the values themselves, squared, is rounding.
_ROUNDING = 1e-24


def linear_cka(x: torch.Tensor, y: torch.Tensor) -> float | None:
    """Linear centred kernel alignment of two representations of the same rows: 1 if equal up to rotation and scale.

    ||YᵀX||² / (||XᵀX|| ||YᵀY||) with centred columns. With few rows and many columns it is near 1 whatever the
    representations are; `debiased_cka` is not.

    Args:
        x: Real matrix, rows × columns.
        y: Real matrix of as many rows.

    Returns:
        A number in [0, 1]; None if a matrix does not vary from row to row, or is not finite.

    Raises:
        InvalidArgument: Not two matrices of as many rows.

    Source: Kornblith, Norouzi, Lee, Hinton, "Similarity of Neural Network Representations Revisited" (ICML 2019).
    """
    return prepare("x", x).linear_cka(prepare("y", y))


def debiased_cka(x: torch.Tensor, y: torch.Tensor) -> float | None:
    """Linear centred kernel alignment from the unbiased estimate of dependence: near 0 for unrelated representations.

    Fair where there are fewer rows than columns, as for the tokens of one text; can be slightly negative.

    Args:
        x: Real matrix, rows × columns.
        y: Real matrix of as many rows.

    Returns:
        At most 1; None for fewer than 4 rows, and where the estimate of a matrix's own dependence is not positive.

    Raises:
        InvalidArgument: Not two matrices of as many rows.

    Source: Song et al., "Feature Selection via Dependence Maximization" (JMLR 2012), eq. 5, for the estimate; Nguyen,
    Raghu, Kornblith, "Do Wide and Deep Networks Learn the Same Things?" (ICLR 2021) for its use here.
    """
    return prepare("x", x).debiased_cka(prepare("y", y))


def alignments(
    matrices: Sequence[torch.Tensor | None],
) -> tuple[list[list[float | None]], list[list[float | None]]]:
    """The linear and the debiased alignment of every matrix with every other, each made ready once.

    Args:
        matrices: Real matrices, rows × columns. None, and matrices of different rows, have no alignment.
    """
    ready = [None if each is None else prepare("matrices", each) for each in matrices]
    size = len(ready)
    linear: list[list[float | None]] = [[None] * size for _ in range(size)]
    debiased: list[list[float | None]] = [[None] * size for _ in range(size)]
    for row, one in enumerate(ready):
        for column in range(row, size):
            other = ready[column]
            if one is not None and other is not None and len(one.centred) == len(other.centred):
                linear[row][column] = linear[column][row] = one.linear_cka(other)
                debiased[row][column] = debiased[column][row] = one.debiased_cka(other)
    return linear, debiased


@dataclass(frozen=True, slots=True)
class Representation:
    """A matrix made ready to be compared with others of as many rows."""

    centred: torch.Tensor
    """Its columns without their means, scaled to a largest magnitude of 1 so that no fourth power overflows."""
    kernel: torch.Tensor | None
    """The products of all rows, where these are fewer than the columns."""
    varies: bool
    """Whether the rows differ by more than the rounding of their mean."""

    def linear_cka(self, other: Representation) -> float | None:
        """See the function of this name."""
        self._require_rows_of(other)
        if not self.varies or not other.varies:
            return None
        own = math.sqrt(self._squared_product(self)) * math.sqrt(other._squared_product(other))
        return min(1.0, self._squared_product(other) / own)

    def debiased_cka(self, other: Representation) -> float | None:
        """See the function of this name."""
        self._require_rows_of(other)
        if len(self.centred) < 4 or not self.varies or not other.varies:
            return None
        own = self._unbiased_dependence(self), other._unbiased_dependence(other)
        if min(own) <= 0:
            return None
        return min(1.0, self._unbiased_dependence(other) / math.sqrt(own[0] * own[1]))

    def _require_rows_of(self, other: Representation) -> None:
        if len(self.centred) != len(other.centred):
            raise InvalidArgument("y", list(other.centred.shape), f"both need the same rows: x has {len(self.centred)}")

    def _squared_product(self, other: Representation) -> float:
        """||thisᵀ other||²: of the kernels where there are both, else through the columns."""
        if self.kernel is not None and other.kernel is not None:
            return float((self.kernel * other.kernel).sum())
        return float((self.centred.T @ other.centred).square().sum())

    def _unbiased_dependence(self, other: Representation) -> float:
        """The unbiased estimate of HSIC with linear kernels, from sums that need no kernel."""
        rows = len(self.centred)
        sums, diagonals = zip(*(each._row_sums() for each in (self, other)), strict=True)
        trace = self._squared_product(other) - float(diagonals[0] @ diagonals[1])
        whole = float(sums[0].sum()) * float(sums[1].sum()) / ((rows - 1) * (rows - 2))
        crossed = 2.0 * float(sums[0] @ sums[1]) / (rows - 2)
        return (trace + whole - crossed) / (rows * (rows - 3))

    def _row_sums(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Row sums of the kernel with its diagonal set to zero, and the diagonal."""
        diagonal = self.centred.square().sum(1)
        return self.centred @ self.centred.sum(0) - diagonal, diagonal


def prepare(name: str, values: torch.Tensor) -> Representation:
    """Makes a matrix ready to be compared with several others.

    Args:
        name: What to call it in an error.
        values: Real matrix, rows × columns.

    Raises:
        InvalidArgument: Not a real matrix.
    """
    wide = matrix(name, values)
    largest = float(wide.abs().max()) if wide.numel() else 0.0
    if largest == 0 or not math.isfinite(largest):
        return Representation(wide, None, False)
    wide = wide / largest
    centred = wide - wide.mean(0, keepdim=True)
    varies = float(centred.square().sum()) > _ROUNDING * float(wide.square().sum())
    spread = float(centred.abs().max())
    centred = centred / spread if spread > 0 else centred
    kernel = centred @ centred.T if len(centred) < centred.shape[1] else None
    return Representation(centred, kernel, varies)
