"""The instance metadata service: the only client of it, for discover and deliver."""

from __future__ import annotations

import http.client
import json
import logging
import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

_API_VERSION = "2021-02-01"
_MOST_BYTES, _BLOCK = 262_144, 16_384
#: The whole answer may take so many times the timeout for one read.
_LONGEST = 2


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
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            connection.request("GET", f"/metadata/instance?api-version={_API_VERSION}", headers={"Metadata": "true"})
            response = connection.getresponse()
            self.clock_offset_seconds = clock_offset(response.headers.get("Date"), datetime.now(timezone.utc))
            body = self._body(response, time.monotonic() + _LONGEST * self._timeout)
            if response.status != 200:
                log.info("the metadata service answered %s", response.status)
                return None
            document = json.loads(body)
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            log.info("no metadata service: %s", error)
            return None
        finally:
            connection.close()
        return document if isinstance(document, dict) else None

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
