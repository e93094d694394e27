"""The page of all rules, made of the tables: `docs/rules.md`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields

from collector.data.messages import KINDS, Signature, messages
from collector.data.practices import practices
from collector.data.time_limits import TimeLimit, time_limits
from collector.diagnose import codes
from collector.diagnose.rules import AREAS, Rule, rules

_HEAD = """# Rules

Made of the tables in `collector/data` by `vmext rules list --format markdown > docs/rules.md`; a test fails where the
page and the tables differ. The tables' format is described in [knowledge.md](knowledge.md). `vmext rules show ID`
prints one rule, signature, practice, limit or code (`msi:1603`).

Whose a cause is: *script*, the user's script or settings; *extension*, its handler; *guest*, the operating system or
what runs in it; *network*; *platform*, Azure itself.
"""
_SOURCES = {"confirmed": "read in its source code", "documented": "documented", "reported": "reported in an issue",
            "convention": "common practice, weak evidence"}  # fmt: skip
#: What speaks for a rule, by its key.
_SPEAKS = {
    "causes": "signatures of",
    "codes": "the codes",
    "decisive": "the facts",
    "supporting": "beside something else",
    "possible": "beside something else",
    "forms": "a failure of the form",
}


def page() -> str:
    """The whole page, without the last line end."""
    parts = [_HEAD, *_rules(), *_practices(), *_limits(), *_codes(), *_signatures()]
    return "\n".join(parts).rstrip("\n")


def _rules() -> Iterator[str]:
    for area in AREAS:
        own = [rule for rule in rules() if rule.id.startswith(f"{area}-")]
        yield from (f"## {area.title()}", "") if own else ()
        for rule in own:
            yield from (f"### {rule.id}", "", *_rule(rule), "")


def _rule(rule: Rule) -> Iterator[str]:
    where = "" if rule.system == "any" else f" on {rule.system}"
    for_whom = "" if rule.extensions == ("*",) else f" of {_marked(rule.extensions)}"
    passes = ", may pass by itself" if rule.severity == "transient" else ""
    yield from (f"**{rule.title}** ({rule.owner}{passes}){where}{for_whom}", "")
    yield f"- Means: {rule.meaning}"
    yield f"- Remedy: {rule.remedy}"
    if rule.dont:
        yield f"- Don't {rule.dont}."
    yield f"- Healthy: {rule.healthy}"
    speaks = {field.name: getattr(rule, field.name) for field in fields(rule) if field.name in _SPEAKS}
    told = [f"{_SPEAKS[key]} {_marked(names)}" for key, names in speaks.items() if names]
    yield f"- Told by: {'; '.join(told)}"
    yield f"- Source: {_linked(rule.source)} ({_SOURCES[rule.confidence]})"


def _practices() -> Iterator[str]:
    rows = list(practices().values())
    seen = sum(row.checked == "instance" for row in rows)
    yield f"## Best practices\n\n{len(rows)} documented practices, {seen} of them checked on the instance.\n"
    yield from _table(
        ("id", "practice", "extension", "checked", "source"),
        ((f"`{row.id}`", row.title, row.extension, row.checked, _linked(row.source)) for row in rows),
    )


def _limits() -> Iterator[str]:
    yield f"## Time limits\n\n{len(time_limits())} limits; bold where an operation that takes longer counts as hung.\n"
    yield from _table(
        ("id", "whose", "what", "seconds", "when it passes", "source"),
        (
            (f"`{row.id}`", row.who, row.limits, _seconds(row), row.expiry or "-", _linked(row.source))
            for row in time_limits()
        ),
    )


def _seconds(row: TimeLimit) -> str:
    number = f"**{row.seconds}**" if row.hang == "yes" else row.seconds
    return f"{number} ({row.terms})" if row.terms and number else row.terms or number or "-"


def _codes() -> Iterator[str]:
    rows = {name: codes.table(name) for name in codes.TABLES}
    total = sum(map(len, rows.values()))
    yield f"## Codes\n\n{total} codes. `vmext explain CODE --extension NAME` says what one means.\n"
    counted = (
        (f"`{scope}`", *(str(count[kind] or "") for kind in codes.KINDS))
        for name in codes.TABLES
        for scope, count in _by_scope((row.scope, row.kind) for row in rows[name])
    )
    yield from _table(("scope", "exit codes", "told in messages", "status codes", "named errors"), counted)


def _signatures() -> Iterator[str]:
    rows: Sequence[Signature] = [row for name in KINDS for row in messages(name)]
    kinds = [kind for name in KINDS.values() for kind in name]
    yield f"## Signatures\n\n{len(rows)} patterns of messages, each with a line that it finds and one that it spares.\n"
    counted = (
        (f"`{scope}`", *(str(count[kind] or "") for kind in kinds))
        for scope, count in _by_scope((row.scope, row.kind) for row in rows)
    )
    yield from _table(("scope", "failures", "hangs", "harmless", "remarks"), counted)


def _by_scope(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, Counter[str]]]:
    found: dict[str, Counter[str]] = {}
    for scope, kind in pairs:
        found.setdefault(scope, Counter())[kind] += 1
    return sorted(found.items(), key=lambda item: item[0].lower())


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    yield from (f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows)
    yield ""


def _marked(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _linked(source: str) -> str:
    """Pages as they are, which become links by themselves; paths in repositories as code."""
    return "; ".join(part if part.startswith("http") else f"`{part}`" for part in source.split("; "))
