"""Packages from an index: which ones, with which hashes, and how they get into a folder."""

from __future__ import annotations

import configparser
import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

import checkout
from checkout import REPOSITORY
from sbom import Part

LOCKS = REPOSITORY / "packaging" / "locks"
#: The Python that the packages carry.
PYTHON = "3.13"
#: From glibc 2.17 on, the newest form of a tag first.
_MANYLINUX = ("manylinux_2_17", "manylinux2014", "manylinux_2_12", "manylinux2010", "manylinux_2_5", "manylinux1")
#: What pip calls a platform, by the name of its lock.
PLATFORMS = {
    "linux-x86_64": tuple(f"{tag}_x86_64" for tag in _MANYLINUX),
    "linux-aarch64": tuple(f"{tag}_aarch64" for tag in _MANYLINUX),
    "windows-x86_64": ("win_amd64",),
}
#: What is compiled although a form in Python would do as well, which the .pyz needs: it runs with any Python.
_IN_PYTHON = ("charset-normalizer",)
#: What only the .pyz needs, for Python 3.10, and what only Windows needs: click asks for colorama by a marker, which
#: pip would hold against the machine that builds.
_ONLY_OLD, _ONLY_WINDOWS, _BY_MARKER = "tomli", "tzdata", "colorama"
_HEAD = """\
# What the package for {name} carries besides Python and vmext, pinned with the hash of each wheel.
# Write it anew with:  scripts/build-locks
"""
#: Parts of a wheel that nothing runs (of pytz, which only regipy asks, and only for UTC, the zones).
_USELESS = re.compile(
    r"(^|/)(tests?|_pyinstaller)/|\.(pyi|c|h|pxd|pyx)$|(^|/)py\.typed$|\.data/|\.dist-info/(?!METADATA$)"
    r"|^pytz/zoneinfo/"
)
#: What packages wrote before they wrote SPDX.
_SPDX = {"MIT License": "MIT", "BSD License": "BSD-3-Clause", "Apache Software License": "Apache-2.0"}
_PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+) --hash=sha256:(?P<sha256>[0-9a-f]{64})$")
_LICENCE = re.compile(r"\.dist-info/(?:licenses/)?(?:.*/)?(LICEN[CS]E|COPYING|NOTICE|AUTHORS)[^/]*$", re.I)


@dataclass(frozen=True, slots=True)
class Wheel:
    """One file of a lock."""

    name: str
    version: str
    sha256: str
    file: Path

    @property
    def licence(self) -> str:
        """As its metadata tell: an SPDX expression, or words."""
        with zipfile.ZipFile(self.file) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            told = HeaderParser().parsestr(archive.read(name).decode("utf-8"))
        kinds = [kind.rpartition(" :: ")[2] for kind in told.get_all("Classifier", []) if kind.startswith("License ::")]
        words = str(told["License-Expression"] or told["License"] or (kinds or ["unknown"])[0])
        return _SPDX.get(words, words)

    @property
    def part(self) -> Part:
        """For the bill of materials."""
        return Part(self.name, self.version, f"pkg:pypi/{self.name}@{self.version}", self.sha256, self.licence)


def fetch(lock: str) -> list[Wheel]:
    """The wheels of a lock, downloaded where they are not in the cache. Raises RuntimeError where one can't be had."""
    digest = hashlib.sha256((LOCKS / f"{lock}.txt").read_bytes()).hexdigest()[:16]
    cache = checkout.cache()
    folder = cache / f"wheels-{lock}-{digest}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            part = Path(scratch, "wheels")
            _download(part, [*_platform(lock), "--require-hashes", "-r", str(LOCKS / f"{lock}.txt")])
            try:
                part.rename(folder)
            except OSError:  # another build was faster
                if not folder.is_dir():
                    raise
    return held(LOCKS / f"{lock}.txt", folder)


def held(requirements: Path, folder: Path) -> list[Wheel]:
    """The files of a list of pins, which were downloaded into `folder`. Raises RuntimeError where one is missing."""
    found = list(pins(requirements))
    by_hash = {hashlib.sha256(file.read_bytes()).hexdigest(): file for file in folder.iterdir() if file.is_file()}
    missing = [name for name, _, sha256 in found if sha256 not in by_hash]
    if missing:
        raise RuntimeError(f"{folder} does not hold {', '.join(missing)} with the pinned hash; remove it and try again")
    return [Wheel(name, version, sha256, by_hash[sha256]) for name, version, sha256 in found]


def unpack(wheels: Iterable[Wheel], site: Path, licences: Path) -> None:
    """Puts what runs of the wheels into `site`, and the texts of their licences into the folder `licences`."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel.file) as archive:
            for name in sorted(archive.namelist()):
                if not (name.endswith("/") or _USELESS.search(name) or _LICENCE.search(name)):
                    archive.extract(name, site)
        copy_licence(wheel, licences)


def copy_licence(wheel: Wheel, licences: Path) -> None:
    """Into one file; what the metadata tell where the wheel has no text."""
    licences.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel.file) as archive:
        names = filter(_LICENCE.search, sorted(archive.namelist()))
        texts = [archive.read(name).decode("utf-8", "replace") for name in names]
    told = "\n".join(texts or [f"{wheel.name} {wheel.version}: {wheel.licence}\n"])
    (licences / f"{wheel.name}.txt").write_text(told, encoding="utf-8")


def lock() -> None:
    """Writes all locks anew with the newest versions that setup.cfg allows."""
    setup = configparser.ConfigParser()
    setup.read(REPOSITORY / "setup.cfg", encoding="utf-8")
    extras = setup["options.extras_require"]
    wanted = [row.split(";")[0].strip() for row in setup["options"]["install_requires"].split("\n") if row.strip()]
    everywhere = [row for row in wanted if not row.startswith((_ONLY_OLD, _ONLY_WINDOWS))] + extras["encrypt"].split()
    for name in PLATFORMS:
        own = [_ONLY_WINDOWS, _BY_MARKER, *extras["hive"].split()] if name.startswith("windows") else []
        _write_lock(name, everywhere + own)
    _write_lock("pyz", [row for row in wanted if row.startswith(_ONLY_OLD)])


def _write_lock(name: str, wanted: list[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _download(folder, [*_platform(name), *wanted], dependencies=True)
        for file in list(folder.iterdir()):
            package, version = _named(file)
            if name.startswith("linux") and package in _IN_PYTHON:
                file.unlink()
                _download(folder, ["--platform", "any", "--implementation", "py", *_ANY, f"{package}=={version}"])
        rows = [
            f"{package}=={version} --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"
            for file in sorted(folder.iterdir(), key=lambda file: file.name.lower())
            for package, version in [_named(file)]
        ]
    (LOCKS / f"{name}.txt").write_text(_HEAD.format(name=name) + "".join(rows), encoding="utf-8")


_ANY = ("--python-version", PYTHON, "--only-binary=:all:")


def _platform(lock_name: str) -> list[str]:
    platforms = [word for one in PLATFORMS.get(lock_name, ("any",)) for word in ("--platform", one)]
    return [*platforms, "--implementation", "cp", *_ANY]


def _download(folder: Path, arguments: list[str], dependencies: bool = False) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q", "-d", str(folder)]
    command += [*([] if dependencies else ["--no-deps"]), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"pip download ended with {done.returncode}: {done.stderr[-2_000:].strip()}")


def pins(requirements: Path) -> Iterator[tuple[str, str, str]]:
    """Name, version and SHA-256 of each row of a list for pip. Raises ValueError naming the line that is none."""
    for number, line in enumerate(requirements.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if (found := _PIN.match(line)) is None:
            raise ValueError(f"{requirements}:{number} is no pin with one SHA-256")
        yield found["name"].lower(), found["version"], found["sha256"]


def _named(file: Path) -> tuple[str, str]:
    name, version = file.name.split("-")[:2]
    return name.lower().replace("_", "-"), version
