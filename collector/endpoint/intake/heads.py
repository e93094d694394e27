"""What the first bytes of a connection tell, and answers that need no more than these. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

#: Requests by which bundles come in.
_BUNDLE = re.compile(rb"PUT /v1/bundles/|(POST|PUT|PATCH) /v1/(uploads|grants)")
#: What operators must be able to ask while all else is too much.
_PROBE = re.compile(rb"(GET|HEAD) /(healthz|readyz|metrics)[ ?]")


@dataclass(frozen=True, slots=True)
class Answer:
    """As `RefusalError` words it. The connection ends with it."""

    status: int
    reason: str
    error: str
    hint: str

    def bytes(self, retry_after: int | None = None) -> bytes:
        """`retry_after` in seconds."""
        body = json.dumps({"error": self.error, "hint": self.hint}).encode()
        told = f"retry-after: {retry_after}\r\n" if retry_after is not None else ""
        head = (
            f"HTTP/1.1 {self.status} {self.reason}\r\ncontent-type: application/json\r\n{told}"
            f"cache-control: no-store\r\nx-content-type-options: nosniff\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        return head.encode() + body


BUSY = Answer(429, "Too Many Requests", "the endpoint is busy", "Try again then.")
TOO_LONG = Answer(431, "Request Header Fields Too Large", "the head of the request is too long", "")


def is_whole(head: bytes) -> bool:
    return b"\r\n\r\n" in head or b"\n\n" in head


def may_be_http(head: bytes) -> bool:
    """Whether it is worth waiting for more of it: a method begins with a letter, TLS does not."""
    return head[:1].isalpha()


def is_bundle(head: bytes) -> bool:
    return _BUNDLE.match(head) is not None


def is_probe(head: bytes) -> bool:
    return _PROBE.match(head) is not None
