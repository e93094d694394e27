"""Small Debian systems in folders, and what runs in them. What is mounted for a run is mounted for its processes alone, so
that nothing stays behind, also where a test is killed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.collecting import Result

_BUILD_SECONDS, _RUN_SECONDS = 900, 300
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: In namespaces of their own: the root as a mount of its own, a fresh /proc, devices.
_ENTER = """\
mount --bind "$0" "$0" && cd "$0" && mount -t proc proc proc && mount --rbind /dev dev && exec chroot . "$@"
"""
_SEPARATE = ("unshare", "--mount", "--pid", "--fork", "--kill-child")


@dataclass(frozen=True)
class Root:
    """A system below `folder`, as it stands after its installation."""

    folder: Path

    def run(self, *command: object, seconds: float = _RUN_SECONDS, **environ: str) -> Result:
        """A program of the system, without anything of this environment and without an input."""
        done = subprocess.run(
            [*_SEPARATE, "sh", "-c", _ENTER, self.folder, *(str(part) for part in command)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={"PATH": _PATH, "HOME": "/root", "LC_ALL": "C.UTF-8"} | environ,
            timeout=seconds,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def done(self, *command: object, **options: object) -> str:
        """The same for what must work: its output."""
        result = self.run(*command, **options)  # type: ignore[arg-type]
        assert result.code == 0, f"{command}: {result.code}\n{result.out}\n{result.err}"
        return result.out

    def path(self, name: str) -> Path:
        return self.folder / name.lstrip("/")

    def has(self, name: str) -> bool:
        return os.path.lexists(self.path(name))

    def bring(self, file: Path) -> str:
        """Copies a file into the system; its path there."""
        shutil.copy(file, self.folder / "root" / file.name)
        return f"/root/{file.name}"

    def files(self) -> set[str]:
        """Everything below it that an installation could change."""
        found = set()
        for folder, folders, names in os.walk(self.folder):
            here = Path(folder).relative_to(self.folder)
            if str(here) == ".":
                folders[:] = [name for name in folders if name not in ("proc", "sys", "dev", "tmp", "root")]
            found |= {str(here / name) for name in [*folders, *names]}
        return found


def made(suite: str, target: Path, packages: Sequence[str] = (), architectures: Sequence[str] = ("amd64",)) -> Root:
    """A copy in `target` of a system without Python, which is made once and kept in the build cache."""
    kept = _kept(suite, packages, architectures)
    subprocess.run(["cp", "-a", "--reflink=auto", kept, target], check=True)
    root = Root(target)
    assert not [name for name in root.files() if "/bin/python" in name]
    return root


def _kept(suite: str, packages: Sequence[str], architectures: Sequence[str]) -> Path:
    told = os.environ.get("VMEXT_BUILD_CACHE")
    cache = Path(told) if told else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "vmext", "build")
    cache.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(repr((suite, packages, architectures)).encode()).hexdigest()[:16]
    folder = cache / f"system-{suite}-{key}"
    with (cache / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            part = folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            options = [f"--include={','.join(packages)}"] if packages else []
            command = ["mmdebstrap", "--variant=essential", f"--architectures={','.join(architectures)}", *options]
            done = subprocess.run(
                [*command, suite, part], capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False
            )
            assert done.returncode == 0, done.stderr[-4_000:]
            part.rename(folder)
    return folder
