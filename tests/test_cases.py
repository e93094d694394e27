"""Disks with known answers: the real command must find what their toml files say."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.collecting import Result, collect

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parent
FILES = sorted([*HERE.glob("cases/*/case.toml"), *HERE.glob("scenarios/*/scenario.toml")])
#: The answers were noted from the texts by hand; a stamp without a fraction is that far from the line's.
TOLERANCE = timedelta(seconds=2)
CODES = {"failure": 10, "hang": 11, "healthy": 0, "noise": 0}


@pytest.fixture(scope="module", params=FILES, ids=[file.parent.name for file in FILES])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Result]:
    file: Path = request.param
    expected = tomllib.loads(file.read_text(encoding="utf-8"))
    disk = file.parent / "disk"
    if "grow" in expected:
        disk = grown(disk, tmp_path_factory.mktemp("grown") / "disk", **expected["grow"])
    return expected, collect(disk, tmp_path_factory.mktemp("state"))


def grown(disk: Path, copy: Path, path: str, line: int, bytes: int) -> Path:
    """A copy of the disk in which one line of one file goes on for so many bytes."""
    shutil.copytree(disk, copy)
    lines = (copy / path).read_bytes().splitlines(keepends=True)
    with (copy / path).open("wb") as out:
        for number, text in enumerate(lines, start=1):
            out.write(text.rstrip(b"\n"))
            for _ in range(bytes // 1_000_000 if number == line else 0):
                out.write(b'{"event": "x"}, '[:16] * 62_500)
            out.write(b"\n")
    return copy


def findings(result: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = result.member("findings.json")["findings"]
    return found


def texts(finding: dict[str, Any]) -> str:
    quoted = [row["text"] for row in finding["evidence"]]
    return "\n".join([finding["message"], *quoted, finding["detail"]])


def moment(text: str) -> datetime:
    """Naive stamps (zone unknown) compare by their digits."""
    head, dot, rest = text.rstrip("Z").partition(".")
    parsed = datetime.fromisoformat(f"{head}.{rest[:6].ljust(6, '0')}" if dot else head)
    return parsed.replace(tzinfo=timezone.utc)


def test_the_verdict_and_the_exit_code(case: tuple[dict[str, Any], Result]):
    expected, result = case
    assert result.code == CODES[expected["kind"]]
    assert result.err == ""
    assert len(result.out.encode("ascii")) <= 4096


def test_the_finding_says_what_failed(case: tuple[dict[str, Any], Result]):
    expected, result = case
    expect = expected["expect"]
    standing = [finding for finding in findings(result) if finding["kind"] != "warning"]
    if expected["kind"] in ("healthy", "noise"):
        assert standing == []
        return
    first = standing[0]
    assert first["kind"] == expected["kind"]
    assert first["extension"] == expect["extension"]
    assert first["name"] == expect.get("instance")
    assert (first["operation"] or "").lower() == expect["operation"].lower()
    for key in (
        "exit_code",
        "agent_code",
        "sequence",
        "version",
        "limit_seconds",
        "owner",
        "count",
        "repeats_after_collect",
    ):
        if key in expect:
            assert first[key] == expect[key], key
    if "exit_code" not in expect:
        assert first["exit_code"] is None


def test_the_finding_says_when(case: tuple[dict[str, Any], Result]):
    expected, result = case
    expect = expected["expect"]
    for key in ("first_time", "last_time", "hang_since"):
        if key in expect:
            told = findings(result)[0][key]
            assert abs(moment(told) - moment(expect[key])) <= TOLERANCE, key
            assert told.endswith("Z") or "zone" in expect.get("zone_rule", ""), key


def test_the_finding_quotes_the_telling_line(case: tuple[dict[str, Any], Result]):
    expected, result = case
    expect = expected["expect"]
    if "telling_line" not in expect:
        return
    first = findings(result)[0]
    assert expect.get("decoded_line", expect["telling_line"]) in texts(first)
    if "decoded_line" not in expect:
        assert expect["telling_line"] in "\n".join([first["message"], *(row["text"] for row in first["evidence"])])
    if "exit_line" in expect:
        assert expect["exit_line"] in texts(first)
    sources = {source["path"] for source in first["sources"]}
    assert sources & set(expect["telling_files"])


def test_the_bundle_shows_the_telling_line_as_it_stands_in_the_file(case: tuple[dict[str, Any], Result]):
    expected, result = case
    line = expected["expect"].get("telling_line")
    if line is None:
        return
    import zipfile

    with zipfile.ZipFile(result.json["bundle"]["path"]) as archive:
        excerpts = "\n".join(archive.read(name).decode() for name in archive.namelist() if name.startswith("excerpts/"))
    assert (
        line in excerpts or " ".join(line.split()) in " ".join(excerpts.split()) or line in texts(findings(result)[0])
    )


def test_what_must_not_be_reported_is_not(case: tuple[dict[str, Any], Result]):
    expected, result = case
    expect = expected["expect"]
    for finding in findings(result):
        for text in expect.get("must_not_report", []):
            quoted = "\n".join([finding["message"], *(row["text"] for row in finding["evidence"])])
            assert text not in quoted
    named = {f"{f['extension']}/{f['name']}" if f["name"] else f["extension"] for f in findings(result)}
    assert not named & set(expect.get("healthy_extensions", []))


def test_the_verdict_fits_run_command(case: tuple[dict[str, Any], Result]):
    """The whole JSON parses within the limit, and its first finding is the bundle's."""
    _, result = case
    told, written = result.json["findings"], findings(result)
    assert [one["extension"] for one in told] == [one["extension"] for one in written][: len(told)]
