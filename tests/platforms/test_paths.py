"""Which paths Windows would refuse or take for something else, and how such a file is reached all the same."""

from __future__ import annotations

import sys
from pathlib import Path, PureWindowsPath

import pytest

from collector.platforms.paths import drive_of, is_hindered, plain, reachable, verbatim

LONG = "C:\\WindowsAzure\\Logs\\" + "x" * 240


@pytest.mark.parametrize(
    ("path", "hindered"),
    [
        ("C:\\", False),
        ("C:\\WindowsAzure\\Logs\\WaAppAgent.log", False),
        ("C:\\console\\auxiliary.log", False),
        ("C:\\x\\null.txt", False),
        ("C:\\x\\com10.log", False),
        ("C:\\x\\.hidden", False),
        ("C:\\x\\a b.c d", False),
        ("..\\disk\\.\\x", False),
        ("\\\\server\\share\\x.log", False),
        ("C:\\x\\aux", True),
        ("C:\\x\\AUX.log", True),
        ("C:\\x\\aux.tar.gz", True),
        ("C:\\con\\x.log", True),
        ("C:\\x\\Nul.", True),
        ("C:\\x\\prn .txt", True),
        ("C:\\x\\com1.log", True),
        ("C:\\x\\lpt³", True),
        ("C:\\x\\conout$", True),
        ("C:\\x\\trailing.", True),
        ("C:\\x \\y", True),
        ("\\\\server\\share\\con", True),
        ("nul", True),
        (LONG, True),
        ("\\\\?\\" + LONG, False),
        ("\\\\?\\C:\\x\\con", False),
    ],
)
def test_what_windows_would_not_open_by_its_name(path: str, hindered: bool):
    assert is_hindered(PureWindowsPath(path)) is hindered


def test_room_for_names_below_a_folder():
    assert not is_hindered(PureWindowsPath("C:\\state"), 150)
    assert is_hindered(PureWindowsPath("C:\\" + "s" * 150), 150)


@pytest.mark.parametrize(
    ("path", "opened"),
    [
        ("C:\\x\\aux.log", "\\\\?\\C:\\x\\aux.log"),
        ("C:/x/dot.", "\\\\?\\C:\\x\\dot."),
        ("C:\\a\\..\\b\\con", "\\\\?\\C:\\b\\con"),
        ("C:\\..\\con", "\\\\?\\C:\\con"),
        ("\\\\server\\share\\nul", "\\\\?\\UNC\\server\\share\\nul"),
    ],
)
def test_the_path_behind_the_prefix(path: str, opened: str):
    assert verbatim(PureWindowsPath(path)) == opened
    assert plain(opened) == str(PureWindowsPath(plain(opened)))
    assert not is_hindered(PureWindowsPath(opened))


def test_the_prefix_comes_off_again():
    assert plain("\\\\?\\C:\\x") == "C:\\x"
    assert plain("\\\\?\\UNC\\server\\share\\x") == "\\\\server\\share\\x"
    assert plain("C:\\x") == "C:\\x"
    assert plain("/var/log/x") == "/var/log/x"


@pytest.mark.parametrize(
    ("path", "drive"),
    [("C:\\x", "C:"), ("\\\\?\\D:\\x", "D:"), ("x", ""), ("\\\\server\\share\\x", "\\\\server\\share")],
)
def test_the_drive_of_a_path(path: str, drive: str):
    assert drive_of(PureWindowsPath(path)) == drive


@pytest.mark.skipif(sys.platform == "win32", reason="tests/windows has the like for Windows")
def test_other_systems_have_no_such_rules():
    assert reachable(Path("/var/log/aux.log" + "x" * 300)) == Path("/var/log/aux.log" + "x" * 300)
