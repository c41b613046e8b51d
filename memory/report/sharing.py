"""What shares memory with what, drawn: names on the left, the storages they view on the right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from introspection.sharing import SharingMap
from memory.report.changes import architecture_key
from memory.report.scope import Scope, counted
from memory.report.section import Section, Table

_ROW, _TOP, _LEFT, _BOX, _WIDTH = 24, 16, 66, 620, 900
_CHARACTER = 7.3
_LONGEST = 64
"""Letters of a name that are drawn; its end tells it from others."""
_DRAWN = 40
"""Names drawn of one model."""


def sharing(scope: Scope) -> Section:
    """Draw the sharing map of every model as it is now, and tell how it changed."""
    latest = _latest(scope)
    drawings: list[dict[str, Any]] = []
    rows: list[tuple[str, str, str, int | None]] = []
    said: list[str] = []
    notes: list[str] = []
    for model, found in latest.items():
        drawing = drawn(model, found)
        drawings.append(drawing)
        rows += _relations(model, found)
        ties = [group for group in found.groups if len(group) > 1]
        overlaps = sum(1 for relation in found.relations.values() if relation.kind != "same")
        told = [
            counted(len(ties), "tie") if ties else "no ties",
            *([counted(overlaps, "overlap")] if overlaps else []),
            *([counted(len(found.derived), "derived name")] if found.derived else []),
        ]
        said.append(f"{model}: {len(found.names):,} names view {len(found.storages):,} storages; {', '.join(told)}.")
        if drawing["left_out"]:
            notes.append(f"{model}: {drawing['left_out']:,} more names that share memory are in the table.")
    changes = _changes(scope)
    tables = [
        Table("What shares memory with what", ("model", "relation", "names", "shared bytes"), rows[:300], len(rows))
    ]
    if changes:
        columns = ("position", "model", "what changed")
        tables.append(Table("How ties changed", columns, changes[: scope.limits.table], len(changes)))
        said.append(f"Ties changed {counted(len(changes), 'time')} since.")
    return Section(
        "sharing",
        "What is one tensor under several names",
        said or ["No model was attached."],
        "Lines lead from names to the bytes they view. Two names on one storage are one tensor: a write to either is a "
        "write to both, and is one event. Dashed: storages that share some bytes. Dotted: computed from others.",
        "Names that are not drawn have a storage of their own. Shared bytes are no discovery about behaviour: whatever "
        "correlates because of them is listed under architecture.",
        tables=tables,
        drawing={"models": drawings} if drawings else None,
        notes=notes,
    )


def _latest(scope: Scope) -> dict[str, SharingMap]:
    rows = scope.rows(
        "SELECT model, sharing FROM sharing_maps WHERE position IN (SELECT max(position) FROM sharing_maps "
        f"WHERE position <= :until {{model}} GROUP BY model) ORDER BY position DESC LIMIT {scope.limits.models}"
    )
    return {row["model"]: _map(row["sharing"]) for row in sorted(rows, key=lambda row: str(row["model"]))}


def _map(stored: Any) -> SharingMap:
    import orjson

    return SharingMap.from_json(stored if isinstance(stored, str) else orjson.dumps(stored).decode())


def _relations(model: str, found: SharingMap) -> Iterator[tuple[str, str, str, int | None]]:
    for group in found.groups:
        yield model, "tie: the same bytes", " = ".join(sorted(group, key=architecture_key)), None
    for pair, relation in found.relations.items():
        if relation.kind != "same":
            words = "overlap: some bytes" if relation.kind == "partial" else "overlap: not known how much"
            yield model, words, " and ".join(sorted(pair)), relation.shared_bytes
    for name, sources in found.derived.items():
        yield model, "derived: computed", f"{name} from {', '.join(sources)}", None


def _changes(scope: Scope) -> list[tuple[int, str, str]]:
    """Give what every map but a model's first changed; of long records the last of them."""
    rows = scope.rows(
        "SELECT position, model, digest FROM sharing_maps WHERE position <= :until {model} ORDER BY position"
    )
    before: dict[str, tuple[int, str]] = {}
    changed = []
    for row in rows:
        earlier = before.get(row["model"])
        if earlier is not None and earlier[1] != row["digest"]:
            changed.append((row["position"], row["model"], earlier[0]))
        before[row["model"]] = row["position"], row["digest"]
    return [(position, model, _difference(scope, earlier, position)) for position, model, earlier in changed[-50:]]


def _difference(scope: Scope, earlier: int, later: int) -> str:
    found = {
        row["position"]: _map(row["sharing"])
        for row in scope.rows(
            "SELECT position, sharing FROM sharing_maps WHERE position IN (:a, :b)", a=earlier, b=later
        )
    }
    difference = found[earlier].diff(found[later])
    parts = [
        *(f"tied: {' = '.join(sorted(pair))}" for pair in difference.tied),
        *(f"untied: {' ≠ '.join(sorted(pair))}" for pair in difference.untied),
        *(f"added: {name}" for name in difference.added),
        *(f"removed: {name}" for name in difference.removed),
    ]
    more = f"; and {len(parts) - 6} more" if len(parts) > 6 else ""
    return "; ".join(parts[:6]) + more or "how tensors are computed from one another"


# The drawing


def drawn(model: str, found: SharingMap) -> dict[str, Any]:
    """Give what to draw of one model's map: lines, boxes and words, with their places.

    Args:
        model: Its name.
        found: Its map.
    """
    overlaps = [(pair, each) for pair, each in found.relations.items() if each.kind != "same"]
    overlapping = {name for pair, _ in overlaps for name in pair}
    derived = {source for sources in found.derived.values() for source in sources} | set(found.derived)
    concerned = [
        members for members in found.storages.values() if len(members) > 1 or (set(members) & (overlapping | derived))
    ]
    concerned.sort(key=lambda members: architecture_key(min(members, key=architecture_key)))
    places: dict[str, float] = {}
    boxes: list[dict[str, Any]] = []
    left_out = 0
    for members in concerned:
        names = sorted(members, key=architecture_key)
        if len(places) + len(names) > _DRAWN and places:
            left_out += len(names)
            continue
        first = len(places)
        for name in names[:_DRAWN]:
            places[name] = _TOP + _ROW * (len(places) + 0.5)
        kind = "alias" if len(names) > 1 else "overlap" if set(names) & overlapping else "own"
        middle = _TOP + _ROW * (first + len(names[:_DRAWN]) / 2)
        words = f"one storage, {len(names)} names" if len(names) > 1 else "one storage"
        boxes.append({"kind": kind, "y": middle, "words": words, "names": [name for name in names if name in places]})
        for name, sources in found.derived.items():
            if name not in places and all(source in places for source in sources):
                places[name] = _TOP + _ROW * (len(places) + 0.5)
    middles = {name: box["y"] for box in boxes for name in box["names"]}
    return {
        "model": model,
        "names": [
            {"name": _end(name), "whole": name, "y": y, "derived": name in found.derived} for name, y in places.items()
        ],
        "boxes": boxes,
        "lines": [_line(name, places[name], middles[name], box["kind"]) for box in boxes for name in box["names"]],
        "overlaps": list(_spans(overlaps, middles)),
        "derivations": list(_derivations(found.derived, places)),
        "left_out": left_out,
        "box": _BOX,
        "left": _LEFT,
        "from": 0 if found.derived else _LEFT - 8,
        "width": _WIDTH if overlaps else _BOX + 180,
        "height": _TOP + _ROW * len(places) + 12,
    }


def _end(name: str) -> str:
    return name if len(name) <= _LONGEST else f"…{name[1 - _LONGEST :]}"


def _line(name: str, y: float, storage: float, kind: str) -> dict[str, str]:
    start = min(_LEFT + len(_end(name)) * _CHARACTER + 8, _BOX - 60)
    bend = _BOX - 44
    return {
        "kind": "alias" if kind == "alias" else "own",
        "path": f"M {start:.0f} {y:g} H {bend} C {bend + 24} {y:g} {bend + 20} {storage:g} {_BOX} {storage:g}",
    }


def _spans(overlaps: Sequence[tuple[Any, Any]], middles: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    """Yield storages that share some bytes; the longer a line, the further out it runs, so that none cross."""
    edge = _BOX + 170
    found: set[tuple[float, float, str]] = set()
    for pair, each in overlaps:
        ends = sorted(middles[name] for name in pair if name in middles)
        if len(ends) == 2:
            found.add((ends[0], ends[1], "" if each.shared_bytes is None else f"{each.shared_bytes:,} B"))
    spans = sorted(found, key=lambda span: span[1] - span[0])
    for place, (upper, lower, words) in enumerate(span for span in spans if span[0] != span[1]):
        out = edge + 14 + 12 * min(place, 7)
        yield {
            "path": f"M {edge} {upper + 3:g} H {out} V {lower - 3:g} H {edge}",
            "words": words,
            "x": out + 4,
            "y": (upper + lower) / 2 + 4,
        }


def _derivations(derived: Mapping[str, Sequence[str]], places: Mapping[str, float]) -> Iterator[dict[str, str]]:
    for name, sources in derived.items():
        for place, source in enumerate(sorted(each for each in sources if each in places and name in places)):
            out, y = _LEFT - 26 - 12 * min(place, 2), places[name]
            yield {
                "path": f"M {_LEFT - 8} {places[source]:g} H {out} V {y:g} H {_LEFT - 14}",
                "head": f"M {_LEFT - 15} {y - 4:g} l 8 4 l -8 4 Z",
            }
