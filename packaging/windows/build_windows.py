"""The steps of scripts/build-windows that are not a program's job.

build_windows.py tree PACKAGES FOLDER        everything but compiling
build_windows.py pack PACKAGES FOLDER OUT    the archive, the installer, the list of what is inside
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import checkout
import sbom
from windows_contents import parts
from windows_installer import build_installer
from windows_tree import build_tree, only_compiled


def tree(packages: Path, folder: Path) -> None:
    build_tree(folder, packages, stamp()[:6])


def pack(packages: Path, folder: Path, out: Path) -> None:
    """Signs where a command for it is given, writes the three files, and says what they are."""
    only_compiled(folder / "lib")
    sign(folder / "vmext.exe")
    version, moment = checkout.version(), checkout.commit_time()
    name = f"vmext-{version}-windows-x86_64"
    pack_zip(folder, out / f"{name}.zip", f"vmext-{version}")
    sbom.write(out / f"{name}.zip", version, parts(packages), moment)
    build_installer(folder, out / f"{name}.msi", version, moment)
    sign(out / f"{name}.msi")
    sbom.write(out / f"{name}.msi", version, parts(packages), moment)
    for file in sorted(out.glob(f"{name}.*")):
        print(f"{file} {file.stat().st_size / 1e6:.1f} MB")


def pack_zip(folder: Path, archive: Path, top: str) -> None:
    """The same bytes for the same content: names in order, one time, no owner."""
    part = archive.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                entry = zipfile.ZipInfo(f"{top}/{file.relative_to(folder).as_posix()}", stamp())
                entry.create_system = 0  # as Windows writes it: no modes
                entry.compress_type = zipfile.ZIP_DEFLATED
                target.writestr(entry, file.read_bytes(), compresslevel=9)
    part.replace(archive)


def sign(file: Path) -> None:
    """By VMEXT_SIGN, a command that is given the file; not at all where there is none."""
    if command := os.environ.get("VMEXT_SIGN"):
        subprocess.run([*shlex.split(command), str(file)], check=True)


def stamp() -> tuple[int, int, int, int, int, int]:
    """UTC; archives know no time before 1980 and no odd seconds."""
    year, month, day, hour, minute, second = time.gmtime(max(checkout.commit_time(), 315_532_800))[:6]
    return year, month, day, hour, minute, second // 2 * 2


if __name__ == "__main__":
    step, *places = sys.argv[1:]
    if step == "tree":
        tree(*map(Path, places))
    else:
        pack(*map(Path, places))
