"""The JSON form of a sharing map: reading it strictly, field by field."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from introspection.errors import InvalidSharingMap

FORMAT_VERSION = 1
"""Version of the JSON that `SharingMap.to_json` writes."""

_FIELDS = {"version", "names", "same", "partial", "unknown", "derived"}


@dataclass(frozen=True, slots=True)
class ParsedMap:
    """The content of a sharing map's JSON: right in form, not yet checked against itself."""

    names: tuple[str, ...]
    """Every name."""
    same: tuple[tuple[int | None, tuple[str, ...]], ...]
    """(bytes, names) of every storage with two names or more."""
    partial: tuple[tuple[str, str, int | None], ...]
    """(storage key, storage key, shared bytes) of every overlap."""
    unknown: tuple[tuple[str, str], ...]
    """(storage key, storage key) of every relation that could not be decided."""
    derived: dict[str, tuple[str, ...]]
    """Derived names and what they are computed from."""
    stored: tuple[str, ...] = ()
    """Derived names that have bytes of their own all the same."""


def parse_sharing_map(text: str) -> ParsedMap:
    """Reads the JSON form of a sharing map.

    Raises:
        InvalidSharingMap: The text is no JSON, is no sharing map, or is one of a newer format.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise InvalidSharingMap(f"a sharing map must be JSON: {error}") from error
    if not isinstance(content, dict) or "version" not in content:
        raise InvalidSharingMap("a sharing map must be a JSON object with a version")
    if content["version"] != FORMAT_VERSION:
        raise InvalidSharingMap(
            f"a sharing map of format {content['version']!r} cannot be read here: format {FORMAT_VERSION} is known",
            remedy="upgrade palimpsest-memory",
        )
    if set(content) - {"stored"} != _FIELDS:
        raise InvalidSharingMap(f"a sharing map must have exactly the fields {sorted(_FIELDS)}, not {sorted(content)}")
    derived, stored = content["derived"], content.get("stored", [])
    if not _is_names(content["names"]):
        raise InvalidSharingMap("the names of a sharing map must be a list of strings")
    if not isinstance(derived, dict) or not all(_is_names(sources) for sources in derived.values()):
        raise InvalidSharingMap("'derived' of a sharing map must be an object of lists of names")
    if not _is_names(stored):
        raise InvalidSharingMap("'stored' of a sharing map must be a list of names")
    return ParsedMap(
        names=tuple(content["names"]),
        same=tuple((entry[0], tuple(entry[1:])) for entry in _entries(content, "same", "[bytes, name, name, ...]")),
        partial=tuple((a, b, nbytes) for a, b, nbytes in _entries(content, "partial", "[name, name, bytes]")),
        unknown=tuple((a, b) for a, b in _entries(content, "unknown", "[name, name]")),
        derived={name: tuple(sources) for name, sources in derived.items()},
        stored=tuple(stored),
    )


def _entries(content: dict[str, Any], field: str, form: str) -> list[list[Any]]:
    entries = content[field]
    if not isinstance(entries, list):
        raise InvalidSharingMap(f"{field!r} of a sharing map must be a list")
    for entry in entries:
        if not isinstance(entry, list) or not _IS_ENTRY[field](entry):
            raise InvalidSharingMap(f"an entry of {field!r} of a sharing map must be {form}, not {entry!r:.200}")
    return entries


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_size(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0)


_IS_ENTRY = {
    "same": lambda entry: len(entry) > 2 and _is_size(entry[0]) and _is_names(entry[1:]),
    "partial": lambda entry: len(entry) == 3 and _is_names(entry[:2]) and _is_size(entry[2]),
    "unknown": lambda entry: len(entry) == 2 and _is_names(entry),
}
