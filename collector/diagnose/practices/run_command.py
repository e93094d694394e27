"""Run Command, the older one and the managed one."""

from __future__ import annotations

import re

from collector.diagnose.practices.case import Case, Checks, Found, not_applicable, passed, unknown, violated

_AGENT_SINCE = (2, 4, 0, 2)
_NO_USER = -102
_BARE_AND = r"(?<!\^)&"


def _agent_ready(case: Case) -> Found | None:
    agent = case.facts.agent
    if not case.facts.live or agent is None or agent.state == "unknown":
        return unknown("whether the guest agent runs is not told")
    return passed("the guest agent runs") if agent.state == "running" else violated(f"the guest agent is {agent.state}")


def _agent_version(case: Case) -> Found | None:
    version = case.identity.agent_version
    parts = tuple(int(part) for part in re.findall(r"\d+", version or ""))
    if not parts:
        return unknown("the version of the guest agent is not known")
    return passed(f"agent {version}") if parts >= _AGENT_SINCE else violated(f"agent {version} is older than 2.4.0.2")


def _blob(case: Case) -> Found | None:
    if case.operation.settings is not None and not case.setting("outputBlobUri") and not case.setting("errorBlobUri"):
        return not_applicable("the settings name no blob for the output")
    return None


def _run_as(case: Case) -> Found | None:
    user = case.setting("runAsUser")
    if any(failure.exit_code == _NO_USER for failure in case.failures):
        return violated(f"the handler did not find the user of runAsUser (exit code {_NO_USER})", case.settings_path)
    if case.operation.settings is not None and not user:
        return not_applicable("no runAsUser is given")
    users = case.material.machine.users
    if isinstance(user, str) and users is not None:
        known = user in users
        return passed("the user is in /etc/passwd") if known else _missing_user(case)
    return None


def _missing_user(case: Case) -> Found:
    if case.failed:
        return violated("runAsUser names a user that is not in /etc/passwd", case.settings_path)
    return unknown("runAsUser names a user that is not in /etc/passwd; it may come from a directory")


def _flag(case: Case) -> Found | None:
    status = case.operation.status
    if status is None or status.execution is None:
        return not_applicable("there is no status of a script")
    code = status.execution.get("exitCode")
    if status.status != "success" or code in (0, None):
        return passed("what the script returned is what is told")
    if case.setting("treatFailureAsDeploymentFailure"):
        return passed("a failure is told as one")
    return violated(f"the script ended with {code!s:.12} and counts as a success", status.source.path)


def _and(case: Case) -> Found | None:
    parameters = case.setting("parameters")
    values = (
        [item.get("value") for item in parameters if isinstance(item, dict)] if isinstance(parameters, list) else []
    )
    if not any(isinstance(value, str) and re.search(_BARE_AND, value) for value in values):
        return not_applicable("no parameter has an &")
    return None


CHECKS: Checks = {
    "rc-agent-ready": _agent_ready,
    "rc-v2-agent": _agent_version,
    "rc-v2-appendblob": _blob,
    "rc-v2-runas": _run_as,
    "rc-v2-failure-flag": _flag,
    "rc-w-amp": _and,
}
