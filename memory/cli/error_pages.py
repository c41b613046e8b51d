"""The pages that say what each error means: packaged in a wheel, in docs/errors in a checkout."""

from __future__ import annotations

import functools
from pathlib import Path

from introspection.errors import InvalidArgument, PalimpsestError


@functools.cache
def _folder() -> Path:
    package = Path(__file__).resolve().parents[1]
    for docs in (package / "_docs", package.parent / "docs"):
        if (docs / "errors").is_dir():
            return docs / "errors"
    raise PalimpsestError(f"the pages on errors are missing beside {package}", remedy="install palimpsest-memory again")


def codes() -> tuple[str, ...]:
    """Give the code of every error that has a page, sorted."""
    return tuple(sorted(page.stem for page in _folder().glob("*.md")))


def page(code: str) -> str:
    """Give the page on an error, in Markdown.

    Raises:
        InvalidArgument: There is no error of that code.
    """
    if code not in codes():
        raise InvalidArgument("code", code, "`palimpsest explain` without a code lists them all")
    return (_folder() / f"{code}.md").read_text(encoding="utf-8")
