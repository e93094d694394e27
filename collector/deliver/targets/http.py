"""Our own endpoint: PUT with a digest (RFC 9530), answered with a receipt that names the hash."""

from __future__ import annotations

import base64
import binascii
import json
import logging
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import requests

from collector import __version__
from collector.errors import DeliveryError, RefusedError
from collector.model import BundleInfo, Delivery

log = logging.getLogger(__name__)

_CONNECT_SECONDS = 5.0
_MOST_ANSWER = 65_536
#: Statuses after which the same bundle may be sent again.
_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504, 507})
#: Statuses that refuse this very bundle for good.
_REFUSED = frozenset({400, 409, 413, 422})


class HttpTarget:
    def __init__(self, url: str, token: str | None, ca_bundle: str | None = None) -> None:
        self.name = url
        self._token = token
        self._ca_bundle = ca_bundle

    def put(self, bundle: BundleInfo, timeout: float) -> Delivery:
        digest = base64.b64encode(binascii.unhexlify(bundle.sha256)).decode()
        headers = {
            "Content-Type": "application/zip",
            "Content-Length": str(bundle.bytes),
            "Repr-Digest": f"sha-256=:{digest}:",
            "User-Agent": f"vmext/{__version__}",
        }
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            with bundle.path.open("rb") as stream:
                response = requests.put(
                    f"{self.name}/v1/bundles/{bundle.id}",
                    data=stream,
                    headers=headers,
                    timeout=(min(_CONNECT_SECONDS, timeout), timeout),
                    verify=self._ca_bundle or True,
                    allow_redirects=False,
                    stream=True,
                )
                with response:
                    return self._receipt(bundle, response)
        except requests.RequestException as error:
            raise DeliveryError(_reason(error), retry=not isinstance(error, requests.exceptions.InvalidURL)) from None
        except OSError as error:
            raise DeliveryError(f"{bundle.path} can't be read: {error.strerror}", retry=False) from None

    def _receipt(self, bundle: BundleInfo, response: requests.Response) -> Delivery:
        if response.status_code not in (200, 201):
            raise _refusal(response)
        body = response.raw.read(_MOST_ANSWER, decode_content=True)
        try:
            receipt = json.loads(body)
            received = datetime.fromisoformat(str(receipt["received"]).replace("Z", "+00:00"))
            named = (receipt["id"], receipt["sha256"])
        except (ValueError, KeyError, TypeError):
            raise DeliveryError("the endpoint's answer is no receipt; the bundle does not count as delivered") from None
        if named != (bundle.id, bundle.sha256):
            raise DeliveryError("the endpoint's receipt names another hash; the bundle does not count as delivered")
        return Delivery("delivered", self.name, received=received.astimezone(timezone.utc))


def retry_after(response: requests.Response) -> float | None:
    """Seconds that the receiver asks to wait, as a number or as a date; None if it does not say."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, (until - datetime.now(timezone.utc)).total_seconds()) if until.tzinfo else None


def _refusal(response: requests.Response) -> DeliveryError:
    status = response.status_code
    said = _said(response)
    if status in (401, 403):
        return DeliveryError(
            f"the endpoint refused the token ({status})", "Check --token-file or VMEXT_TOKEN.", retry=False
        )
    if status in _REFUSED:
        return RefusedError(f"the endpoint refused the bundle for good ({status}{said})", retry=False)
    if 300 <= status < 400:
        return DeliveryError(f"the endpoint redirects ({status}); give its own address with --upload", retry=False)
    return DeliveryError(
        f"the endpoint answered {status}{said}", retry=status in _RETRY, retry_after=retry_after(response)
    )


def _said(response: requests.Response) -> str:
    """The endpoint's own sentence, if it gave one."""
    try:
        document = json.loads(response.raw.read(_MOST_ANSWER, decode_content=True))
        return f": {str(document['error'])[:300]}"
    except (ValueError, KeyError, TypeError, requests.RequestException, OSError):
        return ""


def _reason(error: requests.RequestException) -> str:
    """A sentence for people; the library's own texts hold addresses of objects."""
    text = str(error)
    if isinstance(error, requests.exceptions.SSLError):
        return "the endpoint's certificate is not trusted (TLS); give its authority with ca_bundle in the configuration"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection to the endpoint in time"
    if isinstance(error, requests.exceptions.Timeout):
        return "the endpoint did not answer in time"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy refused the connection"
    if "NameResolution" in text or "getaddrinfo" in text or "Name or service" in text:
        return "the endpoint's name can't be resolved (DNS)"
    if "refused" in text.lower():
        return "the endpoint refused the connection; is it running, and is the port right?"
    if "Network is unreachable" in text or "No route to host" in text:
        return "there is no network route to the endpoint"
    log.debug("delivery failed", exc_info=True)
    return f"the connection to the endpoint broke ({type(error).__name__})"
