"""Draws docs/report.png, the picture in the README, from a real record: `python docs/draw_report.py [DATABASE]`.

Without a database the demo is run first, which takes some minutes. The report is opened in a headless Chromium (the one
on the path, or that TEST_CHROMIUM names) once light and once dark, and both are put beside each other.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from memory import MemorySystem

WIDTH, HEIGHT, GAP = 980, 1060, 20
"""Of one of the two halves, and between them."""


def shot(browser: Any, report: Path, theme: str, section: str | None) -> str:
    """Give one half as a data URI: the page from a section on, or from its top."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=theme)
    page.goto(report.as_uri())
    page.wait_for_function("document.documentElement.dataset.charts === 'drawn'")
    page.add_style_tag(content=".tools { position: static !important }")
    top = 0 if section is None else page.locator(section).bounding_box()["y"] - GAP
    clip = {"x": 0, "y": top, "width": WIDTH, "height": HEIGHT}
    return base64.b64encode(page.screenshot(full_page=True, clip=clip)).decode()


def draw(report: Path, picture: Path) -> None:
    """Put the beginning of a report, light, and its effects and evidence, dark, beside each other."""
    path = shutil.which(os.environ.get("TEST_CHROMIUM") or "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        halves = [shot(browser, report, "light", None), shot(browser, report, "dark", "#effects")]
        page = browser.new_page(viewport={"width": 2 * WIDTH + GAP, "height": HEIGHT})
        images = "".join(f'<img src="data:image/png;base64,{half}">' for half in halves)
        page.set_content(f'<body style="margin: 0; display: flex; gap: {GAP}px; background: #8a9099">{images}</body>')
        page.screenshot(path=picture)
        browser.close()


def main() -> None:
    """Draw the report of a record that is there, or of the demo run anew."""
    with tempfile.TemporaryDirectory() as temporary:
        if len(sys.argv) > 1:
            database = sys.argv[1]
        else:
            database = str(Path(temporary) / "demo.db")
            subprocess.run([Path(sys.executable).with_name("palimpsest"), "demo", "-d", database], check=True)
        report = Path(temporary) / "report.html"
        with MemorySystem(database) as memory:
            memory.report(report)
        draw(report, Path(__file__).with_name("report.png"))


if __name__ == "__main__":
    main()
