"""Draws docs/demo.svg, the README's picture, from the record of a demo: `python docs/draw_demo.py demo.db`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from memory import MemorySystem
from memory.cli.demo.story import tell

with MemorySystem(sys.argv[1]) as memory, Path("/dev/null").open("w") as nowhere:
    console = Console(record=True, width=150, file=nowhere, highlight=False)
    tell(memory, "demo.db", console, naive=True)
# The picture fetches nothing: the reader's own monospaced font will do.
plain = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
picture = console.export_svg(title="palimpsest demo --naive", code_format=plain)
Path(__file__).with_name("demo.svg").write_text(picture, encoding="utf-8")
