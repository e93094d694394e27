"""Requests to our endpoint, with a time by which all of them end, and their answers."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

from collector import __version__
from collector.deliver.targets.network import Network, network_error, retry_after
from collector.errors import DeliveryError, RefusedError

_LEAST_SECONDS = 0.5
_MOST_ANSWER = 65_536
#: Statuses after which the same request may be sent again: each of ours does the same when it is done twice.
_RETRY = frozenset({408, 422, 425, 429, 500, 502, 503, 504, 507})
#: Statuses by which the endpoint refuses this very bundle for good.
_REFUSED = frozenset({400, 409, 413})


@dataclass(frozen=True, slots=True)
class Answer:
    """`document` None where the body was no JSON object."""

    status: int
    document: dict[str, Any] | None


class Body:
    """Bytes that are sent while there is time; the library reads them piece by piece."""

    def __init__(self, file: Path, start: int, size: int, wire: Wire) -> None:
        """Raises OSError."""
        self._stream = file.open("rb")
        self._stream.seek(start)
        self._file, self._size, self._left, self._wire = file, size, size, wire

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(1 << 14):
            yield piece

    def read(self, size: int = -1) -> bytes:
        self._wire.seconds_left()
        wanted = self._left if size < 0 else min(size, self._left)
        try:
            piece = self._stream.read(wanted)
        except OSError as error:
            raise DeliveryError(f"{self._file} can't be read: {error.strerror}", retry=False) from None
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._stream.close()


class Wire:
    """A connection to one endpoint. All requests end within `seconds` of its making."""

    def __init__(
        self, url: str, token: str | None, network: Network, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url, self._token, self._network = url, token, network
        self.clock, self.end = clock, clock() + seconds
        self._session = requests.Session()

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    @property
    def is_plain(self) -> bool:
        """Whether it is not encrypted, which is only so to an endpoint on this machine, or without a token."""
        return self._url.startswith("http://")

    def seconds_left(self) -> float:
        """Raises DeliveryError when there are none."""
        left = self.end - self.clock()
        if left <= 0:
            raise DeliveryError("the endpoint did not answer in time")
        return left

    def ask(
        self,
        method: str,
        path: str,
        body: Body | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        also: Collection[int] = (),
    ) -> Answer:
        """The answer to one request. Raises DeliveryError for all but 200, 201 and the statuses `also` named."""
        sent = {"User-Agent": f"vmext/{__version__}", **(headers or {})}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        options = self._network.options(max(_LEAST_SECONDS, self.seconds_left()))
        try:
            with self._session.request(method, self._url + path, data=body, headers=sent, **options) as response:
                answer = Answer(response.status_code, self._document(response))
                if answer.status in (200, 201) or (answer.document is not None and answer.status in also):
                    return answer
                raise _refusal(response, answer)
        except requests.RequestException as error:
            raise network_error(error) from None
        except OSError as error:
            raise DeliveryError(f"the request could not be made: {error.strerror or error}", retry=False) from None
        finally:
            if isinstance(body, Body):
                body.close()

    def _document(self, response: requests.Response) -> dict[str, Any] | None:
        """The body, read byte by byte out of a buffer: a receiver that drips must not hold us up."""
        received = bytearray()
        for piece in response.iter_content(1):
            received += piece
            if len(received) > _MOST_ANSWER:
                return None
            self.seconds_left()
        with suppress(ValueError, RecursionError):
            document = json.loads(received)
            return document if isinstance(document, dict) else None
        return None


def digest(sha256: bytes) -> str:
    """The value of Repr-Digest and Content-Digest (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"


def _refusal(response: requests.Response, answer: Answer) -> DeliveryError:
    """What a status means. Only an answer in our endpoint's own words refuses for good: a proxy on the way that
    says 400 or 413 knows nothing of the bundle."""
    status, document = answer.status, answer.document or {}
    is_ours = isinstance(document.get("error"), str)
    said = f": {document['error'][:300]}" if is_ours else ""
    if status == 403 and is_ours:
        hint = document.get("hint")
        return DeliveryError(
            f"the endpoint does not take it ({status}{said})",
            hint[:300] if isinstance(hint, str) else "",
            retry=False,
        )
    if status in (401, 403):
        return DeliveryError(
            f"the endpoint refused the token ({status}{said})", "Check --token-file or VMEXT_TOKEN.", retry=False
        )
    if status == 407:
        return DeliveryError("the proxy wants a name and a password (407)", "Give them in proxy.", retry=False)
    if status in _REFUSED and is_ours:
        return RefusedError(f"the endpoint refused the bundle for good ({status}{said})", retry=False)
    if 300 <= status < 400:
        return DeliveryError(f"the endpoint redirects ({status}); give its own address with --upload", retry=False)
    return DeliveryError(
        f"the endpoint answered {status}{said}", retry=status in _RETRY, retry_after=retry_after(response)
    )
