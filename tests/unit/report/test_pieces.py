"""The parts of a report: what is said and drawn of single things."""

from __future__ import annotations

import math
import random
import sys
from typing import Any

import orjson
import pytest

from introspection import SharingMap
from memory.errors import MissingDependency
from memory.report import page
from memory.report.calibration import wilson
from memory.report.changes import STEPS, UNKNOWN, architecture_key, step, tied
from memory.report.effects import edges, forest, mark
from memory.report.metrics import is_bent
from memory.report.page import json_for_a_script
from memory.report.scope import FARTHEST, drawable, e_value, number
from memory.report.sharing import drawn


def test_names_stand_in_the_order_of_a_forward() -> None:
    block = ("input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")
    block += ("post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
    layers = [f"model.layers.{layer}.{part}.weight" for layer in (0, 2, 10) for part in block]
    ordered = ["model.embed_tokens.weight", *layers, "model.norm.weight", "lm_head.weight"]
    mixed = random.Random(1).sample(ordered, len(ordered))

    assert sorted(mixed, key=architecture_key) == ordered


def test_names_of_another_family_too() -> None:
    ordered = ["transformer.wte.weight", "transformer.wpe.weight"]
    ordered += [
        f"transformer.h.{at}.{part}" for at in (0, 1) for part in ("ln_1.weight", "attn.c_attn.weight", "mlp.c_fc")
    ]
    ordered += ["transformer.ln_f.weight", "lm_head.weight"]

    mixed = random.Random(2).sample(ordered, len(ordered))

    assert sorted(mixed, key=architecture_key)[2:] == ordered[2:]


def test_all_names_of_a_storage_are_one_label() -> None:
    assert tied(["model.embed_tokens.weight", "lm_head.weight"]) == "model.embed_tokens = lm_head"
    assert tied(["a", "b", "c", "d"]) == "a = b = c = … (4 names)"


@pytest.mark.parametrize(
    ("change", "shade"), [(0.0, 0), (9e-5, 0), (1e-4, 1), (0.005, 2), (0.05, 3), (0.5, 4), (1.0, 5), (40.0, 5)]
)
def test_a_shade_is_ten_times_as_much_as_the_one_before(change: float, shade: int) -> None:
    assert step(change, unmeasured=False) == STEPS[shade]


def test_what_was_not_measured_has_no_shade() -> None:
    assert step(None, unmeasured=True) == UNKNOWN


def effect(**over: Any) -> dict[str, Any]:
    row = {"subject": "a", "storage_id": 1, "kind": "effect", "method": "scale", "dose": 1.0, "status": "active"}
    row |= {"effect": 0.5, "ci_low": None, "ci_high": 0.9, "grade": "randomised", "log_e_value": 9.0, "support": 7}
    return row | {"model": "m", "object": "loss", "direction": 1} | over


def test_an_interval_without_an_end_is_told_and_drawn_as_such() -> None:
    found = mark(effect(), {1: "a = b"})
    low, high = edges([found])
    plot = forest([found, mark(effect(ci_low=0.1, object="loss"), {})], "loss", 0.0)
    arrows = [layer for layer in plot["layer"] if "triangle" in str(layer["mark"].get("shape"))]

    assert [(each["open"], each["from"], each["until"]) for each in plot["data"]["values"]] == [
        (["low"], low, 0.9),
        ([], 0.1, 0.9),
    ]
    assert [(layer["mark"]["shape"], layer["encoding"]["x"]["field"]) for layer in arrows] == [
        ("triangle-left", "from"),
        ("triangle-right", "until"),
    ]
    assert (found["low"], found["high"], found["interval"]) == (None, 0.9, "−∞ to 0.9")
    assert found["row"].startswith("a = b")
    assert low < 0.0 < 0.9 < high


def test_an_end_too_far_out_to_be_drawn_is_none() -> None:
    assert mark(effect(ci_high=1e300), {})["high"] is None
    assert drawable(math.inf) is drawable(math.nan) is drawable(None) is None
    assert drawable(FARTHEST) == FARTHEST


def test_a_share_has_wilsons_interval() -> None:
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(10, 10)[1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("natural", "told"), [(0.0, "1"), (math.log(250.0), "250"), (math.log(6.1e47), "6.1·10⁴⁷"), (-20.0, "2.1·10⁻⁹")]
)
def test_evidence_is_told_as_people_write_it(natural: float, told: str) -> None:
    assert e_value(natural) == told


def test_numbers_are_told_as_people_write_them() -> None:
    assert [number(each) for each in (None, True, 1234567, 0.123456, math.inf, math.nan, "a")] == [
        *("", "yes", "1,234,567", "0.1235", "∞", "NaN", "a")
    ]


def test_a_few_huge_values_bend_the_scale() -> None:
    usual = [{"least": 1.0, "greatest": 2.0} for _ in range(20)]

    assert not is_bent(usual)
    assert is_bent([*usual, {"least": 1.0, "greatest": 1e9}])
    assert not is_bent([{"least": None, "greatest": None}])


def test_nothing_in_data_ends_the_script_it_stands_in() -> None:
    hostile = {"</script><!--": ["<img>", "&amp;", "\u2028", "ä", 1.5]}
    text = json_for_a_script(hostile)

    assert not set("<>&\u2028") & set(text)
    assert orjson.loads(text) == hostile


def test_an_absent_package_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(MissingDependency, match=r"vl-convert-python.*\n?.*\[report\]"):
        page.chart_library.__wrapped__()


def test_the_sharing_map_has_a_line_from_every_name_to_its_storage() -> None:
    names = ["embed", "head", "q", "qkv", "own"]
    relations = {"same": [["embed", "head"]], "partial": [("q", "qkv")], "derived": {"merged": ("embed",)}}
    found = drawn("m", SharingMap.from_relations(names=names, **relations))
    places = {each["whole"]: each["y"] for each in found["names"]}

    assert set(places) == {"embed", "head", "q", "qkv", "merged"}
    assert len(set(places.values())) == 5
    assert [(box["kind"], box["names"]) for box in found["boxes"]] == [
        ("alias", ["embed", "head"]),
        ("overlap", ["q"]),
        ("overlap", ["qkv"]),
    ]
    assert [line["kind"] for line in found["lines"]] == ["alias", "alias", "own", "own"]
    assert (len(found["overlaps"]), len(found["derivations"]), found["left_out"]) == (1, 1, 0)


def test_of_very_many_ties_some_are_drawn_and_the_rest_counted() -> None:
    pairs = [[f"a.{at}", f"b.{at}"] for at in range(60)]
    found = drawn("m", SharingMap.from_relations(names=[name for pair in pairs for name in pair], same=pairs))

    assert len(found["names"]) == 40
    assert found["left_out"] == 80
