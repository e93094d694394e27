"""What a stricter site hides is in no member of the bundle, in no word of the verdict; without the flags it is."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.collecting import AGENT_LOG, HANDLER_LOG, STATUS, STDERR, Result, collect, failing_disk, put, vmext

ID = "fb653ac6-59d4-4545-8f83-6382f74f91e1"
ADDRESS, ADDRESS_6, HARDWARE = "10.11.12.13", "fe80::20d:3aff:fe12:3456", "00:0d:3a:12:34:56"
HOST, MACHINE = "db7.corp.contoso.com", "vm-web-7"
HIDDEN = {"--hide-ids": (ID,), "--hide-addresses": (ADDRESS, ADDRESS_6, HARDWARE), "--hide-hostnames": (HOST, MACHINE)}
STAYS = ("168.63.129.16", "2.1.19")
TOLD = (
    f"{MACHINE} could not reach {HOST} ({ADDRESS}, {ADDRESS_6}, {HARDWARE}) by 168.63.129.16 for "
    f"/subscriptions/{ID}/resourceGroups/rg"
)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """The same in each kind of file, in the failure's own words too, and the machine's name."""
    disk = failing_disk(tmp_path / "disk")
    put(disk, "etc/hostname", f"{MACHINE}\n")
    put(disk, STDERR, f"E: {TOLD}\n")
    document = json.loads((disk / STATUS).read_text())
    document[0]["status"]["formattedMessage"]["message"] += f": {TOLD}"
    put(disk, STATUS, json.dumps(document))
    put(disk, HANDLER_LOG, (disk / HANDLER_LOG).read_text() + f"time=2026-05-04T03:12:24Z event={json.dumps(TOLD)}\n")
    put(disk, AGENT_LOG, (disk / AGENT_LOG).read_text() + f"2026-05-04T03:12:25.000000Z ERROR ExtHandler {TOLD}\n")
    return disk


def leaving(result: Result) -> dict[str, str]:
    """Everything that leaves, by name."""
    assert result.code == 10, result.err
    parts = {"printed": result.out + result.err}
    path = Path(result.json["bundle"]["path"])
    with zipfile.ZipFile(path) as archive:
        parts |= {name: archive.read(name).decode() for name in archive.namelist()}
        return parts | {"names": "\n".join(archive.namelist())}


def test_without_the_flags_everything_is_told(disk: Path, tmp_path: Path):
    parts = leaving(collect(disk, tmp_path / "state"))
    for value in (*sum(HIDDEN.values(), ()), *STAYS):
        assert any(value in text for text in parts.values()), value
    for value in (ID, ADDRESS, HOST):
        assert value in parts["findings.json"]
        assert value in parts["report.html"]
    assert MACHINE in parts["printed"]
    assert MACHINE in parts["manifest.json"]


@pytest.mark.parametrize("flag", HIDDEN)
def test_what_a_flag_hides_leaves_nowhere(disk: Path, tmp_path: Path, flag: str):
    parts = leaving(collect(disk, tmp_path / "state", flag))
    for value in HIDDEN[flag]:
        assert not [name for name, text in parts.items() if value.lower() in text.lower()], value
    for value in (*(value for other, values in HIDDEN.items() if other != flag for value in values), *STAYS):
        assert any(value in text for text in parts.values()), value


def test_all_flags_and_the_text_verdict(disk: Path, tmp_path: Path):
    state = tmp_path / "state"
    shown = vmext("collect", "--root", disk, "--state-dir", state, "--no-upload", *HIDDEN)
    assert shown.code == 10, shown.err
    parts = leaving(collect(disk, state, *HIDDEN)) | {"text": shown.out + shown.err}
    for value in sum(HIDDEN.values(), ()):
        assert not [name for name, text in parts.items() if value.lower() in text.lower()], value
    assert "[host:" in shown.out
    audit = json.loads(parts["redactions.json"])["redactions"]
    assert {"id", "address", "address-6", "hostname", "name"} <= {row["pattern"] for row in audit}
