"""Where other users were before us: folders, links, pipes and files of theirs, and what root makes of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.config import load_config
from collector.deliver.lock import held
from collector.deliver.targets.network import Network
from collector.errors import ConfigError, DataError
from collector.platforms import current
from collector.platforms.locks import is_locked
from collector.platforms.own_files import read_named
from collector.platforms.state import redaction_key
from collector.service.own_tables import own_tables, whole_tables
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


@pytest.mark.parametrize("name", ["ca_bundle", "client_cert", "client_key"])
def test_certificates_and_their_key_are_of_nobody_else(name: str, tmp_path: Path):
    for file in ("ca_bundle", "client_cert", "client_key"):
        (tmp_path / file).write_text("PEM")
    given_names = {file: str(tmp_path / file) for file in ("ca_bundle", "client_cert", "client_key")}
    Network(**given_names).check()
    given(tmp_path / name)
    with pytest.raises(ConfigError, match=f"{name}: .* belongs to another user, number 4242"):
        Network(**given_names).check()
    (tmp_path / name).unlink()
    with pytest.raises(ConfigError, match=f"{name}: there is no file"):
        Network(**given_names).check()


def test_a_folder_of_certificates_is_of_nobody_else(tmp_path: Path):
    Network(ca_bundle=str(tmp_path)).check()
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigError, match="other users may write it"):
        Network(ca_bundle=str(tmp_path)).check()


def test_a_table_of_places_is_of_nobody_else(tmp_path: Path):
    configuration = tmp_path / "config.toml"
    table = tmp_path / "sources.d" / "app.toml"
    table.parent.mkdir()
    table.write_text("")
    assert [own.file for own in own_tables(configuration)] == [table]
    given(table)
    with pytest.raises(DataError, match=r"app\.toml can't be read: it belongs to another user, number 4242"):
        own_tables(configuration)
    tables, (entry,) = whole_tables(configuration)
    assert (tables, "belongs to another user" in str(entry.note)) == ([], True)


@pytest.mark.parametrize(
    ("mode", "group", "problem"),
    [(0o777, 0, True), (0o775, STRANGER, True), (0o775, 0, False), (0o1777, 0, False), (0o755, STRANGER, False)],
)
def test_no_other_user_may_put_another_state_folder_there(mode: int, group: int, problem: bool, tmp_path: Path):
    open_folder = tmp_path / "open"
    state = open_folder / "between" / "state"
    state.mkdir(parents=True)
    os.chown(open_folder, 0, group)
    open_folder.chmod(mode)
    (tmp_path / "link").symlink_to(state)
    for path in (state, tmp_path / "link"):
        if not problem:
            current().make_private(path)
            continue
        with pytest.raises(PermissionError, match=f"put another one in its place: chmod go-w {open_folder}"):
            current().make_private(path)


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
