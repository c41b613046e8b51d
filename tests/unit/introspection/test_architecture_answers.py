"""What the navigator says of real architectures is what their configurations, code and module trees say."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from introspection import ArchitectureNavigator, InvalidArgument, UnknownName
from introspection.architecture_questions import RULES
from introspection.follow import follow

ROOT = str(Path(__file__).resolve().parents[3])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from tests.real_architectures import ALL, albert, bert, gpt2, llama, mixtral, qwen2, t5  # noqa: E402

torch.set_num_threads(1)

# By hand, from the configurations in tests/real_architectures.py and the code of transformers:
# (query heads, key-value heads, size of a head, sees only what came before, reads another sequence, one projection).
DECODER, ENCODER = (True, False), (False, False)
ATTENTION: dict[str, dict[str, tuple[int, int, int, bool, bool, bool]]] = {
    "qwen2": {f"model.layers.{layer}.self_attn": (4, 2, 4, *DECODER, False) for layer in range(2)},
    "llama": {f"model.layers.{layer}.self_attn": (4, 4, 4, *DECODER, False) for layer in range(2)},
    "mixtral": {f"model.layers.{layer}.self_attn": (4, 2, 4, *DECODER, False) for layer in range(2)},
    "gpt2": {f"transformer.h.{layer}.attn": (2, 2, 8, *DECODER, True) for layer in range(2)},
    "bert": {f"bert.encoder.layer.{layer}.attention.self": (4, 4, 4, *ENCODER, False) for layer in range(2)},
    "albert": {"albert.encoder.albert_layer_groups.0.albert_layers.0.attention": (4, 4, 4, *ENCODER, False)},
    "t5": {
        **{f"encoder.block.{block}.layer.0.SelfAttention": (2, 2, 8, *ENCODER, False) for block in range(2)},
        **{f"decoder.block.{block}.layer.0.SelfAttention": (2, 2, 8, *DECODER, False) for block in range(2)},
        **{f"decoder.block.{block}.layer.1.EncDecAttention": (2, 2, 8, False, True, False) for block in range(2)},
    },
    "bart": {
        **{f"model.encoder.layers.{layer}.self_attn": (2, 2, 8, *ENCODER, False) for layer in range(2)},
        **{f"model.decoder.layers.{layer}.self_attn": (2, 2, 8, *DECODER, False) for layer in range(2)},
        **{f"model.decoder.layers.{layer}.encoder_attn": (2, 2, 8, False, True, False) for layer in range(2)},
    },
    "whisper": {
        **{f"model.encoder.layers.{layer}.self_attn": (2, 2, 8, *ENCODER, False) for layer in range(2)},
        **{f"model.decoder.layers.{layer}.self_attn": (2, 2, 8, *DECODER, False) for layer in range(2)},
        **{f"model.decoder.layers.{layer}.encoder_attn": (2, 2, 8, False, True, False) for layer in range(2)},
    },
}
NORMS = {
    "qwen2": {"RMSNorm": 5},
    "llama": {"RMSNorm": 5},
    "mixtral": {"RMSNorm": 5},
    "gpt2": {"LayerNorm": 5},
    "bert": {"LayerNorm": 6},
    "albert": {"LayerNorm": 4},
    "t5": {"RMSNorm": 12},
    "bart": {"LayerNorm": 12},
    "whisper": {"LayerNorm": 12},
}


def names_of(model: nn.Module) -> list[str]:
    """Every module path and every tensor name, as torch lists them."""
    modules = [path for path, _ in model.named_modules(remove_duplicate=False)]
    held = (*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False))
    return [*modules, *(name for name, _ in held)]


@pytest.mark.parametrize("name", ATTENTION)
def test_attention_layers_are_those_of_the_code_with_the_heads_of_the_configuration(name: str) -> None:
    navigator = ArchitectureNavigator(ALL[name]())
    summary = navigator.get_architecture_summary()
    assert set(summary["attention_layers"]) == set(ATTENTION[name])
    found = {path: navigator.get_module_details(path)["attention"] for path in summary["attention_layers"]}
    keys = ("heads", "key_value_heads", "head_size", "causal", "cross", "fused_projection")
    assert {path: tuple(facts[key] for key in keys) for path, facts in found.items()} == ATTENTION[name]


@pytest.mark.parametrize("name", NORMS)
def test_normalization_is_found_by_what_it_computes(name: str) -> None:
    assert ArchitectureNavigator(ALL[name]()).get_architecture_summary()["normalization"] == NORMS[name]


@pytest.mark.parametrize("name", ALL)
def test_every_count_is_that_of_the_module_tree(name: str) -> None:
    model = ALL[name]()
    summary = ArchitectureNavigator(model).get_architecture_summary()
    assert summary["module_types"] == Counter(type(module).__name__ for module in model.modules())
    assert summary["num_modules"] == len(list(model.modules()))
    assert summary["parameters"]["elements"] == sum(parameter.numel() for parameter in model.parameters())
    assert summary["parameters"]["names"] == len(list(model.named_parameters(remove_duplicate=False)))
    assert summary["model_class"] == type(model).__name__
    assert summary["source"] == "fake_traced"
    layers = getattr(model.config, "num_hidden_layers", None)
    if layers is not None and name != "albert":
        assert {stack["count"] for stack in summary["layer_stacks"]} == {layers}


@pytest.mark.parametrize("name", ALL)
def test_every_name_there_is_can_be_asked_about_and_every_answer_is_json(name: str) -> None:
    model = ALL[name]()
    navigator = ArchitectureNavigator(model)
    names = names_of(model)
    for each in names:
        answers = [
            navigator.describe_layer(each),
            navigator.map_connections(each),
            navigator.explain_component(each),
            navigator.get_weight_sharing_info(each),
            navigator.get_module_details(each),
        ]
        json.dumps(answers, allow_nan=False)
        if each:
            assert each in navigator.find_layer_path(each)
    described = navigator.describe_layer(names[:5])
    assert list(described) == names[:5]
    assert described[names[1]] == navigator.describe_layer(names[1])


@pytest.mark.parametrize(
    "ask",
    [
        "describe_layer",
        "map_connections",
        "explain_component",
        "get_weight_sharing_info",
        "get_module_details",
        "find_layer_path",
    ],
)
def test_a_name_that_does_not_exist_is_refused_with_the_nearest(ask: str) -> None:
    with pytest.raises(UnknownName) as raised:
        getattr(ArchitectureNavigator(qwen2()), ask)("model.layers.0.mlp.gate_prj")
    assert raised.value.nearest[0] == "model.layers.0.mlp.gate_proj"


def test_a_tied_tensor_is_described_with_its_other_name() -> None:
    facts = ArchitectureNavigator(qwen2()).describe_layer("lm_head.weight")
    assert facts["kind"] == "parameter"
    assert (facts["shape"], facts["elements"]) == ([64, 16], 1024)
    assert facts["shared_with"] == ["model.embed_tokens.weight"]
    assert facts["storage_key"] == "lm_head.weight"
    assert facts["module"] == "lm_head"
    assert "shares memory with model.embed_tokens.weight" in facts["description"]


def test_a_derived_tensor_is_described_by_what_it_is_computed_from() -> None:
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)))
    facts = ArchitectureNavigator(model).describe_layer("0.weight")
    assert facts["kind"] == "derived"
    assert facts["computed_from"] == [f"0.parametrizations.weight.original{number}" for number in (0, 1)]


def test_settings_children_and_tensors_of_a_module_are_told() -> None:
    details = ArchitectureNavigator(llama()).get_module_details("model.layers.1.mlp")
    assert details["module_class"].endswith("modeling_llama.LlamaMLP")
    assert details["role"] == "feed_forward"
    assert details["settings"]["intermediate_size"] == 32
    assert [child["path"].rpartition(".")[2] for child in details["children"]] == [
        "gate_proj",
        "up_proj",
        "down_proj",
        "act_fn",
    ]
    assert details["parameters"] == {"elements": 3 * 16 * 32, "trainable_elements": 3 * 16 * 32}
    assert details["calls"] == 1
    linear = ArchitectureNavigator(llama()).get_module_details("model.layers.1.mlp.gate_proj.weight")
    assert linear["path"] == "model.layers.1.mlp.gate_proj"
    assert [held["name"] for held in linear["tensors"]] == ["model.layers.1.mlp.gate_proj.weight"]


def test_connections_of_a_whole_layer_are_those_that_cross_its_border() -> None:
    found = ArchitectureNavigator(qwen2()).map_connections("model.layers.1.self_attn")
    assert {end["module"] for end in found["inputs_from"]} == {"model.layers.1.input_layernorm", "model.rotary_emb"}
    assert [end["module"] for end in found["outputs_to"]] == ["model.layers.1:+1"]
    (added,) = found["outputs_to"]
    assert added["adds"] == ["model.layers.0:+2", "model.layers.1.self_attn.o_proj"]
    assert found["contains"] == [f"model.layers.1.self_attn.{each}_proj" for each in "qkvo"]


def test_a_decoder_reads_keys_and_values_from_the_encoders_end() -> None:
    found = ArchitectureNavigator(t5()).map_connections("decoder.block.1.layer.1.EncDecAttention.k")
    # The dropout after the norm hands on what it is given, in evaluation: it is a module of its own all the same.
    assert [end["module"] for end in found["inputs_from"]] == ["encoder.dropout"]


def test_a_block_that_is_applied_again_feeds_itself_and_is_no_tie() -> None:
    navigator = ArchitectureNavigator(albert())
    block = "albert.encoder.albert_layer_groups.0.albert_layers.0"
    assert navigator.map_connections(block)["feeds_itself"] == 2
    assert navigator.get_architecture_summary()["reused_modules"][block] == 3
    info = navigator.get_weight_sharing_info(f"{block}.ffn.weight")
    assert (info["calls"], info["reused"], info["shares_weights_with"]) == (3, True, [])
    tied = navigator.get_weight_sharing_info("predictions.decoder.weight")
    assert (tied["calls"], tied["reused"]) == (1, False)
    assert tied["shares_weights_with"] == ["albert.embeddings.word_embeddings.weight"]
    whole = navigator.get_weight_sharing_info()
    assert whole["shared_modules"] == []
    assert block in whole["reused_modules"]
    assert all(block not in name for group in whole["shared_groups"] for name in group)


def test_one_module_under_two_paths_is_told_from_a_tie_and_from_reuse() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))
    model.append(model[0])
    info = ArchitectureNavigator(model, torch.zeros(1, 3)).get_weight_sharing_info()
    assert info["shared_modules"] == [["0", "3"]]
    assert info["shared_groups"] == [["0.bias", "3.bias"], ["0.weight", "3.weight"]]
    assert info["reused_modules"] == {"0": 2}
    under = ArchitectureNavigator(model, torch.zeros(1, 3)).get_weight_sharing_info("3")
    assert (under["path"], under["same_module_as"], under["calls"]) == ("0", ["0"], 2)


def test_answers_follow_ties_modules_and_settings_as_they_change() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))
    navigator = ArchitectureNavigator(model, torch.zeros(1, 3))
    assert navigator.find_layer_path("0", to="2") == ["0", "1", "2"]
    assert not navigator.get_architecture_summary()["weight_sharing"]["has_shared_weights"]
    model[2].weight = model[0].weight
    assert navigator.describe_layer("2.weight")["shared_with"] == ["0.weight"]
    model.append(nn.Tanh())
    assert navigator.find_layer_path("0", to="3") == ["0", "1", "2", "3"]
    model[1] = nn.Identity()
    assert navigator.get_module_details("1")["module_type"] == "Identity"
    del model[3]
    with pytest.raises(UnknownName):
        navigator.describe_layer("3")


class Runs(nn.Module):
    """Runs what its plain attributes say."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
        self.order, self.options, self.last = ["a", "b"], {"again": {"a": 0}}, SimpleNamespace(name="")
        self.opaque = Opaque()

    def forward(self, x: torch.Tensor, also: torch.Tensor | None = None) -> torch.Tensor:
        for name in [
            *self.order,
            *["a"] * self.options["again"]["a"],
            *filter(None, [self.last.name, self.opaque.name]),
        ]:
            x = getattr(self, name)(x)
        return x if also is None else x + also


class Opaque:
    name = ""

    def __init__(self) -> None:
        self.name = ""


def of_another_class(model: Runs) -> None:
    class Other(Runs):
        def forward(self, x: torch.Tensor, also: torch.Tensor | None = None) -> torch.Tensor:
            return self.b(x)  # type: ignore[no-any-return]

    model.__class__ = Other


CHANGES: dict[str, Callable[[Any], Any]] = {
    "a list": lambda model: model.order.reverse(),
    "a mapping in a mapping": lambda model: model.options["again"].update(a=2),
    "a namespace": lambda model: setattr(model.last, "name", "a"),
    "an object of another kind": lambda model: setattr(model.opaque, "name", "a"),
    "its forward": lambda model: setattr(model, "forward", lambda x, also=None: model.b(x)),
    "its class": of_another_class,
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_flows_is_followed_again_when_what_decides_it_has_changed(change: str) -> None:
    model, x = Runs(), torch.zeros(1, 4)
    navigator = ArchitectureNavigator(model, x)
    before = navigator.map_connections()
    assert navigator.map_connections() == before
    CHANGES[change](model)
    after = navigator.map_connections()
    assert after != before
    assert after == ArchitectureNavigator(model, x).map_connections()


def test_the_forward_of_a_class_that_is_replaced_is_followed() -> None:
    class Replaced(Runs):
        def forward(self, x: torch.Tensor, also: torch.Tensor | None = None) -> torch.Tensor:
            return self.a(self.b(x))  # type: ignore[no-any-return]

    navigator = ArchitectureNavigator(Replaced(), torch.zeros(1, 4))
    assert navigator.find_layer_path("b", to="a") == ["b", "a"]
    Replaced.forward = lambda self, x, also=None: self.b(self.a(x))  # type: ignore[method-assign]
    assert navigator.find_layer_path("b", to="a") == []
    assert navigator.find_layer_path("a", to="b") == ["a", "b"]


def test_other_sample_inputs_are_followed() -> None:
    inputs = {"x": torch.zeros(1, 4)}
    navigator = ArchitectureNavigator(Runs(), inputs)
    assert navigator.map_connections()["inputs"] == ["x"]
    inputs["also"] = torch.zeros(1, 4)
    assert navigator.map_connections()["inputs"] == ["x", "also"]


def test_what_has_not_changed_is_not_followed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[nn.Module] = []

    def counted(model: nn.Module, inputs: Any) -> Any:
        followed.append(model)
        return follow(model, inputs)

    monkeypatch.setattr("introspection.architecture.follow", counted)
    for make in (qwen2, t5, lambda: torch.compile(gpt2(), backend="eager"), Runs):
        model: Any = make()
        navigator = ArchitectureNavigator(model, torch.zeros(1, 4) if isinstance(model, Runs) else None)
        navigator.get_architecture_summary()
        with torch.no_grad():
            next(iter(model.parameters())).add_(1)
        model.train()
        navigator.describe_layer("")
        navigator.map_connections()
    assert len(followed) == 4


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: torch.compile(model, backend="eager"),
        nn.DataParallel,
        lambda model: torch.jit.script(nn.Sequential(nn.Linear(3, 3), nn.ReLU())),
        lambda model: torch.fx.symbolic_trace(nn.Sequential(nn.Linear(3, 3), nn.ReLU())),
    ],
)
def test_models_in_wrappers_can_be_asked_about_by_every_name(wrap: Callable[[Any], Any]) -> None:
    model = wrap(gpt2())
    navigator = ArchitectureNavigator(model)
    for each in names_of(model):
        json.dumps([navigator.describe_layer(each), navigator.map_connections(each)], allow_nan=False)
    assert navigator.get_module_details("")["training"] is model.training


def test_without_a_forward_nothing_is_claimed_to_flow_and_the_reason_is_said() -> None:
    navigator = ArchitectureNavigator(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 3)))
    everything, one = navigator.map_connections(), navigator.map_connections("1")
    assert everything["source"] == one["source"] == "module_tree"
    assert everything["connections"] == one["inputs_from"] == one["outputs_to"] == []
    assert "no sample input" in everything["reason"]
    assert navigator.find_layer_path("0", to="1") == []
    assert navigator.get_architecture_summary()["reused_modules"] is None
    assert "not known" in navigator.explain_component("1")["explanation"]
    assert navigator.query_architecture("What are its inputs and outputs?")["answer"].startswith("Not known")


def test_modules_are_found_by_class_name_base_and_role() -> None:
    model = gpt2()
    navigator = ArchitectureNavigator(model)

    def paths(wanted: Any) -> list[str]:
        return [each["path"] for each in navigator.find_modules_by_type(wanted)]

    assert paths(nn.LayerNorm) == [path for path, each in model.named_modules() if isinstance(each, nn.LayerNorm)]
    assert paths("layernorm") == paths("LayerNorm") == paths(nn.LayerNorm)
    # Conv1D of transformers is a linear layer by what it computes.
    assert "transformer.h.0.attn.c_attn" in paths("linear")
    assert paths("attention") == ["transformer.h.0.attn", "transformer.h.1.attn"]
    assert paths("NoSuchClass") == []
    assert paths(nn.Module) == [path for path, _ in model.named_modules()]


def test_a_part_of_a_name_is_completed_to_paths() -> None:
    navigator = ArchitectureNavigator(llama())
    assert navigator.find_layer_path("q_proj") == [f"model.layers.{layer}.self_attn.q_proj" for layer in range(2)]
    assert navigator.find_layer_path("1.mlp.up_proj.weight") == ["model.layers.1.mlp.up_proj.weight"]
    assert navigator.find_layer_path("*.mlp") == ["model.layers.0.mlp", "model.layers.1.mlp"]
    assert "model.rotary_emb" in navigator.find_layer_path("ROTARY")
    way = navigator.find_layer_path("model.embed_tokens", to="lm_head")
    assert (way[0], way[-1]) == ("model.embed_tokens", "lm_head")
    assert navigator.find_layer_path("lm_head", to="model.embed_tokens") == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_example_question_is_answered_by_its_rule(rule: Any) -> None:
    answer = ArchitectureNavigator(bert()).query_architecture(rule.example)
    assert answer["answered_by"] == rule.name
    json.dumps(answer, allow_nan=False)


def test_answers_in_words_say_the_facts() -> None:
    navigator = ArchitectureNavigator(qwen2())

    def said(question: str) -> str:
        return str(navigator.query_architecture(question)["answer"])

    heads = said("How many attention heads are there?")
    assert heads.startswith("2 attention layers (2 grouped-query with 4 query and 2 key-value heads of 4 elements)")
    assert said("Which weights are tied?") == "lm_head.weight and model.embed_tokens.weight are one storage."
    assert "2 × Qwen2DecoderLayer in model.layers" in said("How many layers does it have?")
    assert said("what feeds model.norm?").startswith("model.norm reads model.layers.1:+2")
    assert said("How many parameters?").startswith("5,776 parameter elements in 26 storages")
    unanswered = navigator.query_architecture("xyzzy")
    assert unanswered["answered_by"] is None
    assert unanswered["can_answer"] == [rule.example for rule in RULES]
    with pytest.raises(InvalidArgument):
        navigator.query_architecture("  ")


def test_experts_are_explained_and_found() -> None:
    navigator = ArchitectureNavigator(mixtral())
    assert navigator.get_architecture_summary()["features"]["experts"] == "yes"
    facts = navigator.explain_component("experts")
    assert facts["facts"]["modules"]
    assert "router" in facts["explanation"]


def test_an_explanation_rests_on_what_flows() -> None:
    words = ArchitectureNavigator(qwen2()).explain_component("model.layers.1.self_attn")["explanation"]
    assert "4 query heads and 2 key-value heads of 4 elements (grouped-query)" in words
    assert "each sees itself and what came before" in words
    assert "It reads model.layers.1.input_layernorm and model.rotary_emb." in words
    everywhere = ArchitectureNavigator(bert()).explain_component("attention")
    assert everywhere["facts"]["modules"] == [f"bert.encoder.layer.{layer}.attention.self" for layer in range(2)]
    assert ArchitectureNavigator(bert()).explain_component("recurrent")["facts"]["modules"] == []


@pytest.mark.parametrize("causal", [True, False])
def test_what_attention_is_told_to_see_is_said_where_no_module_says_it(causal: bool) -> None:
    class Attends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query, self.both = nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            query, both = self.query(x)[:, None], self.both(x)[:, None]
            return nn.functional.scaled_dot_product_attention(query, both, both, is_causal=causal)

    facts = ArchitectureNavigator(Attends(), torch.randn(1, 5, 8)).get_module_details("")["attention"]
    assert facts["causal"] is causal
    assert (facts["query_from"], facts["key_from"], facts["value_from"]) == (["query"], ["both"], ["both"])
