"""A Windows of its own under Wine, in which programs run as on a machine: a drive C, services, an installer."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: Of the machine that runs the tests, on which much else may run.
LONGEST = 300.0


@dataclass(frozen=True)
class Done:
    code: int
    out: str


@dataclass(frozen=True)
class Windows:
    prefix: Path
    wine: str
    server: str

    @property
    def drive(self) -> Path:
        return self.prefix / "drive_c"

    def environ(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.prefix),
            "LANG": "C.UTF-8",
            "WINEPREFIX": str(self.prefix),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree,mshtml,winedbg.exe=",
            **(more or {}),
        }

    def run(self, *command: str, cwd: Path | None = None, environ: Mapping[str, str] | None = None) -> Done:
        """A program in it; its streams are pipes, both in one."""
        done = subprocess.run(
            [self.wine, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environ(environ),
            cwd=cwd or self.drive,
            timeout=LONGEST,
            check=False,
        )
        text = done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")
        return Done(done.returncode, re.sub(r"^wine: Read access denied.*\n", "", text, flags=re.MULTILINE))

    @contextmanager
    def on(self) -> Iterator[None]:
        """The machine stays on meanwhile: without any program of a user Wine ends services."""
        with subprocess.Popen(
            [self.wine, "cmd", "/c", "set /p x="],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environ(),
            cwd=self.drive,
        ) as holder:
            try:
                yield
            finally:
                self.off()
                holder.kill()

    def off(self) -> None:
        subprocess.run([self.server, "-k"], env=self.environ(), check=False, timeout=LONGEST)

    def path(self, place: Path) -> str:
        """As programs in it call a place of drive C."""
        return "C:\\" + str(place.relative_to(self.drive)).replace("/", "\\")
