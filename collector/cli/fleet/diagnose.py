"""``vmext fleet diagnose``: the whole article in one go, and one answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal

import click

from collector.bundle.console import harmless
from collector.cli.fleet import asking, options
from collector.cli.fleet.options import Options
from collector.cli.fleet.printing import system_of, target_of
from collector.cli.printing import tell
from collector.cli.terminal import echo
from collector.errors import ConfigError, VmextError

if TYPE_CHECKING:
    from collector.fleet.advice import Advice
    from collector.fleet.ask.az import Az
    from collector.fleet.ask.holding import Held
    from collector.fleet.ask.outcome import Outcome
    from collector.fleet.ask.plan import Choice, Plan
    from collector.fleet.ask.run_command import Target
    from collector.fleet.ask.set_facts import SetFacts
    from collector.fleet.scale_set import ScaleSet


@click.command(epilog=options.EXIT_CODES.format(also=""))
@click.option("-g", "--resource-group", "group", metavar="RG", required=True, help="Resource group of the scale set.")
@click.option("-n", "--name", metavar="SET", required=True, help="The scale set.")
@click.option("--subscription", metavar="ID", help="Another one than az uses now.")
@click.option("--os", "system", type=click.Choice(["linux", "windows"]), help="Where the scale set does not tell it.")
@click.option("--hold", is_flag=True, help="First keep the evidence from being lost. CHANGES the scale set.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.options
@click.pass_context
def command(
    ctx: click.Context,
    group: str,
    name: str,
    subscription: str | None,
    system: Literal["linux", "windows"] | None,
    hold: bool,
    form: Literal["text", "json"],
    how: Options,
) -> None:
    """Look through a scale set by az, and say in one answer what failed where, why, and what to do.

    Lists the instances, decides which case it is, collects on the impacted instances and one healthy one, and
    compares what they say. Without --hold it only reads; a managed run command is created for that and deleted again.

    --hold protects the impacted instances from the scale set's own actions and suspends automatic repairs before
    anything else, and says how to undo that. A scale set that AKS manages is only read, by the older Run Command.
    """
    from collector.fleet.ask.az import Az
    from collector.fleet.ask.listing import facts_of, scale_set_of

    now = datetime.now(timezone.utc)
    arguments = options.collect_arguments(how, now)
    options.seconds(how)
    options.checked("-g", group)
    options.checked("-n", name)
    if subscription:
        options.checked("--subscription", subscription)
    az = Az()
    facts = facts_of(az, group, name, subscription)
    scale_set = scale_set_of(az, group, name, facts, subscription, how.parallel)
    scale_set = replace(scale_set, subscription=subscription or scale_set.subscription)
    for instance in scale_set.instances:
        options.checked("instance", instance.id)
    ctx.exit(_answer(az, scale_set, facts, system, hold, form, how, arguments, now))


def _answer(
    az: Az,
    scale_set: ScaleSet,
    facts: SetFacts,
    system: Literal["linux", "windows"] | None,
    wants_hold: bool,
    form: str,
    how: Options,
    arguments: Sequence[str],
    now: datetime,
) -> int:
    from collector.fleet.advice import advise
    from collector.fleet.ask.diagnosis import Diagnosis, document, problems_of, remaining
    from collector.fleet.ask.diagnosis_text import text
    from collector.fleet.ask.outcome import exit_code, unasked_code
    from collector.fleet.ask.plan import plan_of
    from collector.fleet.case import case_of

    case = case_of(scale_set)
    plan = plan_of(scale_set, now)
    advice = advise(scale_set, case)
    asked = _targets(scale_set, plan, facts, system)
    held, more = _hold(az, scale_set, advice, facts) if wants_hold and plan.ask + plan.left_out else (None, [])
    how = asking.allowed(how, scale_set)
    if held and held.done and scale_set.orchestration == "flexible" and how.method == "managed":
        # a lock against deletion keeps a managed run command from being deleted as well
        how = replace(how, method="invoke")
        more.append("The older Run Command was used: the locks that hold would keep a managed one from being deleted.")
    if scale_set.managed_by_aks:
        more.append("AKS manages this scale set: it was only read, by the older Run Command.")
    try:
        outcomes, interrupted = _ask(az, how, asked, arguments)
    except (VmextError, KeyboardInterrupt):
        if held and held.undo:
            _tell_undo("stopped before there was an answer", held.undo)
        raise
    diagnosis = Diagnosis(
        scale_set=scale_set,
        case=case,
        advice=remaining(advice, held=bool(held and held.done), repairs=facts.repairs),
        plan=plan,
        outcomes=tuple(outcomes),
        problems=problems_of(plan, more),
    )
    diagnosis = replace(diagnosis, held=held) if held else diagnosis
    found = exit_code(outcomes, plan.left_out) if plan.ask or plan.left_out else unasked_code(scale_set)
    code = 130 if interrupted else found
    if form == "json":
        click.echo(json.dumps(document(diagnosis, code), indent=1))
    else:
        for line in text(diagnosis, asking.styled):
            echo(line, coloured=asking.coloured())
    if interrupted:
        raise click.Abort
    return code


def _hold(az: Az, scale_set: ScaleSet, advice: Advice, facts: SetFacts) -> tuple[Held, list[str]]:
    """Raises ConfigError for a scale set of AKS: what is changed there by hand is unsupported."""
    from collector.fleet.ask.holding import hold, undoing

    if scale_set.managed_by_aks:
        raise ConfigError(
            "--hold: AKS manages this scale set, which must not be changed directly",
            "Leave --hold out; the answer has the kubectl commands that keep the nodes.",
        )
    try:
        held = hold(az, advice, repairs=facts.repairs)
    except KeyboardInterrupt:
        _tell_undo("stopped while holding the evidence", undoing(advice, repairs=facts.repairs))
        raise
    return held, [] if facts.repairs else ["Automatic repairs are not on, so there was nothing to suspend."]


def _tell_undo(why: str, commands: Sequence[str]) -> None:
    tell(f"{why}; what was held is undone with:")
    for line in commands:
        click.echo(f"  {harmless(line)}", err=True)


def _targets(
    scale_set: ScaleSet, plan: Plan, facts: SetFacts, system: Literal["linux", "windows"] | None
) -> list[tuple[Choice, Target]]:
    """Raises ConfigError where nothing tells the system: before anything is changed."""
    if not plan.ask:
        return []
    chosen = system_of(scale_set, plan, system or facts.system)
    return [(choice, target_of(scale_set, choice.id, chosen, facts.location)) for choice in plan.ask]


def _ask(
    az: Az, how: Options, asked: Sequence[tuple[Choice, Target]], arguments: Sequence[str]
) -> tuple[list[Outcome], bool]:
    if not asked:
        return [], False
    with asking.script_file(how, asked[0][1].system, arguments) as script:
        return asking.ask_all(az, how, script, asked)
