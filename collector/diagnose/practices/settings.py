"""The public settings of Custom Script and Run Command. Keys are told, values never."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from collector.diagnose.practices.case import Case, Check, Checks, Found, not_applicable, passed, unknown, violated

#: Keys that the handlers know in the public settings, and those that belong to the protected ones.
_PUBLIC = ("commandToExecute", "script", "fileUris", "skipDos2Unix", "timestamp")
_PROTECTED = ("storageAccountName", "storageAccountKey", "managedIdentity")
_IDENTITY_SINCE = {
    "microsoft.azure.extensions.customscript": (2, 1),
    "microsoft.compute.customscriptextension": (1, 10),
}
_SENSITIVE = r"""(?ix)[?&]sig=[\w%+/=-]{16,}
    |\b(?:Account|SharedAccess|Access|api[_-]?)Key\s*[=:]\s*["']?[\w+/=-]{12,}
    |(?:(?<![\w-])--?|(?<=\s)/)(?:\w+[-_])?(?:password|passwd|pwd|secret|token|api-?key)[\s=:]+["']?(?![$%<{*-])[^\s"';|&]{4,}
    |\b\w*(?:password|passwd|secret|token)\s*=\s*["']?(?![$%<{*(])[^\s"';|&]{4,}
    |\bBearer\s+[\w.=-]{20,}
    |://[^/\s:@]+:(?![$%<{])[^/\s@]{4,}@"""
_EXPIRY = r"(?i)[?&]se=(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::|%3A)(\d\d)(?:(?::|%3A)(\d\d))?Z?)?"
_SOON = timedelta(days=30)


def _with_settings(check: Check) -> Check:
    def checked(case: Case) -> Found | None:
        if case.operation.settings is None:
            return unknown("no settings file lies on the disk")
        return check(case)

    return checked


def _keys(case: Case) -> list[str]:
    return list(case.operation.settings.public) if case.operation.settings else []


def _known_keys(case: Case) -> Found | None:
    if case.succeeded:
        return passed("the handler took all keys")
    known = {key.lower() for key in _PUBLIC}
    for key in _keys(case):
        if key.lower() not in known:
            return violated(f"{key[:40]} stands in the public settings", case.settings_path)
    return None


def _letter_case(case: Case) -> Found | None:
    known = {key.lower(): key for key in (*_PUBLIC, *_PROTECTED)}
    for key in _keys(case):
        right = known.get(key.lower(), key)
        if key != right:
            return violated(f"{key} should be {right}", case.settings_path)
    return passed("all keys are spelled as the handler knows them")


def _secrets(case: Case) -> Found | None:
    for key in _keys(case):
        if key.lower() in ("storageaccountkey", "runaspassword"):
            return violated(f"{key} stands in the public settings", case.settings_path)
    for key, text in _strings(case.operation.settings.public if case.operation.settings else None):
        if re.search(_SENSITIVE, text):
            return violated(f"{key} in the public settings holds what looks like a secret", case.settings_path)
    return passed("nothing in the public settings looks confidential")


def _strings(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Texts below a value, each with the key of the settings in which it stands."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _strings(item, key or str(name)[:40])
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, key)


def _one_command(case: Case) -> Found | None:
    given = [key for key in ("commandToExecute", "script") if case.setting(key)]
    if len(given) == 2:
        return violated("the public settings have commandToExecute and script", case.settings_path)
    return None


def _one_identity(case: Case) -> Found | None:
    if case.setting("managedIdentity") is not None:
        return violated("managedIdentity stands in the public settings", case.settings_path)
    return None


def _identity_version(case: Case) -> Found | None:
    since = _IDENTITY_SINCE[case.operation.extension.lower()]
    version = case.operation.version
    if version is None:
        return unknown("the version is not known")
    if tuple(int(part) for part in re.findall(r"\d+", version)) >= since:
        return passed(f"version {version} can do it")
    if case.setting("managedIdentity") is not None:
        return violated(f"version {version} knows no managed identity", case.settings_path)
    return unknown(f"version {version} could not do it; whether it has to stands in the protected settings")


def _sas(case: Case) -> Found | None:
    uris = case.setting("fileUris")
    if not isinstance(uris, list):
        hidden = case.operation.settings is not None and case.operation.settings.has_protected
        return unknown("fileUris may stand in the protected settings") if hidden else not_applicable("no fileUris")
    now = case.now if case.now.tzinfo else case.now.replace(tzinfo=timezone.utc)
    ends = [end for uri in uris if isinstance(uri, str) if (end := _end_of(uri)) is not None]
    if not ends:
        return not_applicable("no URL in fileUris has a SAS that expires")
    end = min(ends)
    if end < now and (case.failed or case.identity.scale_set):
        return violated(f"a SAS in fileUris expired on {end:%Y-%m-%d}", case.settings_path)
    if end < now:
        return passed(f"the SAS expired on {end:%Y-%m-%d}; nothing is downloaded any more")
    if case.identity.scale_set and end - now < _SOON:
        told = f"a SAS in fileUris expires on {end:%Y-%m-%d}: instances made later can't download"
        return violated(told, case.settings_path)
    return passed(f"the SAS is valid until {end:%Y-%m-%d}")


def _end_of(uri: str) -> datetime | None:
    found = re.search(_EXPIRY, uri)
    if found is None:
        return None
    day, hour, minute, second = found.groups()
    try:
        return datetime.fromisoformat(f"{day}T{hour or '00'}:{minute or '00'}:{second or '00'}+00:00")
    except ValueError:
        return None


CHECKS: Checks = {
    "cse-timestamp-place": _with_settings(_known_keys),
    "cse-case": _with_settings(_letter_case),
    "cse-protected": _with_settings(_secrets),
    "cse-not-both": _with_settings(_one_command),
    "cse-identity-or-key": _with_settings(_one_identity),
    "cse-identity-min": _identity_version,
    "cse-sas-expiry": _with_settings(_sas),
}
