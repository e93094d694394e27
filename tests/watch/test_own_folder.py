"""The lock of the state folder is where others look for it, as long as the agent runs."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from pathlib import Path

import pytest

from collector.deliver.lock import held
from collector.errors import ConfigError
from collector.watch.own_folder import OwnFolder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a folder with an open file can't be deleted there")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        self.now += 10
        return self.now


@pytest.fixture()
def folder(tmp_path: Path) -> OwnFolder:
    made = OwnFolder(tmp_path / "state", Clock())
    made.take()
    return made


def is_free(state: Path) -> bool:
    with held(state / "watch" / "lock") as mine:
        return mine


def test_nothing_is_made_while_it_is_there(folder: OwnFolder, tmp_path: Path):
    assert not folder.was_made_anew()
    assert not is_free(tmp_path / "state")
    folder.close()
    assert is_free(tmp_path / "state")


@pytest.mark.parametrize("gone", ["", "watch", "watch/lock"])
def test_what_was_deleted_is_made_and_held_anew(folder: OwnFolder, tmp_path: Path, gone: str):
    place = tmp_path / "state" / gone
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    assert folder.was_made_anew()
    assert not is_free(tmp_path / "state")
    assert not folder.was_made_anew()
    folder.close()


def test_it_looks_every_few_seconds(tmp_path: Path):
    at = [0.0]
    folder = OwnFolder(tmp_path / "state", lambda: at[0])
    folder.take()
    (tmp_path / "state" / "watch" / "lock").unlink()
    at[0] = 4.9
    assert not folder.was_made_anew()
    at[0] = 5.1
    assert folder.was_made_anew()
    folder.close()


def test_another_agent_that_started_meanwhile_is_told(folder: OwnFolder, tmp_path: Path):
    shutil.rmtree(tmp_path / "state")
    other = OwnFolder(tmp_path / "state")
    other.take()
    with pytest.raises(ConfigError, match="another vmext watch"):
        folder.was_made_anew()
    other.close()


def test_a_folder_that_can_not_be_made_is_told_once(
    folder: OwnFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    shutil.rmtree(tmp_path / "state")
    (tmp_path / "state").touch()
    with caplog.at_level(logging.ERROR):
        assert not folder.was_made_anew()
        assert not folder.was_made_anew()
    assert len(caplog.records) == 1
    (tmp_path / "state").unlink()
    assert folder.was_made_anew()
    folder.close()


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root may take away its own rights and get them back"
)
def test_a_folder_that_can_not_be_looked_into_for_a_moment_is_no_reason(
    folder: OwnFolder, caplog: pytest.LogCaptureFixture
):
    os.setegid(65_534)
    os.seteuid(65_534)
    try:
        with caplog.at_level(logging.ERROR):
            assert not folder.was_made_anew()
    finally:
        os.seteuid(0)
        os.setegid(0)
    assert not caplog.records
    assert not folder.was_made_anew()
    folder.close()
