"""The instance metadata service: the only client of it, for discover and deliver."""

from __future__ import annotations

import http.client
import json
import logging
import re
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

log = logging.getLogger(__name__)

_API_VERSION, _TOKEN_VERSION, _EVENTS_VERSION = "2021-02-01", "2018-02-01", "2020-07-01"
_ATTESTED_VERSION = "2020-09-01"
_MOST_BYTES, _BLOCK = 262_144, 16_384
_BASE64 = re.compile(r"^[A-Za-z0-9+/=]{1,12000}$")
#: The whole answer may take so many times the timeout for one read.
_LONGEST = 2


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What the service said when it was asked for a token: the token's document, or an error's."""

    status: int
    document: dict[str, Any] = field(repr=False)
    retry_after: str | None = None


class MetadataService:
    """Speaks to the service directly, never through a proxy, as its documentation demands.

    Source: Microsoft documentation, Azure Instance Metadata Service.
    """

    def __init__(self, url: str = "http://169.254.169.254", timeout: float = 1.0) -> None:
        """`timeout` in seconds, for connecting and for reading each."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._timeout = timeout
        #: This clock minus that of Azure's host, as the last answer told it to about a second; None where none did.
        self.clock_offset_seconds: float | None = None

    def instance(self) -> dict[str, Any] | None:
        """The instance document (compute and network), None where there is no such service."""
        return self._document(f"/metadata/instance?api-version={_API_VERSION}", logging.INFO)

    def token(self, resource: str, client_id: str | None, resource_id: str | None) -> TokenAnswer | None:
        """The answer to the request for a token of the machine's managed identity, None where there is no service.

        `client_id` or `resource_id` name one of several identities.
        Source: Microsoft documentation, Use managed identities on a virtual machine to acquire an access token.
        """
        query = {"api-version": _TOKEN_VERSION, "resource": resource}
        query |= {"client_id": client_id} if client_id else {}
        query |= {"msi_res_id": resource_id} if resource_id else {}
        try:
            response, body = self._get(f"/metadata/identity/oauth2/token?{urlencode(query)}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            log.info("the metadata service gave no token: %s", error)
            return None
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            document = None
        asked = response.headers.get("Retry-After")
        return TokenAnswer(response.status, document if isinstance(document, dict) else {}, asked)

    def attested(self, nonce: str) -> str | None:
        """A document, signed by Azure, of which machine this is, with `nonce` (ten digits) in it; base64 of PKCS #7.

        None where there is no such service.
        Source: Microsoft documentation, Azure Instance Metadata Service, attested data.
        """
        path = f"/metadata/attested/document?api-version={_ATTESTED_VERSION}&nonce={nonce}"
        signature = (self._document(path, logging.INFO) or {}).get("signature")
        return signature if isinstance(signature, str) and _BASE64.match(signature) else None

    def scheduled_events(self, wait_seconds: float) -> dict[str, Any] | None:
        """What the platform is about to do to this instance and its neighbours; None where there is no such service.

        Only asks: an event is approved by a POST, which is never made. The first question of a machine's life enables
        the service and may take two minutes, hence `wait_seconds`.
        Source: Microsoft documentation, Azure Metadata Service: Scheduled Events for Linux VMs.
        """
        return self._document(f"/metadata/scheduledevents?api-version={_EVENTS_VERSION}", logging.DEBUG, wait_seconds)

    def _document(self, path: str, level: int, wait_seconds: float | None = None) -> dict[str, Any] | None:
        """The object that is answered with, None where there is none; `level`: of the line in the log that says why."""
        try:
            response, body = self._get(path, wait_seconds)
            if response.status != 200:
                log.log(level, "the metadata service answered %s to %s", response.status, path)
                return None
            document = json.loads(body)
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            log.log(level, "no answer of the metadata service to %s: %s", path, error)
            return None
        return document if isinstance(document, dict) else None

    def _get(self, path: str, wait_seconds: float | None = None) -> tuple[http.client.HTTPResponse, bytes]:
        """The answer and its body. `wait_seconds`: for the answer to begin, where that may take longer.

        Raises OSError, HTTPException or ValueError.
        """
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            connection.connect()
            connection.sock.settimeout(wait_seconds or self._timeout)
            connection.request("GET", path, headers={"Metadata": "true"})
            response = connection.getresponse()
            self.clock_offset_seconds = clock_offset(response.headers.get("Date"), datetime.now(timezone.utc))
            return response, self._body(response, time.monotonic() + _LONGEST * self._timeout)
        finally:
            connection.close()

    @staticmethod
    def _body(response: http.client.HTTPResponse, end: float) -> bytes:
        """The document, bounded in size and in time: a service that dribbles must not hold up the run."""
        body = b""
        while block := response.read1(_BLOCK):
            body += block
            if len(body) > _MOST_BYTES:
                raise ValueError(f"more than {_MOST_BYTES} bytes")
            if time.monotonic() > end:
                raise TimeoutError("the answer did not end in time")
        return body


def clock_offset(date: str | None, now: datetime) -> float | None:
    """Seconds that `now` is ahead of the Date of an answer, to about a second; None if that is no date."""
    try:
        told = parsedate_to_datetime(date or "")
    except (TypeError, ValueError):
        return None
    told = told if told.tzinfo else told.replace(tzinfo=timezone.utc)
    return round((now - told).total_seconds() - 0.5, 1)  # it names the second in which it was written
