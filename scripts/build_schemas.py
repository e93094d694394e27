#!/usr/bin/env python3
"""Writes collector/data/schema/*.json, the JSON Schemas of a bundle's members, from the values in collector/model.py.

scripts/build_schemas.py          writes them
scripts/build_schemas.py --check  only tells whether they are those of the code: exit code 1 if not
"""

from __future__ import annotations

import dataclasses
import json
import sys
import types
import typing
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Union

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from collector import model  # noqa: E402
from collector.bundle.documents import SCHEMA  # noqa: E402
from collector.bundle.layout import LeftOut  # noqa: E402

FOLDER = ROOT / "collector/data/schema"
TEXT, WHOLE, NUMBER, TRUTH = {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}
MAYBE_TEXT, MAYBE_WHOLE = {"type": ["string", "null"]}, {"type": ["integer", "null"]}
TIME = {"type": "string", "format": "iso-time", "description": "ISO 8601; without Z a local time of an unknown zone"}
MAYBE_TIME = {**TIME, "type": ["string", "null"]}
UTC = {"type": "string", "format": "iso-time", "pattern": "Z$", "description": "a time in UTC"}
ID = {"type": "string", "pattern": "^[0-9a-f]{16}$", "description": "16 hexadecimal digits"}
HASH = {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "a SHA-256 of 64 hexadecimal digits"}
COUNTS = {"type": "object", "additionalProperties": WHOLE}

Schema = dict[str, Any]


def words(literal: Any) -> Schema:
    return {"type": "string", "enum": list(typing.get_args(literal))}


def listed(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def named(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def members(properties: dict[str, Schema], *optional: str) -> Schema:
    """An object; further fields are allowed, since a later version may add some."""
    return {
        "type": "object",
        "required": [name for name in properties if name not in optional],
        "properties": properties,
    }


def value(kind: type[Any], defs: dict[str, Schema]) -> Schema:
    """A frozen value of the model, with the values in it as `$defs`."""
    if kind.__name__ not in defs:
        defs[kind.__name__] = {}
        hints = typing.get_type_hints(kind)
        fields = dataclasses.fields(kind)
        optional = [field.name for field in fields if field.default is not dataclasses.MISSING]
        optional += [field.name for field in fields if field.default_factory is not dataclasses.MISSING]
        defs[kind.__name__] = members({field.name: typed(hints[field.name], defs) for field in fields}, *optional)
    return named(kind.__name__)


def typed(hint: Any, defs: dict[str, Schema]) -> Schema:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        inner = typed(next(part for part in arguments if part is not type(None)), defs)
        return {**inner, "type": [inner["type"], "null"]} if "type" in inner else {"anyOf": [inner, {"type": "null"}]}
    if origin is Literal:
        return words(hint)
    if origin in (tuple, frozenset):
        return listed(typed(arguments[0], defs))
    if hint is datetime:
        return TIME
    if dataclasses.is_dataclass(hint):
        return value(typing.cast("type[Any]", hint), defs)
    return {str: TEXT, int: WHOLE, float: NUMBER, bool: TRUTH}[hint]


def schema(name: str, title: str, properties: dict[str, Schema], defs: dict[str, Schema], *optional: str) -> Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:vmext:schema:{SCHEMA}:{name}",
        "title": title,
        **members({"schema": {"type": "integer", "minimum": 1}, **properties}, *optional),
        "$defs": dict(sorted(defs.items())),
    }


def findings() -> Schema:
    defs: dict[str, Schema] = {}
    value(model.Window, defs)
    value(model.Evidence, defs)
    value(model.Cause, defs)
    source = members({"path": TEXT, "line": WHOLE})
    finding = members(
        {
            "id": TEXT, "kind": words(model.FindingKind), "title": TEXT, "extension": TEXT, "name": MAYBE_TEXT,
            "version": MAYBE_TEXT, "operation": MAYBE_TEXT, "sequence": MAYBE_WHOLE, "exit_code": MAYBE_WHOLE,
            "agent_code": MAYBE_WHOLE, "status_code": MAYBE_WHOLE, "owner": words(model.Owner), "message": TEXT,
            "meaning": TEXT, "remedy": TEXT, "do": listed(TEXT), "dont": TEXT, "documentation": TEXT,
            "confidence": words(model.Confidence), "causes": listed(named("Cause")), "first_time": MAYBE_TIME,
            "last_time": MAYBE_TIME, "hang_since": MAYBE_TIME, "limit_seconds": MAYBE_WHOLE, "count": WHOLE,
            "repeats_after_collect": WHOLE, "caused_by": MAYBE_TEXT, "sources": listed(source),
            "evidence": listed(named("Evidence")), "detail": TEXT,
        },
        "title", "hang_since", "limit_seconds", "status_code", "caused_by", "documentation", "do", "dont", "detail",
        "evidence", "causes", "repeats_after_collect",
    )  # fmt: skip
    properties = {"window": named("Window"), "findings": listed(finding)}
    return schema("findings", "findings.json: what failed, what it means, what to do", properties, defs)


RUN = {
    "incident": ID, "agent_version": TEXT, "created": UTC, "duration_seconds": NUMBER, "verdict": words(model.Verdict),
}  # fmt: skip


def manifest() -> Schema:
    defs: dict[str, Schema] = {}
    member = members({"name": TEXT, "bytes": WHOLE, "sha256": HASH, "source": TEXT}, "source")
    properties = {
        "id": ID, **RUN, "instance": MAYBE_TEXT, "identity": value(model.Identity, defs),
        "window": value(model.Window, defs), "budget": COUNTS, "left_out": value(LeftOut, defs),
        "members": listed(member), "trigger": value(model.Trigger, defs),
    }  # fmt: skip
    title = "manifest.json: the bundle's id, and size and SHA-256 of every other member"
    return schema("manifest", title, properties, defs, "duration_seconds", "left_out", "trigger")


def envelope() -> Schema:
    defs: dict[str, Schema] = {}
    kept = (
        *("system", "instance_name", "computer_name", "scale_set", "instance_id", "resource_group"),
        *("subscription", "vm_id"),
    )
    value(model.Identity, defs)
    identity = defs.pop("Identity")["properties"]
    finding = members(
        {
            "id": TEXT, "kind": words(model.FindingKind), "extension": TEXT, "version": MAYBE_TEXT,
            "operation": MAYBE_TEXT, "sequence": MAYBE_WHOLE, "exit_code": MAYBE_WHOLE, "owner": words(model.Owner),
        }
    )  # fmt: skip
    run = {name: form for name, form in RUN.items() if name != "duration_seconds"}
    properties = {
        "id": ID, **run, "instance": members({name: identity[name] for name in kept}, *kept[1:]),
        "window": value(model.Window, defs), "findings": listed(finding), "recipients": listed(TEXT),
        "content": members({"bytes": WHOLE, "sha256": HASH}),
        "payload": members({"name": TEXT, "format": TEXT, "bytes": WHOLE, "sha256": HASH}),
    }  # fmt: skip
    return schema("envelope", "envelope.json: what is readable of an encrypted bundle", properties, defs)


def events() -> Schema:
    event = schema("events", "One line of events.jsonl, in the names of the OpenTelemetry logs data model", {}, {})
    attributes = members(
        {
            "log.file.path": TEXT, "log.record.original": TEXT, "vmext.line": WHOLE,
            "vmext.time_basis": words(model.TimeBasis), "vmext.time_sure": words(model.Confidence),
            "vmext.extension": TEXT, "vmext.version": TEXT, "vmext.name": TEXT, "vmext.operation": TEXT,
            "vmext.sequence": WHOLE,
        },
        "vmext.extension", "vmext.version", "vmext.name", "vmext.operation", "vmext.sequence",
    )  # fmt: skip
    attributes["patternProperties"] = {r"^vmext\.field\.": TEXT}
    line = members(
        {
            "Timestamp": MAYBE_TIME, "ObservedTimestamp": UTC, "SeverityText": TEXT,
            "SeverityNumber": {"type": "integer", "minimum": 0, "maximum": 24}, "Body": TEXT, "Attributes": attributes,
            "Resource": {"type": "object", "additionalProperties": TEXT},
        }
    )  # fmt: skip
    return {**{key: event[key] for key in ("$schema", "$id", "title")}, **line}


def all_schemas() -> dict[str, Schema]:
    """By the name of the file."""
    made = {"manifest": manifest(), "findings": findings(), "envelope": envelope(), "events": events()}
    for name, title, lists in (
        ("failures", "failures.json: what was extracted, before any rule", {"failures": model.Failure, "states": model.ExtensionState}),
        ("practices", "practices.json: documented practices, kept and violated", {"practices": model.Practice}),
    ):  # fmt: skip
        defs: dict[str, Schema] = {}
        made[name] = schema(name, title, {key: listed(value(kind, defs)) for key, kind in lists.items()}, defs)
    defs = {}
    properties = {
        "totals": COUNTS, "left_out": value(LeftOut, defs), "budget": COUNTS,
        "entries": listed(value(model.LedgerEntry, defs)),
    }  # fmt: skip
    title = "ledger.json: every source considered, and what came of it"
    made["ledger"] = schema("ledger", title, properties, defs, "totals", "left_out", "budget")
    defs = {}
    properties = {
        "run": members({**RUN, "trigger": value(model.Trigger, defs)}, "trigger"), "identity": value(model.Identity, defs), "facts": value(model.SystemFacts, defs),
    }  # fmt: skip
    made["system"] = schema("system", "system.json: the run, the instance, the machine", properties, defs, "run")
    row = members({"pattern": TEXT, "member": TEXT, "count": WHOLE}, "member")
    title = "redactions.json: what was redacted, counted; never what it was"
    made["redactions"] = schema("redactions", title, {"redactions": listed(row)}, {}, "schema", "redactions")
    return made


def main() -> int:
    different = []
    for name, made in all_schemas().items():
        file, text = FOLDER / f"{name}.json", json.dumps(made, indent=1) + "\n"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            different.append(file)
            if "--check" not in sys.argv[1:]:
                file.write_text(text, encoding="utf-8")
    for file in different:
        print(f"{'differs' if '--check' in sys.argv[1:] else 'written'}: {file.relative_to(ROOT)}")
    return 1 if different and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
