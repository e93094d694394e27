"""A comparison as one JSON object. Additions to it are free; a rename raises the schema's number. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collector.bundle.codec import plain
from collector.fleet.compare.comparing import Comparison, Differences
from collector.fleet.compare.explained import explanations
from collector.fleet.compare.grouping import Group
from collector.model import iso

SCHEMA = 1


def document(comparison: Comparison, problems: Sequence[str]) -> dict[str, Any]:
    """Everything that the text tells, nothing left out; instances by name."""
    return {
        "schema": SCHEMA,
        "bundles": comparison.bundles,
        "scale_sets": list(comparison.scale_sets),
        "instances": {
            "total": len(comparison.instances),
            "failed": comparison.count("failed"),
            "hanging": comparison.count("hanging"),
            "healthy": comparison.count("healthy"),
            "nothing_found": comparison.count("nothing-found"),
        },
        "failures": [{**_group(group), "differences": _differences(told)} for group, told in comparison.failures],
        "problems": [*problems, *comparison.notes],
    }


def _group(group: Group) -> dict[str, Any]:
    instance, told = group.members[0]
    signature = group.signature
    return {
        "kind": signature.kind,
        "extension": signature.extension,
        "operation": signature.operation,
        "exit_code": signature.exit_code,
        "masked": signature.masked,
        "message": told.message,
        "path": told.path,
        "line": told.line,
        "count": len(group.members),
        "first": {"instance": instance.name, "time": iso(told.time), "bundle": instance.bundle},
        "instances": [
            {
                "name": one.name,
                "id": one.id,
                "scale_set": one.scale_set,
                "bundle": one.bundle,
                "time": iso(failure.time),
            }
            for one, failure in group.members
        ],
        "names": sorted({failure.name for _, failure in group.members if failure.name}),
        "causes": [
            {
                "id": one.cause.id,
                "title": one.cause.title,
                "owner": one.cause.owner,
                "meaning": one.cause.meaning,
                "remedy": one.cause.remedy,
                "documentation": one.cause.documentation,
                "count": one.first,
                "confidence": dict(one.sureness),
                "possible_on": one.other,
            }
            for one in explanations(group)
        ],
        "caused_by": group.caused_by,
        "follow_on": [_group(below) for below in group.follows],
    }


def _differences(told: Differences) -> dict[str, Any]:
    """`values`, `ranges` and `lines` with their counts, and `weak` where a side has fewer than three."""
    return {
        "failed": told.failed,
        "healthy": told.healthy,
        **{
            name: [{**plain(one), "weak": one.weak} for one in getattr(told, name)]
            for name in ("values", "ranges", "lines")
        },
        "lines_compared": told.lines_compared,
    }
