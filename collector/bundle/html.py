"""Text into HTML: everything that comes from a disk goes through `esc`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Signs that HTML may not hold, and those that make text read in another order than it is written.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")

#: As html.escape does, without the table of all entities that its module loads.
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})


def esc(text: object) -> str:
    """`text` so that a browser shows it and never obeys it, in content and in quoted attributes."""
    shown = _UNSHOWN.sub(lambda sign: f"\\x{ord(sign[0]):02x}", str(text).replace("\r\n", "\n"))
    return shown.translate(_ESCAPED)


def tag(name: str, *content: str, **attributes: str | None) -> str:
    """One element; `content` is HTML already. ``class_`` stands for class, other ``_`` for ``-``."""
    named = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    opened = "".join(f' {key}="{esc(value)}"' for key, value in named.items())
    return f"<{name}{opened}>{''.join(content)}</{name}>"


def definitions(pairs: Iterable[tuple[str, object]], class_: str | None = None) -> str:
    """Names and values; a value that is not known is said to be unknown."""
    rows = [
        tag("div", tag("dt", esc(name)), tag("dd", esc(value) if value not in (None, "") else unknown()))
        for name, value in pairs
    ]
    return tag("dl", *rows, class_=class_)


def unknown() -> str:
    return tag("span", "unknown", class_="unknown")


def table(caption: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table whose cells are HTML already; it scrolls on its own where the page is narrow."""
    head = tag("tr", *(tag("th", esc(name), scope="col") for name in heads))
    body = [tag("tr", *(tag("td", cell) for cell in row)) for row in rows]
    whole = tag("table", tag("caption", esc(caption)), tag("thead", head), tag("tbody", *body))
    return tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption)
