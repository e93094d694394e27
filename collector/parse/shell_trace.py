"""AKS' cluster-provision.log: the trace of ``set -x``, mostly without stamps (Azure/AgentBaker:parts/linux/cloud-init).

A traced command begins a record, which holds what the command printed.
"""

from __future__ import annotations

import re

from collector.parse.heads import Format, Head

_COMMAND = re.compile(r"\+{1,9} \S")


def head(text: str) -> Head | None:
    return Head(None, "", text) if _COMMAND.match(text) else None


FORMAT = Format("shell-trace", head, stampless=True)
