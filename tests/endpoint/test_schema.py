"""The schema of the index by command, on both engines."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from collector.endpoint.database import migrations
from tests.collecting import vmext
from tests.endpoint.running import endpoint

VERSIONS = Path(migrations.__file__).parent / "versions"

#: No user of this machine has this number.
SERVICE = 54_321


def test_the_schema_is_made_and_brought_up_by_command_too(tmp_path: Path, database_options: tuple[str, ...]):
    """As an operator does before an upgrade, so that no start waits for it."""
    command = ("endpoint", "--data", tmp_path / "data", *database_options, "migrate")
    newest = max(path.name for path in VERSIONS.glob("[0-9]*.py")).partition("_")[0]
    assert vmext(*command).out == f"The index has schema {newest} now.\n"
    assert vmext(*command).out == f"The index has schema {newest}.\n"
    with endpoint(tmp_path / "data", *database_options) as server:
        assert server.get("/readyz").status_code == 200


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root gives files away")
def test_what_root_makes_there_belongs_to_the_services_user(tmp_path: Path):
    """An operator's command must not leave a file that the service can't write."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    linked, named_twice = tmp_path / "linked", tmp_path / "named-twice"
    for file in (linked, named_twice):
        file.write_text("of root")
    (data / "link").symlink_to(linked)
    (data / "second-name").hardlink_to(named_twice)
    os.chown(data, SERVICE, SERVICE)
    assert vmext("endpoint", "--data", data, "token", "create", "--name", "web", "--scope", "upload").code == 0
    assert vmext("endpoint", "--data", data, "reindex").code == 0
    owners = {path.name: path.lstat().st_uid for path in data.iterdir()}
    assert {"index.sqlite", "objects"} <= owners.keys()
    assert {name for name, owner in owners.items() if owner == 0} == {"link", "second-name"}
    assert (linked.stat().st_uid, named_twice.stat().st_uid) == (0, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists")
def test_an_index_is_its_owners_alone(tmp_path: Path):
    """Also in a folder that was there, and that others may enter."""
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    assert vmext("endpoint", "--data", data, "token", "create", "--name", "web", "--scope", "upload").code == 0
    assert (data / "index.sqlite").stat().st_mode & 0o777 == 0o600
