"""What the Windows package is made of, for its list of contents."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path

from sbom import Part, pinned
from windows_tree import python_archives, python_zip

_PINS = (
    Path(__file__).with_name("launcher.txt"),
    Path(__file__).parents[1] / "locks" / "windows-x86_64.txt",
)
_PYTHON_LICENSE = "PSF-2.0"
#: What packages wrote before they wrote SPDX.
_SPDX = {
    "MIT License": "MIT", "BSD License": "BSD-3-Clause", "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0", "Apache 2.0": "Apache-2.0", "BSD": "BSD-3-Clause",
}  # fmt: skip


def parts(packages: Path) -> Iterator[Part]:
    """Python and every package, each with the hash of what was downloaded."""
    (archive,) = python_archives(packages)
    version = python_version(archive)
    told = hashlib.sha256(archive.read_bytes()).hexdigest()
    yield Part("python", version, f"pkg:generic/python@{version}", told, _PYTHON_LICENSE)
    wheels = {wheel.name.partition("-")[0].lower().replace("_", "-"): wheel for wheel in packages.glob("*/*.whl")}
    for pins in _PINS:
        for part in pinned(pins):
            yield replace(part, license=license_of(wheels[part.name]))


def python_version(archive: Path) -> str:
    """As the DLL's version resource has it: its text stands in UTF-16 behind the name of the field."""
    with python_zip(archive) as layout:
        name = next(name for name in layout.namelist() if name.endswith("python313.dll"))
        _, _, rest = layout.read(name).partition("ProductVersion".encode("utf-16-le"))
    return rest[:64].decode("utf-16-le", "replace").strip("\0").partition("\0")[0]


def license_of(wheel: Path) -> str:
    """An SPDX expression as the package tells it; "" where it tells only words."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        told = message_from_bytes(archive.read(name))
    if expression := told.get("License-Expression"):
        return str(expression)
    kinds = [str(kind).rpartition(" :: ")[2] for kind in told.get_all("Classifier", []) if "License ::" in str(kind)]
    words = str(told.get("License", ""))
    return next((_SPDX[kind] for kind in (*kinds, words) if kind in _SPDX), words if words in _SPDX.values() else "")
