from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

import introspection
import memory
from introspection.errors import PalimpsestError
from memory.cli.error_pages import codes, page


def every_error() -> dict[str, type[PalimpsestError]]:
    found: dict[str, type[PalimpsestError]] = {}
    for package in (introspection, memory):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for _, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if issubclass(each, PalimpsestError):
                    found[each.code] = each
    return found


def test_every_error_has_a_page_and_every_page_an_error() -> None:
    assert set(codes()) == set(every_error())


def test_no_two_errors_share_a_code() -> None:
    classes = {
        each
        for each in _all_subclasses(PalimpsestError)
        if each.__module__.split(".")[0] in ("memory", "introspection")
    }
    assert len({each.code for each in classes}) == len(classes)


def _all_subclasses(cls: type[PalimpsestError]) -> set[type[PalimpsestError]]:
    return {cls, *(below for each in cls.__subclasses__() for below in _all_subclasses(each))}


@pytest.mark.parametrize("code", codes())
def test_a_page_says_symptom_cause_and_fix(code: str) -> None:
    text = page(code)
    assert text.startswith(f"# {code}\n")
    for part in ("Symptom", "Cause", "Fix"):
        assert part in text


def test_a_code_without_a_page_says_where_the_list_is() -> None:
    with pytest.raises(PalimpsestError, match="palimpsest explain"):
        page("no-such-error")
