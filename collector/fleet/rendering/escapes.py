"""Text of other machines in the files of other programs, where nothing in it may act. Pure."""

from __future__ import annotations


def for_spreadsheets(value: object) -> str:
    """A cell of CSV that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    formula = text[:1] in ("=", "+", "@", "\t", "\r") or (text[:1] == "-" and not text[1:].isdigit())
    return f"'{text}" if formula else text


def for_markdown(text: str) -> str:
    """One line without what Markdown takes for its own."""
    return "".join(f"\\{sign}" if sign in "\\`*_|<>[]" else sign for sign in " ".join(text.split()))
