"""Real child processes of the resident agent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from collector.watch import children
from collector.watch.children import Child, Ended
from tests.waiting import until


def ran(child: Child) -> Ended:
    ended: Ended = until(child.ended, "the end")
    return ended


def test_a_collect_gives_its_verdict(tmp_path: Path):
    (tmp_path / "disk" / "etc").mkdir(parents=True)
    arguments = ["collect", "--root", str(tmp_path / "disk"), "--no-upload", "--format", "json"]
    ended = ran(Child("collect", arguments, {"VMEXT_STATE_DIR": str(tmp_path / "state")}))
    assert (ended.exit_code, ended.document["verdict"]) == (12, "nothing-found")
    assert list((tmp_path / "state" / "spool").glob("*.zip"))


def test_what_goes_wrong_is_told(tmp_path: Path):
    ended = ran(Child("collect", ["collect", "--root", str(tmp_path / "nowhere")], {}))
    assert ended.exit_code == 2
    assert "no folder" in ended.error
    assert not ended.document


def test_it_starts_itself_as_it_was_started(monkeypatch: pytest.MonkeyPatch):
    assert children.own_command() == [sys.executable, "-m", "collector"]
    place = str(Path(children.__file__).parents[2])  # isolated, it does not look into the working folder
    code = f"import sys; sys.path.insert(0, {place!r}); from collector.watch.children import own_command; print(own_command()[1:])"
    told = [sys.executable, "-I", "-c", code]
    assert subprocess.run(told, capture_output=True, text=True, check=True).stdout == "['-I', '-m', 'collector']\n"
    monkeypatch.setattr(sys, "argv", ["/opt/vmext.pyz", "watch"])
    assert children.own_command() == [sys.executable, "/opt/vmext.pyz"]


@pytest.fixture()
def python(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(children, "own_command", lambda: [sys.executable, "-c"])


@pytest.mark.usefixtures("python")
def test_one_that_prints_much_does_not_hang():
    ended = ran(Child("upload", ["for n in range(200000): print('bundle', n)\nprint('{\"verdict\": \"failed\"}')"], {}))
    assert ended.exit_code == 0
    assert ended.document == {"verdict": "failed"}
    assert len(ended.error) <= 1_000


@pytest.mark.usefixtures("python")
def test_one_that_takes_too_long_is_ended():
    ended = ran(Child("collect", ["import time; time.sleep(600)"], {}, longest_seconds=0.3))
    assert ended.exit_code != 0


@pytest.mark.usefixtures("python")
def test_it_can_be_stopped():
    child = Child("collect", ["import time; time.sleep(600)"], {})
    assert child.ended() is None
    child.stop()
    assert child.ended() is not None
