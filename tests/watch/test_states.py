"""State files that change under the eyes of who reads them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from collector.model import Source
from collector.watch.states import States
from tests.watch.instance import AMA, CSE

FOLDER = f"var/lib/waagent/{CSE}-1.0.0/status"
LONG_AGO = 1_700_000_000


def text(state: str, message: str = "m", time: str = "2026-05-04T03:12:25Z") -> str:
    told = {"operation": "Enable", "status": state, "formattedMessage": {"lang": "en", "message": message}}
    return json.dumps([{"version": 1, "timestampUTC": time, "status": told}])


def source(root: Path, name: str = "3", version: str = "1.0.0", kind: str = "status", extension: str = CSE) -> Source:
    path = f"{extension}-{version}/{name}.{kind}"
    sequence = int(name) if name.isdigit() else None
    return Source(path, root / path, kind, "", extension, version, None, sequence)  # type: ignore[arg-type]


def put(one: Source, content: str, when: int = LONG_AGO) -> Source:
    """Written long ago, so that no tick of the clock matters."""
    one.file.parent.mkdir(parents=True, exist_ok=True)
    one.file.write_text(content)
    os.utime(one.file, (when, when))
    return one


def states(*sources: Source, after: States | None = None) -> States:
    one = States()
    if after is not None:
        one.load(json.loads(json.dumps(after.dump())))
    one.see(sources)
    return one


def look(one: States, at: float = 0.0) -> list[tuple[str, str]]:
    return [(signal.kind, signal.state) for signal in one.look(None, at)]


def test_a_change_is_told_once(tmp_path: Path):
    status = put(source(tmp_path), text("transitioning"))
    watched = states(status)
    assert look(watched) == [("result", "transitioning")]
    assert look(watched) == []
    put(status, text("error"), LONG_AGO + 5)
    assert look(watched) == [("failure", "error")]
    assert look(watched) == []


@pytest.mark.parametrize("same", ["size", "time", "size and time"])
def test_a_change_shows_in_size_time_or_file_id(tmp_path: Path, same: str):
    status = put(source(tmp_path), text("error", "one"))
    watched = states(status)
    look(watched)
    new = source(tmp_path, "9")
    put(new, text("error", "two" if "size" in same else "longer"), LONG_AGO + (0 if "time" in same else 1))
    new.file.replace(status.file)
    assert look(watched) == [("failure", "error")]


def test_two_writes_within_one_tick_are_both_seen(tmp_path: Path):
    status = source(tmp_path)
    put(status, text("error", "one"))
    os.utime(status.file)
    watched = states(status)
    look(watched)
    assert watched.unsure == (status.path,)
    before = status.file.stat()
    status.file.write_text(text("error", "two"))
    os.utime(status.file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert look(watched) == [("failure", "error")]


def test_what_is_half_written_is_looked_at_again(tmp_path: Path):
    status = put(source(tmp_path), text("error")[:40])
    watched = states(status)
    assert look(watched, at=0) == []
    assert watched.unsure == (status.path,)
    put(status, text("error"), LONG_AGO + 1)
    assert look(watched, at=1) == [("failure", "error")]
    assert not watched.unsure


def test_what_stays_broken_is_told(tmp_path: Path):
    status = put(source(tmp_path), "{")
    watched = states(status)
    found = [look(watched, at) for at in (0, 4, 9, 11, 12)]
    assert found == [[], [], [], [("failure", "")], []]


def test_what_is_gone_for_a_moment_says_nothing_and_the_same_again_neither(tmp_path: Path):
    status = put(source(tmp_path), text("error"))
    watched = states(status)
    look(watched)
    status.file.unlink()
    assert look(watched) == []
    put(status, text("error"), LONG_AGO + 9)
    assert look(watched) == []
    put(status, text("error", time="2026-05-05T03:12:25Z"), LONG_AGO + 10)
    assert look(watched) == [("failure", "error")], "the same error of another time is another one"


def test_after_a_restart_a_standing_failure_is_not_told_again(tmp_path: Path):
    failed = put(source(tmp_path), text("error"))
    running = put(source(tmp_path, "0", extension=AMA), text("transitioning"))
    first = states(failed, running)
    assert sorted(look(first)) == [("failure", "error"), ("result", "transitioning")]
    second = states(failed, running, after=first)
    assert look(second) == [("result", "transitioning")], "what goes on must be known"
    put(failed, text("error", "another"), LONG_AGO + 1)
    assert look(states(failed, running, after=second)) == [("failure", "error"), ("result", "transitioning")]


def test_at_the_first_look_only_the_newest_state_counts(tmp_path: Path):
    old = put(source(tmp_path, "0"), text("error"))
    newest = put(source(tmp_path, "10", "1.10.0"), text("success"))
    other = put(source(tmp_path, "11", "1.9.0"), text("error"))
    watched = states(old, newest, other)
    assert look(watched) == [("end", "success")]
    put(other, text("error", "another"), LONG_AGO + 1)
    assert look(watched) == [("failure", "error")], "what changes now does count"


def test_the_agents_summary_tells_only_of_handlers_whose_own_files_are_gone(tmp_path: Path):
    row = {"handlerVersion": "1.0.0", "status": "NotReady", "code": 1007, "formattedMessage": {"message": "no"}}
    rows = [{**row, "handlerName": CSE}, {**row, "handlerName": AMA}]
    summary = source(tmp_path, "waagent_status", kind="aggregate")
    put(summary, json.dumps({"aggregateStatus": {"handlerAggregateStatus": rows}}))
    own = put(source(tmp_path), text("success"))
    watched = states(summary, own)
    assert sorted(look(watched)) == [("end", "success"), ("failure", "NotReady")]
    put(summary, summary.file.read_text() + "\n", LONG_AGO + 60)
    assert look(watched) == [], "written anew every minute, it says the same"


def test_only_the_files_that_changed_are_looked_at(tmp_path: Path):
    one, other = put(source(tmp_path), text("success")), put(source(tmp_path, "0", extension=AMA), text("success"))
    watched = states(one, other)
    look(watched)
    put(one, text("error"), LONG_AGO + 1)
    put(other, text("error"), LONG_AGO + 1)
    assert [signal.extension for signal in watched.look([other.path, "unknown"], 0)] == [AMA]
    assert [signal.extension for signal in watched.look(None, 0)] == [CSE]


@pytest.mark.parametrize("state", [{}, {"x": 3}, {"x": [1, 2, 3, True, 4]}, {"x": [1, "2", 3, True, {}]}])
def test_a_state_that_makes_no_sense_is_left_out(tmp_path: Path, state: dict[str, object]):
    watched = States()
    watched.load(state)
    watched.see([put(source(tmp_path), text("error"))])
    assert look(watched) == [("failure", "error")]
