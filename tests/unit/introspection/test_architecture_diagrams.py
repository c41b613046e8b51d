"""Diagrams are of the real model, whole and well formed in every format; patterns are told by what was observed."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from torch import nn

from introspection import ArchitectureNavigator, InvalidArgument

ROOT = str(Path(__file__).resolve().parents[3])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from tests.real_architectures import ALL, albert, bert, llama, mixtral, qwen2, t5  # noqa: E402

torch.set_num_threads(1)

SVG = "{http://www.w3.org/2000/svg}"


def chain() -> ArchitectureNavigator:
    """Registered in another order than it runs, with a branch nobody takes."""

    class Chain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last, self.unused, self.first = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.first(x)) + x

    return ArchitectureNavigator(Chain(), torch.zeros(2, 4))


@pytest.mark.parametrize("name", ALL)
def test_the_svg_of_every_architecture_is_well_formed_titled_and_self_contained(name: str) -> None:
    text = ArchitectureNavigator(ALL[name]()).generate_diagram("svg")
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root.find(f"{SVG}title") is not None
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"(href|src)\s*=\s*[\"'](?!#)", text)


@pytest.mark.parametrize("name", ALL)
def test_dot_and_mermaid_connect_only_boxes_they_define_and_the_same_ones(name: str) -> None:
    navigator = ArchitectureNavigator(ALL[name]())
    dot, mermaid = navigator.generate_diagram("dot"), navigator.generate_diagram("mermaid")
    assert dot.count("{") == dot.count("}")
    assert mermaid.count("subgraph") == len(re.findall(r"^  end$", mermaid, re.MULTILINE))
    boxes = set(re.findall(r"^\s*(n\d+) \[label=", dot, re.MULTILINE))
    assert boxes == set(re.findall(r"^\s*(n\d+)[\[(]", mermaid, re.MULTILINE))
    arrows = set(re.findall(r"(n\d+) -> (n\d+)\b(?! \[dir=none)", dot))
    assert {end for arrow in arrows for end in arrow} <= boxes
    assert arrows == set(re.findall(r"(n\d+) (?:-->|-\. next \.->) (n\d+)", mermaid))


def test_the_drawing_follows_execution_and_not_registration() -> None:
    lines = chain().generate_diagram("text").splitlines()
    assert "  first  [Linear 4→4]  reads x" in lines
    assert "  last  [Linear 4→4]  reads first" in lines
    assert "  +1  [residual addition]  reads x, last" in lines
    assert lines.index("  first  [Linear 4→4]  reads x") < lines.index("  last  [Linear 4→4]  reads first")
    # What the forward does not call is in no picture of the forward.
    assert not any("unused" in line for line in lines)


def test_equal_blocks_are_folded_with_their_number_and_different_ones_are_not() -> None:
    text = ArchitectureNavigator(qwen2()).generate_diagram()
    assert "2 × Qwen2DecoderLayer: model.layers.0 … 1" in text
    assert text.count("mlp.gate_proj  [Linear 16→32]") == 1
    # Only the first block of a T5 stack holds the table of relative positions.
    text = ArchitectureNavigator(t5()).generate_diagram()
    assert "T5Block: encoder.block.0\n" in text
    assert "T5Block: encoder.block.1\n" in text
    assert " × T5Block" not in text


def test_a_label_that_several_blocks_have_is_told_apart_by_its_block() -> None:
    text = ArchitectureNavigator(t5()).generate_diagram()
    assert "encoder.final_layer_norm  [T5LayerNorm 16]  reads layer.1:+1 of encoder.block.1\n" in text
    assert "decoder.final_layer_norm  [T5LayerNorm 16]  reads layer.2:+1 of decoder.block.1\n" in text


def test_every_frame_is_drawn_once() -> None:
    text = ArchitectureNavigator(mixtral()).generate_diagram()
    assert text.count("┌─") == text.count("└─") == 1


def test_a_block_applied_again_is_drawn_once_and_leads_back_to_itself() -> None:
    navigator = ArchitectureNavigator(albert())
    text = navigator.generate_diagram()
    assert "AlbertLayerGroup, applied 3 times: albert.encoder.albert_layer_groups.0" in text
    assert "then albert_layers.0.full_layer_layer_norm" in text
    assert "-. next .->" in navigator.generate_diagram("mermaid")
    assert "style=dashed" in navigator.generate_diagram("dot")


@pytest.mark.parametrize("form", ["text", "dot", "mermaid", "svg"])
def test_ties_are_drawn_as_they_are_now(form: str) -> None:
    model = qwen2()
    navigator = ArchitectureNavigator(model)
    assert "one storage" in navigator.generate_diagram(form)
    model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())
    assert "one storage" not in navigator.generate_diagram(form)


def test_deep_models_are_drawn_from_further_up() -> None:
    navigator = ArchitectureNavigator(llama())
    whole, small = navigator.generate_diagram("dot"), navigator.generate_diagram("dot", max_boxes=8)
    boxes = re.compile(r"^\s*n\d+ \[label=", re.MULTILINE)
    assert len(boxes.findall(small)) <= 8 < len(boxes.findall(whole))


def test_from_the_module_tree_no_arrow_is_called_a_flow() -> None:
    text = ArchitectureNavigator(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 3))).generate_diagram()
    assert "module tree only" in text
    assert "reads" not in text


@pytest.mark.parametrize(("form", "boxes"), [("png", 80), ("text", 0), (None, 80)])
def test_formats_and_sizes_that_do_not_exist_are_refused(form: str, boxes: int) -> None:
    with pytest.raises(InvalidArgument):
        chain().generate_diagram(form, max_boxes=boxes)


PATTERN_OF = {
    "qwen2": "qwen2", "llama": "llama", "gpt2": "gpt", "bert": "bert", "t5": "t5", "albert": "albert",
    "mixtral": "mixtral", "gpt_neox": "gpt_neox", "vit": "vit",
}  # fmt: skip


@pytest.mark.parametrize(("name", "pattern"), PATTERN_OF.items())
def test_a_model_matches_its_own_pattern(name: str, pattern: str) -> None:
    found = ArchitectureNavigator(ALL[name]()).compare_to_pattern(pattern)
    assert found["matches"] is True
    assert (found["differs"], found["not_found"]) == (0, 0)
    assert found["closest"][0] == pattern
    assert all(row["evidence"] or row["found"] == "no" or row["note"] for row in found["features"])


def test_what_differs_from_a_pattern_is_told_with_where_it_was_seen() -> None:
    found = ArchitectureNavigator(bert()).compare_to_pattern("llama")
    assert found["matches"] is False
    rows = {row["feature"]: row for row in found["features"]}
    assert rows["normalization"]["status"] == "differs"
    assert (rows["normalization"]["expected"], rows["normalization"]["found"]) == (["RMSNorm"], "LayerNorm")
    assert "bert.encoder.layer.0.attention.output.LayerNorm" in rows["normalization"]["evidence"]
    assert rows["norm_placement"]["found"] == "post"
    assert found["found"] + found["differs"] + found["not_found"] == len(rows)


def test_albert_differs_from_bert_by_reuse_alone() -> None:
    found = ArchitectureNavigator(albert()).compare_to_pattern("bert")
    assert [row["feature"] for row in found["features"] if row["status"] != "found"] == ["layer_reuse"]


def test_without_a_forward_no_pattern_is_matched_or_refuted() -> None:
    found = ArchitectureNavigator(nn.Sequential(nn.Linear(3, 3))).compare_to_pattern("gpt")
    assert found["matches"] is None
    assert found["found"] == found["differs"] == 0
    assert found["closest"] == []


@pytest.mark.parametrize("pattern", ["resnet", "", None])
def test_a_pattern_that_is_not_known_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidArgument, match="pattern cannot be"):
        ArchitectureNavigator(nn.Linear(3, 3)).compare_to_pattern(pattern)
