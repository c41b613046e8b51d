"""Opens pages in a real Chromium, as their readers do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = (
    "these tests open pages in a real Chromium, and none was found: `apt-get install chromium`, "
    "or let TEST_CHROMIUM say where one is"
)


class NoChromium(RuntimeError):
    """There is none on this machine."""


def find() -> str:
    """Give the path of a Chromium.

    Raises:
        NoChromium: There is none.
    """
    named = os.environ.get("TEST_CHROMIUM")
    found = shutil.which(named or "chromium")
    if found is None:
        raise NoChromium(f"TEST_CHROMIUM names {named!r}, which is none" if named else MISSING)
    return found


@dataclass
class Heard:
    """What a page did besides showing itself."""

    said: list[str] = field(default_factory=list)
    """Warnings and errors on its console, and errors nobody caught."""
    asked: list[str] = field(default_factory=list)
    """What it loaded, but for itself."""
    dialogs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Chromium:
    """A Chromium that can be started, each time with an empty profile of its own."""

    path: str

    @contextmanager
    def browser(self) -> Iterator[Any]:
        """Give a running browser.

        While it runs, this thread has an event loop: hold it no longer than one module's tests.
        """
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=self.path, args=list(FLAGS))
            try:
                yield browser
            finally:
                browser.close()


@contextmanager
def opened(browser: Any, path: Path, **context: Any) -> Iterator[tuple[Any, Heard]]:
    """Open a file in a new, empty context; give the page, and what was heard from it.

    Args:
        browser: A running one.
        path: The file.
        context: Of the browser: size of the window, preferred theme, ...
    """
    heard = Heard()
    own = browser.new_context(**context)
    own.set_default_timeout(60_000)
    page = own.new_page()
    page.on("console", lambda message: message.type in ("warning", "error") and heard.said.append(message.text))
    page.on("pageerror", lambda error: heard.said.append(str(error)))
    page.on("dialog", lambda dialog: (heard.dialogs.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: request.url != path.as_uri() and heard.asked.append(request.url[:200]))
    try:
        page.goto(path.as_uri())
        yield page, heard
    finally:
        own.close()
