"""How the network is reached: proxy, certificates, and faults of it in words for people."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from collector.errors import ConfigError, DeliveryError
from collector.platforms.own_files import check_named

log = logging.getLogger(__name__)

#: Seconds that a connection may take; seconds of silence after which another try is better than waiting on.
CONNECT_SECONDS, SILENT_SECONDS = 5.0, 30.0
#: Of a signed address it opens the store.
QUERY = re.compile(r"\?[^\s\"'<>]+")


@dataclass(frozen=True, slots=True)
class Network:
    """Settings. Certificates are always checked: there is no way to turn that off.

    `proxy` None means what the environment says (HTTPS_PROXY, HTTP_PROXY, NO_PROXY). `client_key` may be left out
    where the certificate's file holds the key.
    """

    ca_bundle: str | None = None
    proxy: str | None = None
    client_cert: str | None = None
    client_key: str | None = None

    def check(self) -> None:
        """Raises ConfigError for a file that can't be read or may be another user's, or a proxy that is no address."""
        for name in ("ca_bundle", "client_cert", "client_key"):
            file = getattr(self, name)
            try:
                if file:
                    check_named(Path(file))
            except FileNotFoundError as error:
                raise ConfigError(f"{name}: there is no file {file}") from error
            except OSError as error:
                raise ConfigError(f"{name}: {file} can't be used: {error.strerror}") from error
        if self.client_key and not self.client_cert:
            raise ConfigError("client_key is given without client_cert", "Give both, or client_cert alone.")
        if self.proxy and (urlsplit(self.proxy).scheme not in ("http", "https") or not urlsplit(self.proxy).hostname):
            raise ConfigError("proxy is no address of a proxy", "Give http://HOST:PORT.")

    def options(self, timeout: float) -> dict[str, Any]:
        """What each request of the `requests` library gets; `timeout` seconds for each wait at most."""
        cert = (self.client_cert, self.client_key) if self.client_key else self.client_cert
        return {
            "verify": self.ca_bundle or True,
            "cert": cert,
            "proxies": {"http": self.proxy, "https": self.proxy} if self.proxy else None,
            "timeout": (min(CONNECT_SECONDS, timeout), min(SILENT_SECONDS, timeout)),
            "allow_redirects": False,
            "stream": True,
            "auth": _unchanged,
        }


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps the library from putting a password of ~/.netrc in the place of our token."""
    return request


def retry_after(response: requests.Response) -> float | None:
    """Seconds that the receiver asks to wait, as a number or as a date; None if it does not say.

    A date is measured against the receiver's own clock where it tells it, since this one may be wrong.
    """
    value = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", value):
        return float(value)
    until = _date(value)
    if until is None:
        return None
    base = _date(response.headers.get("Date", "")) or datetime.now(timezone.utc)
    return max(0.0, (until - base).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None


def network_error(error: requests.RequestException, whom: str = "the endpoint") -> DeliveryError:
    """A sentence for people about `whom`; the library's own texts hold addresses of objects, and signatures."""
    text = str(error)
    if isinstance(error, requests.exceptions.SSLError):
        return _tls_error(text, whom)
    return DeliveryError(_reason(error, text, whom), retry=not isinstance(error, requests.exceptions.InvalidURL))


def _tls_error(text: str, whom: str) -> DeliveryError:
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text:
        return DeliveryError(
            f"{whom}'s certificate is not trusted (TLS)",
            "Give its authority with ca_bundle in the configuration.",
            retry=False,
        )
    if re.search(r"CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|UNKNOWN_CA|BAD_CERTIFICATE|alert certificate", text, re.I):
        return DeliveryError(
            f"{whom} refused our certificate, or wants one (TLS)",
            "Give client_cert and client_key in the configuration.",
            retry=False,
        )
    return DeliveryError(f"the encrypted connection to {whom} could not be made (TLS)")


def _reason(error: requests.RequestException, text: str, whom: str) -> str:
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"no connection to {whom} in time"
    if isinstance(error, requests.exceptions.Timeout) or "timed out" in text:
        return f"{whom} did not answer in time"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy refused the connection"
    if "NameResolution" in text or "getaddrinfo" in text or "Name or service" in text:
        return f"{whom}'s name can't be resolved (DNS)"
    if "refused" in text.lower():
        return f"{whom} refused the connection; is it running, and is the port right?"
    if "Network is unreachable" in text or "No route to host" in text:
        return f"there is no network route to {whom}"
    log.debug("delivery failed: %s", QUERY.sub("?...", text))
    return f"the connection to {whom} broke ({type(error).__name__})"
