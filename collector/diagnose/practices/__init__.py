"""Documented practices held against what lies on the disk. Pure; a violated practice is no failure.

`check` asks, for each extension that is there and for the machine as a whole, every practice that concerns it. What a
check of its own says counts first, then the signs of `practice_signs.tsv`, then whether anything could be looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache

from collector.data.practices import EVERY, PracticeRow, practices, signs
from collector.diagnose.practices.case import Case, Checks, Found, not_applicable, passed, unknown
from collector.diagnose.practices.material import Machine, Material, Operation
from collector.diagnose.practices.texts import is_over, looked_at, seen
from collector.model import Failure, Identity, Practice, SystemFacts

__all__ = ["Machine", "Material", "Operation", "check"]


def check(
    material: Material, failures: Sequence[Failure], identity: Identity, facts: SystemFacts, now: datetime
) -> tuple[Practice, ...]:
    """What came of every practice that concerns this disk; those of extensions that are not there are left out, and
    on a healthy disk those that are neither violated nor kept.

    Violated ones first, and of these those of the extensions that failed, in the order of `failures`.
    """
    cases = [
        Case(material, operation, _of(operation, failures), identity, facts, now) for operation in material.operations
    ]
    cases.append(Case(material, Operation(""), tuple(failures), identity, facts, now))
    rank = {failure.extension: number for number, failure in reversed(list(enumerate(failures)))}
    found = _merged([(case.operation.name, practice) for case in cases for practice in _judged(case)])
    return tuple(sorted(found, key=lambda one: (one.state != "violated", rank.get(one.extension, len(rank)))))


def _merged(told: Sequence[tuple[str | None, Practice]]) -> list[Practice]:
    """What is the same for each of several configurations of a handler once; else their names are told."""
    different = Counter((one.id, one.extension) for one in {one for _, one in told})
    found: dict[Practice, None] = {}
    for name, one in told:
        if name and different[one.id, one.extension] > 1:
            one = replace(one, detail=f"{name}: {one.detail}")
        found[one] = None
    return list(found)


def _of(operation: Operation, failures: Sequence[Failure]) -> tuple[Failure, ...]:
    return tuple(
        failure
        for failure in failures
        if failure.extension == operation.extension
        and failure.name in (None, operation.name)
        and (None in (failure.sequence, operation.sequence) or failure.sequence == operation.sequence)
    )


def _judged(case: Case) -> list[Practice]:
    extension = case.operation.extension
    told = []
    for row in practices().values():
        if row.checked == "instance" and row.concerns(extension.lower(), case.material.system):
            found = _found(row, case)
            if case.material.is_well and found.state not in ("violated", "pass"):
                continue
            told.append(
                Practice(
                    row.id,
                    extension,
                    found.state,
                    row.title,
                    found.detail,
                    row.remedy if found.state == "violated" else "",
                    row.source.split("; ")[0] if found.state == "violated" else "",
                    found.path,
                    found.line,
                )
            )
    return told


def _found(row: PracticeRow, case: Case) -> Found:
    own = _checks(_area(row, case.operation.extension)).get(row.id)
    found = own(case) if own is not None else None
    if found is not None and found.state in ("violated", "not-applicable"):
        return found
    has_signs = row.id in signs()
    if has_signs and (sign := seen(case, row.id)) is not None:
        return sign
    if found is not None:
        return found
    if case.operation.extension and not case.has_run:
        return not_applicable("nothing tells that it has run")
    if has_signs and is_over(case, row.id):
        return passed("the last run ended well")
    if has_signs and not looked_at(case, row.id):
        return unknown("nothing to look at lies on the disk")
    return passed("nothing speaks against it")


def _area(row: PracticeRow, extension: str) -> str:
    """The area to which a practice belongs: the first part of its id; what concerns the machine, or every extension,
    stands apart."""
    if EVERY in row.handlers:
        return "every"
    area = row.id.split("-", 1)[0]
    return area if extension or area != "ext" else "machine"


@cache
def _checks(area: str) -> Checks:
    """The checks of an area, loaded when one of them is needed."""
    if area == "machine":
        from collector.diagnose.practices import system

        return system.CHECKS
    if area == "vmss":
        from collector.diagnose.practices import app_health

        return app_health.CHECKS
    from collector.diagnose.practices import installed, other, runs

    shared = {**runs.CHECKS, **installed.CHECKS, **other.CHECKS}
    if area == "dsc":
        from collector.diagnose.practices import dsc

        return {**shared, **dsc.CHECKS}
    if area == "rc":
        from collector.diagnose.practices import run_command

        return {**shared, **run_command.CHECKS}
    if area == "vmapp":
        from collector.diagnose.practices import vm_applications

        return {**shared, **vm_applications.CHECKS}
    if area == "cse":
        from collector.diagnose.practices import scripts, settings

        return {**shared, **scripts.CHECKS, **settings.CHECKS}
    return shared
