"""Findings as OpenTelemetry's log records. Pure.

Attributes have the names of OpenTelemetry's semantic conventions where there is one (service, cloud, host, os,
process, log.record.uid), and ours begin with `vmext.`. Texts are those of the bundle, redacted on the instance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from collector.endpoint.database.tables import milliseconds

_SEVERITIES = {"warning": (SeverityNumber.SEVERITY_NUMBER_WARN, "WARN")}
_ERROR = (SeverityNumber.SEVERITY_NUMBER_ERROR, "ERROR")

#: Attributes of an instance, by the column that tells them.
_OF_INSTANCE = {
    "cloud.account.id": "subscription",
    "cloud.region": "location",
    "cloud.availability_zone": "zone",
    "host.name": "computer_name",
    "host.image.id": "image",
    "os.type": "system",
    "os.description": "os",
    "vmext.resource_group": "resource_group",
    "vmext.scale_set.name": "scale_set_name",
    "vmext.scale_set.id": "scale_set",
    "vmext.instance.name": "instance_name",
    "vmext.instance.number": "instance_number",
    "vmext.instance.id": "instance",
}
#: Attributes of a finding.
_OF_FINDING = {
    "vmext.bundle.id": "bundle",
    "vmext.incident.id": "incident",
    "vmext.finding.kind": "kind",
    "vmext.finding.owner": "owner",
    "vmext.finding.rule": "rule",
    "vmext.finding.title": "title",
    "vmext.extension.name": "extension",
    "vmext.extension.version": "version",
    "vmext.extension.operation": "operation",
    "process.exit.code": "exit_code",
}


def request(rows: Iterable[Mapping[str, Any]], version: str) -> ExportLogsServiceRequest:
    """Of rows in the order of their instances; `version` of this program."""
    return ExportLogsServiceRequest(
        resource_logs=[_of_instance(list(some), version) for _, some in groupby(rows, key=lambda row: row["instance"])]
    )


def _of_instance(rows: list[Mapping[str, Any]], version: str) -> ResourceLogs:
    service = {"service.name": "vmext", "service.version": version}
    cloud = {"cloud.provider": "azure", "cloud.platform": "azure.vm"}
    resource = Resource(attributes=_attributes(service | cloud | _told(rows[0], _OF_INSTANCE)))
    scope = InstrumentationScope(name="vmext.endpoint", version=version)
    records = [_record(row) for row in rows]
    return ResourceLogs(resource=resource, scope_logs=[ScopeLogs(scope=scope, log_records=records)])


def _record(row: Mapping[str, Any]) -> LogRecord:
    number, text = _SEVERITIES.get(row["kind"], _ERROR)
    body = ": ".join(told for told in (row["title"], row["message"]) if told) or row["rule"] or "a failure"
    uid = {"log.record.uid": f"{row['bundle']}-{row['number']}"}
    return LogRecord(
        time_unix_nano=_nanoseconds(row["time"] or row["created"]),
        observed_time_unix_nano=_nanoseconds(row["received"]),
        severity_number=number,
        severity_text=text,
        event_name="vmext.finding",
        body=AnyValue(string_value=body),
        attributes=_attributes(uid | _told(row, _OF_FINDING)),
    )


def _told(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {name: row[column] for name, column in names.items() if row[column] is not None}


def _attributes(values: Mapping[str, Any]) -> list[KeyValue]:
    return [
        KeyValue(key=key, value=AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value))
        for key, value in values.items()
    ]


def _nanoseconds(moment: datetime) -> int:
    """A moment before 1970, which the protocol can't tell, is none."""
    return max(0, milliseconds(moment)) * 1_000_000
