"""Incidents, scale sets, instances and the search."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Security

from collector.endpoint.access.need import Reader
from collector.endpoint.answers import RefusalError
from collector.endpoint.api.drawn import matrix_of
from collector.endpoint.api.parameters import (
    IncidentId,
    IncidentsAsked,
    InstanceId,
    InstancesAsked,
    Paged,
    ScaleSetId,
    ScaleSetsAsked,
    SearchAsked,
)
from collector.endpoint.api.problems import BEARER, problems
from collector.endpoint.api.shapes import (
    AffectedInstances,
    Incidents,
    Instances,
    MatrixTold,
    OneIncident,
    OneInstance,
    OneScaleSet,
    ScaleSets,
    SearchFound,
)
from collector.endpoint.database.engine import Database
from collector.endpoint.reading import incidents, instances, scale_sets, search
from collector.endpoint.reading.matrix import whole


def link(operation: str, parameter: str, place: str) -> dict[str, Any]:
    """That an answer's id is what another path is asked with."""
    return {"links": {operation: {"operationId": operation, "parameters": {parameter: f"$response.body#/{place}"}}}}


def lists(database: Database) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["reading"], responses=problems(422), dependencies=[Security(BEARER)])
    _add_incidents(router, database)
    _add_scale_sets(router, database)
    _add_instances(router, database)

    @router.get("/search", operation_id="search")
    def found(caller: Reader, asked: Annotated[SearchAsked, Query()]) -> SearchFound:
        """Findings that have the words, the last that came in first."""
        with database.reading() as connection:
            told = search.search(connection, caller.within, asked.choice(), limit=asked.limit, after=asked.after)
        return SearchFound(
            findings=told.findings.items,
            next=told.findings.next,
            incidents=told.incidents,
            instances=told.instances,
            scale_sets=told.scale_sets,
            bundles=told.bundles,
        )

    return router


def _add_incidents(router: APIRouter, database: Database) -> None:
    one_of = link("incident", "incident_id", "incidents/0/id")

    @router.get("/incidents", operation_id="incidents", responses={200: one_of})
    def listed(caller: Reader, asked: Annotated[IncidentsAsked, Query()]) -> Incidents:
        """The same failure on the instances of one scale set is one incident; the last seen come first."""
        with database.reading() as connection:
            page = incidents.incidents(connection, caller.within, asked.choice(), limit=asked.limit, after=asked.after)
        return Incidents(incidents=page.items, next=page.next)

    @router.get("/incidents/{incident_id}", operation_id="incident", responses=problems(404))
    def one(caller: Reader, incident_id: IncidentId) -> OneIncident:
        with database.reading() as connection:
            found = incidents.incident(connection, caller.within, incident_id)
        if found is None:
            raise nothing("incident", incident_id)
        return OneIncident(incident=found)

    @router.get("/incidents/{incident_id}/instances", operation_id="affected", responses=problems(404))
    def affected(caller: Reader, incident_id: IncidentId, asked: Annotated[Paged, Query()]) -> AffectedInstances:
        """The instances that have had it, the last seen first."""
        with database.reading() as connection:
            if incidents.incident(connection, caller.within, incident_id) is None:
                raise nothing("incident", incident_id)
            page = incidents.affected(connection, caller.within, incident_id, limit=asked.limit, after=asked.after)
        return AffectedInstances(instances=page.items, next=page.next)


def _add_scale_sets(router: APIRouter, database: Database) -> None:
    one_of = link("scale_set", "scale_set_id", "scale_sets/0/id")

    @router.get("/scale-sets", operation_id="scale_sets", responses={200: one_of})
    def listed(caller: Reader, asked: Annotated[ScaleSetsAsked, Query()]) -> ScaleSets:
        """Those with the newest bundle first."""
        with database.reading() as connection:
            page = scale_sets.scale_sets(
                connection, caller.within, asked.choice(), limit=asked.limit, after=asked.after
            )
        return ScaleSets(scale_sets=page.items, next=page.next)

    @router.get("/scale-sets/{scale_set_id}", operation_id="scale_set", responses=problems(404))
    def one(caller: Reader, scale_set_id: ScaleSetId) -> OneScaleSet:
        with database.reading() as connection:
            found = scale_sets.scale_set(connection, caller.within, scale_set_id)
        if found is None:
            raise nothing("scale set", scale_set_id)
        return OneScaleSet(scale_set=found)

    @router.get("/scale-sets/{scale_set_id}/matrix", operation_id="matrix", responses=problems(404))
    def drawn(caller: Reader, scale_set_id: ScaleSetId) -> MatrixTold:
        """Instances by extensions, those that are alike together, and who is expected and has not reported."""
        with database.reading() as connection:
            found = whole(connection, caller.within, scale_set_id)
        if found is None:
            raise nothing("scale set", scale_set_id)
        return MatrixTold(**matrix_of(found))


def _add_instances(router: APIRouter, database: Database) -> None:
    one_of = link("instance", "instance_id", "instances/0/id")

    @router.get("/instances", operation_id="instances", responses={200: one_of})
    def listed(caller: Reader, asked: Annotated[InstancesAsked, Query()]) -> Instances:
        """Those with the newest bundle first."""
        with database.reading() as connection:
            page = instances.instances(connection, caller.within, asked.choice(), limit=asked.limit, after=asked.after)
        return Instances(instances=page.items, next=page.next)

    @router.get("/instances/{instance_id}", operation_id="instance", responses=problems(404))
    def one(caller: Reader, instance_id: InstanceId) -> OneInstance:
        """With what its newest bundle says of each extension, and the incidents that it has had."""
        with database.reading() as connection:
            found = instances.instance(connection, caller.within, instance_id)
            if found is None:
                raise nothing("instance", instance_id)
            return OneInstance(
                instance=found,
                outcomes=instances.outcomes(connection, caller.within, instance_id),
                incidents=instances.incidents_of_instance(connection, caller.within, instance_id),
            )


def nothing(kind: str, told: str) -> RefusalError:
    return RefusalError(404, f"there is no {kind} {told}")
