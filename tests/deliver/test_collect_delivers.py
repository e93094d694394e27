"""What `vmext collect` says of the delivery, and that a person finds the bundle where it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.collecting import failing_disk, put, vmext
from tests.deliver.receiver import receiver

SIGNATURE = "dGhpc2lzbm90YXNpZ25hdHVyZWJ1dGxvb2tzbGlrZTE"


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


@pytest.mark.parametrize("command", ["collect", "upload"])
@pytest.mark.parametrize(
    ("address", "warned"),
    [
        (f"http://127.0.0.1:9/account/bundles?sv=2022-11-02&sp=rcw&sig={SIGNATURE}", True),
        (f"http://127.0.0.1:9/a/{'0' * 16}.zip?X-Amz-Date=20260101T000000Z&X-Amz-Expires=9&X-Amz-Signature={SIGNATURE}", True),
        ("http://127.0.0.1:9", False),
    ],
    ids=["sas", "presigned", "endpoint"],
)  # fmt: skip
def test_a_signature_on_the_command_line_is_warned_of(tmp_path: Path, command: str, address: str, warned: bool):
    root = ["--root", failing_disk(tmp_path / "disk")] if command == "collect" else []
    config = put(tmp_path, "vmext.toml", "deadline_seconds = 0.5\n")
    common = (*root, "--state-dir", tmp_path / "state", "--config", config)
    given = vmext(command, *common, "--upload", address)
    told = vmext(command, *common, environ={"VMEXT_UPLOAD_URL": address})
    assert ("use VMEXT_UPLOAD_URL, or upload_url in the configuration file" in given.err) == warned
    assert (given.code, told.code, "warning" in told.err) == ((20, 20, False) if root else (0, 0, False))
    assert SIGNATURE not in given.out + given.err + told.out + told.err
