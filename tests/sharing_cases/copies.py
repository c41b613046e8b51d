"""What ties become of copying, saving, loading, casting and moving: kept, or silently cut."""

from __future__ import annotations

import copy
import io
import pickle
import tempfile
from pathlib import Path

import torch
from torch import nn

from .case import Holder, case, embedding_and_head


def _data_tie() -> nn.Module:
    """Two Parameters of one data."""
    model = embedding_and_head(tied=False)
    model.head.weight.data = model.embed.weight.data
    return model


def _saved_and_loaded(model: nn.Module) -> nn.Module:
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    loaded: nn.Module = torch.load(file, weights_only=False)
    return loaded


@case(same=[["one.embed.weight", "one.head.weight"], ["two.embed.weight", "two.head.weight"]])
def a_deep_copy_beside_its_original() -> nn.Module:
    model = embedding_and_head()
    return Holder(one=model, two=copy.deepcopy(model))


@case()
def a_deep_copy_cuts_a_tie_of_data() -> nn.Module:
    return copy.deepcopy(_data_tie())


@case(same=[["a", "b"]])
def a_deep_copy_keeps_views_among_buffers() -> nn.Module:
    numbers = torch.arange(6)
    return copy.deepcopy(Holder(a=numbers, b=numbers.view(2, 3)))


@case()
def a_deep_copy_parts_a_buffer_from_the_parameter_it_viewed() -> nn.Module:
    model = Holder(layer=nn.Linear(4, 4))
    model.register_buffer("shadow", model.layer.weight.detach())
    return copy.deepcopy(model)


@case(same=[["one.weight", "two.weight"], ["one.bias", "two.bias"]])
def a_shallow_copy_of_a_module() -> nn.Module:
    layer = nn.Linear(3, 3)
    return Holder(one=layer, two=copy.copy(layer))


@case(same=[["embed.weight", "head.weight"]])
def saved_and_loaded_whole() -> nn.Module:
    return _saved_and_loaded(embedding_and_head())


@case(same=[["embed.weight", "head.weight"]])
def a_tie_of_data_saved_and_loaded_whole() -> nn.Module:
    return _saved_and_loaded(_data_tie())


@case(partial={("rows", "whole"): 32})
def views_saved_and_loaded_whole() -> nn.Module:
    whole = torch.randn(6, 4)
    return _saved_and_loaded(Holder(whole=whole, rows=whole[1:3], apart=torch.randn(2)))


@case(same=[["embed.weight", "head.weight"]])
def pickled() -> nn.Module:
    model: nn.Module = pickle.loads(pickle.dumps(embedding_and_head()))
    return model


@case()
def a_tie_of_data_pickled_without_torch() -> nn.Module:
    model: nn.Module = pickle.loads(pickle.dumps(_data_tie()))
    return model


@case(same=[["embed.weight", "head.weight"]])
def loaded_by_copying() -> nn.Module:
    model = embedding_and_head()
    model.load_state_dict({name: tensor.clone() for name, tensor in model.state_dict().items()})
    return model


@case()
def loaded_by_assigning_clones() -> nn.Module:
    model = embedding_and_head()
    model.load_state_dict({name: tensor.clone() for name, tensor in model.state_dict().items()}, assign=True)
    return model


@case(
    same=[
        ["source.embed.weight", "source.head.weight", "target.embed.weight", "target.head.weight"],
        ["source.norm.weight", "target.norm.weight"],
        ["source.norm.bias", "target.norm.bias"],
    ]
)
def loaded_by_assigning_the_tensors_of_another_model() -> nn.Module:
    source, target = embedding_and_head(), embedding_and_head(tied=False)
    target.load_state_dict(source.state_dict(), assign=True)
    return Holder(source=source, target=target)


@case(same=[["embed.weight", "head.weight"]])
def assigned_from_a_file_that_kept_the_tie() -> nn.Module:
    file = io.BytesIO()
    torch.save(embedding_and_head().state_dict(), file)
    file.seek(0)
    model = embedding_and_head("meta", tied=False)
    model.load_state_dict(torch.load(file), assign=True)
    return model


@case()
def assigned_from_a_safetensors_file() -> nn.Module:
    from safetensors.torch import load_file, save_file

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "weights.safetensors")
        weights = embedding_and_head(tied=False).state_dict()
        save_file(weights, path)
        model = embedding_and_head("meta")
        model.load_state_dict(load_file(path), assign=True)
    return model


@case()
def made_real_by_to_empty() -> nn.Module:
    return embedding_and_head("meta").to_empty(device="cpu")


@case(same=[["embed.weight", "head.weight"]])
def tied_again_after_to_empty() -> nn.Module:
    model = embedding_and_head("meta").to_empty(device="cpu")
    model.head.weight = model.embed.weight
    return model


@case(same=[["embed.weight", "head.weight"]])
def cast_as_one_parameter() -> nn.Module:
    return embedding_and_head().to(torch.bfloat16)


@case()
def a_tie_of_data_cast() -> nn.Module:
    return _data_tie().to(torch.bfloat16)


@case(same=[["embed.weight", "head.weight"]])
def a_tie_of_data_cast_to_what_it_is() -> nn.Module:
    return _data_tie().to(torch.float32)


@case()
def tied_buffers_cast() -> nn.Module:
    table = torch.randn(4)
    first, second = nn.Module(), nn.Module()
    for module in (first, second):
        module.register_buffer("table", table)
    return nn.Sequential(first, second).to(torch.float64)


@case()
def views_cast_part() -> nn.Module:
    fused = torch.randn(6, 4)
    return Holder(whole=fused, rows=fused[1:3]).half()


@case(same=[["embed.weight", "head.weight"]])
def cast_by_swapping_tensors() -> nn.Module:
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        return embedding_and_head().to(torch.bfloat16)
    finally:
        torch.__future__.set_swap_module_params_on_conversion(False)


@case(same=[["embed.weight", "head.weight"]])
def moved_to_shared_memory() -> nn.Module:
    return embedding_and_head().share_memory()


@case(same=[["a.weight", "b.weight"]])
def stateless_calls_leave_no_trace() -> nn.Module:
    model = Holder(a=nn.Linear(3, 3, bias=False), b=nn.Linear(3, 3, bias=False))
    model.b.weight = model.a.weight
    torch.func.functional_call(model.a, {"weight": torch.zeros(3, 3)}, torch.randn(1, 3))
    return model


@case()
def an_averaged_model_beside_its_original() -> nn.Module:
    layer = nn.Linear(3, 3)
    return Holder(trained=layer, averaged=torch.optim.swa_utils.AveragedModel(layer))
