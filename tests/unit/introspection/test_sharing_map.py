"""The sharing map as a value: built from relations, compared, written and read, without a model."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import pytest

from introspection import (
    Affected,
    InvalidSharingMap,
    Relation,
    SeveralStorages,
    SharingMap,
    UnknownName,
)

NAMES = ("lm_head.weight", "model.embed.weight", "model.a.qkv", "model.a.q", "model.b.g", "model.b.v", "model.norm")


@pytest.fixture
def sharing() -> SharingMap:
    """A tie, an overlap and a derived name."""
    return SharingMap.from_relations(
        names=NAMES,
        same=[["model.embed.weight", "lm_head.weight"]],
        partial=[("model.a.qkv", "model.a.q")],
        derived={"model.b.weight": ["model.b.g", "model.b.v"]},
    )


def test_names_are_sorted_and_hold_the_derived_ones(sharing: SharingMap) -> None:
    assert sharing.names == tuple(sorted([*NAMES, "model.b.weight"]))


def test_a_storage_is_keyed_by_the_first_of_its_names(sharing: SharingMap) -> None:
    assert sharing.storage_key("model.embed.weight") == "lm_head.weight"
    assert sharing.storages["lm_head.weight"] == ("lm_head.weight", "model.embed.weight")
    assert "model.embed.weight" not in sharing.storages
    assert sharing.groups == (frozenset({"lm_head.weight", "model.embed.weight"}),)


def test_every_name_is_in_exactly_one_storage_but_derived_ones_in_none(sharing: SharingMap) -> None:
    held = sorted(name for members in sharing.storages.values() for name in members)
    assert held == [name for name in sharing.names if name != "model.b.weight"]
    assert sharing.storage_key("model.b.weight") == "model.b.weight"
    assert sharing.resolve("model.b.weight") == ("model.b.weight",)


def test_relations_are_pairwise_and_never_closed_over_overlaps() -> None:
    sharing = SharingMap.from_relations(names="abc", partial=[("a", "b"), ("b", "c")])
    assert sharing.relations == {frozenset("ab"): Relation("partial"), frozenset("bc"): Relation("partial")}
    assert sharing.coupled("a") == ("b",)
    assert sharing.coupled("b") == ("a", "c")


def test_identical_bytes_are_closed_and_carry_overlaps_to_every_alias() -> None:
    sharing = SharingMap.from_relations(names="abcd", same=[["c", "b"], ["b", "a"]], partial=[("c", "d")])
    assert sharing.groups == (frozenset("abc"),)
    assert {pair for pair, relation in sharing.relations.items() if relation.kind == "same"} == {
        frozenset("ab"),
        frozenset("ac"),
        frozenset("bc"),
    }
    assert sharing.coupled("d") == ("a", "b", "c")


def test_derived_names_share_no_bytes_and_so_are_affected_but_not_coupled(sharing: SharingMap) -> None:
    assert sharing.coupled("model.b.g") == ()
    assert sharing.affected("model.b.g") == (
        Affected("model.b.g", "primary"),
        Affected("model.b.weight", "derived"),
    )
    assert sharing.derived == {"model.b.weight": ("model.b.g", "model.b.v")}


def test_what_is_derived_from_the_derived_or_from_an_alias_is_affected_too() -> None:
    sharing = SharingMap.from_relations(
        names="abo",
        same=["ab"],
        partial=[("b", "o")],
        derived={"x": ["b"], "y": ["x"], "z": ["o"], "w": ["other"]} | {"other": []},
    )
    assert [(entry.name, entry.relation) for entry in sharing.affected("a")] == [
        ("a", "primary"),
        ("b", "alias"),
        ("o", "overlap"),
        ("x", "derived"),
        ("y", "derived"),
        ("z", "derived"),
    ]


def test_the_primary_is_the_name_that_was_given(sharing: SharingMap) -> None:
    assert [entry.name for entry in sharing.affected("model.embed.weight")] == ["model.embed.weight", "lm_head.weight"]
    assert [entry.name for entry in sharing.affected("lm_head.weight")] == ["lm_head.weight", "model.embed.weight"]


def test_a_module_path_names_the_storages_under_it(sharing: SharingMap) -> None:
    assert sharing.resolve("lm_head") == ("lm_head.weight",)
    assert sharing.resolve("model.embed") == ("lm_head.weight",)
    assert sharing.resolve("model.a") == ("model.a.q", "model.a.qkv")
    assert sharing.resolve("model.b") == ("model.b.g", "model.b.v")
    assert sharing.coupled("lm_head") == ("model.embed.weight",)


def test_a_module_path_of_one_storage_is_affected_under_its_own_name(sharing: SharingMap) -> None:
    assert [entry.name for entry in sharing.affected("model.embed")] == ["model.embed.weight", "lm_head.weight"]


def test_a_module_path_of_several_storages_is_no_single_write(sharing: SharingMap) -> None:
    with pytest.raises(SeveralStorages, match=r"'model\.b' names 2 storages") as caught:
        sharing.affected("model.b")
    assert caught.value.storage_keys == ("model.b.g", "model.b.v")
    assert "resolve" in caught.value.remedy


def test_a_tensor_name_wins_over_a_module_path() -> None:
    sharing = SharingMap.from_relations(names=["a", "a.b", "a.c"])
    assert sharing.resolve("a") == ("a",)


def test_a_prefix_that_is_no_whole_path_names_nothing(sharing: SharingMap) -> None:
    for name in ("lm", "model.emb", "", "model.", "nothing"):
        with pytest.raises(UnknownName):
            sharing.resolve(name)


def test_an_unknown_name_suggests_the_nearest(sharing: SharingMap) -> None:
    with pytest.raises(UnknownName) as caught:
        sharing.storage_key("lm_haed.weight")
    assert caught.value.nearest[0] == "lm_head.weight"
    with pytest.raises(UnknownName) as caught:
        sharing.coupled("model.embd")
    assert "model.embed" in caught.value.nearest


def test_two_aliases_under_one_module_path_are_coupled_to_each_other() -> None:
    sharing = SharingMap.from_relations(names=["m.a", "m.b", "x"], same=[["m.a", "m.b", "x"]])
    assert sharing.coupled("m") == ("m.b", "x")
    assert [entry.name for entry in sharing.affected("m")] == ["m.a", "m.b", "x"]


def test_json_gives_the_same_map_back(sharing: SharingMap) -> None:
    again = SharingMap.from_json(sharing.to_json())
    assert again == sharing
    assert again.relations == sharing.relations
    assert again.derived == sharing.derived
    assert again.to_json() == sharing.to_json()
    assert json.loads(sharing.to_json())["version"] == 1


def test_unknown_relations_and_sizes_survive_json() -> None:
    relations = [("a", "b", Relation("unknown")), ("a", "c", Relation("partial", 8)), ("b", "c", Relation("partial"))]
    sharing = SharingMap.build("abcde", [(16, "de")], relations)
    again = SharingMap.from_json(sharing.to_json())
    assert again.relations == sharing.relations
    assert again.relations[frozenset("de")] == Relation("same", 16)
    assert again.coupled("a") == ("b", "c")


def test_equal_maps_have_equal_digests_however_they_were_built() -> None:
    one = SharingMap.from_relations(names="abc", same=["ab", "bc"], partial=[], derived={"z": "ba"})
    other = SharingMap.from_relations(names="zcbac", same=["cab"], derived={"z": ("a", "b", "a")})
    assert one == other
    assert hash(one) == hash(other)
    assert one.digest == other.digest == SharingMap.from_json(one.to_json()).digest
    assert one.digest != SharingMap.from_relations(names="abc", same=["ab"], derived={"z": "ba"}).digest


def test_the_digest_never_changes_between_versions(sharing: SharingMap) -> None:
    # It is in logs: whoever changes the form must raise its version and keep reading this one.
    assert sharing.digest == "04e6213fdeb83cd8ee73e1f756adfac2f84d7bae1791b28a3448e326106fb9e7"


def test_a_map_pickles_after_it_was_used(sharing: SharingMap) -> None:
    sharing.coupled("lm_head")
    assert pickle.loads(pickle.dumps(sharing)) == sharing


def test_what_is_handed_out_cannot_change_the_map(sharing: SharingMap) -> None:
    sharing.relations.clear()
    sharing.derived.clear()
    with pytest.raises(TypeError):
        sharing.storages["x"] = ("x",)  # type: ignore[index]
    assert sharing.relations
    assert sharing.derived


def test_a_diff_tells_what_was_tied_untied_added_and_removed() -> None:
    before = SharingMap.from_relations(names="abcd", same=["ab"], partial=[("c", "d")])
    after = SharingMap.from_relations(names="abce", same=["bc"])
    diff = before.diff(after)
    assert diff.tied == (frozenset("bc"),)
    assert diff.untied == (frozenset("ab"), frozenset("cd"))
    assert diff.added == ("e",)
    assert diff.removed == ("d",)
    back = after.diff(before)
    assert (back.tied, back.untied, back.added, back.removed) == (diff.untied, diff.tied, diff.removed, diff.added)


def test_a_diff_of_equal_maps_is_false(sharing: SharingMap) -> None:
    assert not sharing.diff(SharingMap.from_json(sharing.to_json()))


def test_a_diff_tells_shares_that_changed_in_kind_size_or_origin() -> None:
    before = SharingMap.build("abc", [(8, "ab")], [], {"x": "a"})
    after = SharingMap.build("abc", [], [("a", "b", Relation("partial", 4))], {"x": "c"})
    assert before.diff(after).changed == (frozenset("ab"),)
    assert before.diff(after).rederived == ("x",)
    assert not before.diff(after).tied
    assert before.diff(SharingMap.build("abc", [(4, "ab")], [], {"x": "a"})).changed == (frozenset("ab"),)
    assert not before.diff(SharingMap.from_relations(names="abc", same=["ab"], derived={"x": "a"}))


@pytest.mark.parametrize(
    ("relations", "message"),
    [
        ({"same": ["ab"], "partial": [("a", "b")]}, "same bytes"),
        ({"derived": {"a": ["a"]}}, "computed from itself"),
    ],
)
def test_relations_that_contradict_each_other_are_refused(relations: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidSharingMap, match=message):
        SharingMap.from_relations(names="ab", **relations)  # type: ignore[arg-type]


@pytest.mark.parametrize("relations", [{"same": ["ax"]}, {"partial": [("a", "x")]}, {"derived": {"d": ["x"]}}])
def test_relations_of_names_that_are_not_listed_are_refused(relations: dict[str, object]) -> None:
    with pytest.raises(UnknownName):
        SharingMap.from_relations(names="ab", **relations)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"names": "abc"},
        {"names": [1]},
        {"same": [[4, "a"]]},
        {"same": [[-4, "a", "b"]]},
        {"same": [["4", "a", "b"]]},
        {"same": [[True, "a", "b"]]},
        {"same": {}},
        {"same": [[4, "a", "nobody"]]},
        {"partial": [["a", "b"]]},
        {"partial": [["a", "b", 0]]},
        {"unknown": [["a", "b", 1]]},
        {"derived": []},
        {"derived": {"x": "a"}},
        {"extra": 1},
    ],
)
def test_json_that_is_no_sharing_map_is_refused(change: dict[str, object]) -> None:
    content = json.loads(SharingMap.from_relations(names="abc").to_json()) | change
    with pytest.raises(InvalidSharingMap):
        SharingMap.from_json(json.dumps(content))


@pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense", "null", '"x"'])
def test_text_that_is_no_sharing_map_is_refused(text: str) -> None:
    with pytest.raises(InvalidSharingMap):
        SharingMap.from_json(text)


def test_holding_and_comparing_maps_needs_no_torch() -> None:
    code = (
        "import sys, introspection\n"
        "sharing = introspection.SharingMap.from_relations(names=['a', 'b'], same=[['a', 'b']])\n"
        "assert introspection.SharingMap.from_json(sharing.to_json()) == sharing\n"
        "assert sharing.coupled('a') == ('b',)\n"
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_everything_the_package_promises_can_be_imported() -> None:
    import introspection

    for name in introspection.__all__:
        assert getattr(introspection, name) is not None
    with pytest.raises(AttributeError):
        introspection.nothing  # noqa: B018
