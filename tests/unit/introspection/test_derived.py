"""What is computed from what: parametrizations without bytes of their own, and merged adapters with."""

from __future__ import annotations

import pytest
import torch
from peft import BOFTConfig, IA3Config, LoraConfig, VeraConfig, get_peft_model, inject_adapter_in_model
from torch import nn
from torch.nn.utils import parametrizations

from introspection import Affected, InvalidSharingMap, SharingMap, SharingScanner, scan_sharing

torch.set_num_threads(1)


class Model(nn.Module):
    """An embedding tied to a head, with a layer between."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(6, 4)
        self.layer = nn.Linear(4, 4)
        self.head = nn.Linear(4, 6, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.head(self.layer(self.embed(ids)))


def adapted(config: object) -> Model:
    """A model with an adapter."""
    model = Model()
    inject_adapter_in_model(config, model)
    return model


def test_an_adapter_that_is_not_merged_computes_no_weight() -> None:
    assert scan_sharing(adapted(LoraConfig(target_modules=["layer"]))).derived == {}


def test_a_merged_weight_is_derived_from_its_adapter_and_has_a_storage_all_the_same() -> None:
    model = adapted(LoraConfig(target_modules=["layer"]))
    model.layer.merge()
    scanner = SharingScanner(model)
    sharing, name = scanner.current(), "layer.base_layer.weight"
    parts = ("layer.lora_A.default.weight", "layer.lora_B.default.weight")
    assert sharing.derived == {name: parts}
    assert sharing.storages[name] == (name,)
    assert sharing.resolve("layer.base_layer") == ("layer.base_layer.bias", name)
    assert sharing.primary(name) == name
    assert scanner.tensor(name) is model.layer.base_layer.weight
    assert name in scanner.memory_identity()
    assert Affected(name, "derived") in sharing.affected(parts[0])
    assert sharing.coupled(name) == ()


def test_what_is_computed_into_a_tie_is_computed_for_every_name_of_it() -> None:
    model = adapted(LoraConfig(target_modules=["head"]))
    model.head.base_layer.weight = model.embed.weight
    model.head.merge()
    sharing = scan_sharing(model)
    parts = ("head.lora_A.default.weight", "head.lora_B.default.weight")
    assert sharing.derived == {"embed.weight": parts, "head.base_layer.weight": parts}
    assert sharing.storages["embed.weight"] == ("embed.weight", "head.base_layer.weight")


def test_the_bias_of_an_adapter_is_merged_into_the_bias() -> None:
    model = adapted(LoraConfig(target_modules=["layer"], lora_bias=True))
    model.layer.merge()
    assert scan_sharing(model).derived == {
        "layer.base_layer.weight": ("layer.lora_A.default.weight", "layer.lora_B.default.weight"),
        "layer.base_layer.bias": ("layer.lora_B.default.bias",),
    }


def test_the_magnitudes_of_dora_are_merged_too() -> None:
    model = adapted(LoraConfig(target_modules=["layer"], use_dora=True))
    assert scan_sharing(model).derived == {}
    model.layer.merge()
    assert scan_sharing(model).derived["layer.base_layer.weight"] == (
        "layer.lora_A.default.weight",
        "layer.lora_B.default.weight",
        "layer.lora_magnitude_vector.default.weight",
    )


@pytest.mark.filterwarnings("ignore:Already following adapters were merged")
def test_only_the_adapters_that_were_merged_are_what_a_weight_is_computed_from() -> None:
    model = get_peft_model(Model(), LoraConfig(target_modules=["layer"]))
    model.add_adapter("other", LoraConfig(target_modules=["layer"]))
    model.merge_adapter(["other"])
    (sources,) = scan_sharing(model).derived.values()
    assert [source.split(".")[-2] for source in sources] == ["other", "other"]
    model.merge_adapter(["default"])
    (sources,) = scan_sharing(model).derived.values()
    assert len(sources) == 4


def test_an_adapter_of_one_side_of_a_tie_is_merged_into_both() -> None:
    model = adapted(LoraConfig(target_modules=["embed"]))
    before = model.head.weight.detach().clone()
    nn.init.ones_(model.embed.lora_embedding_A["default"])
    model.embed.merge()
    assert not model.head.weight.equal(before)
    sources = ("embed.lora_embedding_A.default", "embed.lora_embedding_B.default")
    assert scan_sharing(model).derived == {"embed.base_layer.weight": sources, "head.weight": sources}


@pytest.mark.parametrize(
    ("config", "weight", "bias"),
    [
        (IA3Config(target_modules=["layer"], feedforward_modules=[]), {"ia3_l"}, {"ia3_l"}),
        (IA3Config(target_modules=["layer"], feedforward_modules=["layer"]), {"ia3_l"}, set()),
        (VeraConfig(r=2, target_modules=["layer"]), {"vera_lambda_b", "vera_lambda_d", "vera_A", "vera_B"}, set()),
        (BOFTConfig(boft_block_size=2, target_modules=["layer"]), {"boft_R", "boft_s"}, set()),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_other_adapters_are_known_by_what_they_merge(config: object, weight: set[str], bias: set[str]) -> None:
    model = get_peft_model(Model(), config).base_model.model
    before = {name: tensor.detach().clone() for name, tensor in model.layer.base_layer.named_parameters()}
    with torch.no_grad():
        for name, tensor in model.layer.named_parameters():
            if "base_layer" not in name:
                tensor.add_(0.5)
    model.layer.merge()
    derived = scan_sharing(model).derived
    assert {source.split(".")[1] for source in derived.get("layer.base_layer.weight", ())} == weight
    assert {source.split(".")[1] for source in derived.get("layer.base_layer.bias", ())} == bias
    changed = {name for name, tensor in model.layer.base_layer.named_parameters() if not tensor.equal(before[name])}
    assert {name.rsplit(".", 1)[1] for name in derived} == changed


def test_a_merged_weight_that_was_unloaded_is_a_weight_like_any_other() -> None:
    model = get_peft_model(Model(), LoraConfig(target_modules=["layer"])).merge_and_unload()
    assert scan_sharing(model).derived == {}


def test_no_property_of_an_adapted_layer_is_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    model = adapted(LoraConfig(target_modules=["layer"]))
    model.layer.merge()

    def evaluated(_: object) -> bool:
        raise RuntimeError("a property was evaluated")

    for name in ("merged", "weight", "bias", "active_adapter", "lora_variants"):
        monkeypatch.setattr(type(model.layer), name, property(evaluated), raising=False)
    assert set(scan_sharing(model).derived) == {"layer.base_layer.weight"}


def test_a_parametrized_weight_has_no_storage() -> None:
    sharing = scan_sharing(parametrizations.weight_norm(nn.Linear(3, 3)))
    assert "weight" in sharing.derived
    assert "weight" not in sharing.storages


# ---- as a value ---------------------------------------------------------------------------------------------------


def merged_map(*, stored: bool = True) -> SharingMap:
    """A weight computed from two others, with bytes of its own or without."""
    return SharingMap.build(["w", "a", "b"], [], [], {"w": ["a", "b"]}, ["w"] if stored else [])


def test_that_a_derived_name_is_stored_is_part_of_a_map() -> None:
    stored, computed = merged_map(), merged_map(stored=False)
    assert set(stored.storages) == {"w", "a", "b"}
    assert set(computed.storages) == {"a", "b"}
    assert stored != computed
    assert SharingMap.from_json(stored.to_json()) == stored
    assert SharingMap.from_json(stored.to_json()).storages == stored.storages


def test_a_map_without_stored_derived_names_is_written_as_it_always_was() -> None:
    assert "stored" not in merged_map(stored=False).to_json()


def test_only_a_derived_name_can_be_stored_though_derived() -> None:
    with pytest.raises(InvalidSharingMap, match="'a' is said to be stored though derived"):
        SharingMap.build(["w", "a"], [], [], {"w": ["a"]}, ["a"])
    with pytest.raises(InvalidSharingMap, match="'stored' of a sharing map must be a list of names"):
        SharingMap.from_json(merged_map().to_json().replace('"stored":["w"]', '"stored":"w"'))
