"""Bundles that the endpoint can't read: taken, indexed by their envelope, handed out as they came."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyrage
import pytest

from tests.collecting import collect, failing_disk, vmext
from tests.endpoint.running import endpoint


@pytest.fixture(scope="module")
def key() -> Any:
    return pyrage.x25519.Identity.generate()


def test_an_encrypted_bundle_is_delivered_indexed_and_handed_out(tmp_path: Path, key: Any):
    (tmp_path / "key").write_text(f"{key}\n")
    to = ("--encrypt-to", key.to_public(), "--instance", "vmss-web_12")
    with endpoint(tmp_path / "data") as server:
        environ = {"VMEXT_TOKEN": server.token}
        disk = failing_disk(tmp_path / "disk")
        sent = collect(
            disk, tmp_path / "state", *to, "--upload", server.url, "--output", tmp_path / "copy", environ=environ
        )
        assert (sent.code, sent.json["delivery"]["state"], sent.json["bundle"]["encrypted"]) == (10, "delivered", True)
        name = sent.json["bundle"]["id"]
        copy = tmp_path / "copy" / f"{name}.zip"
        assert server.put(copy).status_code == 200, "sent again it is known"
        row = server.get("/v1/bundles?exit_code=100").json()["bundles"][0]
        assert (row["id"], row["encrypted"], row["instance_name"], row["verdict"]) == (name, True, "vmss-web_12", "failed")
        one = server.get(f"/v1/bundles/{name}").json()
        assert one["envelope"]["findings"][0]["exit_code"] == 100
        assert "encrypted" in server.get("/bundles").text
        page = server.get(f"/bundles/{name}").text
        assert "This endpoint can't read this bundle" in page
        assert str(key.to_public()) in page
        assert "locate" not in page + server.get("/").text
        (place,) = set(re.findall(r"/scale-sets/[0-9a-f]{16}", server.get("/scale-sets").text))
        assert "Failed <small>exit 100</small>" in server.get(place).text
        (tmp_path / f"{name}.zip").write_bytes(server.get(f"/v1/bundles/{name}/bundle").content)
        stored = b"".join(file.read_bytes() for file in server.data.rglob("*") if file.is_file())
    assert b"Unable to locate" not in stored
    shown = vmext("show", "--identity", tmp_path / "key", tmp_path / f"{name}.zip")
    assert "E: Unable to locate package nginx-plus" in shown.out
    with endpoint(tmp_path / "data2") as other:
        broken = tmp_path / "broken.zip"
        broken.write_bytes(copy.read_bytes().replace(b'"verdict": "failed"', b'"verdict": "sorted"'))
        assert other.put(broken, name=name).status_code == 400
