"""What the running machine's own registry says of handlers."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from collector.data.registry import handler_key
from collector.discover.handler_registry import Told, handler_states
from collector.platforms import current
from tests.collecting import put, vmext

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="needs Windows: scripts/test-windows")

winreg: Any = importlib.import_module("winreg") if sys.platform == "win32" else None

CSE = "Microsoft.Compute.CustomScriptExtension"
AZURE = r"SOFTWARE\Microsoft\Windows Azure"
SHOWN = "HKLM/SOFTWARE/Microsoft/Windows Azure/HandlerState"


@contextmanager
def handlers(told: dict[str, dict[str, Any]]) -> Iterator[None]:
    """The key of a guest agent, which is taken away again; never touched where there is an agent."""
    machine, key = winreg.HKEY_LOCAL_MACHINE, handler_key().key
    try:
        winreg.CloseKey(winreg.OpenKey(machine, AZURE))
        pytest.skip("an Azure machine: the test writes where its guest agent does")
    except FileNotFoundError:
        pass
    access = winreg.KEY_ALL_ACCESS | winreg.KEY_WOW64_64KEY
    try:
        winreg.CloseKey(winreg.CreateKeyEx(machine, key, 0, access))
        for name, values in told.items():
            with winreg.CreateKeyEx(machine, f"{key}\\{name}", 0, access) as one:
                for value, data in values.items():
                    kind = {int: winreg.REG_DWORD, bytes: winreg.REG_BINARY}.get(type(data), winreg.REG_SZ)
                    winreg.SetValueEx(one, value, 0, kind, data)
        yield
    finally:
        for path in (*(f"{key}\\{name}" for name in told), key, AZURE):
            winreg.DeleteKeyEx(machine, path, winreg.KEY_WOW64_64KEY)


def rows(found: Told) -> dict[str, tuple[str, str]]:
    return {entry.path: (entry.outcome, entry.note) for entry in found.entries}


HANDLERS: dict[str, dict[str, Any]] = {
    f"{CSE}_1.10.14": {"InstallState": "NotInstalled", "SequenceNumber": 1},
    f"{CSE}_1.10.15": {"InstallState": "Enabled", "SequenceNumber": 2, "StatusFolder": "C:\\Packages", "x": b"\x01"},
    "Größe.你好_1.0": {},
}


def test_the_handlers_of_this_machine():
    with handlers(HANDLERS):
        found = handler_states(current().root())
    assert found.states == {(CSE.lower(), "1.10.14"): "NotInstalled", (CSE.lower(), "1.10.15"): "Enabled"}
    assert rows(found) == {
        f"{SHOWN}/{CSE}_1.10.14": ("read", "NotInstalled, sequence number 1"),
        f"{SHOWN}/{CSE}_1.10.15": ("read", "Enabled, sequence number 2"),
        f"{SHOWN}/Größe.你好_1.0": ("read", "no state told"),
    }


def test_no_agent_ever_was_here():
    with handlers({}):
        assert rows(handler_states(current().root())) == {SHOWN: ("empty", "the registry tells of no handlers")}
    assert rows(handler_states(current().root())) == {SHOWN: ("missing", "the registry has no such key")}


def test_the_disk_of_another_machine_has_its_own_registry(tmp_path: Path):
    with handlers(HANDLERS):
        found = handler_states(tmp_path)
    assert rows(found) == {"Windows/System32/config/SOFTWARE": ("missing", "nothing lies there")}


def test_at_most_so_many_keys_are_read():
    with handlers({f"P.T_{number}": {"InstallState": "Enabled"} for number in range(9)}):
        assert len(current().registry(handler_key().key, 4)) == 4


def test_collect_tells_the_states_in_its_ledger(tmp_path: Path):
    with handlers(HANDLERS):
        result = vmext("collect", "--no-upload", "--state-dir", tmp_path / "state", "--format", "json")
        ledger = result.ledger()
    assert ledger[f"{SHOWN}/{CSE}_1.10.15"]["note"] == "Enabled, sequence number 2"
    assert ledger[f"{SHOWN}/{CSE}_1.10.15"]["kind"] == "handler-state"
    assert not [path for path in ledger if "\\" in path]


def test_collect_tells_of_a_disk_of_another_machine(tmp_path: Path):
    put(tmp_path / "disk", "WindowsAzure/Logs/WaAppAgent.log", "[00000008] 2026-05-04T03:12:25Z [INFO]  x\r\n")
    result = vmext("collect", "--no-upload", "--root", tmp_path / "disk", "--state-dir", tmp_path / "state")
    assert result.code == 0
