"""Other tailers as processes of their own: rsyslog's imfile writing to a file, and pygtail.

rsyslogd (Debian package rsyslog) runs beside the system's own with another configuration, work folder and process file;
`VMEXT_BENCH_RSYSLOG` names a folder into which the packages rsyslog, libestr0, libfastjson4 and liblognorm5 were
unpacked (`dpkg -x`) where it isn't installed. pygtail runs in the peers' environment, `VMEXT_BENCH_PEERS` (its Python).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.bench.measuring import Unmeasured
from tests.bench.tailing_load import size
from tests.bench.tailing_process import Tailer

_PYGTAIL = Path(__file__).with_name("tailing_pygtail.py")
_CONFIGURATION = """
global(workDirectory="{folder}" maxMessageSize="64k")
module(load="imfile")
template(name="raw" type="string" string="%msg%\\n")
ruleset(name="copy") {{ action(type="omfile" file="{folder}/out" template="raw") }}
input(type="imfile" File="{log}" Tag="bench:" addMetadata="off" ruleset="copy")
"""


class _Peer(Tailer):
    def __init__(self, disk: Path, folder: Path) -> None:
        super().__init__(disk / "in.log", folder)
        disk.mkdir(parents=True, exist_ok=True)


class Rsyslog(_Peer):
    name = "rsyslog imfile"

    def command(self) -> tuple[list[str | Path], dict[str, str]]:
        configuration = self.folder / "rsyslog.conf"
        configuration.write_text(_CONFIGURATION.format(folder=self.folder, log=self.log), encoding="utf-8")
        program, modules, environ = _rsyslogd()
        options: list[str | Path] = ["-n", "-C", "-f", configuration, "-i", self.folder / "pid"]
        return [program, *options, *modules], environ

    def processed(self) -> int:
        """Bytes: what it wrote is what it read, line by line."""
        return size(self.folder / "out")

    def check(self) -> str:
        same = subprocess.run(["cmp", "--", self.log, self.folder / "out"], capture_output=True, text=True, check=False)
        return "" if same.returncode == 0 else f"its output differs: {same.stdout.strip()}"


class Pygtail(_Peer):
    name = "pygtail"

    def command(self) -> tuple[list[str | Path], dict[str, str]]:
        python = os.environ.get("VMEXT_BENCH_PEERS")
        if not python:
            raise Unmeasured("VMEXT_BENCH_PEERS is not set")
        return [python, _PYGTAIL, self.log, self.folder / "offset"], {}

    def processed(self) -> int:
        """Bytes, as of the last time it came to the end of the log."""
        try:
            return int((self.folder / "offset").read_text(encoding="ascii").split()[1])
        except (OSError, IndexError):
            return 0

    def check(self) -> str:
        lines, wanted = int(self.output or 0), _lines(self.log)
        return "" if lines == wanted else f"gave {lines} of {wanted} lines"


def _rsyslogd() -> tuple[Path, list[str | Path], dict[str, str]]:
    """The program, where its modules lie, and what its environment needs."""
    unpacked = os.environ.get("VMEXT_BENCH_RSYSLOG")
    if unpacked:
        folder = Path(unpacked).resolve()
        libraries = next(folder.glob("usr/lib/*/rsyslog"), None)
        if libraries is None:
            raise Unmeasured(f"no rsyslog in {folder}")
        return folder / "usr/sbin/rsyslogd", ["-M", libraries], {"LD_LIBRARY_PATH": str(libraries.parent)}
    program = shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin:/sbin")
    if program is None:
        raise Unmeasured("rsyslogd (Debian package rsyslog) is not installed")
    return Path(program), [], {}


def _lines(file: Path) -> int:
    count = 0
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            count += block.count(b"\n")
    return count
