"""A wrong setting of the endpoint ends it before it begins, and the sentence names the setting that was wrong."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.collecting import vmext


@pytest.mark.parametrize(
    ("options", "told", "hint"),
    [
        (
            ("--listen", "name.invalid:8765"),
            "--listen: name.invalid:8765 can't be used",
            "an address that this machine",
        ),
        (("--database", "postgresql://vmext@127.0.0.1:1/x"), "--database: it can't be used", "Give one that answers"),
        (("--store", "file:///dev/null/x"), "or --store can't be used", "a folder that this user may write"),
        (("--workers", "0", "--indexers", "0"), "leave nothing to do", "at least one"),
        (("--store", "./bundles"), "--store: the folder ./bundles is not told in full", "Give its whole path"),
        (("--watch-store", "file:bundles"), "--watch-store: this file: address is no whole path", "file:///FOLDER"),
        (("--grants",), "--grants: a folder can't take bundles", "--store az://"),
        (("--one-process", "--workers", "2"), "--one-process leaves no other", "Leave out"),
    ],
)
def test_the_setting_that_is_wrong_is_named(tmp_path: Path, options: tuple[str, ...], told: str, hint: str):
    done = vmext("endpoint", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", *options)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert hint in done.err


def test_a_folder_gives_no_grants(tmp_path: Path):
    store = ("--store", (tmp_path / "store").as_uri())
    done = vmext("endpoint", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", *store, "--grants")
    assert (done.code, "--grants: a folder can't take bundles" in done.err) == (2, True), done.err


def test_a_port_that_is_taken_is_told_as_such(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = vmext("endpoint", "--data", tmp_path / "data", "--listen", f"127.0.0.1:{port}")
    assert done.code == 2
    assert "Another program holds it; give another port." in done.err


def test_a_mistyped_folder_is_seen_by_its_empty_index(tmp_path: Path):
    first = vmext("endpoint", "--data", tmp_path / "typo", "token", "list")
    assert (first.out, f"there was no index in {tmp_path / 'typo'}" in first.err) == ("There is no token.\n", True)
    assert vmext("endpoint", "--data", tmp_path / "typo", "token", "list").err == ""
