"""The Linux packages of this checkout, built once for all test processes of a run, and how one runs out of them."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from collector import __version__
from tests.collecting import Result

REPOSITORY = Path(__file__).parents[2]
ARCHITECTURES = ("x86_64", "aarch64")
#: Seconds. An interpreter takes minutes where the cache is empty and the machine does other things.
_BUILD_SECONDS, _RUN_SECONDS = 3_600, 300


@dataclass(frozen=True)
class Built:
    """A folder of packages of one architecture, and the unpacked one."""

    arch: str
    out: Path
    tree: Path

    @property
    def archive(self) -> Path:
        return self.out / f"vmext-{__version__}-linux-{self.arch}.tar.gz"

    @property
    def single(self) -> Path:
        return self.out / f"vmext-{__version__}-linux-{self.arch}.pyz"


def build(out: Path, arch: str, **environ: str) -> None:
    """scripts/build-linux for one architecture."""
    command: list[str | Path] = [REPOSITORY / "scripts" / "build-linux", arch, "--out", out]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environ, timeout=_BUILD_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-4_000:]


def built(shared: Path, arch: str) -> Built:
    """What the first test process that asks for it has built into `shared`."""
    folder = shared / f"linux-{arch}"
    with (shared / f"linux-{arch}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            part = shared / f"linux-{arch}.part"
            shutil.rmtree(part, ignore_errors=True)
            build(part / "dist", arch)
            unpack(next((part / "dist").glob("*.tar.gz")), part)
            part.rename(folder)
    return Built(arch, folder / "dist", folder / f"vmext-{__version__}")


def unpack(archive: Path, folder: Path) -> Path:
    """Unpacks as tar does for people; returns the folder in it."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
    with tarfile.open(archive) as members:
        return folder / members.getnames()[0]


def run(
    command: list[object],
    environ: Mapping[str, str] | None = None,
    cwd: Path | str = "/",
    seconds: float = _RUN_SECONDS,
) -> Result:
    """A program with nothing of this environment, and with no program in reach."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env={"PATH": "/nowhere"} | dict(environ or {}),
        cwd=cwd,
        timeout=seconds,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)
