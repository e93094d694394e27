"""Whether a bundle is taken from whom it comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request

from collector.bundle.envelope import Envelope
from collector.bundle.reader import Bundle
from collector.deliver.targets.proof import ASKED, HEADER, NO_PROOF
from collector.endpoint.access.audit import Act, Audit
from collector.endpoint.access.caller import Caller, caller
from collector.endpoint.access.guard import address_of
from collector.endpoint.answers import RefusalError

if TYPE_CHECKING:
    from collector.endpoint.access.asking import Asking

#: Called with a bundle and its SHA-256; raises RefusalError.
Admit = Callable[[Bundle | Envelope, str], None]
_HINT = "Send it from the instance itself; what the operator must know is in docs/access.md."


@dataclass(frozen=True, slots=True)
class Admission:
    audit: Audit
    asking: Asking | None = None

    def asks(self, request: Request, sha256: str) -> RefusalError | None:
        """What to answer to a request without the proof that is asked for; None where nothing is, or it is there."""
        if self.asking is None or HEADER in request.headers:
            return None
        nonce = self.asking.nonce(sha256)
        hint = f"Send {HEADER}: the document of Azure's metadata service with this nonce, or none where there is none."
        return RefusalError(ASKED, "a proof of the machine is asked for", hint, more={"nonce": nonce})

    def of(self, request: Request) -> Admit:
        """What decides about the bundle that this request brings or completes."""
        sender: Caller = caller(request)
        told, address = request.headers.get(HEADER, NO_PROOF), address_of(request.scope)

        def admit(bundle: Bundle | Envelope, sha256: str) -> None:
            sender.check_sends_for(bundle.identity)
            fault = self.asking.fault(told, sha256, bundle) if self.asking is not None else None
            if self.asking is None or fault is None:
                return
            self.audit.soon(Act(sender.name, "unproven", bundle.id, fault, address))
            if self.asking.is_required:
                raise RefusalError(403, f"{fault}; this endpoint takes no bundle without one", _HINT)

        return admit
