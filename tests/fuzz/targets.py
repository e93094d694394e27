"""The targets by name, their seeds, and the inputs that once broke them."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
CRASHES = HERE / "crashes"
NAMES = ("lines", "states", "reading")
Check = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Target:
    """`check` is what the fuzzer calls; `check_all` takes one input through all that a first byte can choose."""

    name: str
    check: Check
    check_all: Check
    make_seeds: Callable[[list[Path]], Iterator[bytes]]

    def seeds(self) -> list[bytes]:
        """Inputs from the files of the cases and from sample logs, each once."""
        return list(dict.fromkeys(self.make_seeds(samples())))

    def crashes(self) -> list[Path]:
        """Those that `guided` made small, and those on which the fuzzer itself gave up (too slow, too large)."""
        return sorted((CRASHES / self.name).glob("[!.]*"))


def target(name: str) -> Target:
    module = importlib.import_module(f"tests.fuzz.{name}")
    return Target(name, module.check, module.check_all, module.seeds)


def samples() -> list[Path]:
    """The files of the tests' disks, and sample logs."""
    tests = HERE.parent
    files = {*tests.glob("cases/*/disk/**/*"), *tests.glob("scenarios/*/disk/**/*"), *tests.glob("logs/**/*")}
    return sorted(file for file in files if file.is_file())


def place(error: BaseException) -> str:
    """What went wrong and in which line of ours, to tell crashes apart."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "collector" in Path(frame.filename).parts] or frames
    last = frames[-1] if isinstance(error, AssertionError) else ours[-1]
    return f"{type(error).__name__} in {Path(last.filename).stem}.{last.name}: {last.line}"


def smaller(check: Check, data: bytes) -> bytes:
    """The input with all left out that the same crash doesn't need."""
    wanted = crash_of(check, data)
    step = len(data) // 2
    while step:
        at = 1  # the first byte chooses
        while at < len(data):
            shorter = data[:at] + data[at + step :]
            if crash_of(check, shorter) == wanted:
                data = shorter
            else:
                at += step
        step //= 2
    return data


def crash_of(check: Check, data: bytes) -> str | None:
    try:
        check(data)
    except Exception as error:  # noqa: BLE001 (what a fuzzer looks for)
        return place(error)
    return None
