"""What the Windows package is made of, for its list of contents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from sbom import Part
from windows_tree import launcher, libraries, python_archives, python_zip

_LICENCE_OF_PYTHON = "PSF-2.0"


def parts(packages: Path) -> Iterator[Part]:
    """Python and every package, each with the hash of what was downloaded."""
    (archive,) = python_archives(packages)
    version = python_version(archive)
    told = hashlib.sha256(archive.read_bytes()).hexdigest()
    yield Part("python", version, f"pkg:generic/python@{version}", told, _LICENCE_OF_PYTHON)
    for carried in (launcher(packages), *libraries()):
        yield carried.part


def python_version(archive: Path) -> str:
    """As the DLL's version resource has it: its text stands in UTF-16 behind the name of the field."""
    with python_zip(archive) as layout:
        name = next(name for name in layout.namelist() if name.endswith("python313.dll"))
        _, _, rest = layout.read(name).partition("ProductVersion".encode("utf-16-le"))
    return rest[:64].decode("utf-16-le", "replace").strip("\0").partition("\0")[0]
