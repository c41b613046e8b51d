"""The same bytes read as other numbers: complex parts, reinterpreted and quantised."""

from __future__ import annotations

import warnings

import torch
from torch import nn

from .case import Holder, case


@case(partial={("re", "z"): 16, ("im", "z"): 16})
def real_and_imaginary_parts() -> nn.Module:
    z = torch.randn(4, dtype=torch.complex64)
    return Holder(z=z, re=z.real, im=z.imag)


@case(same=[["conjugate", "z"]])
def a_conjugate() -> nn.Module:
    z = torch.randn(4, dtype=torch.complex64)
    return Holder(z=z, conjugate=z.conj())


@case(partial={("minus_im", "z"): 16})
def a_negated_part_of_a_conjugate() -> nn.Module:
    z = torch.randn(4, dtype=torch.complex64)
    return Holder(z=z, minus_im=z.conj().imag)


@case(same=[["pairs", "z"]])
def a_complex_tensor_as_pairs() -> nn.Module:
    z = torch.randn(4, dtype=torch.complex64)
    return Holder(z=z, pairs=torch.view_as_real(z))


@case(same=[["bits", "raw", "weight"]])
def reinterpreted_as_integers() -> nn.Module:
    weight = torch.randn(4)
    return Holder(weight=weight, bits=weight.view(torch.int32), raw=weight.view(torch.uint8))


@case(partial={("high", "weight"): 16, ("low", "weight"): 16})
def the_halves_of_every_float() -> nn.Module:
    weight = torch.randn(8)
    halves = weight.view(torch.int16)
    return Holder(weight=weight, low=halves[::2], high=halves[1::2])


@case(same=[["bits", "weight"]])
def bfloat16_and_its_bits() -> nn.Module:
    weight = torch.randn(3, 4, dtype=torch.bfloat16)
    return Holder(weight=weight, bits=weight.view(torch.uint16).t())


@case(same=[["bits", "small"]])
def float8_and_its_bits() -> nn.Module:
    small = torch.randn(4, 4).to(torch.float8_e4m3fn)
    return Holder(small=small, bits=small.view(torch.int8))


@case(partial={("byte", "flags"): 1})
def booleans_and_one_of_their_bytes() -> nn.Module:
    flags = torch.tensor([True, False, True, True])
    return Holder(flags=flags, byte=flags.view(torch.uint8)[2])


@case(partial={("doubles", "floats"): 16})
def doubles_over_some_floats() -> nn.Module:
    floats = torch.randn(8)
    return Holder(floats=floats, doubles=floats.view(torch.float64)[1:3])


@case(same=[["0.counter", "1.counter"]])
def integer_counters() -> nn.Module:
    counter = torch.tensor(0)
    return nn.Sequential(Holder(counter=counter), Holder(counter=counter))


def _quantised() -> torch.Tensor:
    # torch warns of the move to torchao; the tensors are still met in saved models.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.quantize_per_tensor(torch.randn(6, 4), 0.1, 0, torch.qint8)


@case(same=[["a", "b"]], partial={("a", "rows"): 8})
def quantised() -> nn.Module:
    q = _quantised()
    return Holder(a=q, b=q, rows=q[1:3])


@case()
def quantised_and_its_integers_copied() -> nn.Module:
    q = _quantised()
    return Holder(q=q, integers=q.int_repr())


@case(same=[["a.weight", "b.weight"]])
def quantised_by_hand_with_scales_of_their_own() -> nn.Module:
    packed = torch.randint(-128, 127, (4, 4), dtype=torch.int8)
    return Holder(a=Holder(weight=packed, scale=torch.rand(4)), b=Holder(weight=packed, scale=torch.rand(4)))
