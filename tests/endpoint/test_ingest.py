"""Bundles in: what is taken, what is refused, and what a crash leaves."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
import requests

from tests.collecting import collect, failing_disk, vmext
from tests.endpoint.running import Endpoint, endpoint


@pytest.fixture
def server(tmp_path: Path, database_options: tuple[str, ...]):
    with endpoint(tmp_path / "data", *database_options) as running:
        yield running


def files(server: Endpoint) -> list[str]:
    return sorted(file.name for file in server.data.rglob("*") if file.suffix in (".zip", ".partial"))


def test_a_bundle_is_stored_once_and_gets_one_receipt(server: Endpoint, bundle: Path):
    first, second = server.put(bundle), server.put(bundle)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert set(first.json()) == {"id", "sha256", "received"}
    assert files(server) == [f"{first.json()['sha256']}.zip"]
    listed = server.get("/v1/bundles").json()
    assert (listed["total"], listed["bundles"][0]["first"]["exit_code"]) == (1, 100)
    assert server.get(f"/v1/bundles/{bundle.stem}/bundle").content == bundle.read_bytes()
    assert server.get(f"/v1/bundles/{bundle.stem}").json()["findings"][0]["exit_code"] == 100


def test_the_token_lies_where_its_owner_alone_can_read_it(server: Endpoint):
    assert stat.S_IMODE((server.data / "admin.token").stat().st_mode) == 0o600
    index = server.data / "index.sqlite"
    assert not index.exists() or server.token not in index.read_bytes().decode("latin-1")


def test_without_a_known_token_nothing_is_taken_or_shown(server: Endpoint, bundle: Path):
    assert server.put(bundle, token="wrong").status_code == 401
    for path in ("/v1/bundles", f"/v1/bundles/{bundle.stem}/bundle"):
        assert requests.get(server.url + path, timeout=10).status_code == 401
    page = requests.get(server.url + "/", timeout=10, allow_redirects=False)
    assert (page.status_code, page.headers["Location"]) == (303, "/login?next=%2F")
    assert requests.get(server.url + "/healthz", timeout=10).status_code == 200
    assert files(server) == []


def hostile(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"not a zip", 400),
        (b"", 400),
        (hostile("../../etc/passwd", b"x"), 400),
        (hostile("/etc/passwd", b"x"), 400),
        (hostile("manifest.json", b"{}"), 400),
        (hostile("manifest.json", bytes(200_000_000)), 400),
    ],
    ids=["text", "empty", "out of the archive", "absolute", "no manifest", "bomb"],
)
def test_what_is_no_bundle_is_refused_and_leaves_nothing(server: Endpoint, tmp_path: Path, content: bytes, status: int):
    file = tmp_path / "0123456789abcdef.zip"
    file.write_bytes(content)
    answer = server.put(file)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert files(server) == []
    assert not (tmp_path.parent / "etc").exists()


def test_refusals_before_the_body(server: Endpoint, bundle: Path):
    assert server.put(bundle, name="no-hex").status_code == 400
    assert server.put(bundle, name="f" * 16).status_code == 400  # another id than its own
    other = server.put(bundle, **{"Repr-Digest": "sha-256=:" + "A" * 43 + "=:"})
    assert (other.status_code, "digest" in other.json()["error"]) == (422, True)
    assert server.put(bundle, **{"Repr-Digest": "md5=:AAAA:"}).status_code == 400
    chunked = requests.put(
        f"{server.url}/v1/bundles/{bundle.stem}", data=iter([b"x"]), headers=server.authorization, timeout=10
    )
    assert chunked.status_code == 411
    assert files(server) == []


def test_a_body_above_the_limit_is_refused_before_it_is_sent(server: Endpoint):
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = f"PUT /v1/bundles/{'a' * 16} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\nContent-Length: 999999999999\r\n\r\n"
        connection.sendall(head.encode())
        assert b" 413 " in connection.recv(100)


def test_other_content_under_a_known_id_is_refused(server: Endpoint, bundle: Path, tmp_path: Path):
    assert server.put(bundle).status_code == 201
    changed = tmp_path / bundle.name
    changed.write_bytes(bundle.read_bytes() + b"x")
    assert server.put(changed).status_code == 409
    assert server.get(f"/v1/bundles/{bundle.stem}/bundle").content == bundle.read_bytes()


def test_ten_senders_of_one_bundle_store_it_once(server: Endpoint, bundle: Path):
    answers: list[requests.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(server.put(bundle))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({json.dumps(answer.json(), sort_keys=True) for answer in answers}) == 1
    assert len(files(server)) == 1


def test_a_sender_that_breaks_off_leaves_nothing(server: Endpoint, bundle: Path):
    host, port = server.url.removeprefix("http://").split(":")
    digest = "sha-256=:" + "A" * 43 + "=:"
    head = f"PUT /v1/bundles/{bundle.stem} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\nRepr-Digest: {digest}\r\nContent-Length: 2000000\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.encode() + b"half")
    assert server.put(bundle).status_code == 201
    assert len(files(server)) == 1


def test_killed_in_the_middle_it_starts_again_and_takes_the_bundle(tmp_path: Path, bundle: Path):
    with endpoint(tmp_path / "data") as first:
        host, port = first.url.removeprefix("http://").split(":")
        digest = "sha-256=:" + "A" * 43 + "=:"
        head = f"PUT /v1/bundles/{bundle.stem} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {first.token}\r\nRepr-Digest: {digest}\r\nContent-Length: 2000000\r\n\r\n"
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(head.encode() + b"half")
            for _ in range(100):
                if list((tmp_path / "data/incoming").iterdir()):
                    break
                threading.Event().wait(0.05)
            os.kill(first.process.pid, signal.SIGKILL)
            first.process.wait()
        assert files(first)
    with endpoint(tmp_path / "data") as second:
        assert files(second) == []
        assert second.put(bundle).status_code == 201


def test_what_was_stored_and_not_indexed_is_indexed_at_the_next_start(tmp_path: Path, bundle: Path):
    with endpoint(tmp_path / "data") as first:
        first.put(bundle)
    for file in (tmp_path / "data").glob("index.sqlite*"):
        file.unlink()
    with endpoint(tmp_path / "data") as second:
        assert second.get("/v1/bundles").json()["total"] == 1
        assert second.put(bundle).status_code == 200


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, bundle: Path):
    mount = tmp_path / "small"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)], check=True)
    try:
        with endpoint(mount / "data") as server:
            with (
                (mount / "filler").open("wb", buffering=0) as filler,
                pytest.raises(OSError, match="No space"),
            ):
                while True:
                    filler.write(bytes(4096))
            assert server.put(bundle).status_code == 507
            assert files(server) == []
            (mount / "filler").unlink()
            assert server.put(bundle).status_code == 201
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def test_filters(server: Endpoint, bundle: Path):
    server.put(bundle)
    for query, total in (
        ("verdict=failed", 1), ("verdict=healthy", 0), ("exit_code=100", 1), ("exit_code=0x64", 1), ("exit_code=7", 0),
        ("extension=customscript", 1), ("extension=%25", 0), ("owner=script", 1), ("q=" + bundle.stem, 1), ("q=" + bundle.stem[:5].upper(), 1), ("q=%25", 0),
    ):  # fmt: skip
        assert server.get(f"/v1/bundles?{query}").json()["total"] == total, query


def test_collect_delivers_to_the_real_endpoint(server: Endpoint, tmp_path: Path):
    token = tmp_path / "token"
    token.write_text(server.token)
    disk = failing_disk(tmp_path / "disk")
    arguments = ("--upload", server.url, "--token-file", token)
    result = collect(disk, tmp_path / "state", *arguments)
    assert (result.code, result.json["delivery"]["state"]) == (10, "delivered")
    assert list((tmp_path / "state/spool").glob("*.zip")) == []
    wrong = collect(disk, tmp_path / "state", "--upload", server.url, environ={"VMEXT_TOKEN": "wrong"})
    assert (wrong.code, wrong.json["delivery"]["state"]) == (20, "spooled")
    assert "token" in wrong.json["delivery"]["error"]
    assert len(list((tmp_path / "state/spool").glob("*.zip"))) == 1
    sent = vmext("upload", "--state-dir", tmp_path / "state", *arguments)
    assert (sent.code, "delivered" in sent.out) == (0, True)
    assert list((tmp_path / "state/spool").glob("*.zip")) == []
    assert server.get("/v1/bundles").json()["total"] == 2


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:99999", "256.1.1.1:80"])
def test_an_address_that_can_not_be_listened_on(tmp_path: Path, listen: str):
    result = vmext("endpoint", "--data", tmp_path / "data", "--listen", listen)
    assert (result.code, "--listen" in result.err, "Traceback" in result.err) == (2, True, False)


def test_a_port_that_is_taken(server: Endpoint, tmp_path: Path):
    result = vmext("endpoint", "--data", tmp_path / "other", "--listen", server.url.removeprefix("http://"))
    assert (result.code, "--listen" in result.err) == (2, True)


def test_it_ends_cleanly_when_asked(tmp_path: Path):
    with endpoint(tmp_path / "data") as running:
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(15) in (0, 130, -signal.SIGINT)
    assert sys.platform
