"""What Linux tells of single processes under /proc: system calls they sit in, descriptors, locks. Each answer may be
missing: a process ends at any time, and only administrators may see everything."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
#: Numbers of the system calls that a process can sit in (Linux, arch/x86/entry/syscalls/syscall_64.tbl and
#: include/uapi/asm-generic/unistd.h).
_CALLS = {
    "x86_64": {
        0: "read", 19: "read", 45: "read", 47: "read", 61: "wait", 247: "wait", 72: "fcntl", 73: "flock",
        42: "connect", 43: "accept", 288: "accept", 35: "sleep", 230: "sleep", 34: "pause", 130: "pause",
        128: "pause", 7: "poll", 23: "poll", 270: "poll", 271: "poll", 232: "poll", 281: "poll", 441: "poll",
        202: "futex", 2: "open", 257: "open", 1: "write", 20: "write", 44: "write", 46: "write",
    },
    "aarch64": {
        63: "read", 65: "read", 207: "read", 212: "read", 260: "wait", 95: "wait", 25: "fcntl", 32: "flock",
        203: "connect", 202: "accept", 242: "accept", 101: "sleep", 115: "sleep", 133: "pause", 137: "pause",
        72: "poll", 73: "poll", 22: "poll", 441: "poll", 98: "futex", 56: "open", 64: "write", 66: "write",
        206: "write", 211: "write",
    },
}  # fmt: skip
_MOST_THREADS = 64
_MOST_DESCRIPTORS = 1_024
_MOST_BYTES = 1_048_576
_LOCK = re.compile(r"(\d+):( ->)? (\w+) +\w+ +\w+ (-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) ")


@dataclass(frozen=True, slots=True)
class Wait:
    """A system call that a thread sits in. `descriptor`: its first argument."""

    call: str
    descriptor: int


@dataclass(frozen=True, slots=True)
class FileLock:
    """One line of /proc/locks; of several with the same `number` those that wait do so for the one that does not."""

    number: int
    waits: bool
    pid: int  # -1 where the lock is that of an open file and not of a process
    device: tuple[int, int]
    inode: int


def waits(pid: int, proc: Path = PROC) -> tuple[Wait, ...]:
    """The calls that the threads of a process sit in, the first thread first; () where nothing tells them."""
    names = _CALLS.get(platform.machine(), {})
    found = []
    for thread in _numbers(proc / str(pid) / "task", _MOST_THREADS):
        words = text_of(proc / str(pid) / "task" / str(thread) / "syscall").split()
        if len(words) > 1 and words[0].isdigit() and (name := names.get(int(words[0]))):
            found.append(Wait(name, _signed(int(words[1], 16))))
    return tuple(found)


def kernel_function(pid: int, proc: Path = PROC) -> str:
    """Where in the kernel it sits, "" where that is not told."""
    text = text_of(proc / str(pid) / "wchan").strip()
    return "" if text == "0" else text


def descriptor(pid: int, number: int, proc: Path = PROC) -> str:
    """What an open descriptor is: a path, ``pipe:[4711]``, ``socket:[4711]``; "" where it is not told."""
    try:
        return str((proc / str(pid) / "fd" / str(number)).readlink())
    except (OSError, ValueError):
        return ""


def descriptors(pid: int, proc: Path = PROC) -> dict[int, str]:
    """All that a process has open, up to a limit."""
    return {number: descriptor(pid, number, proc) for number in _numbers(proc / str(pid) / "fd", _MOST_DESCRIPTORS)}


def writes_to(pid: int, number: int, proc: Path = PROC) -> bool:
    """Whether a descriptor was opened to write."""
    found = re.search(r"^flags:\s*([0-7]+)", text_of(proc / str(pid) / "fdinfo" / str(number)), re.MULTILINE)
    return found is not None and int(found[1], 8) & os.O_ACCMODE in (os.O_WRONLY, os.O_RDWR)


def folder(pid: int, proc: Path = PROC) -> str:
    """Its working folder."""
    try:
        return str((proc / str(pid) / "cwd").readlink())
    except (OSError, ValueError):
        return ""


def variable(pid: int, name: str, proc: Path = PROC) -> str:
    """One variable of the environment that it was started with; the others are not looked at."""
    wanted = f"{name}="
    entries = text_of(proc / str(pid) / "environ").split("\0")
    return next((entry[len(wanted) :] for entry in entries if entry.startswith(wanted)), "")


def file_locks(proc: Path = PROC) -> tuple[FileLock, ...]:
    """The locks that are held and waited for now."""
    found = (_LOCK.match(line) for line in text_of(proc / "locks").splitlines())
    return tuple(
        FileLock(int(m[1]), bool(m[2]), int(m[4]), (int(m[5], 16), int(m[6], 16)), int(m[7])) for m in found if m
    )


def memory_stall_percent(proc: Path = PROC) -> float | None:
    """Of the last minute, in which some process waited for memory; None where the kernel does not measure it."""
    found = re.search(r"^some .*\bavg60=(\d+(?:\.\d+)?)", text_of(proc / "pressure" / "memory"), re.MULTILINE)
    return float(found[1]) if found else None


def text_of(file: Path) -> str:
    """A small file of the kernel's; "" where there is none or it may not be read."""
    try:
        with file.open("rb") as stream:
            return stream.read(_MOST_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


def _numbers(place: Path, most: int) -> Iterator[int]:
    try:
        names = [entry.name for entry in place.iterdir()]
    except OSError:
        return
    yield from sorted(int(name) for name in names if name.isdigit())[:most]


def _signed(value: int) -> int:
    """A descriptor is an int; the register that holds it has 64 bits."""
    value &= 0xFFFF_FFFF
    return value - (1 << 32) if value >> 31 else value
