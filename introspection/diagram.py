"""Writes a drawing as text, Graphviz DOT or Mermaid (SVG: `diagram_svg`)."""

from __future__ import annotations

from collections.abc import Callable

from introspection.diagram_svg import as_svg
from introspection.drawing import Box, Drawing
from introspection.errors import InvalidArgument


def written(drawing: Drawing, form: str) -> str:
    """The drawing in one of the formats `text`, `dot`, `mermaid`, `svg`.

    Raises:
        InvalidArgument: There is no such format.
    """
    if form not in _WRITERS:
        raise InvalidArgument("format", form, f"give one of {', '.join(_WRITERS)}")
    return _WRITERS[form](drawing)


def as_text(drawing: Drawing) -> str:
    """One line a box, in order of execution, with what it reads; frames indented; ties below."""
    lines = [drawing.title, drawing.subtitle, ""]
    frames = {frame.path: frame.title for frame in drawing.frames}
    at = {box.path: box for box in drawing.boxes}

    def called(source: str, reader: Box) -> str:
        # A label is a path within its frame: read from elsewhere it needs the frame, which can be one of several.
        box = at[source]
        where = "" if box.frame in ("", reader.frame) else frames[box.frame].rpartition(": ")[2]
        return f"{box.label} of {where}" if where else box.label

    inside = ""
    word = "reads" if drawing.flows else "in"
    for box in drawing.boxes:
        if box.frame != inside:
            if inside:
                lines.append("  └─")
            if box.frame:
                lines.append(f"  ┌─ {frames[box.frame]}")
            inside = box.frame
        first = [called(arrow.source, box) for arrow in drawing.arrows if arrow.target == box.path and not arrow.again]
        later = [called(arrow.source, box) for arrow in drawing.arrows if arrow.target == box.path and arrow.again]
        line = f"{'  │ ' if box.frame else '  '}{box.label}  [{box.detail}]"
        if first:
            line += f"  {word} {', '.join(first)}"
        if later:
            line += f"{', ' if first else '  reads '}then {', '.join(later)}"
        lines.append(line)
    if inside:
        lines.append("  └─")
    if drawing.ties:
        lines.append("")
        lines.extend(f"  {' = '.join(tie.names)}  ({tie.text})" for tie in drawing.ties)
    return "\n".join(lines) + "\n"


def as_dot(drawing: Drawing) -> str:
    """A Graphviz digraph. Source: the DOT language, graphviz.org/doc/info/lang.html."""
    ids = {box.path: f"n{number}" for number, box in enumerate(drawing.boxes)}
    lines = [
        "digraph model {",
        f"  label={_dot(f'{drawing.title}: {drawing.subtitle}')};",
        "  rankdir=TB;",
        '  node [shape=box, style=rounded, fontname="sans-serif"];',
    ]

    def node(box: Box, indent: str) -> str:
        shape = {"input": ", shape=ellipse", "output": ", shape=ellipse", "residual": ", shape=circle"}
        label = "+" if box.kind == "residual" else f"{box.label}\n{box.detail}"
        return f"{indent}{ids[box.path]} [label={_dot(label)}{shape.get(box.kind, '')}];"

    for number, frame in enumerate(drawing.frames):
        lines += [f"  subgraph cluster_{number} {{", f"    label={_dot(frame.title)};"]
        lines += [node(box, "    ") for box in drawing.boxes if box.frame == frame.path]
        lines.append("  }")
    lines += [node(box, "  ") for box in drawing.boxes if not box.frame]
    style = "" if drawing.flows else " [style=dotted, arrowhead=none]"
    for arrow in drawing.arrows:
        how = ' [style=dashed, constraint=false, label="next"]' if arrow.again else style
        lines.append(f"  {ids[arrow.source]} -> {ids[arrow.target]}{how};")
    for tie in drawing.ties:
        for one, other in zip(tie.boxes, tie.boxes[1:], strict=False):
            lines.append(
                f"  {ids[one]} -> {ids[other]} [dir=none, style=bold, color=crimson, constraint=false, "
                f"label={_dot(tie.text)}];"
            )
    return "\n".join([*lines, "}"]) + "\n"


def as_mermaid(drawing: Drawing) -> str:
    """A Mermaid flowchart. Source: mermaid.js.org/syntax/flowchart.html."""
    ids = {box.path: f"n{number}" for number, box in enumerate(drawing.boxes)}
    lines = ["flowchart TB", f"  %% {_plain(drawing.title)}: {_plain(drawing.subtitle)}"]

    def node(box: Box, indent: str) -> str:
        left, right = {"input": ("([", "])"), "output": ("([", "])"), "residual": ("((", "))")}.get(
            box.kind, ("[", "]")
        )
        label = "#43;" if box.kind == "residual" else _mermaid(box.label)
        if box.kind != "residual":
            label += f"<br/>{_mermaid(box.detail)}"
        return f'{indent}{ids[box.path]}{left}"{label}"{right}'

    for number, frame in enumerate(drawing.frames):
        lines.append(f'  subgraph s{number}["{_mermaid(frame.title)}"]')
        lines += [node(box, "    ") for box in drawing.boxes if box.frame == frame.path]
        lines.append("  end")
    lines += [node(box, "  ") for box in drawing.boxes if not box.frame]
    line = "-->" if drawing.flows else "---"
    for arrow in drawing.arrows:
        lines.append(f"  {ids[arrow.source]} {'-. next .->' if arrow.again else line} {ids[arrow.target]}")
    for tie in drawing.ties:
        for one, other in zip(tie.boxes, tie.boxes[1:], strict=False):
            lines.append(f'  {ids[one]} == "{_mermaid(tie.text)}" === {ids[other]}')
    return "\n".join(lines) + "\n"


def _dot(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _mermaid(text: str) -> str:
    # Mermaid reads #35; and the like as characters, so that the sign itself goes first.
    for sign, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("`", "#96;")):
        text = text.replace(sign, entity)
    return _plain(text)


def _plain(text: str) -> str:
    return " ".join(text.split())


_WRITERS: dict[str, Callable[[Drawing], str]] = {
    "text": as_text,
    "dot": as_dot,
    "mermaid": as_mermaid,
    "svg": as_svg,
}
