"""``vmext fleet pull``: the core of an instance's bundle, through Run Command alone."""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from collector.bundle import words
from collector.cli.fleet import asking, options
from collector.cli.fleet.options import Options
from collector.cli.fleet.printing import target_of
from collector.cli.printing import tell
from collector.cli.terminal import echo
from collector.errors import PARTLY_ASKED, BundleError, ConfigError

if TYPE_CHECKING:
    from collector.fleet.ask.az import Az
    from collector.fleet.ask.outcome import Outcome
    from collector.fleet.ask.pulling import Pulling
    from collector.fleet.ask.pulling_files import PartFiles
    from collector.fleet.ask.run_command import Target

EXIT_CODES = """\b
Exit codes:
   0  the core is here, and every hash holds
   2  usage error; no az, az not logged in, no such scale set
   3  internal error
  21  not all parts came; the same command goes on with those that did
 130  stopped by Ctrl-C; the same"""


@click.command(epilog=EXIT_CODES)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("-g", "--resource-group", "group", metavar="RG", help="Resource group, where no FILE tells it.")
@click.option("-n", "--name", metavar="SET", help="The scale set, where no FILE tells it.")
@click.option("--subscription", metavar="ID", help="Another one than az uses now.")
@click.option("--os", "system", type=click.Choice(["linux", "windows"]), help="Where the scale set does not tell it.")
@click.option("--instance", metavar="N", required=True, help="The instance: its number; in a flexible set its name.")
@click.option("--bundle", "bundle_id", metavar="ID", help="Of this bundle, instead of the newest that waits there.")
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", default=Path(), help="Put it there."
)
@click.option("--method", type=click.Choice(["managed", "invoke"]), default="managed", show_default=True,
              help="As fleet collect --method.")  # fmt: skip
@click.option("--timeout", metavar="LENGTH", default="2m", show_default=True, help="For one part.")
@click.option("--pace", type=click.FloatRange(0.0, 10.0), default=1.0, hidden=True)
@click.pass_context
def command(
    ctx: click.Context,
    file: Path | None,
    group: str | None,
    name: str | None,
    subscription: str | None,
    system: Literal["linux", "windows"] | None,
    instance: str,
    bundle_id: str | None,
    output: Path,
    method: Literal["managed", "invoke"],
    timeout: str,
    pace: float,
) -> None:
    """Fetch the core of a bundle from an instance that has no way out of its network, by repeated Run Commands.

    The core is a bundle of at most 24 KB with findings, failures and the failing lines that fit; it comes in up to 9
    parts, of which each is one Run Command. A part that is lost or damaged is asked for again; a pull that was stopped
    goes on with the parts that came. Nothing is collected: run vmext fleet collect before. FILE, an output of az vmss
    list-instances, tells the names that -g and -n do not.
    """
    from collector.fleet.ask.az import Az

    how = _options(method, timeout, output, pace)
    options.seconds(how)
    if bundle_id and not (len(bundle_id) == 16 and set(bundle_id) <= set("0123456789abcdef")):
        raise ConfigError(f"--bundle: {bundle_id!r} is no bundle's id", "An id has 16 hexadecimal digits.")
    if subscription:
        options.checked("--subscription", subscription)
    options.checked("--instance", instance)
    group, name, subscription = _named(file, group, name, subscription)
    az = Az()
    target, how = _target(az, how, group, name, subscription, system, instance)
    ctx.exit(_Pull(az, how, target, output).run(bundle_id))


def _options(method: Literal["managed", "invoke"], timeout: str, output: Path, pace: float) -> Options:
    """As `fleet collect` has them, one instance at a time."""
    return Options(
        method=method, parallel=1, timeout=timeout, script=None, extensions=(), since=None, until=None, around=None,
        margin=None, upload=None, no_upload=False, output=output, pace=pace,
    )  # fmt: skip


def _named(
    file: Path | None, group: str | None, name: str | None, subscription: str | None
) -> tuple[str, str, str | None]:
    """Group, set and subscription, of the options or of the file. Raises ConfigError where neither tells them."""
    if file is not None:
        from collector.fleet.reading import read_scale_set

        try:
            found = read_scale_set(asking.text_of(file), name=name, group=group)
        except ConfigError as error:
            raise ConfigError(f"{asking.place_of(file)}: {error}", error.hint) from error
        group, name, subscription = found.resource_group, found.name, subscription or found.subscription
    if not group or not name:
        missing = " and ".join(option for option, value in (("-g", group), ("-n", name)) if not value)
        raise ConfigError("nothing tells which scale set it is", f"Give {missing}.")
    return options.checked("-g", group), options.checked("-n", name), subscription


def _target(
    az: Az,
    how: Options,
    group: str,
    name: str,
    subscription: str | None,
    system: Literal["linux", "windows"] | None,
    instance: str,
) -> tuple[Target, Options]:
    """Whom to ask, and how: nothing is created on what AKS manages."""
    from collector.fleet.ask.listing import facts_of
    from collector.fleet.ask.set_facts import with_facts
    from collector.fleet.scale_set import ScaleSet

    facts = facts_of(az, group, name, subscription)
    scale_set = with_facts(ScaleSet(name, group, subscription), facts)
    chosen = system or facts.system
    if chosen is None:
        raise ConfigError("the scale set does not tell whether it is Linux or Windows", "Give --os linux or windows.")
    return target_of(scale_set, instance, chosen, facts.location), asking.allowed(how, scale_set)


# ---- pulling -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Pull:
    """One instance, part by part."""

    az: Az
    how: Options
    target: Target
    folder: Path

    def run(self, wanted: str | None) -> int:
        """The exit code. What came is kept until it is a bundle."""
        from collector.fleet.ask.pulling import resumed
        from collector.fleet.ask.pulling_files import PartFiles

        files = PartFiles(self.folder, self.target.scale_set, self.target.id)
        pulling = resumed(files.parts(), wanted)
        if pulling.core:
            told = f"{len(pulling.parts)} of {pulling.total} parts of the core of bundle {pulling.core.bundle} are here"
            tell(f"{told} already; for the newest bundle remove {self.folder / '.pull-*.txt'}")
        while not pulling.done and not pulling.given_up:
            pulling = self._next(pulling, files)
        if not pulling.done:
            left = ", ".join(map(str, pulling.missing))
            tell(f"instance {self.target.id}: part {left} did not come; the same command goes on with those that did")
            return PARTLY_ASKED
        return self._joined(pulling, files)

    def _next(self, pulling: Pulling, files: PartFiles) -> Pulling:
        from collector.fleet.ask.pulling import TRIES, after
        from collector.redact.redactor import Redactor

        outcome = self._asked(pulling)
        found = after(pulling, outcome.out, outcome.err)
        redactor = Redactor(secrets.token_bytes(32))  # a note may quote a line of what a script wrote
        for note in found.notes:
            tell(f"instance {self.target.id}: {redactor.text(note)}")
        if found.lost > pulling.lost and not found.notes:
            remedy = f" {outcome.remedy}" if outcome.remedy else ""
            tell(
                f"instance {self.target.id}: part {pulling.missing[0]}: "
                f"{redactor.text(outcome.problem) or 'nothing came'}.{remedy}"
            )
        if outcome.left:
            tell(f"left behind on {self.target.id}; delete with: {outcome.left}")
        if found.core != pulling.core:
            files.remove()
        for part in found.parts:
            if part not in pulling.parts:
                files.save(part, outcome.out)
                tell(f"part {part.number} of {part.total} of the core of bundle {part.core.bundle}")
        hopeless = outcome.run in ("refused", "az failed") and found.lost
        return replace(found, lost=TRIES) if hopeless else found

    def _asked(self, pulling: Pulling) -> Outcome:
        """One run on the instance. Ctrl-C ends here, after what was created is deleted."""
        from collector.fleet.ask.plan import Choice
        from collector.fleet.ask.running import Ask, Asking

        with tempfile.TemporaryDirectory(prefix="vmext-") as folder:
            script = asking.written(Path(folder), self.how, self.target.system, pulling.arguments())
            name = f"vmext-{secrets.token_hex(6)}"
            ask = Ask(self.how.method, str(script), options.seconds(self.how), name, 1, self.how.pace)
            running = Asking(self.az, ask, asking.stopping)
            outcome = next(iter(list(running.outcomes([(Choice(self.target.id, "asked for"), self.target)]))))
        if running.interrupted:
            if outcome.left:
                tell(f"left behind on {self.target.id}; delete with: {outcome.left}")
            raise click.Abort
        return outcome

    def _joined(self, pulling: Pulling, files: PartFiles) -> int:
        from collector.fleet.ask.pulling_files import store

        try:
            data = pulling.join()
            path, bundle = store(self.folder, data)
        except BundleError as error:
            files.remove()
            raise ConfigError(f"instance {self.target.id}: {error}", "Pull again: the parts were removed.") from error
        files.remove()
        of = pulling.core.bundle if pulling.core else ""
        echo(bundle.summary.split("\n", 1)[0])
        echo(f"core {bundle.id} of bundle {of} of instance {self.target.id}: {words.size(len(data))} in "
             f"{words.plural(len(pulling.parts), 'part')}, every hash holds")  # fmt: skip
        echo(f"vmext show {path}")
        return 0
