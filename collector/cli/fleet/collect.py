"""``vmext fleet collect``: collect on the impacted instances and a healthy one, through Run Command."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from collector.cli.fleet import asking, options
from collector.cli.fleet.options import Options
from collector.cli.fleet.printing import print_commands, system_of, target_of
from collector.cli.printing import tell
from collector.cli.terminal import echo
from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.fleet.ask.outcome import Outcome
    from collector.fleet.ask.plan import Plan
    from collector.fleet.scale_set import ScaleSet

System = Literal["linux", "windows"]
Form = Literal["text", "json", "csv", "markdown"]

_LOCATION = re.compile(r'"location"\s*:\s*"([\w-]+)"')


@click.command(epilog=options.EXIT_CODES.format(also=", or the commands were printed"))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("-g", "--resource-group", "group", metavar="RG", help="Where the file does not tell it.")
@click.option("-n", "--name", metavar="SET", help="Where the file does not tell it.")
@click.option("--subscription", metavar="ID", help="Another one than the file tells.")
@click.option("--os", "system", type=click.Choice(["linux", "windows"]), help="Where the file does not tell it.")
@click.option("--execute", is_flag=True, help="Run the commands through az, instead of printing them.")
@click.option("--instances", metavar="IDS", help="Exactly these instances: 3,7.")
@click.option("--no-healthy", is_flag=True, help="Leave out the healthy instance that is asked for comparison.")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv", "markdown"]), default="text")
@options.options
@click.pass_context
def command(
    ctx: click.Context,
    file: Path,
    group: str | None,
    name: str | None,
    subscription: str | None,
    system: System | None,
    execute: bool,
    instances: str | None,
    no_healthy: bool,
    form: Form,
    how: Options,
) -> None:
    """Print the Run Command calls that collect on the impacted instances of FILE, or run them with --execute.

    FILE is an output of az vmss list-instances (best with --expand instanceView), or of az vm list for a flexible
    scale set; - reads standard input. Asked are the instances where an extension failed, or is in progress for more
    than 10 minutes or nobody knows how long, and one healthy instance for comparison. Nothing of the scale set is
    changed; a managed run command is deleted again.
    """
    from collector.fleet.ask.plan import plan_of
    from collector.fleet.reading import read_scale_set

    now = datetime.now(timezone.utc)
    arguments = options.collect_arguments(how, now)
    options.seconds(how)
    text = asking.text_of(file)
    try:
        scale_set = _named(read_scale_set(text, name=name, group=group), subscription)
    except ConfigError as error:
        raise ConfigError(f"{asking.place_of(file)}: {error}", error.hint) from error
    only = [options.checked("--instances", one.strip()) for one in (instances or "").split(",") if one.strip()]
    plan = plan_of(scale_set, now, healthy=not no_healthy, only=only)
    if not plan.ask and not plan.left_out and scale_set.counts:
        raise ConfigError(
            "the file counts instances and names none", "Save az vmss list-instances, or use --instances."
        )
    location = next(iter(_LOCATION.findall(text)), None)
    if not execute:
        if form != "text":
            raise ConfigError(f"--format {form} is for what comes back", "Add --execute, or leave --format out.")
        print_commands(scale_set, plan, system, location, how, arguments)
        return
    ctx.exit(_execute(scale_set, plan, system, how, arguments, form))


def _named(scale_set: ScaleSet, subscription: str | None) -> ScaleSet:
    """Raises ConfigError where neither the file nor an option names the scale set."""
    missing = [option for option, value in (("-g", scale_set.resource_group), ("-n", scale_set.name)) if not value]
    if missing:
        raise ConfigError("it does not tell which scale set it is of", f"Give {' and '.join(missing)}.")
    options.checked("-g", scale_set.resource_group or "")
    options.checked("-n", scale_set.name or "")
    for instance in scale_set.instances:
        options.checked("instance", instance.id)
    found = subscription or scale_set.subscription
    return replace(scale_set, subscription=options.checked("--subscription", found) if found else None)


# ---- running them --------------------------------------------------------------------------------------


def _execute(
    scale_set: ScaleSet,
    plan: Plan,
    system: System | None,
    how: Options,
    arguments: Sequence[str],
    form: Form,
) -> int:
    from collector.fleet.ask.az import Az
    from collector.fleet.ask.listing import facts_of
    from collector.fleet.ask.outcome import exit_code, unasked_code
    from collector.fleet.ask.set_facts import with_facts

    az = Az()
    facts = facts_of(az, scale_set.resource_group or "", scale_set.name or "", scale_set.subscription)
    scale_set = with_facts(scale_set, facts)
    how = asking.allowed(how, scale_set)
    outcomes: list[Outcome] = []
    interrupted = False
    if plan.ask:
        chosen = system_of(scale_set, plan, system or facts.system)
        asked = [(choice, target_of(scale_set, choice.id, chosen, facts.location)) for choice in plan.ask]
        with asking.script_file(how, chosen, arguments) as script:
            outcomes, interrupted = asking.ask_all(az, how, script, asked)
    asked_any = plan.ask or plan.left_out
    found = exit_code(outcomes, plan.left_out) if asked_any else unasked_code(scale_set)
    code = 130 if interrupted else found
    _tell(scale_set, plan, outcomes, how, form, code)
    if interrupted:
        raise click.Abort
    return code


def _tell(scale_set: ScaleSet, plan: Plan, outcomes: list[Outcome], how: Options, form: Form, code: int) -> None:
    from collector.fleet.ask import outcome_table as table

    problems = [*scale_set.problems, *plan.problems]
    if form == "json":
        document = {
            "scale_set": scale_set.name,
            "resource_group": scale_set.resource_group,
            "method": how.method,
            **table.as_document(outcomes, plan.left_out),
            "problems": problems,
            "exit_code": code,
        }
        click.echo(json.dumps(document, indent=1))
    elif form == "csv":
        _echo_all(table.as_csv(outcomes))
    elif form == "markdown":
        _echo_all(table.as_markdown(outcomes))
    elif not outcomes:
        echo("No instance to collect on" + ("" if plan.left_out else ": no failure or hang is known."))
        for choice in plan.left_out:
            echo(f"{choice.id} not asked: {choice.why}")
    else:
        for line in table.as_text(outcomes, plan.left_out, asking.styled):
            echo(line, coloured=asking.coloured())
    if form != "json":
        for problem in problems:
            tell(problem)
    if form in ("csv", "markdown"):
        for outcome in outcomes:
            if outcome.left:
                tell(f"left behind on {outcome.id}; delete with: {outcome.left}")


def _echo_all(text: str) -> None:
    for line in text.rstrip("\n").split("\n"):
        echo(line)
