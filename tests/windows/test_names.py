"""Names that Windows' older rules stand in the way of: long ones, short forms, those of devices, blanks at the end."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.discover.scan import scan
from collector.discover.tree import Tree
from collector.model import Source
from collector.platforms.files import open_to_read
from collector.platforms.paths import verbatim
from collector.read.lines import LineReader
from collector.read.tailing.tail import Tails
from tests.collecting import vmext

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="needs Windows: scripts/test-windows")

LOGS = "WindowsAzure/Logs/Plugins"
LINE = b"2026-05-04 03:12:25 ERROR it failed\r\n"
kernel32: Any = getattr(ctypes, "windll").kernel32 if sys.platform == "win32" else None  # noqa: B009


def put(root: Path, path: str, content: bytes = LINE) -> Path:
    """A file of exactly that name, whatever it is."""
    file = Path(verbatim(root / path))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that goes away again with all the names that no other program could remove."""
    root = tmp_path / "disk"
    root.mkdir()
    yield root
    shutil.rmtree(verbatim(root))


def texts(source: Source) -> tuple[str, list[str]]:
    reader = LineReader(source)
    lines = [line.text for line in reader]
    return reader.outcome, lines


DEVICES = ["aux.log", "CON.log", "nul.log", "com1.log", "Prn.txt.log", "lpt9.log"]


@pytest.mark.parametrize("name", DEVICES)
def test_a_log_with_the_name_of_a_device_is_a_file(disk: Path, name: str):
    put(disk, f"{LOGS}/Pub.Type/1.0/{name}")
    (one,) = scan(disk, "windows").sources
    assert one.path == f"{LOGS}/Pub.Type/1.0/{name}"
    assert texts(one) == ("read", [LINE.decode().strip()])


@pytest.mark.parametrize("folder", ["aux", "con", "NUL", "com1.d"])
def test_a_folder_with_the_name_of_a_device_is_a_folder(disk: Path, folder: str):
    put(disk, f"{LOGS}/Pub.Type/{folder}/handler.log")
    (one,) = scan(disk, "windows").sources
    assert texts(one) == ("read", [LINE.decode().strip()])


def test_a_device_is_no_file_of_an_empty_folder(disk: Path):
    (disk / LOGS).mkdir(parents=True)
    for name in ("nul", "aux.log", "con"):
        assert Tree(disk, fold=True).read(f"{LOGS}/{name}") is None


def test_an_own_place_of_a_devices_name_opens_no_device(disk: Path):
    with pytest.raises(FileNotFoundError):
        os.close(open_to_read(disk / "nul"))


@pytest.mark.parametrize("name", ["handler.log.", "handler.log ", "handler.log. ."])
def test_names_with_dots_and_blanks_at_the_end(disk: Path, name: str):
    """Beside them a file of the name that Windows would cut them to: both are read, each once."""
    put(disk, f"{LOGS}/Pub.Type/1.0/{name}", b"odd\r\n")
    put(disk, f"{LOGS}/Pub.Type/1.0/handler.log", b"plain\r\n")
    told = {source.path.rpartition("/")[2]: texts(source) for source in scan(disk, "windows").sources}
    assert told == {name: ("read", ["odd"]), "handler.log": ("read", ["plain"])}


def test_a_long_path_is_opened_behind_the_prefix(disk: Path):
    """So that it does not matter whether the machine allows long paths."""
    path = f"{LOGS}/Pub.Type{'x' * 100}/1.0.{'1' * 100}/handler.log"
    put(disk, path)
    (one,) = scan(disk, "windows").sources
    assert str(one.file).startswith("\\\\?\\")
    assert len(str(one.file)) > 260
    assert (one.path, one.problem) == (path, None)
    assert texts(one) == ("read", [LINE.decode().strip()])


def test_a_path_that_is_only_just_too_long_with_the_files_name(disk: Path):
    room = 240 - len(str(disk)) - len(f"/{LOGS}/P.T/1.0/")
    path = f"{LOGS}/P.T/1.0/{'y' * (room + 20)}.log"
    put(disk, path)
    (one,) = scan(disk, "windows").sources
    assert texts(one) == ("read", [LINE.decode().strip()])


def test_a_long_path_is_followed(disk: Path, tmp_path: Path):
    path = f"{LOGS}/Pub.Type{'x' * 100}/1.0.{'1' * 100}/handler.log"
    file = put(disk, path)
    tails = Tails(tmp_path / "checkpoint.json")
    tails.see(scan(disk, "windows").sources, from_end=True)
    with file.open("ab") as stream:
        stream.write(b"2026-05-04 03:12:26 ERROR again\r\n")
    tails.touch(None)
    pieces = list(tails.read(1_000_000))
    tails.close()
    assert [piece.chunk.data for piece in pieces] == [b"2026-05-04 03:12:26 ERROR again\r\n"]


def test_state_in_a_folder_with_a_long_path(disk: Path):
    put(disk, "WindowsAzure/Logs/WaAppAgent.log", b"[00000008] 2026-05-04T03:12:25Z [INFO]  x\r\n")
    state = disk / ("s" * 90) / ("t" * 90)
    result = vmext("collect", "--no-upload", "--root", disk, "--state-dir", state)
    assert (result.code, result.err) == (0, "")
    (bundle,) = (Path(verbatim(state)) / "spool").glob("*.zip")
    assert len(str(bundle)) > 260
    assert vmext("show", bundle).code == 0


def short(path: Path) -> Path:
    buffer = ctypes.create_unicode_buffer(32_768)
    assert kernel32.GetShortPathNameW(str(path), buffer, len(buffer))
    if "~" not in buffer.value:
        pytest.skip("this volume makes no short names")
    return Path(buffer.value)


def test_the_short_form_of_a_name_leads_to_the_same_file(disk: Path):
    """As a link of an old installer may name it: `C:\\WINDOW~1`."""
    file = put(disk, f"{LOGS}/Publisher.TypeOfLongName/1.0/handler-of-long-name.log")
    below = short(disk / file.relative_to(verbatim(disk))).relative_to(short(disk)).as_posix()
    assert "~" in below
    tree = Tree(disk, fold=True)
    assert tree.resolve(below) == tree.resolve(f"{LOGS}/Publisher.TypeOfLongName/1.0/handler-of-long-name.log")


def test_a_disk_given_by_its_short_name_is_the_same_disk(disk: Path):
    put(disk, f"{LOGS}/Pub.Type/1.0/handler.log")
    (one,) = scan(short(disk / "WindowsAzure").parent, "windows").sources
    assert one.path == f"{LOGS}/Pub.Type/1.0/handler.log"


def test_a_name_with_a_tilde_of_its_own(disk: Path):
    put(disk, f"{LOGS}/Pub.Type/1.0/handler~1.log")
    (one,) = scan(disk, "windows").sources
    assert one.path == f"{LOGS}/Pub.Type/1.0/handler~1.log"
    assert texts(one)[0] == "read"
