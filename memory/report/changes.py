"""Which tensors were changed, when, and by how much: one row for each storage, whatever its names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from memory.report.scope import Scope, counted, finite, shortened
from memory.report.section import Chart, Section, Spec, Table
from memory.report.vega import FOCUS, LETTERS, dimmed, layers, positions, spec, tips, window

STEPS = ("below 0.01 %", "to 0.1 %", "to 1 %", "to 10 %", "to 100 %", "100 % and more")
UNKNOWN = "not measured"
_BOUNDS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)

_RANKS = (
    (re.compile(r"embed|wte|wpe|word_embeddings|shared"), 0),
    (re.compile(r"^(lm_head|head|classifier|score|output|embed_out|cls)$"), 3),
    (re.compile(r"^(norm|ln_f|final_layer_norm|final_layernorm)$"), 2),
)
_WITHIN = ("input_layernorm", "ln_1", "attn", "attention", "post_attention_layernorm", "ln_2", "mlp", "fc", "ffn")
_PARTS = ("q", "k", "v", "o", "gate", "up", "down")


def architecture_key(name: str) -> tuple[Any, ...]:
    """Give what puts names in the order in which a forward goes through them, as far as their words tell it.

    Embeddings come first and heads last, numbers go up, and the usual words for what a block is made of stand in the
    usual order. A record keeps the names of a model, not the order in which it calls its modules.
    """
    parts = name.split(".")
    top = next((part for part in parts if part not in ("model", "transformer", "module", "base_model")), parts[0])
    numbered = any(part.isdigit() for part in parts)
    rank = 1
    if not numbered:
        rank = next((place for words, place in _RANKS if words.search(top)), 1)
    return rank, [_within(part) for part in parts]


def _within(part: str) -> tuple[int, int, int, str]:
    if part.isdigit():
        return 0, int(part), 0, ""
    known = next((place for place, word in enumerate(_WITHIN) if word in part), len(_WITHIN))
    letter = part.removesuffix("_proj")
    return 1, known, _PARTS.index(letter) if letter in _PARTS else len(_PARTS), part


def changes(scope: Scope) -> Section:
    """Draw how much each storage was changed along the log."""
    named = storages(scope)
    cells = _cells(scope, named)
    order = [named[each]["layer"] for each in sorted(named, key=lambda each: named[each]["order"])]
    tied = sum(1 for each in named.values() if len(each["names"]) > 1)
    total = scope.rows(
        "SELECT count(DISTINCT storage_id) AS n FROM modifications WHERE counted AND storage_id IS NOT NULL "
        "AND position BETWEEN :low AND :until {model}"
    )[0]["n"]
    said, charts, notes = ["No storage was written."], [], []
    if cells:
        most = max(named.values(), key=lambda each: each["writes"])
        said = [
            f"{counted(total, 'storage')} {'was' if total == 1 else 'were'} written"
            + (f", {tied} of them tied: one row each, with all {'its' if tied == 1 else 'their'} names" if tied else "")
            + f". Most often: {most['layer']} ({counted(most['writes'], 'write')})."
        ]
        label = f"Heat map: {len(order)} storages by position in the log; darker is a larger relative change."
        charts = [Chart("changes", label, _drawn(scope, cells, order))]
    if total > len(named):
        notes.append(f"Drawn are the {len(named)} storages of {total:,} that were written most often.")
    columns = ("storage", "positions", "writes", "of them taken back", "relative change", "not measured")
    table = [
        (each["layer"], each["where"], each["writes"], each["back"], each["change"], each["unmeasured"])
        for each in sorted(cells, key=lambda each: (order.index(each["layer"]), each["x"]))
    ]
    return Section(
        "changes",
        "Which tensors were changed",
        said,
        "A row is one storage: tied names are one row, because their bytes are the same. A cell adds up the relative "
        "changes (norm of the difference over the norm before) of all writes in a stretch of the log; each step of "
        "shade is ten times as much. Grey: written, with nothing measured. Rows run from embeddings to heads, as "
        "far as names tell.",
        "A large change is no large effect, and writes that were taken back count here too: this says where hands "
        "were, not what matters.",
        charts,
        [Table("Relative change of storages along the log", columns, table[: scope.limits.table], len(table))],
        notes=notes,
    )


_MOST_WRITTEN = (
    "SELECT storage_id FROM modifications WHERE counted AND storage_id IS NOT NULL "
    "AND position BETWEEN :low AND :until {model} GROUP BY storage_id ORDER BY count(*) DESC, storage_id LIMIT "
)


def storages(scope: Scope) -> dict[int, dict[str, Any]]:
    """Give the storages written most often, each with all its names as they are now, or were last."""
    most = f"{_MOST_WRITTEN}{scope.limits.storages}"
    counts = scope.rows(
        "SELECT storage_id, min(model) AS model, count(*) AS n, min(storage_key) AS key FROM modifications "
        f"WHERE counted AND storage_id IN ({most}) AND position BETWEEN :low AND :until GROUP BY storage_id"
    )
    names: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in scope.rows(
        f"SELECT storage_id, name, to_position FROM storage_names WHERE storage_id IN ({most}) ORDER BY name"
    ):
        names[row["storage_id"]].append(row)
    several = len({row["model"] for row in counts}) > 1
    found = {}
    for row in counts:
        held = [each["name"] for each in names[row["storage_id"]] if each["to_position"] is None]
        told = held or sorted({each["name"] for each in names[row["storage_id"]]}) or [row["key"]]
        told = list(dict.fromkeys(sorted(told, key=architecture_key)))
        found[row["storage_id"]] = {
            "layer": (f"{row['model']}: " if several else "") + tied(told),
            "names": told,
            "writes": row["n"],
            "order": (row["model"], architecture_key(told[0]), row["storage_id"]),
        }
    return _told_apart(found)


def tied(names: Sequence[str]) -> str:
    """Give one label for all names of a storage."""
    told = [shortened(name) for name in names]
    return " = ".join(told[:3]) + (f" = … ({len(told)} names)" if len(told) > 3 else "")


def _told_apart(found: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Let no two storages have one label: the key of one that ended may be that of another now."""
    seen: dict[str, int] = {}
    for each in found.values():
        seen[each["layer"]] = again = seen.get(each["layer"], 0) + 1
        if again > 1:
            each["layer"] += f" ({again})"
    return found


def _cells(scope: Scope, named: Mapping[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
    width = scope.width(scope.limits.heat_bins)
    rows = scope.rows(
        "SELECT storage_id, (position - :low) / :width AS bin, count(*) AS n, "
        "sum(CASE WHEN relative_change < 1e290 THEN relative_change END) AS change, "
        "sum(CASE WHEN relative_change IS NULL THEN 1 ELSE 0 END) AS unmeasured, "
        "sum(CASE WHEN reverts IS NOT NULL OR method = 'revert' THEN 1 ELSE 0 END) AS back FROM modifications "
        f"WHERE counted AND storage_id IN ({_MOST_WRITTEN}{scope.limits.storages}) "
        "AND position BETWEEN :low AND :until GROUP BY storage_id, bin ORDER BY storage_id, bin",
        width=width,
    )
    cells = []
    for row in rows:
        low, high, change = scope.bin_start(row["bin"], width), scope.bin_end(row["bin"], width), finite(row["change"])
        cells.append(
            {
                "layer": named[row["storage_id"]]["layer"],
                "x": low,
                "x2": high + 1,
                "where": f"{low:,} to {high:,}",
                "writes": row["n"],
                "change": change,
                "unmeasured": row["unmeasured"],
                "back": row["back"],
                "step": step(change, row["unmeasured"] == row["n"]),
            }
        )
    return cells


def step(change: float | None, unmeasured: bool) -> str:
    """Give the shade of a change."""
    if change is None or unmeasured:
        return UNKNOWN
    return STEPS[sum(change >= bound for bound in _BOUNDS)]


def _drawn(scope: Scope, cells: Sequence[Mapping[str, Any]], order: Sequence[str]) -> Spec:
    met = {cell["step"] for cell in cells}
    known = [place for place, shade in enumerate(STEPS) if shade in met]
    # Every shade between the least and the greatest, so that none looks closer to another than it is.
    present = [*(STEPS[known[0] : known[-1] + 1] if known else ()), *([UNKNOWN] if UNKNOWN in met else [])]
    shades = {shade: f"var(--heat-{place})" for place, shade in enumerate(STEPS, start=1)} | {UNKNOWN: "var(--unknown)"}
    return spec(
        cells,
        (20 if len(order) < 30 else 15) * len(order),
        params=[FOCUS, LETTERS, *window(scope)],
        mark={"type": "rect", "clip": True, "stroke": "var(--card)", "strokeWidth": 1},
        encoding={
            "x": positions("x"),
            "x2": {"field": "x2"},
            "y": layers("layer", order),
            "color": {
                "field": "step",
                "type": "nominal",
                "sort": present,
                "scale": {"domain": present, "range": [shades[each] for each in present]},
                "legend": {"title": "relative change", "symbolType": "square"},
            },
            "opacity": dimmed(),
            "tooltip": tips(
                ("layer", "storage"),
                ("where", "positions"),
                ("writes", "writes", ",d"),
                ("back", "taken back", ",d"),
                ("change", "relative change", ".3~%"),
                ("unmeasured", "not measured", ",d"),
            ),
        },
    )
