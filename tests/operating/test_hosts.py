"""Several hosts over one PostgreSQL and one object store, behind one proxy: docs/operating.md, the last step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.endpoint.clouds import Cloud, azure, s3
from tests.endpoint.postgres import postgres
from tests.endpoint.running import endpoint
from tests.fault.rig import bundles, instance
from tests.operating.proxied import free_port, proxied


@pytest.fixture(params=["azure", "s3"])
def cloud(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    with azure() if request.param == "azure" else s3() as running:
        yield running


def test_one_host_dies_and_nobody_sees_it(cloud: Cloud, tmp_path: Path):
    port, store = free_port(), cloud.new()
    with postgres() as database:
        index = ("--database", database.new(), "--store", store)
        shared = (*index, "--trusted-proxy", "127.0.0.1", "--public-url", f"https://localhost:{port}", "--workers", "2")
        with (
            endpoint(tmp_path / "one", *shared, environ=cloud.environ) as one,
            endpoint(tmp_path / "two", *shared, environ=cloud.environ) as two,
            proxied(tmp_path / "proxy", port, [one.url, two.url]) as proxy,
        ):
            agent = instance(tmp_path / "agent", one)
            trusted = proxy.certificate_authority
            sent = [*bundles(agent.spool, 6), *bundles(agent.spool, kilobytes=700)]
            assert agent.upload(proxy.url, ca_bundle=trusted).code == 0
            with requests.Session() as person:
                person.trust_env, person.verify = False, str(trusted)
                person.post(f"{proxy.url}/login", data={"token": one.token, "next": "/"}, timeout=30)
                for _ in range(4):  # whichever host is asked knows who signed in
                    assert person.get(f"{proxy.url}/bundles", timeout=30, allow_redirects=False).status_code == 200
                one.process.kill()
                sent += bundles(agent.spool, 6)
                assert agent.upload(proxy.url, ca_bundle=trusted).code == 0
                two.settle()
                listed = person.get(f"{proxy.url}/v1/bundles?limit=100", timeout=30).json()["bundles"]
                assert {row["id"] for row in listed} == {bundle.id for bundle in sent}
                for bundle in sent:
                    assert person.get(f"{proxy.url}/bundles/{bundle.id}", timeout=30).status_code == 200
            kept = [Path(name).stem for name in cloud.names(store) if name.endswith(".zip")]
            assert sorted(kept) == sorted(bundle.sha256 for bundle in sent)
            assert not list((tmp_path / "two" / "incoming").iterdir()), "a host keeps nothing of its own"
