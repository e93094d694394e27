"""Bundles: the list, and what is in one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Security
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from collector.bundle.envelope import Envelope
from collector.bundle.reader import Bundle, open_received
from collector.endpoint.access.caller import Caller
from collector.endpoint.access.need import Reader
from collector.endpoint.answers import RefusalError
from collector.endpoint.api.drawn import timeline_told
from collector.endpoint.api.lists import link, nothing
from collector.endpoint.api.machine import Machine, machine_told
from collector.endpoint.api.parameters import BundleId, BundlesAsked, Paged
from collector.endpoint.api.problems import BEARER, problems
from collector.endpoint.api.shapes import Bundles, Events, Excerpts, Findings, Ledger, ReceivedBundle, Timeline
from collector.endpoint.parts import Parts
from collector.endpoint.reading.bundles import BundleEntry, bundle, bundles, count, findings_of, receipt
from collector.endpoint.reading.paging import closed, opened_number
from collector.endpoint.stores.streaming import streamed
from collector.errors import BundleError

T = TypeVar("T")

_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
}
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "It is what If-None-Match says"}}


def of_bundles(parts: Parts) -> APIRouter:
    router = APIRouter(prefix="/v1/bundles", tags=["bundles"], responses=problems(), dependencies=[Security(BEARER)])

    @router.get(
        "", operation_id="bundles", responses=problems(422) | {200: link("bundle", "bundle_id", "bundles/0/id")}
    )
    def listed(caller: Reader, asked: Annotated[BundlesAsked, Query()]) -> Bundles:
        """The last received first, with what the first finding of each says."""
        choice = asked.choice()
        with parts.database.reading() as connection:
            page = bundles(connection, caller.within, choice, limit=asked.limit, after=asked.after)
            total = count(connection, caller.within, choice)
        return Bundles(total=total, bundles=page.items, next=page.next)

    @router.get(
        "/{bundle_id}",
        operation_id="bundle",
        response_model=ReceivedBundle,
        responses=problems(404, 410, 422, 500) | _UNCHANGED,
    )
    def one(caller: Reader, bundle_id: BundleId, request: Request) -> Response:
        """Its receipt, its manifest and its findings; of an encrypted one its receipt and its envelope."""
        entry = _known(parts, caller, bundle_id)
        if _is_known(request, entry):
            return _answered(None, entry)
        first = {"receipt": receipt({"id": entry.id, "sha256": entry.sha256, "received": entry.received})}
        with _opened(parts, entry) as opened:
            if isinstance(opened, Envelope):
                return _answered(first | {"envelope": opened.document}, entry)
            return _answered(first | {"manifest": opened.manifest, **opened.findings_document}, entry)

    @router.get(
        "/{bundle_id}/bundle",
        operation_id="download",
        response_class=StreamingResponse,
        responses=problems(404, 410, 422) | _ZIP,
    )
    def download(caller: Reader, bundle_id: BundleId) -> Response:
        """As it was sent."""
        entry = _known(parts, caller, bundle_id)
        try:
            return streamed(parts.store, entry.sha256, f"{bundle_id}.zip")
        except FileNotFoundError as error:
            raise _gone(bundle_id) from error

    @router.get("/{bundle_id}/findings", operation_id="findings", responses=problems(404, 422))
    def told(caller: Reader, bundle_id: BundleId) -> Findings:
        """Each with the incident that it belongs to, and how many instances have that."""
        _known(parts, caller, bundle_id)
        with parts.database.reading() as connection:
            return Findings(findings=findings_of(connection, caller.within, bundle_id))

    _add_contents(router, parts)
    return router


def _add_contents(router: APIRouter, parts: Parts) -> None:
    refusals = problems(404, 409, 410, 422, 500) | _UNCHANGED

    def content_of(caller: Reader, bundle_id: BundleId, request: Request) -> _Content:
        return _Content(parts, request, _known(parts, caller, bundle_id))

    its_content = Depends(content_of)

    @router.get("/{bundle_id}/excerpts", operation_id="excerpts", response_model=Excerpts, responses=refusals)
    def excerpts(asked: Annotated[Paged, Query()], content: _Content = its_content) -> Response:
        """Lines around the failures, file by file; `limit` counts lines."""

        def told(page: Sequence[tuple[int, str, int, dict[str, Any]]]) -> list[dict[str, Any]]:
            return [
                {"path": path, "left_out": left_out, "lines": [line for *_, line in lines]}
                for (_, path, left_out), lines in groupby(page, key=lambda one: one[:3])
            ]

        return content.page("excerpts", asked, _lines, told)

    @router.get("/{bundle_id}/events", operation_id="events", response_model=Events, responses=refusals)
    def events(asked: Annotated[Paged, Query()], content: _Content = its_content) -> Response:
        """What was read in the incident window, record by record."""
        return content.page("events", asked, lambda opened: opened.events())

    @router.get("/{bundle_id}/ledger", operation_id="ledger", response_model=Ledger, responses=refusals)
    def ledger(asked: Annotated[Paged, Query()], content: _Content = its_content) -> Response:
        """What was looked at, and what was not, and why."""
        return content.page("entries", asked, lambda opened: opened.ledger_entries)

    @router.get("/{bundle_id}/timeline", operation_id="timeline", response_model=Timeline, responses=refusals)
    def steps(content: _Content = its_content) -> Response:
        """What became of each extension, step by step, and where the time went."""
        return content.answer(lambda opened: timeline_told(parts.timelines.of(opened, content.entry.sha256)))

    @router.get("/{bundle_id}/machine", operation_id="machine", response_model=Machine, responses=refusals)
    def machine(content: _Content = its_content) -> Response:
        """The machine while it was collected from, the practices, what was redacted, and the summary."""
        return content.answer(machine_told)


@dataclass(frozen=True, slots=True)
class _Content:
    """A bundle that is asked for what stands in it; opened only for who does not have the same already."""

    parts: Parts
    request: Request
    entry: BundleEntry

    def answer(self, told: Callable[[Bundle], dict[str, Any]]) -> Response:
        if _is_known(self.request, self.entry):
            return _answered(None, self.entry)
        with _plain(self.parts, self.entry) as opened:
            return _answered(told(opened), self.entry)

    def page(
        self,
        name: str,
        asked: Paged,
        rows: Callable[[Bundle], Iterable[T]],
        told: Callable[[list[T]], list[Any]] = list,
    ) -> Response:
        """Some of the rows, as `told` says them, under this name."""

        def one(opened: Bundle) -> dict[str, Any]:
            page, cursor = _page(rows(opened), asked)
            return {"schema": 1, name: told(page), "next": cursor}

        return self.answer(one)


def _known(parts: Parts, caller: Caller, bundle_id: str) -> BundleEntry:
    with parts.database.reading() as connection:
        entry = bundle(connection, caller.within, bundle_id)
    if entry is None:
        raise nothing("bundle", bundle_id)
    return entry


@contextmanager
def _opened(parts: Parts, entry: BundleEntry) -> Iterator[Bundle | Envelope]:
    """The stored bundle, as long as it is used: its members are read when they are asked for."""
    try:
        with parts.store.opened(entry.sha256) as file:
            yield open_received(file, parts.limits)
    except FileNotFoundError as error:
        raise _gone(entry.id) from error
    except BundleError as error:
        raise RefusalError(500, f"the stored bundle is damaged: {error}", "Collect again on the instance.") from error
    except OSError as error:
        raise RefusalError(503, f"the store does not answer: {error.strerror}", "Try again later.") from error


@contextmanager
def _plain(parts: Parts, entry: BundleEntry) -> Iterator[Bundle]:
    with _opened(parts, entry) as opened:
        if isinstance(opened, Envelope):
            hint = "Download it, and open it with your key: vmext show --identity FILE."
            raise RefusalError(409, "the bundle is encrypted", hint)
        yield opened


def _lines(opened: Bundle) -> Iterator[tuple[int, str, int, dict[str, Any]]]:
    for number, excerpt in enumerate(opened.excerpts):
        for line in excerpt.lines:
            told = {"number": line.number, "text": line.text}
            told |= {"failing": line.number in excerpt.failing, "cut": line.cut}
            yield number, excerpt.path, excerpt.left_out, told


def _page(rows: Iterable[T], asked: Paged) -> tuple[list[T], str | None]:
    """The rows behind as many as the cursor tells."""
    start = max(opened_number(asked.after) or 0, 0)
    page = list(islice(rows, start, start + asked.limit + 1))
    return page[: asked.limit], closed([start + asked.limit]) if len(page) > asked.limit else None


def _is_known(request: Request, entry: BundleEntry) -> bool:
    """What a bundle says never changes."""
    told = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return _etag(entry) in told


def _etag(entry: BundleEntry) -> str:
    return f'"{entry.sha256}"'


def _answered(body: dict[str, Any] | None, entry: BundleEntry) -> Response:
    headers = {"ETag": _etag(entry), "Cache-Control": "private, no-cache"}
    return Response(status_code=304, headers=headers) if body is None else JSONResponse(body, headers=headers)


def _gone(bundle_id: str) -> RefusalError:
    return RefusalError(410, f"the bundle {bundle_id} is in the index, and no longer in the store")
