"""A system in a folder, booted: its systemd is the first process of namespaces of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.collecting import Result
from tests.packaging.roots import Root
from tests.waiting import until

_GROUPS = Path("/sys/fs/cgroup")
#: Mounts what systemd wants to find (systemd.io, The Container Interface) and becomes it.
_BOOT = """\
set -e
root=$0
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero full random urandom tty; do
    touch "$root/dev/$name"
    mount --bind "/dev/$name" "$root/dev/$name"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
cd "$root"
mkdir -p .before
pivot_root . .before
umount -l .before
exec env -i container=vmext PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system
"""
_NAMESPACES = ("--mount", "--pid", "--uts", "--ipc", "--cgroup")


@dataclass(frozen=True)
class Booted:
    root: Root
    pid: int  # of its first process, as it is numbered outside

    def run(self, *command: object, seconds: float = 60) -> Result:
        """A program as a person who is signed in there starts it."""
        into = [
            "nsenter",
            "--target",
            str(self.pid),
            "--mount",
            "--pid",
            "--uts",
            "--ipc",
            "--cgroup",
            "--root",
            "--wd",
        ]
        done = subprocess.run(
            [*into, *(str(part) for part in command)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": ""},
            timeout=seconds,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def done(self, *command: object) -> str:
        result = self.run(*command)
        assert result.code == 0, f"{command}: {result.code}\n{result.out}\n{result.err}"
        return result.out

    def property(self, name: str, unit: str = "vmext.service") -> str:
        return self.done("systemctl", "show", "--value", f"--property={name}", unit).strip()


@contextmanager
def booted(root: Root) -> Iterator[Booted]:
    """Boots it and ends it with everything in it."""
    group = _group(root.folder.parent.name)
    command = ["unshare", *_NAMESPACES, "--fork", "--kill-child", "sh", "-c", _BOOT, str(root.folder)]
    log = root.folder.with_suffix(".boot")
    with log.open("w") as output:
        process = subprocess.Popen(
            ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', group, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        first = until(lambda: _child(process), "the first process")
        here = Booted(root, first)
        states = ("running", "degraded")
        until(lambda: here.run("systemctl", "is-system-running").out.strip() in states, f"the end of the boot ({log})")
        yield here
    finally:
        process.send_signal(signal.SIGKILL)  # its child gets it too, and with that everything below
        process.wait()
        until(lambda: _removed(group), "the end of all processes")


def _group(name: str) -> Path:
    """A control group of its own in the unified hierarchy, wherever that is mounted."""
    above = next(place for place in (_GROUPS / "unified", _GROUPS) if (place / "cgroup.procs").exists())
    group = above / f"vmext-test-{os.getpid()}-{name}"
    group.mkdir()
    return group


def _child(process: subprocess.Popen[bytes]) -> int | None:
    assert process.poll() is None, "the system does not boot"
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    is_there = children and Path(f"/proc/{children[0]}/comm").read_text().strip() == "systemd"
    return int(children[0]) if is_there else None


def _removed(group: Path) -> bool:
    folders = sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True)
    for folder in (*folders, group):
        with suppress(OSError):
            folder.rmdir()
    return not group.exists()
