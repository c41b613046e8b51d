"""Ties of whole tensors, made in every way that Python and torch offer, and things that only look like one."""

from __future__ import annotations

import torch
from torch import nn

from .case import Holder, case, embedding_and_head


@case()
def nothing_is_tied() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))


@case()
def equal_values_are_no_tie() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].load_state_dict(model[0].state_dict())
    return model


@case(same=[["embed.weight", "head.weight"]])
def one_parameter_under_two_names() -> nn.Module:
    return embedding_and_head()


@case(same=[["0.weight", "1.weight"]])
def two_parameters_of_one_data() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight.data = model[0].weight.data
    return model


@case(same=[["0.weight", "1.weight", "2.weight"]])
def three_names_of_one_parameter() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[2].weight = model[0].weight
    return model


@case(same=[["0.weight", "1.weight", "2.weight", "3.weight"]])
def four_names_tied_in_four_ways() -> nn.Module:
    model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(4)))
    model[1].weight = model[0].weight
    model[2].weight.data = model[0].weight.data
    model[3].weight = nn.Parameter(model[0].weight.detach())
    return model


@case(same=[["0.weight", "2.weight"], ["0.bias", "1.bias"]])
def weights_and_biases_tied_across_each_other() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
    model[2].weight = model[0].weight
    model[1].bias = model[0].bias
    return model


@case(same=[["frozen", "trained"]])
def a_frozen_and_a_trained_parameter_of_one_data() -> nn.Module:
    data = torch.randn(4, 4)
    return Holder(trained=nn.Parameter(data), frozen=nn.Parameter(data, requires_grad=False))


@case(same=[["0.running_mean", "1.running_mean"]])
def tied_buffers() -> nn.Module:
    model = nn.Sequential(nn.BatchNorm1d(4), nn.BatchNorm1d(4))
    model[1].running_mean = model[0].running_mean
    return model


@case(same=[["first.table", "second.table"]])
def tied_buffers_that_are_not_saved() -> nn.Module:
    model, table = Holder(first=nn.Module(), second=nn.Module()), torch.randn(8)
    model.first.register_buffer("table", table, persistent=False)
    model.second.register_buffer("table", table, persistent=False)
    return model


@case(same=[["layer.weight", "shadow"]])
def a_buffer_of_a_parameters_bytes() -> nn.Module:
    model = Holder(layer=nn.Linear(4, 4))
    model.register_buffer("shadow", model.layer.weight.detach())
    return model


@case(same=[["layer.weight", "mirror.view"]])
def a_buffer_that_is_not_saved_of_a_parameters_bytes() -> nn.Module:
    model = Holder(layer=nn.Linear(4, 4), mirror=nn.Module())
    model.mirror.register_buffer("view", model.layer.weight.detach(), persistent=False)
    return model


@case(same=[["layer.weight", "shadow"]])
def one_parameter_registered_as_a_buffer_too() -> nn.Module:
    model = Holder(layer=nn.Linear(4, 4))
    model.register_buffer("shadow", model.layer.weight)
    return model


@case(same=[["bag.weight", "embed.weight"]])
def an_embedding_made_from_the_weight_of_another() -> nn.Module:
    embed = nn.Embedding(10, 4)
    return Holder(embed=embed, bag=nn.EmbeddingBag.from_pretrained(embed.weight.detach(), freeze=False))


@case(
    same=[
        ["new.weight", "old.weight"],
        ["new.bias", "old.bias"],
        ["new.running_mean", "old.running_mean"],
        ["new.running_var", "old.running_var"],
        ["new.num_batches_tracked", "old.num_batches_tracked"],
    ]
)
def a_norm_converted_to_a_synchronised_one() -> nn.Module:
    old = nn.BatchNorm1d(4)
    return Holder(old=old, new=nn.SyncBatchNorm.convert_sync_batchnorm(old))


@case()
def an_encoder_copies_its_layer() -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return Holder(layer=layer, encoder=nn.TransformerEncoder(layer, 2))


@case()
def untied_by_hand() -> nn.Module:
    model = embedding_and_head()
    model.head.weight = nn.Parameter(model.head.weight.detach().clone())
    return model


@case(same=[["embed.weight", "head.weight"]])
def untied_by_hand_and_not_really() -> nn.Module:
    model = embedding_and_head()
    # The trap in the wild: a new Parameter of the same data is no copy.
    model.head.weight = nn.Parameter(model.head.weight.detach())
    return model


@case()
def a_data_tie_cut_by_assigning_data() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight.data = model[0].weight.data
    model[1].weight.data = model[1].weight.data.clone()
    return model


@case(same=[["embed.weight", "head.weight"]])
def assigning_data_moves_both_names_of_one_parameter() -> nn.Module:
    model = embedding_and_head()
    model.head.weight.data = torch.randn(10, 4)
    return model


@case(same=[["embed.weight", "head.weight"]])
def resized_after_it_was_tied() -> nn.Module:
    model = embedding_and_head().requires_grad_(False)
    model.embed.weight.resize_(30, 4).fill_(1.0)
    return model


@case(same=[["a.weight", "b.weight"]])
def tied_by_setting_the_storage_of_one() -> nn.Module:
    model = Holder(a=nn.Linear(4, 4), b=nn.Linear(4, 4))
    with torch.no_grad():
        model.b.weight.set_(model.a.weight)
    return model


@case(same=[["a.weight", "b.table"]])
def a_parameter_and_a_declared_buffer() -> nn.Module:
    model = Holder(a=nn.Linear(4, 4), b=nn.Module())
    model.b.table = nn.Buffer(model.a.weight.detach())
    return model


@case(same=[["embed.weight", "head.weight"]])
def made_in_inference_mode() -> nn.Module:
    with torch.inference_mode():
        model = embedding_and_head(tied=False)
        model.head.weight = nn.Parameter(model.embed.weight.data, requires_grad=False)
    return model


@case(same=[["a.weight", "b.weight"]])
def tied_by_swapping_two_tensors() -> nn.Module:
    model = Holder(a=nn.Linear(4, 4), b=nn.Linear(4, 4))
    same = nn.Parameter(model.a.weight.data)
    torch.utils.swap_tensors(model.b.weight, same)
    return model


@case()
def parameters_that_became_slices_of_one_vector() -> nn.Module:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 3))
    vector = nn.utils.parameters_to_vector(model.parameters()).detach().clone()
    nn.utils.vector_to_parameters(vector, model.parameters())
    return model


@case(
    partial={
        ("vector", "layers.0.weight"): 48,
        ("vector", "layers.0.bias"): 16,
        ("vector", "layers.1.weight"): 48,
        ("vector", "layers.1.bias"): 12,
    }
)
def a_vector_kept_beside_the_parameters_that_are_slices_of_it() -> nn.Module:
    model = Holder(layers=nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 3)))
    vector = nn.utils.parameters_to_vector(model.parameters()).detach().clone()
    nn.utils.vector_to_parameters(vector, model.parameters())
    model.register_buffer("vector", vector)
    return model


@case(same=[["after", "before"]])
def one_parameter_registered_again_after_its_optimiser_stepped() -> nn.Module:
    weight = nn.Parameter(torch.randn(4, 4))
    model = Holder(before=weight)
    optimiser = torch.optim.SGD([weight], lr=0.1)
    weight.grad = torch.ones(4, 4)
    optimiser.step()
    model.after = weight
    return model
