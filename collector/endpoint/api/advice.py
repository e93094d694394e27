"""What the pages of incidents and scale sets say beyond their lists: what it means, what differs, what to do."""

from __future__ import annotations

from fastapi import APIRouter, Security

from collector.endpoint.access.need import Reader
from collector.endpoint.api.advice_shapes import (
    CaseTold,
    DifferenceTold,
    DifferingTold,
    IncidentAdvice,
    ListTold,
    MachineTold,
    ScaleSetAdvice,
    StepTold,
)
from collector.endpoint.api.lists import nothing
from collector.endpoint.api.parameters import IncidentId, ScaleSetId
from collector.endpoint.api.problems import BEARER, problems
from collector.endpoint.database.engine import Database
from collector.endpoint.pages import incident, telling
from collector.endpoint.pages.set_answer import MOST_INCIDENTS, SetAnswer, answered
from collector.endpoint.reading.choice import Choice
from collector.endpoint.reading.differences import Differing
from collector.endpoint.reading.incidents import incidents
from collector.endpoint.reading.matrix import Whole, whole
from collector.endpoint.reading.members import Member, matrix


def advice(database: Database) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["reading"], responses=problems(404, 422), dependencies=[Security(BEARER)])

    @router.get("/incidents/{incident_id}/advice", operation_id="incident_advice")
    def of_incident(caller: Reader, incident_id: IncidentId) -> IncidentAdvice:
        """What it means and what to do, and which instances of the scale set do not have it."""
        with database.reading() as connection:
            found = incident.answered(connection, caller.within, incident_id)
        if found is None:
            raise nothing("incident", incident_id)
        return incident_advice(found)

    @router.get("/scale-sets/{scale_set_id}/advice", operation_id="scale_set_advice")
    def of_scale_set(caller: Reader, scale_set_id: ScaleSetId) -> ScaleSetAdvice:
        """Which case it is, what differs between failed and healthy, and the commands in their order."""
        with database.reading() as connection:
            found = whole(connection, caller.within, scale_set_id)
            if found is None:
                raise nothing("scale set", scale_set_id)
            chosen = Choice(scale_set=scale_set_id)
            told = incidents(connection, caller.within, chosen, limit=MOST_INCIDENTS).items
        return scale_set_advice(found, answered(found, matrix(found.members), told))

    return router


def incident_advice(found: incident.IncidentAnswer) -> IncidentAdvice:
    one = found.incident
    return IncidentAdvice(
        title=telling.title(one),
        meaning=telling.meaning(one),
        remedy=telling.remedy(one),
        source=(found.rule.source if found.rule else "") or None,
        do=list(found.advice.do),
        dont=found.advice.dont or None,
        current=found.current,
        differences=_differing(found.differing) if found.differing else None,
        without=[_machine(member) for member in found.others],
        silent=[_machine(member) for member in found.silent],
    )


def scale_set_advice(found: Whole, answer: SetAnswer) -> ScaleSetAdvice:
    """Of lone machines there is no case: scaling out makes up for none of them."""
    case = answer.advice.case
    is_set = found.name is not None and bool(answer.failing)
    given = found.listed
    return ScaleSetAdvice(
        failing=dict(answer.failing),
        first_failure=found.first,
        differences=[_differing(one) for one in answer.differing],
        case=CaseTold(case=case.case, sentence=case.sentence, problems=list(case.problems)) if is_set else None,
        cautions=list(answer.cautions) if is_set else [],
        steps=[StepTold.of(step) for step in answer.advice.steps] if is_set else [],
        expected=None if given is None else ListTold(given=given.listed, by=given.by, instances=len(given.instances)),
    )


def _differing(one: Differing) -> DifferingTold:
    found = [
        DifferenceTold(what=each.what, sentence=each.sentence, weak=each.weak, of_failed=each.of_failed)
        for each in one.found
    ]
    named = {name: getattr(one, name) for name in ("extension", "failed", "healthy", "summary")}
    return DifferingTold(**named, found=found)


def _machine(member: Member) -> MachineTold:
    named = {name: getattr(member, name) for name in ("id", "label", "instance_id", "outcome")}
    return MachineTold(**named)
