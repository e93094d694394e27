"""waagent.conf: where the Linux guest agent keeps its files (Azure/WALinuxAgent:common/conf.py)."""

from __future__ import annotations

from collections.abc import Mapping

from collector.discover.tree import Tree

_PLACES = ("etc/waagent.conf", "usr/share/oem/waagent.conf")
_DEFAULTS = {"lib": "/var/lib/waagent", "log": "/var/log/azure", "agentlog": "/var/log/waagent.log"}
_KEYS = {"Lib.Dir": "lib", "Extension.LogDir": "log", "Logs.File": "agentlog"}


def agent_folders(tree: Tree) -> Mapping[str, str]:
    """Paths relative to the root for the placeholders lib, log and agentlog."""
    folders = dict(_DEFAULTS)
    for place in _PLACES:
        data = tree.read(place)
        if data is None:
            continue
        for line in data.decode("utf-8", "replace").splitlines():
            key, mark, value = line.split("#", 1)[0].partition("=")
            if mark and key.strip() in _KEYS and value.strip().startswith("/"):
                folders[_KEYS[key.strip()]] = value.strip().strip('"')
        break
    return {key: value.strip("/") for key, value in folders.items()}
