"""events.jsonl: one extracted record a line, with the field names of the OpenTelemetry logs data model.

Source of the names and severity numbers: OpenTelemetry specification, "Logs Data Model"; attribute names
from its semantic conventions where there is one, else with the prefix ``vmext.``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from collector.model import Identity, Record, Report, iso

#: Level words of the parsed formats and the lowest severity number of their range; 0 is "unspecified".
SEVERITY = {
    "TRACE": 1,
    "VERBOSE": 5,
    "DEBUG": 5,
    "HEART": 9,
    "INFO": 9,
    "WARN": 13,
    "WARNING": 13,
    "ERROR": 17,
    "CRITICAL": 21,
    "FATAL": 21,
}


def resource(identity: Identity) -> dict[str, Any]:
    """Who the record comes from; what is not known is left out."""
    known = {
        "service.name": "vmext",
        "host.name": identity.computer_name or identity.instance_name,
        "host.id": identity.vm_id,
        "host.image.name": identity.image,
        "os.type": identity.system,
        "os.description": identity.os,
        "cloud.provider": "azure",
        "cloud.resource_id": identity.resource_id,
        "cloud.account.id": identity.subscription,
        "cloud.region": identity.location,
        "cloud.availability_zone": identity.zone,
        "azure.vm.scaleset.name": identity.scale_set,
        "vmext.instance": identity.instance_name,
    }
    return {key: value for key, value in known.items() if value is not None}


def event_document(record: Record, observed: str | None, origin: dict[str, Any]) -> dict[str, Any]:
    """`Timestamp` is ISO 8601, without a zone where nothing on the disk tells it, or null."""
    attributes: dict[str, Any] = {
        "log.file.path": record.path,
        "log.record.original": "\n".join(record.raw),
        "vmext.line": record.line,
        "vmext.time_basis": record.basis,
        "vmext.time_sure": record.sure,
        "vmext.extension": record.extension,
        "vmext.version": record.version,
        "vmext.name": record.name,
        "vmext.operation": record.operation,
        "vmext.sequence": record.sequence,
    }
    attributes.update({f"vmext.field.{key}": value for key, value in record.fields.items()})
    return {
        "Timestamp": iso(record.time),
        "ObservedTimestamp": observed,
        "SeverityText": record.level,
        "SeverityNumber": SEVERITY.get(record.level.upper(), 0),
        "Body": record.message,
        "Attributes": {key: value for key, value in attributes.items() if value is not None},
        "Resource": origin,
    }


def event_documents(report: Report) -> Iterator[dict[str, Any]]:
    """The member's lines in the order of the records."""
    origin, observed = resource(report.identity), iso(report.created)
    for record in report.events:
        yield event_document(record, observed, origin)
