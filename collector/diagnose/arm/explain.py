"""An error of the platform to what it means: the same knowledge as for a failure on the disk, and the platform's own
words about it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from collector.diagnose import codes
from collector.diagnose.arm.knowledge import Family, PlatformCode, family, platform_codes, refusal
from collector.diagnose.arm.names import handlers_of, split
from collector.diagnose.arm.values import ArmError, Explained
from collector.diagnose.commands import is_script
from collector.diagnose.diagnose import diagnose
from collector.diagnose.meanings import code_title, told_apart
from collector.model import Cause, Evidence, Failure, Finding, Identity, System, SystemFacts

#: What a finding is called for which nothing known speaks.
UNEXPLAINED = "unexplained"
#: Where a quoted line is from.
QUOTED = "the text"
_COLLECT = "Nothing more is told by this text: see the extension's log on the instance."

_ELSEWHERE = "vmext knows the errors of extensions; look this code up in the documentation of the service that gave it."


def explained(error: ArmError) -> Explained:
    """What the error means, whose it is, and what to do next."""
    code, sentence = error.code or _code_of(error), family(error.family)
    known = platform_codes().get(code) or refusal(code, error.inner.message)
    said = next((one for one in (sentence, family(error.inside)) if one and one.meaning), None)
    platform = known.meaning if known else ""
    if (
        error.kind in ("wrapper", "several")
        or (error.kind == "refused" and said)
        or (known and known.kind == "refused")
    ):
        return _by_platform(error, platform, known, said)
    finding = finding_of(error, failure_of(error))
    if finding.id == UNEXPLAINED and error.of_node_setup and error.inner.exit_code is None:
        finding = _of_custom_script(error)
    if error.kind == "hang":
        finding = _unended(finding, known, said)
    elif said and (finding.id == UNEXPLAINED or finding.confidence == "low"):
        cause = Cause(f"arm-{said.id}", said.title, said.owner, "medium", said.meaning, said.remedy, _source(known))
        finding = _led_by(cause, replace(finding, causes=()))
    if finding.id == UNEXPLAINED:
        remedy = known.remedy if known else _COLLECT if error.family or error.handler else _ELSEWHERE
        return replace(_by_platform(error, platform, known, said), confidence="low", remedy=remedy, causes=())
    return of_finding(error, finding, platform if platform != finding.meaning else "")


def of_finding(error: ArmError, finding: Finding, platform: str = "") -> Explained:
    """The error in the words of a finding."""
    return Explained(
        error=error,
        title=finding.title,
        meaning=finding.meaning,
        remedy=finding.remedy,
        platform=platform,
        confidence=finding.confidence,
        documentation=finding.documentation,
        owner=finding.owner,
        causes=finding.causes,
        do=finding.do if _is_certain(error) else (),
        dont=finding.dont,
        notes=notes(error),
        next_steps=next_steps(error),
    )


def _is_certain(error: ArmError) -> bool:
    """Commands that change something are told where the text itself names what they change; never for AKS."""
    named = error.handler.count(".") > 1 and not error.handler_by and not error.handler.startswith("Microsoft.AKS.")
    return named and bool(error.place.scale_set or error.place.vm) and error.kind != "line"


def of_causes(error: ArmError, causes: tuple[Cause, ...]) -> Explained:
    """The error in the words of its likeliest cause."""
    first = causes[0]
    return Explained(
        error, first.title, first.meaning, first.remedy, "", first.confidence, first.documentation, first.owner, causes
    )


def failure_of(error: ArmError) -> Failure:
    """The error as a failure that the same rules explain as one found on a disk."""
    handler = error.handler or error.extension
    short = split(handler)[1]
    sentence = family(error.family)
    platforms = error.kind == "hang" and sentence is not None and sentence.regex.search(error.inner.message)
    lines = [] if platforms else [line for line in error.inner.message.split("\n") if line.strip()]
    return Failure(
        kind="hang" if error.kind == "hang" or _was_ended(error) else "failure",
        extension=handler,
        name=error.extension if error.extension not in (handler, short, "") else None,
        version=error.version or None,
        operation=error.inner.operation.capitalize() or None,
        sequence=None,
        exit_code=error.inner.exit_code,
        agent_code=error.agent_code,
        status_code=error.inner.status_code,
        message=lines[-1] if lines else "",
        detail="" if platforms else error.inner.text,
        first_time=error.first_time,
        last_time=error.last_time,
        hang_since=None,
        limit_seconds=error.inner.limit_seconds,
        count=1,
        evidence=tuple(Evidence(QUOTED, number, None, line) for number, line in enumerate(lines, start=1)),
    )


def _was_ended(error: ArmError) -> bool:
    """Whether the agent ended the handler at its own time limit."""
    return error.inner.limit_seconds is not None or "has not exited on time" in error.inner.text


def finding_of(error: ArmError, failure: Failure) -> Finding:
    """The finding, with each meaning of a code as a cause of its own, and what the handler's own code says."""
    identity = Identity(
        error.system,
        instance_name=error.place.vm or None,
        scale_set=error.place.scale_set or None,
        instance_id=error.place.instance_id or None,
        resource_group=error.place.resource_group or None,
    )
    (finding,) = diagnose([failure], identity, SystemFacts(live=False))
    rows = _rows(failure, error.system)
    meant = told_apart(rows, f"{failure.message}\n{failure.detail}") if rows else []
    if len({row.meaning for row in meant}) > 1:
        finding = _each(finding, [code_cause(row, failure, several=True) for row in meant])
    causes = [cause for cause in finding.causes if cause.id != UNEXPLAINED]
    status = _status_causes(error, failure)
    if finding.id == UNEXPLAINED and status:
        return replace(_led_by(status[0], finding), causes=tuple(status))
    return replace(finding, causes=(*causes, *status))


def _rows(failure: Failure, system: System) -> tuple[codes.CodeRow, ...]:
    """What the handler itself means by the exit code; a script's code is the script's own."""
    if failure.exit_code is None or failure.kind == "hang" or is_script(failure.extension):
        return ()
    return codes.of_extension(failure.extension, system, failure.exit_code, failure.version, failure.operation)


def code_cause(row: codes.CodeRow, failure: Failure, *, several: bool) -> Cause:
    """One meaning of an exit code; one of several is never more than possible."""
    guest = row.scope in ("shell", "win32", "ntstatus", "hresult")
    sure = not several and row.confidence in ("confirmed", "documented")
    return Cause(
        id=f"code-{split(row.scope)[1].lower() or row.scope}-{row.code}",
        title=code_title(row),
        owner="script" if is_script(failure.extension) else "guest" if guest else "extension",
        confidence="medium" if sure else "low",
        meaning=row.meaning,
        remedy=row.remedy,
        documentation=row.source,
    )


def _of_custom_script(error: ArmError) -> Finding:
    """Node setup runs as Custom Script: what went wrong before its script began is told in that one's words."""
    return finding_of(error, failure_of(replace(error, handler=handlers_of("cse", error.system)[0])))


def _each(finding: Finding, causes: Sequence[Cause]) -> Finding:
    """`One of: a / b` as causes of their own in the place of the one that names them together."""
    found: list[Cause] = []
    for cause in finding.causes:
        found += causes if cause.meaning.startswith("One of: ") else [cause]
    return replace(finding, causes=tuple(found))


def _status_causes(error: ArmError, failure: Failure) -> list[Cause]:
    """What the handler's own code of the failure says, which is no exit code."""
    number = error.inner.status_code
    if number is None or number == 0 or error.inner.exit_code is not None:
        return []
    rows = codes.of_status(error.handler, number)
    return [replace(code_cause(row, failure, several=len(rows) > 1), id=f"status-{row.code}") for row in rows]


def _led_by(cause: Cause, finding: Finding) -> Finding:
    """The finding with this cause as its answer, and the others behind it."""
    others = tuple(one for one in finding.causes if one.id not in (UNEXPLAINED, cause.id))
    return replace(
        finding,
        id=cause.id,
        title=cause.title,
        owner=cause.owner,
        meaning=cause.meaning,
        remedy=cause.remedy,
        confidence=cause.confidence,
        documentation=cause.documentation,
        causes=(cause, *others),
    )


def _unended(finding: Finding, known: PlatformCode | None, said: Family | None) -> Finding:
    """That no end was told is sure; why is at most possible, since nothing of the instance is known."""
    told = said or known or platform_codes()["VMExtensionProvisioningTimeout"]
    name = f"arm-{said.id}" if said else "arm-timed-out"
    cause = Cause(name, told.title, told.owner, "high", told.meaning, told.remedy, _source(known))
    waited_for = said is None or said.id == "no-latest-status"
    others = [one for one in finding.causes if one.id != UNEXPLAINED] if waited_for else []
    possible = tuple(replace(one, confidence="low") for one in others)
    return _led_by(cause, replace(finding, causes=possible))


def _by_platform(error: ArmError, platform: str, known: PlatformCode | None, said: Family | None) -> Explained:
    told = said or known
    cause = said and Cause(f"arm-{said.id}", said.title, said.owner, "high", said.meaning, said.remedy, _source(known))
    return Explained(
        error=error,
        title=(told.title if told else "") or "a failure",
        meaning=told.meaning if told else "A code that vmext does not know; the message says what is wrong.",
        remedy=(told.remedy if told else "") or _COLLECT,
        platform=platform if said and error.kind != "several" else "",
        confidence="high",
        documentation=_source(known) if told else "",
        owner=told.owner if told else "unknown",
        causes=(cause,) if cause else (),
        notes=notes(error),
        next_steps=next_steps(error),
    )


def _code_of(error: ArmError) -> str:
    """The code that goes with the sentence: known although the text does not have it."""
    sentence = family(error.family)
    if sentence and sentence.code:
        return sentence.code
    by_sentence = {
        "reported-failure": "VMExtensionProvisioningError",
        "terminal": "VMExtensionHandlerNonTransientError",
        "terminal-code": "VMExtensionHandlerNonTransientError",
        "timed-out": "VMExtensionProvisioningTimeout",
    }
    return by_sentence.get(error.family, "")


def _source(known: PlatformCode | None) -> str:
    return known.source if known else platform_codes()["VMExtensionProvisioningError"].source


def notes(error: ArmError) -> tuple[str, ...]:
    """What a reader has to know to judge the answer."""
    found = []
    if error.of_node_setup:
        found.append(f"{error.extension} is the name of AKS node setup: its exit codes are told from that table.")
    elif error.handler_by:
        found.append(f"Taken for {error.handler} by {error.handler_by}; the text does not name the type.")
    if error.agent_code is not None:
        meaning = next((row.meaning for row in codes.of_status("guest-agent", error.agent_code)), "")
        found.append(f"{error.agent_code} is the guest agent's code, not an exit code. {meaning}".rstrip())
    if error.inner.status_code is not None and error.inner.status_code != error.inner.exit_code:
        found.append(f"Error code {error.inner.status_code} is the handler's own, not the exit code of a script.")
    if error.inner.cut:
        found.append("The message is cut here; the rest stands in the activity log or on the instance.")
    return tuple(found)


def next_steps(error: ArmError) -> tuple[str, ...]:
    """How to learn more than the text holds."""
    of_extension = bool(error.family or error.handler or "Extension" in error.code) or error.kind in ("code", "line")
    if error.kind in ("wrapper", "refused") or not of_extension:
        return ()
    known = error.handler if "." in error.handler and not error.handler.startswith("Microsoft.AKS.") else ""
    short = known.rpartition(".")[2]
    only = f" --extension {known if '.' in split(known)[1] else short}" if known else ""
    steps = [f"vmext collect{only}   # on the instance: reads its logs and says why"]
    if not error.place.vm:
        group, name = error.place.resource_group or "RESOURCE-GROUP", error.place.scale_set or "SCALE-SET"
        unsure = "" if error.place.scale_set else "   # if it is of a scale set"
        steps += [
            f"az vmss list-instances -g {group} -n {name} -o json > set.json{unsure}",
            "vmext fleet show set.json      # on which instances of the set, and which case this is",
            "vmext fleet collect set.json   # collects on exactly these instances",
        ]
    return tuple(steps)
