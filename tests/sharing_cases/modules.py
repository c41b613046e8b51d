"""Module trees: under which names a tensor is found, and what must not be touched to find it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from .case import Cells, Holder, case
from .flips import registered_cells


@case(
    same=[["a.0.weight", "b.0.0.weight", "c.1.0.weight"], ["a.0.bias", "b.0.0.bias", "c.1.0.bias"]],
)
def a_shared_module_at_three_depths() -> nn.Module:
    inner = nn.Sequential(nn.Linear(2, 2))
    return Holder(a=inner, b=nn.Sequential(inner), c=nn.Sequential(nn.ReLU(), inner))


@case(same=[["one.weight", "two.weight"], ["one.bias", "two.bias"]])
def one_child_under_two_names() -> nn.Module:
    layer = nn.Linear(2, 2)
    return Holder(one=layer, two=layer)


@case(
    same=[
        ["layers.0.weight", "layers.1.weight", "layers.2.weight"],
        ["layers.0.bias", "layers.1.bias", "layers.2.bias"],
    ]
)
def one_layer_three_times_in_a_list() -> nn.Module:
    return Holder(layers=nn.ModuleList([nn.Linear(2, 2)] * 3))


@case(same=[["a.inner.weight", "b.inner.weight"], ["a.inner.bias", "b.inner.bias"]])
def a_nested_module_shared_by_two_parents() -> nn.Module:
    inner = nn.Linear(2, 2)
    return Holder(a=Holder(inner=inner, own=torch.randn(2)), b=Holder(inner=inner, own=torch.randn(2)))


@case(names=["weight", "bias", "child.weight", "child.bias"])
def a_cycle_of_modules() -> nn.Module:
    parent, child = nn.Linear(2, 2), nn.Linear(2, 2)
    parent.child, child.parent, child.myself = child, parent, child
    return parent


@case(
    names=["a.weight", "a.bias", "a.b.weight", "a.b.bias", "b.weight", "b.bias", "b.a.weight", "b.a.bias"],
    same=[["a.weight", "b.a.weight"], ["a.bias", "b.a.bias"], ["b.weight", "a.b.weight"], ["b.bias", "a.b.bias"]],
)
def a_cycle_entered_at_both_ends() -> nn.Module:
    one, two = nn.Linear(2, 2), nn.Linear(2, 2)
    one.b, two.a = two, one
    return Holder(a=one, b=two)


@case(same=[["bank.0", "bank.2", "named.k"]])
def a_parameter_list_and_a_dict_with_one_entry_twice() -> nn.Module:
    weight = nn.Parameter(torch.randn(3))
    model = nn.Module()
    model.bank = nn.ParameterList([weight, nn.Parameter(torch.randn(3)), weight])
    model.named = nn.ParameterDict({"k": weight, "other": nn.Parameter(torch.randn(3))})
    return model


@case(names=["weight", "inner.weight"])
def modules_and_parameters_that_are_none() -> nn.Module:
    model = nn.Linear(2, 2, bias=False)
    model.inner, model.left_out = nn.Linear(2, 2, bias=False), None
    model.register_buffer("later", None)
    return model


class _Raising(nn.Linear):
    @property
    def tied(self) -> torch.Tensor:
        raise RuntimeError("a property was evaluated")


@case(names=["weight", "bias"], unregistered=True)
def a_property_that_raises() -> nn.Module:
    return _Raising(3, 3)


class _Aliasing(nn.Linear):
    @property
    def alias(self) -> torch.Tensor:
        return self.weight

    @property
    def ruin(self) -> torch.Tensor:
        with torch.no_grad():
            return self.weight.zero_()


@case(names=["inner.weight", "inner.bias"], unregistered=True)
def a_property_that_aliases_and_one_that_writes() -> nn.Module:
    return Holder(inner=_Aliasing(3, 3))


class _Guarded(nn.Module):
    def __init__(self, weight: nn.Parameter) -> None:
        super().__init__()
        self._parameters["weight"] = weight

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            return super().__getattr__(name)
        raise PermissionError(name)

    def __dir__(self) -> list[str]:
        raise PermissionError("dir")


@case(same=[["a.weight", "b.weight"]])
def attribute_access_that_is_guarded() -> nn.Module:
    weight = nn.Parameter(torch.randn(3, 3))
    return Holder(a=_Guarded(weight), b=_Guarded(weight))


class _Secretive(nn.Linear):
    def named_parameters(self, *args: object, **options: object) -> object:
        return iter(())

    def named_modules(self, *args: object, **options: object) -> object:
        return iter(())

    def state_dict(self, *args: object, **options: object) -> dict[str, torch.Tensor]:  # type: ignore[override]
        return {}


@case(same=[["weight", "child.weight"]])
def a_module_that_hides_its_parameters() -> nn.Module:
    model = _Secretive(3, 3)
    model.child = nn.Linear(3, 3)
    model.child.weight = model.weight
    return model


class _Equal(nn.Linear):
    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Equal)

    __hash__ = None  # type: ignore[assignment]


@case(same=[["a.weight", "c.weight"], ["a.bias", "c.bias"]])
def modules_that_compare_equal_and_have_no_hash() -> nn.Module:
    first = _Equal(3, 3)
    return Holder(a=first, b=_Equal(3, 3), c=first)


@case(same=[["a", "b"]])
def a_tensor_subclass_with_functions_of_its_own() -> nn.Module:
    weight = torch.randn(3, 3).as_subclass(_Noted)
    return Holder(a=nn.Parameter(weight), b=nn.Parameter(weight.t()))


class _Noted(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        return super().__torch_function__(function, types, args, kwargs or {})


def _expressions(*names: str) -> Callable[[nn.Module], Cells]:
    """The registered names, and these unregistered ones, each found as the Python expression it is."""

    def cells(model: nn.Module) -> Cells:
        found = registered_cells(model)
        for name in names:
            path, _, last = name.partition("._")
            holder, expression = (model.get_submodule(path), f"_{last}") if last else (model, name)
            found[name] = [eval(f"holder.{expression}", {"holder": holder}).detach()]  # noqa: S307
        return found

    return cells


@case(
    cells=_expressions("layer.plain", "bank[0]", "bank[1][0]", "bank[1][1]['k']", "row"),
    unregistered=True,
    same=[["bank[0]", "layer.weight"], ["bank[1][1]['k']", "layer.bias"]],
    partial={("layer.weight", "row"): 8},
    names=["layer.weight", "layer.bias", "layer.plain", "bank[0]", "bank[1][0]", "bank[1][1]['k']", "row"],
)
def tensors_in_plain_attributes() -> nn.Module:
    model = Holder(layer=nn.Linear(2, 2))
    model.bank = [model.layer.weight, (torch.randn(2), {"k": model.layer.bias})]
    model.layer.plain = torch.randn(3)
    model.row = model.layer.weight.detach()[1]
    return model


@case(names=["layer.weight", "layer.bias"])
def tensors_in_plain_attributes_are_not_asked_for() -> nn.Module:
    model = Holder(layer=nn.Linear(2, 2))
    model.bank = [model.layer.weight]
    return model


@case(
    cells=_expressions("0._flat_weights[0]", "0._flat_weights[1]"),
    unregistered=True,
    same=[["0._flat_weights[0]", "0.weight_ih_l0"], ["0._flat_weights[1]", "0.weight_hh_l0"]],
)
def the_flat_list_of_a_recurrent_network() -> nn.Module:
    return nn.Sequential(nn.LSTM(3, 4, bias=False))


@case(same=[["0.weight", "0.first.weight", "1.0.weight"], ["0.first.bias", "1.0.bias"]])
def a_layer_whose_parameter_is_lifted_to_its_parent() -> nn.Module:
    layer = nn.Linear(2, 2)
    return nn.Sequential(Holder(weight=layer.weight, first=layer), nn.Sequential(layer))
