"""Flags over environment over file; every mistake names its place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from collector.config import Config, load_config
from collector.errors import ConfigError

DEFAULT = Path("/var/lib/vmext")


def load(tmp_path: Path, text: str | None = None, environ: dict[str, str] | None = None, **flags: object) -> Config:
    file = tmp_path / "config.toml"
    if text is not None:
        file.write_text(text)
    return load_config(flags, environ or {}, file, DEFAULT)


def test_without_anything_the_defaults_hold(tmp_path: Path):
    assert load(tmp_path) == Config(state_dir=DEFAULT)


def test_flags_win_over_environment_and_environment_over_file(tmp_path: Path):
    text = 'upload_url = "https://file"\nca_bundle = "/file.pem"\ndeadline_seconds = 5'
    environ = {"VMEXT_UPLOAD_URL": "https://environment", "VMEXT_CA_BUNDLE": "/environment.pem"}
    config = load(tmp_path, text, environ, upload_url="https://flag", ca_bundle=None)
    assert (config.upload_url, config.ca_bundle, config.deadline_seconds) == (
        "https://flag",
        "/environment.pem",
        5.0,
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("upload_uri = 'x'", "upload_uri"),
        ("upload_url = ", "not TOML"),
        ("deadline_seconds = 'soon'", "deadline_seconds"),
        ("deadline_seconds = 0", "deadline_seconds"),
        ("bytes_per_source = true", "bytes_per_source"),
        ("upload_url = 7", "upload_url"),
        ("spread_seconds = -1", "spread_seconds"),
        ("spool_days = 0", "spool_days"),
        ("spool_days = '30'", "spool_days must be a number, not '30'"),
        ("state_dir = 'state'", "state_dir must be an absolute path, not 'state'"),
        ("client_cert = 7", "client_cert"),
    ],
)
def test_a_mistake_in_the_file_names_the_file_and_the_key(tmp_path: Path, text: str, names: str):
    with pytest.raises(ConfigError, match=names) as caught:
        load(tmp_path, text)
    assert "config.toml" in str(caught.value)


def test_a_file_in_another_encoding_is_called_that(tmp_path: Path):
    (tmp_path / "config.toml").write_bytes(b"# f\xfcr uns\n")
    with pytest.raises(ConfigError, match=r"is not UTF-8: see byte 4$"):
        load(tmp_path)


def test_the_token_comes_from_its_file(tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("abc123\n")
    assert load(tmp_path, token_file=str(token)).token == "abc123"


@pytest.mark.parametrize("content", ["", "two words", "two\nlines"])
def test_a_token_file_with_anything_but_one_token_is_refused(tmp_path: Path, content: str):
    token = tmp_path / "token"
    token.write_text(content)
    with pytest.raises(ConfigError, match="token"):
        load(tmp_path, token_file=str(token))


def test_a_missing_token_file_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="nowhere"):
        load(tmp_path, token_file=str(tmp_path / "nowhere"))


@pytest.mark.skipif(sys.platform == "win32", reason="has no such files in folders")
def test_what_is_no_plain_file_is_not_waited_for(tmp_path: Path):
    """In a process of its own, with little memory: it would hang, or take all that there is."""
    told = []
    (tmp_path / "device").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_text("#" * 2_000_000)
    for name in ("device", "pipe", "long"):
        code = f"from pathlib import Path; from collector.config import load_config; load_config({{}}, {{}}, Path({name!r}), Path('/x'))"
        command = ["sh", "-c", f'ulimit -v 2000000; exec "{sys.executable}" -c "{code}"']
        environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60)
        told.append(done.stderr.strip().splitlines()[-1].partition("can't be read: ")[2])
    assert told == ["it is no plain file", "it is no plain file", "it is larger than 1048576 bytes"]
