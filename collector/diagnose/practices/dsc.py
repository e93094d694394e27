"""PowerShell DSC on Windows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from collector.diagnose.practices.case import Case, Checks, Found, not_applicable, passed, unknown, violated

_SERVERS = ("2008 R2", "2012", "2016", "2019", "2022")
_CLIENTS = ("7", "8", "8.1", "10")
_TRIO = ("url", "script", "function")
_SENSITIVE = r"(?i)password|passwd|secret|credential|registrationkey|token"
_INSTALLING = r"(?i)-InProgress\.Install\.dsc$"
_RETIRES = datetime(2028, 3, 31, tzinfo=timezone.utc)
#: A configuration that has been pending longer than any operation may take.
_LONG = timedelta(minutes=90)
#: Of the status file: WMF, archive, settings.
_WMF_CODE, _ZIP_CODE = 1002, 1004


def _system(case: Case) -> Found | None:
    name = case.identity.os or ""
    server = re.search(r"Server (\d{4}(?: R2)?)", name)
    client = re.search(r"Windows (\d+(?:\.\d)?)\b", name)
    if server is None and client is None:
        return unknown("nothing tells which Windows this is")
    told = server[1] if server else client[1] if client else ""
    good = told.startswith(_SERVERS) if server else told in _CLIENTS
    return passed(f"{name} is supported") if good else violated(f"{name} is not among the supported ones")


def _wmf(case: Case) -> Found | None:
    return _by_code(case, _WMF_CODE, "the WMF of this machine does not fit the settings")


def _archive(case: Case) -> Found | None:
    return _by_code(case, _ZIP_CODE, "the archive of the configuration could not be unpacked")


def _by_code(case: Case, code: int, told: str) -> Found | None:
    status = case.operation.status
    if case.failed and status is not None and status.code == code:
        return violated(f"{told} (status code {code})", status.source.path)
    return None


def _installing(case: Case) -> Found | None:
    left = next((file for file in case.operation.files if re.search(_INSTALLING, file)), None)
    if left is None or case.succeeded:
        return None
    boot = case.facts.boot_time
    if case.unfinished and boot is not None and case.operation.started is not None and boot > case.operation.started:
        return violated(f"the installation of the WMF was not taken up again after the restart ({left})")
    return unknown(f"an installation of the WMF was begun ({left})")


def _configuration(case: Case) -> Mapping[str, object] | None:
    value = case.setting("configuration")
    return {str(key).lower(): item for key, item in value.items()} if isinstance(value, dict) else None


def _archive_url(case: Case) -> Found | None:
    configuration = _configuration(case)
    if case.operation.settings is not None and (configuration is None or not configuration.get("url")):
        return not_applicable("the settings name no archive")
    return None


def _trio(case: Case) -> Found | None:
    configuration = _configuration(case)
    if configuration is None:
        return None if case.failed else not_applicable("the settings name no configuration")
    missing = [key for key in _TRIO if not configuration.get(key)]
    if missing and len(missing) < len(_TRIO):
        return violated(f"configuration has no {' and no '.join(missing)}", case.settings_path)
    return None


def _arguments(case: Case) -> Mapping[str, object]:
    found: dict[str, object] = {}
    for key in ("configurationArguments", "properties"):
        value = case.setting(key)
        found.update(value if isinstance(value, dict) else {})
    return found


def _secrets(case: Case) -> Found | None:
    if case.operation.settings is None:
        return unknown("no settings file lies on the disk")
    for key, value in _arguments(case).items():
        named = value if isinstance(value, dict) else {key: value}
        for name, inner in named.items():
            reference = isinstance(inner, str) and inner.lower().startswith("privatesettingsref:")
            if re.search(_SENSITIVE, str(name)) and isinstance(inner, str) and inner and not reference:
                told = f"{str(name)[:40]} stands in the public configurationArguments"
                return violated(told, case.settings_path)
    return passed("no key of the public arguments is named like a secret")


def _node(case: Case) -> Found | None:
    value = next((item for key, item in _arguments(case).items() if key.lower() == "nodeconfigurationname"), None)
    if not isinstance(value, str) or not value:
        return not_applicable("no NodeConfigurationName is given")
    if "." not in value:
        return violated("NodeConfigurationName has no dot, so that it names no node", case.settings_path)
    return passed("NodeConfigurationName names a node")


def _idle(case: Case) -> Found | None:
    since = case.material.machine.pending_configuration
    if since is None:
        return None
    if not case.succeeded and case.now.tzinfo and case.now - since > _LONG:
        return violated(f"a configuration has been pending since {since:%Y-%m-%d %H:%M}Z (Pending.mof)")
    return unknown("a configuration is pending (Pending.mof)")


def _retired(case: Case) -> Found | None:
    if case.now.tzinfo and case.now >= _RETIRES:
        return violated("the extension has been retired since 2028-03-31")
    return passed("the extension retires on 2028-03-31")


CHECKS: Checks = {
    "dsc-w-os": _system,
    "dsc-w-wmf": _wmf,
    "dsc-w-zip": _archive,
    "dsc-w-wmf-reboot": _installing,
    "dsc-w-url": _archive_url,
    "dsc-w-trio": _trio,
    "dsc-w-secrets": _secrets,
    "dsc-w-nodeconfigname": _node,
    "dsc-w-lcm-idle": _idle,
    "dsc-w-retire": _retired,
}
