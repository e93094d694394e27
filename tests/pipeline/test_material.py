"""Disks that keep or violate one practice, through the pipeline from files to results."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path

import pytest

from collector import pipeline
from collector.data.practices import practices
from collector.model import Practice, Report
from collector.pipeline import Request
from tests.pipeline import practice_disks as disks

NOW = datetime(2026, 5, 4, 5, 13, tzinfo=timezone.utc)
ROOT = Path(__file__).parents[1]
SHIPPED = sorted([*ROOT.glob("cases/*/disk"), *ROOT.glob("scenarios/*/disk")])


class Quiet:
    def begin(self, total: int) -> None: ...

    def __call__(self, source: object) -> None: ...


def collect(root: Path) -> Report:
    return pipeline.collect(Request(root=root), NOW, Quiet())


def write(root: Path, files: disks.Files) -> Path:
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def results(report: Report, practice: str) -> list[Practice]:
    return [one for one in report.practices if one.id == practice]


@pytest.mark.parametrize(("files", "practice", "state", "where"), [row[1:] for row in disks.DISKS],
                         ids=[f"{row[2]}: {row[0]}" for row in disks.DISKS])  # fmt: skip
def test_a_disk_and_what_comes_of_it(files: disks.Files, practice: str, state: str, where: str, tmp_path: Path):
    found = results(collect(write(tmp_path, files)), practice)
    assert found[0].state == state, found
    one = found[0]
    assert (f"{one.path}:{one.line}" if ":" in where else one.path).endswith(where)
    assert bool(one.remedy) == bool(one.documentation) == (state == "violated")


def test_most_practices_have_a_disk_that_violates_them():
    told = {practice for _, _, practice, state, _ in disks.DISKS if state == "violated"}
    checked = {row.id for row in practices().values() if row.checked == "instance"}
    assert told <= checked
    assert len(told) >= 65


def test_no_secret_and_no_value_of_a_setting_is_told(tmp_path: Path):
    secret = "Tr0ub4dor"
    files = disks.cse(
        public={disks.COMMAND: f"reboot --password {secret}; apt install x", "fileUris": [disks.SAS.format("2026-01-01")],
                "managedIdentity": {"clientId": secret}, "commandtoexecute": secret, "x": [secret]},
    )  # fmt: skip
    report = collect(write(tmp_path, files))
    told = repr(report.practices)
    assert len([one for one in report.practices if one.path.endswith(".settings")]) >= 5
    assert secret not in told
    assert "sig=" not in told
    assert "reboot --" not in told


@pytest.mark.parametrize("disk", SHIPPED, ids=lambda disk: disk.parent.name)
def test_shipped_disks_violate_only_what_is_true_of_them(disk: Path):
    expected = TRUE.get(disk.parent.name.split("-")[0] if "cases" in disk.parts else disk.parent.name, set())
    assert {one.id for one in collect(disk).practices if one.state == "violated"} == expected


#: Looked at one by one; healthy disks violate nothing.
TRUE: dict[str, set[str]] = {
    "007": {"cse-l-no-error", "cse-90min"},
    "008": {"rc-v2-failure-flag"},
    "016": {"ext-status-words"},
    "045": {"cse-pkg-lock", "ext-status-words"},
    "081": {"cse-90min"},
    "linux-old-custom-script-127": {"cse-old-type", "cse-l-no-error"},
    "linux-run-command-success-that-failed": {"rc-v2-failure-flag"},
}


# ---- nasty disks -----------------------------------------------------------------------------------------


@cache
def _long_script() -> str:
    return "#!/bin/sh\n" + "echo \"a\" 'b' <<X # c\n" * 20_000 + "reboot\n"


NASTY = {
    "settings that are no JSON": {f"{disks.HOME}/config/3.settings": "{"},
    "settings that are a list": {f"{disks.HOME}/config/3.settings": "[1]"},
    "settings without any": {f"{disks.HOME}/config/3.settings": '{"runtimeSettings": []}'},
    "settings as text": {f"{disks.HOME}/config/3.settings": disks.settings('{"commandToExecute": "true"}')},
    "settings of numbers": {f"{disks.HOME}/config/3.settings": disks.settings({"fileUris": 3, "script": 4, "commandToExecute": 5})},
    "a script of NULs": {f"{disks.DOWNLOAD}/a.sh": bytes(5_000)},
    "a script in UTF-16": {f"{disks.DOWNLOAD}/a.sh": "#!/bin/sh\nreboot\n".encode("utf-16")},
    "a script of an endless line": {f"{disks.DOWNLOAD}/a.sh": "reboot " * 200_000},
    "quotes that never end": {f"{disks.DOWNLOAD}/a.sh": "#!/bin/sh\n" + "reboot '\"`" * 30_000},
    "documents that never end": {f"{disks.DOWNLOAD}/a.sh": "#!/bin/sh\nreboot\n" + "cat <<A\n" * 30_000},
    "comments that never end": {f"{disks.DOWNLOAD}/a.ps1": "Restart-Computer\n" + "<#" * 100_000 + "@'\n" * 20_000},
    "shells in shells": {f"{disks.DOWNLOAD}/a.sh": "#!/bin/sh\nreboot\n" + "sh -c 'sh -c \"" * 20_000},
    "a log of one word": {disks.LOG: "download " * 60_000},
    "many scripts": {f"{disks.DOWNLOAD}/{number}.sh": "#!/bin/sh\nreboot\n" for number in range(400)},
    "a folder as a script": {f"{disks.DOWNLOAD}/a.sh/b.sh": "reboot\n"},
}  # fmt: skip


@pytest.mark.parametrize("files", NASTY.values(), ids=NASTY)
def test_nasty_disks_cost_little_and_stop_nothing(files: disks.Files, tmp_path: Path):
    root = write(tmp_path, disks.cse() | files)
    begin = datetime.now(timezone.utc)
    report = collect(root)
    assert datetime.now(timezone.utc) - begin < timedelta(seconds=5)
    assert len(report.practices) > 30


def test_a_long_script_keeps_its_lines(tmp_path: Path):
    text = "#!/bin/sh\n" + "echo 'a' # b\n" * 5_000 + "reboot\n"
    found = results(collect(write(tmp_path, disks.script(text))), "cse-no-reboot")
    assert (found[0].state, found[0].line) == ("violated", 5_002)


def test_a_clone_is_told_by_the_time_of_its_identity(tmp_path: Path):
    cloud = "var/lib/cloud/data"
    late = disks.AGENT_HEAD + disks.AGENT_HEAD.replace("T03:", "T05:")
    ids = {f"{cloud}/instance-id": "b\n", f"{cloud}/previous-instance-id": "a\n", disks.AGENT: late}
    root = write(tmp_path, disks.cse() | ids)
    for hour, state in ((3, "pass"), (4, "violated"), (6, "unknown")):
        moment = datetime(2026, 5, 4, hour, tzinfo=timezone.utc).timestamp()
        os.utime(root / cloud / "instance-id", (moment, moment))
        assert [one.state for one in results(collect(root), "ext-cloned")] == [state]


def test_links_out_of_the_disk_are_not_followed(tmp_path: Path):
    outside = write(tmp_path / "outside", {"evil.sh": "#!/bin/sh\nreboot\n", "d/evil.sh": "#!/bin/sh\nreboot\n"})
    root = write(tmp_path / "disk", disks.cse())
    (root / disks.DOWNLOAD / "a.sh").symlink_to(outside / "evil.sh")
    (root / disks.DOWNLOAD / "d").symlink_to(outside / "d")
    assert results(collect(root), "cse-no-reboot")[0].state == "unknown"


def test_names_tell_several_configurations_of_a_handler_apart(tmp_path: Path):
    first = disks.rc2("Failed", 3)
    second = {path.replace("Job", "Other"): text for path, text in disks.rc2().items() if "Job" in path}
    found = results(collect(write(tmp_path, first | second)), "rc-v2-failure-flag")
    assert [(one.state, one.detail.split(":")[0]) for one in found] == [("violated", "Job"), ("pass", "Other")]
    assert len(results(collect(tmp_path), "rc-v2-agent")) == 1


def test_on_a_healthy_disk_only_what_the_user_gave_is_looked_at(tmp_path: Path):
    assert collect(write(tmp_path / "agent", disks.ext(disks.AMA, "success"))).practices == ()
    both = disks.cse("success") | disks.ext(disks.AMA, "success")
    told = {one.extension for one in collect(write(tmp_path / "both", both)).practices}
    assert told == {disks.L, ""}
    failed = disks.cse() | disks.ext(disks.AMA, "success")
    told = {one.extension for one in collect(write(tmp_path / "failed", failed)).practices}
    assert told == {disks.L, disks.AMA, ""}
