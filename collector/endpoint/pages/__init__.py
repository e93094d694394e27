"""The pages that support staff read, as templates without script."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from collector.bundle import checks, words
from collector.bundle.envelope import Envelope
from collector.bundle.reader import Bundle
from collector.diagnose.rules import Rule, rules
from collector.model import Failure, Window, iso, order

_VERDICTS = {"failed": "Failed", "hanging": "Hanging", "healthy": "Healthy", "nothing-found": "Nothing found"}
_OWNERS = ("script", "extension", "guest", "network", "platform", "unknown")
_CONFIDENCE = {"high": "sure", "medium": "probably", "low": "perhaps"}


class Pages:
    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        filters: dict[str, Callable[..., str]] = {
            "short": lambda extension: words.short(extension) if extension else "",
            "code": lambda number: "" if number is None else words.code(number),
            "size": words.size,
            "when": _when,
            "period": _period,
        }
        self._templates.filters |= filters
        self._templates.globals |= {
            "verdicts": _VERDICTS,
            "owners": _OWNERS,
            "owner_words": words.OWNERS,
            "confidence": _CONFIDENCE,
        }

    def login(self, target: str, *, wrong: bool = False) -> HTMLResponse:
        return self._page("login.html", 401 if wrong else 200, target=target, wrong=wrong)

    def show(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page as the answer to a request, for whoever sent it."""
        values = {"here": "", "person": request.scope.get("caller"), **values}
        return self._page(template, status, **values)

    def error(self, message: str, status: int) -> HTMLResponse:
        return self._page("error.html", status, message=message)

    def stores(self, places: Sequence[object]) -> HTMLResponse:
        return self._page("stores.html", places=places)

    def bundles(
        self,
        rows: Sequence[Mapping[str, Any]],
        query: Mapping[str, str],
        *,
        total: int,
        offset: int,
        page: int,
    ) -> HTMLResponse:
        def link(**changes: Any) -> str:
            merged = {
                **{k: v for k, v in query.items() if k != "offset"},
                **{k: v for k, v in changes.items() if v},
            }
            return "/?" + urlencode(merged) if merged else "/"

        rows = [{**row, "what": row["title"] or _title(row["rule"])} for row in rows]
        return self._page("bundles.html", rows=rows, query=query, total=total, offset=offset, page=page, link=link)

    def received(self, bundle: Bundle | Envelope, receipt: Mapping[str, str]) -> HTMLResponse:
        """The page of a bundle; of an encrypted one what its envelope tells, and how to read the rest."""
        if isinstance(bundle, Bundle):
            return self.bundle(bundle, receipt)
        named = [{"document": finding, "rule": _rules().get(finding["id"])} for finding in bundle.findings]
        return self._page(
            "encrypted.html",
            bundle=bundle,
            receipt=receipt,
            findings=named,
            headline=_headline(bundle),
            identity=bundle.identity,
            where=words.where(bundle.identity, whole=False),
            window=bundle.window,
        )

    def bundle(self, bundle: Bundle, receipt: Mapping[str, str]) -> HTMLResponse:
        failures = bundle.failures
        findings = [
            {
                "document": document,
                "timeline": _timeline(failures[number]) if number < len(failures) else [],
                "seen": _seen(document),
                "others": (document.get("causes") or [])[1:],
            }
            for number, document in enumerate(bundle.findings)
        ]
        system = bundle.identity.system
        return self._page(
            "bundle.html",
            bundle=bundle,
            receipt=receipt,
            findings=findings,
            identity=bundle.identity,
            ids=words.ids(bundle.identity),
            where=words.where(bundle.identity),
            native=lambda path: words.native(path, system),
            gaps=words.gaps(bundle.ledger, system),
            excerpts=sorted(bundle.excerpts, key=lambda excerpt: (not excerpt.failing, excerpt.path)),
            kept={entry.path for entry in bundle.ledger if entry.note.startswith(words.KEPT)},
            window=bundle.window,
            why=words.trigger(bundle.trigger),
            checks=checks.violated(bundle.practices),
            checks_told=checks.counted(bundle.practices),
            headline=bundle.summary.split("\n", 1)[0].removeprefix("VMEXT "),
            iso=iso,
        )

    def _page(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:
        return HTMLResponse(self._templates.get_template(name).render(**values), status)


@cache
def _rules() -> Mapping[str, Rule]:
    return {rule.id: rule for rule in rules()}


def _title(rule: str | None) -> str:
    """Of an encrypted bundle only the rule's id is told; what is known under it here may be of another version."""
    known = _rules().get(rule or "")
    return known.title if known else rule or ""


def _headline(envelope: Envelope) -> str:
    """What the summary's first line would say, as far as the envelope tells it."""
    if not envelope.findings:
        return "No failure and no hang found in the window"
    first = envelope.findings[0]
    code = "" if first["exit_code"] is None else f" exit {words.code(first['exit_code'])}"
    more = len(envelope.findings) - 1
    told = f"{words.short(first['extension'])}{code}: {_title(first['id'])}"
    return f"{told} (and {words.plural(more, 'more finding')})" if more else told


def _seen(finding: Mapping[str, Any]) -> list[str]:
    """What the machine showed that speaks for the likeliest cause: disks, memory, locks, processes."""
    causes = finding.get("causes") or [{}]
    return list(dict.fromkeys(one["text"] for one in causes[0].get("evidence") or [] if one.get("role") == "fact"))


def _timeline(failure: Failure) -> list[dict[str, Any]]:
    """The lines that tell of a failure in the order of time, with when the hang began."""
    rows = [
        {
            "time": evidence.time,
            "path": evidence.path,
            "line": evidence.line,
            "text": evidence.text,
            "role": evidence.role,
        }
        for evidence in failure.evidence
        if evidence.time is not None
    ]
    if failure.hang_since is not None:
        rows.append(
            {
                "time": failure.hang_since,
                "path": "",
                "line": 0,
                "text": "the operation began and did not end",
                "role": "start",
            }
        )
    return sorted(rows, key=lambda row: order(row["time"]))


def _period(window: Window) -> str:
    """The time frame that was read; one without an end goes as far as there was anything to read."""
    if window.start is None and window.end is None:
        return "everything that was there"
    if window.end is None:
        return f"{_when(window.start)} until it was collected"
    return f"{_when(window.start)} to {_when(window.end)}" if window.start else f"everything until {_when(window.end)}"


def _when(value: Any) -> str:
    """A moment for people; a local one is marked as such."""
    text = value if isinstance(value, str) else iso(value) or ""
    text = re.sub(r"\.\d+", "", text.replace("T", " ", 1))
    if not text:
        return "not told"
    return text if text.endswith("Z") else f"{text} local time, zone unknown"
