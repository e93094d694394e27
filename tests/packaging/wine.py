"""A Windows of its own under Wine, in which programs run as on a machine: a drive C, services, an installer."""

from __future__ import annotations

import os
import re
import subprocess
import threading
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
        process = subprocess.Popen(
            [self.wine, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environ(environ),
            cwd=cwd or self.drive,
        )
        printed = bytearray()
        listener = threading.Thread(target=_listen, args=(process, printed), daemon=True)
        listener.start()
        try:
            code = process.wait(LONGEST)
        finally:
            process.kill()
        listener.join(2.0)  # what it has started may hold its output open for ever
        text = printed.decode("utf-8", "replace").replace("\r\n", "\n")
        return Done(code, re.sub(r"^wine: Read access denied.*\n", "", text, flags=re.MULTILINE))

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


def _listen(process: subprocess.Popen[bytes], printed: bytearray) -> None:
    assert process.stdout is not None
    with process.stdout as stream:
        while block := os.read(stream.fileno(), 65_536):
            printed += block
