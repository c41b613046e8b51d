"""Draws docs/sharing.svg, the figure of the guide to sharing, from a real scan: `python docs/draw_sharing.py`.

The model is a tied Qwen2 of one layer whose query, key and value weights are slices of one fused weight, as inference
engines make them, and whose down projection is normalised by a torch parametrization.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from transformers import Qwen2Config, Qwen2ForCausalLM

from introspection import SharingMap, SharingScanner

ROW, TOP, NAMES, STORAGES, WIDTH = 24, 96, 92, 650, 1090
BOX, CHARACTER = 210, 7.8

STYLE = """
    .ground { fill: #ffffff; } .ink { fill: #1f2328; } .quiet { fill: #59636e; } .own { stroke: #b7bfc8; }
    .box { fill: #f2f4f7; stroke: #b7bfc8; } .alias { stroke: #0b5fce; } .alias-box { fill: #dcebff; stroke: #0b5fce; }
    .overlap { stroke: #b35900; } .overlap-ink { fill: #9a4c00; } .overlap-box { fill: #fdf0dd; stroke: #b35900; }
    .derived { stroke: #8b2fb0; } .derived-ink { fill: #8b2fb0; }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117; } .ink { fill: #e6edf3; } .quiet { fill: #9198a1; } .own { stroke: #4a525c; }
      .box { fill: #1a2029; stroke: #4a525c; }
      .alias { stroke: #6cb2ff; } .alias-box { fill: #10294a; stroke: #6cb2ff; }
      .overlap { stroke: #f0a44b; } .overlap-ink { fill: #f0a44b; } .overlap-box { fill: #33230c; stroke: #f0a44b; }
      .derived { stroke: #d79bf0; } .derived-ink { fill: #d79bf0; }
    }
    text { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12px; }
    .title { font-size: 15px; font-weight: 600; } path, line { fill: none; stroke-width: 1.2; }
    .alias, .overlap, .derived { stroke-width: 2; }
    .overlap { stroke-dasharray: 7 3; } .derived { stroke-dasharray: 2 3; }
    .head { stroke: none; }
"""


def example() -> nn.Module:
    """The model that is drawn."""
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    model = Qwen2ForCausalLM(config)
    attention = model.model.layers[0].self_attn
    parts = [attention.q_proj, attention.k_proj, attention.v_proj]
    attention.qkv_proj = nn.Linear(32, 64, bias=False)
    fused = torch.cat([part.weight.detach() for part in parts])
    attention.qkv_proj.weight = nn.Parameter(fused)
    for part, rows in zip(parts, fused.split([part.out_features for part in parts]), strict=True):
        part.weight = nn.Parameter(rows)
    weight_norm(model.model.layers[0].mlp.down_proj)
    return model


@dataclass(frozen=True, slots=True)
class Layout:
    """Where every name and every storage stands."""

    names: dict[str, float]
    """The middle of each name's line."""
    storages: dict[str, float]
    """The middle of each storage's box, by its key."""

    @classmethod
    def of(cls, sharing: SharingMap, order: list[str]) -> Layout:
        """Names of one storage beside each other, storages in the order in which the model registers them."""
        rank = {name: place for place, name in enumerate(order)}
        storages = sorted(sharing.storages.items(), key=lambda entry: min(rank[name] for name in entry[1]))
        names: dict[str, float] = {}
        boxes: dict[str, float] = {}
        for key, members in storages:
            first = len(names)
            for name in sorted(members, key=lambda name: rank[name]):
                names[name] = TOP + ROW * len(names)
            boxes[key] = TOP + ROW * (first + (len(members) - 1) / 2)
            # What is computed from a storage stands below the last thing it is computed from.
            for computed, sources in sharing.derived.items():
                if computed not in names and set(sources) <= set(names):
                    names[computed] = TOP + ROW * len(names)
        return cls(names, boxes)


def size_of(tensor: torch.Tensor) -> str:
    """Shape, dtype and bytes, in words."""
    shape = " × ".join(map(str, tensor.shape)) or "scalar"
    return f"{shape}  {str(tensor.dtype).removeprefix('torch.')}  {tensor.nbytes:,} B"


def drawn(model: nn.Module) -> str:
    """The figure, as SVG."""
    scanner = SharingScanner(model)
    sharing, tensors = scanner.current(), scanner.tensors()
    layout = Layout.of(sharing, list(tensors))
    overlapping = {name for pair, relation in sharing.relations.items() if relation.kind != "same" for name in pair}
    height = TOP + ROW * len(layout.names) + 58
    parts = [heading(sharing, height)]
    for key, members in sharing.storages.items():
        kind = "alias" if len(members) > 1 else "overlap" if key in overlapping else "own"
        y = layout.storages[key]
        parts += [
            line_to_storage(name, layout.names[name], y, "alias" if kind == "alias" else "own") for name in members
        ]
        box = {"own": "box"}.get(kind, f"{kind}-box")
        parts.append(f'<rect class="{box}" x="{STORAGES}" y="{y - 9}" width="{BOX}" height="18" rx="4"/>')
        parts.append(f'<text class="ink" x="{STORAGES + 8}" y="{y + 4}">{escape(size_of(tensors[key]))}</text>')
    spans = [
        (*sorted(layout.storages[sharing.storage_key(name)] for name in pair), f"{relation.shared_bytes:,} B")
        for pair, relation in sharing.relations.items()
        if relation.kind != "same"
    ]
    # The longer a line is, the further out it runs, so that none crosses another.
    for place, (upper, lower, shared) in enumerate(sorted(spans, key=lambda span: span[1] - span[0])):
        parts.append(overlap(upper, lower, place, shared))
    for computed, sources in sharing.derived.items():
        nearest = sorted(sources, key=lambda source: layout.names[computed] - layout.names[source])
        for place, source in enumerate(nearest):
            parts.append(derivation(layout.names[source], layout.names[computed], place))
    for name, y in layout.names.items():
        shade = "derived-ink" if name in sharing.derived else "ink"
        parts.append(f'<text class="{shade}" x="{NAMES}" y="{y + 4}">{escape(name)}</text>')
    parts.append(legend(height - 24))
    return "\n".join([*parts, "</svg>", ""])


def heading(sharing: SharingMap, height: int) -> str:
    """The ground of the figure, its colours and its title."""
    said = f"{len(sharing.names)} names, {len(sharing.storages)} storages"
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">
<title id="title">The sharing map of a tied Qwen2 of one layer: {said}</title>
<style>{STYLE}</style>
<rect class="ground" width="{WIDTH}" height="{height}" rx="8"/>
<text class="ink title" x="24" y="34">What shares memory in a tied Qwen2 of one layer: {said}</text>
<text class="quiet" x="{NAMES}" y="66">names</text>
<text class="quiet" x="{STORAGES}" y="66">storages: shape, dtype, bytes</text>"""


def line_to_storage(name: str, y: float, storage: float, kind: str) -> str:
    """From the end of a name to the bytes it views."""
    start = NAMES + len(name) * CHARACTER + 8
    bend = STORAGES - 40
    curve = f"C {bend + 22} {y} {bend + 18} {storage} {STORAGES} {storage}"
    return f'<path class="{kind}" d="M {start:.0f} {y} H {bend} {curve}"/>'


def overlap(upper: float, lower: float, place: int, label: str) -> str:
    """Two storages that have some bytes in common."""
    edge, out = STORAGES + BOX, STORAGES + BOX + 26 + 62 * place
    return (
        f'<path class="overlap" d="M {edge} {upper + 2} H {out} V {lower - 2} H {edge}"/>'
        f'<text class="overlap-ink" x="{out + 5}" y="{upper + 18}">{escape(label)}</text>'
    )


def derivation(source: float, computed: float, place: int) -> str:
    """From a name to what is computed from it."""
    edge, out = NAMES - 8, NAMES - 30 - 14 * place
    return (
        f'<path class="derived" d="M {edge} {source} H {out} V {computed} H {edge - 6}"/>'
        f'<path class="head derived-ink" d="M {edge - 8} {computed - 4} l 8 4 l -8 4 Z"/>'
    )


def legend(y: int) -> str:
    """What the lines mean."""
    entries = [
        ("alias", "alias: the same bytes"),
        ("overlap", "overlap: some bytes"),
        ("derived", "derived: computed from"),
    ]
    return "".join(
        f'<line class="{kind}" x1="{NAMES + 250 * place}" x2="{NAMES + 250 * place + 34}" y1="{y - 4}" y2="{y - 4}"/>'
        f'<text class="quiet" x="{NAMES + 250 * place + 42}" y="{y}">{words}</text>'
        for place, (kind, words) in enumerate(entries)
    )


if __name__ == "__main__":
    Path(__file__).with_name("sharing.svg").write_text(drawn(example()), encoding="utf-8")
