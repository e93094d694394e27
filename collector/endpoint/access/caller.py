"""Who asks, and what they may."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from collector.endpoint.access.scale_sets import is_of, shown
from collector.endpoint.answers import RefusalError
from collector.endpoint.indexing.naming import scale_set_key
from collector.model import Identity

UPLOAD, READ, ADMIN = "upload", "read", "admin"
SCOPES = (UPLOAD, READ, ADMIN)
_SHOWN = "vmext.shown"


@dataclass(frozen=True, slots=True)
class Caller:
    name: str
    scopes: frozenset[str]
    #: The numbers of the scale sets that a caller may see; None: all of them.
    within: Collection[int] | None = None
    #: The one scale set that a caller may see and send for, `[subscription/]group/name`; None: all of them.
    scale_set: str | None = None
    #: What each form that changes something must send back; "" for a token, which no browser sends by itself.
    csrf: str = field(default="", repr=False)

    def may(self, scope: str) -> bool:
        return scope in self.scopes or ADMIN in self.scopes

    def check_sends_for(self, identity: Identity) -> None:
        """Raises RefusalError where a bundle is of another scale set than the caller's token."""
        if self.scale_set is None or is_of(self.scale_set, scale_set_key(identity)):
            return
        told = shown(identity)
        raise RefusalError(
            403,
            f"the token is for the scale set {self.scale_set}, and the bundle says that it is of {told}",
            "Send it with the token of its own scale set, or make one: vmext endpoint token create.",
        )


def caller(request: Request) -> Caller:
    """Who sends this request; `Guard` lets none through of whom it does not know."""
    found = request.scope["caller"]
    assert isinstance(found, Caller)
    return found


def shows(request: Request, *bundle_ids: str) -> None:
    """Names the bundles that an answer shows where its address does not, so that `Guard` records who saw them."""
    request.scope[_SHOWN] = tuple(dict.fromkeys(bundle_ids))


def shown_by(scope: Mapping[str, Any]) -> tuple[str, ...]:
    """What was told by `shows`."""
    found: tuple[str, ...] = scope.get(_SHOWN, ())
    return found
