"""Puts a report together as one page that needs nothing else: no network, no other file.

What is in the page is text: the template escapes it, charts get it as data. The scripts that may run are named by their
digests, so that nothing else would run even if something slipped through.
"""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from memory.errors import InvalidArgument, MissingDependency
from memory.query.whole_file import refuse_database
from memory.report.headline import Headline
from memory.report.scope import number
from memory.report.section import Chart, Section, Spec

_PURPOSE = "a report"


@cache
def chart_library() -> str:
    """Give the JavaScript that draws charts: Vega, Vega-Lite and their embedding, whole.

    Raises:
        MissingDependency: It is not installed.
    """
    try:
        import vl_convert
    except ImportError as error:
        raise MissingDependency("vl-convert-python", "report", _PURPOSE) from error
    return _harmless(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def page(
    headline: Headline,
    sections: Sequence[Section],
    *,
    strip: Spec | None,
    focus: Sequence[str],
    about: dict[str, Any],
) -> str:
    """Give the whole page.

    Args:
        headline: What is read first.
        sections: In order.
        strip: The chart across which the reader drags to look closer; None where there is nothing to see.
        focus: Tensors that can be looked for.
        about: What it was made from.

    Raises:
        MissingDependency: The packages of the extra `report` are not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise MissingDependency("jinja2", "report", _PURPOSE) from error
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    scripts = {"library": chart_library(), "own": _asset("report.js"), "theme": _asset("theme.js")}
    charts: list[Chart] = [chart for section in sections for chart in section.charts]
    return environment.get_template("report.html").render(
        headline=headline,
        sections=sections,
        charts=json_for_a_script(
            {chart.chart_id: chart.spec for chart in charts} | ({"strip": strip} if strip else {})
        ),
        strip=strip is not None,
        focus=focus,
        about=about,
        style=_asset("report.css"),
        scripts=scripts,
        allowed=" ".join(_allowed(script) for script in scripts.values()),
    )


def json_for_a_script(value: Any) -> str:
    """Give JSON that can stand between script tags whatever is in it."""
    import orjson

    text = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _harmless(script: str) -> str:
    """Give a script of others in which nothing ends the tag it stands in; inside its texts, the same characters."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _allowed(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _asset(name: str) -> str:
    return files("memory.report").joinpath("assets", name).read_text(encoding="utf-8")


def write_page(path: Path, text: str) -> None:
    """Write a page whole or not at all; one that is there is replaced.

    Raises:
        InvalidArgument: It cannot be written there, or a database is there.
    """
    try:
        refuse_database(path)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            mask = os.umask(0)
            os.umask(mask)
            Path(name).chmod(0o666 & ~mask)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InvalidArgument("path", str(path), f"give a file in a folder that can be written to: {error}") from error
