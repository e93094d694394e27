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
    for key, value in agent_settings(tree).items():
        if key in _KEYS and value.strip("/") and value.startswith("/") and ".." not in value:
            folders[_KEYS[key]] = value
    return {key: "/".join(part for part in value.split("/") if part) for key, value in folders.items()}


def agent_settings(tree: Tree) -> Mapping[str, str]:
    """Everything that the file sets; of a key that stands there twice the last."""
    data = next((found for place in _PLACES if (found := tree.read(place)) is not None), b"")
    settings = {}
    for line in data.decode("utf-8-sig", "replace").splitlines():
        key, mark, rest = line.partition("=")
        if mark:
            settings[key.strip()] = rest.split("#", 1)[0].strip("\"' \t")
    return settings
