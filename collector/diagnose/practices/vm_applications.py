"""VM Applications."""

from __future__ import annotations

from collector.diagnose.practices.case import Case, Checks, Found, not_applicable, passed, violated

_MOST = 25


def _applications(case: Case) -> dict[str, list[str]]:
    """The files of each application, by its name: folder of the name, folder of the version, files."""
    found: dict[str, list[str]] = {}
    for file in case.operation.files:
        parts = file.split("/")
        if len(parts) >= 3:
            found.setdefault(parts[0], []).append(parts[-1])
    return found


def _count(case: Case) -> Found | None:
    count = len(_applications(case))
    if not count:
        return not_applicable("no application lies on the disk")
    return violated(f"{count} applications lie on the disk") if count > _MOST else passed(f"{count} of {_MOST}")


def _file_name(case: Case) -> Found | None:
    named = [name for name, files in _applications(case).items() if name in files]
    return None if named else not_applicable("no application lies under its own name")


CHECKS: Checks = {"vmapp-25": _count, "vmapp-filename": _file_name}
