"""Which of its arguments an operator writes: what its schema declares, corrected where it is silent or wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch._ops import OpOverload

Condition = Callable[[Sequence[Any], Mapping[str, Any]], bool]
"""Whether a call with these arguments writes at all."""

# They take a tensor as mutable and change what it is (sizes, strides, its storage, its flags), not its bytes.
_METADATA_ONLY = frozenset(
    {
        "aten::_coalesced_",
        "aten::_resize_output_",
        "aten::record_stream",
        "aten::rename_",
        "aten::requires_grad_",
        "aten::resize_as_sparse_",
        "aten::retain_grad",
        "aten::set_data",
        "aten::sparse_resize_",
        "aten::sparse_resize_and_clear_",
    }
)
# It declares no write and does none, but what it reads becomes copy-on-write and so changes its form.
_REBINDING = frozenset({"aten::_lazy_clone"})
_STATISTICS = ("running_mean", "running_var")


def _training(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    return bool(kwargs["training"] if "training" in kwargs else args[5])


def _observing(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    return bool(kwargs["observer_on"] if "observer_on" in kwargs else args[1])


# Batch normalisation updates its running statistics; most of its operators do not say so, and one that does says so
# of evaluation too. A functional batch norm is absent: it returns the new statistics.
_UNDECLARED: dict[str, tuple[tuple[str, ...], Condition | None]] = {
    "aten::_batch_norm_impl_index": (_STATISTICS, _training),
    "aten::batch_norm_gather_stats": (_STATISTICS, None),
    "aten::batch_norm_gather_stats_with_counts": (_STATISTICS, None),
    "aten::batch_norm_update_stats": (_STATISTICS, None),
    "aten::cudnn_batch_norm": (_STATISTICS, _training),
    "aten::miopen_batch_norm": (_STATISTICS, _training),
    "aten::native_batch_norm": (_STATISTICS, _training),
    "_c10d_functional::irecv": (("tensor",), None),
}
_CONDITIONAL: dict[str, Condition] = {
    "aten::_native_batch_norm_legit": _training,
    "aten::_fused_moving_avg_obs_fq_helper": _observing,
    "aten::fused_moving_avg_obs_fake_quant": _observing,
}


@dataclass(frozen=True, slots=True)
class WrittenArguments:
    """The arguments of one operator that a call writes, or that it binds anew."""

    operator: str
    """The operator's name: `aten.add_.Tensor`."""
    always: tuple[tuple[int, str], ...] = ()
    """(position, name) of every argument that each call writes: a tensor, None, or (nested) lists of them."""
    conditional: tuple[tuple[int, str], ...] = ()
    """The same, of arguments written only where `condition` holds."""
    condition: Condition | None = None
    """Whether a call writes the conditional arguments."""
    rebinds: bool = False
    """Whether a call can change where its tensors are without writing a byte that was theirs."""

    def tensors(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[torch.Tensor]:
        """The tensors that a call with these arguments writes."""
        places = self.always
        if self.conditional and (self.condition is None or self.condition(args, kwargs)):
            places = self.always + self.conditional
        found: list[torch.Tensor] = []
        for position, name in places:
            value = args[position] if position < len(args) else kwargs.get(name)
            if isinstance(value, torch.Tensor):
                found.append(value)
            elif value is not None:
                found.extend(_flat(value))
        return found


def written_arguments(operator: OpOverload) -> WrittenArguments | None:
    """What a call of this operator writes; None if it neither writes nor binds anything.

    The alias annotations of the schema are followed, except for operators that change only what a tensor is, not its
    bytes (tag `inplace_view`, and a few without it), for batch normalisation, whose running statistics most of its
    schemas leave out, and for the collectives of torch.distributed, which write their first argument and annotate
    nothing.

    Source: the schema annotation `(a!)` and the operator tags, as PyTorch documents them in
    aten/src/ATen/native/README.md and tags.yaml.
    """
    schema = operator._schema
    name: str = schema.name
    spelled = str(operator)
    if name in _REBINDING:
        return WrittenArguments(spelled, rebinds=True)
    if name.startswith("c10d::") and name.endswith("_"):
        return WrittenArguments(spelled, ((0, schema.arguments[0].name),))
    declared = tuple(
        (position, argument.name)
        for position, argument in enumerate(schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    )
    if declared and (torch.Tag.inplace_view in operator.tags or name in _METADATA_ONLY):
        return WrittenArguments(spelled, rebinds=True)
    silent, condition = _UNDECLARED.get(name, ((), None))
    hidden = tuple(
        (position, argument.name) for position, argument in enumerate(schema.arguments) if argument.name in silent
    )
    if hidden:
        return WrittenArguments(spelled, declared, hidden, condition)
    if name in _CONDITIONAL:
        out = {argument.name for argument in schema.arguments if argument.is_out}
        return WrittenArguments(
            spelled,
            tuple(place for place in declared if place[1] in out),
            tuple(place for place in declared if place[1] not in out),
            _CONDITIONAL[name],
        )
    return WrittenArguments(spelled, declared) if declared else None


def _flat(values: Any) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif value is not None:
            yield from _flat(value)
