"""Azure's attested document: a signed statement of which machine asked for it. Pure.

Source: Microsoft documentation, Azure Instance Metadata Service, attested data: PKCS #7 with the document in it, signed
with a certificate of metadata.azure.com, of a name below it, or of a sovereign cloud's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import cms
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from collector.errors import ConfigError
from collector.model import Identity

#: Names of the signer's certificate: the public cloud, US Government, 21Vianet, Germany.
NAMES = ("metadata.azure.com", "metadata.azure.us", "metadata.azure.cn", "metadata.microsoftazure.de")
_MOST_BYTES = 12_000
_HASHES: Mapping[str, type[hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
_LEAST_RSA_BITS = 2_048
#: Clocks differ.
_SKEW = timedelta(minutes=5)
#: A number is good in the period in which it was given and in the next.
_PERIOD = timedelta(minutes=30)
_TIME = "%m/%d/%y %H:%M:%S %z"
_ENCODED = re.compile(r"^[A-Za-z0-9+/=]+$")


class ProofError(Exception):
    """Why a document proves nothing, as a sentence's end: "the proof ..."."""


@dataclass(frozen=True, slots=True)
class Proof:
    vm_id: str
    subscription: str
    nonce: str
    created: datetime
    expires: datetime


class Trust:
    """The certificates that Azure's documents are signed under."""

    def __init__(self, pem: bytes) -> None:
        """Raises ConfigError."""
        try:
            known = x509.load_pem_x509_certificates(pem)
        except ValueError as error:
            raise ConfigError(f"--attested-roots: this holds no certificates: {error}", "Give a PEM file.") from error
        self.roots = [one for one in known if one.issuer == one.subject]
        self.intermediates = [one for one in known if one.issuer != one.subject]
        if not self.roots:
            raise ConfigError("--attested-roots: no root is in it", "Add the self-signed certificate of the chain.")

    def check(self, leaf: x509.Certificate, others: Sequence[x509.Certificate], at: datetime) -> None:
        """Raises ProofError where `leaf` is not of Azure's metadata service, or its chain does not end in a root."""
        name = _service_name(leaf)
        policy = PolicyBuilder().store(Store(self.roots)).time(at.replace(tzinfo=None))
        try:
            policy.build_server_verifier(x509.DNSName(name)).verify(leaf, [*self.intermediates, *others])
        except (VerificationError, ValueError) as error:
            raise ProofError(
                "is signed with a certificate that none of the known roots vouches for, or is over"
            ) from error


def nonce_for(key: bytes, sha256: str, at: datetime, *, back: int = 0) -> str:
    """Ten digits that only this endpoint gives, for one bundle and a short time; `back`: of so many periods before."""
    period = int(at.timestamp() // _PERIOD.total_seconds()) - back
    digest = hmac.new(key, f"{period} {sha256}".encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 10**10:010d}"


def check_proof(encoded: str, sha256: str, identity: Identity, *, trust: Trust, key: bytes, at: datetime) -> None:
    """Raises ProofError where `encoded` does not prove that a bundle (its SHA-256, its instance) is sent by its own
    machine now."""
    proof = read_proof(encoded, trust, at)
    if not _is_one_of(proof.nonce, [nonce_for(key, sha256, at, back=back) for back in (0, 1)]):
        raise ProofError("was not made for this bundle, or too long ago")
    if not proof.created - _SKEW <= at <= proof.expires + _SKEW:
        raise ProofError(f"is good from {proof.created} to {proof.expires} only")
    if not identity.vm_id or identity.vm_id.lower() != proof.vm_id.lower():
        raise ProofError(f"is of the machine {proof.vm_id}, and the bundle says {identity.vm_id or 'nothing of that'}")
    if identity.subscription and identity.subscription.lower() != proof.subscription.lower():
        raise ProofError(f"is of the subscription {proof.subscription}, and the bundle says {identity.subscription}")


def read_proof(encoded: str, trust: Trust, at: datetime) -> Proof:
    """What a document says, once its signature and the chain of its signer have been checked. Raises ProofError."""
    if len(encoded) > _MOST_BYTES or not _ENCODED.match(encoded):
        raise ProofError("is not base64, or too long")
    try:
        content, leaf, others = _opened(base64.b64decode(encoded, validate=True))
        certificate = x509.load_der_x509_certificate(leaf)
        chain = [x509.load_der_x509_certificate(one) for one in others]
    except (binascii.Error, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ProofError("is no signed document of PKCS #7") from error
    trust.check(certificate, chain, at)
    content.check(certificate)
    return _proof(content.text)


@dataclass(frozen=True, slots=True)
class _Signed:
    text: bytes
    #: What the signature is over: the text itself, or attributes that hold its hash.
    covered: bytes
    signature: bytes
    hash: str
    text_hash: bytes | None

    def check(self, certificate: x509.Certificate) -> None:
        """Raises ProofError."""
        if self.hash not in _HASHES:
            raise ProofError(f"is signed with {self.hash}, which is not strong enough")
        if self.text_hash is not None and not hmac.compare_digest(
            self.text_hash, hashlib.new(self.hash, self.text).digest()
        ):
            raise ProofError("was changed after it was signed")
        key, algorithm = certificate.public_key(), _HASHES[self.hash]()
        try:
            if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS:
                key.verify(self.signature, self.covered, padding.PKCS1v15(), algorithm)
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(self.signature, self.covered, ec.ECDSA(algorithm))
            else:
                raise ProofError("is signed with a key of a kind that is not taken")
        except InvalidSignature as error:
            raise ProofError("was changed, or signed with another key") from error


def _opened(der: bytes) -> tuple[_Signed, bytes, list[bytes]]:
    """The signed text, its signer's certificate, and the others that came along. Raises what asn1crypto raises."""
    info = cms.ContentInfo.load(der, strict=True)
    if info["content_type"].native != "signed_data":
        raise ValueError("not signed")
    signed = info["content"]
    (signer,) = signed["signer_infos"]
    contents = bytes(signed["encap_content_info"]["content"])
    attributes = signer["signed_attrs"]
    covered, text_hash = contents, None
    if attributes.native is not None and len(attributes):
        values = {one["type"].native: one["values"] for one in attributes}
        (text_hash,) = values["message_digest"].native
        if values["content_type"].native != [signed["encap_content_info"]["content_type"].native]:
            raise ValueError("the signature is of another kind of content")
        covered = attributes.untag().dump(force=True)
    wanted = signer["sid"].chosen
    certificates = [one.chosen for one in signed["certificates"] if one.name == "certificate"]
    if signer["sid"].name != "issuer_and_serial_number":
        raise ValueError("the signer is not named by its certificate")
    fitting = [one for one in certificates if _is_named(one, wanted)]
    (leaf,) = fitting
    others = [one.dump() for one in certificates if one is not leaf]
    name = signer["digest_algorithm"]["algorithm"].native
    return _Signed(contents, covered, signer["signature"].native, name, text_hash), leaf.dump(), others


def _is_named(certificate: Any, wanted: Any) -> bool:
    is_same = certificate.issuer.dump() == wanted["issuer"].dump()
    return bool(is_same and certificate.serial_number == wanted["serial_number"].native)


def _service_name(leaf: x509.Certificate) -> str:
    """The metadata service's name in a certificate. Raises ProofError where there is none."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        told = names.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, ValueError) as error:
        raise ProofError("is signed with a certificate that names no service") from error
    for name in told:
        plain = name.lower().replace("*", "any", 1)
        if any(plain == known or plain.endswith(f".{known}") for known in NAMES):
            return plain
    raise ProofError(f"is signed with a certificate of {', '.join(told)[:100]}, not of Azure's metadata service")


def _proof(text: bytes) -> Proof:
    try:
        document = json.loads(text)
        times = document["timeStamp"]
        moments = [datetime.strptime(times[name], _TIME) for name in ("createdOn", "expiresOn")]  # noqa: DTZ007 - with %z
        told = [document[name] for name in ("vmId", "subscriptionId", "nonce")]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProofError("is signed and says not what it should") from error
    if not all(isinstance(value, str) for value in told):
        raise ProofError("is signed and says not what it should")
    return Proof(told[0], told[1], told[2], moments[0], moments[1])


def _is_one_of(told: str, wanted: Collection[str]) -> bool:
    return any(hmac.compare_digest(told.encode(), one.encode()) for one in wanted)
