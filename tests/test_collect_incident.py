"""An incident that the resident agent noticed has one bundle, however often it is asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.collecting import collect, failing_disk

KEY, OTHER = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture()
def disk(tmp_path: Path) -> Path:
    return failing_disk(tmp_path / "disk")


def bundles(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.zip"))


def test_asked_again_it_gives_the_bundle_that_there_is(disk: Path, tmp_path: Path):
    state = tmp_path / "state"
    first = collect(disk, state, "--trigger", "x", "--incident", KEY)
    again = collect(disk, state, "--trigger", "x", "--incident", KEY)
    assert (again.code, again.json["verdict"], again.json["bundle"]) == (first.code, "failed", first.json["bundle"])
    assert again.json["delivery"] == first.json["delivery"]
    assert bundles(state / "spool") == [first.json["bundle"]["id"]]


def test_another_incident_has_another_bundle(disk: Path, tmp_path: Path):
    state = tmp_path / "state"
    for key in (KEY, OTHER):
        collect(disk, state, "--trigger", "x", "--incident", key)
    assert len(bundles(state / "spool")) == 2


def test_a_note_of_a_bundle_that_never_got_its_name_counts_for_nothing(disk: Path, tmp_path: Path):
    state = tmp_path / "state"
    first = collect(disk, state, "--incident", KEY)
    Path(first.json["bundle"]["path"]).unlink()
    again = collect(disk, state, "--incident", KEY)
    assert bundles(state / "spool") == [again.json["bundle"]["id"]] != [first.json["bundle"]["id"]]


def test_what_was_delivered_is_known_by_its_receipt(disk: Path, tmp_path: Path):
    state, target = tmp_path / "state", tmp_path / "target"
    target.mkdir()
    first = collect(disk, state, "--upload", target, "--incident", KEY)
    again = collect(disk, state, "--upload", target, "--incident", KEY)
    assert first.json["delivery"]["state"] == "delivered"
    assert again.json["delivery"]["received"] == first.json["delivery"]["received"]
    assert again.code == first.code
    assert len(list(target.rglob("*.zip"))) == 1
    assert not bundles(state / "spool")


def test_what_waits_is_sent_when_it_is_asked_for_again(disk: Path, tmp_path: Path):
    state, target = tmp_path / "state", tmp_path / "target"
    first = collect(disk, state, "--incident", KEY)
    target.mkdir()
    again = collect(disk, state, "--upload", target, "--incident", KEY)
    assert (again.json["bundle"]["id"], again.json["delivery"]["state"]) == (first.json["bundle"]["id"], "delivered")


def test_what_was_refused_is_not_made_again(disk: Path, tmp_path: Path):
    state = tmp_path / "state"
    first = collect(disk, state, "--incident", KEY)
    aside = state / "spool" / "rejected"
    aside.mkdir()
    place = Path(first.json["bundle"]["path"])
    place.rename(aside / place.name)
    again = collect(disk, state, "--incident", KEY)
    assert (again.code, again.json["bundle"]["path"]) == (20, str(aside / place.name))
    assert "refused" in again.json["delivery"]["error"]


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"bundle": "../x", "bytes": 1, "sha256": "", "verdict": "failed"}'])
def test_a_broken_note_counts_for_nothing(disk: Path, tmp_path: Path, note: str):
    state = tmp_path / "state"
    file = state / "spool" / "incidents" / f"{KEY}.json"
    file.parent.mkdir(parents=True)
    file.write_text(note)
    assert collect(disk, state, "--incident", KEY).code == 10
    assert json.loads(file.read_text())["bundle"] in bundles(state / "spool")


def test_a_wrong_key_is_refused(disk: Path, tmp_path: Path):
    done = collect(disk, tmp_path / "state", "--incident", "../../x")
    assert done.code == 2
    assert "--incident" in done.err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a kill there is no kill -9")
def test_killed_at_any_moment_it_makes_one(disk: Path, tmp_path: Path):
    state = tmp_path / "state"
    began = time.monotonic()
    collect(disk, state, "--incident", OTHER)
    length = time.monotonic() - began
    command = [sys.executable, "-m", "collector", "collect", "--root", str(disk), "--state-dir", str(state)]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("VMEXT_")}
    for number in range(12):
        asked = [*command, "--no-upload", "--incident", KEY]
        with subprocess.Popen(asked, env=clean, stdout=subprocess.DEVNULL) as process:
            time.sleep(length * (0.3 + number / 14))
            process.kill()
    assert collect(disk, state, "--incident", KEY).code == 10
    assert len(bundles(state / "spool")) == 2
