"""Explained errors as the JSON document that scripts read. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from collector.diagnose.arm.values import Explained
from collector.model import Cause, iso


def document(errors: Iterable[Explained]) -> dict[str, Any]:
    """``{"errors": [...]}``, the innermost first. Keys are only ever added, at the end.

    What succeeded is no error; only the code 0 is told where it was asked for.
    """
    told = [one for one in errors if one.error.kind != "success" or one.error.inner.exit_code == 0]
    return {"errors": [_error(one) for one in told]}


def _error(told: Explained) -> dict[str, Any]:
    error = told.error
    return {
        "code": error.code,
        "extension": error.extension,
        "publisher": error.publisher,
        "type": error.type,
        "exit_code": error.inner.exit_code,
        "message": error.inner.message,
        "meaning": told.meaning,
        "remedy": told.remedy,
        "causes": [_cause(cause) for cause in told.causes],
        "kind": error.kind,
        "title": told.title,
        "owner": told.owner,
        "confidence": told.confidence,
        "platform": told.platform,
        "operation": error.inner.operation,
        "agent_code": error.agent_code,
        "status_code": error.inner.status_code,
        "handler": error.handler,
        "handler_told_by": error.handler_by,
        "version": error.version,
        "system": error.system,
        "target_type": error.place.target_type,
        "resource_group": error.place.resource_group,
        "scale_set": error.place.scale_set,
        "instance": error.place.instance_id,
        "vm": error.place.vm,
        "time_first": iso(error.first_time),
        "time_last": iso(error.last_time),
        "text": error.inner.text,
        "cut": error.inner.cut,
        "notes": list(told.notes),
        "do": list(told.do),
        "dont": told.dont,
        "next": [step.partition("   # ")[0].rstrip() for step in told.next_steps],
        "documentation": told.documentation,
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "id": cause.id,
        "title": cause.title,
        "owner": cause.owner,
        "confidence": cause.confidence,
        "meaning": cause.meaning,
        "remedy": cause.remedy,
        "documentation": cause.documentation,
        "evidence": [evidence.text for evidence in cause.evidence],
    }
