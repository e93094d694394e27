"""Stands in for Run Command: starts a script as it does, and cuts and wraps what the script writes.

The older handler keeps the last 4,096 bytes of each stream (`maxTailLen` in Azure/custom-script-extension-linux,
main/cmds.go, of which Run Command is a variant) and puts both into one message.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from collector.fleet.ask.verdicts import Verdict, read_verdict

SCRIPT = Path(__file__).parents[2] / "scripts/run-command/collect.sh"
MOST = 4096  # bytes of each stream


@dataclass(frozen=True)
class Ran:
    """What a script left: the bytes it wrote, and the message that comes back."""

    code: int
    out: bytes
    err: bytes

    @property
    def message(self) -> str:
        return wrapped(self.out, self.err)

    @property
    def verdict(self) -> Verdict:
        """Read back from the message, as the fleet commands do."""
        found = read_verdict(inside(self.message))
        assert found is not None, self.message
        return found

    @property
    def text(self) -> str:
        return self.out.decode("ascii")


def wrapped(out: bytes, err: bytes) -> str:
    """The message in the portal and in what `az vmss run-command invoke` prints."""
    last = [stream[-MOST:].decode("utf-8", "replace") for stream in (out, err)]
    return f"Enable succeeded: \n[stdout]\n{last[0]}\n[stderr]\n{last[1]}"


def inside(message: str) -> str:
    """What stands between the two marks."""
    return message.partition("[stdout]\n")[2].rpartition("\n[stderr]\n")[0]


def run(command: Sequence[str], environment: Mapping[str, str], timeout: float = 120) -> Ran:
    """Runs it with a standard input that never ends: a script that reads it hangs, and the test with it."""
    child = subprocess.Popen(
        command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdin and child.stdout and child.stderr
    try:
        # communicate() would close standard input
        with child.stdout as out, child.stderr as err:
            text = out.read()
            said = err.read()
        code = child.wait(timeout)
    finally:
        child.kill()
        child.stdin.close()
    return Ran(code, text, said)
