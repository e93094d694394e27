"""The instance metadata service: the only client of it, for discover and deliver."""

from __future__ import annotations

import http.client
import json
import logging
from typing import Any
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

_API_VERSION = "2021-02-01"
_MOST_BYTES = 262_144


class MetadataService:
    """Speaks to the service directly, never through a proxy, as its documentation demands.

    Source: Microsoft documentation, Azure Instance Metadata Service.
    """

    def __init__(self, url: str = "http://169.254.169.254", timeout: float = 1.0) -> None:
        """`timeout` in seconds, for connecting and for reading each."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._timeout = timeout

    def instance(self) -> dict[str, Any] | None:
        """The instance document (compute and network), None where there is no such service."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            connection.request("GET", f"/metadata/instance?api-version={_API_VERSION}", headers={"Metadata": "true"})
            response = connection.getresponse()
            body = response.read(_MOST_BYTES)
            if response.status != 200:
                log.info("the metadata service answered %s", response.status)
                return None
            document = json.loads(body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            log.info("no metadata service: %s", error)
            return None
        finally:
            connection.close()
        return document if isinstance(document, dict) else None
