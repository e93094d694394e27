"""How an operation went: how long, what happened meanwhile, what waits, what the handler wrote of it."""

from __future__ import annotations

from datetime import timedelta

from collector.diagnose.practices.case import (
    BAD,
    Case,
    Check,
    Checks,
    Found,
    not_applicable,
    passed,
    unknown,
    violated,
)
from collector.diagnose.practices.texts import seen
from collector.model import ProcessFacts, SystemEvent, order

_LONG, _SHORT = timedelta(minutes=90), timedelta(minutes=20)
#: Extensions that have the long limit: Custom Script, Chef, and DSC on Windows.
_SLOW = ("customscript", "chef", "dsc")
_STATUS_WORDS = frozenset({"transitioning", "success", "warning", "error"})
_PLACEHOLDER = "Enable in progress"
_RESTARTS = ("boot", "shutdown")


def _within(limit: timedelta) -> Check:
    def check(case: Case) -> Found | None:
        length = case.length()
        if length is None:
            return unknown("nothing tells how long it took") if case.has_run else not_applicable("it has not run")
        told = f"{_minutes(length)}; the limit is {_minutes(limit)}"
        verb = "has been going on for" if case.unfinished else "took"
        return violated(f"it {verb} {told}") if length > limit else passed(f"it {verb} {told}")

    return check


def _minutes(length: timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    return f"{minutes} minutes" if minutes > 1 else "less than two minutes"


def _short(case: Case) -> Found | None:
    if any(word in case.operation.extension.lower() for word in (*_SLOW, "runcommand")):
        return not_applicable("it has a limit of its own")
    return _within(_SHORT)(case)


def _during(case: Case, *kinds: str) -> SystemEvent | None:
    """What happened to the machine between the beginning and the end of an operation."""
    hang = next((failure.hang_since for failure in case.failures if failure.hang_since), None)
    begin, end = hang or case.operation.started, None if case.unfinished else case.operation.ended
    for event in case.facts.events:
        if begin is None or event.time is None:
            continue
        if event.kind in kinds and order(begin) < order(event.time) and (end is None or order(event.time) < order(end)):
            return event
    return None


def _restart(case: Case) -> Found | None:
    event = _during(case, *_RESTARTS)
    if event is not None:
        doubt = "" if event.time is None or event.time.tzinfo else " (if its own log tells UTC)"
        return violated(f"the machine restarted while it ran{doubt}", event.path, event.line)
    begin, boot = case.operation.started, case.facts.boot_time
    if case.unfinished and begin is not None and begin.tzinfo and boot is not None and boot > begin:
        return violated("the machine restarted after it had begun, and its end was never told")
    return None


def _agent_stop(case: Case) -> Found | None:
    event = _during(case, "agent-stop")
    if event is None:
        return None
    return violated("the guest agent was stopped while it ran", event.path, event.line)


def _waiting(case: Case) -> Found | None:
    for process in _processes(case):
        terminal = process.waits_for.startswith("input (terminal")
        if terminal or (case.unfinished and process.waits_for.startswith("input")):
            return violated(f"the process {process.name} (pid {process.pid}) waits for {process.waits_for}")
    return passed("the last run came to its end") if case.succeeded else None


def _processes(case: Case) -> list[ProcessFacts]:
    extension = case.operation.extension.lower()
    return [process for process in case.facts.processes if (process.extension or "").lower() == extension]


def _again(case: Case) -> Found | None:
    """A failed run that was asked for once more under the same number."""
    for text in case.texts("log"):
        lowered = text.text.lower()
        for words in ("already been processed, will not run again", "is not greater than the sequence number"):
            at = lowered.rfind(words)
            if at >= 0 and case.status in BAD:
                line = text.first_line + text.text.count("\n", 0, at) if text.first_line else 0
                told = "the failed run was asked for again with the same settings, and not run again"
                return violated(told, text.path, line)
            if at >= 0:
                return passed("it was asked for again with the same settings, and not run again, as it should be")
    return not_applicable("it was not asked for again")


def _downloads(case: Case) -> Found | None:
    uris = case.setting("fileUris")
    named = " ".join(uri for uri in uris if isinstance(uri, str)) if isinstance(uris, list) else ""
    asked = [one for one in case.facts.probes if f"//{one.target.rpartition(' ')[2].rpartition(':')[0]}" in named]
    for one in asked:
        if not one.reached:
            return violated(f"a host of fileUris does not answer: {one.detail}", case.settings_path)
    settings = case.operation.settings
    if settings is not None and not case.setting("fileUris") and not settings.has_protected and not case.failed:
        return not_applicable("the settings name no files to download")
    return passed("the last run ended well") if case.succeeded else None


def _proxy(case: Case) -> Found | None:
    settings = case.material.machine.agent_settings
    if not settings:
        return unknown("there is no waagent.conf")
    if settings.get("HttpProxy.Host", "none").lower() in ("", "none"):
        return not_applicable("waagent.conf names no proxy")
    silent = seen(case, "cse-url-reachable")
    if silent is not None:
        return violated("waagent.conf names a proxy, and a download got no answer", silent.path, silent.line)
    return passed("the last run ended well") if case.succeeded else None


def _words(case: Case) -> Found | None:
    status = case.operation.status
    if status is None or not status.status:
        return not_applicable("there is no status file")
    for word in (status.status, *(part.status for part in status.substatus if part.status)):
        if word not in _STATUS_WORDS:
            return violated(f'it wrote the status "{word[:40]}", which the agent does not know', status.source.path)
    return passed(f"it wrote {status.status}")


def _placeholder(case: Case) -> Found | None:
    status = case.operation.status
    if status is None or status.status != "transitioning" or _PLACEHOLDER not in status.message:
        return not_applicable("the status is no placeholder")
    boot = case.facts.boot_time
    if boot is not None and status.time is not None and status.time < boot:
        return violated("the placeholder is older than the start of the machine", status.source.path)
    if not case.facts.live:
        return unknown("whether the process still lives is not on the disk")
    if not _processes(case):
        return violated("the placeholder stands there and no process of the extension lives", status.source.path)
    return passed("the process lives")


CHECKS: Checks = {
    "cse-90min": _within(_LONG),
    "dsc-w-90": _within(_LONG),
    "ext-20min": _short,
    "cse-no-reboot": _restart,
    "vmapp-reboot": _restart,
    "cse-no-agent-stop": _agent_stop,
    "cse-l-no-input": _waiting,
    "cse-w-no-input": _waiting,
    "rc-no-input": _waiting,
    "cse-rerun-key": _again,
    "cse-url-reachable": _downloads,
    "cse-no-proxy": _proxy,
    "ext-status-words": _words,
    "ext-dead-placeholder": _placeholder,
}
