"""``vmext compare`` over real bundles: the answer first, what differs, what could not be read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from collector.cli import compare
from collector.errors import FAILURE_FOUND, HANG_FOUND, HEALTHY, NO_SOURCES, USAGE, ConfigError
from collector.model import FIRST, LAST, Evidence, Excerpt, Line, Practice, PracticeState, Record
from tests.bundle.samples import AGENT_LOG, CSE, FACTS, IDENTITY, STDERR
from tests.fleet.fleets import AMA, bundle, disk, locked, settings


def run(*arguments: object) -> Result:
    return CliRunner().invoke(compare.command, [str(argument) for argument in arguments])


def document(*arguments: object) -> Any:
    return json.loads(run("--format", "json", *arguments).stdout)


@pytest.fixture
def fleet(tmp_path):
    """Four of seven instances met the lock, at different times and with different process numbers."""
    for n in range(4):
        follows = locked(
            n,
            message="waited",
            extension=AMA,
            exit_code=None,
            caused_by=CSE,
            id="follows",
            title="waited for CustomScript",
        )
        facts = replace(FACTS, disks=(disk((1 + n) * 10**8),))
        bundle(tmp_path, n, locked(n, 1000 + n), follows, system=facts, ledger=(settings(3, "a1f"),))
    for n in range(4, 7):
        facts = replace(FACTS, disks=(disk(20 * 10**9),))
        bundle(tmp_path, n, system=facts, ledger=(settings(2, "000"), settings(3, "9c0")))
    return tmp_path


def test_it_answers_with_the_failure_where_when_why_and_what_differs(fleet):
    result = run(fleet)
    rows = result.stdout.splitlines()
    assert result.exit_code == FAILURE_FOUND
    assert result.stderr == ""
    assert rows[:5] == [
        "VMEXT COMPARE 7 instances of web: 4 failed, 3 healthy",
        "",
        "1  FAILED on 4 of 7: CustomScript enable exit 100",
        "   First   web_0 at 2026-11-23 10:02:11Z; last web_3 at 2026-11-23 10:05:11Z; 3 healthy",
        "   Line    E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1000 (unattended-upgr)",
    ]
    assert "           /var/lib/waagent/custom-script/download/3/stderr:14 on web_0" in rows
    assert "   Cause   package manager locked (package-manager-locked; very likely)" in rows
    assert "   On      --instance-ids 0 1 2 3" in rows
    assert "   Then    - AzureMonitorLinuxAgent enable on 4: waited for CustomScript" in rows
    assert "   Differs - CustomScript 2.1.19: 4 of 4 failed, 0 of 3 healthy; not seen on healthy ones" in rows
    assert "           - CustomScript settings hash a1f: 4 of 4 failed, 0 of 3 healthy; 9c0 on healthy ones" in rows
    assert "           - free on /: 100.0 MB to 400.0 MB on 4 failed, 20.0 GB on 3 healthy" in rows
    assert not any("memory" in row or "zone" in row for row in rows), "what is the same everywhere is no difference"
    assert "2  FAILED" not in result.stdout


def test_json_tells_the_same_and_its_help_names_the_fields(fleet):
    told = document(fleet)
    assert told["instances"] == {"total": 7, "failed": 4, "hanging": 0, "healthy": 3, "nothing_found": 0}
    (failure,) = told["failures"]
    assert (failure["extension"], failure["exit_code"], failure["count"]) == (CSE, 100, 4)
    assert failure["first"] == {
        "instance": "web_0",
        "time": "2026-11-23T10:02:11Z",
        "bundle": failure["instances"][0]["bundle"],
    }
    assert failure["masked"].endswith("It is held by process <id> (unattended-upgr)")
    assert failure["causes"][0]["confidence"] == {"high": 4}
    assert [below["extension"] for below in failure["follow_on"]] == [AMA]
    assert failure["differences"]["ranges"][0]["failed"] == [1e8, 4e8]
    assert told["problems"] == []

    def keys(value) -> set[str]:
        if isinstance(value, dict):
            return set(value) | {key for item in value.values() for key in keys(item)}
        return {key for item in value for key in keys(item)} if isinstance(value, list) else set()

    assert {f'"{key}"' for key in keys(told) - {"high"}} <= set(
        compare.SCHEMA.replace(",", " ")
        .replace(":", " ")
        .replace("{", " ")
        .replace("}", " ")
        .replace("[", " ")
        .replace("]", " ")
        .split()
    )


def test_a_broken_bundle_is_told_and_the_others_are_compared(fleet):
    (fleet / "half.zip").write_bytes(b"PK" * 50)
    (fleet / "empty.zip").write_bytes(b"")
    result = run(fleet)
    assert result.exit_code == FAILURE_FOUND
    assert "7 instances" in result.stdout
    assert f"vmext: {fleet / 'half.zip'}: the bundle is no zip file" in result.stderr
    assert [
        str(fleet / name) in text
        for name, text in zip(("empty.zip", "half.zip"), document(fleet)["problems"], strict=True)
    ]


def test_the_newest_bundle_of_an_instance_counts_and_it_is_said(tmp_path):
    bundle(tmp_path, 1, locked(1), name="then.zip")
    bundle(tmp_path, 1, minutes=30, name="now.zip")
    (tmp_path / "copy.zip").write_bytes((tmp_path / "now.zip").read_bytes())
    result = run(tmp_path)
    assert result.stdout.splitlines() == ["VMEXT COMPARE 1 instance of web (3 bundles): 1 healthy"]
    assert result.exit_code == HEALTHY
    assert f"then.zip is an older bundle of web_1: only {tmp_path / 'copy.zip'} counts" in result.stderr
    assert "is the same bundle as" in result.stderr
    assert len(document(tmp_path)["problems"]) == 2


def test_folders_files_and_patterns_name_bundles(tmp_path):
    for n, folder in enumerate(("a", "a/deep", "b")):
        (tmp_path / folder).mkdir(exist_ok=True)
        bundle(tmp_path / folder, n, locked(n), name=f"{n}.zip")
    (tmp_path / "a" / "note.txt").write_text("no bundle")
    for arguments, count in [
        ([tmp_path], 3), ([tmp_path / "a"], 2), ([tmp_path / "b" / "2.zip", tmp_path / "b"], 1),
        ([tmp_path / "*" / "*.zip"], 2), ([tmp_path / "**" / "[01].zip"], 2),
    ]:  # fmt: skip
        assert document(*arguments)["instances"]["total"] == count
    told = document(tmp_path, tmp_path / "none.zip")
    assert told["problems"] == [f"{tmp_path / 'none.zip'}: there is no such file"]


def test_nothing_that_can_be_read_is_a_usage_error(tmp_path):
    result = run(tmp_path)
    assert isinstance(result.exception, ConfigError)
    assert "no *.zip in this folder" in result.stderr
    assert run().exit_code == USAGE


@pytest.mark.parametrize(("kinds", "code"), [
    (["failure", "hang"], FAILURE_FOUND), (["hang"], HANG_FOUND), ([], HEALTHY), (["nothing"], NO_SOURCES),
])  # fmt: skip
def test_exit_codes(tmp_path, kinds, code):
    for n, kind in enumerate(kinds):
        bundle(tmp_path, n, verdict="nothing-found") if kind == "nothing" else bundle(tmp_path, n, locked(n, kind=kind))
    if not kinds:
        bundle(tmp_path, 9)
    assert run(tmp_path).exit_code == code


def test_hangs_are_told_with_since_when(tmp_path):
    hang = locked(1, kind="hang", exit_code=None, hang_since=locked(5).failure.first_time, limit_seconds=5400)
    bundle(tmp_path, 1, hang)
    rows = run(tmp_path).stdout.splitlines()
    assert rows[0] == "VMEXT COMPARE 1 instance of web: 1 hanging"
    assert rows[2] == "1  HANGS on 1 of 1: CustomScript enable"
    assert rows[3] == "   First   web_1 at 2026-11-23 10:07:11Z"
    assert rows[-1] == "No healthy bundle to compare with: collect on a healthy instance as well."


def test_one_healthy_instance_is_called_weak(tmp_path):
    for n in range(5):
        bundle(tmp_path, n, locked(n))
    bundle(tmp_path, 9, identity=replace(IDENTITY, vm_id="vm-9", os="Ubuntu 24.04"))
    output = run(tmp_path).stdout
    assert "   Differs weakly, since only 5 failed and 1 healthy are compared: may be chance" in output
    assert "           - system Ubuntu 22.04: 5 of 5 failed, 0 of 1 healthy; Ubuntu 24.04 on healthy ones" in output


def test_a_line_that_only_the_failed_have_is_told_masked_and_what_the_finding_quotes_is_not(tmp_path):
    def outputs(n: int, *more: str):
        texts = [f"curl: (6) Could not resolve host of 10.0.0.{n}", "all fine so far", *more]
        return (Excerpt(STDERR, tuple(Line(k, text) for k, text in enumerate(texts, start=1)), frozenset()),)

    for n in range(3):
        bundle(tmp_path, n, locked(n, 1000 + n), excerpts=outputs(n, locked(n, 1000 + n).failure.message), events=())
    for n in range(3, 6):
        bundle(tmp_path, n, excerpts=outputs(n)[:0])
    (failure,) = document(tmp_path)["failures"]
    lines = [one["text"] for one in failure["differences"]["lines"]]
    assert lines == ["curl: (6) Could not resolve host of <ip>"]


def test_bundles_of_the_first_versions_have_no_causes_and_no_title(tmp_path):
    import tests.fleet.fleets as fleets

    finding = replace(fleets.locked(1), title="", causes=())
    bundle(tmp_path, 1, finding)
    (cause,) = document(tmp_path)["failures"][0]["causes"]
    assert (cause["id"], cause["confidence"]) == ("package-manager-locked", {"high": 1})


def test_what_nothing_tells_the_instance_of_is_an_instance_of_its_own(tmp_path):
    for n in range(2):
        bundle(
            tmp_path,
            n,
            locked(n),
            identity=replace(
                IDENTITY,
                vm_id=None,
                resource_id=None,
                instance_name=None,
                computer_name=None,
                instance_id=None,
                scale_set=None,
            ),
        )
    told = document(tmp_path)
    assert told["instances"]["total"] == 2
    assert told["failures"][0]["instances"][0]["name"].startswith("bundle ")


def test_a_bundle_can_not_steer_the_terminal(tmp_path):
    evil = "\x1b]0;owned\x07 \x9b31m\u202e failed"
    bundle(tmp_path, 1, locked(1, message=evil, title=evil, meaning=evil, evidence=(Evidence(evil, 1, None, evil),)),
           identity=replace(IDENTITY, instance_name=evil, vm_id="x"), ledger=())  # fmt: skip
    bundle(tmp_path, 2, identity=replace(IDENTITY, vm_id="y", os=evil))
    result = run(tmp_path)
    assert result.exit_code == FAILURE_FOUND
    assert not set(result.output) & set("\x1b\x07\x9b\u202e")


def test_a_member_that_is_needed_must_have_its_hash_and_others_are_not_read(tmp_path):
    """The way for many bundles is as strict as the usual one about what it uses."""
    import zipfile

    def with_other(name: str, number: int) -> None:
        path = bundle(tmp_path, number, locked(number)).path
        with zipfile.ZipFile(path) as old:
            members = {one: old.read(one) for one in old.namelist()}
        members[name] = members[name].replace(b"package manager locked", b"package manager locker")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
            for one, data in members.items():
                new.writestr(one, data)

    with_other("report.html", 1)
    assert document(tmp_path)["problems"] == []
    with_other("findings.json", 2)
    (problem,) = document(tmp_path)["problems"]
    assert problem.endswith("the member findings.json does not have the hash that the manifest says")


def test_lines_of_the_agent_s_log_are_taken_from_the_records(tmp_path):
    def record(n: int, level: str, text: str) -> Record:
        return Record(AGENT_LOG, n, None, "none", level, text, (text,))

    events = (
        record(1, "WARNING", "Dhcp is slow"),
        record(2, "INFO", "mount is read-only, so it failed"),
        record(3, "INFO", "well"),
    )
    for n in range(3):
        bundle(tmp_path, n, locked(n), events=events)
        bundle(tmp_path, 10 + n)
    lines = [one["text"] for one in document(tmp_path)["failures"][0]["differences"]["lines"]]
    assert "Dhcp is slow" in lines
    assert "mount is read-only, so it failed" in lines
    assert "well" not in lines


@pytest.mark.parametrize("changes", [
    {"memory_total_bytes": 10**300}, {"clock_offset_seconds": float("nan")}, {"clock_offset_seconds": float("inf")},
    {"boot_time": FIRST}, {"boot_time": LAST}, {"disks": (disk(-1),)}, {"cpu_count": 10**30},
])  # fmt: skip
def test_facts_that_can_not_be_make_no_error_and_no_broken_json(tmp_path, changes):
    bundle(tmp_path, 1, locked(1), system=replace(FACTS, **changes))
    bundle(tmp_path, 2)
    assert run(tmp_path).exit_code == FAILURE_FOUND
    assert "NaN" not in run("--format", "json", tmp_path).stdout
    assert document(tmp_path)["problems"] == []


def test_practices_that_only_the_failed_violate_are_told(tmp_path):
    def practice(state: PracticeState) -> tuple[Practice, ...]:
        return (
            Practice("p1", CSE, state, "script can run twice", "no marker"),
            Practice("p2", CSE, "unknown", "x", "y"),
        )

    for n in range(3):
        bundle(tmp_path, n, locked(n), practices=practice("violated"))
        bundle(tmp_path, 10 + n, practices=practice("pass"))
    row = "- practice 'script can run twice' violated: 3 of 3 failed, 0 of 3 healthy; pass on healthy ones"
    assert row in " ".join(run(tmp_path).stdout.split())
