"""What the registry says of handlers: of a mounted disk its hive, and on Linux never this machine's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from collector.data.registry import handler_key
from collector.data.strict import is_source
from collector.discover.handler_registry import MOST_HANDLERS, Told, handler_states
from collector.discover.hive import Library
from collector.discover.scan import scan
from collector.platforms import current
from tests.discover.hive_making import Keys, hive
from tests.discover.test_windows_zone import put_hive

CSE = "Microsoft.Compute.CustomScriptExtension"
HIVE = "Windows/System32/config/SOFTWARE"
KEY = "HKLM/SOFTWARE/Microsoft/Windows Azure/HandlerState"
HANDLERS: Keys = {
    f"{CSE}_1.10.14": {"InstallState": "NotInstalled", "SequenceNumber": 1},
    f"{CSE}_1.10.15": {"InstallState": "Enabled", "SequenceNumber": 2, "StatusFolder": "C:\\Packages"},
    "Microsoft.Powershell.DSC_2.83.5": {"installstate": "Installed", "SequenceNumber": "7"},
}


def software(handlers: Keys) -> Keys:
    return {"Classes": {}, "Microsoft": {"Windows": {}, "Windows Azure": {"HandlerState": handlers}}}


def told(root: Path, keys: Keys, *, in_use: bool = False, extensions: tuple[str, ...] = ()) -> Told:
    put_hive(root, hive(keys, in_use=in_use), HIVE)
    return handler_states(root, extensions)


def rows(found: Told) -> dict[str, tuple[str, str]]:
    return {entry.path: (entry.outcome, entry.note) for entry in found.entries}


def test_the_handlers_of_a_mounted_disk(tmp_path: Path):
    found = told(tmp_path, software(HANDLERS))
    assert found.states == {
        (CSE.lower(), "1.10.14"): "NotInstalled",
        (CSE.lower(), "1.10.15"): "Enabled",
        ("microsoft.powershell.dsc", "2.83.5"): "Installed",
    }
    assert rows(found) == {
        HIVE: ("read", "the registry hive: 3 handlers"),
        f"{KEY}/{CSE}_1.10.14": ("read", "NotInstalled, sequence number 1"),
        f"{KEY}/{CSE}_1.10.15": ("read", "Enabled, sequence number 2"),
        f"{KEY}/Microsoft.Powershell.DSC_2.83.5": ("read", "Installed, sequence number 7"),
    }
    assert {entry.kind for entry in found.entries} == {"handler-state"}
    assert found.entries[0].bytes_total == (tmp_path / HIVE).stat().st_size


def test_only_the_extensions_that_were_asked_for_are_told(tmp_path: Path):
    found = told(tmp_path, software(HANDLERS), extensions=("DSC",))
    assert list(rows(found)) == [HIVE, f"{KEY}/Microsoft.Powershell.DSC_2.83.5"]


def test_a_hive_in_use_may_lack_what_was_just_changed(tmp_path: Path):
    found = told(tmp_path, software(HANDLERS), in_use=True)
    assert rows(found)[HIVE][1].endswith("it was in use: changes just before may be missing")
    assert len(found.states) == 3


def test_which_of_two_versions_is_current_is_told_by_the_registry(tmp_path: Path):
    for version in ("1.10.14", "1.10.15", "1.10.16"):
        status = tmp_path / f"Packages/Plugins/{CSE}/{version}/Status/0.status"
        status.parent.mkdir(parents=True)
        status.write_bytes(b"[]")
    states = told(tmp_path, software(HANDLERS)).states
    notes = {source.version: source.note for source in scan(tmp_path, "windows", registry=states).sources}
    assert notes["1.10.15"] == "current one of 3 versions here"
    assert notes["1.10.16"] == "one of 3 versions here, the current one is 1.10.15"


@pytest.mark.parametrize(
    ("keys", "note"),
    [
        ({}, "the registry hive tells of no handlers: it has no key Microsoft"),
        ({"Microsoft": {"Windows": {}}}, "the registry hive tells of no handlers: it has no key Windows Azure"),
        (software({}), "the registry hive: 0 handlers"),
    ],
)
def test_a_sound_hive_without_handlers(tmp_path: Path, keys: Keys, note: str):
    assert rows(told(tmp_path, keys)) == {HIVE: ("read", note)}


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ({}, "no state told"),
        ({"InstallState": 3, "SequenceNumber": b"\x01"}, "3"),
        ({"InstallState": "x" * 5000}, "x" * 40),
        ({"InstallState": "Enabled", "SequenceNumber": -1}, "Enabled, sequence number 4294967295"),
    ],
)
def test_values_of_other_types_and_lengths(tmp_path: Path, values: Keys, note: str):
    found = rows(told(tmp_path, software({f"{CSE}_1.0": values})))[f"{KEY}/{CSE}_1.0"]
    assert found[0] == "read"
    assert found[1].startswith(note)


def test_a_key_without_a_version_is_told_and_decides_nothing(tmp_path: Path):
    found = told(tmp_path, software({CSE: {"InstallState": "Enabled"}}))
    assert found.states == {}
    assert rows(found)[f"{KEY}/{CSE}"] == ("read", "Enabled")


def test_very_many_handlers_are_told_up_to_a_bound(tmp_path: Path):
    many: Keys = {f"P.T{number}_1.0": {"InstallState": "Enabled"} for number in range(MOST_HANDLERS + 20)}
    found = told(tmp_path, software(many))
    assert len(found.states) == MOST_HANDLERS
    assert rows(found)[f"{KEY}/*"][0] == "truncated"


@pytest.mark.parametrize(
    ("content", "outcome", "note"),
    [
        (b"", "undecodable", "it is no registry hive"),
        (b"regf" + bytes(5000), "undecodable", "it is damaged"),
        (b"MZ" * 4096, "undecodable", "it is no registry hive"),
        (hive(software(HANDLERS))[:4500], "undecodable", "it is damaged"),
    ],
)
def test_a_hive_that_is_none_or_damaged_or_cut(tmp_path: Path, content: bytes, outcome: str, note: str):
    put_hive(tmp_path, content, HIVE)
    assert rows(handler_states(tmp_path)) == {HIVE: (outcome, f"the registry hive was not read: {note}")}


def test_a_hive_cut_anywhere_raises_nothing(tmp_path: Path):
    whole = hive(software(HANDLERS))
    for length in range(4096, len(whole), 97):
        put_hive(tmp_path, whole[:length], HIVE)
        entries = handler_states(tmp_path).entries
        assert entries[0].path == HIVE
        assert entries[0].outcome in ("read", "undecodable")


def test_no_hive_at_all(tmp_path: Path):
    assert rows(handler_states(tmp_path)) == {HIVE: ("missing", "nothing lies there")}


def test_without_the_library_the_ledger_says_what_to_install(tmp_path: Path):
    put_hive(tmp_path, hive(software(HANDLERS)), HIVE)

    def missing() -> Library:
        raise ImportError("regipy")

    found = rows(handler_states(tmp_path, library=missing))
    assert found == {HIVE: ("skipped", "the registry hive was not read: regipy is missing (the extra hive)")}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has a registry")
def test_linux_has_no_registry():
    with pytest.raises(FileNotFoundError):
        current().registry("SOFTWARE", 1)


def test_the_table_names_its_sources():
    assert is_source(handler_key().source)


def test_a_hive_that_another_program_wrote(tmp_path: Path):
    """hivex, with other lists of keys and other cells than the tests' own hives: `hives/make`."""
    put_hive(tmp_path, (Path(__file__).parent / "hives/SOFTWARE").read_bytes(), HIVE)
    assert rows(handler_states(tmp_path)) == {
        HIVE: ("read", "the registry hive: 2 handlers"),
        f"{KEY}/{CSE}_1.10.15": ("read", "Enabled, sequence number 2"),
        f"{KEY}/Microsoft.Powershell.DSC_2.83.5": ("read", "NotInstalled, sequence number 0"),
    }
