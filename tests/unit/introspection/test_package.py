"""The package as its users import it: everything promised is there by one import, and torch comes only with its use."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import introspection
import introspection.errors
import memory.errors

SOURCE = Path(introspection.__file__).read_text()

# FEATURES.md, by component; a method that is only promised there in words is not listed.
PROMISED = {
    "WeightInspector": (
        "get_shared_weights get_shared_layers detect_shared_weights list_parameters get_layer_parameters "
        "get_layer_weights get_weight_statistics compare_weights find_similar_weights get_weight_summary query_weights "
        "export_weights get_weight_distribution detect_anomalies get_layer_names"
    ),
    "ArchitectureNavigator": (
        "get_architecture_summary describe_layer map_connections explain_component query_architecture "
        "get_weight_sharing_info generate_diagram compare_to_pattern find_modules_by_type get_module_details "
        "find_layer_path"
    ),
    "ActivationMonitor": (
        "get_layer_names get_input_shape register_hooks clear_hooks clear_activations capture_activations "
        "capture_attention_weights get_activation_statistics compare_activations get_attention_patterns "
        "trace_token_influence get_layer_info query_layers"
    ),
}


def _in_a_new_process(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_the_package_and_catching_its_errors_does_not_import_torch() -> None:
    loaded = "import sys, introspection; introspection.SharingMap, introspection.NothingCaptured; dir(introspection)"
    assert _in_a_new_process(f"{loaded}; print('torch' in sys.modules, 'numpy' in sys.modules)") == "False False"


@pytest.mark.parametrize("name", introspection.__all__)
def test_every_name_that_is_listed_is_there(name: str) -> None:
    value = getattr(introspection, name)
    assert value.__name__ == name
    assert value.__doc__


def test_what_is_listed_is_what_type_checkers_and_people_are_told() -> None:
    assert introspection.__all__ == sorted(introspection.__all__)
    assert dir(introspection) == introspection.__all__
    # Those under TYPE_CHECKING and those loaded on use are one list written twice.
    checked = {
        alias.name
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.If)
        for imported in node.body
        if isinstance(imported, ast.ImportFrom)
        for alias in imported.names
    }
    assert checked == set(introspection._LOADED_ON_USE)
    assert set(introspection._LOADED_ON_USE) <= set(introspection.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'WeightInspecter'"):
        introspection.WeightInspecter  # noqa: B018


@pytest.mark.parametrize(
    ("component", "method"), [(name, method) for name, methods in PROMISED.items() for method in methods.split()]
)
def test_every_method_that_is_owed_is_there_and_says_what_it_does(component: str, method: str) -> None:
    found = getattr(getattr(introspection, component), method)
    assert callable(found)
    assert inspect.getdoc(found)


def test_every_error_of_the_package_is_listed_here_and_in_the_whole_hierarchy() -> None:
    errors = {
        name
        for name, value in vars(introspection.errors).items()
        if isinstance(value, type) and issubclass(value, introspection.PalimpsestError)
    }
    assert errors <= set(introspection.__all__)
    assert errors <= set(memory.errors.__all__)
