"""Draws the API pages, docs/api/*.md, from the docstrings: `python docs/draw_api.py`, with `--check` to compare only.

What is public: the names in `__all__` of the packages below, and every class of ours that a public method or property
of `MemorySystem` gives back, and so on from these. A page holds the classes that live in one package. Sources are read
and not imported, so that neither torch nor a database is needed.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import griffe

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "api"
PACKAGES = ("introspection", "memory")
ROOTS = ("introspection", "memory", "memory.agent", "memory.store")
"""The packages whose `__all__` is public."""
FACADE = "memory.system.MemorySystem"
INSIDE = ("memory.store.engine.", "memory.weights.", "memory.safety.emergency.", "memory.projections.")
"""Beginnings of paths: given back by something public, and not to be relied on."""
SHOWN = {
    "memory.recording.acts.Act": ("label", "id", "flip", "coin", "undo"),
    "memory.recording.attached.AttachedModel": ("name", "architecture", "sharing", "live", "module", "tensor"),
}
"""Of classes that the rooms beneath use too, what is for others."""
WIDTH = 110
Documented = griffe.Class | griffe.Function | griffe.Attribute


class Library:
    """Our packages, as their sources say they are."""

    def __init__(self) -> None:
        self._loader = griffe.GriffeLoader(search_paths=[ROOT], docstring_parser="google")
        self.packages = {name: self._loader.load(name) for name in PACKAGES}
        self._loader.resolve_aliases(external=False)
        self.problems: list[str] = []
        """Public names that nobody says anything of."""

    def get(self, path: str) -> griffe.Object | None:
        """Give what a dotted path leads to; None where that is not ours."""
        package, _, rest = path.partition(".")
        if package not in self.packages:
            return None
        try:
            found = self.packages[package][rest] if rest else self.packages[package]
            return found.final_target if isinstance(found, griffe.Alias) else found
        except (KeyError, griffe.AliasResolutionError):
            return None

    @cached_property
    def public(self) -> dict[str, griffe.Class | griffe.Function]:
        """Every public class and function, by its path."""
        found: dict[str, griffe.Class | griffe.Function] = {}
        waiting = [self.get(FACADE), *(each for root in ROOTS for each in self._exported(root))]
        while waiting:
            each = waiting.pop()
            if not isinstance(each, griffe.Class | griffe.Function) or each.path in found:
                continue
            if each.path.startswith(INSIDE):
                continue
            found[each.path] = each
            members = [each] if isinstance(each, griffe.Function) else members_of(each)
            waiting += [self.get(path) for member in members for path in given_back(member)]
        return dict(sorted(found.items(), key=lambda item: (item[1].name.lower(), item[0])))

    @cached_property
    def _of_facade(self) -> list[griffe.Class]:
        facade = self.get(FACADE)
        return bases_of(facade) if isinstance(facade, griffe.Class) else []

    def _exported(self, package: str) -> Iterator[griffe.Object | None]:
        module = self.get(package)
        homes = module.members.get("_HOMES") if module is not None else None
        written = dict(_pairs(homes)) if isinstance(homes, griffe.Attribute) else {}
        for name in module.exports or () if isinstance(module, griffe.Module) else ():
            yield self.get(f"{written[name]}.{name}" if name in written else f"{package}.{name}")

    def pages(self) -> dict[str, str]:
        """Give every page by its file name."""
        by_package: dict[str, list[griffe.Class | griffe.Function]] = {}
        for each in self.public.values():
            by_package.setdefault(page_of(each), []).append(each)
        drawn = {f"{package}.md": self._page(package, members) for package, members in sorted(by_package.items())}
        lines = ["# API", "", "Drawn from the docstrings by `docs/draw_api.py`. One page for each package:", ""]
        for package, members in sorted(by_package.items()):
            module = self.get(package)
            promise = first_line(module) if module is not None else ""
            names = ", ".join(f"`{member.name}`" for member in members[:6])
            more = f" and {len(members) - 6} more" if len(members) > 6 else ""
            lines.append(f"- [`{package}`]({package}.md): {promise} {names}{more}")
        return {"README.md": "\n".join(lines) + "\n", **drawn}

    def _page(self, package: str, members: list[griffe.Class | griffe.Function]) -> str:
        module = self.get(package)
        said = module.docstring.value if module is not None and module.docstring else ""
        lines = [f"# {package}", "", said, ""]
        if len(members) > 1:
            lines += [", ".join(f"[`{each.name}`](#{anchor(each.name)})" for each in members), ""]
        for each in members:
            lines += self._function(each, "##") if isinstance(each, griffe.Function) else self._class(each)
        return "\n".join(lines).rstrip() + "\n"

    def _class(self, cls: griffe.Class) -> list[str]:
        lines = [f"## {cls.name}", ""]
        bases = [str(base) for base in cls.bases if str(base) not in {each.name for each in bases_of(cls)}]
        lines += [f"*{'class' if not bases else 'class, a ' + ', '.join(bases)}, in `{cls.module.path}`*", ""]
        lines += self._said(cls)
        fields = [each for each in own_members(cls) if isinstance(each, griffe.Attribute) and not is_property(each)]
        if fields:
            lines += ["| field | type | |", "|---|---|---|"]
            lines += [f"| `{each.name}` | {typed(each)} | {in_a_cell(each)} |" for each in fields] + [""]
        lines += self._members(each for each in own_members(cls) if each not in fields)
        told = {each.name for each in own_members(cls)}
        for base in bases_of(cls):
            inherited = [each for each in own_members(base) if each.name not in told and not _is_bare(each)]
            told |= {each.name for each in inherited}
            if not inherited:
                continue
            if base.path in self.public:
                names = ", ".join(f"`{each.name}`" for each in inherited)
                lines += [f"As of `{base.name}`: {names}.", ""]
            elif cls.path == FACADE or base not in self._of_facade:
                lines += [f"*{first_line(base)}*", "", *self._members(inherited)]
            else:
                names = ", ".join(f"`{each.name}`" for each in inherited)
                lines += [f"{first_line(base)} As of [`MemorySystem`](memory.md#memorysystem): {names}.", ""]
        return lines

    def _members(self, members: Iterable[Documented]) -> list[str]:
        lines: list[str] = []
        for each in members:
            if isinstance(each, griffe.Function):
                lines += self._function(each, "###")
            elif isinstance(each, griffe.Attribute):
                lines += [f"### {each.name}", "", f"*{each.name}: {typed(each)}*", "", *self._said(each)]
        return lines

    def _function(self, function: griffe.Function, heading: str) -> list[str]:
        return [f"{heading} {function.name}", "", "```python", *signature(function), "```", "", *self._said(function)]

    def _said(self, item: Documented) -> list[str]:
        """Give a docstring as Markdown."""
        if item.docstring is None or not item.docstring.value.strip():
            self.problems.append(item.path)
            return []
        lines: list[str] = []
        for section in item.docstring.parse(
            "google", warnings=False, returns_multiple_items=False, returns_named_value=False
        ):
            if section.kind is griffe.DocstringSectionKind.text:
                lines += [str(section.value), ""]
            elif section.kind is griffe.DocstringSectionKind.examples:
                lines += _fenced("\n".join(text for _, text in section.value))
            elif section.kind is griffe.DocstringSectionKind.admonition:
                told = str(section.value.contents)
                title = str(section.title or section.value.kind)
                lines += _fenced(told) if title.lower().startswith("example") else [f"**{title}:** {told}", ""]
            else:
                lines += [f"**{_HEADS.get(section.kind.value, section.kind.value.title())}**", ""]
                lines += [_entry(each) for each in section.value] + [""]
        return lines


_HEADS = {"parameters": "Arguments", "returns": "Gives", "yields": "Yields", "raises": "Raises"}


def _fenced(code: str) -> list[str]:
    """Fence an example, unless it is already."""
    code = textwrap.dedent(code).strip("\n")
    if code.startswith("```"):
        return [code, ""]
    language = "pycon" if code.startswith(">>>") else "py"
    return [f"```{language}", code, "```", ""]


def _entry(each: griffe.DocstringElement) -> str:
    name = getattr(each, "name", "")
    annotation = "" if each.annotation is None else str(each.annotation)
    head = f"`{name}`" if name else f"`{annotation}`" if isinstance(each, griffe.DocstringRaise) else ""
    told = " ".join(str(each.description).split())
    return f"- {head}: {told}" if head else f"- {told}"


def _pairs(attribute: griffe.Attribute) -> Iterator[tuple[str, str]]:
    value = attribute.value
    if isinstance(value, griffe.ExprDict):
        for key, home in zip(value.keys, value.values, strict=True):
            yield str(key).strip("'\""), str(home).strip("'\"")


def given_back(member: griffe.Object) -> Iterator[str]:
    """Give the paths of all that the annotation of what a member gives back names."""
    annotation = member.returns if isinstance(member, griffe.Function) else getattr(member, "annotation", None)
    if isinstance(annotation, griffe.Expr):
        for part in annotation.iterate(flat=True):
            if isinstance(part, griffe.ExprName):
                yield part.canonical_path


def own_members(cls: griffe.Class) -> list[Documented]:
    """Give what a class itself defines for others to use, as written."""
    found = []
    for name, member in cls.members.items():
        public = not name.startswith("_") and name != "model_config" and name in SHOWN.get(cls.path, (name,))
        if public and isinstance(member, griffe.Function | griffe.Attribute) and not _is_detail(member):
            found.append(member)
    return found


def _is_detail(member: Documented) -> bool:
    # What `__init__` puts on the instance without a word is nobody's to use.
    attribute = isinstance(member, griffe.Attribute) and not is_property(member)
    on_instance = "instance-attribute" in member.labels and "class-attribute" not in member.labels
    return attribute and on_instance and member.docstring is None and member.parent is not None and _has_init(member)


def _is_bare(member: Documented) -> bool:
    # What a part of a class only says that another part has.
    return isinstance(member, griffe.Attribute) and not is_property(member) and member.docstring is None


def _has_init(member: Documented) -> bool:
    return member.parent is not None and "__init__" in member.parent.members


def members_of(cls: griffe.Class) -> list[Documented]:
    """Give what a class offers, what it inherits from classes of ours included."""
    return [*own_members(cls), *(each for base in bases_of(cls) for each in own_members(base))]


def bases_of(cls: griffe.Class) -> list[griffe.Class]:
    """Give the classes of ours that a class inherits from."""
    return [base for base in cls.mro() if isinstance(base, griffe.Class)]


def is_property(member: Documented) -> bool:
    """Whether a member is computed when it is asked for."""
    return "property" in member.labels


def page_of(item: griffe.Class | griffe.Function) -> str:
    """Give the package on whose page something is told."""
    parts = item.module.path.split(".")
    if parts[0] == "introspection" or item.path == FACADE:
        return parts[0]
    return ".".join(parts[:2])


def first_line(item: griffe.Object) -> str:
    """Give what a docstring promises."""
    return item.docstring.value.strip().split("\n\n")[0].replace("\n", " ") if item.docstring else ""


def typed(attribute: griffe.Attribute) -> str:
    """Give an attribute's type, and its value where it has none of its own."""
    shown = attribute.annotation if attribute.annotation is not None else attribute.value
    return "" if shown is None else "`" + str(shown).replace("|", "\\|") + "`"


def in_a_cell(item: griffe.Object) -> str:
    """Give a docstring as one line of a table."""
    return "" if item.docstring is None else " ".join(item.docstring.value.split()).replace("|", "\\|")


def signature(function: griffe.Function) -> list[str]:
    """Give a signature as Python, on as many lines as it takes."""
    parts, keyword_only = [], False
    for parameter in function.parameters:
        if parameter.name in ("self", "cls"):
            continue
        kind = parameter.kind
        if kind is griffe.ParameterKind.keyword_only and not keyword_only:
            parts.append("*")
        keyword_only = keyword_only or kind in (griffe.ParameterKind.keyword_only, griffe.ParameterKind.var_positional)
        stars = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}.get(kind, "")
        told = f"{stars}{parameter.name}"
        if parameter.annotation is not None:
            told += f": {parameter.annotation}"
        if parameter.default is not None and not stars:
            told += f" = {parameter.default}" if parameter.annotation is not None else f"={parameter.default}"
        parts.append(told)
    result = f" -> {function.returns}" if function.returns is not None else ""
    whole = f"{function.name}({', '.join(parts)}){result}"
    if len(whole) <= WIDTH:
        return [whole]
    return [f"{function.name}(", *(f"    {part}," for part in parts), f"){result}"]


def anchor(heading: str) -> str:
    """Give the anchor that a heading has on GitHub."""
    return heading.lower()


def stale(pages: dict[str, str]) -> list[str]:
    """Say which pages are not as they should be."""
    there = {path.name: path.read_text() for path in FOLDER.glob("*.md")}
    return sorted(name for name in {*pages, *there} if pages.get(name) != there.get(name))


def main() -> int:
    """Draw, or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a page is stale")
    check = parser.parse_args().check
    library = Library()
    pages = library.pages()
    for path in sorted(set(library.problems)):
        sys.stderr.write(f"{path} is public, and has no docstring\n")
    found = stale(pages)
    if not check:
        FOLDER.mkdir(exist_ok=True)
        for name in found:
            if name in pages:
                (FOLDER / name).write_text(pages[name])
            else:
                (FOLDER / name).unlink()
    sys.stdout.write("".join(f"{'stale' if check else 'drawn'}: {name}\n" for name in found))
    return 1 if library.problems or (check and found) else 0


if __name__ == "__main__":
    sys.exit(main())
