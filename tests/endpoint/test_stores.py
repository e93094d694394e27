"""Bundles in object stores, and endpoints on several hosts that share one; places that an endpoint watches."""

from __future__ import annotations

import base64
import hashlib
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from collector.endpoint.stores.cache import Cache, ChangedError
from collector.endpoint.stores.place import Place
from collector.model import BundleInfo
from tests.collecting import vmext
from tests.endpoint.clouds import Cloud
from tests.endpoint.postgres import Postgres
from tests.endpoint.running import Endpoint, endpoint
from tests.fault.rig import bundles


@pytest.fixture(params=["azure", "s3"])
def cloud(request: pytest.FixtureRequest, clouds: dict[str, Cloud]) -> Cloud:
    return clouds[request.param]


def place_at(bundle: BundleInfo) -> str:
    return f"objects/{bundle.sha256[:2]}/{bundle.sha256}.zip"


def test_a_bundle_is_kept_in_the_store_alone(cloud: Cloud, tmp_path: Path):
    (one,) = bundles(tmp_path / "spool")
    store = cloud.new()
    with endpoint(tmp_path / "data", "--store", store, environ=cloud.environ) as server:
        assert [server.put(one.path).status_code for _ in range(2)] == [201, 200]
        assert cloud.names(store) == [place_at(one)]
        assert server.get(f"/v1/bundles/{one.id}/bundle").content == one.path.read_bytes()
        assert list((server.data / "incoming").iterdir()) == []
        for file in (server.data / "cache").iterdir():
            file.unlink()
        assert server.get(f"/v1/bundles/{one.id}").json()["manifest"]["id"] == one.id
        assert server.get(f"/bundles/{one.id}").status_code == 200


def test_killed_between_store_and_index_it_is_sent_again_and_stored_once(cloud: Cloud, tmp_path: Path):
    one, other = bundles(tmp_path / "spool", 2)
    store = cloud.new()
    for bundle in (one, other):  # what such a kill leaves
        cloud.put(store, place_at(bundle), bundle.path.read_bytes())
    options = ("--store", store)
    with endpoint(tmp_path / "data", *options, environ=cloud.environ) as server:
        assert server.get("/v1/bundles").json()["total"] == 0
        assert server.put(one.path).status_code == 201
        assert server.get("/v1/bundles").json()["total"] == 1
    told = vmext("endpoint", "--data", tmp_path / "data", *options, "reindex", environ=cloud.environ)
    assert (told.code, told.out.split()[0]) == (0, "1"), told.err
    with endpoint(tmp_path / "data", *options, environ=cloud.environ) as server:
        assert server.get("/v1/bundles").json()["total"] == 2
    assert cloud.names(store) == sorted([place_at(one), place_at(other)])


def test_a_store_that_does_not_answer_is_said_and_nothing_is_promised(cloud: Cloud, tmp_path: Path):
    (one,) = bundles(tmp_path / "spool")
    with endpoint(tmp_path / "data", "--store", f"{cloud.scheme}://nothing-here", environ=cloud.environ) as server:
        answer = server.put(one.path)
        assert (answer.status_code, "can't store" in answer.json()["error"]) == (503, True)
        assert server.get("/v1/bundles").json()["total"] == 0
        assert list((server.data / "incoming").iterdir()) == []


def _block(server: Endpoint, bundle: BundleInfo, start: int, size: int) -> requests.Response:
    data = bundle.path.read_bytes()[start : start + size]
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    sent = {
        "Content-Range": f"bytes {start}-{start + len(data) - 1}/{bundle.bytes}",
        "Content-Digest": f"sha-256=:{digest}:",
    }
    url = f"{server.url}/v1/uploads/{bundle.sha256}"
    return requests.put(url, data=data, headers=server.authorization | sent, timeout=30)


def test_two_hosts_share_store_and_index(cloud: Cloud, postgresql: Postgres, tmp_path: Path):
    """An upload goes on at the other one where the first has died; each shows what the other took."""
    (one,) = bundles(tmp_path / "spool", kilobytes=700)
    store = cloud.new()
    options = ("--store", store, "--database", postgresql.new())
    about = {"id": one.id, "bytes": one.bytes, "sha256": one.sha256}
    with endpoint(tmp_path / "a", *options, environ=cloud.environ) as first:
        token = first.token
        for name in ("admin.token", "session.key"):  # as an operator gives all hosts the same
            (tmp_path / "b").mkdir(parents=True, exist_ok=True)
            if (first.data / name).exists():
                (tmp_path / "b" / name).write_bytes((first.data / name).read_bytes())
        with endpoint(tmp_path / "b", *options, environ=cloud.environ) as second:
            begun = requests.post(f"{first.url}/v1/uploads", json=about, headers=first.authorization, timeout=30)
            assert begun.json()["offset"] == 0
            assert _block(first, one, 0, 256 << 10).json()["offset"] == 256 << 10
            first.process.send_signal(signal.SIGKILL)
            offset = 256 << 10
            while offset < one.bytes:
                offset = _block(second, one, offset, 300_000).json()["offset"]
            url = f"{second.url}/v1/uploads/{one.sha256}/commit"
            done = requests.post(url, headers=second.authorization, timeout=30)
            assert (done.status_code, done.json()["sha256"]) == (201, one.sha256)
            assert second.get(f"/v1/bundles/{one.id}/bundle").content == one.path.read_bytes()
            assert token == second.token
    assert cloud.names(store) == [place_at(one)]


def test_a_shared_folder_as_store(tmp_path: Path):
    (one,) = bundles(tmp_path / "spool")
    (tmp_path / "share").mkdir()
    with endpoint(tmp_path / "data", "--store", f"file://{tmp_path}/share") as server:
        assert server.put(one.path).status_code == 201
        assert server.get(f"/v1/bundles/{one.id}/bundle").content == one.path.read_bytes()
    assert (tmp_path / "share" / place_at(one)).read_bytes() == one.path.read_bytes()
    assert not (tmp_path / "data/objects").exists()


# ---- places that are watched ----------------------------------------------------------------------------


def _stores(server: Endpoint) -> dict[str, dict[str, Any]]:
    told = requests.get(f"{server.url}/v1/stores", headers=server.authorization, timeout=30).json()
    return {one["name"]: one for one in told["stores"]}


def _until(holds: Callable[[], bool]) -> None:
    import time

    end = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_an_endpoint_watches_several_places(cloud: Cloud, database_options: tuple[str, ...], tmp_path: Path):
    share = tmp_path / "share"
    share.mkdir()
    url = cloud.new()
    one, other, third = bundles(tmp_path / "spool", 3)
    options = ("--watch-store", url, "--watch-store", str(share), *database_options)
    with endpoint(tmp_path / "data", *options, environ=cloud.environ) as server:
        cloud.put(url, one.path.name, one.path.read_bytes())
        (share / other.path.name).write_bytes(other.path.read_bytes())
        assert server.put(third.path).status_code == 201
        _until(lambda: server.get("/v1/bundles").json()["total"] == 3)
        for bundle in (one, other, third):
            assert server.get(f"/v1/bundles/{bundle.id}/bundle").content == bundle.path.read_bytes()
        assert {name: told["bundles"] for name, told in _stores(server).items()} == {url: 1, str(share): 1}
    assert len(list((tmp_path / "data/objects").rglob("*.zip"))) == 1


def test_a_receipt_means_that_the_endpoint_itself_has_it(tmp_path: Path):
    """Whoever owns the watched folder may empty it at any time."""
    share = tmp_path / "share"
    share.mkdir()
    (one,) = bundles(tmp_path / "spool")
    with endpoint(tmp_path / "data", "--watch-store", str(share)) as server:
        (share / one.path.name).write_bytes(one.path.read_bytes())
        _until(lambda: server.get("/v1/bundles").json()["total"] == 1)
        assert server.put(one.path).json()["sha256"] == one.sha256
        (share / one.path.name).unlink()
        _until(lambda: _stores(server)[str(share)]["gone"] == 1)
        assert server.get(f"/v1/bundles/{one.id}/bundle").content == one.path.read_bytes()
        assert server.get("/v1/bundles").json()["bundles"][0]["state"] == "indexed"


def test_of_two_processes_one_watches_and_the_other_follows_when_it_dies(postgresql: Postgres, tmp_path: Path):
    share = tmp_path / "share"
    share.mkdir()
    options = ("--watch-store", str(share), "--database", postgresql.new())
    files = bundles(tmp_path / "spool", 6)
    with endpoint(tmp_path / "a", *options) as first:
        (tmp_path / "b").mkdir(parents=True)
        (tmp_path / "b/admin.token").write_bytes((first.data / "admin.token").read_bytes())
        with endpoint(tmp_path / "b", *options) as second:
            for bundle in files[:3]:
                (share / bundle.path.name).write_bytes(bundle.path.read_bytes())
            _until(lambda: second.get("/v1/bundles").json()["total"] == 3)
            first.process.send_signal(signal.SIGKILL)
            for bundle in files[3:]:
                (share / bundle.path.name).write_bytes(bundle.path.read_bytes())
            _until(lambda: second.get("/v1/bundles").json()["total"] == 6)


# ---- copies at hand -------------------------------------------------------------------------------------


def test_copies_are_bounded_and_the_longest_unread_go(tmp_path: Path):
    cache = Cache(tmp_path / "cache", most_bytes=1_000)
    contents = [bytes([number]) * 100 for number in range(30)]
    for content in contents:
        with cache.fetch(hashlib.sha256(content).hexdigest(), [content]) as stream:
            assert stream.read() == content
        assert sum(file.stat().st_size for file in (tmp_path / "cache").iterdir()) <= 1_100
    newest = cache.find(hashlib.sha256(contents[-1]).hexdigest())
    assert newest is not None
    newest.close()
    assert cache.find(hashlib.sha256(contents[0]).hexdigest()) is None
    assert list((tmp_path / "cache").glob("*.partial")) == []


def test_what_is_not_what_was_asked_for_is_not_kept(tmp_path: Path):
    cache = Cache(tmp_path / "cache")
    with pytest.raises(ChangedError):
        cache.fetch("0" * 64, [b"other"])
    assert list((tmp_path / "cache").iterdir()) == []


def test_places_agree(blank_place: Callable[[], Place], tmp_path: Path):
    """A folder and both clouds, held to the same."""
    place = blank_place()
    assert [list(chunk) for chunk in place.listing()] == []
    for name, content in (("a/b.zip", b"PK\x03\x04 one"), ("a/c", b"two"), ("d", b"three")):
        file = tmp_path / "file"
        file.write_bytes(content)
        place.put(name, file)
    found = {one.name: one for chunk in place.listing() for one in chunk}
    assert {name: one.bytes for name, one in found.items()} == {"a/b.zip": 8, "a/c": 3, "d": 5}
    assert [one.name for chunk in place.listing("a") for one in chunk] == ["a/b.zip", "a/c"]
    assert [one.name for chunk in place.listing("nothing") for one in chunk] == []
    assert place.start("a/b.zip", 4) == b"PK\x03\x04"
    assert b"".join(place.pieces("d")) == b"three"
    assert place.start("d", 100) == b"three"
    (tmp_path / "file").write_bytes(b"TWO")
    place.put("a/c", tmp_path / "file")
    again = {one.name: one for chunk in place.listing() for one in chunk}
    assert again["a/c"].mark != found["a/c"].mark
    assert again["d"].mark == found["d"].mark
    place.remove(["a/c", "a/c-that-is-not-there", "d"])
    assert [one.name for chunk in place.listing() for one in chunk] == ["a/b.zip"]
    for ask in (lambda: list(place.pieces("d")), lambda: place.start("d", 1)):
        with pytest.raises(FileNotFoundError):
            ask()


@pytest.mark.parametrize(
    ("url", "says"),
    [("ftp://x", "no address"), ("az://", "no address"), ("http://[", "no address"), ("relative/folder", "--store")],
)
def test_stores_that_can_not_be_used(url: str, says: str, tmp_path: Path):
    done = vmext("endpoint", "--data", tmp_path / "data", "--store", url)
    assert (done.code, says in done.err, "Traceback" in done.err) == (2, True, False), done.err


def test_plain_http_goes_to_this_machine_only(tmp_path: Path):
    environ = {"AZURE_STORAGE_ENDPOINT": "http://storage.example/x", "AZURE_STORAGE_ACCOUNT_NAME": "x"}
    done = vmext("endpoint", "--data", tmp_path / "data", "--store", "az://bundles", environ=environ)
    assert (done.code, "unencrypted" in done.err) == (2, True), done.err
