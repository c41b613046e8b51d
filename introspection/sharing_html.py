"""A sharing map, and what changed between two, as notebooks show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from introspection.html import card_html, list_html, table_html

if TYPE_CHECKING:
    from introspection.sharing import SharingDiff, SharingMap


def map_html(sharing: SharingMap) -> str:
    """A card of a map: how many names and storages, then every group, overlap and derived name."""
    facts = {
        "names": len(sharing.names),
        "storages": len(sharing.storages),
        "digest": sharing.digest[:16],
    }
    overlaps = [
        {"names": sorted(pair), "shares": relation.kind, "bytes": relation.shared_bytes}
        for pair, relation in sorted(sharing.relations.items(), key=lambda entry: sorted(entry[0]))
        if relation.kind != "same"
    ]
    sections = [list_html("one tensor", [" = ".join(sorted(group)) for group in sharing.groups])]
    if overlaps:
        sections.append(table_html(overlaps, caption="overlaps"))
    computed = [f"{name} from {', '.join(sources)}" for name, sources in sorted(sharing.derived.items())]
    sections.append(list_html("derived", computed))
    if not any(sections):
        facts["shared"] = "no two names share bytes"
    return card_html("Sharing map", facts, *sections)


def diff_html(diff: SharingDiff) -> str:
    """A card of what changed from one map to a later one."""
    pairs = {"tied": diff.tied, "untied": diff.untied, "shares otherwise": diff.changed}
    names = {"added": diff.added, "removed": diff.removed, "computed from others than before": diff.rederived}
    sections = [list_html(title, [" and ".join(sorted(pair)) for pair in found]) for title, found in pairs.items()]
    sections += [list_html(title, found) for title, found in names.items()]
    facts = {} if diff else {"changed": "nothing"}
    return card_html("What changed in sharing", facts, *sections)
