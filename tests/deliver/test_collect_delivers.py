"""What `vmext collect` says of the delivery, and that a person finds the bundle where it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.collecting import failing_disk, vmext
from tests.deliver.receiver import receiver


@pytest.mark.parametrize(
    ("answers", "code", "last", "says"),
    [
        ("store", 10, " delivered", "delivered"),
        ("500", 20, " not delivered", "send it with: vmext upload --state-dir"),
        ("413", 20, " not delivered", "sending it as it is will not help"),
        ("", 10, " not sent: no upload was asked for", "not sent: no upload was asked for"),
    ],
)
def test_the_verdict_tells_what_became_of_the_bundle(tmp_path: Path, answers: str, code: int, last: str, says: str):
    config = tmp_path / "config.toml"
    config.write_text("deadline_seconds = 0.5\n")
    arguments = (
        "collect",
        "--root",
        failing_disk(tmp_path / "disk"),
        "--state-dir",
        tmp_path / "state",
        "--config",
        config,
    )
    with receiver(answers or "store") as server:
        result = vmext(*arguments, *(("--upload", server.url) if answers else ()))
    assert (result.code, result.out.rstrip().endswith(last)) == (code, True), result.out
    flat = result.out.replace("\n       ", " ")
    assert says in flat
    waits = list((tmp_path / "state").rglob("*.zip"))
    assert [str(file) in result.out for file in waits] == ([True] if answers != "store" else [])
