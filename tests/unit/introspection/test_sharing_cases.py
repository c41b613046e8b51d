"""The sharing map of every model in the catalogue is the truth, and the truth is what writing shows."""

from __future__ import annotations

import runpy
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from introspection import SharingMap, SharingScanner, scan_sharing

ROOT = str(Path(__file__).resolve().parents[3])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from tests.sharing_cases import CASES, Case, Flipper, random_models, recomputed, registered, registered_cells  # noqa: E402

torch.set_num_threads(1)


def identifier(case: Case) -> str:
    """The name of a case in the name of a test."""
    return f"{case.theme}-{case.name}".replace(" ", "_")


def told(case: Case) -> dict[frozenset[str], tuple[str, int | None]]:
    """Every pair that shares, as the case tells it: (kind, bytes), the bytes of whole tensors untold."""
    overlaps = {pair: ("partial", shared) for pair, shared in case.overlaps.items()}
    return {pair: overlaps.get(pair, ("same", None)) for pair in case.pairs}


def said(sharing: SharingMap) -> dict[frozenset[str], tuple[str, int | None]]:
    """Every pair that shares, as the map says it, in the same form."""
    return {
        pair: (relation.kind, None if relation.kind == "same" else relation.shared_bytes)
        for pair, relation in sharing.relations.items()
    }


@pytest.mark.parametrize("case", CASES, ids=identifier)
def test_the_map_of_a_case_is_exactly_what_is_true_of_it(case: Case) -> None:
    with case.build() as model:
        sharing = scan_sharing(model, unregistered=case.unregistered)
        scanner = SharingScanner(model, unregistered=case.unregistered)
        watched = scanner.current()
        assert scanner.current() is watched
        names = set(registered(model)) if case.names is None and not case.unregistered else case.names
    assert said(sharing) == told(case)
    assert set(sharing.groups) == set(case.same)
    assert {name: frozenset(sources) for name, sources in sharing.derived.items()} == case.derived
    assert watched == sharing
    if names is not None:
        assert set(sharing.names) == set(names) | set(case.derived)


@pytest.mark.parametrize("case", [case for case in CASES if not case.told], ids=identifier)
def test_what_is_told_of_a_case_is_what_flipping_its_bytes_shows(case: Case) -> None:
    with (case.proof or case.build)() as model:
        relations = scan_sharing(model, unregistered=case.unregistered).relations
        shown = Flipper(case.cells(model) if case.cells and not case.proof else registered_cells(model)).pairs()
    assert {pair: (kind, None if kind == "same" else shared) for pair, (kind, shared) in shown.items()} == told(case)
    assert {pair: (relations[pair].kind, relations[pair].shared_bytes) for pair in shown} == shown


@pytest.mark.parametrize("case", [case for case in CASES if case.derived], ids=identifier)
def test_what_is_derived_changes_with_each_of_its_sources_and_with_nothing_else(case: Case) -> None:
    with case.build() as model:
        compute = case.recompute or recomputed
        for name, sources in case.derived.items():
            itself = {name, *aliases(case, frozenset({name}))}
            assert changing(model, name, itself, compute) == {*sources, *aliases(case, sources)}


@pytest.mark.parametrize("case", [case for case in CASES if case.recompute is not None], ids=identifier)
@pytest.mark.filterwarnings("ignore:Unmerge result:UserWarning")
def test_what_taking_adapters_out_changes_is_what_is_derived(case: Case) -> None:
    with case.build() as model:
        before = {name: tensor.detach().clone() for name, tensor in registered(model).items()}
        for module in model.modules():
            if getattr(module, "merged", False):
                module.unmerge()
        after = registered(model)
        changed = {name for name in before if not torch.allclose(before[name], after[name].detach(), atol=1e-3)}
        assert changed == set(case.derived)
        assert scan_sharing(model).derived == {}


def changing(
    model: nn.Module, name: str, itself: set[str], compute: Callable[[nn.Module, str], torch.Tensor]
) -> set[str]:
    """Every other registered name whose change alone changes what is computed for `name`."""
    found = set()
    for other, tensor in registered(model).items():
        if other in itself:
            continue
        before, kept = compute(model, name), tensor.detach().clone()
        with torch.no_grad():
            tensor.add_(torch.rand_like(tensor) + 0.5)
            # Adapters are taken out and put in again with an error of rounding.
            if not torch.allclose(compute(model, name), before, atol=1e-3):
                found.add(other)
            tensor.copy_(kept)
    return found


def aliases(case: Case, names: frozenset[str]) -> Iterator[str]:
    """The other names of the same bytes."""
    for group in case.same:
        if group & names:
            yield from group


def test_the_catalogue_is_as_large_as_it_is_said_to_be_and_no_case_is_told_twice() -> None:
    assert len(CASES) >= 95
    assert [name for name, times in Counter(case.name for case in CASES).items() if times > 1] == []
    assert not [case.name for case in CASES if any(pair <= group for pair in case.partial for group in case.same)]


def test_the_maps_of_seeded_random_models_are_exactly_what_writing_shows() -> None:
    for drawn in random_models(300, seed=3):
        relations = scan_sharing(drawn.model).relations
        assert {pair: (relation.kind, relation.shared_bytes) for pair, relation in relations.items()} == drawn.shared


def test_the_figure_of_the_guide_is_what_a_scan_draws() -> None:
    drawing = runpy.run_path(f"{ROOT}/docs/draw_sharing.py")
    assert drawing["drawn"](drawing["example"]()) == Path(ROOT, "docs", "sharing.svg").read_text(encoding="utf-8")


def test_a_wrong_truth_would_be_caught_by_flipping() -> None:
    whole = torch.randn(6, 4)
    held = {"whole": [whole], "rows": [whole[1:3]], "many": [whole[0].expand(3, 4)], "apart": [torch.randn(2)]}
    assert Flipper(held).pairs() == {
        frozenset({"whole", "rows"}): ("partial", 32),
        frozenset({"whole", "many"}): ("partial", 16),
    }
