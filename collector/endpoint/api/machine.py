"""What a bundle tells of the machine and of how it was collected, beside the findings and the lines."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from collector.bundle.codec import plain as as_json
from collector.bundle.reader import Bundle
from collector.endpoint.api.shapes import Answer
from collector.endpoint.pages.bundle import redactions


class Machine(Answer):
    """`system`, `states` and `practices` are as docs/bundle-format.md tells them."""

    system: Annotated[dict[str, Any], Field(description="system.json")]
    states: Annotated[list[dict[str, Any]], Field(description="what the state files said of each extension")]
    practices: Annotated[list[dict[str, Any]], Field(description="the documented practices, kept and violated")]
    redactions: Annotated[dict[str, int], Field(description="what was taken out, and how often")]
    summary: Annotated[str, Field(description="as the instance printed it")]


def machine_told(bundle: Bundle) -> dict[str, Any]:
    told = Machine(
        system=bundle.json("system.json"),
        states=as_json(bundle.states),
        practices=as_json(bundle.practices),
        redactions=dict(redactions(bundle)),
        summary=bundle.summary,
    )
    return told.model_dump(mode="json", by_alias=True)
