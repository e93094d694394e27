"""Azure's proof of which machine this is, for an endpoint that asks for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from collector.deliver.targets.wire import Answer
from collector.errors import DeliveryError
from collector.platforms.azure import MetadataService

#: The status by which an endpoint asks (RFC 6585), the header of the proof in base64, and what stands for none.
ASKED, HEADER, NO_PROOF = 428, "Attested-Document", "none"
_NONCE = re.compile(r"^\d{10}$")


def proven(ask: Callable[[Mapping[str, str]], Answer], service: MetadataService) -> Answer:
    """The answer to `ask`, which gets further headers and may be called twice: an endpoint that wants a proof says so,
    and with which number in it, so that no proof is good for another bundle. Raises DeliveryError."""
    answer = ask({})
    if answer.status != ASKED:
        return answer
    nonce = (answer.document or {}).get("nonce")
    if not isinstance(nonce, str) or not _NONCE.match(nonce):
        raise DeliveryError("the endpoint asks for a proof of this machine and gives no number for it", retry=False)
    answer = ask({HEADER: service.attested(nonce) or NO_PROOF})
    if answer.status == ASKED:
        raise DeliveryError("the endpoint asks for a proof of this machine again and again")
    return answer
