"""One request to a store of objects: bounded, told in sentences, and its address never shown with the signature."""

from __future__ import annotations

import io
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import IO

import requests

from collector import __version__
from collector.deliver.targets.network import QUERY, Network, network_error
from collector.errors import DeliveryError

_LEAST_SECONDS = 0.5
_MOST_ANSWER, _PIECE = 4 << 20, 16_384
_CODE = re.compile(rb"<Code>\s*(\w{1,100})\s*</Code>")
#: Clocks that are further apart are told.
_SKEW_SECONDS = 300.0


class _WithoutQuery(logging.Filter):
    """The library logs whole addresses; a signed one opens the store to whoever reads it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = QUERY.sub("?...", record.getMessage()), None
        record.exc_info = record.exc_text = None
        return True


for _name in ("urllib3.connectionpool", "urllib3.util.retry", "urllib3.response"):
    logging.getLogger(_name).addFilter(_WithoutQuery())


@dataclass(frozen=True, slots=True)
class Until:
    """The time by which all requests of one try end."""

    end: float
    clock: Callable[[], float] = time.monotonic

    def left(self) -> float:
        """Seconds. Raises DeliveryError when there are none."""
        seconds = self.end - self.clock()
        if seconds <= 0:
            raise DeliveryError("the store did not answer in time")
        return seconds


class Body:
    """What is sent while there is time; the library reads it piece by piece, and its length beforehand."""

    def __init__(self, content: bytes | IO[bytes], until: Until) -> None:
        self._stream = io.BytesIO(content) if isinstance(content, bytes) else content
        self._size = self._stream.seek(0, io.SEEK_END)
        self._stream.seek(0)
        self._until = until

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(_PIECE):
            yield piece

    def read(self, size: int = -1) -> bytes:
        self._until.left()
        return self._stream.read(size)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the store answered. `code` is its own word for an error, "" where it gave none."""

    status: int
    headers: Mapping[str, str]
    code: str
    body: bytes

    @property
    def date(self) -> datetime | None:
        """The store's own time."""
        return moment(self.headers.get("Date"))

    @property
    def retry_after(self) -> float | None:
        """Seconds that the store asks to wait; a date is measured against its own clock."""
        value = self.headers.get("Retry-After", "").strip()
        until = moment(value)
        if value.isdecimal():
            return float(value[:9])
        return max(0.0, (until - (self.date or datetime.now(timezone.utc))).total_seconds()) if until else None

    @property
    def named(self) -> str:
        """Status and code as people may look them up."""
        return f"{self.status} {self.code}".strip()


def ask(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | IO[bytes] | None = None,
    *,
    until: Until,
    network: Network,
) -> Answer:
    """Raises DeliveryError if no whole answer came. Redirects are not followed: they would get the bundle too."""
    try:
        with requests.request(  # noqa: S113 - among the options
            method,
            url,
            data=None if body is None else Body(body, until),
            headers={"User-Agent": f"vmext/{__version__}", **headers},
            **network.options(max(_LEAST_SECONDS, until.left())),
        ) as response:
            told = _told(response, until)
            found = _CODE.search(told) if response.status_code >= 300 else None
            code = response.headers.get("x-ms-error-code") or (found.group(1).decode() if found else "")
            return Answer(response.status_code, response.headers, code, told)
    except requests.RequestException as error:
        raise network_error(error, "the store") from None
    except OSError as error:  # what the library lets through while it reads the answer
        raise DeliveryError(f"the connection to the store broke ({type(error).__name__})") from None


def _told(response: requests.Response, until: Until) -> bytes:
    """The body, in small pieces: a store that drips must not hold us up."""
    told = bytearray()
    for piece in response.iter_content(64):
        told += piece
        until.left()
        if len(told) > _MOST_ANSWER:
            raise DeliveryError("the store's answer does not end")
    return bytes(told)


def moment(text: str | None) -> datetime | None:
    """The time of an HTTP header."""
    try:
        told = parsedate_to_datetime(text or "")
    except (TypeError, ValueError):
        return None
    return told if told.tzinfo else told.replace(tzinfo=timezone.utc)


def validity(start: datetime | None, end: datetime | None, theirs: datetime | None, ours: datetime) -> str:
    """Why a signed address is not valid now by the store's clock; "" where it is. Pure."""
    now = theirs or ours
    apart = (ours - now).total_seconds()
    said = []
    if end and now >= end:
        said.append(f"it expired at {end:%Y-%m-%d %H:%M} UTC")
    if start and now < start:
        said.append(f"it is valid only from {start:%Y-%m-%d %H:%M} UTC on")
    if said and abs(apart) > _SKEW_SECONDS:
        way = "ahead of" if apart > 0 else "behind"
        said.append(f"this machine's clock is {round(abs(apart) / 60)} minutes {way} the store's")
    return ", and ".join(said)
