"""Extensions with one practice of their own: Key Vault, the GPU driver, patching."""

from __future__ import annotations

import re

from collector.diagnose.practices.case import Case, Checks, Found, not_applicable, passed, unknown, violated

_REFUSED = r"\b(?:401|403|Unauthorized|Forbidden)\b"


def _key_vault(case: Case) -> Found | None:
    if case.succeeded:
        return passed("it fetched its certificates")
    authentication = case.setting("authenticationSettings")
    client = authentication.get("msiClientId") if isinstance(authentication, dict) else None
    if client:
        return not_applicable("a user-assigned identity is given")
    followers = {failure.extension for failure in case.failures if failure.caused_by}
    waits = case.unfinished or case.failed
    for text in case.texts("log", "status"):
        found = re.search(_REFUSED, text.text)
        if found and waits:
            line = text.first_line + text.text.count("\n", 0, found.start()) if text.first_line else 0
            others = f"; {', '.join(sorted(followers))} waits for it" if followers else ""
            return violated(f"the vault refuses the identity of the machine{others}", text.path, line)
    return None


def _secure_boot(case: Case) -> Found | None:
    if case.facts.secure_boot is None:
        return unknown("whether Secure Boot is on is not on the disk")
    if not case.facts.secure_boot:
        return passed("Secure Boot is off")
    return violated("Secure Boot is on and the driver did not start") if case.failed else None


def _packages(case: Case) -> Found | None:
    for lock in case.facts.locks:
        who = lock.process or "a process"
        return violated(f"{who}{f' (pid {lock.pid})' if lock.pid else ''} holds {lock.path}")
    return None


def _lock(case: Case) -> Found | None:
    """A lock that is held now matters to an extension that failed or hangs."""
    if not case.failed and not case.unfinished:
        return passed("it did not fail for a lock") if case.succeeded else None
    installs = any("lock" in failure.detail.lower() for failure in case.failures)
    return _packages(case) if installs else None


CHECKS: Checks = {
    "kv-identity-order": _key_vault,
    "gpu-secureboot": _secure_boot,
    "lp-pm-healthy": _packages,
    "cse-pkg-lock": _lock,
}
