"""``vmext verify``: everything that is wrong is said, and what is right is said too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest
from click.testing import CliRunner, Result

from collector.bundle.documents import bundle_id
from collector.bundle.encryption import recipients
from collector.bundle.writer import write
from collector.cli import verify
from tests.bundle.samples import REPORT, at, seal
from tests.bundle.test_hostile import members, packed, signed


def run(*arguments: object) -> Result:
    return CliRunner().invoke(verify.command, [str(argument) for argument in arguments])


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write(REPORT, seal=seal, audit=dict, folder=tmp_path / "good").path


def spoiled(good: Path, file: Path, **contents: bytes) -> Path:
    file.write_bytes(packed([*{**members(good.read_bytes()), **contents}.items()]).getvalue())
    return file


def test_a_good_bundle(good):
    result = run(good)
    assert result.exit_code == 0
    assert result.output == f"OK     {good}: {good.stem}, schema 1, vmext 0.1.0: 12 members and the id fit\n"


def test_everything_that_is_wrong_is_told(good, tmp_path):
    contents = members(good.read_bytes())
    file = spoiled(good, tmp_path / "x.zip", **{"summary.txt": b"VMEXT HEALTHY", "ledger.json": b"[]", "more": b""})
    del contents["failures.json"]
    lacking = tmp_path / "y.zip"
    lacking.write_bytes(packed([*contents.items()]).getvalue())
    result = run(good, file, lacking, tmp_path / "nothing.zip")
    assert result.exit_code == 22
    rows = result.output.splitlines()
    assert rows[0].startswith("OK")
    told = {row.strip() for row in rows[1:]}
    assert told >= {
        f"WRONG  {file}",
        "the member more is not in the manifest",
        "the member summary.txt does not have the hash that the manifest says",
        "the member ledger.json does not have the hash that the manifest says",
        f"WRONG  {lacking}",
        "the member failures.json is missing",
        f"the bundle {tmp_path / 'nothing.zip'} can't be opened: No such file or directory",
    }


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("manifest.json", b'"verdict": "failed"', b'"verdict": "healthy"', "another verdict than system.json"),
        ("manifest.json", b'"created": "2026-11-23', b'"created": "2026-11-24', "another created than system.json"),
        ("manifest.json", b'"instance_id": "12"', b'"instance_id": "13"', "another identity than system.json"),
        ("manifest.json", b'"lines": 0', b'"lines": 7', "another left_out than ledger.json"),
        ("manifest.json", b'"bytes_per_bundle": 5000000', b'"bytes_per_bundle": 5', "another budget than ledger.json"),
        ("findings.json", b"09:47:11", b"09:47:12", "another window than findings.json"),
        ("events.jsonl", b'"SeverityNumber": 0', b'"SeverityNumber": 99', "SeverityNumber is out of bounds"),
        ("redactions.json", b"{}", b'{"redactions": [{"count": 1}]}', "has no 'pattern'"),
        ("ledger.json", b'"totals": {', b'"totals": {"x": "y", ', "totals x should be of type int"),
    ],
)  # fmt: skip
def test_a_bundle_whose_hashes_fit_and_that_says_two_things(good, tmp_path, name, old, new, words):
    contents = members(good.read_bytes())
    assert old in contents[name]
    (tmp_path / "x.zip").write_bytes(signed({**contents, name: contents[name].replace(old, new, 1)}).getvalue())
    result = run(tmp_path / "x.zip")
    assert (result.exit_code, words in result.output) == (22, True), result.output


def test_an_id_or_a_name_that_is_another_bundles(good, tmp_path):
    manifest = json.loads(members(good.read_bytes())["manifest.json"])
    assert manifest["id"] == bundle_id(manifest["incident"], manifest["members"])
    other = json.dumps(manifest | {"id": "0123456789abcdef"}).encode()
    assert "id is not made from" in run(spoiled(good, tmp_path / "x.zip", **{"manifest.json": other})).output
    renamed = tmp_path / "0123456789abcdef.zip"
    renamed.write_bytes(good.read_bytes())
    assert f"named after another bundle; its own id is {good.stem}" in run(renamed).output
    free = tmp_path / "bundle of the customer.zip"
    free.write_bytes(good.read_bytes())
    assert run(free).exit_code == 0


def test_a_later_schema_is_said(good, tmp_path):
    manifest = json.loads(members(good.read_bytes())["manifest.json"]) | {"schema": 2}
    file = spoiled(good, tmp_path / "x.zip", **{"manifest.json": json.dumps(manifest).encode()})
    assert "has schema 2, made by a newer version" in run(file).output


def test_json_for_scripts(good, tmp_path):
    (tmp_path / "x.zip").write_bytes(b"PK")
    result = run("--format", "json", good, tmp_path / "x.zip")
    document = json.loads(result.output)
    assert (result.exit_code, document["schema"], document["ok"]) == (22, 1, False)
    one, two = document["bundles"]
    assert one == {
        "ok": True, "path": str(good), "id": good.stem, "schema": 1, "agent_version": "0.1.0", "members": 12,
        "encrypted": False, "opened": True, "problems": [],
    }  # fmt: skip
    assert (two["ok"], two["id"]) == (False, None)
    assert "no zip file" in two["problems"][0]


def test_encrypted_ones(tmp_path):
    key, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(str(key))
    (tmp_path / "other").write_text(str(other))
    info = write(REPORT, seal=seal, audit=dict, folder=tmp_path, recipients=recipients([str(key.to_public())]))
    assert "envelope and payload fit; what is in it can only be checked with --identity" in run(info.path).output
    assert "12 members and the id fit" in run("--identity", tmp_path / "key", info.path).output
    wrong = run("--identity", tmp_path / "other", info.path)
    assert (wrong.exit_code, "can't be decrypted with this identity" in wrong.output) == (22, True)


@pytest.mark.parametrize(
    "change",
    [
        {"created": at("10:31:06")},
        {"agent_version": "0.2.0"},
        {"verdict": "hanging"},
        {"practices": ()},
        {"events": ()},
    ],
)
def test_two_contents_never_share_an_id(tmp_path, change):
    """Nothing that differs between two bundles, not even the time alone of two healthy ones, is outside of the id."""
    quiet = replace(REPORT, events=(), excerpts=(), findings=(), failures=(), verdict="healthy")
    for base in (REPORT, quiet):
        other = replace(base, **change)
        one, two = (write(r, seal=seal, audit=dict, folder=tmp_path / str(n)) for n, r in enumerate((base, other)))
        assert (one.id == two.id) == (one.sha256 == two.sha256)
