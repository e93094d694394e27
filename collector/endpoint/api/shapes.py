"""The answers' bodies. `schema` is raised when a field goes or means something else; new fields come without that."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from collector.endpoint.reading.bundles import BundleEntry, Told
from collector.endpoint.reading.incidents import Affected, Incident
from collector.endpoint.reading.instances import Had, Instance, Outcome
from collector.endpoint.reading.scale_sets import ScaleSet
from collector.endpoint.reading.search import Hit

Next = Annotated[str | None, Field(description="what to ask for the next page with, as `after`; null: no more")]


class Answer(BaseModel):
    schema_: Annotated[Literal[1], Field(alias="schema", serialization_alias="schema")] = 1


class Incidents(Answer):
    incidents: tuple[Incident, ...]
    next: Next


class OneIncident(Answer):
    incident: Incident


class AffectedInstances(Answer):
    instances: tuple[Affected, ...]
    next: Next


class ScaleSets(Answer):
    scale_sets: tuple[ScaleSet, ...]
    next: Next


class OneScaleSet(Answer):
    scale_set: ScaleSet


class Instances(Answer):
    instances: tuple[Instance, ...]
    next: Next


class OneInstance(Answer):
    instance: Instance
    outcomes: tuple[Outcome, ...]
    incidents: tuple[Had, ...]


class Bundles(Answer):
    total: Annotated[int, Field(description="how many there are; 10000 where there are as many or more")]
    bundles: tuple[BundleEntry, ...]
    next: Next


class Findings(Answer):
    findings: tuple[Told, ...]


class SearchFound(Answer):
    """Findings page by page; the first few of everything else with the first page."""

    findings: tuple[Hit, ...]
    next: Next
    incidents: tuple[Incident, ...]
    instances: tuple[Instance, ...]
    scale_sets: tuple[ScaleSet, ...]
    bundles: tuple[BundleEntry, ...]


class Receipt(BaseModel):
    """The endpoint's word that it has a bundle."""

    id: str
    sha256: str
    received: datetime


class ReceivedBundle(BaseModel):
    """The manifest and what findings.json says; of an encrypted bundle its envelope. See docs/bundle-format.md."""

    receipt: Receipt
    manifest: dict[str, Any] = {}
    envelope: dict[str, Any] = {}
    findings: list[dict[str, Any]] = []


class ExcerptLine(BaseModel):
    number: int
    text: str
    failing: bool
    cut: bool


class ExcerptPart(BaseModel):
    """Lines of one file; `left_out` counts those of the window that the bundle does not have."""

    path: str
    left_out: int
    lines: list[ExcerptLine]


class Excerpts(Answer):
    excerpts: list[ExcerptPart]
    next: Next


class Events(Answer):
    """Records of events.jsonl, as docs/bundle-format.md tells them."""

    events: list[dict[str, Any]]
    next: Next


class Ledger(Answer):
    """Entries of ledger.json, as docs/bundle-format.md tells them."""

    entries: list[dict[str, Any]]
    next: Next


class TimelineRow(BaseModel):
    """A step of an extension; moments as in the timeline."""

    label: str
    #: done, failed, hanging, missing (it never began) or point (only a moment of it is told)
    outcome: str
    words: str
    step: str | None
    spans: list[tuple[str | None, str | None]]
    path: str
    line: int


class TimelineLane(BaseModel):
    """An extension, or the goal state."""

    label: str
    outcome: str
    rows: list[TimelineRow]


class TimelineGap(BaseModel):
    start: str
    end: str | None
    words: str


class Timeline(Answer):
    """Moments in UTC, or local ones of an unknown zone; `start` null: no line tells of a step."""

    start: str | None
    end: str | None
    is_local: bool
    lanes: list[TimelineLane]
    #: where the time went
    gap: TimelineGap | None
    left_out: Annotated[int, Field(description="extensions that are well and left out")]


class MatrixCell(BaseModel):
    #: failed, hanging, busy, unknown, silent, well or absent
    outcome: str
    exit_code: int | None
    version: str | None
    title: str | None


class MatrixMember(BaseModel):
    """`id` null: it is listed and has not reported."""

    id: str | None
    label: str
    instance_id: str | None
    verdict: str | None
    bundle: str | None
    last_seen: datetime | None


class MatrixRow(BaseModel):
    """Instances that are alike in every cell; the cells are in the order of `extensions`."""

    outcome: str
    cells: list[MatrixCell]
    instances: list[MatrixMember]


class MatrixTold(Answer):
    extensions: list[str]
    rows: list[MatrixRow]
    silent: list[MatrixMember]
