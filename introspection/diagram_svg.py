"""Draws a model as one self-contained SVG: data flows from top to bottom, frames for blocks, ties in red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from introspection.drawing import Arrow, Box, Drawing, Tie

_HEIGHT, _ROW_GAP, _COLUMN_GAP = 40, 34, 26
_LETTER = 6.7
"""Width of a letter at 12 px in common sans-serif faces, taken large so that text stays inside its box."""
_FRAME_PAD, _FRAME_TITLE = 22, 26
_MARGIN, _TITLE = 24, 64

_STYLE = """
  svg { font: 12px system-ui, sans-serif; }
  .page { fill: #ffffff; } text { fill: #1f2328; } .small { fill: #59636e; font-size: 11px; }
  .box { fill: #f6f8fa; stroke: #59636e; } .input, .output { fill: #ddf4ff; } .tensor { fill: #fff8c5; }
  .residual { fill: #ffffff; } .frame { fill: none; stroke: #818b98; stroke-dasharray: 6 4; }
  .flow { fill: none; stroke: #59636e; } .again { fill: none; stroke: #8250df; stroke-dasharray: 5 4; }
  .holds { fill: none; stroke: #818b98; stroke-dasharray: 2 3; }
  .tie { fill: none; stroke: #cf222e; stroke-width: 2; } .tied { fill: #cf222e; }
  .tip { fill: #59636e; } .again-tip { fill: #8250df; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; } text { fill: #f0f6fc; } .small { fill: #9198a1; }
    .box { fill: #151b23; stroke: #9198a1; } .input, .output { fill: #0c2d6b; } .tensor { fill: #3b2300; }
    .residual { fill: #0d1117; } .flow { stroke: #9198a1; } .again { stroke: #ab7df8; }
    .tie { stroke: #ff7b72; } .tied { fill: #ff7b72; } .tip { fill: #9198a1; } .again-tip { fill: #ab7df8; }
  }
"""


@dataclass(slots=True)
class _Placed:
    """A box or a frame, and where it is."""

    width: float
    height: float
    x: float = 0.0
    y: float = 0.0


def as_svg(drawing: Drawing) -> str:
    """The drawing as SVG 1.1 text that needs nothing else; title and description say it in words.

    Source: w3.org/TR/SVG11; w3.org/TR/svg-aam-1.0 (title, desc, role="img").
    """
    places = {box.path: _Placed(_width(box), _HEIGHT) for box in drawing.boxes}
    frames: dict[str, _Placed] = {}
    members = {frame.path: [box.path for box in drawing.boxes if box.frame == frame.path] for frame in drawing.frames}
    titles = {frame.path: frame.title for frame in drawing.frames}
    for path, inside in members.items():
        width, height = _layered(inside, places, drawing.arrows)
        width = max(width, len(titles[path]) * _LETTER)
        frames[path] = _Placed(width + 2 * _FRAME_PAD + 28, height + 2 * _FRAME_PAD + _FRAME_TITLE)
    outer = list(dict.fromkeys(box.frame or box.path for box in drawing.boxes))
    unit = {box.path: box.frame or box.path for box in drawing.boxes}
    between = [Arrow(unit[arrow.source], unit[arrow.target]) for arrow in drawing.arrows if not arrow.again]
    units = {name: frames.get(name) or places[name] for name in outer}
    width, height = _layered(outer, units, between)
    for path, inside in members.items():
        for name in inside:
            places[name].x += frames[path].x + _FRAME_PAD
            places[name].y += frames[path].y + _FRAME_PAD + _FRAME_TITLE
    for placed in {**places, **{f"frame {path}": placed for path, placed in frames.items()}}.values():
        placed.x += _MARGIN + 40
        placed.y += _MARGIN + _TITLE
    page_width = max(width + 2 * _MARGIN + 150, len(drawing.subtitle) * _LETTER + 2 * _MARGIN, 420)
    listed = [f"{' = '.join(tie.names)} ({tie.text})" for tie in drawing.ties]
    page_width = max([page_width, *(len(line) * _LETTER + 2 * _MARGIN for line in listed)])
    page_height = height + _TITLE + 2 * _MARGIN + 20 * len(listed) + (16 if listed else 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="model-title model-desc" '
        f'width="{page_width:.0f}" height="{page_height:.0f}" viewBox="0 0 {page_width:.0f} {page_height:.0f}">',
        f'<title id="model-title">{_text(drawing.title)}: {_text(drawing.subtitle)}</title>',
        f'<desc id="model-desc">{_text(_described(drawing))}</desc>',
        f"<style>{_STYLE}</style>",
        "<defs>"
        '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path class="tip" d="M0 0L8 4L0 8z"/></marker>'
        '<marker id="again-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path class="again-tip" d="M0 0L8 4L0 8z"/></marker></defs>',
        f'<rect class="page" width="{page_width:.0f}" height="{page_height:.0f}"/>',
        f'<text x="{_MARGIN}" y="36" font-size="16" font-weight="600">{_text(drawing.title)}</text>',
        f'<text class="small" x="{_MARGIN}" y="56">{_text(drawing.subtitle)}</text>',
        *(_frame(frames[path], titles[path]) for path in members),
        *(_arrow(arrow, places, drawing.flows) for arrow in drawing.arrows),
        *(_tie(tie, places) for tie in drawing.ties),
        *(_box(box, places[box.path]) for box in drawing.boxes),
        *(
            f'<text class="tied" x="{_MARGIN}" y="{page_height - _MARGIN - 20 * (len(listed) - 1 - number):.0f}">'
            f"{_text(line)}</text>"
            for number, line in enumerate(listed)
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _layered(names: Sequence[str], places: Mapping[str, _Placed], arrows: Sequence[Arrow]) -> tuple[float, float]:
    """Puts each name below all it reads, rows centred; returns width and height.

    Names come in order of execution: an arrow that leads back in it does not count.
    """
    order = {name: number for number, name in enumerate(names)}
    reads: dict[str, list[str]] = {name: [] for name in names}
    for arrow in arrows:
        forward = arrow.source in order and arrow.target in order and order[arrow.source] < order[arrow.target]
        if forward and not arrow.again:
            reads[arrow.target].append(arrow.source)
    rank: dict[str, int] = {}
    for name in names:
        rank[name] = max((rank[source] + 1 for source in reads[name]), default=0)
    rows: list[list[str]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for name in names:
        rows[rank[name]].append(name)
    width = max((_row_width(row, places) for row in rows), default=0.0)
    top = 0.0
    for row in rows:
        # Next to what it reads: a row in the order of the middles of its sources.
        middle = {name: _middle([places[source] for source in reads[name]], width) for name in row}
        row.sort(key=lambda name: (middle[name], order[name]))
        left = (width - _row_width(row, places)) / 2
        for name in row:
            places[name].x, places[name].y = left, top
            left += places[name].width + _COLUMN_GAP
        top += max(places[name].height for name in row) + _ROW_GAP
    return width, max(top - _ROW_GAP, 0.0)


def _row_width(row: Sequence[str], places: Mapping[str, _Placed]) -> float:
    return sum(places[name].width for name in row) + _COLUMN_GAP * max(len(row) - 1, 0)


def _middle(sources: Sequence[_Placed], width: float) -> float:
    return sum(source.x + source.width / 2 for source in sources) / len(sources) if sources else width / 2


def _width(box: Box) -> float:
    return float(_HEIGHT) if box.kind == "residual" else max(len(box.label), len(box.detail)) * _LETTER + 24


def _frame(placed: _Placed, title: str) -> str:
    return (
        f'<rect class="frame" x="{placed.x:.1f}" y="{placed.y:.1f}" width="{placed.width:.1f}" '
        f'height="{placed.height:.1f}" rx="10"/>'
        f'<text x="{placed.x + 14:.1f}" y="{placed.y + 22:.1f}" font-weight="600">{_text(title)}</text>'
    )


def _box(box: Box, placed: _Placed) -> str:
    x, y, middle = placed.x, placed.y, placed.x + placed.width / 2
    round_ = _HEIGHT / 2 if box.kind in {"residual", "input", "output"} else 6
    shape = (
        f'<rect class="box {box.kind}" x="{x:.1f}" y="{y:.1f}" width="{placed.width:.1f}" height="{placed.height}" '
        f'rx="{round_:.0f}"/>'
    )
    tip = f"<title>{_text(box.path)}: {_text(box.detail)}</title>"
    if box.kind == "residual":
        return (
            f'<g>{tip}{shape}<text x="{middle:.1f}" y="{y + 25:.1f}" text-anchor="middle" font-size="16">+</text></g>'
        )
    return (
        f'<g>{tip}{shape}<text x="{middle:.1f}" y="{y + 17:.1f}" text-anchor="middle">{_text(box.label)}</text>'
        f'<text class="small" x="{middle:.1f}" y="{y + 32:.1f}" text-anchor="middle">{_text(box.detail)}</text></g>'
    )


def _arrow(arrow: Arrow, places: Mapping[str, _Placed], flows: bool) -> str:
    source, target = places[arrow.source], places[arrow.target]
    if arrow.again:
        # Back to the top of the block, along its left side.
        x1, y1, x2, y2 = source.x, source.y + source.height / 2, target.x, target.y + target.height / 2
        out = min(x1, x2) - 30
        path = f"M{x1:.1f} {y1:.1f}C{out:.1f} {y1:.1f} {out:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        return f'<path class="again" d="{path}" marker-end="url(#again-tip)"/>'
    kind, tip = ("flow", ' marker-end="url(#tip)"') if flows else ("holds", "")
    if target.y - (source.y + source.height) > _ROW_GAP + 1 and flows:
        # Past the rows in between, along the right side.
        x1, y1 = source.x + source.width, source.y + source.height / 2
        x2, y2 = target.x + target.width, target.y + target.height / 2
        out = max(x1, x2) + min(30 + (y2 - y1) / 14, 90)
        path = f"M{x1:.1f} {y1:.1f}C{out:.1f} {y1:.1f} {out:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    else:
        x1, y1 = source.x + source.width / 2, source.y + source.height
        x2, y2 = target.x + target.width / 2, target.y
        bend = (y1 + y2) / 2
        path = f"M{x1:.1f} {y1:.1f}C{x1:.1f} {bend:.1f} {x2:.1f} {bend:.1f} {x2:.1f} {y2:.1f}"
    return f'<path class="{kind}" d="{path}"{tip}/>'


def _tie(tie: Tie, places: Mapping[str, _Placed]) -> str:
    drawn: list[str] = []
    for one, other in zip(tie.boxes, tie.boxes[1:], strict=False):
        first, second = places[one], places[other]
        x1, y1, x2, y2 = first.x, first.y + first.height / 2, second.x, second.y + second.height / 2
        out = min(min(x1, x2) - 60, min(placed.x for placed in places.values()) - 30)
        drawn.append(
            f'<path class="tie" d="M{x1:.1f} {y1:.1f}C{out:.1f} {y1:.1f} {out:.1f} {y2:.1f} {x2:.1f} {y2:.1f}">'
            f"<title>{_text(' = '.join(tie.names))} ({_text(tie.text)})</title></path>"
        )
    return "".join(drawn)


def _described(drawing: Drawing) -> str:
    """The picture in words, for those who cannot see it."""
    labels = {box.path: box.path for box in drawing.boxes}
    word = "feeds" if drawing.flows else "holds"
    sentences = [f"{frame.title}." for frame in drawing.frames]
    sentences += [
        f"{labels[arrow.source]} {word} {labels[arrow.target]}{' of the next one' if arrow.again else ''}."
        for arrow in drawing.arrows
    ]
    sentences += [f"{' and '.join(tie.names)}: {tie.text}." for tie in drawing.ties]
    return " ".join(sentences)


def _text(text: str) -> str:
    """Escaped, without the characters that XML cannot hold."""
    return escape("".join(letter if letter.isprintable() else " " for letter in text), quote=True)
