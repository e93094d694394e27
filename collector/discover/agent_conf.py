"""waagent.conf: where the Linux guest agent keeps its files (Azure/WALinuxAgent:common/conf.py)."""

from __future__ import annotations

from collections.abc import Mapping

from collector.discover.tree import Tree

#: Flatcar and other images with a read-only /etc keep it with the vendor's files.
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
        for line in data.decode("utf-8-sig", "replace").splitlines():
            key, mark, rest = line.partition("=")
            value = rest.split("#", 1)[0].strip("\"' \t")
            if mark and key.strip() in _KEYS and value.strip("/") and value.startswith("/") and ".." not in value:
                folders[_KEYS[key.strip()]] = value
        break
    return {key: "/".join(part for part in value.split("/") if part) for key, value in folders.items()}
