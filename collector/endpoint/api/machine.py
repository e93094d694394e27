"""What a bundle tells of the machine and of how it was collected, beside the findings and the lines."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Security
from pydantic import Field

from collector.bundle.codec import plain as as_json
from collector.bundle.reader import Bundle
from collector.endpoint.access.need import Reader
from collector.endpoint.answers import RefusalError
from collector.endpoint.api.parameters import BundleId
from collector.endpoint.api.problems import BEARER, problems
from collector.endpoint.api.shapes import Answer
from collector.endpoint.pages.bundle import plain, redactions
from collector.endpoint.pages.opening import NotShownError, received
from collector.endpoint.parts import Parts


class Machine(Answer):
    """`system`, `states` and `practices` are as docs/bundle-format.md tells them."""

    system: Annotated[dict[str, Any], Field(description="system.json")]
    states: Annotated[list[dict[str, Any]], Field(description="what the state files said of each extension")]
    practices: Annotated[list[dict[str, Any]], Field(description="the documented practices, kept and violated")]
    redactions: Annotated[dict[str, int], Field(description="what was taken out, and how often")]
    summary: Annotated[str, Field(description="as the instance printed it")]


def machine(parts: Parts) -> APIRouter:
    refusals = problems(404, 409, 410, 422, 500)
    router = APIRouter(prefix="/v1/bundles", tags=["bundles"], responses=refusals, dependencies=[Security(BEARER)])

    @router.get("/{bundle_id}/machine", operation_id="machine")
    def told(caller: Reader, bundle_id: BundleId) -> Machine:
        """The machine while it was collected from, the practices, what was redacted, and the summary."""
        try:
            with received(parts, caller.within, bundle_id) as found:
                return _told(plain(found))
        except NotShownError as error:
            raise RefusalError(error.status, str(error), error.hint) from error

    return router


def _told(bundle: Bundle) -> Machine:
    return Machine(
        system=bundle.json("system.json"),
        states=as_json(bundle.states),
        practices=as_json(bundle.practices),
        redactions=dict(redactions(bundle)),
        summary=bundle.summary,
    )
