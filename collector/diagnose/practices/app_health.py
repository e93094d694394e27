"""The Application Health extension, which counts as a success whatever it finds."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from collector.diagnose.practices.case import Case, Checks, Found, not_applicable, passed, unknown, violated

_COMMITTED = "committed health state is "
_EXPIRED = "no longer honoring grace period - expired"
_SETTLE_SECONDS, _INTERVAL, _PROBES = 240, 5, 1  # the most, and the defaults
_INTERVALS, _COUNTS = range(5, 61), range(1, 25)
_SILENT = timedelta(minutes=6)


def _answer(case: Case) -> Found | None:
    status = case.operation.status
    for part in status.substatus if status else ():
        if part.name.lower() == "apphealthstatus":
            if part.status == "success":
                return passed("the application is healthy")
            if part.status == "error" and status is not None:
                return violated("the application does not answer its probes as it should", status.source.path)
    state = _state(case)
    return passed("the application is healthy") if state == "healthy" else None


def _state(case: Case) -> str:
    """The word that was committed last."""
    for text in reversed(case.texts("log")):
        at = text.text.lower().rfind(_COMMITTED)
        if at >= 0:
            return text.text[at + len(_COMMITTED) :][:20].lower().split('"')[0].split()[0]
    return ""


def _rich(case: Case) -> Found | None:
    if (case.operation.version or "").startswith("1."):
        return not_applicable("version 1 asks for no state")
    if case.setting("protocol") == "tcp":
        return not_applicable("the probe is tcp")
    return passed("the application is healthy") if _state(case) == "healthy" else None


def _grace(case: Case) -> Found | None:
    """Too short only where the application became healthy after it had ended."""
    for text in case.texts("log"):
        lowered = text.text.lower()
        at = lowered.find(_EXPIRED)
        if at >= 0:
            line = text.first_line + text.text.count("\n", 0, at) if text.first_line else 0
            if f"{_COMMITTED}healthy" in lowered[at:]:
                return violated("the application became healthy after its grace period had ended", text.path, line)
            return unknown("the grace period ended, and the application has not become healthy since")
    return passed("no grace period has run out")


def _settings(case: Case) -> Found | None:
    if case.operation.settings is None:
        return unknown("no settings file lies on the disk")
    wrong = ""
    if case.setting("protocol") == "tcp":
        wrong = "requestPath is given with tcp" if case.setting("requestPath") else ""
        wrong = wrong or ("" if case.setting("port") else "tcp is given without port")
    interval, probes = (case.setting(key) for key in ("intervalInSeconds", "numberOfProbes"))
    if isinstance(interval, int) and interval not in _INTERVALS:
        wrong = "intervalInSeconds is not between 5 and 60"
    if isinstance(probes, int) and probes not in _COUNTS:
        wrong = "numberOfProbes is not between 1 and 24"
    seconds = interval if isinstance(interval, int) else _INTERVAL
    if seconds * (probes if isinstance(probes, int) else _PROBES) > _SETTLE_SECONDS:
        wrong = "intervalInSeconds times numberOfProbes is more than 240 seconds"
    return violated(wrong, case.settings_path) if wrong else passed("port, path, interval and probes fit together")


def _process(case: Case) -> Found | None:
    if not case.facts.live:
        return unknown("its processes are not on the disk")
    mine = [one for one in case.facts.processes if "applicationhealth-extension" in one.command.lower()]
    count = sum("enable" in one.command.lower() and "shim" not in one.command.lower() for one in mine)
    if count != 1:
        return violated(f"{count} processes live" if count else "no process lives")
    modified = case.operation.log_modified
    if modified and case.now.tzinfo:
        silent = case.now - datetime.fromtimestamp(modified, timezone.utc)
        if silent > _SILENT:
            return violated(f"its process has written nothing for {int(silent.total_seconds()) // 60} minutes")
    return passed("one process lives and writes")


CHECKS: Checks = {
    "vmss-apphealth-answer": _answer,
    "vmss-apphealth-rich": _rich,
    "vmss-apphealth-grace": _grace,
    "vmss-apphealth-settings": _settings,
    "vmss-apphealth-one-process": _process,
}
