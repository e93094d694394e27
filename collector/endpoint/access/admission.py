"""Whether a bundle is taken from whom it comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from collector.bundle.envelope import Envelope
from collector.bundle.reader import Bundle
from collector.endpoint.access.caller import Caller, caller

#: Called with a bundle and its SHA-256; raises RefusalError.
Admit = Callable[[Bundle | Envelope, str], None]


@dataclass(frozen=True, slots=True)
class Admission:
    def of(self, request: Request) -> Admit:
        """What decides about the bundle that this request brings or completes."""
        sender: Caller = caller(request)

        def admit(bundle: Bundle | Envelope, sha256: str) -> None:
            sender.check_sends_for(bundle.identity)

        return admit
