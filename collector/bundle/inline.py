"""The top findings packed into the verdict itself, for where no bundle can be delivered. Pure.

Run Command gives the last 4,096 bytes of an output back, so the block stands at their end, before the answer line.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from collector.bundle import block, words
from collector.bundle.checks import violated
from collector.bundle.codec import plain
from collector.bundle.console import cut
from collector.bundle.summary import LIMIT, verdict_text
from collector.bundle.words import GOOD_OUTCOMES, NO_SOURCE
from collector.model import BundleInfo, Cause, Delivery, Evidence, Excerpt, Failure, Finding, Report, iso

KIND = "inline"
SCHEMA = 1
_ABOVE = '# the findings, packed; "vmext show -" reads them out of this text'
_HINT = "       no way out? vmext collect --inline packs the findings in here, vmext fleet pull fetches a core"
#: The verdict is as short as one of these allows without losing a label.
_VERDICT = (1_400, 1_700, 2_000, 2_400)
#: Characters of each text about the instance, the run and the other extensions; the last resort names only who it is.
_BASE = (300, 120, 48)
_WHO = ("system", "instance_name", "scale_set", "instance_id")
_MOST_GAPS, _MOST_OTHERS, _MOST_PRACTICES = 12, 12, 4
_WHOLE = frozenset({"do", "sha256"})  # of no use when cut
_LONGEST_STEP = 700
#: So many lines on both sides of the proof, tried in this order, and of each so many characters.
_NEAR, _WIDEST = (25, 12, 6, 3), 240

#: What most of a block consists of, so that it costs next to nothing. It belongs to the block's version: another
#: dictionary could not read what this one packed.
DICTIONARY = (
    b'"OutdatedHandlerpackage managerdisk fulltime-outnetworkpermission denied" is not the cause; see '
    b"/var/log/waagent.log/var/lib/waagent/custom-script/download/0/stderrstdoutWindowsAzure/Logs/Plugins/Microsoft."
    b"Compute.CustomScriptExtensionMicrosoft.CPlat.Core.RunCommandLinuxMicrosoft.Azure.Monitor.AzureMonitorLinuxAgent"
    b"Packages/Plugins/CommandExecution.logvar/log/azure/Microsoft.Azure.Extensions.CustomScript/handler.log"
    b" level=info ts=event= msg=failed to execute command: command terminated with exit status=https://learn."
    b"microsoft.com/azure/virtual-machines/extensions/az vmss extension set -g --vmss-name --publisher -n --version "
    b"--force-update --settings @settings.json --protected-settings @protected.json  # protected settings are never "
    b"given back: write them anewaz vmss update-instances -g -n --instance-ids  # only if the upgrade policy is Manual"
    b'/subscriptions/resourceGroups/providers/Microsoft.Compute/virtualMachineScaleSets/virtualMachines/{"schema":1,"vmext":"0.1.0",'
    b'"created":"2026-01-01T00:00:00Z","verdict":"failed","hanging","healthy","nothing-found","live":true,"bundle":'
    b'{"id":"","path":"/var/lib/vmext/spool/.zip","bytes":1,"sha256":""},"delivery":{"state":"spooled","skipped",'
    b'"target":null,"error":null,"received":null},"identity":{"system":"linux","windows","instance_name":"vmss-web_",'
    b'"computer_name":"","scale_set":"","instance_id":"","resource_group":"rg-","resource_id":"","subscription":"",'
    b'"location":"westeurope","zone":"1","image":"","os":"Ubuntu 22.04.5 LTS","agent_version":"2.","vm_id":"",'
    b'"container_id":"","activity_id":"","correlation_id":"","source":"metadata service"},"window":{"start":"",'
    b'"end":"","reason":"failure in .status"},"sources":{"read":1,"outside-window":1,"missing":1,"skipped":1,'
    b'"truncated":1,"denied":1},"gaps":[],"others":[{"extension":"","name":null,"version":"","state":"success"}],"practices":[],'
    b'"findings_total":1,"findings":[{"id":"","failure":{"kind":"failure","extension":"Microsoft.","name":null,'
    b'"version":"2.1","operation":"Enable","sequence":1,"exit_code":1,"agent_code":null,"status_code":1,"message":"",'
    b'"detail":"","first_time":"2026-","last_time":"2026-","hang_since":null,"limit_seconds":null,"count":1,"evidence":['
    b'{"path":"var/lib/waagent/","line":1,"time":null,"text":"","role":"telling"},"role":"exit"},"role":"context"},"role'
    b'":"result"},{"path":"var/log/azure/","line":1,"time":"2026-01-01T00:00:00Z","text":""}],"caused_by":null,'
    b'"repeats_after_collect":0},"title":"","owner":"script","guest","extension","network","unknown","meaning":"",'
    b'"remedy":"","confidence":"high","medium","low","do":[""],"dont":"","documentation":"https://learn.microsoft.com/'
    b'","causes":[{"id":"","title":"","owner":"","confidence":"medium","meaning":"","remedy":"","documentation":"",'
    b'"evidence":[{"path":"","line":0,"time":null,"text":"","role":"fact"}]}]}],"around":{"path":"var/lib/waagent/","lines":'
    b'[{"number":1,"text":"","cut":false},{"number":2,"text":"","cut":false}],"failing":[1],"left_out":0}}'
)


@dataclass(frozen=True, slots=True)
class _Room:
    """How much of a finding is packed: characters of a text and of its detail, lines that tell it, explanations."""

    characters: int
    detail: int
    lines: int
    causes: int


#: Tried in this order. Of a finding that fits in none only the number is told.
_ROOMS = (
    _Room(600, 2_000, 30, 6),
    _Room(400, 600, 10, 4),
    _Room(240, 0, 5, 2),
    _Room(140, 0, 2, 1),
    _Room(70, 0, 0, 0),
)


def inline_text(report: Report, bundle: BundleInfo | None, delivery: Delivery, limit: int = LIMIT) -> str:
    """The verdict in short, the block with as many findings as fit, the answer; at most `limit` bytes of ASCII, also
    where a console makes two bytes of each line end."""
    verdict = _short(report, bundle, delivery, limit)
    document = _fitting(report, bundle, delivery, block.room(KIND, (), limit - _bytes((*verdict, _ABOVE))))
    if document:
        rows = [_ABOVE, *block.render(KIND, (), _pack(document))]
        verdict = verdict_text(report, bundle, delivery, limit - _bytes(rows)).rstrip("\n").split("\n")
        packed = _fuller(document, report, block.room(KIND, (), limit - _bytes((*verdict, _ABOVE))))
        verdict[-1:-1] = [_ABOVE, *block.render(KIND, (), packed)]
    return "\n".join(verdict) + "\n"


def _bytes(lines: Sequence[str]) -> int:
    return sum(len(line) + 2 for line in lines)


def with_hint(text: str, limit: int = LIMIT) -> str:
    """The verdict of a run that could not deliver, with a line that names the ways out, where there is room."""
    longer = len(text) + text.count("\n") + len(_HINT) + 2
    before, end, last = text.rstrip("\n").rpartition("\n")
    return f"{before}\n{_HINT}\n{last}\n" if end and longer <= limit else text


def _short(report: Report, bundle: BundleInfo | None, delivery: Delivery, limit: int) -> list[str]:
    """The verdict's lines; only its first and last where no room would hold every label."""
    text = ""
    for room in _VERDICT:
        text = verdict_text(report, bundle, delivery, min(room, limit * 3 // 5))
        if text.count("\n") > 2:
            break
    return text.rstrip("\n").split("\n")


# ---- packing -------------------------------------------------------------------------------------------


def unpacked(data: bytes, most: int) -> bytes:
    """The inverse of packing. Raises ValueError for what is none, or has more than `most` bytes."""
    stream = zlib.decompressobj(zdict=DICTIONARY)
    try:
        text = stream.decompress(data, most)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not stream.eof or stream.unused_data:
        raise ValueError("it has no end, or is too large")
    return text


def _pack(document: dict[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    stream = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)
    return stream.compress(text.encode("utf-8", "backslashreplace")) + stream.flush()


def _fitting(report: Report, bundle: BundleInfo | None, delivery: Delivery, room: int) -> dict[str, Any]:
    """The richest document that fits into `room` bytes; an empty one where not even the barest does."""
    for base in _bases(report, bundle, delivery):
        if len(_pack(base)) > room:
            continue
        for number, finding in enumerate(report.findings):
            fitting = ([*base["findings"], _finding(finding, size)] for size in _ROOMS[min(number, 2) :])
            tries = ({**base, "findings": findings} for findings in fitting)
            best = next((one for one in tries if len(_pack(one)) <= room), None)
            if best is None:
                break
            base = best
        return base
    return {}


def _fuller(document: dict[str, Any], report: Report, room: int) -> bytes:
    """The document packed; where all findings are in it, with the lines around the proof that still fit."""
    if len(document["findings"]) == len(report.findings):
        for near in _NEAR:
            around = _around(report, near)
            packed = _pack({**document, "around": plain(around)}) if around else b""
            if packed and len(packed) <= room:
                return packed
    return _pack(document)


def _around(report: Report, near: int) -> Excerpt | None:
    """The lines next to the first finding's proof; None where no excerpt holds any."""
    head = words.head(report)
    proof = words.proof(head)[1] if head else None
    for excerpt in report.excerpts:
        if proof and excerpt.path == proof.path:
            chosen = (line for line in excerpt.lines if abs(line.number - proof.line) <= near)
            lines = tuple(replace(line, text=cut(line.text, _WIDEST)) for line in chosen)
            failing = excerpt.failing & {line.number for line in lines}
            return Excerpt(excerpt.path, lines, failing, excerpt.left_out + len(excerpt.lines) - len(lines))
    return None


def _bases(report: Report, bundle: BundleInfo | None, delivery: Delivery) -> Iterator[dict[str, Any]]:
    """Everything but the findings. What the first of them needs goes before the long words around it."""
    full = _about(report, bundle, delivery)
    fewer = {**full, "practices": [], "others": full["others"][:3], "gaps": full["gaps"][:3]}
    who = {key: full["identity"][key] for key in _WHO if key in full["identity"]}
    for characters, base in zip(_BASE, (full, fewer, {**fewer, "identity": who, "others": []}), strict=True):
        yield _cut(base, characters)


def _about(report: Report, bundle: BundleInfo | None, delivery: Delivery) -> dict[str, Any]:
    ledger = report.ledger
    bad = [entry for entry in ledger if entry.outcome not in GOOD_OUTCOMES | NO_SOURCE]
    return {
        "schema": SCHEMA,
        "vmext": report.agent_version,
        "created": iso(report.created),
        "verdict": report.verdict,
        "live": report.system.live,
        "bundle": plain(bundle),
        "delivery": plain(delivery),
        "identity": {key: value for key, value in plain(report.identity).items() if value is not None},
        "window": plain(report.window),
        "sources": dict(sorted(Counter(entry.outcome for entry in ledger).items())),
        "gaps": [{"path": one.path, "kind": one.kind, "outcome": one.outcome} for one in bad[:_MOST_GAPS]],
        "others": plain(report.others[:_MOST_OTHERS]),
        "practices": plain(violated(report.practices)[:_MOST_PRACTICES]),
        "findings_total": len(report.findings),
        "findings": [],
    }


def _finding(finding: Finding, room: _Room) -> dict[str, Any]:
    """One finding with what speaks for it; commands whole or not at all."""
    shorter = replace(
        finding,
        failure=_failure(finding.failure, room),
        causes=tuple(_cause(cause, room) for cause in finding.causes[: room.causes]),
        do=tuple(step for step in finding.do if len(step) <= _LONGEST_STEP) if room.lines else (),
    )
    document: dict[str, Any] = _cut(plain(shorter), room.characters)
    document["failure"]["detail"] = cut(finding.failure.detail, room.detail)
    return document


def _failure(failure: Failure, room: _Room) -> Failure:
    ranked = sorted(failure.evidence, key=lambda evidence: evidence.role != "telling")
    return replace(failure, evidence=_lines(tuple(ranked), room))


def _cause(cause: Cause, room: _Room) -> Cause:
    return replace(cause, evidence=_lines(cause.evidence, room))


def _lines(evidence: tuple[Evidence, ...], room: _Room) -> tuple[Evidence, ...]:
    return evidence[: room.lines]


def _cut(value: Any, characters: int, key: str = "") -> Any:
    """The document with each text cut."""
    if isinstance(value, dict):
        return {name: _cut(item, characters, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_cut(item, characters, key) for item in value]
    return cut(value, characters) if isinstance(value, str) and key not in _WHOLE else value
