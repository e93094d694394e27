"""What goes with the program: unit, default configuration, manual pages, completion of three shells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

import checkout
import manual
from collector.cli import group

HERE = Path(__file__).parent
NAME = "vmext"
#: In the unit as it stands in the repository.
_ARCHIVE_PROGRAM = "/opt/vmext/bin/vmext"


class _Bash(BashComplete):
    """Without click's look at the version of the bash that builds: what completes is another one."""

    @staticmethod
    def _check_version() -> None:
        return


_SHELLS: Mapping[str, type[ShellComplete]] = {"bash": _Bash, "zsh": ZshComplete, "fish": FishComplete}


class Share(NamedTuple):
    unit: str
    config: str
    pages: Mapping[str, str]  # file name: text
    completion: Mapping[str, str]  # shell: text


def made(program: str, epoch: int) -> Share:
    """`program`: its path on the instance. `epoch`: the date of the pages, seconds since 1970 UTC."""
    unit = (HERE / "vmext.service").read_text(encoding="utf-8")
    return Share(
        unit=unit.replace(_ARCHIVE_PROGRAM, program),
        config=(checkout.REPOSITORY / "collector" / "data" / "config.example.toml").read_text(encoding="utf-8"),
        pages=manual.pages(epoch),
        completion={shell: _completion(kind) for shell, kind in _SHELLS.items()},
    )


def _completion(kind: type[ShellComplete]) -> str:
    command: click.Command = group
    return kind(command, {}, NAME, f"_{NAME.upper()}_COMPLETE").source()
