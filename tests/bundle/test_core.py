"""The core of a bundle and its parts: a real bundle, small enough, the same whenever it is made."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.bundle.core import LIMIT, core_bundle
from collector.bundle.core_store import CoreStore
from collector.bundle.parts import Part, count, joined, part_text, read_parts
from collector.bundle.reader import Bundle, glance, open_bundle
from collector.bundle.writer import write
from collector.errors import BundleError
from collector.model import (
    BundleInfo,
    Evidence,
    Excerpt,
    ExtensionState,
    LedgerEntry,
    Line,
    Practice,
    ProcessFacts,
    RedactedText,
    Report,
)
from tests.bundle.samples import CSE, EXCERPTS, FACTS, IDENTITY, REPORT, Sealer, finding, report, seal
from tests.collecting import Result, collect, failing_disk, vmext

OUTPUT = 4_096


def noise(name: str, length: int = 64) -> str:
    """Text that does not pack."""
    digits = "".join(hashlib.sha256(f"{name}{n}".encode()).hexdigest() for n in range(length // 64 + 1))
    return digits[:length]


def logs(sources: int, lines: int) -> tuple[Excerpt, ...]:
    return tuple(
        Excerpt(
            f"var/log/{s}.log", tuple(Line(n, noise(f"{s}.{n}")) for n in range(1, lines)), frozenset({5, lines - 9})
        )
        for s in range(sources)
    )


def made(folder: Path, report: Report) -> tuple[BundleInfo, bytes, Bundle]:
    info = write(report, seal=seal, audit=dict, folder=folder)
    core = core_bundle(glance(info.path), info, seal)
    return info, core, open_bundle(io.BytesIO(core))


HUGE = finding(message=noise("m", 5_000), detail=noise("d", 90_000), meaning=noise("x", 4_000), do=(noise("do", 900),) * 9,
               evidence=tuple(Evidence(f"a/{n}", n, None, noise(f"e{n}", 2_000)) for n in range(1, 60)))  # fmt: skip
REPORTS = {
    "ordinary": REPORT,
    "healthy": report(verdict="healthy", excerpts=()),
    "large logs": replace(REPORT, excerpts=(*logs(6, 2_000), *EXCERPTS)),
    "a crowd of sources": replace(REPORT, excerpts=logs(400, 30)),
    "many findings": report(*(finding(exit_code=n, message=noise(f"f{n}", 500)) for n in range(1, 120))),
    "endless texts": report(*([HUGE] * 30), excerpts=logs(3, 500)),
    "a long ledger": replace(
        REPORT, ledger=tuple(LedgerEntry(noise(f"l{n}"), "log", "denied", note="n" * 900) for n in range(3_000))
    ),
    "everything long": replace(
        report(*([HUGE] * 9), excerpts=logs(9, 900)),
        identity=replace(IDENTITY, instance_name=noise("i", 3_000), scale_set=noise("s", 3_000), os=noise("os", 3_000)),
        others=tuple(ExtensionState(noise(f"o{n}", 300), None, None, "error") for n in range(300)),
        practices=(Practice("p", CSE, "violated", noise("t", 900), noise("d", 900), noise("r", 900)),) * 90,
        system=replace(FACTS, processes=(ProcessFacts(1, "p", noise("c", 9_000), "s", None, 1.0, 1),) * 50),
    ),
}


@pytest.mark.parametrize("name", REPORTS)
def test_it_is_a_bundle_of_at_most_24_kb(tmp_path, name):
    info, core, bundle = made(tmp_path, REPORTS[name])
    assert len(core) <= LIMIT and count(len(core)) <= 9
    whole = open_bundle(info.path)
    assert bundle.manifest["core_of"] == {"id": info.id, "bytes": info.bytes, "sha256": info.sha256}
    assert (bundle.verdict, bundle.created, bundle.manifest["incident"]) == (
        whole.verdict,
        whole.created,
        whole.manifest["incident"],
    )
    assert bundle.id != info.id
    assert bool(bundle.findings) == bool(whole.findings)
    lines = sum(len(one.lines) for one in bundle.excerpts)
    before, after = whole.manifest["left_out"], bundle.manifest["left_out"]
    assert after["lines"] - before["lines"] + lines == sum(len(one.lines) for one in whole.excerpts)
    assert after["sources"] - before["sources"] + len(bundle.excerpts) == len(whole.excerpts)
    totals = json.loads(bundle.text("ledger.json"))
    assert totals["totals"] == json.loads(whole.text("ledger.json"))["totals"]
    assert len(bundle.ledger) + totals["entries_left_out"] == len(whole.ledger)


def test_it_is_the_same_bytes_whenever_it_is_made(tmp_path):
    info, core, _ = made(tmp_path, REPORTS["large logs"])
    time.sleep(0.01)
    os.utime(info.path, (1, 1))
    assert core_bundle(open_bundle(info.path), info, Sealer(RedactedText)) == core


def test_of_an_ordinary_bundle_only_records_and_quiet_lines_are_missing(tmp_path):
    info, _, bundle = made(tmp_path, REPORT)
    whole = open_bundle(info.path)
    assert bundle.findings == whole.findings
    assert bundle.failures == whole.failures
    assert bundle.states == whole.states
    assert bundle.excerpts == whole.excerpts
    assert [(one.path, one.outcome) for one in bundle.ledger if one.outcome == "truncated"] == [
        ("var/log/waagent.log", "truncated")
    ]
    assert bundle.summary.splitlines()[0] == whole.summary.splitlines()[0]
    assert "this is its core of at most 24 KB" in bundle.summary


def test_failing_lines_go_first_and_every_source_gets_its_share(tmp_path):
    _, _, bundle = made(tmp_path, REPORTS["large logs"])
    assert len(bundle.excerpts) == 9
    for excerpt in bundle.excerpts[:6]:
        assert excerpt.failing == {5, 1_991} and len(excerpt.lines) > 20


def test_what_did_not_pass_redaction_is_not_written(tmp_path):
    info = write(REPORT, seal=seal, audit=dict, folder=tmp_path)
    with pytest.raises(BundleError, match="did not pass redaction"):
        core_bundle(glance(info.path), info, Sealer(lambda text: text))
    with pytest.raises(BundleError, match="changed the hashes"):
        core_bundle(glance(info.path), info, Sealer(lambda text: RedactedText(text.replace("ab", "[x]"))))


def test_a_damaged_bundle_has_no_core(tmp_path):
    info = write(REPORT, seal=seal, audit=dict, folder=tmp_path)
    data = bytearray(info.path.read_bytes())
    data[200] ^= 0xFF
    with pytest.raises(BundleError):
        core_bundle(glance(io.BytesIO(data)), info, seal)


# ---- parts ---------------------------------------------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.integers(1, 60_000), st.randoms(use_true_random=False))
def test_parts_fit_into_run_command_and_join_in_any_order(length, random):
    core = random.randbytes(length)
    texts = [part_text(core, "ab" * 8, number) for number in range(1, count(length) + 1)]
    assert all(text.isascii() and len(text) + text.count("\n") <= OUTPUT for text in texts)
    random.shuffle(texts)
    parts, problems = read_parts("".join(texts))
    assert not problems and joined(parts) == core
    assert {(part.total, part.core.bundle, part.core.bytes) for part in parts} == {(len(texts), "ab" * 8, length)}


def test_24_kb_take_9_run_commands():
    assert count(LIMIT) == 9


def test_what_does_not_fit_together_is_said_so():
    one, other = b"a" * 9_000, b"b" * 9_000
    parts = [read_parts(part_text(one, "ab" * 8, number))[0][0] for number in (1, 2, 3, 4)]
    strange = read_parts(part_text(other, "cd" * 8, 2))[0][0]
    for wrong, told in (
        ([], "there is no part"),
        ([parts[0], parts[3]], "of 4 parts these are missing: 2, 3"),
        ([*parts[:1], strange, *parts[2:]], "parts of more than one bundle"),
        ([replace(parts[0], data=b"x" * len(parts[0].data)), *parts[1:]], "do not have the hash"),
    ):
        with pytest.raises(BundleError, match=told):
            joined(wrong)
    with pytest.raises(BundleError, match="has 4 parts, and no part 5"):
        part_text(one, "ab" * 8, 5)


@pytest.mark.parametrize(
    "fields", ["1:9", "0:9:" + "ab" * 8 + ":5:" + "c" * 64, "10:9:" + "ab" * 8 + ":5:" + "c" * 64, "1:9:zz:5:x"]
)
def test_a_part_of_something_else_is_refused(fields):
    from collector.bundle.block import render

    parts, problems = read_parts("\n".join(render("part", fields.split(":"), b"data", 64)))
    assert parts == [] and problems == ["a part can't be read: its first line is none of ours"]


# ---- the command on the instance -----------------------------------------------------------------------


def part(state: Path, number: object, *more: object) -> Result:
    return vmext("collect", "--state-dir", state, "--part", number, *more)


def only(text: str) -> Part:
    (found,), problems = read_parts(text)
    assert not problems
    return found


@pytest.fixture
def collected(tmp_path) -> tuple[Path, str]:
    """A state folder with one bundle in its spool, and the bundle's id."""
    state = tmp_path / "state"
    disk = failing_disk(tmp_path / "disk")
    lines = "".join(f"E: {noise(str(n))}\n" for n in range(400))
    (disk / "var/lib/waagent/custom-script/download/3/stderr").write_text(lines)
    return state, collect(disk, state).json["bundle"]["id"]


def test_the_first_part_makes_it_and_the_others_only_read_it(tmp_path, collected):
    state, bundle = collected
    first = part(state, 1)
    assert first.code == 0 and first.err == "" and len(first.out) + first.out.count("\n") <= OUTPUT
    assert (only(first.out).core.bundle, only(first.out).number) == (bundle, 1)
    total = only(first.out).total
    assert total > 2 and f"--part 2/{total} --bundle {bundle}" in first.out.splitlines()[-1]
    (state / "spool" / f"{bundle}.zip").unlink()  # delivered meanwhile
    other = collect(failing_disk(tmp_path / "other"), state).json["bundle"]["id"]
    texts = [first.out, *(part(state, f"{n}/{total}").out for n in range(2, total + 1))]
    core = joined(only(text) for text in texts)
    assert open_bundle(io.BytesIO(core)).manifest["core_of"]["id"] == bundle
    assert only(part(state, 1).out).core.bundle == other
    assert only(part(state, 1, "--bundle", bundle).out) == only(first.out)
    shown = tmp_path / "parts.txt"
    shown.write_text("\r\n".join(reversed(texts)))
    assert "VMEXT FAILED CustomScript exit 100" in vmext("show", shown).out


def test_what_cannot_be_given_is_told(tmp_path, collected):
    state, _ = collected
    total = only(part(state, 1).out).total
    for number, more, told in (
        (total + 1, (), f"has {total} parts, and no part {total + 1}"),
        (f"1/{total + 2}", (), f"has {total} parts, and no part 1/{total + 2}"),
        (1, ("--bundle", "ab" * 8), f"bundle {'ab' * 8} does not wait in {state} any more"),
    ):
        result = part(state, number, *more)
        assert result.code == 2 and told in result.err and result.out == ""
    empty = part(tmp_path / "empty", 1)
    assert empty.code == 2 and "no bundle waits in" in empty.err and not (tmp_path / "empty").exists()


def test_many_at_once_make_the_same(collected):
    state, _ = collected
    command = [sys.executable, "-m", "collector", "collect", "--state-dir", str(state), "--part", "1"]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    outputs = {child.communicate(timeout=60)[0] for child in children}
    assert len(outputs) == 1 and only(outputs.pop().decode()).number == 1
    assert [file.suffix for file in (state / "cores").iterdir()] == [".zip"]


def test_a_core_that_the_disk_damaged_is_made_again(collected):
    state, bundle = collected
    first = part(state, 1).out
    file = state / "cores" / f"{bundle}.core.zip"
    file.write_bytes(file.read_bytes()[:-30])
    assert part(state, 1).out == first


def test_a_folder_that_takes_no_core_costs_only_time(collected):
    state, _ = collected
    (state / "cores").write_text("a file where the folder should be")
    first = part(state, 1)
    assert first.code == 0
    assert only(part(state, 2).out).core == only(first.out).core


def test_few_are_kept_the_newest_and_nothing_of_stopped_runs(tmp_path):
    _, core, _ = made(tmp_path / "spool", REPORT)
    store = CoreStore(tmp_path / "cores")
    now = time.time()
    names = [f"{n:016x}" for n in range(7)]
    for number, name in enumerate(names):
        store.keep(name, core, now)
        store.begun(name, now - 100 + number)
    assert store.newest() == names[-1]
    assert sorted(file.name[:16] for file in (tmp_path / "cores").iterdir()) == names[-4:]
    store.begun(names[3], now)
    assert store.newest() == names[3] and store.get(names[0]) is None and store.get(names[3]) == core
    stale, fresh = tmp_path / "cores" / ".aa.partial", tmp_path / "cores" / ".bb.partial"
    for file, age in ((stale, 3_600), (fresh, 5)):
        file.write_bytes(b"half")
        os.utime(file, (now - age, now - age))
    store.keep(names[6], core, now)
    assert fresh.exists() and not stale.exists(), "another run may still be writing"
    store.keep(names[6], core, now + 8 * 86_400)
    assert [file.name for file in (tmp_path / "cores").iterdir()] == [f"{names[6]}.core.zip"]
