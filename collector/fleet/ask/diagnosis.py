"""The one answer of ``fleet diagnose``: case, cause, what to do, what could not be asked. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from collector.bundle.words import plural
from collector.errors import NO_SOURCES
from collector.fleet.advice import Advice
from collector.fleet.advice.steps import LOOK
from collector.fleet.ask.answers import Group, differences, groups_of
from collector.fleet.ask.holding import Held
from collector.fleet.ask.outcome import Outcome, unasked_code, untold
from collector.fleet.ask.outcome_table import as_document, one_line
from collector.fleet.ask.plan import Plan
from collector.fleet.ask.verdicts import Verdict
from collector.fleet.case import CaseAnswer
from collector.fleet.rendering.ranges import ranges
from collector.fleet.scale_set import ScaleSet


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that is known. `advice` is what is left to do."""

    scale_set: ScaleSet
    case: CaseAnswer
    advice: Advice
    plan: Plan
    outcomes: tuple[Outcome, ...] = ()
    held: Held = field(default_factory=Held)
    problems: tuple[str, ...] = ()

    @property
    def groups(self) -> list[Group]:
        return groups_of(self.outcomes)

    @property
    def first(self) -> str:
        """What an instance says against the commands that follow from the case alone."""
        against = [group for group in self.groups if "scale out" in group.verdict.parts.get("Don't", "")]
        if not against or not self.case.scaling_helps:
            return ""
        reason = one_line(against[0].verdict.parts["Don't"])
        new = "replace nodes" if self.scale_set.managed_by_aks else "scale out"
        return f"correct the cause before you {new}. On {ranges(against[0].ids)} vmext says: don't {reason}"

    @property
    def unlike(self) -> list[str]:
        return list(differences(self.scale_set, self.case.impacted, self.case.healthy))


def remaining(advice: Advice, *, held: bool, repairs: bool) -> Advice:
    """Without what was just done or read, and without automatic repairs where they are known to be off."""
    done = {"collect", "hold"} if held else {"collect"}
    return Advice(
        tuple(
            command
            for command in advice.commands
            if command.phase not in done
            and command.step != LOOK
            and (repairs or "AutomaticRepairs" not in command.text)
        )
    )


def headline(diagnosis: Diagnosis) -> str:
    """The answer in one line."""
    scale_set, groups = diagnosis.scale_set, diagnosis.groups
    where = f"{plural(len(scale_set.instances), 'instance')} of {scale_set.name} ({scale_set.resource_group})"
    if not scale_set.instances:
        return f"VMEXT FLEET NOTHING FOUND {scale_set.name} ({scale_set.resource_group}) has no instances"
    if groups:
        return f"VMEXT FLEET {groups[0].verdict.line}, on {len(groups[0].outcomes)} of {where}"
    if diagnosis.plan.ask or diagnosis.plan.left_out:
        return f"VMEXT FLEET NO ANSWER from any impacted one of {where}"
    if unasked_code(scale_set) == NO_SOURCES:
        return f"VMEXT FLEET NOTHING FOUND no state of any extension is told on {where}"
    if silent := untold(scale_set):
        return f"VMEXT FLEET NO ANSWER on {ranges(silent)}: not every state is told; no failure is known on {where}"
    open_ = [one.id for one in scale_set.instances if any(row.state != "succeeded" for row in one.extensions)]
    more = f"; not all done on {ranges(open_)}" if open_ else ""
    return f"VMEXT FLEET HEALTHY no extension failed on {where}{more}"


def parts_of(verdict: Verdict, aks: bool) -> dict[str, str]:
    """On nodes of AKS without commands that change the scale set."""
    parts = dict(verdict.parts)
    if aks and "Do" in parts:
        parts["Do"] = "\n".join(row for row in parts["Do"].split("\n") if not row.startswith(("az vmss ", "az vm ")))
    if not verdict.whole and "Cause" not in parts and verdict.word != "healthy":
        parts["Cause"] = "not told, since the head of the output is cut off; the bundle has it"
    return parts


def document(diagnosis: Diagnosis, code: int) -> dict[str, Any]:
    """The whole answer for programs."""
    scale_set, case = diagnosis.scale_set, diagnosis.case
    return {
        "answer": headline(diagnosis),
        "scale_set": scale_set.name,
        "resource_group": scale_set.resource_group,
        "subscription": scale_set.subscription,
        "orchestration": scale_set.orchestration,
        "upgrade_policy": scale_set.upgrade_policy,
        "managed_by_aks": scale_set.managed_by_aks,
        "case": case.case,
        "case_sentence": case.sentence,
        "first": diagnosis.first or None,
        "failed": case.failed,
        "answers": [_entry(group, scale_set.managed_by_aks) for group in diagnosis.groups],
        "differences": diagnosis.unlike,
        **as_document(diagnosis.outcomes, diagnosis.plan.left_out),
        "held": list(diagnosis.held.done),
        "not_held": list(diagnosis.held.failed),
        "undo": list(diagnosis.held.undo),
        "commands": [command.text for command in diagnosis.advice.commands],
        "problems": [*scale_set.problems, *case.problems, *diagnosis.problems],
        "exit_code": code,
    }


def _entry(group: Group, aks: bool) -> dict[str, Any]:
    verdict = group.verdict
    parts = {label: " ".join(said.split()) for label, said in parts_of(verdict, aks).items()}
    return {
        "verdict": verdict.word,
        "answer": verdict.line,
        "exit_code": verdict.exit_code,
        "instances": list(group.ids),
        "owner": parts.get("Owner"),
        "cause": parts.get("Cause"),
        "proof": parts.get("Proof"),
        "do": parts.get("Do"),
        "dont": parts.get("Don't"),
    }


def problems_of(plan: Plan, more: Sequence[str]) -> tuple[str, ...]:
    """Sentences on what the answer does not rest on."""
    return (*(f"{problem[:1].upper()}{problem[1:]}." for problem in plan.problems), *more)
