"""Zips that lie, climb, swell or are broken: each is refused with a sentence."""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from collector.bundle.documents import bundle_id
from collector.bundle.reader import Limits, open_bundle
from collector.bundle.writer import write
from collector.errors import BundleError
from tests.bundle.samples import REPORT, seal


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(REPORT, seal=seal, audit=dict, folder=tmp_path_factory.mktemp("good")).path.read_bytes()


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def packed(contents: Sequence[tuple[str | zipfile.ZipInfo, bytes]]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in contents:
            zipped.writestr(name, content)
    return file


def with_member(good: bytes, name: str | zipfile.ZipInfo, content: bytes = b"x") -> io.BytesIO:
    return packed([*members(good).items(), (name, content)])


def signed(contents: dict[str, bytes]) -> io.BytesIO:
    """A bundle whose manifest has the right hashes for whatever its maker put in."""
    manifest = json.loads(contents["manifest.json"])
    manifest["members"] = [
        {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in contents.items()
        if name != "manifest.json"
    ]
    if re.fullmatch("[0-9a-f]{16}", manifest["id"]):
        manifest["id"] = bundle_id(manifest["incident"], manifest["members"])
    return packed([*{**contents, "manifest.json": json.dumps(manifest).encode()}.items()])


def refused(file: io.BytesIO, words: str, limits: Limits | None = None) -> None:
    with pytest.raises(BundleError, match=words):
        open_bundle(file, limits)


def test_a_good_bundle_opens_from_memory(good):
    assert open_bundle(io.BytesIO(good)).verdict == "failed"


@pytest.mark.parametrize(
    "name",
    ["../outside", "excerpts/../../outside", "/etc/passwd", "excerpts//x", "./x", "C:/Windows/x", "a\\..\\b",
     "x\ny", "folder/", "excerpts/\x1b[2J", "n" * 600],
)  # fmt: skip
def test_a_name_that_leaves_the_archive(good, name):
    refused(with_member(good, name), "bad name|outside of it")


def test_a_name_that_ends_at_a_nul(good):
    data = with_member(good, "excerpts/aXb").getvalue().replace(b"excerpts/aXb", b"excerpts/a\0b")
    refused(io.BytesIO(data), "bad name|damaged|no readable")


@pytest.mark.parametrize("mode", [0o120777, 0o040755, 0o020666, 0o010644, 0o140755])
def test_a_link_or_anything_but_a_plain_file(good, mode):
    link = zipfile.ZipInfo("excerpts/link.txt")
    link.external_attr = mode << 16
    refused(with_member(good, link, b"/etc/shadow"), "no plain file")


@pytest.mark.parametrize("name", ["summary.txt", "SUMMARY.TXT"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(good, name):
    refused(with_member(good, name), "two members")


def test_a_bomb(good):
    refused(with_member(good, "excerpts/bomb.txt", bytes(20_000_000)), "packed more than 400 times")


def test_a_large_member(good):
    refused(with_member(good, "x", bytes(2_000)), "declares more than 1000", Limits(member_bytes=1_000))


def test_members_that_are_too_large_together(good):
    refused(io.BytesIO(good), "declare more than 9000 bytes", Limits(total_bytes=9_000))


def test_a_large_file(good):
    refused(io.BytesIO(good), "bytes, more than 1000", Limits(file_bytes=1_000))


def test_too_many_members(good):
    many = packed([*members(good).items(), *((f"excerpts/{number}.txt", b"") for number in range(2_000))])
    refused(many, "more than 2000 members")


def test_too_many_members_when_their_number_is_understated(good):
    data = bytearray(packed([(f"excerpts/{number}.txt", b"") for number in range(60_000)]).getvalue())
    data[-14:-10] = struct.pack("<HH", 3, 3)
    before = time.monotonic()
    refused(io.BytesIO(bytes(data)), "more than 2000 members|no readable")
    assert time.monotonic() - before < 2


def central(data: bytes, name: bytes) -> int:
    """Where the directory's entry of a member starts."""
    return data.rindex(name) - 46


@pytest.mark.parametrize(("offset", "value"), [(24, 10), (24, 1_000_000), (16, 1), (42, 7), (20, 3)])
def test_a_directory_that_lies(good, offset, value):
    """Declared size (less, more), check sum, place of the data, packed size."""
    data = bytearray(good)
    at = central(good, b"summary.txt") + offset
    data[at : at + 4] = struct.pack("<I", value)
    refused(io.BytesIO(bytes(data)), "summary.txt|Overlapped entries")


def test_members_that_share_their_bytes(good):
    data = bytearray(good)
    at = central(good, b"summary.txt") + 20
    data[at : at + 4] = struct.pack("<I", len(good))
    refused(io.BytesIO(bytes(data)), "overlap")


@pytest.mark.parametrize(("offset", "value"), [(8, 1), (10, 12), (10, 97)])
def test_encrypted_or_oddly_packed(good, offset, value):
    data = bytearray(good)
    at = central(good, b"summary.txt") + offset
    data[at : at + 2] = struct.pack("<H", value)
    refused(io.BytesIO(bytes(data)), "encrypted or packed in an unknown way")


@pytest.mark.parametrize("keep", [0, 1, 21, 1_000, -1, -22])
def test_a_part_of_a_bundle(good, keep):
    refused(io.BytesIO(good[:keep]), "no zip file, or only a part")


def test_something_after_the_end(good):
    refused(io.BytesIO(good + b"more"), "no zip file, or only a part")


def test_zip64(good):
    end = len(good) - 22
    refused(io.BytesIO(good[:end] + b"PK\x06\x07" + bytes(16) + good[end:]), "ZIP64")


def test_no_zip_at_all(tmp_path):
    file = tmp_path / "x.zip"
    file.write_text("VMEXT FAILED")
    with pytest.raises(BundleError, match="no zip file"):
        open_bundle(file)


def test_no_file(tmp_path):
    with pytest.raises(BundleError, match="can't be opened: No such file"):
        open_bundle(tmp_path / "x.zip")


@pytest.mark.parametrize("step", range(0, 13_000, 97))
def test_one_flipped_byte_is_never_an_unknown_error(good, step):
    data = bytearray(good)
    data[step % len(data)] ^= 0xFF
    try:
        bundle = open_bundle(io.BytesIO(bytes(data)))
    except BundleError:
        return
    assert bundle.failures == REPORT.failures


# ---- a well made zip with a bad content ----------------------------------------------------------------


def test_a_changed_member(good):
    contents = members(good)
    changed = [*{**contents, "summary.txt": b"VMEXT HEALTHY"}.items()]
    refused(packed(changed), "summary.txt does not have the hash")


def test_a_member_that_the_manifest_does_not_know(good):
    refused(with_member(good, "excerpts/more.txt"), "excerpts/more.txt is not in the manifest")


def test_a_member_that_is_missing(good):
    contents = members(good)
    del contents["ledger.json"]
    refused(packed([*contents.items()]), "ledger.json is missing")


def test_a_member_that_every_bundle_has(good):
    contents = members(good)
    del contents["ledger.json"]
    refused(signed(contents), "has no member ledger.json")


def test_no_manifest(good):
    contents = members(good)
    del contents["manifest.json"]
    refused(packed([*contents.items()]), "has no member manifest.json")


def test_a_later_schema(good):
    contents = members(good)
    contents["manifest.json"] = contents["manifest.json"].replace(b'"schema": 1', b'"schema": 2')
    refused(packed([*contents.items()]), "made by a newer version")


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("manifest.json", b'"id": "', b'"id": "../', "16 hexadecimal"),
        ("manifest.json", b'"incident": "', b'"incident": "../', "16 hexadecimal"),
        ("manifest.json", b'"verdict": "failed"', b'"verdict": "fine"', "verdict is none of"),
        ("manifest.json", b'"system": "linux"', b'"system": 7', "identity system"),
        ("manifest.json", b'"created": "2026', b'"created": "MMXX', "no ISO 8601"),
        ("manifest.json", b':05Z"', b':05"', "not a time in UTC"),
        ("findings.json", b'"kind": "failure"', b'"kind": ["x"]', "kind should be of type str"),
        ("findings.json", b'"owner": "script"', b'"owner": "me"', "owner is none of"),
        ("findings.json", b'"line": 14', b'"line": "14"', "line should be of type int"),
        ("findings.json", b'"exit_code": 100', b'"exit_code": true', "exit_code should be"),
        ("findings.json", b'"count": 1,', b"", "has no 'count'"),
        ("findings.json", b"{", b"", "findings.json is no JSON"),
        ("findings.json", b"{", b"[" * 100_000, "findings.json is no JSON"),
        ("failures.json", b'"kind": "failure"', b'"kind": "x"', "kind is none of"),
        ("failures.json", b'"states"', b'"state"', "no list 'states'"),
        ("ledger.json", b'"entries"', b'"rows"', "no list 'entries'"),
        ("ledger.json", b'"outcome": "read"', b'"outcome": "?"', "outcome is none of"),
        ("system.json", b'"facts"', b'"fact"', "facts should be an object"),
        ("redactions.json", b"{}", b"[]", "redactions.json should be an object"),
        ("events.jsonl", b"{", b"", "events.jsonl line 1 is no JSON"),
        ("excerpts/var/log/waagent.log.txt", b"# ", b"", "no excerpt's head"),
    ],
)
def test_a_content_of_the_wrong_shape(good: bytes, name: str, old: bytes, new: bytes, words: str):
    contents = members(good)
    assert old in contents[name]
    contents[name] = contents[name].replace(old, new, 1)
    refused(signed(contents), words)


def test_an_id_that_is_not_made_from_the_content(good):
    contents = members(good)
    document = json.loads(contents["manifest.json"]) | {"id": "0123456789abcdef"}
    refused(packed([*{**contents, "manifest.json": json.dumps(document).encode()}.items()]), "id is not made from")


def test_unknown_later_fields_and_members_are_no_error(good):
    """A later version of the same schema may add some, anywhere."""
    contents = {
        name: json.dumps(with_more(json.loads(data))).encode() if name.endswith(".json") else data
        for name, data in members(good).items()
    }
    contents["events.jsonl"] = b"".join(
        json.dumps(with_more(json.loads(line))).encode() + b"\n" for line in contents["events.jsonl"].splitlines()
    )
    bundle = open_bundle(signed({**contents, "later.json": b"{}"}))
    assert bundle.failures == REPORT.failures
    assert bundle.ledger == REPORT.ledger
    assert bundle.facts == REPORT.system
    assert bundle.findings[0]["later"] == {"more": [1]}


def with_more(value: object) -> object:
    """The same document with a field more in every object of fixed fields."""
    if isinstance(value, list):
        return [with_more(item) for item in value]
    if not isinstance(value, dict):
        return value
    free = {"totals", "budget", "Resource", "Attributes"}
    return {key: item if key in free else with_more(item) for key, item in value.items()} | {"later": {"more": [1]}}


def test_an_unknown_member_that_is_listed_is_no_error(good):
    """A later version of the same schema may add members."""
    assert open_bundle(signed({**members(good), "later.json": b"{}"})).text("later.json") == "{}"


def test_a_member_that_is_not_there_is_named_with_those_that_are(tmp_path: Path, good: bytes):
    with pytest.raises(BundleError, match=r"no member nothing\.txt") as error:
        open_bundle(io.BytesIO(good)).text("nothing.txt")
    assert "summary.txt" in error.value.hint
