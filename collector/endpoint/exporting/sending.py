"""Sends one request to a collector of OpenTelemetry, and says what became of it.

https://opentelemetry.io/docs/specs/otlp/#otlphttp: which answers are to be tried again, and when.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit

import requests
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from collector import __version__
from collector.errors import ConfigError

_PATH = "/v1/logs"
_AGAIN = (429, 502, 503, 504)
_TIMEOUT = (10, 30)
#: No answer may make the exporter wait longer, in seconds.
_LONGEST = 3_600.0
_MOST_ANSWER = 64_000


@dataclass(frozen=True, slots=True)
class Sent:
    """`taken` and `problem` are both told where a part was refused; neither is tried again."""

    taken: bool
    #: seconds until it may be tried again; None: never
    again: float | None = None
    problem: str = ""


class Sender:
    def __init__(self, endpoint: str, headers: Mapping[str, str]) -> None:
        """`endpoint`: the collector's address, with or without /v1/logs. Raises ConfigError."""
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ConfigError(
                "--otlp-endpoint: this is no address of a collector", "Give for example https://collector.example:4318."
            )
        path = parts.path.rstrip("/")
        self.address = parts._replace(path=path if path.endswith(_PATH) else path + _PATH).geturl()
        self._session = requests.Session()
        self._session.headers.update(headers)
        self._session.headers.update(
            {
                "Content-Type": "application/x-protobuf",
                "Content-Encoding": "gzip",
                "User-Agent": f"vmext-endpoint/{__version__}",
            }
        )

    def send(self, what: ExportLogsServiceRequest, wait: float) -> Sent:
        """`wait`: seconds until it is tried again where the answer does not tell them."""
        body = gzip.compress(what.SerializeToString(), 6)
        try:
            with self._session.post(
                self.address, data=body, timeout=_TIMEOUT, stream=True, allow_redirects=False
            ) as answer:
                content = answer.raw.read(_MOST_ANSWER, decode_content=True)
        except (requests.RequestException, OSError) as error:
            return Sent(False, wait, type(error).__name__)
        if answer.status_code in _AGAIN:
            return Sent(False, _told_wait(answer.headers.get("Retry-After"), wait), f"HTTP {answer.status_code}")
        if not answer.ok or answer.is_redirect:
            again = wait if answer.status_code in (401, 403, 404) else None
            return Sent(False, again, f"HTTP {answer.status_code}")
        return Sent(True, problem=_refused(content))

    def close(self) -> None:
        self._session.close()


def told_headers(text: str) -> dict[str, str]:
    """Of `OTEL_EXPORTER_OTLP_HEADERS`: name=value, separated by commas, values in percent-encoding."""
    pairs = (pair.partition("=") for pair in text.split(","))
    return {name.strip(): unquote(value.strip()) for name, mark, value in pairs if mark and name.strip()}


def _refused(content: bytes) -> str:
    """What a collector says of records that it did not want."""
    try:
        partial = ExportLogsServiceResponse.FromString(content).partial_success
    except DecodeError:
        return ""
    if not partial.rejected_log_records:
        return ""
    return f"{partial.rejected_log_records} records were refused: {partial.error_message[:200]}"


def _told_wait(told: str | None, wait: float) -> float:
    """Retry-After: seconds, or a date."""
    if not told:
        return wait
    if told.strip().isdecimal():
        return min(float(told.strip()[:9]), _LONGEST)
    try:
        moment = parsedate_to_datetime(told)
    except ValueError:
        return wait
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return min(max(0.0, (moment - datetime.now(timezone.utc)).total_seconds()), _LONGEST)
