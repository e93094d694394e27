"""Where other users were before us: folders, links, pipes and files of theirs, and what root makes of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.config import load_config
from collector.deliver.lock import held
from collector.errors import ConfigError
from collector.platforms import current
from collector.platforms.locks import is_locked
from collector.platforms.own_files import read_named
from collector.platforms.state import redaction_key
from tests.collecting import failing_disk, vmext

if sys.platform == "win32":
    pytest.skip("Windows has access lists: tests/windows", allow_module_level=True)
pytestmark = pytest.mark.skipif(not os.environ.get("CI") and os.geteuid() != 0, reason="gives files to other users")

STRANGER = 4_242


def given(path: Path) -> Path:
    os.chown(path, STRANGER, STRANGER, follow_symlinks=False)
    return path


def of_another(folder: Path) -> None:
    folder.mkdir()
    given(folder)


def open_to_others_who_came(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "collect.lock").symlink_to(folder.parent / "made-elsewhere")
    given(folder / "collect.lock")


def a_link_of_another(folder: Path) -> None:
    (folder.parent / "target").mkdir(mode=0o755)
    folder.symlink_to("target")
    given(folder)


def shared_by_all(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o1777)


STRANGE: dict[Callable[[Path], None], str] = {
    of_another: "belongs to another user, number 4242",
    open_to_others_who_came: "collect.lock in it belongs to another user",
    a_link_of_another: "a link of another user",
    shared_by_all: "all users share it",
}


@pytest.mark.parametrize("make", STRANGE, ids=lambda make: make.__name__)
def test_a_state_folder_that_is_not_ours(make: Callable[[Path], None], tmp_path: Path):
    state = tmp_path / "state"
    make(state)
    rights = state.stat().st_mode if make is not open_to_others_who_came else 0o040700
    disk = failing_disk(tmp_path / "disk")
    told = vmext("collect", "--root", disk, "--state-dir", state, "--format", "json")
    assert told.code == 10, told.err
    assert STRANGE[make] in told.json["delivery"]["error"]
    assert not Path(told.json["bundle"]["path"]).is_relative_to(state)
    for command in ("watch", "--root", disk), ("upload", "--upload", "http://127.0.0.1:9", "--token", "x"):
        told = vmext(*command, "--state-dir", state)
        assert (told.code, STRANGE[make] in told.err) == (2, True), told
    assert state.stat().st_mode == rights
    assert {file.name for file in state.iterdir()} <= {"collect.lock"}
    assert not (tmp_path / "made-elsewhere").exists()


def test_a_folder_of_ours_that_was_open_is_closed(tmp_path: Path):
    (tmp_path / "collect.lock").touch()
    tmp_path.chmod(0o777)
    current().make_private(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda file: file.symlink_to("/nowhere")])
def test_no_lock_and_no_key_is_read_from_what_is_no_plain_file(make: Callable[[Path], None], tmp_path: Path):
    lock, key = tmp_path / "lock", tmp_path / "redaction.key"
    make(lock)
    make(key)
    with pytest.raises(OSError, match=r"."), held(lock):
        pass
    assert len(redaction_key(tmp_path)) == 32


def test_a_pipe_is_no_lock(tmp_path: Path):
    os.mkfifo(tmp_path / "lock")
    with pytest.raises(OSError, match="no plain file"):
        is_locked(tmp_path / "lock")


def test_a_pipe_in_the_place_of_the_lock_holds_no_one_up(tmp_path: Path):
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    for name in ("collect.lock", "collect.result", "redaction.key"):
        os.mkfifo(state / name)
    told = vmext("collect", "--root", failing_disk(tmp_path / "disk"), "--state-dir", state, timeout=60)
    assert told.code == 10, told.err
    assert "runs without waiting for others: it is no plain file" in told.err


def test_a_key_of_another_user_is_not_used(tmp_path: Path):
    (tmp_path / "redaction.key").write_bytes(bytes(32))
    assert redaction_key(tmp_path) == bytes(32)
    given(tmp_path / "redaction.key")
    assert redaction_key(tmp_path) != bytes(32)


@pytest.mark.parametrize(
    ("owner", "group", "mode", "caller", "problem"),
    [
        (0, 0, 0o644, "", ""),
        (0, 0, 0o664, "", ""),  # a umask of 002
        (0, STRANGER, 0o664, "", "other users may write it"),
        (0, 0, 0o646, "", "other users may write it"),
        (STRANGER, STRANGER, 0o600, "", "it belongs to another user, number 4242"),
        (STRANGER, STRANGER, 0o664, str(STRANGER), ""),  # sudo vmext ...
        (STRANGER, STRANGER, 0o600, "4243", "it belongs to another user"),
    ],
)
def test_whose_a_file_may_be_that_a_setting_names(
    owner: int, group: int, mode: int, caller: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SUDO_UID", caller)
    file = tmp_path / "config.toml"
    file.write_text("spool_days = 3\n")
    file.chmod(mode)
    os.chown(file, owner, group)
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    for path in (file, link):
        if not problem:
            assert load_config({}, {}, path, tmp_path).spool_days == 3
            continue
        with pytest.raises(ConfigError, match=problem):
            load_config({}, {}, path, tmp_path)


@pytest.mark.parametrize("name", ["token_file", "recipients_file"])
def test_a_named_file_that_is_a_pipe_or_someone_elses(name: str, tmp_path: Path):
    pipe, theirs = tmp_path / "pipe", tmp_path / "theirs"
    os.mkfifo(pipe)
    theirs.write_text("age1x\n")
    given(theirs)
    for file, problem in ((pipe, "no plain file"), (theirs, "belongs to another user")):
        with pytest.raises(ConfigError, match=problem):
            load_config({name: str(file)}, {}, tmp_path / "no.toml", tmp_path)


def test_of_a_file_without_an_end_no_more_is_read_than_may_be(tmp_path: Path):
    (tmp_path / "long").write_bytes(bytes(11))
    with pytest.raises(OSError, match="larger than 10 bytes"):
        read_named(tmp_path / "long", 10)
    with pytest.raises(OSError, match="no plain file"):
        read_named(Path("/dev/zero"), 10)


def test_a_home_that_is_closed_keeps_no_one_from_collecting(tmp_path: Path):
    """As for a service whose HOME is that of another user."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    given(home)
    through = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    state = home / ".local/state/vmext"
    disk = failing_disk(tmp_path / "disk")
    told = vmext("collect", "--root", disk, "--state-dir", state, "--format", "json", through=through)
    assert told.code == 10, told.err
    assert "Permission denied" in told.json["delivery"]["error"]
    told = vmext("upload", "--upload", "http://127.0.0.1:9", "--token", "x", "--state-dir", state, through=through)
    assert (told.code, "Permission denied" in told.err, "Traceback" in told.err) == (2, True, False), told
