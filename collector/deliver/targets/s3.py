"""S3 by a presigned PUT URL: one object, whose name the URL fixes; never over another one that is there."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

from collector.deliver.targets.network import Network
from collector.deliver.targets.store import Answer, Until, ask, validity
from collector.errors import DeliveryError
from collector.model import BundleInfo, Delivery

_BLOCK = 1 << 20
_RETRY = frozenset({408, 429, 500, 502, 503, 504})
_PASSING = frozenset({"BadDigest", "RequestTimeout", "ConditionalRequestConflict", "OperationAborted"})
_NEW_URL = "Make a new presigned URL for PUT, and give it."
_MEANINGS = {
    "SignatureDoesNotMatch": (
        "the URL's signature does not match",
        "Was it copied whole, and made for PUT? " + _NEW_URL,
    ),
    "InvalidAccessKeyId": ("the key that signed the URL no longer exists", _NEW_URL),
    "ExpiredToken": ("the session that signed the URL has expired", _NEW_URL),
    "NoSuchBucket": ("there is no such bucket", _NEW_URL),
    "EntityTooLarge": ("the bundle is too large for one PUT", "Send it to Azure Blob or to an endpoint."),
}


class S3Target:
    def __init__(self, url: str, network: Network | None = None) -> None:
        parts = urlsplit(url)
        self.name = f"{parts.scheme}://{parts.netloc}{parts.path}"
        self._url, self._network = url, network or Network()
        self._query = {key: values[0] for key, values in parse_qs(parts.query).items()}

    def put(self, bundle: BundleInfo, timeout: float) -> Delivery:
        try:
            md5 = _md5(bundle)
            until = Until(time.monotonic() + timeout)
            answer = self._send(bundle, md5, {"If-None-Match": "*"}, until)
            if answer.status == 412:  # something is there: this very bundle, whose receipt was lost, may be sent again
                answer = self._send(bundle, md5, {"If-Match": f'"{md5.hex()}"'}, until)
        except OSError as error:
            raise DeliveryError(f"{bundle.path} can't be read: {error.strerror}", retry=False) from None
        if answer.status == 412:
            raise DeliveryError(
                "another object exists already under the presigned URL (412)",
                "Such a URL takes one bundle: make one for each, or give a SAS of a container or an endpoint.",
                retry=False,
            )
        if answer.status != 200:
            raise self._refusal(answer)
        etag = answer.headers.get("ETag", "").strip('"')
        if not etag or (_is_md5(etag, answer) and etag != md5.hex()):
            raise DeliveryError("S3's answer names another hash; the bundle does not count as delivered")
        return Delivery("delivered", self.name, received=answer.date)

    def _send(self, bundle: BundleInfo, md5: bytes, condition: dict[str, str], until: Until) -> Answer:
        """S3 refuses a body that does not have the hash of Content-MD5."""
        headers = {
            "Content-Type": "application/zip",
            "Content-Length": str(bundle.bytes),
            "Content-MD5": base64.b64encode(md5).decode(),
        }
        with bundle.path.open("rb") as stream:
            return ask("PUT", self._url, headers | condition, stream, until=until, network=self._network)

    def _refusal(self, answer: Answer) -> DeliveryError:
        meaning, hint = _MEANINGS.get(answer.code, ("", ""))
        if answer.status == 403 and not meaning:
            wrong = validity(None, self._end(), answer.date, datetime.now(timezone.utc))
            meaning = f"the URL is not valid: {wrong}" if wrong else "whoever signed the URL may not write there"
            hint = _NEW_URL
        if 300 <= answer.status < 400:
            meaning, hint = "it redirects", "Sign the URL for the bucket's own region."
        return DeliveryError(
            f"S3 refused ({answer.named}){': ' + meaning if meaning else ''}",
            hint,
            retry=answer.status in _RETRY or answer.code in _PASSING,
            retry_after=answer.retry_after,
        )

    def _end(self) -> datetime | None:
        try:
            if "Expires" in self._query:
                return datetime.fromtimestamp(int(self._query["Expires"]), timezone.utc)
            signed = datetime.strptime(self._query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
            return signed + timedelta(seconds=int(self._query["X-Amz-Expires"]))
        except (KeyError, ValueError, OverflowError, OSError):
            return None


def _md5(bundle: BundleInfo) -> bytes:
    """Raises OSError, and DeliveryError where the file is not the one that was written."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with bundle.path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            md5.update(block)
            sha256.update(block)
    if sha256.hexdigest() != bundle.sha256:
        raise DeliveryError(f"{bundle.path} has changed since it was written", retry=False)
    return md5.digest()


def _is_md5(etag: str, answer: Answer) -> bool:
    """Objects encrypted with a key of KMS or of the customer have another ETag."""
    theirs = answer.headers.get("x-amz-server-side-encryption", "AES256") != "AES256"
    customer = "x-amz-server-side-encryption-customer-algorithm" in answer.headers
    return not theirs and not customer and bool(re.fullmatch(r"[0-9a-f]{32}", etag))
