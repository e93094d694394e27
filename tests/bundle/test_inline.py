"""Findings inside the verdict: within the limit, and read back from whatever was put around them."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import textwrap
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from collector.bundle.block import Block, Damaged, find, render, room
from collector.bundle.inline import DICTIONARY, inline_text, with_hint
from collector.bundle.inline_reader import read_inline, rows
from collector.bundle.summary import verdict_text
from collector.errors import BundleError
from collector.fleet.ask.verdicts import read_verdict
from collector.model import BundleInfo, Cause, Delivery, Evidence, Excerpt, Line
from tests.bundle.samples import EXCERPTS, LOCKED, REPORT, STDERR, at, finding, report
from tests.bundle.test_limit import bundles, deliveries, many, reports
from tests.collecting import STDERR as STDERR_FILE
from tests.collecting import failing_disk, put, vmext

LIMIT = 4_096
ADLER = 1918233027
BUNDLE = BundleInfo("a1b2c3d4e5f60718", Path("/var/lib/vmext/spool/a1b2c3d4e5f60718.zip"), 23_456, "ab" * 32)
REFUSED = Delivery("spooled", "https://support.example", "support.example refused the connection")


def told(text: str) -> str:
    """What show prints of the only block in the text."""
    (inline,), problems = read_inline(text)
    assert not problems
    return "\n".join(rows(inline))


def sample(number: int = 1) -> str:
    """The verdict of so many findings, each of its own text."""
    more = [finding(exit_code=n, message=f"{n}: {hashlib.sha256(b'%d' % n).hexdigest()}") for n in range(2, number + 1)]
    return inline_text(report(finding(), *more), BUNDLE, REFUSED)


# ---- what is printed -----------------------------------------------------------------------------------


@many
@given(reports, bundles, deliveries)
def test_whatever_was_found_it_stays_within_the_limit_and_is_read_back(report, bundle, delivery):
    text = inline_text(report, bundle, delivery or Delivery("skipped"))
    assert text.isascii()
    assert len(text) + text.count("\n") <= LIMIT, "a console may make two bytes of each line end"
    lines = text.rstrip("\n").split("\n")
    assert lines[0].startswith("VMEXT ") and lines[-1].startswith("VMEXT ") and lines[-2] == "#vmext-inline-end#"
    (inline,), problems = read_inline(text)
    assert not problems
    assert inline.report.verdict == report.verdict and inline.total == len(report.findings)
    assert not report.findings or inline.report.findings, "the first finding is always told"
    assert (inline.bundle.sha256 if inline.bundle else None) == (bundle.sha256 if bundle else None)
    assert next(rows(inline)).startswith("VMEXT ")


def test_nothing_of_an_ordinary_report_is_lost():
    causes = (
        Cause("package-manager-locked", "package manager locked", "script", "high", "m", "r", "",
              (Evidence("", 0, None, "unattended-upgr holds the lock since 10:01", "fact"),)),
        Cause("mirror-busy", "mirror busy", "network", "low", "other", "wait", "", ()),
    )  # fmt: skip
    one = finding(causes=causes)
    text = inline_text(report(one), BUNDLE, REFUSED)
    assert set(verdict_text(report(one), BUNDLE, REFUSED).splitlines()) <= set(text.splitlines())
    (inline,), _ = read_inline(text)
    assert inline.report.findings == (one,)
    assert inline.report.identity == REPORT.identity
    assert inline.report.window == REPORT.window
    assert inline.report.created == REPORT.created
    assert inline.report.excerpts == (EXCERPTS[2],)
    assert (inline.bundle and inline.bundle.id, inline.delivery) == (BUNDLE.id, REFUSED)


def test_as_many_findings_as_fit_the_first_the_fullest():
    (inline,), _ = read_inline(sample(200))
    found = inline.report.findings
    assert inline.total == 200 and 10 < len(found) < 200
    assert [one.failure.exit_code for one in found] == [100, *range(2, len(found) + 1)]
    assert found[0].do and len(found[0].failure.evidence) == 5
    assert f"200 findings, {200 - len(found)} did not fit" in told(sample(200))


def test_the_lines_around_the_proof_fill_what_is_left_and_cost_no_word_of_the_verdict():
    lines = tuple(Line(n, hashlib.sha256(b"%d" % n).hexdigest() if n != 14 else LOCKED) for n in range(1, 400))
    long = replace(REPORT, excerpts=(Excerpt(STDERR, lines, frozenset({3, 14, 300})),))
    text = inline_text(long, BUNDLE, REFUSED)
    assert set(verdict_text(long, BUNDLE, REFUSED).splitlines()) <= set(text.splitlines())
    (inline,), _ = read_inline(text)
    (around,) = inline.report.excerpts
    assert [line.number for line in around.lines] == list(range(14 - 6, 14 + 7))
    assert (around.failing, around.left_out) == (frozenset({14}), 399 - 13)
    shown = told(text).splitlines()
    at = shown.index("Around it: /var/lib/waagent/custom-script/download/3/stderr")
    assert shown[at + 7].startswith(">    14 E: Could not get lock")


def test_it_is_told_as_show_tells_a_bundle():
    shown = told(sample()).splitlines()
    whole = verdict_text(REPORT, BUNDLE, REFUSED).splitlines()
    same = whole[: next(n for n, line in enumerate(whole) if line.startswith("Bundle"))]
    assert shown[: len(same)] == same
    assert "sha256" in told(sample()) and BUNDLE.sha256 in told(sample())
    assert f"  /{STDERR}:14 {LOCKED}" in shown
    assert "VMEXT FAILED CustomScript exit 100; bundle a1b2c3d4e5f60718, of which only this is here" in shown


def test_the_fleet_commands_read_it_like_any_verdict():
    plain, packed = (read_verdict(text(REPORT, BUNDLE, REFUSED)) for text in (verdict_text, inline_text))
    assert plain == packed and plain is not None and plain.whole


def test_no_bundle_at_all():
    text = inline_text(REPORT, None, Delivery("skipped", error="no folder can be written"))
    assert "none could be written: no folder can be written" in told(text)
    assert text.endswith("; no bundle, not delivered\n")


def test_the_dictionary_belongs_to_the_version():
    """Another dictionary can't read old blocks: raise the block's version with it."""
    assert zlib.adler32(DICTIONARY) == ADLER


def test_a_hint_only_where_there_is_room():
    text = verdict_text(REPORT, BUNDLE, REFUSED)
    hinted = with_hint(text)
    assert "vmext collect --inline" in hinted.splitlines()[-2] and hinted.splitlines()[-1] == text.splitlines()[-1]
    full = text.splitlines()
    full[1] = "x" * (len(full[1]) + LIMIT - len(text) - text.count("\n") - 20)
    assert with_hint("\n".join(full) + "\n") == "\n".join(full) + "\n"


# ---- what is put around it -----------------------------------------------------------------------------


def in_json(text: str) -> str:
    message = f"Enable succeeded: \n[stdout]\n{text}\n[stderr]\n"
    return json.dumps({"value": [{"code": "ProvisioningState/succeeded", "message": message}]}, indent=2)


WRAPPED = {
    "as it is": lambda text: text,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "Run Command's blocks": lambda text: f"Enable succeeded: \n[stdout]\n{text}\n[stderr]\nwarning: #vmext\n",
    "az's JSON": in_json,
    "az's JSON of Windows": lambda text: in_json(text.replace("\n", "\r\n")),
    "JSON in JSON": lambda text: json.dumps({"output": in_json(text)}),
    "JSON of .NET": lambda text: in_json(text).replace("+", "\\u002B").replace("/", "\\/").replace("=", "\\u003d"),
    "JSON wrapped by a terminal": lambda text: "\n".join(textwrap.wrap(in_json(text), 80, drop_whitespace=False)),
    "narrow lines": lambda text: "\n".join(textwrap.wrap(text, 41)),
    "very narrow lines": lambda text: "\n".join(text[n : n + 17] for n in range(0, len(text), 17)),
    "one line": lambda text: " ".join(text.split("\n")),
    "a quoted mail": lambda text: "\n".join(f"> > {line}" for line in text.split("\n")),
    "indented, with blanks": lambda text: "\n".join(f"\t    {line}   \u00a0" for line in text.split("\n")),
    "a table": lambda text: "\n".join(f"| {line:<120} |" for line in text.split("\n")),
    "a list of strings": lambda text: json.dumps(text.split("\n"), indent=4),
    "a YAML list": lambda text: "\n".join(f"- {line!r}" for line in text.split("\n")),
    "HTML": lambda text: "<pre>" + html.escape(text).replace("+", "&#43;").replace("\n", "<br>\n") + "</pre>",
    "colours": lambda text: "\n".join(f"\x1b[32m{line}\x1b[0m" for line in text.split("\n")),
    "stamps before each line": lambda text: "\n".join(f"2026-11-23T10:02:11Z stdout F {line}" for line in text.split("\n")),
    "text before and after": lambda text: "Hello,\n#vmext says\n\n" + text + "\nBest regards\n-- \nA/B+C=\n",
    "a head that is cut off": lambda text: text[-2_600:],
}  # fmt: skip


@pytest.mark.parametrize("how", WRAPPED)
def test_it_is_found_whatever_is_around_it(how):
    assert told(WRAPPED[how](sample())) == told(sample())


def test_several_and_the_same_twice():
    other = inline_text(report(finding(exit_code=7)), BUNDLE, REFUSED)
    found, problems = read_inline(in_json(sample()) + other + sample())
    assert [one.report.findings[0].failure.exit_code for one in found] == [100, 7] and not problems


# ---- what is done to it --------------------------------------------------------------------------------


def lines_of(text: str) -> tuple[list[str], int]:
    lines = text.split("\n")
    return lines, next(n for n, line in enumerate(lines) if line.startswith("#vmext-inline:"))


def without_a_line(text: str) -> str:
    lines, head = lines_of(text)
    return "\n".join([*lines[: head + 2], *lines[head + 3 :]])


def with_a_changed_sign(text: str) -> str:
    lines, head = lines_of(text)
    lines[head + 3] = ("B" if lines[head + 3][0] == "A" else "A") + lines[head + 3][1:]
    return "\n".join(lines)


def without_its_beginning(text: str) -> str:
    lines, head = lines_of(text)
    return "\n".join(lines[head + 1 :])


def of_the_future(text: str) -> str:
    return text.replace("#vmext-inline:1:", "#vmext-inline:2:")


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (lambda text: text[: text.index("#vmext-inline-end")], r"its end is cut off: (\d+) of \1 characters are there"),
        (lambda text: text[: text.index("#vmext-inline:") + 700], r"its end is cut off: 6\d\d of \d+ characters"),
        (without_its_beginning, "its beginning is cut off"),
        (without_a_line, r"it has \d+ characters instead of \d+"),
        (with_a_changed_sign, "some of its characters were changed"),
        (of_the_future, "newer version"),
        (lambda text: re.sub(r"(#vmext-inline:1:)\d+", r"\1", text), "its first line is damaged"),
        (lambda text: re.sub(r"(#vmext-inline:1:)\d+", r"\g<1>" + "9" * 5_000, text), "its first line is damaged"),
    ],
)
def test_what_is_cut_or_damaged_is_said_so(harm, problem):
    found, problems = read_inline(harm(sample()))
    assert found == [] and len(problems) == 1
    assert re.search(problem, problems[0]), problems


def test_a_text_without_a_block():
    with pytest.raises(BundleError, match="no findings are packed into it"):
        read_inline("VMEXT FAILED CustomScript exit 100; bundle a1 not delivered\n")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"nothing", zlib.compress(b"{}"),
        *(
            (lambda s: s.compress(text) + s.flush())(zlib.compressobj(9, zlib.DEFLATED, 15, 9, 0, DICTIONARY))
            for text in (b"[]", b"{}", b'{"schema": 9}', b'{"schema": 1}', b"[" * 90_000, b" " * 2_000_000,
                         b'{"schema":1,"findings_total":1,"bundle":null,"delivery":{"state":"x"}}')
        ),
    ],
)  # fmt: skip
def test_a_block_of_something_else_is_refused(data):
    """Checksums are no signature: anybody can make a block."""
    found, problems = read_inline("\n".join(render("inline", (), data)))
    assert found == [] and problems[0].startswith("the packed findings can't be read: ")


def test_blocks_of_other_kinds_are_left_alone():
    text = "\n".join([*render("part", ("1",), b"a part"), *render("inline", (), b"findings")])
    assert find(text, "part") == [Block(("1",), b"a part")]
    assert find(text, "inline") == [Block((), b"findings")]
    assert find("#vmext-part-end#", "part") == [Damaged("its beginning is cut off")]


@pytest.mark.parametrize("limit", [200, 333, 500, 2_048, 4_096])
def test_a_block_fills_its_room_and_no_more(limit):
    data = b"x" * room("part", ("1", "9"), limit)
    text = "\n".join(render("part", ("1", "9"), data)) + "\n"
    assert len(text) + text.count("\n") <= limit < len(text) + text.count("\n") + 12
    assert base64.b64encode(data).decode() in text.replace("\n", "")


# ---- the commands --------------------------------------------------------------------------------------


def test_from_a_disk_to_the_screen_without_the_secret(tmp_path):
    disk = failing_disk(tmp_path / "disk")
    secret = "Jx7Qp2Lk9Zt4Vb8Nm1Rw6Ys3Hd5Gf0CaJx7Qp2Lk9Zt4"
    put(disk, STDERR_FILE, f"curl https://x.blob.core.windows.net/a?sv=2020-08-04&sig={secret}%3D: 403\n"
                           "E: Unable to locate package nginx-plus\n")  # fmt: skip
    ran = vmext("collect", "--root", disk, "--state-dir", tmp_path / "state", "--inline", "--no-upload")
    assert ran.code == 10 and len(ran.out) + ran.out.count("\n") <= LIMIT
    file = tmp_path / "ticket.txt"
    file.write_text(in_json(ran.out), encoding="utf-16")
    shown = vmext("show", file)
    assert shown.code == 0, shown.err
    assert "sig=[sas:" in shown.out and "Unable to locate package nginx-plus" in shown.out
    (inline,), _ = read_inline(ran.out)
    for text in (ran.out, shown.out, json.dumps(inline.document)):
        assert secret not in text and secret[:12] not in text
    document = vmext("show", file, "--json").json
    assert document["findings"][0]["failure"]["exit_code"] == 100
    assert document["bundle"]["sha256"] == hashlib.sha256(Path(document["bundle"]["path"]).read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--inline", "--format", "json"),
        ("--inline", "--part", "1"),
        ("--bundle", "ab" * 8),
        ("--part", "0"),
        ("--part", "a/b"),
        ("--part", "1", "--bundle", "../x"),
    ],
)
def test_slips_of_the_command_line(tmp_path, arguments):
    ran = vmext("collect", "--root", tmp_path, "--state-dir", tmp_path / "state", *arguments)
    assert ran.code == 2 and ran.out == "" and "Traceback" not in ran.err


@pytest.mark.parametrize("inline", [True, False])
def test_a_bundle_that_could_not_be_delivered(tmp_path, inline):
    """The block where it is asked for; else the ways that are left."""
    disk = failing_disk(tmp_path / "disk")
    (tmp_path / "config.toml").write_text("deadline_seconds = 0.2")
    more = ("--inline",) if inline else ()
    ran = vmext("collect", "--root", disk, "--state-dir", tmp_path / "state", "--upload", "http://127.0.0.1:9",
                "--config", tmp_path / "config.toml", *more)  # fmt: skip
    assert ran.code == 20 and len(ran.out) + ran.out.count("\n") <= LIMIT
    assert "NOT DELIVERED" in ran.out and ran.out.endswith(" not delivered\n")
    assert ("vmext fleet pull" in ran.out) is not inline
    if inline:
        assert "not delivered: the endpoint refused the connection" in " ".join(told(ran.out).split())


def test_damage_is_told_by_the_command_after_what_can_be_read(tmp_path):
    file = tmp_path / "ticket.txt"
    file.write_text(sample() + with_a_changed_sign(inline_text(report(finding(exit_code=7)), BUNDLE, REFUSED)))
    shown = vmext("show", file)
    assert shown.code == 2 and shown.out.startswith("VMEXT FAILED CustomScript exit 100")
    assert f"{file}: the packed findings can't be read: some of its characters were changed" in shown.err
    assert "Copy the whole output again" in shown.err


def test_what_a_text_says_can_not_steer_the_terminal(tmp_path):
    evil = finding(message="\x1b[2J\x9b gone", title="\x1b]0;x\x07", first_time=at("10:00:00"), detail="\x1b[1A")
    file = tmp_path / "ticket.txt"
    file.write_text(inline_text(report(evil), BUNDLE, REFUSED))
    shown = vmext("show", file)
    assert shown.code == 0 and not set(shown.out) & set("\x1b\x07\x9b")
