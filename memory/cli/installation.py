"""What this installation is made of: looked at without importing what is heavy."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from memory.version import __version__

if TYPE_CHECKING:
    from memory.store.finding import Finding

DISTRIBUTION = "palimpsest-memory"
PACKAGES = ("memory", "introspection")
"""The packages we import by these names. PyPI holds distributions of other people's under the same names."""
PYTHON_NEEDED = (3, 11)
EXTRAS: Mapping[str, Mapping[str, str]] = {
    "postgres": {"psycopg": "psycopg"},
    "frames": {"pandas": "pandas", "polars": "polars", "pyarrow": "pyarrow"},
    "report": {"jinja2": "jinja2", "vl-convert-python": "vl_convert"},
    "serve": {"datasette": "datasette"},
}
"""What each extra brings: distribution to the package it is imported as."""
_AGAIN = f"pip uninstall -y memory introspection && pip install --force-reinstall --no-deps {DISTRIBUTION}"


def diagnose_installation() -> Iterator[Finding]:
    """Look at Python, at whose packages are imported, and at the extras."""
    from memory.store.finding import ok, problem

    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < PYTHON_NEEDED:
        needed = ".".join(map(str, PYTHON_NEEDED))
        yield problem("python", f"{version} is too old: {needed} is needed", "use a newer Python")
    else:
        yield ok("python", f"{version} at {sys.executable}")
    yield from _packages()
    for extra, brings in EXTRAS.items():
        missing = [name for name, package in brings.items() if importlib.util.find_spec(package) is None]
        if missing:
            yield ok("extras", f'{extra}: not installed ({", ".join(missing)}); pip install "{DISTRIBUTION}[{extra}]"')
        else:
            yield ok("extras", f"{extra}: {', '.join(f'{name} {_version(name)}' for name in brings)}")


def _packages() -> Iterator[Finding]:
    from memory.store.finding import ok, problem, warning

    places = {name: package_folder(name) for name in PACKAGES}
    ours = Path(__file__).resolve().parents[1]
    elsewhere = {name: place for name, place in places.items() if place is None or place.parent != ours.parent}
    for name, place in elsewhere.items():
        yield problem("packages", f"{name!r} is imported from {place}, and ours is beside {ours}", _AGAIN)
    others = [name for name in PACKAGES if _version(name) is not None]
    for name in others:
        told = f"PyPI's distribution {name!r} {_version(name)} is installed too: it writes files over ours"
        yield problem("packages", told, _AGAIN)
    if not elsewhere and not others:
        yield ok("packages", f"memory and introspection are ours, from {ours.parent}")
    installed = _version(DISTRIBUTION)
    if installed is None:
        yield ok("palimpsest", f"{__version__}, from a checkout that is not installed")
    elif installed != __version__:
        told = f"{__version__} is imported, and {installed} is what is installed"
        yield warning("palimpsest", told, f"pip install --force-reinstall --no-deps {DISTRIBUTION}")
    else:
        yield ok("palimpsest", __version__)


def package_folder(name: str) -> Path | None:
    """Give the folder a package would be imported from; None where there is none."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).resolve().parent


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
