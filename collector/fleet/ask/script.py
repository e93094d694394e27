"""The script that runs on an instance, and how its arguments are quoted. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Literal

#: What the script says where vmext is not installed.
ABSENT = "vmext is not installed on this instance"

_LINUX = """\
#!/bin/sh
PATH="$PATH:/usr/local/sbin:/usr/local/bin:/opt/vmext/bin"
if ! command -v vmext >/dev/null 2>&1; then
  echo '{absent}' >&2
  exit 127
fi
limit=
if command -v timeout >/dev/null 2>&1; then limit='timeout -k 10 {seconds}'; fi
$limit vmext collect{arguments} </dev/null
"""

_WINDOWS = """\
$vmext = Get-Command vmext -ErrorAction SilentlyContinue
if (-not $vmext) {{
  [Console]::Error.WriteLine('{absent}')
  exit 127
}}
& $vmext.Source collect{arguments}
exit $LASTEXITCODE
"""


def script_text(system: Literal["linux", "windows"], arguments: Sequence[str], seconds: int) -> str:
    """A shell script for Linux, PowerShell for Windows. It ends after `seconds` where the system can do that:
    the older Run Command can't be cancelled, and blocks the next one."""
    if system == "windows":
        quoted = "".join(f" '{argument.replace(chr(39), chr(39) * 2)}'" for argument in arguments)
        return _WINDOWS.format(absent=ABSENT, arguments=quoted)
    quoted = "".join(f" {shlex.quote(argument)}" for argument in arguments)
    return _LINUX.format(absent=ABSENT, arguments=quoted, seconds=seconds)
