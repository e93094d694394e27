"""The token of the machine's managed identity, kept until shortly before it expires."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from collector.errors import DeliveryError
from collector.platforms.azure import MetadataService, TokenAnswer

STORAGE = "https://storage.azure.com/"
#: A token is asked for anew so many seconds before it expires.
_BEFORE_EXPIRY = 300.0
#: Answers after which it may be asked again, and how many seconds to wait at least. Source: Microsoft documentation,
#: Use managed identities on a virtual machine to acquire an access token, error handling.
_AGAIN = {404: 0.0, 408: 0.0, 410: 10.0, 429: 0.0}
_SERVER_ERROR_SECONDS = 1.0
_SETTINGS = "identity_client_id or identity_resource_id in the configuration"
_ASSIGN = "Assign one: az vmss identity assign (or az vm identity assign), or use a SAS URL."


class ManagedIdentity:
    """Asks the metadata service; never a retry of its own, since whoever delivers has the deadline."""

    def __init__(
        self,
        client_id: str | None = None,
        resource_id: str | None = None,
        *,
        service: MetadataService | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`clock` measures how long a token was kept; `now` is only for an answer that tells no span of time."""
        self._client_id, self._resource_id = client_id, resource_id
        self._service = service or MetadataService(timeout=5.0)
        self._clock, self._now = clock, now
        self._token, self._until = "", 0.0

    def token(self) -> str:
        """Raises DeliveryError that says what is wrong with the identity."""
        if not self.is_kept:
            answer = self._service.token(STORAGE, self._client_id, self._resource_id)
            if answer is None:
                raise DeliveryError(
                    "no managed identity: the metadata service 169.254.169.254 does not answer",
                    "Outside of Azure, or where a firewall rule closes it to this user, give a SAS URL.",
                )
            if answer.status != 200:
                raise _refusal(answer, named=bool(self._client_id or self._resource_id))
            token = answer.document.get("access_token")
            if not isinstance(token, str) or not token:
                raise DeliveryError("the metadata service's answer holds no token")
            self._token, self._until = token, self._clock() + self._span(answer.document) - _BEFORE_EXPIRY
        return self._token

    @property
    def is_kept(self) -> bool:
        """Whether the next token is one that was given before."""
        return bool(self._token) and self._clock() < self._until

    def forget(self) -> None:
        """The token was refused: the next one is asked for."""
        self._token = ""

    def _span(self, document: dict[str, Any]) -> float:
        """Seconds that the token is valid; `expires_in` does not depend on this machine's clock."""
        left = _number(document.get("expires_in"))
        until = _number(document.get("expires_on"))
        if left is None and until is not None:
            left = until - self._now()
        return max(left or 0.0, 0.0)


def _number(value: object) -> float | None:
    """The service writes numbers as texts."""
    try:
        return float(str(value))
    except ValueError:
        return None


def _refusal(answer: TokenAnswer, *, named: bool) -> DeliveryError:
    status = answer.status
    said = " ".join(str(answer.document.get("error_description") or answer.document.get("error") or "").split())[:300]
    text = f"the metadata service gave no token of a managed identity ({status}{': ' + said if said else ''})"
    least = _AGAIN.get(status, _SERVER_ERROR_SECONDS if status >= 500 else None)
    if least is not None:
        return DeliveryError(text, retry_after=max(_number(answer.retry_after) or 0.0, least))
    if status == 400 and "ultiple user assigned" in said:
        return DeliveryError(
            "this machine has several managed identities, and which one to use is not told (400)",
            f"Give {_SETTINGS}.",
            retry=False,
        )
    if status == 400 and "dentity not found" in said:
        hint = f"Check {_SETTINGS}: the machine must have that identity." if named else _ASSIGN
        return DeliveryError(
            "this machine has no such managed identity (400)"
            if named
            else "this machine has no managed identity (400)",
            hint,
            retry=False,
        )
    return DeliveryError(text, f"Check {_SETTINGS}." if named else "", retry=False)
