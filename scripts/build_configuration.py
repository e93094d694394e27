#!/usr/bin/env python3
"""Writes what is made from the table of settings: the example file and the tables of docs/configuration.md."""

from __future__ import annotations

import re
from pathlib import Path

from collector.config.pages import example, page_table

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "configuration.md"
EXAMPLE = ROOT / "collector" / "data" / "config.example.toml"
MARKED = r"(?s)(<!-- settings:{} -->\n\n).*?(<!-- end of settings -->)"


def page(text: str) -> str:
    """The page with its tables made anew."""
    for name, watch in (("general", False), ("watch", True)):
        table = page_table(watch=watch)
        text = re.sub(MARKED.format(name), lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text)
    return text


if __name__ == "__main__":
    EXAMPLE.write_text(example(), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
