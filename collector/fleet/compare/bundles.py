"""Finds bundles and takes from each, one at a time, the little that is needed to compare it with many others."""

from __future__ import annotations

import glob
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector.bundle import words
from collector.bundle.codec import load, moment
from collector.bundle.documents import states_from
from collector.bundle.reader import Bundle, glance
from collector.errors import BundleError
from collector.fleet.compare.grouping import Instance, Told
from collector.fleet.compare.masking import masked
from collector.fleet.compare.traits import measures, traits
from collector.model import Cause, Identity, LedgerEntry, SystemFacts

if TYPE_CHECKING:
    from collector.bundle.encryption import Identities

#: Longer texts are not compared beyond this, in characters.
_LONGEST = 1_000
#: So many different error lines of one bundle are compared.
_MOST_LINES = 200
#: So many lines of its findings are known as such.
_MOST_QUOTED = 60
#: Words of lines that look like errors, in lower case. A pattern that ignores case would take many times as long.
_ERROR_WORDS = (
    "error", "fail", "fatal", "denied", "refused", "timed out", "timeout", "time-out", "cannot", "can not", "can't",
    "could not", "unable", "not found", "no space", "exception", "killed", "out of memory", "waiting for", "traceback",
    "unreachable", "corrupt",
)  # fmt: skip
#: A record of the level WARNING or above, as it stands in a line of JSON (OpenTelemetry's numbers).
_SEVERE = re.compile(r'"SeverityNumber": ?(?:1[3-9]|2\d)\b')
#: Where settings lie: Publisher.Type, the configuration's own name, the sequence number.
_SETTINGS = re.compile(r"(?i)/([\w.]+?)[-/]\d[\d.]*/(?:config|runtimesettings)/(?:(.+)\.)?(\d+)\.settings$")


def find(arguments: Iterable[str]) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The bundles that files, folders (with all below them) and patterns name, each once, and what names none."""
    found: dict[Path, None] = {}
    problems: list[str] = []
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            paths = sorted(one for one in path.rglob("*.zip") if one.is_file())
            problems += [] if paths else [f"{argument}: no *.zip in this folder"]
        elif path.exists():
            paths = [path]
        else:
            # what the shell left as it is: there, and on Windows, patterns are the program's matter
            named = (Path(one) for one in glob.glob(argument, recursive=True))  # noqa: PTH207 - absolute ones too
            paths = sorted(one for one in named if one.is_file())
            problems += [] if paths else [f"{argument}: there is no such file"]
        found.update(dict.fromkeys(paths))
    return tuple(found), tuple(problems)


def read(path: Path, identities: Identities | None = None) -> Instance:
    """What a bundle tells of its instance; `identities` for one that is encrypted.

    Raises BundleError for what is wrong with a member that is needed.

    Members that are not needed (report, summary, most excerpts) are not read, and so not checked either: `glance`.
    """
    return told_of(glance(path, identities=identities), str(path))


def told_of(bundle: Bundle, place: str) -> Instance:
    """The same of an open bundle; `place`: where it lies."""
    identity, facts = bundle.identity, bundle.facts
    names = own_names(identity)
    outputs, settings = _of_ledger(bundle)
    told = tuple(_told(finding, names) for finding in bundle.findings if finding["kind"] != "warning")
    lines, cut = _error_lines(bundle, facts, outputs, names)
    return Instance(
        key=_key(bundle, identity),
        name=identity.instance_name or identity.computer_name or identity.instance_id or f"bundle {bundle.id}",
        id=identity.instance_id,
        scale_set=identity.scale_set,
        system=identity.system,
        bundle=bundle.id,
        place=place,
        created=bundle.created,
        verdict=bundle.verdict,
        told=told,
        extensions=_extensions(bundle, told),
        traits={**traits(identity, facts, bundle.practices), **settings},
        measures=measures(facts),
        lines=lines,
        lines_cut=cut,
    )


def own_names(identity: Identity) -> frozenset[str]:
    """How the instance is called in its own logs."""
    return frozenset(filter(None, (identity.instance_name, identity.computer_name)))


def _key(bundle: Bundle, identity: Identity) -> str:
    """The same for every bundle of an instance; where nothing tells the instance, each is one of its own."""
    if identity.vm_id or identity.resource_id:
        return str(identity.vm_id or identity.resource_id).casefold()
    name = identity.instance_name or identity.computer_name
    return "/".join((identity.resource_group or "", identity.scale_set or "", name)) if name else bundle.id


# ---- failures ------------------------------------------------------------------------------------------


def _told(finding: dict[str, Any], names: frozenset[str]) -> Told:
    message = " ".join(finding["message"][:_LONGEST].split())
    time = finding.get("hang_since") or finding["first_time"]
    line = next(iter(finding["sources"]), None) or {"path": "", "line": 0}
    return Told(
        kind=finding["kind"],
        extension=finding["extension"],
        operation=finding["operation"],
        exit_code=finding["exit_code"],
        masked=masked(message, names),
        message=message,
        time=moment(time) if time else None,
        causes=_causes(finding),
        name=finding["name"],
        version=finding["version"],
        caused_by=finding.get("caused_by"),
        path=line["path"],
        line=line["line"],
    )


def _causes(finding: dict[str, Any]) -> tuple[Cause, ...]:
    """Every explanation, without its evidence; bundles of the first versions have the finding's own only."""
    rows = finding.get("causes") or [finding]
    bare = ({**row, "title": row.get("title") or row["id"], "evidence": []} for row in rows)
    return tuple(load(Cause, row, "findings.json causes") for row in bare)


def _extensions(bundle: Bundle, told: Iterable[Told]) -> dict[str, str]:
    """The versions of all extensions of which the bundle knows one."""
    states = states_from(bundle.failures_document)
    pairs = [*((one.extension, one.version) for one in states), *((one.extension, one.version) for one in told)]
    return {words.short(extension): version for extension, version in pairs if version}


# ---- settings and lines ---------------------------------------------------------------------------------


def _of_ledger(bundle: Bundle) -> tuple[frozenset[str], dict[str, str]]:
    """The paths of scripts' outputs, and of each extension's newest settings the digits that tell them apart."""
    outputs: set[str] = set()
    newest: dict[str, tuple[int, str]] = {}
    for number, row in enumerate(bundle.ledger_entries):
        if not isinstance(row, dict) or row.get("kind") not in ("output", "settings"):
            continue
        entry = load(LedgerEntry, row, f"ledger.json entries[{number}]")
        place = _SETTINGS.search(entry.path)
        if entry.kind == "output":
            outputs.add(entry.path)
        elif place and entry.settings_hash:
            what = f"{words.label(place[1], place[2])} settings hash"
            newest[what] = max(newest.get(what, (-1, "")), (int(place[3]), entry.settings_hash))
    return frozenset(outputs), {what: told for what, (_, told) in newest.items()}


def _error_lines(
    bundle: Bundle, facts: SystemFacts, outputs: frozenset[str], names: frozenset[str]
) -> tuple[frozenset[str], bool]:
    """Masked lines that look like errors, and whether there were more: of logs, script outputs and the system.

    Those that the findings quote are told with these.
    """
    texts = (row["text"][:_LONGEST] for finding in bundle.findings for row in finding.get("evidence", ()))
    quoted = "\n".join(itertools.islice(texts, _MOST_QUOTED))
    raw: dict[str, None] = {}
    for text in _candidates(bundle, facts, outputs):
        text = text[:_LONGEST]
        if text not in quoted:
            raw.setdefault(text)
        if len(raw) > _MOST_LINES:
            break
    return frozenset(masked(text, names) for text in list(raw)[:_MOST_LINES]), len(raw) > _MOST_LINES


def _candidates(bundle: Bundle, facts: SystemFacts, outputs: frozenset[str]) -> Iterator[str]:
    for event in facts.events:
        yield f"{event.kind}: {event.text}"
    for line in bundle.text("events.jsonl").split("\n"):
        severe = bool(_SEVERE.search(line))
        if severe or _looks_wrong(line):
            yield from _of_event(line, severe)
    for member in bundle.manifest["members"]:
        source = member.get("source")
        if isinstance(source, str) and source in outputs:
            yield from (line.text for line in bundle.excerpt(member["name"]).lines if _looks_wrong(line.text))


def _looks_wrong(text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in _ERROR_WORDS)


def _of_event(line: str, severe: bool) -> Iterator[str]:
    """The lines of a record's message that look like errors; its first one anyhow where its level says so."""
    try:
        body = json.loads(line)["Body"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleError(f"events.jsonl has a line that is no record: {error}") from error
    for number, text in enumerate(str(body).split("\n")):
        if text.strip() and ((severe and number == 0) or _looks_wrong(text)):
            yield text
