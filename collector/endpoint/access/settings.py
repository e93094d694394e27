"""How access and retention are set up for an endpoint."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from collector.errors import ConfigError

Attesting = Literal["off", "check", "require"]
_FROM_ENVIRONMENT = "VMEXT_OIDC_CLIENT_SECRET"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """`read` and `admin`: claims and values of which one gives that scope; a claim may be a list, as groups are."""

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    read: tuple[tuple[str, str], ...]
    admin: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AccessSettings:
    #: How browsers reach this endpoint where a proxy is before it: https://HOST[:PORT], without a path.
    public_url: str | None = None
    #: Addresses and networks of proxies whose X-Forwarded-For and -Proto count.
    trusted_proxies: tuple[str, ...] = ()
    attested: Attesting = "off"
    #: PEM file of the certificates that Azure's documents are signed under.
    attested_roots: Path | None = None
    #: Bundles older than this, and the oldest above so many bytes, are deleted; None: none.
    keep_days: float | None = None
    keep_bytes: int | None = None
    #: How long it is kept who did what.
    audit_days: float = 365
    oidc: OidcSettings | None = None


def access_settings(options: Mapping[str, Any]) -> AccessSettings:
    """From the options of the command line. Raises ConfigError."""
    public, proxies = options["public_url"], tuple(options["trusted_proxies"])
    for proxy in proxies:
        try:
            ipaddress.ip_network(proxy, strict=False)
        except ValueError as error:
            raise ConfigError(f"--trusted-proxy: {proxy!r} is no address", "Give 10.0.0.4 or 10.0.0.0/24.") from error
    if options["attested"] != "off" and options["attested_roots"] is None:
        raise ConfigError("--attested needs --attested-roots", "Give the PEM file that docs/access.md tells of.")
    return AccessSettings(
        public_url=None if public is None else _address("--public-url", public, with_path=False),
        trusted_proxies=proxies,
        attested=options["attested"],
        attested_roots=options["attested_roots"],
        keep_days=options["keep_days"],
        keep_bytes=None if options["keep_gb"] is None else int(options["keep_gb"] * 10**9),
        audit_days=options["audit_days"],
        oidc=_oidc(options),
    )


def _oidc(options: Mapping[str, Any]) -> OidcSettings | None:
    if not options["oidc_issuer"]:
        if any(options[name] for name in ("oidc_client_id", "oidc_read", "oidc_admin")):
            raise ConfigError("--oidc-issuer is missing", "Give the address of the OpenID provider.")
        return None
    if not options["oidc_client_id"]:
        raise ConfigError("--oidc-client-id is missing", "Give what the provider calls this endpoint.")
    read, admin = _claims("--oidc-read", options["oidc_read"]), _claims("--oidc-admin", options["oidc_admin"])
    if not read and not admin:
        raise ConfigError(
            "nobody of the OpenID provider may do anything",
            "Say who reads: --oidc-read groups=NAME, or who administers.",
        )
    issuer = _address("--oidc-issuer", options["oidc_issuer"], with_path=True)
    return OidcSettings(issuer, options["oidc_client_id"], _secret(options["oidc_client_secret_file"]), read, admin)


def _claims(option: str, given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    found = []
    for text in given:
        claim, mark, value = text.partition("=")
        if not mark or not claim or not value:
            raise ConfigError(f"{option}: {text!r} is no CLAIM=VALUE", "Give for example groups=support.")
        found.append((claim, value))
    return tuple(found)


def _secret(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(_FROM_ENVIRONMENT) or None
    try:
        return file.read_text().strip()
    except OSError as error:
        raise ConfigError(f"--oidc-client-secret-file: {file} can't be read: {error.strerror}", "") from error


def _address(option: str, url: str, *, with_path: bool) -> str:
    parts = urlsplit(url)
    is_fine = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
    if not is_fine or (parts.path.strip("/") and not with_path):
        raise ConfigError(f"{option}: {url!r} is no such address", "Give https://HOST, without anything behind it.")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigError(f"{option}: {url} is not encrypted", "Give an address with https://.")
    return url if with_path else url.rstrip("/")
