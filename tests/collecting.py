"""The real command on small disks that a test writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CSE = "Microsoft.Azure.Extensions.CustomScript"
STATUS = f"var/lib/waagent/{CSE}-2.1.19/status/3.status"
HANDLER_LOG = f"var/log/azure/{CSE}/handler.log"
STDERR = "var/lib/waagent/custom-script/download/3/stderr"
AGENT_LOG = "var/log/waagent.log"


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out)
        return document

    def member(self, name: str) -> Any:
        with zipfile.ZipFile(self.json["bundle"]["path"]) as archive:
            text = archive.read(name).decode()
        return json.loads(text) if name.endswith(".json") else text

    def texts(self) -> list[str]:
        """The excerpts."""
        with zipfile.ZipFile(self.json["bundle"]["path"]) as archive:
            return [archive.read(name).decode() for name in archive.namelist() if name.startswith("excerpts/")]

    def ledger(self) -> dict[str, dict[str, Any]]:
        return {entry["path"]: entry for entry in self.member("ledger.json")["entries"]}


def vmext(
    *arguments: object,
    environ: dict[str, str] | None = None,
    through: Sequence[str] = (),
    timeout: float = 120,
) -> Result:
    """Runs the real command in a process of its own, `through` another one (to drop privileges, say)."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("VMEXT_")}
    done = subprocess.run(
        [*through, sys.executable, "-m", "collector", *(str(argument) for argument in arguments)],
        capture_output=True,
        text=True,
        env=clean | (environ or {}),
        timeout=timeout,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def collect(disk: Path, state: Path, *more: object, **options: Any) -> Result:
    """`vmext collect --format json` on a disk, without upload unless `more` says so."""
    upload = [] if "--upload" in more else ["--no-upload"]
    return vmext("collect", "--root", disk, "--state-dir", state, "--format", "json", *upload, *more, **options)


def put(disk: Path, path: str, content: str | bytes) -> Path:
    file = disk / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def failing_disk(disk: Path) -> Path:
    """A Linux disk whose Custom Script failed with exit code 100."""
    status = {
        "version": 1,
        "timestampUTC": "2026-05-04T03:12:25Z",
        "status": {
            "operation": "Enable",
            "status": "error",
            "formattedMessage": {
                "lang": "en",
                "message": "failed to execute command: command terminated with exit status=100",
            },
        },
    }
    put(disk, STATUS, json.dumps([status]))
    put(
        disk,
        HANDLER_LOG,
        'time=2026-05-04T03:12:14Z version=v2.1.19/git@0-clean operation=enable seq=3 event="executing command"\n'
        'time=2026-05-04T03:12:25Z version=v2.1.19/git@0-clean operation=enable seq=3 event="failed to handle" '
        'error="failed to execute command: command terminated with exit status=100"\n',
    )
    put(disk, STDERR, "E: Unable to locate package nginx-plus\n")
    put(
        disk,
        AGENT_LOG,
        "2026-05-04T03:12:11.000000Z INFO ExtHandler ExtHandler WALinuxAgent-2.15.0.1 running as process 50\n"
        f"2026-05-04T03:12:26.183720Z INFO ExtHandler ExtHandler All extensions in the goal state have reached a "
        f"terminal state: [('{CSE}', 'error')]\n",
    )
    return disk
