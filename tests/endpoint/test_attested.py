"""Azure's attested document, with a chain of certificates made here.

What this can't show: that Azure's own documents, certificates and roots are as documented.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import pkcs7

from collector.deliver.targets.http import HttpTarget
from collector.deliver.targets.network import Network
from collector.endpoint.access.attested import ProofError, Trust, check_proof, nonce_for
from collector.errors import ConfigError, DeliveryError
from collector.model import BundleInfo, Identity
from collector.platforms.azure import MetadataService
from tests.deliver.metadata import metadata
from tests.endpoint.azure_chain import NOW, Service, Signer, authority, leaf
from tests.endpoint.made import varied
from tests.endpoint.running import Endpoint, endpoint

VM, KEY, BUNDLE = "02aab8a4-74ef-476e-8182-f6d2ba4166a6", b"k" * 32, "ab" * 32
ROOT = authority("root")
MIDDLE = authority("intermediate", ROOT)
LEAF = leaf(MIDDLE)
TRUST = Trust(ROOT.pem + MIDDLE.pem)
AZURE = Service(LEAF, VM)
IDENTITY = Identity(system="linux", vm_id=VM.upper(), subscription=AZURE.subscription)
NONCE = nonce_for(KEY, BUNDLE, NOW)


def check(encoded: str, **changes: Any) -> None:
    given: dict[str, Any] = {"identity": IDENTITY, "sha256": BUNDLE, "trust": TRUST, "key": KEY, "at": NOW} | changes
    check_proof(encoded, given.pop("sha256"), given.pop("identity"), **given)


@pytest.mark.parametrize("name", ["metadata.azure.com", "eastus.metadata.azure.com", "*.metadata.azure.us"])
@pytest.mark.parametrize("options", [(), (pkcs7.PKCS7Options.NoAttributes,)])
def test_a_document_of_the_machine_is_a_proof(name: str, options: tuple[pkcs7.PKCS7Options, ...]):
    check(AZURE.but(signer=leaf(MIDDLE, name), options=options).attest(NONCE))


def test_it_is_good_for_the_period_of_its_number_and_the_next():
    check(AZURE.attest(NONCE), at=NOW + timedelta(minutes=30))
    with pytest.raises(ProofError, match="not made for this bundle, or too long ago"):
        check(AZURE.attest(NONCE), at=NOW + timedelta(minutes=60))


def test_a_chain_under_another_root_proves_nothing():
    other = leaf(authority("intermediate", authority("root")))
    for signer in (other, leaf(authority("lone")), leaf(LEAF)):
        with pytest.raises(ProofError, match="none of the known roots"):
            check(AZURE.but(signer=signer).attest(NONCE))


def test_the_intermediate_must_be_known():
    with pytest.raises(ProofError, match="none of the known roots"):
        check(AZURE.attest(NONCE), trust=Trust(ROOT.pem))


def test_a_certificate_that_is_over_or_not_yet_good_proves_nothing():
    old = leaf(MIDDLE, start=NOW - timedelta(days=9), end=NOW - timedelta(hours=1))
    coming = leaf(MIDDLE, start=NOW + timedelta(hours=1), end=NOW + timedelta(days=9))
    for signer in (old, coming):
        with pytest.raises(ProofError, match="or is over"):
            check(AZURE.but(signer=signer).attest(NONCE))


@pytest.mark.parametrize(
    "name", ["www.example.com", "metadata.azure.com.example.com", "notmetadata.azure.com", "azure.com", "*.azure.com"]
)
def test_a_certificate_of_another_name_proves_nothing(name: str):
    with pytest.raises(ProofError, match="not of Azure's metadata service"):
        check(AZURE.but(signer=leaf(MIDDLE, name)).attest(NONCE))


def test_a_document_with_another_number_proves_nothing():
    for nonce in ("1234567890", "", nonce_for(b"other" * 8, BUNDLE, NOW)):
        with pytest.raises(ProofError, match="not made for this bundle"):
            check(AZURE.attest(nonce))
    with pytest.raises(ProofError, match="not made for this bundle"):
        check(AZURE.attest(NONCE), sha256="cd" * 32)


def test_a_document_that_is_over_proves_nothing():
    for text in (
        AZURE.text(NONCE, created=NOW - timedelta(hours=9)),
        AZURE.text(NONCE, created=NOW + timedelta(hours=1)),
    ):
        with pytest.raises(ProofError, match="is good from"):
            check(AZURE.signed(text))


def test_a_document_of_another_machine_proves_nothing():
    with pytest.raises(ProofError, match=r"is of the machine 00000000-.*, and the bundle says"):
        check(AZURE.but(vm_id="00000000-0000-0000-0000-000000000000").attest(NONCE))
    with pytest.raises(ProofError, match="nothing of that"):
        check(AZURE.attest(NONCE), identity=Identity(system="linux"))
    with pytest.raises(ProofError, match="is of the subscription other"):
        check(AZURE.but(subscription="other").attest(NONCE))


def test_what_was_changed_proves_nothing():
    der = base64.b64decode(AZURE.attest(NONCE))
    swapped = der.replace(VM.encode(), b"00000000" + VM.encode()[8:])
    assert swapped != der
    for changed, told in ((swapped, "changed"), (der[:-1] + bytes([der[-1] ^ 1]), "changed")):
        with pytest.raises(ProofError, match=told):
            check(base64.b64encode(changed).decode())


def test_another_key_under_the_same_certificate_proves_nothing():
    forged = AZURE.but(signer=Signer(LEAF.certificate, leaf(MIDDLE).key))
    with pytest.raises(ProofError, match="was changed, or signed with another key"):
        check(forged.attest(NONCE))


def test_a_weak_hash_and_what_is_no_document_prove_nothing():
    for encoded in ("", "none", "!!!!", "AAAA", "A" * 20_000, base64.b64encode(b"\x30\x80" * 500).decode()):
        with pytest.raises(ProofError):
            check(encoded)
    for told in ((("vmId", 5),), (("timeStamp", None),), (("nonce", None),), (("timeStamp", {"createdOn": "now"}),)):
        with pytest.raises(ProofError, match="says not what it should"):
            check(AZURE.but(told=told).attest(NONCE))
    with pytest.raises(ProofError, match="says not what it should"):
        check(AZURE.signed(b"[]"))
    check(AZURE.but(hash=hashes.SHA512).attest(NONCE))


def test_every_cut_of_a_document_is_refused_as_one():
    der = base64.b64decode(AZURE.attest(NONCE))
    for end in range(0, len(der), 7):
        with pytest.raises(ProofError):
            check(base64.b64encode(der[:end]).decode())


def test_roots_must_be_certificates_with_a_root():
    for pem in (b"", b"no pem", MIDDLE.pem):
        with pytest.raises(ConfigError, match="--attested-roots"):
            Trust(pem)


def served(tmp_path: Path, mode: str) -> Any:
    (tmp_path / "roots.pem").write_bytes(ROOT.pem + MIDDLE.pem)
    return endpoint(tmp_path / "data", "--attested", mode, "--attested-roots", str(tmp_path / "roots.pem"))


def send(server: Endpoint, file: Path, service: str) -> str:
    data = file.read_bytes()
    info = BundleInfo(file.stem, file, len(data), hashlib.sha256(data).hexdigest())
    target = HttpTarget(server.url, server.token, Network(None), service=MetadataService(service, timeout=5))
    return target.put(info, 60).state


def test_an_endpoint_that_requires_it_takes_a_bundle_from_its_own_machine_alone(bundle: Path, tmp_path: Path):
    own, other = varied(bundle, tmp_path, vm_id=VM), varied(bundle, tmp_path, vm_id=VM.replace("0", "1"))
    big = varied(bundle, tmp_path, vm_id=VM, instance_name="big", image=secrets.token_hex(700_000))
    with served(tmp_path, "require") as server, metadata() as machine:
        with pytest.raises(DeliveryError, match="the machine has no proof of Azure"):
            send(server, own, machine.url)
        machine.attest = AZURE.attest
        assert send(server, own, machine.url) == "delivered"
        assert send(server, own, machine.url) == "delivered", "known already"
        with pytest.raises(DeliveryError, match="is of the machine 02aab8a4"):
            send(server, other, machine.url)
        assert send(server, big, machine.url) == "delivered", "in blocks"
        asked = server.put(other)
        assert (asked.status_code, len(asked.json()["nonce"])) == (428, 10)
        replayed = server.put(other, **{"Attested-Document": AZURE.attest(nonce_for(KEY, BUNDLE, NOW))})
        assert (replayed.status_code, "not made for this bundle" in replayed.json()["error"]) == (403, True)
        assert server.get("/v1/bundles").json()["total"] == 2
        assert "unproven" in server.get("/admin/audit?action=unproven").text


def test_an_endpoint_that_checks_takes_it_and_records_who_has_no_proof(bundle: Path, tmp_path: Path):
    with served(tmp_path, "check") as server, metadata() as machine:
        assert send(server, varied(bundle, tmp_path, vm_id=VM), machine.url) == "delivered"
        machine.attest = AZURE.attest
        assert send(server, varied(bundle, tmp_path, vm_id=VM, instance_name="other"), machine.url) == "delivered"
        server.settle()
        page = server.get("/admin/audit?action=unproven").text
        assert page.count("the machine has no proof of Azure") == 1


def test_without_it_nobody_is_asked(bundle: Path, tmp_path: Path):
    with endpoint(tmp_path / "data") as server, metadata() as machine:
        assert send(server, bundle, machine.url) == "delivered"
        assert machine.requests == []
