"""Asks senders for Azure's proof of which machine they are. Loaded only where it is wanted: it brings cryptography."""

from __future__ import annotations

from dataclasses import dataclass, field

from collector.bundle.envelope import Envelope
from collector.bundle.reader import Bundle
from collector.deliver.targets.proof import NO_PROOF
from collector.endpoint.access.attested import ProofError, Trust, check_proof, nonce_for
from collector.endpoint.access.audit import now


@dataclass(frozen=True, slots=True)
class Asking:
    """That senders are asked for Azure's proof of which machine they are."""

    trust: Trust
    key: bytes = field(repr=False)
    #: A bundle without it is refused; else it is taken, and that it was sent without is recorded.
    is_required: bool

    def nonce(self, sha256: str) -> str:
        """What the document must have in it, for a bundle that comes now."""
        return nonce_for(self.key, sha256, now())

    def fault(self, told: str, sha256: str, bundle: Bundle | Envelope) -> str | None:
        """Why `told` proves nothing, as a sentence; None where it does."""
        if told == NO_PROOF:
            return "the machine has no proof of Azure"
        try:
            check_proof(told, sha256, bundle.identity, trust=self.trust, key=self.key, at=now())
        except ProofError as error:
            return f"Azure's proof {error}"
        return None
