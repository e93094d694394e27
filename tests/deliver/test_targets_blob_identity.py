"""Azure Blob by managed identity: Azurite with OAuth over TLS, and the stand-in of the metadata service."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.deliver.send import send
from collector.deliver.spool import bundle_info
from collector.deliver.targets import target_for
from collector.deliver.targets.blob import BlobTarget
from collector.deliver.targets.identity import ManagedIdentity
from collector.deliver.targets.network import Network
from collector.errors import DeliveryError
from collector.model import BundleInfo
from collector.platforms.azure import MetadataService
from tests.deliver.azurite import Container, azurite, container
from tests.deliver.metadata import CLIENT, metadata

if sys.platform == "win32":
    pytest.skip("Azurite runs on the system of the checkout", allow_module_level=True)

ID = "0123456789abcdef"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    command: list[str | Path] = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    files: list[str | Path] = ["-keyout", folder / "key.pem", "-out", folder / "certificate.pem"]
    subprocess.run([*command, "-addext", "subjectAltName=IP:127.0.0.1", *files], check=True, capture_output=True)
    return folder / "certificate.pem"


@pytest.fixture(scope="module")
def service(certificate: Path) -> Iterator[str]:
    with azurite(
        "--oauth", "basic", "--cert", str(certificate), "--key", str(certificate.with_name("key.pem"))
    ) as base:
        yield base


@pytest.fixture
def store(service: str, certificate: Path) -> Iterator[Container]:
    with container(service, connection_verify=str(certificate)) as one:
        yield one


@pytest.fixture(params=[6000, 2_000_000], ids=["whole", "in blocks"])
def bundle(request: pytest.FixtureRequest, tmp_path: Path) -> BundleInfo:
    file = tmp_path / f"{ID}.zip"
    file.write_bytes(random.Random(1).randbytes(request.param))
    return bundle_info(file)


def target(store: Container, certificate: Path, url: str, client: str | None = None) -> BlobTarget:
    identity = ManagedIdentity(client, service=MetadataService(url))
    return BlobTarget(f"blob+{store.url}/site", identity, Network(str(certificate)))


def quick(bundle: BundleInfo, one: BlobTarget):
    return send(bundle, one, deadline_seconds=30, sleep=lambda _: None, chance=lambda: 0.0)


def test_delivered_with_one_token_and_stored_once(store: Container, certificate: Path, bundle: BundleInfo):
    with metadata("") as server:
        one = target(store, certificate, server.url)
        first, second = quick(bundle, one), quick(bundle, one)
    assert (first.state, second.state, first.target) == ("delivered", "delivered", f"{store.url}/site")
    assert store.names() == [f"site/{ID}.zip"]
    assert store.read(f"site/{ID}.zip") == bundle.path.read_bytes()
    assert len(server.issued) == 1


def test_a_token_that_expired_meanwhile_is_renewed_within_the_same_try(
    store: Container, certificate: Path, bundle: BundleInfo
):
    """The service's clock decides, as where this machine's clock was set back."""
    with metadata("") as server:
        server.lifetime = -5.0
        identity = ManagedIdentity(service=MetadataService(server.url), clock=lambda: -1e9)
        identity.token()
        identity._until = 1e9
        server.lifetime = 3600.0
        one = BlobTarget(f"blob+{store.url}", identity, Network(str(certificate)))
        assert one.put(bundle, 20).state == "delivered"
    assert len(server.issued) == 2


def test_a_token_that_is_never_accepted_ends_in_words(store: Container, certificate: Path, bundle: BundleInfo):
    with metadata("") as server:
        server.lifetime = -5.0
        with pytest.raises(DeliveryError, match="token is not accepted") as error:
            target(store, certificate, server.url).put(bundle, 20)
    assert not error.value.retry
    assert "eyJ" not in f"{error.value} {error.value.hint}"


def test_a_metadata_service_that_is_updating_is_asked_again(store: Container, certificate: Path, bundle: BundleInfo):
    waits: list[float] = []
    with metadata("", script=(404, 410, 429, 500)) as server:
        one = target(store, certificate, server.url)
        send(bundle, one, deadline_seconds=1000, sleep=waits.append, chance=lambda: 0.0)
    assert waits == [0.0, 10.0, 7.0, 1.0]
    assert store.names() == [f"site/{ID}.zip"]


def test_one_of_several_identities(store: Container, certificate: Path, bundle: BundleInfo):
    with metadata(CLIENT, "other") as server:
        with pytest.raises(DeliveryError, match="several managed identities"):
            quick(bundle, target(store, certificate, server.url))
        assert quick(bundle, target(store, certificate, server.url, CLIENT)).state == "delivered"


def test_a_certificate_that_is_not_trusted(store: Container, bundle: BundleInfo):
    with metadata("") as server, pytest.raises(DeliveryError, match="certificate is not trusted"):
        identity = ManagedIdentity(service=MetadataService(server.url))
        BlobTarget(f"blob+{store.url}", identity).put(bundle, 20)


def test_a_password_of_netrc_does_not_take_the_place_of_the_token(
    store: Container, certificate: Path, bundle: BundleInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login someone password word\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    with metadata("") as server:
        assert quick(bundle, target(store, certificate, server.url)).state == "delivered"


def test_an_account_without_sas_means_the_managed_identity():
    one = target_for("https://account.blob.core.windows.net/bundles", None, identity_client_id=CLIENT)
    assert isinstance(one, BlobTarget)
    assert one.name == "https://account.blob.core.windows.net/bundles"
