"""The bodies of answers that tell what to do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from collector.endpoint.api.shapes import Answer
from collector.endpoint.reading.advising import Step
from collector.endpoint.reading.matrix import FirstFailure


class DifferenceTold(BaseModel):
    """`of_failed`: the value that is told is rather that of the failed."""

    what: Annotated[str, Field(description="image, zone, …")]
    sentence: str
    weak: Annotated[bool, Field(description="it rests on too few")]
    of_failed: bool


class DifferingTold(BaseModel):
    """Instances on which an extension failed beside those that are healthy."""

    extension: str
    failed: int
    healthy: int
    summary: Annotated[str, Field(description="what was compared, and how far that goes")]
    found: list[DifferenceTold]


class MachineTold(BaseModel):
    """`id` null: it is listed and has not reported."""

    id: str | None
    label: str
    instance_id: str | None
    #: failed, hanging, busy, unknown, silent, well or absent
    outcome: str


class IncidentAdvice(Answer):
    title: str
    meaning: str
    remedy: Annotated[str, Field(description="empty where this version knows none")]
    source: str | None
    do: Annotated[list[str], Field(description="commands, once the cause is corrected, for all that have it now")]
    dont: str | None
    current: Annotated[int, Field(description="how many instances' newest bundles tell of it")]
    differences: DifferingTold | None
    without: Annotated[list[MachineTold], Field(description="instances whose newest bundle does not tell of it")]
    silent: Annotated[list[MachineTold], Field(description="instances that are listed and have not reported")]


class CaseTold(BaseModel):
    case: Annotated[str, Field(description="none, some, all or mixed: on how many instances it failed")]
    sentence: str
    problems: list[str]


class BlockTold(BaseModel):
    why: str
    text: Annotated[str, Field(description="commands, one a line")]


class StepTold(BaseModel):
    name: str
    blocks: list[BlockTold]

    @classmethod
    def of(cls, step: Step) -> StepTold:
        return cls(name=step.name, blocks=[BlockTold(why=one.why, text=one.text) for one in step.blocks])


class ListTold(BaseModel):
    """What `az` said there should be."""

    given: datetime
    by: str
    instances: int


class ScaleSetAdvice(Answer):
    failing: Annotated[dict[str, int], Field(description="extensions that failed, and on how many instances")]
    first_failure: FirstFailure | None
    differences: list[DifferingTold]
    case: Annotated[CaseTold | None, Field(description="null where nothing failed, and of lone machines")]
    cautions: list[str]
    steps: list[StepTold]
    expected: ListTold | None
