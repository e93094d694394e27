"""Large bundles that go past the endpoint into its store."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests

from collector.deliver.targets.http import HttpTarget
from collector.deliver.targets.network import Network
from collector.endpoint.database.engine import Database
from collector.endpoint.database.migrate import migrate
from collector.endpoint.intake.grants import GRANT_SECONDS, Grants
from collector.endpoint.stores.addresses import place_of
from collector.errors import DeliveryError
from collector.model import BundleInfo
from collector.platforms.azure import MetadataService
from tests.deliver.metadata import metadata
from tests.endpoint.azure_chain import Service, authority, leaf
from tests.endpoint.clouds import Cloud
from tests.endpoint.made import varied
from tests.endpoint.running import Endpoint, endpoint
from tests.fault.rig import bundles, instance

_VM = "02aab8a4-74ef-476e-8182-f6d2ba4166a6"


@dataclass
class Site:
    server: Endpoint
    cloud: Cloud
    store: str

    def names(self) -> list[str]:
        return self.cloud.names(self.store)

    def ask(self, path: str, **about: object) -> requests.Response:
        return requests.post(self.server.url + path, json=about, headers=self.server.authorization, timeout=30)

    def begin(self, bundle: BundleInfo) -> requests.Response:
        return self.ask("/v1/grants", id=bundle.id, bytes=bundle.bytes, sha256=bundle.sha256)

    def confirm(self, bundle: BundleInfo) -> requests.Response:
        return self.ask(f"/v1/grants/{bundle.sha256}/confirm")


def place_at(bundle: BundleInfo) -> str:
    return f"objects/{bundle.sha256[:2]}/{bundle.sha256}.zip"


def put(grant: dict[str, Any], content: bytes) -> int:
    """As any program could: with nothing but what the answer says."""
    return requests.request(
        grant["method"], grant["url"], data=content, headers=grant["headers"], timeout=30
    ).status_code


@pytest.fixture(params=["azure", "s3"])
def site(request: pytest.FixtureRequest, clouds: dict[str, Cloud], tmp_path: Path) -> Iterator[Site]:
    cloud = clouds[request.param]
    store = cloud.new()
    with endpoint(tmp_path / "data", "--store", store, "--grants", environ=cloud.environ) as server:
        yield Site(server, cloud, store)


def test_a_large_bundle_reaches_the_store_without_the_endpoint(site: Site, tmp_path: Path):
    agent = instance(tmp_path / "agent", site.server)
    (large,) = bundles(agent.spool, kilobytes=700)
    (small,) = bundles(agent.spool)
    done = agent.upload(site.server.url)
    assert (done.code, agent.waiting()) == (0, []), done.err
    assert "PUT /v1/uploads" not in agent.said
    assert f"POST /v1/grants/{large.sha256}/confirm" in agent.said
    assert site.names() == sorted([place_at(large), place_at(small)])
    assert agent.token not in agent.said
    assert "X-Amz-Signature=" not in agent.said
    assert "sig=" not in agent.said
    assert site.server.get("/v1/bundles").json()["total"] == 2


def test_where_the_store_can_not_be_reached_it_goes_in_blocks(site: Site, tmp_path: Path):
    """As from a subnet whose firewall lets through the endpoint alone."""
    agent = instance(tmp_path / "agent", site.server)
    (large,) = bundles(agent.spool, kilobytes=700)
    done = agent.upload(
        site.server.url.replace("127.0.0.1", "localhost"),
        environ={"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "localhost"},
    )
    assert (done.code, agent.waiting()) == (0, []), done.err
    assert "PUT /v1/uploads" in agent.said
    assert place_at(large) in site.names()


def test_what_is_put_there_is_not_believed(site: Site, tmp_path: Path):
    (one,) = bundles(tmp_path, kilobytes=50)
    for content in (one.path.read_bytes() + b"x", bytes(one.bytes), b"short"):
        grant = site.begin(one).json()["grant"]
        assert put(grant, content) in (200, 201)
        refused = site.confirm(one)
        assert (refused.status_code, bool(refused.json()["error"])) == (422, True)
        assert site.names() == []
    assert site.confirm(one).status_code == 404
    assert site.server.get("/v1/bundles").json()["total"] == 0


def test_what_is_no_bundle_is_refused_for_good(site: Site, tmp_path: Path):
    file = tmp_path / f"{'ab' * 8}.zip"
    file.write_bytes(b"no zip at all")
    fake = BundleInfo(file.stem, file, 13, hashlib.sha256(b"no zip at all").hexdigest())
    assert put(site.begin(fake).json()["grant"], file.read_bytes()) in (200, 201)
    assert site.confirm(fake).status_code == 400
    assert site.names() == []


def test_begun_again_where_the_answer_was_lost(site: Site, tmp_path: Path):
    (one,) = bundles(tmp_path, kilobytes=50)
    first = site.begin(one).json()["grant"]
    assert (site.confirm(one).status_code, first["is_there"]) == (409, False)
    put(first, one.path.read_bytes())
    again = site.begin(one).json()["grant"]
    assert again["is_there"] is True
    receipt = site.confirm(one)
    assert (receipt.status_code, receipt.json()["sha256"]) == (201, one.sha256)
    assert site.confirm(one).json() == receipt.json()
    assert site.begin(one).json() == {"receipt": receipt.json()}
    put(first, b"whoever still has the address can't change what was confirmed")
    assert site.server.get(f"/v1/bundles/{one.id}/bundle").content == one.path.read_bytes()


def test_killed_before_it_confirmed_nothing_is_lost(site: Site, tmp_path: Path):
    (one,) = bundles(tmp_path, kilobytes=50)
    put(site.begin(one).json()["grant"], one.path.read_bytes())
    os.kill(site.server.process.pid, signal.SIGKILL)
    site.server.process.wait()
    data, options = site.server.data, ("--store", site.store, "--grants")
    with endpoint(data, *options, environ=site.cloud.environ) as second:
        receipt = Site(second, site.cloud, site.store).confirm(one)
        assert (receipt.status_code, receipt.json()["sha256"]) == (201, one.sha256)


def test_without_grants_none_are_given(tmp_path: Path, clouds: dict[str, Cloud]):
    (one,) = bundles(tmp_path / "spool", kilobytes=50)
    cloud = clouds["s3"]
    for number, options in enumerate((("--store", cloud.new()), ())):
        with endpoint(tmp_path / f"data-{number}", *options, environ=cloud.environ) as server:
            site = Site(server, cloud, "")
            assert site.begin(one).status_code == 404
            wished = site.ask("/v1/uploads", id=one.id, bytes=one.bytes, sha256=one.sha256, grant=True)
            assert (wished.status_code, wished.json()["offset"]) == (201, 0)


@pytest.mark.parametrize("changes", [{"id": "../x"}, {"sha256": "x"}, {"bytes": 0}, {"bytes": 10**12}])
def test_announcements_that_are_not_taken(clouds: dict[str, Cloud], tmp_path: Path, changes: dict[str, object]):
    cloud = clouds["s3"]
    about: dict[str, object] = {"id": "ab" * 8, "sha256": "0" * 64, "bytes": 5}
    with endpoint(tmp_path / "data", "--store", cloud.new(), "--grants", environ=cloud.environ) as server:
        answer = Site(server, cloud, "").ask("/v1/grants", **(about | changes))
        assert answer.status_code in (400, 413)
        assert requests.post(f"{server.url}/v1/grants", json=about, timeout=10).status_code == 401


def test_what_nobody_confirmed_goes(clouds: dict[str, Cloud], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cloud = clouds["azure"]
    for name, value in cloud.environ.items():
        monkeypatch.setenv(name, value)
    store = cloud.new()
    database = Database(f"sqlite:///{tmp_path / 'index.sqlite'}")
    migrate(database)
    clock = [datetime.now(timezone.utc)]
    grants = Grants(database, place_of(store, "--store"), offered=True, now=lambda: clock[0])
    for number in range(3):
        grant = grants.begin("ab" * 8, f"{number:064x}", 4)
        assert grant is not None
        assert put(grant, b"left") == 201
    clock[0] += timedelta(seconds=3 * GRANT_SECONDS)
    assert grants.begin("ab" * 8, f"{3:064x}", 4) is not None
    assert cloud.names(store) == []
    assert [number for number in range(4) if grants.find(f"{number:064x}")] == [3]
    database.close()


def test_the_digest_that_names_it_is_the_bundles_own(site: Site, tmp_path: Path):
    """An address is for one hash: what another sender has is not changed by it."""
    one, other = bundles(tmp_path, 2)
    site.server.put(one.path)
    assert put(site.begin(other).json()["grant"], one.path.read_bytes()) in (200, 201)
    assert site.confirm(other).status_code == 422
    digest = base64.b64encode(bytes.fromhex(one.sha256)).decode()
    assert site.server.put(one.path, **{"Repr-Digest": f"sha-256=:{digest}:"}).status_code == 200
    assert site.names() == [place_at(one)]


def test_who_sent_it_is_proven_there_as_well(clouds: dict[str, Cloud], tmp_path: Path):
    """The endpoint asks for Azure's proof at the confirmation; without one nothing is taken, and nothing stays."""
    root = authority("root")
    middle = authority("intermediate", root)
    azure, cloud = Service(leaf(middle), _VM), clouds["s3"]
    (tmp_path / "roots.pem").write_bytes(root.pem + middle.pem)
    (one,) = bundles(tmp_path, kilobytes=700)
    own = varied(one.path, tmp_path, vm_id=_VM)
    info = BundleInfo(own.stem, own, own.stat().st_size, hashlib.sha256(own.read_bytes()).hexdigest())
    store = cloud.new()
    options = ("--store", store, "--grants", "--attested", "require", "--attested-roots", str(tmp_path / "roots.pem"))
    with endpoint(tmp_path / "data", *options, environ=cloud.environ) as server, metadata() as machine:
        site = Site(server, cloud, store)
        put(site.begin(info).json()["grant"], own.read_bytes())
        assert site.confirm(info).status_code == 428
        service = MetadataService(machine.url, timeout=5)
        with pytest.raises(DeliveryError, match="no proof of Azure"):
            HttpTarget(server.url, server.token, Network(None), service=service).put(info, 60)
        assert site.names() == []
        machine.attest = azure.attest
        assert HttpTarget(server.url, server.token, Network(None), service=service).put(info, 60).state == "delivered"
        assert site.names() == [place_at(info)]
