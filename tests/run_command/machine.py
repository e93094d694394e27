"""Small machines to run the script on: folders with a shell, its tools and a guest agent's files, entered by chroot.

Each has only the programs that a test gives it, so that "no curl" and "no timeout" are true there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.run_command.azure import SCRIPT, Ran, run

CASE = Path(__file__).parents[1] / "cases/005-cse-2119-apt-100-sequencing/disk"
#: What every Linux with a guest agent has. `timeout` is not among them: old systems lack it.
TOOLS = "awk cat chmod cut date df env false grep gzip head id ls mkdir mv rm rmdir sed sh sha256sum sleep tail tar tr true uname wc"
FOLDERS = ("opt", "run", "root", "tmp", "proc", "dev", "usr/bin", "usr/local/bin", "var/lib", "var/log", "etc")


@dataclass
class Machine:
    """`mounts` are shell commands that run in a mount name space of the machine's own; $R is its root."""

    root: Path
    mounts: list[str] = field(default_factory=list)

    def run(self, *parameters: str, **environment: str) -> Ran:
        """The script, as Run Command starts it."""
        return run(self.command(parameters), self._environment(environment))

    def start(self, *parameters: str, **environment: str) -> subprocess.Popen[bytes]:
        """The same, without waiting for it."""
        return subprocess.Popen(
            self.command(parameters),
            env=self._environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def command(self, parameters: Sequence[str]) -> list[str]:
        steps = [
            'mount --bind "$R" "$R"',
            'mount --rbind /proc "$R/proc"',
            'mount --bind /dev/null "$R/dev/null"',
            *self.mounts,
        ]
        inner = "; ".join(["set -e", *steps, 'exec chroot "$R" /usr/bin/sh /etc/script.sh "$@"'])
        return ["unshare", "--mount", "sh", "-c", inner, "sh", *parameters]

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "R": str(self.root), **more}

    def put(self, name: str, text: str) -> Path:
        """A program of the machine."""
        file = self.root / "usr/local/bin" / name
        file.write_text(text)
        file.chmod(0o755)
        return file

    def remains(self) -> list[str]:
        """What the script left of its own, the last answer and what it said apart."""
        found = [*self.root.glob("*/.vmext-run*"), *self.root.glob("*/*/.vmext-run*")]
        found += [
            file
            for file in self.root.glob("run/vmext-run-command/*")
            if file.name.partition(".")[0] not in ("answer", "said")
        ]
        return sorted(str(file.relative_to(self.root)) for file in found)


def debian(root: Path, more: Iterable[str] = ()) -> Machine:
    """dash, mawk and GNU tools of this machine."""
    machine = _empty(root)
    for name in [*TOOLS.split(), *more]:
        _copy(name, root)
    return machine


def busybox(root: Path, without: Iterable[str] = ()) -> Machine:
    """All is one program."""
    machine = _empty(root)
    program = _found("busybox")
    link(program, root / "usr/bin/busybox")
    for library in _libraries(program):
        link(library, root / str(library).lstrip("/"))
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in set(listed) - set(without):
        (root / "usr/bin" / name).symlink_to("busybox")
    return machine


def _empty(root: Path) -> Machine:
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
    root.chmod(0o755)
    for folder in ("bin", "sbin", "usr/sbin"):
        (root / folder).symlink_to("/usr/bin")
    (root / "dev/null").touch()
    shutil.copytree(CASE, root, dirs_exist_ok=True)
    shutil.copy(SCRIPT, root / "etc/script.sh")
    return Machine(root)


def _found(name: str) -> Path:
    found = shutil.which(name)
    assert found, f"{name} is not on this machine; .ci/run installs it"
    return Path(found).resolve()


def _copy(name: str, root: Path) -> None:
    program = _found(name)
    link(program, root / "usr/bin" / name)
    for library in _libraries(program):
        link(library, root / str(library).lstrip("/"))


@cache
def _libraries(program: Path) -> tuple[Path, ...]:
    told = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    return tuple(Path(found) for found in re.findall(r"(?:=> )?(/\S+) \(0x", told))


def link(file: Path, into: Path) -> None:
    into.parent.mkdir(parents=True, exist_ok=True)
    if into.exists():
        return
    try:
        os.link(file.resolve(), into)
    except OSError:  # another file system
        shutil.copy(file.resolve(), into)
