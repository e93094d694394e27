"""One zip, whole or not at all, redacted or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import signal
import stat
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from collector.bundle.reader import open_bundle
from collector.bundle.sealing import checked
from collector.bundle.writer import copy, write
from collector.errors import BundleError
from collector.model import BundleInfo, Excerpt, Line, RedactedText, Report
from tests.bundle.samples import EVENTS, EXCERPTS, FACTS, FINDING, IDENTITY, LEDGER, REPORT, Sealer, at, seal

MEMBERS = [
    "findings.json",
    "failures.json",
    "events.jsonl",
    "excerpts/var/log/waagent.log.txt",
    "excerpts/var/log/azure/Microsoft.Azure.Extensions.CustomScript/handler.log.txt",
    "excerpts/var/lib/waagent/custom-script/download/3/stderr.txt",
    "ledger.json",
    "practices.json",
    "system.json",
    "redactions.json",
    "report.html",
    "summary.txt",
    "manifest.json",
]


def write_to(folder: Path, report: Report = REPORT, **options: Any) -> BundleInfo:
    return write(report, seal=seal, audit=lambda: {"schema": 1, "total": 0}, folder=folder, **options)


def noisy(sources: int, lines: int) -> Report:
    """Logs that can hardly be compressed."""
    chance = random.Random(7)
    parts = tuple(
        Excerpt(
            f"var/log/{number}.log",
            tuple(Line(index, f"{chance.getrandbits(800):x}") for index in range(1, lines + 1)),
            frozenset({lines // 2}),
        )
        for number in range(sources)
    )
    return replace(REPORT, excerpts=parts)


# ---- what is in it -------------------------------------------------------------------------------------


def test_what_was_written_is_what_is_read(tmp_path):
    info = write_to(tmp_path, budget_bytes=5_000_000)
    bundle = open_bundle(info.path)
    assert bundle.id == info.id == info.path.stem
    assert list(bundle.names) == MEMBERS
    assert bundle.failures == REPORT.failures
    assert bundle.states == REPORT.others
    assert bundle.excerpts == EXCERPTS
    assert bundle.ledger == LEDGER
    assert bundle.identity == IDENTITY
    assert bundle.facts == FACTS
    assert bundle.window == REPORT.window
    assert (bundle.created, bundle.verdict) == (REPORT.created, "failed")
    assert bundle.findings[0]["message"] == FINDING.failure.message
    assert [event["Body"] for event in bundle.events()] == [event.message for event in EVENTS]
    assert bundle.redactions == {"schema": 1, "total": 0}
    assert bundle.summary.splitlines()[-1] == f"VMEXT FAILED CustomScript exit 100; bundle {info.id}"
    assert info.id in bundle.report


def test_the_manifest_names_every_member_with_size_and_hash(tmp_path):
    info = write_to(tmp_path, budget={"bytes_per_source": 150})
    assert info.sha256 == hashlib.sha256(info.path.read_bytes()).hexdigest()
    assert info.bytes == info.path.stat().st_size
    with zipfile.ZipFile(info.path) as zipped:
        manifest = json.loads(zipped.read("manifest.json"))
        for member in manifest["members"]:
            data = zipped.read(member["name"])
            assert (member["bytes"], member["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert [member["name"] for member in manifest["members"]] == MEMBERS[:-1]
    assert manifest["members"][3]["source"] == "var/log/waagent.log"
    assert manifest["budget"] == {"bytes_per_bundle": 5_000_000, "bytes_per_source": 150}
    assert manifest["instance"] == "vmss-web_12"
    assert manifest["schema"] == 1


def test_the_id_is_made_as_documented(tmp_path):
    info = write_to(tmp_path)
    with zipfile.ZipFile(info.path) as zipped:
        manifest = json.loads(zipped.read("manifest.json"))
        hashes = [
            [name, hashlib.sha256(zipped.read(name)).hexdigest()]
            for name in zipped.namelist()
            if name not in ("report.html", "summary.txt", "manifest.json")
        ]
    text = json.dumps([manifest["incident"], hashes], separators=(",", ":"))
    assert info.id == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_the_same_report_gives_the_same_bytes(tmp_path):
    one, two = write_to(tmp_path / "one"), write_to(tmp_path / "two")
    assert one.path.read_bytes() == two.path.read_bytes()
    assert (one.id, one.sha256) == (two.id, two.sha256)


@pytest.mark.parametrize(
    "other",
    [
        replace(REPORT, created=at("10:31:06")),
        replace(REPORT, ledger=LEDGER[:1]),
        replace(REPORT, excerpts=EXCERPTS[:1]),
        replace(REPORT, findings=()),
    ],
)
def test_another_content_has_another_id(tmp_path, other):
    assert write_to(tmp_path, other).id != write_to(tmp_path).id


def test_text_that_is_no_unicode_is_written_all_the_same(tmp_path):
    odd = replace(REPORT, excerpts=(Excerpt("a\udcff", (Line(1, "b\udcff\u2028c"),), frozenset({1})),))
    odd = replace(odd, events=(replace(EVENTS[0], message="d\udcff\u2028e"),))
    bundle = open_bundle(write_to(tmp_path, odd).path)
    assert bundle.excerpts[0].lines[0].text == "b?\u2028c"
    assert [event["Body"] for event in bundle.events()] == ["d?\u2028e"]
    assert len(bundle.text("events.jsonl").splitlines()) == 1


# ---- redacted or not at all ----------------------------------------------------------------------------


def test_text_that_did_not_pass_redaction_is_never_written(tmp_path):
    with pytest.raises(BundleError, match="did not pass redaction"):
        write(REPORT, seal=Sealer(str), audit=dict, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_unredacted_member_is_enough(tmp_path):
    def forgetful(text: str) -> RedactedText:
        return text if text.startswith("<!DOCTYPE") else RedactedText(text)  # type: ignore[return-value]

    with pytest.raises(BundleError, match=r"report\.html did not pass redaction"):
        write(REPORT, seal=Sealer(forgetful), audit=dict, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_work_on_redacted_text_makes_it_plain_again():
    with pytest.raises(BundleError, match=r"x\.txt"):
        checked("x.txt", RedactedText("a") + "b")


def test_a_redactor_that_takes_hashes_for_keys_is_noticed(tmp_path):
    with pytest.raises(BundleError, match="changed the hashes"):
        write(
            REPORT,
            seal=Sealer(lambda text: RedactedText(re.sub("[0-9a-f]{64}", "***", text))),
            audit=dict,
            folder=tmp_path,
        )
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_redactor_leaves_nothing_behind(tmp_path):
    def broken(text: str) -> RedactedText:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write(REPORT, seal=Sealer(broken), audit=dict, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


# ---- the budget ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", [100_000, 400_000, 1_500_000])
def test_a_bundle_keeps_to_its_budget_and_counts_the_rest(tmp_path, budget):
    report = noisy(sources=8, lines=2_000)
    info = write_to(tmp_path, report, budget_bytes=budget)
    assert info.bytes <= budget
    bundle = open_bundle(info.path)
    kept = sum(len(excerpt.lines) for excerpt in bundle.excerpts)
    assert kept + bundle.manifest["left_out"]["lines"] == 16_000
    assert len(bundle.excerpts) == 8
    assert all(excerpt.failing == {1_000} for excerpt in bundle.excerpts)
    assert all(1_000 in {line.number for line in excerpt.lines} for excerpt in bundle.excerpts)


def test_a_budget_that_nothing_fits_still_gives_the_findings(tmp_path):
    bundle = open_bundle(write_to(tmp_path, noisy(sources=2, lines=100), budget_bytes=1).path)
    assert bundle.findings[0]["exit_code"] == 100
    assert bundle.excerpts == ()
    assert list(bundle.events()) == []
    assert bundle.manifest["left_out"] == {"lines": 200, "events": 2, "sources": 2}


def test_only_the_last_try_stays_in_the_folder(tmp_path):
    info = write_to(tmp_path, noisy(sources=8, lines=2_000), budget_bytes=100_000)
    assert list(tmp_path.iterdir()) == [info.path]


# ---- the folder ----------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps access lists, not modes")
def test_only_the_owner_can_read_it(tmp_path):
    folder = tmp_path / "new" / "spool"
    old = os.umask(0)
    try:
        info = write_to(folder)
    finally:
        os.umask(old)
    assert stat.S_IMODE(info.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_a_dead_run_left_is_removed_and_what_is_alive_is_not(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / f".{dead.pid}-000000000000.partial"
    own = tmp_path / f".{os.getpid()}-111111111111.partial"
    old = tmp_path / f".{os.getpid()}-222222222222.partial"
    odd = tmp_path / ".nobody.partial"
    other = tmp_path / "someone-elses.partial"
    for file in (left, own, old, odd, other):
        file.touch()
    os.utime(old, (time.time() - 7_200,) * 2)
    info = write_to(tmp_path)
    assert set(tmp_path.iterdir()) == {own, other, info.path}


def test_a_copy_is_as_whole_as_the_bundle_and_leaves_nothing_else(tmp_path):
    info, folder = write_to(tmp_path / "spool"), tmp_path / "new" / "copies"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    folder.mkdir(parents=True)
    (folder / f".{dead.pid}-000000000000.partial").touch()
    made = copy(info, folder)
    assert made == replace(info, path=folder / info.path.name)
    assert list(folder.iterdir()) == [made.path]
    assert made.path.read_bytes() == info.path.read_bytes()
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        copy(info, tmp_path / "file")


def test_a_folder_that_can_not_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BundleError, match=r"can't be written to .*file[/\\]spool") as error:
        write_to(tmp_path / "file" / "spool")
    assert "--state-dir" in error.value.hint


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    """A limit on the size of files stands for the disk's: the write fails in its middle just the same."""
    resource = pytest.importorskip("resource", reason="Windows has no limit on the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
    try:
        with pytest.raises(BundleError, match=r"can't be written to .*too large"):
            write_to(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert list(tmp_path.iterdir()) == []
