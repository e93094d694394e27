"""The verdict as people and scripts get it: what it says, in which order, within which limit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from collector.bundle.summary import summary_text, verdict_json, verdict_text
from collector.model import (
    BundleInfo,
    Cause,
    Delivery,
    Evidence,
    ExtensionState,
    Identity,
    LedgerEntry,
    Report,
    SystemFacts,
    Window,
)
from tests.bundle.samples import CSE, IDENTITY, LEDGER, REPORT, at, finding, local, report

STATE = Path("/var/lib/vmext")
BUNDLE = BundleInfo("a1b2c3d4e5f60718", STATE / "spool" / "a1b2c3d4e5f60718.zip", 212_000, "ab" * 32)
DELIVERED = Delivery("delivered", received=at("10:31:07"))
WINDOWS_CSE = "Microsoft.Compute.CustomScriptExtension"

EXAMPLE = """\
VMEXT FAILED CustomScript exit 100: package manager locked
Owner  your script
Where  vmss-web_12 of vmss-web (rg-web), Ubuntu 22.04, agent 2.15.0.1
When   2026-11-23 10:02:11Z to 10:02:19Z; window 09:47:11Z to 10:17:19Z (failure in 3.status)
What   Microsoft.Azure.Extensions.CustomScript 2.1.19 enable, sequence 3
Proof  E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1873 (unattended-upgr)
       /var/lib/waagent/custom-script/download/3/stderr:14; 1 failure told by 4 sources
Cause  first-boot upgrade held the lock; it is free now
Do     let the script wait for the lock, then run it again
       apt-get -o DPkg::Lock::Timeout=600 install -y nginx
       az vmss extension set -g rg-web --vmss-name vmss-web -n CustomScript \
--publisher Microsoft.Azure.Extensions --version 2.1 --settings settings.json --force-update
Don't  reinstall unchanged or scale out: the same race
Others AzureMonitorLinuxAgent success
Ids    correlation ffffffff-0000-1111-2222-333333333333;
       activity aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee; vmId 11111111-2222-3333-4444-555555555555;
       container 66666666-7777-8888-9999-000000000000
Gaps   3 of 4 sources read, 1 truncated: /var/log/waagent.log
Bundle a1b2c3d4e5f60718, 212 KB, delivered 10:31:07Z
VMEXT FAILED CustomScript exit 100; bundle a1b2c3d4e5f60718 delivered
"""


def lines(report: Report, delivery: Delivery | None = DELIVERED, bundle: BundleInfo | None = BUNDLE) -> list[str]:
    return verdict_text(report, bundle, delivery).splitlines()


def part(report: Report, label: str, delivery: Delivery | None = DELIVERED) -> list[str]:
    """The rows of one label, without it."""
    rows, inside = [], False
    for row in lines(report, delivery)[1:-1]:
        inside = row[:7].strip() == label or (inside and row.startswith(" " * 7))
        if inside:
            rows.append(row[7:])
    return rows


def test_the_whole_verdict():
    plain = replace(IDENTITY, computer_name=None, location=None, zone=None, resource_id=None)
    assert verdict_text(replace(REPORT, identity=plain), BUNDLE, DELIVERED) == EXAMPLE


def hang(**changes: object) -> Report:
    changes = {"kind": "hang", "exit_code": None, "title": "no end within its limit", **changes}
    return report(finding(**changes), verdict="hanging")


@pytest.mark.parametrize(
    ("report", "first"),
    [
        (REPORT, "VMEXT FAILED CustomScript exit 100: package manager locked"),
        (report(finding(title="")), "VMEXT FAILED CustomScript exit 100"),
        (
            report(finding(name="MountData", exit_code=32, title="mount point missing")),
            "VMEXT FAILED CustomScript MountData exit 32: mount point missing",
        ),
        (
            report(finding(exit_code=None, operation="Install", title="server refused")),
            "VMEXT FAILED CustomScript install: server refused",
        ),
        (
            report(finding(exit_code=None, operation=None, extension="odd", title="x")),
            "VMEXT FAILED odd: x",
        ),
        (
            report(finding(extension=WINDOWS_CSE, exit_code=-2146762495, title="x")),
            "VMEXT FAILED CustomScriptExtension exit -2146762495 (0x800B0101): x",
        ),
        (
            report(finding(exit_code=2148204801, title="x")),
            "VMEXT FAILED CustomScript exit -2146762495 (0x800B0101): x",
        ),
        (report(finding(exit_code=-1, title="x")), "VMEXT FAILED CustomScript exit -1 (0xFFFFFFFF): x"),
        (report(finding(exit_code=1618, title="x")), "VMEXT FAILED CustomScript exit 1618 (0x00000652): x"),
        (report(finding(exit_code=255, title="x")), "VMEXT FAILED CustomScript exit 255: x"),
        (report(finding(exit_code=0, title="x")), "VMEXT FAILED CustomScript exit 0: x"),
        (
            hang(hang_since=at("10:02:50")),
            "VMEXT HANGING CustomScript enable since 10:02:50Z: no end within its limit",
        ),
        (
            hang(hang_since=at("10:02:50", "2025-01-02")),
            "VMEXT HANGING CustomScript enable since 2025-01-02 10:02:50Z: no end within its limit",
        ),
        (
            hang(hang_since=local("10:02:50")),
            "VMEXT HANGING CustomScript enable since 2026-11-23 10:02:50 local time: no end within its limit",
        ),
        (hang(hang_since=None), "VMEXT HANGING CustomScript enable: no end within its limit"),
        (report(verdict="healthy"), "VMEXT HEALTHY no extension failure found"),
        (
            report(finding(kind="warning"), verdict="healthy"),
            "VMEXT HEALTHY no extension failure found; 1 warning",
        ),
        (report(verdict="nothing-found"), "VMEXT NOTHING FOUND no extension logs below /"),
        (
            report(verdict="nothing-found", identity=Identity("windows")),
            "VMEXT NOTHING FOUND no extension logs below C:\\",
        ),
        (
            report(verdict="nothing-found", system=SystemFacts(False)),
            "VMEXT NOTHING FOUND no extension logs below the given root",
        ),
    ],
)  # fmt: skip
def test_the_first_line_answers(report, first):
    assert lines(report)[0] == first


@pytest.mark.parametrize(
    ("bundle", "delivery", "last"),
    [
        (BUNDLE, DELIVERED, "bundle a1b2c3d4e5f60718 delivered"),
        (BUNDLE, Delivery("spooled"), "bundle a1b2c3d4e5f60718 not delivered"),
        (BUNDLE, Delivery("skipped"), "bundle a1b2c3d4e5f60718 not sent: no upload was asked for"),
        (BUNDLE, Delivery("skipped", error="disk full"), "bundle a1b2c3d4e5f60718 not delivered"),
        (BUNDLE, None, "bundle a1b2c3d4e5f60718 not sent: no upload was asked for"),
        (None, None, "no bundle, not delivered"),
    ],
)  # fmt: skip
def test_the_last_line_repeats_it(bundle, delivery, last):
    assert lines(REPORT, delivery, bundle)[-1] == f"VMEXT FAILED CustomScript exit 100; {last}"


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        ("script", "your script"),
        ("extension", "the extension and its publisher"),
        ("guest", "this instance: its operating system or its settings"),
        ("network", "the network of this instance"),
        ("platform", "the Azure platform"),
        ("unknown", "unknown: the evidence does not tell"),
    ],
)
def test_whose_it_is(owner, words):
    assert part(report(finding(owner=owner)), "Owner") == [words]


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        (Identity("linux"), "instance unknown, Linux, agent version unknown"),
        (Identity("windows", computer_name="web0"), "web0, Windows, agent version unknown"),
        (
            Identity("linux", scale_set="s", instance_id="7", image="Canonical:jammy"),
            "instance unknown, id 7 of s, Canonical:jammy, agent version unknown",
        ),
        (
            replace(IDENTITY, resource_group=None, agent_version="2"),
            "vmss-web_12 (computer vmss-web00000C) of vmss-web, Ubuntu 22.04, agent 2, westeurope zone 2",
        ),
    ],
)
def test_who_says_it(identity, words):
    assert " ".join(part(replace(REPORT, identity=identity), "Where")) == words


WINDOW = "window 2026-11-23 09:47:11Z to 10:17:19Z (failure in 3.status)"
SAME_DAY = "window 09:47:11Z to 10:17:19Z (failure in 3.status)"


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (report(finding(last_time=at("10:02:11"))), f"2026-11-23 10:02:11Z; {SAME_DAY}"),
        (
            report(finding(first_time=at("23:59:59", "2026-11-22"))),
            f"2026-11-22 23:59:59Z to 2026-11-23 10:02:19Z; {WINDOW}",
        ),
        (
            report(finding(first_time=local("10:02:11"), last_time=local("10:02:19"))),
            f"2026-11-23 10:02:11 to 10:02:19 local time, zone unknown; {SAME_DAY}",
        ),
        (report(finding(first_time=None, last_time=None)), f"time unknown; {WINDOW}"),
        (
            hang(hang_since=at("10:02:50"), limit_seconds=300),
            f"since 2026-11-23 10:02:50Z, no end seen, limit 300 s; {SAME_DAY}",
        ),
        (
            hang(hang_since=at("10:02:50"), last_time=at("10:07:50"), limit_seconds=300),
            f"since 2026-11-23 10:02:50Z, not ended by 10:07:50Z, limit 300 s; {SAME_DAY}",
        ),
        (
            hang(hang_since=local("10:02:50"), limit_seconds=5_400),
            f"since 2026-11-23 10:02:50 local time, zone unknown, no end seen, limit 90 min; {SAME_DAY}",
        ),
        (
            report(verdict="healthy", window=Window(None, None, "everything was read")),
            "window unlimited (everything was read)",
        ),
        (
            report(verdict="healthy", window=Window(at("09:00:00"), None, "asked for by --since/--until")),
            "window from 2026-11-23 09:00:00Z (asked for by --since/--until)",
        ),
        (
            report(verdict="healthy", window=Window(None, at("09:00:00"), "asked for")),
            "window until 2026-11-23 09:00:00Z (asked for)",
        ),
    ],
)
def test_when_and_which_window_was_read_and_why(report, words):
    assert " ".join(part(report, "When")) == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "MountData"}, f'{CSE} 2.1.19 enable, "MountData", sequence 3'),
        ({"agent_code": 1009, "sequence": None}, f"{CSE} 2.1.19 enable, agent code 1009"),
        ({"version": None, "operation": None, "sequence": 0}, f"{CSE}, sequence 0"),
        ({"caused_by": "Some.Other"}, f"{CSE} 2.1.19 enable, sequence 3, follows from Other"),
    ],
)
def test_what_failed(changes, words):
    assert part(report(finding(**changes)), "What") == [words]


def test_the_proof_is_one_line_that_can_be_searched_for():
    text = "E: " + "a long reason " * 20 + "end"
    assert part(report(finding(message=text)), "Proof")[0] == text


def test_the_proof_names_a_windows_file_as_windows_does():
    evidence = (Evidence("WindowsAzure/Logs/WaAppAgent.log", 7, None, "boom"),)
    shown = report(finding(message="boom", evidence=evidence, count=3), identity=Identity("windows"))
    assert part(shown, "Proof") == [
        "boom",
        "C:\\WindowsAzure\\Logs\\WaAppAgent.log:7; 3 failures told by 1 source",
    ]


def test_repeats_that_collecting_caused_are_counted_apart():
    told = part(report(finding(repeats_after_collect=2)), "Proof")[1]
    assert told.endswith("told by 4 sources, repeated 2 more times because collecting re-enabled it")


@pytest.mark.parametrize(
    ("confidence", "meaning", "words"),
    [("high", "it broke", "it broke"), ("medium", "it broke", "probably: it broke"),
     ("low", "it broke", "perhaps: it broke"), ("low", "", "unknown")],
)  # fmt: skip
def test_how_sure_the_cause_is(confidence, meaning, words):
    assert part(report(finding(confidence=confidence, meaning=meaning)), "Cause") == [words]


def test_commands_stay_whole_and_on_their_own_lines():
    long = "az vm extension set " + "--settings x " * 12
    several = "cat <<'EOF' >/etc/x\nwait  for it\nEOF"
    assert part(report(finding(do=(long, several))), "Do")[1:] == [long.strip(), *several.split("\n")]


def test_commands_that_do_not_fit_are_counted_not_cut():
    rows = part(report(finding(do=("echo short", "echo " + "x" * 3_000, "echo " + "y" * 3_000))), "Do")
    assert rows[1:] == ["echo short", "(2 more steps in the bundle's report.html)"]


def test_other_findings_are_one_line_each_and_consequences_are_said_to_be_ones():
    follower = finding(extension="A.DependencyAgentLinux", exit_code=None, caused_by=CSE)
    hanging = finding(extension="A.Hanger", kind="hang", title="no end")
    assert part(report(follower, finding(), hanging), "Also") == [
        "DependencyAgentLinux enable: follows from CustomScript",
        "Hanger enable: hangs: no end",
    ]


def test_a_consequence_is_not_the_answer():
    follower = finding(extension="A.Follower", caused_by=CSE, title="skipped")
    assert lines(report(follower, finding()))[0].startswith("VMEXT FAILED CustomScript exit 100")


def test_many_other_findings_are_counted():
    rows = part(report(*(finding(extension=f"A.E{number}") for number in range(20))), "Also")
    assert len(rows) == 7
    assert rows[-1] == "13 more findings in the bundle"


def test_the_other_extensions_without_those_already_told_those_in_trouble_first():
    states = (
        ExtensionState("A.Good", None, "1", "success"),
        ExtensionState(CSE, None, "2.1.19", "error"),
        ExtensionState("A.Handler", "Nightly", "1", "transitioning"),
    )
    shown = replace(REPORT, others=states)
    assert part(shown, "Others") == ["Handler Nightly transitioning, Good success"]
    assert part(replace(REPORT, others=states[1:2]), "Others") == ["none"]
    assert part(replace(shown, findings=(), verdict="healthy"), "States") == [
        "CustomScript error, Handler Nightly transitioning, Good success"
    ]


def test_unknown_ids_are_said_to_be_unknown():
    assert part(replace(REPORT, identity=Identity("linux", vm_id="11")), "Ids") == [
        "correlation unknown; activity unknown; vmId 11; container unknown"
    ]


@pytest.mark.parametrize(
    ("ledger", "words"),
    [
        ((), "0 of 0 sources read"),
        (LEDGER[1:], "3 of 3 sources read"),
        (
            (*LEDGER, LedgerEntry("a", "log", "denied"), LedgerEntry("b", "status", "undecodable")),
            "3 of 6 sources read, 1 denied, 1 truncated, 1 undecodable: /var/log/waagent.log, /a, /b; run as root",
        ),
        (
            (LedgerEntry("a", "log", "dropped"), LedgerEntry("b", "log", "outside-window")),
            "1 of 2 sources read, 1 outside the window, 1 left out of the bundle for its size",
        ),
    ],
)
def test_what_was_not_read(ledger, words):
    assert " ".join(part(replace(REPORT, ledger=ledger), "Gaps")) == words


@pytest.mark.parametrize(
    ("delivery", "rows"),
    [
        (
            Delivery("delivered", "https://logs.example", None, at("00:01:00", "2026-11-24")),
            ["a1b2c3d4e5f60718, 212 KB, delivered 2026-11-24 00:01:00Z to https://logs.example"],
        ),
        (
            Delivery("spooled", "https://logs.example", "connection refused"),
            [
                "a1b2c3d4e5f60718, 212 KB, NOT DELIVERED: connection refused",
                f"it lies in {BUNDLE.path}",
                f"send it with: vmext upload --state-dir {STATE}",
            ],
        ),
        (
            Delivery("skipped"),
            [
                "a1b2c3d4e5f60718, 212 KB, not sent: no upload was asked for",
                f"it lies in {BUNDLE.path}",
            ],
        ),
    ],
)
def test_where_the_bundle_is(delivery, rows):
    assert part(REPORT, "Bundle", delivery) == rows


def test_no_bundle_says_why():
    text = verdict_text(REPORT, None, Delivery("skipped", error="the disk is full"))
    assert "\nBundle none could be written: the disk is full\n" in text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Zugriff verweigert – \u201eüber\u201c Größe …", 'Zugriff verweigert - "uber" Grosse ...'),
        ("Не найден", "\\u041d\\u0435 \\u043d\\u0430\\u0438\\u0434\\u0435\\u043d"),  # the breve is an accent
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("tab\tand\u00a0space", "tab and space"),
        ("\U0001f600\udcff", "\\U0001f600\\udcff"),
    ],
)
def test_anything_but_ascii_is_made_plain(text, plain):
    assert part(report(finding(message=text)), "Proof")[0] == plain


def test_the_labels_come_in_their_order():
    labels = [row[:7].strip() for row in lines(REPORT)[1:-1] if row[:7].strip()]
    order = "Owner Where When What Proof Cause Do Don't Others Ids Gaps Bundle"
    assert labels == order.split()


def test_nothing_found_says_what_to_do():
    nothing = report(verdict="nothing-found", ledger=LEDGER[-1:], others=(), system=SystemFacts(False))
    assert part(nothing, "Cause") == ["nothing lies in 1 known place"]
    assert part(nothing, "Do") == ["check that --root is the folder that holds the disk's var or WindowsAzure folder"]


def test_the_bundles_own_summary_names_the_bundle():
    rows = summary_text(REPORT, "a1b2c3d4e5f60718").splitlines()
    assert rows[0] == "VMEXT FAILED CustomScript exit 100: package manager locked"
    assert rows[-1] == "VMEXT FAILED CustomScript exit 100; bundle a1b2c3d4e5f60718"


# ---- the same for scripts ------------------------------------------------------------------------------


def test_one_json_object_with_every_field_of_the_contract():
    text = verdict_json(REPORT, BUNDLE, Delivery("spooled", "https://logs.example", "refused"))
    document = json.loads(text)
    assert text.count("\n") == 1
    assert document["schema"] == 1
    assert document["verdict"] == "failed"
    assert document["instance"] == "vmss-web_12"
    assert document["window"]["reason"] == "failure in 3.status"
    assert document["bundle"] == {
        "id": BUNDLE.id,
        "path": str(BUNDLE.path),
        "bytes": 212_000,
        "sha256": "ab" * 32,
    }
    assert document["delivery"] == {
        "state": "spooled",
        "target": "https://logs.example",
        "error": "refused",
        "received": None,
    }
    assert [entry["exit_code"] for entry in document["findings"]] == [100]
    assert document["findings"][0]["do"] == list(REPORT.findings[0].do)


def test_what_is_not_there_is_null():
    nobody = replace(REPORT, identity=Identity("linux"), window=Window(None, None, "none"), findings=())
    document = json.loads(verdict_json(nobody, None, None))
    assert document["instance"] is None
    assert document["bundle"] is None
    assert document["window"]["start"] is None
    assert document["delivery"]["state"] == "skipped"
    assert document["findings"] == []


def test_long_texts_are_shortened_before_findings_are_dropped():
    long = report(*(finding(id=str(number), message="m" * 3_000, meaning="x" * 3_000) for number in range(2)))
    document = json.loads(verdict_json(long, BUNDLE, DELIVERED))
    assert [entry["id"] for entry in document["findings"]] == ["0", "1"]
    assert document["findings"][0]["message"].endswith("m...")


def test_of_too_many_findings_the_most_important_stay():
    many = report(*(finding(id=str(number)) for number in range(40)))
    document = json.loads(verdict_json(many, BUNDLE, DELIVERED))
    kept = [entry["id"] for entry in document["findings"]]
    assert kept == [str(number) for number in range(len(kept))]
    assert len(kept) >= 3
    assert document["findings_total"] == 40


def test_an_added_field_goes_before_a_field_of_the_contract():
    long = report(*(finding(do=("x" * 1_000,) * 12) for _ in range(3)))
    document = json.loads(verdict_json(long, BUNDLE, DELIVERED))
    assert len(document["findings"]) == 3
    assert "do" not in document["findings"][0]
    assert document["findings"][0]["agent_code"] is None


def test_the_proof_is_the_line_that_tells_the_cause():
    """Where the telling line tells another thing; a hang's own line stays where its cause is a guess."""
    said = Evidence("var/log/a/handler.log", 4, None, "curl: (6) Could not resolve host", "telling")
    named = Cause("network-002", "name can't be resolved", "script", "medium", "m", "r", "", (said,))
    assert part(report(finding(causes=(named,))), "Proof")[0] == said.text
    assert part(report(finding(causes=(replace(named, evidence=()),))), "Proof")[0] == finding().failure.message
    guessed = finding(causes=(named,), kind="hang", confidence="low")
    assert part(report(guessed), "Proof")[0] == guessed.failure.message


def test_a_line_of_the_text_around_is_told_as_seen():
    said = Evidence("", 0, None, "E: Unable to locate package x", "context")
    named = Cause("package-002", "package", "script", "medium", "m", "r", "", (said,))
    assert part(report(finding(causes=(named,))), "Seen") == [said.text]
