"""What can be told in an address, with its bounds."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from collector.endpoint.reading.choice import Choice
from collector.endpoint.reading.paging import MOST, PAGE

ID = r"^[0-9a-f]{16}$"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")


def _rfc3339(value: Any) -> Any:
    if isinstance(value, str) and not _MOMENT.fullmatch(value):
        raise ValueError("a moment is told as 2026-06-30T12:00:00Z")
    return value


IncidentId = Annotated[str, Path(pattern=ID, description="id of an incident")]
ScaleSetId = Annotated[str, Path(pattern=ID, description="id of a scale set")]
InstanceId = Annotated[str, Path(pattern=ID, description="id of an instance")]
BundleId = Annotated[str, Path(pattern=ID, description="id of a bundle")]

_Id = Annotated[str, Field(pattern=ID)] | SkipJsonSchema[None]
_Text = Annotated[str, Field(min_length=1, max_length=200)] | SkipJsonSchema[None]
_Name = Annotated[str, Field(min_length=1, max_length=128)] | SkipJsonSchema[None]
_Code = Annotated[str, Field(pattern=r"^-?(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,18})$")] | SkipJsonSchema[None]
_Moment = Annotated[AwareDatetime, BeforeValidator(_rfc3339)] | SkipJsonSchema[None]
_Owner = Literal["script", "extension", "guest", "network", "platform", "unknown"] | SkipJsonSchema[None]
_Kind = Literal["failure", "hang", "warning"] | SkipJsonSchema[None]
_Verdict = Literal["failed", "hanging", "healthy", "nothing-found"] | SkipJsonSchema[None]


class Paged(BaseModel):
    """A misspelt parameter would narrow nothing, so that one that is not known is refused."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=MOST, description="rows of a page")] = PAGE
    after: Annotated[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,400}$")] | SkipJsonSchema[None],
        Field(description="where the page begins: `next` of the page before; it means nothing else"),
    ] = None

    def choice(self) -> Choice:
        told = self.model_dump(exclude={"limit", "after", "q"})
        return Choice(**told, text=getattr(self, "q", None))


class _Seen(Paged):
    since: Annotated[_Moment, Field(description="seen at or after")] = None
    until: Annotated[_Moment, Field(description="seen at or before")] = None


class _Narrowed(_Seen):
    scale_set: Annotated[_Name, Field(description="id of a scale set, or its name")] = None
    instance: Annotated[_Id, Field(description="id of an instance")] = None
    extension: Annotated[_Name, Field(description="a part of an extension's name")] = None
    exit_code: Annotated[_Code, Field(description="decimal, or as 0x80070005")] = None
    owner: Annotated[_Owner, Field(description="whose failure it is")] = None
    verdict: Annotated[_Verdict, Field(description="of the bundle")] = None
    received_after: Annotated[_Moment, Field(description="whose newest bundle came in after")] = None


class IncidentsAsked(_Narrowed):
    kind: Annotated[_Kind, Field(description="of the incident")] = None
    q: Annotated[_Text, Field(description="words of the texts: see docs/api.md")] = None


class SearchAsked(_Narrowed):
    kind: Annotated[_Kind, Field(description="of the finding")] = None
    q: Annotated[_Text, Field(description="words of the texts: see docs/api.md")] = None


class BundlesAsked(_Narrowed):
    incident: Annotated[_Id, Field(description="id of an incident that it tells of")] = None
    q: Annotated[_Text, Field(description="how its id begins")] = None


class ScaleSetsAsked(_Seen):
    verdict: Annotated[_Verdict, Field(description="that an instance of it has")] = None
    q: Annotated[_Text, Field(description="a part of its name, its resource group or its subscription")] = None


class InstancesAsked(_Seen):
    scale_set: Annotated[_Name, Field(description="id of a scale set, or its name")] = None
    verdict: Annotated[_Verdict, Field(description="of its newest bundle")] = None
    q: Annotated[_Text, Field(description="words of its names")] = None
