"""Why there is a bundle: a person must see at once whether someone asked for it or the resident agent noticed something."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.collecting import Result, collect, failing_disk, vmext

NOTICED = (
    "10:02:11Z the status file of Microsoft.Azure.Extensions.CustomScript turned to error: AccountKey=hidden1234567=="
)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("trigger")
    return collect(failing_disk(folder / "disk"), folder / "state", "--trigger", NOTICED)


def test_a_bundle_tells_what_the_agent_noticed(watched: Result):
    for document in (watched.member("manifest.json"), watched.member("system.json")["run"]):
        assert document["trigger"]["kind"] == "watch"
        assert document["trigger"]["text"].startswith("10:02:11Z the status file of ")
    for text in (watched.member("summary.txt"), watched.member("report.html")):
        assert "oticed by the resident agent: 10:02:11Z the status file of" in " ".join(text.split())
    assert watched.json["trigger"]["kind"] == "watch"


def test_a_notice_quotes_a_log_and_is_redacted(watched: Result):
    texts = [watched.out, *(json.dumps(watched.member(name)) for name in ("manifest.json", "system.json"))]
    texts += [watched.member("summary.txt"), watched.member("report.html")]
    assert all("hidden1234567" not in text for text in texts)


def test_a_bundle_of_a_command_says_so(tmp_path: Path):
    result = collect(failing_disk(tmp_path / "disk"), tmp_path / "state")
    assert result.member("manifest.json")["trigger"] == {"kind": "command", "text": ""}
    assert "trigger" not in result.json
    assert "vmext collect was run" in result.member("report.html")


def test_a_long_notice_is_cut_after_it_was_redacted(tmp_path: Path):
    disk, state = failing_disk(tmp_path / "disk"), tmp_path / "state"
    result = collect(disk, state, "--trigger", "word " * 90 + "password=hidden1234567 " + "end " * 9_000)
    assert len(result.member("manifest.json")["trigger"]["text"]) <= 500
    assert "hidden" not in json.dumps(result.member("manifest.json"))
    assert (
        len(vmext("collect", "--root", disk, "--state-dir", state, "--trigger", NOTICED * 9, "--no-upload").out)
        <= 4_096
    )


def test_the_option_is_not_for_people():
    assert "--trigger" not in vmext("collect", "--help").out
