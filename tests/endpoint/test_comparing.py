"""Two bundles beside each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from collector.bundle.reader import Bundle, open_bundle
from collector.endpoint.pages.comparing import Beside, beside
from tests.collecting import HANDLER_LOG, STATUS, STDERR, collect, failing_disk, put

CSE = "Microsoft.Azure.Extensions.CustomScript"


def bundle_of(disk: Path, state: Path, name: str) -> Bundle:
    return open_bundle(Path(collect(disk, state, "--instance", name).json["bundle"]["path"]))


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Bundle, Bundle]:
    """A failed one, another that failed as it did, and one that is well and has another version."""
    folder = tmp_path_factory.mktemp("sides")
    failed, alike, well = (failing_disk(folder / name) for name in ("failed", "alike", "well"))
    log = (alike / HANDLER_LOG).read_text()
    (alike / HANDLER_LOG).write_text(log.replace("03:12:", "04:55:"))
    (well / STDERR).unlink()
    (well / STATUS).unlink()
    status = {"operation": "Enable", "status": "success", "formattedMessage": {"lang": "en", "message": "done"}}
    whole = [{"version": 1, "timestampUTC": "2026-05-04T03:12:25Z", "status": status}]
    put(well, STATUS.replace("2.1.19", "2.1.20"), json.dumps(whole))
    put(
        well,
        HANDLER_LOG,
        'time=2026-05-04T03:12:14Z version=v2.1.20/git@0-clean operation=enable seq=3 event="executing command"\n'
        'time=2026-05-04T03:12:25Z version=v2.1.20/git@0-clean operation=enable seq=3 event="executed command"\n',
    )
    agent = well / "var/log/waagent.log"
    agent.write_text(agent.read_text().replace("'error'", "'success'"))
    names = ("vmss-web_1", "vmss-web_2", "vmss-web_3")
    made = [
        bundle_of(disk, folder / f"state-{name}", name) for disk, name in zip((failed, alike, well), names, strict=True)
    ]
    return made[0], made[1], made[2]


@pytest.fixture(scope="module")
def unlike(sides: tuple[Bundle, Bundle, Bundle]) -> Beside:
    return beside(sides[0], sides[2])


def test_the_same_failure_is_on_both(sides: tuple[Bundle, Bundle, Bundle]):
    told = beside(sides[0], sides[1])
    assert [one.exit_code for one in told.both] == [100]
    assert told.only_left == told.only_right == ()
    assert told.differing == ()


def test_times_make_no_difference(sides: tuple[Bundle, Bundle, Bundle]):
    assert [one.path for one in beside(sides[0], sides[1]).partings] == []


def test_a_failure_is_on_its_side_only(unlike: Beside, sides: tuple[Bundle, Bundle, Bundle]):
    assert [(one.extension, one.exit_code) for one in unlike.only_left] == [(CSE, 100)]
    assert unlike.both == unlike.only_right == ()
    assert beside(sides[2], sides[0]).only_right == unlike.only_left


def test_versions_differ(unlike: Beside):
    assert ("CustomScript, version", "2.1.19", "2.1.20") in [
        (one.what, one.left, one.right) for one in unlike.differing
    ]


def test_what_one_side_does_not_tell_is_no_difference(unlike: Beside):
    assert all(one.left and one.right for one in unlike.differing if "version" not in one.what)
    assert all(bool(one.left) != bool(one.right) for one in unlike.one_sided)


def test_logs_part_where_they_say_something_else(unlike: Beside):
    (parting,) = [one for one in unlike.partings if one.path.endswith("handler.log")]
    assert parting.left is not None and parting.right is not None
    assert parting.left.text != parting.right.text
