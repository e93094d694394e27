"""The deb and the rpm around the folder of this checkout, built once for all test processes of a run."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from collector import __version__
from tests.packaging.building import REPOSITORY, Built

OLDER = "0.0.9"
_DEB = {"x86_64": "amd64", "aarch64": "arm64"}
_BUILD_SECONDS = 900


@dataclass(frozen=True)
class Packages:
    arch: str
    folder: Path

    def deb(self, version: str = __version__) -> Path:
        return self.folder / f"vmext_{version}-1_{_DEB[self.arch]}.deb"

    def rpm(self, version: str = __version__) -> Path:
        return self.folder / f"vmext-{version}-1.{self.arch}.rpm"


def build(tree: Path, arch: str, out: Path, *more: str) -> None:
    """scripts/build-packages; compressed little, which is most of the time that it takes."""
    program = str(REPOSITORY / "scripts" / "build-packages")
    command = [program, "--arch", arch, "--tree", str(tree), "--out", str(out), "--level", "0"]
    done = subprocess.run([*command, *more], capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-4_000:]


def packaged(shared: Path, built: Built) -> Packages:
    folder = shared / f"packages-{built.arch}"
    with (shared / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            part = folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            build(built.tree, built.arch, part)
            if built.arch == "x86_64":
                build(built.tree, built.arch, part, "--version", OLDER)
            part.rename(folder)
    return Packages(built.arch, folder)
