"""What the interpreter of the Linux packages is made of, for their bills of materials."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import checkout
from sbom import Part

_PYTHON = checkout.REPOSITORY / "packaging" / "python"


def parts_of_interpreter() -> Iterator[Part]:
    """Python and the libraries in its executable: source packages, and what of others is in Python's own archive."""
    rows: dict[str, list[list[str]]] = {}
    for row in _table("sources.tsv"):
        rows.setdefault(row[0], []).append(row)
    for name, found in rows.items():
        _, version, licence, _, sha256 = found[0]
        archives = tuple((Path(row[3]).name, row[4]) for row in found)
        yield Part(name, version, f"pkg:deb/debian/{name}@{quote(version)}?arch=source", sha256, licence, archives)
    holder = next(found[0][4] for name, found in rows.items() if name.startswith("python"))
    for name, version, licence in _table("bundled.tsv"):
        yield Part(name, version, f"pkg:generic/{name}@{version}", holder, licence)


def _table(name: str) -> list[list[str]]:
    with (_PYTHON / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.reader((line for line in lines if not line.startswith("#")), delimiter="\t"))
