"""The guest agent as a service: whether it is there, runs, starts at boot, and may handle extensions and updates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from collector.discover.agent_conf import agent_settings
from collector.discover.processes import agent_roles
from collector.discover.tree import Tree
from collector.model import AgentFacts, ProcessFacts, System
from collector.platforms import current

#: Debian's and Ubuntu's name, and that of all others.
_UNITS = ("walinuxagent.service", "waagent.service")
_UNIT_FOLDERS = ("etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system", "run/systemd/system")
_PROGRAMS = ("usr/sbin/waagent", "usr/bin/waagent", "usr/local/sbin/waagent", "usr/share/oem/bin/waagent")
_SERVICES = ("RdAgent", "WindowsAzureGuestAgent")
_SWITCH = {"y": True, "n": False}


def agent_facts(tree: Tree, system: System, processes: Iterable[ProcessFacts] | None) -> AgentFacts:
    """`processes`: the agent's and the handlers'; None for a disk that is not this machine's."""
    return _windows(tree, live=processes is not None) if system == "windows" else _linux(tree, processes)


def _linux(tree: Tree, processes: Iterable[ProcessFacts] | None) -> AgentFacts:
    settings = agent_settings(tree)
    enabled, note = _enabled(tree)
    told = AgentFacts(
        "unknown",
        enabled,
        _switch(settings, "Extensions.Enabled", default=True) if settings else None,
        _updates(settings) if settings else None,
        note,
    )
    if processes is None:
        return told if _is_installed(tree) else _with(told, "absent", "no program and no service of it on the disk")
    roles = agent_roles(processes)
    if "run-exthandlers" in roles:
        return _with(told, "running", "" if "daemon" in roles else "its daemon does not run")
    if "daemon" in roles:
        return _with(told, "running", "its daemon runs, but not the process that handles extensions")
    if not _is_installed(tree):
        return _with(told, "absent", "no program and no service of it on the disk")
    return _with(told, "stopped", current().unit_state(_UNITS))


def _with(told: AgentFacts, state: str, note: str) -> AgentFacts:
    notes = "; ".join(part for part in (note, told.note) if part)
    return AgentFacts(state, told.enabled, told.extensions_enabled, told.auto_update, notes)  # type: ignore[arg-type]


def _enabled(tree: Tree) -> tuple[bool | None, str]:
    """Whether it starts at boot; and a remark where its unit is masked."""
    units = {unit: _unit(tree, unit) for unit in _UNITS}
    masked = [unit for unit, where in units.items() if where == "/dev/null"]
    if masked and len(masked) == sum(1 for where in units.values() if where):
        return False, f"{masked[0]} is masked"
    for folder in _UNIT_FOLDERS[:3]:
        for unit in _UNITS:
            if unit not in masked and next(tree.glob(f"{folder}/*.wants/{unit}"), None):
                return True, ""
    if next(tree.glob("etc/rc[35].d/S*waagent"), None) or next(tree.glob("etc/rc[35].d/S*walinuxagent"), None):
        return True, ""
    return (False, "") if any(units.values()) else (None, "")


def _unit(tree: Tree, unit: str) -> str:
    """Where the unit's file lies, or where a link in its place leads to outside of the folders for units."""
    for folder in _UNIT_FOLDERS:
        parent = tree.resolve(folder)
        try:
            if parent is not None and str((parent / unit).readlink()) == "/dev/null":
                return "/dev/null"
        except (OSError, ValueError):
            pass  # no link: a file, or nothing
        if tree.read(f"{folder}/{unit}", 1) is not None:
            return f"{folder}/{unit}"
    return ""


def _is_installed(tree: Tree) -> bool:
    return any(tree.read(place, 1) is not None for place in _PROGRAMS) or any(
        _unit(tree, unit) not in ("", "/dev/null") for unit in _UNITS
    )


def _updates(settings: Mapping[str, str]) -> bool:
    """The newer key counts where it is set (Azure/WALinuxAgent:azurelinuxagent/common/conf.py)."""
    return _switch(settings, "AutoUpdate.UpdateToLatestVersion", _switch(settings, "AutoUpdate.Enabled", default=True))


def _switch(settings: Mapping[str, str], key: str, default: bool) -> bool:
    return _SWITCH.get(settings.get(key, "").lower(), default)


def _windows(tree: Tree, *, live: bool) -> AgentFacts:
    if not live:
        is_there = any(True for _ in tree.glob("WindowsAzure/GuestAgent_*"))
        note = "" if is_there else "no folder of it on the disk"
        return AgentFacts("unknown" if is_there else "absent", note=note)
    services = {name: current().service(name) for name in _SERVICES}
    found = {name: state for name, state in services.items() if state is not None}
    if not found:
        return AgentFacts("absent", note="there is no service RdAgent or WindowsAzureGuestAgent")
    off = [name for name, (state, _) in found.items() if state != "running"]
    missing = [name for name, state in services.items() if state is None]
    notes = [f"{name} is {found[name][0]}" for name in off] + [f"there is no service {name}" for name in missing]
    enabled = all(start == "automatic" for _, start in found.values())
    return AgentFacts("stopped" if off else "running", enabled, note="; ".join(notes))
