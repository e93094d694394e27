"""A chain of certificates like that of Azure's metadata service, and documents signed under it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.now(timezone.utc)


@dataclass(frozen=True)
class Signer:
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def authority(name: str, parent: Signer | None = None) -> Signer:
    own = key()
    return issued(name, own, parent or Signer(None, own), is_authority=True, is_root=parent is None)  # type: ignore[arg-type]


def leaf(parent: Signer, *names: str, start: datetime | None = None, end: datetime | None = None) -> Signer:
    return issued("leaf", key(), parent, names=names or ("metadata.azure.com",), start=start, end=end)


def issued(
    common: str,
    own: rsa.RSAPrivateKey,
    parent: Signer,
    *,
    is_authority: bool = False,
    is_root: bool = False,
    names: tuple[str, ...] = (),
    start: datetime | None = None,
    end: datetime | None = None,
) -> Signer:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if is_root else parent.certificate.subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start or NOW - timedelta(days=1))
        .not_valid_after(end or NOW + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(parent.key.public_key()), critical=False)
        .add_extension(usage(is_authority), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    return Signer(builder.sign(parent.key, hashes.SHA256()), own)


def usage(is_authority: bool) -> x509.KeyUsage:
    names = ("content_commitment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only")
    return x509.KeyUsage(
        **dict.fromkeys(names, False),
        digital_signature=True,
        key_encipherment=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
    )


@dataclass(frozen=True)
class Service:
    """What signs on one host; `told` replaces what it says."""

    signer: Signer
    vm_id: str
    subscription: str = "8d10da13-8125-4ba9-a717-bf7490507b3d"
    told: tuple[tuple[str, Any], ...] = ()
    options: tuple[pkcs7.PKCS7Options, ...] = ()
    hash: Any = hashes.SHA256

    def attest(self, nonce: str) -> str:
        return self.signed(self.text(nonce))

    def text(self, nonce: str, created: datetime = NOW, hours: float = 6) -> bytes:
        form = "%m/%d/%y %H:%M:%S -0000"
        times = {"createdOn": created.strftime(form), "expiresOn": (created + timedelta(hours=hours)).strftime(form)}
        document = {
            "licenseType": "",
            "nonce": nonce,
            "plan": {"name": "", "product": "", "publisher": ""},
            "sku": "22_04-lts-gen2",
            "subscriptionId": self.subscription,
            "timeStamp": times,
            "vmId": self.vm_id,
        }
        return json.dumps(document | dict(self.told)).encode()

    def signed(self, text: bytes) -> str:
        builder = pkcs7.PKCS7SignatureBuilder().set_data(text)
        builder = builder.add_signer(self.signer.certificate, self.signer.key, self.hash())
        return base64.b64encode(builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary, *self.options])).decode()

    def but(self, **changes: Any) -> Service:
        return replace(self, **changes)
