"""Answers as HTML for notebooks; see `introspection.html`, which looks at no database and so can hold it for all."""

from __future__ import annotations

from introspection.html import card_html, escape, list_html, one_line, table_html

__all__ = ["card_html", "escape", "list_html", "one_line", "table_html"]
