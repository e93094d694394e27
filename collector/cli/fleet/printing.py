"""The commands that ``fleet collect`` would run, for a person to paste."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from collector.cli.fleet import asking
from collector.cli.fleet.options import Options, seconds
from collector.cli.terminal import echo
from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.fleet.ask.plan import Plan
    from collector.fleet.ask.run_command import System, Target
    from collector.fleet.scale_set import ScaleSet


def print_commands(
    scale_set: ScaleSet,
    plan: Plan,
    system: System | None,
    location: str | None,
    how: Options,
    arguments: Sequence[str],
) -> None:
    """Comments and commands that can be pasted into a shell."""
    if not plan.ask:
        echo("# no instance to collect on" + ("" if plan.left_out else ": no failure or hang is known"))
        _echo_gaps(scale_set, plan)
        return
    how = asking.allowed(how, scale_set)
    chosen = system_of(scale_set, plan, system)
    if how.script:
        script = str(how.script)
    elif how.output:
        script = str(asking.written(how.output, how, chosen, arguments))
    else:
        script = _echo_script(chosen, how, arguments)
    name = f"vmext-{secrets.token_hex(6)}"
    for choice in plan.ask:
        target = target_of(scale_set, choice.id, chosen, location)
        echo("")
        echo(f"# {choice.id}: {choice.role}" + (f": {choice.why}" if choice.why else ""))
        for command_line in _commands(target, name, script, how):
            echo(" ".join(map(_pasted, ["az", *command_line])))
    echo("")
    _echo_gaps(scale_set, plan)
    if not location and how.method == "managed":
        echo("# if the scale set is not in its resource group's region, add --location REGION to each create")
    echo("# vmext fleet collect --execute runs them, and makes one table of what comes back")


def _echo_gaps(scale_set: ScaleSet, plan: Plan) -> None:
    for choice in plan.left_out:
        echo(f"# {choice.id} left out: {choice.why}")
    for problem in (*scale_set.problems, *plan.problems):
        echo(f"# {problem}")


def _pasted(word: str) -> str:
    """For a POSIX shell; PowerShell takes a bare @ for something of its own, and no shell minds the quotes."""
    return f'"{word}"' if word.startswith("@") and shlex.quote(word) == word else shlex.quote(word)


def _echo_script(system: System, how: Options, arguments: Sequence[str]) -> str:
    from collector.fleet.ask.script import script_text

    name = "vmext-collect.ps1" if system == "windows" else "vmext-collect.sh"
    echo("# a shell script for here; where your shell is not one, --output DIR writes the script instead")
    for line in (f"cat > {name} <<'VMEXT'", *script_text(system, arguments, seconds(how)).splitlines(), "VMEXT"):
        echo(line)
    return name


def _commands(target: Target, name: str, script: str, how: Options) -> Iterator[list[str]]:
    from collector.fleet.ask import run_command

    if how.method == "invoke":
        yield run_command.invoke(target, script)
        return
    yield run_command.create(target, name, script, seconds(how), wait=True)
    yield run_command.show(target, name)
    yield run_command.delete(target, name)


def system_of(scale_set: ScaleSet, plan: Plan, told: System | None) -> System:
    """Raises ConfigError where nothing tells it."""
    asked = {choice.id for choice in plan.ask}
    seen = {instance.system for instance in scale_set.instances if instance.id in asked and instance.system}
    found = told or (seen.pop() if len(seen) == 1 else None)
    if found is None:
        raise ConfigError("the file does not tell whether it is Linux or Windows", "Give --os linux or --os windows.")
    return found


def target_of(scale_set: ScaleSet, instance: str, system: System, location: str | None) -> Target:
    from collector.fleet.ask.run_command import Target

    return Target(
        group=scale_set.resource_group or "",
        scale_set=scale_set.name or "",
        id=instance,
        system=system,
        flexible=scale_set.orchestration == "flexible",
        subscription=scale_set.subscription,
        location=location,
    )
